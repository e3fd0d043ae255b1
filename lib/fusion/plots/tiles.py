"""Regions as a grid of tiles: where each roughly lies, all of one size, no outlines."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import pandas as pd

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def district_map(frame: pd.DataFrame, axes: Mapping[str, str]) -> Figure:
    """A tile for each region, coloured by its mean; grey where too few units tell.

    Parameters
    ----------
    frame : pandas.DataFrame
        district (its name), row, column, mean, units.
    axes : mapping
        Words: value, few.
    """
    import matplotlib.pyplot as plt
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import Normalize
    from matplotlib.patches import Patch, Rectangle

    figure, axis = plt.subplots(figsize=(6.4, 6.0))
    known = frame["mean"].dropna()
    # Cividis: its order is seen by readers who cannot tell red from green, and in print without colours.
    scale = ScalarMappable(Normalize(known.min(), max(known.max(), known.min() + 1e-9)), "cividis")
    middle = (known.min() + known.max()) / 2
    for tile in frame.itertuples():
        there = not pd.isna(tile.mean)
        face = scale.to_rgba(tile.mean) if there else "0.9"
        axis.add_patch(Rectangle((tile.column, -tile.row), 0.94, 0.94, facecolor=face, edgecolor="white"))
        ink = "white" if there and tile.mean < middle else "black"
        at = tile.column + 0.47
        name = str(tile.district).replace(" ", "\n", 1)
        axis.text(at, -tile.row + 0.6, name, ha="center", va="center", color=ink, fontsize=8)
        value = f"{tile.mean:.1f}" if there else "–"
        axis.text(at, -tile.row + 0.22, value, ha="center", va="center", color=ink, fontsize=9)
    axis.set(
        xlim=(frame["column"].min() - 0.1, frame["column"].max() + 1.05),
        ylim=(-frame["row"].max() - 0.1, -frame["row"].min() + 1.05),
        aspect="equal",
    )
    axis.set_axis_off()
    figure.colorbar(scale, ax=axis, shrink=0.55, label=axes["value"])
    if frame["mean"].isna().any():
        axis.legend(handles=[Patch(facecolor="0.9", label=axes["few"])], loc="upper left", frameon=False)
    return figure
