"""Drawings of pilot units."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import pandas as pd

from fusion.plots.ends import End, named

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def gaps(frame: pd.DataFrame, axes: Mapping[str, str]) -> Figure:
    """Units sorted by their matched gap, over the placebo band of their peers.

    Parameters
    ----------
    frame : pandas.DataFrame
        As `scorecard.gaps`; a row a unit.
    axes : mapping
        Words: x, y, band.
    """
    import matplotlib.pyplot as plt

    figure, axis = plt.subplots(figsize=(7.5, 4.2))
    order = frame.sort_values("gap").reset_index(drop=True)
    outside = order["outside"].astype(bool)
    blue, orange = plt.rcParams["axes.prop_cycle"].by_key()["color"][:2]
    axis.fill_between(order.index, order["gap_low"], order["gap_high"], color="0.85", lw=0)
    for rows, colour in ((~outside, blue), (outside, orange)):
        axis.scatter(order.index[rows], order.loc[rows, "gap"], s=9, color=colour)
    axis.axhline(0, color="0.3", lw=0.8)
    axis.set(xlabel=axes["x"], ylabel=axes["y"])
    banded = order.dropna(subset=["gap_low", "gap_high"])
    last = banded.tail(1)
    middle = (last["gap_low"] + last["gap_high"]) / 2
    named(axis, [End(axes["band"], *at, "0.6") for at in zip(last.index, middle, strict=True)])
    return figure


def chains(frame: pd.DataFrame, axes: Mapping[str, str]) -> Figure:
    """Small multiples: a unit's chain scores by year, a dotted line where its pilot starts.

    Parameters
    ----------
    frame : pandas.DataFrame
        As `scorecard.histories`, of six units at most.
    axes : mapping
        Words: y.
    """
    import matplotlib.pyplot as plt
    from matplotlib.ticker import MaxNLocator

    figure, grid = plt.subplots(3, 2, figsize=(9, 7.4), sharex=True, sharey=True, squeeze=False)
    figure.subplots_adjust(left=0.1, right=0.86, wspace=0.42, hspace=0.3)  # room for names at lines
    units = list(frame.groupby(["name", "grade", "start"], sort=False))
    ends: dict[Axes, list[End]] = {}
    for axis, ((name, grade, start), own) in zip(grid.flat, units, strict=False):
        lines = own.groupby("chain", sort=False)
        for (chain, line), colour in zip(
            lines, plt.rcParams["axes.prop_cycle"].by_key()["color"], strict=False
        ):
            axis.plot(line["year"], line["score"], color=colour, lw=1.4, label=chain)
            last = line.dropna(subset=["score"]).tail(1)
            at = zip(last["year"], last["score"], strict=True)
            ends.setdefault(axis, []).extend(End(str(chain), *place, colour) for place in at)
        axis.axvline(start - 0.5, color="0.4", ls=":", lw=1)
        axis.set_title(f"{name} ({grade})", fontsize=9)
        axis.xaxis.set_major_locator(MaxNLocator(4, integer=True))
    for axis in grid.flat[len(units) :]:
        axis.set_visible(False)
    figure.supylabel(axes["y"], fontsize=10)
    for axis, names in ends.items():
        named(axis, names)
    return figure


def card(scores: pd.DataFrame, unit: Mapping[str, Any], axes: Mapping[str, str]) -> Figure:
    """One unit: its chains beside the middle of its kind; its gap over the band that chance gives.

    Parameters
    ----------
    scores : pandas.DataFrame
        chain, is_chain, latest, middle; other rows than those of chains are not drawn.
    unit : mapping
        gap, gap_low, gap_high (NaN where there is none).
    axes : mapping
        Words: chart_chains, chart_gap, band.
    """
    import matplotlib.pyplot as plt

    blue, orange = plt.rcParams["axes.prop_cycle"].by_key()["color"][:2]
    figure, (left, right) = plt.subplots(1, 2, figsize=(9, 2.1), width_ratios=(3, 2))
    own = scores[scores["is_chain"].eq(True)].dropna(subset=["latest"]).iloc[::-1]
    places = range(len(own))
    left.barh(places, own["latest"], color=blue, height=0.6)
    left.vlines(own["middle"], [y - 0.4 for y in places], [y + 0.4 for y in places], color="0.2", lw=1.6)
    left.set_yticks(list(places), list(own["chain"]), fontsize=9)
    left.set(xlim=(0, 100))
    left.set_title(axes["chart_chains"], fontsize=9, loc="left")
    band = [unit["gap_low"], unit["gap_high"]]
    if not pd.isna(band).any():
        right.barh([0], [band[1] - band[0]], left=[band[0]], color="0.82", height=0.5, label=axes["band"])
        right.text(sum(band) / 2, -0.35, axes["band"], fontsize=8, ha="center", va="top")
        outside = not band[0] <= unit["gap"] <= band[1]
        right.plot([unit["gap"]], [0], "o", color=orange if outside else blue, ms=8)
    right.axvline(0, color="0.4", lw=0.8)
    right.set(ylim=(-1, 0.8), yticks=[])
    right.set_title(axes["chart_gap"], fontsize=9, loc="left")
    figure.tight_layout()
    return figure
