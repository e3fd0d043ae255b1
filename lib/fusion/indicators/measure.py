"""From indicator values to a fusion index, and the tables that describe both."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from fusion.composite import record
from fusion.composite.base import Base
from fusion.composite.errors import CompositeError
from fusion.indicators.system import CHAINS, DATA, out_of_range, system

WEIGHT_COLUMNS = ["index", "chain", "code", "entropy", "weight_in_chain", "chain_weight", "weight"]


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
    if base is None and base_year is not None:
        own = (values["year"] == base_year).to_numpy()
        if not own.any():
            years = f"{values['year'].min()}–{values['year'].max()}"
            raise CompositeError(f"base_year = {base_year}: no rows of that year; there are {years}")
        first = replace(state, values=state.values[own], context=context[own])
        base = record.run(first, steps)[0].freeze(base_year=base_year)
    return record.run(replace(state, base=base), steps)


def chain_columns(scores: pd.DataFrame) -> pd.DataFrame:
    """Chain scores under the names by which later notebooks read them: ``chain_industry`` … ``chain_supply``."""
    return scores[[c for c in CHAINS if c in scores]].add_prefix("chain_")


def summary(values: pd.DataFrame, codes: list[str], language: str) -> pd.DataFrame:
    """One row an indicator: code, name, chain, direction, unit, n, missing, mean, sd, p1, p50, p99, out of range."""
    declared = system(codes)
    numbers = values[codes].astype(float)
    return pd.DataFrame(
        {
            "code": codes,
            "name": declared[f"name_{language}"].to_numpy(),
            "chain": declared[f"chain_{language}"].to_numpy(),
            "direction": declared["direction"].replace("-", "−").to_numpy(),
            "unit": declared["unit"].to_numpy(),
            "n": numbers.notna().sum().to_numpy(),
            "missing": 100 * numbers.isna().mean().to_numpy(),
            "mean": numbers.mean().to_numpy(),
            "sd": numbers.std().to_numpy(),
            "p1": numbers.quantile(0.01).to_numpy(),
            "p50": numbers.quantile(0.5).to_numpy(),
            "p99": numbers.quantile(0.99).to_numpy(),
            "out_of_range": out_of_range(numbers, codes).to_numpy(),
        }
    )


def weights_wide(weights: pd.DataFrame, language: str) -> tuple[pd.DataFrame, dict[str, Any], float]:
    """Weights as a printed table, one row an indicator.

    Returns
    -------
    table : pandas.DataFrame
        Printed headers: code, indicator, chain, entropy, weight in ``fi``, weight in ``fi_input``, weight if equal.
    heaviest : dict
        ``name`` and ``weight`` of the indicator with the largest weight in ``fi``.
    equal : float
        What that indicator would weigh under equal weights within chains and across them.
    """
    declared = system()
    full = weights[weights["index"] == "fi"].set_index("code")
    kept = weights[weights["index"] == "fi_input"].set_index("code")["weight"]
    equal = 1 / full.groupby("chain")["weight"].transform("count")
    equal = equal / full["chain"].nunique()
    names = declared.loc[full.index, f"name_{language}"]
    columns = {
        "en": ["Code", "Indicator", "Chain", "Entropy", "Weight, fi", "Weight, fi_input", "If equal"],
        "zh": ["代码", "指标", "链", "熵", "权重（fi）", "权重（fi_input）", "等权"],
    }
    chains = declared.loc[full.index, f"chain_{language}"]
    parts = [full.index, names, chains, full["entropy"], full["weight"], kept.reindex(full.index), equal]
    table = pd.DataFrame(dict(zip(columns[language], (list(p) for p in parts), strict=True)))
    top = full["weight"].idxmax()
    return table, {"name": names[top], "weight": full["weight"][top]}, float(equal[top])


def by_path(scores: pd.DataFrame, column: str = "fi", by: str = "path") -> pd.DataFrame:
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
        The group, year, n, mean, sd, low, high (normal interval, mean ± 1.96 sd/√n); groups with under 10 firms left
        out. Empty where one of the columns is not there.
    """
    grouped = scores.reindex(columns=[by, "year", column]).dropna().groupby([by, "year"])[column]
    table = grouped.agg(n="count", mean="mean", sd="std").reset_index().query("n >= 10")
    half = 1.96 * table["sd"] / np.sqrt(table["n"])
    return table.assign(low=table["mean"] - half, high=table["mean"] + half)


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
        raise CompositeError("chain_points: the index is not built yet")
    shares = state.index.weights.groupby("chain")["chain_weight"].first()
    points = (state.index.scores[rows].drop(columns="index") * shares).dropna()
    own = groups.loc[points.index].rename("path")
    size = own.map(own.value_counts())
    means = points[size >= least].groupby(own).mean().rename_axis(columns="chain")
    long = means.stack().rename("points").reset_index()
    return long.assign(units=long["path"].map(own.value_counts()).astype(int))


def io_change(panel: pd.DataFrame, names: str) -> pd.DataFrame:
    """Producer services in each industry's inputs, first and last year: direct, complete, share of intermediates (%)."""
    columns = ["d_ps", "c_ps", "ps_share_intermediate"]
    ends = panel[panel["year"].isin([panel["year"].min(), panel["year"].max()])]
    wide = (100 * ends.set_index([names, "year"])[columns]).unstack("year")
    wide.columns = pd.Index([f"{column}_{year}" for column, year in wide.columns])
    return wide.sort_values(wide.columns[1], ascending=False).reset_index()


def io_series(panel: pd.DataFrame) -> pd.DataFrame:
    """Direct coefficient of producer services over time: output-weighted mean and the industries' range (%)."""
    share = 100 * panel["d_ps"]
    table = panel.assign(share=share, product=share * panel["output_musd"]).groupby("year")
    totals = table[["product", "output_musd"]].sum()
    spread = table["share"].quantile([0.1, 0.9]).unstack()
    mean = totals["product"] / totals["output_musd"]
    return pd.DataFrame({"mean": mean, "low": spread[0.1], "high": spread[0.9]}).reset_index()


def national_series() -> pd.DataFrame:
    """The same output-weighted mean from the national tables of 17 to 42 sectors: year, mean (%)."""
    tables = pd.read_csv(DATA / "io" / "producer_services_nbs.csv", dtype={"code": str})
    tables = tables.loc[tables.groupby("year")["table_sectors"].transform("min") == tables["table_sectors"]]
    tables = tables.assign(product=100 * tables["d_ps"] * tables["output_wan"])
    totals = tables.groupby("year")[["product", "output_wan"]].sum()
    return (totals["product"] / totals["output_wan"]).rename("mean").reset_index()
