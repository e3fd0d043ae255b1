"""Types: a tree is held against the columns that there are before anything is computed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from workbook.expressions.errors import ExpressionError, nearest, no_column
from workbook.expressions.functions import CARRIES, EITHER, FUNCTIONS, Function
from workbook.expressions.reading import KEYWORDS, Node
from workbook.language import listed, said

NUMBERS = ("number", "integer", "truth")  # a truth counts 0 or 1
TEXTS = ("text", "code")
LITERALS = {
    "whole": lambda v: isinstance(v, int) and v >= 1,
    "digits": lambda v: isinstance(v, int) and 0 <= v <= 12,
    "share": lambda v: 0 < v < 1,
}


@dataclass(frozen=True)
class Scope:
    """What an expression may name.

    Attributes
    ----------
    columns : dict of str to str
        Type by column: ``number integer text code truth date``; ``?`` where it is not known yet.
    lists : dict of str to tuple
        Values by the name of a list.
    unit, year : str or None
        Columns that identify a row; without a year there are no functions of time.
    windows : bool
        Whether functions over rows may be used: not where rows are chosen.
    tables : bool
        Whether functions of tables may be used.
    """

    columns: Mapping[str, str]
    lists: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    unit: str = "firm_id"
    year: str | None = "year"
    windows: bool = True
    tables: bool = False


def check(node: Node, scope: Scope) -> Node:
    """The tree with its types, lists written out.

    Raises
    ------
    ExpressionError
        A column, function or list that there is not (with the nearest name), types that do not meet.
    """
    if node.op == "call":
        return _call(node, scope)
    parts = tuple(check(part, scope) for part in node.parts)
    return _RULES[node.op](replace(node, parts=parts), scope)


def condition(node: Node, scope: Scope) -> Node:
    """The checked tree of what must be true or false."""
    found = check(node, scope)
    _truth(found)
    return found


def taken_names() -> frozenset[str]:
    """Names that no column may have."""
    return KEYWORDS | {"all", "unit"}


# -- parts -------------------------------------------------------------------------------------
def _literal(node: Node, scope: Scope) -> Node:
    if node.op == "number":
        return replace(node, kind=_kind(node.value))
    return node


def _named(node: Node, scope: Scope) -> Node:
    name = node.value
    if name == "unit" and name not in scope.columns:
        name = scope.unit
    if name == "$":
        raise ExpressionError(said("expressions.each"), node.at)
    if name not in scope.columns:
        if name in scope.lists:
            raise ExpressionError(said("expressions.list_alone", name=name), node.at)
        raise ExpressionError(no_column(name, scope.columns), node.at)
    return replace(node, value=name, kind=scope.columns[name])


def _choice(node: Node, scope: Scope) -> Node:
    _truth(node.parts[0])
    return replace(node, kind=_same(node.parts[1:], node))


def _logic(node: Node, scope: Scope) -> Node:
    for part in node.parts:
        _truth(part)
    return replace(node, kind="truth")


def _compared(node: Node, scope: Scope) -> Node:
    first = node.parts[0]
    for part in node.parts:
        _meet(first, part, node)
        if part.op == "missing":
            raise ExpressionError(said("expressions.compare_missing"), part.at)
    if node.op == "between" or node.value[0] not in ("==", "!="):
        for part in node.parts:
            if part.kind == "truth" and part.op != "truth":
                raise ExpressionError(said("expressions.truth_order", found=shown(part)), part.at)
    return replace(node, kind="truth")


def _member(node: Node, scope: Scope) -> Node:
    values, (part,) = node.value, node.parts
    if isinstance(values, str):
        if values not in scope.lists:
            hint = nearest(values, scope.lists)
            raise ExpressionError(
                said("expressions.no_list", name=values, hint=hint, known=listed(scope.lists) or "–"), node.at
            )
        values = tuple(scope.lists[values])
    for value in values:
        literal = Node(
            "text" if isinstance(value, str) else "number", (), value, kind=_kind(value), at=node.at
        )
        _meet(part, literal, node)
    return replace(node, value=tuple(values), kind="truth")


def _absent(node: Node, scope: Scope) -> Node:
    return replace(node, kind="truth")


def _arithmetic(node: Node, scope: Scope) -> Node:
    for part in node.parts:
        _number(part)
    return replace(node, kind="number")


_RULES: dict[str, Callable[[Node, Scope], Node]] = {
    **dict.fromkeys(("number", "text", "truth", "missing"), _literal),
    "name": _named,
    "choice": _choice,
    **dict.fromkeys(("any", "all", "negation"), _logic),
    **dict.fromkeys(("compare", "between"), _compared),
    "within": _member,
    "absent": _absent,
    **dict.fromkeys(("chain", "minus", "power"), _arithmetic),
}


# -- calls -------------------------------------------------------------------------------------
def _call(node: Node, scope: Scope) -> Node:
    name = str(node.value)
    function = _function(node, scope)
    if name == "header":
        return _header(node, scope)
    if not function.least_count <= len(node.parts) or function.taken(len(node.parts) - 1) is None:
        raise ExpressionError(
            said("expressions.count", name=name, takes=_written(name, function), given=len(node.parts)),
            node.at,
        )
    parts = tuple(check(part, scope) for part in node.parts)
    for position, part in enumerate(parts):
        _fits(name, function, position, part, parts[0])
    if name in ("winsor", "trim") and len(parts) == 3 and parts[2].value <= parts[1].value:
        raise ExpressionError(said("expressions.tails", name=name), parts[2].at)
    options = _options(node, function, scope)
    kind = parts[0].kind if function.gives == "same" or name in CARRIES else function.gives
    return replace(node, parts=parts, options=options, kind=kind)


def _function(node: Node, scope: Scope) -> Function:
    name = str(node.value)
    if name not in FUNCTIONS:
        if not name.isascii():
            inside = node.parts[0].value if len(node.parts) == 1 and node.parts[0].op == "name" else "…"
            raise ExpressionError(said("expressions.header_call", name=name, inside=inside), node.at)
        raise ExpressionError(
            said("expressions.no_function", name=name, hint=nearest(name, FUNCTIONS)), node.at
        )
    function = FUNCTIONS[name]
    if name in EITHER and (len(node.parts) == 1 or node.options):
        function = EITHER[name]
    if function.group == "over" and not scope.windows:
        raise ExpressionError(said("expressions.over_in_where", name=name), node.at)
    if function.group in ("time", "year") and scope.year is None and name not in ("year_of", "month_of"):
        raise ExpressionError(said("expressions.no_years", name=name), node.at)
    if function.group == "table" and not scope.tables:
        raise ExpressionError(said("expressions.table_only", name=name), node.at)
    return function


def _header(node: Node, scope: Scope) -> Node:
    if len(node.parts) != 1 or node.parts[0].op != "text" or node.options:
        raise ExpressionError(
            said("expressions.count", name="header", takes='header("…")', given=len(node.parts)), node.at
        )
    wanted = node.parts[0].value
    if wanted not in scope.columns:
        raise ExpressionError(no_column(wanted, scope.columns), node.at)
    return Node("name", (), wanted, kind=scope.columns[wanted], at=node.at)


def _fits(name: str, function: Function, position: int, part: Node, first: Node) -> None:
    takes = function.taken(position)
    if takes in LITERALS or takes == "chars":
        _is_literal(name, function, takes, part)
    elif takes == "same":
        _meet(first, part, part)
    elif takes == "truth":
        _truth(part)
    elif takes == "text" and part.kind not in (*TEXTS, "missing", "?"):
        raise ExpressionError(
            said("expressions.takes_text", name=name, found=shown(part), kind=_word(part.kind)), part.at
        )
    elif takes == "number" and not (name in CARRIES and position == 0):
        _number(part, name)


def _is_literal(name: str, function: Function, takes: str, part: Node) -> None:
    right = part.op == "text" if takes == "chars" else part.op == "number" and LITERALS[takes](part.value)
    if not right or (takes == "whole" and part.value > function.most):
        allowed = said(f"expressions.literal.{takes}", most=function.most)
        raise ExpressionError(
            said("expressions.literal_needed", name=name, allowed=allowed, found=shown(part)), part.at
        )


def _options(node: Node, function: Function, scope: Scope) -> tuple[tuple[str, Any], ...]:
    given, name = dict(node.options), str(node.value)
    for key in given:
        if key != "by" or not function.by:
            allowed = "by=" if function.by else said("expressions.nothing")
            raise ExpressionError(
                said("expressions.no_option", name=name, option=key, allowed=allowed), node.at
            )
    if not function.by:
        return ()
    if "by" not in given and function.by == "needed":
        raise ExpressionError(said("expressions.needs_by", name=name), node.at)
    by = given.get("by", "all")
    names = by if isinstance(by, tuple) else (by,)
    if names == ("all",):
        return (("by", ()),)
    for column in names:
        if not isinstance(column, str) or (column not in scope.columns and column != "unit"):
            known = [*scope.columns, "all", "unit"]
            raise ExpressionError(no_column(column, known), node.at)
    return (("by", tuple(scope.unit if c == "unit" and c not in scope.columns else c for c in names)),)


def _written(name: str, function: Function) -> str:
    words = []
    for takes in function.takes:
        word = said(f"expressions.takes.{takes.strip('?*')}")
        words.append(f"[{word}]" if takes.startswith("?") else word + ("…" if takes.endswith("*") else ""))
    return f"{name}({', '.join([*words, *(['by='] if function.by else [])])})"


# -- kinds -------------------------------------------------------------------------------------
def _kind(value: Any) -> str:
    if isinstance(value, str):
        return "text"
    # Beyond 2^53 no whole number is exact, and beyond 2^63 no column of whole numbers holds it.
    return "integer" if isinstance(value, int) and abs(value) <= 2**53 else "number"


def _truth(node: Node) -> None:
    if node.kind not in ("truth", "missing", "?"):
        raise ExpressionError(said("expressions.no_truth", found=shown(node), kind=_word(node.kind)), node.at)


def _number(node: Node, name: str = "") -> None:
    if node.kind not in (*NUMBERS, "missing", "?"):
        found, kind = shown(node), _word(node.kind)
        if name:
            raise ExpressionError(
                said("expressions.takes_number", name=name, found=found, kind=kind), node.at
            )
        raise ExpressionError(said("expressions.no_number", found=found, kind=kind), node.at)


def _family(kind: str) -> str:
    return "numbers" if kind in NUMBERS else "texts" if kind in TEXTS else kind


def _meet(a: Node, b: Node, at: Node) -> None:
    """Both are of one family: text meets only text, and a truth only a truth, 0 or 1."""
    if {"missing", "?"} & {a.kind, b.kind} or (a.kind == b.kind):
        return
    column, literal = (a, b) if b.op == "number" else (b, a)
    if column.kind in TEXTS and column.op != "text" and literal.op == "number":
        names = {"column": shown(column), "kind": _word(column.kind), "found": literal.value}
        told = said("expressions.text_number", write=f'{shown(column)} == "{literal.value}"', **names)
        raise ExpressionError(told, at.at)
    counted = literal.op == "number" and literal.value in (0, 1)
    if _family(a.kind) != _family(b.kind) or ("truth" in (a.kind, b.kind) and not counted):
        told = said("expressions.meet", a=shown(a), a_kind=_word(a.kind), b=shown(b), b_kind=_word(b.kind))
        raise ExpressionError(told, at.at)


def _same(parts: Sequence[Node], at: Node) -> str:
    for part in parts[1:]:
        _meet(parts[0], part, at)
    kinds = [p.kind for p in parts if p.kind not in ("missing", "?")]
    if not kinds:
        return parts[0].kind
    if len(set(kinds)) == 1:
        return kinds[0]
    return "text" if _family(kinds[0]) == "texts" else "number"


def _word(kind: str) -> str:
    return said(f"expressions.kind.{kind}") if kind != "?" else "?"


def shown(node: Node) -> str:
    """A part as it is named in a message."""
    if node.op == "text":
        return f'"{node.value}"'
    if node.op in ("name", "number"):
        return str(node.value)
    if node.op == "call":
        return f"{node.value}(…)"
    return said("expressions.this")
