"""Estimators on synthetic firms, against the truth, against other software, and against their own algebra."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from estimators.production import estimate
from estimators.production.choices import Choices
from estimators.production.methods.algebra import least_squares, minimise, monomials, orthonormal
from estimators.production.methods.process import Process, innovation, moments, residuals
from estimators.production.methods.survival import _slopes, probit
from evidence.montecarlo.designs import DESIGNS, simulate, truth
from evidence.montecarlo.production import CASES, main, run


@pytest.fixture(scope="module")
def planned() -> pd.DataFrame:
    return simulate("planned", 300, 8, 5)


def process(with_policy: bool, with_survival: bool) -> Process:
    rng = np.random.default_rng(0)
    m = 200
    x, before = rng.normal(size=(m, 2)), rng.normal(size=(m, 2))
    phi = before @ [0.6, 0.4] + rng.normal(size=m)
    now = x @ [0.6, 0.4] + 0.5 * phi + rng.normal(size=m)
    return Process(
        now=now,
        before=phi,
        observed=now + 0.1 * rng.normal(size=m),
        x=x,
        x_before=before,
        z=np.column_stack([x[:, 0], before[:, 1], x[:, 1]]),
        survival=rng.random(m) if with_survival else None,
        policy=(rng.random(m) < 0.3).astype(float) if with_policy else None,
        weight=rng.integers(0, 3, m).astype(float),
        degree=3,
    )


@pytest.mark.parametrize("with_policy", [False, True])
@pytest.mark.parametrize("with_survival", [False, True])
@pytest.mark.parametrize("function", [moments, residuals])
def test_derivatives_are_those_of_the_function(with_policy: bool, with_survival: bool, function: Any) -> None:
    made = process(with_policy, with_survival)
    extra = (np.eye(3),) if function is moments else ()
    theta, step = np.array([0.5, 0.3]), 1e-6
    slopes = function(made, theta, *extra)[1]
    for j in range(2):
        shift = step * np.eye(2)[j]
        by_difference = (
            function(made, theta + shift, *extra)[0] - function(made, theta - shift, *extra)[0]
        ) / (2 * step)
        # Central differences err by step² times a third derivative, and by 1e-16/step: some 1e-10 of the size.
        assert slopes[:, j] == pytest.approx(by_difference, rel=1e-5, abs=1e-6)


def test_drawing_a_firm_twice_is_writing_it_twice() -> None:
    frame = simulate("planned", 40, 6, 2)
    twice = pd.concat([frame, frame[frame["firm_id"] < 10].assign(firm_id=lambda t: t["firm_id"] + 1000)])
    for method in ("ols", "fe", "lp", "acf", "wooldridge"):
        from estimators.production.estimation import ESTIMATORS
        from estimators.production.sample import sample

        proxy = ["m"] if method not in ("ols", "fe") else []
        start = None if method in ("ols", "fe", "wooldridge") else np.array([0.6, 0.4])
        choices = Choices(method, degree=1, markov=1)
        once = sample(frame, "y", ["l"], ["k"], proxy)
        weights = np.where(once.firm < 10, 2.0, 1.0)
        written = sample(twice, "y", ["l"], ["k"], proxy)
        a = ESTIMATORS[method](once, choices)(weights, start).theta
        b = ESTIMATORS[method](written, choices)(np.ones(len(written.y)), start).theta
        # The search stops at steps below 1e-8.
        assert a == pytest.approx(b, abs=1e-6), method


def test_firm_effects_are_those_of_linearmodels(planned: pd.DataFrame) -> None:
    from linearmodels.panel import PanelOLS

    table = planned.set_index(["firm_id", "year"])
    peer = PanelOLS(table["y"], table[["l", "k"]], entity_effects=True, time_effects=True).fit()
    found = estimate(planned, "fe")
    # Both solve the same normal equations.
    assert found.theta == pytest.approx(peer.params.to_numpy(), abs=1e-9)


def test_probit_is_that_of_statsmodels() -> None:
    from statsmodels.discrete.discrete_model import Probit

    rng = np.random.default_rng(3)
    x = np.column_stack([np.ones(500), rng.normal(size=(500, 2))])
    y = (x @ [0.8, 0.5, -0.4] + rng.normal(size=500) > 0).astype(float)
    peer = Probit(y, x).fit(disp=0)
    # Both maximise the same concave likelihood, to steps below 1e-6.
    assert probit(x, y, np.ones(500)) == pytest.approx(peer.params, abs=1e-5)


def test_a_firm_that_left_against_all_odds_counts_by_its_odds() -> None:
    """Nine standard deviations out: the slope of ln Φ(−9) is −9.11 (Mills' ratio), not what rounding leaves of 1 − Φ(9)."""
    from scipy.optimize import minimize
    from scipy.special import log_ndtr

    score, information = _slopes(np.array([9.0, 9.0, 0.0, -9.0]), np.array([0.0, 1.0, 1.0, 1.0]))
    # Mills' ratio: φ(9)/Φ(−9) = 9 + 1/9 − 2/9³ + 10/9⁵ − …; φ(0)/Φ(0) = √(2/π).
    assert score == pytest.approx([-9.10853, 1.0279774e-18, np.sqrt(2 / np.pi), 9.10853], rel=1e-5)
    assert information[2] == pytest.approx(2 / np.pi) and information[0] == pytest.approx(
        9.3633e-18, rel=1e-4
    )
    rng = np.random.default_rng(4)
    x = np.column_stack([np.ones(400), rng.normal(size=400)])
    y = (x @ [0.5, 1.0] + rng.normal(size=400) > 0).astype(float)
    x[0, 1], y[0] = 9.0, 0.0
    weight = np.ones(400)
    weight[0] = 0.01

    def loss(beta: np.ndarray) -> float:
        return -float(weight @ log_ndtr(np.where(y > 0, 1, -1) * (x @ beta)))

    peer = minimize(loss, [0.0, 0.0], method="Nelder-Mead", options={"xatol": 1e-9, "fatol": 1e-12})
    assert x[0] @ peer.x > 8, "beyond where 1 − Φ has digits"
    assert probit(x, y, weight) == pytest.approx(peer.x, abs=1e-6)


def test_wooldridge_is_two_stage_least_squares_of_linearmodels(planned: pd.DataFrame) -> None:
    from linearmodels.iv import IV2SLS

    t = planned.assign(**{f"{c}1": planned.groupby("firm_id")[c].shift() for c in "lkm"}).dropna()
    exogenous = t[["k", "k1", "m1"]].assign(one=1.0, kk=t.k1**2, km=t.k1 * t.m1, mm=t.m1**2)
    peer = IV2SLS(t["y"], exogenous, t[["l"]], t[["l1"]]).fit()
    found = estimate(planned, "wooldridge", degree=2, year_effects=False)
    # The same estimator on a rotated polynomial; its Gram matrix has condition 1e4 or so.
    assert found.theta == pytest.approx(peer.params[["l", "k"]].to_numpy(), abs=1e-7)


def test_polynomials_span_what_the_products_span() -> None:
    x = np.random.default_rng(0).normal(3, 2, size=(100, 2))
    assert monomials(x, 3).shape == (100, 9)
    basis = orthonormal(monomials(x, 2))
    assert basis.T @ basis / 100 == pytest.approx(np.eye(6), abs=1e-10)
    target = 1 + x[:, 0] * x[:, 1] - x[:, 1] ** 2
    assert basis @ least_squares(basis, target) == pytest.approx(target, abs=1e-8)
    assert orthonormal(np.column_stack([x, x[:, 0] + x[:, 1]])).shape == (100, 3)


def test_minimise_solves_rosenbrock() -> None:
    def residual(t: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return np.array([10 * (t[1] - t[0] ** 2), 1 - t[0]]), np.array([[-20 * t[0], 10], [-1, 0.0]])

    root = minimise(residual, np.array([-1.2, 1.0]))
    assert root.converged and root.theta == pytest.approx([1, 1], abs=1e-6)


@pytest.mark.parametrize("case", [c for c in CASES if c.holds], ids=lambda c: f"{c.design}-{c.label}")
def test_methods_find_the_truth_where_their_assumptions_hold(case: Any) -> None:
    table = run([case], firms=600, years=8, draws=1, seed=1)
    # Four standard deviations of one panel of this size in a simulation of 50 (acf in "planned" and "policy": .03).
    allowed = 0.16 if case.method == "acf" and case.design != "gross" else 0.12
    assert table["bias"].abs().max() < allowed


@pytest.mark.parametrize(
    ("design", "label", "term", "least"),
    [
        ("planned", "ols", "l", 0.25),
        ("planned", "fe", "l", 0.25),
        ("planned", "op", "l", 0.2),  # investment costs differ: investment does not show productivity
        ("timing", "lp", "l", 0.4),
        ("exit", "op, no correction", "k", 0.1),
        ("cheap", "acf", "m", 0.1),
    ],
)
def test_methods_fail_where_their_assumptions_do_not_hold(
    design: str, label: str, term: str, least: float
) -> None:
    case = next(c for c in CASES if (c.design, c.label) == (design, label))
    table = run([case], firms=600, years=8, draws=1, seed=1).set_index("term")
    assert not case.holds and abs(table.loc[term, "bias"]) > least


@pytest.mark.parametrize("method", ["ols", "fe", "op", "lp", "acf", "wooldridge"])
@pytest.mark.parametrize("unit", [1e4, 1e-4, 1e8])
def test_no_elasticity_depends_on_the_unit_of_money(planned: pd.DataFrame, method: str, unit: float) -> None:
    """Output, capital and the proxy in another unit of money: elasticities as before, productivity moved by a constant."""
    money = ["y", "k", "m", *(["i"] if "i" in planned else [])]
    moved = planned.assign(**{name: planned[name] + np.log(unit) for name in money if name in planned})
    proxy = ["i"] if method == "op" and "i" in planned else ["m"]
    a, b = estimate(planned, method, proxy=proxy), estimate(moved, method, proxy=proxy)
    np.testing.assert_allclose(b.theta, a.theta, atol=1e-6)  # minimisation stops at 1e-8 of a step
    assert (b.tfp - a.tfp).std() < 1e-5
    if method == "acf":
        assert a.solutions["exact"].iloc[0] and len(a.solutions) == len(b.solutions)


def test_a_solution_comes_before_a_minimum_that_is_none() -> None:
    """A minimum whose moments differ from 0 by chance, but are not 0, is not taken over one where they are 0."""
    from dataclasses import replace

    from estimators.production.methods import solutions as rooms

    one = rooms.Solution(np.array([0.6, 0.4]), 5e-28, True, 0.6, True, True, True)
    other = replace(one, objective=6.5e-5, persistence=0.9, exact=False)
    assert rooms.order(one) < rooms.order(other)
    assert rooms.order(replace(other, persistence=0.95)) < rooms.order(other)


def test_least_squares_start_leads_to_the_false_solution() -> None:
    frame = simulate("timing", 600, 8, 1)
    ols = estimate(frame, "ols").theta
    trapped = estimate(frame, "acf", start=ols, year_effects=False)
    found = estimate(frame, "acf", year_effects=False)
    # Persistence of wages 0.5², of productivity 0.7: the false solution takes wages for productivity.
    assert trapped.theta[0] > 0.8 and trapped.persistence < 0.5
    assert found.theta[0] == pytest.approx(0.6, abs=0.06) and found.persistence > 0.55
    both = found.solutions[found.solutions["holds"]]
    assert len(both) >= 2 and both["taken"].iloc[0] and not both["taken"].iloc[1:].any()


def test_policy_effect_is_missed_without_the_policy_in_the_process() -> None:
    frame = simulate("policy", 400, 8, 3)
    inside = estimate(frame, "lp", policy="d", draws=12, year_effects=False)
    table = inside.tidy().set_index("term").loc["policy effect"]
    # Three bootstrap standard errors (near .01).
    assert abs(table["estimate"] - 0.1) < 3 * table["std_error"] and 0.002 < table["std_error"] < 0.03
    assert np.isnan(estimate(frame, "lp", year_effects=False).effect)


def test_productivity_is_that_of_the_firms(planned: pd.DataFrame) -> None:
    found = estimate(planned, "lp", year_effects=False)
    assert np.corrcoef(found.omega, planned["omega"])[0, 1] > 0.99
    # tfp has the noise (sd 0.1) besides: .3/√(.09+.01) = .95.
    assert 0.93 < np.corrcoef(found.tfp, planned["omega"])[0, 1] < 0.97
    assert np.corrcoef(found.years["epsilon"], found.tfp - planned["omega"])[0, 1] > 0.9
    assert (found.tfp - found.omega - found.years["epsilon"]).abs().max() < 1e-10  # no controls


def test_translog_of_cobb_douglas_firms_has_no_second_order_terms() -> None:
    frame = simulate("planned", 600, 8, 1)
    found = estimate(frame, "ols", form="translog", draws=30)
    table = found.tidy().set_index("term")
    assert list(table.index) == ["l", "k", "l*l", "l*k", "k*k", "returns to scale"]
    each = found.elasticities()
    # Elasticities at the mean inputs are the first-order terms, and the mean of the elasticities is them too.
    assert each.mean().to_numpy() == pytest.approx(found.theta[:2], abs=1e-9)
    b, x = found.theta, frame[["l", "k"]] - frame[["l", "k"]].mean()
    assert each["l"].to_numpy() == pytest.approx((b[0] + 2 * b[2] * x["l"] + b[3] * x["k"]).to_numpy())
    acf = estimate(frame, "acf", form="translog", year_effects=False)
    assert acf.converged and acf.theta[:2] == pytest.approx([0.6, 0.4], abs=0.2)


def test_bootstrap_is_that_of_the_cluster_formula(planned: pd.DataFrame) -> None:
    from linearmodels.panel import PooledOLS

    found = estimate(planned, "ols", draws=300, seed=1, year_effects=False).tidy().set_index("term")
    table = planned.set_index(["firm_id", "year"]).assign(one=1.0)
    peer = PooledOLS(table["y"], table[["one", "l", "k"]]).fit(cov_type="clustered", cluster_entity=True)
    # 300 draws of a standard deviation: relative error 1/√600 = 4 %; three of them, and the small-sample terms.
    for term in ("l", "k"):
        assert found.loc[term, "std_error"] == pytest.approx(peer.std_errors[term], rel=0.15)
    again = estimate(planned, "ols", draws=300, seed=1, year_effects=False).tidy().set_index("term")
    pd.testing.assert_frame_equal(found, again)


def test_innovation_does_not_depend_on_the_scale_of_output() -> None:
    made = process(True, True)
    from dataclasses import replace

    shifted = replace(made, now=made.now + 10, before=made.before + 10)
    theta = np.array([0.6, 0.4])
    # Centring makes it exact up to rounding of 10 + x.
    assert innovation(shifted, theta).xi == pytest.approx(innovation(made, theta).xi, abs=1e-9)


def test_designs_are_repeatable_and_named() -> None:
    for design in DESIGNS:
        a, b = simulate(design, 30, 4, 1), simulate(design, 30, 4, 1)
        pd.testing.assert_frame_equal(a, b)
        assert set(truth(design)) - {"policy effect"} <= set(a)


def test_monte_carlo_writes_its_table(tmp_path: Any, capsys: pytest.CaptureFixture[str]) -> None:
    target = tmp_path / "made" / "table.csv"
    arguments = ["--draws", "2", "--firms", "80", "--years", "5", "--design", "exit", "--out", str(target)]
    assert main(arguments) == 0
    assert len(pd.read_csv(target)) == 6 and "op, no correction" in capsys.readouterr().out
