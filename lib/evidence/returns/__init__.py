"""Slips planted in made-up returns: how many are found, how many calls it takes to mend the totals.

``python -m evidence.returns`` prints precision, recall and the share of the error in totals that calls remove, on smooth and on
rough accounts; a short version is a test.
"""

from __future__ import annotations

from dataclasses import dataclass

import ibis
import numpy as np
import pandas as pd

from fusion.editing import scores, slips
from fusion.editing.blocks import STAFF, items
from fusion.engine import opened
from fusion.panel.synthetic import Settings, generate

_FACTORS, _SHARES = np.array([1, -1, 3, -3, 4, -4]), np.array([0.35, 0.25, 0.15, 0.08, 0.12, 0.05])
_TOTALS = ("operating_revenue", "gross_output", "value_added", "total_assets")
_JUMPS = {"merger": 0.3, "spin_off": 0.3, "threefold": 0.2, "seven_to_fourteen": 0.1, "one_year": 0.1}


@dataclass(frozen=True)
class Planted:
    """Returns with slips, and what they were.

    Attributes
    ----------
    returns, right : pandas.DataFrame
        As reported, and without the slips; real jumps are in both.
    slips : pandas.DataFrame
        ``unit, year, factor, item`` (``*``: the whole form).
    jumps : pandas.DataFrame
        ``unit, kind``.
    """

    returns: pd.DataFrame
    right: pd.DataFrame
    slips: pd.DataFrame
    jumps: pd.DataFrame


def plant(firms: int, seed: int, slipped: int, jumped: int, rough: bool = False) -> Planted:
    """Made-up returns with slips of unit and real jumps.

    Parameters
    ----------
    firms, seed : int
        Size and seed of the synthetic panel.
    slipped, jumped : int
        Units with one slip, and with one real jump (mergers, spin-offs, three and seven to fourteen times the money,
        one-year peaks).
    rough : bool
        Adds noise with heavy tails (t with four degrees of freedom) to rows and cells.
    """
    rng = np.random.default_rng(seed)
    frame = generate(Settings(firms=firms), seed=seed)[0].sort_values(["firm_id", "year"], ignore_index=True)
    money = [c for c in items() if c in frame]
    frame[[*money, STAFF]] = frame[[*money, STAFF]].astype(float)
    if rough:
        row, cell = rng.standard_t(4, (len(frame), 1)), rng.standard_t(4, (len(frame), len(money)))
        frame[money] *= 10.0 ** (0.05 * row + 0.06 * cell)
    starts = frame.groupby("firm_id").cumcount()
    length = frame.groupby("firm_id")["year"].transform("size")
    units = rng.permutation(frame["firm_id"].unique())
    jumps = [_jump(frame, u, rng, money, starts, length) for u in units[slipped : slipped + jumped]]
    right = frame.copy()
    planted = [_slip(frame, unit, rng, money) for unit in units[:slipped]]
    names = ["unit", "year", "factor", "item"]
    return Planted(
        frame, right, pd.DataFrame(planted, columns=names), pd.DataFrame(jumps, columns=["unit", "kind"])
    )


def _slip(frame: pd.DataFrame, unit: str, rng: np.random.Generator, money: list[str]) -> tuple[object, ...]:
    """One slip of a unit in a year drawn at random: three in five of the whole form."""
    row = int(rng.choice(np.flatnonzero(frame["firm_id"] == unit)))
    factor = int(rng.choice(_FACTORS, p=_SHARES))
    single = [c for c in money if frame.loc[row, c] > 0 and not items()[c].difference]
    item = "*" if rng.random() < 0.6 else str(rng.choice(single))
    columns = money if item == "*" else [item]
    frame.loc[row, columns] = frame.loc[row, columns].astype(float) * 10.0**factor
    return unit, frame.loc[row, "year"], factor, item


def _jump(
    frame: pd.DataFrame,
    unit: str,
    rng: np.random.Generator,
    money: list[str],
    starts: pd.Series,
    length: pd.Series,
) -> tuple[str, str]:
    """A real jump from some year on; money alone, or with the employees."""
    kind = str(rng.choice(list(_JUMPS), p=list(_JUMPS.values())))
    rows = np.flatnonzero((frame["firm_id"] == unit) & (starts > 0) & (length >= 3))
    if not len(rows):
        return unit, "none"
    row = int(rng.choice(rows))
    after = (frame["firm_id"] == unit) & (frame["year"] >= frame.loc[row, "year"])
    size = {"threefold": 3.0, "seven_to_fourteen": rng.uniform(7, 14), "one_year": rng.uniform(3, 5)}.get(
        kind, rng.uniform(2, 10)
    )
    size = 1 / size if kind == "spin_off" else size
    where = frame.index == row if kind == "one_year" else after
    columns = [*money, STAFF] if kind in ("merger", "spin_off") else money
    frame.loc[where, columns] *= size
    return unit, kind


def judged(planted: Planted) -> dict[str, float]:
    """Precision and recall, named and listed, and the share of the error in totals that calls remove.

    Returns
    -------
    dict of str to float
        ``precision``, ``recall`` (named, P > .5), ``right`` (unit, year, item and factor named), ``listed_precision``,
        ``listed_recall``, ``mergers`` (mergers and spin-offs that are named), ``calls_10``, ``calls_50``, ``calls_200``.
    """
    table, found = _found(planted)
    truth = pd.MultiIndex.from_frame(planted.slips[["unit", "year"]])
    named, listed = (pd.MultiIndex.from_frame(x[["unit", "year"]]) for x in (found.named(), found.listed()))
    changed = planted.jumps.loc[planted.jumps["kind"].isin(["merger", "spin_off"]), "unit"]
    out = {
        "precision": named.isin(truth).mean(),
        "recall": truth.isin(named).mean(),
        "right": _right(found, planted.slips),
        "listed_precision": listed.isin(truth).mean(),
        "listed_recall": truth.isin(listed).mean(),
        "mergers": float(named.get_level_values(0).isin(changed).sum()),
    }
    return {k: float(v) for k, v in (out | _removed(planted, table, found)).items()}


def _found(planted: Planted) -> tuple[ibis.Table, slips.Found]:
    frame = planted.returns
    money = [c for c in items() if c in frame]
    con = opened()
    shown = frame[["firm_id", "year", STAFF, "district", *money]].assign(
        stratum=frame["ind4"].str[:2], source_row=np.arange(len(frame))
    )
    table = con.create_table("returns", shown)
    return table, slips.find(table)


def _right(found: slips.Found, truth: pd.DataFrame) -> float:
    """Share of slips of which year, item and factor are named."""
    forms = found.rows.loc[found.rows["form"] > found.settings.named, ["unit", "year", "factor"]].assign(
        item="*"
    )
    sure = found.cells.loc[found.cells["slip"] > found.settings.named]
    rows = found.rows.loc[sure["position"].to_numpy(int), ["unit", "year"]].reset_index(drop=True)
    cells = rows.assign(factor=sure["factor"].to_numpy(int), item=sure["item"].to_numpy())
    columns = ["unit", "year", "factor", "item"]
    named = pd.MultiIndex.from_frame(pd.concat([forms, cells])[columns].astype({"factor": int}))
    return float(pd.MultiIndex.from_frame(truth[columns]).isin(named).mean())


def _removed(planted: Planted, table: ibis.Table, found: slips.Found) -> dict[str, float]:
    """Share of Σ|total − true total| / true total that is gone after the first calls."""
    publication = scores.Publication(_TOTALS, {"district": 0.1})
    lines = scores.doubts(table, found, publication)
    calls = scores.ranked(lines, scores.totals(table, lines, publication), publication)
    calls = calls.drop_duplicates(["unit", "year"])[["unit", "year"]].reset_index(drop=True)
    wrong = planted.returns[list(_TOTALS)] - planted.right[list(_TOTALS)]
    keys = pd.MultiIndex.from_frame(planted.returns[["firm_id", "year"]])
    true = planted.right.groupby("year")[list(_TOTALS)].sum()

    def left(done: int) -> float:
        answered = keys.isin(pd.MultiIndex.from_frame(calls.head(done)))
        rest = wrong.mask(answered[:, None].repeat(wrong.shape[1], 1), 0.0)
        return float((rest.groupby(planted.returns["year"]).sum().abs() / true).to_numpy().sum())

    return {f"calls_{n}": 1.0 - left(n) / left(0) for n in (10, 50, 200)}
