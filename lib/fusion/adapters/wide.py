"""Files with a column for each item and year: their headers name the year, and each year is a layout of its own.

A header names its year as ``[报告期]2016年报``, ``2016年营业收入``, ``营业收入_2016``, ``营业收入(2016年)``, ``sales2016``, or it
is a year alone, as in tables of one item: ``2016``, ``2016 [YR2016]``; that item is called ``value``. Only items
that stand there for two years or more count, and no editions of codes (``行业代码2017``). Columns of parts of
a year (一季, 中报, 三季) are not read.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from fusion.adapters.headers import normalise

_PERIOD = re.compile(r"\((?:报告期|年度|会计年度|截止日期|交易日期)\):?([12]\d{3})([^()]*)")
_WHOLE = re.compile(r"^(?:年报|年末|年|[-/.年]?12[-/.月]?31日?)?$")
_KIND = re.compile(r"\(报表类型\):?合并报表")
_BEFORE = re.compile(r"^([12]\d{3})年(?![0-9第一二三四上下])(.+)$")
_AFTER = re.compile(r"^(.+?)[_\-(,;:]([12]\d{3})(?:年报|年末|年)?\)?(\([^()]*\))?$")
_BEGINS = re.compile(r"^((?:19|20)\d{2})[_\-.]?([a-z]{3}.*|(?![年第上下])[\u4e00-\u9fff].*)$")
_ENDS = re.compile(r"^(.*[^\d\W]_?)((?:19|20)\d{2})(?:年末|年)?(\([^()]*\))?$")
_ALONE = re.compile(r"^[xy_]?((?:19|20)\d{2})年?(?:\(yr\d{4}\))?$")
_CODES = re.compile(r"gb/?t|code|代码|编码|行业|分类|edition|版")
_NUMBER = re.compile(r"^(.*?)_?(\d+)$")
_YEAR = re.compile(r"(?:19|20)\d{2}")
ALONE = "value"  # the item of a table whose headers are years and nothing else


def split(text: str) -> tuple[str, int | None, bool]:
    """A header without its year, the year, and whether it stands for the whole year.

    Examples
    --------
    >>> split("营业收入[报告期]2016年报[单位]万元")
    ('营业收入(单位)万元', 2016, True)
    >>> split("2017年存货（万元）")
    ('存货(万元)', 2017, True)
    >>> split("sales2017"), split("2017")
    (('sales', 2017, True), ('value', 2017, True))
    """
    plain = _KIND.sub("", normalise(text))
    if alone := _ALONE.match(plain):
        return ALONE, int(alone.group(1)), True
    found = _PERIOD.search(plain)
    if found:
        rest = plain[: found.start()] + plain[found.end() :]
        return rest, int(found.group(1)), bool(_WHOLE.match(found.group(2)))
    if before := _BEFORE.match(plain):
        return before.group(2), int(before.group(1)), True
    after = _AFTER.match(plain)
    if after and "gb/t" not in plain:
        return after.group(1) + (after.group(3) or ""), int(after.group(2)), True
    if not _CODES.search(plain):
        if begins := _BEGINS.match(plain):
            return begins.group(2), int(begins.group(1)), True
        if ends := _ENDS.match(plain):
            return ends.group(1).rstrip("_") + (ends.group(3) or ""), int(ends.group(2)), True
    return text, None, True


def years(texts: Sequence[str]) -> list[int]:
    """Years for which the headers hold items; empty where the file is not wide."""
    held: dict[str, set[int]] = {}
    for text in texts:
        rest, year, whole = split(text)
        if year is not None and whole:
            held.setdefault(rest, set()).add(year)
    numbered = _numbered(texts)
    series = (found for rest, found in held.items() if len(found) > 1 and rest not in numbered)
    return sorted({year for found in series for year in found})


def _numbered(texts: Sequence[str]) -> set[str]:
    """Items whose headers are numbers that go on beyond years: of ``v1`` to ``v5000`` ``v2014`` is no year."""
    found = (_NUMBER.match(normalise(text)) for text in texts)
    others = {m.group(1) for m in found if m and not _YEAR.fullmatch(m.group(2))}
    return others | ({ALONE} if others & {"", "x", "y"} else set())


def of_year(texts: Sequence[str], year: int) -> tuple[tuple[str, ...], tuple[int, ...]]:
    """Headers of one year, those of other years blank; and the places of the year's own columns."""
    made, own = [], []
    for place, text in enumerate(texts):
        rest, named, whole = split(text)
        if named is None:
            made.append(text)
        elif named == year and whole:
            made.append(rest)
            own.append(place)
        else:
            made.append("")
    return tuple(made), tuple(own)


def bare(texts: Sequence[str]) -> tuple[str, ...]:
    """Headers without their years, to find the header's row."""
    return tuple(split(text)[0] for text in texts)
