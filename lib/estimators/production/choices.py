"""What is estimated and how; and what one estimation gives."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from estimators.language import listed, said
from estimators.production.errors import ProductionError
from estimators.production.methods.solutions import Solution
from estimators.production.sample import Bools, Floats, Sample
from estimators.production.technology import check_form

METHODS = ("ols", "fe", "op", "lp", "acf", "wooldridge")
NEED_PROXY = ("op", "lp", "acf", "wooldridge")
TIMINGS = ("lagged", "current")
EQUATIONS = ("second", "both")


@dataclass(frozen=True)
class Choices:
    """See `estimators.production.estimate` for the meaning of each."""

    method: str
    form: str = "cobb_douglas"
    gross_output: bool = False
    free_instrument: str = "lagged"
    degree: int = 3
    markov: int = 3
    exit_correction: bool = False
    equations: str = "second"
    centred: bool = True  # inputs less their means, so that no minimum depends on the unit of money

    def __post_init__(self) -> None:
        """Refuse what is not known or does not go together."""
        _one_of("method", self.method, METHODS)
        check_form(self.form)
        _one_of("free_instrument", self.free_instrument, TIMINGS)
        _one_of("equations", self.equations, EQUATIONS)
        if not (1 <= self.degree <= 5 and 1 <= self.markov <= 5):
            raise ProductionError(said("production.degree", degree=self.degree, markov=self.markov))
        if self.form == "translog" and self.method in ("op", "lp", "wooldridge"):
            raise ProductionError(said("production.translog", method=self.method))
        if self.gross_output and self.method == "op":
            raise ProductionError(said("production.gross_output_op"))
        if self.exit_correction and self.method not in ("op", "lp", "acf"):
            raise ProductionError(said("production.exit", method=self.method))

    def check(self, sample: Sample) -> None:
        """Refuse a sample that the method cannot use."""
        if self.method in NEED_PROXY and not sample.names["proxy"]:
            raise ProductionError(said("production.proxy", method=self.method))
        if self.method in NEED_PROXY and not sample.names["state"]:
            raise ProductionError(said("production.state", method=self.method))
        if sample.policy is not None and self.method not in ("op", "lp", "acf"):
            raise ProductionError(said("production.policy", method=self.method))


@dataclass(frozen=True)
class Fit:
    """One estimation.

    Attributes
    ----------
    theta : (p,) parameters
    phi : (n,) or None: output net of the first stage's noise, of controls and, for op and lp, of free inputs
    epsilon : (n,) or None: that noise, NaN where there is no proxy
    effect : average over firm-years with a policy of g(ω, D) − g(ω, 0); NaN without one
    persistence : slope of a line of ω on its own past; NaN without a process
    objective, converged : of the second stage
    used : (n,) rows of the equation that gives the parameters
    solutions : all minima of the second stage that were found, the one taken first; empty where there was one search
    """

    theta: Floats
    phi: Floats | None
    epsilon: Floats | None
    effect: float
    persistence: float
    objective: float
    converged: bool
    used: Bools
    solutions: list[Solution] = field(default_factory=list)


# Weights by row (how often its firm was drawn) and a start, or None for that of the method → estimates.
Estimator = Callable[[Floats, Floats | None], Fit]


def _one_of(name: str, value: str, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise ProductionError(said("production.choice", name=name, value=value, allowed=listed(allowed)))
