"""A study's columns, rules for rows and samples: read, ordered, held against the data's types, added to the panel."""

# Ibis, not pandas: its tests for NULL are named isnull and notnull.
# ruff: noqa: PD003
from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from graphlib import CycleError, TopologicalSorter
from typing import Any

import ibis
import numpy as np
import pandas as pd

from workbook import engine
from workbook.expressions.building import PART, Builder, Rules
from workbook.expressions.checking import Scope, check, condition, taken_names
from workbook.expressions.errors import ExpressionError
from workbook.expressions.functions import FUNCTIONS
from workbook.expressions.reading import Node, parse, replaced
from workbook.language import listed, said

INSIDE, KEPT, SOURCE, WHERE = f"{PART}inside", f"{PART}kept", f"{PART}source ", f"{PART}where "
REPORT = ["column", "text", "n", "inputs_missing", "undefined", "no_year_before"]
FLOW = ["kind", "name", "text", "rows", "units", "not_met", "missing"]
_YEARS_BACK = ("lag", "lead", "diff", "growth", "dlog", "moving_mean", "moving_sd")


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
        trees = {name: _read(name, text) for name, text in self.columns.items()}
        chosen = {f"{WHERE}{name}": _read(name, text) for name, text in self.where.items()}
        needed = {name: {n for n in tree.names() if n in trees and n != name} for name, tree in trees.items()}
        for name, tree in trees.items():
            if name in taken_names():
                raise ExpressionError(said("expressions.own_name", name=name), key=name)
            if any(node.options or _over(node) for node in tree.walk()):
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


@dataclass(frozen=True)
class Made:
    """A panel with its columns.

    Attributes
    ----------
    table : ibis.Table
        The rows that are kept, with the new columns at its end.
    report : pandas.DataFrame
        ``column, text, n`` (values), and the rows without a value by reason: ``inputs_missing``, ``undefined``
        (log of a value ≤ 0, division by 0, too few values), ``no_year_before`` (another year is not there).
    flow : pandas.DataFrame
        ``kind`` (where, sample), ``name, text, rows, units`` (that meet it), ``not_met``, ``missing`` (it cannot be
        told).
    kinds : dict of str to str
        Type by new column.
    """

    table: ibis.Table
    report: pd.DataFrame
    flow: pd.DataFrame
    kinds: dict[str, str]


def kinds(table: ibis.Table, codes: Collection[str] = ()) -> dict[str, str]:
    """Types of a table's columns, as expressions know them.

    Parameters
    ----------
    table : ibis.Table
    codes : collection of str
        Columns whose texts are codes.
    """
    return {name: _kind(dtype, name in codes) for name, dtype in table.schema().items()}


def make(
    table: ibis.Table,
    asked: Asked,
    inside: ibis.Table | None = None,
    codes: Collection[str] = (),
    row: str = "source_row",
    unit: str = "firm_id",
    year: str | None = "year",
) -> Made:
    """Add a study's columns to its panel, and keep the rows that it asks for.

    Parameters
    ----------
    table : ibis.Table
        All rows that were read; functions of time see them all.
    asked : Asked
    inside : ibis.Table, optional
        The rows of it that other filters left; functions over rows see these alone, of them those that `where` keeps.
    codes : collection of str
        Columns whose texts are codes.
    row, unit, year : str
        Column that numbers rows; keys.

    Raises
    ------
    ExpressionError
        An expression that these data do not allow: key, character, what was found, what is allowed.
    """
    known = kinds(table, codes)
    trees = _own(asked.trees(), known)
    scope = Scope(
        {**known, **{f"{SOURCE}{n}": known[n] for n in trees if n in known}}, asked.lists, unit, year
    )
    checked, made = _checked(trees, scope)
    ordered = _with_kept(checked)
    table = table.mutate(**{f"{SOURCE}{n}": table[n] for n in trees if n in known})
    table = table.mutate(**{INSIDE: _among(table, inside, row)}).view()
    builder = Builder(table, Rules(unit, year, KEPT, asked.quantiles))
    built = builder.add(ordered)
    flow = _counted(
        built.filter(built[INSIDE]), {f"{WHERE}{n}": text for n, text in asked.where.items()}, "where", unit
    )
    kept = built.filter(built[KEPT])
    columns = {name: checked[name] for name in asked.columns}
    report = _report(kept, columns, asked.columns, builder)
    chosen_samples = _samples(kept, asked, {**scope.columns, **made}, Rules(unit, year))
    final = kept.select(*[c for c in table.columns if not c.startswith(PART) and c not in columns], *columns)
    return Made(
        final, report, pd.concat([flow, chosen_samples], ignore_index=True), {n: made[n] for n in columns}
    )


def masks(
    frame: pd.DataFrame, conditions: Mapping[str, str], lists: Mapping[str, Sequence[Any]] | None = None
) -> tuple[dict[str, np.ndarray], dict[str, str]]:
    """Where conditions hold in a table, and why others cannot be told of it.

    Parameters
    ----------
    frame : DataFrame
        With the columns that the conditions name.
    conditions, lists : dict
        By name.

    Returns
    -------
    dict of str to array of bool, dict of str to str
        A missing value meets no condition; of a condition that names a column that is not there, which.

    Raises
    ------
    ExpressionError
        When a condition is none.
    """
    trees = {name: _read(name, text) for name, text in conditions.items()}
    missing = {n: [c for c in tree.names() if c not in frame] for n, tree in trees.items()}
    absent = {
        name: said("expressions.no_column", name=listed(columns), hint="")
        for name, columns in missing.items()
        if columns
    }
    used = {name: tree for name, tree in trees.items() if name not in absent}
    columns = list(dict.fromkeys(c for tree in used.values() for c in tree.names()))
    narrow = frame[columns].reset_index(drop=True)
    table = engine.opened().create_table(
        "rows_", narrow.assign(**{f"{PART}row": range(len(narrow))}), temp=True
    )
    scope = Scope(kinds(table), lists or {}, windows=False, year=None)
    checked = {name: _told(name, lambda tree=tree: condition(tree, scope)) for name, tree in used.items()}
    built = Builder(table, Rules(f"{PART}row", None)).add(
        {f"{PART}mask {i}": t for i, t in enumerate(checked.values())}
    )
    found = built.order_by(f"{PART}row").to_pandas()
    return {n: found[f"{PART}mask {i}"].fillna(False).to_numpy(bool) for i, n in enumerate(checked)}, absent


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
    trees = _own(trees, there)
    scope = Scope({**there, **{f"{SOURCE}{n}": there[n] for n in trees if n in there}}, asked.lists)
    made = _checked(trees, scope)[1]
    narrow = Scope({**there, **made}, asked.lists, windows=False)
    for name, text in asked.samples.items():
        _told(name, lambda name=name, text=text: condition(_read(name, text), narrow))
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


# -- inside ------------------------------------------------------------------------------------
def _read(name: str, text: str) -> Node:
    return _told(name, lambda: parse(text))


def _told(name: str, made: Any) -> Any:
    """What is made for a key; an error says the key."""
    try:
        return made()
    except ExpressionError as error:
        shown = name.removeprefix(WHERE)
        raise ExpressionError(said("expressions.here", key=shown, told=error), key=shown) from None


def _over(node: Node) -> bool:
    return node.op == "call" and node.value in FUNCTIONS and bool(FUNCTIONS[node.value].by)


def _circle(names: Sequence[str]) -> ExpressionError:
    chosen = [name for name in names if name.startswith(WHERE)]
    if chosen:
        shown = listed(dict.fromkeys(n.removeprefix(WHERE) for n in names))
        return ExpressionError(said("expressions.where_over", names=shown))
    return ExpressionError(said("expressions.circle", names=" → ".join(names)))


def _own(trees: dict[str, Node], known: Mapping[str, str]) -> dict[str, Node]:
    """Columns of the source that are made again, of themselves alone."""
    found = {}
    for name, tree in trees.items():
        if name in known and name not in tree.names():
            raise ExpressionError(said("expressions.shadow", name=name), key=name)
        found[name] = replaced(tree, name, Node("name", (), f"{SOURCE}{name}")) if name in known else tree
    return found


def _checked(trees: dict[str, Node], scope: Scope) -> tuple[dict[str, Node], dict[str, str]]:
    """Trees with types, in their order; each may name those before it. Rows are chosen without looking at others."""
    made: dict[str, str] = {}
    found: dict[str, Node] = {}
    for name, tree in trees.items():
        chooses = name.startswith(WHERE)
        own = Scope({**scope.columns, **made}, scope.lists, scope.unit, scope.year, windows=not chooses)
        judge = condition if chooses else check
        found[name] = _told(name, lambda judge=judge, tree=tree, own=own: judge(tree, own))
        made[name] = found[name].kind
    return found, made


def _with_kept(checked: Mapping[str, Node]) -> dict[str, Node]:
    """The trees with that of the kept rows, as soon as all that it needs is there."""
    chosen = [Node("name", (), name, kind="truth") for name in checked if name.startswith(WHERE)]
    every = Node("all", (Node("name", (), INSIDE, kind="truth"), *chosen), kind="truth")
    kept = Node("call", (every, Node("truth", (), False, kind="truth")), "coalesce", kind="truth")
    last = max((i for i, name in enumerate(checked) if name.startswith(WHERE)), default=-1)
    names = list(checked)
    before, after = names[: last + 1], names[last + 1 :]
    return {**{n: checked[n] for n in before}, KEPT: kept, **{n: checked[n] for n in after}}


def _among(table: ibis.Table, inside: ibis.Table | None, row: str) -> Any:
    return ibis.literal(True) if inside is None else table[row].isin(inside[row])


def _counted(table: ibis.Table, texts: Mapping[str, str], kind: str, unit: str) -> pd.DataFrame:
    """Rows that meet each condition, one after the other for `where`, each alone for samples."""
    lines = []
    for name, text in texts.items():
        test = table[name]
        counts = table.aggregate(
            rows=test.sum(),
            units=table[unit].nunique(where=test),
            not_met=(~test).sum(),
            missing=test.isnull().sum(),
        )
        found = counts.to_pandas().fillna(0).astype("int64").iloc[0].tolist()
        lines.append((kind, name.removeprefix(WHERE), text, *found))
        table = table.filter(test) if kind == "where" else table
    return pd.DataFrame(lines, columns=FLOW)


def _samples(kept: ibis.Table, asked: Asked, known: Mapping[str, str], rules: Rules) -> pd.DataFrame:
    """Rows of each sample among those that are kept."""
    if not asked.samples:
        return pd.DataFrame(columns=FLOW)
    visible = {name: kind for name, kind in known.items() if not name.startswith(PART)}
    scope = Scope(visible, asked.lists, rules.unit, rules.year, windows=False)
    trees = {n: _told(n, lambda t=t, n=n: condition(_read(n, t), scope)) for n, t in asked.samples.items()}
    plain = kept.select(*visible).view()
    built = Builder(plain, rules).add({f"{WHERE}{name}": tree for name, tree in trees.items()})
    return _counted(built, {f"{WHERE}{n}": text for n, text in asked.samples.items()}, "sample", rules.unit)


def _report(
    table: ibis.Table, trees: Mapping[str, Node], texts: Mapping[str, str], builder: Builder
) -> pd.DataFrame:
    """Counts of rows without a value by reason, all in one pass."""
    counts: dict[str, Any] = {}
    for position, (name, tree) in enumerate(trees.items()):
        none = table[name].isnull()
        inputs = [table[c].isnull() for c in tree.names() if c in table.columns]
        years = [
            builder.year_absent(table, node)
            for node in tree.walk()
            if node.op == "call" and node.value in _YEARS_BACK
        ]
        missing = none & ibis.or_(*inputs) if inputs else none & False
        alone = none & ~missing & ibis.or_(*years) if years else none & False
        for label, value in {"n": ~none, "i": missing, "u": none & ~missing & ~alone, "y": alone}.items():
            counts[f"{label}{position}"] = value.cast("int64").sum()
    if not counts:
        return pd.DataFrame(columns=REPORT)
    found = table.aggregate(**counts).to_pandas().fillna(0).iloc[0]
    rows = [(name, texts[name], *(int(found[f"{x}{i}"]) for x in "niuy")) for i, name in enumerate(trees)]
    return pd.DataFrame(rows, columns=REPORT)


def _kind(dtype: Any, code: bool) -> str:
    if dtype.is_boolean():
        return "truth"
    if dtype.is_string():
        return "code" if code else "text"
    if dtype.is_temporal():
        return "date"
    return "integer" if dtype.is_integer() else "number"
