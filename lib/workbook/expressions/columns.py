"""A study's columns, rules for rows and samples: read, ordered, held against the data's types, added to the panel."""

# Ibis, not pandas: its tests for NULL are named isnull and notnull.
# ruff: noqa: PD003
from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import ibis
import numpy as np
import pandas as pd

from workbook import engine
from workbook.expressions.asked import (
    INSIDE,
    KEPT,
    PART,
    SOURCE,
    WHERE,
    Asked,
    checked_trees,
    own_source,
    read,
    told_of,
)
from workbook.expressions.building import Builder, Rules
from workbook.expressions.checking import Scope, condition
from workbook.expressions.reading import Node
from workbook.language import listed, said

REPORT = ["column", "text", "n", "inputs_missing", "undefined", "no_year_before"]
FLOW = ["kind", "name", "text", "rows", "units", "not_met", "missing"]
_YEARS_BACK = ("lag", "lead", "diff", "growth", "dlog", "moving_mean", "moving_sd")


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
    trees = own_source(asked.trees(), known)
    scope = Scope(
        {**known, **{f"{SOURCE}{n}": known[n] for n in trees if n in known}}, asked.lists, unit, year
    )
    checked, made = checked_trees(trees, scope)
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
    trees = {name: read(name, text) for name, text in conditions.items()}
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
    checked = {name: told_of(name, lambda tree=tree: condition(tree, scope)) for name, tree in used.items()}
    built = Builder(table, Rules(f"{PART}row", None)).add(
        {f"{PART}mask {i}": t for i, t in enumerate(checked.values())}
    )
    found = built.order_by(f"{PART}row").to_pandas()
    return {n: found[f"{PART}mask {i}"].fillna(False).to_numpy(bool) for i, n in enumerate(checked)}, absent


# -- inside ------------------------------------------------------------------------------------


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
    trees = {n: told_of(n, lambda t=t, n=n: condition(read(n, t), scope)) for n, t in asked.samples.items()}
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
