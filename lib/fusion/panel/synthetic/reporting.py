"""Errors of reporting: codes that change meaning, wrong start years, wrong units, rows entered twice."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd

from fusion.panel.synthetic.firms import Ints
from fusion.panel.synthetic.rows import Rows, money
from fusion.panel.synthetic.tables import EDITION_2017


def main_codes(rows: Rows) -> np.ndarray:
    """Industry code of each row: the 2011 edition before 2017, the 2017 edition after.

    With an edition break, the chosen firms bear a 2011 code in all years that the 2017 edition gives to another
    class: from 2017 on it stands for something that they do not do.
    """
    s = rows.s
    late = rows.calendar >= EDITION_2017
    old = s.tables.codes["code_2011"].to_numpy(dtype=object)[s.firms.code]
    new = s.tables.codes["code_2017"].to_numpy(dtype=object)[s.firms.code]
    code = np.where(late, new[rows.firm], old[rows.firm])
    chosen = s.streams("edition break").random(s.settings.firms) < s.settings.edition_break
    if chosen.any():
        kept = _trap_codes(rows)
        code = np.where(chosen[rows.firm], kept[rows.firm], code)
    return code


def _trap_codes(rows: Rows) -> np.ndarray:
    """For each firm a 2011 code of its own path, else of another, that lives on with another meaning."""
    s = rows.s
    traps, paths = s.tables.traps, s.tables.paths["path"].tolist()
    draw = s.streams("trap").random(s.settings.firms)
    everywhere = traps.loc[traps["path"] != "service", "code"].to_numpy(dtype=object)
    out = np.empty(s.settings.firms, dtype=object)
    for number, path in enumerate(paths):
        pool = traps.loc[traps["path"] == path, "code"].to_numpy(dtype=object)
        pool = pool if len(pool) else everywhere
        mine = s.firms.path == number
        out[mine] = pool[(draw[mine] * len(pool)).astype(int)]
    return out


def recorded_start(rows: Rows) -> Ints:
    """Recorded start of each firm as a position in the years (-1 = never); some are a year off."""
    s = rows.s
    pilots = np.flatnonzero(s.pilots.treated)
    start = s.pilots.start.copy()
    n = round(s.settings.misdated_share * len(pilots))
    rng = s.streams("misdated")
    wrong = rng.permutation(pilots)[:n]
    step = np.where(rng.random(len(pilots))[:n] < 0.5, -1, 1)
    start[wrong] += np.where(start[wrong] + step < len(s.years), step, -1)
    return start


def slip_units(panel: pd.DataFrame, money_columns: list[str], rows: Rows) -> None:
    """Put the money of some rows in 千元 instead of 万元 (ten times the number), in place."""
    share = rows.s.settings.unit_slips
    slipped = rows.uniform("unit slips") < share
    if not slipped.any():
        return
    for column in money_columns:
        values = panel[column].to_numpy(dtype=float, copy=True)
        values[slipped] = money(10 * values[slipped])
        panel[column] = values
    if "service_rev_by_class" in panel:
        texts = panel["service_rev_by_class"].astype(object)
        at = np.flatnonzero(slipped & texts.notna().to_numpy())
        texts.iloc[at] = [_tenfold(text) for text in texts.iloc[at]]
        panel["service_rev_by_class"] = texts.astype("str")


def _tenfold(text: str) -> str:
    return json.dumps({code: round(10 * amount, 2) for code, amount in json.loads(text).items()})


def enter_twice(panel: pd.DataFrame, rows: Rows) -> pd.DataFrame:
    """Some rows once more, right after themselves."""
    twice = rows.uniform("entered twice") < rows.s.settings.duplicate_ids
    if not twice.any():
        return panel
    return panel.take(np.repeat(np.arange(len(panel)), 1 + twice)).reset_index(drop=True)
