"""A specification curve drawn: estimates in order, and under each the choices that made it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


CHOICES = ("outcome", "controls", "effects", "sample")


def specification_curve(frame: pd.DataFrame, axes: Mapping[str, str], size: float) -> Figure:
    """Draw a curve.

    Parameters
    ----------
    frame : DataFrame
        estimate, ci_low, ci_high, p_value, and the choices (outcome, controls, effects, sample) in words; a choice with
        one value only is not drawn.
    axes : mapping
        Words: x, y, and what each choice is called.
    size : float
        Estimates with p below it are drawn dark.
    """
    import matplotlib.pyplot as plt

    order = frame.sort_values("estimate", ignore_index=True)
    shown = [name for name in CHOICES if len(set(order[name])) > 1]
    lines = [(name, str(value)) for name in shown for value in dict.fromkeys(frame[name])]
    figure, (top, bottom) = plt.subplots(
        2,
        1,
        figsize=(7.6, 2.6 + 0.2 * max(len(lines), 1)),
        sharex=True,
        height_ratios=[2.2, 0.2 * max(len(lines), 1)],
    )
    estimates(top, order, size)
    top.set_ylabel(axes["y"])
    for place, (name, value) in enumerate(lines):
        at = np.flatnonzero(order[name].astype(str) == value)
        bottom.plot(at, np.full(len(at), -place), "|", ms=5, color="0.25")
    words = [f"{axes[name]}{axes['colon']}{value or '–'}" for name, value in lines]
    bottom.set_yticks([-i for i in range(len(lines))], words)
    bottom.tick_params(axis="y", labelsize=7)
    bottom.set_ylim(0.5 - max(len(lines), 1), 0.5)
    bottom.set_xticks([])  # places in the order say nothing by themselves
    bottom.grid(visible=False)
    bottom.set_xlabel(axes["x"])
    return figure


def estimates(axes: Axes, order: pd.DataFrame, size: float) -> None:
    """Points with intervals, dark where told from zero."""
    import matplotlib.pyplot as plt

    blue, grey = plt.rcParams["axes.prop_cycle"].by_key()["color"][0], "0.65"
    colours = [blue if p < size else grey for p in order["p_value"]]
    places = np.arange(len(order))
    axes.vlines(places, order["ci_low"], order["ci_high"], colors=colours, lw=0.6)
    axes.scatter(places, order["estimate"], c=colours, s=6, zorder=3)
    axes.axhline(0, color="0.3", lw=0.8)
