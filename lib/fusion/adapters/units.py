"""Units as sources write them, and how many of the contract's units one of them is.

A unit is stated by the adapter, by a header (``营业收入(万元)``, ``Revenue (10k yuan)``, ``Revenue, RMB million``), by a row
of units or by a title above the table (``单位：万元``). Nothing is concluded from the size of numbers.
"""

from __future__ import annotations

import re
from functools import cache

from fusion.panel.contract import MONEY, MONEY_UNITS

# The contract's unit -> the source's unit -> contract's units in one of the source's.
FACTORS: dict[str, dict[str, float]] = {
    MONEY: MONEY_UNITS | {"十亿元": 1e5},
    "人": {"人": 1.0, "名": 1.0, "千人": 1e3, "万人": 1e4, "百万人": 1e6},
    "个": {"个": 1.0, "家": 1.0, "户": 1.0, "万个": 1e4, "万户": 1e4},
    "件": {"件": 1.0, "个": 1.0, "项": 1.0},
    "项": {"项": 1.0, "个": 1.0, "件": 1.0},
    "%": {"%": 1.0, "小数": 100.0},
    "吨标煤": {
        "吨标煤": 1.0, "吨标准煤": 1.0, "万吨标煤": 1e4, "万吨标准煤": 1e4, "千克标准煤": 1e-3,
    },
}  # fmt: skip
# Spellings of one unit.
SPELLINGS = {
    "人民币元": "元",
    "元人民币": "元",
    "人民币千元": "千元",
    "人民币万元": "万元",
    "人民币亿元": "亿元",
    "百分比": "%",
}
# Units that must be refused rather than overlooked: another currency is no multiple of 元.
FOREIGN = (
    "美元",
    "千美元",
    "万美元",
    "亿美元",
    "港元",
    "万港元",
    "亿港元",
    "欧元",
    "万欧元",
    "日元",
    "万日元",
)
_UNITS = {unit for factors in FACTORS.values() for unit in factors}
KNOWN = sorted(_UNITS | set(SPELLINGS) | set(FOREIGN), key=len, reverse=True)
_ANY = "|".join(re.escape(unit) for unit in KNOWN)
# Where a header holds its unit, after normalisation: (万元), (单位:万元), [单位]万元, /万元, _万元, ,万元, ;万元.
_PLACES = [
    re.compile(rf"\(?单位\)?:?({_ANY})\)?$"),
    re.compile(rf"\(({_ANY})\)"),
    re.compile(rf"[/_,、-]({_ANY})$"),
]
# English units stand in brackets or after a mark at a header's end; blanks are gone, letters are small by then. A multiple
# alone ("thousand") is one of whatever the column counts.
_MULTIPLES = {
    "": r"(?:)", "千": r"'?000|'?000s|1,?000|thousands?|k|tsd", "万": r"10k|10,?000|10thousand|tenthousand|wan",
    "百万": r"millions?|mln|mn|mio|m|1,?000,?000", "亿": r"100millions?|hundredmillions?|100m|yi", "十亿": r"billions?|bn|bln",
}  # fmt: skip
_NOUNS = {
    "元": r"yuan|rmb|cny|¥|rmbyuan|yuanrmb|chineseyuan|renminbi", "美元": r"usd|us\$|usdollars?|\$",
    "港元": r"hkd|hk\$|hkdollars?", "欧元": r"eur|euros?|€", "日元": r"jpy|yen|japaneseyen",
    "人": r"persons?|people",
}  # fmt: skip
_ALONE = {
    "千": r"(?:in)?(?:thousands?|'000s?)",
    "百万": r"(?:in)?(?:millions?)",
    "万": r"(?:in)?10k",
    "十亿": r"(?:in)?billions?",
}
_ENGLISH = [
    (
        re.compile(rf"(?:in|unit:|units:)?(?:(?:{much})(?:of)?(?:{noun})|(?:{noun})(?:in)?(?:{much}))"),
        f"{times}{word}",
    )
    for word, noun in _NOUNS.items()
    for times, much in _MULTIPLES.items()
] + [(re.compile(rf"(?:unit:|units:)?(?:{text})"), times) for times, text in _ALONE.items()]
_ENGLISH.append((re.compile(r"(?:in|unit:)?(?:percent|percentage|pct|percentagepoints)"), "%"))
_MARKED = (
    re.compile(r"\(([^()]+)\)$"),
    re.compile(r"[/;](?:in)?([^()/;]+)$"),
    re.compile(r",(?:in)?([^()/;]+)$"),
)
TITLE = re.compile(rf"单位[:：]\s*({_ANY})")


def split(header: str) -> tuple[str, str | None]:
    """A normalised header without its unit, and the unit (None where it states none).

    Examples
    --------
    >>> split("营业收入(万元)")
    ('营业收入', '万元')
    """
    for place in _PLACES:
        found = place.search(header)
        if found and header[: found.start()]:
            rest = header[: found.start()] + header[found.end() :]
            return rest, spelled(found.group(1))
    for place in _MARKED:
        found = place.search(header)
        unit = english(found.group(1)) if found and header[: found.start()] else None
        # "sales/person" is no number of persons.
        if found and unit and not (unit.endswith("人") and found[0].startswith("/")):
            return header[: found.start()], unit
    return header, None


@cache
def english(words: str) -> str | None:
    """The unit that English words state, without blanks and in small letters; None where they are no unit.

    Examples
    --------
    >>> english("10kyuan"), english("rmbmillion"), english("thousand"), english("x")
    ('万元', '百万元', '千', None)
    """
    return next((unit for pattern, unit in _ENGLISH if pattern.fullmatch(words)), None)


def spelled(unit: str) -> str:
    """The one spelling of a unit that has several."""
    return SPELLINGS.get(unit, unit)


def factor(contract_unit: str, unit: str) -> float | None:
    """Contract's units in one unit of the source; None where the two cannot be converted."""
    known = FACTORS.get(contract_unit, {})
    whole = f"{unit}{contract_unit.removeprefix('万')}" if unit in _MULTIPLES else unit  # a multiple alone
    return known.get(spelled(whole))


def has_unit(contract_unit: str) -> bool:
    """Whether a column of this unit needs its source's unit stated."""
    return contract_unit in FACTORS
