"""The table of pilot units: supplied by the user, checked, never built in."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from fusion.evaluation.errors import EvaluationError
from fusion.evaluation.tables import cell, fault, faults, read, refuse, years
from fusion.language import said

COLUMNS = (
    "scheme", "level", "batch", "kind", "unit", "name", "notice", "start", "end", "revoked", "source", "verified",
    "goal_indicator", "goal_value", "goal_year",
)  # fmt: skip
MARKED = "marked in the panel"  # scheme of enterprises that no table names
LEVELS = ("national", "provincial", "municipal", "district")
KINDS = ("region", "enterprise", "park", "platform")
# Column of the panel that holds each kind's units.
UNIT_COLUMN = {"region": "district", "enterprise": "firm_id", "park": "park_id", "platform": "firm_id"}


def load(file: Path) -> pd.DataFrame:
    """Pilot units, one row each; see ``data/evaluation/README.md`` for the columns.

    Raises
    ------
    EvaluationError
        With every cell that is not allowed: words, years, an end before the start, a unit named twice in a batch, a
        verified unit without a notice and a source.
    """
    table = read(file, COLUMNS)
    name = file.name
    found = faults(table, "level", LEVELS, name) + faults(table, "kind", KINDS, name)
    found += faults(table, "verified", ("yes", "no"), name) + years(table, "start", name, empty=False)
    for column in ("end", "revoked", "goal_year"):
        found += years(table, column, name, empty=True)
    found += [fault(name, i, "no_unit") for i in table.index[table["unit"] == ""]]
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
    unclear = table.index[
        (table["goal_indicator"] != "") & pd.to_numeric(table["goal_value"], errors="coerce").isna()
    ]
    found += [cell(table, i, "goal_value", name, said("evaluation.word.number")) for i in unclear]
    refuse(found)
    return typed(table)


def typed(table: pd.DataFrame) -> pd.DataFrame:
    """Years as nullable integers, goals as numbers, ``verified`` as a flag."""
    numbers = {
        c: pd.to_numeric(table[c], errors="coerce").astype("Int64")
        for c in ("start", "end", "revoked", "goal_year")
    }
    goal = pd.to_numeric(table["goal_value"], errors="coerce")
    return table.assign(**numbers, goal_value=goal, verified=table["verified"] == "yes")


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


def matched(pilots: pd.DataFrame, panel: pd.DataFrame) -> pd.DataFrame:
    """For each pilot, how many of the panel's rows and years it has: one that has none is named, not dropped.

    Returns
    -------
    pandas.DataFrame
        The pilots with ``firms``, ``rows``, ``years_before``, ``years_after``, ``found``.
    """
    rows = {}
    for kind, group in pilots.groupby("kind"):
        column = UNIT_COLUMN[str(kind)]
        known = (
            panel.dropna(subset=[column])
            if column in panel.columns
            else panel.iloc[:0].assign(**{column: ""})
        )
        of_unit = dict(iter(known.groupby(known[column].astype(str))[["firm_id", "year"]]))
        for pilot in group.itertuples():
            own = of_unit.get(pilot.unit, panel.iloc[:0])
            before = own["year"] < pilot.start
            years = own.loc[before, "year"].nunique(), own.loc[~before, "year"].nunique()
            rows[pilot.Index] = (own["firm_id"].nunique(), len(own), *years)
    names = ["firms", "rows", "years_before", "years_after"]
    counted = pd.DataFrame.from_dict(rows, orient="index", columns=names).reindex(pilots.index)
    return pilots.join(counted).assign(found=counted["rows"] > 0)


def rows_of(panel: pd.DataFrame, kind: str, unit: str) -> pd.Series:
    """Which rows of the panel belong to a pilot unit: one firm's, or all of a district or park.

    Raises
    ------
    EvaluationError
        If the panel does not say which rows those are.
    """
    column = UNIT_COLUMN[kind]
    if column not in panel.columns:
        raise EvaluationError(said("evaluation.pilots_need", kind=kind, column=column))
    return panel[column].astype(str) == unit
