"""Cohorts, covariates and power."""

from __future__ import annotations

from typing import Annotated

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
