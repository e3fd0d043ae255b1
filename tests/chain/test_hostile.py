"""A study whose every text is a payload runs, is published, and nothing in it acts anywhere."""

from __future__ import annotations

import getpass
import io
import json
import os
import re
import socket
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import urlsplit
from xml.etree import ElementTree

import pandas as pd
import pyarrow.parquet as pq
import pytest
from markdown_it import MarkdownIt
from payloads import FILED, hostile, placed, words_of_the_model
from ruamel.yaml import YAML
from runs import FULL, MAIN, Run, few

from workbook import paths
from workbook.params import load
from workbook.publish import browser
from workbook.publish import policy as policy_of

# What no page of ours has: it loads, submits or runs something.
LIVE = {
    "iframe",
    "object",
    "embed",
    "base",
    "math",
    "input",
    "form",
    "style",
    "link",
    "meta",
    "script",
    "body",
    "details",
}
# What the environment of the runs holds, and no file of theirs may.
PLANTED = {  # put together here, for a package holds this file
    "FUSION_TEST_TOKEN": "-".join(("planted", "4f1c", "q7zk")),
    "LOGNAME": "".join(("planted", "person")),
    "EMAIL": "@".join(("planted", "mail.invalid")),
}
FED = tuple(text.replace("|", "").strip() for text in FILED)
DERIVED = ["ln_lp", "ln_employees", "ln_capital_labour", "leverage", "roa", "pilot"]


@pytest.fixture(scope="module")
def site(run: Callable[[str], Run], tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = tmp_path_factory.mktemp("hostile")
    panel = pd.read_parquet(run(MAIN).folder / "01_panel" / "panel.parquet").drop(columns=DERIVED)
    text = (paths.PARAMS / "smoke.yaml").read_text("utf-8")
    study = YAML(typ="safe").load(text if FULL else few(text))
    with pytest.MonkeyPatch.context() as patch:
        for name, value in PLANTED.items():
            patch.setenv(name, value)
        done = run(str(hostile(panel, study, folder)))
        said = done.fusion("site")
        packed = done.fusion("package", "hostile", "--allow-dirty")
    assert said.returncode == 0, said.stdout + said.stderr
    assert packed.returncode == 0, packed.stdout + packed.stderr
    return done


class Page(HTMLParser):
    """Elements of a page's own part, and attributes that act, anywhere."""

    def __init__(self) -> None:
        super().__init__()
        self.depth = 0
        self.inside: list[str] = []
        self.every: list[str] = []
        self.acts: list[tuple[str, str, str | None]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.depth += tag == "article"
        self.every.append(tag)
        if self.depth:
            self.inside.append(tag)
        for name, value in attrs:
            scheme = (
                urlsplit((value or "").strip()).scheme if name in ("href", "src", "action", "srcdoc") else ""
            )
            if (
                name.startswith("on")
                or name == "srcdoc"
                or scheme in ("javascript", "vbscript")
                or "out.invalid" in (value or "" if name in ("href", "src", "action", "data") else "")
            ):
                self.acts.append((tag, name, value))

    def handle_endtag(self, tag: str) -> None:
        self.depth -= tag == "article"


def test_no_page_holds_what_acts(site: Run) -> None:
    pages = sorted(site.site.rglob("*.html"))
    assert len(pages) > 25
    for file in pages:
        page = Page()
        page.feed(file.read_text("utf-8"))
        assert page.acts == [], (file, page.acts)
        if "hostile" in file.parts:
            assert set(page.inside) & (LIVE - {"details"}) == set(), (file, set(page.inside) & LIVE)
        assert "Content-Security-Policy" in file.read_text("utf-8")


@pytest.mark.skipif(browser.executable() is None, reason="no Chromium on this machine")
def test_in_a_browser_no_script_runs_and_no_request_leaves(site: Run) -> None:
    from playwright.sync_api import sync_playwright

    left: list[str] = []
    with sync_playwright() as playwright:
        program = playwright.chromium.launch(executable_path=browser.executable(), args=browser.FLAGS)
        view = program.new_page()
        view.on(
            "request",
            lambda r: left.append(r.url) if urlsplit(r.url).scheme not in ("file", "data") else None,
        )
        view.on("dialog", lambda d: left.append(d.message))
        view.on("pageerror", lambda e: left.append(str(e)))
        view.on("console", lambda m: left.append(m.text) if "Content Security" in m.text else None)
        pages = [p for p in sorted(site.site.rglob("*.html")) if p.parent != site.site / "hostile"]
        searched = [f"{(site.site / one / 'search.html').as_uri()}?q={word}" for one in ("en", "zh")
                    for word in ("PWN", "script", "invalid")]  # fmt: skip
        for address in [*(page.as_uri() for page in pages), *searched]:
            view.goto(address, wait_until="load")
            view.evaluate("() => window.MathJax?.startup?.promise?.then(() => null)")
            if "search.html?" in address:
                view.wait_for_selector("#search-results li, #search-results p", timeout=10_000)
            view.evaluate(MOVE)
            found = view.evaluate(
                "() => [window.PWN, document.querySelectorAll('[href^=javascript]').length]"
            )
            assert found == [None, 0], (address, found)
        program.close()
    assert left == []


# Whatever waits for a reader to do something: pointer, focus, opening.
MOVE = """() => { for (const e of document.querySelectorAll('article *')) for (const kind of ['mouseover', 'focus', 'toggle'])
  e.dispatchEvent(new Event(kind, {bubbles: false})) }"""


def downloads(site: Run, *suffixes: str) -> Iterator[Path]:
    found = [f for f in (site.site / "files" / "hostile").rglob("*") if f.suffix in suffixes]
    assert found, suffixes
    return iter(found)


def test_spreadsheets_compute_nothing(site: Run) -> None:
    from openpyxl import load_workbook

    for file in downloads(site, ".xlsx"):
        for sheet in load_workbook(file):
            for cell in (c for row in sheet.iter_rows() for c in row if c.value is not None):
                assert cell.data_type not in ("f", "e"), (sheet.title, cell.coordinate)
                assert cell.hyperlink is None or (cell.hyperlink.location and not cell.hyperlink.target)
    for file in downloads(site, ".csv"):
        table = pd.read_csv(file, dtype=str, keep_default_na=False, encoding="utf-8-sig")
        for text in [*table.columns, *(t for name in table for t in table[name])]:
            number = re.fullmatch(r"[+-]?[\d.,]+([eE][+-]?\d+)?\s*%?", text)
            assert number or not re.match(r"\s*[=+\-@＝＋－＠]", text), (file.name, text)


def test_pictures_word_and_latex_hold_text_alone(site: Run) -> None:
    for file in downloads(site, ".svg"):
        for element in ElementTree.parse(file).iter():
            assert element.tag.rpartition("}")[2] not in ("script", "foreignObject", "a", "animate", "set"), (
                file
            )
            for name, value in element.attrib.items():
                assert not name.startswith("on") and (
                    not name.endswith("href") or value.startswith(("#", "data:image"))
                )
    for file in downloads(site, ".docx"):
        with zipfile.ZipFile(file) as archive:
            xml = "".join(
                archive.read(n).decode("utf-8") for n in archive.namelist() if n.endswith((".xml", ".rels"))
            )
        assert (
            all(
                re.match(r"\s*(TOC|SEQ|PAGE|NUMPAGES)\b", f)
                for f in re.findall(r"<w:instrText[^>]*>([^<]*)", xml)
            )
            and "fldSimple" not in xml
            and "out.invalid" not in "".join(re.findall(r'Target="[^"]*"', xml))
        )
    for file in downloads(site, ".tex"):
        text = file.read_text("utf-8")
        assert not re.search(r"\\(input|write|href|csname|require|unicode|end\{align)", text), file


def test_notebooks_that_are_downloaded_show_text_alone(site: Run) -> None:
    for file in downloads(site, ".ipynb"):
        for cell in json.loads(file.read_text("utf-8"))["cells"]:
            for output in cell.get("outputs", []):
                for kind, data in output.get("data", {}).items():
                    page, text = Page(), "".join(data)
                    page.feed(
                        text if kind == "text/html" else "" if "image" in kind else MarkdownIt().render(text)
                    )
                    assert page.acts == [] and not set(page.every) & (LIVE - {"style", "details"}), (
                        file.name,
                        kind,
                    )


def test_nothing_published_names_the_machine(site: Run) -> None:
    """Neither paths, nor who ran it, nor the machine, nor what the environment holds."""
    secrets = {
        str(paths.ROOT),
        str(paths.ROOT.resolve()),
        str(Path.home()) + "/",
        str(site.build),
        tempfile.gettempdir() + "/",
        *PLANTED.values(),
    }
    person, machine = getpass.getuser(), socket.gethostname()
    secrets |= {
        f"/{person}/",
        f"@{machine}",
        *(name for name in (person, machine) if len(name) > 6 and name != "localhost"),
    }
    secrets |= {
        v
        for k, v in os.environ.items()
        if len(v) > 11 and not k.startswith(("LC_", "LANG", "TERM", "MAKE", "MFLAGS"))
    }
    looked, kinds = 0, set()
    for name, whole in every(site):
        looked += 1
        kinds.add(Path(name).suffix)
        content = legible(name, whole)
        for secret in secrets:
            assert secret.encode() not in content, (name, secret)
    assert looked > 300
    assert kinds >= {".html", ".ipynb", ".xml", ".parquet", ".json", ".svg", ".pdf", ".csv", ".tex", ".png"}


def every(site: Run) -> Iterator[tuple[str, bytes]]:
    """All files of the site and of the package, archives unpacked, also those in archives."""
    for file in [*site.site.rglob("*"), *(site.build / "packages").rglob("*")]:
        if file.is_file() and "_static" not in file.parts:
            yield from unpacked(str(file), file.read_bytes())


def unpacked(name: str, content: bytes) -> Iterator[tuple[str, bytes]]:
    if content[:4] != b"PK\x03\x04":
        yield name, content
        return
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        yield f"{name}: comment", archive.comment
        for part in archive.infolist():
            yield f"{name}/{part.filename}: name", part.filename.encode() + part.extra + part.comment
            yield from unpacked(f"{name}/{part.filename}", archive.read(part))


def legible(name: str, content: bytes) -> bytes:
    """What can be read in a file: of a binary one its texts, for three letters stand somewhere in any compressed bytes."""
    if name.endswith(".parquet"):
        file = pq.ParquetFile(io.BytesIO(content))
        about = f"{file.metadata.created_by}\n{file.schema_arrow.metadata}\n{file.metadata.metadata}"
        return f"{about}\n{file.read().to_pandas().to_csv()}".encode()
    if content[:5] == b"%PDF-":
        streams = re.findall(rb"stream\r?\n(.*?)\r?\nendstream", content, re.DOTALL)
        content += b"\n".join(part for one in streams if (part := inflated(one)))
    try:
        content.decode("utf-8")
    except UnicodeDecodeError:
        return b"\n".join(re.findall(rb"[\x20-\x7e]{8,}", content))
    return content


def inflated(stream: bytes) -> bytes:
    try:
        return zlib.decompress(stream)
    except zlib.error:  # stored as it is, or a picture
        return b""


def test_every_page_has_a_policy_that_allows_what_it_brings_alone(site: Run) -> None:
    """Front, redirects, search, 404 and pages of packages, too: the policy stands before whatever could act."""
    pages = [
        (n, c.decode("utf-8")) for n, c in every(site) if n.endswith(".html") and "/_templates/" not in n
    ]
    assert len(pages) > 25
    for name, text in pages:
        head = text.index('<meta http-equiv="Content-Security-Policy"')
        assert re.search(r"<(script|link|style|img|body)\b", text[:head]) is None, name
        policy = re.match(r'[^>]*content="([^"]*)"', text[head:])[1]  # type: ignore[index]
        rules = {rule.split()[0]: rule.split()[1:] for rule in policy.split("; ")}
        assert rules["default-src"] == ["'none'"] and rules["base-uri"] == ["'none'"], name
        assert (
            "unsafe-eval" not in policy and "'unsafe-inline'" not in rules["script-src"] and "*" not in policy
        ), name
        allowed = set(rules["script-src"]) - {"'self'"}
        written = re.findall(
            r"<script(?![^>]*\bsrc=)(?![^>]*application/json)[^>]*>(.*?)</script>", text, re.DOTALL
        )
        digests = {f"'sha256-{policy_of._digest(code)}'" for code in written}
        assert allowed <= digests, (name, "a script is allowed that the page does not bring")


def test_every_text_of_the_model_was_a_payload(site: Run) -> None:
    """Places are read from the model: one that is added is missed here until it is fed."""
    fed = load.load(site.study).parameters.model_dump(by_alias=True, mode="json")
    stated = YAML(typ="safe").load(Path(site.study).read_text("utf-8"))  # `name` becomes labels as it is read
    fed["panel"]["columns"] |= {f"{name}.stated": one for name, one in stated["columns"].items()}
    placed_there = {place for place, text in placed(fed) if any(one in text for one in FED)}
    wanted = words_of_the_model()
    assert len(wanted) > 40
    assert wanted - placed_there == set()
    used = json.dumps(site.manifest["parameters"], ensure_ascii=False)
    assert "PWN" in used + (site.build / "hostile" / "exhibits.csv").read_text("utf-8")
