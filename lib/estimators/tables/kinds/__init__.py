"""Tables that are no regressions: what a study prints beside its columns.

described : numbers of variables, correlations, what regressors share
balance : two groups set side by side
parts : how controls move a coefficient (Gelbach)
functions : production functions by several methods
"""

from collections.abc import Mapping
from typing import Any

from estimators.tables.kinds.balance import balance
from estimators.tables.kinds.described import collinear, correlated, summaries
from estimators.tables.kinds.functions import functions
from estimators.tables.kinds.parts import decomposed

KINDS = ("regression", "describe", "correlate", "balance", "collinearity", "production", "decomposition")

__all__ = ["KINDS", "balance", "by_kind", "collinear", "correlated", "decomposed", "functions", "summaries"]


def by_kind(tables: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Mapping[str, Any]]]:
    """A study's tables by their kind, each kind in its place, those that it has none of without any."""
    return {kind: {name: one for name, one in tables.items() if one["kind"] == kind} for kind in KINDS}
