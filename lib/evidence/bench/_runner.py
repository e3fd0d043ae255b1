"""Run the contenders of a work in turn, each in its own process, and keep the table of times."""

from __future__ import annotations

import csv
import importlib
import json
import math
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from evidence.bench import BenchError, works

COLUMNS = ("work", "rows", "contender", "seconds", "ratio", "peak_mb")


def run(
    work: str, rows: int | None = None, repeat: int = 3, folder: Path | None = None
) -> list[dict[str, Any]]:
    """Time a work.

    Contenders take turns, ``repeat`` rounds in one run, so that a busy spell of the machine strikes them
    alike; the best time and the highest peak of memory count.

    Parameters
    ----------
    work : str
        Name, as `works` gives it.
    rows : int, optional
        Size; the work's default if not given.
    repeat : int
        Rounds, at least 1.
    folder : Path, optional
        Where the inputs are made, in a temporary folder that is removed; the system's if not given.

    Returns
    -------
    list of dict
        One for each contender: work, rows, contender, seconds, ratio (seconds by those of the first), peak_mb.

    Raises
    ------
    BenchError
        For an unknown work, a size or a number of rounds below 1, a contender that fails, or disagreement.
    """
    if work not in works():
        raise BenchError(f"no work '{work}'; allowed: {', '.join(works())}")
    module = importlib.import_module(f"evidence.bench.{work}")
    size = module.ROWS if rows is None else rows
    if size < 1 or repeat < 1:
        raise BenchError(f"rows = {size}, repeat = {repeat}; both must be 1 or more")
    with tempfile.TemporaryDirectory(prefix=f"bench_{work}_", dir=folder) as made:
        _call("prepare", work, str(size), made)
        rounds = [{c: _contend(work, c, made, size) for c in module.CONTENDERS} for _ in range(repeat)]
    _agree(work, rounds, getattr(module, "TOLERANCE", 1e-9))
    return _rows(work, size, rounds)


def save(found: list[dict[str, Any]], file: Path) -> None:
    """Write times into the table; rows of the same work, size and contender are replaced, others stay."""
    kept: list[dict[str, Any]] = []
    if file.is_file():
        with file.open(encoding="utf-8", newline="") as stream:
            kept = list(csv.DictReader(stream))
    done = {(f["work"], str(f["rows"])) for f in found}
    kept = [k for k in kept if (k["work"], k["rows"]) not in done]
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(sorted([*kept, *found], key=lambda r: (r["work"], int(r["rows"]))))


# -- inside ------------------------------------------------------------------------------------
def _contend(work: str, contender: str, folder: str, rows: int) -> dict[str, Any]:
    return json.loads(_call("contend", work, contender, folder, str(rows)).splitlines()[-1])  # type: ignore[no-any-return]


def _call(step: str, *arguments: str) -> str:
    """A process of its own for a contender, and for making the inputs, so that its memory is not ours."""
    commands = {
        "contend": ["-m", "evidence.bench._contender", *arguments],
        "prepare": ["-c", _PREPARE, *arguments],
    }
    done = subprocess.run([sys.executable, *commands[step]], capture_output=True, text=True)
    if done.returncode:
        raise BenchError(f"{step} {' '.join(arguments)} failed:\n{done.stderr.strip()[-2000:]}")
    return done.stdout


_PREPARE = (
    "import importlib, sys; from pathlib import Path; "
    "importlib.import_module('evidence.bench.' + sys.argv[1]).prepare(Path(sys.argv[3]), int(sys.argv[2]))"
)


def _agree(work: str, rounds: list[dict[str, Any]], tolerance: float) -> None:
    first = next(iter(rounds[0].values()))["numbers"]
    for contender, one in ((c, o) for r in rounds for c, o in r.items()):
        for key, value in one["numbers"].items():
            expected = first.get(key, math.nan)
            if not math.isclose(value, expected, rel_tol=tolerance, abs_tol=tolerance):
                raise BenchError(f"{work}: {contender} finds {key} = {value}, the first contender {expected}")


def _rows(work: str, size: int, rounds: list[dict[str, Any]]) -> list[dict[str, Any]]:
    best = {c: min(r[c]["seconds"] for r in rounds) for c in rounds[0]}
    own = next(iter(best.values()))
    return [
        {
            "work": work,
            "rows": size,
            "contender": contender,
            "seconds": round(seconds, 4),
            "ratio": round(seconds / own, 3),
            "peak_mb": round(max(r[contender]["peak_mb"] for r in rounds), 1),
        }
        for contender, seconds in best.items()
    ]
