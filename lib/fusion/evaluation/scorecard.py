"""One row for each pilot unit: its index, rank with interval, peers, gap with placebo band, obstacle, data grade.

A unit of several firms (region, park, what a platform serves) is their mean weighted by size. "Since the start" ends with
the pilot's term. Changes are on comparable scope: firms that are there before and since, in the years of the unit itself.
"""

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

UNUSUAL = 0.1  # share of placebo gaps that reach a gap which is called unusual
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
    weight : str
        Column that firms of a region, park or platform are weighted by; where the panel lacks it they count alike.
    as_of : int, optional
        Year of the evaluation; later years do not count. By default the panel's last.
    peers : int
        Peers to take.
    draws, concentration, seed
        Of the rank intervals, see :func:`cards.rank_interval`.
    """

    index: str
    chains: tuple[str, ...]
    traits: tuple[str, ...]
    weight: str = "operating_revenue"
    as_of: int | None = None
    peers: int = 20
    draws: int = 500
    concentration: float = 50.0
    seed: int = 1


COLUMNS = [
    "index_before", "index_after", "percentile", "gap", "gap_low", "gap_high", "gap_p", "peers", "rank", "rank_low",
    "rank_high", "ranked", "obstacle", "obstacle_share", "both", "largest", "largest_share", "silent", "grade",
]  # fmt: skip


def scorecard(pilots: pd.DataFrame, panel: pd.DataFrame, choices: Choices) -> pd.DataFrame:
    """Evaluate every pilot unit; kinds are kept apart, and a unit is compared with units of its kind alone.

    Parameters
    ----------
    pilots : pandas.DataFrame
        As ``pilots.matched`` gives them.
    panel : pandas.DataFrame
        firm_id, year, the columns of the kinds' units, index, chains, traits and weight; where there is a column
        ``path``, an enterprise's peers are of its path.
    choices : Choices
        How to compare.

    Returns
    -------
    pandas.DataFrame
        The pilots with ``COLUMNS``: index before and since the start (means over years), percentile of the latter among
        peers, matched gap and 90 % placebo band, rank in the year of the evaluation with its 90 % interval, the chain
        that holds it back most, firms on both sides of the start, the largest firm and its share of the weight (%, in
        units of several firms), the share (%) of its firm-years, by their weight, that have no index (``silent``), grade of
        the data (A, B, C). NaN where data do not allow it. A platform that serves
        others is compared with all firms it does not serve, without a band.
    """
    lacking = [c for c in (choices.index, *choices.chains, *choices.traits) if c not in panel.columns]
    if lacking:
        raise EvaluationError(said("evaluation.panel_lacks", lacking=listed(lacking)))
    panel = panel[panel["year"] <= choices.as_of] if choices.as_of else panel
    serving = pilots["serves"] != ""
    groups = list(pilots[~serving].groupby("kind", sort=True))
    known = [UNIT_COLUMN[str(kind)] in panel.columns for kind, _ in groups]
    parts = [
        _kind(g, panel, str(k), choices) if there else _absent(g)
        for (k, g), there in zip(groups, known, strict=True)
    ]
    parts += [_serving(pilots[serving], panel, choices)] if serving.any() else []
    scored = pd.concat(parts) if parts else pd.DataFrame(columns=COLUMNS)
    return pilots.join(scored)


def summary(scores: pd.DataFrame) -> pd.DataFrame:
    """Counts and means by kind and scheme, kinds never mixed.

    Returns
    -------
    pandas.DataFrame
        kind, scheme, units, verified, found, index before and after, mean gap, share (%) of units whose gap only a
        tenth of placebo gaps reach, and the share that would if all were like their peers, mean share of firm-years without
        index (%), units graded A and B. Empty where nothing was scored.
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
        unusual=("gap_p", lambda p: 100 * (p.dropna() <= UNUSUAL).mean()),
        by_chance=(
            "peers",
            lambda k: 100 * k[k > 0].map(lambda n: cards.unusual_by_chance(int(n), UNUSUAL)).mean(),
        ),
        silent=("silent", "mean"),
        a=("grade", lambda g: (g == "A").sum()),
        b=("grade", lambda g: (g == "B").sum()),
    ).reset_index()


def unusual_parts(scores: pd.DataFrame) -> pd.DataFrame:
    """Which units are behind the share of unusual gaps in `summary`.

    Returns
    -------
    pandas.DataFrame
        kind, scheme, unit, unusual_part (1: its gap is), unusual_whole (1); units with placebo gaps alone.
    """
    columns = ["kind", "scheme", "unit", "unusual_part", "unusual_whole"]
    if "gap_p" not in scores:
        return pd.DataFrame(columns=columns)
    known = scores.dropna(subset=["gap_p"])
    return known.assign(unusual_part=(known["gap_p"] <= UNUSUAL).astype(int), unusual_whole=1)[columns]


def gaps(scores: pd.DataFrame) -> pd.DataFrame:
    """Units that have a gap: gap, gap_low, gap_high, outside (of the placebo band), chance (of it for one like its peers, %)."""
    if "gap" not in scores:
        return pd.DataFrame()
    found = scores.dropna(subset=["gap"])
    outside = ~found["gap"].between(found["gap_low"], found["gap_high"])
    chance = 100 * found["peers"].map(lambda k: cards.outside_by_chance(int(k))).astype(float)
    return found[["gap", "gap_low", "gap_high"]].assign(outside=outside, chance=chance)


def concentrated(scores: pd.DataFrame) -> pd.DataFrame:
    """Units of several firms: kind, name, firms, both (on both sides of the start), largest firm, its share (%).

    Sorted by that share; empty where there is none.
    """
    if "largest_share" not in scores:
        return pd.DataFrame()
    several = named(scores[scores["largest_share"].notna()])
    columns = ["kind", "name", "firms", "both", "largest", "largest_share", "gap"]
    return several.sort_values("largest_share", ascending=False)[columns].reset_index(drop=True)


def named(scores: pd.DataFrame) -> pd.DataFrame:
    """Scores whose units without a name bear their identifier."""
    return scores.assign(name=scores["name"].where(scores["name"] != "", scores["unit"]))


def best_documented(scores: pd.DataFrame, count: int) -> pd.DataFrame:
    """The first units of each kind, those with the best data first; the chain without the beginning of its column.

    Empty where nothing was scored.
    """
    if "grade" not in scores:
        return pd.DataFrame()
    scores = named(scores).assign(obstacle=scores["obstacle"].replace("", np.nan).str.removeprefix(CHAIN))
    order = scores.assign(_order=scores["grade"].map({"A": 0, "B": 1, "C": 2}))
    return order.sort_values(["kind", "_order", "unit"]).groupby("kind").head(count).drop(columns="_order")


def histories(panel: pd.DataFrame, chosen: pd.DataFrame, chains: Sequence[str], weight: str) -> pd.DataFrame:
    """Chain scores of some units over the years.

    Parameters
    ----------
    panel : pandas.DataFrame
        As in `scorecard`.
    chosen : pandas.DataFrame
        Rows of `best_documented`.
    chains : sequence of str
        Columns of the chains' scores.
    weight : str
        Column that firms of a unit are weighted by.

    Returns
    -------
    pandas.DataFrame
        name, grade, start (of the unit), year, chain, score; empty where nobody was chosen.
    """
    parts = []
    for card in chosen.itertuples():
        rows = panel[rows_of(panel, card.kind, card.unit, card.serves)]
        own = weighted(rows.assign(unit=card.unit), chains, weight).droplevel("unit")
        long = own.rename(columns=lambda c: c.removeprefix(CHAIN)).rename_axis(columns="chain").stack()
        long = long.rename("score").reset_index()
        parts.append(long.assign(name=card.name, grade=card.grade, start=card.start))
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()


def weighted(panel: pd.DataFrame, columns: Sequence[str], weight: str) -> pd.DataFrame:
    """Means by unit and year over its firms, weighted by size; missing values carry no weight.

    Parameters
    ----------
    panel : pandas.DataFrame
        unit, year, the columns, and the weight where there is one.
    columns : sequence of str
        What is averaged.
    weight : str
        Column of the weight; a missing or negative one counts as zero, and without any firms count alike.
    """
    names = list(dict.fromkeys(columns))
    size = panel[weight].clip(lower=0).fillna(0.0) if weight in panel.columns else pd.Series(1.0, panel.index)
    values = panel[names].astype(float)
    # Python's own strings: looking a unit up among Arrow's is a hundred times slower.
    by = [panel["unit"].astype(str).astype(object), panel["year"]]
    total = values.mul(size, axis=0).groupby(by).sum(min_count=1)
    held = values.notna().mul(size, axis=0).groupby(by).sum()
    return (total / held.where(held > 0)).rename_axis(["unit", "year"])


# -- inside ------------------------------------------------------------------------------------


NOWHERE: list[object] = [np.nan] * 12 + [
    "",
    np.nan,
    0,
    "",
    np.nan,
    np.nan,
    "C",
]  # scores of a unit that the panel lacks


def _absent(group: pd.DataFrame) -> pd.DataFrame:
    """Scores of units of a kind that the panel has no column for."""
    return pd.DataFrame([NOWHERE] * len(group), columns=COLUMNS, index=group.index)


def _placed(panel: pd.DataFrame, kind: str) -> pd.DataFrame:
    column = UNIT_COLUMN[kind]
    keep = panel.dropna(subset=[column])
    return keep.assign(unit=keep[column].astype(str))


def _kind(group: pd.DataFrame, panel: pd.DataFrame, kind: str, choices: Choices) -> pd.DataFrame:
    """Scores of the pilots of one kind."""
    placed, single = _placed(panel, kind), UNIT_COLUMN[kind] == "firm_id"
    weight = "" if single else choices.weight
    values = weighted(placed, [choices.index, *choices.chains, *choices.traits], weight)
    chains = list(choices.chains)
    own = values.loc[values.index.get_level_values("unit").isin(list(group["unit"])), chains]
    known = own.notna().sum(axis=1).groupby(level="unit")
    shared = {
        "levels": _quick(values[choices.index].unstack("year")),
        "complete": (known.sum() / (known.size() * len(chains))).to_dict(),
        "ranks": _by_name(_ranks(values, choices)),
        "obstacles": _by_name(_obstacles(values, choices.chains)),
        "sizes": {} if single else _by_name(_sizes(placed, group, choices.weight)),
        "silent": _silent(placed, choices.index, weight),
    }
    paths, pilots = _paths(panel, kind), set(group["unit"])
    never = pd.Series({u: paths.get(u, "") for u in shared["levels"].index if u not in pilots}, dtype=object)
    parts = []
    # Traits before a start, who may be a peer, and who is there on both sides, are the same for units of one term.
    for (start, last), units in group.groupby(["start", "last"], sort=True):
        traits = _before(values, choices.traits, int(start))
        outcome, both = shared["levels"], shared["levels"].notna().any(axis=1).astype(int)
        if not single:
            rows = _both_sides(placed, choices.index, int(start), int(last))
            outcome = _quick(weighted(rows, [choices.index], weight)[choices.index].unstack("year"))
            both = rows.groupby("unit")["firm_id"].nunique()
        compared = Comparison(**shared, outcome=outcome, both=both.to_dict())
        pools = {
            path: traits.loc[traits.index.isin(list(own.index))].dropna()
            for path, own in never.groupby(never)
        }
        for pilot in units.itertuples():
            mine = traits.reindex([str(pilot.unit)]).to_numpy(float)[0]
            pool = pools.get(paths.get(str(pilot.unit), ""), traits.iloc[:0])
            parts.append((pilot.Index, _row(pilot, compared, cards.nearest(mine, pool, choices.peers))))
    index = [i for i, _ in parts]
    return pd.DataFrame([row for _, row in parts], columns=COLUMNS, index=index).reindex(group.index)


@dataclass(frozen=True)
class Comparison:
    """What all units of a kind and term are compared by."""

    levels: pd.DataFrame  # units × years, all firms
    outcome: pd.DataFrame  # units × years, firms on both sides of the start
    both: dict[str, int]  # how many those are
    complete: dict[str, float]  # share of a pilot's chain scores that are there
    ranks: dict[str, list[object]]
    obstacles: dict[str, list[object]]
    sizes: dict[str, list[object]]  # largest firm of each pilot of several firms, and its share
    silent: dict[str, float]  # share of each unit's firm-years without index


def _by_name(table: pd.DataFrame) -> dict[str, list[object]]:
    """Rows of a table by their names: one look-up for each of thousands of pilots."""
    return dict(zip(table.index, table.to_numpy().tolist(), strict=True))


def _quick(table: pd.DataFrame) -> pd.DataFrame:
    """The table with plain texts as names, which are found faster than those that Arrow holds."""
    return table.set_axis(table.index.astype(object))


def _row(pilot: Any, kind: Comparison, near: list[str]) -> list[object]:
    """One pilot's scores, in the order of ``COLUMNS``."""
    start, last, unit = int(pilot.start), int(pilot.last), str(pilot.unit)
    if unit not in kind.complete:
        return [*NOWHERE[:11], len(kind.ranks), *NOWHERE[12:]]
    years = np.asarray(kind.levels.columns, dtype=int)
    since = (years >= start) & (years <= last)
    places = kind.levels.index.get_indexer([unit, *near])
    series, *peers = kind.levels.to_numpy(float)[places]
    before, after = _mean(series[years < start]), _mean(series[since])
    levels = np.array([_mean(row[since & ~np.isnan(series)]) for row in peers])
    levels = levels[~np.isnan(levels)]
    # Peers count in the years in which the unit told: where it never did, there are none.
    percentile = 100 * float((levels < after).mean()) if len(levels) else np.nan
    found = cards.gap(kind.outcome, unit, near, start, last)
    grade = cards.grade(pilot.years_before, pilot.years_after, kind.complete[unit], last - start + 1)
    gap = [found.gap, found.low, found.high, found.p_value, found.peers]
    place = kind.ranks.get(unit, [np.nan] * 3)
    worst, largest = kind.obstacles.get(unit, ["", np.nan]), kind.sizes.get(unit, ["", np.nan])
    both = int(kind.both.get(unit, 0))
    quiet = kind.silent.get(unit, np.nan)
    return [before, after, percentile, *gap, *place, len(kind.ranks), *worst, both, *largest, quiet, grade]


def _serving(group: pd.DataFrame, panel: pd.DataFrame, choices: Choices) -> pd.DataFrame:
    """Scores of platforms by what they serve: the firms served against all others, on comparable scope."""
    rows = []
    for pilot in group.itertuples():
        served = rows_of(panel, pilot.kind, pilot.unit, pilot.serves) & (
            panel["firm_id"].astype(str) != pilot.unit
        )
        placed = panel.assign(unit=np.where(served, "served", "others"))
        start, last = int(pilot.start), int(pilot.last)
        same = _both_sides(placed, choices.index, start, last)
        level = weighted(placed, [choices.index, *choices.chains], choices.weight)
        change = (
            weighted(same, [choices.index], choices.weight)[choices.index]
            .unstack("year")
            .reindex(["served", "others"])
        )
        years = np.asarray(change.columns, dtype=int)
        sides = change.to_numpy(float)
        moved = [_mean(s[(years >= start) & (years <= last)]) - _mean(s[years < start]) for s in sides]
        own = level.loc["served"] if "served" in level.index else level.iloc[:0].droplevel("unit")
        at = own.index.to_numpy(int)
        sides = [
            _mean(own.loc[there, choices.index].to_numpy(float))
            for there in (at < start, (at >= start) & (at <= last))
        ]
        complete = float(own[list(choices.chains)].notna().to_numpy().mean()) if len(own) else 0.0
        grade = cards.grade(pilot.years_before, pilot.years_after, complete, last - start + 1)
        worst = (
            _obstacles(level.loc[["served"]], choices.chains).loc["served"].tolist()
            if len(own)
            else ["", np.nan]
        )
        sizes = _sizes(placed[served], group.assign(unit="served").head(1), choices.weight)
        largest = sizes.loc["served"].tolist() if len(sizes) else ["", np.nan]
        both = same.loc[same["unit"] == "served", "firm_id"].nunique()
        gap = [moved[0] - moved[1], *[np.nan] * 3, 0]
        quiet = _silent(placed, choices.index, choices.weight).get("served", np.nan)
        rows.append([*sides, np.nan, *gap, *[np.nan] * 3, 0, *worst, both, *largest, quiet, grade])
    return pd.DataFrame(rows, columns=COLUMNS, index=group.index)


def _both_sides(placed: pd.DataFrame, index: str, start: int, last: int) -> pd.DataFrame:
    """Rows up to ``last`` of firms that have the index in some year before a start and in some year of the term."""
    seen = placed[placed[index].notna() & (placed["year"] <= last)]
    before = seen.loc[seen["year"] < start, ["firm_id", "unit"]].drop_duplicates()
    since = seen.loc[seen["year"] >= start, ["firm_id", "unit"]].drop_duplicates()
    return seen.merge(before.merge(since), on=["firm_id", "unit"])


def _sizes(placed: pd.DataFrame, group: pd.DataFrame, weight: str) -> pd.DataFrame:
    """The largest firm of each pilot in the last year, and its share of the unit's weight (%)."""
    if weight not in placed.columns:
        return pd.DataFrame()
    own = placed[placed["unit"].isin(list(group["unit"]))]
    own = own[own["year"] == own.groupby("unit")["year"].transform("max")]
    size = own.groupby(["unit", "firm_id"])[weight].sum().clip(lower=0)
    share = 100 * size / size.groupby("unit").transform("sum")
    top = share.dropna().sort_values(ascending=False).reset_index().drop_duplicates("unit").set_index("unit")
    return top.set_axis(["largest", "largest_share"], axis=1)


def _silent(placed: pd.DataFrame, index: str, weight: str) -> dict[str, float]:
    """Share (%) of each unit's firm-years, by their weight, that have no index: what its score does not speak of."""
    size = placed[weight].clip(lower=0).fillna(0.0) if weight in placed.columns else 1.0
    both = pd.DataFrame({"all": size, "quiet": size * placed[index].isna()}, placed.index)
    sums = both.groupby(placed["unit"].astype(str).astype(object)).sum()
    return (100 * sums["quiet"] / sums["all"].where(sums["all"] > 0)).to_dict()


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
