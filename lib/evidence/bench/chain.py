"""The whole chain and the site of a study at several numbers of firms: time, memory, and how both grow.

Notebooks run one at a time, each in its own processes, so that what one needs is not seen in another. Time is told
by the clock and as processor time: on a machine that others use, the second alone can be compared.
"""

from __future__ import annotations

import csv
import io
import json
import math
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from evidence.bench import BenchError
from workbook import paths

SIZES = (3_000, 30_000)
STUDY = "shanghai"
SITE, WHOLE = "site", "whole"
COLUMNS = (
    "study",
    "firms",
    "rows",
    "step",
    "seconds",
    "processor_seconds",
    "peak_mb",
    "time_exponent",
    "memory_exponent",
)
FUSION = [sys.executable, "-c", "from workbook.cli import main; main()"]


def measure(
    sizes: Iterable[int] = SIZES, study: str = STUDY, folder: Path | None = None, site: bool = True
) -> list[dict[str, Any]]:
    """Run the chain at each size and say what each notebook took.

    Parameters
    ----------
    sizes : iterable of int
        Numbers of firms.
    study : str
        A study whose panel is made up: a name in ``params/`` or a file.
    folder : Path, optional
        Where a temporary folder for studies and results is made; the system's if not given.
    site : bool
        Whether the site of each size is built and timed too.

    Returns
    -------
    list of dict
        Keys of `COLUMNS`, for each size one of each notebook, one of the site and one of the whole. An exponent
        relates a step to the same at the next smaller size: the logarithm of the ratio of processor times (of
        peaks of memory) by that of the numbers of firms.

    Raises
    ------
    BenchError
        For sizes below 1, a study that is not there or whose panel is not made up, and a run that failed.
    """
    asked = sorted(set(sizes))
    if not asked or asked[0] < 1:
        raise BenchError(f"firms = {asked}; numbers of 1 or more are needed")
    with tempfile.TemporaryDirectory(prefix="bench_chain_", dir=folder) as made:
        found = [row for firms in asked for row in _once(study, firms, Path(made) / str(firms), site)]
    return grown(found)


def grown(found: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Rows with the exponents of growth from each size to the next; empty for the smallest."""
    rows = {(r["study"], r["step"], int(r["firms"])): dict(r) for r in found}
    for row in rows.values():
        row |= {"time_exponent": "", "memory_exponent": ""}
    for study, step in dict.fromkeys(key[:2] for key in rows):
        sizes = sorted(n for s, t, n in rows if (s, t) == (study, step))
        for small, large in pairwise(sizes):
            one, other = rows[study, step, small], rows[study, step, large]
            other["time_exponent"] = _exponent(one, other, "processor_seconds")
            other["memory_exponent"] = _exponent(one, other, "peak_mb")
    return list(rows.values())


def save(found: Sequence[Mapping[str, Any]], file: Path) -> None:
    """Write them into the table; rows of the same study and size are replaced, others stay."""
    done = {(f["study"], str(f["firms"])) for f in found}
    others = [k for k in kept(file) if (k["study"], k["firms"]) not in done]
    rows = sorted(grown([*others, *found]), key=lambda r: (r["study"], int(r["firms"])))
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def kept(file: Path) -> list[dict[str, str]]:
    """Rows of the table; none if it is not there."""
    if not file.is_file():
        return []
    with file.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


# -- inside ------------------------------------------------------------------------------------
def _once(study: str, firms: int, folder: Path, site: bool) -> list[dict[str, Any]]:
    """One run of the chain, and one of the site, in a folder of their own."""
    build = folder / "build"
    build.mkdir(parents=True)
    file = _sized(study, firms, folder)
    steps = [_timed(WHOLE, ["run", str(file), "--jobs", "1"], folder)]
    record = json.loads((build / file.stem / "manifest.json").read_text(encoding="utf-8"))
    notebooks = [
        {
            "step": name,
            "seconds": one["seconds"],
            "processor_seconds": one["processor_seconds"],
            "peak_mb": one["peak_memory_mb"],
        }
        for name, one in sorted(record["notebooks"].items())
        if one.get("peak_memory_mb")  # what a study cannot have at all is not run
    ]
    if site:
        steps.insert(0, _timed(SITE, ["site"], folder))
    whole = steps[-1]
    for key in ("seconds", "processor_seconds"):
        whole[key] = round(sum(step[key] for step in steps), 2)
    whole["peak_mb"] = max(step["peak_mb"] for step in [*steps, *notebooks])
    rows = record["notebooks"]["01_panel"]["outputs"]["01_panel/panel.parquet"]["rows"]
    return [{"study": study, "firms": firms, "rows": rows} | step for step in [*notebooks, *steps]]


def _sized(study: str, firms: int, folder: Path) -> Path:
    """The study's file with another number of firms."""
    source = Path(study) if study.endswith(".yaml") else paths.PARAMS / f"{study}.yaml"
    yaml, stream = YAML(), io.StringIO()
    try:
        found = yaml.load(source.read_text(encoding="utf-8"))
    except OSError as error:
        raise BenchError(f"no study '{study}': {error.strerror}") from None
    if found.get("panel", {}).get("source") != "synthetic":
        raise BenchError(f"{study}: its panel is not made up, so it has no other number of firms")
    found.setdefault("synthetic", {})["dgp_firms"] = firms
    yaml.dump(found, stream)
    file = folder / f"{source.stem}_{firms}.yaml"
    file.write_text(stream.getvalue(), encoding="utf-8")
    return file


def _timed(step: str, arguments: list[str], folder: Path) -> dict[str, Any]:
    """What a command took, with all the processes that it waited for."""
    places = {"FUSION_BUILD": str(folder / "build"), "FUSION_SITE": str(folder / "site")}
    start = time.perf_counter()
    with tempfile.TemporaryFile() as words:
        process = subprocess.Popen(
            [*FUSION, *arguments],
            cwd=paths.ROOT,
            env=os.environ | places,
            stdout=words,
            stderr=subprocess.STDOUT,
        )
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        seconds = time.perf_counter() - start
        if process.returncode:
            words.seek(0)
            told = words.read().decode("utf-8", "replace").strip()[-2000:]
            raise BenchError(f"fusion {' '.join(arguments)} failed:\n{told}")
    unit = 1 if sys.platform == "darwin" else 1024
    return {
        "step": step,
        "seconds": round(seconds, 2),
        "processor_seconds": round(used.ru_utime + used.ru_stime, 2),
        "peak_mb": round(used.ru_maxrss * unit / 1e6, 1),
    }


def _exponent(one: Mapping[str, Any], other: Mapping[str, Any], key: str) -> float | str:
    small, large = float(one[key]), float(other[key])
    if small <= 0 or large <= 0:
        return ""
    return round(math.log(large / small) / math.log(int(other["firms"]) / int(one["firms"])), 2)
