"""One row for each pilot unit: its index, rank with interval, peers, gap with placebo band, obstacle, data grade."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from fusion.evaluation import cards
from fusion.evaluation.errors import EvaluationError
from fusion.evaluation.pilots import UNIT_COLUMN


@dataclass(frozen=True)
class Choices:
    """How units are compared.

    Parameters
    ----------
    index : str
        Column of the index.
    chains : tuple of str
        Columns of the chains' scores, 0–100.
    traits : tuple of str
        Columns in which peers must resemble the unit before its start.
    peers : int
        Peers to take.
    draws, concentration, seed
        Of the rank intervals, see :func:`cards.rank_interval`.
    """

    index: str
    chains: tuple[str, ...]
    traits: tuple[str, ...]
    peers: int = 20
    draws: int = 500
    concentration: float = 50.0
    seed: int = 1


COLUMNS = [
    "index_before", "index_after", "percentile", "gap", "gap_low", "gap_high", "gap_p", "peers", "rank", "rank_low",
    "rank_high", "ranked", "obstacle", "obstacle_share", "goal_latest", "goal_share", "grade",
]  # fmt: skip


def scorecard(pilots: pd.DataFrame, panel: pd.DataFrame, choices: Choices) -> pd.DataFrame:
    """Evaluate every pilot unit; kinds are kept apart, and a unit is compared with units of its kind alone.

    Parameters
    ----------
    pilots : pandas.DataFrame
        As ``pilots.matched`` gives them.
    panel : pandas.DataFrame
        firm_id, year, the columns of the kinds' units, index, chains, traits and goal indicators; where there is a
        column ``path``, an enterprise's peers are of its path.
    choices : Choices
        How to compare.

    Returns
    -------
    pandas.DataFrame
        The pilots with ``COLUMNS``: index before and from the start on (means over years), percentile of the latter
        among peers, matched gap and 90 % placebo band, rank of the last year with its 90 % interval, the chain that
        holds it back most, progress to its own goal, grade of the data (A, B, C). NaN where data do not allow it.
    """
    lacking = [c for c in (choices.index, *choices.chains, *choices.traits) if c not in panel.columns]
    if lacking:
        raise EvaluationError(f"the panel lacks the columns {', '.join(lacking)}")
    parts = [_kind(group, panel, str(kind), choices) for kind, group in pilots.groupby("kind", sort=True)]
    scored = pd.concat(parts) if parts else pd.DataFrame(columns=COLUMNS)
    return pilots.join(scored)


def summary(scores: pd.DataFrame) -> pd.DataFrame:
    """Counts and means by kind and scheme, kinds never mixed.

    Returns
    -------
    pandas.DataFrame
        kind, scheme, units, verified, found, index before and after, mean gap, share (%) of units whose gap only a
        tenth of placebo gaps reach, units graded A and B.
    """
    grouped = scores.groupby(["kind", "scheme"], sort=True)
    return grouped.agg(
        units=("unit", "size"),
        verified=("verified", "sum"),
        found=("found", "sum"),
        before=("index_before", "mean"),
        after=("index_after", "mean"),
        gap=("gap", "mean"),
        unusual=("gap_p", lambda p: 100 * (p.dropna() <= 0.1).mean()),
        a=("grade", lambda g: (g == "A").sum()),
        b=("grade", lambda g: (g == "B").sum()),
    ).reset_index()


def best_documented(scores: pd.DataFrame, count: int) -> pd.DataFrame:
    """The first units of each kind, those with the best data first."""
    order = scores.assign(_order=scores["grade"].map({"A": 0, "B": 1, "C": 2}))
    return order.sort_values(["kind", "_order", "unit"]).groupby("kind").head(count).drop(columns="_order")


def units(panel: pd.DataFrame, kind: str, columns: Sequence[str]) -> pd.DataFrame:
    """Means by unit and year: a firm's own values, or those of all firms of a district or park."""
    column = UNIT_COLUMN[kind]
    keep = panel.dropna(subset=[column])
    grouped = keep.assign(unit=keep[column].astype(str)).groupby(["unit", "year"], sort=True)
    return grouped[list(dict.fromkeys(columns))].mean()


# -- inside ------------------------------------------------------------------------------------


def _kind(group: pd.DataFrame, panel: pd.DataFrame, kind: str, choices: Choices) -> pd.DataFrame:
    """Scores of the pilots of one kind."""
    goals = [g for g in group["goal_indicator"].unique() if g and g in panel.columns]
    values = units(panel, kind, [choices.index, *choices.chains, *choices.traits, *goals])
    outcome = values[choices.index].unstack("year")
    ranks = _ranks(values, choices)
    paths = _paths(panel, kind)
    never = [name for name in outcome.index if name not in set(group["unit"])]
    # Traits before a start are the same for all units that start in the same year.
    traits = {int(s): _before(values, choices.traits, int(s)) for s in group["start"].unique()}
    rows = []
    for pilot in group.itertuples():
        same = never if paths is None else [n for n in never if paths.get(n) == paths.get(pilot.unit)]
        near = cards.peers(traits[int(pilot.start)], str(pilot.unit), same, choices.peers)
        rows.append(_row(pilot, outcome, values, near, ranks, choices))
    return pd.DataFrame(rows, columns=COLUMNS, index=group.index)


def _row(pilot, outcome, values, near: list[str], ranks: pd.DataFrame, choices: Choices) -> list[object]:  # type: ignore[no-untyped-def]
    """One pilot's scores, in the order of ``COLUMNS``."""
    start, unit = int(pilot.start), str(pilot.unit)
    blank = [np.nan] * 11 + [len(ranks), "", np.nan, np.nan, np.nan, "C"]
    if unit not in outcome.index:
        return blank
    own = outcome.loc[unit]
    before, after = own[own.index < start].mean(), own[own.index >= start].mean()
    others = outcome.loc[near, outcome.columns >= start].mean(axis=1).dropna()
    percentile = 100 * (others < after).mean() if len(others) and pd.notna(after) else np.nan
    found = cards.gap(outcome, unit, near, start)
    place = (
        ranks.loc[unit] if unit in ranks.index else pd.Series({"rank": np.nan, "low": np.nan, "high": np.nan})
    )
    obstacle, share = _obstacle(values.loc[unit, list(choices.chains)].iloc[-1:])
    latest, progress = _goal(pilot, values.loc[unit])
    complete = float(values.loc[unit, list(choices.chains)].notna().to_numpy().mean())
    years = values.loc[unit].index
    grade = cards.grade(int((years < start).sum()), int((years >= start).sum()), complete)
    gap = [found.gap, found.low, found.high, found.p_value, found.peers]
    rank = [place["rank"], place["low"], place["high"], len(ranks)]
    return [before, after, percentile, *gap, *rank, obstacle, share, latest, progress, grade]


def _ranks(values: pd.DataFrame, choices: Choices) -> pd.DataFrame:
    """Ranks of the last year."""
    last = values.xs(values.index.get_level_values("year").max(), level="year")[list(choices.chains)]
    last = last.dropna(how="all")
    equal = np.full(len(choices.chains), 1 / len(choices.chains))
    return cards.rank_interval(
        last, equal, draws=choices.draws, concentration=choices.concentration, seed=choices.seed
    )


def _before(values: pd.DataFrame, traits: Sequence[str], start: int) -> pd.DataFrame:
    """Traits of every unit in its last three years before a start."""
    years = values.index.get_level_values("year")
    return values.loc[(years < start) & (years >= start - 3), list(traits)].groupby(level="unit").mean()


def _paths(panel: pd.DataFrame, kind: str) -> dict[str, str] | None:
    """Main path of each enterprise; regions and parks have none."""
    if UNIT_COLUMN[kind] != "firm_id" or "path" not in panel.columns:
        return None
    first = panel.sort_values("year").drop_duplicates("firm_id")
    return dict(zip(first["firm_id"].astype(str), first["path"].astype(str), strict=True))


def _obstacle(last: pd.DataFrame) -> tuple[str, float]:
    """Chain with the largest obstacle degree in the last year, and its degree."""
    degrees = cards.obstacles(last, [1 / last.shape[1]] * last.shape[1]).iloc[0].dropna()
    return (str(degrees.idxmax()), float(degrees.max())) if len(degrees) else ("", np.nan)


def _goal(pilot, own: pd.DataFrame) -> tuple[float, float]:  # type: ignore[no-untyped-def]
    """Latest value of the unit's own goal indicator, and its share of the goal."""
    if not pilot.goal_indicator or pilot.goal_indicator not in own.columns:
        return np.nan, np.nan
    seen = own[pilot.goal_indicator].dropna()
    if seen.empty or not pilot.goal_value:
        return np.nan, np.nan
    return float(seen.iloc[-1]), float(seen.iloc[-1] / pilot.goal_value)
