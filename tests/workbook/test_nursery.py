"""Notebooks forked of a process that has made their imports: the same results, and nothing lost without it."""

from __future__ import annotations

import hashlib
import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from chains import Bench

from workbook.run import process, runner
from workbook.run.kernels import forked, nursery

PATIENCE = 90
ALL = ["01_first", "02_second", "03_third", "04_last"]

pytestmark = pytest.mark.skipif(not nursery.possible(), reason="only where processes can be forked")


@pytest.fixture
def cold(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Notebooks whose process made its own imports."""
    started: list[str] = []
    start = process.Job._start
    monkeypatch.setattr(
        process.Job, "_start", lambda job, *a: (started.append(job.plan.name), start(job, *a))[1]
    )
    return started


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[nursery.Nursery]]:
    """The nurseries of this test; none is left by it."""
    found: list[nursery.Nursery] = []

    class Watched(nursery.Nursery):
        def __init__(self, *given: Any) -> None:
            super().__init__(*given)
            found.append(self)

    monkeypatch.setattr(runner, "Nursery", Watched)
    yield found
    assert all(one.process.poll() is not None for one in found), "it outlives the run"


def digests(bench: Bench) -> dict[str, str]:
    return {
        name: hashlib.sha256((bench.root / name).read_bytes()).hexdigest()
        for name in sorted(bench.files())
        if not name.startswith(("manifest.json", ".runs"))
    }


def wait_for(condition: Callable[[], Any], what: str) -> Any:
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        if found := condition():
            return found
        time.sleep(0.02)
    raise AssertionError(f"waited {PATIENCE} s for {what}")


def test_what_follows_the_first_is_forked_and_comes_out_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cold: list[str], made: list[nursery.Nursery]
) -> None:
    forked = Bench(tmp_path / "a" / "bench")
    assert forked.run() == 0
    assert cold == ["01_first"] and len(made) == 1
    record = forked.manifest()["notebooks"]
    assert all(record[name]["peak_memory_mb"] > 50 for name in ALL), "of the kernel, not of what forked it"
    assert all(record[name]["processor_seconds"] > 0 for name in ALL)
    monkeypatch.setattr(nursery, "possible", lambda: False)
    alone = Bench(tmp_path / "b" / "bench")
    assert alone.run() == 0
    assert cold == ["01_first", *ALL] and len(made) == 1
    assert digests(forked) == digests(alone)


def test_a_library_that_was_edited_is_imported_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cold: list[str], made: list[nursery.Nursery]
) -> None:
    library = runner.Run._library
    monkeypatch.setattr(
        runner.Run, "_library", lambda run, name: library(run, name) | {"edited": str(len(made))}
    )
    bench = Bench(tmp_path / "bench")
    assert bench.run() == 0
    assert len(made) == 1 and sorted(set(cold)) == ALL


def test_an_error_says_its_cell(tmp_path: Path, cold: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    bench = Bench(tmp_path / "bench")
    bench.put("03_third", body='raise ValueError("no such thing")')
    assert bench.run() == 1
    assert bench.statuses() == dict(zip(ALL, ["done", "done", "failed", "skipped"], strict=True))
    error = bench.manifest()["notebooks"]["03_third"]["error"]
    assert (error["kind"], error["tag"], error["value"]) == ("raised", "work", "no such thing")
    assert "03_third" not in cold


def test_a_kernel_or_an_executor_that_is_killed_is_told(tmp_path: Path, cold: list[str]) -> None:
    bench = Bench(tmp_path / "bench")
    bench.put("02_second", body="import os, signal; os.kill(os.getpid(), signal.SIGKILL)")
    bench.put(
        "03_third", body="import os, signal, time; os.kill(os.getppid(), signal.SIGKILL); time.sleep(600)"
    )
    assert bench.run() == 1
    errors = {name: bench.manifest()["notebooks"][name]["error"] for name in ALL[1:3]}
    assert errors["02_second"]["kind"] == "kernel died" and "SIGKILL" in errors["02_second"]["value"]
    assert errors["03_third"]["kind"] == "process" and "SIGKILL" in errors["03_third"]["value"]
    assert cold == ["01_first"]
    left = psutil.Process().children(recursive=True)
    assert not [p for p in left if p.name() in (forked.KERNEL, forked.EXECUTOR)]


def test_a_run_goes_on_when_it_is_gone_before_its_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cold: list[str], made: list[nursery.Nursery]
) -> None:
    begin = nursery.Nursery.__init__

    def dead(one: nursery.Nursery, *given: Any) -> None:
        begin(one, *given)
        one.process.kill()
        one.process.wait()

    monkeypatch.setattr(nursery.Nursery, "__init__", dead)
    bench = Bench(tmp_path / "bench")
    assert bench.run() == 0
    assert sorted(set(cold)) == ALL


def test_when_it_is_killed_what_it_had_started_fails_in_words_and_the_next_run_completes(
    tmp_path: Path, cold: list[str]
) -> None:
    bench = Bench(tmp_path / "bench")
    kill = "import os, psutil, time; k = psutil.Process().parent().parent(); k.kill(); time.sleep(600)"
    bench.put("02_second", body=kill)
    assert bench.run(jobs=1) == 1
    error = bench.manifest()["notebooks"]["02_second"]["error"]
    assert error["kind"] == "process" and error["value"]
    bench.put("02_second")
    assert bench.run() == 0


def test_a_killed_runner_takes_all_with_it(tmp_path: Path) -> None:
    bench = Bench(tmp_path / "bench")
    bench.put("02_second", body="import time; time.sleep(600)")
    run = bench.start()
    one = psutil.Process(run.pid)

    def kernel() -> Any:
        return [p for p in one.children(recursive=True) if p.name() == forked.KERNEL]

    wait_for(kernel, "a forked kernel")
    family = one.children(recursive=True)
    runtime = Path(family[0].environ()["JUPYTER_RUNTIME_DIR"])
    os.kill(run.pid, signal.SIGKILL)
    run.communicate()
    wait_for(
        lambda: not [p for p in family if p.is_running() and p.status() != psutil.STATUS_ZOMBIE], "their end"
    )
    wait_for(lambda: not runtime.exists(), "its folder to go")


def test_one_killed_while_it_imports_leaves_nothing(tmp_path: Path) -> None:
    bench = Bench(tmp_path / "bench")
    bench.put("01_first", body="import time; time.sleep(600)")
    run = bench.start()
    one = psutil.Process(run.pid)

    def importing() -> Any:
        try:
            return [p for p in one.children() if "workbook.run.kernels.server" in p.cmdline()]
        except psutil.NoSuchProcess:  # one that ended between two looks
            return []

    wait_for(importing, "a nursery")
    family = one.children(recursive=True)
    os.kill(run.pid, signal.SIGKILL)
    run.communicate()
    wait_for(
        lambda: not [p for p in family if p.is_running() and p.status() != psutil.STATUS_ZOMBIE], "their end"
    )
