"""Placebos in time and in units; a placebo outcome is an ordinary regression.

Who is treated is drawn again with start dates by `exact.randomise.permuted_treatments` (cohort sizes and strata kept);
here are placebos for treatments without dates, and for dates moved forward.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from estimators.errors import EffectsError
from estimators.language import said

Array = NDArray[np.float64]


def early_start(rows: pd.DataFrame, start: str, years: int, time: str = "year") -> pd.DataFrame:
    """The panel before treatment, as if treatment had started some years earlier.

    Rows at or after the real start are left out, so that the placebo estimate is of nothing but a difference in trends
    (or of anticipation).

    Parameters
    ----------
    rows : DataFrame
        Long panel; `start` is missing for the never treated.
    years : int
        Years by which the start is moved forward, 1 or more.

    Returns
    -------
    DataFrame
        The rows left, with a column ``placebo``: 1 from the made-up start on, for units that start.

    Raises
    ------
    EffectsError
        When years is below 1, or no row would be treated.
    """
    if years < 1:
        raise EffectsError(said("robustness.placebo_years", years=years))
    begins = rows[start].fillna(np.inf)
    left = rows[rows[time] < begins]
    placebo = (left[time] >= begins.loc[left.index] - years).astype(float)
    if not placebo.any():
        raise EffectsError(said("robustness.placebo_late", years=years, start=start))
    return left.assign(placebo=placebo)


def permuted_paths(
    rows: pd.DataFrame,
    treatment: str,
    unit: str,
    time: str,
    draws: int,
    strata: Sequence[str] = (),
    seed: int = 0,
) -> Array:
    """Treatments if each unit had had the whole course of another unit of its stratum.

    For treatments without a date, or continuous ones. Units are exchanged only with units that are observed in the same
    periods, so that every draw holds the same courses as the data.

    Parameters
    ----------
    rows : DataFrame
        Long panel.
    strata : sequence of str
        Columns constant within units.

    Returns
    -------
    ndarray, shape (rows, draws)

    Raises
    ------
    EffectsError
        When no unit has another one to exchange with.
    """
    code, labels = pd.factorize(rows[unit])
    places, periods = pd.factorize(rows[time], sort=True)
    table = np.full((len(labels), len(periods)), np.nan)
    table[code, places] = rows[treatment].to_numpy(float)
    present = np.zeros(table.shape, bool)
    present[code, places] = True
    units = rows.drop_duplicates(unit)[list(strata)].reset_index(drop=True)
    key = units.assign(_seen=[row.tobytes() for row in present]).astype(str)
    stratum = key.groupby(list(key.columns)).ngroup().to_numpy()
    if np.bincount(stratum).max() < 2:
        raise EffectsError(said("robustness.placebo_alone"))
    rng = np.random.default_rng(seed)
    out = np.empty((len(rows), draws))
    for draw in range(draws):
        donor = np.arange(len(labels))
        order = np.lexsort((rng.random(len(labels)), stratum))
        donor[np.argsort(stratum, kind="stable")] = order
        out[:, draw] = table[donor[code], places]
    return out
