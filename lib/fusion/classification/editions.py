"""Classes of one edition of GB/T 4754 in another, by the official comparisons printed with the standard.

A class that was split is a set of classes, never one of them. The standard library reads the tables.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import TYPE_CHECKING

from fusion.classification.tables import ClassificationError, check_edition, rows
from fusion.language import said

if TYPE_CHECKING:
    import pandas as pd

CURRENT = "2017"


@lru_cache
def links(old: str, new: str) -> dict[str, dict[str, str]]:
    """Each class of an edition with the classes of another that it is, or is a part of, and the standard's note.

    Parameters
    ----------
    old, new : {"2011", "2017"}
        Forwards or backwards; an edition in itself gives each class itself.

    Returns
    -------
    dict
        By class of ``old``: class of ``new`` to note (更名, 内容变更, 分解, 部分内容调到此类; empty where nothing
        changed). One entry is a match; several are a split (forwards) or a merger of parts (backwards).
    """
    first, last = sorted((check_edition(old), check_edition(new)))
    if first == last:
        return {row["code"]: {row["code"]: ""} for row in rows(f"gbt4754_{old}") if row["level"] == "4"}
    found: dict[str, dict[str, str]] = {}
    for row in rows(f"editions_{first}_{last}"):
        found.setdefault(row[f"code_{old}"], {})[row[f"code_{new}"]] = row["note"]
    return found


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


def convert(codes: Iterable[str] | None = None, old: str = "2011", new: str = CURRENT) -> pd.DataFrame:
    """Take four-digit codes of one edition over to another.

    Parameters
    ----------
    codes : iterable of str, optional
        Codes of the edition ``old``; all its classes if not given.
    old, new : {"2011", "2017"}
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
    known = {row["code"] for row in rows(f"gbt4754_{check_edition(old)}")}
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
