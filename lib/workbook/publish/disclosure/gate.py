"""The gate before publishing: what a study's exhibits say of single units, by a register that a person wrote.

It fails closed: an exhibit that the register does not know is not published where units were promised secrecy.
What it cannot see is said in the record: sentences that a notebook composes are held to identifiers alone.
"""

from __future__ import annotations

import csv
import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from workbook import files, paths
from workbook.publish.built import Built
from workbook.publish.disclosure.rules import DisclosureError, Rules

REGISTER = paths.DATA / "disclosure" / "exhibits.csv"
RECORD = "release.json"
TOKEN = re.compile(r"[0-9A-Za-z]{5,}")
TEXT = (".csv", ".tex", ".svg", ".ipynb", ".json")


@dataclass(frozen=True)
class Entry:
    """What the register says of an exhibit."""

    exhibit: str
    holds: str  # words | counts | statistics | estimates | drawn_from | units
    counts: tuple[str, ...]
    drawn_from: str
    why: str


HOLDS = ("words", "counts", "statistics", "estimates", "drawn_from", "units")


@cache
def register() -> dict[str, Entry]:
    """The register of exhibits, by ``<notebook's number>.<id>``.

    Raises
    ------
    DisclosureError
        If a row says something that the gate does not know.
    """
    found = {}
    with REGISTER.open(encoding="utf-8", newline="") as stream:
        for number, row in enumerate(csv.DictReader(stream), start=2):
            if row["holds"] not in HOLDS:
                raise DisclosureError(
                    f"{files.shown(REGISTER)}, line {number}: holds = '{row['holds']}'; allowed: {', '.join(HOLDS)}"
                )
            counts = tuple(name for name in row["counts"].split("|") if name)
            found[row["exhibit"]] = Entry(row["exhibit"], row["holds"], counts, row["drawn_from"], row["why"])
    return found


def check(study: Built) -> dict[str, Any]:
    """Judge everything that a study would publish.

    Parameters
    ----------
    study : Built
        The study as it lies in the build.

    Returns
    -------
    dict
        The record of the release: rules, what each exhibit holds and passed, files scanned for identifiers.

    Raises
    ------
    DisclosureError
        With every cell of every exhibit that may not be published.
    """
    parameters = study.parameters
    if parameters.get("secrecy") == "public":
        return {"study": study.name, "secrecy": "public", "rules": "none: the rows are public or synthetic"}
    names = ("min_units", "dominance_units", "dominance_share", "p_percent")
    rules = Rules(**{name: parameters[name] for name in names if parameters.get(name) is not None})
    problems, passed = [], {}
    for row in study.exhibits:
        name = f"{row['notebook'][:2]}.{row['id']}"
        found = list(_problems(study, row, name, rules))
        problems += found
        passed[name] = "left out" if row["kind"] == "left_out" else getattr(register().get(name), "holds", "")
    ids, scanned = _identifiers(study), 0
    for file in study.files().values():
        if file.suffix in TEXT:
            scanned += 1
            problems += [
                f"{file.name}: holds the firm identifier of a unit, {n} times" for n in _found(file, ids)
            ]
    if problems:
        listed = "\n".join(f"  {problem}" for problem in problems)
        raise DisclosureError(
            f"'{study.name}' is not published, for secrecy ({rules.said()}):\n{listed}\n"
            "  mend: merge levels, protect the table (workbook.publish.disclosure.protect), or leave the exhibit out; "
            f"an exhibit of your own goes into {files.shown(REGISTER)}; public rows: secrecy: public"
        )
    return {
        "study": study.name,
        "secrecy": "rules",
        "rules": rules.said(),
        "run": study.manifest.get("started"),
        "exhibits": passed,
        "identifiers": {"known": len(ids), "files_scanned": scanned, "found": 0},
        "not_checked": "sentences composed by notebooks are held to identifiers alone",
    }


def release(study: Built) -> None:
    """Check what has not been checked, and write the record beside the study's results; none is left if it fails."""
    place = study.root / RECORD
    judged = _judged(study)
    if place.is_file() and json.loads(place.read_text(encoding="utf-8")).get("judged") == judged:
        return
    place.unlink(missing_ok=True)
    record = check(study) | {"judged": judged}
    files.write_atomic(study.root / RECORD, json.dumps(record, ensure_ascii=False, indent=1) + "\n")


# -- inside ------------------------------------------------------------------------------------


def _judged(study: Built) -> str:
    """Hash of what a verdict rests on: the results, by the hashes in their record, and the register."""
    whole = hashlib.sha256()
    for file in (study.root / "manifest.json", study.root / "export" / "exhibits.csv", REGISTER):
        whole.update(file.read_bytes() if file.is_file() else b"")
    return whole.hexdigest()


def _problems(study: Built, row: dict[str, str], name: str, rules: Rules) -> Iterator[str]:
    if row["kind"] == "left_out":
        return
    entry = register().get(name)
    if entry is None:
        yield f"{name}: not in the register {files.shown(REGISTER)}, so nobody has judged what it holds"
    elif entry.holds == "units":
        yield f"{name}: shows single units ({entry.why})"
    elif entry.holds == "drawn_from":
        others = {f"{r['notebook'][:2]}.{r['id']}": r for r in study.exhibits}
        if entry.drawn_from not in others:
            yield f"{name}: drawn from {entry.drawn_from}, which is not among the exhibits, so its counts are unknown"
    elif entry.holds in ("counts", "statistics") or entry.counts:
        yield from _small(study.forms(row["notebook"], row["id"]).get(".csv", study.root), name, entry, rules)


def _small(file: Path, name: str, entry: Entry, rules: Rules) -> Iterator[str]:
    """Cells that rest on too few units."""
    if not file.is_file():
        yield f"{name}: its file is missing, so it cannot be judged"
        return
    with file.open(encoding="utf-8-sig", newline="") as stream:
        rows = list(csv.reader(stream))
    if not rows:
        return
    columns = [i for i, header in enumerate(rows[0]) if header in entry.counts]
    lines = [line for line in rows[1:] if line]
    by_row = [(i, line) for line in lines for i in range(1, len(line)) if line[0] in entry.counts]
    cells = [(i, line) for line in lines for i in columns if i < len(line)] + by_row
    if not cells:
        yield f"{name}: none of its columns or rows counts units ({' or '.join(entry.counts)}), so it cannot be judged"
    for i, line in cells:
        count = _number(line[i])
        if count is not None and 0 < count < rules.min_units:
            header = rows[0][i] or f"column {i + 1}"
            where = f"row '{next((c for c in line if c), '')}', column '{header}'"
            yield f"{name}, {where}: {count:g} units, fewer than {rules.min_units}"


def _number(text: str) -> float | None:
    try:
        return float(text.replace(",", ""))
    except ValueError:
        return None


def _identifiers(study: Built) -> set[str]:
    """Identifiers of the study's units, where they are long enough not to be a word or a year."""
    import pyarrow.compute as compute
    import pyarrow.parquet as parquet

    found: set[str] = set()
    for file in sorted(study.root.glob("*/panel.parquet")):
        if "firm_id" in parquet.read_schema(file).names:
            column = parquet.read_table(file, columns=["firm_id"])["firm_id"]
            found |= {str(v) for v in compute.unique(column).to_pylist() if v is not None}
    return {name for name in found if TOKEN.fullmatch(name)}


def _found(file: Path, ids: set[str]) -> list[int]:
    """How often identifiers stand in a file; empty if none does. Which they are is not repeated in a message."""
    if not ids:
        return []
    hits = sum(token in ids for token in TOKEN.findall(file.read_text(encoding="utf-8", errors="replace")))
    return [hits] if hits else []
