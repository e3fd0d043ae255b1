"""Classify a table of enterprises: one join on a small lookup, in the table's own engine.

An ambiguous code of 2011 keeps what all its candidates share (section, division, group, path, membership)
and nothing else: shares are bounds over the candidates, with no point where the bounds differ.
"""

from __future__ import annotations

from functools import lru_cache

import ibis
import pandas as pd

from fusion.classification.codes import PATTERN, TRANSLATION
from fusion.classification.editions import successors
from fusion.classification.listed import ADVANCED_MANUFACTURING, members
from fusion.classification.policy import fields, paths
from fusion.classification.tables import EDITIONS, ClassificationError, tree

WORDS = ["section", "division", "group3", "path", "path_secondary", "path_service", "fields"]
KINDS = ("services", "manufacturing")
BOUNDS = ("low", "high", "point")
SHARES = [f"{kind}_share_{bound}" for kind in KINDS for bound in BOUNDS]
CODE = ["edition", "code"]
TEXTS = ["edition", "code_own", "code_2017", "mapping_status", "mapping_how", *WORDS]
KEYS = ["firm_id", "year"]
COLUMNS = [*KEYS, *TEXTS[:8], *SHARES, *TEXTS[8:]]


def classify(
    table: ibis.Table,
    *,
    services_standard: str = "modern_services_2023",
    manufacturing_standard: str = "three_new_2018",
    partial_share: float = 0.5,
    crosswalk_confidence: str = "high",
) -> ibis.Table:
    """Sections, membership bounds, paths and fields of each row of a panel.

    Parameters
    ----------
    table : ibis.Table
        firm_id, year, and ``ind4`` with ``class_version`` (2011 or 2017); without these two the keys come
        back with empty texts and NULL shares.
    services_standard, manufacturing_standard : str
        Standards that define the two industries; of ``three_new_2018`` class 02 alone is manufacturing.
    partial_share : float
        Point share of a class marked *, in [0, 1]; its bounds are 0 and 1 whatever it is.
    crosswalk_confidence : {"high", "medium", "low"}
        Lowest confidence at which a code of 2011 is taken over.

    Returns
    -------
    ibis.Table
        firm_id, year; edition, code_own (as normalised), code_2017 (empty unless matched), mapping_status,
        mapping_how; section, division, group3; services_share_* and manufacturing_share_* (low, high,
        point; NULL where unmatched); path, path_secondary, path_service, fields. One row for each of the
        table's, in no order.
    """
    if not {"ind4", "class_version"} <= set(table.columns):
        empty = {name: ibis.literal("") for name in TEXTS} | {name: ibis.null("float64") for name in SHARES}
        return table.select(*KEYS, **empty).select(*COLUMNS)
    held = lookup(services_standard, manufacturing_standard, partial_share, crosswalk_confidence)
    written = table.select(
        *KEYS, written=table["ind4"].cast("string"), version=table["class_version"].cast("string")
    ).mutate(written=ibis._["written"].fill_null(""), version=ibis._["version"].fill_null(""))
    answers = _answers(normalise(written.select("written", "version").distinct()), held)
    joined = written.inner_join(answers, ["written", "version"])
    return joined.select(*COLUMNS)


def normalise(written: ibis.Table) -> ibis.Table:
    """Add edition, code_own and code_letter to written codes, by the rules of `codes`, in the table's engine."""
    text = written["written"].translate(*TRANSLATION)
    fits = text.re_search(PATTERN)
    code = ibis.ifelse(fits, text.re_extract(PATTERN, 2), "")
    return written.mutate(
        edition=written["version"].left(4),
        code_own=ibis.ifelse(code.length() == 4, code, ""),
        code_letter=ibis.ifelse(fits, text.re_extract(PATTERN, 1), ""),
    )


def _answers(written: ibis.Table, held: pd.DataFrame) -> ibis.Table:
    """What the lookup says of each written code; what it does not hold is unmatched and says why."""
    right = ibis.memtable(held.rename(columns={"edition": "edition_", "code": "code_"}))
    agrees = (written["code_letter"] == "") | (written["code_letter"] == right["own_section"])
    on = [written["edition"] == right["edition_"], written["code_own"] == right["code_"], agrees]
    joined = written.left_join(right, on)
    why = ibis.cases(
        (joined["mapping_status"].fill_null("") != "", joined["mapping_how"]),
        (joined["written"] == "", "missing"),
        (~joined["edition"].isin(EDITIONS), "edition_unknown"),
        (joined["code_own"] == "", "not_a_class_code"),
        else_="not_in_edition_or_letter_contradicts",
    )
    texts = {name: joined[name].fill_null("") for name in ["code_2017", *WORDS]}
    status = joined["mapping_status"].fill_null("unmatched")
    own = ["written", "version", "edition", "code_own"]
    return joined.select(*own, *SHARES, mapping_status=status, mapping_how=why, **texts)


@lru_cache
def lookup(
    services_standard: str = "modern_services_2023",
    manufacturing_standard: str = "three_new_2018",
    partial_share: float = 0.5,
    crosswalk_confidence: str = "high",
) -> pd.DataFrame:
    """All that `classify` says of each four-digit code of each edition (2,475 rows; do not change in place).

    Returns
    -------
    pandas.DataFrame
        edition, code, own_section (section in its own edition), then the columns that `classify` adds.
    """
    out = _described(crosswalk_confidence)
    advanced = ADVANCED_MANUFACTURING.get(manufacturing_standard, ())
    chosen = {"services": (services_standard, ()), "manufacturing": (manufacturing_standard, advanced)}
    for kind, (standard, classes) in chosen.items():
        share = bounds(standard, classes, partial_share, crosswalk_confidence)
        out = out.merge(share.rename(columns={b: f"{kind}_share_{b}" for b in BOUNDS}), on=CODE)
    return out


@lru_cache
def bounds(
    standard: str, classes: tuple[str, ...], partial_share: float, crosswalk_confidence: str
) -> pd.DataFrame:
    """Share of each code of each edition that is in a standard: certain, possible, and a point.

    Returns
    -------
    pandas.DataFrame
        edition, code; low and high: 1 and 1 for a full member, 0 and 1 for a partial one, over all
        candidates where the code is ambiguous, missing where it is unmatched; point: ``partial_share`` for
        a partial member, missing where candidates differ.
    """
    if not 0 <= partial_share <= 1:
        raise ClassificationError(
            f"partial_share = {partial_share}; allowed: 0 to 1, the share of a class marked *"
        )
    held = members(standard, classes).rename(columns={"code": "code_2017"})
    pairs = _in_question(crosswalk_confidence).merge(held, on="code_2017", how="left")
    member = pairs["membership"].where(pairs["code_2017"] != "", "unknown").fillna("none")
    for bound, values in zip(BOUNDS, ((1, 0), (1, 1), (1, partial_share)), strict=True):
        pairs[bound] = member.map({"full": values[0], "partial": values[1], "none": 0}).astype(float)
    group = pairs.groupby(CODE, sort=False)
    out = group.agg(low=("low", "min"), high=("high", "max"), point=("point", "first"))
    settled = (group["mapping_status"].first() == "matched") | (out["low"] == out["high"])
    out["point"] = out["point"].where(settled)
    return out.reset_index()


@lru_cache
def _described(confidence: str) -> pd.DataFrame:
    """One row for each code of each edition: its status, and the words that its candidates share."""
    codes = tree("2017").query("level == '4'")[["code", "section"]]
    codes = codes.assign(division=codes["code"].str[:2], group3=codes["code"].str[:3])
    facts = codes.merge(paths(), on="code").merge(fields(), on="code").rename(columns={"code": "code_2017"})
    pairs = _in_question(confidence).merge(facts, on="code_2017", how="left")
    words = pairs.melt([*CODE, "mapping_status"], ["code_2017", *WORDS], "column", "word")
    words = words.drop_duplicates()
    alone = ~words.duplicated([*CODE, "column"], keep=False)
    alone &= (words["column"] != "code_2017") | (words["mapping_status"] == "matched")
    wide = words[alone].set_index([*CODE, "column"])["word"].unstack("column").fillna("")
    first = pairs.drop_duplicates(CODE)[[*CODE, "own_section", "mapping_status", "mapping_how"]]
    wide = wide.reindex(columns=["code_2017", *WORDS]).reset_index()
    return first.merge(wide, on=CODE, how="left").fillna("")


@lru_cache
def _in_question(confidence: str) -> pd.DataFrame:
    """Each class of each edition beside the classes of 2017 that it may be."""
    new = tree("2017").query("level == '4'")[["code", "section"]]
    new = new.assign(
        edition="2017", code_2017=new["code"], mapping_how="same_edition", mapping_status="matched"
    )
    old = tree("2011").query("level == '4'")[["code", "section"]].assign(edition="2011")
    moved = successors(confidence).rename(columns={"code_2011": "code", "how": "mapping_how"})
    old = old.merge(moved.drop(columns="confidence"), on="code", how="left")
    return pd.concat([new, old], ignore_index=True).rename(columns={"section": "own_section"})
