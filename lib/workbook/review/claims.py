"""Whether what a study claims has its evidence: the audit's verdicts, and the files that they rest on."""

from __future__ import annotations

import hashlib
from collections import Counter
from typing import Any

from workbook import files, paths
from workbook.language import current, said, word
from workbook.run import manifest

# A claim without evidence: decided against, or waiting for a person.
LACKING = ("fail", "needs a sentence")
CHECKLIST = "10_audit/checklist.parquet"


class ClaimsError(ValueError):
    """There is nothing to audit."""


def check(study: str) -> tuple[dict[str, int], list[str]]:
    """Verdicts of a study's checklist, and everything that is wrong.

    Parameters
    ----------
    study : str
        Name of a study that has been run with notebook 10_audit.

    Returns
    -------
    counts : dict
        Status: number of points.
    problems : list of str
        Points that failed or wait for a sentence, notebooks that did not finish, and results that are no longer what
        the run wrote.

    Raises
    ------
    ClaimsError
        If the study was not run, or has no checklist.
    """
    root = paths.build() / study
    record = manifest.read(root)
    if not record:
        raise ClaimsError(said("review.no_run", study=study, folder=files.shown(root.parent)))
    if not (root / CHECKLIST).is_file():
        raise ClaimsError(said("review.no_checklist", study=study))
    rows = files.table(root / CHECKLIST).to_pylist()
    problems = [
        said(
            "review.claims.point",
            number=row["number"],
            point=row[f"point_{current()}"],
            status=word("review.verdict", row["status"]),
            evidence=row[f"evidence_{current()}"],
        )
        for row in rows
        if row["status"] in LACKING
    ]
    counts = dict(Counter(str(row["status"]) for row in rows))
    return counts, [*problems, *_unfinished(record), *_altered(root, record)]


def _unfinished(record: dict[str, Any]) -> list[str]:
    return [
        said("review.claims.notebook", name=name, status=word("review.status", entry["status"]))
        for name, entry in record["notebooks"].items()
        if entry["status"] != "done"
    ]


def _altered(root: Any, record: dict[str, Any]) -> list[str]:
    """Results that are not the bytes that the run recorded."""
    found = []
    for entry in record["notebooks"].values():
        for name, recorded in (entry.get("outputs") or {}).items():
            file = root / name
            if not file.is_file():
                found.append(said("review.claims.missing", name=name))
            elif hashlib.sha256(file.read_bytes()).hexdigest() != recorded["sha256"]:
                found.append(said("review.claims.altered", name=name))
    return found
