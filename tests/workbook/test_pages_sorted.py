"""What the pages' own script does for a reader: tables sorted and sifted, in a real browser."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from workbook import paths
from workbook.exhibits import rendering
from workbook.publish import browser

pytestmark = pytest.mark.skipif(browser.executable() is None, reason="no Chromium on this machine")
SCRIPT = paths.ROOT / "lib/workbook/publish/sphinx/_static/reading.js"
ENTRY = {"id": "t", "kind": "table", "number": "1.1", "title_en": "T", "note_en": "", "source_en": ""}
SIFT = '<p class="fusion-bar"><span class="fusion-sift" data-sift="Rows" hidden></span></p></div>'


def page(tmp_path: Path, table: pd.DataFrame, more: str = "") -> str:
    shown = rendering.table_html(table, ENTRY).removesuffix("</div>") + more + SIFT
    file = tmp_path / "page.html"
    file.write_text(f'<html lang="en"><article>{shown}</article><script>{SCRIPT.read_text("utf-8")}</script>')
    return file.as_uri()


@pytest.fixture(scope="module")
def view() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        program = playwright.chromium.launch(executable_path=browser.executable(), args=browser.FLAGS)
        yield program.new_page()
        program.close()


def column(view: Any, place: int) -> list[str]:
    cells = view.locator(f"tbody tr > :nth-child({place})")
    return [cell.inner_text() for cell in cells.all() if cell.is_visible()]


def heads(view: Any, place: int) -> Any:
    return view.locator("thead th").nth(place - 1)


def test_numbers_are_sorted_as_numbers_and_what_is_missing_comes_last(tmp_path: Path, view: Any) -> None:
    values = [2.0, -10.0, None, 1000.0, 0.5, -0.25]
    view.goto(page(tmp_path, pd.DataFrame({"name": list("fedcba"), "x": values})))
    heads(view, 2).locator("button").click()
    assert column(view, 2) == ["−10.000", "−0.250", "0.500", "2.000", "1,000.000", "–"]
    assert heads(view, 2).get_attribute("aria-sort") == "ascending"
    heads(view, 2).locator("button").click()
    assert column(view, 2) == ["1,000.000", "2.000", "0.500", "−0.250", "−10.000", "–"]
    heads(view, 1).locator("button").click()
    assert column(view, 1) == list("abcdef") and heads(view, 2).get_attribute("aria-sort") is None


def test_rows_are_sifted_by_a_word(tmp_path: Path, view: Any) -> None:
    names = [f"{kind} {count}" for kind in ("Steel", "汽车") for count in range(10)]
    view.goto(page(tmp_path, pd.DataFrame({"name": names, "n": range(20)})))
    view.locator(".fusion-sift input").fill(" STEEL ")
    assert column(view, 1) == names[:10]
    view.locator(".fusion-sift input").fill("汽车 3")
    assert column(view, 1) == ["汽车 3"]
    view.locator(".fusion-sift input").fill("")
    assert column(view, 1) == names


@pytest.mark.parametrize("more", ["", '<p class="fusion-cut">first rows</p>'])
def test_lines_that_belong_together_and_parts_stay_as_they_are(tmp_path: Path, view: Any, more: str) -> None:
    names = [f"n{i}" for i in range(20)] if more else ["a", "", "b", ""] * 5
    view.goto(page(tmp_path, pd.DataFrame({"name": names, "x": range(20)}), more))
    assert view.locator(".fusion-sort").count() == 0 and not view.locator(".fusion-sift").is_visible()
