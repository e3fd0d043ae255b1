"""The official classifications."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from workbook.language import said
from workbook.params.base import Section, Share, Year


class Classification(Section):
    """Which official standards define the two industries."""

    services_standard: Literal["modern_services_2023", "hightech_services_2018", "scitech_services_2018"] = (
        Field("modern_services_2023", description="standard that says what modern services are")
    )
    manufacturing_standard: Literal["three_new_2018", "hightech_manufacturing_2017"] = Field(
        "three_new_2018",
        description="standard that says what advanced manufacturing is (three_new_2018: its class 02)",
    )
    partial_share: Share = Field(
        0.5,
        description="point estimate's share of a class marked * (partly in the standard); the bounds are always shown",
    )
    partial_coefficients: Literal["equal", "file", "estimated"] = Field(
        "equal",
        description="point shares of classes marked *: partial_share for all; from coefficients_file; or estimated from the "
        "units that report revenue by class, where enough do",
    )
    coefficients_file: str | None = Field(
        None, description="CSV with standard, gbt_code, coefficient (0 to 1), for partial_coefficients: file"
    )
    edition_evidence: Literal["none", "own_later_code"] = Field(
        "none",
        description="whether an ambiguous code of 2011 may be settled by the same enterprise's first code of 2017, flagged",
    )
    lists: list[str] = Field(
        default_factory=list,
        description="official lists of units (CSV or Excel, columns of data/classification/lists_template.csv): they tag fields, "
        "modes and actors",
    )
    actor_year: Year | None = Field(
        None,
        description="year whose features sort enterprises into kinds of actor, before treatment; empty = each one's first",
    )

    @model_validator(mode="after")
    def _coefficients(self) -> Classification:
        if (self.partial_coefficients == "file") != (self.coefficients_file is not None):
            raise ValueError(said("params.rule.coefficients"))
        return self
