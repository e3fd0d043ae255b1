"""For whom, and through what."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from fusion.workbook.params.base import Column, Section

Lever = Literal["tax", "finance", "land", "talent", "data"]


def _measured_levers() -> dict[Lever, str]:
    """Levers of the policy document that the panel contract has a column for."""
    return {"tax": "rd_super_deduction", "finance": "subsidy"}


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
        15, description="treated units that a group must have; smaller ones are left out and named"
    )
    levers: dict[Lever, Column] = Field(
        default_factory=_measured_levers,
        description="policy lever: column that measures it; as a moderator (before treatment) and as a dose",
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
