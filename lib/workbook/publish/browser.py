"""Every page of a site opened in a real browser: requests, images, formulas, links, downloads, accessibility, a phone.

Playwright drives a Chromium that the machine has (Debian: ``apt install chromium``); none is downloaded. Accessibility is
judged by axe-core, which axe-playwright-python brings.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

NAMES = ("chromium", "chromium-browser", "google-chrome")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--allow-file-access-from-files",
]
DESKTOP, PHONE = {"width": 1280, "height": 900}, {"width": 390, "height": 844}
GRAVE = ("serious", "critical")
# What is looked at in the page itself.
LOOK = """() => ({
  images: [...document.images].filter(i => i.complete && !i.naturalWidth).map(i => i.getAttribute('src')),
  unnamed: [...document.images].filter(i => !i.hasAttribute('alt')).map(i => i.getAttribute('src')),
  formulas: document.querySelectorAll('mjx-merror, [data-mjx-error]').length,
  raw: [...document.querySelectorAll('.math')].filter(m => !m.querySelector('mjx-container')).length,
  links: [...document.querySelectorAll('a[href]')].map(a => a.getAttribute('href')),
  ids: [...document.querySelectorAll('[id]')].map(e => e.id),
  wide: document.documentElement.scrollWidth - window.innerWidth,
})"""


@dataclass(frozen=True)
class Problem:
    """Something wrong on a page."""

    page: str
    kind: str
    what: str


@dataclass
class Report:
    """What was opened, and what is wrong."""

    pages: int
    links: int
    problems: list[Problem]


def executable() -> str | None:
    """The machine's Chromium; None if it has none."""
    return next((found for name in NAMES if (found := shutil.which(name))), None)


# A page that sends its reader on at once; a browser would show the one that it leads to.
MOVES_ON = "location.replace("
HREF = re.compile(r'href="([^"]+)"')


def crawl(site: Path, shots: Path | None = None) -> Report:
    """Open every page of a built site, wide and as on a phone.

    Parameters
    ----------
    site : Path
        Folder of the site.
    shots : Path, optional
        Folder for a screenshot of each page.

    Returns
    -------
    Report

    Raises
    ------
    FileNotFoundError
        If there is no Chromium, or no site.
    """
    from playwright.sync_api import sync_playwright

    program = executable()
    every = sorted(site.rglob("*.html"))
    doors = [page for page in every if MOVES_ON in page.read_text(encoding="utf-8", errors="replace")]
    pages = [page for page in every if page not in doors]
    if program is None or not pages:
        raise FileNotFoundError("no Chromium on this machine" if pages else f"no pages in {site}")
    problems: list[Problem] = []
    anchors: dict[Path, set[str]] = {}
    links: list[tuple[Path, str]] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=FLAGS)
        for page in pages:
            found, seen = _open(browser, page, site, shots)
            problems += found
            anchors[page] = set(seen["ids"])
            links += [(page, href) for href in seen["links"]]
        browser.close()
    links += [(page, href) for page in doors for href in HREF.findall(page.read_text(encoding="utf-8"))]
    problems += [p for page, href in links for p in _link(page, href, site, anchors)]
    return Report(len(pages), len(links), problems)


# -- inside ------------------------------------------------------------------------------------


def _open(browser: Any, page: Path, site: Path, shots: Path | None) -> tuple[list[Problem], dict[str, Any]]:
    from axe_playwright_python.sync_playwright import Axe

    name = page.relative_to(site).as_posix()
    problems: list[Problem] = []
    view = browser.new_page(viewport=DESKTOP)
    view.on("console", lambda m: _said(m, name, problems))
    view.on("pageerror", lambda error: problems.append(Problem(name, "script", str(error))))
    view.on("request", lambda r: _outside(r.url, name, problems))
    view.goto(page.as_uri(), wait_until="load")
    view.evaluate("() => window.MathJax?.startup?.promise?.then(() => null)")
    seen = view.evaluate(LOOK)
    problems += [Problem(name, "image", str(src)) for src in seen["images"]]
    problems += [Problem(name, "image without a text", str(src)) for src in seen["unnamed"]]
    if seen["formulas"] or seen["raw"]:
        problems.append(Problem(name, "formula", f"{seen['formulas']} with errors, {seen['raw']} not drawn"))
    problems += _judged(view, Axe(), name, {})
    if shots is not None:
        shots.mkdir(parents=True, exist_ok=True)
        view.screenshot(path=str(shots / f"{name.replace('/', '_')}.png"), full_page=True)
    view.set_viewport_size(PHONE)
    wide = view.evaluate("() => document.documentElement.scrollWidth - window.innerWidth")
    if wide > 1:
        problems.append(Problem(name, "wider than a phone", f"{wide} px"))
    # In the dark colours alone can be wrong, which the same page in the light does not show.
    view.evaluate(
        "() => { document.documentElement.dataset.mode = document.documentElement.dataset.theme = 'dark' }"
    )
    problems += _judged(view, Axe(), f"{name} (dark)", {"runOnly": ["color-contrast"]})
    view.close()
    return problems, seen


def _judged(view: Any, axe: Any, name: str, options: dict[str, Any]) -> list[Problem]:
    """What axe finds grave. Without preload: it would fetch style sheets that others import from where they are not."""
    found = axe.run(view, options={"preload": False, **options}).response["violations"]
    return [
        Problem(name, f"axe {v['id']} ({v['impact']})", v["nodes"][0]["html"][:150])
        for v in found
        if v["impact"] in GRAVE
    ]


def _said(message: Any, name: str, problems: list[Problem]) -> None:
    """Errors on the console. A folder has no favicon.ico, which the browser asks for by itself."""
    place = str((message.location or {}).get("url", ""))
    if message.type == "error" and not place.endswith("favicon.ico"):
        problems.append(Problem(name, "console", f"{message.text} {Path(place).name}".strip()))


def _outside(url: str, name: str, problems: list[Problem]) -> None:
    """No request may leave the machine."""
    if urlsplit(url).scheme not in ("file", "data", "blob", "about"):
        problems.append(Problem(name, "request", url))


def _link(page: Path, href: str, site: Path, anchors: dict[Path, set[str]]) -> Iterator[Problem]:
    """A link of the site must lead to a file, and its anchor must be there; links to elsewhere are not followed."""
    parts = urlsplit(href)
    if parts.scheme or parts.netloc or href in ("", "#"):
        return
    target = (page.parent / unquote(parts.path)).resolve() if parts.path else page.resolve()
    name = page.relative_to(site).as_posix()
    if not target.exists():
        yield Problem(name, "link", href)
    elif parts.fragment and target in anchors and unquote(parts.fragment) not in anchors[target]:
        yield Problem(name, "anchor", href)
