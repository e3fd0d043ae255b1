"""Estimates with their intervals, one line each."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import cycle, islice
from typing import TYPE_CHECKING

import pandas as pd

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def forest(table: pd.DataFrame, labels: list[str], colour_by: str, x: str) -> Figure:
    """Draw point estimates with intervals.

    Parameters
    ----------
    table : pandas.DataFrame
        ``estimate``, ``ci_low``, ``ci_high`` and the column of colours; a row per line, the first on top.
    labels : list of str
        Label of each line.
    colour_by : str
        Column whose values share a colour.
    x : str
        Words for the axis.
    """
    import matplotlib.pyplot as plt

    kinds = list(dict.fromkeys(table[colour_by]))
    colours = dict(
        zip(kinds, islice(cycle(plt.rcParams["axes.prop_cycle"].by_key()["color"]), len(kinds)), strict=True)
    )
    figure, axes = plt.subplots(figsize=(6.8, 1 + 0.26 * len(table)))
    places = range(len(table) - 1, -1, -1)
    for row, y in zip(table.to_dict("records"), places, strict=True):
        axes.plot([row["ci_low"], row["ci_high"]], [y, y], color=colours[row[colour_by]], lw=1.6)
        axes.plot(row["estimate"], y, "o", ms=4, color=colours[row[colour_by]])
    axes.axvline(0, color="0.4", lw=0.8)
    axes.set_yticks(list(places), labels)
    axes.set_xlabel(x)
    return figure


def by_group(frame: pd.DataFrame, axes: Mapping[str, str]) -> Figure:
    """Draw the effect in each group, coloured by split.

    Parameters
    ----------
    frame : pandas.DataFrame
        ``regression`` (the split), ``group``, ``estimate``, ``ci_low``, ``ci_high``.
    axes : mapping
        Words: ``x``.
    """
    return forest(frame, frame["group"].tolist(), "regression", axes["x"])


def coefficients(frame: pd.DataFrame, axes: Mapping[str, str], truth: float | None = None) -> Figure:
    """Draw the estimates of each term, a line for each specification.

    Parameters
    ----------
    frame : pandas.DataFrame
        ``spec``, ``term``, ``estimate``, ``ci_low``, ``ci_high``; the first specification on top.
    axes : mapping
        Words: ``x``, and ``truth`` of the line where the truth is known.
    truth : float, optional
        The true effect.
    """
    import matplotlib.pyplot as plt

    figure, axis = plt.subplots(figsize=(7.2, 1.4 + 0.5 * len(frame)))
    place = {spec: -i for i, spec in enumerate(frame["spec"].unique())}
    colours = cycle(plt.rcParams["axes.prop_cycle"].by_key()["color"])
    for k, (colour, (name, part)) in enumerate(zip(colours, frame.groupby("term", sort=False), strict=False)):
        y, half = part["spec"].map(place) - 0.22 * k, part["ci_high"] - part["estimate"]
        axis.errorbar(
            part["estimate"],
            y,
            xerr=half,
            fmt="o",
            capsize=3,
            label=name,
            color=colour,
        )
    axis.axvline(0, color="0.4", lw=1)
    if truth is not None:
        axis.axvline(truth, color="0.2", ls="--", lw=1, label=axes["truth"])
    axis.set_yticks(list(place.values()), list(place))
    axis.set_xlabel(axes["x"])
    axis.legend(loc="center left", bbox_to_anchor=(1, 0.5))
    figure.tight_layout()
    return figure


def without_each(frame: pd.DataFrame, axes: Mapping[str, str]) -> Figure:
    """Draw estimates without one part, a line for each part, coloured by what it is a part of.

    Parameters
    ----------
    frame : DataFrame
        label, dimension, estimate, ci_low, ci_high.
    axes : mapping
        Words: x.
    """
    return forest(frame, frame["label"].tolist(), "dimension", axes["x"])
