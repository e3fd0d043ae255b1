"""Each indicator by hand (data/indicators/anchors.csv), and every part of it missing in turn."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from fusion.indicators import anchors, cases, system

CASES = cases.cases().assign(computed=lambda table: cases.recompute(table))
SYSTEM = system.system()
# These have a value without one of their columns: another report (A2), the national table (D4), last year (E).
ELSEWHERE = {"A2": {"biz_activity_codes"}, "D4": {"ps_input", "intermediate_input"}}


@pytest.mark.parametrize("number", CASES.index, ids=[f"{n}-{c}" for n, c in CASES["code"].items()])
def test_by_hand(number: int) -> None:
    case = CASES.loc[number]
    assert case["computed"] == pytest.approx(case["value"], abs=anchors.TOLERANCE, nan_ok=True), case[
        "working"
    ]


def test_every_indicator_has_a_case_with_a_value() -> None:
    assert set(CASES.loc[CASES["value"].notna(), "code"]) == set(SYSTEM.index)


def broken() -> pd.DataFrame:
    """The first case with a value of each indicator, once for each column that it cannot do without."""
    first = CASES[CASES["value"].notna() & (CASES["value"] != 0)].groupby("code").first()
    rows: list[dict[str, Any]] = []
    for code, columns in SYSTEM["columns"].items():
        for column in set(columns.split(";")) - ELSEWHERE.get(str(code), set()):
            last = first.loc[code, "given"][-1]  # type: ignore[index]
            rows.append({"code": code, "column": column, "given": [{**last, column: None}]})
    return pd.DataFrame(rows)


def test_a_missing_part_makes_the_indicator_missing_and_never_zero() -> None:
    table = broken()
    table["computed"] = cases.recompute(table)
    wrong = table[table["computed"].notna()]
    assert len(table) > 60 and wrong[["code", "column"]].to_numpy().tolist() == []


def test_denominators_of_zero_make_the_indicator_missing() -> None:
    bottom = SYSTEM["formula"].str.extract(r"nullif\((?:real\()?(\w+)\)?, 0\)")[0].dropna()
    first = CASES[CASES["value"].notna()].groupby("code").last()
    given = [[{**first.loc[c, "given"][-1], column: 0, "division": None}] for c, column in bottom.items()]  # type: ignore[index]
    got = cases.recompute(pd.DataFrame({"code": bottom.index, "given": given}))
    assert len(got) >= 25 and got.isna().all()


def test_what_an_indicator_measures_is_in_its_columns() -> None:
    for row in SYSTEM.itertuples():
        held = set(f"{row.columns};{row.optional}".split(";"))
        assert set(row.measures.split(";")) <= held and row.measures, row.code


def test_cases_are_rows_of_the_verification_table() -> None:
    rows = pd.DataFrame(cases.rows())
    assert len(rows) == CASES["value"].notna().sum() + 1
    assert ((rows["published"] - rows["computed"]).abs() <= rows["tolerance"]).all()
