"""What may be published."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from fusion.workbook.params.base import Section, Share


class Publish(Section):
    """What may leave the build. Common values stand here; a bureau's own rules come first."""

    secrecy: Literal["rules", "public"] = Field(
        "rules",
        description="rules = units were promised secrecy, and nothing is published that breaks the rules below; "
        "public = the rows themselves are public or synthetic",
    )
    min_units: Annotated[int, Field(ge=1)] = Field(3, description="fewest units behind a published number")
    dominance_units: Annotated[int, Field(ge=1)] = Field(
        1, description="number of largest units that may not dominate a published total"
    )
    dominance_share: Share = Field(0.8, description="largest share of a total that they may hold")
    p_percent: Annotated[float, Field(ge=0, lt=100)] = Field(
        10.0, description="how closely, in percent, no unit's amount may be had from what is published"
    )
