"""An exhibit in one language: heads, cells, caption and notes, from its record and its sheet."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from workbook import inert
from workbook.digits import ROLES, enough, of_rows
from workbook.exhibits.journal import Grid, grid
from workbook.exhibits.record import Record
from workbook.exhibits.sheets import Column, Exhibit, Layout, More, Sheet, SheetError, more, shared
from workbook.exhibits.words import MISSING, P_VALUE, YEAR, Filler, Words, missing, number, plain

REST = "…"
# Roles whose numbers are printed by a rule of their own.
SPECIAL = {"year": YEAR, "p": P_VALUE}
DEFAULT = Exhibit.model_fields["digits"].default
HIDDEN = "[c]"  # a cell that secrecy took away
# A figure of more rows is not told in full below it: its file is.
MOST_BEHIND = 60
# In place of the standard error of the year, or group, that the others are compared with.
BASE = {"en": "base", "zh": "基期"}


@dataclass(frozen=True)
class Printed:
    """An exhibit as it is printed.

    Parameters
    ----------
    entry : dict
        ``id``, ``kind``, ``number``, ``title``, ``note``, ``source``, ``read``, ``alt``.
    table : pandas.DataFrame or None
        Cells in words under printed heads; numbers stay numbers unless a format makes text of them.
    digits : dict
        Decimals by printed head; YEAR for years.
    grid : Grid or None
        Its lines, where it is a table of columns with heads over groups.
    numbers : list of (str, str)
        What the study's first page shows where it is the answer: numbers, and what they are.
    behind : (pandas.DataFrame, dict) or None
        Of a figure the rows that it is drawn from, and their decimals, where no other exhibit prints them.
    """

    entry: dict[str, str]
    table: pd.DataFrame | None = None
    digits: dict[str, int] = field(default_factory=dict)
    grid: Grid | None = None
    numbers: list[tuple[str, str]] = field(default_factory=list)
    behind: tuple[pd.DataFrame, dict[str, int]] | None = None


def printed(
    record: Record,
    sheet: Sheet,
    words: Words,
    parameters: Mapping[str, Any],
    frame: pd.DataFrame | None = None,
    hidden: pd.DataFrame | None = None,
) -> Printed:
    """Put an exhibit into words.

    Parameters
    ----------
    record : Record
        What the notebook left.
    sheet : Sheet
        Its notebook's sheet.
    words : Words
        The language, and what columns are called.
    parameters : dict
        The study's parameters by name.
    frame : pandas.DataFrame, optional
        Rows in place of the record's own, where secrecy took cells away.
    hidden : pandas.DataFrame of bool, optional
        Cells that were taken away, which are printed as a mark.

    Raises
    ------
    SheetError
        When a field is filled by nothing, or the frame lacks a column that is shown.
    """
    exhibit = sheet.exhibit(record.id)
    frame = record.frame if frame is None else frame
    filler = Filler(words, record.values, parameters, frame)
    try:
        if exhibit.digits_of is not None and not record.left_out:
            exhibit = exhibit.model_copy(update={"digits": filler.get_field(exhibit.digits_of, (), {})[0]})
        entry = _entry(record, sheet, exhibit, filler)
        numbers = [] if record.left_out else list(_numbers(exhibit, filler))
        if frame is None or exhibit.kind not in ("table", "regression", "journal"):
            return Printed(entry, numbers=numbers, behind=_behind(frame, exhibit, filler, hidden))
        if exhibit.kind == "journal":
            made = grid(frame, record.values["table"], filler, hidden)
            return Printed(entry, made.flat(), {}, made, numbers)
        if exhibit.kind == "regression":
            return Printed(entry, regression(frame, exhibit, filler), {}, None, numbers)
        return Printed(entry, *_table(frame, exhibit, filler, hidden), None, numbers)
    except SheetError as error:
        raise SheetError(f"{record.notebook}, exhibit '{record.id}' ({words.language}): {error}") from None


def entry(record: Record, sheet: Sheet, words: Words, parameters: Mapping[str, Any]) -> dict[str, str]:
    """Its texts alone: ``id``, ``kind``, ``number``, ``name``, ``title``, ``note``, ``source``, ``read``, ``alt``."""
    exhibit = sheet.exhibit(record.id)
    try:
        return _entry(record, sheet, exhibit, Filler(words, record.values, parameters, record.frame))
    except SheetError as error:
        raise SheetError(f"{record.notebook}, exhibit '{record.id}' ({words.language}): {error}") from None


def paragraph(
    sheet: Sheet, id: str, values: Mapping[str, Any], words: Words, parameters: Mapping[str, Any]
) -> str:
    """A paragraph of the sheet, in Markdown, filled in.

    Raises
    ------
    SheetError
        When it is not declared, or a field is filled by nothing.
    """
    if id not in sheet.words:
        raise SheetError(
            f"{sheet.notebook}: no paragraph '{id}' is declared; declared are: {', '.join(sheet.words)}"
        )
    return Filler(words, values, parameters, quote=inert.markdown).all(sheet.words[id].text)


def title(sheet: Sheet, words: Words, parameters: Mapping[str, Any]) -> str:
    """What a notebook's page is called in this study; empty if its sheet leaves that to the notebook."""
    return Filler(words, {}, parameters).one(sheet.title)


def in_words(frame: pd.DataFrame, exhibit: Exhibit, filler: Filler) -> pd.DataFrame:
    """A frame whose codes are words; its columns keep their names: what a figure is drawn from."""
    found = {}
    spoken = [n for n in exhibit.columns if n not in frame and f"{n}_{filler.words.language}" in frame]
    for name in spoken:
        found[name] = frame[f"{name}_{filler.words.language}"]
    for name in frame:
        column = exhibit.columns.get(name) or more(exhibit, name)
        found[name] = frame[name].map(_word(column, filler)) if column and _speaks(column) else frame[name]
    return pd.DataFrame(found)


def axes(exhibit: Exhibit, filler: Filler) -> dict[str, str]:
    """Words of a figure's axes and legends; one whose field has no value is empty."""
    found = {}
    for name, text in exhibit.axes.items():
        found[name] = filler.one(text)
    return found


# -- texts -------------------------------------------------------------------------------------------
def _entry(record: Record, sheet: Sheet, exhibit: Exhibit, filler: Filler) -> dict[str, str]:
    entry = {
        "id": record.id,
        "kind": record.kind,
        "number": record.number,
        "name": filler.words.say(exhibit.name),
    }
    if record.left_out:
        need = sheet.need(record.lacks)
        reason = filler.vformat(getattr(need, filler.words.language), (), {})
        return {**entry, "title": entry["name"], "note": reason, "source": "", "read": "", "alt": ""}
    gaps, title = filler.gaps, filler.one(exhibit.title)
    return {
        **entry,
        # A caption that would state an empty value states none: the exhibit's name stands in its place.
        "title": title if filler.gaps == gaps else entry["name"],
        "note": filler.all(exhibit.note),
        "source": filler.one(exhibit.source if exhibit.source is not None else shared().source),
        "read": filler.all(exhibit.read),
        "alt": filler.all(exhibit.alt),
    }


def _numbers(exhibit: Exhibit, filler: Filler) -> Iterator[tuple[str, str]]:
    """Numbers for the study's first page; one that is not there, or that secrecy took away, is left out."""
    for fact in exhibit.headline.numbers if exhibit.headline else []:
        value = filler.one(fact.value)
        if MISSING not in value and HIDDEN not in value:
            yield value, filler.one(fact.says)


# -- tables ------------------------------------------------------------------------------------------
def _table(
    frame: pd.DataFrame, exhibit: Exhibit, filler: Filler, hidden: pd.DataFrame | None = None
) -> tuple[pd.DataFrame, dict[str, int]]:
    heads, cells, digits = [], [], {}
    small = _estimates(frame, exhibit)
    fine = of_rows(frame, small)
    for name in _order(frame, exhibit):
        column = exhibit.columns.get(name) or more(exhibit, name)
        values = _values(frame, name, filler.words.language)
        if column is None or values is None:
            raise SheetError(
                f"the frame has no column '{name}'; it has: {', '.join(map(str, frame.columns))}"
            )
        head = _head(name, column, filler)
        heads.append(head)
        made = _cells(values, column, filler)
        if hidden is not None and name in hidden and hidden[name].any():
            made = made.astype(object).mask(hidden[name].to_numpy(), HIDDEN)
        cells.append(made)
        declared = exhibit.digits if column.digits is None else column.digits
        finer = fine if name in small else declared
        digits[head] = SPECIAL.get(column.role, decimals(made, declared) if finer == declared else finer)
    table = pd.DataFrame(dict(enumerate(cells)), index=frame.index)
    table.columns = pd.Index(heads)
    return table, digits


def _estimates(frame: pd.DataFrame, exhibit: Exhibit) -> list[str]:
    """Columns of estimates, errors and bounds whose decimals nothing states."""
    if exhibit.digits != DEFAULT:
        return []
    columns = [(name, exhibit.columns.get(name) or more(exhibit, name)) for name in _order(frame, exhibit)]
    return [
        name
        for name, one in columns
        if one
        and one.role in ROLES
        and one.digits is None
        and not (one.format or one.percent)
        and name in frame
    ]


def _behind(
    frame: pd.DataFrame | None, exhibit: Exhibit, filler: Filler, hidden: pd.DataFrame | None
) -> tuple[pd.DataFrame, dict[str, int]] | None:
    """The rows that a figure is drawn from, as a table; None where they are printed elsewhere, or many."""
    if frame is None or exhibit.kind != "figure" or exhibit.drawn_from or not 0 < len(frame) <= MOST_BEHIND:
        return None
    known = [name for name in exhibit.columns if _values(frame, name, filler.words.language) is not None]
    return _table(frame, exhibit.model_copy(update={"show": known}), filler, hidden) if known else None


def decimals(cells: Any, declared: int) -> int:
    """Decimals of a column, or a number: three are for what is small; amounts of hundreds have one, of thousands none.

    Parameters
    ----------
    cells : sequence or float
        The smallest in size says it for all, so that no number of a column loses what tells it from nil.
    declared : int
        What the sheet says; another number than three is its choice and stands.
    """
    sizes = [
        abs(v)
        for v in np.atleast_1d(np.asarray(cells, object))
        if isinstance(v, float) and math.isfinite(v) and v
    ]
    least = min(sizes, default=0.0)
    return declared if declared != DEFAULT or least < 100 else 0 if least >= 1000 else 1


def _values(frame: pd.DataFrame, name: str, language: str) -> pd.Series | None:
    """A column; of texts that are data in both languages (``point_en``, ``point_zh``) the one that fits."""
    return next((frame[n] for n in (name, f"{name}_{language}") if n in frame), None)


def _order(frame: pd.DataFrame, exhibit: Exhibit) -> list[str]:
    """Columns that are printed, those known only from the data in the place of the dots."""
    rest = [name for name in frame if name not in exhibit.columns and more(exhibit, name) is not None]
    order: list[str] = []
    for name in exhibit.show:
        order += rest if name == REST else [name]
    return order


def _head(name: str, column: Column | More, filler: Filler) -> str:
    if isinstance(column, Column):
        return filler.one(column.head)
    bare = name.removeprefix(column.strip)
    word = filler.words.of(column.head_of, bare) if column.head_of else bare
    if column.head is None:
        return word
    return Filler(filler.words, {**filler.values, "name": bare, "word": word}, filler.parameters).one(
        column.head
    )


def _speaks(column: Column | More) -> bool:
    return bool(column.of or (isinstance(column, Column) and column.words))


def _cells(values: pd.Series, column: Column | More, filler: Filler) -> pd.Series:
    if _speaks(column):
        return values.map(_word(column, filler))
    if column.percent:
        values = 100 * values
    if column.format:
        return values.map(lambda value: MISSING if missing(value) else number(value, column.format or ""))
    return values


def _word(column: Column | More, filler: Filler) -> Any:
    own = (column.words or {}) if isinstance(column, Column) else {}

    def word(value: Any) -> str:
        if isinstance(value, list | tuple) or type(value).__name__ == "ndarray":
            return filler.words.of(column.of, list(value)) if column.of else ", ".join(map(word, value))
        if missing(value):
            return MISSING
        known = own.get(plain(value))
        if known is not None:
            return filler.one(known)
        return filler.words.of(column.of, value) if column.of else str(value)

    return word


# -- regression tables -------------------------------------------------------------------------------
def regression(frame: pd.DataFrame, exhibit: Exhibit, filler: Filler) -> pd.DataFrame:
    """A long frame of estimates as a regression table: intervals in brackets under the estimates.

    Lines are the levels of the layout's ``rows`` in the order of the frame, columns those of its ``columns``,
    numbered; a term that a column does not have is a dash. At the foot stand columns that are constant within each.
    With ``beside`` there is one line a level, with standard errors in brackets, and columns are headed by their words.
    """
    layout = exhibit.layout
    if layout is None:
        raise SheetError("a regression table needs `layout`")
    worded = in_words(frame, exhibit, filler)
    if layout.beside:
        return _beside(worded, exhibit, layout, filler)
    terms = list(dict.fromkeys(worded[layout.rows]))
    heads = [filler.one(exhibit.columns[name].head) for name in layout.foot]
    columns = {"": [line for term in terms for line in (term, "")] + heads}
    for count, (_, part) in enumerate(worded.groupby(layout.columns, sort=False), 1):
        by_term = part.drop_duplicates(layout.rows).set_index(layout.rows)
        lines: list[str] = []
        for term in terms:
            lines += _estimate(by_term.loc[term], exhibit.digits) if term in by_term.index else [MISSING, ""]
        columns[f"({count})"] = lines + [_foot(part.iloc[0][name], exhibit.digits) for name in layout.foot]
    return pd.DataFrame(columns)


def _beside(worded: pd.DataFrame, exhibit: Exhibit, layout: Layout, filler: Filler) -> pd.DataFrame:
    base = BASE[filler.words.language]

    def cell(estimate: float, error: float) -> str:
        places = _finer([estimate, error], exhibit.digits)
        spec = f",.{places}f"
        return f"{number(estimate, spec)} ({base if missing(error) else number(error, spec)})"

    shown = worded.assign(shown=list(map(cell, worded["estimate"], worded["std_error"])))
    wide = shown.pivot(index=layout.rows, columns=layout.columns, values="shown")
    wide = wide.reindex(columns=list(dict.fromkeys(worded[layout.columns]))).fillna(MISSING).reset_index()
    head = filler.one(exhibit.columns[layout.rows].head)
    return wide.rename(columns={layout.rows: head}).rename_axis(columns=None)


def _estimate(row: pd.Series, digits: int) -> list[str]:
    cells = {name: float(row[name]) for name in ("estimate", "ci_low", "ci_high")}
    places = _finer(list(cells.values()), digits)
    shown = {name: number(value, f",.{places}f") for name, value in cells.items()}
    if missing(float(row["estimate"])):
        return [MISSING, ""]
    return [shown["estimate"], f"[{shown['ci_low']}, {shown['ci_high']}]"]


def _finer(values: list[float], declared: int) -> int:
    """Decimals of an estimate and what stands beside or below it: fewer for amounts, more for what is small.

    Other decimals than three are the sheet's choice, unless all would be nil.
    """
    size = max((abs(v) for v in values if not missing(v)), default=0.0)
    places = decimals(size, declared)
    return enough(values, declared) if places == DEFAULT or size < 0.5 * 10.0**-places else places


def _foot(value: Any, digits: int) -> str:
    if missing(value):
        return MISSING
    if isinstance(value, str):
        return value
    return number(float(value), ",.0f" if float(value).is_integer() else f".{digits}f")
