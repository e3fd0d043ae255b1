"""Estimates with their intervals, one line each."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def forest(table: pd.DataFrame, labels: list[str], colour_by: str, x: str) -> Figure:
    """Draw point estimates with intervals.

    Parameters
    ----------
    table : pandas.DataFrame
        ``estimate``, ``ci_low``, ``ci_high`` and the column of colours; a row per line, the first on top.
    labels : list of str
        Label of each line.
    colour_by : str
        Column whose values share a colour.
    x : str
        Words for the axis.
    """
    import matplotlib.pyplot as plt
    import seaborn as sns

    kinds = list(dict.fromkeys(table[colour_by]))
    colours = dict(zip(kinds, sns.color_palette("colorblind", len(kinds)), strict=True))
    figure, axes = plt.subplots(figsize=(6.8, 1 + 0.26 * len(table)))
    places = range(len(table) - 1, -1, -1)
    for row, y in zip(table.to_dict("records"), places, strict=True):
        axes.plot([row["ci_low"], row["ci_high"]], [y, y], color=colours[row[colour_by]], lw=1.6)
        axes.plot(row["estimate"], y, "o", ms=4, color=colours[row[colour_by]])
    axes.axvline(0, color="0.4", lw=0.8)
    axes.set_yticks(list(places), labels)
    axes.set_xlabel(x)
    return figure
