"""The moments of Ackerberg–Caves–Frazer have more than one solution: find them all and say which is taken.

Where labour follows its first-order condition, a labour elasticity near returns to scale and a capital elasticity near
0 turn ω into the (persistent) wage, whose innovation is as unrelated to the instruments as that of productivity
(Ackerberg, Caves & Frazer 2015, footnote 16; Kim, Luo & Su 2019, Journal of Applied Econometrics 34). Least squares
is biased towards that solution, so that a search which begins there ends there.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numpy as np
import pandas as pd

from estimators.production.methods.algebra import Root, least_squares, times
from estimators.production.methods.process import Process, innovation, solve
from estimators.production.sample import Floats

GRID = (0.1, 0.4, 0.7)
# Solutions closer than this in every elasticity are one.
SAME = 0.02
# There are as many moments as parameters: at a solution they are 0 but for rounding. Measured as the statistic that tests
# them, which knows no unit; a minimum that is no solution lies many orders above.
EXACT = 1e-6
# Each start gets so many steps; only the lowest points that they reach are followed to their end.
FIRST_LOOK, MOST = 20, 5


@dataclass(frozen=True)
class Solution:
    """A minimum of the criterion.

    Attributes
    ----------
    theta : (p,)
    objective : criterion; 0 where the moments hold exactly
    converged : bool
    persistence : slope of ω on its past
    exact : whether the moments are 0, so that it is a solution and not only a minimum
    holds : whether the moments differ from 0 by no more than chance (5 %, as many degrees as instruments)
    sensible : whether every elasticity is positive
    """

    theta: Floats
    objective: float
    converged: bool
    persistence: float
    exact: bool
    holds: bool
    sensible: bool


def starts(ols: Floats, inputs: int) -> list[Floats]:
    """First values: least squares, half of it, and for up to three inputs a grid; second-order terms 0."""
    made = [ols, ols / 2]
    if inputs <= 3:
        for point in product(GRID, repeat=inputs):
            made.append(np.concatenate([point, np.zeros(len(ols) - inputs)]))
    return made


def solutions(process: Process, begin: list[Floats], inputs: int) -> list[Solution]:
    """Distinct minima reached from several starts, the one to take first.

    Taken is, of those whose elasticities are positive and whose moments are 0 (else differ from 0 by no more than chance),
    the one with the most persistent ω: wages and errors of choice, which the false solutions take for productivity, pass
    sooner. Where none is such, the demands are dropped one after the other, the sign last.
    """
    rough = _distinct([solve(process, start, limit=FIRST_LOOK, tolerance=1e-4) for start in begin], inputs)
    fine = _distinct([solve(process, root.theta) for root in rough[:MOST]], inputs)
    found = [_describe(process, root, inputs) for root in fine]
    return sorted(found, key=order)


def order(solution: Solution) -> tuple[bool, bool, bool, bool, float]:
    """The smaller, the sooner a solution is taken."""
    s = solution
    return (not s.sensible, not s.exact, not s.holds, not s.converged, -s.persistence)


def table(found: list[Solution], terms: list[str]) -> pd.DataFrame:
    """One row for each solution: parameters of the second stage, then objective, converged, persistence, exact, holds."""
    own = terms[len(terms) - len(found[0].theta) :] if found else []
    columns = {name: [s.theta[j] for s in found] for j, name in enumerate(own)}
    rest = {
        name: [getattr(s, name) for s in found]
        for name in ("objective", "converged", "persistence", "exact", "holds")
    }
    return pd.DataFrame(columns | rest).assign(taken=[i == 0 for i in range(len(found))])


def persistence(process: Process, theta: Floats) -> float:
    """Slope of ω on its past."""
    omega, past = process.now - times(process.x, theta), process.before - times(process.x_before, theta)
    line = np.column_stack([np.ones_like(past), past])
    return float(least_squares(line, omega, process.weight)[1])


def _distinct(roots: list[Root], inputs: int) -> list[Root]:
    """The lowest of each group that lies together, lowest first."""
    kept: list[Root] = []
    for root in sorted(roots, key=lambda r: r.objective):
        if all(np.max(np.abs(root.theta - other.theta)[:inputs]) > SAME for other in kept):
            kept.append(root)
    return kept


def _describe(process: Process, root: Root, inputs: int) -> Solution:
    from scipy.special import chdtri

    total = process.weight.sum()
    variance = float(process.weight @ innovation(process, root.theta).xi ** 2) / total
    statistic = total * root.objective / variance
    return Solution(
        theta=root.theta,
        objective=root.objective,
        converged=root.converged,
        persistence=persistence(process, root.theta),
        exact=bool(statistic < EXACT),
        holds=bool(statistic < chdtri(process.z.shape[1], 0.05)),
        sensible=bool((root.theta[:inputs] > 0).all()),
    )
