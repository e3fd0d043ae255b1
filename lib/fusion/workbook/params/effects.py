"""The regressions."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from fusion.workbook.params.base import Column, Section


class Effects(Section):
    """The regressions."""

    outcome: Column | None = Field(None, description="outcome column; none: no regressions")
    other_outcomes: list[Column] = Field(
        default_factory=list, description="further outcomes, each regressed as in the ladder's last step"
    )
    treatments: list[Column] = Field(default_factory=list, description="regressors of interest")
    controls: list[Column] = Field(default_factory=list, description="control columns")
    fixed_effects: list[list[Annotated[str, Field(pattern=r"^[a-z0-9_]+(\*[a-z0-9_]+)*$")]]] = Field(
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
