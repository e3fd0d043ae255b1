"""Slips of unit beyond money, by hand."""

from __future__ import annotations

import ibis
import numpy as np
import pandas as pd
import pytest

from fusion.editing import counts
from fusion.panel.contract import contract
from fusion.panel.readers import Raw

YEARS = range(2016, 2022)
CELLS = ["employees_avg", "cnc_rate", "energy_tce", "operating_revenue"]


def made(units: int = 60) -> pd.DataFrame:
    """Sixty calm units over six years, persons, per cent, tons and revenue."""
    rng = np.random.default_rng(9)
    lines = []
    for unit in range(units):
        staff, rate, energy = np.exp(rng.normal(5, 0.8)), rng.uniform(20, 80), np.exp(rng.normal(6, 0.8))
        for year in YEARS:
            noise = np.exp(rng.normal(0, 0.06, 4))
            now = (staff * noise[0], min(rate * noise[1], 100), energy * noise[2], 90 * staff * noise[3])
            lines.append((f"U{unit:03d}", year, *now))
    frame = pd.DataFrame(lines, columns=["firm_id", "year", *CELLS])
    frame.insert(0, "source_row", range(1, len(frame) + 1))
    return frame


def raw(frame: pd.DataFrame) -> Raw:
    table = ibis.duckdb.connect().create_table("returns", frame)
    known = {c.column: c for c in contract()}
    quality = pd.DataFrame(columns=["rule", "severity", "row", "field", "value", "message_en", "message_zh"])
    return Raw(table, quality, {c: known[c] for c in frame if c != "source_row"}, "made", len(frame))


@pytest.mark.parametrize(
    ("item", "k"),
    [("employees_avg", -4), ("employees_avg", 4), ("cnc_rate", -2), ("energy_tce", 3), ("energy_tce", -4)],
)
@pytest.mark.parametrize("year", [2016, 2018, 2021])
def test_the_year_that_is_wrong_is_named_with_its_power(item: str, k: int, year: int) -> None:
    frame = made()
    at = (frame["firm_id"] == "U007") & (frame["year"] == year)
    right = frame.loc[at, item].iloc[0]
    frame.loc[at, item] = right * 10.0**k
    found = counts.find(raw(frame).table)
    assert found[["unit", "year", "item", "factor"]].to_numpy().tolist() == [["U007", year, item, k]]
    assert found["suggested"].iloc[0] == pytest.approx(right)


def test_half_the_staff_and_five_times_the_energy_are_no_slips() -> None:
    frame = made()
    frame.loc[(frame["firm_id"] == "U001") & (frame["year"] >= 2019), "employees_avg"] *= 0.5
    frame.loc[(frame["firm_id"] == "U002") & (frame["year"] == 2018), "energy_tce"] *= 5
    frame.loc[(frame["firm_id"] == "U003") & (frame["year"] >= 2018), "employees_avg"] *= 12
    assert counts.find(raw(frame).table).empty


def test_what_was_confirmed_is_not_asked_again() -> None:
    frame = made()
    at = (frame["firm_id"] == "U007") & (frame["year"] == 2018)
    frame.loc[at, "employees_avg"] /= 1e4
    row = int(frame.loc[at, "source_row"].iloc[0])
    assert counts.find(raw(frame).table, confirmed=[(row, "employees_avg")]).empty
    assert len(counts.find(raw(frame).table, confirmed=[(row, "cnc_rate")])) == 1
