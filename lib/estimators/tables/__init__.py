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
"""

from estimators.tables.fit import Fit, fit
from estimators.tables.frame import conditions, contributions, described, estimated, expanded, laid_out, long

__all__ = [
    "Fit",
    "conditions",
    "contributions",
    "described",
    "estimated",
    "expanded",
    "fit",
    "laid_out",
    "long",
]
