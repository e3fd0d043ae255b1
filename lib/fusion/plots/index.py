"""Drawings of an index: its mean by group, and the points that its chains give."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import pandas as pd

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def group_means(frame: pd.DataFrame, axes: Mapping[str, str]) -> Figure:
    """Mean of an index by group with intervals, its first and last year side by side.

    Parameters
    ----------
    frame : pandas.DataFrame
        ``district``, ``year``, ``mean``, ``low``, ``high``; groups that the last year lacks are not drawn.
    axes : mapping
        Words of ``x`` and ``y``.
    """
    import matplotlib.pyplot as plt
    import seaborn as sns

    latest = frame[frame["year"] == frame["year"].max()].sort_values("mean")
    place = {name: i for i, name in enumerate(latest["district"])}
    figure, axis = plt.subplots(figsize=(7.2, 1.4 + 0.3 * len(place)), layout="constrained")
    sides = zip((-0.12, 0.12), sns.color_palette("colorblind"), frame.groupby("year"), strict=False)
    for shift, color, (year, line) in sides:
        line = line[line["district"].isin(place)]
        at = line["district"].map(place) + shift
        half = line["high"] - line["mean"]
        axis.errorbar(line["mean"], at, xerr=half, fmt="o", color=color, label=str(year), ms=4)
    axis.set_yticks(range(len(place)), list(place))
    axis.set(xlabel=axes["x"], ylabel=axes["y"])
    axis.legend(loc="lower right")
    return figure


def stacked(frame: pd.DataFrame, axes: Mapping[str, str]) -> Figure:
    """Points that chains give to an index, stacked, a bar a group.

    Parameters
    ----------
    frame : pandas.DataFrame
        ``path``, ``chain``, ``points``.
    axes : mapping
        Words of ``x`` and ``legend``.
    """
    import matplotlib.pyplot as plt
    import seaborn as sns

    order = list(dict.fromkeys(frame["path"]))
    figure, axis = plt.subplots(figsize=(7.2, 1.2 + 0.32 * len(order)), layout="constrained")
    left = pd.Series(0.0, index=order)
    for color, (chain, part) in zip(
        sns.color_palette("colorblind"), frame.groupby("chain", sort=False), strict=False
    ):
        points = part.set_index("path")["points"].reindex(order)
        axis.barh(order, points, left=left, color=color, label=chain)
        left = left + points
    axis.set(xlabel=axes["x"])
    axis.legend(title=axes["legend"], ncols=3, loc="lower center", bbox_to_anchor=(0.5, 1.0), frameon=False)
    return figure
