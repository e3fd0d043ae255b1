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
from scipy.linalg import solve_triangular
from scipy.linalg.lapack import dgetrf as getrf
from scipy.linalg.lapack import dpstrf as pstrf
from scipy.optimize import Bounds, LinearConstraint, linprog, milp
from scipy.sparse.linalg import lsmr

TOLERANCE = 1e-6
DRAWS = 6
EACH = 6
BASES = 8
LARGEST = 2e7
DENSE = 800
SPARSE = 1e5
MANY = 2_000
ROUNDS = 2
PRUNED = 4
# Of what a target can move at most, the share that is given up to rounding.
GIVEN = 1e-3


@dataclass
class Problem:
    """Published sums, the variables behind them, and how far each target must be able to move.

    Everything is in deviations from the truth. ``forms`` (sums, variables): what is published, ``slack`` how far a
    published sum may deviate (rounding), ``block`` which sums are hidden together; ``cost``, ``forced``, ``fixed`` of
    each block. ``facts`` (relations, variables): zero by construction. ``low``, ``high``: what a reader would think
    possible. ``targets`` (targets, variables) must be able to reach ``need`` upwards; ``lesser`` holds what the same sum
    needs for other rules' sake, where the most cannot be had. ``knows`` (attacker, variable, share of the range left to
    him): what contributors know; a contributor does not attack what is partly his own. ``lost`` (target, attacker): a
    target that an attacker knows whatever is hidden.
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
    lesser: list[list[float]] = field(default_factory=list)
    lost: list[tuple[int, int]] = field(default_factory=list)
    pool: list[np.ndarray] = field(default_factory=list)

    def ask_less(self, target: int, attacker: int, reach: float) -> None:
        """Ask of a target what can be had, where no hiding gives what was asked: the next rule's need, else all there is."""
        others = self.lesser[target] if self.lesser else []
        less = next((need for need in others if need < reach * (1 - TOLERANCE)), reach * (1 - GIVEN))
        if self.integer:
            less = np.floor(min(less, self.need[target] - 1))
        if less <= (0 if self.integer else GIVEN * self.need[target]):
            self.lost.append((target, attacker))
        else:
            self.need[target] = less


@dataclass
class Solution:
    """Blocks that are hidden; targets that cannot move as far as they should whatever is hidden."""

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
    hidden = safe = problem.forced & ~problem.fixed
    for _ in range(ROUNDS):
        attacks, safe = _attacks(problem, hidden, broken)
        if not attacks:
            break
        cuts |= dict.fromkeys(attacks)
        hidden = _cover(problem, list(cuts), problem.forced & ~problem.fixed)
    # The last percents of cost are not worth the wait: what the last attacks led to is safe.
    return Solution(_pruned(problem, safe, broken), sorted(broken))


def _pruned(problem: Problem, hidden: np.ndarray, broken: set[int]) -> np.ndarray:
    """Show again what turns out not to be needed, dearest first."""
    extra = np.flatnonzero(hidden & ~problem.forced)
    for block in sorted(extra, key=lambda b: -problem.cost[b])[:PRUNED]:
        fewer = hidden.copy()
        fewer[block] = False
        if not _attacks(problem, fewer, set(broken), first=True)[0]:
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
) -> tuple[list[frozenset[int]], np.ndarray]:
    """Attacks that succeed, as the blocks of which one must go; and what to hide so that none does.

    The target of an attack that uses nothing that can be hidden goes into ``broken``, and less is asked of it from then on. What
    stops one attack is taken as hidden for the next ones.
    """
    hidden = hidden.copy()
    proven = _Proven(problem, ~hidden[problem.block])
    found: list[frozenset[int]] = []
    program = _Program(problem, ~hidden[problem.block])
    while (pair := proven.next()) is not None:
        target, attackers = pair
        direction, used = program.run(target, attackers)
        if direction is not None:
            proven.note([direction])
            proven.pairs[target, attackers + 1] = True
            problem.pool.append(direction)
            continue
        if len(attackers) > 1:
            proven.alone.add(target)
            continue
        free = frozenset(int(b) for b in used if not problem.fixed[b])
        if not free:
            broken.add(target)
            problem.ask_less(target, int(attackers[0]), program.reach)
            proven.again(target)
            continue
        found.append(free)
        if first:
            break
        hidden[min(free, key=lambda b: (problem.cost[b], b))] = True
        proven.widen(~hidden[problem.block])
        program = _Program(problem, ~hidden[problem.block])
    return found, hidden


class _Proven:
    """Pairs of target and attacker (first column: none) for which a way to move the target is known."""

    def __init__(self, problem: Problem, shown: np.ndarray) -> None:
        self.problem = problem
        attacker, variable, _ = problem.knows
        shape = (len(problem.low), problem.attackers)
        own = sparse.csr_matrix((np.ones(len(attacker)), (variable, attacker)), shape=shape)
        self.pairs = np.zeros((len(problem.need), problem.attackers + 1), bool)
        self.pairs[:, 1:] = (abs(problem.targets) @ own).toarray() > 0
        for target, knower in problem.lost:
            self.pairs[target, knower + 1] = True
        self.alone: set[int] = set()
        self.sums, self.room = self._limits(shown)
        problem.pool = self.note(problem.pool)
        self._draw()
        self._swap(BASES)

    def _limits(self, shown: np.ndarray) -> tuple[sparse.csr_matrix, np.ndarray]:
        problem = self.problem
        sums = sparse.vstack([problem.forms[shown], problem.facts]).tocsr()
        return sums, np.concatenate([problem.slack[shown], np.zeros(problem.facts.shape[0])]) + 1e-8

    def next(self) -> tuple[int, np.ndarray] | None:
        """The next target that is open, and for whom: a reader who knows nothing (−1) first; None if none is.

        What a target's open attackers cannot rule out together, none of them can; where they can, each is looked at.
        """
        if not self.pairs[:, 0].all():
            return int(np.argmin(self.pairs[:, 0])), np.array([-1])
        open_ = np.flatnonzero(~self.pairs.all(axis=1))
        if not len(open_):
            return None
        target = int(open_[0])
        attackers = np.flatnonzero(~self.pairs[target]) - 1
        return target, attackers[:1] if target in self.alone else attackers

    def again(self, target: int) -> None:
        """What was proven of a target of which less is asked stays; who knows it whatever is hidden is passed over."""
        for lost, attacker in self.problem.lost:
            if lost == target:
                self.pairs[target, attacker + 1] = True
        self.problem.pool = self.note(self.problem.pool)

    def widen(self, shown: np.ndarray) -> None:
        """Less is shown than before: what was proven stays, more may be."""
        self.sums, self.room = self._limits(shown)
        self._swap(1)

    def note(self, moves: list[np.ndarray]) -> list[np.ndarray]:
        """Take up moves; those that would change a published sum are dropped."""
        if not moves:
            return []
        many = np.column_stack(moves)
        kept = (np.abs(self.sums @ many) <= self.room[:, None]).all(axis=0)
        asked = np.flatnonzero(~self.pairs.all(axis=1))
        reached = _reached(self.problem, asked, many[:, kept])
        open_ = np.ones(len(asked), bool)
        for move, far in zip(many[:, kept].T, reached.T, strict=True):
            new = np.flatnonzero(far & open_)
            if len(new):
                self.pairs[asked[new]] |= _survives(self.problem, move)
                open_[new] = ~self.pairs[asked[new]].all(axis=1)
        return [move for move, keep in zip(moves, kept, strict=True) if keep]

    def _draw(self) -> None:
        """Random moves that leave every published sum as it is, each with half of the contributors' values fixed."""
        problem = self.problem
        draw = np.random.default_rng(len(problem.need) + self.sums.shape[0])
        attacker, variable, left = problem.knows
        for step in range(0 if problem.integer else DRAWS):
            if self.pairs.all():
                return
            weight = np.ones(len(problem.low))
            if step:
                chosen = (draw.random(problem.attackers) < 0.5)[attacker]
                np.minimum.at(weight, variable[chosen], np.where(left[chosen] < 0.2, 0.0, left[chosen]))
            start = draw.choice([-1.0, 1.0], (len(weight), EACH))
            moves = weight[:, None] * _projected(self.sums @ sparse.diags(weight), weight[:, None] * start)
            size = np.abs(moves).max(axis=0, initial=0)
            problem.pool += self.note(list((moves[:, size > 0] / size[size > 0]).T))

    def _swap(self, times: int) -> None:
        """Moves of one value and the few that make up for it, so that few contributors can rule them out.

        A basis of the published sums gives one for every value outside it; several bases make up by other values.
        """
        problem = self.problem
        single = np.diff(problem.targets.indptr) == 1
        if problem.integer or not single.any() or np.prod(self.sums.shape) > LARGEST:
            return
        draw = np.random.default_rng(len(problem.need))
        sums, used = _independent(self.sums), np.zeros(len(problem.low))
        for _ in range(times):
            open_ = np.flatnonzero(single & ~self.pairs.all(axis=1))
            if not len(open_) or not len(sums):
                return
            weight = np.exp(draw.normal(0, 1, len(used))) * 0.05**used
            inside, outside, lower = _basis(sums * weight)
            used[inside] += 1
            place = {v: i for i, v in enumerate(outside)}
            aims = [(t, v) for t in open_ if (v := int(problem.targets[t].indices[0])) in place]
            at = [place[v] for _, v in aims]
            upper = lower[: len(inside)].T
            made_up = solve_triangular(
                upper, lower[len(inside) :][at].T, unit_diagonal=True, check_finite=False
            )
            moves = np.zeros((len(used), len(aims)))
            moves[inside] = -weight[inside, None] * made_up
            moves[[v for _, v in aims], np.arange(len(aims))] = [weight[v] for _, v in aims]
            moves *= [problem.need[t] / weight[v] for t, v in aims]
            moves[np.abs(moves) < 1e-12] = 0
            fits = (np.abs(moves) <= 1).all(axis=0)
            problem.pool += self.note(list(moves[:, fits].T))


def _independent(sums: sparse.csr_matrix) -> np.ndarray:
    """As many of the sums, none of which follows from others (rows, variables)."""
    size = np.sqrt(np.asarray(sums.multiply(sums).sum(axis=1)).ravel())
    sums = sparse.diags(1 / size[size > 0]) @ sums[size > 0]
    if not sums.shape[0]:
        return np.zeros(sums.shape)
    _, order, rank, _ = pstrf((sums @ sums.T).toarray(), tol=1e-10)
    return sums[np.sort(order[:rank] - 1)].toarray()


def _basis(sums: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Variables by which the sums can be made up, each sum by its largest; the others; factor (variables, sums).

    With A the sums of the former, B of the latter, L and M the factor's two parts: inv(A) B = transposed (M inv(L)).
    """
    factor, swaps, _ = getrf(np.asfortranarray(sums.T), overwrite_a=True)
    order = np.arange(len(factor))
    for i, j in enumerate(swaps):
        order[[i, j]] = order[[j, i]]
    rank = len(sums)
    return order[:rank], order[rank:], np.tril(factor, -1)


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


def _reached(problem: Problem, asked: np.ndarray, moves: np.ndarray) -> np.ndarray:
    """Which of the targets that are asked for (targets, moves) moves (variables, moves) bring far enough.

    Ranges of amounts are symmetric, so that a move's opposite counts too.
    """
    reach = problem.targets[asked] @ moves
    reach = reach if problem.integer else np.abs(reach)
    return reach >= problem.need[asked, None] * (1 - TOLERANCE)


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
        self.reach = 0.0
        self.order = np.argsort(attacker, kind="stable")
        self.edges = np.searchsorted(attacker[self.order], np.arange(problem.attackers + 1))

    def bounds(self, attackers: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Ranges that are left to attackers together (−1: a reader who knows nothing)."""
        share = np.ones(len(self.problem.low))
        for attacker in attackers[attackers >= 0]:
            own = self.order[self.edges[attacker] : self.edges[attacker + 1]]
            share[self.variable[own]] -= 1 - self.left[own]
        share = np.clip(share, 0, 1)
        return self.problem.low * share, self.problem.high * share

    def run(self, target: int, attackers: np.ndarray) -> tuple[np.ndarray | None, np.ndarray]:
        """A move of the target that is far enough, or None and the blocks that prevent it."""
        low, high = self.bounds(attackers)
        need = self.problem.need[target]
        aim = self.problem.targets[target].toarray().ravel()
        if not self.problem.integer:
            short = self._shortest(aim, low, high, need)
            if aim @ short >= need * (1 - TOLERANCE):
                return short, np.array([], int)
        found = self._furthest(-aim, np.column_stack([low, high]))
        self.reach = float(-found.fun) if found.status == 0 else 0.0
        if found.status != 0 or -found.fun < need * (1 - TOLERANCE):
            return None, self._used(found)
        if not self.problem.integer:
            return found.x, np.array([], int)
        near = np.round(found.x)
        if np.abs(found.x - near).max(initial=0) < 1e-6:
            return near, np.array([], int)
        return self._whole(-aim, low, high, need)

    def _furthest(self, cost: np.ndarray, ranges: np.ndarray) -> Any:
        """How far the target can move, and what holds it: of many variables by interior points, which take half the time."""
        found: Any = None
        if len(cost) > MANY:
            found = linprog(cost, **self.limits, bounds=ranges, method="highs-ipm")
        if found is None or found.status != 0:
            found = linprog(cost, **self.limits, bounds=ranges, method="highs")
        return found

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
