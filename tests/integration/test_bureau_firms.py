"""The 300 invented firms of a bureau's trial, of which the measure's design states what it found."""

from __future__ import annotations

from pathlib import Path

import ibis
import pandas as pd
import pytest

from fusion import engine
from fusion.adapters import panel
from fusion.integration import firms, region, relatedness
from workbook import paths

FOLDER = paths.ROOT.parent / "shared" / "cases" / "bureau"
pytestmark = pytest.mark.skipif(not FOLDER.is_dir(), reason="../shared/cases/bureau is not present")
HOW = {
    "contract": "enterprise",
    "rename": {},
    "money_unit": None,
    "encoding": "auto",
    "sheet": None,
    "extra_columns": {},
    "editions": {},
}


@pytest.fixture(scope="module")
def returns() -> ibis.Table:
    """Annual returns of 2020 and 2021 with their establishments, by the trial's own adapter."""
    names = ("605-1_2020.csv", "605-1_2021.csv", "611表_2020.csv", "611表_2021.csv")
    files = [str(FOLDER / "data" / name) for name in names]
    con = engine.opened(FOLDER, FOLDER / "data")
    read = panel.read(con, files, str(FOLDER / "adapter.yaml"), Path(FOLDER), **HOW)
    return ibis.duckdb.connect().create_table("panel", read.raw.table.to_pandas())


@pytest.fixture(scope="module")
def districts(returns: ibis.Table) -> pd.DataFrame:
    made = relatedness.relatedness(relatedness.Choices(alpha=0.0))
    found = region.pooled(returns, made, firms.Settings(), "district", 2021)
    query = """SELECT region, sum(volume) AS volume FROM _scored JOIN _region USING (firm_id, year)
        WHERE year = 2021 AND services IS NOT NULL GROUP BY region"""
    return found.merge(returns.get_backend().raw_sql(query).df(), on="region")  # type: ignore[attr-defined]


def test_services_firms_alone_stand_at_zero(returns: ibis.Table) -> None:
    made = relatedness.relatedness(relatedness.Choices(alpha=0.0))
    found = firms.integration(returns, made).to_pandas().query("year == 2021")
    codes = returns.to_pandas().query("year == 2021").set_index("firm_id")["ind4"]
    serves = ~found["firm_id"].map(codes).str.removeprefix("C").str[:2].between("13", "42")
    assert serves.sum() == 80 and len(found) == 300
    assert (found.loc[serves, "low"] == 0).all() and found.loc[serves, "point"].fillna(0).max() < 0.5
    assert found.loc[~serves, "point"].notna().sum() == 220


def test_what_firms_pair_and_what_districts_could(districts: pd.DataFrame) -> None:
    """The design states F .195, H .446 and a least B of .007; levels of relatedness were set anew since (within .02)."""
    whole = districts["volume"].sum()
    assert len(districts) == 16 and districts["units"].sum() == 300
    within, pooled = ((districts[c] * districts["volume"]).sum() / whole for c in ("within", "pooled"))
    assert within == pytest.approx(19.5, abs=0.5)
    assert pooled == pytest.approx(44.6, abs=2.5)
    assert 0 <= districts["between"].min() < 1
    assert (districts["pooled"] <= 100).all(), "nobody pairs more than there is"
