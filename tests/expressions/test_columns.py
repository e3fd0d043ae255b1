"""A study's columns, rules for rows and samples on a panel, held against pandas."""

from __future__ import annotations

import ast
from pathlib import Path

import ibis
import numpy as np
import pandas as pd
import pytest

from workbook import paths
from workbook.expressions.asked import Asked, measured
from workbook.expressions.columns import make, masks
from workbook.expressions.errors import ExpressionError
from workbook.expressions.reading import parse

nan = np.nan
FRAME = pd.DataFrame(
    {
        "source_row": range(1, 7),
        "firm_id": list("aaaabb"),
        "year": [2017, 2014, 2015, 2013, 2015, 2016],
        "x": [8.0, 2.0, 4.0, 1.0, 0.0, -1.0],
        "z": [2.0, 0.0, nan, 4.0, 5.0, 5.0],
        "g": list("uuvvuv"),
    }
)


@pytest.fixture
def table() -> ibis.Table:
    return ibis.duckdb.connect().create_table("given", FRAME, temp=True)


def test_rows_are_counted_by_rule_and_by_reason(table: ibis.Table) -> None:
    asked = Asked(
        where={"late": "year > 2013", "z": "z > 1"},
        samples={"from 2016": "year >= 2016", "none": "x / z > 9"},
    )
    made = make(table, asked, inside=table.filter(table.year < 2017))
    # Inside: all but a 2017. Late: all of these but 2013. z: 2014 is 0, 2015 of a is missing.
    assert made.flow.values.tolist() == [
        ["where", "late", "year > 2013", 4, 2, 1, 0],
        ["where", "z", "z > 1", 2, 1, 1, 1],
        ["sample", "from 2016", "year >= 2016", 1, 1, 1, 0],
        ["sample", "none", "x / z > 9", 0, 0, 2, 0],
    ]
    assert sorted(made.table.source_row.to_pandas()) == [5, 6]


def test_time_sees_all_rows_and_groups_see_those_that_are_kept(table: ibis.Table) -> None:
    asked = Asked({"before": "lag(x)", "m": "mean(x, by=all)", "m_before": "lag(m)"}, {"late": "year > 2013"})
    found = make(table, asked).table.order_by(["firm_id", "year"]).to_pandas()
    assert found["before"].fillna(-9).tolist() == [
        1,
        2,
        -9,
        -9,
        0,
    ]  # 2014 has the value of 2013, which is not kept
    assert found["m"].eq(13 / 5).all()
    assert found["m_before"].fillna(-9).tolist() == [-9, 13 / 5, -9, -9, 13 / 5]  # in 2013 there is none


def test_each_column_says_why_values_are_missing(table: ibis.Table) -> None:
    asked = Asked({"ratio": "log(x / z)", "rise": "dlog(x)", "two": "moving_mean(x, 2)", "on": "since(z)"})
    report = make(table, asked).report.set_index("column")[
        ["n", "inputs_missing", "undefined", "no_year_before"]
    ]
    assert report.loc["ratio"].tolist() == [2, 1, 3, 0]
    assert report.loc["rise"].tolist() == [2, 0, 1, 3]
    assert report.loc["two"].tolist() == [3, 0, 0, 3]
    assert report.loc["on"].tolist() == [6, 0, 0, 0]
    assert (report.sum(axis=1) == len(FRAME)).all()


def test_columns_are_in_any_order_and_those_of_the_source_are_made_again_once(table: ibis.Table) -> None:
    asked = Asked({"b": "a + 1", "a": "2 * x", "x": "clip(x, 0, 3)"})
    made = make(table, asked)
    found = made.table.order_by("source_row").to_pandas()
    assert found["x"].tolist() == [3, 2, 3, 1, 0, 0]
    assert found["b"].tolist() == [7, 5, 7, 3, 1, 1]
    assert list(found)[-3:] == ["b", "a", "x"] and made.kinds == {"b": "number", "a": "number", "x": "number"}


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        (Asked({"a": "b", "b": "a"}), "need one another: a → b → a|need one another: b → a → b"),
        (Asked({"x": "z"}), "'x' is a column of the source"),
        (Asked({"m": "mean(x, by=all)"}, {"w": "x > m"}), "chosen by columns that look at other rows"),
        (Asked({}, {"w": "x > mean(x, by=all)"}), "w: character 5: mean looks at other rows"),
        (Asked({"m": "x + g"}), r"m: character 5: g \(text\) is no number"),
        (Asked({"if": "x"}), "'if' is a word of expressions"),
        (Asked({"m": "xx"}), "m: character 1: no column 'xx'"),
        (Asked({"x": "x * 2", "m": "log(qq)"}), r"no column 'qq'\. Columns: [^:]*$"),
        (Asked({}, {"w": "x"}), "w: character 1: x .* is no condition"),
        (Asked({}, {}, {"s": "x + 1"}), "s: .* is no condition"),
        (Asked({}, {}, {"s": "g in big"}, {"bog": ["u"]}), "s: .*no list 'big'. Nearest: bog"),
    ],
)
def test_what_is_refused(table: ibis.Table, asked: Asked, message: str) -> None:
    with pytest.raises(ExpressionError, match=message):
        make(table, asked)


def test_names_are_those_that_the_source_must_bring() -> None:
    asked = Asked(
        {"a": "log(b / c)", "d": "winsor(d, 0.01)", "e": "mean(a, by=(g, year))"},
        {"w": "h > 1"},
        {"s": "a > k"},
    )
    assert set(asked.names()) == {"b", "c", "d", "g", "year", "h", "k"}


def test_masks_of_conditions() -> None:
    conditions = {"greater": "x > z", "absent": "q > 1", "years": "year in late"}
    found, why = masks(FRAME, conditions, {"late": [2015, 2016]})
    assert found["greater"].tolist() == [True, True, False, False, False, False]  # a missing value meets none
    assert found["years"].tolist() == [False, False, True, False, True, True]
    assert "'q'" in why["absent"]
    with pytest.raises(ExpressionError, match="bad: character 7: the expression ends"):
        masks(FRAME, {"bad": "year >"})
    with pytest.raises(ExpressionError, match="is no condition"):
        masks(FRAME, {"bad": "year + 1"})


def test_what_a_ratio_measures_and_relates_to() -> None:
    assert measured(parse("log(value / staff)")) == ({"value"}, {"staff"})
    assert measured(parse("log_ratio(value, staff)")) == ({"value"}, {"staff"})
    assert measured(parse("log(value) - log(staff)")) == ({"value"}, {"staff"})
    assert measured(parse("lag(a * b) / c - d")) == ({"a", "b", "d"}, {"c"})


def test_no_text_is_run() -> None:
    """Nothing of the library runs a text: no eval, exec or compile, no DataFrame.eval, and query of constants alone.

    But for cells of the project's own notebooks, which variants of a study run without a kernel (`workbook.variants.stage`).
    """
    found = []
    for file in (paths.ROOT / "lib").rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if not isinstance(node, ast.Call):
                continue
            name = getattr(node.func, "id", getattr(node.func, "attr", ""))
            bare = isinstance(node.func, ast.Name)
            constant = bool(node.args) and isinstance(node.args[0], ast.Constant)
            runs = (bare and name in ("eval", "exec", "compile", "__import__")) or (
                not bare and name == "eval"
            )
            if runs or (name == "query" and len(node.args) == 1 and not constant):
                found.append(f"{file.relative_to(paths.ROOT)} {name}")
    assert found == [f"lib/workbook/variants/stage.py {name}" for name in ("exec", "compile")]


def test_a_condition_that_ran_a_command_runs_none(tmp_path: Path) -> None:
    text = f"@pd.io.common.os.system('touch {tmp_path}/made') == 1"
    with pytest.raises(ExpressionError, match="character 1: '@' cannot stand here"):
        masks(FRAME, {"<script>": text})
    assert not list(tmp_path.iterdir())
