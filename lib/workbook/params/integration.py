"""How integration is measured: what is judgement in it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from workbook.params.base import Section, Share


class Integration(Section):
    """Integration of making and serving, in yuan: judgements of the pairing, and of who does not tell."""

    integration_tier: Literal["common", "best"] = Field(
        "common",
        description="common: classes of services are not used for firms while only some tell them, so that ranks compare; "
        "best: the most that each firm tells",
    )
    full_mix: Annotated[float, Field(ge=0.2, le=0.5)] = Field(
        0.5,
        description="share of services at which the mix is full; below 0.5 the two sides no longer count alike",
    )
    relatedness_levels: list[Share] = Field(
        [0.9, 0.7, 0.5, 0.25],
        min_length=4,
        max_length=4,
        description="judgement: how likely a yuan of a service is tied to own goods: partner of the goods' path, close, "
        "medium, far; what no product can be tied to stays at 0",
    )
    relatedness_alpha: Annotated[float, Field(ge=0, le=0.5)] = Field(
        0.25,
        description="weight of input-output tables and of what makers sell together; 0: the levels alone",
    )
    relatedness_kappa: Annotated[float, Field(ge=2, le=20)] = Field(
        5.0, description="firms' worth of doubt in what makers sell together"
    )
    relatedness_worth: Annotated[float, Field(ge=1, le=200)] = Field(
        20.0, description="firms' worth of the levels against tied shares that firms report; spread of draws"
    )
    unknown_relatedness: Share = Field(
        0.6, description="relatedness of services of which neither class, activity nor path is known"
    )
    integration_draws: Annotated[int, Field(ge=20, le=2000)] = Field(
        100, description="draws of relatedness for the intervals of ranks"
    )
    imputations: Annotated[int, Field(ge=2, le=200)] = Field(
        20, description="imputations of what is not told, in totals alone"
    )
    silent_odds: Annotated[float, Field(ge=0.1, le=10)] = Field(
        1.0,
        description="odds that the silent sell services, against those that tell and are alike in all else",
    )
    silent_level: Annotated[float, Field(ge=0.1, le=10)] = Field(
        1.0, description="integration of the silent that do, against the same"
    )
    frame_share: Annotated[float, Field(gt=0, le=1)] = Field(
        1.0,
        description="sampling fraction of the panel; 1: all units of the frame, which are no source of error",
    )
