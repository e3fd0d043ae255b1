"""Classify a table of enterprises: one join on a small lookup, in the table's own engine.

A code of 2011 that was split, and a code coarser than a class, keep what all their candidates share (section,
division, group, path, membership) and nothing else: shares are bounds over the candidates, with no point
where the bounds differ.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import ibis
import numpy as np
import pandas as pd

from fusion.classification import abroad
from fusion.classification.codes import MISSING, PATTERN, TRANSLATION, names_read, readings
from fusion.classification.coefficients import EQUAL, Coefficients, equal
from fusion.classification.editions import CURRENT, NATIONAL, successors
from fusion.classification.evidence import RULES, by_later_code
from fusion.classification.listed import ADVANCED_MANUFACTURING, edition_of, members, split
from fusion.classification.policy import TAGS, code_tags, paths
from fusion.classification.tables import (
    EDITIONS,
    REGULATOR,
    ClassificationError,
    descents,
    remembered,
    tree,
)
from fusion.engine import opened
from fusion.language import listed, said

SINGLE = ["section", "division", "group3", "path"]
LISTS = ["path_secondary", "path_service", *TAGS]  # comma-joined: what all candidates have is kept
POSSIBLE = ["paths_possible", "fields_possible"]
WORDS = [*SINGLE, *LISTS, *POSSIBLE]
KINDS = ("services", "manufacturing")
BOUNDS = ("low", "high", "point")
SHARES = [f"{kind}_share_{bound}" for kind in KINDS for bound in BOUNDS]
CODE = ["edition", "code"]
TEXTS = ["edition", "code_own", "code_2017", "mapping_status", "mapping_how", *WORDS]
KEYS = ["firm_id", "year"]
DOUBT, FEWEST = (
    0.1,
    10,
)  # share of a year's rows by which another edition must know more, and rows below which nothing is told
CODED = ["edition", "code_own", "code_2017", "mapping_status"]
COLUMNS = [*KEYS, *TEXTS[:8], *SHARES, *TEXTS[8:]]


def classify(
    table: ibis.Table,
    *,
    services_standard: str = "modern_services_2023",
    manufacturing_standard: str = "three_new_2018",
    partial_share: float = 0.5,
    edition_evidence: str = "none",
    coefficients: Coefficients | None = None,
    standards: Sequence[str] = (),
) -> ibis.Table:
    """Sections, membership bounds, paths and fields of each row of a panel.

    Parameters
    ----------
    table : ibis.Table
        firm_id, year, and ``ind4`` with ``class_version`` (of `tables.EDITIONS`); without these two the keys come
        back with empty texts and NULL shares.
    services_standard, manufacturing_standard : str
        Standards that define the two industries; of ``three_new_2018`` class 02 alone is manufacturing.
    partial_share : float
        Point share of a class marked *, in [0, 1]; its bounds are 0 and 1 whatever it is.
    edition_evidence : {"none", "own_later_code"}
        Whether an ambiguous code may be settled by the same enterprise's first code of a newer edition, as
        `evidence.by_later_code` says; such rows have the status ``by_evidence``.
    coefficients : Coefficients, optional
        Point shares in place of ``partial_share``.
    standards : sequence of str
        Standards that get a column of their own, ``in_<name>``: ``certain``, ``possible``, ``no``, NULL
        where unmatched.

    Returns
    -------
    ibis.Table
        firm_id, year; edition, code_own (as normalised), code_2017 (empty unless matched or by evidence),
        mapping_status, mapping_how; section, division, group3; services_share_* and manufacturing_share_*
        (low, high, point; NULL where unmatched); path, path_secondary, path_service, fields, foci, modes; paths_possible and
        fields_possible (comma-joined: what any candidate has); then ``in_*``.
        One row for each of the table's, in no order.
    """
    if edition_evidence not in RULES:
        raise ClassificationError(
            said("classification.edition_evidence", edition_evidence=edition_evidence, rules=listed(RULES))
        )
    extra = [f"in_{name}" for name in standards]
    if not {"ind4", "class_version"} <= set(table.columns):
        empty = {name: ibis.literal("") for name in TEXTS} | {name: ibis.null("float64") for name in SHARES}
        empty |= {name: ibis.null("string") for name in extra}
        return table.select(*KEYS, **empty).select(*COLUMNS, *extra)
    declared = coefficients or equal(partial_share)
    held = lookup(services_standard, manufacturing_standard, declared, tuple(standards))
    written = table.select(
        *KEYS, written=table["ind4"].cast("string"), version=table["class_version"].cast("string")
    ).mutate(written=ibis._["written"].fill_null(""), version=ibis._["version"].fill_null(""))
    meant = _answers(normalise(written.select("written", "version").distinct()), held)
    if edition_evidence == "none":
        return written.inner_join(meant, ["written", "version"]).select(*COLUMNS, *extra)
    coded = written.inner_join(meant.select("written", "version", *CODED), ["written", "version"])
    settled = by_later_code(coded.select(*KEYS, *CODED))
    return _with_evidence(coded, settled, meant, held).select(*COLUMNS, *extra)


def _with_evidence(
    coded: ibis.Table, settled: ibis.Table, meant: ibis.Table, held: pd.DataFrame
) -> ibis.Table:
    """Rows with what the lookup says, of the code of 2017 where the enterprise's own later code settles it."""
    new = held[(held["edition"] == "2017") & (held["code"].str.len() == 4)]
    later = ibis.memtable(new.drop(columns=["edition", "own_section"]).rename(columns={"code": "first_new"}))
    later = later.mutate(
        mapping_status=ibis.literal("by_evidence"), mapping_how=ibis.literal("own_later_code")
    )
    keys = [*KEYS, "edition", "code_own"]
    joined = coded.left_join(settled, keys).select(*keys, "written", "version", "first_new")
    by_evidence = joined.inner_join(later, "first_new")
    plain = joined.filter(joined["first_new"].fill_null("") == "").drop("edition", "code_own")
    rest = plain.inner_join(meant, ["written", "version"])
    names = [*keys, *[n for n in later.columns if n != "first_new"]]
    return ibis.union(rest.select(*names), by_evidence.select(*names))


def answers(
    written: ibis.Table,
    standards: tuple[str, ...] = (),
    coefficients: Coefficients = EQUAL,
    services_standard: str = "modern_services_2023",
    manufacturing_standard: str = "three_new_2018",
) -> ibis.Table:
    """What is said of each written code: written and version (distinct texts), then as `classify` names it, and isic4."""
    held = lookup(services_standard, manufacturing_standard, coefficients, standards)
    found = _answers(normalise(written), held)
    order = [c for c in COLUMNS if c not in KEYS]
    right = ibis.memtable(_abroad()).rename(edition_="edition", code_="code")
    on = [found["edition"] == right["edition_"], found["code_own"] == right["code_"]]
    found = found.left_join(right, on).mutate(isic4=ibis._["isic4"].fill_null(""))
    return found.select("written", "version", *order, "isic4", *(f"in_{name}" for name in standards))


@lru_cache
def _abroad() -> pd.DataFrame:
    """Classes of ISIC Rev. 4 that each code has by annex C, comma-joined: of any class of 2017 that it may be."""
    pairs = pd.DataFrame(
        [(c, i) for c, held in abroad.pairs().items() for i in held], columns=["code_2017", "isic4"]
    )
    long = in_question()[[*CODE, "code_2017"]].merge(pairs, on="code_2017")
    return (
        long.drop_duplicates([*CODE, "isic4"])
        .sort_values("isic4")
        .groupby(CODE)["isic4"]
        .agg(",".join)
        .reset_index()
    )


def normalise(written: ibis.Table) -> ibis.Table:
    """Read written codes by the rules of `codes`, in the table's engine: files, notebooks and panels all do it here.

    Parameters
    ----------
    written : ibis.Table
        written, version (texts, not NULL).

    Returns
    -------
    ibis.Table
        With edition; code_own (empty for what cannot be read); code_letter and digits (what is left after cleaning);
        reading (``read``, ``missing``, ``edition_unknown``, ``zero_or_group``, ``not_a_code``,
        ``letter_contradicts``, ``not_in_edition``).
    """
    text = written["written"].translate(*TRANSLATION)
    fits = text.re_search(PATTERN)
    edition = edition_in(written["version"])
    # In the regulator's edition a name stands for its code: what follows the section's name and a dash.
    named = ibis.ifelse(edition == REGULATOR, written["written"].re_replace("^.*-", "").strip(), "")
    bare = written.mutate(
        edition=edition,
        digits=ibis.ifelse(fits, text.re_extract(PATTERN, 2), named),
        code_letter=ibis.ifelse(fits, text.re_extract(PATTERN, 1), ""),
        empty=(text.strip() == "") | text.strip().upper().isin(MISSING),
    )
    right = ibis.memtable(_readings())
    on = [bare[k] == right[f"{k}_"] for k in ("edition", "code_letter", "digits")]
    joined = bare.left_join(right, on).drop("edition_", "code_letter_", "digits_")
    codes = ibis.memtable(_readings().query("digits_ != ''")[["edition_", "digits_"]].drop_duplicates())
    codes = codes.select(edition_="edition_", without_letter="digits_")
    joined = joined.left_join(
        codes, [joined["edition"] == codes["edition_"], joined["digits"] == codes["without_letter"]]
    ).drop("edition_")
    reading = ibis.cases(
        (joined["code_own"].fill_null("") != "", "read"),
        (joined["empty"], "missing"),
        (~joined["edition"].isin(EDITIONS), "edition_unknown"),
        (joined["code_own"].notnull(), "zero_or_group"),  # noqa: PD004 (Ibis)
        (~joined["digits"].re_search("^[0-9]{2,}$"), "not_a_code"),
        ((joined["code_letter"] != "") & joined["without_letter"].notnull(), "letter_contradicts"),  # noqa: PD004
        else_="not_in_edition",
    )
    return joined.mutate(reading=reading, code_own=joined["code_own"].fill_null("")).drop(
        "without_letter", "empty"
    )


def doubts(counts: pd.DataFrame) -> pd.DataFrame:
    """Years whose codes are mostly those of another edition than the one they are read in.

    Parameters
    ----------
    counts : pandas.DataFrame
        written, version, year, cells (rows). Years with fewer than `FEWEST` rows say nothing.

    Returns
    -------
    pandas.DataFrame
        stated, best (the edition that knows `DOUBT` more of the rows' codes), first_year, last_year, rows, own and
        other (shares of the rows whose codes the two editions have).
    """
    given = counts[counts["version"].isin(NATIONAL)].rename(columns={"version": "stated"})
    tried = given.merge(pd.DataFrame({"version": NATIONAL}), how="cross")
    columns = ["stated", "best", "first_year", "last_year", "rows", "own", "other"]
    if tried.empty:
        return pd.DataFrame(columns=columns)
    read = opened().execute(normalise(ibis.memtable(tried[["written", "version"]].drop_duplicates())))
    tried = tried.merge(read[["written", "version", "reading"]], on=["written", "version"])
    tried = tried[tried["reading"] != "missing"]
    known = tried["cells"].where(tried["reading"] == "read", 0)
    by = [tried["stated"], tried["year"], tried["version"]]
    # A text may be a word for nothing in one edition, and so have no rows there.
    counted = tried["cells"].groupby(by).sum().unstack().reindex(columns=NATIONAL)
    rows = counted.max(axis=1)
    share = (known.groupby(by).sum().unstack() / counted)[rows >= FEWEST]
    if share.empty:
        return pd.DataFrame(columns=columns)
    own = pd.Series([share.loc[at, at[0]] for at in share.index], index=share.index)
    told = pd.DataFrame({"best": share.idxmax(axis=1), "own": own, "other": share.max(axis=1)})
    told = told.assign(rows=rows)[told["other"] > told["own"] + DOUBT].reset_index()
    weighted = told.assign(own=told["own"] * told["rows"], other=told["other"] * told["rows"])
    out = weighted.groupby(["stated", "best"], as_index=False).agg(
        first_year=("year", "min"),
        last_year=("year", "max"),
        rows=("rows", "sum"),
        own=("own", "sum"),
        other=("other", "sum"),
    )
    return out.assign(own=out["own"] / out["rows"], other=out["other"] / out["rows"])[columns]


def edition_in(version: ibis.Value) -> ibis.Value:
    """The edition that a cell states: with what programs add to a year (2017.0, 2017年), or the regulator's as it is."""
    plain = version.strip().lower()
    return ibis.ifelse(plain == REGULATOR, REGULATOR, plain.left(4))


@lru_cache
def _readings() -> pd.DataFrame:
    rows = [(edition, *reading) for edition in EDITIONS for reading in readings(edition)]
    rows += [(REGULATOR, "", name, code) for name, code in names_read().items()]
    return pd.DataFrame(rows, columns=["edition_", "code_letter_", "digits_", "code_own"])


def _answers(written: ibis.Table, held: pd.DataFrame) -> ibis.Table:
    """What the lookup says of each written code; what it does not hold is unmatched and says why."""
    right = ibis.memtable(held.rename(columns={"edition": "edition_", "code": "code_"}))
    joined = written.left_join(
        right, [written["edition"] == right["edition_"], written["code_own"] == right["code_"]]
    )
    # What the regulator calls 综合 is read and is nothing in GB/T 4754.
    how = joined["mapping_how"].fill_null("no_counterpart")
    why = ibis.ifelse(joined["reading"] == "read", how, joined["reading"])
    texts = {name: joined[name].fill_null("") for name in ["code_2017", *WORDS]}
    status = joined["mapping_status"].fill_null("unmatched")
    extra = [name for name in held.columns if name.startswith("in_")]
    own = ["written", "version", "edition", "code_own"]
    return joined.select(*own, *SHARES, *extra, mapping_status=status, mapping_how=why, **texts)


@remembered
def lookup(
    services_standard: str = "modern_services_2023",
    manufacturing_standard: str = "three_new_2018",
    coefficients: Coefficients = EQUAL,
    standards: tuple[str, ...] = (),
) -> pd.DataFrame:
    """All that `classify` says of each code of each edition (do not change in place).

    Returns
    -------
    pandas.DataFrame
        edition, code, own_section (section in its own edition), then the columns that `classify` adds.
    """
    out = _described()
    made, classes = split(manufacturing_standard)
    chosen = {
        "services": split(services_standard),
        "manufacturing": (made, classes or ADVANCED_MANUFACTURING.get(made, ())),
    }
    for kind, (standard, classes) in chosen.items():
        share = bounds(standard, classes, coefficients)
        out = out.merge(share.rename(columns={b: f"{kind}_share_{b}" for b in BOUNDS}), on=CODE)
    for standard in standards:
        share = bounds(standard, (), coefficients)
        words = share["low"].map({1.0: "certain", 0.0: "no"}).mask(share["high"] > share["low"], "possible")
        out = out.merge(share[CODE].assign(**{f"in_{standard}": words}), on=CODE)
    return out


@remembered
def bounds(standard: str, classes: tuple[str, ...], coefficients: Coefficients) -> pd.DataFrame:
    """Share of each code of each edition that is in a standard: certain, possible, and a point.

    Returns
    -------
    pandas.DataFrame
        edition, code; low and high: 1 and 1 for a full member, 0 and 1 for a partial one, over all
        candidates where the code is ambiguous; point: the declared
        coefficient for a partial member; where candidates differ their mean by declared weights, else missing.
    """
    named = f"{standard}:{','.join(classes)}" if classes else standard
    own = dict(coefficients.of(standard)) | dict(coefficients.of(named))
    pairs, starts = _by_code()
    kind = members(standard, classes).set_index("code")["membership"]
    member = pairs["code_2017"].map(kind).to_numpy(object)
    full, partial = member == "full", member == "partial"
    low, high = full.astype(float), (full | partial).astype(float)
    share = pairs["code_2017"].map(own).fillna(coefficients.default).to_numpy(float)
    each = np.where(partial, share, low)
    weighted = _weighted(pairs, starts, each, coefficients)
    low, high = np.minimum.reduceat(low, starts), np.maximum.reduceat(high, starts)
    first = pairs.iloc[starts]
    low, high, point = _in_its_edition(
        standard, classes, coefficients.default, first, low, high, each[starts]
    )
    settled = (first["mapping_status"] == "matched").to_numpy() | (low == high)
    bound = {"low": low, "high": high, "point": np.where(settled, point, weighted)}
    return first[CODE].reset_index(drop=True).assign(**bound)


def _in_its_edition(
    standard: str, classes: tuple[str, ...], share: float, codes: pd.DataFrame, *bounds: np.ndarray
) -> tuple[np.ndarray, ...]:
    """Bounds in which codes of the edition that a standard is written in have what it says of them itself."""
    own = edition_of(standard)
    if own == CURRENT:
        return bounds
    kind = members(standard, classes, own).set_index("code")["membership"]
    word = codes["code"].map(kind).to_numpy(object)
    mine = (codes["edition"] == own).to_numpy() & (codes["code"].str.len() == 4).to_numpy()
    full, partial = word == "full", word == "partial"
    told = (full, full | partial, np.where(partial, share, full))
    return tuple(np.where(mine, new, old).astype(float) for new, old in zip(told, bounds, strict=True))


def _weighted(
    pairs: pd.DataFrame, starts: np.ndarray, share: np.ndarray, coefficients: Coefficients
) -> np.ndarray:
    """Mean share of each code's classes by the declared weights; missing where none are declared."""
    declared = {(edition, code, part): weight for edition, code, part, weight in coefficients.weights}
    keys = zip(pairs["edition"], pairs["code"], pairs["code_2017"], strict=True)
    weights = np.array([declared.get(key, 0.0) for key in keys]) if declared else np.zeros(len(pairs))
    known = np.add.reduceat(weights, starts) > 0
    return np.where(known, np.add.reduceat(weights * share, starts), np.nan)


@lru_cache
def _by_code() -> tuple[pd.DataFrame, np.ndarray]:
    """Codes beside their candidates, code by code, and the row at which each code begins."""
    pairs = in_question().sort_values(CODE, kind="stable", ignore_index=True)
    return pairs, np.flatnonzero(~pairs.duplicated(CODE).to_numpy())


@lru_cache
def _described() -> pd.DataFrame:
    """One row for each code of each edition: its status, and the words that its candidates share."""
    codes = tree("2017").query("level == '4'")[["code", "section"]]
    codes = codes.assign(division=codes["code"].str[:2], group3=codes["code"].str[:3])
    facts = (
        codes.merge(paths(), on="code").merge(code_tags(), on="code").rename(columns={"code": "code_2017"})
    )
    pairs = in_question().merge(facts, on="code_2017", how="left")
    words = pairs.melt([*CODE, "mapping_status"], ["code_2017", *SINGLE], "column", "word")
    words = words.drop_duplicates()
    alone = ~words.duplicated([*CODE, "column"], keep=False)
    alone &= (words["column"] != "code_2017") | (words["mapping_status"] == "matched")
    wide = words[alone].set_index([*CODE, "column"])["word"].unstack("column").fillna("")
    first = pairs.drop_duplicates(CODE)[[*CODE, "own_section", "mapping_status", "mapping_how"]]
    wide = wide.reindex(columns=["code_2017", *SINGLE])
    size = pairs.groupby(CODE).size()
    lists = {name: _listed(pairs, name, size) for name in LISTS}
    lists |= {f"{name}s_possible": _listed(pairs, column) for name, column in _POSSIBLE_OF.items()}
    wide = wide.join(pd.DataFrame(lists), how="outer").reset_index()
    return first.merge(wide, on=CODE, how="left").fillna("")


_POSSIBLE_OF = {"path": "path", "field": "fields"}


def _listed(pairs: pd.DataFrame, column: str, size: pd.Series | None = None) -> pd.Series:
    """Comma-joined entries that any candidate of a code has, or, given how many candidates there are, that all have."""
    long = pairs[CODE].assign(word=pairs[column].str.split(",")).explode("word")
    count = long[long["word"].fillna("") != ""].groupby([*CODE, "word"]).size()
    if size is not None:
        count = count[count.to_numpy() == size.reindex(count.index.droplevel("word")).to_numpy()]
    return count.reset_index().groupby(CODE)["word"].agg(",".join)


def belonging(standard: str) -> pd.DataFrame:
    """Codes of each edition that are certainly in a standard; with a ``?`` behind its name those that may be.

    Parameters
    ----------
    standard : str
        ``name``, ``name:01,02``, or either with ``?``.

    Returns
    -------
    pandas.DataFrame
        edition, code.
    """
    name, possible = standard.removesuffix("?"), standard.endswith("?")
    held = bounds(*split(name), EQUAL)
    return held.loc[held["high" if possible else "low"] == 1, CODE]


def candidates() -> pd.DataFrame:
    """Each code of each edition beside each class of 2017 that it may be: edition, code, code_2017, section (of that class)."""
    leaf = tree(CURRENT).query("level == '4'")[["code", "section"]].rename(columns={"code": "code_2017"})
    return in_question()[[*CODE, "code_2017"]].merge(leaf, on="code_2017")


@lru_cache
def in_question() -> pd.DataFrame:
    """Each code of each edition, of any level, beside the classes of 2017 that it may be (do not change in place).

    Returns
    -------
    pandas.DataFrame
        edition, code, own_section, code_2017, mapping_status, mapping_how. The regulator's divisions are those of
        2011; its S90 is nothing in GB/T 4754 and is not there.
    """
    parts = [
        successors(edition).merge(tree(edition)[["code", "section"]], on="code").assign(edition=edition)
        for edition in NATIONAL
    ]
    exact = pd.concat(parts, ignore_index=True).rename(columns={"section": "own_section"})
    coarse = {edition: _coarser(edition, exact) for edition in NATIONAL}
    own = tree(REGULATOR).query("gbt_2011 != ''")[["code", "gbt_2011"]]
    regulator = own.merge(coarse["2011"].rename(columns={"code": "gbt_2011"}), on="gbt_2011")
    regulator = regulator.drop(columns="gbt_2011").assign(edition=REGULATOR)
    return pd.concat([exact, *coarse.values(), regulator], ignore_index=True)


def _coarser(edition: str, exact: pd.DataFrame) -> pd.DataFrame:
    """Groups, divisions and sections beside the candidates of all their classes.

    One that has a single class is that class; every other coarser code is ambiguous.
    """
    below = descents(edition).query("ancestor != code")
    out = below.merge(exact[exact["edition"] == edition], on="code")
    single = out.groupby("ancestor")["code"].transform("nunique") == 1
    out.loc[~single, "mapping_status"] = "ambiguous"
    out["mapping_how"] = single.map({True: "group_of_one_class", False: "coarser_code"})
    out = out.drop(columns="code").rename(columns={"ancestor": "code"})
    return out.drop_duplicates([*CODE, "code_2017"])
