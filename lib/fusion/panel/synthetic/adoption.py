"""Who becomes a pilot, when, and what it does.

    τ_it = τ_g · h_path · h_owner · (1 − e^{−0.45 (e+1)}),   e = t − g ≥ 0
    Δs_it = 0.035 · (1 − e^{−0.60 (e+1)})

τ is the whole effect on productivity; its part θ·Δs runs through the service share (40 % on average).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fusion.language import said
from fusion.panel.errors import PanelError
from fusion.panel.synthetic.firms import Bools, Firms, Floats, Ints
from fusion.panel.synthetic.productivity import manufacturers
from fusion.panel.synthetic.settings import Settings
from fusion.panel.synthetic.streams import Streams
from fusion.panel.synthetic.tables import Tables

NEVER = -1


@dataclass(frozen=True)
class Pilots:
    """Pilots and their effects.

    Attributes
    ----------
    start : int array (N,)
        Position of the first pilot year, -1 = never.
    cohort : int array (N,)
        Row number in ``cohorts.csv``, -1 = never.
    effect, service_gain : float array (N, T)
        τ and Δs, zero before the start and for others.
    """

    start: Ints
    cohort: Ints
    effect: Floats
    service_gain: Floats

    @property
    def treated(self) -> Bools:
        """True for pilots, shape (N,)."""
        return self.start >= 0


def cohort_positions(settings: Settings, tables: Tables) -> Ints:
    """Start years of the cohorts as positions in the range of years, increasing."""
    last = settings.n_years - 1
    raw = np.rint(tables.cohorts["position"].to_numpy(dtype=float) * last).astype(np.int64)
    for k in range(len(raw) - 2, -1, -1):
        raw[k] = min(raw[k], raw[k + 1] - 1)
    return raw


def draw_pilots(
    settings: Settings, firms: Firms, share: Floats, observed: Bools, tables: Tables, streams: Streams
) -> Pilots:
    """Choose the pilots and compute their effects.

    Each manufacturer has one chance, in a cohort drawn beforehand; within a cohort the firms with the highest
    score (size, productivity, services, path, plus a logistic draw) are taken among those in the frame the year
    before that have been there long enough.

    Parameters
    ----------
    share, observed : array (N, T)
        Service share and frame without pilots.
    """
    positions = cohort_positions(settings, tables)
    chance = streams("cohort").choice(
        len(positions), size=settings.firms, p=tables.cohorts["share"].to_numpy(dtype=float)
    )
    score = _score(firms, share, tables, streams)
    lead = min(int(tables.value["adoption_lead"]), int(positions[0]))
    cohort = np.full(settings.firms, NEVER)
    short = 0
    for k, wanted in enumerate(_quota(settings, tables)):
        able = manufacturers(firms, tables) & observed[:, positions[k] - 1]
        able &= (firms.entry <= positions[k] - lead) & (cohort == NEVER)
        short = _take(cohort, k, wanted + short, np.flatnonzero(able & (chance == k)), score)
    if short:  # the last cohort then takes whoever is left, whatever cohort was drawn
        short = _take(cohort, len(positions) - 1, short, np.flatnonzero(able & (cohort == NEVER)), score)
    if short:
        raise PanelError(
            said("panel.synthetic.too_many_pilots", treated_share=settings.treated_share, short=short)
        )
    start = np.where(cohort == NEVER, NEVER, positions[np.maximum(cohort, 0)])
    effect, gain = _effects(settings, firms, start, cohort, tables)
    return Pilots(start, cohort, effect, gain)


def _take(cohort: Ints, k: int, wanted: int, pool: Ints, score: Floats) -> int:
    """Mark the `wanted` best of `pool` as cohort `k`, in place; returns how many are lacking."""
    best = pool[np.argsort(-score[pool], kind="stable")[:wanted]]
    cohort[best] = k
    return wanted - len(best)


def _score(firms: Firms, share: Floats, tables: Tables, streams: Streams) -> Floats:
    value = tables.value
    services = np.where(manufacturers(firms, tables), share[:, 0], 0.0)
    return (
        value["adoption_size"] * _standard(firms.size)
        + value["adoption_productivity"] * _standard(firms.productivity)
        + value["adoption_service"] * _standard(services)
        + tables.paths["adoption_shift"].to_numpy(dtype=float)[firms.path]
        + streams("adoption").logistic(size=len(firms.size))
    )


def _quota(settings: Settings, tables: Tables) -> list[int]:
    """Pilots of each cohort, by largest remainder."""
    total = round(settings.treated_share * settings.firms)
    exact = total * tables.cohorts["share"].to_numpy(dtype=float)
    quota = np.floor(exact + 1e-9).astype(int)
    rest = np.argsort(-(exact - quota), kind="stable")[: total - quota.sum()]
    quota[rest] += 1
    return [int(q) for q in quota]


def _effects(
    settings: Settings, firms: Firms, start: Ints, cohort: Ints, tables: Tables
) -> tuple[Floats, Floats]:
    """τ and Δs, each (N, T)."""
    value = tables.value
    event = np.arange(settings.n_years)[None, :] - start[:, None]
    after = (event >= 0) & (start >= 0)[:, None]
    if settings.null_effect:
        return np.zeros(after.shape), np.zeros(after.shape)
    steps = np.where(after, event, 0) + 1
    effect = np.where(after, 1 - np.exp(-value["effect_speed"] * steps), 0.0)
    gain = np.where(after, value["service_gain"] * (1 - np.exp(-value["service_speed"] * steps)), 0.0)
    return effect * long_run_effect(firms, cohort, tables)[:, None], gain


def long_run_effect(firms: Firms, cohort: Ints, tables: Tables) -> Floats:
    """τ_g · h_path · h_owner of pilots, 0 for others, shape (N,)."""
    tau = tables.cohorts["effect"].to_numpy(dtype=float)[np.maximum(cohort, 0)]
    path = tables.paths["effect_multiplier"].to_numpy(dtype=float)[firms.path]
    owner = tables.ownership["effect_multiplier"].to_numpy(dtype=float)[firms.owner]
    return np.where(cohort >= 0, tau * path * owner, 0.0)


def _standard(x: Floats) -> Floats:
    return (x - x.mean()) / x.std()
