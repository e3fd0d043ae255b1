"""A small panel that keeps every rule of the contract, for tests to break one cell at a time."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import ibis
import numpy as np
import pandas as pd
import pytest

from fusion.panel import contract, readers


@pytest.fixture(scope="session")
def con() -> Any:
    return ibis.duckdb.connect()


def good_panel(firms: int = 6, first: int = 2015, last: int = 2018) -> pd.DataFrame:
    """All required columns; amounts in 万元; 2011 codes to 2016 and 2017 codes after."""
    years = range(first, last + 1)
    n = firms * len(years)
    frame = pd.DataFrame(index=range(n))
    frame["firm_id"] = np.repeat([f"F{i:03d}" for i in range(firms)], len(years))
    frame["year"] = np.tile(list(years), firms)
    frame["ind4"] = "3562"
    frame["class_version"] = np.where(frame["year"] >= 2017, "2017", "2011")
    frame["district"], frame["reg_type"], frame["control_type"] = "310104", "159", "private"
    frame["est_year"], frame["status"], frame["employees_avg"] = 2001, "active", 120.0
    money = [c.column for c in contract.contract() if c.required == "required" and c.unit == contract.MONEY]
    for i, name in enumerate(money):
        frame[name] = 100.0 + i + np.arange(n)
    frame["operating_revenue"] = frame["gross_output"] = 5000.0 + np.arange(n)
    frame["total_assets"], frame["value_added"] = 9000.0, 1500.0
    return frame


@pytest.fixture
def good() -> pd.DataFrame:
    return good_panel()


@pytest.fixture
def minimal(con: Any, tmp_path: Path) -> Callable[..., readers.Raw]:
    """Write text (or bytes) to a CSV and read it under the minimal contract, with ``x`` a number and ``code`` text."""

    def read(content: str | bytes, **choices: Any) -> readers.Raw:
        file = tmp_path / "panel.csv"
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
        words = {"label_en": "a label", "label_zh": "标签"}
        declared = {"x": {**words, "type": "float"}, "code": {**words, "type": "str"}}
        asked: dict[str, Any] = {"root": tmp_path, "contract": "minimal", "extra_columns": declared}
        return readers.read(con, "panel.csv", **{**asked, **choices})

    return read


@pytest.fixture
def many() -> pd.DataFrame:
    return good_panel(firms=2000)
