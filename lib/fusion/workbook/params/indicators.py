"""The indicators and the index."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from fusion.workbook.params.base import Section, Share


class Indicators(Section):
    """The indicator system and the fusion index."""

    indicators: list[Annotated[str, Field(pattern=r"^[A-E][1-9]$")]] = Field(
        default_factory=lambda: [
            "A1",
            "A2",
            "B1",
            "B2",
            "B3",
            "C1",
            "C2",
            "C3",
            "C5",
            "C8",
            "D4",
            "E1",
            "E2",
            "E7",
        ],
        min_length=1,
        description="indicator codes of data/indicators/indicators.csv; the default is the 14 core ones",
    )
    index_exclude: list[Annotated[str, Field(pattern=r"^[A-E][1-9]$")]] = Field(
        default_factory=lambda: ["B1", "B2", "B3", "C3", "C5"],
        description="kept out of the index that enters regressions, because they are outcomes or mechanisms",
    )
    winsor_tail: Annotated[float, Field(ge=0, lt=0.5)] = Field(
        0.01, description="share cut to the quantile at each end"
    )
    normalise: Literal["minmax", "rank", "zscore"] = Field(
        "minmax", description="normalisation of each indicator"
    )
    bounds: Literal["pooled", "yearly"] = Field(
        "pooled", description="bounds over all years (scores compare over time) or by year"
    )
    weights: Literal["entropy", "equal"] = Field(
        "entropy", description="weights of indicators within a chain"
    )
    chain_weights: Literal["equal", "entropy"] = Field("equal", description="weights of the five chains")
    min_chain_share: Share = Field(
        0.6, description="share of a chain's indicators that a firm-year must have, else no score"
    )
