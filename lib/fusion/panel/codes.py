"""Industry codes in the panel: known in their edition, reused by the next one, and what a broken code may be."""

# Ibis, not pandas: its tests for NULL are named isnull and notnull.
# ruff: noqa: PD003, PD004
from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from functools import cache
from typing import Any

import ibis
import pandas as pd
from ibis import _

from fusion.classification import editions
from fusion.classification.codes import normalise_code, readings, unclear
from fusion.classification.editions import CURRENT, NATIONAL, links
from fusion.classification.enterprises import doubts, in_question, normalise
from fusion.classification.tables import EDITIONS as EDITIONS
from fusion.classification.tables import ClassificationError, tree
from fusion.panel.errors import PanelError

# Columns whose codes are of the row's edition.
CODED = frozenset({"ind4", "biz_activity_codes"})
HEADER = ["rule", "severity", "row", "field", "value", "message_en", "message_zh"]
NOTES = {
    "code_read": (
        "codes with a letter, full-width digits, blanks or a decimal part, or without their zero, read as what they write",
        "带门类字母、全角数字、空格、小数部分或缺首位零的代码，已按所写代码读入",
    ),
    "edition_doubtful": (
        "{first_year:.0f} to {last_year:.0f}: {own:.0%} of the codes read as edition {stated} exist there, {other:.0%} exist "
        "in {best}; state the edition (class_version, panel.editions, or the adapter)",
        "{first_year:.0f} 至 {last_year:.0f} 年：按 {stated} 版读入的代码有 {own:.0%} 存在于该版，"
        "而 {other:.0%} 存在于 {best} 版；请写明版本（class_version、panel.editions 或适配文件）",
    ),
    "missing_word": (
        "cells with a word for missing, read as missing",
        "以文字表示缺失的单元格，按缺失读入",
    ),
}


@cache
def classes() -> pd.DataFrame:
    """Codes of every edition, of all levels: what a cell of the panel may hold.

    Returns
    -------
    pandas.DataFrame
        ``edition, code, known`` (always true) and ``reused``: the edition before has a class with this code, and
        by the standard's own comparison it became others. Digits that may be a class
        without its zero or a group (131) are not there.
    """
    parts = []
    before = dict(zip(NATIONAL[1:], NATIONAL, strict=False))
    for edition in EDITIONS:
        held = readings(edition)
        doubtful = unclear(edition)
        known = {code for letter, digits, code in held if code in (letter + digits, letter)}
        known |= {letter + code for letter, digits, code in held if letter and digits == code in doubtful}
        part = pd.DataFrame({"edition": edition, "code": sorted(known)}).assign(known=True)
        old = links(before[edition], edition) if edition in before else {}
        moved = {code for code, found in old.items() if code not in found}
        parts.append(part.assign(reused=part["code"].isin(moved)))
    return pd.concat(parts, ignore_index=True)


def read(con: Any, table: ibis.Table, name: str) -> tuple[ibis.Table, pd.DataFrame]:
    """A panel whose ``ind4`` holds the codes that its cells write, read as `fusion.classification` reads them.

    A cell that cannot be read stays as it is, and the checks tell of it; one with a word for missing is NULL.

    Parameters
    ----------
    con : ibis DuckDB backend
    table : ibis.Table
        With ind4 and class_version; returned as it is without either.
    name : str
        Of the table that is made where a cell changes.

    Returns
    -------
    table : ibis.Table
    notes : pandas.DataFrame
        rule, severity, row (missing), field, value (how many cells), message_en, message_zh.
    """
    if not {"ind4", "class_version"} <= set(table.columns):
        return table, pd.DataFrame()
    written = table.select(written=table["ind4"], version=table["class_version"].fill_null(""))
    counts = (
        written.filter(written["written"].notnull())
        .group_by(["written", "version"])
        .aggregate(cells=_.count())
    )
    found = normalise(counts)
    pairs = [(edition, code) for edition in EDITIONS for code in sorted(unclear(edition))]
    lettered = ibis.memtable(pd.DataFrame(pairs, columns=["edition", "code_own"])).mutate(letter=True)
    found = found.left_join(lettered, ["edition", "code_own"])
    # A group whose digits alone may be a class without its zero keeps the letter that settles it.
    settled = (
        found["letter"]
        .fill_null(False)
        .ifelse(found["code_letter"].concat(found["code_own"]), found["code_own"])
    )
    found = found.mutate(code_own=settled)
    found = found.mutate(code=(found["reading"] == "missing").ifelse(ibis.null("string"), found["code_own"]))
    found = found.filter(found["reading"].isin(["read", "missing"]) & (found["code_own"] != found["written"]))
    changes = con.create_table(
        f"{name}_codes", found.select("written", "version", "code", "cells"), temp=True, overwrite=True
    )
    told, doubtful = changes.to_pandas(), _doubts(table)
    if told.empty:
        return table, doubtful
    on = [table["ind4"] == changes["written"], table["class_version"].fill_null("") == changes["version"]]
    joined = table.left_join(changes, on)
    cell = joined["written"].isnull().ifelse(joined["ind4"], joined["code"])
    made = con.create_table(name, joined.mutate(ind4=cell).select(*table.columns), temp=True, overwrite=True)
    return made, pd.concat([_notes(told), doubtful], ignore_index=True)


def _doubts(table: ibis.Table) -> pd.DataFrame:
    """A line for each edition whose codes are mostly another's."""
    coded = table.filter(table["ind4"].notnull() & table["class_version"].notnull() & table["year"].notnull())
    counts = coded.group_by(written="ind4", version="class_version", year="year").aggregate(cells=_.count())
    lines = []
    for row in doubts(counts.to_pandas()).to_dict("records"):
        en, zh = (text.format(**row) for text in NOTES["edition_doubtful"])
        lines.append(("edition_doubtful", "warning", pd.NA, "class_version", str(row["stated"]), en, zh))
    return pd.DataFrame(lines, columns=HEADER)


def due(stated: Mapping[int, str] | None = None) -> list[tuple[int, str]]:
    """First years of reports and the edition that they use, latest first: as stated, else as the editions' table has them."""
    return sorted((stated or editions.due()).items(), reverse=True)


def used(table: ibis.Table) -> pd.DataFrame:
    """Editions in which a panel's codes are read: ``edition`` (empty for none), ``first_year, last_year, rows``."""
    if not {"ind4", "class_version", "year"} <= set(table.columns):
        return pd.DataFrame(columns=["edition", "first_year", "last_year", "rows"])
    coded = table.filter(table["ind4"].notnull()).mutate(edition=table["class_version"].fill_null(""))
    by = coded.group_by("edition").aggregate(first_year=_.year.min(), last_year=_.year.max(), rows=_.count())
    return by.order_by("first_year").to_pandas()


@cache
def sections() -> pd.DataFrame:
    """Section letter of each division, by edition: ``edition, division, section``."""
    parts = []
    for edition in EDITIONS:
        t = tree(edition)
        divisions = t.loc[t["level"] == "2", ["code", "section"]]
        divisions = divisions.assign(code=divisions["code"].str[-2:])
        parts.append(divisions.rename(columns={"code": "division"}).assign(edition=edition))
    return pd.concat(parts, ignore_index=True)


@cache
def inside(wanted: tuple[str, ...]) -> dict[str, frozenset[str]]:
    """Codes of each edition that are in industries of GB/T 4754-2017: sections (letters) or prefixes of codes.

    A code of 2017, or of an edition whose sections bear the same letters, is in a section by its own. A section of
    2002 (I is hotels there), and a prefix in any older edition, means other things: a code is in where all classes
    of 2017 that it may be are.
    """
    held = in_question()
    current = tree(CURRENT).set_index("code")["section"]
    section = held["code_2017"].map(current).where(held["edition"] == NATIONAL[0], held["own_section"])
    prefixes = tuple(code for code in wanted if not code.isalpha())
    own = held["code"].where(held["edition"] == CURRENT, held["code_2017"])
    hit = section.isin(wanted) | own.str.startswith(prefixes)
    every = hit.groupby([held["edition"], held["code"]]).all()
    parts = every.groupby(level=0)
    return {str(edition): frozenset(part[part].index.get_level_values(1)) for edition, part in parts}


def in_sections(letters: tuple[str, ...]) -> pd.DataFrame:
    """Codes of each edition that `inside` has for sections: ``edition, code``."""
    pairs = [(edition, code) for edition, held in inside(letters).items() for code in sorted(held)]
    return pd.DataFrame(pairs, columns=["edition", "code"])


def stated(text: str) -> dict[int, str]:
    """What a user states of editions, as `fusion.classification.editions.stated` reads it.

    Raises
    ------
    PanelError
        For an edition that is not held, or a year that is none.
    """
    try:
        return editions.stated(text)
    except ClassificationError as error:
        raise PanelError(str(error)) from None


def due_sql(year: str, stated: Mapping[int, str]) -> str:
    """SQL of the edition of a year, from the first years that are stated."""
    return editions.due_sql(year, dict(stated))


def candidates(value: str, width: int) -> list[str]:
    """Codes that a broken one may stand for; candidates only, nothing is replaced.

    Examples
    --------
    >>> candidates("111", 4)
    ['0111']
    >>> candidates("I3911", 4)
    ['3911']
    """
    if width != 4:
        digits = unicodedata.normalize("NFKC", value).strip()
        return [digits.zfill(width)] if digits.isdecimal() and width - len(digits) in (0, 1) else []
    found = [normalise_code(value, 4, edition) for edition in reversed(NATIONAL)]
    read = [one.code for one in found if one.code]
    digits = "".join(c for c in unicodedata.normalize("NFKC", value) if c.isdecimal())
    near = [c for one in found for c in one.candidates if digits and digits in c]
    return list(dict.fromkeys(read or near))


# -- inside ------------------------------------------------------------------------------------
def _notes(told: pd.DataFrame) -> pd.DataFrame:
    """One line for the cells that were read as another text, one for those with a word for missing."""
    lines = []
    for rule, part in (
        ("code_read", told.dropna(subset="code")),
        ("missing_word", told[told["code"].isna()]),
    ):
        if len(part):
            en, zh = NOTES[rule]
            lines.append((rule, "warning", pd.NA, "ind4", str(part["cells"].sum()), en, zh))
    return pd.DataFrame(lines, columns=HEADER)
