"""Figures of this room that take more than one call of a plotting library."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def break_bars(parts: pd.DataFrame, usual: pd.Series, usual_label: str, axis: str) -> Figure:
    """Bars of what moved at a break, stacked by part, over the range of usual change.

    Parameters
    ----------
    parts : pandas.DataFrame
        One row for each path, from the top; the index and the columns are printed. Points, may be negative.
    usual : pandas.Series
        Mean absolute change of each path at other times, points, in the same order.
    usual_label, axis : str
        Words for the ranges and for the horizontal axis.
    """
    import matplotlib.pyplot as plt
    import seaborn as sns

    figure, axes = plt.subplots()
    parts.plot.barh(stacked=True, color=sns.color_palette("colorblind"), ax=axes)
    place = range(len(parts))
    axes.errorbar([0] * len(parts), place, xerr=usual, fmt="none", ecolor="0.2", capsize=3, label=usual_label)
    axes.axvline(0, color="0.2", linewidth=0.8)
    axes.set(xlabel=axis, ylabel="")
    axes.invert_yaxis()
    axes.legend()
    return figure
