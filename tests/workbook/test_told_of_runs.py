"""What a run says while it runs and when it fails; what ``fusion doctor`` finds."""

from __future__ import annotations

import importlib.metadata
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from workbook.review import doctor
from workbook.run import progress, warm

ERROR: dict[str, Any] = {"cell": 4, "tag": "flow", "name": "PanelError", "said": {}}


def _progress(quiet: bool = False) -> progress.Progress:
    return progress.Progress("s", ["a", "b"], 2, {}, quiet)


def test_an_error_is_not_cut_at_its_first_line(capsys: pytest.CaptureFixture[str]) -> None:
    told = "rows break rules:\n  3 rows: ind4\n  2 rows: year\nmend: set_aside"
    _progress().explain(ERROR | {"value": told}, Path("build/s/a.failed.ipynb"))
    out = capsys.readouterr().out
    assert "cell [4] 'flow': PanelError: rows break rules:" in out
    assert "2 rows: year" in out and "mend: set_aside" in out
    assert "build/s/a.failed.ipynb" in out


def test_an_error_is_no_longer_than_a_screen(capsys: pytest.CaptureFixture[str]) -> None:
    told = "\n".join(f"line {i} {'x' * 900}" for i in range(50))
    _progress().explain(ERROR | {"value": told}, None)
    out = capsys.readouterr().out
    assert len(out.splitlines()) == progress.LINES + 2  # the first, those after it, and how many more
    assert "39 more lines" in out
    assert max(map(len, out.splitlines())) < progress.WIDE + 20


def test_quiet_tells_failures_alone(capsys: pytest.CaptureFixture[str]) -> None:
    quiet = _progress(quiet=True)
    quiet.started("a")
    quiet.settled("a", "done", 1.0, [])
    assert capsys.readouterr().out == ""
    quiet.settled("b", "FAILED", 1.0, [])
    assert "FAILED" in capsys.readouterr().out


def test_a_first_run_says_what_it_expects(capsys: pytest.CaptureFixture[str]) -> None:
    _progress().expected()
    assert "first run of 2 notebooks" in capsys.readouterr().out
    progress.Progress("s", ["a"], 2, {"a": 3.0}).expected()
    assert capsys.readouterr().out == ""


def test_the_live_line_says_cell_and_time(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    now = _progress()
    now.started("a")
    now.live({"a": (3, 17)})
    assert capsys.readouterr().err == ""  # a log hears of it once a minute
    monkeypatch.setattr(progress, "LIVE_LOG", 0.0)
    now.live({"a": (3, 17)})
    assert "a: cell 3 of 17, 0 s" in capsys.readouterr().err


def test_a_kernel_counts_the_cells_that_it_begins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(warm.JOB, str(tmp_path / "job.json"))
    monkeypatch.setattr(warm, "cells", [])
    assert warm.begun(tmp_path / "job.json") == 0
    for _ in range(3):
        warm._at(SimpleNamespace())
    assert warm.begun(tmp_path / "job.json") == 3


def test_the_doctor_finds_this_environment_whole() -> None:
    wrong = [point.told for point in doctor.environment() if not point.fine]
    assert wrong == []


def test_the_doctor_names_a_package_of_another_version(monkeypatch: pytest.MonkeyPatch) -> None:
    real = importlib.metadata.version
    monkeypatch.setattr(
        importlib.metadata, "version", lambda name: "0.0.1" if name == "pandas" else real(name)
    )
    wrong = [point.told for point in doctor.environment() if not point.fine]
    assert len(wrong) == 1 and "pandas" in wrong[0] and "0.0.1" in wrong[0]
