"""Cohorts, covariates and power."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from fusion.workbook.params.base import Column, Section


class Description(Section):
    """Who is treated, since when, and what effect could be found at all."""

    start_column: Column | None = Field(
        None, description="column with the year in which treatment starts (empty = never); none: no cohorts"
    )
    covariates: list[Column] = Field(
        default_factory=list, description="columns of table 1 and the balance table"
    )
    test_size: Annotated[float, Field(gt=0, lt=0.5)] = Field(
        0.05, description="size of two-sided tests; intervals are 1 − size"
    )
    power: Annotated[float, Field(gt=0.5, lt=1)] = Field(
        0.8, description="power of the minimum detectable effect"
    )
    top_shown: Annotated[int, Field(ge=5, le=100)] = Field(
        25, description="firms of the last year's ranking that are drawn with the intervals of their ranks"
    )
    coupling_by: Column = Field(
        "district", description="column whose values are regions, for coupling coordination"
    )
    coupling_form: Literal["standard", "wang", "fan"] = Field(
        "standard", description="form of the coupling degree: standard, 王淑佳 et al. (2021), 樊杰"
    )
    grade_side: Literal["right", "left"] = Field(
        "right", description="which end of a grade belongs to it: right (0.4, 0.5], left [0.4, 0.5)"
    )
    coupling_draws: Annotated[int, Field(ge=20, le=10_000)] = Field(
        200, description="resamples of the enterprises of each region and year"
    )
