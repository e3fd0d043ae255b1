"""The table of times: contenders in turn, each in its own process, that must agree."""

from __future__ import annotations

import csv
import sys
from pathlib import Path

import pytest

from evidence import bench
from evidence.bench import _runner

ROUNDS = [
    {
        "own": {"seconds": 2.0, "peak_mb": 10.0, "numbers": {"sum": 1.0}},
        "other": {"seconds": 9.0, "peak_mb": 30.0, "numbers": {"sum": 1.0}},
    },
    {
        "own": {"seconds": 1.0, "peak_mb": 20.0, "numbers": {"sum": 1.0}},
        "other": {"seconds": 4.0, "peak_mb": 20.0, "numbers": {"sum": 1.0}},
    },
]


def test_best_time_highest_peak_and_ratio_to_the_first() -> None:
    own, other = _runner._rows("w", 5, ROUNDS)
    assert own == {
        "work": "w", "rows": 5, "contender": "own", "seconds": 1.0, "ratio": 1.0, "peak_mb": 20.0
    }  # fmt: skip
    assert (other["seconds"], other["ratio"], other["peak_mb"]) == (4.0, 4.0, 30.0)


def test_contenders_that_disagree_are_refused() -> None:
    wrong = {"seconds": 1.0, "peak_mb": 1.0, "numbers": {"sum": 1.1}}
    with pytest.raises(bench.BenchError, match=r"other finds sum = 1\.1, the first contender 1\.0"):
        _runner._agree("w", [*ROUNDS, {"own": ROUNDS[0]["own"], "other": wrong}], 1e-9)


def test_the_table_keeps_other_works(tmp_path: Path) -> None:
    file = tmp_path / "build" / "bench.csv"
    _runner.save(_runner._rows("b", 5, ROUNDS), file)
    _runner.save(_runner._rows("a", 7, ROUNDS), file)
    _runner.save([{**r, "seconds": 0.5} for r in _runner._rows("b", 5, ROUNDS)], file)
    with file.open(encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    assert list(rows[0]) == ["work", "rows", "contender", "seconds", "ratio", "peak_mb"]
    assert [(r["work"], r["seconds"]) for r in rows] == [
        ("a", "1.0"),
        ("a", "4.0"),
        ("b", "0.5"),
        ("b", "0.5"),
    ]


def test_bad_requests_say_what_is_allowed() -> None:
    with pytest.raises(bench.BenchError, match=r"no work 'classfy'; allowed: .*classify"):
        _runner.run("classfy")
    with pytest.raises(bench.BenchError, match="must be 1 or more"):
        _runner.run("classify", rows=0)


def test_a_contender_that_fails_shows_its_error(tmp_path: Path) -> None:
    with pytest.raises(bench.BenchError, match=r"contend classify nobody .* failed"):
        _runner._contend("classify", "nobody", str(tmp_path), 1)


@pytest.mark.skipif(sys.platform == "win32", reason="peak memory is read on POSIX systems only")
def test_a_work_is_timed() -> None:
    rows = _runner.run("classify", rows=2000, repeat=1)
    assert rows[0]["ratio"] == 1
    assert all(r["seconds"] > 0 and r["peak_mb"] > 20 for r in rows)
