"""Tests at the foot: coefficients of one column jointly, or one coefficient in two columns."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from estimators.errors import EffectsError
from estimators.language import listed, said
from estimators.tables.fit import Fit


def tested(tests: Sequence[Mapping[str, Any]], panel: str, fits: Sequence[Fit]) -> Iterator[pd.DataFrame]:
    """A row for each test: ``kind`` test, ``term`` what is tested, statistic and p_value.

    Raises
    ------
    EffectsError
        When a column lacks the coefficient.
    """
    for test in tests:
        of = [fits[number - 1] for number in test["of"]]
        names = [test["equal"]] if test["equal"] else test["zero"]
        for number, one in zip(test["of"], of, strict=True):
            absent = [name for name in names if name not in one.estimate.terms]
            if absent:
                raise EffectsError(said("tables.test", number=number, names=listed(absent)))
        statistic, p = equal(of[0], of[1], names[0]) if test["equal"] else zero(of[0], names)
        term = f"{'equal' if test['equal'] else 'zero'}:{'*'.join(names)}:{','.join(map(str, test['of']))}"
        row = {"panel": panel, "column": 0, "kind": "test", "term": term, "outcome": of[0].rows.outcome}
        row |= {"statistic": statistic, "p_value": p, "engines": "", "one": ""}
        feet = [one.foot() for one in of]
        row |= {name: min(foot[name] for foot in feet) for name in ("n", "units")}  # type: ignore[type-var]
        yield pd.DataFrame([row])


def equal(a: Fit, b: Fit, term: str) -> tuple[float, float]:
    """χ² (1) that a coefficient is the same in two columns, stacked, so that rows and clusters that both have count.

    V = V_a + V_b − 2 C, with C the covariance of the two by their influences over shared clusters (shared rows where
    errors are not clustered), each column's own correction applied (geometric mean for C).
    """
    at = a.estimate.terms.index(term), b.estimate.terms.index(term)
    difference = a.estimate.coefficients[at[0]] - b.estimate.coefficients[at[1]]
    scale = np.sqrt(a.corrected.factor * b.corrected.factor)
    shared = scale * _shared(a, b, at)
    variance = a.v[at[0], at[0]] + b.v[at[1], at[1]] - 2 * shared
    if variance <= 0:
        return (0.0, 1.0) if difference == 0 else (float("inf"), 0.0)
    statistic = float(difference**2 / variance)
    return statistic, float(stats.chi2.sf(statistic, 1))


def zero(one: Fit, terms: Sequence[str]) -> tuple[float, float]:
    """F that coefficients of a column are all zero, by its own covariance."""
    at = [one.estimate.terms.index(name) for name in terms]
    b, v = one.estimate.coefficients[at], one.v[np.ix_(at, at)]
    statistic = float(b @ np.linalg.solve(v, b)) / len(at)
    return statistic, float(stats.f.sf(statistic, len(at), one.corrected.freedom))


def _shared(a: Fit, b: Fit, at: tuple[int, int]) -> float:
    """Covariance of a coefficient of one column with one of the other, uncorrected."""
    first = pd.Series(a.estimate.psi[:, at[0]], a.rows.data.index)
    second = pd.Series(b.estimate.psi[:, at[1]], b.rows.data.index)
    ways = list(a.rows.clusters)
    if not ways or list(b.rows.clusters) != ways:
        return float(first.mul(second, fill_value=0.0).sum())
    names = [[way] for way in ways] + ([ways] if len(ways) == 2 else [])
    total = 0.0
    for sign, by in zip((1, 1, -1), names, strict=False):
        one = first.groupby([a.rows.data[n] for n in by]).sum()
        other = second.groupby([b.rows.data[n] for n in by]).sum()
        total += sign * float(one.mul(other, fill_value=0.0).sum())
    return total
