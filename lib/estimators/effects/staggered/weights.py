"""Two-way fixed effects taken apart: which comparisons it makes, and how much each treated row counts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from estimators.engines.within import two_way_residuals
from estimators.errors import EffectsError
from estimators.language import said


def twfe_weights(data: pd.DataFrame, treatment: str = "treated") -> pd.DataFrame:
    """Weights with which two-way fixed effects averages the effects of the treated rows.

    β = Σ w_it Δ_it over treated rows, w_it = D̃_it / Σ_treated D̃, where D̃ is the residual of treatment on unit and
    year effects (de Chaisemartin & D'Haultfœuille 2020, American Economic Review 110, theorem 1).

    Returns
    -------
    DataFrame
        Treated rows with unit, year, event_time, weight; weights add up to one and may be negative. Empty where the
        panel has no rows.

    Raises
    ------
    EffectsError
        When unit and year effects leave nothing of treatment.
    """
    if data.empty:
        return pd.DataFrame(columns=["unit", "year", "event_time", "weight"], dtype=float)
    residual = two_way_residuals(data[treatment].to_numpy(float), data["unit"], data["year"])
    on = data[treatment].to_numpy() == 1
    total = residual[on].sum()
    if not on.any() or abs(total) < 1e-9:
        raise EffectsError(said("effects.treatment_gone", treatment=treatment))
    event = (data["year"] - data["start"])[on]
    return data.loc[on, ["unit", "year"]].assign(event_time=event, weight=residual[on] / total)


def by_event_time(weights: pd.DataFrame) -> pd.DataFrame:
    """Those weights by years since the start, beside the share of rows that they are the weights of.

    Returns
    -------
    DataFrame
        event_time, rows, share (of rows), weight, negative (rows with a negative weight), units.
    """
    listed = weights.groupby("event_time", as_index=False).agg(
        rows=("weight", "size"),
        weight=("weight", "sum"),
        negative=("weight", lambda part: (part < 0).sum()),
        units=("unit", "nunique"),
    )
    listed.insert(2, "share", listed["rows"] / listed["rows"].sum())
    return listed


def comparisons(fits: Mapping[str, Any], data: pd.DataFrame) -> pd.DataFrame:
    """Goodman-Bacon's two-by-two comparisons by kind.

    Parameters
    ----------
    fits : mapping
        With ``bacon``, diff-diff's decomposition, if the panel allows one.
    data : DataFrame
        The panel that it was made from: unit, start (0: never).

    Returns
    -------
    DataFrame
        comparison, pairs, weight, estimate (mean over the pairs, by weight), units (in the pairs). Empty without a
        decomposition.
    """
    columns = ["comparison", "pairs", "weight", "estimate", "units"]
    if "bacon" not in fits:
        return pd.DataFrame(columns=columns)
    sizes = data.drop_duplicates("unit")["start"].value_counts()
    rows = []
    for kind, part in fits["bacon"].to_dataframe().groupby("comparison_type"):
        groups = {
            0 if g == "never_treated" else int(g) for g in part[["treated_group", "control_group"]].stack()
        }
        weight, product = part["weight"].sum(), (part["weight"] * part["estimate"]).sum()
        rows.append((kind, len(part), weight, product / weight, int(sizes.reindex(list(groups)).sum())))
    return pd.DataFrame(rows, columns=columns)
