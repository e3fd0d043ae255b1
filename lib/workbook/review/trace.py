"""Where a printed number comes from: from the exhibit back to cell, inputs, filters, parameters, code, commit."""

from __future__ import annotations

import csv
import hashlib
import json
import shlex
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from workbook import files, paths
from workbook.language import current, listed, said, word
from workbook.run import chain, manifest


class TraceError(ValueError):
    """What is asked for cannot be traced."""


def trace(exhibit: str, study: str) -> dict[str, Any]:
    """All that stands behind an exhibit of a study's present results.

    Parameters
    ----------
    exhibit : str
        Its id (``ladder``), its id with the notebook's number where two have the same (``05.ladder``), or its
        printed number (``5.3``).
    study : str
        Name of the study.

    Returns
    -------
    dict
        ``exhibit``, ``file`` (with its hash and whether it is still what the run wrote), ``cell`` (notebook, tag,
        number, text), ``inputs`` (each artefact read, directly or through others: file, rows, hash, writer),
        ``source``, ``filters`` (the sample flow), ``parameters`` (those that the notebooks on the way read),
        ``code`` (hashes), ``environment``, ``commit``, ``run``.

    Raises
    ------
    TraceError
        If the study has not been run, or has no such exhibit; the message names near ones.
    """
    root = paths.build() / study
    manifest = _json(root / "manifest.json")
    if not manifest:
        raise TraceError(said("review.no_run", study=study, folder=files.shown(root.parent)))
    row = _find(root, exhibit, study)
    records, name = manifest["notebooks"], row["notebook"]
    way = list(_way(name, records))
    return {
        "study": study,
        "run": {key: manifest.get(key) for key in ("started", "status", "seed", "parameters_file")},
        "exhibit": {key: row[key] for key in ("id", "kind", "number", "title_en", "title_zh")},
        "file": _file(root, row["file"], records[name]),
        "cell": _cell(root / f"{name}.ipynb", row["id"], name),
        "inputs": _inputs(root, way, records),
        "source": {k: v for step in way for k, v in (records[step]["fingerprint"].get("data") or {}).items()},
        "filters": _filters(root, way),
        "parameters": {k: v for step in way for k, v in records[step]["fingerprint"]["parameters"].items()},
        "code": {k: v for step in way for k, v in records[step]["fingerprint"]["library"].items()},
        "environment": manifest.get("environment"),
        "commit": records[name].get("git"),
    }


def text(found: Mapping[str, Any]) -> str:
    """The trace for a terminal."""
    exhibit, cell, file = found["exhibit"], found["cell"], found["file"]
    state = {
        True: said("review.trace.unchanged"),
        False: said("review.trace.changed"),
        None: said("review.trace.unrecorded"),
    }
    commit = found["commit"] or {}
    dirty = said("review.trace.dirty") if commit.get("dirty") else ""
    lines = [
        said(
            "review.trace.head",
            kind=word("review.kind", exhibit["kind"]),
            number=exhibit["number"],
            id=exhibit["id"],
            study=found["study"],
            title=exhibit[f"title_{current()}"],
        ),
        said(
            "review.trace.file", name=file["name"], sha256=_short(file["sha256"]), state=state[file["intact"]]
        ),
        said("review.trace.cell", notebook=cell["notebook"], tag=cell["tag"], number=cell["number"]),
        *(f"            {line}" for line in cell["text"].splitlines()),
        said("review.trace.inputs"),
        *(
            said(
                "review.trace.input",
                file=e["file"],
                rows=_rows(e["rows"]),
                sha256=_short(e["sha256"]),
                state=state[e["intact"]],
            )
            for e in found["inputs"]
        ),
        said("review.trace.source"),
        *(
            [f"            {name}  sha256 {_short(mark)}" for name, mark in found["source"].items()]
            or [said("review.trace.no_file")]
        ),
        said("review.trace.filters"),
        *(f"            {line}" for line in found["filters"] or [said("review.trace.no_filters")]),
        said("review.trace.parameters"),
        *(f"            {k} = {json.dumps(v, ensure_ascii=False)}" for k, v in found["parameters"].items()),
        said("review.trace.code", count=len(found["code"])),
        said(
            "review.trace.with",
            python=(found["environment"] or {}).get("python"),
            lock=_short((found["environment"] or {}).get("lock_sha256")),
            seed=found["run"]["seed"],
        ),
        *_again(commit.get("commit"), dirty, _place(found["study"])),
    ]
    return "\n".join(lines) + "\n"


# -- inside ------------------------------------------------------------------------------------


def _again(commit: str | None, dirty: str, place: str) -> list[str]:
    """What made it, and what makes it again: in an unpacked package there is no commit to go to."""
    if not commit:
        return [said("review.trace.no_commit"), said("review.trace.again_here", study=place)]
    return [
        said("review.trace.commit", commit=commit, dirty=dirty),
        said("review.trace.again", commit=commit[:10], study=place),
    ]


def _place(study: str) -> str:
    """What names the study in a command: its path where it is none of the project's."""
    file = manifest.place(paths.build() / study)
    inside = (paths.PARAMS / f"{study}.yaml").is_file() or file is None
    return study if inside else shlex.quote(str(file))


def _json(file: Path) -> dict[str, Any]:
    try:
        return dict(json.loads(file.read_text(encoding="utf-8")))
    except (OSError, ValueError):
        return {}


def _find(root: Path, exhibit: str, study: str) -> dict[str, str]:
    with (root / "exhibits.csv").open(encoding="utf-8-sig", newline="") as stream:
        rows = list(csv.DictReader(stream))
    names = {f"{row['notebook'][:2]}.{row['id']}": row for row in rows}
    fitting = [
        row
        for name, row in names.items()
        if exhibit in (name, row["id"], row["number"]) and row["kind"] != "left_out"
    ]
    if len(fitting) == 1:
        return fitting[0]
    if fitting:
        same = listed(f"{row['notebook'][:2]}.{row['id']}" for row in fitting)
        raise TraceError(said("review.trace.several", exhibit=exhibit, study=study, same=same))
    omitted = [row for row in names.values() if row["id"] == exhibit]
    if omitted:
        raise TraceError(
            said("review.trace.left_out", exhibit=exhibit, study=study, note=omitted[0][f"note_{current()}"])
        )
    near = get_close_matches(exhibit, [*names, *(row["id"] for row in rows)], n=3) or sorted(names)
    raise TraceError(said("review.trace.no_exhibit", study=study, exhibit=exhibit, near=listed(near)))


def _way(name: str, records: Mapping[str, Any]) -> Iterator[str]:
    """The notebook and those whose artefacts it read, directly or through others, the nearest first."""
    queue, seen = [name], {name}
    while queue:
        # The latest in the chain first, so that what it read follows it.
        current = max(queue)
        queue.remove(current)
        yield current
        for artefact in records[current].get("inputs") or {}:
            writer = chain.writer(artefact).notebook
            if writer in records and writer not in seen:
                seen.add(writer)
                queue.append(writer)


def _file(root: Path, name: str, record: Mapping[str, Any]) -> dict[str, Any]:
    recorded = record.get("outputs", {}).get(name, {})
    return {"name": name, "rows": recorded.get("rows")} | _state(root / name, recorded.get("sha256"))


def _state(file: Path, recorded: str | None) -> dict[str, Any]:
    now = hashlib.sha256(file.read_bytes()).hexdigest() if file.is_file() else None
    return {"sha256": recorded, "intact": None if recorded is None else now == recorded}


def _inputs(root: Path, way: list[str], records: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Artefacts read on the way, each once."""
    found: dict[str, dict[str, Any]] = {}
    for step in way:
        for name, entry in (records[step].get("inputs") or {}).items():
            if entry and entry["file"] not in found:
                state = _state(root / entry["file"], entry.get("sha256"))
                found[entry["file"]] = {
                    "artefact": name,
                    "file": entry["file"],
                    "rows": entry.get("rows"),
                } | state
    return list(found.values())


def _cell(file: Path, tag: str, notebook: str) -> dict[str, Any]:
    for cell in _json(file).get("cells", []):
        if tag in cell["metadata"].get("tags", []):
            number, code = cell.get("execution_count"), "".join(cell["source"])
            return {"notebook": notebook, "tag": tag, "number": number, "text": code}
    raise TraceError(said("review.trace.no_cell", file=files.shown(file), tag=tag))


def _filters(root: Path, way: list[str]) -> list[str]:
    """The sample flow's steps, where a notebook on the way wrote one."""
    flows = [root / step / "sample_flow.parquet" for step in way]
    rows = [row for file in flows if file.is_file() for row in files.table(file).to_pylist()]
    return [
        said(
            "review.trace.filter",
            reason=row[f"reason_{current()}"],
            rows=row["rows"],
            firms=row["firms"],
            rows_dropped=row["rows_dropped"],
        )
        for row in rows
    ]


def _short(value: str | None) -> str:
    return value[:12] if value else said("review.trace.unknown")


def _rows(count: int | None) -> str:
    return "" if count is None else said("review.trace.rows", count=count)
