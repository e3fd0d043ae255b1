"""A change is tried: everything is judged and protected again as it would then be."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from workbook.publish.secrecy import amounts, counts
from workbook.publish.secrecy.exhibit import Exhibit
from workbook.publish.secrecy.judge import Judged, judge
from workbook.publish.secrecy.linear.system import System
from workbook.publish.secrecy.releases import Release
from workbook.publish.secrecy.rules import Rules

# Units' numbers behind exhibits that hang together. Each change costs as much as all of the judgement again: with more, it is
# judged by the exhibit's own cells, and says so.
MOST = 500


def systems(judged: Sequence[Judged], rules: Rules, earlier: Sequence[Release]) -> list[System]:
    """The linear systems of everything that is published: amounts, counts, means."""
    found = (
        amounts.system(judged, rules, earlier),
        counts.system(judged, rules, earlier),
        counts.means(judged, rules),
    )
    return [system for system in found if system is not None]


@dataclass(frozen=True)
class Trial:
    """What a study would publish, with its cells that are left out, for changes of one exhibit to be tried on.

    Parameters
    ----------
    judged : list of Judged
        All exhibits.
    hidden : list of ndarray of bool
        Which cells of each are left out.
    linked : list of set of int
        For each exhibit the others whose cells hang together with its own.
    rules, earlier
        As of `verdicts`.
    sample_units, regressors
        As of `judge`.
    """

    judged: Sequence[Judged]
    hidden: Sequence[np.ndarray]
    linked: Sequence[set[int]]
    rules: Rules
    earlier: Sequence[Release]
    sample_units: int | None
    regressors: int

    def whole(self, place: int) -> bool:
        """Whether changes of an exhibit are tried on all that hangs together with it."""
        parts = (self.judged[other].exhibit.contributions for other in self.linked[place])
        return sum(len(part) for part in parts if part is not None) <= MOST

    def passes(self, place: int, exhibit: Exhibit | None = None, rules: Rules | None = None) -> bool:
        """Whether nothing of an exhibit is left out after a change, and no more than before of any other.

        Parameters
        ----------
        place : int
            Position of the exhibit.
        exhibit : Exhibit, optional
            As it would be.
        rules : Rules, optional
            Rules as they would be, of all exhibits.
        """
        near = sorted(self.linked[place] | {place}) if self.whole(place) else [place]
        now = [self._judged(other, exhibit if other == place else None, rules) for other in near]
        own = near.index(place)
        if now[own].refused or (now[own].reasons != "").any(axis=None):
            return False
        if not self.whole(place):
            return True
        for system in systems(now, rules or self.rules, self.earlier):
            cells, broken = system.protect()
            if any(cell is not None and cell[0] == own for cell in [*cells, *broken]):
                return False
            if any(self._is_new(near[other], row, column) for other, row, column in cells):
                return False
        return True

    def _judged(self, place: int, exhibit: Exhibit | None, rules: Rules | None) -> Judged:
        one = self.judged[place]
        if exhibit is None and (rules is None or not one.taken):
            return one
        return judge(exhibit or one.exhibit, rules or self.rules, self.sample_units, self.regressors)

    def _is_new(self, place: int, row: int, column: str) -> bool:
        at = self.judged[place].exhibit.frame.columns.get_loc(column)
        return not self.hidden[place][row, at]


def linked(found: Sequence[System], exhibits: int) -> list[set[int]]:
    """Exhibits whose cells hang together with each one's, through any of the systems."""
    near: list[set[int]] = [set() for _ in range(exhibits)]
    for system in found:
        for places in system.together():
            for place in places:
                near[place] |= places - {place}
    return near
