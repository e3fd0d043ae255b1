"""Untreated outcomes imputed from untreated rows, and effects by start and event time with their joint covariance.

Borusyak, Jaravel & Spiess (2024), Review of Economic Studies 91: τ̂ of a treated row is its outcome less what unit effects,
effects of levels and slopes learned from untreated rows predict. Effects are averaged within atoms (a start year at an
event time, apart by strata where asked); one covariance over atoms serves every average of them.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Literal

import numpy as np
import pandas as pd
from scipy import sparse

from estimators.effects.imputation import bands, sums
from estimators.effects.imputation.sums import Array, Codes, Rows, Solved
from estimators.errors import EffectsError
from estimators.language import said

Centre = Literal["leave_one_out", "cohort", "event_time", "overall"]
REASONS = {1: "no_untreated_row", 2: "nobody_untreated", 3: "not_linked", 4: "slope_open"}


@dataclass(frozen=True)
class Estimate:
    """An average effect: ``estimate``, ``std_error``, ``weights`` (over atoms), ``units`` (treated) and ``rows``."""

    estimate: float
    std_error: float
    weights: Array
    units: int
    rows: int


@dataclass(frozen=True)
class Imputation:
    """A fitted model.

    Attributes
    ----------
    data : DataFrame
        Rows that were used, in their order, with columns unit, time, start, event_time, y.
    rows : Rows
        The same, as codes.
    treated, untreated : ndarray of bool, shape (n,)
        Treated rows that have a counterfactual; rows that the model was learned from.
    solved : Solved
    effect : ndarray, shape (treated rows,)
        τ̂ of each treated row with a counterfactual.
    atom : ndarray of int, shape (treated rows,)
    atoms : DataFrame
        start, event_time and strata; rows, units, clusters, estimate, pooled (what the mean of other clusters' effects
        is taken over, if not the atom itself). One row an atom.
    cluster : ndarray of int, shape (units,)
    lost : DataFrame
        Treated rows without a counterfactual: level columns, start, reason, rows.
    centre : str
        See `fit`.
    """

    data: pd.DataFrame
    rows: Rows
    treated: np.ndarray
    untreated: np.ndarray
    solved: Solved
    effect: Array
    atom: Codes
    atoms: pd.DataFrame
    cluster: Codes
    lost: pd.DataFrame
    centre: Centre

    @cached_property
    def shares(self) -> sparse.csr_array:
        """Weight of each treated row in its atom's mean, shape (treated rows, atoms)."""
        n = len(self.atom)
        share = 1 / self.atoms["rows"].to_numpy(float)[self.atom]
        return sparse.csr_array((share, self.atom, np.arange(n + 1)), (n, len(self.atoms)))

    def directions(self, shares: sparse.csr_array) -> Array:
        """See `sums.directions`."""
        return sums.directions(self.solved, self.rows.take(self.treated), shares)

    def residual_sums(self, columns: Array) -> Array:
        """See `sums.residual_sums`."""
        return sums.residual_sums(self.solved, self.rows.take(self.untreated), columns)

    @cached_property
    def influence(self) -> Array:
        """ψ by cluster and atom, shape (clusters, atoms); ψ′ψ is the covariance."""
        own = -self._by_cluster(self.residual_sums(self.directions(self.shares)))
        event = sums.codes(self.atoms["event_time"])[0]
        cluster = self.cluster[self._treated_unit]
        return own + sums.treated_part(self.effect, self.atom, event, cluster, len(own), self.centre)

    @cached_property
    def covariance(self) -> Array:
        """Of the atoms' estimates, shape (atoms, atoms); NaN where fewer than two clusters are treated."""
        if len(np.unique(self.cluster[self._treated_unit])) < 2:
            return np.full((len(self.atoms),) * 2, np.nan)
        return self.influence.T @ self.influence

    def target(self, weights: Array | None = None) -> Estimate:
        """A weighted sum of atoms; by default the mean over all treated rows.

        Parameters
        ----------
        weights : ndarray, shape (atoms,), optional
            Weights that add up to 1.
        """
        rows = self.atoms["rows"].to_numpy(float)
        weights = rows / rows.sum() if weights is None else np.asarray(weights, float)
        used = np.isin(self.atom, np.flatnonzero(weights))
        estimate = float(weights @ self.atoms["estimate"].to_numpy(float))
        error = float(np.sqrt(weights @ self.covariance @ weights))
        return Estimate(
            estimate, error, weights, len(np.unique(self._treated_unit[used])), int(rows[weights != 0].sum())
        )

    def overall(self) -> Estimate:
        """The mean effect over all treated rows that have a counterfactual."""
        return self.target()

    def weights_by(self, column: str) -> pd.DataFrame:
        """Weights of the atoms in the mean of each level of a column of `atoms`, shape (atoms, levels)."""
        rows = self.atoms["rows"].astype(float)
        held = pd.get_dummies(self.atoms[column]).astype(float).mul(rows, axis=0)
        return held / held.sum()

    def event_study(
        self, column: str = "event_time", size: float = 0.05, draws: int = 100_000
    ) -> pd.DataFrame:
        """Means by event time, or by another column of the atoms, with pointwise and simultaneous intervals.

        Returns
        -------
        DataFrame
            The column, estimate, std_error, ci_low, ci_high, band_low, band_high, rows, units. The band holds the whole
            path with probability 1 − size: the quantile of max|z|, z normal with the estimates' correlation; both for as many
            treated clusters as stand behind each mean (`bands.critical`).
        """
        weights = self.weights_by(column)
        covariance = weights.T.to_numpy() @ self.covariance @ weights.to_numpy()
        found = [self.target(weights[name].to_numpy()) for name in weights]
        table = pd.DataFrame({column: list(weights)})
        table["estimate"] = [one.estimate for one in found]
        table["std_error"] = [one.std_error for one in found]
        behind = [self._clusters(weights[name].to_numpy()) for name in weights]
        table = bands.with_intervals(table, covariance, size, draws, clusters=behind)
        return table.assign(rows=[one.rows for one in found], units=[one.units for one in found])

    def dose(self, values: Array) -> Estimate:
        """Change of the effect with a unit of dose: τ̂ regressed on it over treated rows.

        Parameters
        ----------
        values : ndarray, shape (n,)
            Of each row of `data`; those of treated rows count.
        """
        dose = np.asarray(values, float)[self.treated]
        if not np.isfinite(dose).all() or np.ptp(dose) <= 1e-12 * np.abs(dose).max():
            raise EffectsError(said("effects.dose_same"))
        centred = dose - dose.mean()
        return self.weighted(centred / (centred @ centred))

    def weighted(self, share: Array) -> Estimate:
        """Any weighted sum of treated rows' effects, with cohort means inside its error.

        Parameters
        ----------
        share : ndarray, shape (treated rows,)
        """
        one = sparse.csr_array(np.asarray(share, float)[:, None])
        means = self.atoms["estimate"].to_numpy(float)[self.atom]
        treated = sums.by_unit(
            (share * (self.effect - means))[:, None], self._treated_unit, len(self.cluster)
        )
        psi = self._by_cluster(treated - self.residual_sums(self.directions(one)))[:, 0]
        return Estimate(
            float(share @ self.effect),
            float(np.sqrt(psi @ psi)),
            np.empty(0),
            len(np.unique(self._treated_unit)),
            len(share),
        )

    def implied(self, shares: sparse.csr_array) -> Array:
        """Weights v with Σ v y = the averages, on untreated rows, shape (untreated rows, columns)."""
        base = self.rows.take(self.untreated)
        mu = self.directions(shares)
        count = base.levels.shape[1]
        own = sums.by_unit(shares.toarray(), self._treated_unit, len(self.cluster))
        safe = np.where(self.solved.weight > 0, self.solved.weight, 1)[:, None]
        fixed = own / safe - self.solved.shares @ mu[:count] - self.solved.means[:, :-1] @ mu[count:]
        return -base.w[:, None] * (fixed[base.unit] + base.levels @ mu[:count] + base.x @ mu[count:])

    # -- inside --------------------------------------------------------------------------------
    @property
    def _treated_unit(self) -> Codes:
        return self.rows.unit[self.treated]

    def _clusters(self, weights: Array) -> int:
        used = np.isin(self.atom, np.flatnonzero(weights))
        return len(np.unique(self.cluster[self._treated_unit[used]]))

    def _by_cluster(self, values: Array) -> Array:
        return sums.by_unit(values, self.cluster, int(self.cluster.max()) + 1)


def fit(
    data: pd.DataFrame,
    *,
    outcome: str,
    unit: str,
    time: str,
    start: str,
    cells: Sequence[str] = (),
    slopes: Sequence[str] = (),
    weights: str | None = None,
    cluster: str | None = None,
    strata: Sequence[str] = (),
    anticipation: int = 0,
    centre: Centre = "leave_one_out",
) -> Imputation:
    """Impute untreated outcomes and average the effects.

    Parameters
    ----------
    data : DataFrame
        One row a unit and time; `start` is the first treated time, 0 or missing for the never treated.
    outcome, unit, time, start : str
        Columns.
    cells : sequence of str
        Columns whose values have effects of their own in each time (path × year, for one), each a set that stands beside
        the others; none: effects of time.
    slopes : sequence of str
        Regressors of the untreated outcome.
    weights : str, optional
        Column of weights in the fit; averages of effects are over rows.
    cluster : str, optional
        Column that errors are clustered by, constant within units; the unit by default.
    strata : sequence of str
        Columns that divide atoms further, constant within units.
    anticipation : int
        Times before the start that are neither treated nor untreated.
    centre : {"leave_one_out", "cohort", "event_time", "overall"}
        What a treated row's effect is compared with in the covariance: the mean of other clusters in the atom, or the mean of
        the atom (conservative), of the event time, or of all (Gardner's two stages, for that average).

    Raises
    ------
    EffectsError
        When no unit starts or none is untreated, a value is missing or infinite, a unit has two starts or clusters, or no
        treated row has a counterfactual.
    """
    used = _checked(data, outcome, unit, time, start, [*cells, *slopes], weights, cluster, strata)
    rows = _rows(used, outcome, unit, time, cells, slopes, weights)
    begins = used[start].fillna(0).to_numpy(float)
    event = used[time].to_numpy(float) - begins
    on = (begins > 0) & (event >= 0)
    off = (begins == 0) | (event < -anticipation)
    if not on.any() or not off.any():
        raise EffectsError(
            said("effects.imputation_needs", start=start, treated=int(on.sum()), untreated=int(off.sum()))
        )
    units = int(rows.unit.max()) + 1
    solved = sums.solve(rows.take(off), units)
    clear = np.zeros_like(on)
    clear[on] = solved.identified(rows.take(on))
    if not clear.any():
        raise EffectsError(said("effects.no_counterfactual", count=int(on.sum())))
    kept = used.assign(event_time=np.where(begins > 0, event, np.nan))
    treated = rows.take(clear)
    effect = treated.y - solved.predict(treated)
    clusters = _constant(used, rows.unit, units, cluster or unit)
    atom, atoms = _atoms(kept[clear], start, strata, effect, rows.unit[clear], clusters)
    lost = _lost(used, rows, solved, on & ~clear, [time, *cells], start, off)
    return Imputation(kept, rows, clear, off, solved, effect, atom, atoms, clusters, lost, centre)


def _checked(
    data: pd.DataFrame,
    outcome: str,
    unit: str,
    time: str,
    start: str,
    others: Sequence[str],
    weights: str | None,
    cluster: str | None,
    strata: Sequence[str],
) -> pd.DataFrame:
    """The columns that are used, complete; refused where a number is missing or infinite, or a key stands twice."""
    names = [
        unit,
        time,
        outcome,
        *others,
        *([weights] if weights else []),
        *([cluster] if cluster else []),
        *strata,
    ]
    used = data[list(dict.fromkeys([*names, start]))].reset_index(drop=True)
    for name in dict.fromkeys(names):
        values = used[name]
        bad = values.isna() | (np.isinf(values.to_numpy(float)) if values.dtype.kind == "f" else False)
        if bad.any():
            raise EffectsError(said("effects.not_finite", column=name, count=int(bad.sum())))
    if used.duplicated([unit, time]).any():
        firm, when = used.loc[used.duplicated([unit, time]), [unit, time]].iloc[0]
        raise EffectsError(
            said("effects.repeats", twice=int(used.duplicated([unit, time]).sum()), firm=firm, year=when)
        )
    for name in dict.fromkeys([start, *([cluster] if cluster else []), *strata]):
        pairs = used[[unit, name]].fillna(0).drop_duplicates()[unit].value_counts()
        several = pairs > 1
        if several.any():
            raise EffectsError(
                said("effects.varies_in_unit", column=name, count=int(several.sum()), first=several.idxmax())
            )
    return used


def _rows(
    used: pd.DataFrame,
    outcome: str,
    unit: str,
    time: str,
    cells: Sequence[str],
    slopes: Sequence[str],
    weights: str | None,
) -> Rows:
    sets = [used.groupby([cell, time], sort=True).ngroup().to_numpy(np.int64) for cell in cells]
    sets = sets or [sums.codes(used[time])[0]]
    w = used[weights].to_numpy(float) if weights else np.ones(len(used))
    if (w <= 0).any():
        raise EffectsError(said("effects.weights_positive", column=weights, count=int((w <= 0).sum())))
    x = used[list(slopes)].to_numpy(float).reshape(len(used), len(slopes))
    code = sums.codes(used[unit])[0]
    return Rows(code, sums.dummies(sets), x, used[outcome].to_numpy(float), w)


def _constant(used: pd.DataFrame, unit: Codes, units: int, column: str) -> Codes:
    """A column that is constant within units, as codes by unit."""
    found = np.zeros(units, np.int64)
    found[unit] = sums.codes(used[column].astype(str))[0]
    return found


def _atoms(
    rows: pd.DataFrame, start: str, strata: Sequence[str], effect: Array, unit: Codes, cluster: Codes
) -> tuple[Codes, pd.DataFrame]:
    keys = [start, "event_time", *strata]
    held = rows[keys].assign(effect=effect, unit=unit, cluster=cluster[unit])
    atom = held.groupby(keys, sort=True).ngroup().to_numpy(np.int64)
    table = held.groupby(keys, sort=True).agg(
        rows=("effect", "size"),
        units=("unit", "nunique"),
        clusters=("cluster", "nunique"),
        estimate=("effect", "mean"),
    )
    table = table.reset_index().rename(columns={start: "start"}).astype({"start": int, "event_time": int})
    wide = table.groupby("event_time")["clusters"].transform("max")
    several = held.groupby("event_time")["cluster"].nunique().reindex(table["event_time"]).to_numpy()
    pooled = np.where(table["clusters"] > 1, "", np.where(np.maximum(wide, several) > 1, "event_time", "all"))
    return atom, table.assign(pooled=pooled)


def _lost(
    used: pd.DataFrame,
    rows: Rows,
    solved: Solved,
    gone: np.ndarray,
    columns: Sequence[str],
    start: str,
    off: np.ndarray,
) -> pd.DataFrame:
    """Treated rows without a counterfactual, counted by level, start and reason."""
    there = rows.take(gone)
    seen = np.asarray(rows.take(off).levels.sum(axis=0)).ravel() > 0
    empty = np.asarray(there.levels @ (~seen).astype(float)).ravel() > 0
    levels, _ = solved.parts(there)
    linked = np.abs(levels @ solved.null[: levels.shape[1]]).max(axis=1, initial=0) < sums.INSIDE
    alone = solved.weight[there.unit] == 0
    reason = np.select([alone, empty, ~linked], [1, 2, 3], 4)
    keys = list(dict.fromkeys(columns))
    table = used.loc[gone, [*keys, start]].assign(
        reason=pd.Series(reason, dtype=int).map(REASONS).to_numpy(object)
    )
    return (
        table.groupby([*keys, start, "reason"], as_index=False, observed=True)
        .size()
        .rename(columns={"size": "rows"})
    )


def two_stage(model: Imputation) -> dict[Hashable, Estimate]:
    """Gardner's two stages: the same estimates; each error centred on the average that it belongs to.

    Returns
    -------
    dict
        "overall" and each event time.
    """
    variants: Mapping[Any, Centre] = {"overall": "overall", "event_time": "event_time"}
    fitted = {name: replace(model, centre=centre) for name, centre in variants.items()}
    weights = model.weights_by("event_time")
    out: dict[Hashable, Estimate] = {"overall": fitted["overall"].overall()}
    return out | {when: fitted["event_time"].target(weights[when].to_numpy()) for when in weights}
