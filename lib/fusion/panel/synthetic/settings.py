"""Size and modes of the synthetic panel, with the ranges that are allowed."""

from __future__ import annotations

from dataclasses import dataclass, fields

from fusion.language import said
from fusion.panel.errors import PanelError

_RANGES: dict[str, tuple[float, float]] = {
    "firms": (50, 2_000_000),
    "first_year": (1900, 2100),
    "last_year": (1900, 2100),
    "treated_share": (0.0, 1.0),
    "trend": (-0.1, 0.1),
    "dip": (-0.5, 0.5),
    "spillover": (-0.5, 0.5),
    "anticipation": (-0.5, 0.5),
    "misdated_share": (0.0, 1.0),
    "underreporting": (0.0, 1.0),
    "edition_break": (0.0, 1.0),
    "duplicate_ids": (0.0, 1.0),
    "unit_slips": (0.0, 1.0),
    "heaping": (0.0, 1.0),
    "missingness": (0.0, 1.5),
}
_WHOLE = ("firms", "first_year", "last_year")
_FEWEST_YEARS = 6  # three years before the first cohort, and one cohort a year after that


@dataclass(frozen=True)
class Settings:
    """Choices of one synthetic panel; zero switches a mode off.

    Parameters
    ----------
    firms : int
        Firms that are ever in the panel.
    first_year, last_year : int
        Years; cohorts and entry keep their relative positions in the range.
    treated_share : float
        Share of firms that become pilots (0.008 is realistic).
    null_effect : bool
        Pilots change nothing.
    trend : float
        Extra yearly productivity growth of pilots over all years, log points.
    dip : float
        Fall of productivity one and two years before the start, log points.
    spillover : float
        Effect on firms that are never pilots, as a share of the mean effect among pilots of the same path,
        district and year.
    anticipation : float
        Effect in the year before the start, as a share of the first year's effect.
    misdated_share : float
        Share of pilots whose recorded start is one year early or late.
    underreporting : float
        Share of service revenue that is not reported.
    edition_break : float
        Share of firms that keep their 2011 code from 2017 on, where it names another class.
    duplicate_ids : float
        Share of rows that are entered twice.
    unit_slips : float
        Share of rows whose money is in 千元 instead of 万元.
    heaping : float
        Share of firm-years up to a fifth below the reporting line that report just above it.
    missingness : float
        Scale of missing cells; 0 = complete.

    Raises
    ------
    PanelError
        A value out of range, naming the setting, what was found and what is allowed.
    """

    firms: int = 3000
    first_year: int = 2012
    last_year: int = 2023
    treated_share: float = 0.16
    null_effect: bool = False
    trend: float = 0.0
    dip: float = 0.0
    spillover: float = 0.0
    anticipation: float = 0.0
    misdated_share: float = 0.0
    underreporting: float = 0.0
    edition_break: float = 0.0
    duplicate_ids: float = 0.0
    unit_slips: float = 0.0
    heaping: float = 0.0
    missingness: float = 1.0

    def __post_init__(self) -> None:
        for field in fields(self):
            if field.name in _RANGES:
                _check(field.name, getattr(self, field.name))
        if not isinstance(self.null_effect, bool):
            raise PanelError(said("panel.synthetic.null_effect", null_effect=self.null_effect))
        if self.n_years < _FEWEST_YEARS:
            raise PanelError(
                said(
                    "panel.synthetic.few_years",
                    first_year=self.first_year,
                    last_year=self.last_year,
                    n_years=self.n_years,
                    fewest=_FEWEST_YEARS,
                )
            )

    @property
    def n_years(self) -> int:
        """Number of years."""
        return self.last_year - self.first_year + 1


def _check(name: str, value: object) -> None:
    low, high = _RANGES[name]
    kinds: tuple[type, ...] = (int,) if name in _WHOLE else (int, float)
    if isinstance(value, bool) or not isinstance(value, kinds):
        kind = said("panel.synthetic.a_whole_number") if name in _WHOLE else said("panel.synthetic.a_number")
        raise PanelError(said("panel.synthetic.kind", name=name, value=value, kind=kind, low=low, high=high))
    if not low <= value <= high:  # type: ignore[operator]
        raise PanelError(said("panel.synthetic.range", name=name, value=value, low=low, high=high))
