"""Who is in the frame, and when: entry, closing, falling below the reporting line.

A firm whose revenue falls below the line reports that year once more and then leaves the frame
(``exited_frame``); one that closes leaves at the end of the year (``closed``). The two are kept apart.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fusion.panel.synthetic.firms import Bools, Firms, Floats, Ints
from fusion.panel.synthetic.streams import Streams
from fusion.panel.synthetic.tables import Tables

STATUS = ("active", "suspended", "closed", "exited_frame")


@dataclass(frozen=True)
class Frame:
    """Rows that are observed and their status at the end of the year, both (N, T); status indexes `STATUS`."""

    observed: Bools
    status: Ints
    revenue: Floats


def lift_entrants(firms: Firms, revenue: Floats, tables: Tables, streams: Streams) -> Floats:
    """Log points by which a firm must be larger to lie above the line when it enters, shape (N,).

    Its revenue at entry then exceeds the line by an exponential margin, so that no heap forms at the line.
    """
    value = tables.value
    margin = streams("entry margin").exponential(value["entry_margin"], len(firms.entry))
    at_entry = revenue[np.arange(len(firms.entry)), firms.entry]
    short = np.log(value["revenue_line"]) + 0.02 - np.log(np.maximum(at_entry, 1.0))
    returns = value["elasticity_labour"] + value["elasticity_capital"]
    return np.where(short > 0, (short + margin) / returns, 0.0)


def observe(
    firms: Firms, omega: Floats, revenue: Floats, heaping: float, tables: Tables, streams: Streams
) -> Frame:
    """Rows in the frame.

    Parameters
    ----------
    omega, revenue : array (N, T)
        Productivity, which drives closing; revenue in 万元, which is held against the line.
    heaping : float
        Share of firm-years less than a fifth below the line that report up to 3 % above it, and so stay.
    """
    value, shape = tables.value, omega.shape
    line = value["revenue_line"]
    near = (revenue < line) & (revenue >= 0.8 * line)
    heaps = near & (streams("heaping").random(shape) < heaping)
    above = np.round(line * (1 + 0.03 * streams("heaping amount").random(shape)), 2)
    reported = np.where(heaps, above, revenue)
    odds = value["exit_constant"] + value["exit_slope"] * (omega - value["productivity_level"])
    closes = streams("closing").random(shape) < 1 / (1 + np.exp(-odds))
    falls = reported < line
    there = np.arange(shape[1])[None, :] >= firms.entry[:, None]
    leaves = (closes | falls) & there
    before: Ints = np.cumsum(leaves, axis=1) - leaves
    observed = there & (before == 0)
    status = np.where(closes, 2, np.where(falls, 3, 0))
    pause = (status == 0) & (streams("suspended").random(shape) < 0.004)
    return Frame(observed, np.where(pause, 1, status), reported)
