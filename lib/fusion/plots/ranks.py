"""Drawings of ranks with their intervals."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from fusion.plots.ends import End, above, named

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MOST = 120  # units that are drawn
TOLD = 0.02  # of the width, from where on two marks stand apart


def rank_intervals(frame: pd.DataFrame, axes: Mapping[str, str]) -> Figure:
    """Ranks of units in order, with median and interval over choices.

    Parameters
    ----------
    frame : pandas.DataFrame
        As `uncertainty.intervals`. Of more than 120 units, evenly spaced ones are drawn.
    axes : mapping
        Words: x, y, rank, median (and interval).
    """
    import matplotlib.pyplot as plt

    there = frame.dropna(subset=["rank", "median"]).sort_values("rank", ignore_index=True)
    some = there.iloc[:: max(1, int(np.ceil(len(there) / MOST)))]
    dark, light = plt.rcParams["axes.prop_cycle"].by_key()["color"][:2]
    figure, axis = plt.subplots(figsize=(7.2, 4.2))
    axis.vlines(some["rank"], some["low"], some["high"], color=light, alpha=0.5, linewidth=1.5)
    axis.plot(some["rank"], some["median"], ".", color=light, markersize=4, label=axes["median"])
    axis.plot(some["rank"], some["rank"], color=dark, linewidth=1.2, label=axes["rank"])
    axis.set(xlabel=axes["x"], ylabel=axes["y"])
    axis.invert_yaxis()
    ends: list[End] = []
    last = some.tail(1)
    for word, colour in (("rank", dark), ("median", light)):
        ends += [End(axes[word], *at, colour) for at in zip(last["rank"], last[word], strict=True)]
    named(axis, ends)
    return figure


def top_intervals(frame: pd.DataFrame, axes: Mapping[str, str]) -> Figure:
    """The best units, one line each: rank, median and interval over choices.

    Parameters
    ----------
    frame : pandas.DataFrame
        ``rank``, ``median``, ``low``, ``high`` and ``path``, by which a unit is shown; best first.
    axes : mapping
        Words of ``x``, and of the marks: ``rank``, ``median``.
    """
    import matplotlib.pyplot as plt

    dark, light = plt.rcParams["axes.prop_cycle"].by_key()["color"][:2]
    figure, axis = plt.subplots(figsize=(7.2, 1.4 + 0.22 * len(frame)))
    places = np.arange(len(frame))
    axis.hlines(places, frame["low"], frame["high"], color=light, alpha=0.6, linewidth=2.5)
    axis.plot(frame["median"], places, "|", color=light, markersize=9, label=axes["median"])
    axis.plot(frame["rank"], places, "o", color=dark, markersize=4, label=axes["rank"])
    axis.set_yticks(places, [f"{row.rank:.0f} · {row.path}" for row in frame.itertuples()])
    axis.set(xlabel=axes["x"])
    axis.invert_yaxis()
    # Of the first row in which the two can be told apart.
    wide = np.ptp(axis.get_xlim()) * TOLD
    clear = np.flatnonzero((frame["median"] - frame["rank"]).abs() > wide)
    row = int(clear[0]) if len(clear) else 0
    words = (("rank", dark), ("median", light))
    shown = [(word, colour, place) for word, colour in words for place in frame[word].iloc[row : row + 1]]
    above(axis, [End(axes[word], float(place), row, colour) for word, colour, place in shown])
    return figure
