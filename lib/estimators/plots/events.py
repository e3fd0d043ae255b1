"""Effects by years since the start, and how far they stand apart from zero when trends part."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from typing import TYPE_CHECKING

import pandas as pd

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Panels side by side.
ACROSS = 4


def event_study(
    frame: pd.DataFrame, axes: Mapping[str, str], truth: Mapping[str, float] | None = None
) -> Figure:
    """Event studies of several estimators, a panel each with its intervals (thick) and bands (thin), all on the same axes.

    Parameters
    ----------
    frame : pandas.DataFrame
        ``estimator``, ``event_time``, ``estimate``, ``ci_high``, ``band_high``.
    axes : mapping
        Words: ``x``, ``y``, ``truth``.
    truth : mapping, optional
        The true effect by event time, drawn as a dashed line.
    """
    import matplotlib.pyplot as plt

    parts = list(frame.groupby("estimator", sort=False))
    across = min(ACROSS, len(parts))
    down = -(-len(parts) // across)
    figure, panels = plt.subplots(
        down,
        across,
        figsize=(8.6, 4.2 if down == 1 else 2.1 * down),
        sharex=True,
        sharey=True,
        squeeze=False,
        layout="constrained",
    )
    for axis, (name, part) in zip(panels.flat, parts, strict=False):
        _bars(axis, part)
        # A long name breaks before what is in its brackets, or at a blank.
        axis.set_title(textwrap.fill(str(name).replace("（", " （"), 20), fontsize=8.5, pad=4)
        _guide(axis, axes, truth, named=axis is panels.flat[0])
    for axis in panels.flat[len(parts) :]:
        axis.set_visible(False)
    panels[0, 0].xaxis.set_major_locator(plt.MultipleLocator(2))
    for axis in panels.T.flat:  # above an empty place, too
        axis.xaxis.set_tick_params(labelbottom=True)
    figure.supxlabel(axes["x"], fontsize=9.5)
    figure.supylabel(axes["y"], fontsize=9.5)
    return figure


def path(frame: pd.DataFrame, axes: Mapping[str, str], truth: Mapping[str, float] | None = None) -> Figure:
    """One path with its intervals and band, as :func:`event_study` takes it, to be read on a phone.

    What is measured stands above in a line, since a page's reader does not turn the head.
    """
    import matplotlib.pyplot as plt

    figure, axis = plt.subplots(figsize=(6.4, 3.7), layout="constrained")
    _bars(axis, frame)
    axis.set_title(textwrap.fill(axes["y"], 70), fontsize=10, pad=6, loc="left")
    axis.set_xlabel(axes["x"])
    axis.xaxis.set_major_locator(plt.MaxNLocator(integer=True))
    _guide(axis, axes, truth, named=False)
    axis.tick_params(labelsize=10)
    if truth:
        last, effect = list(truth.items())[-1]
        below = effect < frame.set_index("event_time")["estimate"].get(int(last), effect)
        axis.annotate(
            axes["truth"],
            (int(last), effect),
            xytext=(6, 0),
            textcoords="offset points",
            va="top" if below else "bottom",
            fontsize=10,
        )
    return figure


def _bars(axis: Axes, part: pd.DataFrame) -> None:
    """Estimates with thick intervals and thin bands."""
    at = (part["event_time"], part["estimate"])
    axis.errorbar(*at, yerr=part["band_high"] - part["estimate"], fmt="none", lw=0.7, ecolor="C0")
    axis.errorbar(*at, yerr=part["ci_high"] - part["estimate"], fmt="o", ms=3.5, lw=2, color="C0")


def _guide(axis: Axes, axes: Mapping[str, str], truth: Mapping[str, float] | None, named: bool) -> None:
    """What all panels share: nil, the start, and the truth with its name at the line."""
    axis.axhline(0, color="0.4", lw=1)
    axis.axvline(-0.5, color="0.7", lw=1, ls=":")
    axis.tick_params(labelsize=8.5)
    if truth:
        times, effects = [int(time) for time in truth], list(truth.values())
        axis.plot(times, effects, color="0.15", ls="--", lw=1.3, label=axes["truth"])
        if named:
            axis.legend(loc="upper left", fontsize=8.5, borderpad=0)


def bounds(frame: pd.DataFrame, axes: Mapping[str, str]) -> Figure:
    """Intervals of the mean effect for rising bounds on how far trends part, one panel a restriction.

    Parameters
    ----------
    frame : pandas.DataFrame
        ``restriction``, ``m``, ``ci_low``, ``ci_high``.
    axes : mapping
        Words: ``y``.
    """
    import matplotlib.pyplot as plt

    parts = list(frame.groupby("restriction", sort=False))
    figure, panels = plt.subplots(1, len(parts), figsize=(8.2, 3.4), sharey=True, squeeze=False)
    for axis, (name, part) in zip(panels[0], parts, strict=True):
        half = (part["ci_high"] - part["ci_low"]) / 2
        at, middle = part["m"].map("{:g}".format), part["ci_low"] + half
        axis.errorbar(
            at,
            middle,
            yerr=half,
            fmt="none",
            capsize=4,
            color=plt.rcParams["axes.prop_cycle"].by_key()["color"][0],
        )
        axis.axhline(0, color="0.4", lw=1)
        axis.margins(x=0.15)
        axis.set(xlabel=name)
    panels[0, 0].set_ylabel(axes["y"])
    figure.tight_layout()
    return figure
