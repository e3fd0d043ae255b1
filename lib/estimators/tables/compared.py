"""Tests at the foot: coefficients of one column jointly, one coefficient in two columns, or all that two columns share."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from estimators.errors import EffectsError
from estimators.language import listed, said
from estimators.tables.fit import Fit
from estimators.tables.levels import of_term
from estimators.tables.rows import CONSTANT

DEFINITE = 1e-10  # least eigenvalue of a covariance, in units of errors


def tested(tests: Sequence[Mapping[str, Any]], panel: str, fits: Sequence[Fit]) -> Iterator[pd.DataFrame]:
    """A row for each test: ``kind`` test, ``term`` what is tested, statistic and p_value.

    Raises
    ------
    EffectsError
        When a column lacks the coefficient, or the difference of two columns has no covariance.
    """
    for test in tests:
        of = [fits[number - 1] for number in test["of"]]
        kind = next(name for name in ("equal", "zero", "hausman") if test[name])
        names = (
            _shared_slopes(*of) if kind == "hausman" else [test["equal"]] if test["equal"] else test["zero"]
        )
        asked, names = names, [term for name in names for term in of_term(name, of[0].estimate.terms)]
        if not names:
            raise EffectsError(said("tables.test", number=test["of"][0], names=listed(asked)))
        for number, one in zip(test["of"], of, strict=True):
            absent = [name for name in names if name not in one.estimate.terms]
            if absent:
                raise EffectsError(said("tables.test", number=number, names=listed(absent)))
        if kind == "hausman":
            statistic, p = hausman(of[0], of[1], names, test["of"])
        else:
            statistic, p = equal(of[0], of[1], names[0]) if kind == "equal" else zero(of[0], names)
        term = f"{kind}:{'*'.join(names if kind == 'hausman' else asked)}:{','.join(map(str, test['of']))}"
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
    shared = scale * float(_shared(a, b, [at[0]], [at[1]])[0, 0])
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


def hausman(a: Fit, b: Fit, terms: Sequence[str], of: Sequence[int] = (1, 2)) -> tuple[float, float]:
    """χ² (number of terms) that two columns have the same slopes (Hausman 1978, Econometrica 46, 1251–1271).

    The first column is the one that is consistent either way (fixed effects), the second the one that is efficient if the
    hypothesis holds (random effects). Where both have errors iid the covariance of the difference is V_a − V_b; with any other
    errors the second is not efficient, and it is V_a + V_b − C − C′ with C from the influences of both (the generalised test).

    Raises
    ------
    EffectsError
        When the covariance of the difference is not positive definite: the sample does not allow the test in that form.
    """
    places = [[one.estimate.terms.index(name) for name in terms] for one in (a, b)]
    difference = a.estimate.coefficients[places[0]] - b.estimate.coefficients[places[1]]
    first, second = a.v[np.ix_(places[0], places[0])], b.v[np.ix_(places[1], places[1])]
    if a.column["errors"] == b.column["errors"] == "iid":
        v = first - second
    else:
        c = np.sqrt(a.corrected.factor * b.corrected.factor) * _shared(a, b, places[0], places[1])
        v = first + second - c - c.T
    size = np.sqrt(np.diag(first))
    # In units of the first column's errors: the judgement does not depend on what is measured in.
    if np.linalg.eigvalsh(v / np.outer(size, size)).min() <= DEFINITE:
        raise EffectsError(said("tables.hausman", of=listed(of)))
    statistic = float(difference @ np.linalg.solve(v, difference))
    return statistic, float(stats.chi2.sf(statistic, len(terms)))


def _shared_slopes(a: Fit, b: Fit) -> list[str]:
    """Slopes that two columns print, in the first's order."""
    own = {CONSTANT, *(name for one in (a, b) for name in one.estimate.terms if name not in one.rows.data)}
    return [name for name in a.terms if name in b.terms and name not in own]


def _shared(a: Fit, b: Fit, of_a: Sequence[int], of_b: Sequence[int]) -> np.ndarray:
    """Covariance of coefficients of one column with those of the other, uncorrected, shape (of_a, of_b)."""
    first = pd.DataFrame(a.estimate.psi[:, of_a], a.rows.data.index)
    second = pd.DataFrame(b.estimate.psi[:, of_b], b.rows.data.index)
    ways = list(a.rows.clusters)
    if not ways or list(b.rows.clusters) != ways:
        return _products(first, second)
    names = [[way] for way in ways] + ([ways] if len(ways) == 2 else [])
    total = np.zeros((len(of_a), len(of_b)))
    for sign, by in zip((1, 1, -1), names, strict=False):
        one = first.groupby([a.rows.data[n] for n in by]).sum()
        other = second.groupby([b.rows.data[n] for n in by]).sum()
        total += sign * _products(one, other)
    return total


def _products(a: pd.DataFrame, b: pd.DataFrame) -> np.ndarray:
    """Sums of products over what both have."""
    both = a.index.intersection(b.index)
    return a.loc[both].to_numpy().T @ b.loc[both].to_numpy()
