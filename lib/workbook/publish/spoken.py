"""A study's exhibits in both languages, made from what its notebooks left, when they are published.

Numbers are the notebooks'; words are the sheets' as they are now, so that a better sentence needs no new run.
``spoken/<notebook>/`` holds each exhibit's rows as CSV under the field's names, and for each language its
HTML, LaTeX and pictures; ``record.json`` its texts and files, and the codes that no vocabulary knows.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import multiprocessing
import os
import shutil
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from workbook import files, inert, paths
from workbook.exhibits import listing, printed, record, rendering, sheets
from workbook.exhibits.record import Record
from workbook.exhibits.sheets import LANGUAGES, Sheet
from workbook.exhibits.words import Words
from workbook.publish.secrecy.exhibit import KEYS
from workbook.run.fingerprint import digest

FOLDER = "spoken"
RECORD = "record.json"
TABLE = ".table.json"  # cells as printed, for Word and Excel
# Suffixes of what an exhibit leaves in one language.
PICTURES = (".svg", ".pdf", ".png")
_UNDER_WAY: set[Path] = set()  # folders that this process is filling


@dataclass(frozen=True)
class Kept:
    """What secrecy makes of an exhibit: published with these rows and values, or withheld for a reason.

    Parameters
    ----------
    frame : pandas.DataFrame, optional
        Rows in place of the record's own.
    hidden : pandas.DataFrame of bool, optional
        Which of its cells were taken away; they are printed as a mark.
    values : dict, optional
        Values of its texts in place of the record's own.
    withheld : dict, optional
        Why it is not published, by language.
    """

    frame: pd.DataFrame | None = None
    hidden: pd.DataFrame | None = None
    values: Mapping[str, Any] | None = None
    withheld: Mapping[str, str] | None = None


def speak(
    root: Path,
    notebooks: Iterable[str],
    parameters: Mapping[str, Any],
    verdicts: Mapping[str, Kept] | None = None,
    jobs: int = 2,
    fewest: int = 0,
) -> None:
    """Put the exhibits of finished notebooks into both languages; what has not changed is not made again.

    Parameters
    ----------
    root : Path
        The study's folder in the build.
    notebooks : iterable of str
        Its finished notebooks.
    parameters : dict
        Its parameters by name.
    verdicts : dict, optional
        ``<notebook's number>.<id>``: what secrecy makes of it; an exhibit that is not here is published as it is.
    jobs : int
        Notebooks at a time.
    fewest : int
        Under rules of secrecy, the fewest units behind a number: a paragraph that counts fewer is not said.

    Raises
    ------
    SheetError
        When a text names what nothing fills; nothing half-made is left.
    """
    due = []
    for notebook in notebooks:
        if sheets.exists(notebook):
            mark = _mark(root, notebook, parameters, verdicts or {}) + f"-{fewest}"
            if not _whole(root, notebook, mark):
                due.append((root, notebook, dict(parameters), dict(verdicts or {}), mark, fewest))
    for fault in each(_speak, due, jobs):
        if fault:
            raise sheets.SheetError(fault)


def load(root: Path, notebook: str) -> dict[str, Any]:
    """What was made of a notebook: ``mark``, ``exhibits``, ``told``, ``title``, ``lacks``, ``unknown``; empty if nothing was."""
    try:
        return dict(json.loads((root / FOLDER / notebook / RECORD).read_text(encoding="utf-8")))
    except (OSError, ValueError):
        return {}


def _whole(root: Path, notebook: str, mark: str) -> bool:
    """Whether what was made of a notebook has this mark, and lies there as it was made."""
    found = load(root, notebook)
    own = {key: value for key, value in found.items() if key != "digest"}
    if found.get("mark") != mark or found.get("digest") != digest(own):
        return False
    return bool(found["files"] == files.tree(root / FOLDER / notebook, without=RECORD))


def table(root: Path, notebook: str, id: str, language: str) -> dict[str, Any]:
    """A table's cells as printed in a language (see ``rendering.plain_table``); empty if it is none."""
    place = root / FOLDER / notebook / language / f"{id}{TABLE}"
    return dict(json.loads(place.read_text(encoding="utf-8"))) if place.is_file() else {}


# -- one notebook ------------------------------------------------------------------------------------
def _speak(
    root: Path,
    notebook: str,
    parameters: dict[str, Any],
    verdicts: dict[str, Kept],
    mark: str,
    fewest: int,
) -> str:
    """Make everything of one notebook in a folder of its own, then put it in place; the fault, if there was one."""
    target = root / FOLDER / notebook
    work = target.with_name(f".{notebook}.part")
    shutil.rmtree(work, ignore_errors=True)
    _UNDER_WAY.add(work)
    work.mkdir(parents=True)
    try:
        sheet = sheets.sheet(notebook)
        words = {language: Words(language, codebook(root), parameters.get("unit")) for language in LANGUAGES}
        made = []
        for one in record.records(root / notebook, notebook):
            kept = verdicts.get(f"{notebook[:2]}.{one.id}", Kept())
            made.append(_exhibit(one, sheet, words, parameters, kept, work))
        secrets = np.concatenate([[], *_secrets(root, notebook, sheet, verdicts)])
        told = [
            _told(part, sheet, words, parameters, fewest, secrets) for part in record.told(root / notebook)
        ]
        unknown = sorted(set().union(*(one.unknown for one in words.values())))
        whole = {"mark": mark, "exhibits": made, "told": told, "lacks": _lacks(root, notebook, sheet, words)}
        whole["title"] = {one: printed.title(sheet, words[one], parameters) for one in LANGUAGES}
        whole |= {"unknown": unknown, "files": files.tree(work)}
        whole["digest"] = digest(whole)
        text = json.dumps(whole, ensure_ascii=False, indent=1)
        (work / RECORD).write_text(text, encoding="utf-8")
    except sheets.SheetError as error:
        shutil.rmtree(work, ignore_errors=True)
        return str(error)
    except BaseException:
        shutil.rmtree(work, ignore_errors=True)
        raise
    shutil.rmtree(target, ignore_errors=True)
    work.rename(target)
    _UNDER_WAY.discard(work)
    return ""


def _exhibit(
    one: Record,
    sheet: Sheet,
    words: Mapping[str, Words],
    parameters: Mapping[str, Any],
    kept: Kept,
    folder: Path,
) -> dict[str, Any]:
    """Files and texts of one exhibit."""
    found: dict[str, Any] = {
        "id": one.id,
        "kind": one.kind,
        "number": one.number,
        "files": [],
        "lacks": one.lacks,
    }
    if kept.withheld is not None:
        found |= {"kind": "withheld"}
        for language in LANGUAGES:
            name = words[language].say(sheet.exhibit(one.id).name)
            found[language] = {"title": name, "name": name, "note": kept.withheld[language], "source": ""}
        return found
    if kept.values is not None:
        one = replace(one, values=dict(kept.values))
    frame = one.frame if kept.frame is None else kept.frame
    found["files"] += _rows(frame, sheet, one.id, folder)
    for language in LANGUAGES:
        place = folder / language
        place.mkdir(exist_ok=True)
        made = printed.printed(one, sheet, words[language], parameters, frame, kept.hidden)
        found[language] = made.entry | {"numbers": made.numbers}
        if not one.left_out:
            try:
                html = rendering.keep(one, made, sheet, words[language], parameters, frame, place)
            except Exception:
                if kept.hidden is None or not kept.hidden.any(axis=None):
                    raise
                # Without what secrecy took away there is nothing that could be drawn.
                return _exhibit(one, sheet, words, parameters, Kept(withheld=sheets.UNDRAWN), folder)
            (place / f"{one.id}.html").write_text(html, encoding="utf-8")
            if made.table is not None:
                cells = rendering.plain_table(made, language)
                (place / f"{one.id}{TABLE}").write_text(
                    json.dumps(cells, ensure_ascii=False), encoding="utf-8"
                )
    names = {f.name for f in folder.glob(f"*/{one.id}.*") if f.suffix in (*PICTURES, ".tex")}
    found["files"] += sorted(names)
    return found


def _lacks(root: Path, notebook: str, sheet: Sheet, words: Mapping[str, Words]) -> dict[str, str]:
    """Why a notebook was not run at all, in both languages; empty if it was."""
    name = record.lacks(root / notebook)
    return {language: words[language].say(sheet.need(name)) for language in LANGUAGES} if name else {}


def _rows(frame: pd.DataFrame | None, sheet: Sheet, id: str, folder: Path) -> list[str]:
    """Write an exhibit's rows; a picture of columns that its sheet does not name leaves none."""
    data = pd.DataFrame() if frame is None else published(frame, sheet, id)
    if not len(data.columns):
        return []
    inert.csv_frame(data).to_csv(folder / f"{id}.csv", index=False, encoding="utf-8", lineterminator="\n")
    return [f"{id}.csv"]


def published(frame: pd.DataFrame, sheet: Sheet, id: str) -> pd.DataFrame:
    """The columns of a frame that its sheet declares: what is downloaded, under the field's names."""
    exhibit = sheet.exhibit(id)
    known = [name for name in frame if name in exhibit.columns or sheets.more(exhibit, name)]
    spoken = [n for n in frame if n[-3:] in ("_en", "_zh") and n[:-3] in exhibit.columns]
    return frame[list(dict.fromkeys([*known, *spoken]))]


def _told(
    part: Mapping[str, Any],
    sheet: Sheet,
    words: Mapping[str, Words],
    parameters: Mapping[str, Any],
    fewest: int,
    secrets: np.ndarray,
) -> dict[str, str]:
    """A paragraph in both languages; under rules none that counts too few or holds a number that an exhibit hides."""
    found = list(_numbers(part["values"])) if fewest else []
    few = any(isinstance(number, int) and 0 < number < fewest for number in found)
    if few or any(np.isclose(number, secrets, rtol=1e-6, atol=1e-12).any() for number in found):
        return dict.fromkeys(LANGUAGES, "")
    return {
        language: printed.paragraph(sheet, part["id"], part["values"], words[language], parameters)
        for language in LANGUAGES
    }


def _numbers(value: Any) -> Iterator[int | float]:
    """Numbers in a paragraph's values."""
    if isinstance(value, Mapping):
        value = list(value.values())
    if isinstance(value, list):
        for part in value:
            yield from _numbers(part)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield value


def _secrets(root: Path, notebook: str, sheet: Sheet, verdicts: Mapping[str, Kept]) -> Iterator[np.ndarray]:
    """Numbers of a notebook's exhibits that are not published: hidden cells, and all that a withheld one measures."""
    for one in record.records(root / notebook, notebook):
        kept, frame = verdicts.get(f"{notebook[:2]}.{one.id}", Kept()), one.frame
        if frame is None or (kept.hidden is None and kept.withheld is None):
            continue
        columns = sheet.exhibit(one.id).columns
        for name in [c for c in frame if c in columns and columns[c].role not in KEYS]:
            numbers = pd.to_numeric(frame[name], errors="coerce").to_numpy(float)
            if kept.hidden is not None:
                numbers = numbers[kept.hidden[name].to_numpy()] if name in kept.hidden else numbers[:0]
            yield numbers[np.isfinite(numbers) & (numbers != 0)]


def codebook(root: Path) -> pd.DataFrame | None:
    """A study's columns with their labels and units; None before it has any."""
    found = sorted(root.glob("*/codebook.parquet"))
    return files.frame(found[0]) if found else None


# -- what it depends on ------------------------------------------------------------------------------
def _mark(root: Path, notebook: str, parameters: Mapping[str, Any], verdicts: Mapping[str, Kept]) -> str:
    """Hash of everything that the texts and pictures of a notebook are made of."""
    whole = hashlib.sha256(json.dumps(dict(parameters), sort_keys=True, default=str).encode())
    for name, kept in sorted(verdicts.items()):
        if name.startswith(notebook[:2]):
            said = f"{name}{kept.withheld}{kept.values}{_digest(kept.frame)}{_digest(kept.hidden)}"
            whole.update(said.encode())
    for file in _inputs(root, notebook):
        whole.update(file.name.encode() + b"\0" + hashlib.sha256(file.read_bytes()).digest())
    return whole.hexdigest()


def _digest(frame: pd.DataFrame | None) -> str:
    return "" if frame is None else hashlib.sha256(frame.to_csv(index=False).encode()).hexdigest()


def _inputs(root: Path, notebook: str) -> Iterator[Path]:
    yield from sorted((root / notebook).glob(f"*{listing.FRAME}"))
    yield from (sheets.file(notebook), sheets.shared_file())
    yield from sorted(Path(__file__).parents[1].joinpath("exhibits").rglob("*.py"))
    tables = [paths.ROOT / one.file for one in sheets.shared().vocabularies.values() if one.file]
    drawn = {one.draw.split(":")[0] for one in record.records(root / notebook, notebook) if one.draw}
    origins = [
        spec.origin for name in sorted(drawn) if (spec := importlib.util.find_spec(name)) and spec.origin
    ]
    # A drawing takes from the modules beside it.
    code = sorted({file for origin in origins for file in Path(origin).parent.glob("*.py")})
    several = [
        root / notebook / "done.json",
        *tables,
        *code,
        *sorted(root.glob("*/codebook.parquet")),
    ]
    yield from (file for file in several if file.is_file())


# -- several at a time -------------------------------------------------------------------------------
def _drop() -> None:
    """Take away what this process has under way, whose command was killed."""
    for folder in list(_UNDER_WAY):
        shutil.rmtree(folder, ignore_errors=True)


def each(work: Any, tasks: list[tuple[Any, ...]], jobs: int) -> list[Any]:
    """Do tasks in processes that share the imports made here; what they give, in the order of the tasks.

    Parameters
    ----------
    work : callable
        Of a module; given a task's values.
    tasks : list of tuple
        One for each call.
    jobs : int
        Processes at a time.
    """
    if len(tasks) < 2 or jobs < 2:
        return [work(*task) for task in tasks]
    import matplotlib

    matplotlib.use("Agg")
    from workbook.exhibits import style

    style.use()
    fork = multiprocessing.get_context("fork")
    try:
        with ProcessPoolExecutor(jobs, fork, files.end_with, (os.getpid(), _drop)) as pool:
            return list(pool.map(work, *zip(*tasks, strict=True)))
    except BrokenProcessPool:  # one was killed, most often for want of memory: one at a time needs less
        return [work(*task) for task in tasks]
