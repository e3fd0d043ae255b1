"""Production functions of one sample by several methods."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from estimators.production import estimate
from estimators.tables.kinds.described import panels, sampled
from estimators.tables.rows import UNIT, YEAR


def functions(
    table: Mapping[str, Any],
    data: pd.DataFrame,
    samples: Mapping[str, np.ndarray],
    size: float,
    seed: int,
) -> pd.DataFrame:
    """Elasticities by several methods, with errors by drawing whole firms.

    Parameters
    ----------
    table : mapping
        A study's table of kind ``production``: ``production`` has ``free state proxy methods draws``, all in logs.
    data : DataFrame
        All rows.
    samples : mapping of str to array of bool
    size : float
        Of intervals.
    seed : int
        Of the draws.

    Returns
    -------
    DataFrame
        ``method term estimate std_error ci_low ci_high n units``; the last term of each method,
        ``returns_to_scale``, is the sum of its elasticities.
    """
    asked, found = table["production"], []
    for _, one in panels(table):
        free, state, proxy = (list(asked[part]) for part in ("free", "state", "proxy"))
        names = [one["outcome"], *free, *state, *proxy]
        rows = sampled(one, data, samples, names)[[UNIT, YEAR, *names]]
        for method in asked["methods"]:
            made = estimate(
                rows,
                method,
                output=one["outcome"],
                free=free,
                state=state,
                proxy=proxy,
                draws=asked["draws"],
                seed=seed,
            )
            lines = made.tidy(size)[["term", "estimate", "std_error", "ci_low", "ci_high"]]
            lines = lines.assign(term=lines["term"].str.replace(" ", "_"))
            found.append(lines.assign(method=method, n=made.n, units=made.firms))
    return pd.concat(found, ignore_index=True)
