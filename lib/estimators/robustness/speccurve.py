"""Many specifications of one question at once: columns are projected off the effects once, not once each.

Specifications that share a sample and effects share residuals of all columns and their cross products; what is left
for each is to solve a small system and to add up one column of scores by cluster. Results equal single fits.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from estimators.engines.exact import slopes
from estimators.engines.exact.correction import Correction, factor, parameters
from estimators.engines.exact.formula import Design, design, effect
from estimators.engines.exact.project import (
    Codes,
    Projection,
    compact,
    complete,
    levels_and_nested,
    load,
    not_single,
    number,
    squares_about_mean,
)
from estimators.errors import EffectsError
from estimators.finite import refuse_infinite
from estimators.language import listed, said, speaking

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]
ALL = "all"


class Specification(NamedTuple):
    """One way to estimate the coefficient of a treatment.

    ``sample`` names one of the samples given to `curve`; ``cluster`` is a column (or columns joined by ``^``).
    """

    outcome: str
    treatment: str
    controls: tuple[str, ...]
    effects: tuple[str, ...]
    cluster: str
    sample: str = ALL

    @property
    def design(self) -> Design:
        """The regression, the treatment first."""
        return design(self.outcome, (self.treatment, *self.controls), self.effects)


def specifications(
    outcomes: Sequence[str],
    treatments: Sequence[str],
    controls: Sequence[Sequence[str]],
    effects: Sequence[Sequence[str]],
    clusters: Sequence[str],
    samples: Sequence[str] = (ALL,),
) -> list[Specification]:
    """Every combination of declared choices, in order."""
    combined = product(outcomes, treatments, controls, effects, clusters, samples)
    return [Specification(y, d, tuple(x), tuple(f), c, s) for y, d, x, f, c, s in combined]


def curve(
    data: Any,
    specs: Sequence[Specification],
    samples: Mapping[str, Mask] | None = None,
    ssc: Correction | Mapping[str, Any] | None = None,
    drop_singletons: bool = True,
    level: float = 0.95,
    unit: str | None = None,
) -> pd.DataFrame:
    """Estimate all specifications.

    Parameters
    ----------
    data : as for `within.feols`
        Held in memory.
    specs : sequence of Specification
    samples : mapping of str to mask, optional
        Sample: rows that belong to it, shape (n,); ``"all"`` is always there.
    ssc : Correction or mapping
        Small-sample correction, as for `within.feols`.
    drop_singletons : bool
        Leave out rows that are alone in a level of the specification's effects.
    level : float
        Of confidence intervals (t with G − 1 degrees of freedom).
    unit : str, optional
        Column whose values among the rows used are counted, as ``units``.

    Returns
    -------
    DataFrame
        One row for each specification, in order: its choices, estimate, std_error, t, p_value, ci_low, ci_high, n,
        clusters, parameters, dropped (controls left out, and why), units. The estimate is missing where effects or
        controls absorb the treatment.

    Raises
    ------
    EffectsError
        For columns or samples that do not exist, or a specification without rows.
    """
    correction = ssc if isinstance(ssc, Correction) else Correction(**(ssc or {}))
    frame, masks = _frame(data, specs, samples, unit)
    rows: list[dict[str, Any] | None] = [None] * len(specs)
    for group in _groups(frame, specs, masks):
        shared = _Shared(frame, group, drop_singletons)
        counted = {"units": frame[unit].iloc[shared.rows].nunique()} if unit else {}
        for i in group.members:
            rows[i] = {**specs[i]._asdict(), **_estimate(shared, specs[i], correction), **counted}
    table = pd.DataFrame(rows)
    for name in ("controls", "effects"):
        table[name] = table[name].map(" + ".join)
    return _intervals(table, level)


class _Group(NamedTuple):
    """Specifications that share rows and effects."""

    rows: Mask
    effects: tuple[str, ...]
    columns: list[str]
    clusters: list[str]
    members: list[int]


def _frame(
    data: Any, specs: Sequence[Specification], samples: Mapping[str, Mask] | None, unit: str | None = None
) -> tuple[pd.DataFrame, dict[str, Mask]]:
    if not specs:
        raise EffectsError(said("robustness.no_spec"))
    columns = [name for spec in specs for name in spec.design.columns]
    keys = [p for spec in specs for e in (*spec.effects, spec.cluster) for p in effect(e).parts]
    frame = load(data, columns, [*keys, *([unit] if unit else [])])
    refuse_infinite(frame, columns)
    masks = {ALL: np.ones(len(frame), bool)}
    for name, mask in (samples or {}).items():
        masks[name] = np.asarray(mask)
        if masks[name].shape != (len(frame),) or masks[name].dtype != bool:
            raise EffectsError(
                said(
                    "robustness.bad_sample",
                    name=name,
                    dtype=masks[name].dtype,
                    shape=masks[name].shape,
                    count=len(frame),
                )
            )
    unknown = sorted({spec.sample for spec in specs} - set(masks))
    if unknown:
        raise EffectsError(said("robustness.no_sample", unknown=listed(unknown), known=listed(masks)))
    return frame, masks


def _groups(frame: pd.DataFrame, specs: Sequence[Specification], masks: Mapping[str, Mask]) -> list[_Group]:
    """Gather specifications by sample, effects, and the columns whose missing values cost rows."""
    holes = {name: bool(frame[name].isna().any()) for name in frame}
    members: dict[tuple[Any, ...], list[int]] = {}
    for i, spec in enumerate(specs):
        used = _used(spec)
        key = (spec.sample, spec.effects, frozenset(name for name in used if holes[name]))
        members.setdefault(key, []).append(i)
    groups = []
    for (sample, effects, holed), group in members.items():
        rows = masks[sample].copy()
        if holed:
            rows &= complete(frame, sorted(holed))
        if not rows.any():
            raise EffectsError(said("robustness.no_row", sample=sample, holed=listed(sorted(holed))))
        columns = list(dict.fromkeys(c for i in group for c in specs[i].design.columns))
        clusters = list(dict.fromkeys(specs[i].cluster for i in group))
        groups.append(_Group(rows, effects, columns, clusters, group))
    return groups


def _used(spec: Specification) -> list[str]:
    keys = [part for name in (*spec.effects, spec.cluster) for part in effect(name).parts]
    return [*spec.design.columns, *keys]


class _Shared:
    """Residuals, cross products and clusters of a group's rows."""

    def __init__(self, frame: pd.DataFrame, group: _Group, drop: bool) -> None:
        part = frame if group.rows.all() else frame[group.rows]
        self.rows = np.flatnonzero(group.rows)
        codes = [number(part, effect(name)) for name in group.effects]
        if drop:
            alive = not_single(codes)
            if not alive.any():
                raise EffectsError(said("robustness.alone", effects=" + ".join(group.effects)))
            if not alive.all():
                part, codes = part[alive], [compact(c[alive]) for c in codes]
                self.rows = self.rows[alive]
        self.names = group.effects
        self.effects = codes
        self.place = {name: i for i, name in enumerate(group.columns)}
        self.n = len(part)
        self.projection = Projection(codes)
        values = part[group.columns].to_numpy(float)
        self.total = squares_about_mean(values)
        self.z, self.within = self.projection.residuals_and_squares(values)
        self.s = self.z.T @ self.z
        self.clusters = {name: number(part, effect(name)) for name in group.clusters}
        self._counted: dict[str, tuple[dict[str, int], dict[str, bool]]] = {}
        self._cluster_rows: dict[str, tuple[Codes, int]] = {}

    def counted(self, cluster: str) -> tuple[dict[str, int], dict[str, bool]]:
        """Levels and nesting of the effects."""
        if cluster not in self._counted:
            self._counted[cluster] = levels_and_nested(self.names, self.effects, self.clusters[cluster])
        return self._counted[cluster]

    def groups(self, cluster: str) -> tuple[Codes, int]:
        """Clusters by row, and their number."""
        if cluster not in self._cluster_rows:
            codes = self.clusters[cluster]
            self._cluster_rows[cluster] = (codes, int(codes.max()) + 1)
        return self._cluster_rows[cluster]

    @property
    def rank(self) -> int:
        """Rank of all dummies."""
        own = self.projection
        return own.units + (own.factors.rank if own.total else 0)


def _estimate(shared: _Shared, spec: Specification, correction: Correction) -> dict[str, Any]:
    at = [shared.place[name] for name in spec.design.columns]
    s, within, total = shared.s[np.ix_(at, at)], np.diag(shared.within[at]), np.diag(shared.total[at])
    cluster, count = shared.groups(spec.cluster)
    if count < 2:
        raise EffectsError(said("robustness.one_cluster", cluster=spec.cluster, sample=spec.sample))
    nothing = {"estimate": np.nan, "std_error": np.nan, "n": shared.n, "clusters": count, "parameters": 0}
    try:
        with speaking("en"):  # what is kept knows no language of the terminal
            fit = slopes.fit(spec.design, s, within, total)
    except EffectsError as problem:
        return {**nothing, "dropped": str(problem)}
    dropped = "; ".join(f"{name} is {why}" for name, why in fit.dropped.items())
    if spec.treatment in fit.dropped:
        return {**nothing, "dropped": dropped}
    residual = _combine(shared.z, at, fit.residual)
    own = _combine(shared.z, [at[i] for i in fit.score_columns], fit.bread[0])
    scores = np.bincount(cluster, residual * own, count)
    counted = parameters(len(fit.beta), *_counts(shared, spec), correction)
    c = factor("CRV1", shared.n, counted, count, correction)
    return {
        "estimate": float(fit.beta[0]),
        "std_error": float(np.sqrt(c * np.einsum("i,i", scores, scores))),  # BLAS would start threads for it
        "n": shared.n,
        "clusters": count,
        "parameters": counted,
        "dropped": dropped,
    }


def _counts(shared: _Shared, spec: Specification) -> tuple[dict[str, int], int, dict[str, bool]]:
    levels, inside = shared.counted(spec.cluster)
    return levels, shared.rank, inside


def _combine(z: Array, columns: Sequence[int], coefficients: Array) -> Array:
    """A combination of columns, without copying them."""
    out = z[:, columns[0]] * coefficients[0]
    for column, c in zip(columns[1:], coefficients[1:], strict=True):
        if c:
            out += z[:, column] * c
    return out


def _intervals(table: pd.DataFrame, level: float) -> pd.DataFrame:
    from scipy.special import stdtr, stdtrit

    freedom = table["clusters"] - 1
    t = table["estimate"] / table["std_error"]
    half = stdtrit(freedom, 0.5 + level / 2) * table["std_error"]
    made = table.assign(
        t=t,
        p_value=2 * stdtr(freedom, -t.abs()),
        ci_low=table["estimate"] - half,
        ci_high=table["estimate"] + half,
    )
    order = [*Specification._fields, "estimate", "std_error", "t", "p_value", "ci_low", "ci_high"]
    return made[[*order, "n", "clusters", "parameters", "dropped", *(["units"] if "units" in made else [])]]


def permuted_estimates(
    data: Any,
    specs: Sequence[Specification],
    treatments: Array,
    samples: Mapping[str, Mask] | None = None,
    drop_singletons: bool = True,
) -> Array:
    """Every specification's estimate for each of many made-up treatments, by the same projections.

    The specification's own treatment is replaced by a column of `treatments`; other columns stay. Cross products with
    all columns are formed once for each sample and set of effects.

    Parameters
    ----------
    treatments : ndarray, shape (n, draws)
        For example from `exact.randomise.permuted_treatments`.

    Returns
    -------
    ndarray, shape (specifications, draws)
        NaN where effects and controls absorb a draw.
    """
    frame, masks = _frame(data, specs, samples)
    draws = np.asarray(treatments, float)
    if draws.shape[:1] != (len(frame),):
        raise EffectsError(said("robustness.rows", drawn=draws.shape[0], count=len(frame)))
    out = np.full((len(specs), draws.shape[1]), np.nan)
    for group in _groups(frame, specs, masks):
        shared = _Shared(frame, group, drop_singletons)
        _permuted(shared, specs, group, draws[shared.rows], out)
    return out


def _permuted(
    shared: _Shared, specs: Sequence[Specification], group: _Group, draws: Array, out: Array, step: int = 64
) -> None:
    """Fill `out` for a group, some draws at a time."""
    for start in range(0, draws.shape[1], step):
        block = shared.projection.residuals(draws[:, start : start + step])
        cross, own = shared.z.T @ block, np.einsum("ij,ij->j", block, block)
        for i in group.members:
            y = shared.place[specs[i].outcome]
            x = [shared.place[name] for name in specs[i].controls]
            inner = np.linalg.pinv(shared.s[np.ix_(x, x)], rcond=slopes.COLLINEAR, hermitian=True)
            explained = inner @ cross[x]
            bottom = own - np.einsum("ij,ij->j", cross[x], explained)
            top = cross[y] - shared.s[y, x] @ explained
            good = bottom > slopes.ABSORBED * own
            out[i, start : start + block.shape[1]][good] = (top / np.where(good, bottom, 1.0))[good]


class JointTest(NamedTuple):
    """Whether the curve as a whole could have come from no effect at all."""

    median: float
    median_p: float
    same_sign: float
    same_sign_p: float
    draws: int


def joint_test(estimates: Array, permuted: Array) -> JointTest:
    """Joint inference on a curve by permutation.

    Two statistics, each compared with its values under permuted treatments (two-sided): the median estimate, and the
    share of estimates with the more frequent sign (Simonsohn, Simmons and Nelson 2020). p = (1 + draws at least as
    extreme)/(1 + draws).

    Parameters
    ----------
    estimates : ndarray, shape (specifications,)
    permuted : ndarray, shape (specifications, draws)
        From `permuted_estimates`.
    """
    used = np.isfinite(estimates)
    median, medians = float(np.median(estimates[used])), np.nanmedian(permuted[used], axis=0)
    positive = np.mean(estimates[used] > 0)
    shares = np.mean(permuted[used] > 0, axis=0)
    share, others = max(positive, 1 - positive), np.maximum(shares, 1 - shares)
    draws = permuted.shape[1]
    # Ties from rounding count as at least as extreme.
    median_p = (1 + np.sum(np.abs(medians) >= abs(median) * (1 - 1e-10))) / (1 + draws)
    share_p = (1 + np.sum(others >= share - 1e-10)) / (1 + draws)
    return JointTest(median, float(median_p), float(share), float(share_p), draws)
