"""Drawings of ranks with their intervals."""

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


def top_intervals(ranks: pd.DataFrame, labels: Sequence[str], xlabel: str, words: Sequence[str]) -> Any:
    """The best units, one line each: rank, median and interval over choices.

    Parameters
    ----------
    ranks : pandas.DataFrame
        Rows of `uncertainty.intervals`, best first.
    labels : sequence of str
        Of the units.
    xlabel : str
    words : sequence of str
        Legend: the rank; median and interval.

    Returns
    -------
    matplotlib.figure.Figure
    """
    import matplotlib.pyplot as plt
    import seaborn as sns

    dark, light = sns.color_palette("colorblind")[:2]
    figure, axes = plt.subplots(figsize=(7.2, 1.4 + 0.22 * len(ranks)), layout="constrained")
    places = np.arange(len(ranks))
    axes.hlines(places, ranks["low"], ranks["high"], color=light, alpha=0.6, linewidth=2.5)
    axes.plot(ranks["median"], places, "|", color=light, markersize=9, label=words[1])
    axes.plot(ranks["rank"], places, "o", color=dark, markersize=4, label=words[0])
    axes.set_yticks(places, list(labels))
    axes.set(xlabel=xlabel)
    axes.invert_yaxis()
    axes.legend(ncols=2, loc="lower center", bbox_to_anchor=(0.5, 1.0), frameon=False)
    return figure
