"""``python -m evidence.faults [--tries 500] [--seed N]``: disturb every stage in every way; build/faults.csv."""

from __future__ import annotations

import argparse
import csv
import io
import json
import multiprocessing
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from evidence.faults import harms
from evidence.faults.places import Place, copy_project
from evidence.faults.stages import LEAFLET, WHOLE, Stage, stages
from workbook import paths
from workbook.run import chain

LIGHT = """total = sum(float(book.read(name)["x"].sum()) % 97 for name in {reads})
for name in {writes}:
    book.write(name, pd.DataFrame({{"x": [total + i for i in range(50_000)]}}))"""
COLUMNS = ("stage", "fault", "seed", "detail", "hit", "seconds", "failed", "why")
FIRMS = 120
# What takes time and is not what is tried.
FEW: dict[str, dict[str, Any]] = {
    "synthetic": {"dgp_firms": FIRMS},
    "indicators": {"index_draws": 20, "sobol_draws": 8},
    "description": {"coupling_draws": 20},
    "dynamics": {"permutations": 19},
    "robustness": {"curve_draws": 19, "placebo_draws": 19, "threshold_draws": 19},
    "heterogeneity": {"resampling_draws": 99},
    "evaluation": {"rank_draws": 50},
}
NOTEBOOKS = {WHOLE: None, LEAFLET: ["01_panel", "02_classification"]}
COMMANDS: dict[str, list[list[str]]] = {
    WHOLE: [["run", f"params/{WHOLE}.yaml", "--jobs", "1"]],
    LEAFLET: [
        ["run", f"params/{LEAFLET}.yaml", "--jobs", "1"],
        ["package", LEAFLET, "--allow-dirty"],
        ["verify"],
        ["site"],
    ],
}


def main() -> int:
    """Do the tries, print and keep the table; 1 when one failed."""
    asked = _arguments()
    chosen = [s for s in stages() if not asked.stage or s.name in asked.stage]
    chosen = [s for s in chosen if not asked.light or s.notebook or s.name == "record"]
    tasks = list(_tasks(chosen, asked.fault or list(harms.HARMS), asked.tries, asked.seed))
    out = asked.out or paths.build() / "faults.csv"
    out.parent.mkdir(parents=True, exist_ok=True)
    folder = Path(asked.base or tempfile.mkdtemp(prefix="fb"))
    asked.until = time.monotonic() + 60 * asked.minutes
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    try:
        _prepared(folder / "p", asked.light)
        seconds = _undisturbed(folder, chosen, asked)
        work = partial(_worker, asked, folder, seconds, out)
        parts = [tasks[k :: asked.workers] for k in range(asked.workers)]
        with multiprocessing.get_context("fork").Pool(asked.workers) as pool:
            done = [row for rows in pool.imap_unordered(work, enumerate(parts)) for row in rows]
    finally:
        if not asked.base:
            shutil.rmtree(folder, ignore_errors=True)
    _keep(done, out)
    print(table(done))
    late = sum(not (row["hit"] or row["failed"]) for row in done)
    print(
        f"{len(done) - late} tries, {sum(row['failed'] for row in done)} failed; {late} more came too late; table: {out}"
    )
    return int(any(row["failed"] for row in done))


def table(rows: list[dict[str, Any]]) -> str:
    """Tries and failures, a line for each fault, a column for each stage; a fault that came too late is no try."""
    rows = [row for row in rows if row["hit"] or row["failed"]]
    names = [stage.name for stage in stages()]
    shown = [name for name in names if any(row["stage"] == name for row in rows)]
    tries = Counter((row["fault"], row["stage"]) for row in rows)
    bad = Counter((row["fault"], row["stage"]) for row in rows if row["failed"])
    lines = [f"{'tries/failed':<20}" + "".join(f"{name[:9]:>10}" for name in shown) + f"{'all':>10}"]
    for fault in (*(f for f in harms.HARMS if any(row["fault"] == f for row in rows)), "all"):
        cells = []
        for stage in (*shown, "all"):
            keys = [k for k in tries if fault in (k[0], "all") and stage in (k[1], "all")]
            count, failed = sum(tries[k] for k in keys), sum(bad[k] for k in keys)
            cells.append(f"{f'{count}/{failed}' if count else '':>10}")
        lines.append(f"{fault:<20}" + "".join(cells))
    return "\n".join(lines)


# -- inside ------------------------------------------------------------------------------------
def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m evidence.faults", description=__doc__)
    parser.add_argument("--tries", type=int, default=500)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--minutes", type=float, default=600, help="after which no further try is begun")
    parser.add_argument(
        "--light", action="store_true", help="notebooks that only read and write what the real ones do"
    )
    known = [stage.name for stage in stages()]
    parser.add_argument("--stage", action="append", choices=known, help="only this one; may be given again")
    parser.add_argument(
        "--fault", action="append", choices=harms.HARMS, help="only this one; may be given again"
    )
    parser.add_argument("--base", help="where the undisturbed run is kept for the next time")
    parser.add_argument("--out", type=Path, help="the table (default build/faults.csv)")
    return parser.parse_args()


def _tasks(chosen: list[Stage], faults: list[str], count: int, seed: int) -> Iterator[tuple[str, str, int]]:
    """Every fault of every stage once, then once more, until there are enough; in an order by chance."""
    cells = [(s.name, f) for s in chosen for f in faults if harms.apply(f, s.name, s.notebook)]
    rng, given, turn = random.Random(seed), 0, 0
    while cells and given < count:
        rng.shuffle(cells)
        for stage, fault in cells[: count - given]:
            yield stage, fault, seed * 1000 + turn
            given += 1
        turn += 1


def _undisturbed(folder: Path, chosen: list[Stage], asked: argparse.Namespace) -> dict[str, dict[str, float]]:
    """Run the studies as they are, once; CPU seconds of what they do."""
    place = Place(Path(tempfile.gettempdir()) / f"ff{os.getpid()}-base")
    try:
        place.open(folder / "p")
        (found,) = _started(
            place,
            folder,
            {"commands": {s.base: COMMANDS[s.base][: 1 if asked.light else None] for s in chosen}},
        )
    finally:
        place.close()
    return found


def _prepared(project: Path, light: bool) -> None:
    """Copy the project once for all places, with the studies in it."""
    shutil.rmtree(project, ignore_errors=True)
    copy_project(project)
    if light:
        _lighten(project)
    for name, notebooks in NOTEBOOKS.items():
        yaml, stream = YAML(), io.StringIO()
        study = yaml.load((paths.PARAMS / "smoke.yaml").read_text("utf-8"))
        for section, values in FEW.items():
            study.setdefault(section, {}).update(values)
        if notebooks:
            study["study"]["notebooks"] = notebooks
        yaml.dump(study, stream)
        (project / "params" / f"{name}.yaml").write_text(stream.getvalue(), "utf-8")


def _lighten(project: Path) -> None:
    """Put notebooks in the place of the real ones that do no work but read and write the same."""
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    for step in chain.chain():
        texts = {
            "parameters": 'study = "none"\nseed = 1',
            "book": f'import pandas as pd\n\nfrom workbook import Book\n\nbook, p = Book.open("{step.notebook}", globals())',
            "work": LIGHT.format(reads=list(step.reads), writes=list(step.outputs)),
            "done": "book.done()",
        }
        cells: list[dict[str, Any]] = [
            {
                "cell_type": "code",
                "id": tag,
                "metadata": {"tags": [tag]},
                "source": text,
                "execution_count": None,
            }
            | {"outputs": []}
            for tag, text in texts.items()
        ]
        made = {"cells": cells, "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5}
        (project / "notebooks" / f"{step.notebook}.ipynb").write_text(json.dumps(made), "utf-8")
    for sheet in (project / "notebooks" / "exhibits").glob("[0-9]*.yaml"):
        sheet.unlink()


def _started(place: Place, folder: Path, what: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """What a worker says, which is a process of the project's copy: lines of JSON; other lines are shown."""
    words = [sys.executable, "-m", "evidence.faults.work"]
    told = json.dumps({"root": str(place.root), "real": place.real, "base": str(folder)} | what)
    with subprocess.Popen(
        words, cwd=place.project, env={**os.environ, **place.environment()}, text=True, stdin=-1, stdout=-1
    ) as process:
        assert process.stdin is not None and process.stdout is not None
        process.stdin.write(told)
        process.stdin.close()
        try:
            for line in process.stdout:
                if line.startswith("{"):
                    yield json.loads(line)
                else:
                    print(line, end="", flush=True)
        except BaseException:  # this process is told to end
            process.terminate()
            raise
    if process.returncode:
        raise RuntimeError(f"a worker ended with {process.returncode}")


def _worker(
    asked: argparse.Namespace,
    folder: Path,
    seconds: dict[str, dict[str, float]],
    out: Path,
    part: tuple[int, list[Any]],
) -> list[dict[str, Any]]:
    """Do some tries, one after another, in a place of one's own."""
    number, tasks = part
    place = Place(Path(tempfile.gettempdir()) / f"ff{os.getpid()}-{number}")
    rows = []
    try:
        place.open(folder / "p")
        what = {"tasks": tasks, "seconds": seconds, "until": asked.until}
        for row in _started(place, folder, what):
            rows.append(row)
            with out.with_suffix(".log.jsonl").open("a", encoding="utf-8") as log:
                log.write(json.dumps(row) + "\n")
    finally:
        place.close()
    return rows


def _keep(rows: list[dict[str, Any]], out: Path) -> None:
    with out.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


if __name__ == "__main__":
    sys.exit(main())
