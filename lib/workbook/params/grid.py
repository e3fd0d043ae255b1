"""Variants of a study: which parameters take which values, how they are combined, and which number is compared."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from workbook.language import said
from workbook.params.base import Section


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
        default_factory=dict, description="what parameters are called on the page: English | 中文"
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
