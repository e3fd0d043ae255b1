"""Fields, modes and foci by everything that a firm tells: main code, activities 1–3, revenue by class, official lists.

The main code of a manufacturer is a code of goods, so that by it alone no manufacturer is in a field that the policy
describes by services. A code tags where all classes of 2017 that it may be agree.
"""

from __future__ import annotations

import ibis
import pandas as pd

from fusion.classification.editions import CURRENT
from fusion.classification.enterprises import CODE, KEYS, candidates, edition_in, in_question
from fusion.classification.policy import TAGS, code_tags
from fusion.classification.split_weights import NONE, Weights
from fusion.classification.tables import rows

SOURCES = ("main", "activity", "revenue", "list")  # what a tag may rest on, in this order
SERVICE_MANUFACTURING = "F1"  # the field of manufacturers that have a mode
TOLD = ("biz_activity_codes", "service_rev_by_class")
_SQL = """
WITH named AS (
  SELECT firm_id, year, class_version, 'activity' AS how,
    unnest(list_filter(string_split_regex(biz_activity_codes, '[^0-9A-Za-z]+'), x -> x <> '')) AS code FROM given
), sold AS (
  SELECT firm_id, year, class_version, entry.key AS code FROM (SELECT firm_id, year, class_version,
    unnest(map_entries(cast(cast(service_rev_by_class AS json) AS map(varchar, double)))) AS entry FROM given)
  WHERE entry.value > 0
), coded AS (
  SELECT firm_id, year, how, class_version AS edition, code FROM named
  UNION ALL SELECT firm_id, year, 'revenue', class_version, code FROM sold
), told AS (
  SELECT firm_id, year, 'main' AS how, kind, tag, sure, weight FROM given JOIN meant
    ON meant.edition = edition_in AND meant.code = code_in AND kind <> 'modes'
  UNION ALL SELECT firm_id, year, how, kind, tag, sure, weight FROM coded JOIN meant USING (edition, code)
  UNION ALL SELECT firm_id, year, 'list', kind, tag, true, 1.0 FROM on_lists
), tagged AS (
  SELECT firm_id, year, how, kind, tag, sure, weight FROM told WHERE kind IN ('fields', 'foci')
  UNION ALL SELECT t.firm_id, t.year, t.how, t.kind, t.tag, t.sure AND m.sure, t.weight * m.weight
    FROM told t JOIN told m ON t.kind = 'modes' AND m.kind = 'made' AND m.how = 'main'
      AND t.firm_id = m.firm_id AND t.year = m.year
), every AS (
  SELECT * FROM tagged
  UNION ALL SELECT firm_id, year, how, 'fields', '{service_manufacturing}', sure, weight FROM tagged WHERE kind = 'modes'
)
SELECT firm_id, year, how, kind, tag, bool_or(sure) AS sure,
  CASE WHEN bool_or(sure) THEN 1.0 WHEN count(weight) < count(*) THEN NULL ELSE max(weight) END AS weight
FROM every GROUP BY firm_id, year, how, kind, tag
"""


def evidence(
    rows_of: ibis.Table, on_lists: pd.DataFrame | None = None, weights: Weights = NONE
) -> ibis.Table:
    """What each firm-year's fields, foci and modes rest on, or may rest on.

    Parameters
    ----------
    rows_of : ibis.Table
        Rows of `classify` with, where the panel has them, class_version, biz_activity_codes (codes joined by any sign)
        and service_rev_by_class (JSON, class: 万元; of form 611 where an adapter rolled its establishments up).
    on_lists : pandas.DataFrame, optional
        firm_id, year, lists, fields, modes of `official.memberships`.
    weights : Weights
        Of split classes, for points.

    Returns
    -------
    ibis.Table
        firm_id, year, how (one of ``SOURCES``), kind (fields, foci, modes), tag; sure: all classes that a code may be have
        the tag (else some have it); weight: the part of the code that has it by the declared weights (of several codes the
        largest; of a mode times the part that is manufacturing), missing where none are declared. Modes are of
        manufacturers alone (section C); a manufacturer with a mode is in the field of service-oriented manufacturing.
    """
    absent = {c: ibis.null("string") for c in ("class_version", *TOLD) if c not in rows_of.columns}
    given = rows_of.mutate(**absent)
    alone = given["code_2017"] != ""
    given = given.mutate(
        class_version=edition_in(given["class_version"].cast("string")),
        edition_in=ibis.ifelse(alone, CURRENT, given["edition"]),
        code_in=ibis.ifelse(alone, given["code_2017"], given["code_own"]),
    )
    given = given.select(*KEYS, "class_version", *TOLD, "edition_in", "code_in").cache()
    backend = given.get_backend()
    for name, table in {"meant": _meant(weights), "on_lists": _long(on_lists)}.items():
        backend.create_table(name, table, overwrite=True, temp=True)  # type: ignore[attr-defined]
    return given.alias("given").sql(_SQL.format(service_manufacturing=SERVICE_MANUFACTURING)).cache()


def _long(on_lists: pd.DataFrame | None) -> pd.DataFrame:
    """Fields and modes by lists, a row each: firm_id, year, kind, tag."""
    listed = pd.DataFrame(columns=[*KEYS, "fields", "modes"]) if on_lists is None else on_lists
    long = listed.melt(KEYS, ["fields", "modes"], "kind", "tag").astype(
        {"tag": str, "firm_id": str, "kind": str}
    )
    long = long.assign(tag=long["tag"].str.split(",")).explode("tag")
    return long[long["tag"].astype(bool) & long["tag"].notna()].astype({"year": "int64", "tag": str})


def tagged(classified: ibis.Table, found: ibis.Table, on_lists: pd.DataFrame) -> ibis.Table:
    """The classification with ``lists`` and the fields, foci and modes of all evidence; ``fields_main``: of the main code.

    Parameters
    ----------
    classified : ibis.Table
        As `classify` gives it.
    found : ibis.Table
        As `evidence` gives it.
    on_lists : pandas.DataFrame
        As `official.memberships` gives it.
    """
    sets = classified.rename(fields_main="fields").drop("foci", "modes")
    for kind in TAGS:
        own = found.filter((found["kind"] == kind) & found["sure"]).distinct(on=[*KEYS, "tag"])
        joined = own.group_by(KEYS).aggregate(**{kind: own["tag"].group_concat(",", order_by=own["tag"])})
        sets = sets.left_join(joined, KEYS).drop("firm_id_right", "year_right").fill_null({kind: ""})
    held = on_lists[[*KEYS, "lists"]].astype({"firm_id": str, "year": "int64", "lists": str})
    return (
        sets.left_join(ibis.memtable(held), KEYS).drop("firm_id_right", "year_right").fill_null({"lists": ""})
    )


def members(found: ibis.Table, kind: str, count: int) -> pd.DataFrame:
    """How many firm-years and firms each field, focus or mode has, by what says so.

    Parameters
    ----------
    found : ibis.Table
        As `evidence` gives it.
    kind : {"fields", "foci", "modes"}
        Which tags.
    count : int
        Firm-years of the panel.

    Returns
    -------
    pandas.DataFrame
        tag, label_en, label_zh (in foci also path); main, activity, revenue, list: firm-years by this evidence (they
        overlap); firm_years and firms by any; share of the panel's; where a code may be several classes firm_years_high and
        share_high with those that may have the tag, and by declared weights firm_years_point (missing where an open code has
        none).
    """
    key = TAGS[kind]
    named = pd.DataFrame(list(rows(kind))).drop_duplicates(key).set_index(key)
    every = found.filter(found["kind"] == kind).to_pandas()
    own = every[every["sure"]]
    by = own.groupby(["tag", "how"]).size().unstack("how").reindex(columns=list(SOURCES))
    once = (
        own.drop_duplicates([*KEYS, "tag"]).groupby("tag")["firm_id"].agg(firm_years="size", firms="nunique")
    )
    out = named[[c for c in ("path", "label_en", "label_zh") if c in named]].join(by).join(once)
    whole = [*SOURCES, "firm_years", "firms"]
    out[whole] = out[whole].fillna(0).astype(int)
    out["share"] = out["firm_years"] / max(count, 1)
    if not every["sure"].all():
        out = out.join(_open(every)).fillna({"firm_years_high": 0})
        out["firm_years_high"] = out["firm_years_high"].astype(int)
        out["share_high"] = out["firm_years_high"] / max(count, 1)
        known = (out["firm_years_high"] > out["firm_years"]) & out["firm_years_point"].notna()
        out["firm_years_point"] = out["firm_years_point"].where(out["firm_years_high"] > 0, 0.0)
        out = out if known.any() else out.drop(columns="firm_years_point")
    return out.rename_axis("tag").reset_index()


def _open(every: pd.DataFrame) -> pd.DataFrame:
    """By tag: firm-years that have it or may, and their sum by weights."""
    known = every["sure"] | every["weight"].notna()
    told = every.assign(weight=every["weight"].where(~every["sure"], 1.0), known=known)
    one = told.groupby([*KEYS, "tag"]).agg(
        weight=("weight", "max"), sure=("sure", "any"), known=("known", "all")
    )
    one["weight"] = one["weight"].where(one["sure"] | one["known"])
    by = one.groupby("tag")["weight"]
    return pd.DataFrame(
        {"firm_years_high": by.size(), "firm_years_point": by.sum(min_count=1).where(by.count() == by.size())}
    )


def _meant(weights: Weights) -> pd.DataFrame:
    """Tags of each code of each edition: edition, code, kind (fields, foci, modes, made), tag, sure, weight."""
    pairs = in_question()[[*CODE, "code_2017"]]
    facts = (
        code_tags()
        .rename(columns={"code": "code_2017"})
        .merge(candidates().drop_duplicates("code_2017")[["code_2017", "section"]], on="code_2017")
    )
    facts = facts.assign(made=facts["section"].where(facts["section"] == "C", ""))
    share = {value[:3]: value[3] for value in weights.values}
    keys = zip(pairs["edition"], pairs["code"], pairs["code_2017"], strict=True)
    known = {value[:2] for value in weights.values}
    part = [share.get(k, 0.0 if k[:2] in known else float("nan")) for k in keys]
    size = pairs.groupby(CODE)["code_2017"].size().rename("size")
    pairs = pairs.assign(weight=part).merge(facts, on="code_2017")
    long = pairs.melt([*CODE, "weight"], [*TAGS, "made"], "kind", "tag")
    long = long.assign(tag=long["tag"].str.split(",")).explode("tag")
    long = long[long["tag"] != ""]
    by = long.groupby([*CODE, "kind", "tag"])["weight"]
    out = (
        pd.DataFrame({"n": by.size(), "weight": by.sum(min_count=1)})
        .reset_index()
        .merge(size.reset_index(), on=CODE)
    )
    out = out.assign(sure=out.pop("n") == out.pop("size"))
    return out.assign(weight=out["weight"].where(~out["sure"], 1.0))
