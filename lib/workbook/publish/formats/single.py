"""Each table as a Word file and an Excel workbook of its own: what an author takes to a paper, a clerk to a report."""

from __future__ import annotations

import io
import os
import shutil
import zipfile
from pathlib import Path
from typing import Any

from workbook import files
from workbook.inert import title_of_file
from workbook.publish import spoken
from workbook.publish.built import TABLES, Built
from workbook.publish.formats import excel, word

BODY = "word/document.xml"
# Styles of a file that holds a table, its caption and its note; python-docx brings a hundred more (400 kB to pack).
STYLES = {"Normal", "Caption", "DefaultParagraphFont", "TableNormal", "NoList"}
NEEDLESS = ("stylesWithEffects", "thumbnail", "customXml", "numbering")


def places(study: Built) -> list[Path]:
    """Where the files of a study's tables lie, in the language in which it is read."""
    rows = [row for row in study.exhibits if row["kind"] == "table"]
    return [_place(study, row, suffix) for row in rows for suffix in (".docx", ".xlsx")]


def write(study: Built) -> None:
    """Write every table of a study in the language in which it is read; what was there before goes.

    Parameters
    ----------
    study : Built
        A study that has been put into words.
    """
    folder = study.export(TABLES)
    work = folder.with_name(f".{folder.name}.{os.getpid()}.part")
    pattern = _Pattern(study)
    try:
        for row in study.exhibits:
            if row["kind"] == "table":
                place = work / _place(study, row, "").relative_to(folder)
                place.parent.mkdir(parents=True, exist_ok=True)
                place.with_name(f"{place.name}.docx").write_bytes(pattern.of(row))
                place.with_name(f"{place.name}.xlsx").write_bytes(_sheet(study, row))
        shutil.rmtree(folder, ignore_errors=True)
        if work.exists():
            work.rename(folder)
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _place(study: Built, row: dict[str, Any], suffix: str) -> Path:
    return study.export(TABLES) / row["notebook"] / f"{row['id']}{suffix}"


def _sheet(study: Built, row: dict[str, Any]) -> bytes:
    from openpyxl import Workbook

    book, made = Workbook(), io.BytesIO()
    sheet = book.active
    sheet.title = excel.name_of(row)
    excel.fill(sheet, study, row)
    book.save(made)
    return files.undated(made.getvalue())


class _Pattern:
    """A Word file whose body alone differs from table to table: its other parts are made once."""

    def __init__(self, study: Built) -> None:
        from docx import Document

        self.study, document = study, Document()
        word.prepare(document)
        document.core_properties.title = title_of_file(study.title)
        document.core_properties.author = ""
        styles = document.styles.element
        for style in list(styles.style_lst):
            if style.styleId not in STYLES:
                styles.remove(style)
        for rels in (document.part.rels, document.part.package.rels):
            for key, rel in list(rels.items()):
                if any(name in rel.reltype for name in NEEDLESS):
                    del rels[key]
        saved = io.BytesIO()
        document.save(saved)
        self.whole = files.undated(saved.getvalue())
        with zipfile.ZipFile(io.BytesIO(self.whole)) as packed:
            self.parts = {name: packed.read(name) for name in packed.namelist()}

    def of(self, row: dict[str, Any]) -> bytes:
        """The file of a table: its caption, itself, note and source; on a turned page where it is wide."""
        from docx import Document

        document = Document(
            io.BytesIO(self.whole)
        )  # to take a table out of a document is slower than to read one anew
        cells = spoken.table(self.study.root, row["notebook"], row["id"], self.study.language)
        word.one_table(document, row, cells, self.study.language)
        made = io.BytesIO()
        with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as packed:
            for name, part in (self.parts | {BODY: document.part.blob}).items():
                entry = zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
                entry.compress_type, entry.external_attr = zipfile.ZIP_DEFLATED, 0o644 << 16
                packed.writestr(entry, part)
        return made.getvalue()
