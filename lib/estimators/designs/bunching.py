"""Units that pile up at a line, such as the revenue from which a firm is surveyed.

Counts in bins are compared with a polynomial through the bins that lie away from the line (Chetty, Friedman, Olsen & Pistaferri
2011, Quarterly Journal of Economics 126; Kleven 2016, Annual Review of Economics 8).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from estimators.errors import EffectsError
from estimators.finite import refuse_infinite
from estimators.language import said

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Bunching:
    """Excess at a line.

    Attributes
    ----------
    bins : DataFrame
        low, high (ends of the bin), count, expected, near (bin is within the window).
    above, below : float
        Units more than expected in the window's bins above and below the line.
    ratio : float
        above over the mean number expected in a bin of the window; its error is ratio_error.
    ratio_error : float
    """

    bins: pd.DataFrame
    above: float
    below: float
    ratio: float
    ratio_error: float


def bunching(
    values: ArrayLike,
    line: float,
    width: float,
    bins: int = 20,
    window: int = 2,
    degree: int = 3,
    draws: int = 499,
    seed: int = 1,
) -> Bunching:
    """Counts on both sides of a line beside what bins away from it foretell.

    Parameters
    ----------
    values : array_like
        E.g. revenue, in the line's unit.
    line, width : float
        The line is the lower end of a bin.
    bins, window : int
        On each side; bins of the window do not enter the fit.
    degree : int
        Of the polynomial.
    draws : int
        Counts drawn anew around the fit (Poisson), for the error.

    Raises
    ------
    EffectsError
        When there are no more bins for the fit than coefficients, or fewer than five units a bin away from the line.
    """
    refuse_infinite(pd.DataFrame({"values": np.asarray(values, float)}), ["values"])
    edges = np.arange(-bins, bins + 1)
    scaled = (np.asarray(values, float) - line) / width
    count, _ = np.histogram(scaled[np.isfinite(scaled)], edges)
    # numpy counts the last edge in; the others are [low, high).
    count[-1] -= int((scaled == bins).sum())
    place = np.asarray(edges[:-1] + 0.5, dtype=np.float64)
    near = np.abs(place) < window
    if (~near).sum() <= degree + 1 or count[~near].mean() < 5:
        raise EffectsError(said("designs.few_bins", bins=int((~near).sum()), mean=float(count[~near].mean())))
    found = _excess(count.astype(float), place, near, degree)
    rng = np.random.default_rng(seed)
    around = np.where(near, count, np.clip(found[0], 0, None))
    drawn = [_excess(rng.poisson(around).astype(float), place, near, degree)[3] for _ in range(draws)]
    table = pd.DataFrame(
        {
            "low": line + width * edges[:-1],
            "high": line + width * edges[1:],
            "count": count,
            "expected": found[0],
            "near": near,
        }
    )
    return Bunching(table, found[1], found[2], found[3], float(np.std(drawn, ddof=1)))


def _excess(
    count: Array, place: Array, near: NDArray[np.bool_], degree: int
) -> tuple[Array, float, float, float]:
    curve = np.polynomial.Polynomial.fit(place[~near], count[~near], degree)
    fitted = np.asarray(curve(place), dtype=np.float64)
    more = (count - fitted)[near]
    above, below = float(more[place[near] > 0].sum()), float(more[place[near] < 0].sum())
    return fitted, above, below, above / float(fitted[near].mean())
