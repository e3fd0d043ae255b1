"""Other choices, other designs: does the result hang on one of them?"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from workbook.language import said
from workbook.params.base import EFFECT, Column, Section, Share, Year

Name = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_]*$")]
Tail = Annotated[float, Field(ge=0, lt=0.25)]


class Robustness(Section):
    """The result under other choices; all declared beforehand."""

    robust_effects: list[Annotated[str, Field(pattern=EFFECT)]] = Field(
        default_factory=lambda: ["firm_id", "year"],
        min_length=1,
        description="fixed effects of every check but the specification curve, which takes the ladder's steps with year in them",
    )
    winsor_tails: list[Tail] = Field(
        default_factory=lambda: [0.0, 0.01, 0.05],
        min_length=1,
        description="shares of the outcome drawn in at each end, as choices of the curve and one by one; 0: none",
    )
    curve_draws: Annotated[int, Field(ge=0, le=9999)] = Field(
        99, description="permuted treatments in the curve's joint test; 0: no test"
    )
    exclusions: dict[str, str] = Field(
        default_factory=dict,
        description="samples, also of the curve: name: rows left out, as a condition on columns of panel, classification "
        "and indicators, e.g. 'year in (2020, 2022)'",
    )
    placebo_draws: Annotated[int, Field(ge=0, le=9999)] = Field(
        199, description="placebo treatments of units; 0: none"
    )
    placebo_strata: list[Column] = Field(
        default_factory=lambda: ["path"],
        description="units exchange treatments with units of the same strata only",
    )
    placebo_years: list[Annotated[int, Field(ge=1, le=10)]] = Field(
        default_factory=lambda: [2, 3], description="placebo starts, years before the real one"
    )
    placebo_outcomes: list[Name] = Field(
        default_factory=list, description="columns that the treatment cannot move"
    )
    balance_moments: Annotated[int, Field(ge=1, le=3)] = Field(
        1, description="entropy balancing: 1 means, 2 also variances, 3 also third moments"
    )
    match_neighbours: Annotated[int, Field(ge=1, le=50)] = Field(
        3, description="matching: controls of each treated unit, with replacement"
    )
    match_caliper: Annotated[float, Field(gt=0, le=5)] = Field(
        0.2, description="matching: largest distance, in standard deviations of the log odds"
    )
    match_strata: list[Column] = Field(
        default_factory=lambda: ["path"], description="matching: columns that must be equal"
    )
    instrumented: Name | None = Field(
        None, description="regressor that is instrumented; none: the first treatment"
    )
    peer_group: list[Column] = Field(
        default_factory=lambda: ["path", "district"],
        description="instrument: mean of the regressor over the other units that share these columns, by year; empty: none",
    )
    shift_share_components: list[Name] = Field(
        default_factory=list,
        description="instrument: components that add up to the regressor, shares of the first year times growth elsewhere",
    )
    gmm_first_lags: list[Annotated[int, Field(ge=2, le=10)]] = Field(
        default_factory=lambda: [2, 3],
        description="dynamic panel: first lag of the outcome that is an instrument, one column each",
    )
    gmm_lags: Annotated[int, Field(ge=1, le=20)] = Field(3, description="dynamic panel: number of lags")
    gmm_collapse: bool = Field(
        True, description="dynamic panel: one instrument for each lag, not for each year and lag"
    )
    r2_bounds: list[Annotated[float, Field(gt=0, le=1)]] = Field(
        default_factory=lambda: [0.1, 0.3, 0.5, 0.7, 1.0],
        min_length=1,
        description="Oster: R² with all that is not observed, for the curve",
    )
    r2_factor: Annotated[float, Field(gt=1, le=5)] = Field(
        1.3, description="Oster: R² with everything unobserved, as a multiple of R² with controls"
    )
    leave_out_columns: list[Column] = Field(
        default_factory=lambda: ["path", "district", "firm_id"],
        description="besides start years, columns whose levels are left out one by one; those with more than 40 levels are not",
    )
    amount_outcome: Name | None = Field(
        None, description="amount (not logged, zero allowed) for Poisson, logs and asinh; none: left out"
    )
    alternative_outcomes: list[Name] = Field(
        default_factory=list,
        description="outcomes that measure the same thing in other ways; productivity columns (tfp…) of the indicators join them",
    )
    alternative_measures: list[Name] = Field(
        default_factory=lambda: ["integration", "conditions", "A1", "A2"],
        description="measures of integration that take the treatment's place",
    )
    nonlinear_outcome: Name | None = Field(
        None, description="outcome of U shape and thresholds; none: the outcome"
    )
    nonlinear_regressor: Name | None = Field(
        None,
        description="regressor of U shape and thresholds; none: the first treatment, if it is continuous",
    )
    thresholds: Annotated[int, Field(ge=1, le=3)] = Field(
        1, description="thresholds that are tested, one after the other"
    )
    threshold_trim: Annotated[float, Field(gt=0, lt=0.25)] = Field(
        0.05, description="least share of rows on each side of a threshold"
    )
    threshold_draws: Annotated[int, Field(ge=19, le=9999)] = Field(
        199, description="bootstrap draws of the threshold test"
    )

    @model_validator(mode="after")
    def _lists(self) -> Robustness:
        """Refuse tails that repeat and a single shift-share component."""
        if len(set(self.winsor_tails)) < len(self.winsor_tails):
            raise ValueError(said("params.rule.repeats", winsor_tails=self.winsor_tails))
        if len(self.shift_share_components) == 1:
            raise ValueError(said("params.rule.one_component"))
        return self


Design = Literal[
    "switches",
    "doses",
    "selection",
    "unknown",
    "reporting",
    "misreported",
    "line",
    "shocks",
    "synthetic",
    "held",
]


class Designs(Section):
    """Treatments that end, doses, selection, errors of report, shared shocks, few large units, and what is held constant."""

    designs: list[Design] = Field(
        default_factory=list,
        description="designs that are shown beside the event study; none: the notebook does not run",
    )
    ending_treatment: Column | None = Field(
        None, description="0/1 treatment that may end; none: the first treatment"
    )
    horizons: Annotated[int, Field(ge=0, le=15)] = Field(
        3, description="last year after a change of treatment that is shown"
    )
    dose: Column | None = Field(
        None,
        description="intensity of treatment in its first year, per revenue or per employee, not in money; none: no doses",
    )
    seen_after: Annotated[int, Field(ge=0, le=10)] = Field(
        2, description="years after the start at which units are compared that may have left"
    )
    reporting_columns: list[Column] = Field(
        default_factory=list,
        description="columns by which telling services is modelled, as they stand in the year before the start; none: controls",
    )
    least_reporting: Annotated[float, Field(gt=0, lt=1)] = Field(
        0.05,
        description="least chance to tell: smaller ones count as it, so that no firm weighs more than one over it",
    )
    false_positive: Share = Field(0.005, description="share of the untreated that are reported as treated")
    false_negative: Share = Field(0.05, description="share of the treated that are not reported as treated")
    line_column: Column = Field(
        "operating_revenue", description="column with a line from which units are surveyed"
    )
    line: float | None = Field(None, description="the line, in the column's unit; none: no line")
    line_width: Annotated[float, Field(gt=0)] = Field(
        100.0, description="width of a bin at the line, in the column's unit"
    )
    synthetic_unit: Column = Field("district", description="column of large units that start as one")
    synthetic_starts: dict[str, Year] = Field(
        default_factory=dict, description="such units that start, with the year: their value in quotes: year"
    )


class Result(Section):
    """The number that variants are compared by: a coefficient of a table, or of the ladder."""

    table: str | None = Field(None, description="name of the table; none: the study's first, or the ladder")
    column: Annotated[int, Field(ge=1)] | None = Field(None, description="its column, from 1; none: the last")
    term: str | None = Field(None, description="its coefficient; none: the first treatment")


class Grid(Section):
    """Variants of the study, run by `fusion grid`."""

    vary: dict[str, list[Any] | dict[str, Any]] = Field(
        default_factory=dict,
        description="parameter (panel.first_year, columns.size, where, tables.main.columns.3.controls): its values, a list or "
        "by name; null takes what is stated away",
    )
    called: dict[str, str] = Field(
        default_factory=dict, description="what parameters are called on the page: English | Chinese"
    )
    design: Literal["full", "one_at_a_time", "sample"] = Field(
        "full",
        description="full = every combination; one_at_a_time = one parameter off what is stated; sample = some combinations "
        "by chance",
    )
    draws: Annotated[int, Field(ge=2, le=500)] = Field(100, description="combinations that a sample has")
    without: list[str] = Field(
        default_factory=list,
        description="conditions on names of values, with _ for the dots of a parameter; combinations that meet one are left out",
    )
    result: Result | None = Field(
        None, description="number that variants are compared by: {table, column, term}"
    )

    @model_validator(mode="after")
    def _named(self) -> Grid:
        """Refuse words for parameters that do not vary."""
        for name in self.called:
            if name not in self.vary:
                raise ValueError(said("params.rule.called", name=name))
        return self
