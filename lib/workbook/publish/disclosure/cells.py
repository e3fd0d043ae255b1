"""Cells of tables that are published together, with all their totals."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import combinations

import pandas as pd

from workbook.publish.disclosure.rules import DisclosureError, Rules

TOTAL = "total"


def tabulate(
    micro: pd.DataFrame,
    tables: Iterable[Sequence[str]],
    unit: str,
    rules: Rules,
    value: str | None = None,
) -> pd.DataFrame:
    """All cells of some tables, each with its total, the units behind it and whether a rule forbids it.

    Tables that share a dimension are linked: a cell of one may be had by subtraction from another, so that they
    must be protected together.

    Parameters
    ----------
    micro : pandas.DataFrame
        One row per unit and whatever else; several rows of a unit in a cell are added up.
    tables : iterable of sequences of str
        Dimensions of each table, e.g. ``[("path", "year"), ("district", "year")]``; each is shown with its margins.
    unit : str
        Column that identifies the units that are protected.
    rules : Rules
        Primary rules.
    value : str, optional
        Column whose total is shown; without it the cells count units.

    Returns
    -------
    pandas.DataFrame
        A row per cell: the dimensions (``"total"`` where summed over), ``value``, ``units``, ``reason``.

    Raises
    ------
    DisclosureError
        If a column is missing, a dimension holds missing values or the word that marks totals.
    """
    tables = [tuple(table) for table in tables]
    dimensions = list(dict.fromkeys(name for table in tables for name in table))
    _check(micro, dimensions, unit, value)
    shown = {key for table in tables for r in range(len(table) + 1) for key in combinations(table, r)}
    parts = [_part(micro, list(key), dimensions, unit, rules, value) for key in sorted(shown, key=len)]
    return pd.concat(parts, ignore_index=True)


def _check(micro: pd.DataFrame, dimensions: list[str], unit: str, value: str | None) -> None:
    wanted = [*dimensions, unit, *([value] if value else [])]
    missing = [name for name in wanted if name not in micro.columns]
    if missing:
        raise DisclosureError(f"columns not in the table: {', '.join(missing)}")
    for name in dimensions:
        if micro[name].isna().any():
            raise DisclosureError(f"dimension '{name}' has missing values; give them a level of their own")
        if (micro[name].astype(str) == TOTAL).any():
            raise DisclosureError(f"dimension '{name}' has a level '{TOTAL}', which marks totals; rename it")
    if micro[unit].isna().any():
        raise DisclosureError(f"'{unit}' has missing values; every row needs the unit that it is about")


def _part(
    micro: pd.DataFrame, key: list[str], dimensions: list[str], unit: str, rules: Rules, value: str | None
) -> pd.DataFrame:
    """Cells of one combination of dimensions."""
    rows = []
    groups = micro.groupby(key, sort=True, observed=True) if key else [((), micro)]
    for levels, group in groups:
        names = dict(zip(key, levels, strict=True))
        units = int(group[unit].nunique())
        amounts = group.groupby(unit)[value].sum(min_count=1).dropna() if value else None
        shown = float(units) if amounts is None else float(amounts.sum())
        row = {name: str(names.get(name, TOTAL)) for name in dimensions}
        known = units if amounts is None else len(amounts)
        rows.append({**row, "value": shown, "units": known, "reason": rules.reason(amounts, known)})
    return pd.DataFrame(rows)
