"""The table of pilot units: supplied by the user, checked, never built in."""

from __future__ import annotations

import difflib
import re
from pathlib import Path

import numpy as np
import pandas as pd

from fusion.evaluation.errors import EvaluationError
from fusion.evaluation.tables import fault, faults, read, refuse, years
from fusion.language import said

COLUMNS = (
    "scheme", "level", "batch", "kind", "unit", "name", "notice", "start", "end", "revoked", "source", "verified",
    "serves",
)  # fmt: skip
OPTIONAL = ("notice", "end", "revoked", "source", "verified", "serves")
MARKED = "marked in the panel"  # scheme of enterprises that no table names
LEVELS = ("national", "provincial", "municipal", "district")
KINDS = ("region", "enterprise", "park", "platform")
# Column of the panel that holds each kind's units.
UNIT_COLUMN = {"region": "district", "enterprise": "firm_id", "park": "park_id", "platform": "firm_id"}
SERVED = {
    "district": "district",
    "park": "park_id",
    "path": "path",
}  # what a platform may serve, e.g. park:P01


def load(file: Path) -> pd.DataFrame:
    """Pilot units, one row each; see ``data/evaluation/README.md`` for the columns.

    Raises
    ------
    EvaluationError
        With every cell that is not allowed: words, years, an end before the start, a unit named twice in a batch, a
        verified unit without a notice and a source, an empty ``verified``: whether it was read must be said. A table
        without that column has units that nobody read.
    """
    table = read(file, [c for c in COLUMNS if c not in OPTIONAL])
    table = table.assign(**({} if "verified" in table else {"verified": "no"}))
    table = table.reindex(columns=list(dict.fromkeys([*COLUMNS, *table.columns])), fill_value="")
    table["verified"] = table["verified"].replace({"是": "yes", "否": "no"})
    name = file.name
    found = faults(table, "level", LEVELS, name) + faults(table, "kind", KINDS, name)
    found += faults(table, "verified", ("yes", "no"), name) + years(table, "start", name, empty=False)
    for column in ("end", "revoked"):
        found += years(table, column, name, empty=True)
    found += [fault(name, i, "no_unit") for i in table.index[table["unit"] == ""]]
    found += _served(table, name)
    refuse(found)
    for column in ("end", "revoked"):
        early = table.index[(table[column] != "") & (table[column] < table["start"])]
        found += [
            fault(name, i, "early", column=column, year=table.loc[i, column], start=table.loc[i, "start"])
            for i in early
        ]
    twice = table.index[table.duplicated(["scheme", "batch", "kind", "unit"])]
    found += [fault(name, i, "twice", unit=table.loc[i, "unit"]) for i in twice]
    unproved = table.index[(table["verified"] == "yes") & ((table["notice"] == "") | (table["source"] == ""))]
    found += [fault(name, i, "unproved") for i in unproved]
    refuse(found)
    return typed(table)


def typed(table: pd.DataFrame) -> pd.DataFrame:
    """Years as nullable integers, ``verified`` as a flag."""
    numbers = {
        c: pd.to_numeric(table[c], errors="coerce").astype("Int64") for c in ("start", "end", "revoked")
    }
    return table.assign(**numbers, verified=table["verified"] == "yes")


def dated(pilots: pd.DataFrame, as_of: int) -> pd.DataFrame:
    """Where each pilot stands in a year.

    Parameters
    ----------
    pilots : pandas.DataFrame
        As `load` gives them.
    as_of : int
        The year.

    Returns
    -------
    pandas.DataFrame
        With ``last`` (the last year that counts as since the start: of the term, before a revocation, up to the year)
        and ``stage``: not begun, mid-term, final, revoked; ``open`` where no end is recorded.
    """
    end, revoked = pilots["end"].astype("Int64"), pilots["revoked"].astype("Int64")
    last = pd.concat([end, revoked - 1, pd.Series(as_of, index=pilots.index, dtype="Int64")], axis=1).min(
        axis=1
    )
    stage = pd.Series("mid-term", index=pilots.index, dtype=object)
    stage[end.isna()] = "open"
    stage[(end <= as_of).fillna(False).to_numpy(bool)] = "final"
    stage[(revoked <= as_of).fillna(False).to_numpy(bool)] = "revoked"
    stage[(pilots["start"] > as_of).fillna(False).to_numpy(bool)] = "not begun"
    return pilots.assign(last=last.astype("Int64"), stage=stage)


def declared(file: Path | None, panel: pd.DataFrame, start_column: str | None) -> pd.DataFrame:
    """Pilot units of a table, else the enterprises that a column of the panel marks, else none."""
    if file is not None:
        return load(file)
    if start_column and start_column in panel.columns:
        return from_panel(panel, start_column, "pilot_end_year", MARKED)
    return typed(pd.DataFrame(columns=list(COLUMNS)))


def from_panel(panel: pd.DataFrame, start_column: str, end_column: str | None, scheme: str) -> pd.DataFrame:
    """Enterprise pilots as the panel itself records them, where no table is supplied.

    Parameters
    ----------
    panel : pandas.DataFrame
        firm_id and the year in which a firm's pilot starts (empty = never).
    start_column, end_column : str
        Columns of the first and, if recorded, the last year.
    scheme : str
        What to call them; they are not verified, for no notice was seen.
    """
    ends = [end_column] if end_column and end_column in panel.columns else []
    units = panel.dropna(subset=[start_column]).drop_duplicates("firm_id")[["firm_id", start_column, *ends]]
    blank = dict.fromkeys(COLUMNS, "")
    table = pd.DataFrame(
        [blank | {"scheme": scheme, "level": "municipal", "batch": str(int(row[1])), "kind": "enterprise", "unit": row[0]}
         for row in units.itertuples(index=False)], columns=list(COLUMNS),
    )  # fmt: skip
    table["start"] = units[start_column].astype(int).astype(str).to_numpy()
    if ends:
        table["end"] = [str(int(v)) if pd.notna(v) else "" for v in units[ends[0]]]
    table["verified"] = "no"
    return typed(table)


def matched(pilots: pd.DataFrame, panel: pd.DataFrame, as_of: int | None = None) -> pd.DataFrame:
    """For each pilot, how many of the panel's rows and years it has: one that has none is named, not dropped.

    Parameters
    ----------
    pilots, panel : pandas.DataFrame
        Pilots as `load` gives them; firm_id, year and the columns of the kinds' units.
    as_of : int, optional
        Year of the evaluation; later years do not count. By default the panel's last.

    Returns
    -------
    pandas.DataFrame
        The pilots as `dated`, with ``firms``, ``rows``, ``years_before``, ``years_after`` (within the term), ``found``.
    """
    at = int(panel["year"].max()) if as_of is None else as_of
    pilots = dated(pilots, at)
    by_unit = {kind: _by_unit(panel, str(kind)) for kind in pilots["kind"].unique()}
    # Numbers in place of names: a filter of a table for each of thousands of pilots takes longer than all else.
    firm, year = pd.factorize(panel["firm_id"])[0], panel["year"].to_numpy(float)
    rows = []
    for pilot in pilots.to_dict("records"):
        own = by_unit[pilot["kind"]].get(pilot["unit"], np.empty(0, int))
        if pilot["serves"]:
            own = np.flatnonzero(rows_of(panel, pilot["kind"], pilot["unit"], pilot["serves"], strict=False))
        years, firms = year[own], firm[own]
        before, since = years < pilot["start"], (years >= pilot["start"]) & (years <= pilot["last"])
        counts = (len(np.unique(part)) for part in (firms[firms >= 0], years[before], years[since]))
        firms_there, *years_there = counts
        rows.append((firms_there, len(own), *years_there))
    names = ["firms", "rows", "years_before", "years_after"]
    counted = pd.DataFrame(rows, columns=names, index=pilots.index)
    return pilots.join(counted).assign(found=counted["rows"] > 0)


def rows_of(panel: pd.DataFrame, kind: str, unit: str, serves: str = "", *, strict: bool = True) -> pd.Series:
    """Which rows of the panel belong to a pilot unit: one firm's, all of a district or park, or those a platform serves.

    Parameters
    ----------
    panel : pandas.DataFrame
        firm_id and the columns of the kinds' units.
    kind, unit, serves : str
        As in the table of pilots; ``serves`` has firm_ids or ``district:``, ``park:``, ``path:`` with a code, each after a
        semicolon; a platform without it is itself a firm.
    strict : bool
        Raise where the panel cannot say; otherwise nothing belongs.

    Raises
    ------
    EvaluationError
        If the panel does not say which rows those are.
    """
    asked = [f"{kind}:{unit}"] if not serves else [s.strip() for s in re.split("[;；]", serves) if s.strip()]
    found = pd.Series(False, index=panel.index)
    for one in asked:
        group, _, code = one.rpartition(":")
        column = UNIT_COLUMN.get(group) or SERVED.get(group, "firm_id")
        if column in panel.columns:
            found |= (panel[column].astype(str) == code).fillna(False).to_numpy(bool)
        elif strict:
            raise EvaluationError(said("evaluation.pilots_need", kind=kind, column=column))
    return found


def _served(table: pd.DataFrame, file: str) -> list[str]:
    """Cells of ``serves`` that begin with another word than those of `SERVED`."""
    found = []
    for i, cell in table.loc[table["serves"].str.contains(":"), "serves"].items():
        for one in (s.strip() for s in re.split("[;；]", cell)):
            group, mark, code = one.rpartition(":")
            if mark and not (group in SERVED and code):
                near = difflib.get_close_matches(group, SERVED, 1, 0.5)
                hint = said("evaluation.nearest", near=near[0]) if near else ""
                found.append(fault(file, i, "serves", value=one, hint=hint))
    return found


def _by_unit(panel: pd.DataFrame, kind: str) -> dict[str, np.ndarray]:
    """Positions of the rows of each unit of a kind; none where the panel has no such column."""
    column = UNIT_COLUMN[kind]
    if column not in panel.columns:
        return {}
    known = np.flatnonzero(panel[column].notna())
    units = panel[column].iloc[known].astype(str).groupby(panel[column].iloc[known].astype(str).to_numpy())
    return {str(unit): known[places] for unit, places in units.indices.items()}
