"""Production functions, productivity and markups, on tables with one row for each firm and year.

Calls
-----
logs(frame, {"y": "value_added", "l": "employees_avg", …}) -> DataFrame
    Adds logs; NaN where a value is not positive.
estimate(frame, method, *, output="y", free=("l",), state=("k",), proxy=("m",), controls=(), demand=(), policy=None,
         firm="firm_id", year="year", year_effects=True, form="cobb_douglas", gross_output=False,
         free_instrument="lagged", degree=3, markov=3, exit_correction=False, equations="second", start=None,
         draws=0, seed=0) -> ProductionFunction
    Methods: ols, fe, op, lp, acf, wooldridge.
ProductionFunction
    ``tidy()`` (method, form, term, estimate, std_error, ci_low, ci_high, n, firms), ``tfp`` and ``omega`` (Series on the
    frame's index), ``elasticities()``, ``years``; ``solutions`` (acf: all that were found).
by_industry(frame, industry, method, *, fewest_firms=50, **options) -> Industries
    As `estimate` for each value of a column; ``functions``, ``tidy()``, ``tfp``, ``omega``, ``years``, ``left_out``.
markups(function, expenditure, revenue, input, corrected=True) -> DataFrame
    elasticity, share and markup by firm-year (De Loecker & Warzynski 2012).

Errors are `ProductionError`.
"""

from estimators.production.errors import ProductionError, TooFewError
from estimators.production.estimation import estimate
from estimators.production.industries import Industries, by_industry
from estimators.production.markups import markups
from estimators.production.result import ProductionFunction
from estimators.production.sample import logs

__all__ = [
    "Industries",
    "ProductionError",
    "ProductionFunction",
    "TooFewError",
    "by_industry",
    "estimate",
    "logs",
    "markups",
]
