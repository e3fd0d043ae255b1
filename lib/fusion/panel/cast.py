"""From what a source holds to the contract's types, each cell that does not fit reported.

Rules, the same for every kind of source:

- Text and codes: spaces at both ends go; an empty cell is NULL; nothing else changes, and ``NA`` is a value.
- Numbers: full-width digits are read as digits, and thousands separators are dropped where they stand
  every three digits (``1,234.5``); both are recorded. ``NA``, ``N/A``, ``NaN``, ``NULL`` and ``.`` are
  NULL, counted by column. Anything else is an error and the cell NULL.
- Codes stored as numbers become their digits; a zero that was lost on the way shows in the checks.
- Money columns are scaled to 万元.
"""

# Ibis, not pandas: its tests for NULL are named isnull and notnull.
# ruff: noqa: PD003, PD004
from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import ibis
import ibis.expr.datatypes as dt
import pandas as pd

from fusion.panel.contract import MONEY, ROW, Column

MISSING = ("NA", "N/A", "NAN", "NULL", ".")
TRUE = ("1", "true", "t", "yes", "y", "是")
FALSE = ("0", "false", "f", "no", "n", "否")
WIDE = dict(zip("０１２３４５６７８９．，－＋", "0123456789.,-+", strict=True))
# Blanks of a cell: the space, the tab, the ideographic space and the no-break space.
BLANKS = " \t\u3000\u00a0"
TRIM = r"^[\s\x{3000}\x{a0}]+|[\s\x{3000}\x{a0}]+$"
# Above 2^53 a floating-point number no longer holds every digit of an identifier.
EXACT = 2.0**53

NOTES: dict[str, tuple[str, str, str]] = {
    "not_a_number": ("error", "not a number; the cell was read as missing", "不是数值；该单元格按缺失读入"),
    "not_whole": (
        "error",
        "not a whole number; the cell was read as missing",
        "不是整数；该单元格按缺失读入",
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


def cast(
    con: Any, raw: ibis.Table, columns: Mapping[str, Column], scale: float, name: str
) -> tuple[ibis.Table, pd.DataFrame]:
    """Type a table by the contract.

    Parameters
    ----------
    con : ibis DuckDB backend
    raw : ibis.Table
        Columns already renamed, and ``source_row``.
    columns : mapping of str to Column
        The columns to keep, in order.
    scale : float
        万元 per unit of the source's money columns.
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
    typed = {c: _value(raw[c], column, scale) for c, column in columns.items()}
    table = con.create_table(name, raw.select(raw[ROW], **typed), temp=True, overwrite=True)
    return table, _notes(raw, columns)


# -- inside ------------------------------------------------------------------------------------
def _is_text(value: ibis.Value) -> bool:
    return not (value.type().is_numeric() or value.type().is_boolean())


def _text(value: ibis.Value) -> Any:
    """The cell as text, trimmed, empty = NULL. A whole number has no decimal point."""
    if value.type().is_floating() or value.type().is_decimal():
        number = value.cast("float64")
        whole = (number == number.round()) & (number.abs() < EXACT)
        return whole.ifelse(number.try_cast("int64").cast("string"), _number(value).cast("string"))
    text = value.cast("string")
    # Trimming is slow and seldom needed: look for a blank first.
    blank = ibis.or_(*(text.contains(mark) for mark in BLANKS))
    return blank.ifelse(text.re_replace(TRIM, ""), text).nullif("")


def _number(value: ibis.Value) -> Any:
    """The cell as a finite number, else NULL."""
    if _is_text(value):
        text = _text(value)
        plain = text.try_cast("float64")
        number = ibis.coalesce(plain, _mended(text).try_cast("float64"))
    else:
        number = value.cast("float64")
    return (number.isnan() | number.isinf()).ifelse(ibis.null(dt.float64), number)


def _mended(text: Any) -> Any:
    """Full-width digits and thousands separators written as plain digits; other text stays as it is."""
    plain = text.translate("".join(WIDE), "".join(WIDE.values()))
    grouped = plain.re_search(r"^[-+]?[0-9]{1,3}(,[0-9]{3})+(\.[0-9]*)?$")
    return grouped.ifelse(plain.replace(",", ""), plain)


def _truth(value: ibis.Value) -> Any:
    if value.type().is_boolean():
        return value
    text = _text(value).lower()
    return text.isin(TRUE).ifelse(True, text.isin(FALSE).ifelse(False, ibis.null(dt.boolean)))


def _value(value: ibis.Value, column: Column, scale: float) -> Any:
    if column.type == "float":
        number = _number(value)
        return number * scale if column.unit == MONEY and column.role != "extra" and scale != 1.0 else number
    if column.type == "int":
        number = _number(value)
        whole = (number == number.round()) & (number.abs() < EXACT)
        return whole.ifelse(number, ibis.null(dt.float64)).cast("int64")
    if column.type == "bool":
        return _truth(value)
    return _text(value)


def _found(value: ibis.Value, column: Column) -> dict[str, Any]:
    """For each note that a column can raise, where it applies (boolean expressions)."""
    if not column.is_number and column.type != "bool":
        return _found_in_text(value, column)
    if column.type == "bool":
        return (
            {"not_boolean": _truth(value).isnull() & _text(value).notnull()}
            if not value.type().is_boolean()
            else {}
        )
    number = _number(value)
    found: dict[str, Any] = {}
    if _is_text(value):
        text = _text(value)
        word = text.upper().isin(MISSING)
        found["missing_word"] = word
        found["not_a_number"] = text.notnull() & number.isnull() & ~word
        found["number_normalised"] = text.try_cast("float64").isnull() & number.notnull()
    elif not value.type().is_integer():
        found["not_a_number"] = value.cast("float64").isinf()
    if column.type == "int":
        found["not_whole"] = number.notnull() & ~((number == number.round()) & (number.abs() < EXACT))
    return found


def _found_in_text(value: ibis.Value, column: Column) -> dict[str, Any]:
    if _is_text(value) or value.type().is_boolean():
        return {}
    found = {"code_stored_as_number": value.notnull()} if column.is_code else {}
    if value.type().is_floating():
        found["digits_lost"] = value.abs() >= EXACT
    return found


COUNTED = ("missing_word", "code_stored_as_number")


def _notes(raw: ibis.Table, columns: Mapping[str, Column]) -> pd.DataFrame:
    """One pass counts what is found; only columns with something to tell are read again."""
    found = {
        (c, rule): where for c, column in columns.items() for rule, where in _found(raw[c], column).items()
    }
    header = ["rule", "severity", "row", "field", "value", "message_en", "message_zh"]
    parts = [pd.DataFrame(columns=header)]
    if found:
        sums = {f"f{i}": where.sum() for i, where in enumerate(found.values())}
        counts = raw.aggregate(**sums).to_pandas().iloc[0]
        for i, ((c, rule), where) in enumerate(found.items()):
            if counts[f"f{i}"] > 0:
                parts.append(_note(raw, c, rule, where, int(counts[f"f{i}"])))
    return pd.concat([p for p in parts if len(p)] or parts, ignore_index=True)[header]


def _note(raw: ibis.Table, column: str, rule: str, where: Any, count: int) -> pd.DataFrame:
    severity, message_en, message_zh = NOTES[rule]
    if rule in COUNTED:
        cells = pd.DataFrame({"row": [pd.NA], "value": [str(count)]})
    else:
        cells = (
            raw.filter(where)
            .select(row=raw[ROW], value=raw[column].cast("string"))
            .order_by("row")
            .to_pandas()
        )
    told = {
        "rule": rule,
        "severity": severity,
        "field": column,
        "message_en": message_en,
        "message_zh": message_zh,
    }
    return cells.assign(**told)
