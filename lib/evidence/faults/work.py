"""A worker, in the project's copy: told on standard input what to do, answers in lines of JSON."""

from __future__ import annotations

import json
import signal
import sys
import time
import traceback
from pathlib import Path
from typing import Any

from evidence.faults import harms
from evidence.faults.places import Place, base
from evidence.faults.stages import Stage, stages
from evidence.faults.tries import Try

# What a command imports before it does anything; tries are forks of this process, which have it already.
from fusion.adapters import able  # noqa: F401
from workbook.params import load  # noqa: F401
from workbook.run import runner  # noqa: F401

AGAIN = 3  # moments tried where a command ended before the fault struck


def main() -> None:
    """Make what undisturbed runs leave, or do tries."""
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    told = json.loads(sys.stdin.read())
    place, folder = Place(Path(told["root"]), told["real"]), Path(told["base"])
    if "commands" in told:
        made = {name: base(folder / name, place, commands) for name, commands in told["commands"].items()}
        print(json.dumps(made), flush=True)
        return
    known = {stage.name: stage for stage in stages()}
    expected: dict[str, dict[str, str]] = {}
    for name, fault, seed in told["tasks"]:
        if time.monotonic() > told["until"]:
            break
        stage = known[name]
        if name not in expected:
            place.reset(folder / stage.base)
            expected[name] = stage.results(place)
        row = one(place, stage, fault, seed, told["seconds"][stage.base], expected[name], folder / stage.base)
        mark = "FAILED" if row["failed"] else "ok" if row["hit"] else "missed"
        print(
            f"{mark:<7}{name:<18}{fault:<20}{row['seconds']:>6} s  {row['detail']}  {row['why']}", flush=True
        )
        print(json.dumps(row), flush=True)


def one(
    place: Place,
    stage: Stage,
    fault: str,
    seed: int,
    seconds: dict[str, float],
    expected: dict[str, str],
    folder: Path,
) -> dict[str, Any]:
    """One try; where the command ended before the fault struck, another moment."""
    begun = time.monotonic()
    took = seconds.get(stage.name) or seconds.get(stage.command[0]) or 1.0
    for turn in range(AGAIN):
        stops = fault in harms.STOPPING or "SIG" in fault
        what = (fault, harms.HARMS[fault], fault in harms.STORED, stops)
        attempt = Try(place, stage, *what, seed + 100 * turn, took, expected, folder)
        try:
            attempt.go()
        except SystemExit:
            attempt.end()
            raise
        except Exception:
            attempt.fail(f"the try itself: {traceback.format_exc(limit=-3)}")
        if attempt.hit or attempt.failures:
            break
        took *= 0.6
    row = {
        "stage": stage.name,
        "fault": fault,
        "seed": attempt.seed,
        "detail": attempt.detail,
        "hit": attempt.hit,
    }
    row |= {"seconds": round(time.monotonic() - begun, 1), "failed": bool(attempt.failures)}
    return row | {"why": "; ".join(attempt.failures)}


if __name__ == "__main__":
    main()
