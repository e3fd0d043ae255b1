"""SQL for the cells of a staged table: identifiers, years, codes of values, lists, flags, rows that are no data."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from fusion.adapters.match import Lookup, Mapping_
from fusion.adapters.model import Adapter, ColumnRule, IdRule
from fusion.panel.cast import SINGLE

# The year of 2016, 2016年报, 2016-12-31, 2016/12, 2016年12月31日 and 20161231; other texts stay as they are.
_MONTH, _DAY = "(?:0?[1-9]|1[0-2])", "(?:0?[1-9]|[12][0-9]|3[01])"
YEAR = (
    rf"^([12][0-9]{{3}})(?:\.0+|年[报度末]?|年报告?|[-/.年]{_MONTH}(?:[-/.月]{_DAY}日?)?月?(?:[ T][0-9:.]*)?"
    r"|(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])?)?$"
)
# 31.12.2014, 12/31/2014, 31-Dec-2014, 31. Dezember 2014: what stands before its year, in whatever order.
LAST_YEAR = r"^[0-9]{1,2}[-/. ]+(?:[0-9]{1,2}|[^\W\d_]+\.?)[-/. ,]+((?:19|20)[0-9]{2})(?:$|[ T])"
# A day as spreadsheets count them: 20,000 is in 1954, 69,999 in 2091; no year has five digits.
SERIAL = r"^([2-6][0-9]{4})(?:\.0+)?$"
# A period that does not end a year: another day than 12-31, another month than 12, or so named.
PART_YEAR = rf"^[12][0-9]{{3}}[-/.年]?({_MONTH})(?:[-/.月]?({_DAY})日?)?月?(?:[ T][0-9:.]*)?$"
NAMED_PART = "季|中报|半年|月报"
_WIDE, _NARROW = "０１２３４５６７８９－＿　", "0123456789-_ "
# What notes are and identifiers are not: sentences, numbered lines, remarks.
SENTENCE = r"[：；。，“”…]|^[(（]?[0-9]{1,2}[)）.．、]|^[(（*※]?注"
STOCK = r"^(?:(?:SH|SZ|BJ)\.?)?([0-9]{1,6})(?:\.(?:SH|SS|SZ|BJ|XSHG|XSHE))?$"
# Numbers with a decimal comma: 12; 0,5; 1.234; 1.234.567,8.
COMMA = r"[-+]?(?:[0-9]{1,3}(?:\.[0-9]{3})+|[0-9]+)(?:,[0-9]+)?%?"
YES = ("1", "1.0", "是", "有", "true", "yes", "y", "√")


def text(cell: str) -> str:
    """A cell as trimmed text, NULL where it is empty."""
    plain = f"regexp_replace(CAST({cell} AS VARCHAR), '^[\\s\\x{{3000}}\\x{{a0}}]+|[\\s\\x{{3000}}\\x{{a0}}]+$', '', 'g')"
    return f"nullif({plain}, '')"


def narrow(cell: str) -> str:
    """Trimmed text with half-width digits; a whole number stored as a float has no decimal point."""
    return f"regexp_replace(translate({text(cell)}, '{_WIDE}', '{_NARROW}'), '^([0-9]+)\\.0+$', '\\1')"


def year(cell: str) -> str:
    """The year of a year, a date or a period, as text; what is none of them stays as written."""
    plain = narrow(cell)
    day = f"TRY_CAST(regexp_extract({plain}, '{SERIAL}', 1) AS INTEGER)"
    serial = f"CAST(year(DATE '1899-12-30' + {day}) AS VARCHAR)"
    first, last = (f"nullif(regexp_extract({plain}, '{of}', 1), '')" for of in (YEAR, LAST_YEAR))
    return f"coalesce({first}, {last}, {serial}, {plain})"


def pointed(cell: str) -> str:
    """A number with a decimal comma as one with a point; other texts stay as they are."""
    plain = text(cell)
    point = f"replace(replace({plain}, '.', ''), ',', '.')"
    return f"CASE WHEN regexp_full_match({plain}, '{COMMA}') THEN {point} ELSE {plain} END"


def identifier(cells: Sequence[str], rule: IdRule) -> str:
    """The first identifier that a row gives."""
    held = [_exact(cell) for cell in cells]
    plain = [cell if rule.as_written else f"upper({cell})" for cell in held]
    each = [_formed(cell, rule) for cell in plain]
    return f"coalesce({', '.join(each)})" if len(each) > 1 else each[0]


def _exact(cell: str) -> str:
    """A cell as text; a number in single precision that has lost digits as the power of ten that it is, which is told of."""
    value = f"TRY_CAST({cell} AS DOUBLE)"
    lost = f"typeof({cell}) = 'FLOAT' AND abs({value}) >= {SINGLE:.0f}"
    return f"CASE WHEN {lost} THEN format('{{:.7e}}', {value}) ELSE {narrow(cell)} END"


def _formed(cell: str, rule: IdRule) -> str:
    if rule.form == "stock":
        digits = f"nullif(regexp_extract({cell}, '{STOCK}', 1), '')"
        cell = padded(f"coalesce({digits}, {cell})", 6)
    return padded(cell, rule.pad)


def padded(cell: str, width: int | None) -> str:
    """Digits with zeros before them up to ``width``; other texts as they are."""
    if width is None:
        return cell
    short = f"regexp_full_match({cell}, '[0-9]{{1,{width}}}')"
    return f"CASE WHEN {short} THEN lpad({cell}, {width}, '0') ELSE {cell} END"


def single(cell: str, rule: ColumnRule) -> str:
    """A column from one header."""
    if rule.take == "year":
        return year(cell)
    if rule.take == "first_6":
        plain = narrow(cell)
        return f"CASE WHEN regexp_full_match({plain}, '[0-9]{{6,}}') THEN left({plain}, 6) ELSE {plain} END"
    if rule.values:
        plain = text(cell)
        cases = " ".join(f"WHEN {literal(a)} THEN {literal(b)}" for a, b in rule.values.items())
        return f"CASE {plain} {cases} ELSE {plain} END"
    return padded(narrow(cell), rule.pad) if rule.pad else cell


def worded(cell: str, words: Mapping[str, str]) -> str:
    """A code as the word that its file has for it; what has none stays as it is."""
    plain = narrow(cell)
    cases = " ".join(f"WHEN {literal(code)} THEN {literal(word)}" for code, word in words.items())
    return f"CASE {plain} {cases} ELSE {plain} END"


def joined(cells: Sequence[str]) -> str:
    """Values joined by |, empty ones left out."""
    return f"nullif(concat_ws('|', {', '.join(narrow(c) for c in cells)}), '')"


def flagged(weights: Mapping[str, int]) -> str:
    """The sum of the numbers of the cells that say yes, NULL where all are empty (as text)."""
    cells = list(weights)
    yes = ", ".join(literal(word) for word in YES)
    total = " + ".join(f"CASE WHEN lower({narrow(c)}) IN ({yes}) THEN {weights[c]} ELSE 0 END" for c in cells)
    return f"CASE WHEN coalesce({', '.join(text(c) for c in cells)}) IS NOT NULL THEN CAST({total} AS VARCHAR) END"


def object_of(codes: Mapping[str, str]) -> str:
    """The amounts of several cells as JSON, code: amount, NULL where all are empty; a text that is no number stays one."""
    plain = {c: narrow(c) for c in codes}
    entries = ", ".join(f"'\"{code}\": ' || {plain[c]}" for c, code in codes.items())
    return f"CASE WHEN coalesce({', '.join(plain.values())}) IS NOT NULL THEN '{{' || concat_ws(', ', {entries}) || '}}' END"


def no_data(
    adapter: Adapter,
    mapping: Mapping_,
    width: int,
    labels: int,
    of_year: Sequence[int] = (),
    totals: Sequence[int] = (),
) -> str:
    """Why a row is no data, NULL where it is: label, blank, note, total, not kept (with the value), part of a year.

    ``totals`` are rows that are totals by what they are, beside those that the adapter has words for.
    """
    lookup = Lookup(mapping.headers, adapter)
    others = " AND ".join(f"c{i} IS NULL" for i in range(1, width)) or "true"
    cases = [f"WHEN row <= {labels} THEN 'label row'", f"WHEN c0 IS NULL AND {others} THEN 'blank row'"]
    cases.append(f"WHEN {_note(adapter, others)} THEN 'note below the table'")
    if adapter.totals:
        cases.append(f"WHEN {_total(adapter, mapping, width)} THEN 'total'")
    if totals:
        cases.append(f"WHEN row IN ({', '.join(map(str, totals))}) THEN 'total'")
    for held, how in ((adapter.keep, "NOT IN"), (adapter.drop, "IN")):
        for header, values in held.items():
            for h in lookup.find(header)[:1]:
                cell, listed = value(h.position), ", ".join(literal(v) for v in values)
                cases.append(f"WHEN {cell} {how} ({listed}) THEN {literal(h.text + ' = ')} || {cell}")
    if of_year:
        cases.append(
            f"WHEN {' AND '.join(f'c{i} IS NULL' for i in of_year)} THEN 'nothing reported for the year'"
        )
    for header in adapter.annual:
        for h in lookup.find(header)[:1]:
            cases.append(f"WHEN {_part_of_year(narrow(f'c{h.position}'))} THEN 'not a whole year'")
    return f"CASE {' '.join(cases)} END"


def value(position: int) -> str:
    """A cell that rows are chosen by: trimmed text, empty where there is none."""
    return f"coalesce({narrow(f'c{position}')}, '')"


def where(cell: str, rule: ColumnRule, lookup: Lookup) -> str:
    """The cell in the rows that a column's rule names, NULL in others."""
    for header, values in rule.where.items():
        for h in lookup.find(header)[:1]:
            listed = ", ".join(literal(v) for v in values)
            cell = f"CASE WHEN {value(h.position)} IN ({listed}) THEN {cell} END"
    return cell


def _note(adapter: Adapter, others: str) -> str:
    """A row of one cell that is a sentence, numbered, or begins as notes do; or a person's or an office's line."""
    first = text("c0")
    listed = "|".join(re.escape(word) for word in adapter.footers)
    sentence = f"regexp_matches({first}, '{SENTENCE}')"
    begun = f"regexp_matches({first}, {literal(f'^({listed})')})"
    alone = f"({sentence} OR {begun})" if listed else sentence
    signed = f" OR regexp_matches({first}, {literal(f'^({listed})[:：]')})" if listed else ""
    return f"coalesce(({alone} AND {others}){signed}, false)"


def _total(adapter: Adapter, mapping: Mapping_, width: int) -> str:
    """A row whose first cell, identifier or name is a word for totals."""
    words = ", ".join(literal(t) for t in adapter.totals)
    named = [mapping.single[c].position for c in ("firm_id", "firm_name") if c in mapping.single]
    begins = f"coalesce({', '.join(text(f'c{i}') for i in range(min(width, 3)))})"
    cells = [begins, *(text(f"c{i}") for i in named)]
    plain = [f"regexp_replace({cell}, '[\\s\\x{{3000}}:：]', '', 'g')" for cell in cells]
    return " OR ".join(f"coalesce({cell} IN ({words}), false)" for cell in plain)


def literal(value: str) -> str:
    """A text as an SQL literal."""
    return "'" + value.replace("'", "''") + "'"


# -- inside ------------------------------------------------------------------------------------
def _part_of_year(cell: str) -> str:
    month, day = (f"TRY_CAST(regexp_extract({cell}, '{PART_YEAR}', {i}) AS INTEGER)" for i in (1, 2))
    return f"coalesce({month} <> 12 OR {day} <> 31, false) OR coalesce(regexp_matches({cell}, '{NAMED_PART}'), false)"
