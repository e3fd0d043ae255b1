"""Establishments (产业活动单位, form 611) and business segments rolled up: revenue of services by class, firm and year."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pandas as pd

from fusion.adapters.model import Establishments
from fusion.panel import activities as named
from fusion.panel import codes
from fusion.panel.activities import NO_PART, SERVICES

NEAR = 0.01  # of the enterprise's revenue, by which its parts' sum may be off
SHOWN = 5  # activities that no code is known of


@dataclass(frozen=True)
class RolledUp:
    """Where the rows went: ``read`` = ``used`` + ``no_key`` + ``no_class`` + ``no_revenue`` + ``no_part``.

    Rows without a class of GB/T 4754, and services without revenue, are counted as
    establishments; the service revenue of their firm and year is then not known, and stays empty. Where a service's
    class is not known (the adapter says `services`), the revenue is known and its classes are not.
    ``firms_without`` counts firms and years that have establishments and no row in the panel; of those that have both
    revenues, ``apart`` counts where the parts' sum is off by more than a hundredth, ``beside`` all.

    Attributes
    ----------
    no_part : int
        Rows that the adapter says are no part (eliminations between segments).
    unknown : tuple of str
        What stands most often in rows of ``no_class``.
    """

    read: int
    used: int
    no_key: int
    no_class: int
    no_revenue: int
    no_part: int = 0
    unknown: tuple[str, ...] = ()
    firms_without: int = 0
    beside: int = 0
    apart: int = 0


def activities(rule: Establishments) -> pd.DataFrame:
    """What a cell of the industry's column may say beside a code: ``name, edition, code, kind``.

    Names of classes stand for their codes; names of what is above a class say only whether it is a service.
    """
    services = tuple(rule.service_sections)
    own = [
        (name, edition, *named.stated(said, edition, services))
        for name, said in rule.codes.items()
        for edition in codes.EDITIONS
    ]
    table = pd.DataFrame(
        [*own, *named.official(services)], columns=["name", "edition", "code", "kind"], dtype="object"
    )
    return table.drop_duplicates(["name", "edition"])


def roll_up(con: Any, source: str, rule: Establishments, edition: str, name: str) -> RolledUp:
    """Make table ``name``: ``firm_id, year`` and the four columns, from ``firm_id, year, ind4, operating_revenue``.

    Parameters
    ----------
    con : ibis DuckDB backend
    source : str
        Table of establishments; revenue in 万元.
    rule : Establishments
        Which sections are services, by letters of GB/T 4754-2017.
    edition : str
        SQL of the edition of each row's code, over the table's columns.
    name : str
    """
    kept = "firm_id, year, ind4, operating_revenue"
    con.con.register("fusion_activities", activities(rule))
    con.con.execute(
        f"CREATE OR REPLACE TEMP TABLE {name}_dated AS SELECT d.* REPLACE (coalesce(a.code, CASE WHEN a.kind IS NULL "
        f"THEN d.ind4 END) AS ind4), a.kind AS kind, d.ind4 AS written FROM (SELECT {kept}, {edition} AS class_version "
        f"FROM {source}) d LEFT JOIN fusion_activities a ON a.name = trim(d.ind4) AND a.edition = d.class_version"
    )
    dated, _ = codes.read(con, con.table(f"{name}_dated"), f"{name}_read")
    con.con.execute(f"CREATE OR REPLACE TEMP VIEW {name}_coded AS {con.compile(dated)}")
    con.con.register("fusion_services", codes.in_sections(tuple(rule.service_sections)))
    con.con.register("fusion_held_classes", codes.classes())
    con.con.execute(
        f"CREATE OR REPLACE TEMP TABLE {name}_rows AS SELECT e.*, c.code IS NOT NULL OR e.kind IS NOT NULL AS known, "
        f"coalesce(e.kind = '{SERVICES}', s.code IS NOT NULL AND c.code IS NOT NULL) AS service, "
        f"coalesce(e.kind = '{NO_PART}', false) AS no_part, operating_revenue IS NULL AS empty, "
        f"firm_id IS NOT NULL AND year IS NOT NULL AS keyed FROM {name}_coded e "
        "LEFT JOIN fusion_held_classes c ON c.code = e.ind4 AND length(c.code) = 4 AND c.edition = e.class_version "
        "LEFT JOIN fusion_services s ON s.code = e.ind4 AND s.edition = e.class_version"
    )
    con.con.execute(_by_firm(name))
    counts = con.con.execute(
        "SELECT count(*), count(*) FILTER (keyed AND known AND NOT no_part AND NOT (service AND empty)), "
        "count(*) FILTER (NOT keyed), count(*) FILTER (keyed AND NOT known), "
        "count(*) FILTER (keyed AND known AND service AND empty), count(*) FILTER (keyed AND no_part) "
        f"FROM {name}_rows"
    ).fetchone()
    unknown = con.con.execute(
        f"SELECT left(written, 40) AS told FROM {name}_rows WHERE keyed AND NOT known AND written IS NOT NULL "
        f"GROUP BY ALL ORDER BY count(*) DESC, told LIMIT {SHOWN}"
    ).fetchall()
    for table in ("fusion_services", "fusion_held_classes", "fusion_activities"):
        con.con.unregister(table)
    read, used, no_key, no_class, no_revenue, no_part = counts
    return RolledUp(read, used, no_key, no_class, no_revenue, no_part, tuple(row[0] for row in unknown))


def _by_firm(name: str) -> str:
    """Sums by class as JSON, codes in order; empty where a class or a service's revenue is not known."""
    return (
        f"CREATE OR REPLACE TEMP TABLE {name} AS WITH k AS (SELECT * FROM {name}_rows WHERE keyed AND NOT no_part), "
        "c AS (SELECT firm_id, year, ind4, sum(operating_revenue) AS revenue FROM k WHERE service "
        "GROUP BY ALL), j AS (SELECT firm_id, year, sum(revenue) AS service_revenue, '{' || string_agg('\"' || ind4 || "
        "'\": ' || revenue, ', ' ORDER BY ind4) || '}' AS service_rev_by_class FROM c WHERE revenue IS NOT NULL GROUP BY ALL), "
        "n AS (SELECT firm_id, year, count(*) AS n_establishments, count(*) FILTER (service) AS n_serv_establishments, "
        "sum(operating_revenue) AS parts_revenue, bool_or(service AND ind4 IS NULL) AS classless, "
        "bool_or(NOT known OR (service AND empty)) AS unsure FROM k GROUP BY ALL) "
        "SELECT firm_id, year, CASE WHEN NOT unsure THEN coalesce(service_revenue, 0) END AS service_revenue, "
        "CASE WHEN NOT unsure AND NOT classless THEN service_rev_by_class END AS service_rev_by_class, n_establishments, "
        "n_serv_establishments, parts_revenue FROM n LEFT JOIN j USING (firm_id, year)"
    )
