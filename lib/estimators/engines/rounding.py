"""What rounding alone may move of a coefficient and of its standard error.

Programs start from the same numbers, each known to its last digit, and sum them in other orders. An outcome that is nearly a sum
of regressors and effects leaves residuals that are small beside what was cancelled, and in these the last digits of what was
cancelled are large. With Y = ‖y‖ + Σ_k |b_k|·‖x_k‖, changes of relative size ε in outcome and regressors move b_j by at most
ε·Y·√[(X̃'X̃)⁻¹]_jj to first order (Cauchy and Schwarz; Higham 2002, Accuracy and Stability of Numerical Algorithms, 2nd ed.,
chapter 20), X̃ being regressors less effects, and residuals u, hence standard errors, by ε·Y/‖u‖ of themselves. A variance
is a sum of products that may cancel (of a constant whose rows have no residual it is zero), so that it is known to ε of what is
summed, and its root to √ε of the standard error that equal variances would give.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

# Some ten sums of a thousand terms round by this, when their errors add up like a random walk; two programs by twice of it.
ROUNDING = 64 * float(np.finfo(float).eps)
# Residuals above this share of what was cancelled are no rounding, however they were summed.
CLEAR = 1e-6


class Lost(NamedTuple):
    """What rounding may move: ``coefficients`` (k,) absolutely, ``std_errors`` as a share of themselves.

    Standard errors up to ``least`` (k,) are what rounding left of zero.
    """

    coefficients: Array
    std_errors: float
    least: Array

    @property
    def everything(self) -> bool:
        """Whether residuals are no larger than rounding, so that there are no standard errors."""
        return not self.std_errors < 1


def lost(y: Array, x: Array, b: Array, residuals: Array, bread: Array, weights: Array | None = None) -> Lost:
    """What rounding may move of a regression.

    Parameters
    ----------
    y, x : ndarray, shapes (n,) and (n, k)
        Outcome and regressors as they are, effects not taken out.
    b, residuals : ndarray, shapes (k,) and (n,)
    bread : ndarray, shape (k, k)
        (X̃'WX̃)⁻¹ of regressors less effects.
    weights : ndarray, shape (n,), optional
    """
    root = np.sqrt(np.ones(len(y)) if weights is None else weights)
    cancelled = np.linalg.norm(root * y) + np.abs(b) @ np.linalg.norm(root[:, None] * x, axis=0)
    left = float(np.linalg.norm(root * residuals))
    # An outcome of zeros has lost nothing: there was nothing.
    share = ROUNDING * cancelled / left if left > 0 else float(cancelled > 0)
    size = np.sqrt(np.abs(np.diag(bread)))
    least = np.sqrt(ROUNDING / max(len(y), 1)) * left * size
    return Lost(ROUNDING * cancelled * size, share, least)
