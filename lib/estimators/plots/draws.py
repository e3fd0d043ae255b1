"""Statistics of many draws, with the one that the data gave."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import pandas as pd

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def placebo_draws(frame: pd.DataFrame, axes: Mapping[str, str]) -> Figure:
    """Draw the t statistics of placebo treatments, and the real one as a line.

    Parameters
    ----------
    frame : DataFrame
        t, one row a draw; real, the same in all rows.
    axes : mapping
        Words: x, y.
    """
    import matplotlib.pyplot as plt

    colours = plt.rcParams["axes.prop_cycle"].by_key()["color"]
    figure, axis = plt.subplots(figsize=(6.4, 3))
    axis.hist(frame["t"], bins=30, color=colours[0], alpha=0.6)
    axis.axvline(frame["real"].iloc[0], color=colours[3])
    axis.set_xlabel(axes["x"])
    axis.set_ylabel(axes["y"])
    return figure
