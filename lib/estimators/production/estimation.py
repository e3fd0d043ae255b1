"""One call for all methods."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd

from estimators.language import listed, said
from estimators.production.choices import Choices, Estimator, Fit
from estimators.production.errors import ProductionError
from estimators.production.methods.control import two_stages
from estimators.production.methods.direct import all_inputs, fixed_effects, ols
from estimators.production.methods.solutions import table
from estimators.production.methods.wooldridge import wooldridge
from estimators.production.result import ProductionFunction
from estimators.production.sample import Floats, Sample, sample
from estimators.production.technology import elasticities, regressors, terms

ESTIMATORS: dict[str, Callable[[Sample, Choices], Estimator]] = {
    "ols": ols,
    "fe": fixed_effects,
    "op": two_stages,
    "lp": two_stages,
    "acf": two_stages,
    "wooldridge": wooldridge,
}


def estimate(
    frame: pd.DataFrame,
    method: str = "acf",
    *,
    output: str = "y",
    free: Sequence[str] = ("l",),
    state: Sequence[str] = ("k",),
    proxy: Sequence[str] = ("m",),
    controls: Sequence[str] = (),
    demand: Sequence[str] = (),
    policy: str | None = None,
    firm: str = "firm_id",
    year: str = "year",
    year_effects: bool = True,
    form: str = "cobb_douglas",
    gross_output: bool = False,
    free_instrument: str = "lagged",
    degree: int = 3,
    markov: int = 3,
    exit_correction: bool = False,
    equations: str = "second",
    start: Sequence[float] | None = None,
    draws: int = 0,
    seed: int = 0,
) -> ProductionFunction:
    """Estimate a production function.

    Parameters
    ----------
    frame : DataFrame
        One row for each firm and year; output, inputs and proxy in logs (`logs` makes them), at constant prices.
    method : {"ols", "fe", "op", "lp", "acf", "wooldridge"}
        Least squares; firm effects; Olley–Pakes (proxy: investment); Levinsohn–Petrin; Ackerberg–Caves–Frazer;
        Wooldridge's GMM (proxy of these three: materials or energy).
    output, free, state, proxy, controls : str or sequence of str
        Columns: log output; inputs chosen freely (labour); given inputs (capital); the proxy; columns that enter
        linearly without being inputs.
    demand : sequence of str
        Columns that move the demand for the proxy besides inputs and productivity (its price, wages, export status); they
        enter the first stage's polynomial. One that is left out and differs between firms biases op, lp, acf, wooldridge.
    policy : str, optional
        Column D that enters the process of productivity as g(ω_{t−1}, D_{t−1}) (De Loecker 2013); op, lp, acf only.
    firm, year : str
        Key columns.
    year_effects : bool
        Year dummies among the controls; ω is then net of them.
    form : {"cobb_douglas", "translog"}
        Translog for ols, fe and acf.
    gross_output : bool
        The proxy (materials) is an input too. Its elasticity is identified from its own lag only if materials'
        prices differ between firms and persist (Gandhi, Navarro & Rivers 2020); read it with that in mind.
    free_instrument : {"lagged", "current"}
        acf: instrument of the free inputs; "current" where they are chosen before this year's productivity is known.
    degree, markov : int
        Degrees of the first stage's polynomial and of the process g.
    exit_correction : bool
        Adds the probability to survive to g; op, lp, acf.
    equations : {"second", "both"}
        wooldridge: the equation that instruments free inputs by their lag alone, which stands when labour itself
        depends on the proxy's arguments, or both equations as one system.
    start : sequence of float, optional
        First values of the parameters; the search then takes inputs as they stand, as published programs do, and where
        no solution is near may end at a minimum that depends on the unit of money. If not given, acf searches from many
        and takes one of its solutions by the rule of `estimators.production.methods.solutions`; the others are in the
        result.
    draws : int
        Bootstrap draws of whole firms; 0 for none.
    seed : int
        Of the bootstrap.

    Returns
    -------
    ProductionFunction

    Raises
    ------
    ProductionError
        Unknown choices, choices that do not go together, or data that cannot be used.
    """
    # From given first values the search is that of programs that publish such results: as the columns stand.
    choices = Choices(
        method, form, gross_output, free_instrument, degree, markov, exit_correction, equations, start is None
    )
    proxies = proxy if method not in ("ols", "fe") or gross_output else ()
    data = sample(frame, output, free, state, proxies, controls, policy, firm, year, year_effects, demand)
    choices.check(data)
    fit = ESTIMATORS[method](data, choices)
    own = input_names(data, choices)
    begin = None if start is None else _start(start, terms(own, form))
    found = fit(np.ones(len(data.y)), begin)
    drawn, failed = bootstrap(fit, data, found.theta, draws, seed)
    return _result(frame, data, choices, found, drawn, failed)


def input_names(data: Sample, choices: Choices) -> list[str]:
    """Inputs with an elasticity, in the order of the parameters."""
    own = data.names["free"] + data.names["state"]
    return own + data.names["proxy"] if choices.gross_output else own


def bootstrap(fit: Estimator, data: Sample, theta: Floats, draws: int, seed: int) -> tuple[Floats, int]:
    """Estimates for draws of whole firms, (R', p + 1) with the policy's effect last, and how many failed.

    A draw changes only the firms' weights; it begins at the estimates, so that it stays with their solution.

    Raises
    ------
    ProductionError
        A negative number of draws.
    """
    if draws < 0:
        raise ProductionError(said("production.draws", draws=draws))
    rng, kept = np.random.default_rng(seed), []
    for _ in range(draws):
        count = np.bincount(rng.integers(0, data.firms, data.firms), minlength=data.firms).astype(float)
        one = fit(count[data.firm], theta)
        if one.converged:
            kept.append(np.append(one.theta, one.effect))
    return np.array(kept).reshape(len(kept), len(theta) + 1), draws - len(kept)


def _start(start: Sequence[float], names: list[str]) -> Floats:
    found = np.asarray(start, dtype=float)
    if found.shape != (len(names),) or not np.isfinite(found).all():
        raise ProductionError(said("production.start", start=list(start), names=listed(names)))
    return found


def _result(
    frame: pd.DataFrame, data: Sample, choices: Choices, found: Fit, draws: Floats, failed: int
) -> ProductionFunction:
    own = input_names(data, choices)
    x = all_inputs(data, choices)
    explained = regressors(x, choices.form) @ found.theta
    nothing = np.full(len(data.y), np.nan)
    free = data.free.shape[1]
    # φ of op and lp holds no free inputs, that of acf all of f.
    inside = explained if choices.method == "acf" else explained - x[:, :free] @ found.theta[:free]
    columns = {
        "tfp": data.y - explained,
        "omega": nothing if found.phi is None else found.phi - inside,
        "epsilon": nothing if found.epsilon is None else found.epsilon,
    }
    each = elasticities(x, found.theta, choices.form)
    columns |= {f"elasticity_{name}": each[:, j] for j, name in enumerate(own)}
    years = pd.DataFrame(np.nan, index=frame.index, columns=list(columns))
    years.iloc[data.row] = np.column_stack(list(columns.values()))
    return ProductionFunction(
        choices=choices,
        terms=terms(own, choices.form),
        inputs=own,
        theta=found.theta,
        draws=draws,
        effect=found.effect,
        persistence=found.persistence,
        objective=found.objective,
        converged=found.converged,
        failed=failed,
        n=len(data.y),
        firms=data.firms,
        pairs=int(found.used.sum()),
        years=years,
        solutions=table(found.solutions, terms(own, choices.form)),
    )
