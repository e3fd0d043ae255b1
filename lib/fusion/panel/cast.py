"""From what a source holds to the contract's types, each cell that does not fit reported.

Rules, the same for every kind of source:

- Text and codes: spaces at both ends and marks that nobody sees (zero width, direction of writing) go; an empty cell is
  NULL; nothing else changes, and ``NA`` is a value.
- Numbers: full-width digits are read as digits, and thousands separators are dropped where they stand
  every three digits (``1,234.5``); both are recorded. ``45%`` is 45 in a column in %, .45 in one without a unit. ``NA``,
  ``N/A``, ``NaN``, ``NULL`` and ``.`` are NULL, counted by column. Anything else is an error and the cell NULL.
- Codes stored as numbers become their digits; a zero that was lost on the way shows in the checks.
- Money columns are scaled to 万元.
"""

# Ibis, not pandas: its tests for NULL are named isnull and notnull.
# ruff: noqa: PD003, PD004
from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from typing import Any

import ibis
import ibis.expr.datatypes as dt
import pandas as pd
from ibis.expr.operations import InMemoryTable
from ibis.util import gen_name

from fusion.classification.codes import MISSING
from fusion.panel.contract import MONEY, ROW, Column

TRUE = ("1", "true", "t", "yes", "y", "是")
FALSE = ("0", "false", "f", "no", "n", "否")
WIDE = dict(zip("０１２３４５６７８９．，－＋", "0123456789.,-+", strict=True))
# Blanks of a cell: the space, the tab, line ends, the ideographic space and the no-break space.
BLANKS = " \t\n\r\u3000\u00a0"
TRIM = r"^[\s\x{3000}\x{a0}]+|[\s\x{3000}\x{a0}]+$"
# Marks without a glyph, which come with texts copied from pages and dialogs.
UNSEEN = "\u200b\u200c\u200d\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2060\u2066\u2067\u2068\u2069\ufeff"
# An identifier that a spreadsheet made a number of: its last digits are gone.
FLOATED = r"^[0-9](\.[0-9]+)?[eE]\+?[0-9]{2,}$"
# Above 2^53 a floating-point number no longer holds every digit of an identifier.
EXACT = 2.0**53
SINGLE = 2.0**24  # the same in single precision, in which Stata keeps numbers unless told otherwise

NOTES: dict[str, tuple[str, str, str]] = {
    "not_a_number": ("error", "not a number; the cell was read as missing", "不是数值；该单元格按缺失读入"),
    "not_whole": (
        "error",
        "not a whole number; the cell was read as missing",
        "不是整数；该单元格按缺失读入",
    ),
    "not_amounts": (
        "error",
        'no amounts by code ({"7310": 12.5}); the cell was read as missing',
        '不是按代码列出的金额（{"7310": 12.5}）；该单元格按缺失读入',
    ),
    "not_boolean": (
        "error",
        "not true or false (1/0, true/false, 是/否)",
        "不是布尔值（1/0、true/false、是/否）",
    ),
    "digits_lost": (
        "error",
        "identifier stored as a floating-point number too large to be exact: digits are lost; store it as text",
        "标识以浮点数存储且超出精度，数位已丢失；请以文本存储",
    ),
    "percent_read": (
        "warning",
        "cells with a percent sign: 45% is 45 in a column in %, 0.45 in one without a unit",
        "带百分号的单元格：单位为 % 的列中 45% 读作 45，无单位的列中读作 0.45",
    ),
    "unseen_marks": (
        "warning",
        "cells with marks that nobody sees (zero width, direction of writing), which were dropped",
        "含不可见字符（零宽字符、书写方向标记）的单元格，已去除这些字符",
    ),
    "number_normalised": (
        "warning",
        "full-width digits or thousands separators, read as the number they write",
        "含全角数字或千位分隔符，已按其书写的数值读入",
    ),
    "missing_word": (
        "warning",
        "cells with a word for missing, read as missing",
        "以文字表示缺失的单元格，按缺失读入",
    ),
    "code_stored_as_number": (
        "warning",
        "codes stored as numbers, read as their digits; store them as text so that no zero is lost",
        "代码以数值存储，按其数字读入；请以文本存储以免丢失前导零",
    ),
}
# Notes of which a column has one for all its cells.
COUNTED = ("missing_word", "number_normalised", "code_stored_as_number", "percent_read", "unseen_marks")
HERE = "the column"
# Columns computed in one layer of a query, and tests counted in one: DuckDB's search for repeated expressions takes the
# square of their number, 20 s for 900 tests.
LAYER = 40
HEADER = ["rule", "severity", "row", "field", "value", "message_en", "message_zh"]


def cast(
    con: Any, raw: ibis.Table, columns: Mapping[str, Column], scale: float | Mapping[str, float], name: str
) -> tuple[ibis.Table, pd.DataFrame]:
    """Type a table by the contract.

    Parameters
    ----------
    con : ibis DuckDB backend
    raw : ibis.Table
        Columns already renamed, and ``source_row``.
    columns : mapping of str to Column
        The columns to keep, in order.
    scale : float or mapping of str to float
        万元 per unit of the source's money columns; or, by column, the contract's units per unit of the source.
    name : str
        Name of the table that is made.

    Returns
    -------
    table : ibis.Table
        ``source_row`` and the columns, typed.
    notes : pandas.DataFrame
        ``rule, severity, row, field, value, message_en, message_zh``: one line for each cell, and one
        for each column where only a count is told (``row`` is then missing).
    """
    words = _Words(con, raw, columns)
    odd = words.having(columns, _test)
    # Columns of plain numbers and words for missing need none of the long expressions that mend and judge a cell. A list
    # of words beside another test of the cell would be a join for each column.
    unread = words.counts(odd, _unread)
    plain = {c for c, count in words.counts(odd, _word).items() if count == unread[c]}
    # Nor do those where no cell holds what is mended; they are only told of.
    wrong = [
        c for c, count in words.counts([c for c in unread if c not in plain], _to_mend).items() if not count
    ]
    mended = [c for c in odd if c not in plain and c not in wrong]
    notes = words.notes(dict.fromkeys(mended, ()), _found_as_written)
    factors = {c: _factor(column, scale) for c, column in columns.items()}
    # Tables of their own: the expressions that mend or report a cell name it several times.
    if mended or wrong:
        words.keep(f"{name}_cells", {c: words.sql(_trimmed, c)[""] for c in mended})
    if shares := words.having(mended, _marked):
        words.keep(f"{name}_shares", {c: words.sql(_percents, c, factors[c])[""] for c in shares})
    typed = {c: words.sql(_value, c, factors[c], c in mended)[""] for c in columns}
    con.con.execute(f"CREATE OR REPLACE TEMP TABLE {name} AS {words.select(typed)}")
    notes += words.notes(dict.fromkeys(wrong, ()), _unreadable)
    notes += words.notes({c: (c in mended,) for c in odd}, _found)
    words.done()
    return con.table(name), pd.DataFrame(notes, columns=HEADER)


# -- a table's columns -------------------------------------------------------------------------
class _Words:
    """What is asked of the cells of a table, put into SQL once for each kind of column, of which there may be thousands.

    An expression of Ibis for each column, all in one query, costs some 10 ms a column before a cell is read.
    """

    def __init__(self, con: Any, raw: ibis.Table, columns: Mapping[str, Column]) -> None:
        self.con, self.columns, self.made = con, columns, {}  # type: ignore[var-annotated]
        self.own: list[str] = []
        if raw.op().find(InMemoryTable):  # known to Ibis alone
            self.own.append(gen_name("fusion_cells"))
            raw = con.create_table(self.own[0], raw, temp=True)
        types = raw.schema()
        self.types = {c: types[c] for c in columns}
        self.raw = self.source = f"({con.compile(raw)}) AS t0"  # as Ibis calls the one table of a query
        self.cells = {c: self.sql(_cell, c)[""] for c in columns}
        self.source = self._of_cells(columns)  # nothing is repeated
        self.types = {c: dt.string if _texts(kind) else kind for c, kind in self.types.items()}

    def sql(self, build: Callable[..., Any], name: str, *more: Any) -> dict[str, str]:
        """What ``build`` makes of a column's cell, by its names; by none where it makes one thing, empty where nothing."""
        column, kind = self.columns[name], self.types[name]
        stem = "firm_id" if name.startswith("firm_id") else "other"  # what builders ask of a name
        like = Column(stem, "", "", column.type, column.unit, role=column.role)
        key = (build, kind, like, *more)
        if key not in self.made:
            cells = ibis.table({HERE: kind}, name="cells")
            found = build(cells[HERE], like, *more)
            asked = found if isinstance(found, dict) else {} if found is None else {"": found}
            self.made[key] = {rule: self._of(cells, one) for rule, one in asked.items()}
        return {rule: text.replace(_quoted(HERE), _quoted(name)) for rule, text in self.made[key].items()}

    def select(self, asked: Mapping[str, str], layer: int = LAYER) -> str:
        """A query of rows with what is asked of each column, some columns after others; the rest pass through."""
        names, source, query = [*asked], self.source, ""
        for first in range(0, max(1, len(names)), max(1, layer)):
            now = {*names[first : first + layer]}
            listed = [f"{text if c in now else _quoted(c)} AS {_quoted(c)}" for c, text in asked.items()]
            query = f"SELECT {', '.join([ROW, *listed])} FROM {source}"
            source = f"({query}) AS t0"
        return query

    def keep(self, name: str, changed: Mapping[str, str]) -> None:
        """Make a table of the cells, some of them changed, and go on with it."""
        cells = {c: changed.get(c, _quoted(c)) for c in self.columns}
        self.con.con.execute(f"CREATE OR REPLACE TEMP TABLE {name} AS {self.select(cells)}")
        self.own.append(name)
        self.source, self.cells = f"{name} AS t0", {}

    def having(self, columns: Collection[str], build: Callable[..., Any]) -> list[str]:
        """Columns in which something is true of a cell."""
        return [c for c, count in self.counts(columns, build).items() if count]

    def counts(self, columns: Collection[str], build: Callable[..., Any]) -> dict[str, int]:
        """Of how many cells of a column something is true."""
        tests = [(c, text) for c in columns for text in self.sql(build, c).values()]
        return dict(zip([c for c, _ in tests], self._counts(tests), strict=True))

    def notes(
        self, columns: Mapping[str, tuple[Any, ...]], build: Callable[..., Any]
    ) -> list[tuple[Any, ...]]:
        """What there is to tell of the cells of some columns, of which ``build`` is told more: rows of ``HEADER``."""
        asked = [
            (c, rule, text) for c, more in columns.items() for rule, text in self.sql(build, c, *more).items()
        ]
        counts = self._counts([(c, text) for c, _, text in asked])
        found = []
        for (column, rule, where), count in zip(asked, counts, strict=True):
            if count:
                cells = [(pd.NA, str(count))] if rule in COUNTED else self._cells(column, where)
                severity, *messages = NOTES[rule]
                found += [(rule, severity, row, column, value, *messages) for row, value in cells]
        return found

    def done(self) -> None:
        """Drop what was made on the way."""
        for name in self.own:
            self.con.con.execute(f"DROP TABLE {name}")

    def _of(self, cells: ibis.Table, asked: Any) -> str:
        query = self.con.compiler.to_sqlglot(cells.select(asked=asked))
        return str(query.expressions[0].this.sql(self.con.dialect))

    def _of_cells(self, columns: Collection[str]) -> str:
        """Where to ask for these columns. All of a wide table named in each query would be most of its time."""
        if not self.cells:
            return self.source
        listed = ", ".join([ROW, *(f"{self.cells[c]} AS {_quoted(c)}" for c in columns)])
        return f"(SELECT {listed} FROM {self.raw}) AS t0"

    def _counts(self, tests: list[tuple[str, str]]) -> tuple[int, ...]:
        """In how many rows each is true of its column."""
        found: tuple[int, ...] = ()
        for first in range(0, len(tests), LAYER):
            now = tests[first : first + LAYER]
            listed = ", ".join(f"count_if({test})" for _, test in now)
            source = self._of_cells({c: None for c, _ in now})
            found += self.con.con.execute(f"SELECT {listed} FROM {source}").fetchone()
        return found

    def _cells(self, column: str, where: str) -> list[tuple[int, str]]:
        """Rows and texts of a column's cells for which something is true."""
        text = f"SELECT {ROW}, CAST({_quoted(column)} AS VARCHAR) FROM {self._of_cells([column])}"
        return list(self.con.con.execute(f"{text} WHERE {where} ORDER BY 1").fetchall())


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


# -- cells -------------------------------------------------------------------------------------
def _is_text(value: ibis.Value) -> bool:
    return _texts(value.type())


def _texts(kind: dt.DataType) -> bool:
    return not (kind.is_numeric() or kind.is_boolean())


def _trimmed(value: Any, column: Column) -> Any:
    return _trim(value) if _is_text(value) else value


def _marked(value: Any, column: Column) -> Any:
    return _percent(value) if _is_text(value) and _may_be_percent(column) else None


def _cell(value: Any, column: Column) -> Any:
    """The cell; NULL where a text is empty. Text is trimmed later, and only if need be."""
    if not _is_text(value):
        return value
    return value.cast("string").nullif("")


def _trim(value: Any) -> Any:
    text = value.cast("string")
    # Trimming is slow and seldom needed: look for a blank first.
    seen = _has_unseen(text).ifelse(text.re_replace(f"[{UNSEEN}]", ""), text)
    return _has_blank(text).ifelse(seen.re_replace(TRIM, ""), seen).nullif("")


def _has_blank(text: Any) -> Any:
    return ibis.or_(*(text.contains(mark) for mark in BLANKS))


def _has_unseen(text: Any) -> Any:
    # Their first bytes are E2 80, E2 81 and EF BB; one search by RE2 costs less than sixteen.
    return _beyond_ascii(text) & text.re_search(f"[{UNSEEN}]")


def _beyond_ascii(text: Any) -> Any:
    """Whether a text has more bytes than characters: a twentieth of what a search or a translation costs."""
    return _bytes(text) != text.length()


@ibis.udf.scalar.builtin(name="strlen")
def _bytes(text: str) -> int:  # type: ignore[empty-body]
    """DuckDB's number of bytes."""


def _percents(text: Any, column: Column, factor: float) -> Any:
    """A number with a percent sign as the number that it is in the source's unit of the column."""
    marked = _percent(text)
    number = _number(marked.ifelse(text.re_replace(r"[%％]$", ""), ibis.null("string")))
    per = factor if column.unit == "%" else 100.0
    return (marked & number.notnull()).ifelse((number / per).cast("string"), text)


def _may_be_percent(column: Column) -> bool:
    """Money, persons and counts are no share of anything: a percent sign there is a fault."""
    return column.is_number and column.unit in ("%", "")


def _percent(text: Any) -> Any:
    return text.re_search(r"^[-+－＋]?[0-9０-９.,]+[%％]$")


def _text(value: Any) -> Any:
    """The cell as text; a whole number has no decimal point."""
    if value.type().is_floating() or value.type().is_decimal():
        return _whole(value.cast("float64")).ifelse(
            value.try_cast("int64").cast("string"), value.cast("string")
        )
    return value.cast("string")


def _plain_number(value: Any) -> Any:
    """The cell as a finite number where it is written (or stored) as one, else NULL."""
    number = value.try_cast("float64") if _is_text(value) else value.cast("float64")
    finite = number - number == 0
    if _is_text(value):
        # DuckDB reads 1_000 as a number; a report does not write one so.
        finite = finite & ~value.contains("_")
    return finite.ifelse(number, ibis.null(dt.float64))


def _number(value: Any, mend: bool = True) -> Any:
    """The cell as a finite number, if asked for with full-width digits and thousands separators mended, else NULL."""
    plain = _plain_number(value)
    return ibis.coalesce(plain, _plain_number(_mended(value))) if mend and _is_text(value) else plain


def _mended(text: Any) -> Any:
    """Full-width digits and thousands separators written as plain digits; other text stays as it is."""
    plain = _beyond_ascii(text).ifelse(text.translate("".join(WIDE), "".join(WIDE.values())), text)
    grouped = plain.re_search(r"^[-+]?[0-9]{1,3}(,[0-9]{3})+(\.[0-9]*)?$")
    return grouped.ifelse(plain.replace(",", ""), plain)


def _whole(number: Any) -> Any:
    return number.between(-EXACT, EXACT) & (number == number.round())


def _truth(value: Any) -> Any:
    if value.type().is_boolean():
        return value
    text = _text(value).lower()
    return text.isin(TRUE).ifelse(True, text.isin(FALSE).ifelse(False, ibis.null(dt.boolean)))


def _factor(column: Column, scale: float | Mapping[str, float]) -> float:
    if isinstance(scale, Mapping):
        return scale.get(column.column, 1.0)
    return scale if column.unit == MONEY and column.role != "extra" else 1.0


def _scaled(number: Any, factor: float) -> Any:
    """Divided where the contract's unit is the larger: 1/10 is not a floating-point number, 10 is."""
    if factor == 1.0:
        return number
    return number / round(1 / factor) if factor < 1 else number * factor


def _value(value: Any, column: Column, factor: float, mend: bool) -> Any:
    if column.type == "float":
        return _scaled(_number(value, mend), factor)
    if column.type == "int":
        number = _scaled(_number(value, mend), factor)
        return _whole(number).ifelse(number, ibis.null(dt.float64)).cast("int64")
    if column.type == "json":
        return _no_amounts(value).ifelse(ibis.null("string"), _text(value))
    return _truth(value) if column.type == "bool" else _text(value)


def _no_amounts(value: Any) -> Any:
    """Where a cell holds no object of codes and numbers: another kind, a number in quotes, a code twice."""
    text = value.cast("string")
    held = text.try_cast("json")
    codes, amounts = _json_keys(held), held.try_cast("map<string, float64>")
    twice = _distinct(codes).length() < codes.length()
    other = text.re_search(r':\s*["{\[tf]|[eE][+]?[0-9]{3}')
    return text.notnull() & (amounts.isnull() | twice | other).fill_null(True)


@ibis.udf.scalar.builtin(name="list_distinct")
def _distinct(keys: dt.Array[dt.String]) -> dt.Array[dt.String]:  # type: ignore[empty-body]
    """The engine's; Ibis' own asks for missing ones too, which keys never are."""


@ibis.udf.scalar.builtin(name="json_keys")
def _json_keys(held: dt.JSON) -> dt.Array[dt.String]:  # type: ignore[empty-body]
    """DuckDB's."""


# -- what is told ------------------------------------------------------------------------------
def _test(value: Any, column: Column) -> Any:
    """Where a cell may have something to tell: a test that costs little, and misses nothing."""
    if not column.is_number:
        found = [*_found(value, column).values(), *_found_as_written(value, column).values()]
        if _is_text(value) and column.type != "bool":
            found.append(_has_blank(value.cast("string")))
        return ibis.or_(*found) if found else None
    if _is_text(value):
        number = _plain_number(value)
        odd = value.notnull() & number.isnull()
    elif value.type().is_floating():
        number, odd = value, value.isinf()
    else:
        return None
    return odd | (number != number.floor()) if column.type == "int" else odd


def _found_as_written(value: Any, column: Column) -> dict[str, Any]:
    """For each note on how a text is written, where it applies, before it is mended."""
    if not _is_text(value):
        return {}
    text = value.cast("string")
    found = {"unseen_marks": _has_unseen(text)}
    return found | ({"percent_read": _percent(text)} if _may_be_percent(column) else {})


def _found(value: Any, column: Column, mend: bool = True) -> dict[str, Any]:
    """For each note that a column can raise, where it applies (boolean expressions)."""
    if column.is_number:
        return _found_in_numbers(value, column, mend)
    if column.type == "bool":
        return {} if value.type().is_boolean() else {"not_boolean": _truth(value).isnull() & value.notnull()}
    if column.type == "json":
        return {"not_amounts": _no_amounts(value)}
    if value.type().is_boolean():
        return {}
    if _is_text(value):
        floated = value.cast("string").re_search(FLOATED)
        return {"digits_lost": floated} if column.column.startswith("firm_id") else {}
    found = {"code_stored_as_number": value.notnull()} if column.is_code else {}
    if value.type().is_floating():
        found["digits_lost"] = value.abs() >= (SINGLE if value.type().is_float32() else EXACT)
    return found


def _unread(value: Any, column: Column) -> Any:
    return value.notnull() & _plain_number(value).isnull() if column.is_number and _is_text(value) else None


def _to_mend(value: Any, column: Column) -> Any:
    """Whether a cell that is no plain number holds a mark that is mended: one of full width, a comma, a percent sign, a blank."""
    if _unread(value, column) is None:
        return None
    return value.re_search(f"[{''.join(WIDE)},%％{BLANKS}{UNSEEN}]") & _unread(value, column)


def _unreadable(value: Any, column: Column) -> dict[str, Any]:
    """Cells of a column without such marks that are neither a number nor a word for missing."""
    # No list of words here, see `cast`.
    word = value.upper().re_search(f"^({'|'.join(map(re.escape, MISSING))})$")
    return {"not_a_number": value.notnull() & _plain_number(value).isnull() & ~word}


def _word(value: Any, column: Column) -> Any:
    return value.upper().isin(MISSING) if column.is_number and _is_text(value) else None


def _found_in_numbers(value: Any, column: Column, mend: bool) -> dict[str, Any]:
    number = _number(value, mend)
    found: dict[str, Any] = {}
    if _is_text(value):
        word = value.upper().isin(MISSING)
        found["missing_word"] = word
    if _is_text(value) and mend:
        found["not_a_number"] = value.notnull() & number.isnull() & ~word
        found["number_normalised"] = _plain_number(value).isnull() & number.notnull()
    elif value.type().is_floating():
        found["not_a_number"] = value.isinf()
    if column.type == "int":
        found["not_whole"] = number.notnull() & ~_whole(number)
    return found
