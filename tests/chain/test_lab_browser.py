"""A study's start page and a notebook changed by hand, in a real JupyterLab in Chromium."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from runs import FULL, MAIN, Run

from workbook import paths
from workbook.lab import start
from workbook.params.load import load
from workbook.publish import browser

CHROMIUM = pytest.mark.skipif(browser.executable() is None, reason="no Chromium on this machine")
LONGEST = 120_000  # milliseconds: two other tests may want the processors


PICTURE = "() => [...document.images].some(i => i.naturalWidth > 300 && i.closest('.jp-RenderedMarkdown'))"
READ = "text => [...document.querySelectorAll('.jp-RenderedMarkdown')].some(e => e.offsetParent && e.innerText.includes(text))"
DOWN = "() => document.querySelectorAll('.jp-WindowedPanel-outer').forEach(e => e.scrollTo(0, 1e6))"


@pytest.fixture(scope="module")
def mine(sited: Callable[[str], Run], tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A copy that may be written to, with a notebook of which one parameter was changed."""
    made, folder = sited(MAIN), tmp_path_factory.mktemp("lab")
    shutil.copytree(made.build, folder / "build")
    file = Path(shutil.copy(made.study, folder))
    content = json.loads((paths.NOTEBOOKS / "08_heterogeneity.ipynb").read_text("utf-8"))
    cell = next(c for c in content["cells"] if "parameters" in c["metadata"].get("tags", []))
    text = "".join(cell["source"])
    changed = text.replace("test_size = 0.05", "test_size = 0.2")
    assert changed != text
    draws = "\nresampling_draws = 99\n"
    cell["source"] = (changed.replace(f'study = "{MAIN}"', f'study = "{file}"') + draws).splitlines(True)
    (folder / "08_heterogeneity.ipynb").write_text(json.dumps(content), encoding="utf-8")
    return Run(str(file), folder / "build", folder / "site", made.log)


@pytest.fixture(scope="module")
def lab(mine: Run, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """JupyterLab's address."""
    home = tmp_path_factory.mktemp("home")
    env = os.environ | {"FUSION_BUILD": str(mine.build), "JUPYTER_CONFIG_DIR": str(home), "HOME": str(home)}
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    os.environ["FUSION_BUILD"] = str(mine.build)
    try:
        page = start.write(load(mine.study))
    finally:
        del os.environ["FUSION_BUILD"]
    own = [
        "--no-browser",
        f"--port={port}",
        "--IdentityProvider.token=",
        "--allow-root",
        "--ServerApp.port_retries=0",
    ]
    with (home / "log.txt").open("w") as log:
        server = subprocess.Popen([*start.command(page), *own], env=env, stdout=log, stderr=log)
    address = f"http://127.0.0.1:{port}"
    try:
        for _ in range(240):
            try:
                urllib.request.urlopen(f"{address}/lab", timeout=5)
                break
            except OSError:
                assert server.poll() is None, (home / "log.txt").read_text("utf-8")
                time.sleep(0.5)
        yield address
    finally:
        server.terminate()
        server.wait(30)


@pytest.fixture(scope="module")
def view() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        program = playwright.chromium.launch(executable_path=browser.executable(), args=browser.FLAGS)
        page = program.new_page(viewport={"width": 1300, "height": 900})
        page.set_default_timeout(LONGEST)
        yield page
        program.close()


@CHROMIUM
def test_the_lab_opens_on_what_was_found(lab: str, view: Any, mine: Run) -> None:
    asked: list[str] = []
    view.on(
        "request", lambda r: asked.append(r.url) if not r.url.startswith((lab, "data:", "blob:")) else None
    )
    view.goto(lab)
    view.wait_for_selector(".jp-RenderedMarkdown h1")
    assert mine.folder.name in view.url and view.url.endswith(start.FILE)
    # The headline's picture is there.
    view.wait_for_function(PICTURE)
    view.evaluate(DOWN)  # cells that are not seen are not drawn
    view.wait_for_function(READ, arg="fusion adopt")
    assert [url for url in asked if not url.startswith(lab.replace("http", "ws"))] == []


@CHROMIUM
def test_plumbing_is_folded_and_the_parameters_are_not(lab: str, view: Any, mine: Run) -> None:
    view.goto(view.url.replace(start.FILE, "08_heterogeneity.ipynb"))
    view.wait_for_selector(".jp-CodeCell")
    folded = view.wait_for_selector(".jp-CodeCell .jp-Placeholder")
    assert "import" in folded.inner_text()
    shown = view.evaluate(
        "() => [...document.querySelectorAll('.jp-NotebookPanel:not(.lm-mod-hidden) .jp-CodeCell .cm-content')]"
        ".map(e => e.innerText)"
    )
    assert any("test_size = 0.05" in text for text in shown)
    assert not any(text.startswith(("import ", "from ")) for text in shown)


@CHROMIUM
def test_a_study_is_made_in_the_form(lab: str, view: Any, mine: Run) -> None:
    """Searched, changed, refused, mended, saved; the file is one that `fusion validate` accepts."""
    base = Path(mine.study)
    root = Path(os.path.commonpath([paths.ROOT, mine.build]))
    view.goto(f"{lab}/lab/tree/{(mine.folder / start.FILE).relative_to(root).as_posix()}")
    view.wait_for_selector(".jp-RenderedMarkdown h1")
    view.evaluate(DOWN)
    view.locator(".jp-CodeCell .cm-content").filter(has_text="fields.show").click()
    view.keyboard.press("Shift+Enter")
    view.wait_for_selector(".jp-OutputArea-output .widget-vbox")
    _fill(view, "Find", "curve_drawz")
    view.get_by_text("Nearest: curve_draws").wait_for()
    _fill(view, "Find", "curve_draws")
    field = view.locator(".widget-vbox .widget-vbox").filter(has_text="curve_draws").last.locator("input")
    field.fill("-3")
    field.press("Enter")
    view.get_by_text("should be greater than or equal to 0").wait_for()
    field.fill("9")
    field.press("Enter")
    view.get_by_text("Allowed so.").wait_for()
    _fill(view, "New study", "of_a_form")
    view.get_by_role("button", name="Check and save").click()
    view.get_by_text("1 changed (curve_draws)").wait_for()
    made = base.with_name("of_a_form.yaml")
    assert made.read_text("utf-8").endswith(f"base: {base.name}\nrobustness:\n  curve_draws: 9\n")
    assert load(str(made)).flat["curve_draws"] == 9


def _fill(view: Any, label: str, text: str) -> None:
    field = view.get_by_label(label, exact=True)
    field.fill(text)
    field.press("Enter")


def test_a_notebook_run_by_hand_says_what_moved(mine: Run) -> None:
    """As in JupyterLab, without a browser: what stands below the last cell."""
    file = mine.build.parent / "08_heterogeneity.ipynb"
    env = os.environ | {"FUSION_BUILD": str(mine.build)}
    command = [sys.executable, "-m", "jupyter", "execute", "--output=ran.ipynb", str(file)]
    done = subprocess.run(command, env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    last = json.loads((file.parent / "ran.ipynb").read_text("utf-8"))["cells"][-1]["outputs"]
    told = "".join("".join(one.get("data", {}).get("text/markdown", "")) for one in last)
    assert "Moved against the last run" in told and "fusion adopt" in told and "→" in told


@CHROMIUM
@pytest.mark.skipif(not FULL, reason="two kernels beside a browser: make studies")
def test_a_rerun_by_hand_says_what_moved(lab: str, view: Any, mine: Run) -> None:
    # The server's root is what holds the project and the build.
    root = Path(os.path.commonpath([paths.ROOT, mine.build]))
    place = (mine.build.parent / "08_heterogeneity.ipynb").relative_to(root)
    view.goto(f"{lab}/lab/tree/{place.as_posix()}")
    view.wait_for_selector(".jp-CodeCell")
    view.wait_for_selector(
        "[data-status='idle'], .jp-Notebook-ExecutionIndicator[data-status='idle']", state="attached"
    )
    view.get_by_role("menuitem", name="Run", exact=True).click()
    view.get_by_text("Run All Cells", exact=True).click()
    for _ in range(LONGEST // 1000):
        view.evaluate(DOWN)
        if told := view.evaluate(READ, "Moved against the last run"):
            break
        view.wait_for_timeout(1000)
    assert told
    assert (mine.folder / "by_hand" / "08_heterogeneity" / "done.json").is_file()
