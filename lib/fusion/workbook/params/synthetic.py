"""The synthetic panel."""

from __future__ import annotations

from pydantic import Field, model_validator

from fusion.workbook.params.base import Section, Share, Year, in_order


class Synthetic(Section):
    """The synthetic panel: size and the modes that must raise an alarm. Zero switches a mode off."""

    dgp_firms: int = Field(3000, ge=50, le=2_000_000, description="firms ever in the panel")
    dgp_first_year: Year = Field(2012, description="first year")
    dgp_last_year: Year = Field(2023, description="last year")
    dgp_treated_share: Share = Field(
        0.16, description="share of firms that ever become pilots; 0.008 is realistic"
    )
    dgp_null_effect: bool = Field(False, description="pilots have no effect at all")
    dgp_trend: float = Field(
        0.0, ge=-0.1, le=0.1, description="extra productivity growth a year of treated firms, log points"
    )
    dgp_dip: float = Field(
        0.0, ge=-0.5, le=0.5, description="fall of productivity in the two years before adoption, log points"
    )
    dgp_spillover: float = Field(
        0.0,
        ge=-0.5,
        le=0.5,
        description="effect on untreated firms of the same path and district, share of the pilot effect",
    )
    dgp_anticipation: float = Field(
        0.0, ge=-0.5, le=0.5, description="effect in the year before adoption, share of the first effect"
    )
    dgp_misdated_share: Share = Field(0.0, description="share of pilots whose recorded start is a year off")
    dgp_underreporting: Share = Field(0.0, description="share of service revenue that is not reported")
    dgp_edition_break: Share = Field(
        0.0, description="share of firms whose industry code changes meaning, not activity, in 2017"
    )
    dgp_duplicate_ids: Share = Field(0.0, description="share of rows entered twice")
    dgp_unit_slips: Share = Field(
        0.0, description="share of rows whose money columns are in 千元 instead of 万元"
    )
    dgp_heaping: Share = Field(
        0.0, description="share of firms just below the reporting line that report just above it"
    )
    dgp_missingness: float = Field(1.0, ge=0, le=1.5, description="scale of missing cells; 0 = complete")

    @model_validator(mode="after")
    def _years(self) -> Synthetic:
        return in_order(self, "dgp_first_year", "dgp_last_year")
