"""What units are called: the workbook speaks of firms, and a study of cities (``panel.unit``) reads of cities."""

from __future__ import annotations

import re
from functools import cache

# The project's own words for a unit, and what is said of them; names of institutions and official terms are not touched.
_ENGLISH = re.compile(r"\b(?:(an?|An?) )?(firm|enterprise)(s'|'s|s)?(?=\b|-years?\b|[^\w]|$)", re.IGNORECASE)
_COUNTED = re.compile("(?:^ ?|(?<=[\\d十百每各几数多两一]) ?)家(?![电庭具里])")
_VOWEL = re.compile("[aeiou]", re.IGNORECASE)

# What is counted in the workbook's own texts (a unit's word comes from the study), and verbs that stand next to it.
_MANY = re.compile(
    "alarms|calls|cells|characteristics|checks|cities|classes|clusters|codes|cohorts|columns|combinations|controls|countries|"
    "definitions|differences|districts|draws|enterprises|exhibits|files|findings|firms|goals|groups|headers|indicators|"
    "industries|instruments|intervals|leads|levels|levers|lines|marks|measures|mechanisms|memberships|methods|models|"
    "neighbours|observations|outcomes|pairs|pages|parameters|periods|placebos|points|questions|readings|regions|returns|"
    "rows|samples|sectors|specifications|splits|steps|tests|units|values|variants|years"
)
_VERB = re.compile(
    "belong|compare|depend|differ|fall|give|go|hold|keep|make|move|need|pass|reach|rest|share|show|stand|start|stay|tell"
)
_IRREGULAR = {"are": "is", "have": "has", "were": "was"}
_AFTER_ONE = re.compile(
    r"(?P<stars>\**)(?P<said> (?:(?!(?:of|and|or|to|in|at|by|with|from|over|is|per|on|than|for) )[a-z-]+ )??)"
    r"(?P<noun>[a-z]+s)\b(?P<verb>(?: [a-z]+)?)"
)


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


def after_one(text: str, unit: str | None = None) -> str:
    """English that follows the number 1: what is counted in the singular, and its verb if it stands next.

    Parameters
    ----------
    text : str
        What follows the number, the study's word for a unit in it.
    unit : str, optional
        As `called` takes it.

    Examples
    --------
    >>> [after_one(text) for text in (" findings; 0", "** rows", " classes have", " treated cities stay", " is 2", " of 3 tests")]
    [' finding; 0', '** row', ' class has', ' treated city stays', ' is 2', ' of 3 tests']
    """
    found = _AFTER_ONE.match(text)
    if not found:
        return text
    own, noun, verb = words(unit)[0] if unit else "", found["noun"], found["verb"].strip()
    if unit and noun == plural(own):
        one = own
    elif _MANY.fullmatch(noun):
        one = re.sub("ies$|sses$|s$", lambda end: {"ies": "y", "sses": "ss", "s": ""}[end[0]], noun)
    else:
        return text
    told = _IRREGULAR.get(verb, verb + ("es" if verb.endswith(("s", "ch", "o")) else "s"))
    known = verb in _IRREGULAR or _VERB.fullmatch(verb)
    return (
        f"{found['stars']}{found['said']}{one}{f' {told}' if known else found['verb']}{text[found.end() :]}"
    )


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
