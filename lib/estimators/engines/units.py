"""Estimates made in even units, and told in their own.

Packages hold columns against tolerances that are not relative: pyfixest drops a regressor that is all below some 1e-8,
linearmodels one beside which another is 1e12 times as large. So columns are divided by a power of two near their largest value,
which keeps every digit, and coefficients are told in the units that the study has.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from estimators.finite import refuse_infinite


class Units(NamedTuple):
    """What columns were divided by: ``outcome``, and ``regressors`` by name; those not named were not divided."""

    outcome: float = 1.0
    regressors: tuple[tuple[str, float], ...] = ()

    def own(self, values: pd.Series) -> pd.Series:
        """Coefficients or their standard errors, indexed by term, in the columns' own units."""
        sizes = dict(self.regressors)
        return values * np.array([self.outcome / sizes.get(str(term), 1.0) for term in values.index])


def size(values: pd.Series) -> float:
    """The power of two nearest to the largest absolute value; 1 where all are zero."""
    largest = float(np.abs(values.to_numpy(float)).max())
    return float(2.0 ** np.round(np.log2(largest))) if largest > 0 else 1.0


def even(data: pd.DataFrame, outcome: str, regressors: Sequence[str]) -> tuple[pd.DataFrame, Units]:
    """The rows with outcome and regressors between −√2 and √2, and what they were divided by; complete rows alone.

    Raises
    ------
    EffectsError
        When a value is missing or infinite.
    """
    refuse_infinite(data, [outcome, *regressors], missing=True)
    own, sizes = size(data[outcome]), {name: size(data[name]) for name in regressors}
    moved = {name: data[name].astype(float) / by for name, by in (sizes | {outcome: own}).items()}
    return data.assign(**moved), Units(own, tuple(sizes.items()))
