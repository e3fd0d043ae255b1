"""Samples, columns and tables of robustness checks; the estimators are called where they are used."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from estimators.effects.heterogeneity import freeze
from estimators.engines.gmm.result import Gmm
from estimators.errors import EffectsError
from estimators.language import said, speaking
from estimators.robustness.speccurve import ALL, Specification, curve

Mask = NDArray[np.bool_]
KEYS = ["firm_id", "year"]
LINE = ["label", "estimate", "std_error", "ci_low", "ci_high", "p_value", "n", "clusters"]
# What tables of checks show: an estimate to a line, and the units that it rests on.
SHOWN = [*LINE, "units"]
KEPT = ["family", "label", "outcome", "treatment", "controls", "effects", "sample", *LINE[1:]]


def widened(
    sample: pd.DataFrame,
    tables: Sequence[pd.DataFrame],
    names: Sequence[str | None],
) -> pd.DataFrame:
    """The sample with further columns, from the first table that has each.

    Parameters
    ----------
    sample, tables : DataFrame
        With the keys firm_id and year.
    names : sequence of str or None
        Columns wanted; those that no table has are passed over.
    """
    for table in tables:
        new = [c for c in table.columns if c not in sample and c in names]
        if new:
            sample = sample.merge(table[[*KEYS, *new]], on=KEYS, how="left", validate="1:1")
    return sample


def frozen(sample: pd.DataFrame, columns: Sequence[str], start: str | None) -> dict[str, pd.Series]:
    """Columns as they were before treatment, one value a unit, named ``<column>_before``; missing becomes ``?``.

    Columns that do not exist, or have one value only, are passed over: they make no strata.
    """
    there = dict.fromkeys(c for c in columns if c in sample)
    made = {f"{c}_before": freeze(sample, c, "firm_id", start).fillna("?") for c in there}
    return {name: values for name, values in made.items() if len(set(values)) > 1}


def samples(rows: int, left_out: Mapping[str, Mask]) -> dict[str, Mask]:
    """Rows kept under each exclusion (``"− name"``), ``"all"`` first.

    Parameters
    ----------
    rows : int
        Rows of the sample.
    left_out : mapping of str to array of bool
        Name: rows that are left out.

    Raises
    ------
    EffectsError
        When one leaves nothing.
    """
    for name, mask in left_out.items():
        if mask.all():
            raise EffectsError(said("robustness.nothing_left", name=name, count=rows))
    return {ALL: np.ones(rows, bool)} | {f"− {name}": ~mask for name, mask in left_out.items()}


def winsor_name(column: str, tail: float) -> str:
    """Name of a column whose tails are drawn in."""
    return column if tail == 0 else f"{column}_w{100 * tail:g}".replace(".", "_")


def winsorised(values: pd.Series, tail: float) -> pd.Series:
    """Values drawn in to the quantiles `tail` and 1 − `tail`."""
    return values if tail == 0 else values.clip(values.quantile(tail), values.quantile(1 - tail))


def without_each(sample: pd.DataFrame, columns: Sequence[str], most: int = 40) -> dict[str, Mask]:
    """Rows left without each level of each column, named ``column: level``; columns with more than `most` are passed over.

    A level is left out by its column's value in the row, so that firms that never start stay when a start year goes.
    """
    masks: dict[str, Mask] = {}
    for column in columns:
        levels = sorted(sample[column].dropna().unique()) if column in sample else []
        for level in levels if 1 < len(levels) <= most else []:
            name = f"{level:g}" if isinstance(level, float) else str(level)
            masks[f"{column}: {name}"] = (sample[column] != level).to_numpy()
    return masks


def several(
    data: pd.DataFrame,
    specs: Mapping[str, Specification],
    kept: Mapping[str, Mask] | None = None,
    level: float = 0.95,
    family: str = "",
    drop_singletons: bool = True,
) -> tuple[pd.DataFrame, dict[str, str]]:
    """Estimate labelled specifications that need not share columns, and say which could not be estimated.

    Returns
    -------
    DataFrame, dict
        As `speccurve.curve` with ``units``, ``label`` and ``family`` first; label: reason. A specification whose treatment is
        absorbed counts as not estimated.
    """
    found, reasons = [], {}
    for label, spec in specs.items():
        missing = [c for c in spec.design.columns if c not in data]
        if missing:
            reasons[label] = f"no column {', '.join(missing)}"
            continue
        try:
            with speaking("en"):  # what is kept knows no language of the terminal
                row = curve(data, [spec], kept, None, drop_singletons, level, "firm_id")
        except EffectsError as problem:
            reasons[label] = str(problem)
            continue
        if row["estimate"].isna().any():
            reasons[label] = str(row["dropped"].iloc[0])
            continue
        found.append(row.assign(label=label, family=family))
    columns = ["family", "label", *Specification._fields, *SHOWN[1:]]
    table = pd.concat(found, ignore_index=True)[columns] if found else pd.DataFrame(columns=columns)
    return table, reasons


def over(
    versions: Iterable[pd.DataFrame], data: pd.DataFrame, specs: Mapping[str, Specification], **how: Any
) -> pd.DataFrame:
    """Estimates of the data beside the least and the greatest in other versions of them.

    Parameters
    ----------
    versions : iterable of DataFrame
        The data with some columns otherwise.
    data, specs, how
        As `several` takes them.

    Returns
    -------
    DataFrame
        label, effects, estimate, std_error, units, least, most, versions (in how many it could be estimated); empty without
        versions.
    """
    each = [several(version, specs, **how)[0] for version in versions]
    found = pd.concat(each)[["label", "estimate"]] if each else pd.DataFrame(columns=["label", "estimate"])
    ends = found.groupby("label")["estimate"].agg(least="min", most="max", versions="count").reset_index()
    if ends.empty:
        return ends
    own = several(data, specs, **how)[0]
    return own[["label", "effects", "estimate", "std_error", "units"]].merge(ends, on="label")


def line(
    label: str,
    estimate: float,
    std_error: float,
    free: float,
    n: int,
    clusters: float,
    level: float,
    units: int,
) -> dict[str, Any]:
    """One estimate with a t interval, in the columns that tables of checks share."""
    from scipy import stats

    half = stats.t.ppf(0.5 + level / 2, free) * std_error
    p = float(2 * stats.t.sf(abs(estimate / std_error), free))
    ends = estimate - half, estimate + half
    return dict(zip(SHOWN, (label, estimate, std_error, *ends, p, n, clusters, units), strict=True))


def compared(table: pd.DataFrame) -> pd.DataFrame:
    """A table whose first line is the base, or no line where the base stands alone: nothing is compared then."""
    return table if len(table) > 1 else table.head(0)


def joined(tables: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Tables one below the other; empty ones, whose columns have no type, are passed over."""
    found = [table for table in tables if len(table)]
    return pd.concat(found) if found else pd.DataFrame(columns=["family", *SHOWN])


def gathered(tables: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Estimates of all checks as one table, in the columns ``KEPT``; those that a check does not have are missing."""
    return joined(tables).reindex(columns=KEPT).astype(dict.fromkeys(KEPT[:7], "string"))


def fewest(table: pd.DataFrame, sample: pd.DataFrame, kept: Mapping[str, Mask]) -> pd.DataFrame:
    """A table of `several` whose ``units`` are those left in or those left out of its sample, whichever are fewer.

    Two estimates that differ by a sample say as much of the few that only one of them holds.
    """
    out = table["sample"].map({name: sample.loc[~mask, "firm_id"].nunique() for name, mask in kept.items()})
    return table.assign(units=table["units"].where((out == 0) | (table["units"] < out), out))


def amount_forms(sample: pd.DataFrame, amount: str | None) -> dict[str, pd.Series]:
    """Logs of an amount: of positive ones, of 1 + amount, asinh; nothing where the column is missing or negative."""
    if amount not in sample or sample[amount].min() < 0:
        return {}
    values = sample[amount].astype(float)
    logs = {"amount_log": np.log(values.where(values > 0)), "amount_log1": np.log1p(values)}
    return {**logs, "amount_asinh": np.arcsinh(values)}


def with_square(sample: pd.DataFrame, outcome: str, regressor: str, most: int = 10) -> pd.DataFrame:
    """Complete rows with the regressor ``along`` its range, from -1 to 1, and that one's ``square``.

    x and x² are nearly collinear where x is far from zero, and their coefficients, and all that is made of both, have
    digits by chance: the order of rows moved the twelfth of a turning point. Moved to the middle of its range, which no
    order changes, the same curve is told by two columns that are far from collinear. None where a column is missing, or
    takes `most` values or fewer.
    """
    if not {outcome, regressor} <= set(sample) or sample[regressor].nunique() <= most:
        return sample.head(0)
    whole = sample.dropna(subset=[outcome, regressor])
    x = whole[regressor].astype(float)
    along = (2 * x - (x.min() + x.max())) / (x.max() - x.min())
    return whole.assign(along=along, square=along**2)


def assigned(
    sample: pd.DataFrame, cluster: str, fixed: Sequence[str], moving: Sequence[str], unit: str = "firm_id"
) -> str:
    """The level at which treatment was given: the cluster's column where all its units share it, else the unit's.

    Parameters
    ----------
    fixed, moving : sequence of str
        Columns that must have one value in a cluster (start year, strata), and one in a cluster and year (treatment).
    """
    if cluster == unit:
        return unit
    values = sample.groupby(cluster)[list(fixed)].nunique(dropna=False)
    by_year = sample.groupby([cluster, "year"])[list(moving)].nunique(dropna=False)
    shared = (values <= 1).all(axis=None) and (by_year <= 1).all(axis=None)
    return cluster if shared else unit


def trend_columns(sample: pd.DataFrame, groups: pd.Series) -> pd.DataFrame:
    """A linear trend for each group but the first, years from the sample's first; columns ``trend_1``, …"""
    levels = sorted(groups.dropna().unique())[1:]
    years = sample["year"] - sample["year"].min()
    return pd.DataFrame(
        {f"trend_{i}": years.where(groups == level, 0.0).astype(float) for i, level in enumerate(levels, 1)},
        index=sample.index,
    )


def early_values_by_year(sample: pd.DataFrame, columns: Sequence[str]) -> pd.DataFrame:
    """Each unit's first value of each column, times dummies of years but the first: ``<column>_in_<year>``.

    Lets units that began differently go their own ways, without using values that treatment may have moved.
    """
    order = sample.sort_values("year", kind="stable")
    first = order.groupby("firm_id")[list(columns)].first().reindex(sample["firm_id"]).to_numpy(float)
    made: dict[str, NDArray[np.float64]] = {}
    for year in sorted(sample["year"].unique())[1:]:
        now = (sample["year"] == year).to_numpy()
        made |= {f"{c}_in_{year}": np.where(now, first[:, i], 0.0) for i, c in enumerate(columns)}
    return pd.DataFrame(made, index=sample.index)


def extremes(table: pd.DataFrame, dimension: pd.Series) -> pd.DataFrame:
    """Smallest and largest estimate of each dimension that was left out level by level.

    Parameters
    ----------
    table : DataFrame
        From `several`, labels ``column: level``.
    dimension : Series
        Column of each row's label.

    Returns
    -------
    DataFrame
        dimension, levels, lowest, without_lowest (what is left out there), highest, without_highest, p_value (largest),
        units (fewest).
    """
    rows = []
    for name, group in table.groupby(dimension, sort=False):
        ends = group["estimate"].idxmin(), group["estimate"].idxmax()
        one, two = ((float(group.loc[at, "estimate"]), group.loc[at, "label"]) for at in ends)
        rows.append((name, len(group), *one, *two, group["p_value"].max(), group["units"].min()))
    names = [
        "dimension",
        "levels",
        "lowest",
        "without_lowest",
        "highest",
        "without_highest",
        "p_value",
        "units",
    ]
    return pd.DataFrame(rows, columns=names)


def gmm_lines(
    models: Mapping[str, tuple[int, Gmm]], outcome: str, treatment: str, size: float = 0.05
) -> pd.DataFrame:
    """Dynamic panels side by side: persistence, effect, and the tests without which neither means anything.

    Parameters
    ----------
    models : mapping of str to (int, Gmm)
        Label: first lag of the outcome among the instruments, and the model, with serial correlation tested to that order.

    Returns
    -------
    DataFrame
        label, rho, estimate, ci_low, ci_high, p_value, ar1, ar2, ar_needed (p-values of serial correlation; lag k is an
        instrument only if differenced errors have none of order k), hansen (p), instruments, units, n.
    """
    rows = []
    for label, (first_lag, model) in models.items():
        table = model.table(size)
        own = table.loc[treatment, ["estimate", "ci_low", "ci_high", "p_value"]].to_dict()
        orders = {"ar1": 1, "ar2": 2, "ar_needed": first_lag}
        serial = {name: model.ar[order].p_value for name, order in orders.items()}
        counts = {"instruments": model.instruments, "units": model.units, "n": model.n}
        rho = float(table.loc[f"L1.{outcome}", "estimate"])
        rows.append({"label": label, "rho": rho, **own, **serial, "hansen": model.hansen.p_value, **counts})
    return pd.DataFrame(rows)
