"""Treatments that begin and end: de Chaisemartin & D'Haultfœuille with the covariance of all event times.

A unit that has its first treatment D₁ until F − 1 and another in F is compared, ℓ years on, with units of the same first
treatment that have not changed by then: DID_ℓ = mean of S·(y_{F−1+ℓ} − y_{F−1} − the same change of those), S = ±1 the sign of
the change (2024, Review of Economics and Statistics; 2020, American Economic Review 110). A unit whose treatment ends again
stays in: what is measured is the effect of having been treated so and so long, so long ago. Rows while the treatment lasts and
rows after its end are told apart.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from estimators.effects.imputation.bands import with_intervals
from estimators.errors import EffectsError
from estimators.finite import refuse_infinite
from estimators.language import said

Array = NDArray[np.float64]
KEYS = ["change", "phase", "horizon"]


@dataclass(frozen=True)
class Switches:
    """Effects of changes of treatment.

    Attributes
    ----------
    table : DataFrame
        change (on, off), phase (all, lasting, ended), horizon (0: the year of the change), estimate, std_error, intervals and
        bands (`bands.critical`: few switchers), switchers, controls, dose (mean years treated more than without the change).
    covariance : DataFrame
        Of all rows; index and columns in the order of the table.
    left_out : int
        Units whose change cannot be dated: the year before it, or its own, is not seen.
    """

    table: pd.DataFrame
    covariance: pd.DataFrame
    left_out: int


def switches(
    data: pd.DataFrame,
    outcome: str = "y",
    unit: str = "unit",
    time: str = "year",
    treatment: str = "treated",
    horizons: int = 4,
    size: float = 0.05,
    cluster: str | None = None,
    seed: int = 1,
) -> Switches:
    """Effects of treatment that is switched on, and of treatment that is switched off.

    Parameters
    ----------
    data : DataFrame
        Long panel with a 0/1 treatment; one row a unit and year.
    horizons : int
        Last event time; 0 is the year of the change.
    cluster : str, optional
        Column that is constant within units; none: units.

    Raises
    ------
    EffectsError
        When treatment is not 0/1, or no change has a control.

    Notes
    -----
    ψ_i is S_i·Δy_i/N for switchers and −S·Δy_i·n_c/(n₀N) for controls of a cohort c, less its mean over all units of the same
    first treatment, year and direction of change; V = Σψψ′ (the paper's plug-in variance, here for all horizons at once).
    """
    refuse_infinite(data, [outcome])
    wide = _Wide.of(data, outcome, unit, time, treatment)
    columns: dict[tuple[str, str, int], tuple[Array, dict[str, float]]] = {}
    for change, sign in (("on", 1.0), ("off", -1.0)):
        for horizon in range(horizons + 1):
            for phase in ("all", "lasting", "ended"):
                found = wide.effect(sign, phase, horizon)
                if found is not None:
                    columns[change, phase, horizon] = found
    if not columns:
        raise EffectsError(said("designs.no_switch", treatment=treatment))
    raw = np.column_stack([psi for psi, _ in columns.values()])
    psi = raw - _cohort_means(raw, wide.cohort)
    if cluster:
        labels = data.drop_duplicates(unit).set_index(unit)[cluster].loc[wide.units]
        psi = pd.DataFrame(psi).groupby(labels.to_numpy()).sum().to_numpy()
    covariance = psi.T @ psi
    table = pd.DataFrame(list(columns), columns=KEYS)
    counted = pd.DataFrame([counts for _, counts in columns.values()])
    table["estimate"], table["std_error"] = raw.sum(axis=0), np.sqrt(np.diag(covariance))
    behind = np.minimum(counted["switchers"], len(psi))
    table = with_intervals(table, covariance, size, 20_000, seed, behind)
    table = pd.concat([table, counted], axis=1).astype({"switchers": int, "controls": int})
    index = pd.MultiIndex.from_frame(table[KEYS])
    return Switches(table, pd.DataFrame(covariance, index, index), wide.left_out)


@dataclass(frozen=True)
class _Wide:
    """Outcomes and treatments by unit and year.

    ``first`` treatment, year of ``change`` (its place; beyond the last: none), place ``until`` which a unit may be a control, and
    ``sign`` of the change.
    """

    y: Array
    d: Array
    units: pd.Index
    first: Array
    change: NDArray[np.int64]
    until: NDArray[np.int64]
    sign: Array
    left_out: int

    @classmethod
    def of(cls, data: pd.DataFrame, outcome: str, unit: str, time: str, treatment: str) -> _Wide:
        if not data[treatment].isin([0, 1]).all():
            raise EffectsError(said("designs.no_switch", treatment=treatment))
        years = range(int(data[time].min()), int(data[time].max()) + 1)
        y, d = (
            data.pivot(index=unit, columns=time, values=name).reindex(columns=years).astype(float)
            for name in (outcome, treatment)
        )
        seen, held = d.notna().to_numpy(), d.to_numpy()
        first = d.bfill(axis=1).iloc[:, 0].to_numpy()
        other = seen & (held != first[:, None])
        last = held.shape[1]
        change = np.where(other.any(axis=1), other.argmax(axis=1), last)
        place = np.arange(last)[None, :]
        before = seen & (place < change[:, None])
        until = (
            np.where(before, place, -1).max(axis=1) + 1
        )  # the first year after the last that is seen unchanged
        dated = (change == last) | (until == change)
        sign = np.where(change < last, 1 - 2 * first, 0.0)
        moved = np.where(dated, change, last)
        return cls(
            y.to_numpy(), held, y.index, first, moved, until, np.where(dated, sign, 0.0), int((~dated).sum())
        )

    @property
    def cohort(self) -> NDArray[np.int64]:
        """Codes of units with the same first treatment and year of change."""
        keys = np.column_stack([self.first, self.change])
        return np.unique(keys, axis=0, return_inverse=True)[1].ravel()

    def effect(self, sign: float, phase: str, horizon: int) -> tuple[Array, dict[str, float]] | None:
        """What each unit adds to one effect, with counts; None where no switcher has a control."""
        parts = list(self._parts(sign, phase, horizon))
        total = sum(int(own.sum()) for own, *_ in parts)
        if not total:
            return None
        psi, dose, controls = np.zeros(len(self.y)), 0.0, 0
        for own, others, delta, doses in parts:
            psi[own] += sign * delta[own] / total
            psi[others] -= sign * delta[others] * own.sum() / (others.sum() * total)
            dose += sign * float(doses[own].sum()) / total
            controls = max(controls, int(others.sum()))
        return psi, {"switchers": total, "controls": controls, "dose": dose}

    def _parts(self, sign: float, phase: str, horizon: int) -> Iterator[tuple[Array, Array, Array, Array]]:
        """(switchers, controls, change of outcome, years of treatment more) of each cohort that has controls."""
        for first, change in np.unique(np.column_stack([self.first, self.change])[self.sign == sign], axis=0):
            begin, end = int(change), int(change) + horizon
            if end >= self.y.shape[1]:
                continue
            delta = self.y[:, end] - self.y[:, begin - 1]
            same = (self.first == first) & np.isfinite(delta)
            own = same & (self.change == begin) & (self.sign == sign) & self._phase(phase, begin, end, first)
            others = same & (self.until > end)
            if own.any() and others.any():
                doses = np.nansum(self.d[:, begin : end + 1] - first, axis=1)
                yield own, others, delta, doses

    def _phase(self, phase: str, begin: int, end: int, first: float) -> NDArray[np.bool_]:
        back = (self.d[:, begin : end + 1] == first).any(axis=1)
        return {"all": np.ones_like(back), "lasting": ~back, "ended": back}[phase]


def _cohort_means(values: Array, cohort: NDArray[np.int64]) -> Array:
    frame = pd.DataFrame(values)
    return np.asarray(frame.groupby(cohort).transform("mean"), float)
