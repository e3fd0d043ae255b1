"""Rules that say whether a number gives a unit away, as named sets with sources.

Hundepool, A., et al. (2012). Statistical Disclosure Control. Wiley, chapter 4 (minimum frequency, (n, k)
dominance, p % rule). The sets stand in ``data/secrecy/rules.csv``; a bureau's own numbers come first.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt

from workbook import paths

TABLE = paths.DATA / "secrecy" / "rules.csv"
# A hidden value must not be had exactly even where no p % is asked for.
LEAST_P = 0.001


class SecrecyError(ValueError):
    """Something cannot be judged, or may not be published."""


@dataclass(frozen=True)
class Rules:
    """What a published number must satisfy.

    Parameters
    ----------
    name : str
        Name of the set that the numbers come from.
    min_units : int
        Fewest units behind a number.
    dominance_units, dominance_share : int, float
        The largest ``dominance_units`` units may hold at most this share of an amount.
    p_percent : float
        No unit's amount may be placed closer than this, percent, on either side.
    min_df : int
        Fewest residual degrees of freedom behind a number of a model: the units that it rests on, less the terms that
        were estimated with it.
    extremes : bool
        Whether smallest and largest values may be shown where at least ``min_units`` units share them.
    zeros : bool
        Whether an amount that is zero for all units of a cell gives each of them away.
    count_base, amount_base : float
        Counts and amounts are published as multiples of these; 0: as they are.
    """

    name: str = "bureau"
    min_units: int = 3
    dominance_units: int = 1
    dominance_share: float = 0.8
    p_percent: float = 10.0
    min_df: int = 0
    extremes: bool = False
    zeros: bool = True
    count_base: float = 0.0
    amount_base: float = 0.0

    def __post_init__(self) -> None:
        if self.min_units < 1 or self.dominance_units < 1:
            raise SecrecyError("min_units and dominance_units must be at least 1")
        if not 0 < self.dominance_share <= 1 or not 0 <= self.p_percent < 100:
            raise SecrecyError("dominance_share must be in (0, 1] and p_percent in [0, 100)")
        if min(self.min_df, self.count_base, self.amount_base) < 0:
            raise SecrecyError("min_df, count_base and amount_base must not be negative")

    @classmethod
    def named(cls, name: str, **numbers: Any) -> Rules:
        """A set of rules, with numbers of one's own where they are given.

        Parameters
        ----------
        name : str
            ``"bureau"`` or ``"strict"``.
        **numbers
            Fields to set otherwise; ``None`` leaves what the set says.

        Raises
        ------
        SecrecyError
            If there is no such set.
        """
        sets = rule_sets()
        if name not in sets:
            raise SecrecyError(f"no rule set '{name}'; there are: {', '.join(sets)}")
        return replace(sets[name], **{k: v for k, v in numbers.items() if v is not None})

    @property
    def p(self) -> float:
        """How closely, as a share, no unit's amount may be placed."""
        return max(self.p_percent / 100, LEAST_P)

    def of_count(self, units: float) -> str:
        """Why a number that rests on so many units may not be shown; empty if it may (shape: scalar)."""
        return "frequency" if 0 < units < self.min_units else ""

    def of_amount(self, contributions: npt.ArrayLike) -> str:
        """Why a sum may not be shown; empty if it may.

        Parameters
        ----------
        contributions : array_like
            One amount for each unit, shape (units,).

        Returns
        -------
        str
            ``""``, ``"frequency"``, ``"zeros"``, ``"dominance"`` or ``"p_percent"``.
        """
        # Size gives a unit away whichever its sign is.
        sizes = np.sort(np.abs(np.asarray(contributions, dtype=float)))[::-1]
        total = sizes.sum()
        if not len(sizes) or len(sizes) < self.min_units:
            return self.of_count(len(sizes))
        if total == 0:
            return "zeros" if self.zeros else ""
        if sizes[: self.dominance_units].sum() > self.dominance_share * total:
            return "dominance"
        return "p_percent" if sizes[2:].sum() < self.p_percent / 100 * sizes[0] else ""

    def range_of(self, contributions: npt.ArrayLike) -> float:
        """How far a hidden sum must be able to move, so that no unit's amount follows from it.

        The p % of the whole, and as much as would bring the largest units' share down to what the rules allow.
        """
        sizes = np.sort(np.abs(np.asarray(contributions, dtype=float)))[::-1]
        total = sizes.sum()
        dominant = sizes[: self.dominance_units].sum() / self.dominance_share - total
        return float(min(max(self.p * total, dominant), total))


def rounding_room(value: float, base: float) -> float:
    """How far a number may be off on either side when it is published as a multiple of a base."""
    return max(base / 2 - abs(round(value / base) * base - value), 0.0) if base else 0.0


@cache
def rule_sets() -> dict[str, Rules]:
    """The named sets of ``data/secrecy/rules.csv``."""
    kinds = {"extremes": bool, "zeros": bool, "min_units": int, "dominance_units": int, "min_df": int}
    found: dict[str, dict[str, Any]] = {}
    with TABLE.open(encoding="utf-8", newline="") as stream:
        for row in csv.DictReader(stream):
            value = kinds.get(row["rule"], float)(float(row["value"]))
            found.setdefault(row["set"], {})[row["rule"]] = value
    return {name: Rules(name=name, **numbers) for name, numbers in found.items()}
