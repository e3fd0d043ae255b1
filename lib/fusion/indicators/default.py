"""A study's index against the default scheme, and the default with one choice changed at a time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from fusion.composite import mistakes, record, uncertainty
from fusion.indicators import measure

DEFAULT, OWN = "default", "own"


@dataclass(frozen=True)
class Schemes:
    """Indexes of the same firms by several schemes.

    Attributes
    ----------
    made : measure.Made
        The default's index, as `measure.ranking` takes it; empty where nothing can be ranked.
    index : pandas.DataFrame
        Scores of the last year's firms, a column a scheme: ``default``, ``own`` (where the study's differs), then
        ``<choice> = <level>``.
    last : pandas.Series of bool
        Rows of the last year.
    """

    made: measure.Made
    index: pd.DataFrame
    last: pd.Series


def varying(scores: pd.DataFrame, codes: Sequence[str]) -> list[str]:
    """Indicators that are there and not the same for all."""
    return [c for c in codes if c in scores and scores[c].max() > scores[c].min()]


def schemes(
    scores: pd.DataFrame,
    codes: Sequence[str],
    own: Mapping[str, Any],
    default: Mapping[str, Any],
    frozen: bool = False,
) -> Schemes:
    """Build the default, and the default with each choice of the study, or else equal weights, the geometric mean, one year.

    Parameters
    ----------
    scores : pandas.DataFrame
        firm_id, year, the indicators, and the study's own index.
    codes : sequence of str
        Indicators that enter, if they vary.
    own, default : mapping
        Choices of the study, and those of the model: names of `measure.steps`, and base_year.
    frozen : bool
        The study's index rests on the bounds and weights of an earlier run, so that it differs by that alone.
    """
    last = scores["year"] == scores["year"].max()
    able = varying(scores, codes)
    if measure.COMPOSITE not in scores or len(able) < 2 or last.sum() <= measure.FEWEST_RANKED:
        return Schemes({}, pd.DataFrame(), last)
    changed = {name: value for name, value in own.items() if value != default[name]}
    first = {"weights": "equal", "aggregation": "geometric", "base_year": int(scores["year"].max())}
    # z-scores have no entropy weights, and cannot be the one change.
    tried = {f"{n} = {v}": {n: v} for n, v in (first | changed).items() if v != "zscore"}
    built = {
        name: _built(scores, able, {**default, **change}) for name, change in {DEFAULT: {}, **tried}.items()
    }
    index = pd.DataFrame({name: made[0].index.scores["index"][last] for name, made in built.items()})  # type: ignore[union-attr]
    if changed or frozen:
        index.insert(1, OWN, scores.loc[last, measure.COMPOSITE])
    return Schemes({measure.COMPOSITE: built[DEFAULT]}, index, last)


def points(found: Schemes, scores: pd.DataFrame) -> pd.DataFrame:
    """Points of the default's chains by path in the last year, with both ends where codes leave paths open."""
    for state, _ in found.made.values():
        own = measure.chain_points(state, found.last, scores["path"])
        return measure.chain_point_ends(own, state, found.last, scores)
    return pd.DataFrame()


def most(points: pd.DataFrame) -> dict[str, list[Any]]:
    """The chain that gives most points, over paths alike."""
    return _by_chain(points).tail(1).to_dict("list")  # type: ignore[return-value]


def least(points: pd.DataFrame) -> dict[str, list[Any]]:
    """The chain that gives fewest."""
    return _by_chain(points).head(1).to_dict("list")  # type: ignore[return-value]


def errors(found: Schemes, scores: pd.DataFrame, min_share: float) -> pd.DataFrame:
    """What errors in entropy weights do to the last year's ranks by the default: as `mistakes.compare`, with units."""
    for state, _ in found.made.values():
        assert state.normalised is not None  # a step of every scheme
        wrong = mistakes.indexes(state.normalised, state.chains, scores["year"].nunique(), min_share)
        table = mistakes.compare({name: score[found.last] for name, score in wrong.items()}, grades=False)
        return table.drop(columns="regraded").assign(units=found.last.sum())
    return pd.DataFrame()


def top(
    builder: uncertainty.Builder | None,
    found: Schemes,
    scores: pd.DataFrame,
    draws: int,
    seed: int,
    shown: int,
) -> pd.DataFrame:
    """The firms that rank first, with the intervals of their ranks over all choices, and their path."""
    if builder is None:
        return pd.DataFrame()
    ranks = uncertainty.intervals(uncertainty.monte_carlo(builder, draws, seed))
    return ranks.assign(path=scores.loc[found.last, "path"].to_numpy()).nsmallest(shown, "rank")


# -- inside ------------------------------------------------------------------------------------
def _built(
    scores: pd.DataFrame, codes: list[str], scheme: dict[str, Any]
) -> tuple[record.State, dict[str, Any]]:
    base_year = scheme.pop("base_year")
    return measure.fusion_index(scores, codes, measure.steps(**scheme), base_year)


def _by_chain(points: pd.DataFrame) -> pd.DataFrame:
    return points.groupby("chain", as_index=False)["points"].mean().sort_values("points")
