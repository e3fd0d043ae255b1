"""Names at what is drawn, in place of a legend that a reader would have to match by colour: at ends of lines, above marks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Between two names, in their own height; between the last point and its name, in points.
APART = 1.25
ASIDE = 8.0
GAP = 10.0  # points between a name and the stroke of the next one


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
    # What is written beside must not move what is drawn.
    axis.set(xlim=axis.get_xlim(), ylim=axis.get_ylim())
    points, size = axis.figure.dpi / 72, _size()
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


def above(axis: Axes, marks: Sequence[End]) -> None:
    """Write names above a drawing, each over its mark in the topmost row, with a stroke of its colour down to it.

    A name begins at its stroke; where it would meet another name or stroke it stands a line higher.

    Parameters
    ----------
    axis : matplotlib.axes.Axes
        Axes with all drawn, their limits and their final size; both are kept from here on.
    marks : sequence of End
        In any order; ``y`` is where the stroke ends.
    """
    axis.set(xlim=axis.get_xlim(), ylim=axis.get_ylim())
    points, size = axis.figure.dpi / 72, _size()
    order = sorted((mark for mark in marks if np.isfinite(mark.x)), key=lambda mark: mark.x)
    places = [axis.transData.transform((mark.x, mark.y)) for mark in order]
    texts = [axis.text(0, 0, mark.name, fontsize=size) for mark in order]
    widths = [text.get_window_extent().width + GAP * points for text in texts]
    inside, top = axis.transAxes.inverted(), axis.transAxes.transform((0, 1))[1]
    whole: dict[str, Any] = {"transform": axis.transAxes, "clip_on": False}
    levels = storeys(np.array([x for x, _ in places]), np.array(widths))
    for mark, text, at, level in zip(order, texts, places, levels, strict=True):
        (x, low), (_, high) = (
            inside.transform(at),
            inside.transform((0, top + (4 + 1.35 * size * level) * points)),
        )
        axis.plot(
            [x, x], [low, high + 0.8 * size * points / axis.bbox.height], color=mark.colour, lw=0.8, **whole
        )
        text.set(transform=axis.transAxes, clip_on=False, position=(x + 3 * points / axis.bbox.width, high))


def storeys(places: np.ndarray, widths: np.ndarray) -> list[int]:
    """How many lines high each name stands that begins at its place, so that none meets a name or a stroke.

    Parameters
    ----------
    places, widths : ndarray, shape (n,)
        Where names begin, in rising order, and how far each goes; the same unit.

    Returns
    -------
    list of int
        0 is the lowest line. A name stands above all that begin below it.
    """
    levels = [0] * len(places)
    for one in range(len(places) - 1, -1, -1):
        below = [levels[k] for k in range(one + 1, len(places)) if places[k] < places[one] + widths[one]]
        levels[one] = 1 + max(below, default=-1)
    return levels


def _size() -> float:
    """Size of a name in points."""
    from matplotlib import rcParams
    from matplotlib.font_manager import FontProperties

    return float(FontProperties(size=rcParams["legend.fontsize"]).get_size_in_points())


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
