"""Hidden states of a series of years, by forward and backward recursions over many units at once.

A step from state i to state j leaves x = c − (j − i) of the change c to be explained by an ordinary year: Student's t with
three degrees of freedom around no change or around the change of employees (merger, spin-off), or a rare Laplace.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.stats import t as t_law

from fusion.editing.settings import Floats, Settings, States, sizes

_T3 = 2.0 / (np.pi * np.sqrt(3.0))  # the constant of Student's t with three degrees of freedom
_OTHER_SD = 0.12  # how exactly an "other" state hits its size (log10)
_CHUNK = 400_000  # numbers of one step held at once
_PASSES, _PSEUDO = 3, 0.1
# Changes that are too large for an ordinary year and too small, or too large, for a slip of ten.
_NEAR, _FAR, _LEAST_RARE = (0.45, 0.8), (1.2, 2.8), 0.0003


def student(x: Floats, scale: Floats | float) -> Floats:
    """Density of Student's t with three degrees of freedom, scaled."""
    return np.asarray(_T3 / scale / (1.0 + x * x / (3.0 * scale * scale)) ** 2)


def laplace(x: Floats, scale: float) -> Floats:
    """Density of Laplace's law."""
    return np.asarray(np.exp(-np.abs(x) / scale) / (2.0 * scale))


@dataclass(frozen=True)
class Level:
    """The law of a level: (1 − heavy)·t₃(·, sigma) + heavy·Laplace(·, spread)."""

    sigma: float
    heavy: float = 0.05
    spread: float = 0.8

    def density(self, x: Floats) -> Floats:
        """Density at x."""
        return (1.0 - self.heavy) * student(x, self.sigma) + self.heavy * laplace(x, self.spread)


@dataclass(frozen=True)
class Steps:
    """The law of a change.

    Attributes
    ----------
    rare : float
        ε: share of changes that follow Laplace's law.
    spread : float
        Its scale (log10).
    """

    rare: float
    spread: float


def rare(change: Floats, sigma: float, b: float, most: float) -> float:
    """ε, from the share of changes in ranges where neither a slip nor an ordinary year puts many.

    Parameters
    ----------
    change : ndarray
        Changes (log10); NaN is passed over.
    sigma, b : float
        Scales of the ordinary part and of Laplace's.
    most : float
        Upper bound of the answer; the lower one is .0003.
    """
    known = np.abs(change[~np.isnan(change)])
    ranges = [(low, high) for low, high in ((max(_NEAR[0], 4 * sigma), _NEAR[1]), _FAR) if low < high]
    inside = sum(((known > low) & (known < high)).mean() for low, high in ranges) if known.size else 0.0
    ordinary = sum(2 * (t_law.cdf(high / sigma, 3) - t_law.cdf(low / sigma, 3)) for low, high in ranges)
    heavy = sum(np.exp(-low / b) - np.exp(-high / b) for low, high in ranges)
    return float(np.clip((inside - ordinary) / heavy, _LEAST_RARE, most))


@dataclass(frozen=True)
class Series:
    """Series of one length.

    Attributes
    ----------
    change, sigma : ndarray, shape (N, T)
        Change since the row before and the scale of an ordinary one; the first column is not read. NaN: no evidence.
    beside : ndarray, shape (N, T), or None
        Change of employees; NaN where it is not known.
    level : ndarray, shape (N, T)
        Level against the peers; NaN: no evidence.
    favour : ndarray, shape (N, T, S), or None
        Factors by state from rules between items.
    """

    change: Floats
    sigma: Floats
    level: Floats
    beside: Floats | None = None
    favour: Floats | None = None

    def parts(self, states: int) -> Iterator[tuple[slice, Series]]:
        """The same in pieces whose steps fit into memory."""
        size = max(1, _CHUNK // states**2)
        for start in range(0, len(self.change), size):
            rows = slice(start, start + size)
            beside = None if self.beside is None else self.beside[rows]
            favour = None if self.favour is None else self.favour[rows]
            yield rows, Series(self.change[rows], self.sigma[rows], self.level[rows], beside, favour)


def posterior(
    series: Series, states: States, steps: Steps, level: Level, stays: float
) -> tuple[Floats, Floats]:
    """Probabilities of the states of each year, and how often each state was drawn.

    Parameters
    ----------
    series : Series
        N series of T years.
    stays : float
        ρ: with this probability a year keeps the state of the year before, else it draws one by ``states.share``.

    Returns
    -------
    probability : ndarray, shape (N, T, S)
        Given all years of the series. A level that lasts counts once: its density is raised to 1/T.
    drawn : ndarray, shape (S,)
        Expected draws, for :func:`fitted`.
    """
    count = len(states.values)
    out = np.empty((*series.change.shape, count))
    drawn = np.zeros(count)
    for rows, part in series.parts(count):
        out[rows], d = _posterior(part, states, steps, level, stays)
        drawn += d
    return out, drawn


def _posterior(
    series: Series, states: States, steps: Steps, level: Level, stays: float
) -> tuple[Floats, Floats]:
    n, years = series.change.shape
    evidence = _evidence(series, states, level)
    move = stays * np.eye(len(states.values)) + (1.0 - stays) * states.share
    forward = np.empty_like(evidence)
    forward[:, 0] = _normal(states.share * evidence[:, 0])
    seen = [_step(series, t, states, steps) * move for t in range(1, years)]
    for t in range(1, years):
        forward[:, t] = _normal(np.einsum("ni,nij->nj", forward[:, t - 1], seen[t - 1]) * evidence[:, t])
    back = np.ones((n, len(states.values)))
    probability = np.empty_like(evidence)
    probability[:, -1] = forward[:, -1]
    drawn = np.zeros(len(states.values))
    again = (1.0 - stays) * states.share / (stays + (1.0 - stays) * states.share)  # stayed, yet drawn
    for t in range(years - 1, 0, -1):
        ahead = evidence[:, t] * back
        joint = forward[:, t - 1, :, None] * seen[t - 1] * ahead[:, None, :]
        joint /= joint.sum((1, 2), keepdims=True)
        stayed = np.einsum("njj->j", joint)
        drawn += joint.sum((0, 1)) - stayed * (1.0 - again)
        back = _normal(np.einsum("nij,nj->ni", seen[t - 1], ahead))
        probability[:, t - 1] = _normal(forward[:, t - 1] * back)
    return probability, drawn + probability[:, 0].sum(0)


def _evidence(series: Series, states: States, level: Level) -> Floats:
    """What each year's level says of each state."""
    years = series.change.shape[1]
    away = series.level[:, :, None] - states.values
    said = np.where(np.isnan(away), 1.0, level.density(np.nan_to_num(away)) ** (1.0 / years))
    return said if series.favour is None else said * series.favour


def _step(series: Series, t: int, states: States, steps: Steps) -> Floats:
    """Densities of the change into year t, shape (N, S, S)."""
    change, sigma = series.change[:, t], series.sigma[:, t]
    known = ~np.isnan(change)
    x = np.nan_to_num(change)[:, None, None] - (states.values[None, :] - states.values[:, None])
    loose = states.other[None, :] | states.other[:, None]
    scale = np.sqrt(sigma[:, None, None] ** 2 + np.where(loose, _OTHER_SD**2, 0.0))
    ordinary = student(x, scale)
    if series.beside is not None:
        beside = series.beside[:, t]
        with_staff = student(x - np.nan_to_num(beside)[:, None, None], scale)
        both = 0.5 * ordinary + 0.5 * with_staff
        ordinary = np.where(np.isnan(beside)[:, None, None], ordinary, both)
    density = (1.0 - steps.rare) * ordinary + steps.rare * laplace(x, steps.spread)
    return np.where(known[:, None, None], density, 1.0)


def _normal(weights: Floats) -> Floats:
    return np.asarray(weights / weights.sum(-1, keepdims=True))


def fitted(
    groups: Sequence[tuple[Series, Steps, Level]], states: States, settings: Settings, calm: float
) -> States:
    """Shares of the states, by three passes of expectation and maximisation.

    Parameters
    ----------
    groups : sequence of (Series, Steps, Level)
        Series in which something is odd, with their laws.
    calm : float
        Draws of "right" in all other series, in which nothing is.
    """
    for _ in range(_PASSES):
        drawn = np.full(len(states.values), _PSEUDO)
        drawn[0] += calm
        for series, steps, level in groups:
            drawn += posterior(series, states, steps, level, settings.stays)[1]
        states = _next(states, drawn)
    return states


def _next(states: States, drawn: Floats) -> States:
    """Shares from expected draws; those of "other" by an exponential law of their size."""
    share = drawn / drawn.sum()
    if states.other.any():
        rare = states.values[states.other]
        weight = drawn[states.other]
        mean = float((np.abs(rare) * weight).sum() / weight.sum())
        share[states.other] = share[states.other].sum() * sizes(rare, float(np.clip(mean - 0.3, 0.15, 0.8)))
    return replace(states, share=share)


def by_length(units: NDArray[np.intp], keep: NDArray[np.bool_]) -> Iterator[NDArray[np.intp]]:
    """Rows of the units to be looked at, those of one length together.

    Parameters
    ----------
    units : ndarray, shape (R,)
        Number of each row's unit; rows of a unit stand together.
    keep : ndarray of bool, shape (R,)
        Rows in which something is odd: all rows of their units are looked at.

    Yields
    ------
    ndarray, shape (N, T)
        Positions of rows.
    """
    starts = np.flatnonzero(np.r_[True, units[1:] != units[:-1]]) if len(units) else np.empty(0, np.intp)
    lengths = np.diff(np.r_[starts, len(units)])
    odd = np.logical_or.reduceat(keep, starts) if len(starts) else np.empty(0, bool)
    for length in np.unique(lengths[odd]):
        first = starts[odd & (lengths == length)]
        yield first[:, None] + np.arange(length)
