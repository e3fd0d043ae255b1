"""Drawings of services in the inputs of industries."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import pandas as pd

from fusion.plots.ends import End, named

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def io_series(frame: pd.DataFrame, axes: Mapping[str, str]) -> Figure:
    """Weighted coefficient over the years with the spread of industries, and points from other tables.

    Parameters
    ----------
    frame : pandas.DataFrame
        year, mean, p10, p90, national; a year may have the one or the other.
    axes : mapping
        Words: x, y, band, mean, national.
    """
    import matplotlib.pyplot as plt

    own, other = frame.dropna(subset=["mean"]), frame.dropna(subset=["national"])
    figure, axis = plt.subplots(figsize=(7.2, 4.0))
    line, point = plt.rcParams["axes.prop_cycle"].by_key()["color"][:2]
    axis.fill_between(own["year"], own["p10"], own["p90"], alpha=0.15, color=line, lw=0)
    axis.plot(own["year"], own["mean"], color=line, label=axes["mean"])
    axis.plot(other["year"], other["national"], "o", color=point, label=axes["national"])
    axis.set(xlabel=axes["x"], ylabel=axes["y"], ylim=(0, None))
    named(
        axis,
        [
            End(axes[word], float(row["year"]), float(row[column]), colour)
            for word, column, rows, colour in (
                ("band", "p90", own, line),
                ("mean", "mean", own, line),
                ("national", "national", other, point),
            )
            for _, row in rows.tail(1).iterrows()
        ],
    )
    return figure
