"""The command ``fusion check``."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from fusion.adapters import report as reports
from fusion.adapters.errors import AdapterError
from fusion.language import said

LARGE = 50_000_000  # bytes from which the reading is announced


def check(
    files: Sequence[Path],
    adapter: str | None,
    money_unit: str | None,
    edition: str,
    write: Path | None,
    as_json: bool,
    needs: Mapping[str, list[str]],
    study: Callable[[Collection[str]], tuple[list[str], Any]] = lambda columns: ([], {}),
) -> int:
    """Print the report and write the draft of an adapter.

    ``study`` says what a study could and could not do with columns that hold something: in lines, and as plain values.

    Returns
    -------
    int
        0 where a study can read the files as they are, else 1.
    """
    if write is not None and os.path.exists(write):
        raise AdapterError(said("adapters.would_be_overwritten", write=write))
    size = sum(f.stat().st_size for f in files if os.path.isfile(f))
    if size > LARGE:
        print(
            said("adapters.reading", count=len(files), size=size / 1000000000.0), file=sys.stderr, flush=True
        )
    found = reports.check(files, adapter, money_unit, needs, edition)
    if as_json:
        whole = reports.as_json(found) | {"study_cannot": study(found.columns)[1]}
        print(json.dumps(whole, ensure_ascii=False, indent=1, default=str))
        return int(bool(found.problems))
    print("\n".join([*reports.lines(found), "", *study(found.columns)[0]]))
    target = write or free(files[0].with_suffix(".adapter.yaml"))
    name = "".join(
        c if c.isascii() and (c.isalnum() or c in "_-") else "" for c in target.name.split(".")[0].lower()
    )
    put(target, reports.draft(found, name.strip("_-") or "mine"))
    print(said("adapters.written", target=target))
    return int(bool(found.problems))


def free(file: Path) -> Path:
    """The file, or where it is taken the first free name beside it."""
    stem = file.name.removesuffix(".adapter.yaml")
    numbered = (file.with_name(f"{stem}.{n}.adapter.yaml") for n in range(2, 1000))
    return file if not file.exists() else next(f for f in numbered if not f.exists())


def put(target: Path, text: str) -> None:
    """Write a file whole, or not at all."""
    part = target.with_name(f".{target.name}.part")
    try:
        part.write_text(text, encoding="utf-8")
        os.replace(part, target)
    except OSError as error:
        raise AdapterError(said("adapters.not_written", target=target, reason=error.strerror)) from None
