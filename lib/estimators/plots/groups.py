"""Drawings of treated and untreated units before and over time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import pandas as pd

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def love_plot(frame: pd.DataFrame, axes: Mapping[str, str]) -> Figure:
    """Standardised mean differences of characteristics, with lines at plus and minus 0.1.

    Parameters
    ----------
    frame : pandas.DataFrame
        ``column``, ``smd``; the first row is drawn on top.
    axes : mapping
        Word of ``x``.
    """
    import matplotlib.pyplot as plt
    import seaborn as sns

    figure, axis = plt.subplots(figsize=(7.2, 1.4 + 0.4 * len(frame)))
    sns.scatterplot(data=frame, x="smd", y="column", s=60, ax=axis)
    axis.axvline(0, color="0.4", lw=1)
    for line in (-0.1, 0.1):
        axis.axvline(line, color="0.6", lw=1, ls="--")
    axis.set(xlabel=axes["x"], ylabel="")
    figure.tight_layout()
    return figure


def cohort_means(frame: pd.DataFrame, axes: Mapping[str, str]) -> Figure:
    """Mean outcome over time, a line for each cohort.

    Parameters
    ----------
    frame : pandas.DataFrame
        ``cohort``, ``year``, ``mean``.
    axes : mapping
        Words of ``x``, ``y`` and ``legend``.
    """
    import matplotlib.pyplot as plt
    import seaborn as sns

    figure, axis = plt.subplots()
    kinds = {"hue": "cohort", "style": "cohort"}
    sns.lineplot(data=frame, x="year", y="mean", **kinds, markers=True, dashes=False, ax=axis)
    axis.set(xlabel=axes["x"], ylabel=axes["y"])
    axis.legend(title=axes["legend"])
    figure.tight_layout()
    return figure
