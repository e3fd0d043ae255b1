"""What is said of one pilot unit: its place, its peers, before and after, what holds it back, how good the data are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from fusion.evaluation.errors import EvaluationError
from fusion.language import said

# Grades of a unit's data: years before and after the start, and share of chain scores that are there.
GRADES = {"A": (3, 3, 0.9), "B": (2, 2, 0.6)}


@dataclass(frozen=True)
class Gap:
    """Change of a unit's outcome less that of its matched peers, and how unusual it is among them.

    ``gap`` = (mean after − mean before) of the unit, less the mean of the same for its peers. ``low`` and ``high`` are
    the band of the gaps that each peer has against the other peers (placebo), from one of them to another (see
    `outside_by_chance`); ``p_value`` is the share of placebo gaps,
    the unit's own among them, that are at least as large in absolute value. NaN where there are too few years or peers.
    """

    gap: float
    low: float
    high: float
    p_value: float
    peers: int


def grade(years_before: int, years_after: int, complete: float, term: int | None = None) -> str:
    """Grade of a unit's data.

    Parameters
    ----------
    years_before, years_after : int
        Years observed before the start, and from it on.
    complete : float
        Share of its chain scores that are not missing.
    term : int, optional
        Years that the pilot has run, up to the evaluation or its end: no more can be asked for after the start.

    Returns
    -------
    str
        A (at least 3 years before, 3 after or the whole term where that is shorter, 90 % of the scores), B (2 years, 60 %),
        else C. The project's own limits.
    """
    for name, (before, after, share) in GRADES.items():
        enough = max(1, min(after, term)) if term is not None else after
        if years_before >= before and years_after >= enough and complete >= share:
            return name
    return "C"


def nearest(own: np.ndarray, pool: pd.DataFrame, count: int) -> list[str]:
    """Names of the rows of ``pool`` (units × traits, none missing) that are nearest to a unit's own traits."""
    if pool.empty or np.isnan(own).any():
        return []
    values = pool.to_numpy(float)
    spread = np.atleast_2d(np.cov(values, rowvar=False)) if len(pool) > 2 else np.eye(values.shape[1])
    apart = values - own
    distance = np.einsum("ij,jk,ik->i", apart, np.linalg.pinv(spread), apart)
    # Ties fall by name, so that the same data give the same peers.
    order = np.lexsort((pool.index.to_numpy(str), distance))
    return [str(name) for name in pool.index[order[:count]]]


def gap(
    outcome: pd.DataFrame,
    unit: str,
    others: Sequence[str],
    start: int,
    last: int | None = None,
    level: float = 0.9,
) -> Gap:
    """Matched gap with its placebo band, over the years in which the unit itself was observed.

    Parameters
    ----------
    outcome : pandas.DataFrame
        Index: unit; columns: years; the outcome, NaN where not observed.
    unit : str
        The unit.
    others : sequence of str
        Its matched peers.
    start : int
        First year of the pilot.
    last : int, optional
        Last year that counts as after the start; all by default.
    level : float
        Share of placebo gaps inside the band; less where there are too few peers for it: the band then goes from the
        smallest to the largest of them.
    """
    none = Gap(np.nan, np.nan, np.nan, np.nan, 0)
    if unit not in outcome.index:
        return none
    places = outcome.index.get_indexer([unit, *others])
    seen = outcome.to_numpy(float)[places[places >= 0]]
    there = ~np.isnan(seen[0])
    years, seen = np.asarray(outcome.columns, dtype=int)[there], seen[:, there]
    before = _means(seen[:, years < start])
    after = _means(seen[:, (years >= start) & (years <= (last or years.max(initial=start)))])
    change = after - before
    own, rest = change[0], change[1:][~np.isnan(change[1:])]
    if np.isnan(own) or len(rest) < 3:
        return none
    placebo = (rest - (rest.sum() - rest) / (len(rest) - 1)) if len(rest) > 1 else rest
    found = own - rest.mean()
    rank = _rank(len(placebo), level)
    low, high = np.sort(placebo)[[rank - 1, -rank]]
    extreme = 1 + int((np.abs(placebo) >= abs(found)).sum())
    return Gap(float(found), float(low), float(high), extreme / (len(placebo) + 1), len(rest))


def _rank(peers: int, level: float) -> int:
    """Which of the sorted placebo gaps bounds the band."""
    return max(int((1 - level) / 2 * (peers + 1) + 1e-9), 1)


def outside_by_chance(peers: int, level: float = 0.9) -> float:
    """How often a unit that is like its peers lies outside the band.

    It is one of K + 1, and so below the k-th of K placebo gaps with chance k/(K + 1), whatever their distribution.
    """
    return 2 * _rank(peers, level) / (peers + 1)


def unusual_by_chance(peers: int, at_most: float) -> float:
    """How often such a unit has a p-value of at most so much: p is a multiple of 1/(K + 1)."""
    return int(at_most * (peers + 1) + 1e-9) / (peers + 1)


def rank_interval(
    scores: pd.DataFrame,
    weights: npt.ArrayLike,
    *,
    draws: int,
    concentration: float,
    seed: int,
    level: float = 0.9,
) -> pd.DataFrame:
    """Interval of each unit's rank when the chains' weights are not known exactly.

    Weights are drawn from a Dirichlet distribution with mean ``weights`` and the given concentration; a missing chain
    is left out and the others' weights are scaled up, as in the index.

    Parameters
    ----------
    scores : pandas.DataFrame
        Units × chains.
    weights : array_like
        The chains' weights, summing to one.
    draws : int
        Number of draws.
    concentration : float
        Sum of the Dirichlet parameters: the larger, the closer the draws stay to ``weights``.
    seed : int
        Seed.
    level : float
        Share of draws inside the interval.

    Returns
    -------
    pandas.DataFrame
        Index as ``scores``: ``rank`` (1 = highest, at the given weights), ``low``, ``high``.
    """
    mean = np.asarray(weights, dtype=float)
    if not np.isclose(mean.sum(), 1) or (mean <= 0).any():
        raise EvaluationError(said("evaluation.weights", weights=mean.tolist()))
    values = scores.to_numpy(float)
    known = ~np.isnan(values)
    filled = np.where(known, values, 0.0)
    drawn = np.vstack([mean, np.random.default_rng(seed).dirichlet(mean * concentration, draws)])
    with np.errstate(invalid="ignore", divide="ignore"):
        index = (filled @ drawn.T) / (known @ drawn.T)
    index[~known.any(axis=1)] = np.nan
    ranks = pd.DataFrame(-index).rank(method="min").to_numpy()
    tail = (1 - level) / 2
    low, high = np.quantile(ranks[:, 1:], [tail, 1 - tail], axis=1)
    return pd.DataFrame({"rank": ranks[:, 0], "low": low, "high": high}, index=scores.index)


def obstacles(scores: pd.DataFrame, weights: npt.ArrayLike) -> pd.DataFrame:
    """Obstacle degree of each chain: share of the distance to a full score that it is to blame for.

    O_j = w_j (1 − z_j) / Σ_k w_k (1 − z_k), with z the chain's score over 100.

    Returns
    -------
    pandas.DataFrame
        As ``scores``, rows summing to one; NaN where a chain has no score.
    """
    short = np.asarray(weights, dtype=float) * (1 - scores / 100)
    return short.div(short.sum(axis=1, min_count=1), axis=0)


# -- inside ------------------------------------------------------------------------------------


def _means(values: np.ndarray) -> np.ndarray:
    """Row means over what is there; NaN for a row with nothing."""
    count = (~np.isnan(values)).sum(axis=1)
    return np.where(count > 0, np.nansum(values, axis=1) / np.maximum(count, 1), np.nan)
