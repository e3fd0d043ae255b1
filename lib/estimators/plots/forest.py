"""Estimates with their intervals, one line each."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import cycle, islice
from typing import TYPE_CHECKING, Any

import pandas as pd

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

ROW = 0.7  # of a row's height, what its terms take


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

    specs, terms = list(frame["spec"].unique()), list(frame["term"].unique())
    figure, axis = plt.subplots(figsize=(8.6, 1.4 + 0.4 * len(specs) * max(1, len(terms))))
    colours = cycle(plt.rcParams["axes.prop_cycle"].by_key()["color"])
    places, names = [], []
    for k, (colour, (name, part)) in enumerate(zip(colours, frame.groupby("term", sort=False), strict=False)):
        # A specification's terms share its row.
        y = -part["spec"].map(specs.index) - ROW * (k + 0.5 - len(terms) / 2) / len(terms)
        half = part["ci_high"] - part["estimate"]
        axis.errorbar(part["estimate"], y, xerr=half, fmt="o", capsize=3, label=name, color=colour)
        places += list(y)
        names += [name] * len(part)
    axis.axvline(0, color="0.4", lw=1)
    axis.set_yticks([-i for i in range(len(specs))], specs)
    axis.set_xlabel(axes["x"])
    _beside(axis, places, names if len(terms) > 1 else names[:1] + [""] * (len(names) - 1))
    if truth is not None:
        axis.axvline(truth, color="0.2", ls="--", lw=1)
        at: dict[str, Any] = {"xycoords": axis.get_xaxis_transform(), "textcoords": "offset points"}
        axis.annotate(axes["truth"], (truth, 1), xytext=(0, 3), ha="center", fontsize=9.5, **at)
    figure.tight_layout()
    return figure


def _beside(axis: Axes, places: list[float], names: list[str]) -> None:
    """What each interval is of, at its height on the right; one term is named once."""
    other = axis.secondary_yaxis("right")
    other.set_yticks(places, names)
    other.tick_params(length=0)
    other.spines["right"].set_visible(False)


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
