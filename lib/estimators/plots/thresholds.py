"""Which levels of a threshold the data do not reject."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import pandas as pd

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def likelihood_ratio(frame: pd.DataFrame, axes: Mapping[str, str], critical: float) -> Figure:
    """Draw the likelihood ratio over candidate levels, and its critical value as a dashed line.

    Parameters
    ----------
    frame : DataFrame
        level, ratio.
    axes : mapping
        Words: x, y.
    critical : float
        Levels whose ratio is below it are not rejected.
    """
    import matplotlib.pyplot as plt

    colours = plt.rcParams["axes.prop_cycle"].by_key()["color"]
    figure, axis = plt.subplots(figsize=(6.4, 3))
    axis.plot(frame["level"], frame["ratio"], color=colours[0])
    axis.axhline(critical, color=colours[3], ls="--")
    axis.set_xlabel(axes["x"])
    axis.set_ylabel(axes["y"])
    return figure
