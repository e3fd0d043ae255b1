"""A standard that is not held: a template, a check, and a plain statement of why it is empty."""

from __future__ import annotations

import csv
from pathlib import Path

from fusion.classification.codes import exists
from fusion.classification.tables import FOLDER, ClassificationError

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
SLOTS = {
    "shanghai_new_economy_2020": (
        "上海市新经济统计监测制度(2020), which the policy names, is an internal rule of the bureau: its text is not public, so "
        "no table of it is held and nothing here is classified by it. Who has the text fills in "
        "data/classification/slots/shanghai_new_economy_2020.csv, and `fusion standard FILE` checks it.",
        "政策所列《上海市新经济统计监测制度》(2020) 为统计部门内部制度，文本未公开，因此没有其分类表，"
        "此处也不据以分类。持有文本者可填写 "
        "data/classification/slots/shanghai_new_economy_2020.csv，并用 `fusion standard 文件` 检查。",
    )
}
MOST = 20


def statement(language: str = "en") -> str:
    """What is said of the standards that are not held."""
    return " ".join(texts[language == "zh"] for texts in SLOTS.values())


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
