"""Drawings of pilot units."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import pandas as pd

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def gaps(frame: pd.DataFrame, axes: Mapping[str, str]) -> Figure:
    """Units sorted by their matched gap, over the placebo band of their peers.

    Parameters
    ----------
    frame : pandas.DataFrame
        As `scorecard.gaps`; a row a unit.
    axes : mapping
        Words: x, y, band.
    """
    import matplotlib.pyplot as plt
    import seaborn as sns

    figure, axis = plt.subplots(figsize=(7.5, 4.2))
    order = frame.sort_values("gap").reset_index(drop=True)
    outside = order["outside"].astype(bool)
    blue, orange = sns.color_palette("colorblind")[:2]
    axis.fill_between(
        order.index, order["gap_low"], order["gap_high"], color="0.85", lw=0, label=axes["band"]
    )
    for rows, colour in ((~outside, blue), (outside, orange)):
        axis.scatter(order.index[rows], order.loc[rows, "gap"], s=9, color=colour)
    axis.axhline(0, color="0.3", lw=0.8)
    axis.set(xlabel=axes["x"], ylabel=axes["y"])
    axis.legend(frameon=False)
    return figure


def chains(frame: pd.DataFrame, axes: Mapping[str, str]) -> Figure:
    """Small multiples: a unit's chain scores by year, a dotted line where its pilot starts.

    Parameters
    ----------
    frame : pandas.DataFrame
        As `scorecard.histories`, of six units at most.
    axes : mapping
        Words: y.
    """
    import matplotlib.pyplot as plt
    import seaborn as sns
    from matplotlib.ticker import MaxNLocator

    figure, grid = plt.subplots(2, 3, figsize=(9, 5.2), sharex=True, sharey=True, squeeze=False)
    units = list(frame.groupby(["name", "grade", "start"], sort=False))
    for axis, ((name, grade, start), own) in zip(grid.flat, units, strict=False):
        lines = own.groupby("chain", sort=False)
        for (chain, line), colour in zip(lines, sns.color_palette("colorblind"), strict=False):
            axis.plot(line["year"], line["score"], color=colour, lw=1.4, label=chain)
        axis.axvline(start - 0.5, color="0.4", ls=":", lw=1)
        axis.set_title(f"{name} ({grade})", fontsize=9)
        axis.xaxis.set_major_locator(MaxNLocator(4, integer=True))
    for axis in grid.flat[len(units) :]:
        axis.set_visible(False)
    figure.supylabel(axes["y"], fontsize=10)
    handles = grid.flat[0].get_legend_handles_labels()
    figure.legend(*handles, loc="lower center", ncol=5, frameon=False, bbox_to_anchor=(0.5, -0.05))
    return figure
