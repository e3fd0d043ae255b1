"""The firm indicators: declared in one table, computed from it as one query on embedded DuckDB."""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import ibis
import pandas as pd
from ibis.expr.operations import InMemoryTable
from ibis.util import gen_name

from fusion.indicators import services
from fusion.language import listed, said

DATA = Path(__file__).resolve().parents[3] / "data"
FOLDER = DATA / "indicators"
CHAINS = ("industry", "value", "innovation", "service", "supply")
# Mean of this year's and last year's stock of the same firm; this year's alone where last year is not there.
AVERAGE = re.compile(r"avg2\((\w+)\)")
# Money at constant prices where the panel has a deflator, else as it is. Never both in one column.
REAL = re.compile(r"real\((\w+)\)")
_TWO_YEARS = (
    "CASE WHEN lag(year) OVER firm = year - 1 THEN ({0} + coalesce(lag({0}) OVER firm, {0})) / 2 ELSE {0} END"
)


class IndicatorError(ValueError):
    """An indicator that cannot be used; the message says which and what is allowed."""


@dataclass(frozen=True)
class Computed:
    """Indicators of a panel.

    Attributes
    ----------
    table : ibis.Table
        firm_id, year, one column for each computed code (NULL where a part is missing or a denominator is
        zero), and ``d4_from_io`` where D4 is among them.
    codes : list of str
        The computed codes, in the order asked for.
    missing : dict of str to list of str
        Codes that could not be computed: the columns that the panel lacks.
    nominal : list of str
        Computed codes that would be at constant prices, had the panel a deflator.
    """

    table: ibis.Table
    codes: list[str]
    missing: dict[str, list[str]]
    nominal: list[str]


@lru_cache
def _system() -> pd.DataFrame:
    table = pd.read_csv(FOLDER / "indicators.csv", dtype=str, keep_default_na=False, encoding="utf-8")
    return table.astype({"expected_min": float, "expected_max": float}).set_index("code", drop=False)


def system(codes: list[str] | None = None) -> pd.DataFrame:
    """The declared indicators, one row a code.

    Parameters
    ----------
    codes : list of str, optional
        Which ones, in this order; all by default.

    Raises
    ------
    IndicatorError
        When a code is not declared or asked for twice.
    """
    table = _system()
    for code in codes or []:
        if code not in table.index:
            near = difflib.get_close_matches(code, list(table.index), 3, 0.4)
            raise IndicatorError(
                said("indicators.no_indicator", code=code, near=listed(near) or said("indicators.none"))
            )
    if codes and len(set(codes)) < len(codes):
        raise IndicatorError(said("indicators.twice", codes=sorted({c for c in codes if codes.count(c) > 1})))
    return table.loc[codes].copy() if codes is not None else table.copy()


def held(table: ibis.Table) -> frozenset[str]:
    """Columns of a table that hold anything; one that is empty throughout is as good as absent."""
    con, own = table.get_backend(), ""
    if table.op().find(InMemoryTable):  # known to Ibis alone
        own = gen_name("fusion_held")
        table = con.create_table(own, table, temp=True)
    # One expression for all, as the engine's own SQL: a table may have thousands of columns.
    counts = con.con.execute(f"SELECT count(COLUMNS(*)) FROM ({con.compile(table)})").fetchone()
    if own:
        con.drop_table(own)
    return frozenset(name for name, count in zip(table.columns, counts, strict=True) if count)


def holding(table: ibis.Table) -> ibis.Table:
    """A table without its columns that hold nothing."""
    there = held(table)
    return table.select([name for name in table.columns if name in there])


def lacking(columns: Collection[str], codes: list[str] | None = None) -> dict[str, list[str]]:
    """Indicators that cannot be computed where a panel has these columns alone, and what they lack.

    Parameters
    ----------
    columns : collection of str
        Columns that hold something.
    codes : list of str, optional
        Which indicators; all by default.

    Returns
    -------
    dict of str to list of str
        Code: columns that it lacks; codes that lack nothing are not there.
    """
    declared = system(codes)["columns"].str.split(";")
    gaps = {str(code): [c for c in named if c not in columns] for code, named in declared.items()}
    if "ind4" in columns:  # D4 falls back on the input–output tables, which need the firm's industry alone
        gaps.pop("D4", None)
    return {code: gap for code, gap in gaps.items() if gap}


def compute(panel: ibis.Table, codes: list[str]) -> Computed:
    """Compute indicators as table expressions; a missing value stays missing and is never zero.

    Parameters
    ----------
    panel : ibis.Table
        firm_id, year and columns of the panel contract, on DuckDB; ``division`` (two-digit GB/T 4754 code)
        for the input–output fallback of D4.
    codes : list of str
        Codes of ``indicators.csv``.

    Returns
    -------
    Computed
    """
    declared = system(codes)
    there = set(panel.columns)
    # Without the division D4 has no input–output table to fall back on.
    gaps = lacking(there if "division" in there else there - {"ind4"}, codes)
    can = [code for code in codes if code not in gaps]
    formulas = declared.loc[can, "formula"]
    prepared = _prepare(_needed(panel, declared), formulas).cache()
    deflated = "deflator" in panel.columns
    columns = [f"CAST({_sql(formula, deflated)} AS double) AS {code}" for code, formula in formulas.items()]
    if "D4" in can:
        own = "100 * ps_input / nullif(intermediate_input, 0)"
        columns.append(f"({own}) IS NULL AND io_ps_share IS NOT NULL AS d4_from_io")
    query = ", ".join(["firm_id", "year", *columns])
    table = prepared.alias("prepared").sql(
        f"SELECT {query} FROM prepared WINDOW firm AS (PARTITION BY firm_id ORDER BY year) ORDER BY firm_id, year"
    )
    nominal = [] if deflated else [code for code, formula in formulas.items() if REAL.search(formula)]
    return Computed(table, can, gaps, nominal)


def io_shares() -> pd.DataFrame:
    """Share of producer services in intermediate inputs by division and year of the national tables.

    Returns
    -------
    pandas.DataFrame
        division (two digits), io_year, io_ps_share (%). Source: ``data/io/SOURCES.csv``.
    """
    tables = pd.read_csv(DATA / "io" / "producer_services_nbs.csv", dtype={"code": str})
    small = tables[tables["table_sectors"].astype(int) == 42]
    links = pd.read_csv(DATA / "io" / "gbt_to_io42.csv", dtype=str)
    links = links.assign(io_year=links["tables"].str.split(",")).explode("io_year").astype({"io_year": int})
    joined = links.merge(small, left_on=["io42_code", "io_year"], right_on=["code", "year"])
    return joined.assign(io_ps_share=100 * joined["ps_share_intermediate"])[
        ["division", "io_year", "io_ps_share"]
    ]


def out_of_range(values: pd.DataFrame, codes: list[str]) -> pd.Series:
    """Number of values outside each indicator's expected range."""
    declared = system(codes)
    low, high = declared["expected_min"], declared["expected_max"]
    return pd.Series({c: int(((values[c] < low[c]) | (values[c] > high[c])).sum()) for c in codes}, dtype=int)


def _needed(panel: ibis.Table, declared: pd.DataFrame) -> ibis.Table:
    """The panel's columns that formulas use."""
    listed = declared["columns"] + ";" + declared["optional"]
    named = {c for columns in listed for c in columns.split(";")}
    return panel.select([c for c in panel.columns if c in {"firm_id", "year", *named}])


def _sql(formula: str, deflated: bool) -> str:
    """A declared formula as SQL: averages, constant prices and sums over classes written out."""
    formula = AVERAGE.sub(lambda match: _TWO_YEARS.format(match[1]), formula)
    formula = REAL.sub(r"(\1 / nullif(deflator, 0))" if deflated else r"\1", formula)
    return services.REVENUE.sub(lambda match: services.column(match[1]), formula)


def _prepare(panel: ibis.Table, formulas: pd.Series) -> ibis.Table:
    """Add what formulas need beyond the panel's own columns."""
    backend = panel.get_backend()
    for statement in (FOLDER / "functions.sql").read_text("utf-8").split(";"):
        if statement.strip():
            backend.raw_sql(statement)  # type: ignore[attr-defined]
    if formulas.str.contains(r"service_types|revenue_in\(").any():
        panel = services.with_services(panel, list(formulas))
    if formulas.str.contains("io_ps_share").any():
        panel = _with_io_share(panel)
    return panel


def _with_io_share(panel: ibis.Table) -> ibis.Table:
    """The division's share in the national table nearest in time (the later one of two as near)."""
    absent = {c: ibis.null("float64") for c in ("ps_input", "intermediate_input") if c not in panel.columns}
    panel = panel.mutate(**absent)
    if "division" not in panel.columns:
        return panel.mutate(io_ps_share=ibis.null("float64"))
    shares = io_shares()
    years = range(int(panel.year.min().execute()), int(panel.year.max().execute()) + 1)
    nearest = pd.concat([_nearest(shares, year) for year in years])
    table = ibis.memtable(nearest)
    joined = panel.left_join(table, ["division", "year"], rname="{name}_io")
    return joined.drop("division_io", "year_io")


def _nearest(shares: pd.DataFrame, year: int) -> pd.DataFrame:
    distance = (shares["io_year"] - year).abs() - 0.1 * (shares["io_year"] > year)
    best = shares.loc[distance.groupby(shares["division"]).idxmin()]
    return best.assign(year=year)[["division", "year", "io_ps_share"]]
