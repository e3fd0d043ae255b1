"""What could keep this installation from working, and what is built: ``fusion doctor``."""

from __future__ import annotations

import importlib.metadata
import platform
import re
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass

from workbook import files, paths
from workbook.language import listed, said, word
from workbook.run import manifest

PYTHONS = ((3, 11), (3, 12), (3, 13))
ROOM = 2_000_000_000  # bytes that a study and the site need at most
PINNED = re.compile(r"^([A-Za-z0-9_.-]+)==([^\s\\;]+)")
DATA = ("classification", "contract", "indicators", "evaluation", "secrecy", "adapters", "start")


@dataclass(frozen=True)
class Point:
    """A thing that was looked at: whether it is as it must be, and what to do if it is not."""

    fine: bool
    told: str


def version() -> str:
    """Version of the workbook, its commit and Python's version, in one line."""
    git = manifest.commit() or {}
    commit = f" ({git['commit'][:10]}{'+' if git.get('dirty') else ''})" if git else ""
    return f"fusion-workbook {importlib.metadata.version('fusion-workbook')}{commit}, Python {platform.python_version()}"


def environment() -> Iterator[Point]:
    """Interpreter, packages, data, disk, and what makes screenshots."""
    fine = sys.version_info[:2] in PYTHONS
    yield Point(
        fine,
        said(
            "review.doctor.python" if fine else "review.doctor.other_python",
            version=platform.python_version(),
        ),
    )
    off = list(_packages())
    told = (
        said("review.doctor.packages")
        if not off
        else said("review.doctor.packages_off", names=listed(off[:8]), count=len(off))
    )
    yield Point(not off, told)
    gone = [name for name in DATA if not any((paths.ROOT / "data" / name).glob("*"))]
    yield Point(
        not gone, said("review.doctor.data_gone", names=listed(gone)) if gone else said("review.doctor.data")
    )
    free = shutil.disk_usage(paths.ROOT).free
    room = said(
        "review.doctor.room" if free >= ROOM else "review.doctor.no_room", free=files.free_space(paths.ROOT)
    )
    yield Point(free >= ROOM, room)
    yield _writable()


def studies() -> Iterator[str]:
    """A line for each study that was run: when, how it ended, and what is stale."""
    from workbook.params.checks.refusals import StudyError
    from workbook.params.load import load
    from workbook.run import runner
    from workbook.run.preflight import PreflightError

    for folder in sorted(p for p in paths.build().glob("*") if (p / "manifest.json").is_file()):
        made = manifest.read(folder)
        status = word("review.doctor_status", str(made.get("status")))
        named = paths.ROOT / str(made.get("parameters_file"))
        line = said("review.doctor.study", study=folder.name, status=status, ended=made.get("ended") or "–")
        if not named.is_file():
            yield line + said("review.doctor.elsewhere")
            continue
        try:
            due = runner.stale(load(str(named)))
        except (StudyError, PreflightError):
            yield line + said("review.doctor.refused")
            continue
        yield line + (
            said("review.doctor.stale", names=listed(due)) if due else said("review.doctor.current")
        )


def _packages() -> Iterator[str]:
    """Packages of the lock that are not there, or in another version."""
    for line in (paths.ROOT / "requirements.lock").read_text(encoding="utf-8").splitlines():
        pinned = PINNED.match(line)
        if pinned and "; " not in line.split("==")[1][:40]:
            try:
                found = importlib.metadata.version(pinned[1])
            except importlib.metadata.PackageNotFoundError:
                found = "–"
            if found != pinned[2]:
                yield f"{pinned[1]} {pinned[2]} ({found})"


def _writable() -> Point:
    place = paths.build()
    try:
        place.mkdir(parents=True, exist_ok=True)
        probe = place / ".writable"
        probe.write_text("", encoding="utf-8")
        probe.unlink()
    except OSError as error:
        return Point(False, files.explain(error, place))
    return Point(True, said("review.doctor.writable", folder=files.shown(place)))
