"""What is held constant, as a small graph: what treatment may move on its way to the outcome."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import pandas as pd

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def graph(frame: pd.DataFrame, axes: Mapping[str, str]) -> Figure:
    """Treatment, outcome, and what is held constant between them.

    Parameters
    ----------
    frame : DataFrame
        column (its name), moves (whether treatment is seen to move it).
    axes : mapping
        Words: held, may_move, treatment, outcome (the last two are names of columns).
    """
    import matplotlib.pyplot as plt

    figure, axis = plt.subplots(figsize=(6.8, 1.2 + 0.6 * max(len(frame), 2)))
    axis.set_xlim(0, 10)
    axis.set_ylim(-1, len(frame) + 0.6)
    axis.axis("off")
    box = {"boxstyle": "round,pad=0.4", "facecolor": "white", "edgecolor": "0.3"}
    ends = {"treatment": (1.6, -0.4), "outcome": (8.4, -0.4)}
    for key, place in ends.items():
        axis.text(*place, axes[key], ha="center", va="center", bbox=box, wrap=True, fontsize=9)
    arrow = {"arrowstyle": "->", "shrinkA": 45, "shrinkB": 45}
    axis.annotate("", ends["outcome"], ends["treatment"], arrowprops=arrow | {"color": "0.2"})
    for k, row in enumerate(frame.itertuples()):
        place = (5.0, k + 0.7)
        held = box | {"facecolor": "0.92"}
        axis.text(*place, str(row.column), ha="center", va="center", bbox=held, fontsize=9)
        axis.annotate("", ends["outcome"], place, arrowprops=arrow | {"color": "0.5"})
        if row.moves:
            axis.annotate("", place, ends["treatment"], arrowprops=arrow | {"color": "C3", "linestyle": "--"})
    axis.text(0, len(frame) + 0.4, f"{axes['held']}; {axes['may_move']}", fontsize=8, va="top")
    return figure
