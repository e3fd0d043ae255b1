"""Effects by years since the start, and how far they stand apart from zero when trends part."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import pandas as pd

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MARKERS = "osD^vP*Xhp<>"


def event_study(
    frame: pd.DataFrame, axes: Mapping[str, str], truth: Mapping[str, float] | None = None
) -> Figure:
    """Event studies of several estimators side by side, each with its intervals.

    Parameters
    ----------
    frame : pandas.DataFrame
        ``estimator``, ``event_time``, ``estimate``, ``ci_high``.
    axes : mapping
        Words: ``x``, ``y``, ``truth``.
    truth : mapping, optional
        The true effect by event time, drawn as a dashed line.
    """
    import matplotlib.pyplot as plt

    figure, axis = plt.subplots(figsize=(8.6, 4.8))
    parts = list(frame.groupby("estimator", sort=False))
    width = 0.72 / len(parts)
    for k, (name, part) in enumerate(parts):
        at = part["event_time"] + (k - (len(parts) - 1) / 2) * width
        half = part["ci_high"] - part["estimate"]
        style = {"fmt": MARKERS[k % len(MARKERS)], "ms": 4, "lw": 1, "label": name}
        axis.errorbar(at, part["estimate"], yerr=half, **style)
    if truth:
        times, effects = [int(time) for time in truth], list(truth.values())
        axis.plot(times, effects, color="0.15", ls="--", lw=1.4, label=axes["truth"])
    axis.axhline(0, color="0.4", lw=1)
    axis.axvline(-0.5, color="0.7", lw=1, ls=":")
    axis.set(xlabel=axes["x"], ylabel=axes["y"])
    axis.set_xticks(range(int(frame["event_time"].min()), int(frame["event_time"].max()) + 1))
    axis.legend(loc="center left", bbox_to_anchor=(1, 0.5))
    figure.tight_layout()
    return figure


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
    import seaborn as sns

    parts = list(frame.groupby("restriction", sort=False))
    figure, panels = plt.subplots(1, len(parts), figsize=(8.2, 3.4), sharey=True, squeeze=False)
    for axis, (name, part) in zip(panels[0], parts, strict=True):
        half = (part["ci_high"] - part["ci_low"]) / 2
        at, middle = part["m"].map("{:g}".format), part["ci_low"] + half
        axis.errorbar(at, middle, yerr=half, fmt="none", capsize=4, color=sns.color_palette()[0])
        axis.axhline(0, color="0.4", lw=1)
        axis.margins(x=0.15)
        axis.set(xlabel=name)
    panels[0, 0].set_ylabel(axes["y"])
    figure.tight_layout()
    return figure
