"""The imputation estimator a second time, as the paper writes it: to be compared with, not to be used.

Borusyak, Jaravel & Spiess (2024), Review of Economic Studies 91: untreated outcomes are imputed, an average is a weighted sum of
all outcomes, and errors take those weights. Every effect has a column of its own in one sparse design, solved by iteration
(LSMR); nothing is shared with the sums of `model`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse.linalg import lsmr

Array = NDArray[np.float64]
EXACT = {"atol": 1e-14, "btol": 1e-14, "conlim": 0, "maxiter": 20_000}


def effect(
    data: pd.DataFrame,
    *,
    outcome: str,
    unit: str,
    time: str,
    start: str,
    weights: pd.DataFrame,
    cells: Sequence[str] = (),
    slopes: Sequence[str] = (),
    cluster: str | None = None,
    anticipation: int = 0,
    centre: str = "leave_one_out",
) -> tuple[float, float]:
    """A weighted average of effects, and its standard error.

    Parameters
    ----------
    data, outcome, unit, time, start, cells, slopes, cluster, anticipation
        As in `model.fit`, without missing values but in `start`.
    weights : DataFrame
        start, event_time, weight of each cohort and event time in the average, spread evenly over its rows; treated rows without
        one are left out.
    centre : {"leave_one_out", "event_time", "overall"}
        What a treated row's effect is compared with in the error.

    Returns
    -------
    estimate, std_error : float
    """
    own = data.reset_index(drop=True)
    begins = own[start].fillna(0).to_numpy(float)
    event = own[time].to_numpy(float) - begins
    off = (begins == 0) | (event < -anticipation)
    keyed = pd.DataFrame({"start": begins, "event_time": event}).merge(
        weights.astype({"start": float, "event_time": float}), how="left", on=["start", "event_time"]
    )
    on = (begins > 0) & (event >= 0) & keyed["weight"].notna().to_numpy()
    rows = keyed[on].groupby(["start", "event_time"])["weight"].transform("size")
    q = (keyed.loc[on, "weight"] / rows).to_numpy(float)
    design = _design(own, unit, time, cells, slopes)
    base, treated = design[off], design[on]
    y = own[outcome].to_numpy(float)
    coefficients = lsmr(base, y[off], **EXACT)[0]
    residual = y[off] - base @ coefficients
    tau = y[on] - treated @ coefficients
    # v with Z0'v = −Z1'q and least size: what untreated rows count in the average.
    v = lsmr(base.T, -(treated.T @ q), **EXACT)[0]
    by = own[cluster or unit].to_numpy()
    compared = _compared(tau, q, keyed[on], by[on], centre)
    parts = np.concatenate([q * (tau - compared), v * residual])
    psi = pd.Series(parts).groupby(np.concatenate([by[on], by[off]])).sum()
    return float(q @ tau), float(np.sqrt((psi**2).sum()))


def _design(
    own: pd.DataFrame, unit: str, time: str, cells: Sequence[str], slopes: Sequence[str]
) -> sparse.csr_array:
    """A column for each unit and each level, and the regressors, of unit length."""
    keys: list[Any] = [own[unit]]
    keys += [own.groupby([cell, time], sort=False).ngroup() for cell in cells] or [own[time]]
    n = len(own)
    parts = []
    for key in keys:
        code, levels = pd.factorize(key)
        parts.append(sparse.csr_array((np.ones(n), (np.arange(n), code)), (n, len(levels))))
    x = own[list(slopes)].to_numpy(float)
    x = x - x.mean(axis=0)
    size = np.sqrt((x**2).sum(axis=0))
    parts.append(sparse.csr_array(x / np.where(size > 0, size, 1)))
    return sparse.csr_array(sparse.hstack(parts))


def _compared(tau: Array, q: Array, keyed: pd.DataFrame, by: NDArray[Any], centre: str) -> Array:
    """What each treated row's effect is compared with: means of other clusters, of the event time, or of all."""
    frame = pd.DataFrame({"tau": tau, "q": q, "by": by, "all": 0})
    frame["event_time"] = keyed["event_time"].to_numpy()
    frame["atom"] = keyed.groupby(["start", "event_time"]).ngroup().to_numpy()
    if centre != "leave_one_out":
        return (
            frame.groupby("all" if centre == "overall" else "event_time")["tau"].transform("mean").to_numpy()
        )
    found = np.full(len(frame), np.nan)
    for level in ("atom", "event_time", "all"):
        whole, own = frame.groupby(level)["tau"], frame.groupby([level, "by"])["tau"]
        others = whole.transform("size") - own.transform("size")
        mean = (whole.transform("sum") - own.transform("sum")) / others.where(others > 0)
        found = np.where(np.isnan(found), mean, found)
    return found
