"""What a study says of columns and rows: read, ordered and typed before there are data, without the engine's imports."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from graphlib import CycleError, TopologicalSorter
from typing import Any

from workbook.expressions.checking import Scope, check, condition, taken_names
from workbook.expressions.errors import PART, ExpressionError
from workbook.expressions.functions import FUNCTIONS
from workbook.expressions.reading import Node, parse, replaced
from workbook.language import listed, said

# No NAME begins like the columns that are made on the way.
INSIDE, KEPT, SOURCE, WHERE = f"{PART}inside", f"{PART}kept", f"{PART}source ", f"{PART}where "


@dataclass(frozen=True)
class Asked:
    """What a study says of columns and rows, as texts.

    Attributes
    ----------
    columns, samples : dict of str to str
        Expression or condition by name.
    where : dict of str to str
        Conditions that rows must meet to be kept, by what they are called.
    lists : dict of str to list
        Values by the name of a list.
    quantiles : {"linear", "stata"}
    """

    columns: Mapping[str, str] = field(default_factory=dict)
    where: Mapping[str, str] = field(default_factory=dict)
    samples: Mapping[str, str] = field(default_factory=dict)
    lists: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    quantiles: str = "linear"

    @classmethod
    def of(cls, columns: Mapping[str, Mapping[str, Any]], *others: Any) -> Asked:
        """What a study's parameters say: its columns with their ``expression``, then as the attributes follow."""
        return cls({name: column["expression"] for name, column in columns.items()}, *others)

    def trees(self) -> dict[str, Node]:
        """Every expression that is no sample, in an order in which each names none after it."""
        trees = {name: read(name, text) for name, text in self.columns.items()}
        chosen = {f"{WHERE}{name}": read(name, text) for name, text in self.where.items()}
        needed = {name: {n for n in tree.names() if n in trees and n != name} for name, tree in trees.items()}
        for name, tree in trees.items():
            if name in taken_names():
                raise ExpressionError(said("expressions.own_name", name=name), key=name)
            if any(node.options or over_rows(node) for node in tree.walk()):
                needed[name] |= set(chosen)
        needed |= {name: set(tree.names()) & set(trees) for name, tree in chosen.items()}
        try:
            order = list(TopologicalSorter(needed).static_order())
        except CycleError as circle:
            raise _circle(circle.args[1]) from None
        return {name: (trees | chosen)[name] for name in order}

    def names(self) -> list[str]:
        """Columns that expressions name and none of them makes."""
        every = [*self.columns.values(), *self.where.values(), *self.samples.values()]
        found = dict.fromkeys(name for text in every for name in parse(text).names())
        made = self.columns.items()
        own = {name for name, text in made if name not in parse(text).names()}
        return [name for name in found if name not in own]


def judge(asked: Asked, known: Mapping[str, str]) -> dict[str, str]:
    """Types of a study's columns, before there are data.

    Parameters
    ----------
    asked : Asked
    known : dict of str to str
        Type by column that there may be; ``?`` where it is not known.

    Raises
    ------
    ExpressionError
        As :func:`make`, but for what the data alone can tell.
    """
    trees = asked.trees()
    there = {name: kind for name, kind in known.items() if name not in trees or name in trees[name].names()}
    trees = own_source(trees, there)
    scope = Scope({**there, **{f"{SOURCE}{n}": there[n] for n in trees if n in there}}, asked.lists)
    made = checked_trees(trees, scope)[1]
    narrow = Scope({**there, **made}, asked.lists, windows=False)
    for name, text in asked.samples.items():
        told_of(name, lambda name=name, text=text: condition(read(name, text), narrow))
    return {name: made[name] for name in asked.columns}


def measures(columns: Mapping[str, Mapping[str, Any]]) -> dict[str, tuple[set[str], set[str]]]:
    """Of each of a study's columns (as its parameters have them), what it measures and to what it relates that."""
    return {name: measured(parse(column["expression"])) for name, column in columns.items()}


def measured(node: Node) -> tuple[set[str], set[str]]:
    """Columns that an expression measures, and those to which it relates them (denominators)."""
    if node.op == "name":
        return {node.value}, set()
    over: set[int] = set()
    if node.op == "chain":
        over = {i for i, sign in enumerate(node.value, 1) if sign == "/"}
        logs = {i for i, part in enumerate(node.parts) if part.op == "call" and part.value == "log"}
        over |= {i for i, sign in enumerate(node.value, 1) if sign == "-" and {i, 0} <= logs}
    if node.op == "call" and node.value == "log_ratio":
        over = {1}
    of: set[str] = set()
    related: set[str] = set()
    for position, part in enumerate(node.parts):
        above, below = measured(part)
        (related if position in over else of).update(above)
        related |= below
    return of, related


def read(name: str, text: str) -> Node:
    """The tree of an expression; a fault carries the name of its column."""
    return told_of(name, lambda: parse(text))


def told_of(name: str, made: Any) -> Any:
    """What is made for a key; an error says the key."""
    try:
        return made()
    except ExpressionError as error:
        shown = name.removeprefix(WHERE)
        raise ExpressionError(said("expressions.here", key=shown, told=error), key=shown) from None


def over_rows(node: Node) -> bool:
    """Whether a part of an expression looks at other rows than its own."""
    return node.op == "call" and node.value in FUNCTIONS and bool(FUNCTIONS[node.value].by)


def _circle(names: Sequence[str]) -> ExpressionError:
    chosen = [name for name in names if name.startswith(WHERE)]
    if chosen:
        shown = listed(dict.fromkeys(n.removeprefix(WHERE) for n in names))
        return ExpressionError(said("expressions.where_over", names=shown))
    return ExpressionError(said("expressions.circle", names=" → ".join(names)))


def own_source(trees: dict[str, Node], known: Mapping[str, str]) -> dict[str, Node]:
    """Columns of the source that are made again, of themselves alone."""
    found = {}
    for name, tree in trees.items():
        if name in known and name not in tree.names():
            raise ExpressionError(said("expressions.shadow", name=name), key=name)
        found[name] = replaced(tree, name, Node("name", (), f"{SOURCE}{name}")) if name in known else tree
    return found


def checked_trees(trees: dict[str, Node], scope: Scope) -> tuple[dict[str, Node], dict[str, str]]:
    """Trees with types, in their order; each may name those before it. Rows are chosen without looking at others."""
    made: dict[str, str] = {}
    found: dict[str, Node] = {}
    for name, tree in trees.items():
        chooses = name.startswith(WHERE)
        own = Scope({**scope.columns, **made}, scope.lists, scope.unit, scope.year, windows=not chooses)
        judge = condition if chooses else check
        found[name] = told_of(name, lambda judge=judge, tree=tree, own=own: judge(tree, own))
        made[name] = found[name].kind
    return found, made
