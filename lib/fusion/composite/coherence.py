"""Does the index hang together: correlations within and between chains, Cronbach's alpha, opposed indicators."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from fusion.composite.pca import Floats, correlation
from fusion.composite.reliability import alpha


def pairs(
    z: pd.DataFrame, chains: Mapping[str, str], *, high: float = 0.92, low: float = -0.4
) -> pd.DataFrame:
    """Correlation of each pair of indicators.

    Parameters
    ----------
    z : pandas.DataFrame, shape (n, k)
        Normalised scores, larger better.
    chains : mapping
        Chain of each column.
    high, low : float
        A pair above ``high`` counts the same thing twice; one below ``low`` in the same chain cancels out.

    Returns
    -------
    pandas.DataFrame
        first, second, same_chain, correlation, flag ('', 'redundant', 'opposed').
    """
    r = correlation(z)
    names = [str(c) for c in z]
    i, j = np.triu_indices(len(names), 1)
    table = pd.DataFrame({"first": np.array(names)[i], "second": np.array(names)[j]})
    table["same_chain"] = [
        chains[a] == chains[b] for a, b in zip(table["first"], table["second"], strict=True)
    ]
    table["correlation"] = r[i, j]
    opposed = (table["correlation"] < low) & table["same_chain"]
    table["flag"] = np.where(table["correlation"] > high, "redundant", np.where(opposed, "opposed", ""))
    return table


def chain_summary(z: pd.DataFrame, chains: Mapping[str, str]) -> pd.DataFrame:
    """Each chain: indicators, mean correlation within it and with other chains' indicators, alpha, negative pairs.

    Returns
    -------
    pandas.DataFrame
        chain, indicators, within, between, alpha, negative_pairs (pairs within the chain with r < 0). A chain whose
        indicators correlate less with each other than with others' is no dimension of its own.
    """
    table, names = pairs(z, chains), [str(c) for c in z]
    rows = []
    for chain in dict.fromkeys(chains[c] for c in names):
        own = [c for c in names if chains[c] == chain]
        both = table["first"].isin(own) & table["second"].isin(own)
        one = table["first"].isin(own) ^ table["second"].isin(own)
        row = {"chain": chain, "indicators": len(own), "within": table.loc[both, "correlation"].mean()}
        row |= {"between": table.loc[one, "correlation"].mean(), "alpha": alpha(z[own])}
        rows.append(row | {"negative_pairs": int((table.loc[both, "correlation"] < 0).sum())})
    return pd.DataFrame(rows)


def negative(z: pd.DataFrame, index: ArrayLike) -> pd.DataFrame:
    """Correlation of each indicator with the index, and loading on the first component; negative ones come first.

    A negative one says that the index falls when the indicator improves, in these data.

    Returns
    -------
    pandas.DataFrame
        indicator, correlation, loading, negative.
    """
    total = pd.Series(np.asarray(index, dtype=float), index=z.index)
    with_index = z.astype(float).corrwith(total)
    first = _first_component(correlation(z)) if z.shape[1] else np.zeros(0)
    table = pd.DataFrame({"indicator": list(z), "correlation": with_index.to_numpy(), "loading": first})
    table["negative"] = (table["correlation"] < 0) | (table["loading"] < 0)
    return table.sort_values("correlation", ignore_index=True)


def _first_component(r: Floats) -> Floats:
    """Loadings on it, mostly positive; missing where a correlation is."""
    if not np.isfinite(r).all():
        return np.full(len(r), np.nan)
    values, vectors = np.linalg.eigh(r)
    first = vectors[:, -1] * (1 if vectors[:, -1].sum() >= 0 else -1) * np.sqrt(values[-1])
    return np.asarray(first, float)
