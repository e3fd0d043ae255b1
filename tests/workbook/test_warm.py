"""Kernels that make their imports while they wait."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest
from chains import Bench, notebook

from workbook.run import runner, warm


def test_modules_are_those_of_the_cells() -> None:
    content = notebook("x", "import json.decoder\n%time 1", [])
    assert warm.modules(content) == ["workbook", "workbook.Book"], "not Python: passed over"
    content = notebook("x", "import json.decoder\nfrom workbook.exhibits import style", [])
    assert warm.modules(content)[2:] == ["json.decoder", "workbook.exhibits", "workbook.exhibits.style"]


def test_a_module_that_fails_is_left_to_its_cell(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(warm.MODULES, "no_such_module,this,workbook,workbook.Book,colorsys")
    for name in ("colorsys", "workbook.exhibits.book"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    heard: list[str] = []
    events = SimpleNamespace(register=lambda name, _: heard.append(name))
    warm.load_ipython_extension(SimpleNamespace(set_custom_exc=lambda *_: None, events=events))
    assert heard == ["pre_run_cell"]
    assert "colorsys" in sys.modules, "one that fails stops the others"
    assert "workbook.exhibits.book" in sys.modules, "what a package loads when it is asked for stays cold"
    assert warm.MODULES not in os.environ


def test_a_waiting_process_that_is_not_needed_leaves_nothing(tmp_path: Path) -> None:
    bench = Bench(tmp_path / "bench")
    bench.root.mkdir(parents=True)
    with bench.active():
        run = runner.Run(bench.study(), bench.root, 2)
        run.runtime = tmp_path
        job = run._job("01_first")
        process = psutil.Process(job.process.pid)
        end = time.monotonic() + 60
        while not process.children() and time.monotonic() < end:
            time.sleep(0.05)
        family = [process, *process.children(recursive=True)]
        assert len(family) > 1, "no kernel started in 60 s"
        job.end()
    assert not [p for p in family if p.is_running() and p.status() != psutil.STATUS_ZOMBIE]
    assert not (bench.root / ".work").exists(), "it wrote before it was told to"
