"""The smallest effect that a design can find, before any estimate is seen.

For two-sided tests of size α with power 1 − κ,

    MDE = (t_{1−α/2} + t_{1−κ}) · SE,   t with G − 1 degrees of freedom, G clusters,

and the standard error of the two-way fixed-effects coefficient under errors that are correlated in any way
within units (Burlig, Preonas & Woerman 2020, Journal of Development Economics 144: power calculations for
panels that are robust to serial correlation):

    SE² = Σ_i D̃_i′ Ω D̃_i / (Σ_i D̃_i′ D̃_i)²,

D̃ the treatment less its unit and time effects and the other regressors. Where starts are staggered the effect is imputed from
untreated rows, and D̃/Σ D̃² gives way to the weights v that imputation puts on each row (Borusyak, Jaravel & Spiess 2024):
SE² = Σ_i v_i′ Ω v_i. Ω comes from untreated rows. Because
D̃_i sums to zero over time, D̃_i′ Ω D̃_i = −½ D̃_i′ V D̃_i with V_ts = E(u_it − u_is)²: the unit effects cancel in
the differences, so that the estimate of V is free of the bias that demeaning short panels brings to Ω. The same
holds for the covariance between units of one cluster, where clusters are coarser than units.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from estimators.engines.within import two_way_residuals
from estimators.errors import EffectsError
from estimators.language import said

Floats = NDArray[np.floating[Any]]
Target = Literal["all", "common", "first"]


@dataclass(frozen=True)
class Columns:
    """Names of the columns that a design is made of; an empty outcome: no regression."""

    outcome: str
    treatments: tuple[str, ...]
    controls: tuple[str, ...] = ()
    unit: str = "firm_id"
    time: str = "year"
    cluster: str = "firm_id"


@dataclass(frozen=True)
class Errors:
    """What untreated rows say about the errors.

    ``own`` and ``across`` are matrices over ``times`` of E(u_it − u_is)² and, for different units of one cluster,
    E(u_it − u_is)(u_jt − u_js). ``sd`` is the standard deviation of the residual after unit and time effects,
    ``autocorrelation`` its correlation with the year before, ``intra_unit`` the share of the outcome's variance
    (net of time effects and controls) that lies between units.
    """

    times: Floats
    own: Floats
    across: Floats
    sd: float
    autocorrelation: float
    intra_unit: float


def untreated(rows: pd.DataFrame, columns: Columns, start: str | None = None) -> pd.Series:
    """Rows from which the errors are learned.

    Before the start year, or never treated, where there is a start column; else rows in which every binary
    treatment is zero; all rows where a treatment is continuous (the effect then adds to the error, which makes
    the minimum detectable effect larger).
    """
    if start:
        return ~(rows[columns.time] >= rows[start]).fillna(False).astype(bool)
    if all(is_binary(rows[name]) for name in columns.treatments):
        return (rows[list(columns.treatments)].astype(float) == 0).all(axis=1)
    return pd.Series(True, index=rows.index)


def shock_cells(rows: pd.DataFrame, group: str | None, effects: str) -> list[str]:
    """Columns whose values have effects of their own in each year: the group's, where the answer has them and the rows do."""
    return [group] if group and effects == "group_year" and group in rows else []


def is_binary(values: pd.Series) -> bool:
    """Whether a column holds only 0 and 1 (or False and True)."""
    return set(values.dropna().unique()) <= {0, 1}


def learn_errors(rows: pd.DataFrame, columns: Columns, times: Sequence[float] | None = None) -> Errors:
    """Estimate the error covariance from untreated rows.

    `times` adds periods that no untreated row has; their pairs take the mean of the same lag.

    Raises
    ------
    EffectsError
        When fewer than two units are seen in two periods.
    """
    seen = (rows[columns.unit].nunique(), rows[columns.time].nunique())
    if min(seen) < 2:
        raise EffectsError(said("effects.mde_needs", units=seen[0], unit=columns.unit, periods=seen[1]))
    names = [columns.outcome, *columns.controls]
    values = rows[names].astype(float).to_numpy()
    residual = two_way_residuals(values, rows[columns.unit], rows[columns.time])
    slopes = _slopes(residual)
    wide = _wide(values[:, 0] - values[:, 1:] @ slopes, rows, columns)
    wide = wide.reindex(columns=sorted(set(wide.columns) | set(map(float, times or []))))
    cluster = rows.groupby(columns.unit, observed=True)[columns.cluster].first().loc[wide.index]
    own, across = _variograms(wide.to_numpy(), pd.factorize(cluster)[0])
    left = residual[:, 0] - residual[:, 1:] @ slopes
    freedom = len(rows) - seen[0] - seen[1] + 1 - len(columns.controls)
    sd = math.sqrt(float(left @ left) / max(freedom, 1))
    return Errors(
        wide.columns.to_numpy(float),
        own,
        across,
        sd,
        _autocorrelation(left, rows, columns),
        _intra_unit(wide, sd),
    )


def design_error(rows: pd.DataFrame, treatment: str, columns: Columns, errors: Errors) -> tuple[float, float]:
    """Standard error of a treatment's coefficient, and the standard deviation of its own variation.

    Parameters
    ----------
    rows : DataFrame
        The sample on which the regression will run.
    treatment : str
        One of ``columns.treatments``; the others and the controls are partialled out.
    errors : Errors
        From :func:`learn_errors`.

    Returns
    -------
    std_error : float
        In units of the outcome per unit of the treatment.
    own_sd : float
        Standard deviation of the treatment after unit and time effects and the other regressors.
    """
    others = [c for c in (*columns.treatments, *columns.controls) if c != treatment]
    values = rows[[treatment, *others]].astype(float).to_numpy()
    residual = two_way_residuals(values, rows[columns.unit], rows[columns.time])
    d = residual[:, 0] - residual[:, 1:] @ _slopes(residual)
    if d @ d <= 1e-12 * max(values[:, 0] @ values[:, 0], 1e-300):
        raise EffectsError(
            said("effects.nothing_left", treatment=treatment, unit=columns.unit, time=columns.time)
        )
    variance = _variance(d / float(d @ d), rows, columns, errors)
    return math.sqrt(max(variance, 0.0)), float(d.std())


def imputed_error(
    rows: pd.DataFrame,
    start: str,
    columns: Columns,
    errors: Errors,
    cells: Sequence[str] = (),
    target: Target = "all",
    anticipation: int = 0,
) -> float:
    """Standard error of an average effect by imputation, if all effects are the same.

    Parameters
    ----------
    rows : DataFrame
        Sample; `start` is the first treated time, missing for the never treated.
    cells : sequence of str
        As in `imputation.fit`.
    target : {"all", "common", "first"}
        As in `headline.declared`.
    anticipation : int
        Years before the start that teach nothing of untreated outcomes; units seen in no earlier year are no cohort.
    """
    from scipy import sparse

    from estimators.effects import imputation
    from estimators.effects.imputation import headline

    model = imputation.fit(
        rows,
        outcome=columns.outcome,
        unit=columns.unit,
        time=columns.time,
        start=start,
        cells=cells,
        slopes=columns.controls,
        anticipation=anticipation,
    )
    last = rows[columns.time].max()
    first_seen = rows.groupby(columns.unit, observed=True)[columns.time].transform("min")
    cohorts = rows.loc[(rows[start] <= last) & (first_seen < rows[start] - anticipation), start]
    common = int(last - cohorts.max()) if len(cohorts) else 0
    share = headline.declared(model, "imputation", target, common).share
    weight = np.zeros(len(model.data))
    weight[model.treated] = share
    weight[model.untreated] = model.implied(sparse.csr_array(share[:, None]))[:, 0]
    return math.sqrt(max(_variance(weight, rows, columns, errors), 0.0))


def minimum_detectable(std_error: float, clusters: int, size: float = 0.05, power: float = 0.8) -> float:
    """(t_{1−size/2} + t_power) · std_error, t with clusters − 1 degrees of freedom."""
    freedom = clusters - 1
    return float((stats.t.ppf(1 - size / 2, freedom) + stats.t.ppf(power, freedom)) * std_error)


def designs(
    rows: pd.DataFrame,
    columns: Columns,
    *,
    size: float = 0.05,
    power: float = 0.8,
    start: str | None = None,
    treated_sizes: Sequence[int] = (480, 150, 60, 24),
    cells: Sequence[str] = (),
    target: Target = "all",
    anticipation: int = 0,
) -> pd.DataFrame:
    """Minimum detectable effect of each treatment, for the design at hand and for fewer treated units.

    A 0/1 treatment that begins in the year of `start` is that of the imputation estimator (`imputed_error`); any other that of
    the regression with unit and time effects.

    Parameters
    ----------
    rows : DataFrame
        Estimation sample.
    start : str, optional
        Column of start years.
    treated_sizes : sequence of int
        Numbers of treated units at which a binary design is evaluated besides its own, if smaller; treated units
        are then taken evenly over start years, and the other treated units are left out.
    cells : sequence of str
        Columns whose values have effects of their own in each time, in imputation.
    target : {"all", "common", "first"}
        The average that is imputed.
    anticipation : int
        Years before the start in which an effect is allowed for.

    Returns
    -------
    DataFrame
        One row per treatment and design: treatment, kind (binary, continuous), estimator (imputation, twfe),
        design (observed, fewer),
        n, n_units, n_treated, share, clusters, residual_sd, autocorrelation, intra_unit_correlation, treatment_sd,
        std_error, size, power, mde (per unit of treatment), mde_one_sd (per standard deviation of the treatment's
        own variation; for a binary treatment equal to mde), mde_outcome_sd (mde_one_sd in standard deviations of
        the outcome). Without outcome or treatments: no rows, columns treatment and mde.
    """
    if not columns.outcome or not columns.treatments:
        return pd.DataFrame({"treatment": pd.Series(dtype=str), "mde": pd.Series(dtype=float)})
    times = sorted(rows[columns.time].unique())
    errors = learn_errors(_twice(rows[untreated(rows, columns, start)], columns), columns, times)
    records = []
    for treatment in columns.treatments:
        binary = is_binary(rows[treatment])
        order = _treated_units(rows, treatment, columns) if binary else []
        sizes = [len(order), *(k for k in treated_sizes if k < len(order))] if binary else [0]
        for k in sizes:
            kept = rows if k == len(order) else _fewer(rows, order, k, columns)
            begins = start if binary and start and _begins(rows, treatment, start, columns) else None
            records.append(
                _design(
                    kept,
                    treatment,
                    columns,
                    errors,
                    (k, binary),
                    (size, power),
                    begins,
                    (cells, target, anticipation),
                )
            )
            records[-1]["design"] = "observed" if kept is rows else "fewer"
    table = pd.DataFrame(records)
    table["mde_outcome_sd"] = table["mde_one_sd"] / rows[columns.outcome].astype(float).std()
    return table


# -- inside ------------------------------------------------------------------------------------


def _variance(weight: Floats, rows: pd.DataFrame, columns: Columns, errors: Errors) -> float:
    """Variance of a weighted sum of rows whose weights add up to zero within units."""
    frame = pd.DataFrame(
        {"d": weight, "u": rows[columns.unit].to_numpy(), "t": rows[columns.time].to_numpy(float)}
    )
    by_unit = frame.pivot_table(index="u", columns="t", values="d", fill_value=0.0, observed=True)
    by_unit = by_unit.reindex(columns=errors.times, fill_value=0.0)
    cluster = rows.groupby(columns.unit, observed=True)[columns.cluster].first().loc[by_unit.index]
    by_cluster = by_unit.groupby(cluster.to_numpy(), observed=True).sum()
    within = _quadratic(by_unit.to_numpy(), errors.own - errors.across)
    return -0.5 * (within + _quadratic(by_cluster.to_numpy(), errors.across))


def _design(
    rows: pd.DataFrame,
    treatment: str,
    columns: Columns,
    errors: Errors,
    treated: tuple[int, bool],
    test: tuple[float, float],
    start: str | None,
    average: tuple[Sequence[str], Target, int],
) -> dict[str, object]:
    n_treated, binary = treated
    std_error, own_sd = design_error(rows, treatment, columns, errors)
    if start:
        try:
            std_error = imputed_error(rows, start, columns, errors, *average)
        except (
            EffectsError
        ):  # no treated row has a counterfactual in this design; the table names the estimator
            start = None
    clusters, units = rows[columns.cluster].nunique(), rows[columns.unit].nunique()
    mde = minimum_detectable(std_error, clusters, *test)
    return {
        "treatment": treatment,
        "kind": "binary" if binary else "continuous",
        "estimator": "imputation" if start else "twfe",
        "design": "",
        "n": len(rows),
        "n_units": units,
        "n_treated": n_treated if binary else units,
        "share": n_treated / units if binary else 1.0,
        "clusters": clusters,
        "residual_sd": errors.sd,
        "autocorrelation": errors.autocorrelation,
        "intra_unit_correlation": errors.intra_unit,
        "treatment_sd": own_sd,
        "std_error": std_error,
        "size": test[0],
        "power": test[1],
        "mde": mde,
        "mde_one_sd": mde if binary else mde * own_sd,
    }


def _begins(rows: pd.DataFrame, treatment: str, start: str, columns: Columns) -> bool:
    """Whether a 0/1 treatment is that of the start column: on from the start year, off before, and some of both to learn from."""
    on = (rows[columns.time] >= rows[start]).fillna(False).astype(bool)
    same = (rows[treatment].astype(float) == on.astype(float)).all()
    first = rows.groupby(columns.unit, observed=True)[columns.time].transform("min")
    return bool(same and (on & (first < rows[start])).any() and not on.all())


def _slopes(residual: Floats) -> Floats:
    """Least-squares slopes of the first column on the others."""
    slopes: Floats = np.linalg.lstsq(residual[:, 1:], residual[:, 0], rcond=None)[0]
    return slopes


def _twice(rows: pd.DataFrame, columns: Columns) -> pd.DataFrame:
    """Rows of units that are seen more than once."""
    return rows[rows.groupby(columns.unit, observed=True)[columns.unit].transform("size") > 1]


def _wide(values: Floats, rows: pd.DataFrame, columns: Columns) -> pd.DataFrame:
    frame = pd.DataFrame(
        {"v": values, "u": rows[columns.unit].to_numpy(), "t": rows[columns.time].to_numpy(float)}
    )
    return frame.set_index(["u", "t"])["v"].unstack("t")


def _variograms(wide: Floats, cluster: NDArray[np.int64]) -> tuple[Floats, Floats]:
    """V_ts within units and across units of one cluster; a pair seen in no two units takes its lag's mean."""
    periods = wide.shape[1]
    own = np.full((periods, periods), np.nan)
    across = np.full((periods, periods), np.nan)
    for t in range(periods):
        for s in range(t):
            step = wide[:, t] - wide[:, s]
            seen = ~np.isnan(step)
            if seen.sum() < 2:
                continue
            step = step[seen] - step[seen].mean()
            squares = step @ step
            own[t, s] = own[s, t] = squares / (seen.sum() - 1)
            sums, counts = np.bincount(cluster[seen], step), np.bincount(cluster[seen])
            pairs = (counts**2).sum() - counts.sum()
            across[t, s] = across[s, t] = (sums @ sums - squares) / pairs if pairs else 0.0
    return _filled(own), _filled(across)


def _filled(matrix: Floats) -> Floats:
    lag = np.abs(np.subtract.outer(np.arange(len(matrix)), np.arange(len(matrix))))
    known = ~np.isnan(matrix)
    overall = matrix[known].mean() if known.any() else 0.0
    for step in range(1, len(matrix)):
        here = lag == step
        mean = matrix[here & known].mean() if (here & known).any() else overall
        matrix[here & ~known] = mean
    np.fill_diagonal(matrix, 0.0)
    return matrix


def _quadratic(z: Floats, matrix: Floats) -> float:
    """Σ_i z_i′ M z_i for rows z_i."""
    return float(np.einsum("it,ts,is->", z, matrix, z, optimize=True))


def _autocorrelation(left: Floats, rows: pd.DataFrame, columns: Columns) -> float:
    keys = pd.DataFrame(
        {"u": rows[columns.unit].to_numpy(), "t": rows[columns.time].to_numpy(float), "e": left}
    )
    pairs = keys.merge(keys.assign(t=keys["t"] + 1), on=["u", "t"], suffixes=("", "_before"))
    return float(pairs["e"].corr(pairs["e_before"])) if len(pairs) > 2 else float("nan")


def _intra_unit(wide: pd.DataFrame, sd: float) -> float:
    values = (wide - wide.mean()).to_numpy(float)
    total = float(np.nanvar(values, ddof=1))
    return max(0.0, 1 - sd**2 / total) if total > 0 else float("nan")


def _treated_units(rows: pd.DataFrame, treatment: str, columns: Columns) -> list[object]:
    """Units ever treated, by first treated period, then name."""
    first = rows[rows[treatment].astype(float) > 0].groupby(columns.unit, observed=True)[columns.time].min()
    return first.reset_index().sort_values([columns.time, columns.unit])[columns.unit].tolist()


def _fewer(rows: pd.DataFrame, order: list[object], k: int, columns: Columns) -> pd.DataFrame:
    """The sample with k treated units, spread evenly over the order of their starts."""
    chosen = {order[int(position)] for position in np.linspace(0, len(order) - 1, k).round()}
    return rows[~rows[columns.unit].isin(set(order) - chosen)]
