"""Whole forms in a wrong unit: all money of a year moves, employees do not."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fusion.editing import chains
from fusion.editing.blocks import Block, Returns, median, spread
from fusion.editing.settings import SLIPS, Floats, Settings, States, moments

_MOST_RARE = 0.1
_EVERY_YEAR = 1.5
_ODD_CHANGE, _ODD_LEVEL = 0.5, 0.7


@dataclass(frozen=True)
class Forms:
    """What is said of whole forms.

    Attributes
    ----------
    p, change : ndarray, shape (R,)
        Level against the peers and change since the row before (log10).
    slip : ndarray, shape (R,)
        Probability that the form holds a slip of unit.
    factor : ndarray of int, shape (R,)
        Its likeliest power of ten, 0 where it is not odd.
    shrink, shrink2 : ndarray, shape (R,)
        Σ P(k)·10^−k and Σ P(k)·10^−2k over all states.
    every_year : ndarray of bool, shape (R,)
        The doubt is about all years of the unit.
    sigma, sigma_level, rare : float
        σ, σp and ε.
    states : States
        With the shares that the data gave.
    """

    p: Floats
    change: Floats
    slip: Floats
    factor: Floats
    shrink: Floats
    shrink2: Floats
    every_year: Floats
    sigma: float
    sigma_level: float
    rare: float
    states: States


def judge(returns: Returns, settings: Settings) -> Forms:
    """Probabilities of slips for every row.

    Parameters
    ----------
    returns : Returns
        The panel; rows of the result are in the order of its blocks.

    Returns
    -------
    Forms
    """
    seen = [np.vstack(_quantities(block, settings)) for block in returns.blocks()]
    number, gap, p, change, beside = np.concatenate([*seen, np.empty((5, 0))], axis=1)
    sigma = max(settings.least_sigma, spread(change))
    sigma_level = max(spread(p), settings.least_sigma)
    steps = chains.Steps(chains.rare(change, sigma, settings.spread, _MOST_RARE), settings.spread)
    level = chains.Level(sigma_level)
    odd = (np.abs(np.nan_to_num(change)) > _ODD_CHANGE) | (
        np.abs(np.nan_to_num(p)) > max(_ODD_LEVEL, 2.5 * sigma_level)
    )
    where = list(chains.by_length(number.astype(np.intp), odd))
    groups = [chains.Series(change[i], sigma * np.sqrt(gap[i]), p[i], beside[i]) for i in where]
    calm = (len(number) - sum(i.size for i in where)) * (1.0 - settings.stays)
    states = States.start(settings.start, settings.start)
    states = chains.fitted([(series, steps, level) for series in groups], states, settings, calm)
    out = _empty(len(number))
    for i, series in zip(where, groups, strict=True):
        probability, _ = chains.posterior(series, states, steps, level, settings.stays)
        _note(out, i, probability, states)
    _every_year(out, number, p, sigma_level, settings)
    return Forms(p, change, **out, sigma=sigma, sigma_level=sigma_level, rare=steps.rare, states=states)


def _quantities(block: Block, settings: Settings) -> tuple[Floats, ...]:
    """Unit, gap to the row before, level against peers, change of money, change of employees."""
    change = median(block.change(block.log), settings.items)
    gap = np.maximum(np.nan_to_num(block.change(block.year.astype(float)), nan=1.0), 1.0)
    number = block.number.astype(float)
    return number, gap, median(block.per_head, settings.items), change, block.change(block.staff)


def _empty(rows: int) -> dict[str, Floats]:
    out = {name: np.zeros(rows) for name in ("slip", "factor", "every_year")}
    return out | {"shrink": np.ones(rows), "shrink2": np.ones(rows)}


def _note(out: dict[str, Floats], i: NDArray[np.intp], probability: Floats, states: States) -> None:
    """Write what the states of the rows i say."""
    out["slip"][i] = probability[..., states.slips].sum(-1)
    slips = states.values[states.slips]
    likeliest = slips[probability[..., states.slips].argmax(-1)]
    out["factor"][i] = np.where(out["slip"][i] > 0, likeliest, 0)
    out["shrink"][i], out["shrink2"][i] = moments(probability, states)


def _every_year(out: dict[str, Floats], number: Floats, p: Floats, sigma: float, settings: Settings) -> None:
    """Units of whom no year is doubted, but whose level is far from the peers' in all."""
    starts = np.flatnonzero(np.r_[True, number[1:] != number[:-1]]) if len(number) else np.empty(0, int)
    lengths = np.diff(np.r_[starts, len(number)])
    doubted = np.maximum.reduceat(out["slip"], starts) > settings.listed if len(starts) else np.empty(0, bool)
    values = np.r_[0.0, SLIPS]
    prior = np.r_[1.0 - settings.always, np.full(len(SLIPS), settings.always / len(SLIPS))]
    level = chains.Level(sigma, heavy=0.03)
    for first, length in zip(starts[~doubted].tolist(), lengths[~doubted].tolist(), strict=True):
        rows = slice(first, first + length)
        middle = float(np.nanmedian(p[rows])) if np.isfinite(p[rows]).any() else 0.0
        if length < 2 or abs(middle) <= _EVERY_YEAR:
            continue
        probability = prior * level.density(middle - values)
        probability /= probability.sum()
        out["slip"][rows] = 1.0 - probability[0]
        out["factor"][rows] = values[1:][probability[1:].argmax()]
        out["shrink"][rows], out["shrink2"][rows] = (
            probability @ 10.0**-values,
            probability @ 10.0 ** (-2 * values),
        )
        out["every_year"][rows] = 1.0
