"""Classes of GB/T 4754-2017 in ISIC Rev. 4, by annex C of the standard, and back. The standard library reads the table."""

from __future__ import annotations

from functools import lru_cache

from fusion.classification.tables import ClassificationError, rows
from fusion.language import said

ISIC = "isic4"


@lru_cache
def pairs() -> dict[str, dict[str, bool]]:
    """By class of 2017: class of ISIC, and whether the pair needs a look (one of two readings of the annex has it)."""
    found: dict[str, dict[str, bool]] = {}
    for row in rows("gbt4754_2017_isic4"):
        found.setdefault(row["code_2017"], {})[row["isic4"]] = row["look"] == "1"
    return found


@lru_cache
def classes() -> dict[str, dict[str, bool]]:
    """By class of ISIC: class of 2017, and whether the pair needs a look."""
    found: dict[str, dict[str, bool]] = {}
    for code, held in sorted(pairs().items()):
        for isic, look in held.items():
            found.setdefault(isic, {})[code] = look
    return found


@lru_cache
def names() -> dict[str, dict[str, str]]:
    """By code of ISIC: its name in each language."""
    return {r["code"]: {"zh": r["name_zh"], "en": r["name_en"]} for r in rows("isic_rev4")}


def classes_of(code: str) -> dict[str, bool]:
    """Classes of 2017 of a class of ISIC, and whether the pair needs a look; empty where the annex has none.

    Raises
    ------
    ClassificationError
        Where ISIC Rev. 4 has no such class.
    """
    if code not in names() or len(code) != 4:
        raise ClassificationError(said("classification.no_isic", code=code))
    return classes().get(code, {})
