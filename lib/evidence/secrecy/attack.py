"""An attacker who reads everything that is published, and solves for every unit's value.

He knows who belongs to which cell, the sign of every value and its size within a factor of two. His unknowns are the
rows of the panel: unlike the gate, he is told what each number sums, and finds no relation from the numbers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy.optimize import Bounds, LinearConstraint, linprog, milp

from evidence.secrecy.panels import Told
from workbook.publish.secrecy import Rules, Verdict

MEASURES = ("revenue", "services", "profit")
GRAIN = 1e-5
DRAWS = 40


@dataclass(frozen=True)
class Found:
    """What an attack found: unknown values, those placed within p % by a reader and by contributors; counts too."""

    unknown: int
    by_reader: int
    by_contributors: int
    counts: int
    counts_found: int
    cells: int
    cells_hidden: int

    @property
    def broken(self) -> int:
        """Values and counts that were found."""
        return self.by_reader + self.by_contributors + self.counts_found


def attack(
    data: pd.DataFrame, told: Sequence[Told], published: dict[str, Verdict], rules: Rules, own: bool = True
) -> Found:
    """Solve for every value of every unit.

    Parameters
    ----------
    data : pandas.DataFrame
        The panel, for the truth.
    told : sequence of Told
        The exhibits with their meaning.
    published : dict of str to Verdict
        What was published of each.
    rules : Rules
        How close is too close.
    own : bool
        Whether each unit attacks too, with its own values known.

    Returns
    -------
    Found
        Numbers of values, and of those that were placed closer than p %.
    """
    values = np.concatenate([data[m].to_numpy(float) for m in MEASURES])
    size = np.abs(values)
    matrix = _equations(data, told, published) * size
    scale = np.abs(matrix).max(axis=1, initial=0)
    matrix = matrix[scale > 0] / scale[scale > 0, None]
    asked = np.flatnonzero((np.abs(matrix) > 0).any(axis=0))
    unit = np.tile(data["unit"].to_numpy(), len(MEASURES))
    reader = _placed(matrix, asked, np.ones(len(values)), rules.p)
    found: set[int] = set()
    for name in data["unit"].unique() if own else ():
        others = asked[unit[asked] != name]
        room = np.where(unit == name, 0.0, 1.0)
        found |= set(_placed(matrix, others, room, rules.p)) - set(reader)
    hidden, counts_found = _counts(data, told, published, rules)
    cells = gone = 0
    for one in told:
        verdict = published[one.exhibit.name]
        shown = [c for c, role in one.exhibit.roles.items() if role not in ("label", "year")]
        cells += one.exhibit.frame[shown].size
        kept = verdict.hidden if verdict.verdict == "pass" else one.exhibit.frame.notna()
        gone += int(kept[shown].to_numpy().sum())
    return Found(len(asked), len(reader), len(found), hidden, counts_found, cells, gone)


def _equations(data: pd.DataFrame, told: Sequence[Told], published: dict[str, Verdict]) -> np.ndarray:
    """One row for each published number, over all values of all units: deviations that leave it as it is."""
    place = {row: i for i, row in enumerate(data.index)}
    rows = []
    for one in told:
        verdict = published[one.exhibit.name]
        if verdict.verdict != "pass":
            continue
        for (row, column), form in one.forms.items():
            if not form or pd.isna(verdict.protected_frame[column].iloc[row]):
                continue
            equation = np.zeros(len(MEASURES) * len(data))
            for measure, of, weight in form:
                at = MEASURES.index(measure) * len(data) + np.array([place[r] for r in of], int)
                equation[at] += weight
            rows.append(equation)
    return np.array(rows).reshape(len(rows), len(MEASURES) * len(data))


def _placed(matrix: np.ndarray, asked: np.ndarray, room: np.ndarray, p: float) -> list[int]:
    """Values that cannot move by p % of their size; what random moves do not clear goes to linear programs."""
    left = set(asked.tolist())
    draw = np.random.default_rng(len(asked))
    inner = matrix * room
    inverse = np.linalg.pinv(inner @ inner.T, rcond=1e-11, hermitian=True) if len(inner) else np.empty((0, 0))
    moves = draw.choice([-1.0, 1.0], (matrix.shape[1], DRAWS)) * room[:, None]
    for _ in range(3):
        moves = room[:, None] * (moves - inner.T @ (inverse @ (inner @ moves)))
    for move in moves.T:
        size = np.abs(move).max(initial=0)
        if size > 0 and np.abs(matrix @ move).max(initial=0) <= 1e-8 * size:
            left -= set(np.flatnonzero(np.abs(move) >= p * size).tolist())
    return [i for i in sorted(left) if _furthest(matrix, i, room) < p * (1 - GRAIN)]


def _furthest(matrix: np.ndarray, at: int, room: np.ndarray) -> float:
    cost = np.zeros(matrix.shape[1])
    cost[at] = -1
    found: Any = linprog(
        cost, A_eq=matrix, b_eq=np.zeros(len(matrix)), bounds=np.column_stack([-room, room]), method="highs"
    )
    return float(-found.fun) if found.status == 0 else 0.0


def _counts(
    data: pd.DataFrame, told: Sequence[Told], published: dict[str, Verdict], rules: Rules
) -> tuple[int, int]:
    """Hidden counts of too few units, and those that a reader knows to be too few.

    His unknowns are the whole numbers of units by path, district, class, year and whether they tell, whatever they are; he
    knows that a listed cell is not empty, and that a hidden share is of some and not of all.
    """
    keys = data[["path", "district", "code", "tells"]].drop_duplicates()
    every = pd.MultiIndex.from_product([keys[c].unique() for c in keys]).to_frame(index=False)
    every.columns = list(keys)
    hidden = found = 0
    for year in np.unique(data["year"]):
        shown, asked = _margins(data, told, published, every, int(year), rules.count_base // 2)
        # That a cell is empty is no secret of a unit's: what it sums is judged as an amount.
        small = [row for row, n in asked if rules.of_count(n)]
        hidden += len(small)
        for row in small:
            found += not _possible(row, shown, len(every), rules.min_units)
    return hidden, found


def _margins(
    data: pd.DataFrame,
    told: Sequence[Told],
    published: dict[str, Verdict],
    every: pd.DataFrame,
    year: int,
    near: float,
) -> tuple[list[tuple[np.ndarray, float, float]], list[tuple[np.ndarray, int]]]:
    """Sums of the finest cells of one year with what is known of each, and the hidden ones."""
    shown: list[tuple[np.ndarray, float, float]] = []
    asked: list[tuple[np.ndarray, int]] = []
    for one in told:
        if not one.additive:
            continue
        verdict = published[one.exhibit.name]
        frame = one.exhibit.frame
        for i, rows in enumerate(one.masks):
            if (data.loc[rows, "year"] != year).any() or not _is_margin(data, one, i, year):
                continue
            row = _covers(frame.iloc[i], every)
            if "silent" in frame:
                _silent(row, every["tells"].to_numpy(bool), (one, verdict, i), shown, asked)
                row = row * every["tells"].to_numpy(float)
            true = int(frame["units"].iloc[i])
            value = verdict.protected_frame["units"].iloc[i] if verdict.verdict == "pass" else pd.NA
            # A rounded count may be off by half its base.
            least = float(true > 0)
            shown.append((row, least, np.inf) if pd.isna(value) else (row, value - near, value + near))
            if pd.isna(value) and verdict.verdict == "pass":
                asked.append((row, true))
    return shown, asked


def _silent(
    row: np.ndarray,
    tells: np.ndarray,
    of: tuple[Told, Verdict, int],
    shown: list[tuple[np.ndarray, float, float]],
    asked: list[tuple[np.ndarray, int]],
) -> None:
    """A share of those that do not tell: shown, their number in terms of all; hidden, one more number that is asked."""
    one, verdict, i = of
    share = one.exhibit.frame["silent"].iloc[i] / 100
    some = round(share * len(one.masks[i]))
    quiet = row * ~tells
    if verdict.verdict == "pass" and pd.notna(verdict.protected_frame["silent"].iloc[i]):
        shown.append((quiet - share * row, -1e-9, 1e-9))
    elif some:
        shown.append((quiet, 1.0, np.inf))
        asked.append((quiet, some))


def _is_margin(data: pd.DataFrame, one: Told, row: int, year: int) -> bool:
    """Whether a row is about this year, named or not."""
    return "year" in one.exhibit.frame or bool((data.loc[one.masks[row], "year"] == year).all())


def _covers(row: pd.Series, every: pd.DataFrame) -> np.ndarray:
    """Which of the finest cells a row of an exhibit sums."""
    inside = np.ones(len(every), bool)
    for name in ("path", "district", "code"):
        if name in row.index and row[name] != "all":
            inside &= every[name].str.startswith(row[name]).to_numpy()
    return inside.astype(float)


def _possible(row: np.ndarray, shown: list[tuple[np.ndarray, float, float]], n: int, least: int) -> bool:
    """Whether a hidden count could be large enough, in whole numbers."""
    matrix = np.array([s[0] for s in shown])
    low, high = np.array([s[1] for s in shown]), np.array([s[2] for s in shown])
    found: Any = milp(
        np.zeros(n),
        constraints=[LinearConstraint(matrix, low, high), LinearConstraint(row[None, :], least, np.inf)],
        integrality=np.ones(n),
        bounds=Bounds(0, np.inf),
    )
    return found.x is not None
