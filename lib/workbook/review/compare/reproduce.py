"""A study run twice under other circumstances: the same to the byte, or the first place where it is not.

What differs between the two runs: number of notebooks at a time, hash seed, locale, time zone, permissions of new files,
working directory, threads that libraries are offered, cores that it may use, order of the rows of the input. What may
differ in the results: times, memory, and the hash of what was read. What a machine or a study cannot vary is said.
"""

from __future__ import annotations

import atexit
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from workbook import files, paths
from workbook.params import load
from workbook.params.file import folder as tables
from workbook.run import manifest

# Of the record: when and how long, how much memory, how many at a time, on how many cores.
MOMENTS = {
    "started",
    "ended",
    "seconds",
    "durations",
    "peak_memory_mb",
    "processor_seconds",
    "jobs",
    "cores",
    "git",
    "digest",
}
# And, since rows are shuffled, the hashes of the study's file and of its data.
READ = {"parameters_sha256", "data"}
SHUFFLED = (".csv", ".tsv", ".parquet", ".xlsx")
AGAIN = "_again"
SEED = 5
HEAD, FOOT = 20, 5  # lines of a text that stay: titles, heads, units; sums and notes
CIRCUMSTANCES: tuple[dict[str, Any], ...] = (
    {
        "jobs": 2,
        "umask": 0o022,
        "cwd": paths.ROOT,
        "env": {"LC_ALL": "C", "TZ": "UTC", "PYTHONHASHSEED": "1"},
    },
    {
        "jobs": 1,
        "umask": 0o077,
        "cwd": Path("/"),
        "cores": 1,
        # Of Turkey: a decimal comma, another order of letters, and another small letter for I.
        "env": {
            "LC_ALL": "tr_TR.UTF-8",
            "TZ": "Asia/Shanghai",
            "PYTHONHASHSEED": "77",
            "OMP_NUM_THREADS": "4",
        },
    },
)
# What a command does first: it keeps to the first of the cores that it may use, on systems where a process can.
FIRST = (
    "import os; may = sorted(getattr(os, 'sched_getaffinity', lambda _: ())(0)); "
    "{cores} and may and os.sched_setaffinity(0, may[:{cores}]); "
)
COMMAND = "from workbook.cli import main; main()"
LOCALES = "fusion-locales"


def twice(study: str, file: Path) -> tuple[int, list[str]]:
    """Run a study under two circumstances and compare what they left.

    Parameters
    ----------
    study : str
        Its name.
    file : Path
        Its file.

    Returns
    -------
    tuple of int and list of str
        Files compared, and a line for each that differs, the first place in it named.

    Raises
    ------
    RuntimeError
        When a run fails; with what it said.
    """
    with tempfile.TemporaryDirectory(prefix="fusion-twice-") as folder:
        roots: list[Path] = []
        for number, how in enumerate(CIRCUMSTANCES):
            build = Path(folder) / str(number) / "build"
            placed = _placed(
                file, Path(folder) / "given", shuffled=bool(number)
            )  # of one place, which runs keep
            root = build / (study if placed == file else placed.stem)
            _run(placed, build, how)
            _same_moments(root, roots[0] if roots else None)
            _run(Path(), build, how, "site")
            roots.append(root)
        places = [{p.relative_to(root.parents[1]): p for p in _files(root)} for root in roots]
        names = sorted(set(places[0]) | set(places[1]))
        return len(names), [line for name in names if (line := _difference(name, *places))]


def _placed(file: Path, folder: Path, *, shuffled: bool) -> Path:
    """A study's file that reads copies of its input, rows in the order of chance; the file itself where it names no table.

    It has a name of its own, since a study outside the project may not be called like one of the project's.
    """
    values, _ = load.stated(file)
    named = (values.get("panel") or {}).get("source") or []
    places = _resolved(named, file)
    if any(
        map(tables.is_many, places)
    ):  # what stands in a folder, but for what the study names as something else
        named = load.load(str(file)).flat["source"]
        places = _resolved(named, file)
    if not places or not all(p.suffix.lower() in SHUFFLED and p.is_file() for p in places):
        return file
    copies = [str(_copied(place, folder, shuffled)) for place in places]
    found = _anchored(values, file)
    found["panel"]["source"] = copies[0] if isinstance(named, str) else copies
    with (folder / f"{file.stem}{AGAIN}.yaml").open("w", encoding="utf-8") as stream:
        YAML(typ="safe").dump(found, stream)
    return folder / f"{file.stem}{AGAIN}.yaml"


def _resolved(named: str | list[str], file: Path) -> list[Path]:
    every = [named] if isinstance(named, str) else named
    return [paths.ROOT / load.resolve_source(name, file) for name in every]


def _anchored(value: Any, file: Path) -> Any:
    """What a study states, with the whole place of every file and folder that it names, for it is read from elsewhere."""
    if isinstance(value, dict):
        return {
            key: str((paths.ROOT / load.resolve_source(one, file)).resolve())
            if key in load.FOLDERS and isinstance(one, str)
            else _anchored(one, file)
            for key, one in value.items()
        }
    if isinstance(value, list):
        return [_anchored(one, file) for one in value]
    beside = file.parent / value if isinstance(value, str) and Path(value).suffix else None
    return str(beside.resolve()) if beside is not None and os.path.exists(beside) else value


def _copied(file: Path, folder: Path, shuffled: bool) -> Path:
    """A copy of a table, in its own folder so that its name stays."""
    target = folder / "input" / file.name
    target.parent.mkdir(parents=True, exist_ok=True)
    if file.suffix.lower() == ".xlsx":
        _book(file, target, shuffled)
    elif not shuffled:
        shutil.copyfile(file, target)
    elif file.suffix.lower() == ".parquet":
        import pyarrow.parquet as parquet

        table = files.table(file)
        order = list(range(table.num_rows))
        random.Random(SEED).shuffle(order)
        parquet.write_table(table.take(order), target)
    else:
        rows = _records(file.read_bytes())
        middle = rows[HEAD : len(rows) - FOOT]
        random.Random(SEED).shuffle(middle)
        target.write_bytes(b"".join([*rows[:HEAD], *middle, *rows[HEAD + len(middle) :]]))
    return target


def _book(file: Path, target: Path, shuffled: bool) -> None:
    """A workbook with the cells of its rows, and their forms, in another order; both runs read what one program wrote."""
    import openpyxl

    book = openpyxl.load_workbook(file)
    for sheet in book.worksheets if shuffled else []:
        first, last = HEAD + 1, sheet.max_row - FOOT
        if any(area.max_row > HEAD for area in sheet.merged_cells.ranges):
            continue
        rows = [[(c.value, c.number_format) for c in row] for row in sheet.iter_rows(first, max(first, last))]
        random.Random(SEED).shuffle(rows)
        for row, made in zip(sheet.iter_rows(first, max(first, last)), rows, strict=True):
            for cell, (content, form) in zip(row, made, strict=True):
                cell.value, cell.number_format = content, form
    book.save(target)


def _records(content: bytes) -> list[bytes]:
    """Lines of a text, those together that a quoted line break parts; each ends in a line break."""
    found: list[bytes] = []
    for line in content.splitlines(keepends=True):
        if found and found[-1].count(b'"') % 2:
            found[-1] += line
        else:
            found.append(line)
    last = found[-1] if found else b""
    return [*found[:-1], last if last.endswith((b"\n", b"\r")) else last + b"\n"] if found else [b""]


def _run(file: Path, build: Path, how: Mapping[str, Any], command: str = "run") -> None:
    """Run the study, or build its site, under some circumstances."""
    words = ["run", str(file), "--jobs", str(how["jobs"])] if command == "run" else ["site"]
    places = {"FUSION_BUILD": str(build), "FUSION_SITE": str(build.parent / "site")}
    done = under(how, COMMAND, words, places)
    if done.returncode:
        raise RuntimeError((done.stdout + done.stderr)[-3000:])


def under(
    how: Mapping[str, Any], program: str, words: list[str], env: Mapping[str, str]
) -> subprocess.CompletedProcess[str]:
    """Run a Python program under some circumstances."""
    return subprocess.run(
        [sys.executable, "-c", FIRST.format(cores=how.get("cores", 0)) + program, *words],
        cwd=how["cwd"],
        env={**os.environ, **how["env"], **_locales(how["env"]["LC_ALL"]), **env},
        umask=how["umask"],
        capture_output=True,
        text=True,
        errors="replace",
    )


@cache
def _locales(name: str) -> dict[str, str]:
    """Where a locale is that the machine itself lacks, made once of its sources; nothing where there is no need or no way."""
    try:
        listed = (
            subprocess.run(["locale", "-a"], capture_output=True, text=True).stdout.lower().replace("-", "")
        )
        if name == "C" or name.lower().replace("-", "") in listed.split():
            return {}
        folder = Path(tempfile.mkdtemp(prefix=LOCALES))
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
        language, _, signs = name.partition(".")
        subprocess.run(["localedef", "-i", language, "-f", signs, str(folder / name)], capture_output=True)
        return {"LOCPATH": str(folder)} if (folder / name).is_dir() else {}
    except OSError:
        return {}


def constant(file: Path) -> list[str]:
    """What two runs on this machine, of this study, have in common though it should differ: codes of messages."""
    other = CIRCUMSTANCES[1]
    asks = "import locale; locale.setlocale(locale.LC_ALL, '')"
    found = ["locale"] if under(other, asks, [], {}).returncode else []
    if len(getattr(os, "sched_getaffinity", lambda _: ())(0)) < 2:
        found.append("cores")
    with tempfile.TemporaryDirectory() as folder:
        return found + (["rows"] if _placed(file, Path(folder), shuffled=True) == file else [])


def _same_moments(root: Path, first: Path | None) -> None:
    """Give the record the first run's times, so that whatever prints them is compared, too."""
    if first is not None:
        mine, others = (json.loads((r / "manifest.json").read_text("utf-8")) for r in (root, first))
        manifest.write(root, _with(mine, others))


def _with(mine: Any, others: Any) -> Any:
    if not isinstance(mine, dict) or not isinstance(others, dict):
        return mine
    return {k: others.get(k, v) if k in MOMENTS | READ else _with(v, others.get(k)) for k, v in mine.items()}


def _files(root: Path) -> Iterator[Path]:
    """All results, and the site; not what the runner keeps for itself."""
    for folder in (root, root.parents[1] / "site"):
        for file in folder.rglob("*"):
            inside = file.relative_to(folder).parts
            if file.is_file() and not any(part.startswith(".") for part in inside):
                yield file


def _difference(name: Path, a: Mapping[Path, Path], b: Mapping[Path, Path]) -> str:
    """The first place in which two files differ; empty if they do not."""
    if name not in a or name not in b:
        return f"{name}: in one run alone"
    first, second = a[name].read_bytes(), b[name].read_bytes()
    if first == second:
        return ""
    if name.suffix == ".parquet":
        return f"{name}: {_of_tables(a[name], b[name])}"
    lines = zip(first.splitlines(), second.splitlines(), strict=False)
    for number, (one, other) in enumerate(lines, 1):
        if one != other:
            at = next((i for i, pair in enumerate(zip(one, other, strict=False)) if pair[0] != pair[1]), 0)
            shown = [
                repr(line[max(0, at - 40) : at + 40].decode("utf-8", "replace")) for line in (one, other)
            ]
            return f"{name}, line {number}: {shown[0]} / {shown[1]}"
    return f"{name}: {len(first)} / {len(second)} bytes"


def _of_tables(a: Path, b: Path) -> str:
    one, other = files.frame(a), files.frame(b)
    if list(one) != list(other) or len(one) != len(other):
        return f"columns or rows: {one.shape} / {other.shape}"
    for column in one:
        for row, (x, y) in enumerate(zip(one[column].map(repr), other[column].map(repr), strict=True)):
            if x != y:
                return f"{column}, row {row}: {x[:60]} / {y[:60]}"
    return "the same cells, stored otherwise"
