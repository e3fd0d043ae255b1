"""How many units tell a coefficient: those whose values of a regressor are apart from what is usual, effects taken out.

A regression rests on all of its units, a coefficient on those that differ: a regressor that is 1 for two firms alone
compares these two with all others, and says what they have.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from estimators.engines.exact.project import Projection, nested

# What is left of a regressor, of its own spread, by rounding alone.
NOTHING = 1e-9


def telling(rows: pd.DataFrame, regressors: Sequence[str], unit: str, effects: pd.DataFrame) -> pd.Series:
    """Units that tell each coefficient of a regression.

    A unit tells a coefficient if effects leave something of its regressor, its value is not the one that most rows
    have, and, where units are among the effects (or finer ones), the value changes within it.

    Parameters
    ----------
    rows : DataFrame
        Complete rows of the regression.
    regressors : sequence of str
        Numeric columns.
    unit : str
        Column of units.
    effects : DataFrame, shape (rows, S)
        A column for each effect; none: a constant alone.

    Returns
    -------
    Series of int
        By regressor.
    """
    units = pd.factorize(rows[unit])[0]
    codes = [pd.factorize(effects[name])[0].astype(np.int64) for name in effects]
    values = rows[list(regressors)].to_numpy(float)
    left = Projection(codes or [np.zeros(len(rows), np.int64)]).residuals(values)
    within = any(nested(code, units) for code in codes)
    found = [_units(x, rest, units, within) for x, rest in zip(values.T, left.T, strict=True)]
    return pd.Series(found, index=list(regressors), dtype=int)


def of_none(rows: pd.DataFrame, regressors: Sequence[str], unit: str) -> int:
    """Units for which all of some regressors of 0 and 1 are 0: those that the others are compared with."""
    return int(rows.loc[(rows[list(regressors)] == 0).all(axis=1), unit].nunique())


def _units(x: np.ndarray, left: np.ndarray, units: np.ndarray, within: bool) -> int:
    middle = np.median(x)
    apart = x != middle
    if within:
        held = pd.Series(x).groupby(units)
        apart = (held.transform("max") > held.transform("min")).to_numpy()
    elif 2 * apart.sum() >= len(x):
        # The value of most rows is their median; where none has most of them, every unit has its own.
        apart = np.ones(len(x), bool)
    there = np.abs(left) > NOTHING * np.abs(x - middle).max(initial=0.0)
    return len(np.unique(units[apart & there]))
