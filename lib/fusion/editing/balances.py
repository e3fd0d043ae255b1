"""The smallest set of cells whose change mends a broken balance (Fellegi and Holt 1976, JASA 71(353):17), slips of unit included.

A mixed-integer program (HiGHS through scipy): each cell is right, or off by a power of ten, or free; whole blocks of a form may
be off together. The answer is ambiguous where another set costs hardly more.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, milp

from fusion.editing.settings import SLIPS, Floats

WEIGHTS = {"total": 1.5, "item": 1.0, "sub-item": 0.8}
_BLOCK, _SLIP, _NEAR, _LARGE = 0.8, 0.5, 0.1, 1e4
_TINY, _SECONDS = 1e-6, 2.0


@dataclass(frozen=True)
class Balance:
    """low ≤ Σ aᵢ·vᵢ ≤ high.

    Attributes
    ----------
    terms : mapping of str to float
        Coefficient of each item.
    low, high : float
        Bounds without the tolerance.
    """

    terms: Mapping[str, float]
    low: float = 0.0
    high: float = 0.0

    def broken(self, values: Mapping[str, float], rounding: float) -> bool:
        """Whether the values break it by more than rounding can: one unit a term."""
        if any(np.isnan(values.get(name, np.nan)) for name in self.terms):
            return False
        total = sum(a * values[name] for name, a in self.terms.items())
        return not self.low - rounding * len(self.terms) <= total <= self.high + rounding * len(self.terms)


@dataclass(frozen=True)
class Sheet:
    """One return that breaks a balance.

    Attributes
    ----------
    values : mapping of str to float
        As reported; NaN where missing.
    levels : mapping of str to str
        ``total``, ``item`` or ``sub-item``: how surely an item is right (a judgement); ``item`` where not given.
    expected : mapping of str to float
        Predicted values, where known: a cell near its prediction is hard to change.
    blocks : sequence of sequence of str
        Items that one slip meets together.
    signed : frozenset of str
        Items that may be below zero.
    rounding : float
        Unit to which the return is rounded.
    """

    values: Mapping[str, float]
    levels: Mapping[str, str] = field(default_factory=dict)
    expected: Mapping[str, float] = field(default_factory=dict)
    blocks: Sequence[Sequence[str]] = ()
    signed: frozenset[str] = frozenset()
    rounding: float = 1.0


@dataclass(frozen=True)
class Mended:
    """The cheapest mending.

    Attributes
    ----------
    values : dict of str to float
        New values of the cells that change.
    factors : dict of str to int
        Powers of ten of those that are slips of unit.
    cost : float
    ambiguous : tuple of frozenset of str
        Other sets of cells that cost at most a tenth more: ask for all of them.
    """

    values: dict[str, float]
    factors: dict[str, int]
    cost: float
    ambiguous: tuple[frozenset[str], ...] = ()


def mend(sheet: Sheet, rules: Sequence[Balance]) -> Mended | None:
    """The smallest set of cells to change.

    Parameters
    ----------
    sheet : Sheet
        The return.
    rules : sequence of Balance
        All balances between its items; those that are kept stay kept.

    Returns
    -------
    Mended or None
        None if nothing is broken, or no change mends it within the time limit (two seconds).
    """
    broken = [rule for rule in rules if rule.broken(sheet.values, sheet.rounding)]
    if not broken:
        return None
    program = _Program.of(sheet, rules, broken)
    best = program.solve([])
    if best is None:
        return None
    others: list[frozenset[str]] = []
    while len(others) < 4:
        again = program.solve([frozenset(best.values), *others])
        if again is None or again.cost > 1.1 * best.cost + 1e-6:
            break
        others.append(frozenset(again.values))
    if set(best.values) - set(best.factors):
        best = program.exact(best, rules)
    return dataclasses.replace(best, ambiguous=tuple(others))


@dataclass(frozen=True)
class _Program:
    """Variables: up and down (u, d), free (y) and slip (b by k) of each item, slip (B by k) of each block."""

    sheet: Sheet
    names: list[str]
    blocks: list[list[str]]
    scale: float
    cost: Floats
    matrix: Floats
    low: Floats
    high: Floats

    @classmethod
    def of(cls, sheet: Sheet, rules: Sequence[Balance], broken: Sequence[Balance]) -> _Program:
        names = [n for n in dict.fromkeys(n for rule in rules for n in rule.terms) if n in sheet.values]
        known = np.array([abs(sheet.values[n]) for n in names])
        scale = float(np.nanmax(known)) or 1.0
        blocks = [list(b) for b in sheet.blocks if _splits(b, broken)]
        draft = cls(sheet, names, blocks, scale, np.empty(0), np.empty(0), np.empty(0), np.empty(0))
        matrix, low, high = draft._constraints(rules)
        return cls(sheet, names, blocks, scale, draft._costs(), matrix, low, high)

    @property
    def _size(self) -> int:
        return len(self.names) * (3 + len(SLIPS)) + len(self.blocks) * len(SLIPS)

    def _slips(self, i: int) -> slice:
        start = 3 * len(self.names) + i * len(SLIPS)
        return slice(start, start + len(SLIPS))

    def _block(self, b: int) -> slice:
        return self._slips(len(self.names) + b)

    def _x(self, name: str) -> float:
        value = self.sheet.values[name]
        return 0.0 if np.isnan(value) else value / self.scale

    def _costs(self) -> Floats:
        n = len(self.names)
        cost = np.zeros(self._size)
        cost[: 2 * n] = _TINY
        for i, name in enumerate(self.names):
            weight = _weight(self.sheet, name)
            cost[2 * n + i] = 0.0 if np.isnan(self.sheet.values[name]) else weight
            cost[self._slips(i)] = _SLIP * weight + np.array([_far(self.sheet, name, k) for k in SLIPS])
        for b in range(len(self.blocks)):
            cost[self._block(b)] = _BLOCK
        return cost

    def _final(self, name: str) -> Floats:
        """Coefficients of an item's final value, but for what was reported."""
        n, i = len(self.names), self.names.index(name)
        row = np.zeros(self._size)
        row[i], row[n + i] = 1.0, -1.0
        shift = self._x(name) * (10.0 ** -np.array(SLIPS, float) - 1.0)
        row[self._slips(i)] = shift
        for b, block in enumerate(self.blocks):
            if name in block:
                row[self._block(b)] = shift
        return row

    def _constraints(self, rules: Sequence[Balance]) -> tuple[Floats, Floats, Floats]:
        n, rows, low, high = len(self.names), [], [], []
        for i, name in enumerate(self.names):
            free = np.zeros(self._size)
            free[[i, n + i]], free[2 * n + i] = 1.0, -_LARGE
            one = np.zeros(self._size)
            one[2 * n + i], one[self._slips(i)] = 1.0, 1.0
            for b, block in enumerate(self.blocks):
                if name in block:
                    one[self._block(b)] = 1.0
            final = self._final(name)
            least = -np.inf if name in self.sheet.signed else -self._x(name)
            rows += [free, one, final]
            low += [-np.inf, -np.inf, least]
            high += [0.0, 1.0, np.inf]
        for rule in (r for r in rules if all(name in self.names for name in r.terms)):
            rows.append(np.sum([a * self._final(name) for name, a in rule.terms.items()], axis=0))
            constant = sum(a * self._x(name) for name, a in rule.terms.items())
            slack = self.sheet.rounding * len(rule.terms) / self.scale
            low.append(rule.low / self.scale - constant - slack)
            high.append(rule.high / self.scale - constant + slack)
        return np.array(rows), np.array(low), np.array(high)

    def solve(self, forbidden: Sequence[frozenset[str]]) -> Mended | None:
        """The cheapest mending that changes none of the forbidden sets of cells exactly."""
        n = len(self.names)
        whole = np.ones(self._size)
        whole[: 2 * n] = 0
        held = [LinearConstraint(self.matrix, self.low, self.high)]
        for cells in forbidden:
            row = np.zeros(self._size)
            for name in cells:
                i = self.names.index(name)
                row[2 * n + i] = row[self._slips(i)] = 1.0
                for b, block in enumerate(self.blocks):
                    if name in block:
                        row[self._block(b)] += 1.0
            held.append(LinearConstraint(row[None, :], -np.inf, len(cells) - 1 if len(cells) > 1 else 0))
        upper = np.ones(self._size)
        upper[: 2 * n] = np.inf
        found = milp(
            self.cost,
            constraints=held,
            integrality=whole,
            bounds=Bounds(0, upper),
            options={"time_limit": _SECONDS},
        )
        return None if found.x is None else self._read(found.x, float(found.fun))

    def exact(self, best: Mended, rules: Sequence[Balance]) -> Mended:
        """The same cells, with free values that meet the balances themselves and not just their tolerance."""
        n = len(self.names)
        strict = dataclasses.replace(self.sheet, rounding=0.0)
        matrix, low, high = dataclasses.replace(self, sheet=strict)._constraints(rules)
        upper = np.zeros(self._size)
        lower = np.zeros(self._size)
        for name in set(best.values) - set(best.factors):
            i = self.names.index(name)
            upper[[i, n + i]] = np.inf
            upper[2 * n + i] = lower[2 * n + i] = 1.0
        for name, k in best.factors.items():
            at = self._slips(self.names.index(name)).start + SLIPS.index(k)
            upper[at] = lower[at] = 1.0
        found = milp(
            self.cost,
            constraints=[LinearConstraint(matrix, low, high)],
            bounds=Bounds(lower, upper),
            options={"time_limit": _SECONDS},
        )
        return (
            best
            if found.x is None
            else dataclasses.replace(self._read(found.x, best.cost), ambiguous=best.ambiguous)
        )

    def _read(self, x: Floats, cost: float) -> Mended:
        n = len(self.names)
        values: dict[str, float] = {}
        factors: dict[str, int] = {}
        for i, name in enumerate(self.names):
            slips = x[self._slips(i)].copy()
            for b, block in enumerate(self.blocks):
                slips += x[self._block(b)] if name in block else 0.0
            moved = (x[i] - x[n + i]) * self.scale
            if slips.max() > 0.5:
                factors[name] = SLIPS[int(slips.argmax())]
            if name in factors or x[2 * n + i] > 0.5:
                reported = np.nan_to_num(self.sheet.values[name])
                values[name] = float(reported * 10.0 ** -factors.get(name, 0) + moved)
        return Mended(values, factors, cost)


def _splits(block: Sequence[str], broken: Sequence[Balance]) -> bool:
    """Whether a block holds some but not all terms of a broken rule: scaling all of them mends nothing."""
    return any(0 < sum(name in block for name in rule.terms) < len(rule.terms) for rule in broken)


def _weight(sheet: Sheet, name: str) -> float:
    """Weight of an item, smaller the further it lies from what was expected."""
    weight = WEIGHTS[sheet.levels.get(name, "item")]
    value, expected = sheet.values[name], sheet.expected.get(name, np.nan)
    if not (value > 0 and expected > 0):
        return weight
    return float(weight * max(_NEAR, 1.0 / (1.0 + (np.log10(value / expected) / 0.15) ** 2)))


def _far(sheet: Sheet, name: str, k: int) -> float:
    """What a slip costs whose correction leaves the value far from what was expected."""
    value, expected = sheet.values[name], sheet.expected.get(name, np.nan)
    if not (value > 0 and expected > 0):
        return 0.0
    away = abs(np.log10(value * 10.0**-k / expected))
    return 0.5 * min(1.0, max(0.0, away - 0.15))
