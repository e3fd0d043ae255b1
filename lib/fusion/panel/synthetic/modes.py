"""Modes that break what an estimator assumes: differential trend, dip, anticipation, spillover.

They move productivity and leave the truth (τ) as it is.
"""

from __future__ import annotations

import numpy as np

from fusion.panel.synthetic.adoption import Pilots
from fusion.panel.synthetic.firms import Bools, Firms, Floats
from fusion.panel.synthetic.settings import Settings
from fusion.panel.synthetic.tables import Tables


def disturbance(settings: Settings, firms: Firms, pilots: Pilots, observed: Bools, tables: Tables) -> Floats:
    """Log points that the modes add to productivity, shape (N, T)."""
    t = np.arange(settings.n_years)
    event = np.where(pilots.treated[:, None], t[None, :] - pilots.start[:, None], 99)
    moved = settings.trend * t[None, :] * pilots.treated[:, None]
    moved = moved - settings.dip * ((event == -1) | (event == -2))
    moved = moved + settings.anticipation * _first_effect(pilots)[:, None] * (event == -1)
    return moved + settings.spillover * _neighbours(firms, pilots, observed, tables)


def _first_effect(pilots: Pilots) -> Floats:
    """τ in the first pilot year, shape (N,)."""
    rows = np.arange(len(pilots.start))
    return np.where(pilots.treated, pilots.effect[rows, np.maximum(pilots.start, 0)], 0.0)


def _neighbours(firms: Firms, pilots: Pilots, observed: Bools, tables: Tables) -> Floats:
    """Mean τ of running pilots in the same path, district and year, for firms never pilots; shape (N, T)."""
    cell = firms.path * len(tables.districts) + firms.district
    cells = len(tables.paths) * len(tables.districts)
    mean = np.zeros_like(pilots.effect)
    for t in range(pilots.effect.shape[1]):
        running = pilots.treated & (pilots.start <= t) & observed[:, t]
        total = np.bincount(cell[running], pilots.effect[running, t], minlength=cells)
        count = np.bincount(cell[running], minlength=cells)
        mean[:, t] = (total / np.maximum(count, 1))[cell]
    return np.where(pilots.treated[:, None], 0.0, mean)
