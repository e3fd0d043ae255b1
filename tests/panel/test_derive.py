"""Derived columns equal their formulas, computed here by hand in pandas."""

from __future__ import annotations

from typing import Any

import ibis
import numpy as np
import pandas as pd
import pytest

from fusion.panel import PanelError
from fusion.panel.codebook import codebook, coverage, gaps, reporting
from fusion.panel.contract import Column, contract
from fusion.panel.derive import ARITY, derive

WORDS = {"label_en": "a label", "label_zh": "标签", "unit": ""}


def spec(name: str, how: str, *of: str) -> dict[str, Any]:
    return {"name": name, "how": how, "of": list(of), **WORDS}


@pytest.fixture
def table(con: Any) -> ibis.Table:
    frame = pd.DataFrame(
        {
            "firm_id": ["a", "a", "a", "a", "b", "b"],
            "year": [2017, 2014, 2015, 2013, 2015, 2016],
            "x": [8.0, 2.0, 4.0, 1.0, 0.0, -1.0],
            "z": [2.0, 0.0, np.nan, 4.0, 5.0, 5.0],
            "start": [2015, 2015, 2015, 2015, np.nan, np.nan],
            "code": ["1"] * 6,
        }
    )
    return con.create_table("derive_input", frame, temp=True, overwrite=True)


def values(table: ibis.Table, name: str) -> list[float]:
    """In the order a 2013, 2014, 2015, 2017, b 2015, 2016."""
    return table.order_by(["firm_id", "year"]).to_pandas()[name].tolist()


nan = np.nan
EXPECTED: dict[str, tuple[tuple[str, ...], list[float]]] = {
    "log": (("x",), [0, np.log(2), np.log(4), np.log(8), nan, nan]),
    "log1p": (("x",), [np.log(2), np.log(3), np.log(5), np.log(9), 0, nan]),
    # 2017 has no 2016: its lag is missing, and not the value of 2015.
    "lag": (("x",), [nan, 1, 2, nan, nan, 0]),
    "difference": (("x",), [nan, 1, 2, nan, nan, -1]),
    "growth": (("x",), [nan, np.log(2), np.log(2), nan, nan, nan]),
    "ratio": (("x", "z"), [0.25, nan, nan, 4, 0, -0.2]),
    "log_ratio": (("x", "z"), [np.log(0.25), nan, nan, np.log(4), nan, nan]),
    "sum": (("x", "z"), [5, 2, nan, 10, 5, 4]),
    "product": (("x", "z", "x"), [4, 0, nan, 128, 0, 5]),
    "post": (("start",), [0, 0, 1, 1, 0, 0]),
}


def test_every_transformation_is_tried() -> None:
    assert set(EXPECTED) == set(ARITY)


@pytest.mark.parametrize("how", EXPECTED)
def test_transformation(table: ibis.Table, how: str) -> None:
    of, expected = EXPECTED[how]
    done = derive(table, [spec("y", how, *of)])
    # 1e-15: at most two roundings of double precision.
    np.testing.assert_allclose(values(done.table, "y"), expected, rtol=1e-15)
    line = done.report.iloc[0]
    missing = line["inputs_missing"] + line["undefined"] + line["no_year_before"]
    assert line["n"] + missing == 6 and line["n"] == np.isfinite(expected).sum()


def test_reasons_are_told_apart(table: ibis.Table) -> None:
    done = derive(table, [spec("a", "log_ratio", "x", "z"), spec("b", "growth", "x")])
    counts = done.report.set_index("column")[["n", "inputs_missing", "undefined", "no_year_before"]]
    # z = 0, x = 0 and x = -1 are undefined; z missing is an input missing.
    assert counts.loc["a"].tolist() == [2, 1, 3, 0]
    # no year before: a 2013, a 2017, b 2015; b 2016 has one, and its logarithm is undefined.
    assert counts.loc["b"].tolist() == [2, 0, 1, 3]


def test_later_columns_may_use_earlier_ones(table: ibis.Table) -> None:
    done = derive(table, [spec("lx", "log", "x"), spec("lx_1", "lag", "lx"), spec("d", "difference", "lx")])
    assert values(done.table, "lx_1")[1:3] == [0.0, np.log(2)]
    np.testing.assert_allclose(values(done.table, "d")[1:3], np.log(2), rtol=1e-15)
    assert [c.role for c in done.columns] == ["derived"] * 3


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (spec("y", "log", "xx"), r"derive 'y': the panel has no column 'xx' \(nearest: 'x'\)"),
        (spec("x", "log", "z"), r"derive 'x': the panel already has a column of that name"),
        (spec("y", "ratio", "x"), r"ratio takes 2 column\(s\), and 'of' names 1: x"),
        (spec("y", "log", "code"), r"'code' is text, and log needs a number"),
        (spec("y", "logs", "x"), r"how 'logs' is not known \(nearest: 'log'\)"),
    ],
)
def test_bad_lines(table: ibis.Table, line: dict[str, Any], message: str) -> None:
    with pytest.raises(PanelError, match=message):
        derive(table, [line])


def test_codebook_and_coverage(table: ibis.Table) -> None:
    done = derive(table, [spec("y", "log", "x")])
    known = [
        Column("firm_id", "Firm", "企业", type="str", role="key"),
        Column("z", "Z", "某", unit="%", role="extra"),
    ]
    start = Column("start", "Start", "起始", null_is="answer")
    book = codebook(done.table, [*known, start, *done.columns, Column("absent", "A", "A")])
    assert book["column"].tolist() == ["firm_id", "z", "start", "y"]
    assert book["n"].tolist() == [6, 5, 4, 4] and book["role"].tolist()[-1] == "derived"
    # 1e-12: shares of small whole numbers.
    np.testing.assert_allclose(book["missing_share"], [0, 1 / 6, 2 / 6, 2 / 6], rtol=1e-12)
    assert gaps(book, [*known, start]) == ["z"]
    by_year = coverage(done.table, ["z"]).set_index("year")
    assert by_year["firms"].to_dict() == {2013: 1, 2014: 1, 2015: 2, 2016: 1, 2017: 1}
    assert by_year.loc[2015, "missing"] == 0.5 and set(by_year["column"]) == {"z"}
    assert len(coverage(done.table, [])) == 5
    assert reporting(done.table, ["firm_id", "z"]).to_dict() == {"firm_id": 2, "z": 2}


def test_pilot_columns_are_no_gaps() -> None:
    answers = {c.column for c in contract() if c.null_is == "answer"}
    assert answers == {"pilot_scheme", "pilot_start_year", "pilot_end_year", "actor_type"}
