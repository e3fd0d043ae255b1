"""Figures of pilot units."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import pandas as pd

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def gaps(scores: pd.DataFrame, band: str, x: str, y: str) -> Figure:
    """Units sorted by their matched gap, over the placebo band of their peers.

    Parameters
    ----------
    scores : pandas.DataFrame
        ``gap``, ``gap_low``, ``gap_high``; a row per unit.
    band, x, y : str
        Words for the band and the axes.
    """
    import matplotlib.pyplot as plt
    import seaborn as sns

    figure, axes = plt.subplots(figsize=(7.5, 4.2))
    order = scores.sort_values("gap").reset_index(drop=True)
    inside = order["gap"].between(order["gap_low"], order["gap_high"])
    blue, orange = sns.color_palette("colorblind")[:2]
    axes.fill_between(order.index, order["gap_low"], order["gap_high"], color="0.85", lw=0, label=band)
    for rows, colour in ((inside, blue), (~inside, orange)):
        axes.scatter(order.index[rows], order.loc[rows, "gap"], s=9, color=colour)
    axes.axhline(0, color="0.3", lw=0.8)
    axes.set(xlabel=x, ylabel=y)
    axes.legend(frameon=False)
    return figure


def chains(
    histories: Mapping[str, pd.DataFrame], starts: Sequence[int], names: Mapping[str, str], y: str
) -> Figure:
    """Small multiples: a unit's chain scores by year, a dotted line where its pilot starts.

    Parameters
    ----------
    histories : mapping of str to pandas.DataFrame
        Title of a unit: years × chains.
    starts : sequence of int
        First year of each unit's pilot, in the same order.
    names : mapping
        Column of a chain: its printed name.
    y : str
        Words for the axis.
    """
    import matplotlib.pyplot as plt
    import seaborn as sns
    from matplotlib.ticker import MaxNLocator

    figure, grid = plt.subplots(2, 3, figsize=(9, 5.2), sharex=True, sharey=True, squeeze=False)
    for axes, (title, own), start in zip(grid.flat, histories.items(), starts, strict=False):
        for chain, colour in zip(own.columns, sns.color_palette("colorblind"), strict=False):
            axes.plot(own.index, own[chain], color=colour, lw=1.4, label=names[chain])
        axes.axvline(start - 0.5, color="0.4", ls=":", lw=1)
        axes.set_title(title, fontsize=9)
        axes.xaxis.set_major_locator(MaxNLocator(4, integer=True))
    for axes in grid.flat[len(histories) :]:
        axes.set_visible(False)
    figure.supylabel(y, fontsize=10)
    lines = grid.flat[0].get_legend_handles_labels()
    figure.legend(*lines, loc="lower center", ncol=5, frameon=False, bbox_to_anchor=(0.5, -0.05))
    return figure
