"""A study's exhibits as one Word file and one Excel workbook."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from workbook import files
from workbook.publish import spoken
from workbook.publish.built import Built


def write(study: Built) -> list[Path]:
    """Write ``exhibits.docx``, ``exhibits.xlsx`` and ``methods.md`` in the language in which the study is read.

    Parameters
    ----------
    study : Built
        A study that has been run and put into words.

    Returns
    -------
    list of Path
        The files; nothing is written again for results that have not changed.
    """
    from workbook.publish.formats import excel, word
    from workbook.review import methods

    folder = study.export("")
    folder.mkdir(parents=True, exist_ok=True)
    text = methods.section(study)
    targets: dict[Path, Callable[[Built, Path], None]] = {
        folder / "exhibits.docx": lambda one, place: word.write(one, place, text),
        folder / "exhibits.xlsx": excel.write,
    }
    made = [study.root / "manifest.json", *study.root.glob(f"{spoken.FOLDER}/*/{spoken.RECORD}")]
    latest = max(file.stat().st_mtime_ns for file in made)
    for target, writer in targets.items():
        if not (target.is_file() and target.stat().st_mtime_ns > latest):
            work = target.with_suffix(".part")
            try:
                writer(study, work)
                work.write_bytes(files.undated(work.read_bytes()))
                work.replace(target)
            finally:
                work.unlink(missing_ok=True)
    place = folder / "methods.md"
    if not place.is_file() or place.read_text(encoding="utf-8") != text:
        files.write_atomic(place, text)
    return [*targets, place]
