"""The official classifications."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from fusion.workbook.params.base import Section, Share


class Classification(Section):
    """Which official standards define the two industries."""

    services_standard: Literal["modern_services_2023", "hightech_services_2018", "scitech_services_2018"] = (
        Field("modern_services_2023", description="standard that says what modern services are")
    )
    manufacturing_standard: Literal["three_new_2018", "hightech_manufacturing_2017"] = Field(
        "three_new_2018",
        description="standard that says what advanced manufacturing is (三新 2018: its class 02)",
    )
    partial_share: Share = Field(
        0.5,
        description="point estimate's share of a class marked * (partly in the standard); the bounds are always shown",
    )
    crosswalk_confidence: Literal["high", "medium", "low"] = Field(
        "high",
        description="lowest confidence at which a 2011 code is taken over to 2017; below it the row stays unmapped",
    )
