"""From checked trees to table expressions: each part is a column of a subquery of its own.

So a part may be used several times without being written several times, windows are never nested (DuckDB refuses
that), and what is not computed stays an expression. Parts that are the same are computed once. Sums are taken in the
order of the keys, so that neither threads nor the order of the source move their last digit.
"""

# Ibis, not pandas: its tests for NULL are named isnull and notnull.
from __future__ import annotations

import itertools
import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import reduce
from typing import Any

import ibis
import ibis.expr.datatypes as dt

from workbook.expressions.errors import PART
from workbook.expressions.functions import CARRIES
from workbook.expressions.reading import Node

_TABLES = itertools.count()
# A quantile between two equal values is off by a last digit, so that values on it are compared with so much room.
LAST = 1e-12
LINKS = 50  # of a chain in one part: what writes SQL calls itself for each


@dataclass(frozen=True)
class Rules:
    """How rows are identified, and what functions over rows see.

    Attributes
    ----------
    unit, year : str
        Keys; `year` None for a cross-section.
    kept : str, optional
        Column of truths: rows that functions over rows see. None: all.
    quantiles : {"linear", "stata"}
        Cut points between two values: by distance, or their mean where a share falls between them.
    """

    unit: str = "firm_id"
    year: str | None = "year"
    kept: str | None = None
    quantiles: str = "linear"

    @property
    def keys(self) -> list[str]:
        """The columns that identify a row."""
        return [self.unit, *([self.year] if self.year else [])]


class Builder:
    """Adds the parts of expressions to a table, one subquery for each depth.

    Parameters
    ----------
    table : ibis.Table
        Unique by its keys.
    rules : Rules
    """

    def __init__(self, table: ibis.Table, rules: Rules) -> None:
        self.table, self.rules = table, rules
        self._named: dict[Node, str] = {}
        self._earlier: dict[tuple[int, Node], str] = {}

    def add(self, wanted: Mapping[str, Node]) -> ibis.Table:
        """The table with a column for each checked tree, that may name those before it."""
        depths: dict[str, int] = {}
        levels: dict[int, dict[str, Node]] = {}
        for name, tree in wanted.items():
            node = _spelled(tree, self.rules.quantiles)
            depths[name] = self._place(node, depths, levels) + 1
            levels.setdefault(depths[name], {})[name] = node
        for depth in sorted(levels):
            self._lagged(levels[depth])
            made = {name: self._value(node, name) for name, node in levels[depth].items()}
            self.table = self.table.mutate(**made).view()
        return self.table

    def year_absent(self, table: ibis.Table, node: Node) -> Any:
        """Whether another year's value is not there, for a call that asks for one."""
        spelled = _spelled(node, self.rules.quantiles)
        if node.value in _TIMED:
            return table[self._earlier[_shift(spelled), spelled.parts[0]]].isnull()
        return table[self._named[spelled]].isnull()

    # -- parts -------------------------------------------------------------------------------
    def _place(self, node: Node, depths: Mapping[str, int], levels: dict[int, dict[str, Node]]) -> int:
        """Depth at which a part is computed; its column is noted there."""
        if node.op == "name":
            return depths.get(node.value, 0)
        if not node.parts:
            return 0
        by = [name for _, value in node.options for name in value]
        if node.options and self.rules.kept:
            by.append(self.rules.kept)
        below = [self._place(part, depths, levels) for part in node.parts]
        depth = 1 + max([*below, *(depths.get(name, 0) for name in by)])
        if node not in self._named:
            self._named[node] = f"{PART}{len(self._named)}"
            levels.setdefault(depth, {})[self._named[node]] = node
        return depth

    def _of(self, node: Node) -> Any:
        """A part as an operand: a column, or a literal."""
        if node.op == "name":
            column = self.table[node.value]
            return _finite(column) if column.type().is_floating() else column
        return self.table[self._named[node]] if node in self._named else _literal(node)

    def _value(self, node: Node, name: str) -> Any:
        """What is computed for a part; for a column, that of its whole tree, in its type."""
        if not name.startswith(PART):
            return _typed(self._of(node), node.kind)
        operands = [self._of(part) for part in node.parts]
        if node.op == "call":
            return _typed(self._call(node, operands), node.kind)
        return _OPERATIONS[node.op](operands, node)

    def _call(self, node: Node, x: list[Any]) -> Any:
        name, constants = str(node.value), [part.value for part in node.parts]
        if x and (node.options or name in _UNIT or name in _TIMED):
            x = [self._column(x[0]), *x[1:]]
        if node.options:
            return self._over(name, node, x, constants)
        if name in _TIMED:
            earlier = self.table[self._earlier[_shift(node), node.parts[0]]]
            return earlier if name in CARRIES else _TIMED[name](number(x[0]), number(earlier))
        if name in _UNIT:
            return _UNIT[name](x, constants, self.rules, self.table)
        if name in ("since", "years_since"):
            return _YEARS[name](number(x[0]), number(self.table[self.rules.year]))
        return _ROW[name](x, constants, node)

    def _column(self, value: Any) -> Any:
        """A value that is the same in all rows as a column: what looks at other rows cannot look at a constant."""
        if not isinstance(value, ibis.expr.types.Scalar):
            return value
        return self.table[self.rules.unit].notnull().ifelse(value, ibis.null(value.type()))

    # -- other rows --------------------------------------------------------------------------
    def _over(self, name: str, node: Node, x: list[Any], constants: list[Any]) -> Any:
        """A function over the rows that are kept and share by=; a row without a group has no value."""
        by = [self.table[c] for c in dict(node.options)["by"]]
        inside = [group.notnull() for group in by]
        if self.rules.kept:
            by, inside = [*by, self.table[self.rules.kept]], [*inside, self.table[self.rules.kept]]
        frame = _Frame(by, [self.table[key] for key in self.rules.keys])
        value = _OVER[name](number(x[0]) if name != "count" else x[0], x, constants, frame)
        return _when(ibis.and_(*inside), value) if inside else value

    def _lagged(self, level: Mapping[str, Node]) -> None:
        """Add the values of other years: a join carries one column through memory, a window all of them."""
        calls = [n for n in level.values() if n.op == "call" and n.value in _TIMED]
        wanted = [w for w in dict.fromkeys((_shift(n), n.parts[0]) for n in calls) if w not in self._earlier]
        if not wanted:
            return
        # Stored: else the work of a lag of a lag of a lag would double each time.
        self.table = self.table.get_backend().create_table(
            f"expressions_{next(_TABLES)}", self.table, temp=True
        )
        unit, year = self.rules.unit, self.rules.year
        for years in dict.fromkeys(years for years, _ in wanted):
            new = {}
            for shift, part in wanted:
                if shift == years:
                    self._earlier[shift, part] = f"{PART}earlier{len(self._earlier)}"
                    new[self._earlier[shift, part]] = self._of(part)
            keys = {f"{PART}unit": self.table[unit], f"{PART}year": self.table[year] + years}
            other = self.table.select(**keys, **new).view()
            same = [self.table[unit] == other[f"{PART}unit"], self.table[year] == other[f"{PART}year"]]
            self.table = self.table.left_join(other, same).select(*self.table.columns, *new).view()


@dataclass(frozen=True)
class _Frame:
    """The rows of a group."""

    by: list[Any]
    keys: list[Any]

    def over(self, value: Any) -> Any:
        """An aggregate over the whole group, taken in the order of the keys."""
        return value.over(rows=(None, None), group_by=self.by, order_by=self.keys)

    def among(self, x: Any, rank: Any, *ties: Any) -> Any:
        """A rank among the values that are there."""
        return rank.over(group_by=[*self.by, x.isnull()], order_by=[x, *ties])


# -- trees and values ----------------------------------------------------------------------------
def _spelled(node: Node, quantiles: str) -> Node:
    """The tree with what needs a further subquery written out: order statistics, by the definition of Stata."""
    parts = tuple(_spelled(part, quantiles) for part in node.parts)
    node = replace(node, parts=parts)
    if node.op == "chain" and len(parts) > LINKS:
        first = replace(node, parts=parts[:LINKS], value=node.value[: LINKS - 1], kind="number")
        return _spelled(
            replace(node, parts=(first, *parts[LINKS:]), value=node.value[LINKS - 1 :]), quantiles
        )
    if node.op == "call" and node.value in _QUANTILES and quantiles == "stata":
        more = tuple(Node("call", parts[:1], name, node.options, "integer") for name in ("order", "count"))
        return replace(node, parts=(*parts, *more), value=f"{node.value} stata")
    if node.op == "call" and node.value in ("first", "last"):
        return replace(node, parts=(*parts, Node("call", parts, f"{node.value} edge", kind="integer")))
    return node


def _shift(node: Node) -> int:
    years = node.parts[1].value if len(node.parts) > 1 else 1
    return -years if node.value == "lead" else int(years)


def _literal(node: Node) -> Any:
    if node.op == "missing":
        return ibis.null()
    return ibis.literal(float(node.value)) if node.op == "number" else ibis.literal(node.value)


def _typed(value: Any, kind: str) -> Any:
    kinds = {"number": "float64", "integer": "int64", "text": "string", "code": "string", "truth": "boolean"}
    wanted = kinds.get(kind)
    return value if wanted is None or value.type() == dt.dtype(wanted) else value.cast(wanted)


def number(value: Any) -> Any:
    """As a number of double precision."""
    return value if value.type().is_float64() else value.cast("float64")


def _finite(value: Any) -> Any:
    return (value.isinf() | value.isnan()).ifelse(ibis.null(value.type()), value)


def _when(test: Any, value: Any) -> Any:
    return test.ifelse(value, ibis.null(value.type()))


def _whole(value: Any) -> Any:
    """A value that a whole number can hold, else none: a larger one would end the query."""
    return _when(value.abs() < 9e18, value)


def _rounded(value: Any, digits: int) -> Any:
    return _whole(value).round() if digits == 0 else value.round(digits)


def _exactly(condition: Any, *ways: Any) -> Any:
    """The first value where a condition is true, the second where it is false, and none where it is missing."""
    return ibis.cases((condition, ways[0]), (~condition, ways[1]), else_=ibis.null(ways[0].type()))


# -- operations ----------------------------------------------------------------------------------
def _chain(x: list[Any], node: Node) -> Any:
    total = number(x[0])
    for sign, value in zip(node.value, x[1:], strict=True):
        total = _SIGNS[sign](total, number(value))
    return _finite(total)


_SIGNS: dict[str, Callable[[Any, Any], Any]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": lambda a, b: a / b.nullif(0.0),
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def _pair(x: list[Any]) -> list[Any]:
    """Values that can be compared: all numbers as numbers."""
    if any(v.type().is_numeric() for v in x):
        return [number(v) for v in x]
    kinds = [v.type() for v in x if not v.type().is_null()]
    return [v.cast(kinds[0]) if v.type().is_null() and kinds else v for v in x]


def _compare(x: list[Any], node: Node) -> Any:
    a, b = _pair(x)
    return _SIGNS[node.value[0]](a, b)


def _between(x: list[Any], node: Node) -> Any:
    value, low, high = _pair(x)
    return (value >= low) & (value <= high)


def _within(x: list[Any], node: Node) -> Any:
    values = [v if isinstance(v, str) else float(v) for v in node.value]
    return (x[0] if isinstance(node.value[0], str) else number(x[0])).isin(values)


def _choice(x: list[Any], node: Node) -> Any:
    return _exactly(x[0], *(_typed(v, node.kind) for v in x[1:]))


_OPERATIONS: dict[str, Callable[[list[Any], Node], Any]] = {
    "chain": _chain,
    "minus": lambda x, node: -number(x[0]),
    "power": lambda x, node: _finite(number(x[0]) ** float(node.value)),
    "compare": _compare,
    "between": _between,
    "within": _within,
    "absent": lambda x, node: x[0].isnull(),
    "negation": lambda x, node: ~x[0].cast("boolean"),
    "all": lambda x, node: ibis.and_(*(v.cast("boolean") for v in x)),
    "any": lambda x, node: ibis.or_(*(v.cast("boolean") for v in x)),
    "choice": _choice,
}


# -- functions of the row ------------------------------------------------------------------------
def _ln(value: Any) -> Any:
    return _when(value > 0, value).ln()


def _extreme(pick: Callable[..., Any]) -> Callable[[list[Any], list[Any], Node], Any]:
    """The smallest or largest of several; missing if one is: SQL's own passes over it."""

    def value(x: list[Any], constants: list[Any], node: Node) -> Any:
        numbers = [number(v) for v in x]
        return _when(ibis.and_(*(v.notnull() for v in numbers)), pick(*numbers))

    return value


def _clip(x: Any, low: Any, high: Any) -> Any:
    inside = (x < low).ifelse(low, (x > high).ifelse(high, x))
    return _when(x.notnull() & (low <= high), inside)


def _read_number(x: Any) -> Any:
    """The number that a text holds, also with commas for thousands; none where it holds something else."""
    if not x.type().is_string():
        return number(x)
    text = x.strip()
    grouped = text.re_search(r"^[-+]?[0-9]{1,3}(,[0-9]{3})+(\.[0-9]+)?$")
    return _finite(grouped.ifelse(text.replace(",", ""), text).try_cast("float64"))


def _written(x: Any) -> Any:
    """A value as text; a whole number without decimals."""
    if not x.type().is_floating():
        return x.cast("string")
    whole = (x == x.floor()) & (x.abs() < 1e15)
    return whole.ifelse(x.try_cast("int64").cast("string"), x.cast("string"))


# Of 2016, 2016-12-31, 2016/12, 2016年12月31日, 201612 and 20161231; other texts have no year.
_YEAR = r"^\s*([12][0-9]{3})(?:$|[^0-9].*$|(?:0[1-9]|1[0-2])(?:[0-3][0-9])?(?:$|[^0-9].*$))"
_MONTH = r"^\s*[12][0-9]{3}[-/.年 ]?(0?[1-9]|1[0-2])(?:$|[^0-9].*$|[0-3][0-9](?:$|[^0-9].*$))"


def _date_part(part: str, pattern: str) -> Callable[[list[Any], list[Any], Node], Any]:
    def value(x: list[Any], constants: list[Any], node: Node) -> Any:
        if x[0].type().is_temporal():
            return getattr(x[0], part)()
        return _written(x[0]).re_extract(pattern, 1).try_cast("int64")

    return value


def _padded(x: Any, width: int) -> Any:
    return (x.length() < width).ifelse(x.lpad(width, "0"), x)


_ROW: dict[str, Callable[[list[Any], list[Any], Node], Any]] = {
    "log": lambda x, c, n: _ln(number(x[0])),
    "log1p": lambda x, c, n: _ln(number(x[0]) + 1.0),
    "log_ratio": lambda x, c, n: _ln(number(x[0])) - _ln(number(x[1])),
    "exp": lambda x, c, n: _finite(number(x[0]).exp()),
    "abs": lambda x, c, n: number(x[0]).abs(),
    "sqrt": lambda x, c, n: _when(number(x[0]) >= 0, number(x[0])).sqrt(),
    "round": lambda x, c, n: _rounded(number(x[0]), int(c[1]) if len(c) > 1 else 0),
    "floor": lambda x, c, n: _whole(number(x[0])).floor(),
    "clip": lambda x, c, n: _clip(*(number(v) for v in x)),
    "coalesce": lambda x, c, n: ibis.coalesce(*(_typed(v, n.kind) for v in x)),
    "min": _extreme(ibis.least),
    "max": _extreme(ibis.greatest),
    "year_of": _date_part("year", _YEAR),
    "month_of": _date_part("month", _MONTH),
    "starts": lambda x, c, n: x[0].startswith(c[1]),
    "ends": lambda x, c, n: x[0].endswith(c[1]),
    "contains": lambda x, c, n: x[0].contains(c[1]),
    "left": lambda x, c, n: x[0].left(int(c[1])),
    "right": lambda x, c, n: x[0].right(int(c[1])),
    "pad": lambda x, c, n: _padded(x[0], int(c[1])),
    "joined": lambda x, c, n: reduce(lambda a, b: a + "|" + b, x),
    "number": lambda x, c, n: _read_number(x[0]),
    "text": lambda x, c, n: _written(x[0]),
}


# -- functions over rows -------------------------------------------------------------------------
def _leave_out(x: Any, all_x: list[Any], constants: list[Any], frame: _Frame) -> Any:
    others = frame.over(x.count()) - x.notnull().cast("int64")
    return (frame.over(x.sum()) - x.fill_null(0.0)) / others.nullif(0)


def _rank(x: Any, all_x: list[Any], constants: list[Any], frame: _Frame) -> Any:
    """1 is the smallest; equal values share the mean of their places."""
    least = frame.among(x, ibis.rank()) + 1
    ties = x.count().over(group_by=[*frame.by, x])
    return _when(x.notnull(), least + (ties - 1) / 2)


def _order(x: Any, all_x: list[Any], constants: list[Any], frame: _Frame) -> Any:
    return _when(x.notnull(), frame.among(x, ibis.row_number(), *frame.keys) + 1)


def _cut(x: Any, all_x: list[Any], share: float, frame: _Frame, stata: bool) -> Any:
    """The value below which a share of the values lies."""
    if not stata:
        return frame.over(x.quantile(share))
    # Stata: the value at the next whole place; the mean of two where share × n is whole.
    order, count = all_x[-2:]
    place = (count * share).round(9)
    at = [place.ceil(), place.floor() + 1]
    low, high = (frame.over((order == where).ifelse(x, ibis.null(dt.float64)).max()) for where in at)
    return (low + high) / 2


def _tails(x: Any, all_x: list[Any], constants: list[Any], frame: _Frame, stata: bool) -> tuple[Any, Any]:
    given = constants[1:-2] if stata else constants[1:]
    low, high = given[0], given[1] if len(given) > 1 else 1 - given[0]
    ends = _cut(x, all_x, low, frame, stata), _cut(x, all_x, high, frame, stata)
    # Where all values are equal, the lower end may lie a last digit above the upper one.
    return ibis.least(*ends), ibis.greatest(*ends)


def _quantile(stata: bool) -> Callable[..., Any]:
    return lambda x, a, c, frame: _cut(x, a, c[1], frame, stata)


def _bins(stata: bool) -> Callable[..., Any]:
    def value(x: Any, a: list[Any], c: list[Any], frame: _Frame) -> Any:
        cuts = [_cut(x, a, k / c[1], frame, stata) for k in range(1, int(c[1]))]
        above = reduce(
            operator.add, ((x > cut + LAST * cut.abs()).cast("int64") for cut in cuts), ibis.literal(1)
        )
        return _when(x.notnull(), above)

    return value


def _winsor(stata: bool) -> Callable[..., Any]:
    return lambda x, a, c, frame: _clip(x, *_tails(x, a, c, frame, stata))


def _trim(stata: bool) -> Callable[..., Any]:
    def value(x: Any, a: list[Any], c: list[Any], frame: _Frame) -> Any:
        low, high = _tails(x, a, c, frame, stata)
        return _when((x >= low - LAST * low.abs()) & (x <= high + LAST * high.abs()), x)

    return value


_MOMENTS: dict[str, Callable[[Any], Any]] = {
    "mean": lambda x: x.mean(),
    "sum": lambda x: x.sum(),
    "sd": lambda x: x.std(how="sample"),
    "median": lambda x: x.quantile(0.5),
    "min": lambda x: x.min(),
    "max": lambda x: x.max(),
    "count": lambda x: x.count(),
}
_QUANTILES = {"quantile": _quantile, "bins": _bins, "winsor": _winsor, "trim": _trim}
_OVER: dict[str, Callable[..., Any]] = {
    **{name: lambda x, a, c, f, of=of: f.over(of(x)) for name, of in _MOMENTS.items()},
    **{name: how(False) for name, how in _QUANTILES.items()},
    **{f"{name} stata": how(True) for name, how in _QUANTILES.items()},
    "share": lambda x, a, c, f: x / f.over(x.sum()).nullif(0.0),
    "centre": lambda x, a, c, f: x - f.over(x.mean()),
    "standardise": lambda x, a, c, f: (x - f.over(x.mean())) / f.over(x.std(how="sample")).nullif(0.0),
    "rescale": lambda x, a, c, f: (x - f.over(x.min())) / (f.over(x.max()) - f.over(x.min())).nullif(0.0),
    "leave_out_mean": _leave_out,
    "rank": _rank,
    "order": _order,
}


# -- functions of a unit's years -----------------------------------------------------------------
_TIMED: dict[str, Callable[[Any, Any], Any]] = {
    "lag": lambda x, earlier: earlier,
    "lead": lambda x, earlier: earlier,
    "diff": lambda x, earlier: _finite(x - earlier),
    "growth": lambda x, earlier: _finite(x / earlier.nullif(0.0) - 1),
    "dlog": lambda x, earlier: _ln(x) - _ln(earlier),
}


def _moving(of: str) -> Callable[..., Any]:
    """Over the last years up to this one, all of which must be there."""

    def value(x: list[Any], constants: list[Any], rules: Rules, table: ibis.Table) -> Any:
        frame = {
            "range": (-(constants[1] - 1), 0),
            "group_by": table[rules.unit],
            "order_by": table[rules.year],
        }
        first = number(x[0])
        return _when(first.count().over(**frame) == constants[1], _MOMENTS[of](first).over(**frame))

    return value


def _cumulative(x: list[Any], constants: list[Any], rules: Rules, table: ibis.Table) -> Any:
    total = number(x[0]).sum().over(rows=(None, 0), group_by=table[rules.unit], order_by=table[rules.year])
    return _when(x[0].notnull(), total)


def _edge(pick: str) -> Callable[..., Any]:
    """A unit's first or last year with a value."""

    def value(x: list[Any], constants: list[Any], rules: Rules, table: ibis.Table) -> Any:
        return getattr(_when(x[0].notnull(), table[rules.year]), pick)().over(group_by=table[rules.unit])

    return value


def _ending(x: list[Any], constants: list[Any], rules: Rules, table: ibis.Table) -> Any:
    """The value in that year."""
    return _when(table[rules.year] == x[1], x[0]).max().over(group_by=table[rules.unit])


def _first_year(x: list[Any], constants: list[Any], rules: Rules, table: ibis.Table) -> Any:
    return _when(x[0].cast("boolean"), table[rules.year]).min().over(group_by=table[rules.unit])


_UNIT: dict[str, Callable[..., Any]] = {
    "moving_mean": _moving("mean"),
    "moving_sd": _moving("sd"),
    "cumulative": _cumulative,
    "first": _ending,
    "last": _ending,
    "first edge": _edge("min"),
    "last edge": _edge("max"),
    "first_year": _first_year,
}
_YEARS: dict[str, Callable[[Any, Any], Any]] = {
    "since": lambda start, year: (year >= start).fill_null(False).cast("int64"),
    "years_since": lambda start, year: _whole(year - start).floor(),
}
