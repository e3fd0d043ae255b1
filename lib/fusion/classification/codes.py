"""Codes as people write them, and the tree of GB/T 4754.

Rules of normalisation, in order (nothing else is bent):

1. full-width digits, letters, full stop and space become half-width; small letters a–t become capitals;
2. blanks around the code, and the apostrophe with which spreadsheets mark text, are removed;
3. a decimal part of zeros alone is removed: ``1311.0`` is 1311;
4. a letter before digits must be the section of the code in its edition, and is then removed: ``C1311`` is
   1311, and ``C39``, as the securities regulator writes divisions, is 39;
5. a code one digit short gets its zero back when nothing else is written like that: ``113`` in a column of
   classes is 0113, for there is no group 113. ``131`` is refused, since it may be 0131 or the group 131;
   a letter settles it: ``A131`` is 0131, ``C131`` the group. Wherever a code is asked about, in a table, a file,
   a panel or a terminal, the answer is the same.

6. in the regulator's edition a name of one of its industries, with or without that of its section before it
   (制造业-计算机、通信和其他电子设备制造业, as Wind exports it), is its code.

A code that is shorter than its column's level stands for all codes below it: `normalise_code` refuses it
and names them; `classify` keeps what they share. A letter that contradicts the code and a code that the
edition does not have are refused. A refusal names candidates. A word for a missing cell (`MISSING`) is no code
and no fault. Tables, files and panels are read by the same rules: `enterprises.normalise`.
"""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass
from functools import lru_cache

from fusion.classification.tables import (
    EDITIONS,
    LEVELS,
    REGULATOR,
    ClassificationError,
    check_edition,
    codes_of,
    titled,
)
from fusion.language import listed, said

_FROM = "０１２３４５６７８９．　\u00a0＇’" + "".join(chr(0xFF21 + i) for i in range(20))
_TO = "0123456789.  ''" + "ABCDEFGHIJKLMNOPQRST"
_FROM += "abcdefghijklmnopqrst" + "".join(chr(0xFF41 + i) for i in range(20))
_TO += "ABCDEFGHIJKLMNOPQRST" * 2
# Shared with the table expression in `enterprises`, so that a cell and a column follow the same rules.
TRANSLATION = (_FROM, _TO)
PATTERN = r"^[ \t\r\n']*([A-T]?)([0-9]{0,4})(?:\.0+)?[ \t\r\n]*$"
_TABLE = str.maketrans(_FROM, _TO)
# Words and marks with which a cell says that it is empty; forms print a dash, of any length, or a slash.
MISSING = ("NA", "N/A", "NAN", "NULL", ".", "..", "...", "-", "--", "–", "—", "——", "―", "−", "/", "…", "……")


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
        `as written`, `cleaned`, `letter removed`, or `zero restored`; empty when refused.
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
    return {row["code"]: row["name_zh"] for row in codes_of(edition)}


@lru_cache
def _sections(edition: str) -> dict[str, str]:
    return {row["code"]: row["section"] for row in codes_of(edition)}


@lru_cache
def names_read() -> dict[str, str]:
    """Names of the regulator's industries and their codes; a name that a section and a division share is the division's."""
    return {row["name_zh"]: row["code"] for row in sorted(codes_of(REGULATOR), key=lambda row: row["level"])}


def exists(code: str, edition: str = "2017") -> bool:
    """Whether an edition has a code, of any level."""
    return code in _names(check_edition(edition))


def all_codes(edition: str = "2017") -> list[str]:
    """Codes of all levels of an edition."""
    return list(_names(check_edition(edition)))


def name(code: str, edition: str = "2017") -> str:
    """Official Chinese name of a code.

    Raises
    ------
    ClassificationError
        When the edition does not have it.
    """
    if not exists(code, edition):
        raise ClassificationError(
            said(
                "classification.no_code",
                edition=titled(edition),
                code=code,
                hint=_or(_near_codes(code, edition)),
            )
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
    above = [code[:n] for n in (3, 2) if len(code) > n and code.isdigit()]
    section = _sections(edition)[code]
    return above + ([section] if section != code else [])


def children(code: str, edition: str = "2017") -> list[str]:
    """Codes one level below a code; empty for a four-digit one and for a code that does not exist."""
    return [r["code"] for r in codes_of(edition) if r["parent"] == code]


def normalise_code(text: str, level: int | None = 4, edition: str = "2017") -> Normalised:
    """Read a written code by the rules at the head of this module, or refuse it with candidates.

    Parameters
    ----------
    text : str
        What is in the cell.
    level : {1, 2, 3, 4} or None
        Digits that the column holds (1 = section letter); None takes any level.
    edition : str
        Edition in which the code must exist: one of `tables.EDITIONS`.

    Raises
    ------
    ClassificationError
        For an edition or a level that there is none of. A bad code is an answer, not an error.
    """
    check_edition(edition)
    if level is not None and level not in LEVELS:
        raise ClassificationError(said("classification.level", level=level))
    found = re.fullmatch(PATTERN, text.translate(_TABLE))
    if found is None and edition == REGULATOR and (code := names_read().get(text.split("-")[-1].strip())):
        found = re.fullmatch(PATTERN, code)
    if found is None or not "".join(found.groups()):
        return Normalised(text, reason=said("classification.reason.not_a_code"))
    letter, digits = found.groups()
    meant = _meanings(edition).get((letter, digits), digits)
    if not digits or (not meant.isdigit() and meant):  # a section, or S90
        return _settle(text, meant or letter, "", level, edition)
    return _settle(text, digits, letter, level, edition)


@lru_cache
def _meanings(edition: str) -> dict[tuple[str, str], str]:
    return {(letter, digits): code for letter, digits, code in readings(edition)}


def read(text: str, edition: str) -> Normalised:
    """A written code of any level, as tables, files and panels read it: digits that may be two things are refused (rule 5)."""
    found = re.fullmatch(PATTERN, text.translate(_TABLE))
    if found is None or found[1] or found[2] not in unclear(check_edition(edition)):
        return normalise_code(text, None, edition)
    group = found[2]
    either = {"padded": "0" + group, "group": group, "letter": _sections(edition)[group]}
    reason = said("classification.reason.zero_or_group", **either)
    return Normalised(text, reason=reason, candidates=(either["padded"], group))


def unclear(edition: str) -> frozenset[str]:
    """Digits that may be a class without its zero, or a group."""
    return frozenset(digits for letter, digits, code in readings(edition) if digits and not (letter or code))


def _settle(text: str, code: str, letter: str, level: int | None, edition: str) -> Normalised:
    """Accept a cleaned code if its length, existence and letter agree; else refuse it."""
    digits = len(code.lstrip("ABCDEFGHIJKLMNOPQRST"))
    allowed = {None: (0, 2, 3, 4), 1: (0,)}.get(level, (level,))
    restored = _restored(code, letter, level, edition)
    if restored:
        return Normalised(text, restored, "zero restored")
    if digits not in allowed:
        kind = (
            said("classification.reason.digits", digits=digits)
            if digits
            else said("classification.reason.letter")
        )
        wanted = (
            said("classification.reason.two_to_four")
            if level is None
            else said("classification.reason.letter")
            if level == 1
            else said("classification.reason.digits", digits=level)
        )
        reason = said("classification.reason.length", kind=kind, wanted=wanted)
        return Normalised(text, reason=reason, candidates=_completions(code, level, edition))
    if not exists(code, edition):
        others = [titled(other) for other in EDITIONS if other != edition and exists(code, other)]
        elsewhere = said("classification.reason.elsewhere", other=listed(others)) if others else ""
        reason = said("classification.reason.absent", edition=titled(edition), code=code, elsewhere=elsewhere)
        return Normalised(text, reason=reason, candidates=_near_codes(code, edition))
    if letter and _sections(edition)[code] != letter:
        reason = said(
            "classification.reason.section", code=code, section=_sections(edition)[code], letter=letter
        )
        return Normalised(text, reason=reason, candidates=(code,))
    rule = "as written" if text == code else "letter removed" if letter else "cleaned"
    return Normalised(text, code, rule)


def _restored(code: str, letter: str, level: int | None, edition: str) -> str:
    """The code with its zero back, if it is one digit short and nothing else is written like that."""
    padded = "0" + code
    short = (level in (None, 4) and len(code) == 3) or (level in (2, 3) and len(code) == (level or 0) - 1)
    if not short or not code.isdigit() or not exists(padded, edition):
        return ""
    sections = _sections(edition)
    fits = [c for c in (padded, code) if c in sections and letter in ("", sections[c])]
    return padded if fits == [padded] else ""


@lru_cache
def readings(edition: str) -> tuple[tuple[str, str, str], ...]:
    """What a cell of a column of classes may hold after cleaning, and the code that it means.

    Returns
    -------
    tuple of (letter, digits, code)
        ``letter`` as written before the digits, empty if none. ``code``: a class, or a group, division or
        section that is coarser than the column; empty for digits that may be two things (rule 5).
    """
    means: dict[tuple[str, str], set[str]] = {}
    for row in codes_of(edition):
        code, section = row["code"], row["section"]
        digits = code.lstrip("ABCDEFGHIJKLMNOPQRST")
        if not digits:
            means[code, ""] = {code}
            continue
        lost = [code[1:]] if len(code) == 4 and code[0] == "0" else []
        for key in [(letter, text) for letter in ("", section) for text in [digits, *lost]]:
            means.setdefault(key, set()).add(code)
    return tuple((*key, codes.pop() if len(codes) == 1 else "") for key, codes in means.items())


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
    """Codes of the same length that share as many first digits as any do, or else look alike."""
    same = [c for c in _names(edition) if len(c) == len(code)]
    for keep in range(len(code) - 1, 0, -1):
        near = [c for c in same if c[:keep] == code[:keep]]
        if near:
            return tuple(near[:12])
    return tuple(difflib.get_close_matches(code, same, 5, 0))


def _or(candidates: tuple[str, ...]) -> str:
    return said("classification.near_it", candidates=listed(candidates)) if candidates else ""
