"""Estimation samples, designs and the check of two engines; the estimators themselves are called in notebooks."""

from estimators.effects.description import (
    attrition,
    balance,
    cohort_means,
    cohorts,
    comparison_groups,
    ever_treated,
    summary,
    year_before,
)
from estimators.effects.magnitude import magnitudes, money_of_log, sized
from estimators.effects.power import Columns, designs, is_binary, minimum_detectable, shock_cells
from estimators.effects.sample import (
    base_columns,
    check_varies,
    dropped,
    effect_columns,
    estimation_sample,
    ladder,
    possible,
    rung,
    singletons,
    year_dummies,
)
from estimators.engines import within
from estimators.engines.agreement import (
    COLUMNS,
    agree,
    both_stated,
    counted_by_linearmodels,
    counted_parameters,
    exact_rows,
    intervals,
    joined,
    restate,
    stated_rows,
)
from estimators.engines.within import two_way_residuals
from estimators.errors import EffectsError, EnginesDisagree

__all__ = [
    "COLUMNS",
    "Columns",
    "EffectsError",
    "EnginesDisagree",
    "agree",
    "attrition",
    "balance",
    "base_columns",
    "both_stated",
    "check_varies",
    "cohort_means",
    "cohorts",
    "comparison_groups",
    "counted_by_linearmodels",
    "counted_parameters",
    "designs",
    "dropped",
    "effect_columns",
    "estimation_sample",
    "ever_treated",
    "exact_rows",
    "intervals",
    "is_binary",
    "joined",
    "ladder",
    "magnitudes",
    "minimum_detectable",
    "money_of_log",
    "possible",
    "restate",
    "rung",
    "shock_cells",
    "singletons",
    "sized",
    "stated_rows",
    "summary",
    "two_way_residuals",
    "within",
    "year_before",
    "year_dummies",
]
