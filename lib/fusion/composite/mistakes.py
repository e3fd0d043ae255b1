"""Errors in circulation around entropy weights and coupling coordination, computed to show what they do.

Named by what is wrong; each is a function of the same data as the right one. Discussed by 王淑佳 et al. (2021,
自然资源学报 36(3):793), who sort them into slips of writing, lost coefficients, misused weights and models that do
not hold.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from fusion.composite import coupling
from fusion.composite.aggregate import weighted_mean
from fusion.composite.uncertainty import shifts

Floats = NDArray[np.float64]


def coordination(u: ArrayLike) -> dict[str, Floats]:
    """D as it should be, and with each error.

    Parameters
    ----------
    u : array_like, shape (m, n)
        Levels of n systems in [0, 1].

    Returns
    -------
    dict of str to ndarray, shape (m,)
        ``right``: standard D. ``lost_coefficient``: C without its factor n, so that C ≤ 1/n. ``rescaled``: each
        system rescaled to [0.01, 0.99] over the units shown, so that D depends on who is shown. ``weights_in_c``:
        geometric mean with weights 0.6 and 0.4 (first system, others) inside C, which is then no longer 1 at equality
        of levels times weights. ``no_root``: C·T without the square root.
    """
    levels = np.asarray(u, dtype=float)
    n = levels.shape[1]
    c, t = coupling.coupling(levels), coupling.level(levels)
    # Few units may have no level at all.
    low, high = np.nanmin(levels, axis=0, initial=np.inf), np.nanmax(levels, axis=0, initial=-np.inf)
    spread = np.where(high > low, high - low, 1.0)
    rescaled = 0.01 + 0.98 * (levels - low) / spread
    share = np.r_[0.6, np.full(n - 1, 0.4 / (n - 1))]
    weighted = levels * share * n
    inner = coupling.coupling(np.clip(weighted, 0, 1))
    return {
        "right": np.sqrt(c * t),
        "lost_coefficient": np.sqrt(c / n * t),
        "rescaled": coupling.coordination(rescaled),
        "weights_in_c": np.sqrt(inner * t),
        "no_root": c * t,
    }


def entropy_weights(z: ArrayLike, years: int) -> dict[str, Floats]:
    """Entropy weights as they should be, and with each error.

    Parameters
    ----------
    z : array_like, shape (n, k)
        Scores in [0, 1] of all units and years, missing values left out.
    years : int
        Number of years T.

    Returns
    -------
    dict of str to ndarray, shape (k,)
        ``right``: divided by ln(NT), 0·ln 0 = 0. ``ln_T``: divided by ln T. ``shift_1``: one added to all scores,
        ``shift_small``: 0.0001 added.
    """
    x = np.asarray(z, dtype=float)

    def weights(scores: Floats, size: float | None) -> Floats:
        p = scores / np.nansum(scores, axis=0)
        e = -np.nansum(np.where(p > 0, p * np.log(np.where(p > 0, p, 1)), 0), axis=0)
        e = e / np.log((~np.isnan(scores)).sum(axis=0) if size is None else size)
        return np.asarray((1 - e) / np.sum(1 - e), dtype=float)

    return {
        "right": weights(x, None),
        "ln_T": weights(x, float(years)),
        "shift_1": weights(x + 1, None),
        "shift_small": weights(x + 1e-4, None),
    }


def compare(scores: dict[str, Floats], grades: bool = True) -> pd.DataFrame:
    """What each error does to ranks and grades.

    Returns
    -------
    pandas.DataFrame
        error (those that gave any score), mean (score), spearman, mean_shift, max_shift (ranks), regraded (share
        whose ten-step grade changes; missing without ``grades``).
    """
    right = scores["right"]
    rows = []
    for name, other in scores.items():
        if np.isnan(other).all():
            continue
        moved = shifts(right, other)
        both = ~(np.isnan(right) | np.isnan(other))
        changed = np.mean(coupling.grade(right[both]) != coupling.grade(other[both])) if grades else np.nan
        kept = {key: moved[key] for key in ("spearman", "mean_shift", "max_shift")}
        rows.append({"error": name, "mean": float(np.nanmean(other)), **kept, "regraded": float(changed)})
    return pd.DataFrame(rows, columns=["error", "mean", "spearman", "mean_shift", "max_shift", "regraded"])


def indexes(
    z: pd.DataFrame, chains: Mapping[str, str], years: int, min_share: float = 0.6
) -> dict[str, Floats]:
    """The two-level index with entropy weights as they should be, and with each error of `entropy_weights`.

    Parameters
    ----------
    z : pandas.DataFrame, shape (n, k)
        Scores in [0, 1] of all units and years.
    chains : mapping
        Chain of each column; weights are made within chains, chains weigh the same.
    years : int
        Number of years T.
    min_share : float
        As in `index.build`.

    Returns
    -------
    dict of str to ndarray, shape (n,)
        Keys as `entropy_weights`; 0–100. All missing where an error makes a weight negative.
    """
    groups: dict[str, list[str]] = {}
    for code in map(str, z):
        groups.setdefault(chains[code], []).append(code)
    means: dict[str, list[Floats]] = {}
    for codes in groups.values():
        for error, w in entropy_weights(z[codes].to_numpy(float), years).items():
            usable = np.full(len(z), np.nan) if (w < 0).any() else weighted_mean(z[codes], w, min_share)
            means.setdefault(error, []).append(usable)
    equal = np.full(len(groups), 1 / len(groups))
    return {e: 100 * weighted_mean(np.column_stack(parts), equal, min_share) for e, parts in means.items()}
