"""Columns of tables as journals print them: estimated twice where two engines exist, stated as another program would.

rows : which rows, effects and regressors a column has
covariance : sandwiches from scores
correction : small samples, by the program that is to be matched
linear : least squares and instruments, by two engines
quantile : regression quantiles
smooth : Poisson, logit, probit, first differences, random effects
fit : a column whole
compared : tests in and between columns
frame : the long table of all columns
kinds : tables that are no regressions
"""

from estimators.tables.fit import Fit, fit
from estimators.tables.frame import (
    NO_COLUMN,
    conditions,
    contributions,
    described,
    estimated,
    expanded,
    laid_out,
    long,
    stacked,
)
from estimators.tables.kinds import balance, by_kind, collinear, correlated, decomposed, functions, summaries

__all__ = [
    "NO_COLUMN",
    "Fit",
    "balance",
    "by_kind",
    "collinear",
    "conditions",
    "contributions",
    "correlated",
    "decomposed",
    "described",
    "estimated",
    "expanded",
    "fit",
    "functions",
    "laid_out",
    "long",
    "stacked",
    "summaries",
]
