"""What is done to a study before anything of it goes out: secrecy, both languages, files for other programs."""

from __future__ import annotations

import csv
import io
import json

from workbook import files
from workbook.exhibits.sheets import LANGUAGES
from workbook.publish import spoken
from workbook.publish.built import Built

LIST = (
    *("id", "kind", "number", "title_en", "title_zh", "file", "notebook", "cell_tag"),
    *("note_en", "note_zh", "source_en", "source_zh"),
)


def prepare(study: Built) -> None:
    """Judge a study, put its exhibits into both languages, and write its documents; what is as it was stays.

    Parameters
    ----------
    study : Built
        A study that has been run.

    Raises
    ------
    DisclosureError
        When a rule of secrecy is broken.
    SheetError
        When a text of a sheet cannot be filled.
    """
    from workbook.publish import formats
    from workbook.publish.disclosure import gate

    spoken.speak(study.root, study.done, study.parameters)
    _list(study)
    for language in LANGUAGES:
        _notebooks(study.spoken(language))
        formats.write(study.spoken(language))
    gate.release(study)  # last: it looks for identifiers in everything that would go out


def _list(study: Built) -> None:
    """Write the list of what is published: each exhibit with its texts in both languages and its main file."""
    english, chinese = (study.spoken(language) for language in ("en", "zh"))
    stream = io.StringIO()
    writer = csv.DictWriter(stream, LIST, lineterminator="\n")
    writer.writeheader()
    for row, other in zip(english.exhibits, chinese.exhibits, strict=True):
        texts = {f"{part}_en": row.get(part, "") for part in ("title", "note", "source")}
        texts |= {f"{part}_zh": other.get(part, "") for part in ("title", "note", "source")}
        first = next(iter(english.forms(row["notebook"], row["id"])), "")
        place = {"file": english.place(row, first) if first else "", "cell_tag": row["id"]}
        writer.writerow({key: row[key] for key in ("id", "kind", "number", "notebook")} | texts | place)
    target = study.root / "export" / "exhibits.csv"
    target.parent.mkdir(exist_ok=True)
    files.write_atomic(target, "\ufeff" + stream.getvalue())


def _notebooks(study: Built) -> None:
    """The executed notebooks in the language in which the study is read."""
    from workbook.publish import papers

    for name in study.done:
        text = json.dumps(papers.told(study, name), ensure_ascii=False, indent=1) + "\n"
        place = study.executed(name)
        if not place.is_file() or place.read_text(encoding="utf-8") != text:
            place.parent.mkdir(parents=True, exist_ok=True)
            files.write_atomic(place, text)
