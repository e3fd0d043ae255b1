"""The wild cluster bootstrap under unit and other effects, on sums by cluster instead of rows.

With residuals ũ on all effects and regressors, bootstrap outcomes are fitted values plus v_c ũ_i, v drawn by cluster.
All effects are estimated again in each draw. For a coefficient with regressor x, let x̂ be its residual on all else,
X̃ all regressors less the effects, and A the normal equations of the effects beside the unit (see `exact.moments`).
If units lie within clusters, the scores of a draw are

    s*_g = v_g x̂_g′ũ_g − (x̂_g′D_g) A⁺ Σ_c D_c′ũ_c v_c − (x̂_g′X̃_g)(X̃′X̃)⁻¹ Σ_c X̃_c′ũ_c v_c,

so that 9,999 draws cost products of small matrices. Under the null b (``impose_null``), ũ = ũ_y − b ũ_x, and both the
numerator and the scores are linear in b: the p-value of any null costs one pass over the draws, and confidence
intervals are found by inverting the test.

Cameron, Gelbach and Miller (2008); the algebra of sums by cluster is that of Roodman, MacKinnon, Nielsen and Webb (2019),
carried over to effects that cross the clusters.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from estimators.engines.exact.formula import Design, effect, parse
from estimators.engines.exact.project import (
    Codes,
    Projection,
    compact,
    complete,
    load,
    nested,
    not_single,
    number,
    squares_about_mean,
)
from estimators.errors import EffectsError
from estimators.language import listed, said

Array = NDArray[np.float64]

# Draws that equal the statistic but for rounding are as large as it: the sample's own signs are among those that could be.
TIE = 1e-10
# Largest number of (cluster, level) and (cluster, draw) cells held at once: 400 MB.
CELLS = 50_000_000
# Fewer clusters have too few sign vectors for fine p-values.
FEWEST_SIGNS = 12
ENOUGH = 50
FEW = ["term", "estimate", "p_value", "ci_low", "ci_high", "clusters", "draws", "weights", "least"]


class WildBootstrap(NamedTuple):
    """A test of one coefficient and its confidence interval."""

    term: str
    estimate: float
    std_error: float  # clustered, without a small-sample correction
    null: float
    t: float
    p_value: float
    ci_low: float
    ci_high: float
    draws: int
    clusters: int
    n: int
    kind: str
    weights: str
    enumerated: bool
    least: float  # smallest p-value that can be had
    t_draws: Array

    def tidy(self) -> pd.DataFrame:
        """One row, without the draws."""
        return pd.DataFrame([{k: v for k, v in self._asdict().items() if k != "t_draws"}]).set_index("term")


class Clusters(NamedTuple):
    """Sums by cluster, C clusters and k regressors; the pair in the first axis is (ũ_y, ũ_x), or (û,)."""

    x2: float  # x̂′x̂
    own: Array  # 2 × C, x̂_g′ũ_g
    cross: Array  # C × k, x̂_g′X̃_g times (X̃′X̃)⁻¹
    regress: Array  # 2 × k × C, X̃_c′ũ_c
    mixed: Callable[[int, Array], Array]  # (which, v: C × B) ↦ x̂_g′(fitted effects of v∘ũ)_g, C × B
    scores: Array  # C, x̂_g′û_g
    estimate: float


def wild_bootstrap(
    fml: str | Design,
    data: Any,
    cluster: str,
    term: str | None = None,
    draws: int = 9999,
    null: float = 0.0,
    impose_null: bool = True,
    weights: Literal["rademacher", "webb"] = "rademacher",
    level: float = 0.95,
    seed: int = 0,
    fixef_rm: Literal["singleton", "none"] = "singleton",
) -> WildBootstrap:
    """Test a coefficient by the wild cluster bootstrap of its t statistic, effects estimated again in each draw.

    Parameters
    ----------
    fml : str
        ``y ~ x1 + x2 | firm + year`` (no instruments).
    data : as for `within.feols`
        Rows are held in memory.
    cluster : str
        Column of clusters, or several joined by ``^``.
    term : str, optional
        Regressor to test; the first by default.
    draws : int
        Number of draws; where there are no more vectors of weights (2^C signs, 6^C of Webb's), each is used once
        instead. The p-value is the share as large as the statistic, or one more than those over one more than the draws.
    null : float
        Value under test.
    impose_null : bool
        Draw from residuals under the null (WCR, recommended), or from the estimate's own (WCU).
    weights : {"rademacher", "webb"}
        ±1, or Webb's six points ±√½, ±1, ±√(3/2), for fewer than about a dozen clusters.
    level : float
        Of the confidence interval: nulls that are not rejected (WCR), or estimate ± quantile of |t*| times the
        standard error (WCU).

    Raises
    ------
    EffectsError
        For bad input, instruments, one cluster, or a term that effects absorb.
    """
    design = parse(fml) if isinstance(fml, str) else fml
    name = term or design.regressors[0]
    _check(design, name, draws, level, weights)
    sums, n = _sums(design, data, cluster, name, fixef_rm == "singleton", impose_null)
    count = len(sums.scores)
    v, enumerated = _weights(count, draws, weights, np.random.default_rng(seed))
    top, bottom = _draws(sums, v)
    std_error = float(np.sqrt(sums.scores @ sums.scores) / sums.x2)

    def t_draws(b: float) -> Array:
        if not impose_null:
            return np.asarray(top[0] / np.sqrt(bottom[0]), float)
        squares = bottom[0] - 2 * b * bottom[1] + b * b * bottom[2]
        return np.asarray((top[0] - b * top[1]) / np.sqrt(np.maximum(squares, 0)), float)

    def p_value(b: float) -> float:
        t = abs(sums.estimate - b) / std_error
        as_large = int(np.sum(np.abs(t_draws(b)) >= t * (1 - TIE)))
        # All vectors hold the sample's own; drawn ones do not, so that it counts as one more.
        return as_large / v.shape[1] if enumerated else (1 + as_large) / (1 + v.shape[1])

    if impose_null:
        low, high = _invert(p_value, sums.estimate, std_error, 1 - level)
    else:
        half = float(np.quantile(np.abs(t_draws(0.0)), level, method="higher")) * std_error
        low, high = sums.estimate - half, sums.estimate + half
    return WildBootstrap(
        name,
        sums.estimate,
        std_error,
        null,
        (sums.estimate - null) / std_error,
        p_value(null),
        low,
        high,
        v.shape[1],
        count,
        n,
        "WCR" if impose_null else "WCU",
        weights,
        enumerated,
        2 / v.shape[1] if enumerated else 1 / (1 + v.shape[1]),
        t_draws(null),
    )


def _check(design: Design, term: str, draws: int, level: float, weights: str) -> None:
    if design.endogenous:
        raise EffectsError(said("engines.wild.instruments", formula=design.formula))
    if term not in design.regressors:
        raise EffectsError(said("engines.wild.term", term=term, regressors=listed(design.regressors)))
    if draws < 1 or not 0 < level < 1:
        raise EffectsError(said("engines.wild.draws", draws=draws, level=level))
    if weights not in ("rademacher", "webb"):
        raise EffectsError(said("engines.wild.weights", weights=weights))


def _sums(
    design: Design, data: Any, cluster: str, term: str, drop: bool, impose_null: bool
) -> tuple[Clusters, int]:
    groups = effect(cluster)
    keys = [part for e in (*design.effects, groups) for part in e.parts]
    frame = load(data, design.columns, keys)
    kept = complete(frame, frame.columns)
    frame = frame if kept.all() else frame[kept]
    codes = [number(frame, e) for e in (*design.effects, groups)]
    if drop:
        alive = not_single(codes[:-1])
        if not alive.any():
            raise EffectsError(said("engines.alone", formula=design.formula))
        if not alive.all():
            frame, codes = frame[alive], [compact(c[alive]) for c in codes]
    projection = Projection(codes[:-1])
    values = frame[list(design.columns)].to_numpy(float)
    z, within = projection.residuals_and_squares(values)
    squares = np.diag(within), np.diag(squares_about_mean(values))
    return _cluster_sums(design, projection, z, codes[-1], term, impose_null, squares), len(frame)


def _cluster_sums(
    design: Design,
    projection: Projection,
    z: Array,
    cluster: Codes,
    term: str,
    impose_null: bool,
    squares: tuple[Array, Array],
) -> Clusters:
    names = list(design.regressors)
    kept = _kept(design, z, squares, term)
    x, y = z[:, kept], z[:, 0]
    place = kept.index(1 + names.index(term))
    others = np.delete(x, place, axis=1)
    x_hat, y_hat = _residuals(x[:, place], y, others)
    x2 = float(x_hat @ x_hat)
    estimate = float(x_hat @ y_hat / x2)
    own = y_hat - estimate * x_hat
    residuals = [y_hat, x_hat] if impose_null else [own]
    count = int(cluster.max()) + 1
    if count < 2:
        raise EffectsError(said("engines.wild.one_cluster"))

    def add(values: Array) -> Array:
        return np.bincount(cluster, values, count).astype(float)

    inverse = np.linalg.inv(x.T @ x)
    return Clusters(
        x2,
        np.array([add(x_hat * u) for u in residuals]),
        np.column_stack([add(x_hat * column) for column in x.T]) @ inverse,
        np.array([[add(column * u) for column in x.T] for u in residuals]),
        _mixed(projection, x_hat, residuals, cluster, count),
        add(x_hat * own),
        estimate,
    )


def _kept(design: Design, z: Array, squares: tuple[Array, Array], term: str) -> list[int]:
    """Columns of regressors that neither effects nor others explain; the term must be among them."""
    from estimators.engines.exact import slopes

    solved = slopes.fit(design, z.T @ z, *squares)
    if term in solved.dropped:
        raise EffectsError(
            said(
                "engines.wild.dropped",
                formula=design.formula,
                term=term,
                why=slopes.why_dropped(solved.dropped[term]),
            )
        )
    return solved.score_columns.tolist()


def _residuals(x: Array, y: Array, others: Array) -> tuple[Array, Array]:
    """Residuals of two columns on others."""
    if not others.shape[1]:
        return x, y
    slopes = np.linalg.solve(others.T @ others, np.column_stack([others.T @ x, others.T @ y]))
    return x - others @ slopes[:, 0], y - others @ slopes[:, 1]


def _mixed(
    projection: Projection, x_hat: Array, residuals: list[Array], cluster: Codes, count: int
) -> Callable[[int, Array], Array]:
    """The part of a draw's scores that the effects take out again."""
    if not nested(projection.codes, cluster):
        return _mixed_anyhow(projection, x_hat, residuals, cluster, count)
    if not projection.total:
        return lambda which, v: np.zeros_like(v)
    if count * projection.total > CELLS:
        raise EffectsError(said("engines.wild.too_many", count=count, total=projection.total))
    left = _by_cluster_and_level(projection, cluster, count, x_hat)
    right = [
        projection.factors.solve(_by_cluster_and_level(projection, cluster, count, u).T) for u in residuals
    ]
    return lambda which, v: left @ (right[which] @ v)


def _by_cluster_and_level(projection: Projection, cluster: Codes, count: int, values: Array) -> Array:
    cells = sum(
        np.bincount(cluster * projection.total + place, values, count * projection.total)
        for place in projection.place
    )
    return np.asarray(cells, float).reshape(count, projection.total)


def _mixed_anyhow(
    projection: Projection, x_hat: Array, residuals: list[Array], cluster: Codes, count: int
) -> Callable[[int, Array], Array]:
    """Clusters that cut through units: the fitted effects of each cluster's residuals, one cluster at a time."""
    if count * len(x_hat) > 20 * CELLS:
        raise EffectsError(said("engines.wild.split_units", count=count, rows=len(x_hat)))
    tables = []
    for u in residuals:
        table = np.empty((count, count))
        for c in range(count):
            part = np.where(cluster == c, u, 0.0)
            fitted = part - projection.residuals(part)[:, 0]
            table[:, c] = np.bincount(cluster, x_hat * fitted, count)
        tables.append(table)
    return lambda which, v: tables[which] @ v


def _weights(count: int, draws: int, kind: str, rng: np.random.Generator) -> tuple[Array, bool]:
    """Weights by cluster and draw, shape (C, B)."""
    if kind == "rademacher" and 2**count <= draws:
        signs = (np.arange(2**count)[None, :] >> np.arange(count)[:, None]) & 1
        return np.asarray(1.0 - 2.0 * signs, np.float64), True
    if kind == "rademacher":
        coins = rng.integers(0, 2, (count, draws), dtype=np.int8)
        return np.asarray(2.0 * coins - 1.0, np.float64), False
    points = np.sqrt(np.array([0.5, 1.0, 1.5]))
    six = np.concatenate([-points, points])
    if 6**count <= draws:
        return six[(np.arange(6**count)[None, :] // 6 ** np.arange(count)[:, None]) % 6], True
    return np.asarray(rng.choice(six, (count, draws)), np.float64), False


def _draws(sums: Clusters, v: Array) -> tuple[Array, Array]:
    """Numerators (one for each residual) and sums of squared scores (yy, yx, xx, or the only one) of all draws."""
    kinds = len(sums.own)
    top = np.empty((kinds, v.shape[1]))
    bottom = np.empty((3 if kinds == 2 else 1, v.shape[1]))
    step = max(1, CELLS // max(4 * len(v), 1))
    for start in range(0, v.shape[1], step):
        part = v[:, start : start + step]
        at = slice(start, start + part.shape[1])
        scores = []
        for i in range(kinds):
            top[i, at] = sums.own[i] @ part
            s = sums.own[i][:, None] * part
            s -= sums.mixed(i, part)
            s -= sums.cross @ (sums.regress[i] @ part)
            scores.append(s)
        pairs = [(0, 0), (0, 1), (1, 1)] if kinds == 2 else [(0, 0)]
        for j, (a, b) in enumerate(pairs):
            bottom[j, at] = np.einsum("cb,cb->b", scores[a], scores[b])
    return top, bottom


def _invert(
    p_value: Callable[[float], float], estimate: float, std_error: float, size: float
) -> tuple[float, float]:
    """The nulls around the estimate whose p-value is above the size; infinite where no rejection is found within 1,000 se."""
    ends = []
    for side in (-1.0, 1.0):
        inside, step = estimate, 1.0
        while step < 1024 and p_value(estimate + side * step * std_error) > size:
            inside, step = estimate + side * step * std_error, 2 * step
        outside = estimate + side * step * std_error
        if step >= 1024:
            ends.append(side * np.inf)
            continue
        for _ in range(60):
            middle = (inside + outside) / 2
            inside, outside = (middle, outside) if p_value(middle) > size else (inside, middle)
            if abs(outside - inside) <= 1e-12 * max(abs(middle), std_error):
                break
        ends.append((inside + outside) / 2)
    return float(ends[0]), float(ends[1])


def few_clusters(
    data: pd.DataFrame,
    outcome: str,
    regressors: Sequence[str],
    effects: Sequence[str],
    cluster: str,
    terms: Sequence[str],
    level: float = 0.95,
    seed: int = 0,
    draws: int = 9999,
    enough: int = ENOUGH,
) -> pd.DataFrame:
    """Wild cluster bootstrap tests of several regressors of one regression, null imposed, for few clusters.

    Parameters
    ----------
    data : DataFrame
        Rows of the regression.
    outcome, regressors, effects, cluster
        Columns of the regression; every effect is one column.
    terms : sequence of str
        Regressors to test, each in the presence of all others; those that the effects did not absorb.
    level, seed, draws
        As for `wild_bootstrap`. Webb's weights below twelve clusters, Rademacher's signs else (Webb 2023).
    enough : int
        Clusters with which t intervals do well enough, so that nothing is tested.

    Returns
    -------
    DataFrame
        Columns term, estimate, p_value, ci_low, ci_high, clusters, draws, weights, least; one row for each term, none with
        enough clusters.

    Raises
    ------
    EffectsError
        As `wild_bootstrap`: a term that effects absorb, or one cluster.
    """
    clusters = data[cluster].nunique()
    weights: Literal["rademacher", "webb"] = "webb" if clusters < FEWEST_SIGNS else "rademacher"
    formula = f"{outcome} ~ {' + '.join(regressors)} | {' + '.join(effects)}"
    rows = []
    for term in terms if clusters < enough else ():
        found = wild_bootstrap(
            formula, data, cluster, term, draws, weights=weights, level=level, seed=seed, fixef_rm="none"
        )
        rows.append([getattr(found, name) for name in FEW])
    return pd.DataFrame(rows, columns=FEW)
