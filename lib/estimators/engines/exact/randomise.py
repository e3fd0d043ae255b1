"""Randomisation inference: who is treated is drawn again, as many per cohort as there were, and along the same path."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from estimators.engines.exact import slopes
from estimators.engines.exact.formula import design, effect
from estimators.engines.exact.project import Projection, compact, complete, load, not_single, number
from estimators.errors import EffectsError
from estimators.language import listed, said

Array = NDArray[np.float64]


class Randomisation(NamedTuple):
    """A randomisation test; p = (1 + draws at least as extreme)/(1 + draws), two-sided."""

    term: str
    statistic: str
    estimate: float
    t: float
    p_value: float
    draws: int
    n: int
    values: Array  # the statistic in each draw

    def table(self) -> pd.DataFrame:
        """One row a draw: t (the statistic), with real and size (the data's own, and its absolute value) and p_value."""
        real = {"real": self.t, "size": abs(self.t), "p_value": self.p_value}
        return pd.DataFrame({"t": self.values}).assign(**real)


def permuted_treatments(
    rows: pd.DataFrame,
    unit: str,
    time: str,
    start: str,
    draws: int,
    strata: Sequence[str] = (),
    end: str | None = None,
    seed: int = 0,
) -> Array:
    """Treatments if the units' start (and end) dates had gone to other units of the same stratum.

    Cohort sizes are kept within each stratum (a path, a district), for all units or for pilots' units if `unit` is
    the level at which pilots are chosen.

    Parameters
    ----------
    rows : DataFrame
        Long panel; `start` (missing for the never treated), `end` and `strata` are constant within units.
    draws : int
    end : str, optional
        Column of the last treated period; without it, treatment stays.

    Returns
    -------
    ndarray of float, shape (rows, draws)
        1 where start ≤ time (≤ end).

    Raises
    ------
    EffectsError
        When a column is missing or varies within a unit.
    """
    dates = [start, *([end] if end else [])]
    wanted = [unit, time, *dates, *strata]
    missing = [name for name in wanted if name not in rows]
    if missing:
        raise EffectsError(
            said("engines.no_rows_column", missing=listed(missing), known=listed(rows.columns))
        )
    code, labels = pd.factorize(rows[unit])
    units = rows.drop_duplicates(unit)[[unit, *dates, *strata]].reset_index(drop=True)
    for name in (*dates, *strata):
        if len(rows[[unit, name]].drop_duplicates()) > len(units):
            raise EffectsError(said("engines.varies", name=name, unit=unit))
    stratum = (
        units.groupby(list(strata), dropna=False).ngroup() if strata else pd.Series(0, index=units.index)
    )
    orders = _permutations(stratum.to_numpy(), draws, np.random.default_rng(seed))
    when = rows[time].to_numpy(float)[:, None]
    first = units[start].to_numpy(float)[orders][code]
    treated = when >= first
    if end:
        last = units[end].to_numpy(float)[orders][code]
        treated &= np.isnan(last) | (when <= last)
    assert len(labels) == len(units)
    return treated.astype(float)


def _permutations(stratum: NDArray[np.int64], draws: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Donor of each unit in each draw, within strata, shape (units, draws)."""
    orders = np.empty((len(stratum), draws), np.int64)
    for value in np.unique(stratum):
        members = np.flatnonzero(stratum == value)
        keys = rng.random((len(members), draws))
        orders[members] = members[np.argsort(keys, axis=0)]
    return orders


def randomisation_test(
    data: Any,
    outcome: str,
    treatment: str,
    controls: Sequence[str],
    effects: Sequence[str],
    cluster: str,
    treatments: Array,
    statistic: Literal["t", "estimate"] = "t",
    fixef_rm: Literal["singleton", "none"] = "singleton",
) -> Randomisation:
    """Compare a treatment's estimate with those of permuted treatments, all by one projection off the effects.

    Parameters
    ----------
    data : as for `within.feols`
        Held in memory, in the order of `treatments`.
    treatments : ndarray, shape (n, draws)
        From `permuted_treatments`.
    statistic : {"t", "estimate"}
        The clustered t statistic, which is robust to effects that differ between units, or the estimate itself.

    Raises
    ------
    EffectsError
        When shapes differ or the treatment is absorbed.
    """
    made = design(outcome, [treatment, *controls], effects)
    keys = [part for name in (*effects, cluster) for part in effect(name).parts]
    frame = load(data, made.columns, keys)
    drawn = np.asarray(treatments, float)
    if len(drawn) != len(frame):
        raise EffectsError(said("engines.rows_differ", drawn=len(drawn), rows=len(frame)))
    kept = complete(frame, frame.columns)
    codes = [number(frame[kept], effect(name)) for name in (*effects, cluster)]
    if fixef_rm == "singleton":
        alive = not_single(codes[:-1])
        kept[kept] = alive
        codes = [compact(c[alive]) for c in codes]
    projection = Projection(codes[:-1])
    z = projection.residuals(frame.loc[kept, list(made.columns)].to_numpy(float))
    estimate, t = (v[0] for v in _statistics(projection, z, z[:, 1:2].copy(), codes[-1], projected=True))
    if not np.isfinite(estimate):
        raise EffectsError(said("engines.treatment_absorbed", formula=made.formula, treatment=treatment))
    estimates, ts = _statistics(projection, z, drawn[kept], codes[-1])
    own, values = (t, ts) if statistic == "t" else (estimate, estimates)
    extreme = np.abs(values) >= abs(own) * (1 - 1e-10)
    p_value = float((1 + extreme.sum()) / (1 + len(values)))
    return Randomisation(
        treatment, statistic, float(estimate), float(t), p_value, len(values), int(kept.sum()), values
    )


def _statistics(
    projection: Projection,
    z: Array,
    draws: Array,
    cluster: NDArray[np.int64],
    projected: bool = False,
    step: int = 64,
) -> tuple[Array, Array]:
    """Estimates and clustered t statistics (no small-sample correction) of each column put in the treatment's place."""
    count = int(cluster.max()) + 1
    x = z[:, 2:]
    inner = np.linalg.pinv(x.T @ x, rcond=slopes.COLLINEAR, hermitian=True) @ x.T
    y = z[:, 0] - x @ (inner @ z[:, 0])
    estimates, ts = np.full(draws.shape[1], np.nan), np.full(draws.shape[1], np.nan)
    for start in range(0, draws.shape[1], step):
        block = draws[:, start : start + step]
        block = block if projected else projection.residuals(block)
        size = np.einsum("ij,ij->j", block, block)
        block = block - x @ (inner @ block)
        left = np.einsum("ij,ij->j", block, block)
        top = y @ block
        for j in np.flatnonzero(left > slopes.ABSORBED * np.maximum(size, 1e-300)):
            b = top[j] / left[j]
            scores = np.bincount(cluster, block[:, j] * (y - b * block[:, j]), count)
            estimates[start + j] = b
            ts[start + j] = b * left[j] / np.sqrt(np.einsum("i,i", scores, scores))
    return estimates, ts
