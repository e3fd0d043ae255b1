"""Units as they are shown: written in Chinese in the contract and the codebook, in words on English pages."""

from __future__ import annotations

# Longest first: 万元 holds 元.
ENGLISH = {
    "吨标煤": "tonnes of coal equivalent",
    "亿元": "100 million yuan",
    "百万元": "million yuan",
    "万元": "10,000 yuan",
    "千元": "1,000 yuan",
    "元": "yuan",
    "人": "person",
    "个": "number",
    "件": "number",
    "项": "number",
    "年": "years",
}


def shown(unit: str, language: str) -> str:
    """A unit in the page's language; what has no English word stays as it is."""
    if language == "en":
        for chinese, english in ENGLISH.items():
            unit = unit.replace(chinese, english)
    return unit
