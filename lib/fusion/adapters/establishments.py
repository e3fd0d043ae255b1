"""Establishments (产业活动单位, form 611) rolled up: revenue of services by class, for each firm and year."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from fusion.adapters.model import Establishments
from fusion.panel import codes


@dataclass(frozen=True)
class RolledUp:
    """Where the establishments' rows went: ``read`` = ``used`` + ``no_key`` + ``no_class`` + ``no_revenue``.

    Rows without a class of GB/T 4754, and service establishments without revenue, are counted as
    establishments; the service revenue of their firm and year is then not known, and stays empty.
    ``firms_without`` counts firms and years that have establishments and no row in the panel.
    """

    read: int
    used: int
    no_key: int
    no_class: int
    no_revenue: int
    firms_without: int = 0


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
    dated = con.table(source).alias("dated").sql(f"SELECT {kept}, {edition} AS class_version FROM dated")
    dated, _ = codes.read(con, dated, f"{name}_read")
    con.con.execute(f"CREATE OR REPLACE TEMP VIEW {name}_coded AS {con.compile(dated)}")
    con.con.register("fusion_services", codes.in_sections(tuple(rule.service_sections)))
    con.con.register("fusion_held_classes", codes.classes())
    con.con.execute(
        f"CREATE OR REPLACE TEMP TABLE {name}_rows AS SELECT e.*, c.code IS NOT NULL AS known, "
        f"s.code IS NOT NULL AND c.code IS NOT NULL AS service FROM {name}_coded e "
        "LEFT JOIN fusion_held_classes c ON c.code = e.ind4 AND length(c.code) = 4 AND c.edition = e.class_version "
        "LEFT JOIN fusion_services s ON s.code = e.ind4 AND s.edition = e.class_version"
    )
    con.con.execute(_by_firm(name))
    read, used, no_key, no_class, no_revenue = con.con.execute(
        "SELECT count(*), count(*) FILTER (keyed AND known AND NOT (service AND empty)), count(*) FILTER (NOT keyed), "
        "count(*) FILTER (keyed AND NOT known), count(*) FILTER (keyed AND known AND service AND empty) FROM "
        "(SELECT known, service, operating_revenue IS NULL AS empty, firm_id IS NOT NULL AND year IS NOT NULL AS keyed "
        f"FROM {name}_rows)"
    ).fetchone()
    con.con.unregister("fusion_services")
    con.con.unregister("fusion_held_classes")
    return RolledUp(read, used, no_key, no_class, no_revenue)


def _by_firm(name: str) -> str:
    """Sums by class as JSON, codes in order; empty where a class or a service's revenue is not known."""
    return (
        f"CREATE OR REPLACE TEMP TABLE {name} AS WITH k AS (SELECT * FROM {name}_rows WHERE firm_id IS NOT NULL AND "
        "year IS NOT NULL), c AS (SELECT firm_id, year, ind4, sum(operating_revenue) AS revenue FROM k WHERE service "
        "GROUP BY ALL), j AS (SELECT firm_id, year, sum(revenue) AS service_revenue, '{' || string_agg('\"' || ind4 || "
        "'\": ' || revenue, ', ' ORDER BY ind4) || '}' AS service_rev_by_class FROM c WHERE revenue IS NOT NULL GROUP BY ALL), "
        "n AS (SELECT firm_id, year, count(*) AS n_establishments, count(*) FILTER (service) AS n_serv_establishments, "
        "bool_or(NOT known OR (service AND operating_revenue IS NULL)) AS unsure FROM k GROUP BY ALL) "
        "SELECT firm_id, year, CASE WHEN NOT unsure THEN coalesce(service_revenue, 0) END AS service_revenue, "
        "CASE WHEN NOT unsure THEN service_rev_by_class END AS service_rev_by_class, n_establishments, "
        "n_serv_establishments FROM n LEFT JOIN j USING (firm_id, year)"
    )
