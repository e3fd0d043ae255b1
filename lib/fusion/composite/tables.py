"""The entropy index as table expressions, for panels that do not fit in memory.

The same numbers as `treat`, `scale`, `weights` and `index` on arrays: quantiles and bounds come from one pass,
Σz and Σz·ln z from a second, and scores are an expression that is computed where it is written.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from fusion.composite.errors import CompositeError
from fusion.language import listed, said

Z, HAS = "_z_", "_has_"
TINY = 1e-300


def entropy_index(
    table: Any,
    directions: Mapping[str, str],
    chains: Mapping[str, str],
    *,
    tail: float = 0.0,
    min_share: float = 0.6,
    name: str = "index",
) -> tuple[Any, pd.DataFrame]:
    """Winsorise, scale to [0, 1] over all rows, weight by entropy within chains, mean of chains.

    With p = z/Σz, the entropy −Σ p ln p is ln Σz − (Σ z ln z)/Σz, so that two sums are enough; it is divided by
    ln n, n the values that are not missing. 0·ln 0 = 0.

    Parameters
    ----------
    table : ibis.Table
        The indicators are columns; NULL is missing.
    directions : mapping
        Indicator: ``+`` or ``-``.
    chains : mapping
        Chain of each indicator.
    tail : float
        Share cut to the quantile at each end; 0: none.
    min_share : float
        Share of a chain's indicators, and of the chains, that a row must have, else NULL.
    name : str
        Of the index's column.

    Returns
    -------
    ibis.Table
        The table with a column for each chain and the index, 0–100; nothing is computed yet.
    pandas.DataFrame
        chain, code, low, high (bounds after cutting), entropy, weight_in_chain, chain_weight, weight.

    Raises
    ------
    CompositeError
        When a column is missing or constant, a direction is neither + nor -, or all of a chain's entropies are one.
    """
    _check(table, directions, chains, tail)
    bounds = _bounds(table, list(directions), tail)
    scored = _scored(table, directions, bounds)
    weights = _weights(_entropies(scored, list(directions)), bounds, chains)
    return _scores(scored, weights, min_share, name), weights


def _check(table: Any, directions: Mapping[str, str], chains: Mapping[str, str], tail: float) -> None:
    lacking = [c for c in directions if c not in table.columns or c not in chains]
    if lacking:
        raise CompositeError(said("composite.table.no_chain", lacking=listed(lacking)))
    odd = [f"{c} '{d}'" for c, d in directions.items() if d not in ("+", "-")]
    if odd:
        raise CompositeError(said("composite.table.direction", odd=listed(odd)))
    if not 0 <= tail < 0.5:
        raise CompositeError(said("composite.table.tail", tail=tail))


def _bounds(table: Any, codes: list[str], tail: float) -> dict[str, tuple[float, float]]:
    """Smallest and largest value, or the quantiles that values are cut to."""
    found: dict[str, tuple[float, float]] = {}
    if tail > 0:
        found = {c: _quantiles(table, c, tail) for c in codes}
    else:
        asked = {
            f"{end}_{c}": getattr(table[c].cast("float64"), end)() for c in codes for end in ("min", "max")
        }
        row = table.aggregate(**asked).to_pandas().iloc[0]
        found = {c: (float(row[f"min_{c}"]), float(row[f"max_{c}"])) for c in codes}
    flat = [c for c, (low, high) in found.items() if not high > low]
    if flat:
        raise CompositeError(said("composite.table.flat", flat=listed(flat)))
    return found


def _quantiles(table: Any, code: str, tail: float) -> tuple[float, float]:
    """Quantiles of one column, which is held in memory alone: a database's exact ones take several times as long."""
    column = table.filter(table[code].notnull()).select(x=table[code].cast("float64"))  # noqa: PD004
    values = column.to_pyarrow()["x"].to_numpy()
    if not len(values):
        return (float("nan"), float("nan"))
    # A partition instead of `np.quantile`, which looks for missing values and sorts further than is needed.
    at = np.array([tail, 1 - tail]) * (len(values) - 1)
    below = np.floor(at).astype(int)
    places = np.minimum(np.concatenate([below, below + 1]), len(values) - 1)
    parted = np.partition(values, np.unique(places))
    first, last = parted[places[:2]], parted[places[2:]]
    low, high = first + (at - below) * (last - first)
    return float(low), float(high)


def _scored(table: Any, directions: Mapping[str, str], bounds: Mapping[str, tuple[float, float]]) -> Any:
    """The table with each indicator's score in [0, 1], zero where it is missing, and 1 or 0 for its being there.

    No case distinctions on values: they take a database several times as long as the arithmetic.
    """
    import ibis

    new: dict[str, Any] = {}
    for code, sign in directions.items():
        low, high = bounds[code]
        has = table[code].notnull().cast("float64")  # noqa: PD004
        # What is missing is filled with the value whose score is zero.
        x = table[code].cast("float64").fill_null(low if sign == "+" else high)
        # Also without a tail: a database may read a bound as a decimal, and be off by its last digit.
        x = ibis.greatest(ibis.least(x, high), low)
        z = (x - low) / (high - low) if sign == "+" else (high - x) / (high - low)
        new |= {Z + code: z, HAS + code: has}
    return table.mutate(**new)


def _entropies(scored: Any, codes: list[str]) -> dict[str, float]:
    asked: dict[str, Any] = {}
    for c in codes:
        z = scored[Z + c]
        # The tiny summand changes no digit of a positive score, and makes 0·ln 0 = 0 without a case.
        asked |= {f"s_{c}": z.sum(), f"l_{c}": (z * (z + TINY).ln()).sum(), f"n_{c}": scored[HAS + c].sum()}
    row = scored.aggregate(**asked).to_pandas().iloc[0]
    return {
        c: float((np.log(row[f"s_{c}"]) - row[f"l_{c}"] / row[f"s_{c}"]) / np.log(row[f"n_{c}"]))
        for c in codes
    }


def _weights(
    entropies: Mapping[str, float], bounds: Mapping[str, tuple[float, float]], chains: Mapping[str, str]
) -> pd.DataFrame:
    codes = list(entropies)
    weights = pd.DataFrame(
        {
            "chain": [chains[c] for c in codes],
            "code": codes,
            "low": [bounds[c][0] for c in codes],
            "high": [bounds[c][1] for c in codes],
            "entropy": [entropies[c] for c in codes],
        }
    )
    spread = 1 - weights["entropy"]
    total = spread.groupby(weights["chain"]).transform("sum")
    if (total <= 0).any():
        names = ", ".join(weights.loc[total <= 0, "chain"].unique())
        raise CompositeError(said("composite.table.even", names=names))
    weights["weight_in_chain"] = spread / total
    weights["chain_weight"] = 1 / weights["chain"].nunique()
    return weights.assign(weight=weights["weight_in_chain"] * weights["chain_weight"])


def _scores(scored: Any, weights: pd.DataFrame, min_share: float, name: str) -> Any:
    means = {}
    for chain, own in weights.groupby("chain", sort=False):
        w = dict(zip(own["code"], own["weight_in_chain"].astype(float), strict=True))
        parts = [(scored[Z + c], scored[HAS + c], weight) for c, weight in w.items()]
        means[str(chain)] = 100 * _mean(parts, min_share)
    chains = scored.mutate(**means).drop(*(kind + c for kind in (Z, HAS) for c in weights["code"]))
    parts = [(chains[c].fill_null(0.0), chains[c].notnull().cast("float64"), 1.0) for c in means]  # noqa: PD004
    return chains.mutate(**{name: _mean(parts, min_share)})


def _mean(parts: list[tuple[Any, Any, float]], min_share: float) -> Any:
    """Weighted mean of what a row has, NULL where it has too little or the weights of that are zero."""
    import ibis

    top = _sum([z * weight for z, _, weight in parts])
    total = _sum([has * weight for _, has, weight in parts])
    there = _sum([has for _, has, _ in parts])
    enough = (there >= min_share * len(parts) - 1e-9) & (total > 0)
    return ibis.ifelse(enough, top / total, ibis.null("float64"))


def _sum(terms: list[Any]) -> Any:
    result = terms[0]
    for term in terms[1:]:
        result = result + term
    return result
