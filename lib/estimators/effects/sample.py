"""The estimation sample: join, complete cases, fixed-effect columns and singletons."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from estimators.engines.agreement import Rung
from estimators.engines.exact.project import Projection
from estimators.errors import EffectsError
from estimators.finite import refuse_infinite
from estimators.language import listed, said

KEYS = ("firm_id", "year")


class Sample(NamedTuple):
    """Rows on which everything is estimated, and how they were reached."""

    rows: pd.DataFrame
    flow: pd.DataFrame


def base_columns(fixed_effects: Sequence[Sequence[str]]) -> list[str]:
    """Columns named in a ladder of fixed effects, each once, in order: ``a*b`` names a and b."""
    names = [part for step in fixed_effects for effect in step for part in effect.split("*")]
    return list(dict.fromkeys(names))


def estimation_sample(
    tables: Mapping[str, pd.DataFrame],
    complete: Mapping[str, Sequence[str]],
    present: Mapping[str, Sequence[str]] | None = None,
    wanted: Sequence[str] = (),
    keys: Sequence[str] = KEYS,
) -> Sample:
    """Join tables by their keys and keep the rows that are complete in the columns of the regression.

    Parameters
    ----------
    tables : mapping of str to DataFrame
        Tables by name; the first sets the rows, the others are joined to it. A column that several have
        is taken from the first of them.
    complete : mapping of str to sequence of str
        Parameter name: columns in which a row must have a value (missing or empty text is none).
    present : mapping of str to sequence of str, optional
        Parameter name: columns that must exist but may be empty (a start year is, for the never treated).
    wanted : sequence of str
        Columns that are kept when they exist and hold something.
    keys : sequence of str
        Keys of every table.

    Returns
    -------
    Sample
        ``rows`` sorted by the keys; ``flow`` with columns parameter, column, rows, firms, rows_dropped,
        firms_dropped: what is left after each column, in order.

    Raises
    ------
    EffectsError
        When a column does not exist, keys repeat, or no row is complete.
    """
    joined = _join(tables, keys)
    roles = {**complete, **(present or {})}
    for parameter, columns in roles.items():
        for column in columns:
            _require(joined, parameter, column, list(tables))
    rows, flow = _complete_cases(joined, complete, keys)
    named = [column for columns in roles.values() for column in columns]
    kept = list(dict.fromkeys([*keys, *named, *(c for c in wanted if c in joined and _holds(joined[c]))]))
    return Sample(rows[kept].sort_values(list(keys)).reset_index(drop=True), flow)


def check_varies(
    rows: pd.DataFrame,
    columns: Sequence[str],
    unit: str | None = "firm_id",
    parameter: str = "effects.treatments",
) -> None:
    """Refuse regressors of interest that never vary, or never within a unit (firm effects absorb them).

    Raises
    ------
    EffectsError
        Naming the parameter, the column and the one value found.
    """
    for column in columns:
        if not pd.api.types.is_numeric_dtype(rows[column]) and rows[column].dtype != bool:
            raise EffectsError(
                said("effects.not_a_number", parameter=parameter, column=column, dtype=rows[column].dtype)
            )
        values = rows[column].unique()
        if len(values) < 2:
            raise EffectsError(
                said(
                    "effects.never_varies",
                    parameter=parameter,
                    column=column,
                    count=len(rows),
                    value=values[0],
                )
            )
        if unit and (rows.groupby(unit, observed=True)[column].nunique() < 2).all():
            raise EffectsError(
                said("effects.never_varies_within", parameter=parameter, column=column, unit=unit)
            )


def dropped(steps: Sequence[Rung]) -> pd.DataFrame:
    """What each step of a ladder left out: spec, rows, units, singletons, absorbed (regressors; missing: none)."""
    found = [(s.label, len(s.data), s.units, s.dropped, list(s.absorbed) or None) for s in steps]
    return pd.DataFrame(found, columns=["spec", "rows", "units", "singletons", "absorbed"])


def year_dummies(index: pd.MultiIndex, wanted: bool = True) -> pd.DataFrame:
    """A column of 0 and 1 for each year but the first, by unit and year; none unless wanted."""
    years = index.get_level_values("year")
    made = pd.get_dummies(years, prefix="year", drop_first=True, dtype=float).set_index(index)
    return made if wanted else made.iloc[:, :0]


def effect_columns(rows: pd.DataFrame, step: Sequence[str]) -> pd.DataFrame:
    """One categorical column for each fixed effect of a step.

    Parameters
    ----------
    rows : DataFrame
        Estimation sample.
    step : sequence of str
        Effects; ``a*b`` is one effect for each pair of levels.

    Returns
    -------
    DataFrame
        Shape (rows, effects), category dtype without unused levels; ``a*b`` is named ``a_by_b``.
    """
    columns = {}
    for effect in step:
        parts = effect.split("*")
        codes = rows[parts].groupby(parts, observed=True, sort=True).ngroup()
        columns["_by_".join(parts)] = pd.Categorical(codes)
    return pd.DataFrame(columns, index=rows.index)


def singletons(effects: pd.DataFrame) -> pd.Series:
    """Rows that are alone in a level of an effect, found repeatedly until none is left.

    A singleton carries no information on slopes; kept, it counts as a cluster and as an observation and so
    makes standard errors too small (Correia 2015, "Singletons, cluster-robust standard errors and fixed
    effects: a bad mix").

    Returns
    -------
    Series of bool
        True where the row is a singleton.
    """
    codes = np.column_stack([pd.factorize(effects[name])[0] for name in effects])
    alive = np.ones(len(codes), bool)
    while True:
        before = alive.sum()
        for column in codes.T:
            counts = np.bincount(column[alive], minlength=column.max(initial=0) + 1)
            alive &= counts[column] > 1
        if alive.sum() == before:
            return pd.Series(~alive, index=effects.index)


def ladder(
    rows: pd.DataFrame, steps: Sequence[Sequence[str]], regressors: Sequence[str], drop_singletons: bool
) -> list[Rung]:
    """The steps of the ladder, each with the regressors that its effects absorb.

    Raises
    ------
    EffectsError
        When every step absorbs every regressor, so that there is nothing to estimate.
    """
    made = [rung(rows, step, drop_singletons) for step in steps]
    made = [one._replace(absorbed=tuple(absorbed(one, regressors))) for one in made]
    if all(len(one.absorbed) == len(regressors) for one in made):
        raise EffectsError(said("effects.every_step_absorbs", regressors=listed(regressors)))
    return made


def possible(
    rows: pd.DataFrame, steps: Sequence[Sequence[str]], regressors: Sequence[str], drop_singletons: bool
) -> list[Rung]:
    """The steps that these rows allow: none where each row is a singleton, or where effects take every regressor up."""
    try:
        found = ladder(rows, steps, regressors, drop_singletons)
    except EffectsError:
        return []
    return [one for one in found if len(one.absorbed) < len(regressors)]


def of_sets(
    rows: pd.DataFrame,
    sets: Mapping[str, Sequence[str]],
    steps: Sequence[Sequence[str]],
    beside: Sequence[str],
    drop_singletons: bool,
) -> list[tuple[str, Rung]]:
    """One regression for each set of regressors that these rows allow.

    Parameters
    ----------
    rows : pandas.DataFrame
        Shape (rows, columns).
    sets : mapping of str to sequence of str
        Regressors of interest by a name of the regression.
    steps : sequence of sequence of str
        Effects, as `ladder` takes them.
    beside : sequence of str
        Regressors that stand in each.
    drop_singletons : bool
        As in `ladder`.

    Returns
    -------
    list of (str, Rung)
        Without sets of which a column is not there or is the same for all, and those of which effects take a regressor up.
    """
    found = []
    for name, own in sets.items():
        known = rows.dropna(subset=[*own]) if set(own) <= set(rows) else rows.iloc[:0]
        if not known.reindex(columns=[*own]).nunique().gt(1).all():
            continue
        rungs = possible(known, steps, [*own, *beside], drop_singletons)
        found += [(name, one) for one in rungs if not any(r.absorbed for r in rungs)]
    return found


def first_known(rows: pd.DataFrame, effects: Sequence[str]) -> str:
    """The first of some effects whose columns are there and known for all rows, else the last."""
    for name in effects[:-1]:
        columns = base_columns([[name]])
        if set(columns) <= set(rows) and rows[columns].notna().all(axis=None):
            return name
    return effects[-1]


def absorbed(rung: Rung, regressors: Sequence[str]) -> list[str]:
    """Regressors of which the effects leave nothing: less than 1e-10 of their variation."""
    codes = [rung.data[name].cat.codes.to_numpy(np.int64) for name in rung.effects]
    values = rung.data[list(regressors)].to_numpy(float)
    values = values - values.mean(0)
    left = (Projection(codes).residuals(values) ** 2).sum(0)
    return [
        name
        for name, part, whole in zip(regressors, left, (values**2).sum(0), strict=True)
        if part <= 1e-10 * whole
    ]


def rung(rows: pd.DataFrame, step: Sequence[str], drop_singletons: bool) -> Rung:
    """The rows and the effect columns of one step of the ladder, the same for every engine."""
    columns = effect_columns(rows, step)
    alone = singletons(columns) if drop_singletons else pd.Series(False, index=rows.index)
    added = columns[[name for name in columns if name not in rows]]
    data = pd.concat([rows, added], axis=1)[~alone]
    if data.empty:
        raise EffectsError(said("effects.singletons", step=" + ".join(step)))
    for name in columns:
        data[name] = pd.Categorical(
            data[name].astype(str) if name in rows else data[name]
        ).remove_unused_categories()
    return Rung(" + ".join(step), data.reset_index(drop=True), columns.columns.tolist(), int(alone.sum()))


def _holds(values: pd.Series) -> bool:
    """Whether a column holds anything: an empty text is nothing, and effects of a path that nobody has are none."""
    return bool((values.notna() & (values != "")).any())


def _join(tables: Mapping[str, pd.DataFrame], keys: Sequence[str]) -> pd.DataFrame:
    joined: pd.DataFrame | None = None
    for name, table in tables.items():
        for key in keys:
            if key not in table:
                raise EffectsError(
                    said("effects.table_lacks", name=name, key=key, columns=listed(table.columns))
                )
        repeated = table.duplicated(list(keys))
        if repeated.any():
            first = table.loc[repeated, list(keys)].iloc[0].to_dict()
            raise EffectsError(said("effects.table_repeats", name=name, repeated=repeated.sum(), first=first))
        if joined is None:
            joined = table
            continue
        fresh = [c for c in table if c in keys or c not in joined]
        joined = joined.merge(table[fresh], on=list(keys), how="left", validate="1:1")
    assert joined is not None
    return joined


def _require(table: pd.DataFrame, parameter: str, column: str, tables: list[str]) -> None:
    if column in table:
        return
    near = difflib.get_close_matches(column, list(table.columns), 3, 0.6)
    hint = said("effects.did_you_mean", near=listed(near)) if near else ""
    raise EffectsError(
        said(
            "effects.no_column",
            parameter=parameter,
            column=column,
            tables=listed(tables),
            hint=hint,
            columns=listed(sorted(map(str, table.columns))),
        )
    )


def _complete_cases(
    table: pd.DataFrame, complete: Mapping[str, Sequence[str]], keys: Sequence[str]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    unit = keys[0]
    steps = [("", "", len(table), table[unit].nunique(), 0, 0)]
    seen = set(keys)
    for parameter, columns in complete.items():
        for column in columns:
            if column in seen:
                continue
            seen.add(column)
            refuse_infinite(table, [column])
            missing = table[column].isna() | (table[column].astype(object) == "")
            before, firms = len(table), table[unit].nunique()
            table = table[~missing]
            left = table[unit].nunique()
            steps.append((parameter, column, len(table), left, before - len(table), firms - left))
            if table.empty:
                raise EffectsError(said("effects.no_row", parameter=parameter, column=column, before=before))
    names = ["parameter", "column", "rows", "firms", "rows_dropped", "firms_dropped"]
    return table, pd.DataFrame(steps, columns=names)
