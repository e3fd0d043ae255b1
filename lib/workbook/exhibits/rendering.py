"""Tables and figures as they are printed: saved for other programs, and shown as accessible HTML.

An exhibit's *entry* is the record that :class:`workbook.exhibits.book.Book` keeps of it: ``id``, ``kind``
(``table`` or ``figure``), ``number`` (``"1.2"``), and title, note and source in both languages.
"""

from __future__ import annotations

import base64
import math
import numbers
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unicodedata import east_asian_width

import pandas as pd

from workbook import files, inert
from workbook.exhibits import printed
from workbook.exhibits.journal import forms, latex
from workbook.exhibits.pictures import saved
from workbook.exhibits.words import LEAST_P, P_VALUE, YEAR, Filler, Words
from workbook.inert import html

if TYPE_CHECKING:
    from workbook.exhibits.journal import Grid
    from workbook.exhibits.record import Record
    from workbook.exhibits.sheets import Sheet

Digits = int | dict[str, int]

MISSING = "–"
DEFAULT_DIGITS = 3
# Of a column's cells of text: a table of regressions has a line of words among its numbers.
NUMERIC_SHARE = 0.75
# A column of text no wider than this (in Latin characters) is not broken into lines.
LONG_TEXT = 24

WORDS = {
    "en": {
        "table": "Table {}. ",
        "figure": "Figure {}. ",
        "file": "File {}. ",
        "note": "Note. ",
        "withheld": "Withheld: {}. {}",
        "read": "How to read it. ",
        "source": "Source: ",
        "behind": "The figure's numbers",
    },
    "zh": {
        "table": "表 {}　",
        "figure": "图 {}　",
        "file": "文件 {}　",
        "note": "注：",
        "withheld": "未发布：{}。{}",
        "read": "读法：",
        "source": "资料来源：",
        "behind": "图中数值",
    },
}
YEAR_HEADER = re.compile(r"year|cohort|since|年|队列|批次", re.IGNORECASE)
_NUMBER = r"(\d{1,3}(,\d{3})+|\d+)?(\.\d+)?([eE][-−+]?\d+)?"
NUMBER_TEXT = re.compile(
    rf"^\s*[(\[<]?\s*[-−+]?(?=[\d.]){_NUMBER}\s*%?([,;]\s+[-−+]?{_NUMBER})?\s*[)\]]?\s*\**\s*$"
)

# JupyterLab right-aligns every cell; the site has its own, fuller sheet for the same classes.
LAB_STYLE = (
    "<style>.fusion-table .text{text-align:left;white-space:nowrap}.fusion-table .num{text-align:right}"
    ".fusion-table .long{white-space:normal;min-width:16em}"
    ".fusion-journal thead th.span{text-align:center;border-bottom:1px solid}.fusion-journal .rule>*{border-top:1px solid}"
    ".fusion-table caption{caption-side:top;text-align:left;font-weight:600}"
    ".fusion-exhibit{container-type:inline-size}"
    # A caption is as wide as its table: in one that scrolls, it keeps to what is seen of it.
    ".fusion-table caption span{display:block;position:sticky;left:0;width:fit-content;max-width:100cqi}"
    ".fusion-scroll{overflow-x:auto}.fusion-note{font-size:.9em;margin:.2em 0}</style>"
)


# -- exhibits that have a sheet ----------------------------------------------------------------------
def show(record: Record, sheet: Sheet, words: Words, parameters: Mapping[str, Any]) -> str:
    """An exhibit as HTML in a language, its picture inside: what a notebook displays.

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
    """
    made = printed.printed(record, sheet, words, parameters)
    entry = _of_language(made.entry, words.language)
    if record.kind == "figure":
        picture = saved.quick(drawn(record, sheet, words, parameters))
        return picture_html(picture, entry, words.language, made.entry["alt"])
    if made.table is None:
        place = record.file(sheet.exhibit(record.id).suffix, words.language)
        return file_html(entry, place.name, f"{place.stat().st_size / 1000:,.0f} kB", words.language)
    return table_html(made.table, entry, words.language, made.digits, made.grid)


def keep(
    record: Record,
    made: printed.Printed,
    sheet: Sheet,
    words: Words,
    parameters: Mapping[str, Any],
    frame: pd.DataFrame | None,
    folder: Path,
) -> str:
    """Write an exhibit's files in a language (LaTeX, or SVG, PDF and PNG) and give it as HTML.

    Parameters
    ----------
    record, sheet, words, parameters
        As in :func:`show`.
    made : Printed
        Its texts and cells.
    frame : pandas.DataFrame or None
        Its rows as they may be published.
    folder : Path
        Where the files go.
    """
    language, entry = words.language, _of_language(made.entry, words.language)
    if record.kind == "figure":
        over = saved.save_figure(folder, record.id, drawn(record, sheet, words, parameters, frame))
        shown = figure_html(folder, entry, language, made.entry["alt"], over)
        return shown.removesuffix("</figure>") + _behind(made, language) + "</figure>"
    if made.table is None:
        place = record.file(sheet.exhibit(record.id).suffix, language)
        if record.draw and frame is not None and sheet.exhibit(record.id).drawn_from is not None:
            # Its source may have lost cells to secrecy: the file is made anew of what may be published.
            for form, content in forms_of(record, sheet, words, parameters, frame).items():
                (folder / f"{record.id}{form}").write_bytes(content)
            place = folder / f"{record.id}{sheet.exhibit(record.id).suffix}"
        return file_html(entry, place.name, f"{place.stat().st_size / 1000:,.0f} kB", language)
    # Names of exhibits are a notebook's own; labels must differ in a document that holds all of them.
    named = entry | {"label": f"{record.notebook[:2]}-{record.id}"}
    text = table_tex(made.table, named, language, made.digits, made.grid)
    (folder / f"{record.id}.tex").write_text(text, encoding="utf-8", newline="\n")
    return table_html(made.table, entry, language, made.digits, made.grid)


def plain_table(made: printed.Printed, language: str) -> dict[str, Any]:
    """A printed table as other programs take it: ``head``, ``text`` (cells as printed), ``value``, ``numeric``."""
    table = made.table
    if table is None:
        return {}
    texts = shown(table, made.digits, language)
    numeric = [kind == "num" for kind in _kinds(table, texts)]
    values = [[_plain_cell(cell) for cell in row] for row in table.itertuples(index=False, name=None)]
    decimals = [made.digits.get(str(name), DEFAULT_DIGITS) for name in table.columns]
    head = [str(name) for name in table.columns]
    found = {"head": head, "text": texts, "value": values, "numeric": numeric, "digits": decimals}
    if made.grid is not None:
        found |= {"grid": forms.plain(made.grid), "numeric": [False, *[True] * made.grid.columns]}
    return found


def _plain_cell(value: Any) -> Any:
    if _missing(value):
        return None
    if isinstance(value, numbers.Integral) and not isinstance(value, bool):
        return int(value)
    if isinstance(value, numbers.Real) and not isinstance(value, bool):
        return float(value) if math.isfinite(float(value)) else _float(float(value), 0)
    return str(value)


def drawn(
    record: Record,
    sheet: Sheet,
    words: Words,
    parameters: Mapping[str, Any],
    frame: pd.DataFrame | None = None,
) -> Any:
    """Draw an exhibit\'s figure, or make its file, in a language, by the function that its record names.

    The function is given the frame with words for codes, the words of the axes, and those of the exhibit's values
    that it asks for by name.
    """
    import importlib
    import inspect

    from workbook.exhibits import style

    module, name = record.draw.split(":")
    draw = getattr(importlib.import_module(module), name)
    exhibit, rows = sheet.exhibit(record.id), record.frame if frame is None else frame
    filler = Filler(words, record.values, parameters, rows)
    style.use(words.language)
    asked = {k: v for k, v in record.values.items() if k in inspect.signature(draw).parameters}
    quoted = inert.drawn if record.kind == "figure" else inert.word
    frame = printed.in_words(rows, exhibit, filler)
    texts = [name for name in frame if str(frame[name].dtype) in ("object", "str", "string")]
    frame = frame.assign(**{name: frame[name].map(lambda v: _quoted(v, quoted)) for name in texts})
    named = {name: quoted(text) for name, text in printed.axes(exhibit, filler).items()}
    return draw(frame, named, **{name: _quoted(value, quoted) for name, value in asked.items()})


def forms_of(
    record: Record,
    sheet: Sheet,
    words: Words,
    parameters: Mapping[str, Any],
    frame: pd.DataFrame | None = None,
) -> dict[str, bytes]:
    """A file in all its forms, by suffix, without the moment at which they were made; as :func:`drawn` takes it."""
    made = drawn(record, sheet, words, parameters, frame)
    whole = made if isinstance(made, dict) else {sheet.exhibit(record.id).suffix: made}
    return {form: settled(content, form) for form, content in whole.items()}


def settled(content: bytes, suffix: str) -> bytes:
    """A file's bytes without the moment at which they were made."""
    return files.undated(content) if suffix in (".docx", ".xlsx") else content


def _quoted(value: Any, by: Callable[[object], str]) -> Any:
    """A value handed to what draws it, its texts inert."""
    if isinstance(value, str):
        return by(value)
    if isinstance(value, list | tuple):
        return [_quoted(part, by) for part in value]
    if isinstance(value, dict):
        return {_quoted(name, by): _quoted(part, by) for name, part in value.items()}
    return value


def _of_language(entry: Mapping[str, str], language: str) -> dict[str, Any]:
    """Texts under the names that carry their language."""
    named: dict[str, Any] = {f"{name}_{language}": text for name, text in entry.items()}
    return named | {name: entry[name] for name in ("id", "kind", "number")}


# -- tables ------------------------------------------------------------------------------------------
def table_html(
    table: pd.DataFrame,
    entry: dict[str, Any],
    language: str = "en",
    digits: Digits = DEFAULT_DIGITS,
    grid: Grid | None = None,
) -> str:
    """A table as HTML: caption, header cells with their scope, note and source below.

    Parameters
    ----------
    table : pandas.DataFrame
        Rows × columns as printed; column names are the headers.
    entry : dict
        Record of the exhibit, its texts under ``title_<language>``, ``note_<language>`` …
    language : {"en", "zh"}
        Language of caption, note and source.
    digits : int or dict
        Decimals of floating-point values, for all columns or by column.
    grid : Grid, optional
        The lines of a table of columns, in place of the table.

    Returns
    -------
    str
        One element, ``<div id="exhibit-<id>">``, without scripts.
    """
    inside = _inside(_flat(table), digits, language) if grid is None else forms.body_html(grid)
    caption = f'<caption id="caption-{html(entry["id"])}"><span>{html(caption_text(entry, language))}</span></caption>'
    return (
        f'<div class="fusion-exhibit" id="exhibit-{html(entry["id"])}" lang="{_tag(language)}">{LAB_STYLE}'
        f'<div class="fusion-scroll" role="region" tabindex="0" aria-labelledby="caption-{html(entry["id"])}">'
        f'<table class="fusion-table{" fusion-journal" if grid is not None else ""}">{caption}\n{inside}</table>'
        f"</div>{_below(entry, language)}</div>"
    )


def _inside(flat: pd.DataFrame, digits: Digits, language: str) -> str:
    """Head and body of a table with one line of heads."""
    cells = shown(flat, digits, language)
    kinds = _kinds(flat, cells)
    heads = _row_heads(flat, kinds)
    header = "".join(
        f'<th scope="col" class="{kind}">{html(name)}</th>'
        for name, kind in zip(flat.columns, kinds, strict=True)
    )
    body = "\n".join(_row_html(row, kinds, heads) for row in cells)
    return f"<thead><tr>{header}</tr></thead>\n<tbody>\n{body}\n</tbody>"


def table_tex(
    table: pd.DataFrame,
    entry: dict[str, Any],
    language: str = "en",
    digits: Digits = DEFAULT_DIGITS,
    grid: Grid | None = None,
) -> str:
    """A table as LaTeX that is no wider than the page (packages: its first line; Chinese needs ``ctex`` and XeLaTeX).

    Parameters
    ----------
    table, entry, language, digits, grid
        As in :func:`table_html`.

    Returns
    -------
    str
        Source of the float, label ``tab:<id>``, ending in a newline.
    """
    if grid is not None:
        told = [
            WORDS[language][p] + entry[f"{p}_{language}"]
            for p in ("note", "source")
            if entry[f"{p}_{language}"]
        ]
        return forms.table_tex(grid, entry[f"title_{language}"], str(entry.get("label", entry["id"])), told)
    flat, words = _flat(table), WORDS[language]
    cells = shown(flat, digits, language)
    numeric = [kind == "num" for kind in _kinds(flat, cells)]
    told = [
        words[part] + entry[f"{part}_{language}"]
        for part in ("note", "source")
        if entry[f"{part}_{language}"]
    ]
    label = str(entry.get("label", entry["id"]))
    return latex.table_tex(list(flat.columns), cells, numeric, entry[f"title_{language}"], label, told)


def shown(table: pd.DataFrame, digits: Digits = DEFAULT_DIGITS, language: str = "en") -> list[list[str]]:
    """The cells of a table as text.

    Parameters
    ----------
    table : pandas.DataFrame
        Rows × columns.
    digits : int or dict
        Decimals of floating-point values, for all columns or by column (others: 3).
    language : {"en", "zh"}
        Language of yes and no.

    Returns
    -------
    list of list of str
        By row. Missing values are ``–``; thousands are separated by commas, except in columns of years.
    """
    columns = []
    for position, name in enumerate(table.columns):
        values = table.iloc[:, position]
        places = digits.get(str(name), DEFAULT_DIGITS) if isinstance(digits, dict) else digits
        years = places == YEAR or _is_years(str(name), values)
        columns.append([_cell(value, places, language, years) for value in values])
    return [list(row) for row in zip(*columns, strict=True)]


# -- figures -----------------------------------------------------------------------------------------
def figure_html(
    folder: Path, entry: dict[str, Any], language: str = "en", alt: str = "", over: str = ""
) -> str:
    """A saved figure as HTML, its picture inside: the SVG, or the PNG where the SVG is large.

    Parameters
    ----------
    folder : pathlib.Path
        Where :func:`pictures.saved.save_figure` wrote it.
    entry : dict
        Record of the exhibit.
    language : {"en", "zh"}
        Language of caption, note and source.
    alt : str
        What the figure shows, for who cannot see it; its title when empty.
    over : str
        What is laid over the picture.

    Returns
    -------
    str
        One ``<figure id="exhibit-<id>">``.
    """
    svg, png = folder / f"{entry['id']}.svg", folder / f"{entry['id']}.png"
    vector = svg.stat().st_size <= saved.LARGEST_SVG
    width = saved.css_width(png.read_bytes(), saved.DPI)
    return picture_html((svg if vector else png).read_bytes(), entry, language, alt, width, vector, over)


def picture_html(
    picture: bytes,
    entry: dict[str, Any],
    language: str,
    alt: str = "",
    width: int | None = None,
    vector: bool = False,
    over: str = "",
) -> str:
    """A picture as HTML with caption, note and source; its width in CSS pixels is read from a PNG if not given."""
    kind = "svg+xml" if vector else "png"
    shown = base64.b64encode(picture).decode("ascii")
    wide = saved.css_width(picture, saved.SCREEN_DPI) if width is None else width
    alt = html(alt or entry[f"title_{language}"])
    return (
        f'<figure class="fusion-exhibit fusion-figure" id="exhibit-{html(entry["id"])}" lang="{_tag(language)}">'
        f'<div class="fusion-drawn"><img src="data:image/{kind};base64,{shown}" alt="{alt}" width="{wide}" '
        f'style="max-width:100%;height:auto">{over}</div>'
        f"<figcaption>{html(caption_text(entry, language))}</figcaption>{_below(entry, language)}</figure>"
    )


def _behind(made: printed.Printed, language: str) -> str:
    """A figure's numbers, folded below it; empty where they stand elsewhere."""
    if made.behind is None:
        return ""
    label = WORDS[language]["behind"]
    inside = _inside(_flat(made.behind[0]), made.behind[1], language)
    return (
        f'<details class="fusion-details"><summary>{label}</summary><div class="fusion-scroll" role="region" tabindex="0" '
        f'aria-label="{label}"><table class="fusion-table">{inside}</table></div></details>'
    )


# -- words -------------------------------------------------------------------------------------------
def file_html(entry: dict[str, Any], name: str, size: str, language: str = "en") -> str:
    """A file that is kept as an exhibit: its caption, name and size, and the note below."""
    id = html(entry["id"])
    caption = f"<p><strong>{html(caption_text(entry, language))}</strong>: <code>{html(name)}</code> ({html(size)})</p>"
    return f'<div class="fusion-exhibit" id="exhibit-{id}" lang="{_tag(language)}">{caption}{_below(entry, language)}</div>'


def caption_text(entry: dict[str, Any], language: str = "en") -> str:
    """What stands over or under an exhibit: kind, number and title."""
    return WORDS[language][entry["kind"]].format(entry["number"]) + entry[f"title_{language}"]


def caption_of(row: Mapping[str, Any], language: str) -> str:
    """Kind, number and title of an exhibit whose texts are in one language."""
    return WORDS[language][row["kind"]].format(row["number"]) + str(row["title"])


def withheld(row: Mapping[str, Any], language: str) -> str:
    """What stands in the place of an exhibit that is not published: its name and the rule."""
    return WORDS[language]["withheld"].format(row["name"], row["note"])


def below(row: Mapping[str, Any], language: str) -> list[str]:
    """What stands below an exhibit whose texts are in one language: note, how to read it, source."""
    return [WORDS[language][part] + row[part] for part in ("note", "read", "source") if row.get(part)]


def _below(entry: dict[str, Any], language: str) -> str:
    parts = [(part, entry.get(f"{part}_{language}", "")) for part in ("note", "read", "source")]
    return "".join(
        f'<p class="fusion-note fusion-{part}">{WORDS[language][part]}{html(text)}</p>'
        for part, text in parts
        if text
    )


def _tag(language: str) -> str:
    return "zh-CN" if language == "zh" else "en"


# -- inside ------------------------------------------------------------------------------------------
def _flat(table: pd.DataFrame) -> pd.DataFrame:
    """The table with one line of headers."""
    return table.set_axis([_header(name) for name in table.columns], axis=1)


def _header(name: object) -> str:
    if isinstance(name, tuple):
        return " · ".join(str(part) for part in name if str(part))
    return str(name)


def _numeric(table: pd.DataFrame) -> list[bool]:
    """Which columns are aligned as numbers, text such as ``0.12***`` and ``(0.03)`` included."""
    return [_is_numeric(table.iloc[:, position]) for position in range(table.shape[1])]


def _kinds(table: pd.DataFrame, cells: list[list[str]]) -> list[str]:
    """Class of each column: numbers, text, or long text, which wants room before it is broken into lines."""
    kinds = []
    for position, numeric in enumerate(_numeric(table)):
        longest = max((width(row[position]) for row in cells), default=0)
        kinds.append("num" if numeric else "text long" if longest > LONG_TEXT else "text")
    return kinds


def _is_numeric(values: pd.Series) -> bool:
    if pd.api.types.is_bool_dtype(values.dtype):
        return False
    if pd.api.types.is_numeric_dtype(values.dtype):
        return True
    present = [value for value in values if not _missing(value) and str(value).strip() not in ("", MISSING)]
    if all(isinstance(value, str) and value.isdigit() for value in present):
        return False  # codes: a column of counts would not be text
    return sum(map(_reads_as_number, present)) >= NUMERIC_SHARE * len(present)


def width(text: str) -> int:
    """Width of a text in Latin characters; a Chinese one counts for two."""
    return sum(1 + (east_asian_width(character) in "WF") for character in text)


def _reads_as_number(value: object) -> bool:
    if isinstance(value, str):
        return NUMBER_TEXT.match(value) is not None
    return isinstance(value, numbers.Number) and not isinstance(value, bool)


def _row_heads(flat: pd.DataFrame, kinds: list[str]) -> int:
    """How many leading columns name the row."""
    years = bool(kinds) and _is_years(str(flat.columns[0]), flat.iloc[:, 0])
    return int(bool(kinds) and (kinds[0] != "num" or years))


def _row_html(row: list[str], kinds: list[str], heads: int) -> str:
    cells = (
        f'<th scope="row" class="{kind}">{html(cell)}</th>'
        if position < heads
        else f'<td class="{kind}">{html(cell)}</td>'
        for position, (cell, kind) in enumerate(zip(row, kinds, strict=True))
    )
    return f"<tr>{''.join(cells)}</tr>"


def _is_years(name: str, values: pd.Series) -> bool:
    """Whether a column's numbers are calendar years, which take no thousands separator and no decimals."""
    if not YEAR_HEADER.search(name):
        return False
    present = [v for v in values if isinstance(v, numbers.Real) and not (isinstance(v, bool) or _missing(v))]
    return bool(present) and all(v % 1 == 0 and 1900 <= v <= 2100 for v in map(float, present))


def _missing(value: object) -> bool:
    return value is None or value is pd.NA or value is pd.NaT or (isinstance(value, float) and value != value)


def _cell(value: Any, digits: int, language: str, year: bool) -> str:
    if _missing(value):
        return MISSING
    if isinstance(value, bool) or type(value).__name__ in ("bool", "bool_"):
        return {"en": ("no", "yes"), "zh": ("否", "是")}[language][bool(value)]
    if isinstance(value, numbers.Integral):
        return _sign(f"{int(value)}" if year else f"{int(value):,}")
    if isinstance(value, numbers.Real) and year:
        return f"{float(value):.0f}"
    if isinstance(value, numbers.Real) and digits == P_VALUE:
        return f"<{LEAST_P}" if 0 <= float(value) < LEAST_P / 2 else _float(float(value), DEFAULT_DIGITS)
    if isinstance(value, numbers.Real):
        return _float(float(value), digits)
    if isinstance(value, list | tuple):
        return ", ".join(_cell(part, digits, language, year) for part in value)
    return str(value)


def _float(value: float, digits: int) -> str:
    if math.isnan(value):
        return MISSING
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    text = f"{value:,.{digits}f}"
    zero = not any(character in "123456789" for character in text)
    return text.lstrip("-") if zero else _sign(text)


def _sign(text: str) -> str:
    """A true minus sign, as wide as a plus."""
    return text.replace("-", "−", 1) if text.startswith("-") else text
