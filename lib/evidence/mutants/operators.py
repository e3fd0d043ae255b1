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
    """One change: ``line``, its text ``where`` with what is changed between ‹ and ›, the ``kind`` of operator, the code
    ``before`` and ``after``; ``place`` and ``choice`` in the tree."""

    line: int
    where: str
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
    silent, same, lines = _silent(tree), _without_effect(tree), source.splitlines()
    found = [
        Mutant(node.lineno, _marked(node, lines), kind, ast.unparse(node), ast.unparse(other), place, choice)  # type: ignore[attr-defined,arg-type]
        for place, node in enumerate(ast.walk(tree))
        if getattr(node, "lineno", 0) not in silent and id(node) not in same
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


def _marked(node: ast.expr, lines: list[str]) -> str:
    """The line on which a node begins, with the node between ‹ and ›; columns of a tree are counted in bytes."""
    line = lines[node.lineno - 1].encode()
    end = node.end_col_offset if node.end_lineno == node.lineno else len(line)
    parts = (line[: node.col_offset], line[node.col_offset : end], line[end:])
    before, own, after = (part.decode() for part in parts)
    return f"{before}‹{own}›{after}".strip()


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


def _without_effect(tree: ast.Module) -> set[int]:
    """Nodes whose change is no fault: times a choice of 1 or −1 is over it; a mean has its sum's sign."""
    found: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult | ast.Div) and _is_sign(node.right):
            found.add(id(node))
        elif isinstance(node, ast.Compare) and len(node.ops) == 1 and _is_nothing(node.comparators[0]):
            call = node.left
            if (
                isinstance(call, ast.Call)
                and isinstance(call.func, ast.Attribute)
                and call.func.attr == "sum"
            ):
                found.add(id(call.func))
    return found


def _is_sign(node: ast.expr) -> bool:
    """``1 if … else -1``, or ``np.where(…, -1.0, 1.0)``."""
    if isinstance(node, ast.IfExp):
        ends = [node.body, node.orelse]
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "where":
        ends = node.args[1:]
    else:
        return False
    values = {ast.unparse(end) for end in ends}
    return len(values) == 2 and values <= {"1", "1.0", "-1", "-1.0"}


def _is_nothing(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value in (0, 0.0) and node.value is not False


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
