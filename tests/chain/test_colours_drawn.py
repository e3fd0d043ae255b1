"""Colours that say which is which: any two in one figure are far apart for every reader, in light and in dark.

Readers who see all colours, and those who lack one kind of cones: the matrices of Machado, Oliveira and Fernandes (2009),
IEEE Transactions on Visualization and Computer Graphics 15(6), severity 1, on linear RGB; that of no short cones is recalled,
not compared with the paper. Distance: CIE 1976 in L*a*b* (D65).
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable

import numpy as np
import pytest
from runs import MAIN, Run

from workbook import paths
from workbook.exhibits import style

SEEN = {
    "all cones": np.eye(3),
    "no long ones": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "no middle ones": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "no short ones": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
}  # fmt: skip
XYZ = np.array(
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
)
WHITE = np.array([0.95047, 1.0, 1.08883])
APART = 10  # four times what is just seen side by side
GREY = 8  # less chroma is ink, grid or a band, which no key explains by its colour
SCALES = {"coverage", "chains", "district_map"}  # a number by its shade, written beside it or on a bar


def lab(colour: str, seen: object) -> np.ndarray:
    """L*, a*, b* of a colour as a reader sees it."""
    code = np.array([int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)])
    linear = np.where(code <= 0.04045, code / 12.92, ((code + 0.055) / 1.055) ** 2.4)
    share = XYZ @ np.clip(np.asarray(seen) @ linear, 0, 1) / WHITE
    f = np.where(share > 216 / 24389, np.cbrt(share), (24389 / 27 * share + 16) / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


def dimmed(colour: str) -> str:
    """A colour as the dark theme shows it in a picture: brightness .8, contrast 1.2."""
    codes = (int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5))
    shown = (min(1.0, max(0.0, (0.8 * code - 0.5) * 1.2 + 0.5)) for code in codes)
    return "#" + "".join(f"{round(255 * one):02X}" for one in shown)


def alike(colours: list[str]) -> list[tuple[str, str, str]]:
    """Pairs that a reader takes for one."""
    pairs = itertools.product(SEEN.items(), itertools.combinations(sorted(colours), 2))
    return [
        (a, b, who) for (who, seen), (a, b) in pairs if np.linalg.norm(lab(a, seen) - lab(b, seen)) < APART
    ]


def test_distances_are_those_of_the_definition() -> None:
    assert lab("#FFFFFF", np.eye(3)) == pytest.approx([100, 0, 0], abs=0.01)
    assert lab("#FF0000", np.eye(3)) == pytest.approx([53.24, 80.09, 67.20], abs=0.02)
    # Greys are what they are for everyone.
    assert all(np.linalg.norm(lab("#808080", seen)[1:]) < 0.1 for seen in SEEN.values())
    # A red and an olive that those without middle cones alone take for one.
    assert alike(["#BB6644", "#7F8A3F"]) == [("#7F8A3F", "#BB6644", "no middle ones")]


def test_no_two_of_the_palette_are_alike() -> None:
    assert alike(style.COLOURS) == []
    assert alike([dimmed(one) for one in style.COLOURS]) == []


def test_no_two_colours_of_a_drawn_figure_are_alike(sited: Callable[[str], Run]) -> None:
    drawn = sorted((sited(MAIN).site / "files").glob("*/en/*/*.svg"))
    assert len(drawn) > 10
    for place in drawn:
        text = re.sub(r"<style.*?</style>", "", place.read_text("utf-8"), flags=re.DOTALL)
        found = {colour.upper() for colour in re.findall(r"(?:stroke|fill): (#[0-9a-fA-F]{6})", text)}
        told = [colour for colour in found if np.linalg.norm(lab(colour, np.eye(3))[1:]) > GREY]
        if place.stem not in SCALES:
            assert set(told) <= {one.upper() for one in style.COLOURS}, place.stem
            assert alike(told) == [], place.stem
            assert alike([dimmed(one) for one in told]) == [], place.stem


def test_the_dark_theme_shows_pictures_as_is_reckoned_here(sited: Callable[[str], Run]) -> None:
    (rules,) = (sited(MAIN).site / "en" / "_static" / "styles").glob("pydata-sphinx-theme.css")
    assert "img:not(.only-dark,.dark-light){filter:brightness(.8) contrast(1.2)}" in rules.read_text("utf-8")
    own = (paths.ROOT / "lib/workbook/publish/sphinx/_static/fusion.css").read_text("utf-8")
    assert "filter" not in own
    assert dimmed("#FFFFFF") == "#DBDBDB" and dimmed("#000000") == "#000000"
