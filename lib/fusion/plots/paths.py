"""Drawings of paths over a change of edition."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import pandas as pd

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def path_shares(frame: pd.DataFrame, axes: Mapping[str, str], change: int | None) -> Figure:
    """Share of each year's firms by path, with the change of edition marked.

    Parameters
    ----------
    frame : pandas.DataFrame
        ``year``, ``path``, ``share`` in [0, 1].
    axes : mapping
        Words of ``x``, ``y`` and ``legend``.
    change : int, optional
        First year of the new edition.
    """
    import matplotlib.pyplot as plt
    import seaborn as sns

    figure, axis = plt.subplots()
    data = frame.assign(share=100 * frame["share"])
    kinds = {"hue": "path", "style": "path"}
    sns.lineplot(data, x="year", y="share", **kinds, markers=True, dashes=False, ax=axis)
    if change is not None:
        axis.axvline(change - 0.5, color="0.4", linestyle="--", linewidth=1)
    axis.locator_params(axis="x", integer=True)
    axis.set(xlabel=axes["x"], ylabel=axes["y"])
    sns.move_legend(axis, "upper left", bbox_to_anchor=(1, 1), title=axes["legend"])
    return figure


def break_bars(frame: pd.DataFrame, axes: Mapping[str, str]) -> Figure:
    """What moved at a change of edition, stacked by part, over the range of usual change.

    Parameters
    ----------
    frame : pandas.DataFrame
        One row for each path, from the top: ``path``, ``reclassified``, ``entry_exit`` (may be negative) and
        ``usual_change``, in [−1, 1].
    axes : mapping
        Words of ``x`` and of the legend: ``reclassified``, ``entry_exit``, ``usual_change``.
    """
    import matplotlib.pyplot as plt
    import seaborn as sns

    parts = 100 * frame.set_index("path")[["reclassified", "entry_exit"]]
    figure, axis = plt.subplots()
    parts.rename(columns=dict(axes)).plot.barh(stacked=True, color=sns.color_palette("colorblind"), ax=axis)
    usual = {"xerr": 100 * frame["usual_change"], "label": axes["usual_change"]}
    axis.errorbar([0] * len(parts), range(len(parts)), **usual, fmt="none", ecolor="0.2", capsize=3)
    axis.axvline(0, color="0.2", linewidth=0.8)
    axis.set(xlabel=axes["x"], ylabel="")
    axis.invert_yaxis()
    axis.legend()
    return figure
