"""Composite indices: outliers, normalisation, weights, aggregation. Pure functions on arrays and tables.

Formulas follow the OECD/JRC Handbook on Constructing Composite Indicators (2008) and, for entropy weights,
Shannon's entropy over the pooled firm-years of a panel.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]


class CompositeError(ValueError):
    """An index that cannot be built; the message says which indicator and why."""


def winsorise(x: ArrayLike, tail: float) -> Floats:
    """Cut each column to its quantiles ``tail`` and ``1 − tail``; missing values stay missing.

    Parameters
    ----------
    x : array_like, shape (n,) or (n, k)
    tail : float
        Share at each end, 0 ≤ tail < 0.5; 0 changes nothing.
    """
    values = np.asarray(x, dtype=float)
    if not 0 <= tail < 0.5:
        raise CompositeError(f"winsorise: tail is {tail}; allowed: 0 ≤ tail < 0.5")
    if tail == 0:
        return values.copy()
    low, high = np.nanquantile(values, [tail, 1 - tail], axis=0)
    return np.clip(values, low, high)


def bounds(values: pd.DataFrame, years: pd.Series | None = None) -> pd.DataFrame:
    """Smallest and largest value of each indicator, pooled or by year: what min–max scores are measured against.

    Returns
    -------
    pandas.DataFrame
        One row an indicator (and year): indicator, [year], minimum, maximum. Keep it to score later data by it.
    """
    if years is None:
        return (
            pd.DataFrame({"minimum": values.min(), "maximum": values.max()})
            .rename_axis("indicator")
            .reset_index()
        )
    grouped = values.groupby(years.to_numpy())
    low = (
        grouped.min().rename_axis("year").melt(ignore_index=False, var_name="indicator", value_name="minimum")
    )
    high = (
        grouped.max().rename_axis("year").melt(ignore_index=False, var_name="indicator", value_name="maximum")
    )
    return low.assign(maximum=high["maximum"].to_numpy()).reset_index()


def normalise(
    values: pd.DataFrame, directions: dict[str, str], how: str = "minmax", years: pd.Series | None = None
) -> pd.DataFrame:
    """Bring indicators to a common scale, larger always better.

    minmax: (x − min)/(max − min), or (max − x)/(max − min) where smaller is better; rank: (r − ½)/n with mean
    ranks of ties; zscore: the standard normal distribution at (x − mean)/sd, so that all lie in [0, 1].

    Parameters
    ----------
    values : pandas.DataFrame, shape (n, k)
    directions : dict
        ``'+'`` or ``'-'`` for each column.
    how : {"minmax", "rank", "zscore"}
    years : pandas.Series, optional
        Scale within years; by default over all of them, so that scores compare over time.

    Raises
    ------
    CompositeError
        When a column has no two different values, or a year has none, under which no scale exists.
    """
    scales = {"minmax": _minmax, "rank": _rank, "zscore": _zscore}
    if how not in scales:
        raise CompositeError(f"normalise: how is '{how}'; allowed: {', '.join(scales)}")
    signed = values.astype(float) * pd.Series({c: -1.0 if directions[c] == "-" else 1.0 for c in values})
    _refuse_constant(signed, years)
    if years is None:
        return scales[how](signed)
    parts = [scales[how](group) for _, group in signed.groupby(years.to_numpy())]
    return pd.concat(parts).loc[signed.index]


def entropy(z: ArrayLike) -> Floats:
    """Entropy of each column of non-negative scores.

    p = z/Σz over all rows, e = −Σ p ln p / ln n, with 0·ln 0 = 0 and n the column's non-missing rows
    (n = N·T in a panel, not T). Nothing is added to zeros: a shift would move the weights.

    Parameters
    ----------
    z : array_like, shape (n, k)
        Missing values are left out.

    Returns
    -------
    ndarray, shape (k,)
        In [0, 1]; smaller means more different units.
    """
    scores = np.asarray(z, dtype=float)
    if np.nanmin(scores, initial=0) < 0:
        raise CompositeError("entropy: a score is below zero; normalise first")
    totals = np.nansum(scores, axis=0)
    counts = np.sum(~np.isnan(scores), axis=0)
    if np.any(totals <= 0) or np.any(counts < 2):
        raise CompositeError("entropy: a column is all zero or has fewer than two values")
    # −Σ p ln p = ln S − Σ z ln z / S: one pass, no array of shares.
    with np.errstate(divide="ignore", invalid="ignore"):
        terms = np.where(scores > 0, scores * np.log(scores), 0.0)
    return (np.log(totals) - terms.sum(axis=0) / totals) / np.log(counts)


def entropy_weights(z: ArrayLike) -> Floats:
    """Entropy weights w = (1 − e)/Σ(1 − e); equal when no column differs between units."""
    spread = np.clip(1 - entropy(z), 0, None)
    total = spread.sum()
    return spread / total if total > 0 else np.full(spread.size, 1 / spread.size)


def weighted_mean(z: ArrayLike, weights: ArrayLike, min_share: float) -> Floats:
    """Weighted mean of the columns that a row has; missing when it has less than a share of them.

    Parameters
    ----------
    z : array_like, shape (n, k)
    weights : array_like, shape (k,)
        Rescaled over the columns that are there.
    min_share : float
        Smallest share of the k columns, 0 … 1.

    Returns
    -------
    ndarray, shape (n,)
    """
    scores, w = np.asarray(z, dtype=float), np.asarray(weights, dtype=float)
    there = ~np.isnan(scores)
    total = there @ w
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = np.where(there, scores, 0.0) @ w / total
    # The small allowance keeps 3 of 5 at a share of 0.6 although 0.6·5 is not exactly 3 in binary.
    enough = (there.mean(axis=1) >= min_share - 1e-12) & (total > 0)
    return np.where(enough, mean, np.nan)


@dataclass(frozen=True)
class Index:
    """A two-level index: indicators within chains, chains into the index."""

    scores: pd.DataFrame  # one column a chain and ``index``, 0–100
    weights: pd.DataFrame  # chain, code, entropy, weight_in_chain, chain_weight, weight


def build(
    normalised: pd.DataFrame,
    chains: dict[str, str],
    *,
    weights: str = "entropy",
    chain_weights: str = "equal",
    min_share: float = 0.6,
) -> Index:
    """Aggregate normalised indicators within chains and chains into an index of 0–100.

    Parameters
    ----------
    normalised : pandas.DataFrame, shape (n, k)
        Scores in [0, 1], larger better.
    chains : dict
        Chain of each column.
    weights, chain_weights : {"entropy", "equal"}
        Weights within a chain, and of the chains.
    min_share : float
        Share of a chain's indicators, and of the chains, that a row must have.
    """
    order = [c for c in dict.fromkeys(chains.values()) if c in {chains[k] for k in normalised}]
    columns = {chain: [k for k in normalised if chains[k] == chain] for chain in order}
    within = {chain: _weights(normalised[names], weights) for chain, names in columns.items()}
    parts = {c: weighted_mean(normalised[names], within[c], min_share) for c, names in columns.items()}
    scores = pd.DataFrame(parts, index=normalised.index)
    across = _weights(scores, chain_weights)
    scores["index"] = weighted_mean(scores, across, min_share)
    table = _weight_table(normalised, columns, within, dict(zip(order, across, strict=True)))
    return Index(100 * scores, table)


def _weights(scores: pd.DataFrame, how: str) -> Floats:
    if how == "equal":
        return np.full(scores.shape[1], 1 / scores.shape[1])
    if how == "entropy":
        return entropy_weights(scores)
    raise CompositeError(f"weights are '{how}'; allowed: entropy, equal")


def _weight_table(
    normalised: pd.DataFrame,
    columns: dict[str, list[str]],
    within: dict[str, Floats],
    across: dict[str, float],
) -> pd.DataFrame:
    rows = [
        {"chain": chain, "code": code, "weight_in_chain": weight, "chain_weight": across[chain]}
        for chain, names in columns.items()
        for code, weight in zip(names, within[chain], strict=True)
    ]
    table = pd.DataFrame(rows)
    table.insert(2, "entropy", entropy(normalised[table["code"]]))
    return table.assign(weight=table["weight_in_chain"] * table["chain_weight"])


def _refuse_constant(values: pd.DataFrame, years: pd.Series | None) -> None:
    groups = [("all years", values)] if years is None else list(values.groupby(years.to_numpy()))
    for label, group in groups:
        # A year without any value is a year in which the question was not asked: it needs no scale.
        same = group.min() == group.max()
        flat = [c for c in group if same[c] or (years is None and not group[c].notna().any())]
        if flat:
            raise CompositeError(
                f"normalise: {', '.join(flat)} has no two different values in {label}; leave it out "
                "(parameter 'indicators') or pool the years (bounds: pooled)"
            )


def _minmax(values: pd.DataFrame) -> pd.DataFrame:
    low = values.min()
    return (values - low) / (values.max() - low)


def _rank(values: pd.DataFrame) -> pd.DataFrame:
    return (values.rank() - 0.5) / values.notna().sum()


def _zscore(values: pd.DataFrame) -> pd.DataFrame:
    from scipy.special import ndtr

    z = (values - values.mean()) / values.std(ddof=0)
    return pd.DataFrame(ndtr(z.to_numpy()), index=values.index, columns=values.columns)
