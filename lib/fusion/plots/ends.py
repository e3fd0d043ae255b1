"""Names at the ends of lines, in place of a legend that a reader would have to match by colour."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Between two names, in their own height; between the last point and its name, in points.
APART = 1.25
ASIDE = 8.0


class End(NamedTuple):
    """The last point of a line, its name and its colour."""

    name: str
    x: float
    y: float
    colour: str


def named(axis: Axes, ends: Sequence[End]) -> None:
    """Write each line's name beside its last point, with a stroke of its colour that leads there.

    Names that would meet are moved apart, as little as possible. The words are dark, for light colours cannot be read.

    Parameters
    ----------
    axis : matplotlib.axes.Axes
        Axes with all lines drawn and their final size; its limits are kept from here on.
    ends : sequence of End
        In any order; at most as many as stand above each other.
    """
    from matplotlib import rcParams
    from matplotlib.font_manager import FontProperties

    # What is written beside must not move what is drawn.
    axis.set(xlim=axis.get_xlim(), ylim=axis.get_ylim())
    points = axis.figure.dpi / 72
    size = FontProperties(size=rcParams["legend.fontsize"]).get_size_in_points()
    order = sorted((end for end in ends if np.isfinite(end.y)), key=lambda end: end.y)
    last = [axis.transData.transform((end.x, end.y)) for end in order]
    beside = axis.transAxes.transform((1, 0))[0] + ASIDE * points
    places = apart(np.array([y for _, y in last]), APART * size * points)
    inside = axis.transAxes.inverted()
    for end, at, y in zip(order, last, places, strict=True):
        (x0, y0), (x1, y1) = inside.transform(at), inside.transform((beside, y))
        whole: dict[str, Any] = {"transform": axis.transAxes, "clip_on": False}
        axis.plot([x0, x1], [y0, y1], color=end.colour, lw=0.8, zorder=1.5, **whole)
        axis.text(x1 + 0.008, y1, end.name, fontsize=size, va="center", **whole)


def apart(places: np.ndarray, least: float) -> np.ndarray:
    """Places that are at least so far apart, the sum of squared moves being least.

    Parameters
    ----------
    places : ndarray, shape (n,)
        In rising order.
    least : float
        Distance between neighbours, in the same unit.

    Returns
    -------
    ndarray, shape (n,)
        Isotonic regression of the places without their distances (Barlow et al. 1972), the distances added again.
    """
    from scipy.optimize import isotonic_regression

    steps = least * np.arange(len(places))
    return np.asarray(isotonic_regression(places - steps).x) + steps if len(places) else places
