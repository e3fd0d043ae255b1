"""Slips of unit beyond money: 人 for 万人, a share for per cent, 吨 for 万吨. The chains are those of money items.

Each column is judged by itself: its change from year to year and its level against the peers', of staff and energy per yuan
of revenue. A slip that all units of a file share is not seen here.
"""

from __future__ import annotations

from collections.abc import Collection

import ibis
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fusion.editing import chains
from fusion.editing.blocks import spread
from fusion.editing.settings import OTHER, Floats, Settings, States, sizes
from fusion.panel.contract import ROW, contract

# Powers of ten by which a unit is mistaken for another of its kind, both ways.
POWERS = {"人": (4,), "吨标煤": (3, 4), "%": (2,)}
ANCHOR = "operating_revenue"  # what staff and energy are held against
COLUMNS = ["unit", "year", ROW, "item", "value", "suggested", "factor", "slip"]
_ODD_CHANGE, _ODD_LEVEL = 0.5, 0.7
_LEAST_SIGMA, _LEAST_LEVEL = 0.05, 0.2
_MOST_RARE, _FEWEST = 0.5, 30  # values below which a column says nothing of itself


def find(
    table: ibis.Table,
    settings: Settings | None = None,
    confirmed: Collection[tuple[int, str]] = (),
) -> pd.DataFrame:
    """Cells of columns in persons, per cent and tons that are named as slips of unit.

    Parameters
    ----------
    table : ibis.Table
        Returns: ``firm_id``, ``year``, ``source_row``, ``stratum`` where known, and columns of the contract.
    settings : Settings, optional
        Constants of the model.
    confirmed : collection of (int, str)
        Rows and fields whose value was confirmed.

    Returns
    -------
    pandas.DataFrame
        ``unit, year, source_row, item, value, suggested, factor, slip`` (P), where P is above one half.
    """
    settings = settings or Settings()
    known = {c.column: POWERS[c.unit] for c in contract() if c.unit in POWERS and c.column in table.columns}
    told = [_of_column(table, name, powers, settings) for name, powers in known.items()]
    out = pd.concat([t for t in told if len(t)] or [pd.DataFrame(columns=COLUMNS)], ignore_index=True)
    quiet = {(int(row), field) for row, field in confirmed}
    mine = [
        (int(r), i) in quiet or (int(r), "*") in quiet for r, i in zip(out[ROW], out["item"], strict=True)
    ]
    return out.loc[~np.array(mine, bool)].reset_index(drop=True)


# -- inside ------------------------------------------------------------------------------------
def _of_column(table: ibis.Table, name: str, powers: tuple[int, ...], settings: Settings) -> pd.DataFrame:
    value = table[name].cast("float64")
    anchored = powers != POWERS["%"] and ANCHOR in table.columns
    anchor = table[ANCHOR].cast("float64") if anchored else ibis.literal(1.0)
    stratum = table["stratum"] if "stratum" in table.columns else ibis.literal("")
    asked = table.select("firm_id", "year", ROW, value=value, anchor=anchor, stratum=stratum)
    there = asked.filter(asked["firm_id"].notnull(), asked["year"].notnull(), asked["value"] > 0)  # noqa: PD004
    frame = there.order_by("firm_id", "year", ROW).to_pandas()
    if len(frame) < _FEWEST:
        return pd.DataFrame(columns=COLUMNS)
    log = np.log10(frame["value"].to_numpy(float))
    number = pd.factorize(frame["firm_id"])[0].astype(np.intp)
    change = np.diff(log, prepend=np.nan)
    change[np.r_[True, number[1:] != number[:-1]]] = np.nan
    level = _level(frame, log)
    sigma, height = max(_LEAST_SIGMA, spread(change)), max(_LEAST_LEVEL, spread(level))
    odd = np.abs(np.nan_to_num(change)) > _ODD_CHANGE
    odd |= np.abs(np.nan_to_num(level)) > max(_ODD_LEVEL, 2.5 * height)
    steps = chains.Steps(chains.rare(change, sigma, settings.spread_cell, _MOST_RARE), settings.spread_cell)
    law = chains.Level(height, heavy=0.1, spread=1.0)
    where = list(chains.by_length(number, odd))
    groups = [(chains.Series(change[i], np.full(i.shape, sigma), level[i]), steps, law) for i in where]
    calm = (len(log) - sum(i.size for i in where)) * (1.0 - settings.stays)
    states = chains.fitted(groups, _states(powers, settings), settings, calm)
    told = [
        _told(frame, i, chains.posterior(series, states, step, own, settings.stays)[0], states, settings)
        for i, (series, step, own) in zip(where, groups, strict=True)
    ]
    return pd.concat(told).assign(item=name)[COLUMNS] if told else pd.DataFrame(columns=COLUMNS)


def _level(frame: pd.DataFrame, log: Floats) -> Floats:
    """log10 of the value, per yuan where it is anchored, against the median of the stratum and year, else of the year."""
    with np.errstate(divide="ignore", invalid="ignore"):
        anchor = frame["anchor"].to_numpy(float)
        own = pd.Series(log - np.log10(np.where(anchor > 0, anchor, np.nan)), index=frame.index)
    fine = own.groupby([frame["stratum"].fillna(""), frame["year"]])
    middle = fine.transform("median").where(
        fine.transform("count") >= 10, own.groupby(frame["year"]).transform("median")
    )
    return np.asarray(own - middle, dtype=float)


def _states(powers: tuple[int, ...], settings: Settings) -> States:
    """Right, a slip by one of the powers either way, or something else of that size."""
    slips = np.array([s * k for k in powers for s in (1, -1)], dtype=float)
    rare = np.sort(np.r_[-np.array(OTHER), np.array(OTHER)])
    start = settings.start_cell
    share = np.r_[1.0 - 2 * start, np.full(len(slips), start / len(slips)), start * sizes(rare, 0.4)]
    return States(
        np.r_[0.0, slips, rare], np.r_[np.zeros(1 + len(slips), bool), np.ones(len(rare), bool)], share
    )


def _told(
    frame: pd.DataFrame, i: NDArray[np.intp], probability: Floats, states: States, settings: Settings
) -> pd.DataFrame:
    """Lines of the cells whose P of a slip is above one half."""
    told = probability[..., states.slips]
    factor = states.values[states.slips][told.argmax(-1)].ravel()
    slip = told.sum(-1).ravel()
    lines = (
        frame.iloc[i.ravel()].assign(slip=slip, factor=factor.astype(int)).rename(columns={"firm_id": "unit"})
    )
    lines["suggested"] = lines["value"] * 10.0 ** -lines["factor"].astype(float)
    return lines.loc[lines["slip"] > settings.named]
