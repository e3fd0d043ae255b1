"""Infinite values are refused by name before anything is computed; missing ones where an estimator takes complete rows alone."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas as pd

from estimators.errors import EffectsError
from estimators.language import said


def refuse_infinite(rows: pd.DataFrame, columns: Iterable[str], missing: bool = False) -> None:
    """Name the first column that holds an infinite number, with how many and in which row (its label).

    Parameters
    ----------
    rows : DataFrame
    columns : iterable of str
        Those that are not there or hold no numbers are passed over: whoever needs them says so.
    missing : bool
        Missing values are refused too: where rows should be complete, one of them would make every number missing.

    Raises
    ------
    EffectsError
    """
    for column in columns:
        if column not in rows or not pd.api.types.is_numeric_dtype(rows[column]):
            continue
        values = rows[column].to_numpy(float, na_value=np.nan)
        bad = ~np.isfinite(values) if missing else np.isinf(values)
        if bad.any():
            first = rows.index[int(bad.argmax())]
            told = {"column": column, "count": int(bad.sum()), "row": first}
            if missing:
                raise EffectsError(said("engines.not_complete", **told))
            raise EffectsError(said("engines.not_finite", **told))
