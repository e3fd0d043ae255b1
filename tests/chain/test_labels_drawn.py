"""Texts of every drawn figure, measured in both languages: none lies over another, none leaves its picture."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import matplotlib.pyplot as plt
import pytest
from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.transforms import Bbox
from runs import MAIN, Run

from workbook.exhibits import record, rendering, sheets, style
from workbook.exhibits.pictures import saved
from workbook.exhibits.sheets import LANGUAGES
from workbook.exhibits.words import Words
from workbook.publish import built, spoken

# Figures whose names stand at what is drawn.
AT_LINES = {
    "coefficients",
    "rank_intervals",
    "top",
    "contributions",
    "integration_by_district",
    "cards_chains",
    "gaps",
}
LEAST = 1  # of a dot, that two boxes may share: letters do not fill theirs


def seen(figure: Figure) -> list[tuple[str, Bbox]]:
    """Texts with their boxes; a tick beyond its axis is not drawn."""
    figure.draw_without_rendering()
    beyond: set[Text] = set()
    for axes in figure.axes:
        if not axes.get_visible():
            beyond |= set(axes.findobj(Text))
        for axis in (axes.xaxis, axes.yaxis):
            low, high = sorted(axis.get_view_interval())
            for tick in axis.get_major_ticks() + axis.get_minor_ticks():
                if not low - 1e-9 <= tick.get_loc() <= high + 1e-9:
                    beyond |= {tick.label1, tick.label2}
    texts = [t for t in figure.findobj(Text) if t not in beyond and t.get_visible() and t.get_text().strip()]
    return [(text.get_text(), text.get_window_extent()) for text in texts]


def meeting(figure: Figure) -> list[tuple[str, str]]:
    """Pairs of texts that lie over one another, and texts beyond the picture."""
    box = saved.laid_out(figure)
    texts = seen(figure)
    pairs = [
        (a, b) for i, (a, one) in enumerate(texts) for b, other in texts[:i] if _share(one, other) > LEAST
    ]
    paper = Bbox(box.get_points() * figure.dpi)
    return pairs + [(text, "edge") for text, one in texts if not _inside(one, paper)]


def _share(one: Bbox, other: Bbox) -> float:
    wide = min(one.x1, other.x1) - max(one.x0, other.x0)
    return min(wide, min(one.y1, other.y1) - max(one.y0, other.y0))


def _inside(one: Bbox, paper: Bbox) -> bool:
    return bool((one.min >= paper.min - LEAST).all() and (one.max <= paper.max + LEAST).all())


def figures(run: Run, language: str) -> Iterator[tuple[str, Figure]]:
    """A study's figures as they are drawn for its site."""
    (study,) = built.find(run.build)
    words = Words(language, spoken.codebook(study.root), study.parameters.get("unit"))
    for notebook in filter(sheets.exists, study.done):
        for one in record.records(study.root / notebook, notebook):
            if one.kind == "figure" and not one.left_out:
                yield one.id, rendering.drawn(one, sheets.sheet(notebook), words, study.parameters, one.frame)


def test_texts_that_meet_are_found() -> None:
    figure, axis = plt.subplots(figsize=(4, 3))
    axis.text(0.5, 0.5, "one name", transform=axis.transAxes)
    axis.text(0.55, 0.52, "another", transform=axis.transAxes)
    assert meeting(figure) == [("another", "one name")]
    plt.close(figure)


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_text_lies_over_another(run: Callable[[str], Run], language: str) -> None:
    style.use(language)
    found, legends, there = {}, set(), set()
    for id, figure in figures(run(MAIN), language):
        found[id] = meeting(figure)
        there.add(id)
        if figure.legends or any(axis.get_legend() for axis in figure.axes):
            legends.add(id)
        plt.close(figure)
    assert {id: pairs for id, pairs in found.items() if pairs} == {}
    assert there >= AT_LINES and not legends & AT_LINES, legends
