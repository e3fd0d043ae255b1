"""What ten readers look for, from the front page on, and how many clicks each needs: as `docs/pages.md` says."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from runs import MAIN, Run

from workbook import paths
from workbook.publish import browser

MOST = 3
WIDE, PHONE = (1440, 900), (390, 844)
LANGUAGES = ("en", "zh")


class Reader:
    """Someone with a mouse: clicks what can be seen, and counts.

    Parameters
    ----------
    window : playwright Page
        On the front page.
    study : str
        The study's folder in the site.
    language : {"en", "zh"}
        The language.
    """

    def __init__(self, window: Any, study: str, language: str) -> None:
        self.window, self.study, self.language, self.clicks = window, study, language, 0

    def click(self, what: str, within: Any = None) -> None:
        """Click the first thing that matches and can be seen."""
        (within or self.window).locator(what).filter(visible=True).first.click()
        self.clicks += 1

    def taken(self, what: str) -> Path:
        """Click what gives a file; where it lies."""
        with self.window.expect_download() as download:
            self.click(what, self.answer)
        return Path(download.value.path())

    def seen(self, what: str) -> str:
        """The text of the first that matches and can be seen."""
        return str(self.window.locator(what).filter(visible=True).first.inner_text())

    @staticmethod
    def told(place: Any) -> str:
        """The text of the first of some places, once it can be seen."""
        place.first.wait_for(state="visible")
        return str(place.first.inner_text())

    @property
    def card(self) -> str:
        return f'.fusion-card:has(a[href^="{self.study}/"])'

    @property
    def answer(self) -> Any:
        """The exhibit at which the page was opened."""
        return self.window.locator(self.window.url[self.window.url.index("#") :])

    def open_study(self) -> None:
        self.click(f"{self.card} h2 a")

    def open_answer(self) -> None:
        """The study, then the exhibit that answers it."""
        self.open_study()
        self.click("figcaption a >> nth=-1")

    def open_units(self) -> None:
        """The study, then the page of pilot units and bureau tables, from the story."""
        self.open_study()
        self.click('article a[href^="09_evaluation"]')


def _effect(one: Reader) -> None:
    assert re.search(r"[+−]0\.\d{3}", one.seen(f"{one.card} .fusion-found"))


def _interval(one: Reader) -> None:
    assert re.search(
        r"95% ?(interval|区间) ?[−\d.]+ ?(to|至) ?[−\d.]+", one.seen(f"{one.card} .fusion-found")
    )


def _data(one: Reader) -> None:
    one.open_answer()
    assert one.taken('a:text-is("CSV")').read_text("utf-8-sig").count(",") > 3


def _cannot(one: Reader) -> None:
    one.open_study()
    heading = {"en": "What these data cannot answer", "zh": "这些数据不能回答的问题"}[one.language]
    below = one.window.locator(f'h2:has-text("{heading}") + ul > li')
    assert len(one.told(below)) > 20


def _word(one: Reader) -> None:
    from docx import Document

    one.open_answer()
    assert len(Document(str(one.taken('a:text-is("Word")'))).tables) == 1


def _other_language(one: Reader) -> None:
    if one.window.viewport_size["width"] < 700:
        one.click("button.pst-navbar-icon, .primary-toggle")  # on a phone it stands in the menu
    with one.window.expect_navigation():
        one.click("a.fusion-switch")
    other = {"en": "zh", "zh": "en"}[one.language]
    assert f"/{other}/" in one.window.url


def _code(one: Reader) -> None:
    one.open_answer()
    one.click(".fusion-code-switch")
    assert "book.exhibit(" in one.window.locator("article").inner_text()


def _last_year(one: Reader) -> None:
    one.open_units()
    head = {"en": "Year before", "zh": "上年"}[one.language]
    table = one.window.locator(f'table:has(th:has-text("{head}"))')
    assert re.search(r"\d", one.told(table))


def _grade(one: Reader) -> None:
    one.open_units()
    text = one.told(one.window.locator("#exhibit-conclusions table"))
    assert {"en": "Grade", "zh": "等级"}[one.language] in text and len(text.splitlines()) > 3


def _citation(one: Reader) -> None:
    one.open_answer()
    one.click(".fusion-cite", one.answer)
    assert {"en": "Copied", "zh": "已复制"}[one.language] in one.answer.locator(".fusion-bar").inner_text()


TASKS: list[Callable[[Reader], None]] = [
    _effect, _interval, _data, _cannot, _word, _other_language, _code, _last_year, _grade, _citation,
]  # fmt: skip


@pytest.fixture(scope="module")
def reader(sited: Callable[[str], Run]) -> Iterator[Callable[[str, tuple[int, int]], Any]]:
    """A reader of a language with a screen, on the front page."""
    if not shutil.which("chromium"):
        pytest.skip("no chromium here: pages are not opened")
    from playwright.sync_api import sync_playwright

    site = sited(MAIN).site
    (place,) = site.glob("en/*/06_dynamics.html")
    with sync_playwright() as playwright:
        program = playwright.chromium.launch(executable_path=browser.executable(), args=browser.FLAGS)

        @contextmanager
        def sit(language: str, screen: tuple[int, int]) -> Iterator[Reader]:
            size = {"width": screen[0], "height": screen[1]}
            context = program.new_context(locale={"en": "en-GB", "zh": "zh-CN"}[language], viewport=size)
            context.set_default_timeout(15_000)
            window = context.new_page()
            window.goto((site / language / "index.html").as_uri())
            yield Reader(window, place.parent.name, language)
            context.close()

        yield sit
        program.close()


def _told(language: str) -> list[tuple[int, int]]:
    """Clicks on a wide screen and on a phone as the guide says, task by task."""
    text = (paths.ROOT / "docs" / f"pages{'' if language == 'en' else '.zh'}.md").read_text("utf-8")
    rows = re.findall(r"^\| \d+ \|.*\| (\d+) \| (\d+) \|$", text, re.MULTILINE)
    return [(int(wide), int(phone)) for wide, phone in rows]


@pytest.mark.parametrize("language", LANGUAGES)
def test_ten_readers_find_what_they_look_for(
    reader: Callable[[str, tuple[int, int]], Any], language: str
) -> None:
    needed = []
    for task in TASKS:
        counts = []
        for screen in (WIDE, PHONE):
            with reader(language, screen) as one:
                task(one)
                counts.append(one.clicks)
        needed.append((counts[0], counts[1]))
    assert needed == _told(language), "docs/pages.md and docs/pages.zh.md say how many"
    assert max(max(pair) for pair in needed) <= MOST
