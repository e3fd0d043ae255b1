"""Figures of an index: framework, contributions, correlations, distributions, ranks with intervals.

Words come from the caller.
"""

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


def framework(weights: pd.DataFrame, titles: dict[str, str], names: dict[str, str], xlabel: str) -> Any:
    """The framework of an index: chains, their indicators, and what each weighs.

    Parameters
    ----------
    weights : pandas.DataFrame
        As `index.Index.weights`: chain, code, weight.
    titles, names : dict
        Printed names of chains and of codes.
    xlabel : str

    Returns
    -------
    matplotlib.figure.Figure
        One bar an indicator, coloured and bracketed by chain.
    """
    import matplotlib.pyplot as plt
    import seaborn as sns

    order = list(dict.fromkeys(weights["chain"]))
    colors = dict(zip(order, sns.color_palette("colorblind", len(order)), strict=True))
    figure, axes = plt.subplots(figsize=(7.2, 1.2 + 0.26 * len(weights)), layout="constrained")
    places = np.arange(len(weights))
    axes.barh(places, weights["weight"], color=[colors[c] for c in weights["chain"]])
    axes.set_yticks(places, [names[c] for c in weights["code"]])
    end = 1.03 * weights["weight"].max()
    for chain in order:
        own = places[(weights["chain"] == chain).to_numpy()]
        total = weights.loc[weights["chain"] == chain, "weight"].sum()
        axes.plot([end, end], [own.min() - 0.4, own.max() + 0.4], color=colors[chain], linewidth=2)
        axes.text(1.02 * end, own.mean(), f"{titles[chain]} {total:.2f}", va="center")
    axes.set(xlabel=xlabel, xlim=(0, 1.4 * end))
    axes.invert_yaxis()
    return figure


def correlations(scores: pd.DataFrame, method: str = "spearman") -> Any:
    """Matrix of the correlations of columns, its lower triangle, with numbers where they fit.

    Parameters
    ----------
    scores : pandas.DataFrame, shape (n, k)
        Columns under their printed names.
    method : {"spearman", "pearson", "kendall"}

    Returns
    -------
    matplotlib.figure.Figure
    """
    import matplotlib.pyplot as plt
    import seaborn as sns

    related = scores.corr(method)  # type: ignore[arg-type]
    k = len(related)
    figure, axes = plt.subplots(figsize=(2.4 + 0.45 * k, 1.6 + 0.4 * k), layout="constrained")
    above = np.triu(np.ones((k, k), dtype=bool), 1)
    sns.heatmap(
        related, mask=above, vmin=-1, vmax=1, cmap="vlag", annot=k <= 20, fmt=".2f", square=True, ax=axes
    )
    return figure


def distributions(scores: pd.DataFrame, xlabel: str) -> Any:
    """Box plots of columns: quartiles, whiskers from the 5th to the 95th percentile, no single unit.

    Parameters
    ----------
    scores : pandas.DataFrame, shape (n, k)
        Columns under their printed names.
    xlabel : str

    Returns
    -------
    matplotlib.figure.Figure
    """
    import matplotlib.pyplot as plt
    import seaborn as sns

    figure, axes = plt.subplots(figsize=(7.2, 1.2 + 0.35 * scores.shape[1]), layout="constrained")
    light = sns.color_palette("colorblind")[9]
    sns.boxplot(scores, orient="h", fliersize=0, whis=(5, 95), color=light, ax=axes)
    axes.set(xlabel=xlabel)
    return figure
