"""The figures' font: nothing turns into a box."""

from __future__ import annotations

import logging
import warnings
from pathlib import Path

import matplotlib as mpl
import pytest

mpl.use("Agg")

from matplotlib import pyplot as plt

from workbook.exhibits import style
from workbook.paths import DATA, NOTEBOOKS, PARAMS

TEXTS = [r"融合指数 $\hat\beta_{it}$ 与 −3 “企业”", "ln 万元/人 · 2012–2023", "Plain words, ≥ 5 %"]


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("language", ["en", "zh"])
def test_no_character_turns_into_a_box(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, text: str, language: str
) -> None:
    style.use(language)
    figure, axes = plt.subplots()
    axes.plot([-1, 1])
    axes.set_title(text)
    with warnings.catch_warnings(), caplog.at_level(logging.WARNING, "matplotlib"):
        warnings.simplefilter("error")
        figure.savefig(tmp_path / "f.png")
    plt.close(figure)
    assert not caplog.records


def test_the_font_has_every_character_of_the_tables() -> None:
    """A class's name, a head of a sheet, or a label of a study that the font lacks would be a box in a figure."""
    from fontTools.ttLib import TTFont

    have = set(TTFont(DATA / "fonts" / "FusionCJK.ttf").getBestCmap())
    files = [*DATA.rglob("*.csv"), *(f for place in (DATA, NOTEBOOKS, PARAMS) for f in place.rglob("*.yaml"))]
    used = {ord(c) for f in files for c in f.read_text("utf-8")} - {0x0A, 0x0D, 0x09, 0xFEFF}
    assert {chr(c) for c in used - have} == set()
