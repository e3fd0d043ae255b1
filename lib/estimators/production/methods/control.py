"""Control functions in two stages: Olley–Pakes, Levinsohn–Petrin, Ackerberg–Caves–Frazer.

    y = f(l, k) + ω + ε,      ω = h(k, m)   (op, lp)   or   ω = h(l, k, m)   (acf)

First stage: y on a polynomial that stands for f + h gives φ and rids output of the noise ε; op and lp take the free
inputs' coefficients from it. Second stage: the remaining parameters from the innovation of ω = φ − f (see `process`),
by moments, or by least squares where only given inputs remain (op; lp in value added).

References: Olley & Pakes (1996, Econometrica 64); Levinsohn & Petrin (2003, Review of Economic Studies 70);
Ackerberg, Caves & Frazer (2015, Econometrica 83).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from estimators.language import listed, said
from estimators.production.choices import Choices, Estimator, Fit
from estimators.production.errors import TooFewError
from estimators.production.methods.algebra import Root, least_squares, monomials, orthonormal, spread, times
from estimators.production.methods.direct import all_inputs, centred, ols
from estimators.production.methods.process import Process, innovation, solve, solve_by_least_squares
from estimators.production.methods.solutions import Solution, persistence, solutions, starts
from estimators.production.methods.survival import survival
from estimators.production.sample import Bools, Floats, Ints, Sample
from estimators.production.technology import regressors


@dataclass(frozen=True)
class _Plan:
    """All that does not change between draws; the first stage in the rows that have a proxy, pairs of years after."""

    sample: Sample
    choices: Choices
    rows: Bools  # (n,) first stage
    linear: Floats  # (n, f) free inputs of op and lp, no column for acf
    controls: Floats  # (n, c) centred on the rows, with unit variance in them
    design: Floats  # (rows, f + c + b) with the polynomial last
    screen: Floats | None  # (rows, c) of the probit
    x: Floats  # (n, p) parameters of the second stage
    z: Floats  # (n, q)
    now: Ints  # (m,)
    start: Floats  # (p,)

    @property
    def inputs(self) -> int:
        """How many of the second stage's parameters are first-order terms."""
        sample, choices = self.sample, self.choices
        own = sample.state.shape[1] + (sample.proxy.shape[1] if choices.gross_output else 0)
        return own + (sample.free.shape[1] if choices.method == "acf" else 0)

    @property
    def by_moments(self) -> bool:
        """Whether an input of the second stage answers to the innovation, so that least squares would be biased."""
        return self.choices.method == "acf" or self.choices.gross_output


def two_stages(sample: Sample, choices: Choices) -> Estimator:
    """Estimator of op, lp or acf."""
    plan = _plan(sample, choices)

    def fit(weight: Floats, start: Floats | None) -> Fit:
        return _fit(plan, weight, start)

    return fit


def _plan(sample: Sample, choices: Choices) -> _Plan:
    rows, acf = sample.has_proxy, choices.method == "acf"
    proxies = [sample.state, sample.proxy]
    proxies += [sample.free] if acf else []
    # Demand for the proxy may differ under a policy: it enters the polynomial as the inputs do (De Loecker 2013).
    proxies += [sample.policy[:, None]] if sample.policy is not None else []
    proxies += [sample.demand]
    if not rows.any():
        raise TooFewError(said("production.proxy_unknown", proxy=listed(sample.names["proxy"])))
    basis = orthonormal(monomials(np.hstack(proxies)[rows], choices.degree))
    linear = sample.free[:, :0] if acf else sample.free
    controls = (sample.controls - sample.controls[rows].mean(axis=0)) / spread(sample.controls[rows])
    design = np.hstack([linear[rows], controls[rows], basis])
    x, z = _parameters(sample, choices)
    has_lag = sample.lag >= 0
    before = np.where(has_lag, sample.lag, 0)
    ok = has_lag & rows[before] & ~np.isnan(x).any(axis=1) & ~np.isnan(z).any(axis=1)
    ok &= ~np.isnan(x[before]).any(axis=1) & rows
    now = np.flatnonzero(ok)
    if len(now) < 5 * x.shape[1] + 20:
        raise TooFewError(
            said(
                "production.few_after_proxy",
                count=len(now),
                proxy=listed(sample.names["proxy"]),
                least=5 * x.shape[1] + 20,
            )
        )
    screen = None
    if choices.exit_correction:
        columns = monomials(np.hstack([sample.state, sample.proxy, sample.demand])[rows], choices.degree)
        screen = orthonormal(np.hstack([columns, sample.controls[rows]]))
    everywhere = ols(sample, choices)(np.ones(len(sample.y)), None).theta
    start = everywhere if acf else everywhere[sample.free.shape[1] :]
    return _Plan(sample, choices, rows, linear, controls, design, screen, x, z, now, start)


def _parameters(sample: Sample, choices: Choices) -> tuple[Floats, Floats]:
    """Regressors and instruments of the second stage, (n, p) and (n, q), NaN where the year before is missing."""
    inputs = all_inputs(sample, choices)
    inputs = centred(inputs) if choices.centred else inputs
    if choices.method != "acf":
        inputs = inputs[:, sample.free.shape[1] :]
    free = sample.free.shape[1] if choices.method == "acf" else 0
    state = free + sample.state.shape[1]
    known = inputs.copy()
    # The proxy answers to this year's productivity always, a free input unless it was chosen before.
    lagged = list(range(state, inputs.shape[1]))
    lagged += list(range(free)) if choices.free_instrument == "lagged" else []
    known[:, lagged] = np.where(
        sample.lag[:, None] >= 0, inputs[np.maximum(sample.lag, 0)][:, lagged], np.nan
    )
    return regressors(inputs, choices.form), regressors(known, choices.form)


def _fit(plan: _Plan, weight: Floats, start: Floats | None) -> Fit:
    sample, rows = plan.sample, plan.rows
    f, c = plan.linear.shape[1], plan.controls.shape[1]
    first = least_squares(plan.design, sample.y[rows], weight[rows])
    phi, epsilon = np.full(len(sample.y), np.nan), np.full(len(sample.y), np.nan)
    phi[rows] = times(plan.design[:, f + c :], first[f + c :])
    epsilon[rows] = sample.y[rows] - times(plan.design, first)
    observed = sample.y - times(plan.linear, first[:f]) - times(plan.controls, first[f : f + c])
    process = _process(plan, observed, phi, weight)
    root, found = _search(plan, process, None if start is None else start[f:])
    at = innovation(process, root.theta)
    used = np.zeros(len(sample.y), dtype=bool)
    used[plan.now] = True
    theta = np.concatenate([first[:f], root.theta])
    return Fit(
        theta=theta,
        phi=phi,
        epsilon=epsilon,
        effect=_effect(process, at.columns, at.coefficients),
        persistence=persistence(process, root.theta),
        objective=root.objective,
        converged=root.converged,
        used=used,
        solutions=found,
    )


def _search(plan: _Plan, process: Process, start: Floats | None) -> tuple[Root, list[Solution]]:
    """From a start that is given, the minimum next to it; else all that many starts lead to, and the one taken."""
    if not plan.by_moments:
        return solve_by_least_squares(process, plan.start if start is None else start), []
    if start is not None:
        return solve(process, start), []
    inputs = plan.inputs
    found = solutions(process, starts(plan.start, inputs), inputs)
    return Root(found[0].theta, found[0].objective, found[0].converged, 0), found


def _process(plan: _Plan, observed: Floats, phi: Floats, weight: Floats) -> Process:
    sample, now = plan.sample, plan.now
    before = sample.lag[now]
    chance = None
    if plan.screen is not None:
        chance = survival(plan.screen, plan.rows, sample, weight)[before]
    return Process(
        now=phi[now],
        before=phi[before],
        observed=observed[now],
        x=plan.x[now],
        x_before=plan.x[before],
        z=plan.z[now],
        survival=chance,
        policy=sample.policy[before] if sample.policy is not None else None,
        weight=weight[now],
        degree=plan.choices.markov,
    )


def _effect(process: Process, columns: Floats, coefficients: Floats) -> float:
    """Average of g(ω, D) − g(ω, 0) where D is not 0."""
    if process.policy is None:
        return math.nan
    mine = np.array([policy for _, _, policy in process.bases()])
    gain = columns[:, mine] @ coefficients[mine]
    treated = process.weight * (process.policy != 0)
    return float(gain @ treated / treated.sum()) if treated.sum() > 0 else math.nan
