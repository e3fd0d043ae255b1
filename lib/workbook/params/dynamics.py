"""Event studies for treatments that start in different years."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from workbook.language import said
from workbook.params.base import Column, Section

Estimator = Literal[
    "cs_never",
    "cs_not_yet",
    "cs_covariates",
    "sun_abraham",
    "imputation",
    "two_stage",
    "extended_twfe",
    "stacked",
    "local_projections",
    "switchers",
]
NonNegative = Annotated[float, Field(ge=0)]


class Dynamics(Section):
    """The path of the effect before and after treatment starts, and what it rests on."""

    dynamic_estimators: list[Estimator] = Field(
        default_factory=lambda: list(Estimator.__args__),  # type: ignore[attr-defined]
        description="estimators on the common sample; two-way fixed effects always stands beside them as a benchmark",
    )
    first_event: int = Field(-5, ge=-30, le=-3, description="first year shown, from the start year")
    last_event: int = Field(6, ge=0, le=30, description="last year shown, from the start year")
    anticipation: int = Field(
        0, ge=0, le=5, description="years before the start in which an effect is allowed for"
    )
    dynamic_controls: Literal["untreated_slopes", "none"] = Field(
        "untreated_slopes",
        description="controls in the event studies: taken out with slopes learned from untreated rows, or not used",
    )
    base_period: Literal["universal", "varying"] = Field(
        "universal",
        description="year that Callaway–Sant'Anna leads are compared with: the last before treatment, or the year before each",
    )
    pretrend_slope: Annotated[float, Field(gt=0, le=1)] = Field(
        0.01,
        description="differential trend a year, in outcome units, for which the pre-trend test's power is given",
    )
    honest_relative: list[NonNegative] = Field(
        default_factory=lambda: [0.0, 0.5, 1.0, 1.5, 2.0],
        min_length=2,
        description="bounds on violations after the start, as multiples of the largest before it",
    )
    honest_smooth: list[NonNegative] = Field(
        default_factory=lambda: [0.0, 0.005, 0.01, 0.02],
        min_length=2,
        description="bounds on the change of the differential trend from one year to the next, outcome units",
    )
    spillover_cell: list[Column] = Field(
        default_factory=lambda: ["path", "district"],
        description="untreated firms that share all these columns with a treated firm count as exposed",
    )
    shock_group: Column = Field(
        "path",
        description="firms of one level may share shocks: its years get effects of their own, and inference by group is shown",
    )
    headline_estimator: Literal["imputation", "two_stage"] = Field(
        "imputation",
        description="estimator of the one effect that the study answers with; estimates are equal, errors are not",
    )
    headline_target: Literal["all", "common", "first"] = Field(
        "all",
        description="its average: all treated rows, the years that every cohort reaches with equal weights, or the first year",
    )
    headline_effects: Literal["group_year", "year"] = Field(
        "group_year",
        description="what untreated outcomes share in a year: those of a shock_group, or all",
    )
    shock_years: list[Annotated[int, Field(ge=1900, le=2100)]] = Field(
        default_factory=lambda: [2020, 2022],
        description="years of shocks that all firms share: what treated firms were spared in them is a test of its own",
    )
    permutations: int = Field(
        199, ge=0, le=9999, description="reassignments of start years in the randomisation test; 0: none"
    )

    @model_validator(mode="after")
    def _grids(self) -> Dynamics:
        """Refuse grids that do not rise, and a window without a lead before the base."""
        for name in ("honest_relative", "honest_smooth"):
            grid = getattr(self, name)
            if sorted(set(grid)) != grid:
                raise ValueError(said("params.rule.rising", name=name, grid=grid))
        if self.first_event >= -1 - self.anticipation:
            raise ValueError(
                said("params.rule.no_lead", first_event=self.first_event, base=-1 - self.anticipation)
            )
        return self
