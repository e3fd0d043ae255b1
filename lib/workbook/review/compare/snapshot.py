"""A run in one small JSON file: parameters, code, data and versions by hash, and every exhibit's rows.

Snapshots of a study's last runs lie in ``build/<study>/.runs``; one can be pinned in git as a baseline. A
snapshot holds what was shown, never rows of the panel; cells are named by exhibit, row and column in no language.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from workbook import files, paths
from workbook.exhibits import sheets
from workbook.exhibits.listing import FRAME
from workbook.language import listed, said

FORMAT = 2
KEPT = 20  # runs of a study; the oldest goes first
LARGEST_TABLE = 2000  # rows; a larger table is compared by its hash alone
# Columns that mark a table of estimates among the artefacts.
NAMING = {"label", "year", "identifier"}  # roles of columns that say which row it is
ESTIMATE, INTERVAL = "estimate", ("ci_low", "ci_high")


class SnapshotError(ValueError):
    """A run that is asked for is not there."""


def take(root: Path) -> dict[str, Any]:
    """Snapshot of the study whose finished run lies in ``root``.

    Parameters
    ----------
    root : Path
        The study's folder in the build.

    Returns
    -------
    dict
        ``study``, ``run`` (time of its start), ``parameters``, ``code`` (module or notebook: hash), ``data`` (file
        or artefact: hash), ``versions``, ``exhibits`` (id: titles, table), ``estimates`` (artefact: rows).

    Raises
    ------
    SnapshotError
        If the study has not been run.
    """
    manifest = _json(root / "manifest.json")
    if not manifest:
        raise SnapshotError(said("review.no_run", study=root.name, folder=files.shown(root.parent)))
    records = {n: r for n, r in manifest["notebooks"].items() if r.get("status") == "done"}
    environment = manifest.get("environment") or {}
    return {
        "format": FORMAT,
        "study": manifest["study"],
        "run": manifest.get("started"),
        "status": manifest["status"],
        "commit": (manifest.get("git") or {}).get("commit"),
        "dirty": (manifest.get("git") or {}).get("dirty"),
        "parameters": manifest["parameters"],
        "code": _code(records),
        "data": _data(records),
        "versions": {"python": environment.get("python"), **(environment.get("packages") or {})},
        "exhibits": _exhibits(root, records),
        "estimates": _estimates(root, records),
    }


def keep(root: Path) -> Path:
    """Write the snapshot of the run in ``root`` beside it, and let the oldest go; returns the file."""
    snapshot = take(root)
    folder = root / ".runs"
    folder.mkdir(exist_ok=True)
    name = str(snapshot["run"]).replace(":", "").split("+")[0]
    target = folder / f"{name}.json"
    files.write_atomic(target, json.dumps(snapshot, ensure_ascii=False))
    for old in kept(root)[:-KEPT]:
        old.unlink(missing_ok=True)
    return target


def kept(root: Path) -> list[Path]:
    """Snapshots of a study's runs, oldest first."""
    return sorted((root / ".runs").glob("*.json"))


def pin(spec: str) -> Path:
    """Write a run as the study's baseline: ``params/baselines/<study>.json``, to be committed.

    Of units that were promised secrecy it holds what rules would leave out; such a baseline stays in the build.
    """
    snapshot = find(spec)
    inside = snapshot["parameters"].get("secrecy") != "public"
    target = _inside(snapshot["study"]) if inside else baseline(snapshot["study"])
    target.parent.mkdir(parents=True, exist_ok=True)
    files.write_atomic(target, json.dumps(snapshot, ensure_ascii=False, indent=0) + "\n")
    return target


def baseline(study: str) -> Path:
    """File of a study's pinned baseline."""
    return paths.PARAMS / "baselines" / f"{study}.json"


def find(spec: str) -> dict[str, Any]:
    """The run that a user names.

    Parameters
    ----------
    spec : str
        ``study`` (its present results), ``study@previous``, ``study@baseline``, ``study@`` and the beginning of a
        run's time as ``fusion runs`` lists it, or the path of a snapshot.

    Raises
    ------
    SnapshotError
        If there is none; the message lists those that are there.
    """
    if spec.endswith(".json"):
        return _checked(Path(spec))
    study, _, which = spec.partition("@")
    root = paths.build() / study
    if not which:
        return take(root)
    if which == "baseline":
        own = _inside(study)
        return _checked(own if own.is_file() else baseline(study))
    found = kept(root)
    matching = [file for file in found if file.stem.startswith(which.replace(":", ""))]
    if which == "previous":
        matching = found[-2:-1]
    if len(matching) != 1:
        names = listed(file.stem for file in found) or said("review.diff.none")
        many = "several" if matching else "none"
        raise SnapshotError(said(f"review.snapshot.{many}", spec=spec, study=study, names=names))
    return _checked(matching[0])


# -- inside ------------------------------------------------------------------------------------


def _inside(study: str) -> Path:
    """File of a baseline that is not to leave the build."""
    return paths.build() / study / ".runs" / "baseline" / "pinned.json"


def _checked(file: Path) -> dict[str, Any]:
    found = _json(file)
    if not found:
        raise SnapshotError(said("review.snapshot.absent", file=files.shown(file)))
    if found.get("format") != FORMAT:
        raise SnapshotError(
            said("review.snapshot.format", file=files.shown(file), found=found.get("format"), format=FORMAT)
        )
    return found


def _json(file: Path) -> dict[str, Any]:
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _code(records: Mapping[str, Any]) -> dict[str, str]:
    code: dict[str, str] = {}
    for name, record in records.items():
        mark = record["fingerprint"]
        code |= {f"notebooks/{name}.ipynb": mark["notebook"], **mark["library"], **mark["files"]}
    return dict(sorted(code.items()))


def _data(records: Mapping[str, Any]) -> dict[str, Any]:
    data: dict[str, Any] = {}
    for record in records.values():
        data |= record["fingerprint"].get("data") or {}
        for name, entry in record.get("outputs", {}).items():
            if name.endswith(".parquet"):
                data[name] = {"sha256": entry["sha256"], "rows": entry.get("rows")}
    return data


def _exhibits(root: Path, records: Mapping[str, Any]) -> dict[str, Any]:
    found = {}
    for name, record in records.items():
        outputs = record.get("outputs", {})
        for entry in _json(root / name / "done.json").get("exhibits", []):
            id = entry["id"]
            kept = {key: entry.get(key, "") for key in ("kind", "number", "title_en", "title_zh", "lacks")}
            file = f"{name}/{id}{FRAME}"
            kept |= {
                "notebook": name,
                "values": entry.get("values"),
                "sha256": outputs.get(file, {}).get("sha256"),
            }
            if (root / file).is_file():
                kept["table"] = _table(root / file, sheets.sheet(name).exhibit(id))
            found[f"{name[:2]}.{id}"] = kept
    return found


def _table(file: Path, exhibit: sheets.Exhibit) -> dict[str, Any] | None:
    """Rows of an exhibit, and which of its columns name them; None where there are too many."""
    table = files.table(file)
    if table.num_rows > LARGEST_TABLE:
        return None
    named = {name for name, column in exhibit.columns.items() if column.role in NAMING}
    keys = [name for name in table.column_names if name in named]
    rows = [[_cell(value) for value in row.values()] for row in table.to_pylist()]
    return {"columns": table.column_names, "keys": keys, "rows": rows}


def _cell(value: Any) -> Any:
    """A cell as JSON has it."""
    return value if isinstance(value, str | bool | int) else next(iter(_plain({"cell": value}).values()))


def _estimates(root: Path, records: Mapping[str, Any]) -> dict[str, Any]:
    """Artefacts that hold estimates, with their intervals: by them signs and significance are compared."""
    import pyarrow.parquet as parquet

    found = {}
    for name, record in records.items():
        for file, entry in record.get("outputs", {}).items():
            if not file.endswith(".parquet") or (entry.get("rows") or 0) > LARGEST_TABLE:
                continue
            columns = parquet.read_schema(root / file).names
            if {ESTIMATE, *INTERVAL} <= set(columns):
                rows = files.table(root / file).to_pylist()
                artefact = Path(file).stem
                found[f"{name[:2]}.{artefact}"] = [_plain(row) for row in rows]
    return found


def _plain(row: Mapping[str, Any]) -> dict[str, Any]:
    """Values that JSON knows; an estimate that is missing or infinite is null."""
    bad = (float("inf"), float("-inf"))
    return {
        key: value
        if isinstance(value, str | int | bool)
        or (isinstance(value, float) and value == value and value not in bad)
        else (None if value is None or isinstance(value, float) else str(value))
        for key, value in row.items()
    }
