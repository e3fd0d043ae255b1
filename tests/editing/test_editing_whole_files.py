"""A file that is in another unit as a whole is one finding: by hand, with the right totals."""

from __future__ import annotations

import ibis
import numpy as np
import pandas as pd
import pytest

from fusion.editing import review, wholes
from fusion.panel.contract import contract
from fusion.panel.readers import Raw

MONEY = ["operating_revenue", "operating_cost", "total_assets", "total_liab", "payroll"]
YEARS = [2017, 2018, 2019, 2020]
UNITS = 30


def made(factors: dict[int, float], other: tuple[str, ...] = ()) -> pd.DataFrame:
    """Thirty units, a file a year; money of a year times its factor, but for items that another form brings."""
    rng = np.random.default_rng(5)
    base = np.exp(rng.normal(7, 1, (UNITS, len(MONEY))))
    lines = []
    for year in YEARS:
        for unit in range(UNITS):
            grown = base[unit] * 1.08 ** (year - 2017) * np.exp(rng.normal(0, 0.05, len(MONEY)))
            factor = [1.0 if c in other else factors.get(year, 1.0) for c in MONEY]
            lines.append((f"U{unit:03d}", year, 20.0 + unit, "310115", *(grown * factor)))
    names = ["firm_id", "year", "employees_avg", "district", *MONEY]
    frame = pd.DataFrame(lines, columns=names)
    frame.insert(0, "source_row", range(1, len(frame) + 1))
    return frame


def spans(years: list[int] = YEARS) -> list[wholes.Span]:
    return [wholes.Span(f"{y}.csv", 1 + UNITS * i, UNITS * (i + 1)) for i, y in enumerate(years)]


def raw(frame: pd.DataFrame) -> Raw:
    table = ibis.duckdb.connect().create_table("returns", frame)
    known = {c.column: c for c in contract()}
    return Raw(table, pd.DataFrame(), {c: known[c] for c in frame if c != "source_row"}, "made", len(frame))


@pytest.mark.parametrize(("year", "k"), [(2017, 1), (2018, -1), (2020, 3), (2019, 4)])
def test_a_file_in_another_unit_is_said_once_and_its_forms_are_not(year: int, k: int) -> None:
    right, wrong = made({}), made({year: 10.0**k})
    seen = review.review(raw(wrong), MONEY[:1], ["district"], spans=spans())
    found = seen.files
    assert found[["file", "factor", "certain"]].to_numpy().tolist() == [[f"{year}.csv", k, True]]
    assert seen.calls().empty, "no form of it is asked for"
    totals = seen.totals.query("kind == 'total'").set_index("year")
    assert totals.loc[year, "reported"] == pytest.approx(wrong.query("year == @year")[MONEY[0]].sum())
    assert totals["put_right"].to_numpy() == pytest.approx(
        right.groupby("year")[MONEY[0]].sum().to_numpy(), rel=1e-6
    )


def test_all_its_money_is_put_right_and_what_another_form_brings_stays() -> None:
    frame = made({2019: 10.0}, other=("payroll",))
    given = raw(frame)
    seen = review.review(given, MONEY[:1], [], spans=spans())
    mended, log = review.resolved(given, seen, "put_right")
    got = mended.table.order_by("source_row").to_pandas()
    pd.testing.assert_frame_equal(got[MONEY], made({})[MONEY], check_exact=False, rtol=1e-9)
    assert set(log["field"]) == set(MONEY) - {"payroll"} and len(log) == UNITS * 4
    assert (log["old"] / log["new"]).to_numpy() == pytest.approx(10.0)


@pytest.mark.parametrize(
    ("power", "moves"), [(1.0, True), (1.24, True), (1.37, False), (2.0, False), (0.0, False)]
)
def test_an_item_moves_with_its_file_within_three_tenths_of_a_power(power: float, moves: bool) -> None:
    """Beside growth of 8 % (.03) into the file and out of it: .27 and .34 from the file's own power of one."""
    frame = made({2019: 10.0}, other=("payroll",))
    frame.loc[frame["year"] == 2019, "payroll"] *= 10.0**power
    found = wholes.find(raw(frame).table, spans())
    assert found["factor"].tolist() == [1] and ("payroll" in found["items"].iloc[0]) == moves


def test_a_single_slip_within_such_a_file_is_still_asked_for_as_it_was_reported() -> None:
    frame = made({2019: 10.0})
    at = (frame["firm_id"] == "U004") & (frame["year"] == 2019)
    frame.loc[at, MONEY] *= 1000.0
    seen = review.review(raw(frame), MONEY[:1], [], spans=spans())
    call = seen.calls()
    assert call[["unit", "year"]].to_numpy().tolist() == [["U004", 2019]]
    assert call["value"].iloc[0] == pytest.approx(frame.loc[at, MONEY[0]].iloc[0])
    mended = review.resolved(raw(frame), seen, "put_right")[0].table.order_by("source_row").to_pandas()
    assert mended.loc[at, MONEY[0]].iloc[0] == pytest.approx(made({}).loc[at, MONEY[0]].iloc[0])


def test_of_two_files_alone_nobody_knows_which_is_wrong() -> None:
    frame = made({2018: 10.0}).query("year <= 2018")
    seen = review.review(raw(frame), MONEY[:1], [], spans=spans()[:2])
    assert seen.files[["file", "factor", "certain"]].to_numpy().tolist() == [
        ["2017.csv", -1, False], ["2018.csv", 1, False],
    ]  # fmt: skip
    mended = review.resolved(raw(frame), seen, "put_right")[0].table.order_by("source_row").to_pandas()
    pd.testing.assert_frame_equal(mended[MONEY], frame[MONEY].reset_index(drop=True))


def test_growth_of_three_times_and_right_files_are_none() -> None:
    assert wholes.find(raw(made({2020: 3.0})).table, spans()).empty
    assert wholes.find(raw(made({})).table, spans()).empty
