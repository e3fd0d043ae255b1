"""The declared indicators as a system: editions, prices, fallbacks, refusals (single ones: test_cases)."""

from __future__ import annotations

from typing import Any

import ibis
import numpy as np
import pandas as pd
import pytest

from fusion.composite.errors import CompositeError
from fusion.indicators import measure, system
from fusion.indicators.system import IndicatorError

FIRM: dict[str, Any] = {
    "firm_id": "a",
    "year": 2018,
    "division": "39",
    "class_version": "2017",
    "service_revenue": 20.0,
    "operating_revenue": 200.0,
    "operating_cost": 146.0,
    "value_added": 50.0,
    "gross_output": 250.0,
    "employees_avg": 40.0,
    "rd_expense": 6.0,
    "rd_staff": 4.0,
    "inv_patents_valid": 2.0,
    "newprod_revenue": 30.0,
    "it_spend": 1.0,
    "ps_input": 12.0,
    "intermediate_input": 100.0,
    "inventory": 20.0,
    "accounts_receivable": 30.0,
    "energy_tce": 25.0,
    "biz_activity_codes": "3911|6513|7320",
    "service_rev_by_class": '{"6513": 15.0, "7320": 5.0}',
    "pat_ipc_shares": '{"39": 0.5, "65": 0.5}',
    "scm_flags": 0b100101,
    "std_intl": 1.0,
    "std_natl_ind": 2.0,
    "service_staff": 8.0,
    "trademarks_valid": 2.0,
}


def compute(rows: list[dict[str, Any]], codes: list[str]) -> pd.DataFrame:
    con = ibis.duckdb.connect()
    texts = {c: "string" for c in ("biz_activity_codes", "service_rev_by_class") if c in rows[0]}
    table = con.create_table("panel", pd.DataFrame(rows).astype(texts))
    return system.compute(table, codes).table.to_pandas()


def test_every_indicator_is_declared_whole() -> None:
    table = system.system()
    assert len(table) == 36 and (table["tier"] == "core").sum() == 14
    assert table["chain"].value_counts().to_dict() == {
        "innovation": 9,
        "supply": 8,
        "service": 7,
        "industry": 6,
        "value": 6,
    }
    assert set(table["direction"]) == {"+", "-"} and (table["expected_min"] < table["expected_max"]).all()
    for column in ("name_en", "name_zh", "formula", "columns", "unit", "source"):
        assert (table[column] != "").all(), column
    for row in table.itertuples():
        # D4's fallback aside, each declared column is in the formula that names it (A2's is counted before).
        named = [c for c in row.columns.split(";") if c != "class_version" and row.code != "A2"]
        assert all(c in row.formula for c in named), row.code


def test_columns_are_the_contracts() -> None:
    contract = pd.read_csv(system.DATA / "contract" / "panel.csv", dtype=str)["column"]
    used = {c for columns in system.system()["columns"] for c in columns.split(";")}
    assert used - set(contract) == set()


@pytest.mark.parametrize(
    ("columns", "code"),
    [
        (["service_revenue"], "A1"),
        (["rd_expense"], "C1"),
        (["biz_activity_codes", "service_rev_by_class"], "A2"),
        (["service_rev_by_class"], "A4"),
    ],
)
def test_missing_is_not_zero(columns: list[str], code: str) -> None:
    got = compute([FIRM, FIRM | {"firm_id": "b"} | dict.fromkeys(columns)], [code])
    assert got[code].notna().tolist() == [True, False]


def test_a_zero_denominator_is_missing() -> None:
    got = compute([FIRM | {"operating_revenue": 0.0, "employees_avg": 0.0}], ["A1", "B2", "C3"])
    assert got[["A1", "B2", "C3"]].isna().all().all()


def test_turnover_takes_the_year_before_and_no_other() -> None:
    rows = [
        FIRM | {"year": 2015, "inventory": 10.0},
        FIRM | {"year": 2016, "inventory": 20.0},
        FIRM | {"year": 2018, "inventory": 40.0},  # 2017 is not there: 2018 alone
        FIRM | {"year": 2019, "inventory": None},
    ]
    days = compute(rows, ["E1"])["E1"] * 146 / 365
    np.testing.assert_allclose(days, [10, 15, 40, np.nan], rtol=1e-12)


def test_services_bought_fall_back_to_the_national_table_and_say_so() -> None:
    got = compute([FIRM, FIRM | {"firm_id": "b", "ps_input": None}], ["D4"]).set_index("firm_id")
    assert got["d4_from_io"].tolist() == [False, True]
    shares = system.io_shares().set_index(["division", "io_year"])["io_ps_share"]
    assert got.loc["b", "D4"] == pytest.approx(shares["39", 2018])
    far = compute([FIRM | {"ps_input": float("nan"), "year": 2023}], ["D4"])["D4"].iloc[0]
    assert far == pytest.approx(shares["39", 2020])


def test_services_bought_need_no_column_of_their_own() -> None:
    firm = {k: v for k, v in FIRM.items() if k not in ("ps_input", "intermediate_input")} | {"ind4": "3911"}
    got = compute([firm], ["D4"])
    assert got["D4"].notna().all() and got["d4_from_io"].all()


def test_what_lacks_columns_is_said() -> None:
    con = ibis.duckdb.connect()
    table = con.create_table("panel", pd.DataFrame([{"firm_id": "a", "year": 1988, "value_added": 1.0}]))
    found = system.compute(table, ["B1", "A1", "D4"])
    assert found.codes == []
    assert found.missing["B1"] == ["gross_output"] and found.missing["D4"] == [
        "ps_input",
        "intermediate_input",
    ]
    assert found.table.to_pandas().columns.tolist() == ["firm_id", "year"]


def test_unknown_and_repeated_codes() -> None:
    with pytest.raises(IndicatorError, match=r"no indicator 'B9'.*nearest"):
        system.system(["B9"])
    with pytest.raises(IndicatorError, match="asked for twice"):
        system.system(["B1", "B1"])


RULES: dict[str, Any] = {
    "treatment": "winsorise",
    "winsor_tail": 0.01,
    "normalise": "minmax",
    "bounds": "pooled",
    "weights": "entropy",
    "chain_weights": "equal",
    "aggregation": "arithmetic",
    "aggregation_floor": 0.01,
    "min_chain_share": 0.6,
}


def firms() -> tuple[pd.DataFrame, list[str]]:
    rng = np.random.default_rng(7)
    codes = ["A1", "B1", "C1", "D4", "E1"]
    values = pd.DataFrame(rng.gamma(1.0, 10, (500, 5)), columns=codes)
    return values.assign(year=np.repeat([2018, 2019], 250), firm_id=np.tile(np.arange(250), 2)), codes


def test_an_index_of_firms_lies_between_0_and_100_and_keeps_its_weights() -> None:
    values, codes = firms()
    built = measure.fusion_index(values, codes, measure.steps(**RULES))[0].index
    assert built is not None
    assert built.scores["index"].between(0, 100).all() and built.weights["weight"].sum() == pytest.approx(1)
    assert set(measure.chain_columns(built.scores)) == {f"chain_{c}" for c in system.CHAINS}
    # Fewer days of inventory (direction −) must not lower the score.
    fewer = values.assign(E1=values["E1"].where(values.index > 0, 0.0))
    better = measure.fusion_index(fewer, codes, measure.steps(**RULES))[0].index
    assert better is not None and better.scores["index"].iloc[0] >= built.scores["index"].iloc[0]


def test_a_base_year_fixes_bounds_and_weights() -> None:
    values, codes = firms()
    made = measure.fusion_index(values, codes, measure.steps(**RULES), base_year=2018)[0]
    alone = measure.fusion_index(values[values["year"] == 2018], codes, measure.steps(**RULES))[0]
    assert made.index is not None and alone.index is not None and made.base is not None
    # The rows of the base year score as if they were alone; the same sums, so rounding at most.
    pd.testing.assert_frame_equal(made.index.scores.iloc[:250], alone.index.scores, rtol=1e-12)
    later = values.assign(A1=values["A1"].where(values["year"] == 2018, values["A1"] * 50))
    moved = measure.fusion_index(later, codes, measure.steps(**RULES), base_year=2018)[0]
    assert moved.index is not None
    pd.testing.assert_frame_equal(moved.index.scores.iloc[:250], made.index.scores.iloc[:250], rtol=1e-12)
    with pytest.raises(CompositeError, match="base_year = 1999: no rows of that year; there are 2018–2019"):
        measure.fusion_index(values, codes, measure.steps(**RULES), base_year=1999)


def test_what_is_the_same_for_all_stands_in_no_composite() -> None:
    """A panel of factories alone sells no services; of 500 values, four at other levels are cut as outliers."""
    values, codes = firms()
    flat = values.assign(A1=0.0, B1=np.r_[[5.0] * 4, np.zeros(496)])
    made, alike = measure.composites(flat, codes, measure.steps(**RULES))
    assert alike == ["A1", "B1"]
    rest = measure.fusion_index(values, ["C1", "D4", "E1"], measure.steps(**RULES))[0].index
    own = made[measure.COMPOSITE][0].index
    assert own is not None and rest is not None
    pd.testing.assert_frame_equal(own.scores, rest.scores)
    assert measure.composites(values, codes, measure.steps(**RULES))[1] == []
    assert measure.composites(values, [], measure.steps(**RULES)) == ({}, [])  # a study without indicators
    assert measure.composites(flat[["firm_id", "year", "A1"]], ["A1"], measure.steps(**RULES)) == ({}, ["A1"])


def test_one_year_without_differences_counts_where_years_have_scales_of_their_own() -> None:
    values, codes = firms()
    once = values.assign(A1=values["A1"].where(values["year"] == 2018, 3.0))
    assert measure.composites(once, codes, measure.steps(**RULES))[1] == []
    assert measure.composites(once, codes, measure.steps(**RULES), base_year=2018)[1] == []
    assert measure.composites(once, codes, measure.steps(**RULES), base_year=2019)[1] == ["A1"]
    assert measure.composites(once, codes, measure.steps(**{**RULES, "bounds": "yearly"}))[1] == ["A1"]
    base = measure.fusion_index(values, codes, measure.steps(**RULES))[0].freeze()
    frozen = measure.composites(
        once.assign(A1=3.0), codes, measure.steps(**RULES), frozen={"composite": base}
    )
    assert frozen[1] == []


def test_national_series_is_the_published_weighted_mean() -> None:
    """The output-weighted direct coefficient of the national tables (2002 .107 … 2020 .127)."""
    series = measure.national_series().set_index("year")["mean"] / 100
    assert series.index.min() == 2002 and series.index.max() == 2020
    # Printed to three decimals from the same tables; the smaller of two tables of a year may differ in the last.
    assert series[2005] == pytest.approx(0.100, abs=1.5e-3) and series[2020] == pytest.approx(
        0.127, abs=1.5e-3
    )


def kinds(edition: str, codes: str, sold: str | None = None) -> float:
    row = FIRM | {"class_version": edition, "biz_activity_codes": codes, "service_rev_by_class": sold}
    return float(compute([row], ["A2"])["A2"].iloc[0])


def test_a_code_is_read_in_its_own_edition() -> None:
    """Software development is 6510 in 2011 and 6511–6519 in 2017; 6520 is integration, then circuit design."""
    assert kinds("2011", "3911|6510") == kinds("2017", "3911|6513") == 1
    old, new = (
        compute([FIRM | {"class_version": e, "service_rev_by_class": f'{{"{c}": 20.0}}'}], ["A4"])["A4"].iloc[
            0
        ]
        for e, c in (("2011", "6510"), ("2017", "6513"))
    )
    assert old == new == 10.0  # 20 of 200
    # 2011's 6520 (system integration) is 2017's 653, which A4 does not hold; 2017's 6520 (circuits) it does.
    odd = FIRM | {"service_rev_by_class": '{"6520": 20.0}'}
    got = compute([odd | {"class_version": "2011"}, odd | {"firm_id": "b"}], ["A4"]).set_index("firm_id")[
        "A4"
    ]
    assert got["b"] == 10.0 and got["a"] == 0.0


def test_a_code_that_cannot_be_placed_makes_the_sum_missing_and_not_zero() -> None:
    row = FIRM | {"service_rev_by_class": '{"9999": 20.0}'}
    assert compute([row], ["A4"])["A4"].isna().all()
    assert np.isnan(kinds("2017", "3911|9999"))


def test_a_breakdown_that_does_not_add_up_says_nothing_of_the_firm() -> None:
    row = FIRM | {"service_rev_by_class": '{"6513": 5.0}'}  # of 20 of service revenue
    assert compute([row], ["A3", "A4"])[["A3", "A4"]].isna().all().all()
    none = FIRM | {"service_rev_by_class": None, "service_revenue": 0.0}
    assert compute([none], ["A3", "A4"])[["A3", "A4"]].eq(0).all().all()


def test_constant_prices_where_the_panel_brings_them() -> None:
    got = compute([FIRM | {"deflator": 1.25}, FIRM | {"firm_id": "b", "deflator": None}], ["B2", "E7"])
    assert got["B2"].iloc[0] == 1.0 and got["E7"].iloc[0] == pytest.approx(0.125)  # 50/1.25/40; 25/(250/1.25)
    assert got[["B2", "E7"]].iloc[1].isna().all(), "a missing price is not a price of one"
    con = ibis.duckdb.connect()
    plain = con.create_table("panel", pd.DataFrame([FIRM]))
    assert system.compute(plain, ["B2", "E7"]).nominal == ["B2", "E7"]
