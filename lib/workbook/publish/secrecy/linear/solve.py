"""The attacker and what stops him: which published sums must go so that no target can be placed too closely.

The hidden set is the cheapest one that meets every attack found so far; each attack that still succeeds adds the
condition that one of the sums that it used must go (Fischetti & Salazar-González 2001, Benders' decomposition), until
none succeeds. Attacks are linear programs solved by HiGHS; counts are attacked in whole numbers too.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from scipy import sparse
from scipy.optimize import Bounds, LinearConstraint, linprog, milp
from scipy.sparse.linalg import lsmr

TOLERANCE = 1e-6
DRAWS = 10
EACH = 6
DENSE = 800
SPARSE = 1e5
ROUNDS = 6
PRUNED = 6
AT_ONCE = 25


@dataclass
class Problem:
    """Published sums, the variables behind them, and how far each target must be able to move.

    Everything is in deviations from the truth. ``forms`` (sums, variables): what is published, ``slack`` how far a
    published sum may deviate (rounding), ``block`` which sums are hidden together; ``cost``, ``forced``, ``fixed`` of
    each block. ``facts`` (relations, variables): zero by construction. ``low``, ``high``: what a reader would think
    possible. ``targets`` (targets, variables) must be able to reach ``need`` upwards. ``knows`` (attacker, variable,
    share of the range left to him): what contributors know; a contributor does not attack what is partly his own.
    """

    forms: sparse.csr_matrix
    slack: np.ndarray
    block: np.ndarray
    cost: np.ndarray
    forced: np.ndarray
    fixed: np.ndarray
    facts: sparse.csr_matrix
    low: np.ndarray
    high: np.ndarray
    targets: sparse.csr_matrix
    need: np.ndarray
    knows: tuple[np.ndarray, np.ndarray, np.ndarray]
    attackers: int
    integer: bool = False
    pool: list[np.ndarray] = field(default_factory=list)


@dataclass
class Solution:
    """Blocks that are hidden; targets that cannot be kept whatever is hidden."""

    hidden: np.ndarray
    broken: list[int]


def solve(problem: Problem) -> Solution:
    """Hide the cheapest blocks that keep every target from every attacker.

    Parameters
    ----------
    problem : Problem
        Sums, variables, targets and attackers.

    Returns
    -------
    Solution
        Hidden blocks, and targets that stay exposed with every block hidden that can be.
    """
    cuts: dict[frozenset[int], None] = {}
    broken: set[int] = set()
    hidden = problem.forced & ~problem.fixed
    kept = hidden
    for round_ in range(len(problem.cost) + ROUNDS):
        attacks = _attacks(problem, hidden, broken)
        if not attacks:
            break
        for target, used in attacks:
            free = frozenset(int(b) for b in used if not problem.fixed[b])
            if free:
                cuts[free] = None
            else:
                broken.add(target)
        # The last percents of cost are not worth the wait: after some rounds what is hidden stays hidden.
        kept = hidden if round_ >= ROUNDS else kept
        hidden = _cover(problem, list(cuts), kept)
    return Solution(_pruned(problem, hidden, broken), sorted(broken))


def _pruned(problem: Problem, hidden: np.ndarray, broken: set[int]) -> np.ndarray:
    """Show again what turns out not to be needed, dearest first."""
    extra = np.flatnonzero(hidden & ~problem.forced)
    for block in sorted(extra, key=lambda b: -problem.cost[b])[:PRUNED]:
        fewer = hidden.copy()
        fewer[block] = False
        if not _attacks(problem, fewer, broken, first=True):
            hidden = fewer
    return hidden


def _cover(problem: Problem, cuts: list[frozenset[int]], forced: np.ndarray) -> np.ndarray:
    """Cheapest blocks, beside those that are hidden anyway, that hold one of each cut."""
    open_cuts = [cut for cut in cuts if not any(forced[b] for b in cut)]
    hidden = forced.copy()
    if not open_cuts:
        return hidden
    used = np.array(sorted(set().union(*open_cuts)))
    place = {b: i for i, b in enumerate(used)}
    rows = np.concatenate([[i] * len(cut) for i, cut in enumerate(open_cuts)])
    columns = np.concatenate([[place[b] for b in sorted(cut)] for cut in open_cuts])
    matrix = sparse.csr_matrix((np.ones(len(rows)), (rows, columns)), shape=(len(open_cuts), len(used)))
    found: Any = milp(
        problem.cost[used],
        constraints=LinearConstraint(matrix, 1, np.inf),
        integrality=np.ones(len(used)),
        bounds=Bounds(0, 1),
        options={"time_limit": 2.0, "mip_rel_gap": 0.01},
    )
    chosen = found.x > 0.5 if found.x is not None else np.ones(len(used), bool)
    hidden[used[chosen]] = True
    return hidden


def _attacks(
    problem: Problem, hidden: np.ndarray, broken: set[int], first: bool = False
) -> list[tuple[int, np.ndarray]]:
    """Attacks that succeed: the target and the blocks that were used; empty only if none can."""
    shown = ~hidden[problem.block]
    proven = _proven(problem, shown, sorted(broken))
    found: list[tuple[int, np.ndarray]] = []
    program = _Program(problem, shown)
    for target in range(len(problem.need)):
        while not proven[target].all():
            attacker = int(np.argmin(proven[target])) - 1
            direction, used = program.run(target, attacker)
            if direction is None:
                found.append((target, used))
                break
            problem.pool.append(direction)
            ok = _survives(problem, direction)
            ok[attacker + 1] = True
            proven |= _reached(problem, direction)[:, None] & ok[None, :]
            proven[target, attacker + 1] = True
        if len(found) >= (1 if first else AT_ONCE):
            break
    return found


def _proven(problem: Problem, shown: np.ndarray, broken: list[int]) -> np.ndarray:
    """Pairs of target and attacker (first column: none) for which a way to move the target is known."""
    proven = np.zeros((len(problem.need), problem.attackers + 1), bool)
    attacker, variable, _ = problem.knows
    shape = (len(problem.low), problem.attackers)
    own = sparse.csr_matrix((np.ones(len(attacker)), (variable, attacker)), shape=shape)
    proven[:, 1:] = (abs(problem.targets) @ own).toarray() > 0
    proven[broken] = True
    sums = sparse.vstack([problem.forms[shown], problem.facts]).tocsr()
    room = np.concatenate([problem.slack[shown], np.zeros(problem.facts.shape[0])]) + 1e-8

    def note(directions: list[np.ndarray]) -> list[np.ndarray]:
        kept = [move for move in directions if (np.abs(sums @ move) <= room).all()]
        for move in kept:
            proven[:] |= _reached(problem, move)[:, None] & _survives(problem, move)[None, :]
        return kept

    problem.pool = note(problem.pool)
    if not problem.integer and not proven.all():
        problem.pool += note(_drawn(problem, sums))
    return proven


def _drawn(problem: Problem, sums: sparse.csr_matrix) -> list[np.ndarray]:
    """Random moves that leave every published sum as it is, each with half of the contributors' values fixed.

    They prove most targets safe at the price of a projection; what they miss goes to the linear programs.
    """
    draw = np.random.default_rng(len(problem.need) + sums.shape[0])
    attacker, variable, left = problem.knows
    found = []
    for step in range(DRAWS):
        weight = np.ones(len(problem.low))
        if step:
            chosen = (draw.random(problem.attackers) < 0.5)[attacker]
            np.minimum.at(weight, variable[chosen], np.where(left[chosen] < 0.2, 0.0, left[chosen]))
        moves = draw.choice([-1.0, 1.0], (len(weight), EACH)) * draw.uniform(0.5, 1.0, (len(weight), EACH))
        moves = weight[:, None] * _projected(sums @ sparse.diags(weight), moves)
        size = np.abs(moves).max(axis=0, initial=0)
        found += list((moves[:, size > 0] / size[size > 0]).T)
    return found


def _projected(sums: sparse.csr_matrix, moves: np.ndarray) -> np.ndarray:
    """Moves (variables, many) without what would change a sum."""
    if not sums.shape[0]:
        return moves
    if sums.shape[0] > DENSE:
        columns = [m - sums.T @ lsmr(sums.T, m, atol=1e-13, btol=1e-13, maxiter=400)[0] for m in moves.T]
        return np.column_stack(columns)
    inverse = np.linalg.pinv((sums @ sums.T).toarray(), rcond=1e-11, hermitian=True)
    for _ in range(3):  # rounding errors of the inverse
        moves = moves - sums.T @ (inverse @ (sums @ moves))
    return moves


def _reached(problem: Problem, direction: np.ndarray) -> np.ndarray:
    """Targets that a move brings far enough; ranges of amounts are symmetric, so that its opposite counts too."""
    reach = problem.targets @ direction
    reach = reach if problem.integer else np.abs(reach)
    return reach >= problem.need * (1 - TOLERANCE)


def _survives(problem: Problem, direction: np.ndarray) -> np.ndarray:
    """Attackers (first: none) whose own values do not forbid a move."""
    attacker, variable, left = problem.knows
    moved = direction[variable]
    beyond = (moved > left * problem.high[variable] + 1e-9) | (moved < left * problem.low[variable] - 1e-9)
    return np.concatenate([[True], np.bincount(attacker, beyond, problem.attackers) == 0])


class _Program:
    """One attack as a linear program: how far a target can move, given what is shown and what the attacker knows."""

    def __init__(self, problem: Problem, shown: np.ndarray) -> None:
        self.problem = problem
        loose = problem.slack > 0
        self.rows = np.flatnonzero(shown & ~loose)
        self.loose = np.flatnonzero(shown & loose)
        self.equal = sparse.vstack([problem.forms[self.rows], problem.facts]).tocsr()
        near = problem.forms[self.loose]
        self.upper = sparse.vstack([near, -near]).tocsr()
        self.room = np.concatenate([problem.slack[self.loose]] * 2)
        self.limits: dict[str, Any] = dict.fromkeys(("A_eq", "b_eq", "A_ub", "b_ub"))
        if self.equal.shape[0]:
            self.limits |= {"A_eq": self.equal, "b_eq": np.zeros(self.equal.shape[0])}
        if len(self.room):
            self.limits |= {"A_ub": self.upper, "b_ub": self.room}
        attacker, self.variable, self.left = problem.knows
        self.order = np.argsort(attacker, kind="stable")
        self.edges = np.searchsorted(attacker[self.order], np.arange(problem.attackers + 1))

    def bounds(self, attacker: int) -> tuple[np.ndarray, np.ndarray]:
        """Ranges that are left to an attacker (−1: a reader who knows nothing)."""
        low, high = self.problem.low.copy(), self.problem.high.copy()
        if attacker >= 0:
            own = self.order[self.edges[attacker] : self.edges[attacker + 1]]
            low[self.variable[own]] *= self.left[own]
            high[self.variable[own]] *= self.left[own]
        return low, high

    def run(self, target: int, attacker: int) -> tuple[np.ndarray | None, np.ndarray]:
        """A move of the target that is far enough, or None and the blocks that prevent it."""
        low, high = self.bounds(attacker)
        need = self.problem.need[target]
        aim = self.problem.targets[target].toarray().ravel()
        if not self.problem.integer:
            short = self._shortest(aim, low, high, need)
            if aim @ short >= need * (1 - TOLERANCE):
                return short, np.array([], int)
        found: Any = linprog(-aim, **self.limits, bounds=np.column_stack([low, high]), method="highs")
        if found.status == 0 and -found.fun >= need * (1 - TOLERANCE):
            near = np.round(found.x)
            if not self.problem.integer:
                return found.x, np.array([], int)
            if np.abs(found.x - near).max(initial=0) < 1e-6:
                return near, np.array([], int)
            return self._whole(-aim, low, high, need)
        return None, self._used(found)

    def _shortest(self, aim: np.ndarray, low: np.ndarray, high: np.ndarray, need: float) -> np.ndarray:
        """The move that touches least: what few values it needs, few contributors can rule out."""
        n = len(aim)
        both = {
            k: v if v is None or k.startswith("b") else sparse.hstack([v, -v]) for k, v in self.limits.items()
        }
        rows, room = both["A_ub"], both["b_ub"]
        aims = sparse.csr_matrix(np.concatenate([aim, -aim]))
        both["A_ub"] = aims if rows is None else sparse.vstack([rows, aims])
        both["b_ub"] = np.concatenate([[] if room is None else room, [need]])
        cost = 1 - SPARSE * np.concatenate([aim, -aim])
        ranges = np.column_stack([np.zeros(2 * n), np.concatenate([high, -low])])
        found: Any = linprog(cost, **both, bounds=ranges, method="highs")
        return found.x[:n] - found.x[n:] if found.status == 0 else np.zeros(n)

    def _used(self, found: Any) -> np.ndarray:
        if found.status != 0:
            return np.unique(self.problem.block[np.concatenate([self.rows, self.loose])])
        weight = (
            np.abs(np.asarray(found.eqlin.marginals)[: len(self.rows)]) if len(self.rows) else np.array([])
        )
        used = self.problem.block[self.rows[weight > 1e-10]]
        if len(self.loose):
            twice = np.abs(np.asarray(found.ineqlin.marginals)).reshape(2, -1).sum(axis=0)
            used = np.concatenate([used, self.problem.block[self.loose[twice > 1e-10]]])
        return np.unique(used)

    def _whole(
        self, cost: np.ndarray, low: np.ndarray, high: np.ndarray, need: float
    ) -> tuple[np.ndarray | None, np.ndarray]:
        """The same attack in whole numbers."""
        limits = [LinearConstraint(sparse.csr_matrix(-cost), need, np.inf)]
        if self.equal.shape[0]:
            limits.append(LinearConstraint(self.equal, 0, 0))
        if len(self.room):
            half = len(self.room) // 2
            limits.append(LinearConstraint(self.upper[:half], -self.room[:half], self.room[:half]))
        found: Any = milp(
            np.zeros(len(cost)),
            constraints=limits,
            integrality=np.ones(len(cost)),
            bounds=Bounds(np.ceil(low), np.floor(high)),
        )
        if found.x is not None:
            return np.round(found.x), np.array([], int)
        return None, np.unique(self.problem.block[np.concatenate([self.rows, self.loose])])
