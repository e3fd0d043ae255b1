"""Progress of cells run by hand: shown for long ones alone, taken away at their end, of how long they took last time."""

from __future__ import annotations

import json
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import nbformat
import pytest

from workbook.lab import progress


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is shown, in order, in a world of short patience."""
    texts: list[str] = []

    def display(what: Any, display_id: bool) -> Any:
        texts.append(what.data)
        return SimpleNamespace(update=lambda new: texts.append(new.data))

    monkeypatch.setattr(progress, "display", display)
    monkeypatch.setattr(progress, "PATIENCE", 0.2)
    monkeypatch.setattr(progress, "STEP", 0.05)
    return texts


def ran(watch: progress.Watch, seconds: float, success: bool = True) -> None:
    watch.began(SimpleNamespace(cell_id="7"))
    time.sleep(seconds)
    watch.ended(SimpleNamespace(success=success))


def test_a_short_cell_shows_nothing(shown: list[str], tmp_path: Path) -> None:
    ran(progress.Watch(tmp_path / "seconds.json", "en"), 0.01)
    assert shown == [] and not (tmp_path / "seconds.json").exists()


def test_a_long_cell_moves_and_leaves_nothing_but_its_seconds(shown: list[str], tmp_path: Path) -> None:
    place = tmp_path / "seconds.json"
    ran(progress.Watch(place, "en"), 0.5)
    assert len(shown) > 2 and shown[-1] == ""
    assert "<progress aria-label" in shown[0] and "value=" not in shown[0]
    assert json.loads(place.read_text("utf-8"))["7"] == pytest.approx(0.5, abs=0.4)
    shown.clear()
    ran(progress.Watch(place, "zh"), 0.4, success=False)
    assert "上次共" in shown[0] and 'max="1" value="0.' in shown[0]
    # A cell that failed took no time that would be worth knowing.
    before = place.read_text("utf-8")
    ran(progress.Watch(place, "zh"), 0.4, success=False)
    assert place.read_text("utf-8") == before


@pytest.mark.parametrize("text", ["", "[]", '{"7": "long"}', '{"7": -1}'])
def test_seconds_that_cannot_be_read_are_not_known(text: str, tmp_path: Path) -> None:
    place = tmp_path / "seconds.json"
    place.write_text(text, encoding="utf-8")
    assert progress.Watch(place, "en").seconds == {}


def test_in_a_kernel_it_is_shown_below_its_cell_and_gone_at_the_end(tmp_path: Path) -> None:
    """A real kernel: what is left is an empty text where the bar was."""
    from nbclient import NotebookClient

    first = (
        "from pathlib import Path\nfrom workbook.lab import progress\nprogress.PATIENCE = 0.3; progress.STEP = 0.1\n"
        "for once in range(2):\n"
        f"    progress.watch(Path({str(tmp_path / 'seconds.json')!r}), 'en')"
    )
    cells = [nbformat.v4.new_code_cell(source) for source in (first, "import time; time.sleep(1.2)", "1 + 1")]
    notebook = nbformat.v4.new_notebook(cells=cells)
    NotebookClient(notebook, timeout=120, kernel_name="python3").execute()
    outputs = [cell["outputs"] for cell in notebook.cells]
    assert outputs[0] == [] and len(outputs[1]) == 1  # watched twice, shown once
    assert outputs[1][0]["data"]["text/html"] == ""
    assert outputs[2][0]["data"]["text/plain"] == "2" and len(outputs[2]) == 1
    (seconds,) = json.loads((tmp_path / "seconds.json").read_text("utf-8")).values()
    assert 1 <= seconds < 60
