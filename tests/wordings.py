"""Sentences and numbers that readers stumble over, wherever they stand: in a sheet, on a page, in a document."""

from __future__ import annotations

import re

KINDS = {
    "what a test says, not what was found": re.compile(
        r"told (apart )?from (zero|none|nil)|with the most effects|apart from zero"
        r"|intervals? (contains?|holds?|excludes?|includes?) zero|intervals? do(es)? not (contain|hold|include) zero"
        r"|与零无法区分|区间中有[^，。；]{0,12}(不)?(含|包含)零"
    ),
    "a p-value of nil": re.compile(r"\bp\s*[=＝]\s*0?\.0+(?![\d])"),
    "a hyphen for a minus": re.compile(r"(?<![\w.,)\]/\u2010-\u2015-])-(?=\.?\d)"),
    "an end that is open, as a program writes it": re.compile(r"(?<![\w-])[-−+]?(inf|nan|NaN|Inf)(?![\w-])"),
}


def faults(text: str) -> list[str]:
    """What is wrong with a text: the kind, and the words around."""
    return [
        f"{kind}: …{text[max(0, found.start() - 30) : found.end() + 30]}…"
        for kind, pattern in KINDS.items()
        for found in pattern.finditer(text)
    ]
