"""The record of a study's run: what went in, what came out, with what, and when."""

from __future__ import annotations

import json
import os
import platform
import subprocess
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

from workbook import files, paths
from workbook.run.fingerprint import LOCK, Hashes, digest, public

FORMAT = 1
PLACE = ".study"  # file in a study's folder that says where the study's own lies; never published
PACKAGES = (
    "pandas",
    "numpy",
    "pyarrow",
    "duckdb",
    "ibis-framework",
    "statsmodels",
    "linearmodels",
    "pyfixest",
    "diff-diff",
    "scipy",
    "seaborn",
    "matplotlib",
    "pandera",
    "pydantic",
    "papermill",
    "nbclient",
    "ipykernel",
)


def read(root: Path) -> dict[str, Any]:
    """The manifest in a study's folder; empty if there is none, or it is not one of ours."""
    try:
        found = json.loads((root / "manifest.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    if not sound(found) or found.get("format") != FORMAT:
        return {}
    # With the digest of the file no record would ever equal the one that it was read from.
    found.pop("digest", None)
    return dict(found)


def sound(found: Any) -> bool:
    """Whether a record is as it was written; one without a digest is an older one."""
    if not isinstance(found, dict):
        return False
    return "digest" not in found or found["digest"] == _digest(found)


def write(root: Path, manifest: Mapping[str, Any]) -> None:
    """Write it, whole or not at all."""
    whole = dict(manifest) | {"digest": _digest(manifest)}
    files.write_atomic(root / "manifest.json", json.dumps(whole, ensure_ascii=False, indent=1) + "\n")


def header(name: str, file: Path, flat: Mapping[str, Any], hashes: Hashes) -> dict[str, Any]:
    """What identifies the study: its parameters, and the hash of the file that states them."""
    inside = file.is_relative_to(paths.ROOT)
    return {
        "format": FORMAT,
        "study": name,
        "synthetic": flat.get("synthetic"),
        "language": flat.get("language"),
        "seed": flat.get("seed"),
        "parameters_file": str(file.relative_to(paths.ROOT)) if inside else file.name,
        "parameters_sha256": hashes.of(file),
        "parameters": public(flat),
    }


def environment(hashes: Hashes) -> dict[str, Any]:
    """Interpreter, packages, lock and machine (its kind, not its name)."""
    return {
        "python": platform.python_version(),
        "implementation": platform.python_implementation(),
        "lock_sha256": hashes.of(LOCK),
        "packages": {name: _version(name) for name in PACKAGES},
        "platform": platform.platform(),
        "machine": platform.machine(),
        "cores": cores(),
    }


def cores() -> int:
    """Cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def commit() -> dict[str, Any] | None:
    """Commit of the project and whether files differ from it; None outside git."""
    top = _git("rev-parse", "--show-toplevel")
    head = _git("rev-parse", "HEAD")
    if top is None or head is None or Path(top).resolve() != paths.ROOT:
        return None
    return {"commit": head, "dirty": bool(_git("status", "--porcelain"))}


def outputs(root: Path, notebook: str, hashes: Hashes) -> dict[str, Any]:
    """Every file of a finished notebook, by its place in the study's folder, with hash, bytes and rows."""
    inside = sorted(f for f in (root / notebook).rglob("*") if f.is_file())
    found: dict[str, Any] = {}
    for file in [*inside, root / f"{notebook}.ipynb"]:
        entry: dict[str, Any] = {"sha256": hashes.of(file), "bytes": file.stat().st_size}
        if file.suffix == ".parquet":
            entry["rows"] = _rows(file)
        found[file.relative_to(root).as_posix()] = entry
    return found


def intact(root: Path, record: Mapping[str, Any], hashes: Hashes) -> bool:
    """Whether every output that a record names is there and unaltered."""
    listed: Mapping[str, Any] = record.get("outputs", {})
    try:
        return bool(listed) and all(hashes.of(root / n) == e["sha256"] for n, e in listed.items())
    except OSError:
        return False


def place(root: Path) -> Path | None:
    """Where the file of the study lies whose results are in ``root``; None where that is not known, or it is gone."""
    try:
        file = Path((root / PLACE).read_text(encoding="utf-8"))
    except OSError:
        return None
    return file if file.is_file() else None


def now() -> str:
    """The time, UTC, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")


# -- inside ------------------------------------------------------------------------------------


def _digest(record: Mapping[str, Any]) -> str:
    """Hash of a record without its own."""
    return digest({key: value for key, value in record.items() if key != "digest"})


def _rows(file: Path) -> int:
    """Rows of a Parquet file, from its footer."""
    from pyarrow.parquet import read_metadata

    return int(read_metadata(file).num_rows)


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _git(*words: str) -> str | None:
    try:
        done = subprocess.run(
            ["git", *words], cwd=paths.ROOT, capture_output=True, text=True, timeout=20, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()
