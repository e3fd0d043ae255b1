"""How a table fits its page: widths of columns by their content, smaller type and a turned page by rule.

Widths are in characters of Latin type (a Chinese one counts for two); `CHARACTER` says how wide one is.
No program that sets tables is needed to know them.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from unicodedata import east_asian_width

# Points that a character takes in ten-point type; letters of Computer Modern are 5.0 on average, capitals wider.
CHARACTER = 5.3
# No column of text becomes narrower than this unless all of it is.
NARROWEST = 9
# What is between two columns, in points.
GAP = 8.0


@dataclass(frozen=True)
class Fit:
    """How a table is set.

    Parameters
    ----------
    size : float
        Type size relative to ten points.
    turned : bool
        Whether the page is turned.
    widths : list of float
        Width of each column in points, gaps not counted.
    wrapped : list of bool
        Whether a column's cells are broken into lines.
    """

    size: float
    turned: bool
    widths: list[float]
    wrapped: list[bool]


# Widths of letters, in characters: wide ones, capitals, narrow ones; of other signs and of Chinese.
_WIDE, _CAPITAL, _NARROW, _PLAIN, _SIGN, _CHINESE = 1.95, 1.45, 0.75, 1.06, 1.5, 2.0


def _letter(character: str) -> float:
    if east_asian_width(character) in "WF":
        return _CHINESE
    if character in "mwMW%@&":
        return _WIDE
    if character in "iljtfrI.,:;'!|()[] ":
        return _NARROW
    if not character.isascii():
        return _SIGN
    return _CAPITAL if character.isupper() or character in "+<>=_#$*" else _PLAIN


def units(text: str) -> float:
    """Width of a text in characters, rather too wide than too narrow."""
    return sum(map(_letter, text))


def longest_word(text: str) -> float:
    """Width of what cannot be broken: a word, or one Chinese character."""
    return max((units(part) for part in re.findall(r"[^\s\u2e80-\uffef]+|[\u2e80-\uffef]", text)), default=0)


def fit(
    heads: Sequence[str],
    rows: Sequence[Sequence[str]],
    numeric: Sequence[bool],
    pages: Sequence[tuple[float, bool, float]],
) -> Fit | None:
    """The first way to set a table in which it is no wider than the page; None if it fits in none.

    Parameters
    ----------
    heads, rows : sequences of str
        What is printed.
    numeric : sequence of bool
        Which columns hold numbers, which are never broken.
    pages : sequence of (float, bool, float)
        Ways to be tried in order: type size relative to ten points, whether the page is turned, width in points.
    """
    columns = list(zip(*rows, strict=True)) if rows else [()] * len(heads)
    content = [max((units(cell) for cell in column), default=0) for column in columns]
    words = [max((longest_word(cell) for cell in column), default=0) for column in columns]
    head = [longest_word(text) for text in heads]
    full = [max(c, min(units(text), 2 * h)) for c, h, text in zip(content, head, heads, strict=True)]
    least = [
        max(h, c if is_number else min(c, max(w, NARROWEST)), 1)
        for h, c, w, is_number in zip(head, content, words, numeric, strict=True)
    ]
    for size, turned, width in pages:
        room = (width - GAP * len(heads)) / (CHARACTER * size)
        if sum(least) <= room:
            shares = _shared(least, [max(f, m) for f, m in zip(full, least, strict=True)], room)
            wrapped = [
                not is_number and c > share + 1e-9
                for is_number, c, share in zip(numeric, content, shares, strict=True)
            ]
            return Fit(size, turned, [share * CHARACTER * size for share in shares], wrapped)
    return None


def _shared(least: list[float], wanted: list[float], room: float) -> list[float]:
    """Widths between the least and what is wanted: what is left over goes where it is wanted, evenly."""
    shares, left = [float(width) for width in least], room - sum(least)
    open_ = [i for i, width in enumerate(wanted) if width > shares[i]]
    while open_ and left > 1e-9:
        part = left / len(open_)
        for i in list(open_):
            given = min(part, wanted[i] - shares[i])
            shares[i], left = shares[i] + given, left - given
            if wanted[i] - shares[i] < 1e-9:
                open_.remove(i)
    return shares


def parts(heads: Sequence[str], fits: int) -> list[list[int]]:
    """Columns in parts that each hold the first one, where all beside one another are too wide for any page."""
    rest = list(range(1, len(heads)))
    return [[0, *rest[start : start + fits]] for start in range(0, len(rest), fits)]
