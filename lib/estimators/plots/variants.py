"""Variants of a study drawn: estimates in order, and under each the choices that made it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from estimators.plots.curve import estimates

if TYPE_CHECKING:
    from matplotlib.figure import Figure

BETWEEN = ("; ", "；")  # choices of a variant, as its words have them
LINE = 0.19  # inches of a line of marks
MOST = 40  # lines of marks; more cannot be read


def variant_curve(frame: pd.DataFrame, axes: Mapping[str, str], size: float) -> Figure:
    """Draw the curve of all variants.

    Parameters
    ----------
    frame : DataFrame
        estimate, ci_low, ci_high, p_value, ``levels`` (choices in words, one after the other), ``stated``.
    axes : mapping
        Words: x and y.
    size : float
        Estimates with p below it are drawn dark.
    """
    import matplotlib.pyplot as plt

    order = frame.sort_values("estimate", kind="stable", ignore_index=True)
    between = next((sign for sign in BETWEEN if order["levels"].str.contains(sign, regex=False).any()), "; ")
    made = [set(text.split(between)) for text in order["levels"]]
    lines = sorted(dict.fromkeys(part for text in frame["levels"] for part in text.split(between)))
    drawn = [part for part in lines if not all(part in one for one in made)][:MOST]
    height = LINE * max(len(drawn), 1)
    figure, (top, bottom) = plt.subplots(
        2, 1, figsize=(7.6, 2.6 + height), sharex=True, height_ratios=[2.2, height]
    )
    estimates(top, order, size)
    at = np.flatnonzero(order["stated"])
    top.scatter(at, order["estimate"].iloc[at], marker="x", c="black", s=40, zorder=4)
    top.set_ylabel(axes["y"])
    for place, part in enumerate(drawn):
        here = np.flatnonzero([part in one for one in made])
        bottom.plot(here, np.full(len(here), -place), "|", ms=5, color="0.25")
    bottom.set_yticks([-i for i in range(len(drawn))], drawn)
    bottom.tick_params(axis="y", labelsize=7)
    bottom.set_ylim(0.5 - max(len(drawn), 1), 0.5)
    bottom.set_xticks([])  # places in the order say nothing by themselves
    bottom.grid(visible=False)
    bottom.set_xlabel(axes["x"])
    return figure
