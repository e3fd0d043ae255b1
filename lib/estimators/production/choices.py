"""What is estimated and how; and what one estimation gives."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

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

    def __post_init__(self) -> None:
        """Refuse what is not known or does not go together."""
        _one_of("method", self.method, METHODS)
        check_form(self.form)
        _one_of("free_instrument", self.free_instrument, TIMINGS)
        _one_of("equations", self.equations, EQUATIONS)
        if not (1 <= self.degree <= 5 and 1 <= self.markov <= 5):
            raise ProductionError(f"degree = {self.degree}, markov = {self.markov}; allowed: 1 to 5 each")
        if self.form == "translog" and self.method in ("op", "lp", "wooldridge"):
            raise ProductionError(
                f"form 'translog' with method '{self.method}'; allowed with: ols, fe, acf, whose second stage estimates "
                "all parameters"
            )
        if self.gross_output and self.method == "op":
            raise ProductionError(
                "gross_output with method 'op': investment is not an input. Put materials into free instead"
            )
        if self.exit_correction and self.method not in ("op", "lp", "acf"):
            raise ProductionError(f"exit_correction with method '{self.method}'; allowed with: op, lp, acf")

    def check(self, sample: Sample) -> None:
        """Refuse a sample that the method cannot use."""
        if self.method in NEED_PROXY and not sample.names["proxy"]:
            raise ProductionError(
                f"method '{self.method}' needs a proxy: investment for op, materials for lp, acf and wooldridge"
            )
        if self.method in NEED_PROXY and not sample.names["state"]:
            raise ProductionError(f"method '{self.method}' needs a state input, such as capital")
        if sample.policy is not None and self.method not in ("op", "lp", "acf"):
            raise ProductionError(
                f"policy with method '{self.method}'; allowed with: op, lp, acf, which have a process of productivity"
            )


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
        raise ProductionError(f"{name} '{value}'; allowed: {', '.join(allowed)}")
