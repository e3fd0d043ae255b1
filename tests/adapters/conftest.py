"""A small synthetic panel, and a reader of files by an adapter."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from fusion import engine
from fusion.adapters import model, panel
from fusion.panel import synthetic

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture(scope="session")
def made() -> pd.DataFrame:
    """Some hundred firm-years of the generator, without its typing errors."""
    panel = synthetic.generate(synthetic.Settings(firms=120), 7)[0]
    return panel[panel["year"].between(2014, 2018)].reset_index(drop=True)


@pytest.fixture
def read() -> Callable[..., panel.Source]:
    """Read files by a built-in adapter, some of its keys replaced."""

    def reader(
        files: list[Path], adapter: str, change: dict[str, Any] | None = None, **chosen: Any
    ) -> panel.Source:
        used = model.load(adapter)
        if change:
            used = model.validate({**used.model_dump(exclude_unset=True), **change}, adapter)
        return panel.convert(
            engine.opened(*{file.parent for file in files}), files, used, panel.choices(**chosen)
        )

    return reader
