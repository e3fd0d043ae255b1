"""Building an index by named steps, with a record from which it can be built again to the same digits.

The idea that a build is the log of its own arguments, and that a variant is an edited log, is that of the R
package COINr (`Regen`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd

from fusion.composite import base as frozen
from fusion.composite import index, prepare, scale, treat
from fusion.composite.errors import CompositeError
from fusion.language import listed, said, word

FORMAT = 1
Step = Mapping[str, Any]


@dataclass(frozen=True)
class State:
    """An index while it is built.

    Attributes
    ----------
    values : pandas.DataFrame, shape (n, k)
        Indicators, after the steps so far.
    directions, chains : mapping
        Of each column.
    context : pandas.DataFrame
        Other columns of the same rows: ``year``, ``unit``, groups, sizes.
    normalised : pandas.DataFrame or None
    index : fusion.composite.index.Index or None
    tables : dict of pandas.DataFrame
        What steps say of themselves: ``screen``, ``imputed`` (flags), ``treatment``, ``scale``.
    base : fusion.composite.base.Base or None
        Frozen cut points, bounds and weights, used instead of the data's own.
    """

    values: pd.DataFrame
    directions: Mapping[str, str]
    chains: Mapping[str, str]
    context: pd.DataFrame
    normalised: pd.DataFrame | None = None
    index: index.Index | None = None
    tables: dict[str, pd.DataFrame] = field(default_factory=dict)
    base: frozen.Base | None = None
    how: str = ""

    def freeze(self, **made_from: Any) -> frozen.Base:
        """This build's cut points, bounds and weights as a base for later data.

        Raises
        ------
        CompositeError
            When the index is not built yet, or its scores are ranks, which cannot be frozen.
        """
        if self.index is None or "scale" not in self.tables:
            raise CompositeError(said("composite.record.no_bounds", how=self.how))
        treatment = self.tables.get("treatment", treat.fit(self.values, "none"))
        return frozen.Base(self.how, treatment, self.tables["scale"], self.index.weights, dict(made_from))


def run(state: State, steps: Sequence[Step]) -> tuple[State, dict[str, Any]]:
    """Take the steps one after the other.

    Parameters
    ----------
    state : State
    steps : sequence of mapping
        ``{"step": name, "arguments": {…}}``; names: screen, denominate, impute, treat, normalise, aggregate.

    Returns
    -------
    State, dict
        The record: format, input (rows, columns, sha256), base (sha256 or None), steps with arguments, rows and
        columns and missing values after each, output (sha256). It is plain JSON.

    Raises
    ------
    CompositeError
        For an unknown step or argument.
    """
    record: dict[str, Any] = {"format": FORMAT, "input": _describe(state.values), "base": _base_digest(state)}
    done = []
    for step in steps:
        name, arguments = step["step"], dict(step.get("arguments", {}))
        if name not in STEPS:
            raise CompositeError(said("composite.record.no_step", name=name, steps=listed(STEPS)))
        try:
            state = STEPS[name](state, **arguments)
        except TypeError as error:
            raise CompositeError(
                said("composite.record.step", name=name, arguments=arguments, error=error)
            ) from error
        current = state.values if state.normalised is None else state.normalised
        found = {
            "rows": len(current),
            "columns": current.shape[1],
            "missing": int(current.isna().sum().sum()),
        }
        done.append({"step": name, "arguments": arguments, "after": found})
    record["steps"] = done
    record["output"] = None if state.index is None else digest(state.index.scores)
    return state, record


def replay(state: State, record: Mapping[str, Any]) -> State:
    """Build again by a record, and check that the same numbers come out.

    Raises
    ------
    CompositeError
        When the data are not those of the record, or the result differs in any digit.
    """
    for name, now in (("input", _describe(state.values)), ("base", _base_digest(state))):
        if record[name] != now:
            raise CompositeError(
                said(
                    "composite.record.differs", name=word("composite.part", name), now=now, then=record[name]
                )
            )
    built, again = run(state, record["steps"])
    if again["output"] != record["output"]:
        raise CompositeError(said("composite.record.digits"))
    return built


def digest(table: pd.DataFrame) -> str:
    """sha256 of a table of numbers: names and all digits, missing values alike."""
    numbers = np.array(table, dtype=float, order="C")
    numbers[np.isnan(numbers)] = np.nan
    return hashlib.sha256("|".join(map(str, table.columns)).encode() + numbers.tobytes()).hexdigest()


def _describe(values: pd.DataFrame) -> dict[str, Any]:
    return {"rows": len(values), "columns": [str(c) for c in values], "sha256": digest(values.copy())}


def _base_digest(state: State) -> str | None:
    if state.base is None:
        return None
    parts = [getattr(state.base, name).to_csv(index=False) for name in frozen.PARTS]
    return hashlib.sha256("".join([state.base.how, *parts]).encode()).hexdigest()


def _screen(state: State, **limits: float) -> State:
    table = prepare.screen(state.values, **limits)
    kept = table.loc[table["keep"], "indicator"].tolist()
    return replace(state, values=state.values[kept], tables=state.tables | {"screen": table})


def _denominate(state: State, by: Mapping[str, str]) -> State:
    return replace(state, values=prepare.denominate(state.values, by, state.context))


def _impute(state: State, how: str = "none", group: Sequence[str] = (), **more: Any) -> State:
    groups = state.context[list(group)].astype(str).agg("|".join, axis=1) if group else None
    unit, year = state.context.get("unit"), state.context.get("year")
    filled, flags = prepare.impute(state.values, how, group=groups, unit=unit, year=year, **more)
    return replace(state, values=filled, tables=state.tables | {"imputed": flags})


def _treat(state: State, **arguments: Any) -> State:
    table = state.base.treatment if state.base else treat.fit(state.values, **arguments)
    tables = state.tables | {"treatment": table}
    return replace(state, values=treat.apply(state.values, table), tables=tables)


def _normalise(state: State, how: str = "minmax", by_year: bool = False, **declared: Any) -> State:
    years = state.context["year"] if by_year else None
    if state.base is not None:
        z = scale.score(state.values, state.base.scale, state.base.how, state.context.get("year"), cut=True)
        return replace(
            state, normalised=z, how=state.base.how, tables=state.tables | {"scale": state.base.scale}
        )
    if how in scale.RANKED:
        z = scale.normalise(state.values, state.directions, how, years, optima=declared.get("optima"))
        return replace(state, normalised=z, how=how)
    table = scale.fit(state.values, state.directions, how, years, **declared)
    z = scale.score(state.values, table, how, years)
    return replace(state, normalised=z, how=how, tables=state.tables | {"scale": table})


def _aggregate(state: State, **arguments: Any) -> State:
    if state.normalised is None:
        raise CompositeError(said("composite.record.normalise"))
    weights = state.base.weights if state.base else None
    built = index.build(state.normalised, state.chains, frozen=weights, **arguments)
    return replace(state, index=built)


STEPS: dict[str, Callable[..., State]] = {
    "screen": _screen,
    "denominate": _denominate,
    "impute": _impute,
    "treat": _treat,
    "normalise": _normalise,
    "aggregate": _aggregate,
}
