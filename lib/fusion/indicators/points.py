"""Why a cell of path and district stands where it does: points of chains and indicators above or below the mean of all."""

from __future__ import annotations

import numpy as np
import pandas as pd

from fusion.composite import record
from fusion.indicators.system import CHAINS

FEWEST = 10  # units of a cell
CELL = ["path", "district"]
COLUMNS = [*CELL, "units", "mean", "above"]
NAMED = ["most", "most_points", "worst", "worst_points"]


def of_rows(state: record.State) -> pd.DataFrame:
    """Points that each indicator gives to the index of each row: they add up to it.

    With arithmetic means an index is Σ w z over the indicators that a row has, the weights within a chain and of the chains
    brought to one over these; other means are no sums, and have no points.

    Returns
    -------
    pandas.DataFrame
        A column an indicator, 0–100; missing where the row has no index or not the indicator.
    """
    built, z = state.index, state.normalised
    assert built is not None and z is not None  # a composite is built
    chain = built.weights.set_index("code")["chain"]
    within = built.weights.set_index("code")["weight_in_chain"]
    across = built.weights.groupby("chain")["chain_weight"].first()
    scores = built.scores.drop(columns="index")
    out = {}
    for name, codes in chain.groupby(chain).groups.items():
        own = z[list(codes)]
        told = own.notna().mul(within[list(codes)]).sum(axis=1)
        held = scores.notna().mul(across).sum(axis=1)
        share = (across[name] / held).where(scores[name].notna())
        for code in codes:
            out[code] = 100 * own[code] * within[code] / told * share
    points = pd.DataFrame(out, index=z.index)[list(chain.index)]
    return points[built.scores["index"].notna()].reindex(z.index)


def by_cell(state: record.State, rows: pd.DataFrame, year: int, additive: bool) -> pd.DataFrame:
    """Mean of the index in each cell of a year, and what puts it above or below the mean of all.

    Parameters
    ----------
    state : record.State
        The index.
    rows : pandas.DataFrame
        year, path and district of the state's rows.
    year : int
    additive : bool
        Whether all means are arithmetic; else nothing adds up, and there is no table.

    Returns
    -------
    pandas.DataFrame
        path, district, units, mean (0–100), above (points above the mean of the year's units), ``with_<chain>`` (each chain's
        part of it: over chains they add up), most and worst (the indicators that lift and lower it most), most_points and
        worst_points; highest first. Cells of fewer than ``FEWEST`` units are left out; empty where there is none.
    """
    if not additive or not {"year", *CELL} <= set(rows.columns):
        return pd.DataFrame(columns=[*COLUMNS, *NAMED])
    points = of_rows(state).fillna(0.0)
    there = (rows["year"] == year).to_numpy() & _scores(state).notna().to_numpy()
    points, cells = points[there], rows.loc[there, CELL].reset_index(drop=True)
    points, whole = points.reset_index(drop=True), _scores(state)[there].reset_index(drop=True)
    placed = cells.notna().all(axis=1) & cells["path"].ne("")
    by = [cells.loc[placed, name].astype(str) for name in CELL]
    size = whole[placed].groupby(by).size()
    kept = size.index[size >= FEWEST]
    if kept.empty:
        return pd.DataFrame(columns=[*COLUMNS, *NAMED])
    gaps = points[placed].groupby(by).mean().loc[kept] - points.mean()
    chain = _weights(state).set_index("code")["chain"]
    out = pd.DataFrame({"units": size[kept], "mean": whole[placed].groupby(by).mean()[kept]})
    out["above"] = out["mean"] - whole.mean()
    for name in (c for c in CHAINS if c in set(chain)):
        out[f"with_{name}"] = gaps[list(chain.index[chain == name])].sum(axis=1)
    values = gaps.to_numpy()
    at = np.arange(len(gaps))
    first, last = values.argmax(axis=1), values.argmin(axis=1)
    out = out.assign(most=gaps.columns[first], most_points=values[at, first])
    out = out.assign(worst=gaps.columns[last], worst_points=values[at, last])
    return out.sort_values("above", ascending=False, kind="stable").reset_index()


# -- inside ------------------------------------------------------------------------------------
def _scores(state: record.State) -> pd.Series:
    assert state.index is not None
    return state.index.scores["index"]


def _weights(state: record.State) -> pd.DataFrame:
    assert state.index is not None
    return state.index.weights
