"""What is changed: signs, comparisons, degrees of freedom, years, weights, floors; one place at a time."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass

ARITHMETIC: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
}
COMPARED: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
}
# Functions of which one is easily written for the other.
NAMES = {
    "min": "max",
    "max": "min",
    "sum": "mean",
    "mean": "median",
    "first": "last",
    "any": "all",
    "all": "any",
    "cumsum": "cumprod",
    "floor": "ceil",
    "log": "log1p",
    "exp": "expm1",
    "argmin": "argmax",
    "argmax": "argmin",
}


@dataclass(frozen=True)
class Mutant:
    """One change: ``line``, the ``kind`` of operator, the code ``before`` and ``after``; ``place`` and ``choice`` in the tree."""

    line: int
    kind: str
    before: str
    after: str
    place: int
    choice: int

    def planted(self, source: str) -> str:
        """The module with this change."""
        tree = ast.parse(source)
        target = next(node for i, node in enumerate(ast.walk(tree)) if i == self.place)
        _put(tree, target, list(_changes(target))[self.choice][1])
        return ast.unparse(tree)


def mutants(source: str) -> list[Mutant]:
    """All changes of a module, in the order of its lines.

    Parameters
    ----------
    source : str
        Text of the module. What only words depend on (documentation, messages, annotations) stays.
    """
    tree = ast.parse(source)
    silent = _silent(tree)
    found = [
        Mutant(node.lineno, kind, ast.unparse(node), ast.unparse(other), place, choice)  # type: ignore[attr-defined]
        for place, node in enumerate(ast.walk(tree))
        if getattr(node, "lineno", 0) not in silent
        for choice, (kind, other) in enumerate(_changes(node))
    ]
    return sorted(found, key=lambda m: (m.line, m.place, m.choice))


def _changes(node: ast.AST) -> Iterator[tuple[str, ast.expr]]:
    if isinstance(node, ast.BinOp) and type(node.op) in ARITHMETIC and not _is_text(node):
        yield "arithmetic", ast.BinOp(node.left, ARITHMETIC[type(node.op)](), node.right)
    elif (
        isinstance(node, ast.UnaryOp)
        and isinstance(node.op, ast.USub)
        and not isinstance(node.operand, ast.Constant)
    ):
        yield "sign", node.operand
    elif isinstance(node, ast.Compare) and len(node.ops) == 1 and type(node.ops[0]) in COMPARED:
        if not _is_text(node):
            yield "comparison", ast.Compare(node.left, [COMPARED[type(node.ops[0])]()], node.comparators)
    elif isinstance(node, ast.Constant) and isinstance(node.value, int) and not isinstance(node.value, bool):
        yield "constant", ast.Constant(node.value + 1)
    elif isinstance(node, ast.Constant) and isinstance(node.value, float):
        yield "constant", ast.Constant(node.value * 2 or 1.0)  # twice nothing is no fault
    elif isinstance(node, ast.BoolOp):
        yield "condition", ast.BoolOp(ast.Or() if isinstance(node.op, ast.And) else ast.And(), node.values)
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        yield "condition", node.operand
    elif isinstance(node, ast.Attribute) and node.attr in NAMES:
        yield "function", ast.Attribute(node.value, NAMES[node.attr], node.ctx)


def _is_text(node: ast.AST) -> bool:
    """Whether a string takes part: what is joined or compared there is words."""
    return any(
        isinstance(n, ast.JoinedStr) or (isinstance(n, ast.Constant) and isinstance(n.value, str))
        for n in ast.iter_child_nodes(node)
    )


def _put(tree: ast.AST, target: ast.AST, other: ast.expr) -> None:
    for parent in ast.walk(tree):
        for name, value in ast.iter_fields(parent):
            if value is target:
                setattr(parent, name, other)
                return
            if isinstance(value, list) and any(v is target for v in value):
                setattr(parent, name, [other if v is target else v for v in value])
                return


def _silent(tree: ast.Module) -> set[int]:
    """Lines that compute nothing: imports, errors that are raised, annotations on lines of their own."""
    lines: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Raise | ast.Import | ast.ImportFrom | ast.Assert):
            lines |= set(range(node.lineno, (node.end_lineno or node.lineno) + 1))
        for text in (getattr(node, "annotation", None), getattr(node, "returns", None)):
            if isinstance(text, ast.expr):
                # An annotation shares its line with a default; only its own spans of several lines are left out.
                lines |= set(range(text.lineno + 1, (text.end_lineno or text.lineno) + 1))
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            lines |= set(range(node.lineno, (node.end_lineno or node.lineno) + 1))
    return lines
