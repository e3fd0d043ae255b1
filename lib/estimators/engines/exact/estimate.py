"""The exact within estimator: three group-bys, no iteration."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from estimators.engines.exact import slopes as slope
from estimators.engines.exact.correction import Correction, check, factor, parameters
from estimators.engines.exact.formula import Design, Effect, clusters_of, parse
from estimators.engines.exact.passes.base import Base, open_base
from estimators.engines.exact.passes.moments import Moments, NotFinite, gather
from estimators.engines.exact.passes.scores import Pass, Scores
from estimators.engines.exact.passes.source import Source
from estimators.engines.exact.result import Within
from estimators.engines.exact.schur import Factors
from estimators.errors import EffectsError
from estimators.language import said

Array = NDArray[np.float64]

# When less than this share of a column's variation is within units, sums of squares lose too many digits, and the
# passes run again on rows less their units' means.
SHARE_WITHIN = 1e-4
# A first-order correction of the slopes by the sum of the scores beyond this (in standard errors) asks for new scores.
SETTLED = 1e-6


class Fitted(NamedTuple):
    """A regression before its covariance."""

    base: Base
    moments: Moments
    factors: Factors
    gamma: Array
    s: Array
    tss: float
    slopes: slope.Slopes
    drop: bool


def feols(
    fml: str | Design,
    data: Any,
    vcov: str | Mapping[str, str] | None = None,
    weights: str | None = None,
    ssc: Correction | Mapping[str, Any] | None = None,
    fixef_rm: Literal["singleton", "none"] = "singleton",
    memory: str | None = None,
) -> Within:
    """Least squares, ordinary or two-stage, with unit effects and any other effects of few levels, exactly.

    The effect with the most levels (the unit) is taken out by means, the others by solving their normal equations
    after that (see `moments`), so that there is no iteration and no tolerance, and memory grows with units, not rows.

    Parameters
    ----------
    fml : str
        ``y ~ x1 + x2 | firm + industry^year`` or with ``| d ~ z1 + z2`` for instruments. Columns as they are.
    data : DataFrame, pyarrow Table, path of Parquet, DuckDB relation, or Ibis table on DuckDB
        Rows with a missing value in a used column are left out and counted.
    vcov : str or mapping, optional
        ``"iid"``, ``"hetero"`` (``"HC1"``), ``{"CRV1": "firm"}``, ``{"CRV1": "firm + year"}``. Default: clustered by
        the unit.
    weights : str, optional
        Column of analytic weights (inverse variances up to scale), not negative; rows of weight 0 are left out.
    ssc : Correction or mapping
        Small-sample correction; see `correction`.
    fixef_rm : {"singleton", "none"}
        Leave out rows that are alone in a level, generation after generation, or keep them. Slopes are the same.
    memory : str, optional
        Memory limit of DuckDB, e.g. "2GB", beyond which it spills to disk (connections opened here only).

    Returns
    -------
    Within

    Raises
    ------
    EffectsError
        For bad input, or when nothing can be estimated.
    """
    design = parse(fml) if isinstance(fml, str) else fml
    correction = ssc if isinstance(ssc, Correction) else Correction(**(ssc or {}))
    check(correction)
    if fixef_rm not in ("singleton", "none"):
        raise EffectsError(said("engines.fixef_rm", fixef_rm=fixef_rm))
    kind, clusters = clusters_of(vcov) if vcov is not None else ("unit", ())
    with open_source(design, clusters, data, weights, memory) as source:
        try:
            fitted = fit(source, design, clusters, weights, fixef_rm == "singleton", kind == "unit")
        except NotFinite:
            fitted = fit(source, design, clusters, weights, fixef_rm == "singleton", kind == "unit", nan=True)
        return _result(fitted, "CRV1" if kind == "unit" else kind, correction)


def open_source(
    design: Design, clusters: tuple[Effect, ...], data: Any, weights: str | None, memory: str | None
) -> Source:
    """The rows of a regression, with the columns it needs."""
    keys = [part for effect in (*design.effects, *clusters) for part in effect.parts]
    columns = [*design.columns, *keys, *([weights] if weights else [])]
    return Source(data, columns, keys, memory)


def fit(
    source: Source,
    design: Design,
    clusters: tuple[Effect, ...] = (),
    weights: str | None = None,
    drop: bool = True,
    by_unit: bool = False,
    nan: bool = False,
) -> Fitted:
    """Both first passes, the levels and the slopes; clusters are the unit's with `by_unit`."""
    base = open_base(source, design, clusters, weights, nan)
    if by_unit:
        base.clusters = (base.unit,)
    moments = gather(base, drop)
    total, tss = moments.total, moments.tss
    within = np.diag(moments.f) / np.maximum(np.diag(total), 1e-300)
    if (within < SHARE_WITHIN).any():
        base.demeaned = _unit_means(base)
        moments = gather(base, drop)
    if moments.n <= 0:
        raise EffectsError(said("engines.alone_keep", formula=base.design.formula))
    factors = Factors(moments.a, moments.size)
    gamma = factors.solve(moments.b)
    s = moments.f - moments.b.T @ gamma
    s = (s + s.T) / 2
    return Fitted(base, moments, factors, gamma, s, tss, slope.fit(base.design, s, moments.f, total), drop)


def _unit_means(base: Base) -> str:
    by = ", ".join(base.unit_keys)
    means = [f"sum({base.times_w}z{k}) / {base.sum_w} AS m{k}" for k in range(base.width)]
    return base.source.store(
        "unit_means", f"SELECT {by}, {', '.join(means)} FROM ({base.sql()}) GROUP BY {by}"
    )


def _result(fitted: Fitted, kind: str, correction: Correction) -> Within:
    base, moments = fitted.base, fitted.moments
    levels = _level_counts(fitted)
    beta, meats = _meats(fitted, kind)
    nested = _nested(fitted, levels, {name: scores.clusters for name, scores in meats.items()})
    rank = moments.units + _rank(fitted)
    counted = parameters(len(beta), levels, rank, nested if kind == "CRV1" else {}, correction)
    residual = fitted.slopes.residual
    rss = float(residual @ fitted.s @ residual)
    covariance = _covariance(fitted, kind, meats, rss, counted, correction)
    groups = [scores.clusters for scores in meats.values()]
    component, redundant = _components(fitted)
    return Within(
        formula=base.design.formula,
        outcome=base.design.outcome,
        unit=base.unit.name,
        names=tuple(fitted.slopes.names),
        beta=beta,
        covariance=covariance,
        vcov_type=kind,
        cluster_names=tuple(cluster.name for cluster in base.clusters) if kind == "CRV1" else (),
        n=moments.n,
        singletons=moments.singletons,
        missing=base.missing,
        levels=levels,
        clusters={name: scores.clusters for name, scores in meats.items()} if kind == "CRV1" else {},
        parameters=counted,
        freedom=min(groups) - 1 if kind == "CRV1" else moments.n - counted,
        rss=rss,
        tss_within=float(fitted.s[0, 0]),
        tss=fitted.tss,
        components=component,
        redundant=redundant,
        dropped=fitted.slopes.dropped,
        method="2SLS" if base.design.endogenous else "OLS",
        weights=base.weights,
    )


def _level_counts(fitted: Fitted) -> dict[str, int]:
    """Levels of each effect among the rows used, in the formula's order."""
    base, moments = fitted.base, fitted.moments
    starts = moments.levels.starts
    counts = {base.unit.name: moments.units}
    for i, coded in enumerate(base.others):
        counts[coded.effect.name] = int((moments.rows_by_level[starts[i] : starts[i + 1]] > 0).sum())
    return {effect.name: counts[effect.name] for effect in base.design.effects}


def _rank(fitted: Fitted) -> int:
    return int((~fitted.factors.redundant & (fitted.moments.rows_by_level > 0)).sum())


def _components(fitted: Fitted) -> tuple[int, tuple[str, ...]]:
    moments, base = fitted.moments, fitted.base
    used = moments.rows_by_level > 0
    names = []
    for position in np.flatnonzero(fitted.factors.redundant & used):
        which, code = moments.levels.find(int(position))
        names.append(base.others[which].label(code))
    return len(np.unique(fitted.factors.component[used])) if used.any() else moments.units, tuple(names)


def _nested(fitted: Fitted, levels: dict[str, int], clusters: dict[str, int]) -> dict[str, bool]:
    """Whether each effect is nested in one of the clusters."""
    base = fitted.base
    nested = {base.unit.name: any(fitted.moments.unit_in_cluster[c.name] for c in base.clusters)}
    for i, coded in enumerate(base.others):
        nested[coded.effect.name] = any(
            _inside(base, i, cluster, levels[coded.effect.name], clusters[cluster.name])
            for cluster in base.clusters
            if cluster.name in clusters
        )
    return nested


def _inside(base: Base, which: int, cluster: Effect, levels: int, clusters: int) -> bool:
    if set(cluster.parts) <= set(base.others[which].effect.parts):
        return True
    if levels < clusters:
        return False
    keys = base.cluster_keys(cluster)
    test = " AND ".join(f"min({key}) = max({key})" for key in keys)
    found = base.source.fetch(
        f"SELECT bool_and(e) AS e FROM (SELECT {test} AS e FROM ({base.sql()}) GROUP BY g{which})"
    )
    return bool(found["e"][0])


def _meats(fitted: Fitted, kind: str) -> tuple[Array, dict[str, Scores]]:
    """Slopes, settled, and the sums over clusters of squared scores."""
    slopes = fitted.slopes
    if kind == "iid":
        return slopes.beta, {}
    for _ in range(3):
        scores = _scores(fitted._replace(slopes=slopes), kind)
        step = slopes.bread @ (slopes.project.T @ next(iter(scores.values())).total)
        size = np.sqrt(np.diag(slopes.bread) * max(float(slopes.residual @ fitted.s @ slopes.residual), 0))
        beta = slopes.beta + step
        if (np.abs(step) <= SETTLED * size / np.sqrt(fitted.moments.n)).all():
            break
        slopes = _moved(fitted.base.design, slopes, beta)
    return beta, scores


def _moved(design: Design, slopes: slope.Slopes, beta: Array) -> slope.Slopes:
    residual = slopes.residual.copy()
    residual[[design.columns.index(name) for name in slopes.names]] = -beta
    return slopes._replace(beta=beta, residual=residual)


def _scores(fitted: Fitted, kind: str) -> dict[str, Scores]:
    base = fitted.base
    rows = Pass(base, fitted.moments.levels, fitted.gamma, fitted.slopes, fitted.drop)
    if kind == "HC1":
        return {"rows": rows.crossing(())}
    made = {}
    for cluster in base.clusters:
        inside = fitted.moments.unit_in_cluster[cluster.name]
        made[cluster.name] = rows.nested(cluster) if inside else rows.crossing((cluster,))
        if made[cluster.name].clusters < 2:
            raise EffectsError(said("engines.one_cluster", cluster=cluster.name))
    if len(base.clusters) == 2:
        made[" by ".join(c.name for c in base.clusters)] = rows.crossing(base.clusters)
    return made


def _covariance(
    fitted: Fitted, kind: str, meats: dict[str, Scores], rss: float, counted: int, correction: Correction
) -> Array:
    slopes, n = fitted.slopes, fitted.moments.n
    if kind == "iid":
        return factor(kind, n, counted, 0, correction) * rss * slopes.bread
    half = slopes.bread @ slopes.project.T
    least = min(scores.clusters for scores in meats.values())
    covariance = np.zeros((len(slopes.names), len(slopes.names)))
    for sign, scores in zip((1, 1, -1), meats.values(), strict=False):
        groups = least if correction.G_df == "min" else scores.clusters
        covariance += sign * factor(kind, n, counted, groups, correction) * half @ scores.meat @ half.T
    return covariance


__all__ = ["Correction", "Fitted", "feols", "fit", "open_source"]
