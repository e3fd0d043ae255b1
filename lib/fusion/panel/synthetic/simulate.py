"""The process behind the panel: productivity with and without pilots, production, frame."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fusion.panel.synthetic import adoption, frame, modes, production, productivity
from fusion.panel.synthetic.firms import Firms, Floats, Ints, draw_firms
from fusion.panel.synthetic.settings import Settings
from fusion.panel.synthetic.streams import Streams
from fusion.panel.synthetic.tables import Tables, tables


@dataclass(frozen=True)
class Simulation:
    """Everything that is true about a synthetic panel; arrays (N, T) unless said otherwise.

    Attributes
    ----------
    years : int array (T,)
    firms, pilots, made, frame : drawn parts
    share : service share of revenue, pilots' gain included
    omega : productivity, effects and modes included; ln
    untreated : productivity had there been no pilots and no modes; ln
    alone : production had the pilots had no effect, all else (modes too) as it was
    """

    settings: Settings
    tables: Tables
    streams: Streams
    years: Ints
    firms: Firms
    pilots: adoption.Pilots
    share: Floats
    omega: Floats
    untreated: Floats
    made: production.Production
    alone: production.Production
    frame: frame.Frame


def simulate(settings: Settings, seed: int) -> Simulation:
    """Draw the process of one panel.

    Pilots are chosen on what would have been observed without pilots; then the process runs again with their
    effects, from the same draws, so that a mode changes what it is meant to change and nothing else.
    """
    known, streams = tables(), Streams(seed)
    firms = draw_firms(settings, known, streams)
    share = productivity.service_share(settings, firms, known, streams)
    untreated = productivity.untreated_productivity(settings, firms, share, known, streams)
    flat = np.zeros(settings.firms)
    lift = frame.lift_entrants(
        firms, production.produce(firms, untreated, flat, known, streams).revenue, known, streams
    )
    revenue = production.produce(firms, untreated, lift, known, streams).revenue
    seen = frame.observe(firms, untreated, revenue, 0.0, known, streams).observed
    pilots = adoption.draw_pilots(settings, firms, share, seen, known, streams)
    omega = untreated + pilots.effect + modes.disturbance(settings, firms, pilots, seen, known)
    made = production.produce(firms, omega, lift, known, streams)
    alone = production.produce(firms, omega - pilots.effect, lift, known, streams)
    kept = frame.observe(firms, omega, made.revenue, settings.heaping, known, streams)
    years = np.arange(settings.first_year, settings.last_year + 1)
    gained = share + pilots.service_gain
    return Simulation(
        settings, known, streams, years, firms, pilots, gained, omega, untreated, made, alone, kept
    )
