"""The cells of a standard's file, whatever its form: rows with their places, and what each column holds."""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fusion import archives
from fusion.classification.tables import ClassificationError
from fusion.language import said

FORMS = (".csv", ".txt", ".tsv", ".xlsx")
LEVELS = ("大类", "中类", "小类", "细类")
SEARCHED = 15  # rows in which a head is looked for: titles stand above it
# What a column's head may be called, without blanks, brackets and marks, in small letters.
HEADS = {
    "gbt_code": {"gbtcode", "gbt4754", "gbt4754code", "gb4754", "gbcode", "industrycode", "国标代码", "行业代码", "行业分类代码",
                 "国民经济行业代码", "国民经济行业分类代码", "国民经济行业代码及名称", "对应行业代码", "行业小类代码", "ind4"},
    "gbt_name": {"gbtname", "industryname", "行业名称", "国民经济行业名称", "国民经济行业分类名称", "行业类别名称"},
    "class_code": {"classcode", "class", "分类代码", "类别代码", "代码", "编码", "code"},
    "class_name": {"classname", "name", "title", "名称", "类别名称", "分类名称", "类别", "领域", "产业", "产业名称"},
    "level": {"level", "层级", "级别", "层次"},
    "parent_code": {"parent", "parentcode", "上级代码", "上级", "父级代码"},
    "partial": {"partial", "partly", "star", "部分", "是否部分", "部分标识", "部分标记", "星号", "标记"},
    "standard": {"standard", "标准"},
    "part": {"part", "部分编号", "篇"},
    "confidence": {"confidence", "可信度"},
}  # fmt: skip
EDITION = re.compile(r"(?:4754|国民经济)\D{0,14}(20\d\d)")


@dataclass(frozen=True)
class Grid:
    """Rows of a file below its head.

    Attributes
    ----------
    rows : tuple of (place, cells)
        ``place``: row in the file, counted from 1. ``cells``: column to text, for what is known.
    heads : dict
        Column to its head as written; ``大类`` … as themselves.
    edition : str
        Edition of GB/T 4754 that the head or the title names; empty if none.
    numbers : frozenset of (place, column)
        Cells that a spreadsheet holds as numbers, so that a zero in front is lost.
    unknown : tuple of str
        Heads that say nothing here.
    """

    rows: tuple[tuple[int, dict[str, str]], ...]
    heads: dict[str, str]
    edition: str = ""
    numbers: frozenset[tuple[int, str]] = frozenset()
    unknown: tuple[str, ...] = ()


def read(file: Path) -> Grid:
    """Read a file of rows.

    Parameters
    ----------
    file : Path
        CSV (UTF-8 or GB18030; commas, semicolons or tabs) or the first sheet of an xlsx.

    Raises
    ------
    ClassificationError
        When it cannot be read, or no row is a head with a column of codes of GB/T 4754.
    """
    if not file.is_file():
        raise ClassificationError(said("classification.own.no_file", file=file))
    if file.suffix.lower() not in FORMS:
        raise ClassificationError(said("classification.own.form", file=file.name, forms=", ".join(FORMS)))
    cells, kinds = _sheet(file) if file.suffix.lower() == ".xlsx" else (_text(file), {})
    at, columns, below = _head(file, cells)
    rows = []
    for place, row in enumerate(cells[below:], below + 1):
        kept = {name: row[n] for n, name in columns.items() if n < len(row)}
        if any(kept.values()):
            rows.append((place, kept))
    above = " ".join(cell for row in cells[:below] for cell in row)
    named = EDITION.search(above)
    heads = {name: _joined(cells[at:below], n) for n, name in columns.items()}
    width = max(map(len, cells[at:below]))
    rest = (_joined(cells[at:below], n) for n in range(width) if n not in columns)
    numbers = frozenset((p, columns[n]) for p, n in kinds if n in columns)
    return Grid(tuple(rows), heads, named[1] if named else "", numbers, tuple(h for h in rest if h))


def plain(text: str) -> str:
    """A head without blanks, brackets and marks, full-width characters made narrow, in small letters."""
    return re.sub(r"[\W_]|20\d\d", "", unicodedata.normalize("NFKC", text).lower())


def _meant(head: str) -> str:
    """Which column a head stands for; empty if none."""
    bare = plain(head)
    found = next((name for name, known in HEADS.items() if bare in known), "")
    if not found and ("国民经济" in bare or "4754" in bare):
        return "gbt_name" if "名称" in bare and "代码" not in bare else "gbt_code"
    alone = head.strip()
    return found or (alone if alone in LEVELS else "partial" if alone in ("*", "＊") else "")


def _head(file: Path, cells: list[list[str]]) -> tuple[int, dict[int, str], int]:
    """Row of the head, its columns by position, and the first row below it (a head may have two rows)."""
    for at, row in enumerate(cells[:SEARCHED]):
        following = cells[at + 1] if at + 1 < len(cells) else []
        both = _columns([row, following]) if _is_head(following) else {}
        one = _columns([row])
        best, below = (both, at + 2) if len(both) > len(one) else (one, at + 1)
        if "gbt_code" in best.values():
            return at, best, below
    first = next((row for row in cells if any(row)), [])
    there = ", ".join(filter(None, first)) or "–"
    raise ClassificationError(said("classification.own.no_head", file=file.name, there=there[:200]))


def _is_head(row: list[str]) -> bool:
    return any(map(_meant, row)) and not any(re.search(r"\d", cell) for cell in row)


def _columns(head: list[list[str]]) -> dict[int, str]:
    """Columns by position: the lower row of a head decides where it says something."""
    found: dict[int, str] = {}
    for n in range(max(map(len, head))):
        texts = [row[n] for row in head if n < len(row) and row[n].strip()]
        name = next((m for t in reversed(texts) if (m := _meant(t))), "")
        if name and name not in found.values():
            found[n] = name
    if "gbt_code" not in found.values():  # a plain list: its only codes are those of GB/T 4754
        alone = [n for n, name in found.items() if name == "class_code"]
        found |= dict.fromkeys(alone, "gbt_code")
        found |= {n: "gbt_name" for n, name in found.items() if alone and name == "class_name"}
    return found


def _joined(head: list[list[str]], n: int) -> str:
    return " ".join(row[n].strip() for row in head if n < len(row) and row[n].strip())


def _text(file: Path) -> list[list[str]]:
    raw = file.read_bytes()
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            text = raw.decode(encoding)
        except UnicodeDecodeError:
            continue
        first = max(text.splitlines()[:SEARCHED], key=len, default="")
        mark = max(",\t;", key=first.count)
        rows = csv.reader(io.StringIO(text, newline=""), delimiter=mark)
        return [[cell.strip() for cell in row] for row in rows]
    raise ClassificationError(said("classification.encoding", source=file.name))


def _sheet(file: Path) -> tuple[list[list[str]], dict[tuple[int, int], bool]]:
    """Texts of the first sheet's cells, and which of them are numbers, by row (from 1) and column (from 0)."""
    import openpyxl

    try:
        archives.bounded(file)
        book = openpyxl.load_workbook(file, data_only=True)
    except Exception as error:
        raise ClassificationError(
            said("classification.damaged", kind="Excel", source=file.name, error=error)
        ) from None
    if not book.worksheets:  # charts alone, or sheets that a damaged list does not name
        raise ClassificationError(said("classification.empty_sheet", source=file.name))
    rows: list[list[str]] = []
    numbers: dict[tuple[int, int], bool] = {}
    for place, row in enumerate(book.worksheets[0].iter_rows(values_only=True), 1):
        rows.append([_shown(cell) for cell in row])
        numbers |= {(place, n): True for n, cell in enumerate(row) if isinstance(cell, int | float)}
    book.close()
    return rows, numbers


def _shown(cell: Any) -> str:
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return "" if cell is None else str(cell).strip()
