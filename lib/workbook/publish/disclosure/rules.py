"""Rules that say whether a cell gives a unit away (primary rules).

Hundepool, A., et al. (2012). Statistical Disclosure Control. Wiley, chapter 4 (minimum frequency, (n, k)
dominance, p % rule). The values are the publisher's to set: a bureau's own rules come first.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt


class DisclosureError(ValueError):
    """Something may not be published, or cannot be judged."""


@dataclass(frozen=True)
class Rules:
    """What a cell must satisfy.

    Parameters
    ----------
    min_units : int
        Fewest units behind a cell that is not empty.
    dominance_units, dominance_share : int, float
        The largest ``dominance_units`` units may hold at most this share of a cell's total.
    p_percent : float
        The second largest unit must not be able to estimate the largest one's value closer than this, percent; a
        suppressed value must not be recoverable closer than this either.
    """

    min_units: int = 3
    dominance_units: int = 1
    dominance_share: float = 0.8
    p_percent: float = 10.0

    def __post_init__(self) -> None:
        if self.min_units < 1 or self.dominance_units < 1:
            raise DisclosureError("min_units and dominance_units must be at least 1")
        if not 0 < self.dominance_share <= 1 or not 0 <= self.p_percent < 100:
            raise DisclosureError("dominance_share must be in (0, 1] and p_percent in [0, 100)")

    def reason(self, contributions: npt.ArrayLike | None, units: int) -> str:
        """Why a cell may not be published; empty if it may.

        Parameters
        ----------
        contributions : array_like or None
            One amount for each unit, shape (units,); None for a cell that only counts units.
        units : int
            Units behind the cell.

        Returns
        -------
        str
            ``""``, ``"frequency"``, ``"dominance"`` or ``"p %"``.
        """
        if units == 0:
            return ""
        if units < self.min_units:
            return "frequency"
        if contributions is None:
            return ""
        # Size gives a unit away whichever its sign is.
        sizes = np.sort(np.abs(np.asarray(contributions, dtype=float)))[::-1]
        total = sizes.sum()
        if total == 0:
            return ""
        if sizes[: self.dominance_units].sum() > self.dominance_share * total:
            return "dominance"
        if sizes[2:].sum() < self.p_percent / 100 * sizes[0]:
            return "p %"
        return ""

    def said(self) -> str:
        """The rules in words, for the record of what was released."""
        return (
            f"at least {self.min_units} units; largest {self.dominance_units} at most {self.dominance_share:.0%}; "
            f"p % with p = {self.p_percent:g}"
        )
