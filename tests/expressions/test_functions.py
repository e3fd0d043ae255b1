"""Each function against a case by hand, and against pandas on random panels with gaps and missing values."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import ibis
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbook.expressions.building import Builder, Rules
from workbook.expressions.checking import Scope, check
from workbook.expressions.columns import kinds
from workbook.expressions.functions import FUNCTIONS
from workbook.expressions.reading import parse
from workbook.params.file import event, forms

nan = np.nan
# In the order of the source: not sorted, 2016 of firm a is not there.
FRAME = pd.DataFrame(
    {
        "firm_id": list("aaaabb"),
        "year": [2017, 2014, 2015, 2013, 2015, 2016],
        "x": [8.0, 2.0, 4.0, 1.0, 0.0, -1.0],
        "z": [2.0, 0.0, nan, 4.0, 5.0, 5.0],
        "g": ["u", "u", "v", "v", "u", None],
        "s": ["Cab", "1,234.5", "2016-12-31", "20161231", None, "007"],
        "start": [2015.0, 2015.0, 2015.0, 2015.0, nan, nan],
        "pilot": [True, False, True, False, False, True],
    }
)
CON = ibis.duckdb.connect()


def computed(frame: pd.DataFrame, *texts: str, **rules: Any) -> list[list[Any]]:
    """Values in the order of the keys."""
    table = CON.create_table("given", frame, temp=True, overwrite=True)
    scope = Scope(kinds(table))
    wanted = {f"c{i}": check(parse(text), scope) for i, text in enumerate(texts)}
    found = Builder(table, Rules(**rules)).add(wanted).order_by(["firm_id", "year"]).to_pandas()
    return [[None if pd.isna(v) else v for v in found[name]] for name in wanted]


# Values in the order a 2013, 2014, 2015, 2017, b 2015, 2016; x = 1 2 4 8 0 −1, z = 4 0 – 2 5 5, g = v u v u u –.
_ = None
HAND: dict[str, list[Any]] = {
    "log(x)": [0, np.log(2), np.log(4), np.log(8), _, _],
    "log1p(x)": [np.log(2), np.log(3), np.log(5), np.log(9), 0, _],
    "exp(x * 1000)": [_, _, _, _, 1, 0],  # overflow is missing
    "abs(x)": [1, 2, 4, 8, 0, 1],
    "sqrt(x)": [1, 2**0.5, 2, 8**0.5, 0, _],
    "round(x / 3)": [0, 1, 1, 3, 0, 0],
    "round(x / 3, 2)": [0.33, 0.67, 1.33, 2.67, 0, -0.33],
    "floor(x / 3)": [0, 0, 1, 2, 0, -1],
    "clip(x, 0, 2)": [1, 2, 2, 2, 0, 0],
    "coalesce(z, x)": [4, 0, 4, 2, 5, 5],
    "log_ratio(x, z)": [np.log(0.25), _, _, np.log(4), _, _],
    "min(x, z)": [1, 0, _, 2, 0, -1],
    "max(x, z, 3)": [4, 3, _, 8, 5, 5],
    "min(x, by=unit)": [1, 1, 1, 1, -1, -1],
    "max(x, by=g)": [4, 8, 4, 8, 8, _],
    "mean(x, by=g)": [2.5, 10 / 3, 2.5, 10 / 3, 10 / 3, _],  # a row without a group has none
    "sum(z, by=unit)": [6, 6, 6, 6, 10, 10],
    "sd(x, by=unit)": [np.std([1, 2, 4, 8], ddof=1)] * 4 + [np.std([0, -1], ddof=1)] * 2,
    "median(z, by=all)": [4] * 6,
    "count(z, by=unit)": [3, 3, 3, 3, 2, 2],
    "share(x, by=g)": [0.2, 0.2, 0.8, 0.8, 0, _],
    "rank(z, by=all)": [3, 1, _, 2, 4.5, 4.5],
    "leave_out_mean(z, by=unit)": [1, 3, 2, 2, 5, 5],  # of a row that has no value: of all others
    "standardise(x, by=unit)": [*((np.array([1, 2, 4, 8]) - 3.75) / np.std([1, 2, 4, 8], ddof=1)), 0.5**0.5, -(0.5**0.5)],
    "centre(x, by=unit)": [-2.75, -1.75, 0.25, 4.25, 0.5, -0.5],
    "rescale(x, by=unit)": [0, 1 / 7, 3 / 7, 1, 1, 0],
    "quantile(x, 0.5, by=unit)": [3, 3, 3, 3, -0.5, -0.5],
    "bins(x, 3, by=all)": [2, 2, 3, 3, 1, 1],
    "winsor(x, 0.1)": [1, 2, 4, 6, 0, -0.5],
    "winsor(x, 0.1, 0.8)": [1, 2, 4, 4, 0, -0.5],
    "trim(x, 0.1)": [1, 2, 4, _, 0, _],
    "lag(x)": [_, 1, 2, _, _, 0],
    "lag(x, 2)": [_, _, 1, 4, _, _],
    "lag(s)": [_, "20161231", "1,234.5", _, _, _],
    "lead(x)": [2, 4, _, _, -1, _],
    "diff(x)": [_, 1, 2, _, _, -1],
    "growth(x)": [_, 1, 1, _, _, _],  # division by 0 is missing
    "dlog(x)": [_, np.log(2), np.log(2), _, _, _],
    "cumulative(z)": [4, 4, _, 6, 5, 10],
    "moving_mean(x, 2)": [_, 1.5, 3, _, _, -0.5],
    "moving_sd(x, 3)": [_, _, np.std([1, 2, 4], ddof=1), _, _, _],
    "first(z)": [4, 4, 4, 4, 5, 5],
    "last(s)": ["Cab", "Cab", "Cab", "Cab", "007", "007"],
    "first_year(x > 1)": [2014, 2014, 2014, 2014, _, _],
    "since(start)": [0, 0, 1, 1, 0, 0],
    "years_since(start)": [-2, -1, 0, 2, _, _],
    "year_of(s)": [2016, _, 2016, _, _, _],
    "month_of(s)": [12, _, 12, _, _, _],
    'starts(s, "2016")': [True, False, True, False, _, False],
    'ends(s, "31")': [True, False, True, False, _, False],
    'contains(s, ".5")': [False, True, False, False, _, False],
    "left(s, 2)": ["20", "1,", "20", "Ca", _, "00"],
    "right(s, 2)": ["31", ".5", "31", "ab", _, "07"],
    "pad(s, 4)": ["20161231", "1,234.5", "2016-12-31", "0Cab", _, "0007"],
    "joined(firm_id, g)": ["a|v", "a|u", "a|v", "a|u", "b|u", _],
    "number(s)": [20161231, 1234.5, _, _, _, 7],
    "text(x)": ["1", "2", "4", "8", "0", "-1"],
    'header("x")': [1, 2, 4, 8, 0, -1],
    # Operations.
    "x / z": [0.25, _, _, 4, 0, -0.2],
    "-x^2": [-1, -4, -16, -64, 0, -1],
    "x ^ -1": [1, 0.5, 0.25, 0.125, _, -1],
    "if x > z then 1 else 2": [2, 1, _, 1, 2, 2],  # a missing condition chooses nothing
    "x > z": [False, True, _, True, False, False],
    "not x > z": [True, False, _, False, True, True],
    "x > z or true": [True] * 6,
    "x > z and x > 100": [False] * 6,  # three-valued: false whatever the missing one is
    "x > z and x > 1": [False, True, _, True, False, False],
    "z is missing": [False, False, True, False, False, False],
    "x in (1, 4)": [True, False, True, False, False, False],
    "z not in (4)": [False, True, _, True, True, True],
    "x between 0 to 2": [True, True, False, False, True, False],
    "x + pilot": [1, 2, 5, 9, 0, 0],  # a truth counts 0 or 1
    "pilot == 1": [False, False, True, True, False, True],
    "round(x * 1e300)": [_, _, _, _, 0, _],  # no whole number holds it
    "floor(x * 1e300)": [_, _, _, _, 0, _],
    "years_since(x * 1e300)": [_, _, _, _, 2015, _],
    "1e300 * 1e300 * x": [_, _, _, _, _, _],
    "mean(lag(x), by=year)": [_, 1, 2, _, 2, 0],
    "lag(lag(x))": [_, _, 1, _, _, _],
}  # fmt: skip


def close(found: list[Any], expected: list[Any]) -> None:
    assert [v is None for v in found] == [v is None for v in expected], (found, expected)
    for a, b in zip(found, expected, strict=True):
        # 1e-14: sums and moments of a few numbers.
        assert (
            a == b if b is None or isinstance(b, str | bool) else a == pytest.approx(b, rel=1e-14, abs=1e-14)
        )


@pytest.mark.parametrize("text", HAND)
def test_by_hand(text: str) -> None:
    close(computed(FRAME, text)[0], HAND[text])


def test_every_function_is_tried_by_hand() -> None:
    tried = {node.value for text in HAND for node in parse(text).walk() if node.op == "call"}
    assert {name for name, f in FUNCTIONS.items() if f.group != "table"} <= tried


def test_cut_points_of_stata() -> None:
    # 1 … 10: Stata's p25 is 3 and p50 5.5 (the mean of 5 and 6); linear cut points are 3.25 and 5.5.
    frame = pd.DataFrame({"firm_id": "a", "year": range(2000, 2010), "x": np.arange(1.0, 11)})
    texts = ["quantile(x, 0.25, by=all)", "quantile(x, 0.5, by=all)", "winsor(x, 0.1)", "bins(x, 4, by=all)"]
    stata = computed(frame, *texts, quantiles="stata")
    assert (stata[0][0], stata[1][0]) == (3, 5.5)
    assert (computed(frame, texts[0])[0][0], computed(frame, texts[1])[0][0]) == (3.25, 5.5)
    # winsor: p10 = (1 + 2) / 2, p90 = (9 + 10) / 2; xtile: at or below a cut point is below it.
    assert stata[2] == [1.5, 2, 3, 4, 5, 6, 7, 8, 9, 9.5]
    assert stata[3] == [1, 1, 1, 2, 2, 3, 3, 3, 4, 4]
    close(computed(frame, "trim(x, 0.1)", quantiles="stata")[0], [None, *range(2, 10), None])


def test_functions_over_rows_see_the_rows_that_are_kept() -> None:
    frame = FRAME.assign(kept=[True, True, True, True, True, False])
    found = computed(frame, "mean(x, by=all)", "lag(x)", "rank(x, by=all)", kept="kept")
    close(found[0], [3, 3, 3, 3, 3, None])
    close(found[1], HAND["lag(x)"])
    close(found[2], [2, 3, 4, 5, 1, None])


def earlier(frame: pd.DataFrame, column: str, years: int) -> pd.Series:
    there = frame.assign(year=frame["year"] + years)[["firm_id", "year", column]]
    return frame[["firm_id", "year"]].merge(there, how="left", on=["firm_id", "year"])[column]


def ranked(x: pd.Series) -> pd.Series:
    return x.rank(method="average")


PANDAS: dict[str, Callable[[pd.DataFrame], Any]] = {
    "mean(x, by=g)": lambda f: f.groupby("g")["x"].transform("mean"),
    "sum(x, by=g)": lambda f: f.groupby("g")["x"].transform(lambda x: x.sum(min_count=1)),
    "sd(x, by=g)": lambda f: f.groupby("g")["x"].transform("std"),
    "median(x, by=g)": lambda f: f.groupby("g")["x"].transform("median"),
    "min(x, by=g)": lambda f: f.groupby("g")["x"].transform("min"),
    "max(x, by=(g, year))": lambda f: f.groupby(["g", "year"])["x"].transform("max"),
    "count(x, by=g)": lambda f: f.groupby("g")["x"].transform("count"),
    "rank(x, by=g)": lambda f: f.groupby("g")["x"].transform(ranked),
    "rank(x, by=all)": lambda f: ranked(f["x"]),
    "quantile(x, 0.3, by=g)": lambda f: f.groupby("g")["x"].transform(lambda x: x.quantile(0.3)),
    "winsor(x, 0.05)": lambda f: f["x"].clip(f["x"].quantile(0.05), f["x"].quantile(0.95)),
    "centre(x, by=all)": lambda f: f["x"] - f["x"].mean(),
    "lag(x)": lambda f: earlier(f, "x", 1),
    "lead(x, 2)": lambda f: earlier(f, "x", -2),
    "diff(x, 3)": lambda f: f["x"] - earlier(f, "x", 3),
    "cumulative(x)": lambda f: f.groupby("firm_id")["x"].cumsum(),
    "first(x)": lambda f: f.groupby("firm_id")["x"].transform("first"),
    "last(x)": lambda f: f.groupby("firm_id")["x"].transform("last"),
    "first_year(x > 0)": lambda f: f["firm_id"].map(f[f["x"] > 0].groupby("firm_id")["year"].min()),
    "x * y - x / y": lambda f: f["x"] * f["y"] - f["x"] / f["y"].replace(0, nan),
    "clip(x, -1, 1)": lambda f: f["x"].clip(-1, 1),
    "max(x, y)": lambda f: f[["x", "y"]].max(axis=1, skipna=False),
    "round(x, 1)": lambda f: np.floor(f["x"].abs() * 10 + 0.5) / 10 * np.sign(f["x"]),
}


@st.composite
def panels(draw: st.DrawFn) -> pd.DataFrame:
    key = st.tuples(st.sampled_from("abcd"), st.integers(2000, 2006))
    keys = draw(st.lists(key, min_size=1, max_size=25, unique=True))
    frame = pd.DataFrame(keys, columns=["firm_id", "year"])
    # Quarters: exact in binary, so that sums are the same in any order.
    value = st.one_of(st.none(), st.integers(-40, 40).map(lambda v: v / 4))
    for name in ("x", "y"):
        frame[name] = pd.Series(draw(st.lists(value, min_size=len(keys), max_size=len(keys))), dtype=float)
    frame["g"] = draw(st.lists(st.sampled_from("uv"), min_size=len(keys), max_size=len(keys)))
    return frame


# A panel takes most of a second: all functions at once, some of them cached by the engine on the way.
@pytest.mark.parametrize("value", [-0.75, 0.75, 0.1, 1 / 3, 1e-9, 7e11])
def test_equal_values_are_not_lost_beside_their_quantile(value: float) -> None:
    """Between two equal values a quantile is off by a last digit: winsorised all were missing, trimmed all were gone."""
    for n in (2, 3, 7):
        frame = pd.DataFrame({"firm_id": "a", "year": range(2000, 2000 + n), "x": value, "g": "u"})
        winsor, trim, bins = computed(frame, "winsor(x, 0.05)", "trim(x, 0.05)", "bins(x, 4, by=all)")
        # Four last digits.
        assert winsor == pytest.approx([value] * n, rel=1e-15) and trim == [value] * n and bins == [1] * n


@settings(max_examples=min(int(os.environ.get("FUSION_FUZZ", "15")), 300), deadline=None)
@given(panels())
def test_as_pandas_has_it(frame: pd.DataFrame) -> None:
    texts = list(PANDAS)
    found = computed(frame, *texts)
    ordered = frame.sort_values(["firm_id", "year"], ignore_index=True)
    for text, values in zip(texts, found, strict=True):
        expected = [None if pd.isna(v) else float(v) for v in PANDAS[text](ordered)]
        assert [v is None for v in values] == [v is None for v in expected], text
        # 1e-11: interpolated quantiles and standard deviations.
        pairs = [(a, b) for a, b in zip(values, expected, strict=True) if b is not None]
        assert all(a == pytest.approx(b, rel=1e-11, abs=1e-11) for a, b in pairs), text


def test_neither_threads_nor_the_order_of_rows_move_a_digit() -> None:
    rng = np.random.default_rng(7)
    n = 60_000
    firms = [f"f{i}" for i in range(n // 10)]
    frame = pd.DataFrame({"firm_id": np.repeat(firms, 10), "year": np.tile(range(2000, 2010), len(firms))})
    frame["x"], frame["g"] = rng.lognormal(0, 8, n), rng.choice(list("abc"), n)
    texts = ["mean(x, by=g)", "sum(x, by=year)", "sd(x, by=all)", "standardise(x, by=g)", "share(x, by=g)"]
    results = []
    for threads, seed in ((1, 1), (4, 2), (2, 3)):
        CON.raw_sql(f"SET threads = {threads}")
        results.append(computed(frame.sample(frac=1, random_state=seed), *texts))
    assert results[0] == results[1] == results[2]


def test_a_long_expression_and_a_deep_one_are_computed() -> None:
    long = " + ".join(["x"] * 190)
    deep = "log(exp(" * 11 + "x" + "))" * 11
    chained = "lag(lead(" * 6 + "x" + "))" * 6
    found = computed(FRAME, long, deep, chained)
    close(found[0], [190, 380, 760, 1520, 0, -190])
    assert found[1][4] == pytest.approx(0, abs=1e-9) and found[2] is not None


def test_a_long_chain_of_any_sign_is_computed_from_the_left() -> None:
    """What writes SQL calls itself for each link of a chain: minus and divided by ended at a hundred and forty."""
    x = FRAME.sort_values(["firm_id", "year"])["x"]
    found = computed(
        FRAME, "-1" * 199, " - ".join(["x"] * 399), " / ".join(["x"] * 60), "x" + " - 1 + 1" * 150
    )
    assert found[0] == [-199] * 6
    close(found[1], (-397 * x).tolist())
    close(found[2], [v**-58.0 if v else None for v in x])
    close(found[3], x.tolist())


def test_the_years_of_an_event() -> None:
    """Ends count what lies beyond; the base and units without a start are in no column."""
    made = event.columns("event(start, -1, 2, base=0)")
    assert made is not None and [*made] == ["start_m1_on", "start_p1", "start_p2_on"]
    # Firm a starts in 2015: 2013, 2014, 2015, 2017; firm b never.
    assert computed(FRAME, *(column["is"] for column in made.values())) == [
        [1, 1, 0, 0, 0, 0],
        [0, 0, 0, 0, 0, 0],
        [0, 0, 0, 1, 0, 0],
    ]
    assert made["start_p2_on"]["name"] == "Year +2 and after | 第 +2 年及以后"
    table, panel = {"main": {"columns": [{"treatments": ["x", "event(start, -1, 1)"]}]}}, dict[str, Any]()
    read = forms.read({"panel": panel, "tables": table})[0]
    assert read["printed"]["tables"]["main"]["columns"][0]["treatments"] == ["x", "start_p0", "start_p1_on"]
    assert set(read["panel"]["columns"]) == {"start_p0", "start_p1_on"}
    assert event.columns("log(x)") is None


@pytest.mark.parametrize(
    "text", ["event(start)", "event(start, -2, 2, base=5)", "event(start, 1.5, 2)", "event(start, 2, -2)"]
)
def test_an_event_that_is_written_otherwise(text: str) -> None:
    with pytest.raises(ValueError, match="event"):
        event.columns(text)
