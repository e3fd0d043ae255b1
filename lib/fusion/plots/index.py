"""Drawings of an index: what it is made of."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd


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
