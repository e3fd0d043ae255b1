"""What units are called: the workbook speaks of firms, and a study of cities (``panel.unit``) reads of cities."""

from __future__ import annotations

import re
from functools import cache

# The project's own words for a unit, and what is said of them; names of institutions and official terms are not touched.
_ENGLISH = re.compile(r"\b(?:(an?|An?) )?(firm|enterprise)(s'|'s|s)?(?=\b|-years?\b|[^\w]|$)", re.IGNORECASE)
_COUNTED = re.compile("(?:^ ?|(?<=[\\d十百每各几数多两一]) ?)家(?![电庭具里])")
_VOWEL = re.compile("[aeiou]", re.IGNORECASE)


def called(text: str, unit: str | None, language: str) -> str:
    """A text of the workbook with the study's word for a unit in place of firm and 企业.

    Parameters
    ----------
    text : str
        The workbook's own text; what is filled into it is not to be in it yet.
    unit : str or None
        As the study states it: ``city | 城市``; one language alone stands in both. None: firms.
    language : {"en", "zh"}

    Examples
    --------
    >>> called("A firm's exit, and 3 firm-years of enterprises", "industry | 行业", "en")
    "An industry's exit, and 3 industry-years of industries"
    >>> called(" 家企业中，每家的年份", "city | 城市", "zh")
    ' 个城市中，每个的年份'
    """
    if not unit:
        return text
    en, zh = words(unit)
    return _in_chinese(text, zh) if language == "zh" else _in_english(text, en)


@cache
def words(unit: str) -> tuple[str, str]:
    """The word in English and in Chinese."""
    parts = [part.strip() for part in unit.split("|") if part.strip()]
    chinese = [part for part in parts if re.search("[\u4e00-\u9fff]", part)]
    english = [part for part in parts if part not in chinese]
    return (english or chinese or [unit])[0], (chinese or english or [unit])[0]


def plural(word: str) -> str:
    """The English plural by rule.

    Examples
    --------
    >>> [plural(word) for word in ("city", "district", "branch", "day")]
    ['cities', 'districts', 'branches', 'days']
    """
    if not word.isascii():
        return word
    if re.search("[^aeiou]y$", word):
        return f"{word[:-1]}ies"
    return word + ("es" if re.search("(s|x|z|ch|sh)$", word) else "s")


def _in_english(text: str, word: str) -> str:
    def put(found: re.Match[str]) -> str:
        article, old, end = found[1] or "", found[2], found[3] or ""
        many = plural(word)
        new = {
            "": word,
            "s": many,
            "'s": f"{word}'s",
            "s'": f"{many}'" if many.endswith("s") else f"{many}'s",
        }[end]
        if old[0].isupper():
            new = new[:1].upper() + new[1:]
        if not article:
            return new
        indefinite = "an" if _VOWEL.match(new) else "a"
        return f"{indefinite.capitalize() if article[0].isupper() else indefinite} {new}"

    return _ENGLISH.sub(put, text)


def _in_chinese(text: str, word: str) -> str:
    return _COUNTED.sub(lambda found: found[0].replace("家", "个"), text).replace("企业", word)
