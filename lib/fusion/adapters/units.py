"""Units as sources write them, and how many of the contract's units one of them is.

A unit is stated by the adapter, by a header (``营业收入(万元)``), by a row of units or by a title above the
table (``单位：万元``). Nothing is concluded from the size of numbers.
"""

from __future__ import annotations

import re

from fusion.panel.contract import MONEY, MONEY_UNITS

# The contract's unit -> the source's unit -> contract's units in one of the source's.
FACTORS: dict[str, dict[str, float]] = {
    MONEY: MONEY_UNITS,
    "人": {"人": 1.0, "名": 1.0, "千人": 1e3, "万人": 1e4},
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
    return header, None


def spelled(unit: str) -> str:
    """The one spelling of a unit that has several."""
    return SPELLINGS.get(unit, unit)


def factor(contract_unit: str, unit: str) -> float | None:
    """Contract's units in one unit of the source; None where the two cannot be converted."""
    return FACTORS.get(contract_unit, {}).get(spelled(unit))


def has_unit(contract_unit: str) -> bool:
    """Whether a column of this unit needs its source's unit stated."""
    return contract_unit in FACTORS
