"""Imputation for staggered starts: one set of sums gives estimates, their joint covariance, leads and inference.

>>> from estimators.effects.imputation import fit
>>> found = fit(panel, outcome="y", unit="firm_id", time="year", start="start", cells=["path"])  # doctest: +SKIP
>>> found.overall()  # doctest: +SKIP
"""

from estimators.effects.imputation.model import Imputation, fit

__all__ = ["Imputation", "fit"]
