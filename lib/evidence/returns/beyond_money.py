"""Slips of unit beyond money planted in made-up returns: persons, per cent, tons; what is named, and what is named wrongly."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from fusion.editing import counts
from fusion.engine import opened
from fusion.panel.contract import contract
from fusion.panel.synthetic import Settings, generate

KINDS = {"人": "persons", "%": "per cent", "吨标煤": "tons"}
_REAL = (0.25, 0.4, 2.5, 4.0, 8.0, 12.0)  # real jumps of a unit, from some year on


@dataclass(frozen=True)
class Planted:
    """Returns with slips, and what they were.

    Attributes
    ----------
    returns : pandas.DataFrame
    slips : pandas.DataFrame
        ``unit, year, item, factor, kind``.
    jumps : pandas.DataFrame
        ``unit, item``: real changes from some year on.
    """

    returns: pd.DataFrame
    slips: pd.DataFrame
    jumps: pd.DataFrame


def plant(firms: int, seed: int, slipped: int, jumped: int, rough: bool = False) -> Planted:
    """Made-up returns of which some units write one value of a column in another unit, and others really change.

    Parameters
    ----------
    firms, seed : int
        Size and seed of the synthetic panel.
    slipped, jumped : int
        Units with one slip, shared out among kinds, and with one real jump (a quarter to twelve times; shares stay below 100).
    rough : bool
        Adds noise with heavy tails (t with four degrees of freedom) to each value.
    """
    rng = np.random.default_rng(seed)
    frame = generate(Settings(firms=firms), seed=seed)[0].sort_values(["firm_id", "year"], ignore_index=True)
    columns = {
        c.column: c.unit
        for c in contract()
        if c.unit in KINDS and c.column in frame and (frame[c.column] > 0).sum() > len(frame) / 20
    }
    frame[list(columns)] = frame[list(columns)].astype(float)
    if rough:
        frame[list(columns)] *= 10.0 ** (0.05 * rng.standard_t(4, (len(frame), len(columns))))
    for name in (c for c, unit in columns.items() if unit == "%"):
        frame[name] = frame[name].clip(upper=100.0)
    units = rng.permutation(frame["firm_id"].unique())
    jumps = [_jump(frame, unit, rng, columns) for unit in units[slipped : slipped + jumped]]
    kinds = list(dict.fromkeys(columns.values()))
    slips = [_slip(frame, u, rng, columns, kinds[i % len(kinds)]) for i, u in enumerate(units[:slipped])]
    made = pd.DataFrame([s for s in slips if s], columns=["unit", "year", "item", "factor", "kind"])
    return Planted(frame, made, pd.DataFrame([j for j in jumps if j], columns=["unit", "item"]))


def judged(planted: Planted) -> pd.DataFrame:
    """Precision and recall of what is named, by kind and in all.

    Returns
    -------
    pandas.DataFrame
        Index: kind, and ``all``. planted, named (cells), precision, recall (year and column), right (with the factor),
        jumps (real ones that are named).
    """
    money = [c.column for c in contract() if c.unit in {*KINDS, "万元"} and c.column in planted.returns]
    shown = planted.returns[["firm_id", "year", *money]].assign(
        stratum=planted.returns["ind4"].str[:2], source_row=np.arange(len(planted.returns))
    )
    found = counts.find(opened().create_table("returns", shown))
    unit = {c.column: KINDS[c.unit] for c in contract() if c.unit in KINDS}
    found = found.assign(kind=found["item"].map(unit))
    rows = {kind: _measured(planted, found, kind) for kind in [*planted.slips["kind"].unique(), "all"]}
    return pd.DataFrame(rows).T


# -- inside ------------------------------------------------------------------------------------
def _measured(planted: Planted, found: pd.DataFrame, kind: str) -> dict[str, float]:
    truth = planted.slips if kind == "all" else planted.slips[planted.slips["kind"] == kind]
    named = found if kind == "all" else found[found["kind"] == kind]
    cell, whole = ["unit", "year", "item"], ["unit", "year", "item", "factor"]
    told, true = (pd.MultiIndex.from_frame(x[cell]) for x in (named, truth))
    full = pd.MultiIndex.from_frame(named[whole].astype({"factor": int}))
    real = pd.MultiIndex.from_frame(planted.jumps)
    return {
        "planted": len(truth),
        "named": len(named),
        "precision": float(told.isin(true).mean()) if len(named) else np.nan,
        "recall": float(true.isin(told).mean()),
        "right": float(pd.MultiIndex.from_frame(truth[whole].astype({"factor": int})).isin(full).mean()),
        "jumps": float(pd.MultiIndex.from_frame(named[["unit", "item"]]).isin(real).sum()),
    }


def _slip(
    frame: pd.DataFrame, unit: str, rng: np.random.Generator, columns: dict[str, str], kind: str
) -> tuple[object, ...] | None:
    """One cell above zero of a unit, in another unit of measure; both ways, but a per cent never above 10,000."""
    own = frame.index[frame["firm_id"] == unit]
    cells = [(row, c) for c, u in columns.items() if u == kind for row in own if frame.loc[row, c] > 0]
    if not cells:
        return None
    row, item = cells[int(rng.integers(len(cells)))]
    power = int(rng.choice(counts.POWERS[kind])) * (-1 if kind == "%" or rng.random() < 0.5 else 1)
    frame.loc[row, item] *= 10.0**power
    return unit, frame.loc[row, "year"], item, power, KINDS[kind]


def _jump(
    frame: pd.DataFrame, unit: str, rng: np.random.Generator, columns: dict[str, str]
) -> tuple[str, str] | None:
    rows = frame.index[frame["firm_id"] == unit]
    item = str(rng.choice(list(columns)))
    if len(rows) < 3 or not (frame.loc[rows, item] > 0).any():
        return None
    after = rows[int(rng.integers(1, len(rows))) :]
    frame.loc[after, item] *= float(rng.choice(_REAL))
    if columns[item] == "%":
        frame[item] = frame[item].clip(upper=100.0)
    return unit, item
