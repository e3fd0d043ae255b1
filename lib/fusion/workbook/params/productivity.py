"""Productivity and markups."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from fusion.workbook.params.base import Column, Section


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
