"""What is done to a study before anything of it goes out: secrecy, both languages, files for other programs."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from workbook import files, inert, language, paths
from workbook.exhibits.sheets import LANGUAGES
from workbook.language import listed, said
from workbook.publish import spoken
from workbook.publish.built import Built
from workbook.publish.secrecy import SecrecyError, Verdict, identifiers, rules_said
from workbook.publish.secrecy import study as gate
from workbook.publish.secrecy.verdicts import audit_said
from workbook.publish.secrecy.words import Labels, say
from workbook.run.fingerprint import digest

RECORD, EXPORT = "release.json", "export"
# Findings of one exhibit that are named in a line; the record of the release has all.
NAMED = 2
SCREEN = 8  # exhibits whose reasons stand in a terminal; the others are named
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
    SecrecyError
        When a rule of secrecy is broken and the study asks to stop then, or a unit's identifier would go out.
    SheetError
        When a text of a sheet cannot be filled.
    """
    with files.alone(study.root / ".release.lock"):
        files.sweep(study.root, below=True)
        for draft in (study.root / spoken.FOLDER).glob(".*.part"):
            shutil.rmtree(draft)
        mark, known = _mark(study), _read(study)
        if known.get("mark") != mark or known.get("made") != _made(study):
            _prepare(study, mark)


def _prepare(study: Built, mark: str) -> None:
    """Judge, speak, write; as ``prepare`` says."""
    judged = gate.judgement(study)
    stopped = judged.stopped(study.parameters)
    if stopped:
        _refuse(
            study,
            [say("stopped", language.current(), study=study.name), *_said(study, judged.found, stopped)],
        )
    kept = {name: _kept(verdict, gate.heads(name, study.done)) for name, verdict in judged.found.items()}
    fewest = judged.rules.min_units if judged.rules else 0
    spoken.speak(study.root, study.done, study.parameters, kept, fewest=fewest)
    _list(study)
    spoken.each(_documents, [(study.spoken(one),) for one in LANGUAGES], len(LANGUAGES))
    if judged.rules is not None:
        found = identifiers.found(study)
        if found:
            _refuse(study, found)
    _record(study, judged, mark)


def _mark(study: Built) -> str:
    """Hash of all that is made here: results by the hashes in their record, words, code, rules, earlier releases."""
    here = Path(__file__).parents[1]
    places = [
        study.root / "manifest.json",
        *sorted(paths.NOTEBOOKS.rglob("*")),
        *sorted(paths.DATA.rglob("*.*")),
    ]
    places += [
        file
        for room in ("exhibits", "publish", "review", "params")
        for file in sorted((here / room).rglob("*.*"))
    ]
    folder = study.parameters.get("earlier_releases")
    places += sorted((paths.ROOT / str(folder)).glob("*")) if folder else []
    whole = hashlib.sha256()
    for file in places:
        if file.is_file() and file.suffix not in (".pyc", ".ttf"):
            whole.update(file.name.encode() + b"\0" + hashlib.sha256(file.read_bytes()).digest())
    return whole.hexdigest()


def _made(study: Built) -> str:
    """Hash of all that is written here as it lies there: what was cut or altered since is made again."""
    return files.tree(study.root / spoken.FOLDER, study.root / EXPORT)


def _read(study: Built) -> dict[str, Any]:
    """The record of the release as it lies there."""
    try:
        found = dict(json.loads((study.root / RECORD).read_text(encoding="utf-8")))
    except (OSError, ValueError):
        return {}
    return found if found.get("digest") == _digest(found) else {}


def _digest(record: Mapping[str, Any]) -> str:
    return digest({key: value for key, value in record.items() if key != "digest"})


# -- secrecy -----------------------------------------------------------------------------------------
def _kept(verdict: Verdict, label: Labels) -> spoken.Kept:
    """What is published of an exhibit, or why it is not."""
    if verdict.verdict == "pass":
        return spoken.Kept(verdict.protected_frame, verdict.hidden, verdict.texts)
    return spoken.Kept(withheld={one: _reason(verdict, one, label) for one in LANGUAGES})


def _reason(verdict: Verdict, one: str, label: Labels) -> str:
    """Rule and cell of the first findings, and the smallest change that would pass, columns by their heads."""
    parts = [finding.said(one, label) for finding in verdict.findings[:NAMED]]
    if len(verdict.findings) > NAMED:
        parts.append(say("more", one, n=len(verdict.findings) - NAMED))
    if verdict.suggestion is not None:
        parts.append(say("mend", one, change=verdict.suggestion.said(one, label)))
    return say("sentence", one, text=say("semicolon", one).join(parts))


def _said(study: Built, found: Mapping[str, Verdict], names: list[str]) -> list[str]:
    """A line for each exhibit of which something is left out, for the terminal."""
    spoken_in = language.current()
    return [f"  {name}: {_reason(found[name], spoken_in, gate.heads(name, study.done))}" for name in names]


def _refuse(study: Built, lines: list[str]) -> None:
    """Nothing of the study goes out, and no record of an earlier release is left."""
    (study.root / RECORD).unlink(missing_ok=True)
    raise SecrecyError("\n".join(lines))


def _record(study: Built, judged: gate.Judgement, mark: str) -> None:
    """Write what was judged and by which rules; say in the terminal what is left out, when it is new."""
    record: dict[str, Any] = {"study": study.name, "mark": mark, "made": _made(study), "secrecy": "public"}
    if judged.rules is not None:
        names = gate.left_out(judged.found)
        record |= {
            "secrecy": "rules",
            "rules": {one: rules_said(judged.rules, one) for one in LANGUAGES},
            "exhibits": {name: verdict.verdict for name, verdict in judged.found.items()},
            "left_out": {
                name: {
                    one: _reason(judged.found[name], one, gate.heads(name, study.done)) for one in LANGUAGES
                }
                for name in names
            },
            "earlier": {one: audit_said(judged.found, judged.earlier, one) for one in LANGUAGES},
        }
    record["digest"] = _digest(record)
    new = ("mark", "made", "digest")
    told = {**_read(study), **{name: record[name] for name in new}} == record
    text = json.dumps(record, ensure_ascii=False, indent=1) + "\n"
    files.write_atomic(study.root / RECORD, text)
    if told:
        return
    if judged.rules is not None:
        release = judged.release()
        if release is not None:
            gate.keep(release, study)
        for line in _screen(judged, study):
            print(line, file=sys.stderr, flush=True)


def _screen(judged: gate.Judgement, study: Built) -> list[str]:
    """What is left out, no longer than a screen, and where all of it stands."""
    names = gate.left_out(judged.found)
    lines, rest = _said(study, judged.found, names[:SCREEN]), names[SCREEN:]
    file = files.shown(study.root / RECORD)
    return [*lines, f"  {said('publish.left_out_more', names=listed(rest), file=file)}"] if rest else lines


def _documents(study: Built) -> None:
    """Write what is downloaded of a study in the language in which it is read; languages do not share a file."""
    from workbook.publish import formats

    _notebooks(study)
    formats.write(study)


# -- lists and notebooks -----------------------------------------------------------------------------
def _list(study: Built) -> None:
    """Write the list of what is published: each exhibit with its texts in both languages and its main file."""
    english, chinese = (study.spoken(one) for one in ("en", "zh"))
    stream = io.StringIO()
    writer = csv.DictWriter(stream, LIST, lineterminator="\n")
    writer.writeheader()
    for row, other in zip(english.exhibits, chinese.exhibits, strict=True):
        texts = {f"{part}_en": row.get(part, "") for part in ("title", "note", "source")}
        texts |= {f"{part}_zh": other.get(part, "") for part in ("title", "note", "source")}
        first = next(iter(english.forms(row["notebook"], row["id"])), "")
        place = {"file": english.place(row, first) if first else "", "cell_tag": row["id"]}
        whole = {key: row[key] for key in ("id", "kind", "number", "notebook")} | texts | place
        writer.writerow({key: inert.csv(value) for key, value in whole.items()})
    target = study.root / EXPORT / "exhibits.csv"
    target.parent.mkdir(exist_ok=True)
    files.write_atomic(target, "\ufeff" + stream.getvalue())


def _notebooks(study: Built) -> None:
    """The executed notebooks in the language in which the study is read."""
    from workbook.publish import papers

    for name in study.done:
        text = json.dumps(papers.told(study, name), ensure_ascii=False, indent=1) + "\n"
        place = study.executed(name)
        if not place.is_file() or place.read_bytes() != text.encode():
            place.parent.mkdir(parents=True, exist_ok=True)
            files.write_atomic(place, text)
