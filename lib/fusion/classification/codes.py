"""Codes as people write them, and the tree of GB/T 4754.

Rules of normalisation, in order (nothing else is bent):

1. full-width digits, letters, full stop and space become half-width; small letters a–t become capitals;
2. blanks around the code, and the apostrophe with which spreadsheets mark text, are removed;
3. a decimal part of zeros alone is removed: ``1311.0`` is 1311;
4. a letter before digits is removed when it is the section of that code in its edition: ``C1311`` is 1311.

A code with too few digits is refused: ``131`` may be 0131 with its zero lost or the group 131. So are a
letter that contradicts the code, and a code that the edition does not have. A refusal names candidates.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from fusion.classification.tables import LEVELS, ClassificationError, check_edition, tree

_FROM = "０１２３４５６７８９．　\u00a0＇’" + "".join(chr(0xFF21 + i) for i in range(20))
_TO = "0123456789.  ''" + "ABCDEFGHIJKLMNOPQRST"
_FROM += "abcdefghijklmnopqrst" + "".join(chr(0xFF41 + i) for i in range(20))
_TO += "ABCDEFGHIJKLMNOPQRST" * 2
# Shared with the table expression in `enterprises`, so that a cell and a column follow the same rules.
TRANSLATION = (_FROM, _TO)
PATTERN = r"^[ \t\r\n']*([A-T]?)([0-9]{0,4})(?:\.0+)?[ \t\r\n]*$"
_TABLE = str.maketrans(_FROM, _TO)


@dataclass(frozen=True)
class Normalised:
    """What became of one written code.

    Attributes
    ----------
    text : str
        As written.
    code : str
        The code, or empty when it was refused.
    rule : str
        `as written`, `cleaned`, or `letter removed`; empty when refused.
    reason : str
        Why it was refused; empty otherwise.
    candidates : tuple of str
        Codes that may have been meant, when refused.
    """

    text: str
    code: str = ""
    rule: str = ""
    reason: str = ""
    candidates: tuple[str, ...] = ()


@lru_cache
def _names(edition: str) -> dict[str, str]:
    table = tree(edition)
    return dict(zip(table["code"], table["name_zh"], strict=True))


@lru_cache
def _sections(edition: str) -> dict[str, str]:
    table = tree(edition)
    return dict(zip(table["code"], table["section"], strict=True))


def exists(code: str, edition: str = "2017") -> bool:
    """Whether an edition has a code, of any level."""
    return code in _names(check_edition(edition))


def name(code: str, edition: str = "2017") -> str:
    """Official Chinese name of a code.

    Raises
    ------
    ClassificationError
        When the edition does not have it.
    """
    if not exists(code, edition):
        raise ClassificationError(
            f"GB/T 4754-{edition} has no code '{code}'{_or(_near_codes(code, edition))}"
        )
    return _names(edition)[code]


def ancestors(code: str, edition: str = "2017") -> list[str]:
    """Codes above a code, nearest first: group, division, section.

    Raises
    ------
    ClassificationError
        When the edition does not have the code.
    """
    name(code, edition)
    above = [code[:n] for n in (3, 2) if len(code) > n]
    return above + ([_sections(edition)[code]] if code[0].isdigit() else [])


def children(code: str, edition: str = "2017") -> list[str]:
    """Codes one level below a code; empty for a four-digit one and for a code that does not exist."""
    table = tree(check_edition(edition))
    return table.loc[table["parent"] == code, "code"].tolist()


def normalise_code(text: str, level: int | None = 4, edition: str = "2017") -> Normalised:
    """Read a written code by the rules at the head of this module, or refuse it with candidates.

    Parameters
    ----------
    text : str
        What is in the cell.
    level : {1, 2, 3, 4} or None
        Digits that the column holds (1 = section letter); None takes any level.
    edition : {"2011", "2017"}
        Edition in which the code must exist.

    Raises
    ------
    ClassificationError
        For an edition or a level that there is none of. A bad code is an answer, not an error.
    """
    check_edition(edition)
    if level is not None and level not in LEVELS:
        raise ClassificationError(f"level {level!r}; allowed: 1, 2, 3, 4 or None")
    found = re.fullmatch(PATTERN, text.translate(_TABLE))
    if found is None or not "".join(found.groups()):
        return Normalised(text, reason="not a code: expected up to four digits, or a section letter A-T")
    letter, digits = found.groups()
    if not digits:
        return _settle(text, letter, "", level, edition)
    return _settle(text, digits, letter, level, edition)


def _settle(text: str, code: str, letter: str, level: int | None, edition: str) -> Normalised:
    """Accept a cleaned code if its length, existence and letter agree; else refuse it."""
    digits = len(code) if code[0].isdigit() else 0
    allowed = {None: (0, 2, 3, 4), 1: (0,)}.get(level, (level,))
    if digits not in allowed:
        kind = f"{digits} digits" if digits else "a letter"
        wanted = "two to four digits" if level is None else "a letter" if level == 1 else f"{level} digits"
        reason = f"{kind} where {wanted} are expected"
        return Normalised(text, reason=reason, candidates=_completions(code, level, edition))
    if not exists(code, edition):
        other = "2011" if edition == "2017" else "2017"
        elsewhere = f"; the {other} edition has it" if exists(code, other) else ""
        reason = f"GB/T 4754-{edition} has no code {code}{elsewhere}"
        return Normalised(text, reason=reason, candidates=_near_codes(code, edition))
    if letter and _sections(edition)[code] != letter:
        reason = f"{code} is in section {_sections(edition)[code]}, not {letter}"
        return Normalised(text, reason=reason, candidates=(code,))
    rule = "as written" if text == code else "letter removed" if letter else "cleaned"
    return Normalised(text, code, rule)


def _completions(code: str, level: int | None, edition: str) -> tuple[str, ...]:
    """Codes of the wanted level that a code of another length may stand for."""
    if level is None or level == 1 or not code[0].isdigit():
        return ()
    if len(code) > level:
        return (code[:level],) if exists(code[:level], edition) else ()
    padded = code.zfill(level)
    below = [c for c in _names(edition) if len(c) == level and c.startswith(code)]
    lost = [padded] if len(code) == level - 1 and exists(padded, edition) else []
    return tuple(lost + below)[:12]


def _near_codes(code: str, edition: str) -> tuple[str, ...]:
    """Codes of the same length that share all but the last digit, else all but the last two."""
    for keep in (len(code) - 1, len(code) - 2):
        near = [c for c in _names(edition) if keep > 0 and len(c) == len(code) and c[:keep] == code[:keep]]
        if near:
            return tuple(near[:12])
    return ()


def _or(candidates: tuple[str, ...]) -> str:
    return f"; near it: {', '.join(candidates)}" if candidates else ""
