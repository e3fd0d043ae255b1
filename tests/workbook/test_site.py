"""The site on stand-in studies: self-contained, truthful about what is made up or unfinished, never half there."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast
from urllib.parse import quote, unquote, urlsplit

import matplotlib as mpl
import pandas as pd
import pytest
import typer
from chinese import english

mpl.use("Agg")

from matplotlib import pyplot as plt
from matplotlib.figure import Figure

from workbook import cli, paths
from workbook.exhibits import record, sheets
from workbook.publish import browser, site
from workbook.publish.built import find

# One worker builds the site once; the warning is between two of the dependencies.
pytestmark = [
    pytest.mark.filterwarnings("ignore::sphinx.deprecation.RemovedInSphinx11Warning"),
]
PLACE = "fusion-stand-in-machine"


# -- stand-in studies ----------------------------------------------------------------------------------
def code(source: str, tag: str = "", outputs: list[dict[str, Any]] | None = None) -> dict[str, Any]:
    tags = [tag] if tag else []
    name = hashlib.sha256((source + tag).encode()).hexdigest()[:8]
    cell = {
        "cell_type": "code",
        "id": name,
        "source": source,
        "execution_count": 1,
        "metadata": {"tags": tags},
    }
    return cell | {"outputs": outputs or []}


def markdown(source: str, name: str) -> dict[str, Any]:
    return {"cell_type": "markdown", "id": name, "source": source, "metadata": {}}


def shown(kind: str, text: str) -> list[dict[str, Any]]:
    return [{"output_type": "display_data", "metadata": {}, "data": {kind: text}}]


def stream(name: str, text: str) -> list[dict[str, Any]]:
    return [{"output_type": "stream", "name": name, "text": text}]


def rising(frame: pd.DataFrame, axes: dict[str, str]) -> Figure:
    """A line of words and numbers."""
    figure, place = plt.subplots(figsize=(3, 2))
    place.plot(frame["rows"])
    place.set_ylabel(axes["y"])
    return figure


TEXTS: dict[str, Any] = {
    "flow": {
        "kind": "table",
        "name": {"en": "Flow", "zh": "流程"},
        "title": {"en": "Sample flow | by step", "zh": "样本流程"},
        "note": {"en": "Two steps", "zh": "说明"},
        "secrecy": "words",
        "show": ["step", "rows"],
        "columns": {
            "step": {"role": "label", "of": "steps", "head": {"en": "Step", "zh": "步骤"}},
            "rows": {"role": "rows", "head": {"en": "Rows", "zh": "行数"}},
        },
        "headline": {
            "figure": "trend",
            "numbers": [
                {"value": "{frame.rows.first:,}", "says": {"en": "rows read", "zh": "行读入"}},
                {"value": "{frame.rows.last:,}", "says": {"en": "rows kept", "zh": "行保留"}},
            ],
        },
    },
    "trend": {
        "kind": "figure",
        "name": {"en": "Trend", "zh": "趋势"},
        "title": {"en": "Output rises", "zh": "融合指数上升"},
        "alt": {"en": "A rising line", "zh": "上升的线"},
        "axes": {"y": {"en": "Rows", "zh": "行数"}},
        "secrecy": "words",
    },
    "gone": {
        "kind": "table",
        "name": {"en": "Balance", "zh": "平衡性"},
        "title": {"en": "Balance", "zh": "平衡性"},
        "secrecy": "words",
        "needs": ["x"],
        "show": ["step"],
        "columns": {"step": {"role": "label", "head": {"en": "Step", "zh": "步骤"}}},
    },
}
SHEET: dict[str, Any] = {
    "notebook": "01_panel",
    "title": [
        {"when": "first_year", "en": "The panel since {first_year}", "zh": "{first_year} 年以来的面板"}
    ],
    "headline": ["gone", "flow"],
    "declares": {"x": {"en": "The panel has no column x.", "zh": "面板没有 x 列。"}},
    "words": {
        "told": {"text": {"en": "An estimate $\\hat\\tau$ of {n}.", "zh": "估计 $\\hat\\tau$ 共 {n}。"}}
    },
    "exhibits": TEXTS,
}


def write_sheet(folder: Path) -> None:
    """The sheet of the one notebook of both studies."""
    shared = sheets.read(paths.ROOT / "notebooks" / "exhibits" / "shared.yaml")
    steps = {"read": {"en": "read", "zh": "读取"}, "kept": {"en": "kept", "zh": "保留"}}
    shared["vocabularies"]["steps"] = {"words": steps}
    shared["answers"] = ["05_effects.ladder", "01_panel.gone", "01_panel.flow"]
    (folder / "exhibits").mkdir(parents=True)
    for name, values in {"shared": shared, "01_panel": SHEET}.items():
        (folder / "exhibits" / f"{name}.yaml").write_text(json.dumps(values), encoding="utf-8")
    shutil.copyfile(paths.ROOT / "notebooks" / "chain.yaml", folder / "chain.yaml")


def save_exhibits(folder: Path) -> list[dict[str, Any]]:
    """One table, one figure, one left out and a paragraph; the cells that show them."""
    folder.mkdir(parents=True)
    table = pd.DataFrame({"step": ["read", "kept"], "rows": [12345, 678]})
    made = [
        record.Record("01_panel", "flow", "table", "1.1"),
        record.Record("01_panel", "trend", "figure", "1.1", draw=f"{__name__}:rising"),
        record.Record("01_panel", "gone", "left_out", "1.1", lacks="x"),
    ]
    for id in ("flow", "trend"):
        record.kept(folder, id, table)
    table.to_parquet(folder / "panel.parquet")
    told = [{"id": "told", "values": {"n": 3}}]
    done = {"notebook": "01_panel", "exhibits": [one.entry() for one in made], "told": told}
    (folder / "done.json").write_text(json.dumps(done), encoding="utf-8")
    cells = []
    for one in made:
        output = shown("text/html", "as the kernel showed it")[0]
        cells.append(code("show()", one.id, [output | {"metadata": {"fusion": {"exhibit": one.id}}}]))
    said = shown("text/markdown", "as the kernel told it")[0] | {"metadata": {"fusion": {"told": 0}}}
    lacking = [markdown("## Of what is not there\n\nIts formula.", "lacking"), cells.pop()]
    return [*cells, *lacking, markdown("## Of what is there", "there"), code("tell()", "", [said])]


def write_notebook(root: Path, name: str, cells: list[dict[str, Any]], parameters: dict[str, Any]) -> str:
    content = {
        "cells": [
            markdown(
                f"# Notebook {name}\n\nIts purpose, with $\\beta_{{it}}$ in the text.\n\n$$y = x\\beta + e$$",
                "top",
            ),
            code("outcome = 'raw_default'", "parameters"),
            code("outcome = 'raw_injected'", "injected-parameters"),
            *cells,
            code("book.done()", "done", stream("stdout", "done, 2 exhibits")),
        ],
        "metadata": {
            "kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"},
            "papermill": {"parameters": parameters},
        },
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    file = root / f"{name}.ipynb"
    file.write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")
    return hashlib.sha256(file.read_bytes()).hexdigest()


def write_records(root: Path, manifest: dict[str, Any]) -> None:
    (root / "manifest.json").write_text(json.dumps(manifest, ensure_ascii=False), encoding="utf-8")


def write_synthetic(build: Path) -> None:
    """A Chinese, synthetic study: one notebook done, one failed, one skipped."""
    root = build / "demo"
    cells = save_exhibits(root / "01_panel")
    path = str(build.absolute() / "demo" / "01_panel")
    cells += [code("warn()", "", stream("stderr", "a warning of a library"))]
    cells += [code("where()", "", stream("stdout", f"read from {path}"))]
    parameters = {"language": "zh", "outcome": "ln_lp", "first_year": 2012, "dgp_firms": 300}
    sha = write_notebook(root, "01_panel", cells, parameters)
    (root / "02_classification.failed.ipynb").write_text("{}", encoding="utf-8")
    texts = {"title_zh": "示范研究 <b>", "question_zh": "融合是否提高生产率？", "estimand_zh": "平均处理效应"}
    texts |= {"cannot_zh": ["原因 <i>。", "其他。"]}
    beside = {
        "grants": {"en": "Grants are shown in", "zh": "补助见"},
        "not_there": {"en": "Others in", "zh": "其他见"},
    }
    notebooks = {
        "01_panel": {
            "status": "done",
            "seconds": 3.2,
            "inputs": {},
            "outputs": {"01_panel.ipynb": {"sha256": sha, "bytes": 10}},
        },
        "02_classification": {
            "status": "failed",
            "error": {
                "name": "ValueError",
                "value": "no codes",
                "tag": "x",
                "said": {"en": "no codes", "zh": "没有代码"},
            },
        },
        "03_indicators": {
            "status": "skipped",
            "reason": [{"en": "02_classification did not finish", "zh": "02_classification 没有完成"}],
        },
    }
    manifest = {
        "format": 1,
        "study": "demo",
        "synthetic": True,
        "language": "zh",
        "ended": "2026-11-23T08:00:00+00:00",
        "git": {"commit": "a" * 40, "dirty": True},
        "parameters": parameters
        | texts
        | {"synthetic": True, "secrecy": "public", "notebooks": list(notebooks), "beside": beside},
        "notebooks": notebooks,
    }
    write_records(root, manifest)


def write_real(build: Path) -> None:
    """A real study whose record lacks nearly everything, and a notebook that was altered after the run."""
    root = build / "grants"
    cells = save_exhibits(root / "01_panel")
    write_notebook(root, "01_panel", cells, {})
    write_notebook(root, "04_description", [], {})
    altered = {"status": "done", "outputs": {"04_description.ipynb": {"sha256": "0" * 64}}}
    manifest = {
        "study": "grants",
        "parameters": {"title_en": "Grants and *scrap*", "licence": "NCSA", "secrecy": "public"},
        "notebooks": {"01_panel": {"status": "done"}, "04_description": altered},
    }
    write_records(root, manifest)


MONTECARLO = {
    "montecarlo": """mode,estimator,draws,failed,truth,bias,bias_se,sd,mean_se,coverage,rejection,band,alone
parallel,twfe,200,0,0.0618,-0.0122,0.0012,0.017,0.0169,0.92,0.745,,
null,imputation,200,0,0.0,0.0001,0.0012,0.017,0.0169,0.95,0.05,0.935,0.615
""",
    "montecarlo_alarms": "mode,firms,pretrend,base\nparallel,1500,0.07,\ntrend,1500,0.02,0.1\n",
    "montecarlo_verdicts": "mode,firms,what,name,draws,rate,low,high,ok,known\n"
    "parallel,1500,quiet,pretrend,200,0.07,0.0,0.075,True,\n"
    "parallel,1500,coverage,twfe,200,0.90,0.93,0.97,False,shared_shocks\n"
    "null,1500,band,imputation,200,0.935,0.93,0.97,True,\n"
    "trend,1500,raised,pretrend,200,0.02,0.5,1.0,False,larger_sample\n"
    "trend,5000,raised,pretrend,50,0.62,0.5,1.0,True,\n",
    "montecarlo_production": "design,method,holds,term,truth,bias,sd,draws\ntiming,acf,True,l,0.6,0.001,0.02,50\n",
}
BENCH = "work,rows,contender,seconds,ratio,peak_mb\nwithin,1000000,exact,2.4,1.0,324\n"
VERIFICATION = """dataset,estimator,statistic,published,computed,tolerance,ok
jobtraining,PanelOLS,grant,-0.252,-0.25231488012345,0.0005,True
jobtraining,PanelOLS,grant_1,-0.422,-0.5,0.0005,False
"""


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A site of both studies; the folder that holds ``build`` and ``site``."""
    top = tmp_path_factory.mktemp(PLACE)
    write_synthetic(top / "build")
    write_real(top / "build")
    (top / "build" / "verification.csv").write_text(VERIFICATION, encoding="utf-8")
    for name, text in {**MONTECARLO, "bench": BENCH}.items():
        (top / "build" / f"{name}.csv").write_text(text, encoding="utf-8")
    write_sheet(top / "notebooks")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(paths, "NOTEBOOKS", top / "notebooks")
        patch.setenv("FUSION_BUILD", str(top / "build"))
        patch.setenv("FUSION_SITE", str(top / "site"))
        site.build()
        yield top


@pytest.fixture
def pages(built: Path) -> dict[str, str]:
    root = built / "site"
    return {f.relative_to(root).as_posix(): f.read_text("utf-8") for f in sorted(root.rglob("*.html"))}


class Links(HTMLParser):
    """What a page asks for (``loads``), where it leads (``leads``) and its anchors."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.loads: list[str] = []
        self.leads: list[str] = []
        self.anchors: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        self.anchors |= {found[name] for name in ("id", "name") if name in found}
        self.loads += [found[name] for name in ("src", "srcset", "data", "poster") if name in found]
        if "href" in found:
            canonical = tag == "link" and found.get("rel") in ("search", "next", "prev", "index")
            (self.leads if tag == "a" or canonical else self.loads).append(found["href"])


def test_sections_of_what_the_data_lack_are_not_told(pages: dict[str, str]) -> None:
    told = {n: re.sub("<[^>]*>", "", t) for n, t in pages.items() if re.fullmatch(r"../.*/01_panel\.html", n)}
    assert len(told) == 4
    for name, text in told.items():
        assert "Of what is there" in text and "Of what is not there" not in text, name
        assert text.count("show()") >= 3, "the code stays"


# -- self-contained ------------------------------------------------------------------------------------
def test_pages_load_nothing_from_elsewhere(built: Path, pages: dict[str, str]) -> None:
    assert len(pages) >= 6
    for name, text in pages.items():
        foreign = [
            u for u in Links(text).loads if urlsplit(u).scheme not in ("", "data") or u.startswith("//")
        ]
        assert foreign == [], name
    for sheet in (built / "site").rglob("*.css"):
        asked = re.findall(r"url\(\s*[\"']?([^)\"']+)|@import\s+[\"']([^\"']+)", sheet.read_text("utf-8"))
        assert [u for pair in asked for u in pair if re.match(r"(https?:)?//", u)] == [], sheet.name


def test_links_pictures_and_downloads_resolve(built: Path, pages: dict[str, str]) -> None:
    anchors = {name: Links(text).anchors for name, text in pages.items()}
    broken = []
    for name, text in pages.items():
        links = Links(text)
        for url in [*links.loads, *links.leads]:
            parts = urlsplit(url)
            if parts.scheme or not (parts.path or parts.fragment):
                continue
            place = (
                (built / "site" / name).parent / unquote(parts.path) if parts.path else built / "site" / name
            )
            page = place.resolve().relative_to((built / "site").resolve()).as_posix()
            missing = parts.fragment and parts.fragment not in anchors.get(page, set())
            if not place.is_file() or (missing and page.endswith(".html")):
                broken.append((name, url))
    assert broken == []


def test_mathematics_is_there_and_its_script_is_local(built: Path, pages: dict[str, str]) -> None:
    page = pages["zh/demo/01_panel.html"]
    assert r"\(\beta_{it}\)" in page
    assert r"y = x\beta + e" in page
    assert r"\(\hat\tau\)" in page, "mathematics told by a code cell"
    scripts = [u for u in Links(page).loads if "tex-svg" in u]
    assert len(scripts) == 1
    assert ((built / "site" / "zh" / "demo") / urlsplit(scripts[0]).path).is_file()


needs_browser = pytest.mark.skipif(
    not shutil.which("chromium"), reason="no chromium here: pages are not opened"
)


def opened(page: str) -> tuple[str, str]:
    """A page as a browser without a network shows it, and what its console says."""
    flags = "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-sync"
    flags += " --disable-background-networking --disable-component-update --virtual-time-budget=8000"
    flags += " --enable-logging=stderr --v=0 --dump-dom"
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        done = subprocess.run(
            [
                "chromium",
                *flags.split(),
                "--host-resolver-rules=MAP * ~NOTFOUND",
                f"--user-data-dir={profile}",
                page,
            ],
            capture_output=True,
            text=True,
            timeout=90,
        )
    said = [line for line in done.stderr.splitlines() if "CONSOLE" in line]
    return done.stdout, "\n".join(line for line in said if "Error" in line or "ERR_" in line)


@needs_browser
def test_every_page_is_clean_in_a_browser(built: Path, tmp_path: Path) -> None:
    """Requests, images, formulas, links, anchors, accessibility (axe: serious and critical), and a phone's width."""
    report = browser.crawl(built / "site", tmp_path)
    assert [f"{p.page}: {p.kind}: {p.what}" for p in report.problems] == []
    assert report.links > 20 and len(list(tmp_path.glob("*.png"))) == report.pages


@needs_browser
def test_the_browser_sees_what_is_wrong(tmp_path: Path) -> None:
    (tmp_path / "there.html").write_text("<html lang=en><title>t</title><main><h1>t</h1></main>", "utf-8")
    page = """<html lang=en><title>t</title><main><h1>t</h1><img src=gone.png><a href=nowhere.html>x</a>
        <a href=there.html#nothing>y</a><img alt=z src=http://localhost:9/a.png><div style="width:900px">w</div>
        <p style="color:#ddd;background:#fff">hard to read</p><script>throw Error("bad")</script></main>"""
    (tmp_path / "index.html").write_text(page, "utf-8")
    found = {(p.kind, p.what) for p in browser.crawl(tmp_path).problems}
    kinds = {kind for kind, _ in found}
    assert {"image", "image without a text", "link", "anchor", "request", "script"} <= kinds
    assert "wider than a phone" in kinds and any(kind.startswith("axe color-contrast") for kind in kinds)
    assert ("link", "nowhere.html") in found and ("anchor", "there.html#nothing") in found


def test_every_page_leads_to_itself_in_the_other_language(built: Path, pages: dict[str, str]) -> None:
    """A switch and an alternate link with their languages; the places that the switch may keep are in both pages."""
    tags, seen = {"en": "en", "zh": "zh-CN"}, 0
    for place, page in pages.items():
        language, _, rest = place.partition("/")
        if language not in tags or not rest:
            continue
        other = "zh" if language == "en" else "en"
        target = "../" * (rest.count("/") + 1) + f"{other}/{rest}"
        assert f'<html lang="{tags[language]}"' in page, place
        assert f'href="{target}" hreflang="{tags[other]}" lang="{tags[other]}"' in page, place
        assert f'<link rel="alternate" hreflang="{tags[other]}" href="{target}" />' in page, place
        named = [re.findall(r'id="((?:exhibit|m)-[^"]+)"', text) for text in (page, pages[f"{other}/{rest}"])]
        assert named[0] == named[1], place
        seen += 1
    assert seen > 8


@needs_browser
@pytest.mark.parametrize(
    ("locale", "page"), [("zh-CN", "zh"), ("zh-TW", "zh"), ("en-GB", "en"), ("fr-FR", "en")]
)
def test_the_first_page_is_in_the_browsers_language_and_the_switch_keeps_the_place(
    built: Path, locale: str, page: str
) -> None:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        program = playwright.chromium.launch(executable_path=browser.executable(), args=browser.FLAGS)
        window = program.new_context(locale=locale, viewport={"width": 1200, "height": 300}).new_page()
        window.goto((built / "site" / "index.html").as_uri())
        window.wait_for_url(f"**/site/{page}/index.html")
        window.goto((built / "site" / page / "demo" / "01_panel.html").as_uri())
        window.evaluate("document.getElementById('exhibit-trend').scrollIntoView({behavior: 'instant'})")
        with window.expect_navigation():
            window.evaluate("document.querySelector('a.fusion-switch').click()")
        other = "en" if page == "zh" else "zh"
        assert window.url.endswith(f"site/{other}/demo/01_panel.html#exhibit-trend")
        program.close()


@needs_browser
def test_a_browser_draws_the_mathematics(built: Path) -> None:
    text, errors = opened((built / "site" / "zh" / "demo" / "01_panel.html").as_uri())
    assert text.count("<mjx-container") >= 3 and "mjx-merror" not in text
    assert errors == ""


@needs_browser
@pytest.mark.parametrize(
    ("language", "query", "page"),
    [
        ("zh", "融合指数", "demo/index.html"),
        ("zh", "指数", "demo/index.html"),
        ("en", "scrap", "grants/index.html"),
    ],
)
def test_a_browser_finds_what_is_searched(built: Path, language: str, query: str, page: str) -> None:
    text, errors = opened(f"{(built / 'site' / language / 'search.html').as_uri()}?q={quote(query)}")
    found = text[text.index('id="search-results"') :]
    assert f'href="{page}' in found
    # The sentence that fits stands below, with its place; a notebook's page names its study.
    assert "data-told" in found and ("#exhibit-" in found or language == "en")
    if language == "zh":
        assert '<span class="fusion-of">示范研究 &lt;b&gt; › </span>' in found and "融合指数上升" in found
    assert errors == ""


def test_search_needs_no_server_and_knows_chinese(built: Path, pages: dict[str, str]) -> None:
    index = (built / "site" / "zh" / "searchindex.js").read_text("utf-8")
    for pair in ("融合", "指数"):
        assert json.dumps(pair) in index, "pairs of the title 融合指数上升"
    assert "splitQuery" in (built / "site" / "zh" / "_static" / "language_data.js").read_text("utf-8")
    assert (
        "SHOW_SEARCH_SUMMARY: false"
        in (built / "site" / "zh" / "_static" / "documentation_options.js").read_text()
    )
    assert {"zh/search.html", "en/search.html"} <= set(pages)


# -- truthful ------------------------------------------------------------------------------------------
def test_every_page_of_a_synthetic_study_says_so(pages: dict[str, str]) -> None:
    mine = {name: text for name, text in pages.items() if "/demo/" in name}
    assert set(mine) == {
        f"{folder}/demo/{page}.html" for folder in ("en", "zh") for page in ("index", "01_panel")
    }
    for text in mine.values():
        assert text.count('<div class="fusion-banner" role="note"') == 1
        assert text.index("fusion-banner") < text.index("<h1>"), "above the title"
    others = [name for name, text in pages.items() if name not in mine and "fusion-banner" in text]
    assert others == []
    front = pages["en/index.html"]
    assert front.count("fusion-synthetic") == 1 and front.count("fusion-real") == 1


def test_the_banner_is_printed(built: Path) -> None:
    sheet = (built / "site" / "en" / "_static" / "fusion.css").read_text("utf-8")
    printed = sheet[sheet.index("@media print") :]
    assert ".fusion-banner" in printed and not re.search(r"fusion-banner[^}]*display:\s*none", sheet)


def test_unfinished_notebooks_are_named_not_shown(built: Path, pages: dict[str, str]) -> None:
    page = pages["zh/demo/index.html"]
    assert "本研究尚未完成" in page
    assert re.search(r"02_classification</code> 失败: x: ValueError: 没有代码", page)
    assert re.search(r"03_indicators</code> 跳过: 02_classification 没有完成", page)
    page = pages["en/demo/index.html"]
    assert "x: ValueError: no codes" in page and "02_classification did not finish" in page
    assert not list((built / "site").rglob("*02_classification*"))
    assert not list((built / "site").rglob("*failed*"))


def test_a_notebook_altered_after_its_run_is_not_shown(built: Path, pages: dict[str, str]) -> None:
    assert "was altered after the run" in pages["en/grants/index.html"]
    assert not list((built / "site").rglob("*04_description*"))


def test_rows_and_machine_paths_stay_at_home(built: Path, pages: dict[str, str]) -> None:
    assert not list((built / "site").rglob("*.parquet"))
    text = (built / "site" / "en" / "searchindex.js").read_text("utf-8")
    for page in [*pages.values(), text]:
        assert str(built) not in page and str(paths.ROOT) not in page
    assert "read from build/demo/01_panel" in pages["zh/demo/01_panel.html"]


# -- a paper -------------------------------------------------------------------------------------------
def test_code_is_folded_and_machinery_hidden(pages: dict[str, str]) -> None:
    page = pages["zh/demo/01_panel.html"]
    assert "raw_default" not in page and "raw_injected" not in page and "done, 2 exhibits" not in page
    assert "a warning of a library" not in page
    assert page.count('<details class="admonition hide above-input"') == page.count("显示代码") == 6
    assert page.count('<details class="fusion-details">') == 2, "its parameters and its provenance"


def test_exhibits_are_numbered_linked_and_downloadable(pages: dict[str, str]) -> None:
    page = pages["zh/demo/index.html"]
    assert 'href="01_panel.html#exhibit-flow">表 1.1</a>' in page
    for file in (
        "01_panel/flow.csv",
        "zh/01_panel/flow.tex",
        "zh/01_panel/trend.svg",
        "zh/01_panel/trend.png",
    ):
        assert f'href="../../files/demo/{file}"' in page
    assert "略去" in page and "平衡性" in page
    assert 'src="../../files/demo/zh/01_panel/trend.svg"' in pages["zh/demo/01_panel.html"], (
        "not twice in the site"
    )
    assert "Sample flow | by step" in pages["en/grants/index.html"]


def test_parameters_say_what_differs_from_the_default(pages: dict[str, str]) -> None:
    page = pages["zh/demo/index.html"]
    row = re.search(r"<code>dgp_firms</code>.*?</tr>", page)
    assert row and "<strong><code>300</code></strong>" in row[0] and "<code>3000</code>" in row[0]
    same = re.search(r"<code>first_year</code>.*?</tr>", page)
    assert same and "同默认值" in same[0]


def test_provenance_and_language(pages: dict[str, str]) -> None:
    page = pages["zh/demo/index.html"]
    assert "a" * 40 in page and "含未提交的改动" in page
    assert '<html lang="zh-CN"' in page and '<html lang="zh-CN"' in pages["zh/demo/01_panel.html"]
    assert (
        '<html lang="en"' in pages["en/grants/index.html"]
        and '<html lang="en"' in pages["en/demo/index.html"]
    )
    assert "示范研究 &lt;b&gt;" in page, "text is never markup"
    assert "Grants and *scrap*" in pages["en/grants/index.html"]


def test_a_page_is_called_by_what_its_study_estimates(pages: dict[str, str]) -> None:
    for language, called in (("en", "The panel since 2012"), ("zh", "2012 年以来的面板")):
        page = pages[f"{language}/demo/01_panel.html"]
        assert re.search(f"<h1>{called}<", page) and page.count("<h1>") == 1
        assert called in pages[f"{language}/demo/index.html"]


def test_verification_counts_what_agrees(pages: dict[str, str]) -> None:
    page = pages["en/verification.html"]
    assert "<strong>1 of 2</strong>" in page and "DIFFERS" in page
    assert "-0.25231488<" in page


def test_monte_carlo_says_what_is_biased_and_which_alarm_is_silent(pages: dict[str, str]) -> None:
    page = pages["en/montecarlo.html"]
    assert "<strong>-0.0122</strong>" in page, "beyond twice its simulation error"
    assert ">0.0001<" in page, "within it"
    assert ">0.070<" in page and "DOES NOT HOLD" in page and "size: pre-trends" in page
    assert "needs the larger sample" in page and ">5,000<" in page and "0.500–1.000" in page
    assert "Ackerberg–Caves–Frazer" in page and "200 draws a mode" in page
    assert ">0.935<" in page and ">0.615<" in page and "band holds the path: imputation" in page.lower()
    assert "–" in page, "an alarm that could not be computed"


def test_times_are_shown(pages: dict[str, str]) -> None:
    assert "1,000,000" in pages["en/bench.html"] and ">2.40<" in pages["en/bench.html"]


# -- builds --------------------------------------------------------------------------------------------
def test_nothing_changed_is_quick_and_writes_nothing(built: Path, capsys: pytest.CaptureFixture[str]) -> None:
    index = built / "site" / "index.html"
    before, began = index.stat().st_mtime_ns, time.perf_counter()
    site.build()
    # The goal is 0.3 s (seen: 0.02 s); the slack is for a machine that runs other things.
    assert time.perf_counter() - began < 1.0
    assert index.stat().st_mtime_ns == before
    assert capsys.readouterr().out.startswith("site: nothing changed -> ")


def test_a_page_that_was_cut_is_made_again(built: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = []
    monkeypatch.setattr(site, "_make", lambda *_: made.append(1) or (0, []))
    page = built / "site" / "en" / "bench.html"
    whole, time_of_change = page.read_bytes(), page.stat()
    site.build()
    page.write_bytes(whole[:-100])
    os.utime(page, ns=(time_of_change.st_atime_ns, time_of_change.st_mtime_ns))
    try:
        assert not made
        site.build()
        assert made
    finally:
        page.write_bytes(whole)


def test_what_a_stopped_build_left_is_taken_up_or_away(tmp_path: Path) -> None:
    target, new, old = tmp_path / "site", tmp_path / ".site.new", tmp_path / ".site.old"
    for folder in (new, old):
        folder.mkdir()
    (old / "index.html").write_text("old", "utf-8")
    site._clear(target)
    assert (target / "index.html").read_text("utf-8") == "old", (
        "stopped between two renames: the old one is whole"
    )
    old.mkdir()
    site._clear(target)
    assert [f.name for f in tmp_path.iterdir()] == ["site"]


def test_a_failed_build_leaves_the_site_as_it_was(built: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = {f: f.stat().st_mtime_ns for f in (built / "site").rglob("*") if f.is_file()}

    def stumble(source: Path, html: Path, doctrees: Path, language: str) -> list[str]:
        html.mkdir(parents=True)
        (html / "index.html").write_text("half", encoding="utf-8")
        raise site.SiteError("stumbled")

    monkeypatch.setattr(site, "_render", stumble)
    monkeypatch.setattr(site, "_stamp", lambda studies: "changed")
    with pytest.raises(site.SiteError, match="stumbled"):
        site.build()
    assert {f: f.stat().st_mtime_ns for f in (built / "site").rglob("*") if f.is_file()} == before
    assert sorted(p.name for p in built.iterdir()) == ["build", "notebooks", "site"]


def test_a_full_disk_leaves_the_site_as_it_was(built: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(study: Any, folder: Path) -> None:
        raise OSError(28, "No space left on device", str(folder))

    text = (built / "site" / "index.html").read_text("utf-8")
    monkeypatch.setattr(
        site, "_render", lambda source, html, doctrees, language: html.mkdir(parents=True) or []
    )
    monkeypatch.setattr(site, "_offer", full)
    monkeypatch.setattr(site, "_stamp", lambda studies: "changed")
    with pytest.raises(site.SiteError, match="no space left"):
        site.build()
    assert (built / "site" / "index.html").read_text("utf-8") == text


def test_a_study_that_was_not_run_is_an_error_that_names_what_there_is(built: Path) -> None:
    with pytest.raises(site.SiteError, match=r"not run yet: nosuch .*there are: demo, grants"):
        site.build(["nosuch"])


def test_a_study_that_was_asked_for_and_is_refused_is_told(
    built: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Others have their site; whoever asked for this one is told at the end, too, by the exit code."""
    prepared = site.release.prepare

    def refused(study: Any) -> None:
        if study.name == "grants":
            raise site.SecrecyError("a cell of two firms")
        prepared(study)

    monkeypatch.setattr(site.release, "prepare", refused)
    monkeypatch.setattr(site, "_written", lambda target, found, began: target / "index.html")
    site.build()
    site.build(asked=["demo"])
    assert capsys.readouterr().err.count("a cell of two firms") == 2
    for how in ({"asked": ["grants"]}, {"studies": ["demo", "grants"]}):
        with pytest.raises(site.WithoutError, match="the site is there, without grants"):
            site.build(**how)
    with pytest.raises(typer.Exit) as caught:
        cli._build_site(asked=["grants"])
    assert caught.value.exit_code == 1


def test_in_chinese(built: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("FUSION_LANGUAGE", "zh")
    with pytest.raises(site.SiteError, match="尚未运行：nosuch") as caught:
        site.build(["nosuch"])
    site.build()
    told = capsys.readouterr().out
    assert (
        told.startswith("网站：没有变化")
        and english(told + str(caught.value), "nosuch", "demo", "grants") == []
    )


def test_a_change_of_any_input_is_seen(built: Path) -> None:
    studies = site._chosen(None)
    before = site._stamp(studies)
    file = built / "build" / "demo" / "spoken" / "01_panel" / "flow.csv"
    text = file.read_text("utf-8")
    file.write_text(text + "more,1\n", encoding="utf-8")
    changed = site._stamp(site._chosen(None))
    file.write_text(text, encoding="utf-8")
    assert changed != before == site._stamp(site._chosen(None))


def test_the_card_says_what_was_found(tmp_path: Path) -> None:
    from workbook.publish.pages import finding

    def study(language: str, **answer: str) -> Any:
        return SimpleNamespace(language=language, answer=answer)

    assert finding(study("en", title="About it.")) == "About it."
    assert finding(study("zh", title="关于它")) == "关于它。"
    assert finding(study("en")) == ""


def test_the_answer_is_the_first_that_is_shown(built: Path) -> None:
    """Of the exhibits that the sheets name, in their order, none that was left out."""
    for study in find(built / "build"):
        assert study.answer["id"] == "flow" and study.first("01_panel")["id"] == "flow"
        assert study.picture(study.answer)["id"] == "trend" and study.shown == ["01_panel"]
        assert study.answer["numbers"][0][0] == "12,345"


def test_the_finding_comes_first(pages: dict[str, str]) -> None:
    """Question, answer, numbers and figure; what cannot be said; the notebooks; lists are folded."""
    page = pages["zh/demo/index.html"]
    page = page[page.index("<article") :]
    order = [
        "融合是否提高生产率？",
        "样本流程。",
        ">12,345<",
        "trend.svg",
        "估计对象",
        'href="01_panel.html"',
        "<details",
    ]
    places = [page.index(part) for part in order]
    assert places == sorted(places)
    opened = re.sub(r"<details.*?</details>", "", page, flags=re.DOTALL)
    assert "dgp_firms" in page and "dgp_firms" not in opened and "flow.csv" not in opened
    front = pages["zh/index.html"]
    assert "样本流程。" in front and "trend.svg" in front and front.index("demo/index.html") > 0
    # What must not be read from it stands with it.
    assert "<strong>这些数据不能回答的问题：</strong>原因 &lt;i&gt;。" in front and "其他。" not in front


@pytest.mark.parametrize(("language", "said"), [("en", "Grants are shown in"), ("zh", "补助见")])
def test_a_study_leads_to_those_that_show_what_it_leaves_out(
    pages: dict[str, str], language: str, said: str
) -> None:
    page = pages[f"{language}/demo/index.html"]
    link = re.search(rf"{said} <a [^>]*href=\"([^\"]*)\"", page)
    assert link and (f"{language}/demo/" + link[1]).endswith("../grants/index.html")
    assert ">not_there</span></code>" in page, "a study that the site lacks is named without a link"


def test_a_notebook_opens_with_its_finding(pages: dict[str, str]) -> None:
    page = pages["en/demo/01_panel.html"]
    assert page.count('id="exhibit-flow"') == 1, "moved, not shown twice"
    places = [page.index(part) for part in ("<h1>", 'id="exhibit-flow"', "Its purpose", 'id="exhibit-trend"')]
    assert places == sorted(places)
    assert '<a href="#exhibit-flow">Table 1.1</a> stands at the top' in page
    assert page.index("What was left out, and why</h2>".replace("</h2>", "")) > page.index(
        'id="exhibit-trend"'
    )
    assert page.count("The panel has no column x.") == 1, "in one list at the end, not where it would stand"


def test_an_exhibit_can_be_taken_away(pages: dict[str, str]) -> None:
    """Permanent link, files, both documents, citation; a browser's title names page and study."""
    page = pages["en/grants/01_panel.html"]
    bar = re.search(r'<p class="fusion-bar">(.*?)</p>', page[page.index('id="exhibit-flow"') :], re.DOTALL)
    assert bar
    for place in (
        "01_panel/flow.csv",
        "en/01_panel/flow.tex",
        "en/01_panel/flow.xlsx",
        "en/01_panel/flow.docx",
    ):
        assert f'href="../../files/grants/{place}" download' in bar[1]
    assert 'href="#exhibit-flow"' in bar[1]
    assert "“Sample flow | by step”, Table 1.1 of “Grants and *scrap*”, Fusion Workbook." in bar[1]
    assert "<title>Notebook 01_panel &#8212; Grants and *scrap*</title>" in page
    assert "<title>示范研究 &lt;b&gt; &#8212; Fusion Workbook" in pages["zh/demo/index.html"]


def test_a_long_table_shows_its_first_rows() -> None:
    from workbook.publish import papers

    def table(count: int) -> str:
        rows = "".join(f"<tr><td>{i}</td></tr>" for i in range(count))
        return f"<div><div><table><tbody>{rows}</tbody></table></div></div>"

    assert papers._cut(table(papers.MOST_ROWS), "en") == table(papers.MOST_ROWS)
    short = papers._cut(table(1_472), "en")
    assert short.count("<tr>") == papers.FIRST_ROWS and "The first 60 of 1,472 rows" in short
    assert short.count("</div>") == 2 and "<td>60</td>" not in short


def test_code_that_estimates_nothing_is_not_shown() -> None:
    from workbook.publish import papers

    plumbing = (
        "import pandas as pd",
        "book, p = Book.open('x', globals())",
        "book.exhibit('a', f)\nbook.write('b', f)",
    )
    assert all(map(papers._plumbing, plumbing))
    assert not any(map(papers._plumbing, ("x = book.read('a').mean()", "fit(x)\nbook.done()", "", "%magic")))


@needs_browser
def test_one_switch_shows_all_code(built: Path) -> None:
    text, errors = opened((built / "site" / "en" / "demo" / "01_panel.html").as_uri())
    assert text.count('class="fusion-code-switch"') == 1 and ">Show code</button>" in text and errors == ""
    assert 'class="fusion-cite" data-cite=' in text and not re.search(r"fusion-cite[^>]*hidden", text)


def test_a_citation_is_an_entry_of_a_bibliography_whatever_its_title_holds(built: Path) -> None:
    demo, _ = find(built / "build")
    row = {"kind": "table", "number": "1.2", "title": "50% of {x}_1 & 'y' \\\\end"}
    from workbook.publish import papers

    lines = papers.bibtex(demo.spoken("en"), row).splitlines()
    assert lines[0] == "@misc{demo-1.2," and lines[-2:] == ["  url = {},", "}"]
    title = next(line for line in lines if line.startswith("  title"))
    assert r"50\% of \{x\}\_1 \& " in title and "\\\\" not in title
    assert all(line.count("{") == line.count("}") for line in lines[1:-1])
    page = (built / "site" / "en" / "demo" / "01_panel.html").read_text("utf-8")
    (first, *_) = re.findall(r'class="fusion-bib" data-cite="(@misc{demo-[^"]*)"', page)
    assert "url = {},&#10;}" in first or "url = {},\n}" in first


def test_for_readers_of_chinese_studies_of_china_come_first(built: Path) -> None:
    from dataclasses import replace

    from workbook.publish.pages import _ordered

    demo, grants = find(built / "build")
    far = replace(demo, manifest=demo.manifest | {"parameters": demo.parameters | {"country": "US"}})
    assert [s.name for s in _ordered([far.spoken("zh"), grants.spoken("zh")])] == ["grants", "demo"]
    assert [s.name for s in _ordered([demo.spoken("zh"), grants.spoken("zh")])] == ["demo", "grants"]


def test_nothing_run_yet_still_gives_a_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from workbook.publish import pages as sources

    assert "make study" in sources.front([], {}, "en")


def test_what_opens_a_page_keeps_its_own_number() -> None:
    """Notebooks 07 and 12 both have a curve."""
    from workbook.publish import papers

    rows = [
        {"id": "curve", "notebook": n, "kind": "figure", "number": f"{n[:2]}.1"}
        for n in ("07_robustness", "12_variants")
    ]
    cells = [{"cell_type": "code", "outputs": [{"metadata": {"fusion": {"exhibit": "curve"}}}]}]
    rest = papers._led(cells, rows[1], cast(Any, SimpleNamespace(language="en", exhibits=rows)))[1]
    assert "Figure 12.1" in rest[0]["outputs"][0]["data"]["text/markdown"]
