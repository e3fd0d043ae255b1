"""The values of what a figure draws, to lie over its picture on a page: under the pointer, without a script.

Only what is drawn is told: a picture's points are in the file that it is already.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from workbook.inert import html

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from matplotlib.figure import Figure
    from matplotlib.transforms import Bbox

CSS_DPI = 96
# Points of a figure with more lie too close to be met with a pointer.
MOST = 250
RADIUS = 6

Spot = tuple[float, float, str]  # x and y in the data's units, what is said there


def overlay(figure: Figure, box: Bbox) -> str:
    """Circles that nobody sees, one for each value, with what it is as their title.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
        Laid out.
    box : matplotlib.transforms.Bbox
        The part of it that its files show, in inches.

    Returns
    -------
    str
        An ``<svg>`` as large as the picture; empty where nothing, or too much, is drawn.
    """
    circles = []
    for axis in figure.axes:
        if not axis.get_visible():
            continue
        spots = [spot for spot in _spots(axis) if np.isfinite(spot[:2]).all()]
        at = axis.transData.transform([spot[:2] for spot in spots]) / figure.dpi if spots else ()
        for (x, y), (*_, text) in zip(at, spots, strict=True):
            if box.x0 <= x <= box.x1 and box.y0 <= y <= box.y1:
                place = f'cx="{(x - box.x0) * CSS_DPI:.0f}" cy="{(box.y1 - y) * CSS_DPI:.0f}"'
                circles.append(f'<circle {place} r="{RADIUS}"><title>{html(text)}</title></circle>')
    if not 0 < len(circles) <= MOST:
        return ""
    size = f"0 0 {box.width * CSS_DPI:.0f} {box.height * CSS_DPI:.0f}"
    return f'<svg class="fusion-hover" viewBox="{size}" aria-hidden="true">{"".join(circles)}</svg>'


def _spots(axis: Axes) -> Iterator[Spot]:
    """Values of bars with intervals, of bars, of points and of lines, in this order."""
    from matplotlib.collections import PathCollection
    from matplotlib.container import BarContainer, ErrorbarContainer

    axis.get_xlim(), axis.get_ylim()  # what was drawn last may not have moved them yet
    told = set()
    for container in axis.containers:
        if isinstance(container, ErrorbarContainer) and container.lines[0] is not None:
            told.add(container.lines[0])
            yield from _intervals(axis, container)
        elif isinstance(container, BarContainer):
            yield from _bars(axis, container)
    for points in axis.collections:
        if isinstance(points, PathCollection):
            for x, y in np.asarray(points.get_offsets(), float):
                yield x, y, _named(axis, points, f"{_said(axis.xaxis, x)}, {_said(axis.yaxis, y)}")
    for line in axis.lines:
        # A line of reference spans its axes and has no values.
        if line not in told and line.get_transform() == axis.transData:
            for x, y in np.asarray(line.get_xydata(), float):
                yield x, y, _named(axis, line, f"{_said(axis.xaxis, x)}: {_said(axis.yaxis, y)}")


def _intervals(axis: Axes, container: Any) -> Iterator[Spot]:
    """Points with the ends of their intervals."""
    flat = bool(container.has_xerr)
    own, other = (axis.xaxis, axis.yaxis) if flat else (axis.yaxis, axis.xaxis)
    points = np.asarray(container.lines[0].get_xydata(), float)
    bars = container.lines[2][0].get_segments() if container.lines[2] else [()] * len(points)
    for (x, y), bar in zip(points, bars, strict=True):
        value, place = (x, y) if flat else (y, x)
        ends = sorted(float(end[0 if flat else 1]) for end in bar)
        between = f" [{_said(own, ends[0])}, {_said(own, ends[-1])}]" if ends else ""
        yield x, y, _named(axis, container, f"{_said(other, place)}: {_said(own, value)}{between}")


def _bars(axis: Axes, container: Any) -> Iterator[Spot]:
    for bar in container.patches:
        middle = (bar.get_x() + bar.get_width() / 2, bar.get_y() + bar.get_height() / 2)
        if container.orientation == "horizontal":
            text = f"{_said(axis.yaxis, middle[1])}: {_said(axis.xaxis, bar.get_width())}"
        else:
            text = f"{_said(axis.xaxis, middle[0])}: {_said(axis.yaxis, bar.get_height())}"
        yield *middle, _named(axis, container, text)


def _named(axis: Axes, artist: Any, text: str) -> str:
    """What is said, after the names of its panel and of its line where they have one."""
    label = str(artist.get_label() or "")
    title = axis.get_title() or axis.get_title(loc="left")
    names = [title if len(axis.figure.axes) > 1 else "", "" if label.startswith("_") else label]
    return " · ".join(part for part in (*(" ".join(name.split()) for name in names), text) if part)


def _said(axis: Axis, value: float) -> str:
    """A value as its axis names it: by the word at its tick, or as a number of three digits."""
    from matplotlib.ticker import LogFormatter, ScalarFormatter

    formatter = axis.get_major_formatter()
    if not isinstance(formatter, ScalarFormatter | LogFormatter):
        ticks = [float(tick) for tick in axis.get_majorticklocs()]
        at = np.flatnonzero(np.isclose(ticks, value, rtol=0, atol=1e-9))
        if len(at) and (word := formatter.format_ticks(ticks)[at[0]].strip()):
            return " ".join(word.split())
    return _number(value, *axis.get_view_interval(), log=isinstance(formatter, LogFormatter))


def _number(value: float, low: float, high: float, log: bool) -> str:
    """A number with the decimals that tell a hundredth of what its axis spans; whole ones and years without any."""
    span = abs(high - low)
    if not math.isfinite(value):
        return ""  # a gap in a line, which has no place either
    if abs(value - round(value)) < 1e-9:
        text = f"{value:,.0f}" if abs(value) >= 10_000 else f"{value:.0f}"
    elif log or not span > 0:
        text = f"{value:.3g}"
    else:
        text = f"{value:,.{max(0, 2 - math.floor(math.log10(span)))}f}"
    return text.replace("-", "−")
