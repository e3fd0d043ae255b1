"""From indicator values to a fusion index, and the tables that describe both."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from fusion.composite import index, scale, treat
from fusion.indicators.system import CHAINS, DATA, out_of_range, system

WEIGHT_COLUMNS = ["index", "chain", "code", "entropy", "weight_in_chain", "chain_weight", "weight"]


def fusion_index(
    values: pd.DataFrame,
    codes: list[str],
    *,
    winsor_tail: float,
    how: str,
    bounds: str,
    weights: str,
    chain_weights: str,
    min_share: float,
) -> index.Index:
    """Five chain scores and the fusion index, 0–100, of firm-years.

    Parameters
    ----------
    values : pandas.DataFrame
        ``year`` and one column for each code.
    codes : list of str
        Indicators that enter.
    winsor_tail, how, bounds, weights, chain_weights, min_share
        As in `fusion.composite`: outliers, normalisation, "pooled" or "yearly" scale, weights within and of chains,
        share of indicators that a chain needs.

    Returns
    -------
    index.Index
        Scores by chain (``industry`` … ``supply``) and ``index``; weights.
    """
    declared = system(codes)
    cut = pd.DataFrame(treat.winsorise(values[codes], winsor_tail), columns=codes, index=values.index)
    years = values["year"] if bounds == "yearly" else None
    scores = scale.normalise(cut, declared["direction"].to_dict(), how, years)
    return index.build(
        scores, declared["chain"].to_dict(), weights=weights, chain_weights=chain_weights, min_share=min_share
    )


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


def by_path(scores: pd.DataFrame, column: str = "fi") -> pd.DataFrame:
    """Mean of a score by path and year with a 95 % interval of the mean over firms.

    Parameters
    ----------
    scores : pandas.DataFrame
        path, year and the score; a firm has one row a year, so that within a path-year rows are firms.

    Returns
    -------
    pandas.DataFrame
        path, year, n, mean, low, high (normal interval, mean ± 1.96 sd/√n); paths with under 10 firms left out.
    """
    grouped = scores.dropna(subset=[column]).groupby(["path", "year"])[column]
    table = grouped.agg(n="count", mean="mean", sd="std").reset_index().query("n >= 10")
    half = 1.96 * table["sd"] / np.sqrt(table["n"])
    return table.assign(low=table["mean"] - half, high=table["mean"] + half)


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
