"""One row for each pilot unit: its index, rank with interval, peers, gap with placebo band, obstacle, data grade."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from fusion.evaluation import cards
from fusion.evaluation.errors import EvaluationError
from fusion.evaluation.pilots import UNIT_COLUMN, rows_of
from fusion.language import listed, said

CHAIN = "chain_"  # beginning of the columns of chains' scores


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
        raise EvaluationError(said("evaluation.panel_lacks", lacking=listed(lacking)))
    parts = [_kind(group, panel, str(kind), choices) for kind, group in pilots.groupby("kind", sort=True)]
    scored = pd.concat(parts) if parts else pd.DataFrame(columns=COLUMNS)
    return pilots.join(scored)


def summary(scores: pd.DataFrame) -> pd.DataFrame:
    """Counts and means by kind and scheme, kinds never mixed.

    Returns
    -------
    pandas.DataFrame
        kind, scheme, units, verified, found, index before and after, mean gap, share (%) of units whose gap only a
        tenth of placebo gaps reach, units graded A and B. Empty where nothing was scored.
    """
    if "grade" not in scores:
        return pd.DataFrame()
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


def gaps(scores: pd.DataFrame) -> pd.DataFrame:
    """Units that have a gap: gap, gap_low, gap_high, outside (of the placebo band); empty where none has."""
    if "gap" not in scores:
        return pd.DataFrame()
    found = scores.dropna(subset=["gap"])[["gap", "gap_low", "gap_high"]]
    return found.assign(outside=~found["gap"].between(found["gap_low"], found["gap_high"]))


def best_documented(scores: pd.DataFrame, count: int) -> pd.DataFrame:
    """The first units of each kind, those with the best data first; the chain without the beginning of its column.

    Empty where nothing was scored.
    """
    if "grade" not in scores:
        return pd.DataFrame()
    scores = scores.assign(
        name=scores["name"].where(scores["name"] != "", scores["unit"]),
        obstacle=scores["obstacle"].replace("", np.nan).str.removeprefix(CHAIN),
    )
    order = scores.assign(_order=scores["grade"].map({"A": 0, "B": 1, "C": 2}))
    return order.sort_values(["kind", "_order", "unit"]).groupby("kind").head(count).drop(columns="_order")


def histories(panel: pd.DataFrame, chosen: pd.DataFrame, chains: Sequence[str]) -> pd.DataFrame:
    """Chain scores of some units over the years.

    Parameters
    ----------
    panel : pandas.DataFrame
        As in `scorecard`.
    chosen : pandas.DataFrame
        Rows of `best_documented`.
    chains : sequence of str
        Columns of the chains' scores.

    Returns
    -------
    pandas.DataFrame
        name, grade, start (of the unit), year, chain, score; empty where nobody was chosen.
    """
    parts = []
    for card in chosen.itertuples():
        own = units(panel[rows_of(panel, card.kind, card.unit)], card.kind, chains).droplevel("unit")
        long = own.rename(columns=lambda c: c.removeprefix(CHAIN)).rename_axis(columns="chain").stack()
        long = long.rename("score").reset_index()
        parts.append(long.assign(name=card.name, grade=card.grade, start=card.start))
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()


def units(panel: pd.DataFrame, kind: str, columns: Sequence[str]) -> pd.DataFrame:
    """Means by unit and year: a firm's own values, or those of all firms of a district or park."""
    column = UNIT_COLUMN[kind]
    keep = panel.dropna(subset=[column])
    # Python's own strings: looking a unit up among Arrow's is a hundred times slower.
    grouped = keep.assign(unit=keep[column].astype(str).astype(object)).groupby(["unit", "year"], sort=True)
    return grouped[list(dict.fromkeys(columns))].mean()


# -- inside ------------------------------------------------------------------------------------


def _kind(group: pd.DataFrame, panel: pd.DataFrame, kind: str, choices: Choices) -> pd.DataFrame:
    """Scores of the pilots of one kind."""
    goals = [g for g in group["goal_indicator"].unique() if g and g in panel.columns]
    values = units(panel, kind, [choices.index, *choices.chains, *choices.traits, *goals])
    outcome = values[choices.index].unstack("year")
    comparison = Comparison(
        outcome=outcome,
        values=dict(
            iter(values.loc[values.index.get_level_values("unit").isin(list(group["unit"]))].groupby("unit"))
        ),
        ranks=_ranks(values, choices),
        obstacles=_obstacles(values, choices.chains),
        chains=list(choices.chains),
    )
    paths = _paths(panel, kind)
    pilots = set(group["unit"])
    never = pd.Series(
        {name: paths.get(name, "") for name in outcome.index if name not in pilots}, dtype=object
    )
    # Traits before a start, and who may be a peer, are the same for all units of a path that start together.
    traits = {int(s): _before(values, choices.traits, int(s)) for s in group["start"].unique()}
    pools: dict[tuple[int, str], pd.DataFrame] = {}
    rows = []
    for pilot in group.itertuples():
        start, path = int(pilot.start), paths.get(str(pilot.unit), "")
        if (start, path) not in pools:
            same = traits[start].index.isin(list(never.index[never == path]))
            pools[start, path] = traits[start].loc[same].dropna()
        own = traits[start].reindex([str(pilot.unit)]).to_numpy(float)[0]
        near = cards.nearest(own, pools[start, path], choices.peers)
        rows.append(_row(pilot, comparison, near))
    return pd.DataFrame(rows, columns=COLUMNS, index=group.index)


@dataclass(frozen=True)
class Comparison:
    """What all units of a kind are compared by."""

    outcome: pd.DataFrame  # units × years
    values: dict[str, pd.DataFrame]  # unit: years × columns
    ranks: pd.DataFrame
    obstacles: pd.DataFrame
    chains: list[str]


def _row(pilot: Any, kind: Comparison, near: list[str]) -> list[object]:
    """One pilot's scores, in the order of ``COLUMNS``."""
    start, unit = int(pilot.start), str(pilot.unit)
    if unit not in kind.values:
        return [np.nan] * 11 + [len(kind.ranks), "", np.nan, np.nan, np.nan, "C"]
    years = np.asarray(kind.outcome.columns, dtype=int)
    series = kind.outcome.loc[unit].to_numpy(float)
    before, after = _mean(series[years < start]), _mean(series[years >= start])
    others = kind.outcome.loc[near].to_numpy(float)[:, years >= start]
    levels = np.array([_mean(row) for row in others])
    levels = levels[~np.isnan(levels)]
    percentile = 100 * float((levels < after).mean()) if len(levels) and not np.isnan(after) else np.nan
    found = cards.gap(kind.outcome, unit, near, start)
    own = kind.values[unit].droplevel("unit")
    seen = own.index.to_numpy()
    complete = float(own[kind.chains].notna().to_numpy().mean())
    grade = cards.grade(int((seen < start).sum()), int((seen >= start).sum()), complete)
    gap = [found.gap, found.low, found.high, found.p_value, found.peers]
    place = kind.ranks.loc[unit].tolist() if unit in kind.ranks.index else [np.nan] * 3
    worst = kind.obstacles.loc[unit].tolist() if unit in kind.obstacles.index else ["", np.nan]
    return [before, after, percentile, *gap, *place, len(kind.ranks), *worst, *_goal(pilot, own), grade]


def _mean(values: np.ndarray) -> float:
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) else np.nan


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


def _paths(panel: pd.DataFrame, kind: str) -> dict[str, str]:
    """Main path of each enterprise; regions and parks have none."""
    if UNIT_COLUMN[kind] != "firm_id" or "path" not in panel.columns:
        return {}
    first = panel.sort_values("year").drop_duplicates("firm_id")
    return dict(zip(first["firm_id"].astype(str), first["path"].astype(str), strict=True))


def _obstacles(values: pd.DataFrame, chains: Sequence[str]) -> pd.DataFrame:
    """Chain with the largest obstacle degree in each unit's last year, and its degree."""
    last = values[list(chains)].groupby(level="unit").tail(1).droplevel("year")
    degrees = cards.obstacles(last, [1 / last.shape[1]] * last.shape[1]).dropna(how="all")
    return pd.DataFrame({"chain": degrees.idxmax(axis=1), "degree": degrees.max(axis=1)})


def _goal(pilot: Any, own: pd.DataFrame) -> list[float]:
    """Latest value of the unit's own goal indicator, and its share of the goal."""
    if not pilot.goal_indicator or pilot.goal_indicator not in own.columns:
        return [np.nan, np.nan]
    seen = own[pilot.goal_indicator].dropna()
    if seen.empty or not pilot.goal_value:
        return [np.nan, np.nan]
    return [float(seen.iloc[-1]), float(seen.iloc[-1] / pilot.goal_value)]
