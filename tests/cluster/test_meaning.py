"""A statement means on Spark what it means on DuckDB."""

from __future__ import annotations

import math
from typing import Any

import ibis
import pandas as pd
import pytest

from workbook import engine

ROWS = pd.DataFrame(
    {
        "k": ["a", "b", "b", None, "c"],
        "x": [1.5, -2.0, 0.0, 4.0, None],
        "n": [3, 0, -7, 5, 2],
        "s": ["C131x", "0131", "", None, "1.5"],
        "j": ['{"6510": 12.5, "3911": 0}', "{}", "no object", None, '{"a": 1}'],
    }
)
# Each gives one row or rows in an order that it states.
STATEMENTS = [
    "SELECT x / n FROM t ORDER BY n",
    "SELECT n / x FROM t ORDER BY n",
    "SELECT n // 2, n % 4 FROM t WHERE n > 0 ORDER BY n",
    "SELECT 1 / (x / n) FROM t WHERE x <> 0 ORDER BY n",
    "SELECT try_cast(s AS DOUBLE) FROM t ORDER BY n",
    "SELECT regexp_replace(s, '^[A-T]([0-9]{3})', 'g\\1', 'g'), regexp_matches(s, '^0\\d+$') FROM t ORDER BY n",
    "SELECT k, count(*), sum(x), avg(x), median(x), bool_or(x > 0) FROM t GROUP BY k ORDER BY k",
    "SELECT sum(x) FILTER (n > 0), count(DISTINCT k) FROM t",
    "SELECT quantile_cont(x, 0.3) FROM t",
    "SELECT n, lag(x) OVER (PARTITION BY k ORDER BY n) FROM t ORDER BY n",
    "SELECT k, grouping(k), sum(n) FROM t GROUP BY GROUPING SETS ((k), ()) ORDER BY k, grouping(k)",
    "SELECT e.key, e.value FROM (SELECT unnest(map_entries(cast(cast(j AS json) AS map(varchar, double)))) AS e FROM t "
    "WHERE n IN (0, 2, 3)) ORDER BY e.key",
    "SELECT len(json_keys(try_cast(j AS json))) FROM t WHERE n <> -7 ORDER BY n",
    "SELECT list_sum([x, 1.0, NULL]), list_sum([NULL::DOUBLE]), len([n, 1]), ([10, 20, 30])[n] FROM t ORDER BY n",
    "SELECT len(list_distinct(list_filter(string_split_regex(s, '[^0-9]+'), y -> y <> ''))) FROM t ORDER BY n",
    "SELECT isinf(x / 0), isnan(x) FROM t WHERE x IS NOT NULL ORDER BY n",
    "SELECT log(n), ln(n), log(2, n) FROM t WHERE n > 0 ORDER BY n",
    "SELECT x FROM t ORDER BY x",
    "SELECT x FROM t ORDER BY x DESC",
    "SELECT k, n FROM t QUALIFY row_number() OVER (PARTITION BY k ORDER BY n) = 1 ORDER BY n",
    "SELECT greatest(x, n), least(x, 0), coalesce(s, 'none') FROM t ORDER BY n",
    "SELECT round(x / 3, 2), CAST(x AS BIGINT) FROM t WHERE x <> 1.5 ORDER BY n",
]


def plain(value: Any) -> Any:
    """What both engines' forms of a value have in common."""
    if value is None or (isinstance(value, float) and math.isnan(value)) or value is pd.NA:
        return None
    return (
        round(float(value), 10)
        if isinstance(value, int | float) and not isinstance(value, bool)
        else str(value)
    )


def rows(con: Any, statement: str) -> list[list[Any]]:
    return [[plain(value) for value in row] for row in con.raw_sql(statement).fetchall()]


@pytest.fixture(scope="module")
def both(spark: Any) -> tuple[Any, Any]:
    duck = engine.opened(threads=1)
    for con in (duck, spark):
        con.create_table("t", ROWS, temp=True, overwrite=True)
    return duck, spark


@pytest.mark.parametrize("statement", STATEMENTS)
def test_a_statement_gives_the_same(both: tuple[Any, Any], statement: str) -> None:
    duck, spark = both
    assert rows(spark, statement) == rows(duck, statement)


def test_what_is_no_number_is_an_error_in_both(both: tuple[Any, Any]) -> None:
    for con in both:
        with pytest.raises(Exception, match=r"(?i)convert|cast"):
            con.raw_sql("SELECT CAST(s AS DOUBLE) FROM t").fetchall()


def test_tables_on_the_way_are_changed_alike(both: tuple[Any, Any]) -> None:
    found = []
    for con in both:
        con.raw_sql("CREATE OR REPLACE TEMP MACRO twice(a) AS 2 * a")
        con.raw_sql("CREATE OR REPLACE TEMP TABLE u AS SELECT n, twice(x) AS y, k FROM t")
        con.raw_sql("UPDATE u SET y = NULL WHERE k = 'b' AND n NOT IN (SELECT n FROM t WHERE x < 0)")
        con.raw_sql("DELETE FROM u WHERE k = 'c'")
        con.create_table("more", pd.DataFrame({"n": [3], "y": [9.0]}), temp=True, overwrite=True)
        con.raw_sql("UPDATE u SET y = m.y FROM more AS m WHERE u.n = m.n")
        con.raw_sql("INSERT INTO u SELECT 100, 1.0, 'z'")
        found.append(rows(con, "SELECT n, y, k FROM u ORDER BY n"))
    assert found[0] == found[1]


def test_expressions_of_ibis_give_the_same(both: tuple[Any, Any]) -> None:
    found = []
    for con in both:
        t = con.table("t")
        known = ibis.memtable({"k": ["a", "b"], "w": [1.0, 2.0]})
        made = t.left_join(known, "k").mutate(z=t.x / t.n, first=t.s.substr(0, 2), far=t.x.abs() > 1).cache()
        summed = made.group_by("k").aggregate(z=made.z.sum(), w=made.w.max(), n=made.count()).order_by("k")
        found.append(summed.to_pandas())
    pd.testing.assert_frame_equal(found[0], found[1], check_dtype=False)
