"""Which exhibits a study has: read from the records that finished notebooks leave."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable
from pathlib import Path

from workbook import files, inert

FRAME = ".frame.parquet"  # an exhibit's rows at full precision, never published as they are
UNITS = ".units.parquet"  # what each unit contributes to its cells, never published
COLUMNS = (
    "id",
    "kind",
    "number",
    "title_en",
    "title_zh",
    "file",
    "notebook",
    "cell_tag",
    "note_en",
    "note_zh",
    "source_en",
    "source_zh",
)
# The file by which an exhibit is known; others of the same name lie beside it.
SUFFIXES = {
    "table": (FRAME,),
    "figure": (FRAME,),
    "file": (".docx", ".xlsx", ".json", ".zh.docx", ".en.docx"),
}


def exhibits(root: Path, notebook: str) -> list[dict[str, str]]:
    """Exhibits of one finished notebook as rows of ``exhibits.csv``; none if it has not finished.

    Parameters
    ----------
    root : Path
        The study's folder in the build.
    notebook : str
        Name of the notebook.
    """
    record = root / notebook / "done.json"
    if not record.is_file():
        return []
    rows = []
    for entry in json.loads(record.read_text(encoding="utf-8"))["exhibits"]:
        names = [f"{notebook}/{entry['id']}{suffix}" for suffix in SUFFIXES.get(entry["kind"], ())]
        file = next((name for name in names if (root / name).is_file()), "")
        place = {"file": file, "notebook": notebook, "cell_tag": entry["id"]}
        rows.append({key: str((entry | place).get(key, "")) for key in COLUMNS})
    return rows


def write(root: Path, notebooks: Iterable[str]) -> None:
    """Gather the exhibits of finished notebooks into ``exhibits.csv`` (UTF-8 with BOM, for Excel)."""
    stream = io.StringIO()
    writer = csv.DictWriter(stream, COLUMNS, lineterminator="\n")
    writer.writeheader()
    for notebook in notebooks:
        rows = exhibits(root, notebook)
        writer.writerows([{key: inert.csv(value) for key, value in row.items()} for row in rows])
    target, text = root / "exhibits.csv", "\ufeff" + stream.getvalue()
    if not target.is_file() or target.read_bytes() != text.encode():
        files.write_atomic(target, text)
