"""Answers to queries, applied: what was corrected, by whom, why; what was reported stays on record."""

from __future__ import annotations

import csv
import dataclasses
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ibis
import numpy as np
import pandas as pd

from fusion.editing.blocks import items
from fusion.language import listed, said
from fusion.panel import checks, sheets
from fusion.panel.contract import MONEY, MONEY_UNITS, ROW
from fusion.panel.errors import PanelError, examples, nearest
from fusion.panel.readers import Raw

NEEDED = ("unit", "year", "field", "kind", "reason", "who", "decided_at")
OPTIONAL = ("form", "old", "new", "factor", "measure", "source")
KINDS = ("slip", "digits", "other", "confirmed", "imputed")
ALL = "*"
LOG = [
    "row",
    "unit",
    "year",
    "field",
    "old",
    "new",
    "factor",
    "kind",
    "reason",
    "source",
    "who",
    "decided_at",
]
_SHOWN = 8


@dataclass(frozen=True)
class Applied:
    """A panel with its corrections.

    Attributes
    ----------
    raw : Raw
        As corrected.
    log : pandas.DataFrame
        One line a cell: ``row, unit, year, field, old, new, factor, kind, reason, source, who, decided_at``.
    confirmed : frozenset of (int, str)
        Row and field (``*``: the form) whose value was confirmed: it is doubted no more.
    """

    raw: Raw
    log: pd.DataFrame
    confirmed: frozenset[tuple[int, str]]


def read(path: Path) -> pd.DataFrame:
    """Read a file of corrections (CSV in UTF-8 or GB18030, or Excel).

    Parameters
    ----------
    path : Path
        Columns ``unit, year, field, kind, reason, who, decided_at``, and as needed ``form, old, new, factor, measure,
        source``. ``field``: a column of the panel, or ``*`` for all money of the form, with ``factor`` k: the reported value
        is 10^k times the right one. ``old`` and ``new`` are in ``measure`` (万元 if empty). ``kind``: ``slip``, ``digits``,
        ``other``, ``confirmed`` or ``imputed``.

    Returns
    -------
    pandas.DataFrame
        Typed, with ``line`` of the file.

    Raises
    ------
    PanelError
        All that is wrong with the file, each with its line.
    """
    frame = _cells(path)
    missing = [c for c in NEEDED if c not in frame]
    unknown = [c for c in frame if c not in (*NEEDED, *OPTIONAL)]
    if missing or unknown:
        hint = examples(f"{str(name)[:60]}{nearest(name, (*NEEDED, *OPTIONAL))}" for name in unknown)
        raise PanelError(
            said(
                "editing.heads",
                path=path.name,
                missing=listed(missing),
                unknown=hint,
                allowed=listed((*NEEDED, *OPTIONAL)),
            )
        )
    frame = (
        frame.reindex(columns=[*NEEDED, *OPTIONAL]).astype(object).fillna("").map(lambda x: str(x).strip())
    )
    frame.insert(0, "line", range(2, len(frame) + 2))
    frame = frame.loc[frame[list(NEEDED)].ne("").any(axis=1)].reset_index(drop=True)
    faults = [fault for line in frame.to_dict("records") for fault in _faults(line)]
    faults += [
        said("editing.twice", line=line)
        for line in frame.loc[frame.duplicated(["unit", "year", "field"]), "line"]
    ]
    _refuse(path.name, faults)
    typed = {c: pd.to_numeric(frame[c].str.replace(",", "")) for c in ("year", "old", "new", "factor")}
    frame = frame.assign(**typed)
    scale = frame["measure"].replace("", MONEY).map(MONEY_UNITS).to_numpy(float)
    return frame.assign(old=frame["old"] * scale, new=frame["new"] * scale)


def _cells(path: Path) -> pd.DataFrame:
    if not os.path.isfile(path):
        raise PanelError(said("editing.no_file", path=path))
    told = _rows(path)
    heads = told[0] if told else []
    widest = max(map(len, told), default=0)
    heads += [f"column {i + 1}" for i in range(len(heads), widest)]
    rows = [[*row, *[""] * (widest - len(row))] for row in told[1:]]
    twice = sorted({name for name in heads if heads.count(name) > 1})
    if twice:
        raise PanelError(said("editing.heads_twice", path=path.name, twice=listed(twice)))
    return pd.DataFrame(rows, columns=pd.Index(heads, dtype=object))


def _rows(path: Path) -> list[list[str]]:
    """Rows of a file as text, without empty cells at their ends."""
    if path.suffix.lower() in sheets.KINDS:
        return list(sheets.rows(path, sheets.names(path)[0]))
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            with path.open(encoding=encoding, newline="") as stream:
                rows = [[cell.strip() for cell in row] for row in csv.reader(stream, strict=True)]
        except UnicodeDecodeError:
            continue
        except (csv.Error, OSError) as error:
            raise PanelError(said("editing.unreadable", path=path.name, error=error)) from None
        return [row[: max((i for i, c in enumerate(row, 1) if c), default=0)] for row in rows]
    raise PanelError(said("editing.unreadable", path=path.name, error="UTF-8, GB18030"))


def _faults(line: dict[str, Any]) -> list[str]:
    """What is wrong with one line by itself."""
    found = [said("editing.empty", line=line["line"], field=name) for name in NEEDED if not line[name]]
    for name in ("year", "old", "new", "factor"):
        if line[name] and not _is_number(line[name]):
            found.append(said("editing.no_number", line=line["line"], field=name, value=line[name]))
    if line["kind"] and line["kind"] not in KINDS:
        found.append(said("editing.kind", line=line["line"], value=line["kind"], allowed=listed(KINDS)))
    if line["measure"] and line["measure"] not in MONEY_UNITS:
        found.append(
            said("editing.measure", line=line["line"], value=line["measure"], allowed=listed(MONEY_UNITS))
        )
    if line["decided_at"] and pd.isna(pd.to_datetime(line["decided_at"], errors="coerce")):
        found.append(said("editing.no_date", line=line["line"], value=line["decided_at"]))
    changes = line["kind"] != "confirmed"
    if changes and line["field"] == ALL and not line["factor"]:
        found.append(said("editing.no_factor", line=line["line"]))
    if changes and line["field"] != ALL and not (line["new"] and (line["old"] or line["kind"] == "imputed")):
        found.append(said("editing.no_value", line=line["line"]))
    return found


def _is_number(text: str) -> bool:
    return bool(np.isfinite(pd.to_numeric(text.replace(",", ""), errors="coerce")))


def _refuse(name: str, faults: list[str]) -> None:
    if faults:
        more = said("editing.more", count=len(faults) - _SHOWN) if len(faults) > _SHOWN else ""
        raise PanelError(
            said("editing.refused", path=name, faults="\n".join(f"  {f}" for f in faults[:_SHOWN]) + more)
        )


def nothing() -> pd.DataFrame:
    """A log of corrections without a line."""
    return pd.DataFrame({c: pd.Series(dtype=object) for c in LOG})


def given(raw: Raw, file: str | None, root: Path) -> Applied:
    """The panel with the corrections of a file, or as it is where the study names none."""
    if file is None:
        return Applied(raw, nothing(), frozenset())
    return apply(raw, read(root / file), Path(file).name)


def apply(raw: Raw, corrections: pd.DataFrame, name: str = "corrections") -> Applied:
    """Apply corrections to a panel that was read.

    Parameters
    ----------
    raw : Raw
        The panel.
    corrections : pandas.DataFrame
        As :func:`read` gives it.
    name : str
        Of the file, for messages.

    Returns
    -------
    Applied

    Raises
    ------
    PanelError
        All together: units and years that are not there or there twice, fields that the panel lacks, an old value that
        is not the one that was read, a new one that changes nothing, a rule between columns that is newly broken.
    """
    lines, faults = _placed(raw, _renamed(raw, corrections, name))
    cells = _by_cell(raw, lines)
    faults += _stale(cells)
    _refuse(name, faults)
    changed = cells.loc[cells["kind"] != "confirmed"]
    mended = _with(raw, changed)
    _refuse(name, _newly_broken(raw, mended, changed))
    silent = cells.loc[cells["kind"] == "confirmed"]
    whole = lines.loc[(lines["kind"] == "confirmed") & (lines["field"] == ALL), "row"]
    confirmed = {(int(r), f) for r, f in zip(silent["row"], silent["field"], strict=True)}
    return Applied(mended, cells[LOG], frozenset(confirmed | {(int(r), ALL) for r in whole}))


def _renamed(raw: Raw, corrections: pd.DataFrame, name: str) -> pd.DataFrame:
    """Corrections under the names that columns have from reading on; a file may name either."""
    new = {column.reported_as: now for now, column in raw.columns.items() if column.reported_as}
    lines = corrections.assign(field=corrections["field"].replace(new)) if new else corrections
    twice = lines.loc[lines.duplicated(["unit", "year", "field"]), "line"]
    _refuse(name, [said("editing.twice", line=line) for line in twice])
    return lines


def _placed(raw: Raw, corrections: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
    """Corrections with the row that each means."""
    keys = corrections[["unit", "year"]].drop_duplicates()
    known = raw.table.select(
        ROW, unit=raw.table["firm_id"].cast("string"), year=raw.table["year"].cast("float64")
    )
    rows = known.semi_join(ibis.memtable(keys.astype({"year": float})), ["unit", "year"]).to_pandas()
    counted = rows.groupby(["unit", "year"])[ROW].agg(["first", "size"]).reset_index()
    lines = corrections.astype({"year": float}).merge(counted, on=["unit", "year"], how="left")
    faults = [
        said("editing.no_unit", line=x["line"], unit=x["unit"], year=int(x["year"]))
        for x in lines.loc[lines["size"].isna()].to_dict("records")
    ]
    faults += [
        said("editing.unit_twice", line=x["line"], unit=x["unit"], year=int(x["year"]), rows=int(x["size"]))
        for x in lines.loc[lines["size"] > 1].to_dict("records")
    ]
    fields = {c for c, column in raw.columns.items() if column.is_number and c != "year"}
    for x in lines.loc[~lines["field"].isin({*fields, ALL})].to_dict("records"):
        hint = nearest(x["field"], fields)
        faults.append(said("editing.no_field", line=x["line"], field=x["field"], hint=hint))
    lines = lines.loc[lines["field"].isin({*fields, ALL}) & (lines["size"] == 1)]
    return lines.rename(columns={"first": "row"}).astype({"row": "int64", "year": "int64"}), faults


def _by_cell(raw: Raw, lines: pd.DataFrame) -> pd.DataFrame:
    """One line a cell, with the value that was read."""
    money = [c for c in items() if c in raw.columns]
    whole = lines.loc[lines["field"] == ALL]
    single = lines.loc[lines["field"] != ALL]
    spread = whole.drop(columns="field").merge(pd.DataFrame({"field": money}), how="cross")
    cells = pd.concat([single.assign(of_form=False), spread.assign(of_form=True)], ignore_index=True)
    wanted = sorted(set(cells["field"]))
    table = raw.table.select(ROW, **{c: raw.table[c].cast("float64") for c in wanted})
    read_values = table.semi_join(
        ibis.memtable(cells[["row"]].rename(columns={"row": ROW}).drop_duplicates()), ROW
    )
    long = (
        read_values.to_pandas()
        .melt(id_vars=[ROW], var_name="field", value_name="read")
        .rename(columns={ROW: "row"})
    )
    cells = cells.merge(long, on=["row", "field"], how="left")
    cells = cells.loc[~(cells["of_form"] & cells["read"].fillna(0.0).eq(0.0))]
    by_factor = cells["factor"].notna() & cells["new"].isna()
    new = np.where(by_factor, cells["read"] * 10.0 ** -cells["factor"].fillna(0), cells["new"])
    old = cells["old"].where(cells["old"].notna() | cells["kind"].eq("imputed"), cells["read"])
    return cells.assign(old=old, new=np.where(cells["kind"] == "confirmed", cells["read"], new))


def _stale(cells: pd.DataFrame) -> list[str]:
    """Old values that are not what was read, and new ones that change nothing."""
    found = []
    for x in cells.to_dict("records"):
        same = np.isclose(x["old"], x["read"], rtol=1e-6, atol=1e-6) or (
            pd.isna(x["old"]) and pd.isna(x["read"])
        )
        if not same:
            found.append(
                said("editing.stale", line=x["line"], field=x["field"], old=_g(x["old"]), read=_g(x["read"]))
            )
        elif x["kind"] != "confirmed" and np.isclose(x["new"], x["read"], rtol=1e-12, atol=0):
            found.append(said("editing.same", line=x["line"], field=x["field"], new=_g(x["new"])))
    return found


def _g(value: float) -> str:
    return "—" if pd.isna(value) else f"{value:,.10g}"


def _with(raw: Raw, cells: pd.DataFrame) -> Raw:
    """The panel with new values in some cells."""
    if cells.empty:
        return raw
    return dataclasses.replace(raw, table=replaced(raw.table, cells))


def replaced(table: ibis.Table, cells: pd.DataFrame) -> ibis.Table:
    """A table with new values in some cells.

    Parameters
    ----------
    table : ibis.Table
        With ``source_row``.
    cells : pandas.DataFrame
        ``row, field, new``.
    """
    wide = cells.pivot(index="row", columns="field", values="new").reset_index()
    fields = [c for c in wide if c != "row"]
    wide = wide.rename(columns={"row": ROW} | {c: f"new_{c}" for c in fields}).astype(
        dict.fromkeys((f"new_{c}" for c in fields), float)
    )
    given = table.get_backend().create_table(ibis.util.gen_name("corrected"), wide, temp=True)
    joined = table.left_join(given, ROW)
    new = {c: ibis.coalesce(joined[f"new_{c}"].cast(table[c].type()), joined[c]) for c in fields}
    return joined.mutate(**new).select(*table.columns).cache()


def _newly_broken(raw: Raw, mended: Raw, cells: pd.DataFrame) -> list[str]:
    """Rules of severity error that a correction breaks and that the return kept."""
    if cells.empty:
        return []
    rows = [int(row) for row in cells["row"].unique()]
    before, after = (
        checks.broken(dataclasses.replace(r, table=r.table.filter(r.table[ROW].isin(rows))))
        for r in (raw, mended)
    )
    new = (
        after.loc[~pd.MultiIndex.from_frame(after).isin(pd.MultiIndex.from_frame(before))]
        if len(before)
        else after
    )
    first = cells.drop_duplicates("row").set_index("row")
    return [
        said("editing.breaks", line=first["line"][x["row"]], unit=first["unit"][x["row"]], rule=x["rule"])
        for x in new.to_dict("records")
    ]
