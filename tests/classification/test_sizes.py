"""Size classes by the rule of 2017."""

from __future__ import annotations

from typing import Any

import ibis
import numpy as np
import pandas as pd
import pytest

from fusion import classification as gbt
from fusion.classification import actors, sizes

RULE = gbt.load("size_classes")


def found(rows: list[dict[str, Any]]) -> pd.DataFrame:
    frame = pd.DataFrame(
        [{"firm_id": f"f{n:03d}", "year": 2020, "edition": "2017", **row} for n, row in enumerate(rows)]
    )
    numbers = [c for c in frame if sizes.NEEDED.get(c) == "float64"]
    table = ibis.duckdb.connect().create_table("t", frame.astype(dict.fromkeys(numbers, "float64")))
    return sizes.sizes(table).order_by("firm_id").to_pandas()


@pytest.mark.parametrize(
    ("row", "low", "high", "why"),
    [
        # Industry: persons and revenue (万元), both limits from which a class begins.
        ({"code_own": "3911", "employees_end": 1000.0, "operating_revenue": 40_000.0}, "L", "L", ""),
        ({"code_own": "3911", "employees_end": 999.0, "operating_revenue": 900_000.0}, "M", "M", ""),
        ({"code_own": "3911", "employees_end": 5_000.0, "operating_revenue": 1_999.0}, "S", "S", ""),
        ({"code_own": "3911", "employees_end": 5_000.0, "operating_revenue": 299.0}, "micro", "micro", ""),
        ({"code_own": "3911", "employees_end": 19.0, "operating_revenue": None}, "micro", "micro", ""),
        ({"code_own": "3911", "employees_end": 300.0, "operating_revenue": None}, "micro", "M", "operating_revenue"),
        ({"code_own": "3911", "employees_end": None, "operating_revenue": None}, "micro", "L", "employees,operating_revenue"),
        # Construction: revenue and assets; staff do not count.
        ({"code_own": "4710", "operating_revenue": 6_000.0, "total_assets": 80_000.0}, "M", "M", ""),
        # Leasing and business services: persons and assets, not revenue.
        ({"code_own": "7211", "employees_end": 300.0, "total_assets": 8_000.0, "operating_revenue": 1e9}, "M", "M", ""),
        ({"code_own": "5121", "employees_end": 20.0, "operating_revenue": 5_000.0}, "M", "M", ""),
        ({"code_own": "7020", "employees_end": 99.0, "operating_revenue": 9_000.0}, "micro", "micro", ""),
        ({"code_own": "7310", "employees_end": 100.0}, "M", "M", ""),
        ({"code_own": "0111", "operating_revenue": 50.0}, "S", "S", ""),
        # What the rule does not reach.
        ({"code_own": "53", "employees_end": 10.0}, "", "", "not_covered"),
        ({"code_own": "6621", "employees_end": 10.0}, "", "", "not_covered"),
        ({"code_own": "7040", "employees_end": 10.0}, "", "", "not_covered"),
        ({"code_own": "", "employees_end": 10.0}, "", "", "no_code"),
        # A division of one rule is as good as a class; a section of several is an interval over them.
        ({"code_own": "39", "employees_end": 300.0, "operating_revenue": 2_000.0}, "M", "M", ""),
        ({"code_own": "F", "employees_end": 30.0, "operating_revenue": 5_000.0}, "S", "M", "several_industries"),
        ({"code_own": "K", "employees_end": 30.0, "operating_revenue": 5_000.0}, "", "", "several_industries"),
    ],
)  # fmt: skip
def test_a_class_needs_all_its_limits(row: dict[str, Any], low: str, high: str, why: str) -> None:
    got = found([{"employees_end": None, "operating_revenue": None, "total_assets": None, **row}]).iloc[0]
    assert (got["size_low"], got["size_high"], got["size_why"]) == (low, high, why)
    assert got["size"] == (low if low == high else "")


def test_staff_of_the_years_end_come_before_the_average() -> None:
    row = {"code_own": "7310", "employees_end": 9.0, "employees_avg": 500.0}
    both = found([row, {**row, "employees_end": None}])
    assert both["size"].tolist() == ["micro", "L"] and both["staff_from"].tolist() == ["end", "average"]


def test_every_condition_of_the_table_against_a_reading_one_by_one() -> None:
    """Random values around all limits, of a class of every industry."""
    rng, codes = np.random.default_rng(1), gbt.load("gbt4754_2017").query("level == '4'")
    rows, wanted = [], []
    for _, conditions in RULE.groupby("industry"):
        prefix = conditions["codes"].iloc[0].split()[-1]
        inside = codes[codes["code"].str.startswith(prefix) | (codes["section"] == prefix)]["code"]
        limits = {
            r["measure"]: [float(r[k]) for k in ("small", "medium", "large")]
            for _, r in conditions.iterrows()
        }
        for code in rng.choice(inside, 40):
            values = {m: float(rng.choice([0, *x, *[v - 1 for v in x], 1e6])) for m, x in limits.items()}
            names = {"employees": "employees_end"}
            rows.append({"code_own": str(code), **{names.get(m, m): v for m, v in values.items()}})
            grade = min(sum(values[m] >= limit for limit in x) for m, x in limits.items())
            wanted.append(("micro", "S", "M", "L")[grade])
    assert len(RULE["industry"].unique()) == 16
    assert found(rows)["size"].tolist() == wanted


def test_the_table_is_whole_and_says_what_was_seen() -> None:
    assert len(RULE) == 30 and (
        RULE[["large", "medium", "small"]].astype(float).diff(axis=1).iloc[:, 1:] < 0
    ).all(axis=None)
    assert set(RULE["seen"]) == {"answer", "copies", "one copy"}
    assert set(RULE.loc[RULE["seen"] == "answer", "industry"]) == {"industry"}
    assert [c for c in " ".join(RULE["codes"]).split() if not gbt.exists(c)] == []
    assert gbt.source("size_classes")["verified"] == "0"


def test_counts_tell_what_was_reported_otherwise() -> None:
    rows = [
        {"code_own": "7310", "employees_end": 300.0, "size_class": "L"},
        {"code_own": "7310", "employees_end": 300.0, "size_class": "S"},
        {"code_own": "7310", "employees_avg": 300.0, "size_class": None},
        {"code_own": "7310", "size_class": "S"},
        {"code_own": "6621", "employees_end": 300.0, "size_class": "L"},
    ]
    frame = pd.DataFrame(
        [{"firm_id": f"f{n}", "year": 2020, "edition": "2017", **row} for n, row in enumerate(rows)]
    )
    got = sizes.counts(sizes.sizes(ibis.duckdb.connect().create_table("t", frame))).set_index("size")
    assert got.loc["L", ["firm_years", "same", "other", "unreported", "average"]].tolist() == [3, 1, 1, 1, 1]
    assert got.loc["between", ["firm_years", "same", "other"]].tolist() == [1, 1, 0]
    assert got.loc["not_covered", "firm_years"] == 1 and got["firm_years_share"].sum() == pytest.approx(1)


def test_actors_use_it_where_nothing_is_reported() -> None:
    rows = pd.DataFrame({"firm_id": [f"f{n}" for n in range(6)], "year": 2020, "edition": "2017", "code_own": "7211",
                         "code_2017": "7211", "group3": "721", "path": "P1", "operating_revenue": [1.0, 2, 3, 4, 5, 6],
                         "employees_end": [1.0, 50, 200, 200, 400, 400], "total_assets": [None, 200, None, 9e3, 2e5, 2e5],
                         "size_class": [None, None, None, None, "S", None]})  # fmt: skip
    got = (
        actors.actors(ibis.duckdb.connect().create_table("t", rows)).to_pandas().set_index("firm_id")["actor"]
    )
    # One person: micro whatever the assets; 200 persons, assets unknown: not large; 'S' as reported, though large by the rule.
    assert got.to_dict() == {
        "f0": "sme",
        "f1": "sme",
        "f2": "sme",
        "f3": "sme",
        "f4": "sme",
        "f5": "backbone",
    }
