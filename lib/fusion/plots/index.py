"""Drawings of an index: its mean over time and by group, its chains, the points that they give."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import cycle
from typing import TYPE_CHECKING

import pandas as pd

from fusion.plots.ends import End, above, named

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

    latest = frame[frame["year"] == frame["year"].max()].sort_values("mean")
    place = {name: i for i, name in enumerate(latest["district"])}
    figure, axis = plt.subplots(figsize=(7.2, 1.4 + 0.3 * len(place)))
    marks = []
    sides = zip(
        (-0.12, 0.12), plt.rcParams["axes.prop_cycle"].by_key()["color"], frame.groupby("year"), strict=False
    )
    for shift, color, (year, line) in sides:
        line = line[line["district"].isin(place)]
        at = line["district"].map(place).astype(float) + shift  # a first year may have none of the last one's
        half = line["high"] - line["mean"]
        axis.errorbar(line["mean"], at, xerr=half, fmt="o", color=color, label=str(year), ms=4)
        top = pd.DataFrame({"x": line["mean"], "y": at}).sort_values("y").tail(1)
        marks += [End(str(year), *place, color) for place in zip(top["x"], top["y"], strict=True)]
    axis.set_yticks(range(len(place)), list(place))
    axis.set(xlabel=axes["x"], ylabel=axes["y"])
    above(axis, marks)
    return figure


def stacked(frame: pd.DataFrame, axes: Mapping[str, str]) -> Figure:
    """Points that chains give to an index, stacked, a bar a group.

    Parameters
    ----------
    frame : pandas.DataFrame
        ``path``, ``chain``, ``points``.
    axes : mapping
        Word of ``x``.
    """
    import matplotlib.pyplot as plt

    order = list(dict.fromkeys(frame["path"]))
    figure, axis = plt.subplots(figsize=(7.2, 1.2 + 0.32 * len(order)))
    left, marks = pd.Series(0.0, index=order), []
    for color, (chain, part) in zip(
        plt.rcParams["axes.prop_cycle"].by_key()["color"], frame.groupby("chain", sort=False), strict=False
    ):
        points = part.set_index("path")["points"].reindex(order)
        axis.barh(order, points, left=left, color=color, label=chain)
        if order:  # the last path is drawn on top
            marks.append(End(str(chain), left.iloc[-1] + points.iloc[-1] / 2, len(order) - 1, color))
        left = left + points
    axis.set(xlabel=axes["x"])
    axis.margins(y=0.02)
    above(axis, marks)
    return figure


def diverging(frame: pd.DataFrame, axes: Mapping[str, str]) -> Figure:
    """Points of parts to both sides of zero, a bar a cell of path and district, with a mark where they add up.

    Parameters
    ----------
    frame : pandas.DataFrame
        ``path``, ``district``, ``above``, ``part``, ``points``; the first cell is drawn lowest.
    axes : mapping
        Words of ``x``, ``sum`` (the mark) and ``in`` (between a path and its district).
    """
    import matplotlib.pyplot as plt

    wide = frame.pivot_table(index=["path", "district"], columns="part", values="points", sort=False)
    above = frame.drop_duplicates(["path", "district"]).set_index(["path", "district"])["above"]
    figure, axis = plt.subplots(figsize=(7.2, 1.6 + 0.36 * len(wide)), layout="constrained")
    left, right = pd.Series(0.0, index=wide.index), pd.Series(0.0, index=wide.index)
    colours = plt.rcParams["axes.prop_cycle"].by_key()["color"]
    for colour, part in zip(cycle(colours), wide.columns, strict=False):
        points = wide[part].fillna(0.0)
        start = right.where(points >= 0, left)
        axis.barh(range(len(wide)), points, left=start, color=colour, label=part, height=0.7)
        right, left = right + points.clip(lower=0), left + points.clip(upper=0)
    axis.plot(above, range(len(wide)), "o", color="0.1", mfc="white", ms=6, label=axes["sum"], zorder=3)
    axis.axvline(0, color="0.3", lw=0.8)
    axis.set_yticks(range(len(wide)), [f"{path}{axes['in']}{place}" for path, place in wide.index])
    axis.set(xlabel=axes["x"])
    figure.legend(loc="outside upper center", ncols=3, frameon=False)
    return figure


def by_path(frame: pd.DataFrame, axes: Mapping[str, str]) -> Figure:
    """Mean of an index over the years, a line a path, with the interval of the mean.

    Parameters
    ----------
    frame : pandas.DataFrame
        path, year, mean, low, high; mean_least and mean_most where codes leave paths open.
    axes : mapping
        Words: x, y.
    """
    import matplotlib.pyplot as plt

    figure, axis = plt.subplots(figsize=(7.2, 4.2))
    lines = frame.groupby("path", sort=False)
    ends = []
    for color, (path, line) in zip(
        cycle(plt.rcParams["axes.prop_cycle"].by_key()["color"]), lines, strict=False
    ):
        last = line.dropna(subset=["mean"]).tail(1)
        ends += [End(str(path), *at, color) for at in zip(last["year"], last["mean"], strict=True)]
        axis.plot(line["year"], line["mean"], marker="o", markersize=3.5, color=color, label=path)
        axis.fill_between(line["year"], line["low"], line["high"], color=color, alpha=0.15, linewidth=0)
        if "mean_least" in line:
            axis.vlines(
                line["year"], line["mean_least"], line["mean_most"], color=color, linewidth=3, alpha=0.5
            )
    axis.set(xlabel=axes["x"], ylabel=axes["y"])
    named(axis, ends)
    return figure


def chains(frame: pd.DataFrame, axes: Mapping[str, str]) -> Figure:
    """Box plots of the chains' scores beside the matrix of their correlations.

    Parameters
    ----------
    frame : pandas.DataFrame
        chain, p5, p25, p50, p75, p95, and ``with_…``, the correlations with each chain in the same order.
    axes : mapping
        Words: x.
    """
    import matplotlib.pyplot as plt
    import seaborn as sns

    names = {"p5": "whislo", "p25": "q1", "p50": "med", "p75": "q3", "p95": "whishi", "chain": "label"}
    boxes = frame[list(names)].rename(columns=names).to_dict("records")
    related = frame.filter(like="with_").set_axis(frame["chain"], axis=0).set_axis(frame["chain"], axis=1)
    figure, (left, right) = plt.subplots(1, 2, figsize=(9.6, 3.8), layout="constrained")
    look = {"boxprops": {"facecolor": "#9ecae1", "edgecolor": "0.3"}, "medianprops": {"color": "0.3"}}
    left.bxp(boxes, orientation="horizontal", widths=0.8, showfliers=False, patch_artist=True, **look)
    left.invert_yaxis()
    left.set(xlabel=axes["x"])
    grid = {"vmin": -1, "vmax": 1, "cmap": "vlag", "annot": True, "fmt": ".2f", "square": True, "cbar": False}
    sns.heatmap(related, ax=right, **grid)
    right.set(xlabel="", ylabel="")
    right.set_yticks([])
    return figure
