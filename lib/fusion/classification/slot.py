"""A standard that is not held: a template, a check, and a plain statement of why it is empty."""

from __future__ import annotations

import csv
from pathlib import Path

from fusion.classification.codes import exists
from fusion.classification.tables import FOLDER, ClassificationError, standards
from fusion.classification.tables import rows as table_rows

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
    said = []
    for row in empty():
        place = f"data/classification/slots/{row['standard']}.csv"
        said.append(
            f"{row['title_zh']}：{row['said_zh']}。持有文本者可填写 {place}，并用 `fusion standard 文件` 检查。"
            if language == "zh"
            else f"{row['title_zh']} ({row['title_en']}) has {row['said_en']}. Who has the text fills in {place}, and "
            "`fusion standard FILE` checks it."
        )
    return " ".join(said)


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
        raise ClassificationError(f"{file}: no such file; the template is {FOLDER.name}/slots/<standard>.csv")
    try:
        with file.open(encoding="utf-8-sig", newline="") as stream:
            reader = csv.DictReader(stream)
            headers, rows = reader.fieldnames or [], list(reader)
    except UnicodeDecodeError as error:
        raise ClassificationError(
            f"{file}: not UTF-8 at byte {error.start}; save it as CSV in UTF-8"
        ) from None
    lacking = [c for c in COLUMNS if c not in headers]
    if lacking:
        return [f"{file.name}: columns are missing: {', '.join(lacking)}; needed: {', '.join(COLUMNS)}"]
    if not rows:
        return [
            f"{file.name}: no rows yet; one row for each class and each GB/T 4754-2017 code that it holds"
        ]
    classes = {row["class_code"] for row in rows}
    found = [line for n, row in enumerate(rows, 2) for line in _row(file.name, n, row, classes, file.stem)]
    more = [f"{len(found) - MOST} more"] if len(found) > MOST else []
    return found[:MOST] + more


def _row(name: str, line: int, row: dict[str, str], classes: set[str], standard: str) -> list[str]:
    where, out = f"{name}, line {line}", []
    if row["standard"] != standard:
        out.append(f"{where}: standard '{row['standard']}'; it must be the file's name, {standard}")
    if not row["class_code"] or not row["class_name"]:
        out.append(f"{where}: class_code and class_name may not be empty")
    if row["parent_code"] and row["parent_code"] not in classes:
        out.append(f"{where}: parent_code {row['parent_code']} is no class_code of the file")
    if row["level"] not in ("1", "2", "3", "4"):
        out.append(f"{where}: level '{row['level']}'; allowed: 1 to 4")
    code = row["gbt_code"]
    if code and not exists(code, "2017"):
        out.append(
            f"{where}: gbt_code '{code}' is not a code of GB/T 4754-2017 (four to two digits or a letter, as text)"
        )
    if row["partial"] not in ("", "0", "1") or (code and row["partial"] == ""):
        out.append(f"{where}: partial '{row['partial']}'; 1 where the code is marked *, else 0")
    return out
