"""From DuckDB's SQL to Spark's: all that the two engines say or mean differently.

sqlglot turns one dialect's tree into the other's. What it leaves is put right here, on trees and never on text, so that a
statement means on Spark what it means on DuckDB: division by zero, decimal literals, group references of regular
expressions, row numbers without an order, views in place of temporary tables, macros as expressions.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import sqlglot
from sqlglot import exp

READ, WRITE = "duckdb", "spark"
# sqlglot takes a macro for a command: its head says the name and what it is given, the rest is an expression.
MACRO = re.compile(
    r"(?:\s|--[^\n]*\n)*CREATE\s+(?:OR\s+REPLACE\s+)?(?:TEMP\s+)?MACRO\s+(\w+)\s*\(([^)]*)\)\s+AS\s+(.*)",
    re.I | re.S,
)
# Functions that Spark has under another name, and sqlglot leaves as they are.
NAMES = {"json_keys": "json_object_keys", "list_apply": "transform"}
_MET = "met__"
_REFERENCE = re.compile(r"\\(\d)")
# Aggregates of lists; {} is the list.
_OVER_LISTS = {
    "list_sum": "aggregate({}, CAST('0' AS DOUBLE), (a, x) -> a + x)",
    "list_bool_or": "exists({}, x -> x)",
    "list_bool_and": "forall({}, x -> x)",
    "list_max": "array_max({})",
    "list_min": "array_min({})",
}
_LISTS = (exp.Array, exp.ArrayFilter, exp.RegexpSplit, exp.Split, exp.ArrayAgg)
_WHOLE = (
    exp.DataType.Type.INT128,
    exp.DataType.Type.UINT128,
    exp.DataType.Type.UBIGINT,
    exp.DataType.Type.UINT,
)


@dataclass(frozen=True)
class Macro:
    """An expression with names for what it is given."""

    given: tuple[str, ...]
    body: exp.Expression

    def of(self, values: list[exp.Expression]) -> exp.Expression:
        """The expression with values in place of the names."""
        known = dict(zip(self.given, values, strict=True))

        def put(node: exp.Expression) -> exp.Expression:
            named = isinstance(node, exp.Column) and not node.table and node.name in known
            return exp.paren(known[node.name].copy()) if named else node

        return exp.paren(self.body.copy().transform(put))


def macro(statement: str) -> tuple[str, Macro] | None:
    """Name and meaning of the macro that a statement makes; None of another statement."""
    found = MACRO.match(statement)
    if found is None:
        return None
    name, given, body = found.groups()
    return name.lower(), Macro(tuple(g.strip() for g in given.split(",")), sqlglot.parse_one(body, read=READ))


def parsed(statement: str | exp.Expression, macros: Mapping[str, Macro]) -> exp.Expression:
    """A statement's tree, macros in it put as what they stand for."""
    tree = sqlglot.parse_one(statement, read=READ) if isinstance(statement, str) else statement.copy()

    def put(node: exp.Expression) -> exp.Expression:
        known = macros.get(node.name.lower()) if isinstance(node, exp.Anonymous) else None
        return known.of(node.expressions).transform(put) if known else node

    return tree.transform(put) if macros else tree


def spoken(tree: exp.Expression, parquet: Callable[[exp.Expression], str]) -> str:
    """A query in Spark's SQL.

    Parameters
    ----------
    tree : sqlglot expression
        In DuckDB's meaning; `parsed` gives it.
    parquet : callable
        Gives the name of a view for a call of ``read_parquet``.
    """
    root = tree.copy()
    for node in reversed(
        list(root.walk())
    ):  # from the leaves up: what is put in place is not looked at again
        new = _meant(node, parquet)
        if new is not node:
            root = new if node is root else root
            node.replace(new)
    return root.sql(dialect=WRITE)


def updated(tree: exp.Update, columns: list[str]) -> exp.Select:
    """The rows of a table as an update leaves them; of another table that it reads, a row has one match at most."""
    table, where, other = tree.this, tree.args.get("where"), tree.args.get("from_") or tree.args.get("from")
    new = {one.this.name.lower(): one.expression for one in tree.expressions}
    met = exp.column(_MET).is_(exp.true()) if other else where.this if where else exp.true()
    cells: list[exp.Expression] = []
    for name in columns:
        old = exp.column(name, table=table.alias_or_name, quoted=True)
        value = new.get(name.lower())
        cell = exp.Case().when(met.copy(), value.copy()).else_(old) if value is not None else old
        cells.append(exp.alias_(cell, name, quoted=True))
    kept = exp.select(*cells).from_(table.copy())
    if other is None or where is None:
        return kept
    source = other.this
    marked = exp.select("*", exp.alias_(exp.true(), _MET)).from_(exp.to_table(source.name))
    return kept.join(marked.subquery(source.alias_or_name), on=where.this.copy(), join_type="left")


def spread(tree: exp.Expression, columns: Callable[[exp.Expression], list[str]]) -> exp.Expression:
    """``f(COLUMNS(*))`` as one expression for each column of what the query reads."""
    for mark in list(tree.find_all(exp.Columns)):
        select = mark.find_ancestor(exp.Select)
        assert select is not None  # it stands nowhere else
        listed = []
        for one in select.expressions:
            if one.find(exp.Columns) is None:
                listed.append(one)
                continue
            for name in columns(select.args["from_"] if "from_" in select.args else select.args["from"]):
                asked = one.copy()
                asked.find(exp.Columns).replace(exp.column(name, quoted=True))
                listed.append(exp.alias_(asked, name, quoted=True))
        select.set("expressions", listed)
    return tree


def left(tree: exp.Delete) -> exp.Select:
    """The rows of a table that a deletion leaves: those for which its condition is not true."""
    where = tree.args.get("where")
    told = exp.Coalesce(this=where.this.copy(), expressions=[exp.false()]) if where else exp.true()
    return exp.select("*").from_(tree.this.copy()).where(exp.not_(told))


# -- inside ------------------------------------------------------------------------------------
def _meant(node: exp.Expression, parquet: Callable[[exp.Expression], str]) -> exp.Expression:
    kind = type(node)
    if kind in _MEANT:
        return _MEANT[kind](node)
    if isinstance(node, exp.ReadParquet) or (
        isinstance(node, exp.Anonymous) and node.name.lower() == "read_parquet"
    ):
        return exp.to_identifier(parquet(node), quoted=True)
    return node


def _division(node: exp.Div) -> exp.Expression:
    """DuckDB's ``/`` is one of floating-point numbers, where zero gives infinity or what is no number, and no error.

    Infinity has the sign of what is divided; a zero with a sign of its own is one without here.
    """
    over, under = (_double(side) for side in (node.this, node.expression))
    known = under.this.unnest()
    known = known.this if isinstance(known, exp.Cast) else known
    if isinstance(known, exp.Literal) and float(known.name) != 0:
        return exp.paren(exp.Div(this=over, expression=under, typed=False, safe=False))
    zero = exp.EQ(this=under.copy(), expression=exp.Literal.number("0"))
    infinite = exp.Mul(this=over.copy(), expression=_double(exp.Literal.string("Infinity")))
    quotient = exp.Anonymous(this="try_divide", expressions=[over, under])
    return exp.Case().when(zero, infinite).else_(quotient)


def _double(node: exp.Expression) -> exp.Expression:
    return exp.cast(
        exp.paren(node.copy()) if isinstance(node, exp.Binary) else node.copy(), exp.DataType.Type.DOUBLE
    )


def _literal(node: exp.Literal) -> exp.Expression:
    """A number with a point is a floating-point one: beside a column of such it is one in DuckDB, too."""
    decimal = not node.is_string and ("." in node.name or "e" in node.name.lower())
    return exp.cast(exp.Literal.string(node.name), exp.DataType.Type.DOUBLE) if decimal else node


def _replacing(node: exp.RegexpReplace) -> exp.Expression:
    """Java's reference to a group is ``$1``; all occurrences are replaced, which the flag ``g`` asks for."""
    new = node.args.get("replacement")
    if isinstance(new, exp.Literal):
        text = _REFERENCE.sub(r"$\1", new.name.replace("$", r"\$"))
        node.set("replacement", exp.Literal.string(text))
    node.set("modifiers", None)
    return node


def _full(node: exp.Expression) -> exp.Expression:
    text, pattern = node.this, node.expression
    if isinstance(pattern, exp.Literal):
        pattern = exp.Literal.string(rf"\A(?:{pattern.name})\z")
    return exp.RegexpLike(this=text, expression=pattern)


_PLACES = (
    exp.RowNumber,
    exp.Lag,
    exp.Lead,
    exp.Rank,
    exp.DenseRank,
    exp.PercentRank,
    exp.CumeDist,
    exp.Ntile,
)


def _numbered(node: exp.Window) -> exp.Expression:
    """Places have no frame. A row number without an order counts rows as they come; here it only tells them apart."""
    if isinstance(node.this, _PLACES):
        node.set("spec", None)
    if (
        isinstance(node.this, exp.RowNumber)
        and not node.args.get("order")
        and not node.args.get("partition_by")
    ):
        number = exp.Anonymous(this="monotonically_increasing_id", expressions=[])
        return exp.paren(exp.Add(this=number, expression=exp.Literal.number("1")))
    return node


def _element(node: exp.Bracket) -> exp.Expression:
    """An element that is not there is NULL; sqlglot counts from 0 where it knows that an index is a number."""
    at = node.expressions[0]
    if len(node.expressions) != 1 or at.is_string or isinstance(at, exp.Slice):
        return node
    first = at if at.is_int else exp.Sub(this=exp.paren(at.copy()), expression=exp.Literal.number("1"))
    return exp.Anonymous(this="get", expressions=[node.this, exp.cast(first, exp.DataType.Type.INT)])


def _logarithm(node: exp.Log) -> exp.Expression:
    """DuckDB's ``log`` of one number is to base 10, Spark's the natural one."""
    return node if node.expression else exp.Anonymous(this="log10", expressions=[node.this])


def _length(node: exp.Length) -> exp.Expression:
    """DuckDB's ``len`` counts letters of a text and elements of a list."""
    of = node.this.unnest()
    listed = isinstance(of, _LISTS) or (
        isinstance(of, exp.Anonymous)
        and of.name.lower().startswith(("list_", "array_", "map_", "json_keys", "json_object_keys"))
    )
    return exp.Anonymous(this="size", expressions=[node.this]) if listed else node


def _quantile(node: exp.Expression) -> exp.Expression:
    return exp.Anonymous(this="percentile", expressions=[node.this, node.expression])


def _cast(node: exp.Cast) -> exp.Expression:
    """JSON is a text here, and a map of JSON is read from it; what is no such text gives no map."""
    if node.to.this == exp.DataType.Type.JSON:
        return node.this
    if node.to.this == exp.DataType.Type.MAP:
        kind = exp.Literal.string(node.to.sql(dialect=WRITE))
        return exp.Anonymous(this="from_json", expressions=[node.this, kind])
    return node


def _typed(node: exp.DataType) -> exp.Expression:
    """Spark has no integers of 128 bits."""
    return exp.DataType.build("DECIMAL(38,0)") if node.this in _WHOLE else node


def _named(node: exp.Anonymous) -> exp.Expression:
    name = node.name.lower()
    if name == "regexp_full_match":
        return _full(exp.RegexpLike(this=node.expressions[0], expression=node.expressions[1]))
    if name == "list_distinct":  # without what is missing
        held = exp.Anonymous(this="array_compact", expressions=node.expressions)
        return exp.Anonymous(this="array_distinct", expressions=[held])
    if name in _OVER_LISTS:
        return _over_list(_OVER_LISTS[name], node.expressions[0])
    return exp.Anonymous(this=NAMES[name], expressions=node.expressions) if name in NAMES else node


def _over_list(how: str, listed: exp.Expression) -> exp.Expression:
    """An aggregate of a list without what is missing in it; of a list without anything it is missing."""

    def put(node: exp.Expression) -> exp.Expression:
        return listed.copy() if isinstance(node, exp.Column) and node.name == "listed" else node

    whole = f"CASE WHEN size(array_compact(listed)) > 0 THEN {how.format('array_compact(listed)')} END"
    return sqlglot.parse_one(whole, read=WRITE).transform(put)


def _infinite(node: exp.IsInf) -> exp.Expression:
    endless = _double(exp.Literal.string("Infinity"))
    return exp.paren(exp.EQ(this=exp.Abs(this=node.this), expression=endless))


_MEANT: dict[type, Callable[[Any], exp.Expression]] = {
    exp.Div: _division,
    exp.Literal: _literal,
    exp.RegexpReplace: _replacing,
    exp.RegexpFullMatch: _full,
    exp.Window: _numbered,
    exp.DataType: _typed,
    exp.IsInf: _infinite,
    exp.PercentileCont: _quantile,
    exp.Anonymous: _named,
    exp.Bracket: _element,
    exp.Cast: _cast,
    exp.TryCast: _cast,
    exp.Length: _length,
    exp.Log: _logarithm,
    exp.Quantile: lambda node: exp.Anonymous(
        this="percentile", expressions=[node.this, node.args["quantile"]]
    ),
}
