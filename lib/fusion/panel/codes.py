"""Industry codes in the panel: known in their edition, reused by the next one, and what a broken code may be."""

# Ibis, not pandas: its tests for NULL are named isnull and notnull.
# ruff: noqa: PD003, PD004
from __future__ import annotations

import unicodedata
from functools import cache
from typing import Any

import ibis
import pandas as pd
from ibis import _

from fusion.classification.codes import normalise_code, readings
from fusion.classification.enterprises import normalise
from fusion.classification.tables import EDITIONS as EDITIONS
from fusion.classification.tables import tree

HEADER = ["rule", "severity", "row", "field", "value", "message_en", "message_zh"]
NOTES = {
    "code_read": (
        "codes with a letter, full-width digits, blanks or a decimal part, or without their zero, read as what they write",
        "带门类字母、全角数字、空格、小数部分或缺首位零的代码，已按所写代码读入",
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
        ``edition, code, known`` (always true) and ``reused``: the class that bears this code in the 2011
        edition bears another one in 2017, where this code names something else. Classes are held to be
        the same when their names are. Digits that may be a class
        without its zero or a group (131) are not there.
    """
    parts = []
    moved = _moved(_four_digits("2011"), _four_digits("2017"))
    for edition in EDITIONS:
        held = readings(edition)
        unclear = _unclear(edition)
        known = {code for letter, digits, code in held if code in (letter + digits, letter)}
        known |= {letter + code for letter, digits, code in held if letter and digits == code in unclear}
        part = pd.DataFrame({"edition": edition, "code": sorted(known)}).assign(known=True)
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
    pairs = [(edition, code) for edition in EDITIONS for code in sorted(_unclear(edition))]
    unclear = ibis.memtable(pd.DataFrame(pairs, columns=["edition", "code_own"])).mutate(letter=True)
    found = found.left_join(unclear, ["edition", "code_own"])
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
    told = changes.to_pandas()
    if told.empty:
        return table, pd.DataFrame()
    on = [table["ind4"] == changes["written"], table["class_version"].fill_null("") == changes["version"]]
    joined = table.left_join(changes, on)
    cell = joined["written"].isnull().ifelse(joined["ind4"], joined["code"])
    made = con.create_table(name, joined.mutate(ind4=cell).select(*table.columns), temp=True, overwrite=True)
    return made, _notes(told)


@cache
def sections() -> pd.DataFrame:
    """Section letter of each division, by edition: ``edition, division, section``."""
    parts = []
    for edition in EDITIONS:
        t = tree(edition)
        divisions = t.loc[t["code"].str.fullmatch(r"\d{2}"), ["code", "section"]]
        parts.append(divisions.rename(columns={"code": "division"}).assign(edition=edition))
    return pd.concat(parts, ignore_index=True)


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
    found = [normalise_code(value, 4, edition) for edition in reversed(EDITIONS)]
    read = [one.code for one in found if one.code]
    digits = "".join(c for c in unicodedata.normalize("NFKC", value) if c.isdecimal())
    near = [c for one in found for c in one.candidates if digits and digits in c]
    return list(dict.fromkeys(read or near))


# -- inside ------------------------------------------------------------------------------------
def _four_digits(edition: str) -> pd.DataFrame:
    t = tree(edition)
    return t.loc[t["code"].str.fullmatch(r"\d{4}"), ["code", "name_zh"]]


def _moved(old: pd.DataFrame, new: pd.DataFrame) -> set[str]:
    pairs = old.merge(new, on="name_zh", suffixes=("_old", "_new"))
    recoded = set(pairs.loc[pairs["code_old"] != pairs["code_new"], "code_old"])
    return recoded & set(new["code"]) - set(pairs.loc[pairs["code_old"] == pairs["code_new"], "code_old"])


@cache
def _unclear(edition: str) -> frozenset[str]:
    """Digits that may be a class without its zero, or a group."""
    return frozenset(digits for letter, digits, code in readings(edition) if digits and not (letter or code))


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
