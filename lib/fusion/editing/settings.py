"""What a slip of unit may be, and the constants of its model."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

# Powers of ten by which units are mistaken: yuan, thousands, ten thousands, millions of yuan for one another.
SLIPS = (1, -1, 3, -3, 4, -4, 6, -6)
# Sizes (log10) of what is no slip of unit and yet no ordinary year: a real one-off, or another mistake. Without them
# a year of three times the sales is taken for a slip.
OTHER = (0.35, 0.6, 0.85, 1.15, 1.6, 2.3)
_UNLIKELY = 1e-3
_OTHERS = np.sort(np.r_[-np.array(OTHER), np.array(OTHER)])


@dataclass(frozen=True)
class Settings:
    """Constants of the model of slips. All are judgements, but for those that ``estimated`` overrides.

    Attributes
    ----------
    start : float
        Probability that a form holds a slip, before the data are seen; estimated from there.
    start_cell : float
        The same for a single item.
    stays : float
        ρ: probability that a slip of one year is made again in the next.
    always : float
        π_a: probability that all years of a unit hold one slip.
    spread, spread_cell : float
        b: scale (log10) of the Laplace part of year-to-year changes.
    least_sigma : float
        Floor of σ, the scale of ordinary changes (log10).
    misses : float
        G: how many needless calls one missed slip is worth. Doubts are listed from P = 1 / (1 + G) on.
    named : float
        P from which year, item and factor are named and a total is also shown as put right.
    items : int
        Items that a form needs in two years before the whole form can be judged.
    """

    start: float = 0.01
    start_cell: float = 0.001
    stays: float = 0.3
    always: float = 0.003
    spread: float = 0.35
    spread_cell: float = 0.45
    least_sigma: float = 0.05
    misses: float = 9.0
    named: float = 0.5
    items: int = 3

    @property
    def listed(self) -> float:
        """P from which a doubt is listed."""
        return 1.0 / (1.0 + self.misses)


@dataclass(frozen=True)
class States:
    """Hidden states of a year: right, a slip of 10^k, or something else of that size.

    Attributes
    ----------
    values : ndarray, shape (S,)
        log10 of what the state multiplies by; the first is 0.
    other : ndarray of bool, shape (S,)
        Which are no slips.
    share : ndarray, shape (S,)
        π: how often a year draws each state. Sums to one.
    """

    values: Floats
    other: NDArray[np.bool_]
    share: Floats

    @classmethod
    def start(cls, slips: float, others: float = 0.0, size: float = 0.4) -> States:
        """States before any data are seen.

        Parameters
        ----------
        slips, others : float
            Probability of any slip, and of anything else; without the latter the states are 0 and the slips.
        size : float
            Mean of the exponential law of the others' sizes (log10).
        """
        rare = _OTHERS if others else _OTHERS[:0]
        values = np.r_[0.0, SLIPS, rare]
        each = np.full(len(SLIPS), slips / len(SLIPS))
        share = np.r_[1.0 - slips - others, each, others * sizes(rare, size)]
        return cls(values, np.r_[np.zeros(1 + len(SLIPS), bool), np.ones(len(rare), bool)], share)

    @property
    def slips(self) -> NDArray[np.bool_]:
        """Which states are slips of unit."""
        return (self.values != 0) & ~self.other


def moments(probability: Floats, states: States) -> tuple[Floats, Floats]:
    """Σ P(k)·10^−k and Σ P(k)·10^−2k over the states.

    A state of less than one in a thousand is left out: times a million million it would make any interval.
    """
    likely = np.where(probability < _UNLIKELY, 0.0, probability)
    likely /= likely.sum(-1, keepdims=True)
    return likely @ 10.0**-states.values, likely @ 10.0 ** (-2 * states.values)


def sizes(values: Floats, size: float) -> Floats:
    """Shares of the "other" states: spacing times an exponential law of their size."""
    if not len(values):
        return values
    magnitude = np.abs(values)
    grid = np.unique(magnitude)
    weight = np.gradient(grid)[np.searchsorted(grid, magnitude)] * np.exp(-magnitude / size)
    return np.asarray(weight / weight.sum(), dtype=float)
