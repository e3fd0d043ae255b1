"""What a notebook leaves of its exhibits: frames at full precision, and values, in no language.

Texts, heads and words are put in when an exhibit is shown or published (see ``printed`` and ``render``).
"""

from __future__ import annotations

import json
import numbers
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from workbook import files
from workbook.exhibits.listing import FRAME, UNITS
from workbook.exhibits.sheets import Sheet, SheetError


@dataclass(frozen=True)
class Record:
    """One exhibit as a notebook left it.

    Parameters
    ----------
    notebook, id, kind, number : str
        Which it is.
    values : dict
        Values of its texts.
    lacks : str
        The need that does not hold, if it was left out.
    draw : str
        ``module:function`` that draws it, if it is a figure.
    folder : Path
        Where its files are.
    """

    notebook: str
    id: str
    kind: str
    number: str
    values: dict[str, Any] = field(default_factory=dict)
    lacks: str = ""
    draw: str = ""
    folder: Path = Path()

    @property
    def left_out(self) -> bool:
        """Whether this study's data do not allow it."""
        return bool(self.lacks)

    @property
    def frame(self) -> pd.DataFrame | None:
        """Its rows, at full precision; None if it has none."""
        place = self.folder / f"{self.id}{FRAME}"
        return files.frame(place) if place.is_file() else None

    @property
    def contributions(self) -> pd.DataFrame | None:
        """What each unit contributes to its cells; never published."""
        place = self.folder / f"{self.id}{UNITS}"
        return files.frame(place) if place.is_file() else None

    def file(self, suffix: str, language: str) -> Path:
        """The file of an exhibit that is one: the language's own, if there is one for each."""
        own = self.folder / f"{self.id}.{language}{suffix}"
        return own if own.is_file() else self.folder / f"{self.id}{suffix}"

    def entry(self) -> dict[str, Any]:
        """As it stands in ``done.json``."""
        return {
            "id": self.id,
            "kind": self.kind,
            "number": self.number,
            "sheet": True,
            "values": self.values,
            "lacks": self.lacks,
            "draw": self.draw,
        }


def records(folder: Path, notebook: str) -> list[Record]:
    """Records of a finished notebook; those of exhibits that have no sheet are not among them."""
    entries = _done(folder).get("exhibits", [])
    return [
        Record(notebook, e["id"], e["kind"], e["number"], dict(e["values"]), e["lacks"], e["draw"], folder)
        for e in entries
        if e.get("sheet")
    ]


def told(folder: Path) -> list[dict[str, Any]]:
    """Paragraphs that a finished notebook showed: ``id``, ``values``, in order."""
    return list(_done(folder).get("told", []))


def lacks(folder: Path) -> str:
    """The need for want of which a notebook was not run at all; empty if it was run."""
    return str(_done(folder).get("lacks", ""))


def _done(folder: Path) -> dict[str, Any]:
    place = folder / "done.json"
    return dict(json.loads(place.read_text(encoding="utf-8"))) if place.is_file() else {}


def omit(folder: Path, notebook: str, empty: Mapping[str, list[str]], sheet: Sheet, lacks: str) -> None:
    """Leave what a notebook leaves that a study cannot have: tables without rows, and exhibits that are left out.

    Parameters
    ----------
    folder : Path
        Its working folder.
    notebook : str
        Its name.
    empty : dict
        Output: its columns.
    sheet : Sheet
        Its sheet.
    lacks : str
        The need of the whole notebook that does not hold.
    """
    for name, columns in empty.items():
        pd.DataFrame({column: pd.Series(dtype="float64") for column in columns}).to_parquet(
            folder / f"{name}.parquet", index=False
        )
    need = sheet.need(lacks)
    entries = []
    for count, (id, exhibit) in enumerate(sheet.exhibits.items(), 1):
        texts = {
            "title_en": exhibit.name.en,
            "title_zh": exhibit.name.zh,
            "note_en": need.en,
            "note_zh": need.zh,
        }
        one = Record(notebook, id, "left_out", f"{int(notebook[:2])}.{count}", {}, lacks)
        entries.append(one.entry() | texts)
    done = {"notebook": notebook, "written": list(empty), "exhibits": entries, "told": [], "lacks": lacks}
    (folder / "done.json").write_text(json.dumps(done, ensure_ascii=False, indent=1), encoding="utf-8")


def kept(folder: Path, id: str, frame: pd.DataFrame, suffix: str = FRAME) -> pd.DataFrame:
    """Write a frame with the exhibit's name; returns it as it is read back.

    Raises
    ------
    SheetError
        When a column mixes text and numbers, so that it has no type.
    """
    flat = frame.reset_index() if any(frame.index.names) else frame.reset_index(drop=True)
    flat = flat.rename(columns=str)
    twice = flat.columns[flat.columns.duplicated()].tolist()
    if twice:
        raise SheetError(f"exhibit '{id}': its frame has columns of the same name: {', '.join(twice)}")
    for name in flat:
        if isinstance(flat[name].dtype, pd.CategoricalDtype):
            flat[name] = flat[name].astype(object)
    try:
        flat.to_parquet(folder / f"{id}{suffix}", index=False)
    except Exception as error:
        raise SheetError(
            f"exhibit '{id}': its frame cannot be kept, most often because a column mixes text and numbers: {error}"
        ) from None
    return flat


def in_order(frame: pd.DataFrame) -> pd.DataFrame:
    """Rows in the order of their labels, whatever the order in which they were found."""
    labels = [name for name in frame if not pd.api.types.is_float_dtype(frame[name].dtype)]
    return frame.sort_values(labels, key=lambda s: s.astype(str), kind="stable") if labels else frame


def _unplaced(text: str) -> str:
    """A file outside the project by its name alone: its place tells about the machine and its user."""
    try:
        return Path(text).name if text.startswith("/") and Path(text).is_file() else text
    except (OSError, ValueError):  # no path at all
        return text


def plain(value: Any) -> Any:
    """A value as JSON has it: numbers of numpy and pandas become Python's, Series become mappings.

    Raises
    ------
    SheetError
        When it is of a type that no text could print.
    """
    if value is None or isinstance(value, bool) or value is pd.NA or value is pd.NaT:
        return None if value is pd.NA or value is pd.NaT else value
    if isinstance(value, str):
        return _unplaced(value)
    if isinstance(value, numbers.Integral):
        return bool(value) if type(value).__name__ == "bool_" else int(value)
    if isinstance(value, numbers.Real):
        return float(value)
    if type(value).__name__ in ("bool", "bool_"):
        return bool(value)
    if isinstance(value, pd.Series):
        value = value.to_dict()
    if isinstance(value, Mapping):
        return {str(key): plain(part) for key, part in value.items()}
    if isinstance(value, list | tuple | set | pd.Index):
        return [plain(part) for part in value]
    if type(value).__module__ == "numpy":
        return plain(value.tolist())
    raise SheetError(
        f"a value of type {type(value).__name__} cannot be said; give numbers, texts, lists or mappings"
    )
