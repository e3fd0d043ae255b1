"""From indicator values to a fusion index, and the tables that describe both."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from fusion.classification import intervals
from fusion.composite import index, record, scale, treat, uncertainty
from fusion.composite.base import Base
from fusion.composite.errors import CompositeError
from fusion.indicators import guard
from fusion.indicators.system import CHAINS, DATA, system
from fusion.language import said

# Indexes by name: each with the record of how it was made.
Made = Mapping[str, tuple[record.State, dict[str, Any]]]
COMPOSITE = "composite"  # index of all indicators that a study asks for
FEWEST_RANKED = 20
PURCHASES = ("d_ps", "c_ps", "ps_share_intermediate")
WEIGHT_COLUMNS = ["index", "chain", "code", "entropy", "weight_in_chain", "chain_weight", "weight"]


def own_alone(values: pd.DataFrame) -> pd.DataFrame:
    """Indicators without what is no firm's own: D4 where it is the share of the firm's division, which stays as ``D4_filled``."""
    if not {"D4", "d4_from_io"} <= set(values):
        return values
    constant = values["d4_from_io"].fillna(False).astype(bool)
    return values.assign(D4_filled=values["D4"], D4=values["D4"].mask(constant))


def filled(values: pd.DataFrame) -> pd.DataFrame:
    """Indicators as composites read them: `own_alone` undone."""
    if "D4_filled" not in values:
        return values
    return values.assign(D4=values["D4_filled"]).drop(columns="D4_filled")


def steps(
    *,
    treatment: str,
    winsor_tail: float,
    normalise: str,
    bounds: str,
    weights: str,
    chain_weights: str,
    aggregation: str,
    aggregation_floor: float,
    min_chain_share: float,
) -> list[dict[str, Any]]:
    """The steps of an index, as `fusion.composite.record.run` takes them, from a study's parameters of these names."""
    tail = {"tail": winsor_tail} if treatment == "winsorise" else {}
    across = {"aggregation": aggregation, "chain_aggregation": aggregation, "floor": aggregation_floor}
    shares = {"weights": weights, "chain_weights": chain_weights, "min_share": min_chain_share}
    return [
        {"step": "treat", "arguments": {"how": treatment, **tail}},
        {"step": "normalise", "arguments": {"how": normalise, "by_year": bounds == "yearly"}},
        {"step": "aggregate", "arguments": {**shares, **across}},
    ]


def fusion_index(
    values: pd.DataFrame,
    codes: list[str],
    steps: Sequence[Mapping[str, Any]],
    base_year: int | None = None,
    base: Base | None = None,
) -> tuple[record.State, dict[str, Any]]:
    """Five chain scores and the fusion index, 0–100, of firm-years, with the record of how they were made.

    Parameters
    ----------
    values : pandas.DataFrame
        ``firm_id``, ``year`` and one column for each code.
    codes : list of str
        Indicators that enter.
    steps : sequence of mapping
        See `steps`.
    base_year : int, optional
        Cut points, bounds and weights are those of this year's rows, for all years.
    base : Base, optional
        Those of an earlier run; it comes before ``base_year``.

    Returns
    -------
    record.State
        ``index.scores`` by chain (``industry`` … ``supply``) and ``index``; ``index.weights``; ``freeze()``.
    dict
        The record.

    Raises
    ------
    CompositeError
        When the base year has no rows, or the base has none of these indicators.
    """
    declared = system(codes)
    context = pd.DataFrame({"unit": values["firm_id"], "year": values["year"]})
    state = record.State(
        values[codes].astype(float), declared["direction"].to_dict(), declared["chain"].to_dict(), context
    )
    return recorded(state, steps, base_year, base)


def recorded(
    state: record.State,
    steps: Sequence[Mapping[str, Any]],
    base_year: int | None = None,
    base: Base | None = None,
) -> tuple[record.State, dict[str, Any]]:
    """`record.run` with cut points, bounds and weights of one year's rows, or of an earlier run, where these are stated."""
    if base is None and base_year is not None:
        years = state.context["year"]
        own = (years == base_year).to_numpy()
        if not own.any():
            told = f"{years.min()}–{years.max()}"
            raise CompositeError(said("indicators.base_year", base_year=base_year, years=told))
        first = replace(state, values=state.values[own], context=state.context[own])
        base = record.run(first, steps)[0].freeze(base_year=base_year)
    return record.run(replace(state, base=base), steps)


def composites(
    values: pd.DataFrame,
    codes: Sequence[str],
    steps: Sequence[Mapping[str, Any]],
    base_year: int | None = None,
    frozen: Mapping[str, Base] | None = None,
) -> tuple[Made, list[str]]:
    """Every composite that can be made of some indicators (`guard.indexes`), and those that are the same for all.

    Parameters
    ----------
    values, codes, steps, base_year
        As `fusion_index` takes them.
    frozen : mapping, optional
        By composite, the base of an earlier run.

    Returns
    -------
    Made
        Composites by name.
    list of str
        Indicators that tell no firm from another, once outliers are treated: without a scale, they stand in no composite.
        Among factories alone service revenue is one. With a base none is looked for, which brings its own scale.
    """
    same = [] if frozen or not codes else alike(values, codes, steps, base_year)
    held = guard.indexes([code for code in codes if code not in same])
    made = {
        name: fusion_index(values, own, steps, base_year, (frozen or {}).get(name))
        for name, own in held.items()
    }
    return made, same


def alike(
    values: pd.DataFrame, codes: Sequence[str], steps: Sequence[Mapping[str, Any]], base_year: int | None
) -> list[str]:
    """Columns that tell no row from another once outliers are treated; of the base year's rows, where one is stated."""
    own = (
        values
        if base_year is None or base_year not in set(values["year"])
        else values[values["year"] == base_year]
    )
    numbers = own[list(codes)].astype(float)
    how = {step["step"]: step["arguments"] for step in steps}
    treated = treat.apply(numbers, treat.fit(numbers, **how["treat"]))
    return scale.constant(treated, own["year"] if how["normalise"]["by_year"] else None)


def chain_columns(scores: pd.DataFrame) -> pd.DataFrame:
    """Chain scores under the names by which later notebooks read them: ``chain_industry`` … ``chain_supply``."""
    return scores[[c for c in CHAINS if c in scores]].add_prefix("chain_")


def scores(values: pd.DataFrame, made: Made) -> pd.DataFrame:
    """Indicators with the chains' scores of the composite and each index under its name: what later notebooks read."""
    table = values
    if COMPOSITE in made:
        table = pd.concat([table, chain_columns(_built(made[COMPOSITE]).scores)], axis=1)
    return table.assign(**{name: _built(one).scores["index"] for name, one in made.items()})


def choices(
    own: Mapping[str, str], also: Mapping[str, Sequence[str]], winsor_tail: float, **more: Any
) -> uncertainty.Choices:
    """The choices that ranks are tried with: the study's own first, then the others.

    Parameters
    ----------
    own : mapping
        Of the study; among them treatment, normalise, weights, aggregation.
    also : mapping
        These four names: other levels.
    winsor_tail : float
        Share cut at each end where values are winsorised.
    **more
        Further fields of `uncertainty.Choices`.
    """
    levels: dict[str, Any] = {name: list(dict.fromkeys([own[name], *also[name]])) for name in also}
    treatments = {
        how: {"how": how, **({"tail": winsor_tail} if how == "winsorise" else {})}
        for how in levels.pop("treatment")
    }
    return uncertainty.Choices(treatment=treatments, **levels, **more)


def ranking(
    values: pd.DataFrame, made: Made, choices: uncertainty.Choices, *, by_year: bool, seed: int
) -> uncertainty.Builder | None:
    """Builds the index of the last year's firms by any combination of choices.

    Returns
    -------
    uncertainty.Builder or None
        None where there is no index, where it has 20 firms or fewer, or where its scores are z-scores, which have
        neither entropy weights nor geometric means to try.
    """
    last = values["year"] == values["year"].max()
    if COMPOSITE not in made or choices.normalise[0] == "zscore" or last.sum() <= FEWEST_RANKED:
        return None
    state = made[COMPOSITE][0]
    codes = list(state.directions)
    years = values["year"] if by_year else None
    return uncertainty.Builder(
        values[codes].astype(float),
        state.directions,
        state.chains,
        choices,
        rows=last,
        years=years,
        seed=seed,
    )


def by_path(scores: pd.DataFrame, column: str = COMPOSITE, by: str = "path") -> pd.DataFrame:
    """Mean of a score by path, or another group, and year with a 95 % interval of the mean over firms.

    Parameters
    ----------
    scores : pandas.DataFrame
        The group, year and the score; a firm has one row a year, so that within a group and year rows are firms.
    column, by : str
        The score and the group.

    Returns
    -------
    pandas.DataFrame
        The group, year, n (that have a score), mean, sd, silent (share of the group's that have none, %), low, high (normal
        interval, mean ± 1.96 sd/√n); groups with under 10 scores left out. Empty where one of the columns is not there.
    """
    there = scores.reindex(columns=[by, "year", column]).dropna(subset=[by, "year"])
    there[column] = there[column].astype(float)
    quiet = 100 * there[column].isna().groupby([there[by], there["year"]]).mean()
    grouped = there.groupby([by, "year"])[column]
    table = grouped.agg(n="count", mean="mean", sd="std").assign(silent=quiet).reset_index().query("n >= 10")
    half = 1.96 * table["sd"] / np.sqrt(table["n"])
    return table.assign(low=table["mean"] - half, high=table["mean"] + half)


def silent_parts(scores: pd.DataFrame, column: str, by: str) -> pd.DataFrame:
    """Who is behind the share of a group that has no score, in `by_path`.

    Parameters
    ----------
    scores : pandas.DataFrame
        firm_id, the group, year and the score.
    column, by : str
        The score and the group.

    Returns
    -------
    pandas.DataFrame
        The group, year, unit, silent_part (1: it has none), silent_whole (1).
    """
    there = scores.reindex(columns=["firm_id", by, "year", column]).dropna(subset=[by, "year"])
    made = there[[by, "year"]].assign(unit=there["firm_id"], silent_part=there[column].isna().astype(int))
    return made.assign(silent_whole=1)


def chain_points(state: record.State, rows: pd.Series, groups: pd.Series, least: int = 10) -> pd.DataFrame:
    """Points that each chain gives to the mean index of each group.

    Parameters
    ----------
    state : record.State
        A built index.
    rows : pandas.Series of bool
        Firm-years that count, of one year; of these, those with a score in every chain.
    groups : pandas.Series
        Group of each firm-year.
    least : int
        Groups of fewer such firms are left out.

    Returns
    -------
    pandas.DataFrame
        path (the group), chain, points (0–100), units; empty where no group is large enough.
    """
    if state.index is None:
        raise CompositeError(said("indicators.not_built"))
    shares = state.index.weights.groupby("chain")["chain_weight"].first()
    points = (state.index.scores[rows].drop(columns="index") * shares).dropna()
    own = groups.loc[points.index].rename("path")
    size = own.map(own.value_counts())
    means = points[size >= least].groupby(own).mean().rename_axis(columns="chain")
    long = means.stack().rename("points").reset_index()
    return long.assign(units=long["path"].map(own.value_counts()).astype(int))


def chain_point_ends(
    points: pd.DataFrame, state: record.State, rows: pd.Series, coded: pd.DataFrame
) -> pd.DataFrame:
    """`chain_points` by path with the least and the most that each mean can be where codes leave paths open.

    Parameters
    ----------
    points : pandas.DataFrame
        As `chain_points` gives it.
    state, rows
        As there.
    coded : pandas.DataFrame
        firm_id, path and paths_possible of each firm-year.

    Returns
    -------
    pandas.DataFrame
        With points_least and points_most; as it was where nothing is open.
    """
    if state.index is None or not len(points):
        return points
    shares = state.index.weights.groupby("chain")["chain_weight"].first()
    each = (state.index.scores[rows].drop(columns="index") * shares).dropna()
    long = each.stack().rename("part").rename_axis(["row", "chain"]).reset_index().assign(whole=1.0)
    there = coded.loc[each.index, ["firm_id", "path", "paths_possible"]]
    long = intervals.beside(long.merge(there, left_on="row", right_index=True))
    ends = intervals.ratios(long, ["chain"], "part", "whole")
    return intervals.with_ends(points, ends, "points")


def io_change(panel: pd.DataFrame) -> pd.DataFrame:
    """Producer services in each industry's inputs, first and last year (%).

    Parameters
    ----------
    panel : pandas.DataFrame
        Industries and years: firm_name, firm_name_zh, and the shares of `PURCHASES` (direct and complete coefficient,
        share of intermediates).

    Returns
    -------
    pandas.DataFrame
        industry_en, industry_zh, and ``<share>_first``, ``<share>_last``; most bought in the last year first. Empty
        where a share is not there.
    """
    names = ["firm_name", "firm_name_zh"]
    if not {*PURCHASES, *names} <= set(panel):
        return pd.DataFrame()
    ends = {"first": panel["year"].min(), "last": panel["year"].max()}
    parts = [
        (100 * panel[panel["year"] == year].set_index(names)[list(PURCHASES)]).add_suffix(f"_{end}")
        for end, year in ends.items()
    ]
    wide = parts[0].join(parts[1], how="outer")[[f"{c}_{end}" for c in PURCHASES for end in ends]]
    wide = wide.sort_values("d_ps_last", ascending=False).rename_axis(["industry_en", "industry_zh"])
    return wide.reset_index()


def io_series(panel: pd.DataFrame) -> pd.DataFrame:
    """Direct coefficient of producer services over time (%), beside that of the national tables.

    Returns
    -------
    pandas.DataFrame
        year, units (industries), mean (weighted by output), p10, p90 (of the industries), national (see
        `national_series`). Empty where the panel has no coefficient.
    """
    if not {"d_ps", "output_musd"} <= set(panel):
        return pd.DataFrame()
    share = 100 * panel["d_ps"]
    table = panel.assign(share=share, product=share * panel["output_musd"]).groupby("year")
    totals = table[["product", "output_musd"]].sum()
    spread = table["share"].quantile([0.1, 0.9]).unstack()
    columns = {"units": table["share"].count(), "mean": totals["product"] / totals["output_musd"]}
    own = pd.DataFrame(columns | {"p10": spread[0.1], "p90": spread[0.9]}).reset_index()
    return own.merge(national_series().rename(columns={"mean": "national"}), on="year", how="outer")


def trough(lines: pd.DataFrame) -> pd.Series:
    """The year of `io_series` with the lowest mean."""
    return lines.loc[lines["mean"].idxmin()]


def latest(lines: pd.DataFrame) -> pd.Series:
    """The last year of `io_series` that has a mean."""
    return lines.dropna(subset=["mean"]).iloc[-1]


def national_series() -> pd.DataFrame:
    """The same output-weighted mean from the national tables of 17 to 42 sectors: year, mean (%)."""
    tables = pd.read_csv(DATA / "io" / "producer_services_nbs.csv", dtype={"code": str})
    tables = tables.loc[tables.groupby("year")["table_sectors"].transform("min") == tables["table_sectors"]]
    tables = tables.assign(product=100 * tables["d_ps"] * tables["output_wan"])
    totals = tables.groupby("year")[["product", "output_wan"]].sum()
    return (totals["product"] / totals["output_wan"]).rename("mean").reset_index()


# -- inside ------------------------------------------------------------------------------------------


def _built(one: tuple[record.State, dict[str, Any]]) -> index.Index:
    found = one[0].index
    assert found is not None  # `fusion_index` ends with the step that builds it
    return found
