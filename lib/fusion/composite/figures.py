"""Figures of an index: ranks with their intervals, contributions by chain. Words come from the caller."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

MOST = 120  # units that are drawn


def rank_intervals(ranks: pd.DataFrame, xlabel: str, ylabel: str, words: Sequence[str]) -> Any:
    """Ranks of units in order, with median and interval over choices.

    Parameters
    ----------
    ranks : pandas.DataFrame
        As `uncertainty.intervals`. Of more than 120 units, evenly spaced ones are drawn.
    xlabel, ylabel : str
    words : sequence of str
        Legend: the rank; median and interval.

    Returns
    -------
    matplotlib.figure.Figure
    """
    import matplotlib.pyplot as plt
    import seaborn as sns

    there = ranks.dropna(subset=["rank", "median"]).sort_values("rank", ignore_index=True)
    step = max(1, int(np.ceil(len(there) / MOST)))
    some = there.iloc[::step]
    dark, light = sns.color_palette("colorblind")[:2]
    figure, axes = plt.subplots(figsize=(7.2, 4.2), layout="constrained")
    axes.vlines(some["rank"], some["low"], some["high"], color=light, alpha=0.5, linewidth=1.5)
    axes.plot(some["rank"], some["median"], ".", color=light, markersize=4, label=words[1])
    axes.plot(some["rank"], some["rank"], color=dark, linewidth=1.2, label=words[0])
    axes.set(xlabel=xlabel, ylabel=ylabel)
    axes.invert_yaxis()
    axes.legend(loc="upper right")
    return figure


def stacked(parts: pd.DataFrame, xlabel: str, title: str = "") -> Any:
    """Contributions of chains stacked, a bar a group.

    Parameters
    ----------
    parts : pandas.DataFrame
        One row a group (its label in the index), one column a chain; the bar's length is the index.
    xlabel : str
    title : str
        Of the legend.

    Returns
    -------
    matplotlib.figure.Figure
    """
    import matplotlib.pyplot as plt
    import seaborn as sns

    figure, axes = plt.subplots(figsize=(7.2, 1.2 + 0.32 * len(parts)), layout="constrained")
    left = np.zeros(len(parts))
    for color, chain in zip(sns.color_palette("colorblind"), parts, strict=False):
        axes.barh(parts.index.astype(str), parts[chain], left=left, color=color, label=chain)
        left += parts[chain].to_numpy()
    axes.set(xlabel=xlabel)
    axes.legend(title=title, ncols=3, loc="lower center", bbox_to_anchor=(0.5, 1.0), frameon=False)
    return figure
