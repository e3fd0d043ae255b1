"""An estimated production function."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from estimators.production.choices import Choices
from estimators.production.sample import Floats


@dataclass(frozen=True)
class ProductionFunction:
    """Parameters, their bootstrap, and productivity by firm-year.

    Attributes
    ----------
    choices : Choices
        Method, form and the rest.
    terms : list of str
        Names of the p parameters: the columns of the inputs, for a translog also ``l*l``, ``l*k``, ….
    inputs : list of str
        Inputs with an elasticity, in the order of the first parameters.
    theta : (p,)
        Estimates.
    draws : (R, p + 1)
        Bootstrap by firm: parameters, then the policy's effect; R = 0 where none was asked for.
    effect : float
        Average over firm-years with the policy of what it adds to next year's productivity (log points); NaN
        without a policy.
    persistence, objective, converged
        Slope of ω on its past; minimum and end of the second stage (objective: near 0 where it is exactly identified).
    failed : int
        Draws whose second stage did not converge; they are left out of `draws`.
    n, firms, pairs : int
        Firm-years with all inputs, their firms, and firm-years of the equation that gives the parameters.
    years : DataFrame, index of the frame that was given
        tfp (y − f(x): with noise and the level of its year), omega (φ − f(x): without noise and without controls; NaN for
        ols, fe and where there is no proxy), epsilon (the noise), and the elasticity of each input as
        ``elasticity_<input>``. Rows that could not be used are NaN.
    solutions : DataFrame
        acf without a start: every minimum that was found, the one taken first (terms, objective, converged, persistence,
        holds, taken). More than one row that holds is a warning: read the persistence and the signs. Else empty.
    """

    choices: Choices
    terms: list[str]
    inputs: list[str]
    theta: Floats
    draws: Floats
    effect: float
    persistence: float
    objective: float
    converged: bool
    failed: int
    n: int
    firms: int
    pairs: int
    years: pd.DataFrame
    solutions: pd.DataFrame

    @property
    def tfp(self) -> pd.Series:
        """Log productivity y − f(x) by firm-year, on the index of the frame."""
        return self.years["tfp"]

    @property
    def omega(self) -> pd.Series:
        """Log productivity without the noise of output, φ − f(x), on the index of the frame."""
        return self.years["omega"]

    def elasticities(self) -> pd.DataFrame:
        """Output elasticity of each input by firm-year; one column an input."""
        found = self.years[[f"elasticity_{name}" for name in self.inputs]]
        return found.set_axis(self.inputs, axis=1)

    def tidy(self, size: float = 0.05) -> pd.DataFrame:
        """Estimates with bootstrap standard errors and percentile intervals.

        Parameters
        ----------
        size : float
            1 − coverage of the intervals.

        Returns
        -------
        DataFrame
            method, form, term, estimate, std_error, ci_low, ci_high, n, firms; one row for each parameter, then
            "returns to scale" (sum of elasticities, at the mean inputs for a translog) and, with a policy, "policy
            effect". Standard errors are NaN without draws.
        """
        rows = [*self.terms, "returns to scale"]
        k = len(self.inputs)
        estimate = [*self.theta, self.theta[:k].sum()]
        draws = np.column_stack([self.draws[:, :-1], self.draws[:, :k].sum(axis=1)])
        if not np.isnan(self.effect):
            rows.append("policy effect")
            estimate.append(self.effect)
            draws = np.column_stack([draws, self.draws[:, -1]])
        several = len(draws) > 1
        blank = np.full(len(rows), np.nan)
        low, high = np.nanquantile(draws, [size / 2, 1 - size / 2], axis=0) if several else (blank, blank)
        return pd.DataFrame(
            {
                "method": self.choices.method,
                "form": self.choices.form,
                "term": rows,
                "estimate": estimate,
                "std_error": np.nanstd(draws, axis=0, ddof=1) if several else blank,
                "ci_low": low,
                "ci_high": high,
                "n": self.n,
                "firms": self.firms,
            }
        )
