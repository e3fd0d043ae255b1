"""Production functions, productivity and markups, on tables with one row for each firm and year.

Calls
-----
logs(frame, {"y": "value_added", "l": "employees_avg", …}) -> DataFrame
    Adds logs; NaN where a value is not positive.
estimate(frame, method, *, output="y", free=("l",), state=("k",), proxy=("m",), controls=(), policy=None,
         firm="firm_id", year="year", year_effects=True, form="cobb_douglas", gross_output=False,
         free_instrument="lagged", degree=3, markov=3, exit_correction=False, equations="second", start=None,
         draws=0, seed=0) -> ProductionFunction
    Methods: ols, fe, op, lp, acf, wooldridge.
ProductionFunction
    ``tidy()`` (method, form, term, estimate, std_error, ci_low, ci_high, n, firms), ``tfp`` and ``omega`` (Series on the
    frame's index), ``elasticities()``, ``years``.

Errors are `ProductionError`.
"""

from fusion.production.errors import ProductionError
from fusion.production.estimation import estimate
from fusion.production.result import ProductionFunction
from fusion.production.sample import logs

__all__ = ["ProductionError", "ProductionFunction", "estimate", "logs"]
