"""Values over a figure's picture: where they are, what they say, and what is not told."""

from __future__ import annotations

import re
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.figure import Figure

from workbook import inert
from workbook.exhibits import style
from workbook.exhibits.pictures import hover, saved

SPOT = re.compile(r'<circle cx="(\d+)" cy="(\d+)" r="\d+"><title>(.*?)</title>')


def told(figure: Figure) -> list[tuple[int, int, str]]:
    found = hover.overlay(figure, saved.laid_out(figure))
    plt.close(figure)
    return [(int(x), int(y), text) for x, y, text in SPOT.findall(found)]


def says(figure: Figure) -> list[str]:
    return [text for *_, text in told(figure)]


@pytest.fixture(autouse=True)
def theme() -> None:
    style.use("en")


def test_intervals_say_their_ends_and_bands_beside_them_nothing() -> None:
    figure, axis = plt.subplots()
    at, middle = np.array([-1, 0, 2]), np.array([-0.25, 0.5, 1.0])
    axis.errorbar(at, middle, yerr=0.4, fmt="none")
    axis.errorbar(at, middle, yerr=0.125, fmt="o")
    axis.axhline(0)
    found = told(figure)
    assert [text for *_, text in found] == [
        "−1: −0.25 [−0.38, −0.12]",
        "0: 0.50 [0.38, 0.62]",
        "2: 1 [0.88, 1.12]",
    ]
    # Right and up on the page as in the data: y grows downwards there.
    assert [x for x, *_ in found] == sorted(x for x, *_ in found)
    assert [y for _, y, _ in found] == sorted((y for _, y, _ in found), reverse=True)


def test_a_forest_is_read_by_its_words() -> None:
    figure, axis = plt.subplots()
    axis.errorbar([0.1, 0.25], [0, 1], xerr=[0.05, 0.1], fmt="o")
    axis.set_yticks([0, 1], ["大型企业", "Small & <medium>"])
    assert says(figure) == [
        "大型企业: 0.100 [0.050, 0.150]",
        "Small &amp; &lt;medium&gt;: 0.250 [0.150, 0.350]",
    ]


def test_bars_points_and_lines() -> None:
    figure, (left, right) = plt.subplots(1, 2)
    left.bar(["a", "b"], [1234567.25, 20], label="made")
    left.set_title("Left")
    right.scatter([2018, 2019], [0.5, 0.75])
    right.plot([2018, 2019, 2020], [1.5, np.nan, 2.5], label="sum")
    assert says(figure) == [
        "Left · made · a: 1,234,567",
        "Left · made · b: 20",
        "2018, 0.50",
        "2019, 0.75",
        "sum · 2018: 1.50",
        "sum · 2020: 2.50",
    ]


def test_a_place_on_the_picture_is_that_of_the_mark(tmp_path: Path) -> None:
    """The one dark dot of a picture lies where its circle does."""
    figure, axis = plt.subplots(figsize=(4, 3))
    axis.scatter([3], [7], s=60, color="k")
    axis.set_ylabel("a label that takes room at the left")
    axis.grid(False)
    over = saved.save_figure(tmp_path, "dot", figure)
    (x, y, text), *_ = [(int(a), int(b), t) for a, b, t in SPOT.findall(over)]
    picture = plt.imread(tmp_path / "dot.png")[..., :3].mean(axis=2)
    inside = picture[100:-100, 200:-100]
    rows, columns = np.nonzero(inside < 0.2)
    scale = hover.CSS_DPI / saved.DPI
    assert text == "3, 7"
    assert (columns.mean() + 200) * scale == pytest.approx(x, abs=1.5)
    assert (rows.mean() + 100) * scale == pytest.approx(y, abs=1.5)


def test_too_many_and_what_is_outside_are_not_told() -> None:
    figure, axis = plt.subplots()
    axis.plot(np.arange(hover.MOST + 1))
    assert told(figure) == []
    figure, axis = plt.subplots()
    axis.plot([0, 1, 500], marker="o")
    axis.set_xlim(-0.5, 1.5)
    assert len(told(figure)) == 2
    assert told(plt.figure()) == []


def test_a_users_text_is_inert() -> None:
    figure, axis = plt.subplots()
    axis.plot([0, 1], [0, 1], label=inert.drawn("</title><script>alert(1)</script>"))
    text = hover.overlay(figure, saved.laid_out(figure))
    plt.close(figure)
    assert "<script" not in text and text.count("</title>") == 2
