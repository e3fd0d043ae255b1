"""What a card of one pilot unit shows beside its scores: size before and now, index and chains with ranks, its goals."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from fusion.evaluation.pilots import UNIT_COLUMN, rows_of
from fusion.evaluation.scorecard import CHAIN, Choices, weighted

KEYS = ["scheme", "batch", "unit"]
SIZES = ("employees_avg", "operating_revenue", "service_revenue")
SHARE = "service_share"
YEARS = 3  # over how many years a rank's range is told
CARD, SIZE, SCORE, GOAL = "card", "size", "score", "goal"
GOALS = ["item_name", "item_kind", "goal", "due", "value", "value_year", "reported", "share", "by"]


def profiles(
    chosen: pd.DataFrame, panel: pd.DataFrame, items: pd.DataFrame, choices: Choices
) -> pd.DataFrame:
    """All that the cards of some units show, in parts.

    Parameters
    ----------
    chosen : pandas.DataFrame
        Rows of `scorecard.best_documented`, with conclusions.
    panel : pandas.DataFrame
        As `scorecard.scorecard` takes it.
    items : pandas.DataFrame
        As `plan.achieved` gives them.
    choices : Choices
        As the units were compared.

    Returns
    -------
    pandas.DataFrame
        ``KEYS`` and ``part``: ``card`` (a row a unit: its scores, district and path), ``size`` (item, before, year_before,
        prior, latest, year, is_share: sums over the unit's firms in the year before its start, the last but one and the last),
        ``score`` (item or chain, is_chain, before, since, latest, rank among units of its kind in the last year, its lowest and
        highest in three years, ranked, middle: the median of those), ``goal`` (``GOALS``). Empty where nobody was chosen.
    """
    if chosen.empty:
        return pd.DataFrame()
    at = choices.as_of or int(panel["year"].max())
    panel = panel[panel["year"] <= at]
    parts = [chosen.assign(part=CARD, **_place(chosen, panel))]
    ranks = {str(kind): _ranked(panel, str(kind), choices) for kind in chosen["kind"].unique()}
    for pilot in chosen.itertuples():
        own = panel[rows_of(panel, pilot.kind, pilot.unit, pilot.serves, strict=False)]
        about = {name: getattr(pilot, name) for name in KEYS}
        found = _sizes(own, pilot) + _scores(own, pilot, choices, ranks[str(pilot.kind)])
        parts.append(pd.DataFrame(found).assign(**about) if found else pd.DataFrame())
    asked = items.reindex(columns=[*KEYS, *GOALS]).merge(chosen[KEYS], on=KEYS)
    parts.append(asked.assign(part=GOAL))
    return pd.concat([part for part in parts if len(part)], ignore_index=True)


# -- inside ------------------------------------------------------------------------------------
def _place(chosen: pd.DataFrame, panel: pd.DataFrame) -> dict[str, list[Any]]:
    """District and path of each unit that has one of its own."""
    found: dict[str, list[Any]] = {"district": [], "path": []}
    for pilot in chosen.itertuples():
        own = panel[rows_of(panel, pilot.kind, pilot.unit, "", strict=False)].sort_values("year").tail(1)
        single = UNIT_COLUMN[str(pilot.kind)] == "firm_id"
        for name, told in found.items():
            there = name in own and len(own) > 0 and (single or name == UNIT_COLUMN[str(pilot.kind)])
            told.append(own[name].iloc[0] if there else None)
    return found


def _sizes(own: pd.DataFrame, pilot: Any) -> list[dict[str, Any]]:
    """Sums over a unit's firms before its start, in the last year but one and the last."""
    columns = [name for name in SIZES if name in own]
    sums = own.groupby("year")[columns].sum(min_count=1).dropna(how="all")
    if sums.empty:
        return []
    if {"service_revenue", "operating_revenue"} <= set(columns):
        sums[SHARE] = (
            100 * sums["service_revenue"] / sums["operating_revenue"].where(sums["operating_revenue"] > 0)
        )
    last, earlier = int(sums.index[-1]), sums.index[sums.index < pilot.start]
    first = int(earlier[-1]) if len(earlier) else None
    sums = sums.reindex(sorted({*sums.index, last - 1}))
    return [
        {
            "part": SIZE,
            "item": name,
            "before": sums.loc[first, name] if first else np.nan,
            "year_before": first or np.nan,
            "prior": sums.loc[last - 1, name],
            "latest": sums.loc[last, name],
            "is_share": name == SHARE,
            "year": last,
        }
        for name in sums
    ]


def _ranked(panel: pd.DataFrame, kind: str, choices: Choices) -> pd.DataFrame:
    """Index and chains of all units of a kind by year; empty where the panel has no column for the kind."""
    column = UNIT_COLUMN[kind]
    if column not in panel:
        return pd.DataFrame()
    placed = panel.dropna(subset=[column])
    weight = "" if column == "firm_id" else choices.weight
    return weighted(placed.assign(unit=placed[column].astype(str)), _shown(choices), weight)


def _shown(choices: Choices) -> Sequence[str]:
    return [choices.index, *choices.chains]


def _scores(own: pd.DataFrame, pilot: Any, choices: Choices, every: pd.DataFrame) -> list[dict[str, Any]]:
    """Index and chains before and since the start; their ranks in the last year and over the last three."""
    levels = weighted(own.assign(unit=str(pilot.unit)), _shown(choices), choices.weight).droplevel("unit")
    serves = bool(pilot.serves)
    lines = []
    for name in _shown(choices):
        series = levels[name].dropna()
        if series.empty:
            continue
        line = {
            "part": SCORE,
            "item": None if name in choices.chains else name,
            "is_chain": name in choices.chains,
            "chain": name.removeprefix(CHAIN) if name in choices.chains else None,
            "before": series[series.index < pilot.start].mean(),
            "since": series[(series.index >= pilot.start) & (series.index <= pilot.last)].mean(),
            "latest": series.iloc[-1],
            "year": int(series.index[-1]),
        }
        lines.append(
            line | ({} if serves or every.empty else _rank(every[name], str(pilot.unit), line["year"]))
        )
    return lines


def _rank(values: pd.Series, unit: str, year: int) -> dict[str, float]:
    """Rank of a unit in a year, and the range over the years up to it."""
    wide = values.unstack("year").loc[:, lambda f: (f.columns <= year) & (f.columns > year - YEARS)]
    ranks = wide.rank(ascending=False, method="min")
    if unit not in ranks.index or year not in ranks:
        return {}
    own = ranks.loc[unit]
    return {
        "rank": own[year],
        "rank_low": own.min(),
        "rank_high": own.max(),
        "ranked": float(wide[year].notna().sum()),
        "middle": wide[year].median(),
    }
