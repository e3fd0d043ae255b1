"""Results of dynamic-panel GMM."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Array = NDArray[np.float64]


class Test(NamedTuple):
    """A test statistic, its degrees of freedom (0: standard normal) and p-value."""

    statistic: float
    freedom: int
    p_value: float


class Gmm(NamedTuple):
    """Estimates of one step.

    ``std_error`` is robust to any correlation within units, and in two steps corrected for the estimated weights
    (Windmeijer 2005); ``std_error_plain`` is σ²-homoskedastic in one step, uncorrected in two.
    """

    names: list[str]
    estimate: Array
    std_error: Array
    std_error_plain: Array
    vcov: Array
    steps: int
    system: bool
    n: int
    units: int
    instruments: int
    singular_weights: bool
    ar: dict[int, Test]
    sargan: Test
    hansen: Test

    def table(self, size: float = 0.05) -> pd.DataFrame:
        """Estimates with normal intervals, indexed by term: estimate, std_error, ci_low, ci_high, p_value."""
        from scipy.stats import norm

        half = norm.ppf(1 - size / 2) * self.std_error
        return pd.DataFrame(
            {
                "estimate": self.estimate,
                "std_error": self.std_error,
                "ci_low": self.estimate - half,
                "ci_high": self.estimate + half,
                "p_value": 2 * norm.sf(np.abs(self.estimate / self.std_error)),
            },
            index=pd.Index(self.names, name="term"),
        )
