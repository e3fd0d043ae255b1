"""Effects: who is treated, what is regressed, and for whom it differs."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from workbook.params.base import EFFECT, Column, Section


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
        "standard", description="form of the coupling degree: standard, Wang Shujia et al. (2021), Fan Jie"
    )
    grade_side: Literal["right", "left"] = Field(
        "right", description="which end of a grade belongs to it: right (0.4, 0.5], left [0.4, 0.5)"
    )
    coupling_draws: Annotated[int, Field(ge=20, le=10_000)] = Field(
        200, description="resamples of the enterprises of each region and year"
    )


class Effects(Section):
    """The regressions."""

    outcome: Column | None = Field(None, description="outcome column; none: no regressions")
    other_outcomes: list[Column] = Field(
        default_factory=list, description="further outcomes, each regressed as in the ladder's last step"
    )
    population: Literal["all", "manufacturing", "services"] = Field(
        "all",
        description="whom the regressions are about: all units of the panel, makers of goods, or services firms, by their "
        "industry code; units whose code leaves it open are in neither",
    )
    treatments: list[Column] = Field(default_factory=list, description="regressors of interest")
    controls: list[Column] = Field(default_factory=list, description="control columns")
    fixed_effects: list[list[Annotated[str, Field(pattern=EFFECT)]]] = Field(
        default_factory=lambda: [
            ["firm_id"],
            ["firm_id", "year"],
            ["firm_id", "division*year"],
            ["firm_id", "division*year", "district*year"],
        ],
        min_length=1,
        description="the ladder: each step's effects; a*b = one effect for each pair of levels",
    )
    cluster: Column = Field(
        "firm_id", description="column of clusters: the level at which treatment is assigned"
    )
    singletons: Literal["keep", "drop"] = Field("drop", description="rows alone in an effect")
    other_estimators: list[Literal["pooled", "random_effects", "first_differences"]] = Field(
        default_factory=list, description="estimators shown beside fixed effects"
    )
    random_effects_controls: list[Column] = Field(
        default_factory=list, description="time-constant controls added to random effects only"
    )


# Fiscal (财税): grants, tax, procurement; financial (金融): loans, guarantees, pledges; then land, talent, data.
Lever = Literal["grants", "tax", "procurement", "loans", "guarantees", "pledges", "land", "talent", "data"]


def _measured_levers() -> dict[Lever, str]:
    """Levers of the policy document and the contract's columns for them."""
    return {
        "grants": "subsidy",
        "tax": "rd_super_deduction",
        "procurement": "gov_procurement",
        "loans": "bank_loans",
        "guarantees": "guaranteed_loans",
        "pledges": "ip_pledge_loans",
        "land": "mixed_land",
        "talent": "trained_staff",
        "data": "public_data",
    }


class Heterogeneity(Section):
    """Effects by group, by policy lever, and on mechanisms; stated before the estimates are seen."""

    split_columns: list[Column] = Field(
        default_factory=lambda: ["path", "control_type", "actor_type"],
        description="columns by whose groups the effect is estimated; a unit's group is read before its treatment",
    )
    split_by_field: bool = Field(
        True,
        description="also in and outside each of the policy's eight key fields (a unit may be in several)",
    )
    smallest_group: Annotated[int, Field(ge=2)] = Field(
        15,
        description="units whose treatment changes that a group must have; smaller ones are left out and named",
    )
    levers: dict[Lever, Column] = Field(
        default_factory=_measured_levers,
        description="policy lever: column that measures it, as its intensity in the year before; as a moderator (before "
        "treatment) and as a dose",
    )
    mechanism_outcomes: list[Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_]*$")]] = Field(
        default_factory=lambda: ["A1", "C1", "C5", "D4"],
        description="columns of the panel or indicators on which the treatment is estimated as mechanisms",
    )
    mediators: list[Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_]*$")]] = Field(
        default_factory=list,
        description="mechanisms for which mediation with its sensitivity is shown; usually none",
    )
    multiplicity: Literal["romano_wolf", "benjamini_hochberg"] = Field(
        "romano_wolf",
        description="adjustment over a family of tests: family-wise error (step-down, cluster multipliers) or "
        "false discovery rate",
    )
    resampling_draws: Annotated[int, Field(ge=99, le=100_000)] = Field(
        999, description="draws of the adjustment and of the mediation's bootstrap"
    )
