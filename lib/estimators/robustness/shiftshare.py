"""Instruments from shares and shocks, instruments from peers, and an interval that weak instruments do not spoil.

A shift-share instrument z_it = Σ_k s_ik g_kt joins a unit's shares before the sample with shocks common to all. With
z = Σ_k z_k, its two-stage estimate is a weighted average of those by single parts (Goldsmith-Pinkham, Sorkin and Swift
2020, American Economic Review 110(8)): β = Σ α_k β_k, α_k = z_k'x/Σ z_k'x, β_k = z_k'y/z_k'x, all less controls and
effects.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from estimators.errors import EffectsError
from estimators.language import listed, said

Form = Literal["interval", "outside", "line", "empty"]


def leave_one_out_mean(values: pd.Series, groups: Sequence[pd.Series]) -> pd.Series:
    """Mean over the other rows of the same group; missing where a row is alone or has no value of its own.

    Parameters
    ----------
    values : Series
        E.g. a treatment.
    groups : sequence of Series
        Keys that together make the group, such as path, district and year.
    """
    grouped = values.groupby(list(groups), dropna=False)
    total, count = grouped.transform("sum"), grouped.transform("count")
    return ((total - values) / (count - 1)).where(count > 1)


def parts(
    rows: pd.DataFrame, components: Sequence[str], unit: str = "firm_id", time: str = "year"
) -> pd.DataFrame:
    """Shift-share parts z_k of a regressor that is a sum of components.

    s_ik is component k's share in unit i's first period; g_kt is the growth of the component's mean since the first
    period over all other units, so that a unit does not make its own shock. A unit is used from its first period on.

    Parameters
    ----------
    rows : DataFrame
        Long panel with the components, not negative.

    Returns
    -------
    DataFrame
        Shape (rows, components): z_k,it = s_ik · (mean_{j≠i} c_jkt − mean_{j≠i} c_jk0) / mean_{j≠i} c_jk0; their sum over
        components is the instrument.

    Raises
    ------
    EffectsError
        When a component is missing or negative, or is zero in all other units at the start.
    """
    names = list(components)
    missing = [c for c in names if c not in rows]
    if missing or len(names) < 2:
        raise EffectsError(
            said("robustness.components", names=names)
            + (said("robustness.component_absent", missing=listed(missing)) if missing else "")
        )
    if rows[names].isna().any().any() or (rows[names] < 0).any().any():
        raise EffectsError(said("robustness.components_holes", names=listed(names)))
    start = rows[time].min()
    first = rows.sort_values([unit, time]).drop_duplicates(unit).set_index(unit)[names]
    shares = first.div(first.sum(axis=1), axis=0).loc[rows[unit]].to_numpy()
    others = pd.DataFrame({c: leave_one_out_mean(rows[c], [rows[time]]) for c in names})
    at_start = rows[rows[time] == start].assign(**others).set_index(unit)[names]
    means = rows.loc[rows[time] == start, names].mean()
    # A unit without the first period is in none of that period's means.
    base = at_start.reindex(rows[unit]).fillna(means).to_numpy()
    if (base <= 0).any():
        zero = [c for c, bad in zip(names, (base <= 0).any(axis=0), strict=True) if bad]
        raise EffectsError(said("robustness.components_zero", zero=listed(zero)))
    return pd.DataFrame(shares * (others.to_numpy() / base - 1), index=rows.index, columns=names)


def rotemberg(y: ArrayLike, x: ArrayLike, z: pd.DataFrame) -> pd.DataFrame:
    """Rotemberg weights: how much each part of an instrument counts, and the estimate by it alone.

    Parameters
    ----------
    y, x : array_like, shape (n,)
        Outcome and instrumented regressor, less controls and effects.
    z : DataFrame, shape (n, k)
        Parts of the instrument (need not be residualised).

    Returns
    -------
    DataFrame
        Index: part; weight (sums to one, may be negative), estimate, f (of the part's own first stage, homoskedastic),
        by size of weight. Σ weight · estimate is the two-stage estimate with the summed instrument.

    Raises
    ------
    EffectsError
        When the instrument has nothing to do with the regressor.
    """
    y, x = np.asarray(y, float), np.asarray(x, float)
    columns = z.to_numpy(float)
    first, reduced = columns.T @ x, columns.T @ y
    if not abs(first.sum()) > 1e-12 * np.linalg.norm(columns) * np.linalg.norm(x):
        raise EffectsError(said("robustness.uncorrelated"))
    inside = (columns**2).sum(axis=0)
    slope = first / inside
    rest = x @ x - slope * first
    table = {
        "weight": first / first.sum(),
        "estimate": reduced / first,
        "f": slope * first / (rest / (len(x) - 1)),
    }
    out = pd.DataFrame(table, index=z.columns.rename("part"))
    return out.sort_values("weight", key=np.abs, ascending=False)


def peers(rows: pd.DataFrame, regressor: str, group: Sequence[str], time: str = "year") -> pd.DataFrame:
    """The instrument from peers as a table of one part: the regressor's mean over the group's other units, by period."""
    keys = [rows[name] for name in (*group, time)]
    return pd.DataFrame({"peers": leave_one_out_mean(rows[regressor].astype(float), keys)})


class AndersonRubin(NamedTuple):
    """All effects that the test of Anderson and Rubin (1949) does not reject.

    ``form``: "interval" [low, high]; "outside" (−∞, low] and [high, ∞); "line" everything; "empty" nothing (cannot be with
    one instrument). ``f`` is the robust first-stage F, which with one instrument is also the effective F of Montiel Olea
    and Pflueger (2013).
    """

    estimate: float
    std_error: float
    form: Form
    low: float
    high: float
    p_zero: float
    f: float
    n: int
    clusters: int
    units: int = 0  # behind the rows, where they are known

    def written(self) -> str:
        """The set as it is written, to three decimals."""
        forms = {
            "interval": "[{0:.3f}, {1:.3f}]",
            "outside": "(−∞, {0:.3f}] ∪ [{1:.3f}, ∞)",
            "line": "(−∞, ∞)",
            "empty": "∅",
        }
        return forms[self.form].format(self.low, self.high).replace("-", "−")


def anderson_rubin(
    y: ArrayLike, x: ArrayLike, z: ArrayLike, cluster: ArrayLike, parameters: int = 1, size: float = 0.05
) -> AndersonRubin:
    """Two-stage least squares with one instrument, and its weak-instrument-robust interval in closed form.

    y − bx is regressed on z for a candidate b; b stays where t² of z is at most the critical value c. With reduced-form
    and first-stage coefficients p, q and their joint covariance V: (p − bq)² ≤ c (V_pp − 2b V_pq + b² V_qq), a quadratic
    inequality in b. Errors are clustered: G/(G−1)·(n−1)/(n−K); c is F(1, G−1).

    Parameters
    ----------
    y, x, z : array_like, shape (n,)
        Outcome, regressor, instrument, less controls and effects.
    cluster : array_like, shape (n,)
        Labels.
    parameters : int
        K: the instrument, and what was taken out before that the correction counts (not effects nested in clusters).

    Raises
    ------
    EffectsError
        When the instrument does not vary, or there are fewer than two clusters.
    """
    from scipy import stats

    both = np.column_stack([np.asarray(y, float), np.asarray(x, float)])
    z = np.asarray(z, float)
    code, count = np.unique(np.asarray(cluster), return_inverse=True)[1], len(np.unique(np.asarray(cluster)))
    inside = float(z @ z)
    if inside <= 0 or count < 2:
        raise EffectsError(said("robustness.instrument", inside=inside, count=count))
    p, q = z @ both / inside
    residuals = both - np.outer(z, [p, q])
    scores = np.column_stack([np.bincount(code, z * r, count) for r in residuals.T]) / inside
    n = len(z)
    factor = count / (count - 1) * (n - 1) / (n - parameters)
    v = factor * scores.T @ scores
    critical = float(stats.f.ppf(1 - size, 1, count - 1))
    form, low, high = _quadratic(
        q**2 - critical * v[1, 1], p * q - critical * v[0, 1], p**2 - critical * v[0, 0]
    )
    b = p / q
    error = np.sqrt(v[0, 0] - 2 * b * v[0, 1] + b * b * v[1, 1]) / abs(q)
    p_zero = float(stats.f.sf(p * p / v[0, 0], 1, count - 1))
    return AndersonRubin(float(b), float(error), form, low, high, p_zero, float(q * q / v[1, 1]), n, count)


def two_stage(
    rows: pd.DataFrame,
    outcome: str,
    regressor: str,
    instrument: pd.DataFrame,
    controls: Sequence[str],
    effects: Sequence[str],
    cluster: str,
    size: float = 0.05,
    drop_singletons: bool = True,
    unit: str = "firm_id",
) -> tuple[AndersonRubin, pd.DataFrame]:
    """Two-stage least squares with the sum of an instrument's parts, its robust interval, and its Rotemberg weights.

    Parameters
    ----------
    instrument : DataFrame, of the rows' index
        Parts that are summed; rows without a value are left out.
    drop_singletons : bool
        Leave out rows that are alone in a level of an effect.
    unit : str
        Column of the units that are counted.

    Returns
    -------
    AndersonRubin, DataFrame
        See `anderson_rubin` and `rotemberg`.
    """
    from estimators.engines.partial import partial_out

    names = {part: f"z_{part}" for part in instrument}
    wide = rows.assign(z_=instrument.sum(axis=1, skipna=False), **instrument.rename(columns=names))
    columns = [outcome, regressor, "z_", *names.values()]
    p = partial_out(wide, columns, controls, effects, cluster, drop_singletons)
    y, x = p.residuals[outcome], p.residuals[regressor]
    weights = rotemberg(y, x, p.residuals[list(names.values())].set_axis(list(names), axis=1))
    found = anderson_rubin(y, x, p.residuals["z_"], p.clusters, p.parameters + 1, size)
    return found._replace(units=rows.loc[p.residuals.index, unit].nunique()), weights


def _quadratic(a: float, half: float, c: float) -> tuple[Form, float, float]:
    """Where a b² − 2·half·b + c ≤ 0."""
    inside = half * half - a * c
    if a > 0:
        if inside < 0:
            return "empty", np.nan, np.nan
        root = np.sqrt(inside)
        return "interval", float((half - root) / a), float((half + root) / a)
    if inside <= 0:
        return "line", -np.inf, np.inf
    root = np.sqrt(inside)
    ends = sorted(((half - root) / a, (half + root) / a)) if a else (c / (2 * half),) * 2
    return "outside", float(ends[0]), float(ends[1])
