"""Classes of one edition of GB/T 4754 in another, by the official comparisons printed with the standard.

A class that was split is a set of classes, never one of them, and a chain of editions is a chain of sets: a class of
2002 is every class of 2017 that any of its classes of 2011 may be. The standard library reads the tables.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING

from fusion.classification.tables import (
    EDITIONS,
    REGULATOR,
    ClassificationError,
    check_edition,
    codes_of,
    rows,
)
from fusion.language import listed, said

if TYPE_CHECKING:
    import pandas as pd

CURRENT = "2017"
NATIONAL = tuple(edition for edition in EDITIONS if edition != REGULATOR)


def due() -> dict[int, str]:
    """Editions of GB/T 4754 by the first year whose annual reports use them, as ``editions.csv`` states with its source."""
    return {int(row["first_report"]): row["edition"] for row in rows("editions") if row["first_report"]}


def stated(text: str) -> dict[int, str]:
    """What a user states of editions: one for all years (``2002``), or from years on (``1998:2002,2013:2011``).

    Returns
    -------
    dict of int to str
        First year: edition; year 0 for all years.

    Raises
    ------
    ClassificationError
        For what is neither, or an edition that is not held.
    """
    parts = [part.strip() for part in text.split(",") if part.strip()]
    pairs = [
        (first.strip() or "0", edition.strip()) for first, _, edition in (p.rpartition(":") for p in parts)
    ]
    alone = len(pairs) == 1 and ":" not in text
    if any(e not in EDITIONS or not first.isdigit() or (first == "0" and not alone) for first, e in pairs):
        raise ClassificationError(
            said("classification.edition_option", edition=text, editions=listed(EDITIONS))
        )
    return {int(first): edition for first, edition in pairs}


def due_sql(year: str, stated: dict[int, str] | None = None) -> str:
    """SQL of the edition of a year, an expression that is a number; NULL before the first.

    Parameters
    ----------
    year : str
    stated : dict of int to str, optional
        First years by edition, where the user says otherwise than `due`.
    """
    firsts = sorted((stated or due()).items(), reverse=True)
    cases = " ".join(f"WHEN {year} >= {first} THEN '{edition}'" for first, edition in firsts)
    return f"CASE {cases} END"


@lru_cache
def links(old: str, new: str) -> dict[str, dict[str, str]]:
    """Each class of an edition with the classes of another that it is, or is a part of, and the standard's notes.

    Parameters
    ----------
    old, new : {"2002", "2011", "2017"}
        Forwards or backwards; an edition in itself gives each class itself.

    Returns
    -------
    dict
        By class of ``old``: class of ``new`` to note (更名, 内容变更, 分解, 部分内容调到此类; empty where nothing
        changed; of every way there, joined by →, where an edition lies between). One entry is a match; several
        are a split (forwards) or a merger of parts (backwards).
    """
    first, last = (NATIONAL.index(_national(edition)) for edition in (old, new))
    if first == last:
        return {row["code"]: {row["code"]: ""} for row in codes_of(old) if row["level"] == "4"}
    way = NATIONAL[first : last + 1] if first < last else NATIONAL[last : first + 1][::-1]
    found = _printed(*way[:2])
    for before, (old_step, new_step) in zip(way, pairwise(way[1:]), strict=False):
        step = _dated(_printed(old_step, new_step), max(old_step, new_step))
        found = _dated(found, max(before, old_step)) if before == way[0] else found
        found = {code: _onward(between, step) for code, between in found.items()}
    return found


def _national(edition: str) -> str:
    if check_edition(edition) == REGULATOR:
        raise ClassificationError(said("classification.no_classes", edition=edition))
    return edition


def _printed(old: str, new: str) -> dict[str, dict[str, str]]:
    """`links` of two editions that one comparison was printed for."""
    found: dict[str, dict[str, str]] = {}
    for row in rows(f"editions_{min(old, new)}_{max(old, new)}"):
        found.setdefault(row[f"code_{old}"], {})[row[f"code_{new}"]] = row["note"]
    return found


def _dated(step: dict[str, dict[str, str]], edition: str) -> dict[str, dict[str, str]]:
    """The same, each note with the edition that prints it."""
    return {c: {n: note and f"{edition}: {note}" for n, note in found.items()} for c, found in step.items()}


def _onward(between: dict[str, str], step: dict[str, dict[str, str]]) -> dict[str, str]:
    """Where a class goes by all classes between, with the notes on each way."""
    found: dict[str, dict[str, None]] = {}
    for code, note in sorted(between.items()):
        for new, further in step[code].items():
            found.setdefault(new, {})[" → ".join(n for n in (note, further) if n)] = None
    return {new: "; ".join(note for note in notes if note) for new, notes in sorted(found.items())}


@lru_cache
def successors(old: str) -> pd.DataFrame:
    """Every class of an edition beside each class of 2017 that it is or is a part of.

    Returns
    -------
    pandas.DataFrame
        code, code_2017, mapping_status (``matched``: one successor; ``ambiguous``: several), mapping_how.
    """
    import pandas as pd

    pairs = [(code, new, len(found)) for code, found in links(old, CURRENT).items() for new in found]
    table = pd.DataFrame(pairs, columns=["code", "code_2017", "size"])
    alone = table.pop("size") == 1
    same = {True: "same_edition" if old == CURRENT else "one_successor", False: "split"}
    return table.assign(
        mapping_status=alone.map({True: "matched", False: "ambiguous"}), mapping_how=alone.map(same)
    )


def convert(codes: Iterable[str] | None, old: str, new: str = CURRENT) -> pd.DataFrame:
    """Take four-digit codes of one edition over to another.

    Parameters
    ----------
    codes : iterable of str or None
        Codes of the edition ``old``; None for all its classes.
    old, new : {"2002", "2011", "2017"}
        Backwards where ``new`` is the earlier one.

    Returns
    -------
    pandas.DataFrame
        One row for each code: code; converted (empty unless matched); mapping_status: ``matched`` (one class),
        ``ambiguous`` (several) or ``unmatched`` (no class of ``old``); how (one_successor, split, not_a_class,
        not_in_edition); candidates (comma-joined, when ambiguous); note (of the standard, of all candidates).
    """
    import pandas as pd

    if old == new:
        raise ClassificationError(said("classification.same_edition", edition=old))
    held = links(old, new)
    known = {row["code"] for row in codes_of(old)}
    out = []
    for code in held if codes is None else codes:
        found = held.get(code, {})
        status = {0: "unmatched", 1: "matched"}.get(len(found), "ambiguous")
        absent = "not_a_class" if code in known else "not_in_edition"
        how = {"unmatched": absent, "matched": "one_successor"}.get(status, "split")
        converted, candidates = (next(iter(found)), "") if len(found) == 1 else ("", ",".join(found))
        note = "; ".join(dict.fromkeys(n for n in found.values() if n))
        out.append((code, converted, status, how, candidates, note))
    columns = ["code", "converted", "mapping_status", "how", "candidates", "note"]
    return pd.DataFrame(out, columns=columns, dtype=str)
