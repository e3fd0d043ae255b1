"""Names at the ends of lines: apart from each other, near their lines, dark."""

from __future__ import annotations

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest

mpl.use("Agg")

from fusion.plots import ends, index


@pytest.mark.parametrize(
    ("places", "want"),
    [
        ([0.0, 0.0, 10.0], [-2.0, 2.0, 10.0]),
        ([0.0, 1.0, 2.0], [-3.0, 1.0, 5.0]),
        ([0.0, 10.0], [0.0, 10.0]),
        ([], []),
    ],
)
def test_names_move_apart_as_little_as_possible(places: list[float], want: list[float]) -> None:
    """By hand: equal places part evenly; three within reach keep their mean."""
    assert ends.apart(np.array(places), 4.0) == pytest.approx(want)


def test_a_line_that_ends_early_is_named_and_no_two_names_meet() -> None:
    frame = pd.DataFrame(
        {
            "path": [*["a"] * 3, *["b"] * 3, *["c"] * 3],
            "year": [1, 2, 3] * 3,
            "mean": [1.0, 2.0, 3.0, 1.0, 2.0, 3.01, 9.0, 9.0, np.nan],
        }
    ).assign(low=lambda f: f["mean"] - 1, high=lambda f: f["mean"] + 1)
    figure = index.by_path(frame, {"x": "Year", "y": "Index"})
    axis = figure.axes[0]
    draw = figure.canvas.get_renderer()
    boxes = {text.get_text(): text.get_window_extent(draw) for text in axis.texts}
    assert set(boxes) == {"a", "b", "c"}
    assert boxes["a"].y1 <= boxes["b"].y0 and boxes["b"].y1 < boxes["c"].y0
    assert min(box.x0 for box in boxes.values()) >= axis.bbox.x1, "beside what is drawn"
    strokes = [line for line in axis.lines if line.get_transform() == axis.transAxes]
    assert [line.get_color() for line in strokes] == [line.get_color() for line in axis.lines[:3]]
    assert axis.get_legend() is None


def test_names_above_stand_as_low_as_they_can() -> None:
    # The last begins nothing; the middle one would run into it; the first would run into both.
    assert ends.storeys(np.array([0.0, 10, 20]), np.array([25.0, 12, 30])) == [2, 1, 0]
    # Names that end before the next stroke stand side by side.
    assert ends.storeys(np.array([0.0, 10, 20]), np.array([9.0, 9, 9])) == [0, 0, 0]
    # Over the stroke of a name that stands higher it stands higher still, though its own line were free.
    assert ends.storeys(np.array([0.0, 5, 20]), np.array([8.0, 30, 5])) == [2, 1, 0]
    assert ends.storeys(np.array([]), np.array([])) == []
