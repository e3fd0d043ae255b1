"""Drawings of services in the inputs of industries."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import pandas as pd

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
    figure, axis = plt.subplots(figsize=(7.2, 4.0), layout="constrained")
    axis.fill_between(own["year"], own["p10"], own["p90"], alpha=0.15, label=axes["band"])
    axis.plot(own["year"], own["mean"], label=axes["mean"])
    axis.plot(other["year"], other["national"], "o", label=axes["national"])
    axis.set(xlabel=axes["x"], ylabel=axes["y"], ylim=(0, None))
    axis.legend()
    return figure
