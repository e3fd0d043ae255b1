"""What tells firms apart in a ranking by integration: shares of pairs, and of the spread among those that sell services."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

# Of a hundred pairs of firms, by what decides their order; they add up to 100.
PAIRS = ("silent_pair", "both_zero", "sells_at_all", "how_much", "what_kind")
# Parts of the variance of ln F among firms that sell services; they add up to 100.
SPREAD = ("mix", "relatedness")
COLUMNS = ["part", "source", "share", "units", "fewest"]
WHOLE = 100.0
MOST = 2000  # firms whose pairs are counted one by one; of more, every so many-th


def sources(rows: pd.DataFrame) -> pd.DataFrame:
    """Where differences of rank come from.

    A pair is without an order where one of the two is silent, or both are at zero; one may sell services and the other not;
    of two that sell, the one with the larger smaller side stands first (how much), or the other does because its services are
    nearer to what it makes (what kind). Among firms that sell, ln F = ln 2·min(s, 1 − s) + ln of the mean relatedness of what
    is paired, so that the variance of ln F is the sum of two covariances.

    Parameters
    ----------
    rows : pandas.DataFrame
        One year of `firms.integration`: services, volume, point.

    Returns
    -------
    pandas.DataFrame
        part (pairs, spread), source (``PAIRS``, ``SPREAD``), share (%), units, fewest (units of the smallest kind there is:
        silent, at zero, selling; how many are of each follows from the pairs). Empty where fewer than two tell.
    """
    told = rows[rows["point"].notna()]
    if len(told) < 2:
        return pd.DataFrame(columns=COLUMNS)
    sells = told[told["point"] > 0]
    share = sells["services"].astype(float) / sells["volume"]
    mix = 2 * np.minimum(share, 1 - share).to_numpy()
    level = sells["point"].to_numpy(float)
    known = mix > 0
    kinds = (len(rows) - len(told), len(told) - int(known.sum()), int(known.sum()))
    fewest = min(n for n in kinds if n)
    table = [
        ("pairs", name, value, len(rows), fewest)
        for name, value in _pairs(len(rows), len(told), level[known], mix[known]).items()
    ]
    if known.sum() > 2 and np.ptp(np.log(level[known])) > 0:
        whole = np.log(level[known])
        parts = (np.log(mix[known]), whole - np.log(mix[known]))
        table += [
            ("spread", name, 100 * np.cov(part, whole)[0, 1] / whole.var(ddof=1), kinds[-1], kinds[-1])
            for name, part in zip(SPREAD, parts, strict=True)
        ]
    return pd.DataFrame(table, columns=COLUMNS)


# -- inside ------------------------------------------------------------------------------------
def by_source(frame: pd.DataFrame) -> dict[str, Any]:
    """Shares of `sources` by their names, and whether no two firms stand apart (``alike``)."""
    shares = frame.set_index("source")["share"].to_dict()
    return {**shares, "alike": shares.get("both_zero") == WHOLE}


def _pairs(all_: int, told: int, level: np.ndarray, mix: np.ndarray) -> dict[str, float]:
    """Shares (%) of all pairs of firms."""

    def count(n: int) -> float:
        return n * (n - 1) / 2

    sellers = len(level)
    zeros = told - sellers
    step = max(1, -(-sellers // MOST))
    order = np.argsort(level, kind="stable")[::step]  # evenly over the ranking
    by_level, by_mix = (
        np.sign(np.subtract.outer(x[order], x[order]))[np.triu_indices(len(order), 1)] for x in (level, mix)
    )
    turned = float((by_mix * by_level < 0).mean()) if len(by_level) else 0.0
    both, whole = count(sellers), count(all_)
    found = (whole - count(told), count(zeros), sellers * zeros, both * (1 - turned), both * turned)
    return {name: 100 * value / whole for name, value in zip(PAIRS, found, strict=True)}
