"""Drawings of paths: over a change of edition, and how fast they grew."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import cycle
from typing import TYPE_CHECKING, Any

import pandas as pd

from fusion.plots.ends import End, named

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# Told apart without colour too.
MARKERS = ("o", "X", "s", "P", "D", "^", "v", "p")


def path_shares(frame: pd.DataFrame, axes: Mapping[str, str], changes: Sequence[int]) -> Figure:
    """Share of each year's firms by path, with the changes of edition marked.

    Parameters
    ----------
    frame : pandas.DataFrame
        ``year``, ``path``, ``share`` in [0, 1], and ``share_high`` where codes leave paths open.
    axes : mapping
        Words of ``x`` and ``y``.
    changes : sequence of int
        First years of newer editions.
    """
    import matplotlib.pyplot as plt

    figure, axis = plt.subplots()
    colours = cycle(plt.rcParams["axes.prop_cycle"].by_key()["color"])
    ends = []
    for colour, marker, (path, line) in zip(
        colours, cycle(MARKERS), frame.groupby("path", sort=False), strict=False
    ):
        shares = 100 * line["share"]
        look: dict[str, Any] = {"marker": marker, "markeredgecolor": "white", "markeredgewidth": 0.7}
        axis.plot(line["year"], shares, color=colour, label=str(path), **look)
        if "share_high" in frame:
            band = {"color": colour, "alpha": 0.25, "linewidth": 0}
            axis.fill_between(line["year"], shares, 100 * line["share_high"], **band)
        last = shares.dropna().tail(1)
        ends += [End(str(path), line.loc[at, "year"], y, colour) for at, y in last.items()]
    for change in changes:
        axis.axvline(change - 0.5, color="0.4", linestyle="--", linewidth=1)
    axis.locator_params(axis="x", integer=True)
    axis.set(xlabel=axes["x"], ylabel=axes["y"])
    named(axis, ends)
    return figure


def break_bars(frame: pd.DataFrame, axes: Mapping[str, str]) -> Figure:
    """What moved at changes of edition, stacked by part, over the range of usual change.

    Parameters
    ----------
    frame : pandas.DataFrame
        One row for each path (and ``year`` of a change), from the top: ``path``, ``reclassified``, ``entry_exit``
        (may be negative) and
        ``usual_change``, in [−1, 1]; ``change_low`` and ``change_high`` where codes leave paths open.
    axes : mapping
        Words of ``x`` and of the legend: ``reclassified``, ``entry_exit``, ``usual_change``, ``open``.
    """
    import matplotlib.pyplot as plt

    if len(frame["year"].unique()) > 1:
        frame = frame.assign(path=frame["path"] + " " + frame["year"].astype(str))
    parts = 100 * frame.set_index("path")[["reclassified", "entry_exit"]]
    figure, axis = plt.subplots()
    parts.rename(columns=dict(axes)).plot.barh(
        stacked=True, color=plt.rcParams["axes.prop_cycle"].by_key()["color"], ax=axis
    )
    usual = {"xerr": 100 * frame["usual_change"], "label": axes["usual_change"]}
    axis.errorbar([0] * len(parts), range(len(parts)), **usual, fmt="none", ecolor="0.2", capsize=3)
    if "change_low" in frame:
        ends = (100 * frame["change_low"], 100 * frame["change_high"])
        axis.hlines(range(len(parts)), *ends, color="0.6", linewidth=5, alpha=0.7, label=axes["open"])
    axis.axvline(0, color="0.2", linewidth=0.8)
    axis.set(xlabel=axes["x"], ylabel="")
    axis.invert_yaxis()
    axis.legend()
    return figure


def growth(frame: pd.DataFrame, axes: Mapping[str, str]) -> Figure:
    """Growth of each group as a bar, the fastest on top; groups whose growth is not known are left out.

    Parameters
    ----------
    frame : pandas.DataFrame
        group (words), growth (%).
    axes : mapping
        Words: x.
    """
    import matplotlib.pyplot as plt

    figure, axis = plt.subplots(figsize=(7.2, 3.0))
    order = frame.dropna(subset=["growth"]).sort_values("growth")
    blue, orange = plt.rcParams["axes.prop_cycle"].by_key()["color"][:2]
    colours = [blue if value >= 0 else orange for value in order["growth"]]
    bars = axis.barh(order["group"].astype(str), order["growth"], color=colours, height=0.6)
    axis.bar_label(
        bars, [f"{value:+.1f}".replace("-", "−") for value in order["growth"]], padding=3, fontsize=9
    )
    axis.axvline(0, color="0.4", lw=0.8)
    axis.margins(x=0.12)
    axis.set(xlabel=axes["x"])
    axis.grid(visible=False, axis="y")
    figure.tight_layout()
    return figure
