"""A study's exhibits as one Word file and one Excel workbook, and each table as files of its own."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from pathlib import Path

from workbook import files
from workbook.publish import spoken
from workbook.publish.built import Built

MADE = ".made"  # of what the documents were made, and what they were then


def write(study: Built) -> list[Path]:
    """Write ``exhibits.docx``, ``journal.docx``, ``exhibits.xlsx``, ``methods.md`` and files of each table, in the language read.

    Parameters
    ----------
    study : Built
        A study that has been run and put into words.

    Returns
    -------
    list of Path
        Files of the whole; nothing is written again for results that have not changed.
    """
    from workbook.publish.formats import excel, single, word
    from workbook.review import methods

    folder = study.export("")
    folder.mkdir(parents=True, exist_ok=True)
    text = methods.section(study)
    targets: dict[Path, Callable[[Built, Path], None]] = {
        folder / "exhibits.docx": lambda one, place: word.write(one, place, text),
        folder / "exhibits.xlsx": excel.write,
        folder / "journal.docx": lambda one, place: word.write(one, place, text, few=True),
    }
    # By content: times say nothing where a clock went back, or files were copied.
    made = _hash(study.root / "manifest.json", *sorted(study.root.glob(f"{spoken.FOLDER}/*/{spoken.RECORD}")))
    made += hashlib.sha256(text.encode()).hexdigest()
    tables = single.places(study)
    if _read(folder / MADE) != f"{made} {_hash(*targets, *tables)}":
        for target, writer in targets.items():
            work = target.with_name(f"{target.name}.{os.getpid()}.part")
            try:
                writer(study, work)
                work.write_bytes(files.undated(work.read_bytes()))
                work.replace(target)
            finally:
                work.unlink(missing_ok=True)
        single.write(study)
        files.write_atomic(folder / MADE, f"{made} {_hash(*targets, *tables)}")
    place = folder / "methods.md"
    if not place.is_file() or place.read_bytes() != text.encode():
        files.write_atomic(place, text)
    return [*targets, place]


def _hash(*made: Path) -> str:
    """Hash of the contents of files; one that is not there is empty."""
    whole = hashlib.sha256()
    for file in made:
        content = file.read_bytes() if file.is_file() else b""
        whole.update(hashlib.sha256(content).digest())
    return whole.hexdigest()


def _read(file: Path) -> str:
    return file.read_text(encoding="utf-8", errors="replace") if file.is_file() else ""
