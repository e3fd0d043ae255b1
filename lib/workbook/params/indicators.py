"""Indicators, the index made of them, integration, and productivity."""

from __future__ import annotations

import csv
import difflib
from functools import cache
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, field_validator

from workbook import paths
from workbook.language import listed, said
from workbook.params.base import Column, FileName, RowsName, Section, Share, Year

Weighting = Literal["entropy", "equal", "critic", "standard_deviation", "variation", "entropy_critic"]


@cache
def codes() -> list[str]:
    """Codes of the declared indicators."""
    with (paths.DATA / "indicators" / "indicators.csv").open(encoding="utf-8", newline="") as stream:
        return [row["code"] for row in csv.DictReader(stream)]


def _declared(code: str) -> str:
    """Refuse an indicator that is not declared, with the nearest one that is."""
    if code not in codes():
        near = difflib.get_close_matches(code, codes(), 1, 0.4)
        hint = said("params.did_you_mean", near=near[0]) if near else ""
        raise ValueError(said("params.rule.indicator", code=code, hint=hint, known=listed(codes())))
    return code


class Indicators(Section):
    """The indicators, and the composites of them: conditions, results, and the user's own."""

    indicators: list[Annotated[str, AfterValidator(_declared)]] = Field(
        default_factory=lambda: [
            "A1",
            "A2",
            "B1",
            "B2",
            "B3",
            "C1",
            "C2",
            "C3",
            "C5",
            "C8",
            "D4",
            "E1",
            "E2",
            "E7",
        ],
        min_length=1,
        description="indicator codes of data/indicators/indicators.csv; the default is the 14 core ones; their composite is "
        "the user's own, and not the headline",
    )
    treatment: Literal["winsorise", "two_stage", "none"] = Field(
        "winsorise",
        description="of outliers: cut to quantiles; the rule on skewness and kurtosis, with a logarithm where cutting a few "
        "points is not enough; or none",
    )
    winsor_tail: Annotated[float, Field(ge=0, lt=0.5)] = Field(
        0.01, description="share cut to the quantile at each end"
    )
    normalise: Literal["minmax", "normal", "rank", "percentile", "zscore"] = Field(
        "minmax",
        description="normalisation of each indicator; zscore has no entropy weights and no geometric or harmonic means",
    )
    bounds: Literal["pooled", "yearly"] = Field(
        "pooled", description="bounds over all years (scores compare over time) or by year"
    )
    base_year: Year | None = Field(
        None,
        description="cut points, bounds and weights are those of this year, for all years; empty = of all rows",
    )
    base_file: FileName | None = Field(
        None,
        description="bounds and weights of an earlier run (its base.json, notebook 03), so that this year's scores compare "
        "with last year's; it comes before base_year",
    )
    weights: Weighting = Field("entropy", description="weights of indicators within a chain")
    chain_weights: Weighting = Field("equal", description="weights of the five chains")
    aggregation: Literal["arithmetic", "geometric", "harmonic"] = Field(
        "arithmetic", description="mean within chains and of chains: how far one score makes up for another"
    )
    aggregation_floor: Annotated[float, Field(gt=0, lt=1)] = Field(
        0.01, description="scores are brought to [floor, 1] for geometric and harmonic means"
    )
    min_chain_share: Share = Field(
        0.6, description="share of a chain's indicators that a firm-year must have, else no score"
    )
    compare_treatment: list[Literal["winsorise", "two_stage", "none"]] = Field(
        ["winsorise", "none"], description="treatments that ranks are tried with"
    )
    compare_normalise: list[Literal["minmax", "normal", "rank", "percentile"]] = Field(
        ["minmax", "rank"], description="normalisations that ranks are tried with"
    )
    compare_weights: list[Weighting] = Field(
        ["entropy", "equal", "critic"],
        description="weights that ranks are tried with",
    )
    compare_aggregation: list[Literal["arithmetic", "geometric", "harmonic"]] = Field(
        ["arithmetic", "geometric"], description="means that ranks are tried with"
    )
    weight_noise: Annotated[float, Field(ge=0)] = Field(
        100.0,
        description="weights vary as Dirichlet(noise · w), standard deviation √(w(1 − w)/(noise + 1)); 0 = they do not",
    )
    index_draws: Annotated[int, Field(ge=20, le=10_000)] = Field(
        300, description="combinations of choices that are drawn for the intervals of ranks"
    )
    sobol_draws: Annotated[int, Field(ge=8, le=1024)] = Field(
        32, description="base sample of the Sobol indices, a power of two; builds are this times choices + 2"
    )

    @field_validator("indicators")
    @classmethod
    def _once(cls, asked: list[str]) -> list[str]:
        """Refuse an indicator that is asked for twice."""
        twice = sorted({code for code in asked if asked.count(code) > 1})
        if twice:
            raise ValueError(said("params.rule.indicators_twice", codes=listed(twice)))
        return asked


class Productivity(Section):
    """How productivity is estimated, as an outcome beside the study's own."""

    productivity_methods: list[Literal["ols", "fe", "op", "lp", "acf", "wooldridge"]] = Field(
        ["ols", "acf"],
        description="methods of which each gives a column tfp_<method>; empty = productivity is not estimated",
    )
    productivity_by: Column = Field(
        "division", description="column of the industries, each with a function of its own"
    )
    productivity_proxy: Column = Field(
        "intermediate_input",
        description="proxy of op (investment), lp, acf and wooldridge (materials or energy)",
    )
    labour_timing: Literal["lagged", "current"] = Field(
        "lagged",
        description="acf: lagged = labour is chosen knowing this year's productivity; current = before it is known",
    )
    fewest_firms: Annotated[int, Field(ge=10)] = Field(
        50, description="industries with fewer firms have no productivity"
    )
    productivity_policy: Column | None = Field(
        None,
        description="0/1 treatment within the process of productivity of op, lp and acf (De Loecker 2013)",
    )


class Integration(Section):
    """Integration of making and serving, in yuan: judgements of the pairing, and of who does not tell."""

    integration_tier: Literal["common", "best"] = Field(
        "common",
        description="common: classes of services count for no rank, so that firms compare of which only some tell them; "
        "best: ranks by classes, and none for who sells services without telling them",
    )
    tier_splice: bool = Field(
        True,
        description="firm-years that tell service revenue without its classes are brought to the level of those with classes by "
        "the slope where both are known; false: as they are",
    )
    full_mix: Annotated[float, Field(ge=0.2, le=0.5)] = Field(
        0.5,
        description="share of services at which the mix is full; below 0.5 the two sides no longer count alike",
    )
    relatedness_levels: list[Share] = Field(
        [0.9, 0.7, 0.5, 0.25],
        min_length=4,
        max_length=4,
        description="judgement: how likely a yuan of a service is tied to own goods: partner of the goods' path, close, "
        "medium, far; what no product can be tied to stays at 0",
    )
    relatedness_alpha: Annotated[float, Field(ge=0, le=0.5)] = Field(
        0.25,
        description="weight of input-output tables and of what makers sell together; 0: the levels alone",
    )
    relatedness_kappa: Annotated[float, Field(ge=2, le=20)] = Field(
        5.0, description="firms' worth of doubt in what makers sell together"
    )
    relatedness_worth: Annotated[float, Field(ge=1, le=200)] = Field(
        20.0, description="firms' worth of the levels against tied shares that firms report; spread of draws"
    )
    unknown_relatedness: Share = Field(
        0.6, description="relatedness of services of which neither class, activity nor path is known"
    )
    integration_draws: Annotated[int, Field(ge=20, le=2000)] = Field(
        100, description="draws of relatedness for the intervals of ranks"
    )
    imputations: Annotated[int, Field(ge=2, le=200)] = Field(
        20, description="imputations of what is not told, in totals alone"
    )
    silent_odds: Annotated[float, Field(ge=0.1, le=10)] = Field(
        1.0,
        description="odds that the silent sell services, against those that tell and are alike in all else",
    )
    silent_level: Annotated[float, Field(ge=0.1, le=10)] = Field(
        1.0, description="integration of the silent that do, against the same"
    )
    own_definitions: list[Column] = Field(
        default_factory=list,
        description="columns of the panel, also the study's own expressions, that are compared with integration as the other "
        "definitions are: a bureau's measure, or an index made elsewhere",
    )
    own_index: FileName | None = Field(
        None,
        description="CSV of an index of your own: groups, their indicators or columns, directions, weights that add up to 100 "
        "(data/indicators/own_index_template.csv); compared with integration, and a column `own_index` to judge on",
    )
    own_index_silence: Literal["none", "least"] = Field(
        "none",
        description="who leaves out an indicator of it that others tell that year: none = no index and no rank; least = the "
        "indicator at its lowest score, for where having no rank is no loss",
    )
    io_table: FileName | None = Field(
        None,
        description="input-output table of your own (CSV or Excel, form: data/io/table_template.csv): links of manufacturing "
        "and services both ways, and exposures up and down the chain",
    )
    learned: RowsName | None = Field(
        None,
        description="Parquet of an earlier run's `learned` artefact (notebook 03): relatedness and slopes between tiers stay as "
        "they were, so that earlier years do not move when new returns come",
    )
    frame_share: Annotated[float, Field(gt=0, le=1)] = Field(
        1.0,
        description="sampling fraction of the panel; 1: all units of the frame, which are no source of error",
    )
