"""What the engines say differently, put from the one into the other: trees, without Spark."""

from __future__ import annotations

import pytest
from sqlglot import exp

from workbook.cluster import dialect


def spark(statement: str, macros: dict[str, dialect.Macro] | None = None) -> str:
    return dialect.spoken(dialect.parsed(statement, macros or {}), lambda call: "a_view")


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("SELECT * EXCLUDE (a) FROM t", "SELECT * EXCEPT (a) FROM t"),
        ("SELECT len(string_split_regex(a, 'x')) FROM t", "SELECT SIZE(SPLIT(a, 'x')) FROM t"),
        ("SELECT log(a), ln(a) FROM t", "SELECT LOG10(a), LN(a) FROM t"),
        ("SELECT len(a) FROM t", "SELECT LENGTH(a) FROM t"),
        ("SELECT a::HUGEINT FROM t", "SELECT CAST(a AS DECIMAL(38, 0)) FROM t"),
        ("SELECT quantile_cont(a, 0.5) FROM t", "SELECT PERCENTILE(a, CAST('0.5' AS DOUBLE)) FROM t"),
        (
            "SELECT regexp_replace(a, '(x)', '\\1', 'g') FROM t",
            "SELECT REGEXP_REPLACE(a, '(x)', '$1') FROM t",
        ),
        ("SELECT a FROM read_parquet('f.parquet')", "SELECT a FROM `a_view`"),
        ("SELECT a / 2 FROM t", "SELECT (CAST(a AS DOUBLE) / CAST(2 AS DOUBLE)) FROM t"),
        ("SELECT l[n + 2] FROM t", "SELECT GET(l, CAST((n + 2) - 1 AS INT)) FROM t"),
        ("SELECT list_distinct(l) FROM t", "SELECT ARRAY_DISTINCT(ARRAY_COMPACT(l)) FROM t"),
        ("SELECT l[2] FROM t", "SELECT GET(l, CAST(1 AS INT)) FROM t"),
        ("SELECT row_number() OVER () FROM t", "SELECT (MONOTONICALLY_INCREASING_ID() + 1) FROM t"),
        ("SELECT a FROM t ORDER BY a", "SELECT a FROM t ORDER BY a NULLS LAST"),
    ],
)
def test_a_query_is_put_into_sparks_words(asked: str, said: str) -> None:
    assert spark(asked) == said


def test_division_by_what_may_be_zero_is_no_error() -> None:
    said = spark("SELECT a / b FROM t")
    assert "TRY_DIVIDE" in said.upper() and "'Infinity'" in said


def test_a_division_within_another_is_put_right_too() -> None:
    assert spark("SELECT (a / b) / (c / d) FROM t").upper().count("TRY_DIVIDE") >= 3


def test_macros_are_put_as_expressions() -> None:
    macros = dict(
        [
            dialect.macro("-- a comment\nCREATE OR REPLACE TEMP MACRO slack(x) AS greatest(0.1, 0.01 * x)"),
            dialect.macro("CREATE MACRO near(a, b) AS abs(a - b) <= slack(b)"),
        ]
    )
    said = spark("SELECT near(x, y + 1) FROM t", macros)
    assert "SLACK" not in said.upper() and "NEAR" not in said.upper()
    assert "(y + 1)" in said


def test_what_is_no_macro_is_none() -> None:
    assert dialect.macro("CREATE TEMP TABLE macro_ AS SELECT 1") is None


def test_an_update_is_a_query_of_all_columns() -> None:
    tree = dialect.parsed("UPDATE t SET b = NULL WHERE a > 1", {})
    assert isinstance(tree, exp.Update)
    said = dialect.updated(tree, ["a", "b"]).sql(dialect="spark")
    assert said == "SELECT `t`.`a` AS `a`, CASE WHEN a > 1 THEN NULL ELSE `t`.`b` END AS `b` FROM t"


def test_a_deletion_keeps_rows_of_which_the_condition_cannot_be_told() -> None:
    tree = dialect.parsed("DELETE FROM t WHERE a", {})
    assert isinstance(tree, exp.Delete)
    assert dialect.left(tree).sql(dialect="spark") == "SELECT * FROM t WHERE NOT COALESCE(a, FALSE)"


def test_columns_are_spread() -> None:
    tree = dialect.spread(dialect.parsed("SELECT count(COLUMNS(*)) FROM t", {}), lambda source: ["a", "b"])
    assert tree.sql(dialect="spark") == "SELECT COUNT(`a`) AS `a`, COUNT(`b`) AS `b` FROM t"
