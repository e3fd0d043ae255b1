"""From the 2011 to the 2017 edition by the computed crosswalk, which is not official."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

import pandas as pd

from fusion.classification.tables import CONFIDENCES, ClassificationError, load, tree
from fusion.language import listed, said


@lru_cache
def successors(confidence: str) -> pd.DataFrame:
    """Every class of 2011 with the classes of 2017 that remain in question at a confidence.

    Those at or above the confidence where there are any, else all candidates; one row each, and one row
    with an empty ``code_2017`` where there is none.

    Returns
    -------
    pandas.DataFrame
        code_2011, code_2017, how, confidence, mapping_status.
    """
    if confidence not in CONFIDENCES:
        raise ClassificationError(
            said(
                "classification.crosswalk_confidence", confidence=confidence, confidences=listed(CONFIDENCES)
            )
        )
    accepted = CONFIDENCES[: CONFIDENCES.index(confidence) + 1]
    table = load("crosswalk_2011_2017")[["code_2011", "code_2017", "how", "confidence"]]
    sure = table["confidence"].isin(accepted)
    any_sure = sure.groupby(table["code_2011"]).transform("any")
    table, sure = table[sure | ~any_sure].copy(), sure[sure | ~any_sure]
    alone = table.groupby("code_2011")["code_2017"].transform("size") == 1
    table["mapping_status"] = "ambiguous"
    table.loc[sure & alone, "mapping_status"] = "matched"
    table.loc[table["code_2017"] == "", "mapping_status"] = "unmatched"
    return table.reset_index(drop=True)


def convert(codes: Iterable[str] | None = None, confidence: str = "high") -> pd.DataFrame:
    """Take four-digit codes of 2011 over to 2017, where the crosswalk allows it.

    Parameters
    ----------
    codes : iterable of str, optional
        Codes of the 2011 edition; all of them if not given.
    confidence : {"high", "medium", "low"}
        Lowest confidence of the crosswalk that is accepted.

    Returns
    -------
    pandas.DataFrame
        One row for each code: code_2011; code_2017 (empty unless matched); mapping_status: ``matched`` (one
        successor at that confidence), ``ambiguous`` (several, or only less certain ones) or ``unmatched``;
        how; candidates (comma-joined, when ambiguous).
    """
    held = successors(confidence)
    by_code = held.groupby("code_2011", as_index=False).agg(
        code_2017=("code_2017", "first"),
        mapping_status=("mapping_status", "first"),
        how=("how", "first"),
        candidates=("code_2017", ",".join),
    )
    matched = by_code["mapping_status"] == "matched"
    by_code["code_2017"] = by_code["code_2017"].where(matched, "")
    by_code["candidates"] = by_code["candidates"].where(~matched, "")
    if codes is None:
        return by_code
    asked = pd.DataFrame({"code_2011": list(codes)}, dtype=str)
    out = asked.merge(by_code, on="code_2011", how="left")
    known = out["code_2011"].isin(tree("2011")["code"])
    out["mapping_status"] = out["mapping_status"].fillna("unmatched")
    out["how"] = out["how"].fillna(known.map({True: "not_a_class", False: "not_in_edition"}))
    return out.fillna("")
