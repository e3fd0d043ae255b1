"""Production functions of one sample by several methods."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from estimators.production import TooFewError, estimate
from estimators.tables.kinds.described import panels, sampled
from estimators.tables.rows import UNIT, YEAR

FUNCTIONS = ["term", "estimate", "std_error", "ci_low", "ci_high", "method", "n", "units"]


def functions(
    table: Mapping[str, Any],
    data: pd.DataFrame,
    samples: Mapping[str, np.ndarray],
    size: float,
    seed: int,
) -> tuple[pd.DataFrame, list[str]]:
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
    list of str
        Methods for which too few firms, or too few of their years in a row, have what they need.
    """
    asked, found = table["production"], [pd.DataFrame(columns=FUNCTIONS)]
    few: list[str] = []
    for _, one in panels(table):
        free, state, proxy = (list(asked[part]) for part in ("free", "state", "proxy"))
        names = [one["outcome"], *free, *state, *proxy]
        rows = sampled(one, data, samples, names)[[UNIT, YEAR, *names]]
        for method in asked["methods"]:
            try:
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
            except TooFewError:
                few.append(method)
                continue
            lines = made.tidy(size)[["term", "estimate", "std_error", "ci_low", "ci_high"]]
            lines = lines.assign(term=lines["term"].str.replace(" ", "_"))
            found.append(lines.assign(method=method, n=made.n, units=made.firms))
    return pd.concat(found[1:] or found, ignore_index=True), few
