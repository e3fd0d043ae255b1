"""Industry codes in the panel: known in their edition, reused by the next one, and what a broken code may be."""

from __future__ import annotations

import re
import unicodedata
from functools import cache

import pandas as pd

from fusion.classification.tables import EDITIONS as EDITIONS
from fusion.classification.tables import tree


@cache
def classes() -> pd.DataFrame:
    """Classes of both editions.

    Returns
    -------
    pandas.DataFrame
        ``edition, code, known`` (always true) and ``reused``: the class that bears this code in the 2011
        edition bears another one in 2017, where this code names something else. Classes are held to be
        the same when their names are.
    """
    parts = []
    four = {edition: _four_digits(edition) for edition in EDITIONS}
    moved = _moved(four["2011"], four["2017"])
    for edition, codes in four.items():
        known = codes["code"]
        parts.append(
            pd.DataFrame({"edition": edition, "code": known, "known": True, "reused": known.isin(moved)})
        )
    return pd.concat(parts, ignore_index=True)


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
    >>> candidates("C1311", 4)
    ['1311']
    >>> candidates("1311.0", 4)
    ['1311']
    """
    plain = unicodedata.normalize("NFKC", value).strip()
    plain = re.sub(r"\.0+$", "", plain)
    plain = re.sub(r"^[A-Ta-t](?=\d)", "", plain)
    digits = plain if plain.isdigit() and plain.isascii() else ""
    made = []
    if len(digits) == width:
        made.append(digits)
    elif len(digits) == width - 1:
        made.append("0" + digits)
    if width != 4:
        return made
    if 2 <= len(digits) < 4:
        made += [code for code in _known() if code.startswith(digits)]
    known = [code for code in dict.fromkeys(made) if code in _known()]
    return known


# -- inside ------------------------------------------------------------------------------------
def _four_digits(edition: str) -> pd.DataFrame:
    t = tree(edition)
    return t.loc[t["code"].str.fullmatch(r"\d{4}"), ["code", "name_zh"]]


def _moved(old: pd.DataFrame, new: pd.DataFrame) -> set[str]:
    pairs = old.merge(new, on="name_zh", suffixes=("_old", "_new"))
    recoded = set(pairs.loc[pairs["code_old"] != pairs["code_new"], "code_old"])
    return recoded & set(new["code"]) - set(pairs.loc[pairs["code_old"] == pairs["code_new"], "code_old"])


@cache
def _known() -> dict[str, None]:
    return dict.fromkeys(classes()["code"])
