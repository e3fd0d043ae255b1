"""Firms made by hand, measured by the engine with the prior alone (r = P)."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest
from handmade import PRIOR, Measure, panel

from fusion.integration import firms, relatedness


@pytest.fixture(scope="session")
def prior() -> relatedness.Relatedness:
    return relatedness.relatedness(PRIOR)


@pytest.fixture
def measure(prior: relatedness.Relatedness) -> Measure:
    def found(*rows: dict[str, Any], **settings: float) -> pd.DataFrame:
        table = firms.integration(panel(*rows), prior, firms.Settings(**settings))
        return table.to_pandas().set_index("firm_id")

    return found
