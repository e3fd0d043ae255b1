"""``levels(x, base=…)`` in a column: a regressor of 0 and 1 for each value of x but one."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from estimators.errors import EffectsError
from estimators.language import listed, said

WRITTEN = re.compile(r'levels\((\w+)(?:, base=(?:"([^"]*)"|(-?[\w.]+)))?\)')
MOST = 60
TERMS = ("treatments", "controls")


def written_out(
    column: Mapping[str, Any], table: pd.DataFrame, samples: Mapping[str, np.ndarray]
) -> tuple[dict[str, Any], pd.DataFrame]:
    """A column whose terms are columns of its table, and the table with these.

    Parameters
    ----------
    column : mapping
        A specification; its terms may be ``levels(x)`` or ``levels(x, base=2)``. Without a base the smallest value is it.
    table : DataFrame
        All rows.
    samples : mapping of str to array of bool

    Returns
    -------
    dict, DataFrame
        A value of x in no row of the column's samples has no regressor; a row without x stays without a value in all of them.

    Raises
    ------
    EffectsError
        When x is not there, has one value or more than 60, or the base is none of them.
    """
    asked = [term for key in TERMS for term in column[key] if WRITTEN.fullmatch(term)]
    if not asked:
        return dict(column), table
    there = np.logical_and.reduce(
        [samples[name] for name in column["sample"] or []] or [np.ones(len(table), bool)]
    )
    made = {term: _dummies(term, table, there) for term in dict.fromkeys(asked)}
    terms = {key: _with(column[key], made) for key in TERMS}
    return {**column, **terms}, table.assign(**{k: v for part in made.values() for k, v in part.items()})


def of_term(name: str, terms: Sequence[str]) -> list[str]:
    """Terms of an estimate that a name stands for: the dummies of ``levels(x)``, else the name itself."""
    found = WRITTEN.fullmatch(name)
    return [term for term in terms if term.startswith(f"{found[1]} = ")] if found else [name]


def together(terms: Sequence[str]) -> list[list[str]]:
    """Dummies among some terms, those of one ``levels(x)`` in one list."""
    found: dict[str, list[str]] = {}
    for term in terms:
        name, sign, _ = term.partition(" = ")
        if sign:
            found.setdefault(name, []).append(term)
    return list(found.values())


def _with(terms: Sequence[str], made: Mapping[str, Mapping[str, pd.Series]]) -> list[str]:
    return list(dict.fromkeys(name for term in terms for name in made.get(term, [term])))


def _dummies(term: str, table: pd.DataFrame, there: np.ndarray) -> dict[str, pd.Series]:
    name, text, plain = WRITTEN.fullmatch(term).groups()  # type: ignore[union-attr]
    if name not in table:
        raise EffectsError(said("tables.absent", names=name))
    values = table[name].astype(object).where(table[name].notna() & (table[name].astype(object) != ""))
    shown = values.map(_shown, na_action="ignore")
    order = sorted(values[there].dropna().unique(), key=lambda v: (isinstance(v, str), v))
    levels = [_shown(value) for value in order]
    if not 2 <= len(levels) <= MOST:
        raise EffectsError(said("tables.levels", name=name, count=len(levels), most=MOST))
    base = levels[0] if text is None and plain is None else plain if text is None else text
    if base not in levels:
        raise EffectsError(said("tables.base", name=name, base=base, known=listed(levels)))
    return {
        f"{name} = {level}": (shown == level).astype(float).where(shown.notna())
        for level in levels
        if level != base
    }


def _shown(value: Any) -> str:
    """A value as it is written: 3, not 3.0."""
    return f"{value:g}" if isinstance(value, float | np.floating) else str(value)
