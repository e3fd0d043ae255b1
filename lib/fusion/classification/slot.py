"""A standard that is not held: a template, a check, and a plain statement of why it is empty."""

from __future__ import annotations

import csv
from pathlib import Path

from fusion.classification.codes import exists
from fusion.classification.tables import FOLDER, ClassificationError, standards
from fusion.classification.tables import rows as table_rows
from fusion.language import listed, said, told

COLUMNS = (
    "standard",
    "part",
    "class_code",
    "level",
    "parent_code",
    "class_name",
    "gbt_code",
    "partial",
    "confidence",
)
MOST = 20


def empty() -> list[dict[str, str]]:
    """Standards that are named and not held: standard, issuer, titles, year and what is said of each.

    One that has been filled in, as a file among the standards, is no longer among them.
    """
    return [row for row in table_rows("slots") if row["standard"] not in standards()]


def statement(language: str = "en") -> str:
    """What is said of the standards that are not held; empty when all are."""
    each = []
    for row in empty():
        title = row["title_zh"] if language == "zh" else f"{row['title_en']} ({row['year']})"
        place, fate = f"data/classification/slots/{row['standard']}.csv", row[f"said_{language}"]
        each.append(told(language, "classification.slot.not_held", title=title, fate=fate, place=place))
    return " ".join(each)


def check(file: Path) -> list[str]:
    """What is wrong with a standard's file, one line each; empty where it can be used.

    Parameters
    ----------
    file : Path
        CSV in UTF-8 with the columns of ``data/classification/standards``.

    Raises
    ------
    ClassificationError
        When it cannot be read at all.
    """
    if not file.is_file():
        raise ClassificationError(said("classification.slot.no_such_file", file=file, folder=FOLDER.name))
    try:
        with file.open(encoding="utf-8-sig", newline="") as stream:
            reader = csv.DictReader(stream)
            headers, rows = reader.fieldnames or [], list(reader)
    except UnicodeDecodeError as error:
        raise ClassificationError(
            said("classification.slot.not_utf8", file=file, start=error.start)
        ) from None
    lacking = [c for c in COLUMNS if c not in headers]
    if lacking:
        return [
            said(
                "classification.slot.columns",
                file=file.name,
                lacking=listed(lacking),
                columns=listed(COLUMNS),
            )
        ]
    if not rows:
        return [said("classification.slot.no_rows", file=file.name)]
    classes = {row["class_code"] for row in rows}
    found = [line for n, row in enumerate(rows, 2) for line in _row(file.name, n, row, classes, file.stem)]
    more = [said("classification.slot.more", count=len(found) - MOST)] if len(found) > MOST else []
    return found[:MOST] + more


def _row(name: str, line: int, row: dict[str, str], classes: set[str], standard: str) -> list[str]:
    where, out = said("classification.slot.line", name=name, line=line), []
    if row["standard"] != standard:
        out.append(
            said("classification.slot.standard", where=where, found=row["standard"], standard=standard)
        )
    if not row["class_code"] or not row["class_name"]:
        out.append(said("classification.slot.empty", where=where))
    if row["parent_code"] and row["parent_code"] not in classes:
        out.append(said("classification.slot.parent", where=where, parent_code=row["parent_code"]))
    if row["level"] not in ("1", "2", "3", "4"):
        out.append(said("classification.slot.level", where=where, level=row["level"]))
    code = row["gbt_code"]
    if code and not exists(code, "2017"):
        out.append(said("classification.slot.code", where=where, code=code))
    if row["partial"] not in ("", "0", "1") or (code and row["partial"] == ""):
        out.append(said("classification.slot.partial", where=where, partial=row["partial"]))
    return out
