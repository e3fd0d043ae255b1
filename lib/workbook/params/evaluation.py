"""Pilot units and policy targets."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator

from workbook.language import said
from workbook.params.base import Column, FileName, RowsName, Section, Year


class Evaluation(Section):
    """Evaluation of pilot units and of policy targets."""

    pilots: FileName | None = Field(
        None,
        description="CSV of pilot units in the form of data/evaluation/pilots_template.csv; none: the enterprises "
        "that start_column marks, unverified",
    )
    plan: FileName | None = Field(
        None,
        description="CSV of what was asked of pilot units: goals, tasks, projects with weights and dates, and what the units "
        "report (data/evaluation/plan_template.csv); none: no conclusion is proposed",
    )
    as_of: Year | None = Field(
        None,
        description="year in which pilots are evaluated; later years do not count; empty = the panel's last",
    )
    judged_on: Column = Field(
        "integration",
        description="column that districts, pilots, their peers and ranks are judged on: integration, or another definition "
        "(service_share, above_20, above_30, cross_mass, related_variety, mode_share, composite)",
    )
    unit_weight: Column = Field(
        "operating_revenue", description="column that firms of a region, park or platform are weighted by"
    )
    pass_share: Annotated[float, Field(ge=0, le=100)] = Field(
        80.0,
        description="weighted share of its plan, percent, from which on a unit passes at the end of its term (judgement)",
    )
    extend_share: Annotated[float, Field(ge=0, le=100)] = Field(
        60.0,
        description="the same from which on its term is extended; below it the status is withdrawn (judgement)",
    )
    report_scheme: str | None = Field(
        None, description="scheme that the official report is on; empty = the one with most units"
    )
    targets: FileName = Field(
        "data/evaluation/targets.csv", description="CSV of targets; the default is the policy document's own"
    )
    observed: FileName | None = Field(
        None, description="CSV of observed values of targets: target, year, value, source"
    )
    target_base_years: list[Year] = Field(
        default_factory=lambda: [2018, 2019, 2020], min_length=1, description="base years of a growth target"
    )
    target_horizons: list[Year] = Field(
        default_factory=lambda: [2022, 2023], min_length=1, description="last years of a growth target"
    )
    target_tolerance: Annotated[float, Field(ge=0, le=5)] = Field(
        0.5, description="how far below a growth target still counts as 'about', percentage points a year"
    )
    peers: Annotated[int, Field(ge=5, le=200)] = Field(20, description="matched peers of a pilot unit")
    rank_draws: Annotated[int, Field(ge=50, le=10_000)] = Field(
        500, description="draws of chain weights for rank intervals"
    )
    rank_concentration: Annotated[float, Field(gt=0)] = Field(
        50.0, description="Dirichlet concentration of those draws around equal weights; larger = closer"
    )
    cards_shown: Annotated[int, Field(ge=0, le=500)] = Field(
        12, description="units whose one-page cards are written"
    )
    bureau_measures: list[Column] = Field(
        default_factory=lambda: ["operating_revenue", "service_revenue", "value_added"],
        description="money columns of the bureau's table",
    )
    tiles: FileName = Field(
        "data/evaluation/tiles_shanghai.csv",
        description="CSV of regions as a grid of tiles: district (code), row, column; the default is a schematic of Shanghai",
    )
    vintage_returns: RowsName | None = Field(
        None,
        description="Parquet of an earlier run's `returns` artefact; the revision of totals compares with it, and says why",
    )
    vintage: RowsName | None = Field(
        None,
        description="Parquet of an earlier run's `published` artefact; the revision table compares with it",
    )

    @model_validator(mode="after")
    def _lines(self) -> Evaluation:
        """A unit cannot pass below the line from which it is extended."""
        if self.extend_share > self.pass_share:
            raise ValueError(said("params.rule.shares", low=self.extend_share, high=self.pass_share))
        return self
