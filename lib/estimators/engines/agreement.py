"""Two engines, one answer: restate standard errors under one stated correction and compare.

Clustered standard errors of one estimate differ between packages only by the factor c in V = c · sandwich,

    c = G/(G − 1) · (n − 1)/(n − K),

G clusters, n rows, and K the number of parameters that the package counts:

==========================================================  ==========================================
call                                                        K
==========================================================  ==========================================
pyfixest ``ssc(k_adj=True, k_fixef="none", G_adj=True)``    k slopes
linearmodels ``AbsorbingLS.fit(debiased=True)``             k if there is one effect and it is nested in
                                                            the clusters; else k + Σ_s L_s − (S − 1)
stated here, as fixest and reghdfe                          k + Σ_s L_s − (S − 1) over the S effects,
                                                            less L_s − 1 for each effect that is nested
                                                            in the clusters
``engines.within.feols`` (``k_fixef="nonnested"``)          as stated here
==========================================================  ==========================================

L_s levels of effect s. So a standard error moves from one count to another by √((n − K_from)/(n − K_to)), exactly.
(pyfixest 0.60 offers the third row as ``k_fixef="nonnested"``, but matches effects to their names by a set's
order, so that K, and the standard error, changes with Python's hash seed when there are two or more effects. It is
not used.)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from scipy import stats

from estimators.engines import rounding
from estimators.engines.exact.project import Projection
from estimators.engines.rounding import Lost
from estimators.engines.telling import telling
from estimators.engines.units import Units, even
from estimators.errors import EffectsError, EnginesDisagree
from estimators.language import said

COEFFICIENT_TOLERANCE = 1e-8
STD_ERROR_TOLERANCE = 1e-8
NOISE = 1e-12
NO_ERROR = 1e-10  # of the estimate: a standard error below it is what rounding left of zero (as many terms as clusters)


# Columns of the artefact `estimates`.
COLUMNS = [
    "spec",
    "engine",
    "fixed_effects",
    "covariance",
    "term",
    "estimate",
    "std_error",
    "ci_low",
    "ci_high",
    "p_value",
    "n",
    "units",
    "clusters",
    "dropped_singletons",
    "r2_within",
    "parameters",
]


class Rung(NamedTuple):
    """One step of the fixed-effects ladder.

    Parameters
    ----------
    label : str
        Such as "firm_id + division*year".
    data : DataFrame
        Rows with a column for each effect.
    effects : list of str
        Their names.
    dropped : int
        Singletons left out.
    absorbed : tuple of str
        Regressors of which the effects leave nothing.
    divided : Units
        What outcome and regressors were divided by, where `even` did; estimates are stated in their own units.
    outcome : str
        What is regressed, once it is known: `lost` needs it.
    """

    label: str
    data: pd.DataFrame
    effects: list[str]
    dropped: int
    absorbed: tuple[str, ...] = ()
    divided: Units = Units()
    outcome: str = ""

    def even(self, outcome: str, regressors: Sequence[str]) -> Rung:
        """The same step in even units, which no engine's tolerance takes for too small or too large."""
        data, divided = even(self.data, outcome, regressors)
        return self._replace(data=data, divided=divided, outcome=outcome)

    def lost(self, terms: Sequence[str]) -> Lost:
        """What rounding alone may move of the step's estimates, in the units of its rows."""
        values = self.data[[self.outcome, *terms]].to_numpy(float)
        codes = [pd.factorize(self.data[name])[0].astype(np.int64) for name in self.effects]
        left = Projection(codes).residuals(values)
        y, x = left[:, 0], left[:, 1:]
        b = np.asarray(np.linalg.lstsq(x, y, rcond=None)[0], np.float64)
        bread = np.asarray(np.linalg.pinv(x.T @ x), np.float64)
        return rounding.lost(values[:, 0], values[:, 1:], b, y - x @ b, bread)

    def errors(self, std_errors: pd.Series, lost: Lost | None = None) -> pd.Series:
        """Standard errors by term in the columns' own units; missing where residuals are no larger than rounding.

        ``lost``, where it is known, saves a projection of all rows.
        """
        if self.outcome and lost is None:
            lost = self.lost(list(std_errors.index))
        return self.divided.own(std_errors) * (np.nan if lost is not None and lost.everything else 1.0)

    def left_much(self, outcome: str, coefficients: pd.Series, rss: float) -> bool:
        """Whether residuals are so far above rounding that nothing has to be projected to see it."""
        sizes = np.linalg.norm(self.data[[outcome, *coefficients.index]].to_numpy(float), axis=0)
        cancelled = float(sizes[0] + np.abs(coefficients.to_numpy()) @ sizes[1:])
        return rss > (rounding.CLEAR * cancelled) ** 2

    @property
    def terms(self) -> list[str]:
        """Regressors in even units that effects do not absorb."""
        return [name for name, _ in self.divided.regressors if name not in self.absorbed]

    @property
    def units(self) -> int:
        """Number of units."""
        return int(self.data["firm_id"].nunique())

    def formula(self, outcome: str, regressors: Sequence[str]) -> str:
        """The regression as pyfixest reads it: ``y ~ d + x | firm_id + year``."""
        return f"{outcome} ~ {' + '.join(regressors)} | {' + '.join(self.effects)}"


def nested(effect: pd.Series, cluster: pd.Series) -> bool:
    """Whether each level of an effect lies in one cluster."""
    pairs = pd.DataFrame({"effect": effect.to_numpy(), "cluster": cluster.to_numpy()}).drop_duplicates()
    return not bool(pairs["effect"].duplicated().any())


def counted_parameters(slopes: int, effects: pd.DataFrame, cluster: pd.Series | None = None) -> int:
    """K: parameters that the stated small-sample correction counts.

    K = slopes + Σ_s L_s − (S − 1), less L_s − 1 for each effect nested in the clusters (fixest's
    ``fixef.K = "nested"``; its manual: `ssc`). One redundant level is counted for each effect after the first;
    further collinearity between effects is not searched for.

    Parameters
    ----------
    slopes : int
        Number of slopes that were estimated.
    effects : DataFrame
        One column per effect, shape (n, S).
    cluster : Series, optional
        Clusters; without them every level counts.
    """
    levels = [effects[name].nunique() for name in effects]
    count = slopes + sum(levels) - max(len(levels) - 1, 0)
    if cluster is not None:
        count -= sum(n - 1 for n, name in zip(levels, effects, strict=True) if nested(effects[name], cluster))
    return count


def counted_by_linearmodels(slopes: int, effects: pd.DataFrame, cluster: pd.Series) -> int:
    """K of ``AbsorbingLS.fit(cov_type="clustered", debiased=True)`` (linearmodels 7.1, its notes)."""
    if effects.shape[1] == 1 and nested(effects.iloc[:, 0], cluster):
        return slopes
    return counted_parameters(slopes, effects)


def restate(std_error: pd.Series, n: int, counted: int, stated: int) -> pd.Series:
    """Standard errors that counted K = `counted`, as if they had counted `stated`: times √((n−counted)/(n−stated)).

    Raises
    ------
    EffectsError
        When no degrees of freedom are left.
    """
    if n <= max(counted, stated):
        raise EffectsError(said("engines.no_freedom", n=n, counted=max(counted, stated)))
    return std_error * np.sqrt((n - counted) / (n - stated))


def intervals(estimate: pd.Series, std_error: pd.Series, freedom: float, size: float = 0.05) -> pd.DataFrame:
    """Estimates with two-sided confidence intervals and p-values, t with the degrees of freedom given.

    Returns
    -------
    DataFrame
        Index as `estimate`; columns estimate, std_error, ci_low, ci_high, p_value.
    """
    std_error = std_error.mask(no_error(estimate, std_error))
    half = stats.t.ppf(1 - size / 2, freedom) * std_error
    p_value = pd.Series(2 * stats.t.sf((estimate / std_error).abs(), freedom), index=estimate.index)
    return pd.DataFrame(
        {
            "estimate": estimate,
            "std_error": std_error,
            "ci_low": estimate - half,
            "ci_high": estimate + half,
            "p_value": p_value,
        }
    )


def no_error(estimate: Any, std_error: Any) -> Any:
    """Where a standard error is zero but for rounding, so that it says nothing: clusters are no more than terms."""
    return np.abs(std_error) <= NO_ERROR * np.abs(estimate)


def stated_rows(
    rung: Rung,
    cluster: str,
    engine: str,
    coefficients: pd.Series,
    std_errors: pd.Series,
    counted: int,
    r2_within: float = float("nan"),
    size: float = 0.05,
    lost: Lost | None = None,
) -> pd.DataFrame:
    """One engine's clustered estimates of one rung under the stated correction.

    Parameters
    ----------
    rung, cluster, engine : Rung, str, str
        Rows and effects that the engine saw, the column of clusters, and the engine's name.
    coefficients, std_errors : Series
        Indexed by term, as the engine reports them; in the rung's units.
    counted : int
        K that the engine's own correction counted (see the module's table).
    r2_within, size : float
        R² after the effects are taken out; size of two-sided tests (t with G − 1 degrees of freedom).
    lost : Lost, optional
        What rounding may move of the rung's estimates, where it is known.

    Returns
    -------
    DataFrame
        Columns of the artefact `estimates`: spec, engine, fixed_effects, covariance, term, estimate, std_error,
        ci_low, ci_high, p_value, n, units, clusters, dropped_singletons, r2_within, parameters (K as stated); and telling_units,
        the units that tell each term (`telling.telling`).
    """
    n, groups = len(rung.data), int(rung.data[cluster].nunique())
    if groups < 2:
        raise EffectsError(said("engines.cluster", cluster=cluster, groups=groups))
    stated = counted_parameters(len(coefficients), rung.data[rung.effects], rung.data[cluster])
    own, errors = rung.divided.own(coefficients), rung.errors(std_errors, lost)
    table = intervals(own, restate(errors, n, counted, stated), groups - 1, size)
    told = telling(rung.data, list(table.index), "firm_id", rung.data[rung.effects])
    table = table.assign(telling_units=told).rename_axis("term").reset_index()
    return table.assign(
        spec=rung.label,
        engine=engine,
        fixed_effects=rung.label,
        covariance=f"clustered by {cluster}",
        n=n,
        units=rung.units,
        clusters=groups,
        dropped_singletons=rung.dropped,
        r2_within=r2_within,
        parameters=stated,
    )


def both_stated(
    rungs: Sequence[Rung],
    by_pyfixest: Sequence[Any],
    by_linearmodels: Sequence[Any],
    cluster: str,
    size: float = 0.05,
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Both engines' estimates of the steps of the ladder under the stated correction, and what rounding may move of them.

    Parameters
    ----------
    rungs : sequence of Rung
        The steps.
    by_pyfixest : sequence
        Results of ``pf.feols`` with ``ssc(k_adj=True, k_fixef="none")``, one for each step.
    by_linearmodels : sequence
        Results of ``AbsorbingLS.fit(debiased=True)``, one for each step; both tables have their R².
    cluster, size : str, float
        As for `stated_rows`.

    Returns
    -------
    three DataFrame
        Two as `stated_rows`; what `lost` has of the steps.
    """
    first, second, moves = [], [], {}
    for rung, a, b in zip(rungs, by_pyfixest, by_linearmodels, strict=True):
        moves[rung.label] = may = rung.lost(rung.terms)
        r2 = b.absorbed_rsquared
        counted = counted_by_linearmodels(len(b.params), rung.data[rung.effects], rung.data[cluster])
        first.append(stated_rows(rung, cluster, "pyfixest", a.coef(), a.se(), len(a.coef()), r2, size, may))
        second.append(
            stated_rows(rung, cluster, "linearmodels", b.params, b.std_errors, counted, r2, size, may)
        )
    return pd.concat(first), pd.concat(second), lost(rungs, moves)


def lost(rungs: Sequence[Rung], known: Mapping[str, Lost] | None = None) -> pd.DataFrame:
    """What rounding alone may move of the estimates of steps in even units; ``known`` by label, where it is known.

    Returns
    -------
    DataFrame
        Index (spec, term); ``coefficient`` in the columns' own units, ``std_error`` as a share of itself: where it is 1
        or more, residuals are no larger than rounding, and there is no standard error; ``least``: a standard error that is
        no larger is what rounding left of zero.
    """
    found = {}
    for rung in rungs:
        one = rung.lost(rung.terms) if known is None else known[rung.label]
        own, least = (rung.divided.own(pd.Series(v, index=rung.terms)) for v in (one.coefficients, one.least))
        found[rung.label] = pd.DataFrame({"coefficient": own, "std_error": one.std_errors, "least": least})
    return pd.concat(found, names=["spec", "term"])


def joined(tables: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Tables of estimates one below the other; those without rows, which would spoil columns' types, are left out."""
    filled = [table for table in tables if len(table)]
    return pd.concat(filled) if filled else pd.DataFrame(columns=COLUMNS)


def agree(
    first: pd.DataFrame,
    second: pd.DataFrame,
    names: Sequence[str] = ("pyfixest", "linearmodels"),
    coefficient_tolerance: float = COEFFICIENT_TOLERANCE,
    std_error_tolerance: float = STD_ERROR_TOLERANCE,
    lost: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Compare two engines' estimates, or stop.

    Parameters
    ----------
    first, second : DataFrame
        Indexed by (spec, term); columns estimate, std_error (under one stated correction), n, clusters.
    names : pair of str
        The engines' names.
    coefficient_tolerance : float
        Largest difference of coefficients, relative to the larger of size and standard error, so that the rule does
        not depend on units and a coefficient near zero is judged by what it is measured with.
    std_error_tolerance : float
        Largest relative difference of standard errors.
    lost : DataFrame, optional
        What rounding alone may move, by the same index, as `lost` has it: so much more is allowed. It is far below the
        tolerances unless nearly all of the outcome is a sum of regressors and effects.

    Returns
    -------
    DataFrame
        Index of `first`; both estimates and standard errors, coefficient_difference, std_error_ratio_less_1 (zero where
        it is below `NOISE`), agree.

    Raises
    ------
    EnginesDisagree
        With the table of the rows that differ, or that only one engine has (a regressor that one of them dropped).
    """
    a, b = names
    only = first.index.symmetric_difference(second.index)
    if len(only):
        where = [said("engines.only_in", item=item, engine=a if item in first.index else b) for item in only]
        raise EnginesDisagree(said("engines.other_terms", a=a, b=b, where="; ".join(where)))
    table = _side_by_side(first, second.loc[first.index], a, b)
    second = second.loc[first.index]
    scale = np.fmax(first["estimate"].abs(), first["std_error"])
    more = pd.DataFrame(0.0, first.index, ["coefficient", "std_error", "least"])
    more = more if lost is None else lost.reindex(first.index).fillna(0.0)
    same = table["coefficient_difference"].abs() <= coefficient_tolerance * scale + more["coefficient"]
    neither = [t["std_error"].isna() | no_error(t["estimate"], t["std_error"]) for t in (first, second)]
    near = table["std_error_ratio_less_1"].abs() <= std_error_tolerance + more["std_error"]
    if "least" in more:
        neither = [
            one | (t["std_error"] <= more["least"]) for one, t in zip(neither, (first, second), strict=True)
        ]
    same &= near | (neither[0] & neither[1]) | (more["std_error"] >= 1)
    for column in ("n", "clusters"):
        same &= first[column] == second[column]
    table["agree"] = same
    # What is left below this is the order of two programs' sums, another in every build of a library: it says nothing.
    table.loc[table["coefficient_difference"].abs() <= NOISE * scale, "coefficient_difference"] = 0.0
    table.loc[table["std_error_ratio_less_1"].abs() <= NOISE, "std_error_ratio_less_1"] = 0.0
    if not same.all():
        raise EnginesDisagree(
            _parted(table, first, second, (a, b), coefficient_tolerance, std_error_tolerance)
        )
    return table


def exact_rows(
    rung: Rung, outcome: str, regressors: Sequence[str], cluster: str, size: float = 0.05
) -> pd.DataFrame:
    """The third engine: the exact within estimator on a rung's rows, as `stated_rows` has them.

    It shares no code with the other two: no iteration, DuckDB's sums, and K as stated here, so that nothing is
    restated.

    Parameters
    ----------
    rung : Rung
        Singletons were dealt with when it was made.
    outcome, regressors, cluster : str, sequence of str, str
        Columns of the rung's data.
    size : float
        Size of two-sided tests.
    """
    from estimators.engines.exact.estimate import feols
    from estimators.engines.exact.formula import design

    rung = rung._replace(outcome="")
    fit = feols(design(outcome, regressors, rung.effects), rung.data, {"CRV1": cluster}, fixef_rm="none")
    rung = rung if rung.left_much(outcome, fit.coef(), fit.rss) else rung._replace(outcome=outcome)
    return stated_rows(
        rung, cluster, "exact", fit.coef(), fit.se(), fit.parameters, r2_within=fit.r2_within, size=size
    )


def _side_by_side(first: pd.DataFrame, second: pd.DataFrame, a: str, b: str) -> pd.DataFrame:
    return pd.DataFrame(
        {
            f"estimate_{a}": first["estimate"],
            f"estimate_{b}": second["estimate"],
            "coefficient_difference": first["estimate"] - second["estimate"],
            f"std_error_{a}": first["std_error"],
            f"std_error_{b}": second["std_error"],
            "std_error_ratio_less_1": first["std_error"] / second["std_error"] - 1,
        }
    )


def _parted(
    table: pd.DataFrame,
    first: pd.DataFrame,
    second: pd.DataFrame,
    names: tuple[str, str],
    coefficient: float,
    std_error: float,
) -> str:
    """The message of a disagreement: how many, what was allowed, and the rows that differ."""
    a, b = names
    counts = {f"{c}_{name}": t[c] for c in ("n", "clusters") for name, t in ((a, first), (b, second))}
    rows = table.assign(**counts)[~table["agree"]].drop(columns="agree")
    return said(
        "engines.part",
        a=a,
        b=b,
        count=len(rows),
        every=len(table),
        coefficient=coefficient,
        std_error=std_error,
        rows=rows.to_string(float_format=lambda v: f"{v:.12g}"),
    )
