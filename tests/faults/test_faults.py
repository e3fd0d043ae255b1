"""Faults done on purpose: a short form of `make faults`, and that what is wrong afterwards is seen."""

from __future__ import annotations

import csv
import fcntl
import json
import random
import subprocess
import sys
from pathlib import Path

import pytest

from evidence.faults import __main__ as command
from evidence.faults import harms, tries
from evidence.faults.places import Forked, Place, digests, family
from evidence.faults.stages import Stage, stages
from evidence.faults.tries import Try

RUN = Stage("02_classification", "whole", ("run",))


@pytest.fixture
def attempt(tmp_path: Path) -> Try:
    """A try in a place that is only a folder."""
    place = Place(tmp_path / "place", {"full": False, "read-only": False, "shim": False})
    for folder in (place.build / "whole" / "02_classification", place.temporary):
        folder.mkdir(parents=True)
    return Try(place, RUN, "full disk", harms.full, False, True, 1, 1.0, {}, tmp_path)


def test_a_short_form(tmp_path: Path) -> None:
    out = tmp_path / "faults.csv"
    asked = ["--light", "--tries", "8", "--workers", "1", "--base", str(tmp_path / "base"), "--out", str(out)]
    asked += ["--stage", "02_classification", "--stage", "10_audit"]
    for fault in ("SIGKILL of runner", "SIGTERM of executor", "flipped byte", "clock goes back"):
        asked += ["--fault", fault]
    done = subprocess.run([sys.executable, "-m", "evidence.faults", *asked], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    with out.open(encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    assert len(rows) == 8 and {row["failed"] for row in rows} == {"False"}
    assert sum(row["hit"] == "True" for row in rows) >= 6, "most faults struck"


def test_the_first_round_does_everything_once() -> None:
    cells = {(s.name, f) for s in stages() for f in harms.HARMS if harms.apply(f, s.name, s.notebook)}
    tasks = command._tasks(stages(), list(harms.HARMS), len(cells), 1)
    assert {(stage, fault) for stage, fault, _ in tasks} == cells and len(cells) > 250


def test_what_is_left_is_seen(attempt: Try) -> None:
    attempt._nothing_left("now")
    assert attempt.failures == []
    (attempt.place.temporary / "fusion-1").mkdir()
    (attempt.place.build / "whole" / ".work").mkdir()
    (attempt.place.build / "x.csv.12.part").touch()
    with (attempt.place.build / "whole" / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        attempt._nothing_left("now")
    (told,) = attempt.failures
    for word in ("fusion-1", "x.csv.12.part", "whole/.work", "whole/.lock is held"):
        assert word in told


def test_half_made_and_altered_results_are_seen(attempt: Try) -> None:
    root = attempt.place.build / "whole"
    made = root / "02_classification" / "a.csv"
    made.write_text("12", "utf-8")
    entry = {"status": "done", "outputs": {"02_classification/a.csv": {"bytes": 2}}, "seconds": 1}
    (root / "manifest.json").write_text(json.dumps({"notebooks": {"02_classification": entry}}), "utf-8")
    attempt.expected = digests(attempt.place.build)
    (root / "manifest.json").write_text(
        json.dumps({"notebooks": {"02_classification": entry | {"seconds": 9}}}), "utf-8"
    )
    attempt._compare()
    assert attempt.failures == [] and list(RUN.half_made(attempt.place)) == [], "times may differ"
    made.write_text("13", "utf-8")
    attempt._compare()
    assert attempt.failures == ["1 differ from the undisturbed run: whole/02_classification/a.csv"]
    made.write_text("1", "utf-8")
    assert list(RUN.half_made(attempt.place)) == [
        "02_classification is called done, and 02_classification/a.csv is not there or not whole"
    ]


def test_a_command_that_does_nothing_is_ended_with_what_it_started(
    attempt: Try, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A thread that waits for ever is a failure, and the next try begins without it."""
    monkeypatch.setattr(tries, "STILL", 2.0)
    monkeypatch.setattr(tries, "NOTHING", 0.01)
    below = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'import time; time.sleep(300)'])"
    started = subprocess.Popen([sys.executable, "-c", below], start_new_session=True)
    attempt.processes = [Forked(started.pid)]
    attempt.leaders = {started.pid}
    attempt.finish()
    attempt._no_process("then")
    assert attempt.failures[-1] == "stuck" and family(attempt.token, attempt.leaders) == []
    assert any("time.sleep(300)" in why for why in attempt.failures), "what waited, and where"


def test_a_command_that_gets_no_processor_is_not_called_stuck(
    attempt: Try, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a crowded machine a patient process spends nothing for minutes; it is ready to run all the while."""
    monkeypatch.setattr(tries, "STILL", 1.0)
    monkeypatch.setattr(tries, "LOOK", 0.1)
    monkeypatch.setattr(Try, "_spent", lambda self: 0.0)
    busy = "import time\nend = time.monotonic() + 3\nwhile time.monotonic() < end: pass"
    started = subprocess.Popen([sys.executable, "-c", busy], start_new_session=True)
    attempt.processes, attempt.leaders = [Forked(started.pid)], {started.pid}
    attempt.finish()
    assert attempt.failures == []


def test_harms_that_lie_there(attempt: Try, monkeypatch: pytest.MonkeyPatch) -> None:
    """A cut and a flip do what they say, and sometimes leave the file's time as it was."""
    monkeypatch.setattr(Try, "start", lambda self: None)
    file = attempt.place.build / "whole" / "02_classification" / "a.csv"
    kept = set()
    for seed in range(20):
        attempt.rng = random.Random(seed)
        file.write_bytes(b"abcdef")
        before = file.stat().st_mtime_ns
        harms.flipped(attempt)
        assert len(file.read_bytes()) == 6 and file.read_bytes() != b"abcdef"
        kept.add(file.stat().st_mtime_ns == before)
        harms.truncated(attempt)
        assert len(file.read_bytes()) < 6
    assert kept == {True, False}


def test_the_table_counts_tries_and_failures() -> None:
    rows = [
        {"stage": "site", "fault": "full disk", "hit": True, "failed": failed}
        for failed in (False, True, False)
    ]
    assert command.table(rows).splitlines()[-1].split() == ["all", "3/1", "3/1"]
