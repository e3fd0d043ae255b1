"""Each change in a copy of the library, its tests in a process of their own, all that is heavy imported before."""

from __future__ import annotations

import importlib
import io
import os
import re
import resource
import shutil
import signal
import sys
import time
from collections.abc import Sequence
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path

from evidence.mutants.operators import Mutant

HEAVY = (
    "numpy",
    "pandas",
    "scipy.stats",
    "scipy.optimize",
    "duckdb",
    "statsmodels.api",
    "linearmodels",
    "pytest",
)
LIMIT = 600  # seconds of processor time: several times what the tests of a room take
LINKED = ("data", "notebooks", "params", "tests", "pyproject.toml", "docs")


@dataclass(frozen=True)
class Outcome:
    """``result``: killed, survived or slow (killed by the clock); ``by`` the test that failed; seconds."""

    result: str
    by: str
    seconds: float


def failed(outcome: Outcome, tests: Sequence[Path]) -> str:
    """The test that failed, as pytest takes it: its file among those that ran, and its name; empty where none is named."""
    found = re.match(r"(?:FAILED|ERROR) (\S*?)(::.*?\]|::[^[ ]+)?(?: - .*)?$", outcome.by)
    file = next((f for f in tests if found and f.name == Path(found[1]).name), None)
    return f"{file}{found[2] or ''}" if found and file else ""


def place(root: Path, at: Path) -> Path:
    """A project at `at` whose library is a copy and whose other folders are links; its lib folder."""
    at.mkdir(parents=True, exist_ok=True)
    for name in LINKED:
        if not (at / name).exists():
            (at / name).symlink_to(root / name)
    shutil.copytree(
        root / "lib", at / "lib", dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__")
    )
    return at / "lib"


def warm() -> None:
    """Import what every test needs, once for all; nothing of the project, which is what changes."""
    for name in HEAVY:
        importlib.import_module(name)


def attempt(
    lib: Path, file: Path, mutant: Mutant | None, tests: Sequence[Path | str], limit: int = LIMIT
) -> Outcome:
    """Plant one change, run its tests until one fails, take it back.

    Parameters
    ----------
    lib : Path
        From `place`.
    file : Path
        Module below it.
    mutant : Mutant or None
        None: nothing is changed, and the tests should pass.
    tests : sequence of Path or str
        Files or single tests.
    limit : int
        Seconds of processor time after which it counts as found: a test that does not end is noticed, however busy the machine.
    """
    before = file.read_text(encoding="utf-8")
    if mutant is not None:
        file.write_text(mutant.planted(before), encoding="utf-8")
    start = time.monotonic()
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        os.setsid()
        resource.setrlimit(resource.RLIMIT_CPU, (limit, limit + 1))
        _run(lib, tests, writing)
    os.close(writing)
    try:
        status, said = _wait(child, reading, start + 60 * limit)
    finally:
        file.write_text(before, encoding="utf-8")
        os.close(reading)
    seconds = time.monotonic() - start
    if status in (None, -signal.SIGXCPU, -signal.SIGKILL):
        return Outcome("slow", "", seconds)
    return Outcome("survived" if status == 0 else "killed", said, seconds)


def _run(lib: Path, tests: Sequence[Path | str], writing: int) -> None:
    """In the child: the tests with the changed library first on the path; ends the process."""
    import pytest

    code, text = 1, io.StringIO()
    try:
        os.chdir(lib.parent)
        sys.dont_write_bytecode = True
        sys.path[:] = [str(lib), *(p for p in sys.path if Path(p).name != "lib")]
        sys.meta_path[:] = [finder for finder in sys.meta_path if "editable" not in repr(finder).lower()]
        for name in [
            n for n in sys.modules if n.split(".")[0] in ("fusion", "estimators", "workbook", "evidence")
        ]:
            del sys.modules[name]
        os.environ["PYTHONPATH"] = str(lib)
        arguments = ["-x", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", "-o", "addopts="]
        with redirect_stdout(text), redirect_stderr(text):
            code = int(pytest.main([*arguments, *map(str, tests)]))
    finally:
        failed = [line for line in text.getvalue().splitlines() if line.startswith(("FAILED", "ERROR"))]
        os.write(writing, (failed[0] if failed else text.getvalue()[-200:]).encode()[:400])
        os._exit(0 if code == 0 else 1)


def _wait(child: int, reading: int, until: float) -> tuple[int | None, str]:
    while time.monotonic() < until:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status), os.read(reading, 400).decode(errors="replace")
        time.sleep(0.02)
    os.killpg(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return None, ""
