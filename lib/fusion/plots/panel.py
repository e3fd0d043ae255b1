"""Drawings of what a panel holds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import pandas as pd

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def coverage(frame: pd.DataFrame, axes: Mapping[str, str]) -> Figure:
    """Firms of each year, above a grid of missing shares by column and year.

    Parameters
    ----------
    frame : pandas.DataFrame
        ``year``, ``firms``, ``column``, ``missing`` in [0, 1]; a missing share in no row: no grid.
    axes : mapping
        Words of ``firms``, ``missing`` and ``year``.
    """
    import matplotlib.pyplot as plt
    import seaborn as sns

    by_year, gaps = frame.groupby("year")["firms"].first(), frame.dropna(subset=["missing"])
    rows = list(dict.fromkeys(gaps["column"]))
    heights = {"height_ratios": [1.4, 0.8 + 0.25 * len(rows)]}
    size = (7.2, 3.2 + 0.27 * len(rows))
    figure, (top, below) = plt.subplots(2, 1, figsize=size, gridspec_kw=heights, layout="constrained")
    sns.barplot(x=by_year.index.astype(str), y=by_year, color=sns.color_palette()[0], ax=top)
    top.set(xlabel="", ylabel=axes["firms"])
    if rows:
        grid = 100 * gaps.pivot(index="column", columns="year", values="missing").loc[rows]
        bar = {"label": axes["missing"], "location": "bottom", "shrink": 0.5, "aspect": 30}
        sns.heatmap(grid, vmin=0, vmax=100, cmap="Blues", ax=below, cbar_kws=bar)
        below.set(xlabel=axes["year"], ylabel="")
    below.set_visible(bool(rows))
    return figure
