"""Fields, modes and foci by everything that a firm tells: main code, activities 1–3, revenue by class, official lists.

The main code of a manufacturer is a code of goods, so that by it alone no manufacturer is in a field that the policy
describes by services. A code tags where all classes of 2017 that it may be agree.
"""

from __future__ import annotations

import ibis
import pandas as pd

from fusion.classification.enterprises import CODE, KEYS, edition_in, lookup
from fusion.classification.policy import TAGS
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
  SELECT firm_id, year, how, meant.* FROM named JOIN meant ON meant.edition = class_version AND meant.code = named.code
  UNION ALL
  SELECT firm_id, year, 'revenue', meant.* FROM sold JOIN meant ON meant.edition = class_version
    AND meant.code = sold.code
), told AS (
  SELECT firm_id, year, 'main' AS how, fields, foci, '' AS modes FROM given
  UNION ALL SELECT firm_id, year, how, fields, foci, modes FROM coded
  UNION ALL SELECT firm_id, year, 'list', fields, '', modes FROM on_lists
), tagged AS (
  SELECT firm_id, year, how, 'fields' AS kind, unnest(string_split(fields, ',')) AS tag FROM told
  UNION SELECT firm_id, year, how, 'foci', unnest(string_split(foci, ',')) FROM told
  UNION SELECT firm_id, year, how, 'modes', unnest(string_split(modes, ',')) FROM told
    SEMI JOIN makers USING (firm_id, year)
)
SELECT DISTINCT * FROM (
  SELECT * FROM tagged
  UNION ALL SELECT firm_id, year, how, 'fields', '{service_manufacturing}' FROM tagged
    WHERE kind = 'modes' AND tag <> ''
) WHERE tag <> ''
"""


def evidence(rows_of: ibis.Table, on_lists: pd.DataFrame | None = None) -> ibis.Table:
    """What each firm-year's fields, foci and modes rest on.

    Parameters
    ----------
    rows_of : ibis.Table
        Rows of `classify` with, where the panel has them, class_version, biz_activity_codes (codes joined by any sign)
        and service_rev_by_class (JSON, class: 万元; of form 611 where an adapter rolled its establishments up).
    on_lists : pandas.DataFrame, optional
        firm_id, year, lists, fields, modes of `official.memberships`.

    Returns
    -------
    ibis.Table
        firm_id, year, how (one of ``SOURCES``), kind (fields, foci, modes), tag. Modes are of manufacturers alone
        (section C); a manufacturer with a mode is in the field of service-oriented manufacturing.
    """
    absent = {c: ibis.null("string") for c in ("class_version", *TOLD) if c not in rows_of.columns}
    given = rows_of.mutate(**absent)
    given = given.mutate(class_version=edition_in(given["class_version"].cast("string")))
    listed = pd.DataFrame(columns=[*KEYS, "fields", "modes"]) if on_lists is None else on_lists
    listed = listed[[*KEYS, "fields", "modes"]].astype({"firm_id": str, "fields": str, "modes": str})
    given = given.select(*KEYS, "class_version", *TOLD, "section", "fields", "foci").cache()
    backend = given.get_backend()
    for name, table in {"meant": _meant(), "on_lists": listed.astype({"year": "int64"})}.items():
        backend.create_table(name, table, overwrite=True, temp=True)  # type: ignore[attr-defined]
    backend.create_table(
        "makers", given.filter(given["section"] == "C").select(*KEYS), overwrite=True, temp=True
    )  # type: ignore[attr-defined]
    return given.alias("given").sql(_SQL.format(service_manufacturing=SERVICE_MANUFACTURING)).cache()


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
        own = found.filter(found["kind"] == kind).distinct(on=[*KEYS, "tag"])
        joined = own.group_by(KEYS).aggregate(**{kind: own["tag"].group_concat(",", order_by=own["tag"])})
        sets = sets.left_join(joined, KEYS).drop("firm_id_right", "year_right").fill_null({kind: ""})
    held = on_lists[[*KEYS, "lists"]].astype({"firm_id": str, "year": "int64", "lists": str})
    return (
        sets.left_join(ibis.memtable(held), KEYS).drop("firm_id_right", "year_right").fill_null({"lists": ""})
    )


def members(found: ibis.Table, kind: str, count: int, possible: ibis.Table | None = None) -> pd.DataFrame:
    """How many firm-years and firms each field, focus or mode has, by what says so.

    Parameters
    ----------
    found : ibis.Table
        As `evidence` gives it.
    kind : {"fields", "foci", "modes"}
        Which tags.
    count : int
        Firm-years of the panel.
    possible : ibis.Table, optional
        Rows of `classify`: those whose split code has a successor in a field count as possible.

    Returns
    -------
    pandas.DataFrame
        tag, label_en, label_zh (in foci also path); main, activity, revenue, list: firm-years by this evidence (they
        overlap); firm_years and firms by any; share of the panel's; with ``possible`` firm_years_high and share_high.
    """
    key = TAGS[kind]
    named = pd.DataFrame(list(rows(kind))).drop_duplicates(key).set_index(key)
    own = found.filter(found["kind"] == kind).to_pandas()
    by = own.groupby(["tag", "how"]).size().unstack("how").reindex(columns=list(SOURCES))
    once = (
        own.drop_duplicates([*KEYS, "tag"]).groupby("tag")["firm_id"].agg(firm_years="size", firms="nunique")
    )
    out = named[[c for c in ("path", "label_en", "label_zh") if c in named]].join(by).join(once)
    whole = [*SOURCES, "firm_years", "firms"]
    out[whole] = out[whole].fillna(0).astype(int)
    out["share"] = out["firm_years"] / max(count, 1)
    if possible is not None:
        more = own[own["how"] != "main"].drop_duplicates([*KEYS, "tag"])[[*KEYS, "tag"]]
        wide = possible.filter(possible["fields_possible"] != "").select(*KEYS, "fields_possible").to_pandas()
        wide = wide.assign(tag=wide["fields_possible"].str.split(",")).explode("tag")[[*KEYS, "tag"]]
        high = pd.concat([more, wide]).drop_duplicates().groupby("tag").size()
        out["firm_years_high"] = high.reindex(out.index).fillna(0).astype(int)
        out["share_high"] = out["firm_years_high"] / max(count, 1)
    return out.rename_axis("tag").reset_index()


def _meant() -> pd.DataFrame:
    """Tags on which all classes of 2017 agree that a code of an edition may be: edition, code, fields, foci, modes."""
    return lookup("modern_services_2023", "three_new_2018")[[*CODE, *TAGS]]
