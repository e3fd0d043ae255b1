"""Decimals by size: an estimate with its interval keeps two digits that count, whatever its unit."""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np
import pandas as pd

LEAST = 3  # decimals of an estimate, unless its size asks for more
MOST = 12
ROLES = ("estimate", "error", "bound")  # of columns whose numbers are in one unit
# What a row, or a mapping, holds of one estimate.
TOGETHER = ("estimate", "ci_low", "ci_high")
# Below this share of what stands beside it a number is the computer's rounding of nil.
ROUNDING = 1e-9


def enough(values: Iterable[float], least: int = LEAST) -> int:
    """Decimals for numbers that are read together, such as an estimate and the ends of its interval.

    The largest in size keeps two digits that count.

    Parameters
    ----------
    values : iterable of float
        Numbers; those that are not finite are not looked at.
    least : int
        Decimals that there are at any rate.

    Examples
    --------
    >>> enough([0.0004, -0.0018, 0.0012]), enough([0.069, 0.05, 0.088]), enough([0.0])
    (4, 3, 3)
    """
    known = [abs(float(v)) for v in values if v is not None and math.isfinite(float(v))]
    size = max(known, default=0.0)
    if not size:
        return least
    return min(max(least, 1 - math.floor(math.log10(size))), MOST)


def apart(ends: Iterable[float]) -> int:
    """Decimals with which the ends of an interval differ; 0 where they are one number but for rounding.

    Examples
    --------
    >>> apart([0.05, 0.088]), apart([0.07661, 0.07664]), apart([0.5, 0.5])
    (2, 5, 0)
    """
    known = [float(v) for v in ends if v is not None and math.isfinite(float(v))]
    width = max(known, default=0.0) - min(known, default=0.0)
    if width <= ROUNDING * max(map(abs, known), default=0.0):
        return 0
    return min(max(-math.floor(math.log10(width)), 0), MOST)


def alone(value: float, places: int, beside: float = 0.0) -> int:
    """Decimals of one number: more than the others' where it would be nil though it is not, so that its first digit is seen.

    Parameters
    ----------
    value : float
        The number.
    places : int
        Decimals of what is read with it.
    beside : float
        The largest of these in size: what is a billionth of it is nil.

    Examples
    --------
    >>> alone(0.0002, 3, 0.5), alone(-0.4, 3, 0.5), alone(1e-17, 3, 0.5)
    (4, 3, 3)
    """
    size = abs(value)
    if not math.isfinite(size) or size <= ROUNDING * beside or size >= 0.5 * 10.0**-places:
        return places
    return min(-math.floor(math.log10(size)), MOST)


def of_rows(frame: pd.DataFrame, columns: list[str], least: int = LEAST) -> int:
    """Decimals for columns that hold estimates, their errors and bounds: enough for the row of the smallest numbers.

    Estimates that stand alone, without error or interval, have more than ``least`` where one would be nil.

    Parameters
    ----------
    frame : pandas.DataFrame
        A row an estimate.
    columns : list of str
        Columns of numbers in one unit; a row without a number, or of nil alone, asks for nothing.
    least : int
        Decimals that there are at any rate.
    """
    numbers = frame[columns].apply(pd.to_numeric, errors="coerce").to_numpy(float)
    sizes = np.where(np.isfinite(numbers), np.abs(numbers), 0.0).max(axis=1, initial=0.0)
    largest = float(sizes.max(initial=0.0))
    told = [float(size) for size in sizes if size > ROUNDING * largest]
    if len(columns) == 1:
        return max((alone(size, least, largest) for size in told), default=least)
    return max((enough([size], least) for size in told), default=least)
