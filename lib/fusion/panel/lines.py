"""The lines above which units report every year (规模以上、限额以上), by industry and year, and who crosses them.

``data/contract/lines.csv`` has the lines with their sources. A unit without a line in its industry and year, or whose revenue
is missing, is neither above nor below; where a qualification decides (construction) nothing is said.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import ibis
import pandas as pd

from fusion.panel.contract import DATA

NEEDS = {"firm_id", "year", "ind4", "class_version", "operating_revenue"}
MOVES = ("above", "below", "enters", "leaves", "falls", "rises")


@cache
def table() -> pd.DataFrame:
    """Lines as they stand in the file."""
    return pd.read_csv(DATA / "contract" / "lines.csv", dtype=str, keep_default_na=False)


@cache
def by_code() -> pd.DataFrame:
    """One line for each edition and beginning of a code: ``edition, prefix, first, last, at_least, or_staff, state``."""
    lines = []
    for row in table().to_dict("records"):
        for edition in row["editions"].split("|"):
            for prefix in _prefixes(row["codes"]):
                last = int(row["last_year"] or 9999)
                numbers = [float(row[name]) if row[name] else None for name in ("at_least", "or_staff")]
                lines.append(
                    (edition, prefix, int(row["first_year"]), last, *numbers, row["state_always"] == "1")
                )
    names = ["edition", "prefix", "first", "last", "at_least", "or_staff", "state"]
    return pd.DataFrame(lines, columns=names).astype({"at_least": float, "or_staff": float})


def flagged(panel: ibis.Table) -> ibis.Table:
    """The panel's keys with ``above_line``: true, false, or missing where no line holds or revenue is not known."""
    held = by_code()
    code = panel.ind4.re_replace("^[A-T]", "")
    wide = panel.mutate(prefix2=code.substr(0, 2), prefix4=code)
    finest = []
    con = panel.get_backend()
    for width in (4, 2):
        # A table of the engine, not of memory: what stands on it can be a view.
        own = held[held["prefix"].str.len() == width]
        lines = con.create_table(f"fusion_lines_{width}", own, temp=True, overwrite=True)
        on = [wide.class_version == lines.edition, wide[f"prefix{width}"] == lines.prefix,
              wide.year >= lines["first"], wide.year <= lines["last"]]  # fmt: skip
        finest.append(wide.inner_join(lines, on).select("firm_id", "year", *_above(wide, lines)))
    return ibis.union(*finest).distinct()


def marked(panel: ibis.Table) -> ibis.Table:
    """The panel with ``above_line``, where it has what tells it (:data:`NEEDS`); else as it is."""
    if not NEEDS.issubset(panel.columns):
        return panel
    by = flagged(panel).group_by(["firm_id", "year"]).aggregate(above_line=lambda t: t.above_line.any())
    told = panel.get_backend().create_table("fusion_above", by, temp=True, overwrite=True)
    return panel.left_join(told, ["firm_id", "year"]).select(*panel.columns, "above_line")


def moves(panel: ibis.Table) -> pd.DataFrame:
    """By year: units above and below their line; those that enter and leave the data, fall below and rise above it.

    Who enters or leaves is told only of years whose neighbour the data have; a unit that leaves may have closed, moved or
    fallen below the line, which the data do not say; one that falls is still there and reports too little.
    """
    units = panel.select("firm_id", "year").distinct().to_pandas()
    kept = "above_line" in panel.columns
    told = panel.select("firm_id", "year", "above_line") if kept else flagged(panel)
    above = told.to_pandas().drop_duplicates(["firm_id", "year"])
    held = units.merge(above, how="left", on=["firm_id", "year"])
    years = set(held["year"])
    before = held.assign(year=held["year"] + 1)
    beside = held.merge(before, how="outer", on=["firm_id", "year"], suffixes=("", "_before"), indicator=True)
    lines = []
    for year, part in beside.groupby("year"):
        now, was = part["above_line"], part["above_line_before"]
        one_before = year - 1 in years
        own = part["_merge"].ne("right_only")
        counts = (now.eq(True).sum(), now.eq(False).sum(), part["_merge"].eq("left_only").sum() if one_before else 0,
                  (~own).sum(), (now.eq(False) & was.eq(True)).sum(), (now.eq(True) & was.eq(False)).sum())  # fmt: skip
        if year in years:
            lines.append((int(year), *map(int, counts)))
    return pd.DataFrame(lines, columns=["year", *MOVES])


# -- inside ------------------------------------------------------------------------------------
def _prefixes(codes: str) -> list[str]:
    found = []
    for part in codes.split("|"):
        first, _, last = part.partition("-")
        found += [f"{n:02d}" for n in range(int(first), int(last) + 1)] if last else [part]
    return found


def _above(panel: ibis.Table, lines: ibis.Table) -> list[Any]:
    enough = panel.operating_revenue >= lines.at_least
    if "employees_avg" in panel.columns:
        staff = panel.employees_avg >= lines.or_staff
        enough = (enough | staff.fill_null(False)).fill_null(enough)
    if "control_type" in panel.columns:
        state = lines.state & (panel.control_type == "soe")
        enough = state.fill_null(False).ifelse(True, enough)
    return [enough.name("above_line")]
