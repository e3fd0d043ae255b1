"""Small records of what was published, for the next release: cells, and which units' values they summed, as hashes.

A record holds no value of a unit. It stays inside, beside the results, and is not published.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from workbook import files
from workbook.language import said
from workbook.publish.secrecy.rules import SecrecyError

FORMAT = 1


@dataclass(frozen=True)
class PublishedSum:
    """A published sum: its value, and (units, marks, weights) of what it added up."""

    exhibit: str
    key: dict[str, str]
    column: str
    total: float
    units: list[str]
    marks: list[str]
    weights: list[float]


@dataclass(frozen=True)
class PublishedCount:
    """A published count of units, or one that was left out (``value`` None)."""

    exhibit: str
    key: dict[str, str]
    column: str
    value: float | None


@dataclass(frozen=True)
class Release:
    """One release: its name (a date or a run), its sums and its counts."""

    name: str
    sums: list[PublishedSum] = field(default_factory=list)
    counts: list[PublishedCount] = field(default_factory=list)


def write(release: Release, folder: Path) -> Path:
    """Save a record in a folder of releases; one of the same name is replaced.

    Returns
    -------
    Path
        The file.
    """
    folder.mkdir(parents=True, exist_ok=True)
    name = "".join(c if c.isalnum() or c in "-_." else "-" for c in release.name)
    file = folder / f"{name}.release.json"
    files.write_atomic(file, json.dumps({"format": FORMAT} | asdict(release), ensure_ascii=False) + "\n")
    return file


def read(folder: Path) -> list[Release]:
    """All records of a folder, by name; none where there is no folder.

    Raises
    ------
    SecrecyError
        If a file is not a record of a release.
    """
    return [_read(file) for file in sorted(folder.glob("*.release.json"))]


def _read(file: Path) -> Release:
    try:
        held: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
        if held.get("format") != FORMAT:
            raise ValueError(f"format {held.get('format')}, not {FORMAT}")
        found = Release(
            str(held["name"]),
            [PublishedSum(**row) for row in held["sums"]],
            [PublishedCount(**row) for row in held["counts"]],
        )
        for one in found.sums:
            if not len(one.units) == len(one.marks) == len(one.weights):
                raise ValueError(
                    f"{len(one.units)} units, {len(one.marks)} marks, {len(one.weights)} weights"
                )
            _numbers(one.total, *one.weights)
        _numbers(*(one.value for one in found.counts if one.value is not None))
        return found
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, OverflowError) as error:
        raise SecrecyError(said("publish.release_unread", file=file.name, reason=str(error)[:200])) from error


def _numbers(*values: float) -> None:
    if any(isinstance(v, bool) or not isinstance(v, int | float) or not math.isfinite(v) for v in values):
        raise ValueError("no number")


def unit_mark(unit: str) -> str:
    """Name of a unit in a record."""
    return hashlib.blake2b(unit.encode(), digest_size=8).hexdigest()


def value_mark(unit: str, value: float) -> str:
    """Name of a unit's value in a record: a hash of both, to eight digits."""
    return hashlib.blake2b(f"{unit}|{value:.7e}".encode(), digest_size=9).hexdigest()


def near_marks(unit: str, value: float) -> set[str]:
    """The names that a value may have in a record, whatever the last digits of its computation."""
    return {value_mark(unit, value * (1 + shift)) for shift in (-1e-10, 0.0, 1e-10)}


def names(releases: Sequence[Release]) -> list[str]:
    """Names of releases."""
    return [release.name for release in releases]
