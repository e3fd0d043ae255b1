"""A long panel as arrays of units by periods, with holes where there is no row."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from estimators.errors import EffectsError
from estimators.finite import refuse_infinite
from estimators.language import listed, said

Array = NDArray[np.float64]
_TERM = re.compile(r"^(?:L(\d*)\.)?([A-Za-z_]\w*)$")


class Term(NamedTuple):
    """A column, so many periods before."""

    column: str
    lag: int


def term(text: str) -> Term:
    """``"w"``, ``"L.w"`` or ``"L2.w"`` as a column and a lag.

    Raises
    ------
    EffectsError
        For anything else.
    """
    found = _TERM.match(text)
    if not found:
        raise EffectsError(said("engines.gmm.term", text=text))
    lag = 0 if "." not in text else int(found[1] or 1)
    return Term(found[2], lag)


class Grid:
    """Columns of a long panel by unit and period.

    Parameters
    ----------
    data : DataFrame
        Long panel.
    columns : sequence of str
        Numeric columns.
    unit, time : str
        Keys; `time` counts periods in whole numbers, and a missing number is a gap.

    Attributes
    ----------
    units, periods : ndarray
        Labels, shapes (N,) and (T,); periods run without a gap from first to last.
    """

    def __init__(self, data: pd.DataFrame, columns: Sequence[str], unit: str, time: str) -> None:
        wanted = [unit, time, *columns]
        missing = [name for name in dict.fromkeys(wanted) if name not in data]
        if missing:
            there = ", ".join(map(str, data.columns))
            raise EffectsError(said("engines.gmm.no_column", missing=listed(missing), there=there))
        refuse_infinite(data, columns)
        code, self.units = pd.factorize(data[unit])
        when = data[time].to_numpy(float)
        if not np.all(when == np.round(when)):
            raise EffectsError(said("engines.gmm.periods", time=time))
        first = int(when.min())
        self.periods = np.arange(first, int(when.max()) + 1)
        place = (when - first).astype(int)
        self.values: dict[str, Array] = {}
        repeated = pd.DataFrame({"unit": code, "time": place}).duplicated()
        if repeated.any():
            row = data.loc[repeated.to_numpy(), [unit, time]].iloc[0].to_dict()
            raise EffectsError(said("engines.gmm.repeats", repeated=int(repeated.sum()), row=row))
        for name in dict.fromkeys(columns):
            table = np.full((len(self.units), len(self.periods)), np.nan)
            table[code, place] = data[name].to_numpy(float)
            self.values[name] = table

    def level(self, item: Term) -> Array:
        """A term's values, shape (N, T), NaN where unknown."""
        table = self.values[item.column]
        if not item.lag:
            return table
        shifted = np.full_like(table, np.nan)
        shifted[:, item.lag :] = table[:, : -item.lag]
        return shifted

    def difference(self, item: Term) -> Array:
        """A term's change from the period before, shape (N, T)."""
        table = self.level(item)
        return table - np.column_stack([np.full(len(table), np.nan), table[:, :-1]])
