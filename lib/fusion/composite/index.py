"""A two-level index: indicators within chains, chains into the index."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fusion.composite import weights as weighting
from fusion.composite.aggregate import NEED_POSITIVE, aggregate
from fusion.composite.errors import CompositeError
from fusion.language import listed, said

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Index:
    """A two-level index.

    Attributes
    ----------
    scores : pandas.DataFrame
        One column a chain and ``index``, 0–100 where the indicators' scores lie in [0, 1].
    weights : pandas.DataFrame
        chain, code, entropy (missing where scores are negative), weight_in_chain, chain_weight, weight.
    """

    scores: pd.DataFrame
    weights: pd.DataFrame


def build(
    normalised: pd.DataFrame,
    chains: Mapping[str, str],
    *,
    weights: str = "entropy",
    chain_weights: str = "equal",
    aggregation: str = "arithmetic",
    chain_aggregation: str = "arithmetic",
    min_share: float = 0.6,
    floor: float = 0.0,
    given: Mapping[str, float] | None = None,
    frozen: pd.DataFrame | None = None,
) -> Index:
    """Aggregate normalised indicators within chains and chains into an index.

    Parameters
    ----------
    normalised : pandas.DataFrame, shape (n, k)
        Scores, larger better.
    chains : mapping
        Chain of each column.
    weights, chain_weights : str
        A name of `weights.FROM_DATA`, or ``given``.
    aggregation, chain_aggregation : str
        A name of `aggregate.METHODS`, within chains and of the chains.
    min_share : float
        Share of a chain's indicators, and of the chains, that a row must have.
    floor : float
        Lifts scores to [floor, 1] for geometric and harmonic means.
    given : mapping, optional
        Weights by code (``weights='given'``) and by chain (``chain_weights='given'``).
    frozen : pandas.DataFrame, optional
        Weights of an earlier build (its ``weights``), which then replace all of the above.

    Raises
    ------
    CompositeError
        For unknown names, weights that do not exist, or frozen weights of other indicators.
    """
    order = [c for c in dict.fromkeys(chains.values()) if c in {chains[str(k)] for k in normalised}]
    columns = {chain: [str(k) for k in normalised if chains[str(k)] == chain] for chain in order}
    within = {c: _within(normalised[names], weights, given, frozen) for c, names in columns.items()}
    parts = {
        c: aggregate(normalised[names], within[c], aggregation, min_share, floor)
        for c, names in columns.items()
    }
    scores = pd.DataFrame(parts, index=normalised.index)
    across = _across(scores, chain_weights, given, frozen)
    # Chain means of lifted scores are above zero already, and are not lifted twice.
    again = 0.0 if aggregation in NEED_POSITIVE else floor
    scores["index"] = aggregate(scores[order], across, chain_aggregation, min_share, again)
    table = _table(normalised, columns, within, dict(zip(order, across, strict=True)))
    return Index(100 * scores, table)


def _within(
    z: pd.DataFrame, how: str, given: Mapping[str, float] | None, frozen: pd.DataFrame | None
) -> Floats:
    names = [str(c) for c in z]
    if frozen is not None:
        kept = frozen.set_index("code")["weight_in_chain"]
        lacking = [c for c in names if c not in kept.index]
        if lacking:
            raise CompositeError(said("composite.frozen_lack", lacking=listed(lacking)))
        return weighting.given(kept.to_dict(), names)
    return weighting.given(given or {}, names) if how == "given" else weighting.from_data(z, how)


def _across(
    scores: pd.DataFrame, how: str, given: Mapping[str, float] | None, frozen: pd.DataFrame | None
) -> Floats:
    names = [str(c) for c in scores]
    if frozen is not None:
        return weighting.given(frozen.groupby("chain")["chain_weight"].first().to_dict(), names)
    return weighting.given(given or {}, names) if how == "given" else weighting.from_data(scores, how)


def _table(
    normalised: pd.DataFrame,
    columns: Mapping[str, list[str]],
    within: Mapping[str, Floats],
    across: Mapping[str, float],
) -> pd.DataFrame:
    rows = [
        {"chain": chain, "code": code, "weight_in_chain": weight, "chain_weight": across[chain]}
        for chain, names in columns.items()
        for code, weight in zip(names, within[chain], strict=True)
    ]
    table = pd.DataFrame(rows)
    z = normalised[table["code"]]
    spread = np.full(len(table), np.nan) if (z.min() < 0).any() else weighting.entropy(z)
    table.insert(2, "entropy", spread)
    return table.assign(weight=table["weight_in_chain"] * table["chain_weight"])
