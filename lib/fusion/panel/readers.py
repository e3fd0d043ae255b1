"""Read a panel: CSV, Parquet, Stata, Excel, or a loader ``package:function``.

Every reader ends in one typed table on the given DuckDB connection, with a ``source_row`` (from 1, the
first row after the header) that leads from each finding back to the source. No row is dropped here.
"""

# Ibis, not pandas: its tests for NULL are named isnull and notnull.
# ruff: noqa: PD003, PD004
from __future__ import annotations

import importlib
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import duckdb
import ibis
import pandas as pd
import pyarrow as pa

from fusion import encodings
from fusion.language import LANGUAGES, listed, said
from fusion.panel import codes, files, labelled, queries, sheets, text, totals
from fusion.panel.cast import HEADER, cast
from fusion.panel.contract import KEYS, MONEY, MONEY_UNITS, ROW, Column, expected, missing_columns
from fusion.panel.errors import PanelError, examples, nearest

RAW = "fusion_panel_raw"
TYPED = "fusion_panel_typed"
WORDS = ("str", "enum")  # types of columns in which labels stand for codes
SUGGESTED = (
    60  # headers that are not read for which a near name is looked for: each costs a look at all columns
)
LOADER = re.compile(r"^[A-Za-z_][\w.]*:[A-Za-z_]\w*$")
# Loaders that may run, by name and comma, or `all`: `fusion run --allow-code`, the user's own settings.
ALLOWED = "FUSION_ALLOW_CODE"
# Data that packages of the lock or of an extra bring; a study's file alone makes nothing else run.
OWN_LOADERS = frozenset({"linearmodels.datasets.jobtraining:load", "fusion.panel.published:innovation"})
FORMATS = ", ".join((".csv", ".tsv", *sheets.KINDS, ".parquet", *labelled.KINDS, queries.KIND))


@dataclass(frozen=True)
class Raw:
    """What was read.

    Attributes
    ----------
    table : ibis.Table
        ``source_row``, ``firm_id``, ``year``, then the columns of the contract and of the study, typed;
        money in 万元.
    quality : pandas.DataFrame
        What the reader has to tell: ``rule, severity, row, field, value, message_en, message_zh``.
    columns : dict of str to Column
        What is known of each column of the table, in order.
    source : str
        The source, for messages.
    rows : int
        Rows of the source.
    editions : mapping of int to str
        First year: edition of the codes, where the study or the adapter states it; empty where nobody does.
    """

    table: ibis.Table
    quality: pd.DataFrame
    columns: dict[str, Column]
    source: str
    rows: int
    editions: Mapping[int, str] = field(default_factory=dict)

    def apart(self) -> Raw:
        """It with the names that columns have from reading on."""
        new = {name: column.kept_as for name, column in self.columns.items() if column.kept_as}
        if not new:
            return self
        named = {
            new.get(n, n): replace(c, column=new[n], reported_as=n) if n in new else c
            for n, c in self.columns.items()
        }
        return replace(self, table=self.table.rename({new[n]: n for n in new}), columns=named)


def read(
    con: Any,
    source: str,
    *,
    root: Path,
    contract: str = "enterprise",
    rename: Mapping[str, str] | None = None,
    money_unit: str | None = None,
    encoding: str = "auto",
    sheet: str | None = None,
    extra_columns: Mapping[str, Any] | None = None,
    editions: Mapping[int, str] | None = None,
) -> Raw:
    """Read a panel from a file or a loader.

    Parameters
    ----------
    con : ibis DuckDB backend
    source : str
        File (its ending says the format), relative to ``root`` or absolute, or ``package:function``.
    root : pathlib.Path
        Folder to which a relative ``source`` refers.
    contract : {"enterprise", "minimal"}
        Which columns must be there.
    rename : mapping of str to str
        Source header to the contract's name.
    money_unit : {"元", "千元", "万元", "百万元", "亿元"} or None
        Unit of the source's money columns; must be given when a money column of the contract is read.
    encoding, sheet : str, str or None
        Of a CSV (``auto``, ``utf-8``, ``gb18030``); of an Excel file.
    extra_columns : mapping of str to mapping
        Columns beyond the contract, each declared.
    editions : mapping of int to str
        First year: edition of the industry codes where the source's ``class_version`` does not state it; default: the years
        in which the editions came into annual reports.

    Raises
    ------
    PanelError
        When the source cannot be read whole or lacks a column; nothing is left half read.
    """
    columns = expected(contract, extra_columns)
    editions = by_year(editions)
    notes: list[tuple[str, str, str, str, str]] = []
    left_out = pd.DataFrame(columns=HEADER)
    if LOADER.match(source) and not os.path.exists(root / source):
        given = _from_loader(con, source)
    else:
        given = _from_file(
            con, files.present(root / source, said("panel.mend_source")), encoding, sheet, notes
        )
    try:
        named = _dated(_renamed(given, source, rename or {}, columns), editions)
        named = _worded(named, _labels(root / source, rename or {}), columns, notes)
        if not LOADER.match(source):
            named, left_out = _units_alone(con, named, columns)
        raw = _typed(con, named, source, columns, money_unit, notes)
    except duckdb.Error as error:
        broken = said("panel.unreadable", source=source, reason=str(error).splitlines()[0])
        raise PanelError(files.no_memory(error, source) or broken) from None
    return replace(raw, editions=editions, quality=gathered([raw.quality, left_out])).apart()


def by_year(editions: Mapping[Any, str] | None) -> dict[int, str]:
    """Editions by their first year, which is a text where they came through JSON."""
    return {int(year): edition for year, edition in (editions or {}).items()}


def may_run(source: str) -> bool:
    """Whether the user, or the project, allows a loader to run: it is code, and a study's file is none."""
    allowed = [name.strip() for name in os.environ.get(ALLOWED, "").split(",")]
    return source in OWN_LOADERS or source in allowed or "all" in allowed


def take(
    con: Any,
    frame: pd.DataFrame,
    *,
    contract: str = "enterprise",
    extra_columns: Mapping[str, Any] | None = None,
) -> Raw:
    """Take a table that the workbook itself made (money in 万元) through the same contract."""
    raw = _from_frame(con, frame, "synthetic")
    return _typed(con, raw, "synthetic", expected(contract, extra_columns), MONEY, [])


def gathered(notes: Iterable[pd.DataFrame]) -> pd.DataFrame:
    """Notes of quality from several readers as one table."""
    told = [part for part in notes if len(part)]
    quality = pd.concat(told, ignore_index=True) if told else pd.DataFrame(columns=HEADER)
    return quality[HEADER].astype({"row": "Int64"})


# -- sources -----------------------------------------------------------------------------------
def _from_file(con: Any, path: Path, encoding: str, sheet: str | None, notes: list[Any]) -> ibis.Table:
    kind = files.kind(path)
    if kind in (".csv", ".tsv"):
        used, several = text.read_csv(con, path, encoding, f"{RAW}_text")
        if several:
            notes.append(
                ("line_ends", "", path.name, "rows end in several ways (CRLF, LF, CR), all read as ends of rows",
                 "行尾形式不一（CRLF、LF、CR），均按行尾读入")
            )  # fmt: skip
        if used != "utf-8" and encoding == "auto":
            notes.append(
                (
                    "encoding_found",
                    "",
                    used,
                    f"the file is not UTF-8 and was read as {encodings.NAMES[used]}",
                    f"文件不是 UTF-8，按 {encodings.NAMES[used]} 读入",
                )
            )
        return _view(con, f"{RAW}_csv", f"SELECT {_row(con, f'{RAW}_text')} AS {ROW}, * FROM {RAW}_text")
    if kind == ".parquet":
        return _from_parquet(con, path)
    if kind in labelled.KINDS:
        notes += labelled.notes(path)
        return _from_frame(con, labelled.rows(path), str(path))
    if kind == queries.KIND:
        return _from_frame(con, queries.rows(path), str(path))
    if kind in sheets.KINDS:
        return _from_frame(con, _excel(path, sheet, notes), str(path))
    raise PanelError(
        said("panel.not_a_format", path=path, kind=kind or said("panel.no_ending"), formats=FORMATS)
    )


def _row(con: Any, table: str) -> str:
    """The number of a table's row, from 1; a user's column called ``rowid`` hides the engine's."""
    hidden = "rowid" in map(str.lower, con.table(table).columns)
    return "row_number() OVER ()" if hidden else "rowid + 1"


def _from_parquet(con: Any, path: Path) -> ibis.Table:
    text.check_headers(path, files.parquet_headers(path))
    view = f"SELECT file_row_number + 1 AS {ROW}, * EXCLUDE (file_row_number) FROM {files.parquet(path)}"
    return _view(con, f"{RAW}_parquet", view)


def _excel(path: Path, sheet: str | None, notes: list[Any]) -> pd.DataFrame:
    names = sheets.names(path)
    with files.whole(path, "Excel", said("panel.mend_excel")):
        held = {name: _filled(path, name) for name in (names if sheet is None else [sheet]) if name in names}
    tables = [name for name, cells in held.items() if (cells.notna().sum(axis=1) > 1).sum() > 1]
    meant = files.sheet(path, tables if sheet is None and len(tables) == 1 else names, sheet)
    notes += sheet_notes(path, meant, [name for name in names if name != meant and sheet is None])
    cells = held[meant]
    if cells.empty:
        raise PanelError(said("panel.empty_sheet", path=path, meant=meant))
    headers = [sheets.text(None if pd.isna(h) else h) for h in cells.iloc[0]]
    text.check_headers(path, headers)
    return cells.iloc[1:].set_axis(headers, axis=1).apply(_plain)


def sheet_notes(path: Path, sheet: str, passed: Iterable[str]) -> list[tuple[str, str, str, str, str]]:
    """What there is to tell of a workbook: sheets that were passed over, formulas without a value."""
    lines = [
        (
            "sheet_passed_over",
            name,
            path.name,
            "a sheet that is no table; not read",
            "该工作表不是数据表，未读入",
        )
        for name in passed
    ]
    count, first = sheets.without_value(path, sheet)
    if count:
        where = ", ".join(first)
        lines.append(
            ("formula_without_value", sheet, f"{path.name}: {where}",
             f"{count} cells hold formulas whose values no program has stored, read as missing; open and save the file in a "
             "spreadsheet program", f"{count} 个单元格为公式且未存储计算结果，按缺失读入；请用电子表格软件打开并保存一次")
        )  # fmt: skip
    return lines


def _filled(path: Path, sheet: str) -> pd.DataFrame:
    """Rows of a sheet that hold something, as stored, without empty columns at their right."""
    rows = [row for row in sheets.cells(path, sheet) if any(value not in (None, "") for value in row)]
    table = pd.DataFrame(rows, dtype=object)
    last = max((i for i in table.columns if table[i].notna().any()), default=-1)
    return table.iloc[:, : last + 1]


def _plain(values: pd.Series) -> pd.Series:
    """A column of Excel cells: numbers if all are, else text as written."""
    present = values.dropna()
    if len(present) and present.map(lambda v: isinstance(v, int | float) and not isinstance(v, bool)).all():
        numbers = pd.to_numeric(values)
        if numbers.dtype != object:  # integers of any size stay as written
            return numbers
    return values.map(lambda v: None if pd.isna(v) else sheets.text(v) or None).astype("str")


def _from_loader(con: Any, source: str) -> ibis.Table:
    if not may_run(source):
        raise PanelError(said("panel.loader_not_allowed", source=source))
    package, function = source.split(":")
    try:
        load = getattr(importlib.import_module(package), function)
    except ImportError as error:
        raise PanelError(
            said("panel.loader_not_imported", source=source, package=package, error=error)
        ) from None
    except AttributeError:
        known = dir(importlib.import_module(package))
        raise PanelError(
            said(
                "panel.loader_lacks_function",
                source=source,
                package=package,
                function=function,
                hint=nearest(function, known),
            )
        ) from None
    if not callable(load):
        raise PanelError(said("panel.loader_no_function", source=source, function=function))
    frame = load()
    if hasattr(frame, "to_pandas"):
        frame = frame.to_pandas()
    if not isinstance(frame, pd.DataFrame):
        raise PanelError(said("panel.loader_no_table", source=source, kind=type(frame).__name__))
    return _from_frame(con, frame, source)


def _from_frame(con: Any, frame: pd.DataFrame, where: str) -> ibis.Table:
    if frame.empty:
        raise PanelError(said("panel.no_rows", where=where))
    named = frame.set_axis([str(c) for c in frame.columns], axis=1)
    text.check_headers(where, list(named.columns))
    # DuckDB has no type for pandas' categories; their labels are what was written.
    plain = named.assign(
        **{
            c: named[c].astype("str")
            for c in named.columns
            if isinstance(named[c].dtype, pd.CategoricalDtype)
        }
    )
    numbered = plain.reset_index(drop=True)
    numbered.insert(0, ROW, range(1, len(numbered) + 1))
    try:
        arrow = pa.Table.from_pandas(numbered, preserve_index=False)
    except (pa.ArrowException, OverflowError, TypeError, ValueError) as error:
        reason = str(error).partition("\n")[0][:300]
        raise PanelError(said("panel.unreadable", source=where, reason=reason)) from None
    con.con.register(f"{RAW}_frame", arrow)
    con.con.execute(f"CREATE OR REPLACE TEMP TABLE {RAW} AS SELECT * FROM {RAW}_frame")
    con.con.unregister(f"{RAW}_frame")
    return con.table(RAW)


def _view(con: Any, name: str, sql: str) -> ibis.Table:
    con.con.execute(f"CREATE OR REPLACE TEMP VIEW {name} AS {sql}")
    return con.table(name)


# -- names and types ---------------------------------------------------------------------------
def _typed(
    con: Any,
    named: ibis.Table,
    source: str,
    columns: Mapping[str, Column],
    money_unit: str | None,
    notes: list[tuple[str, str, str, str, str]],
) -> Raw:
    headers = [c for c in named.columns if c != ROW]
    _require(source, headers, columns)
    kept = {c: columns[c] for c in (*KEYS, *columns) if c in headers and columns[c].required != "derived"}
    rows = int(named.count().execute())
    if rows == 0:
        raise PanelError(said("panel.header_only", path=source))
    kept = {c: settled(named, column) for c, column in kept.items()}
    others = [header for header in headers if header not in kept]
    notes = notes + [_ignored(header, columns, number < SUGGESTED) for number, header in enumerate(others)]
    table, found = cast(con, named, kept, _scale(source, kept, money_unit), TYPED)
    table, read = codes.read(con, table, f"{TYPED}_read")
    told = pd.DataFrame([(rule, "warning", pd.NA, *rest) for rule, *rest in notes], columns=HEADER)
    return Raw(table, gathered([told, found, read]), kept, source, rows)


def settled(table: ibis.Table, column: Column) -> Column:
    """A column whose type the study leaves open (``auto``): numbers if all cells of the table are, else text."""
    if column.type != "auto":
        return column
    cells = table[column.column].cast("string").strip().nullif("")
    other = table.filter(cells.notnull() & cells.try_cast("float64").isnull()).count()
    return replace(column, type="float" if int(other.execute()) == 0 else "str")


def _renamed(
    raw: ibis.Table, source: str, rename: Mapping[str, str], columns: Mapping[str, Column]
) -> ibis.Table:
    headers = [c for c in raw.columns if c != ROW]
    absent = [f"'{name}'{nearest(name, headers)}" for name in rename if name not in headers]
    if absent:
        raise PanelError(
            said("panel.rename_absent", source=source, absent=listed(absent), headers=examples(headers, 20))
        )
    unknown = [f"'{new}'{nearest(new, columns)}" for new in rename.values() if new not in columns]
    if unknown:
        raise PanelError(said("panel.rename_unknown", unknown=listed(unknown)))
    after = [rename.get(header, header) for header in headers]
    twice = sorted({name for name in after if after.count(name) > 1})
    if twice:
        whence = "; ".join(
            f"{name}: {', '.join(repr(h) for h in headers if rename.get(h, h) == name)}" for name in twice
        )
        raise PanelError(said("panel.rename_twice", source=source, whence=whence))
    return raw.rename({new: old for old, new in rename.items() if new != old})


def _units_alone(
    con: Any, named: ibis.Table, columns: Mapping[str, Column]
) -> tuple[ibis.Table, pd.DataFrame]:
    """The rows that are units, and a note for each that is a total of them."""
    if KEYS[0] not in named.columns:
        return named, pd.DataFrame(columns=HEADER)
    con.con.execute(f"CREATE OR REPLACE TEMP VIEW {RAW}_named AS {con.compile(named)}")
    quoted = {c: '"' + c.replace('"', '""') + '"' for c in named.columns}
    known = {c: columns[c] for c in quoted if c in columns and c not in KEYS}
    beside = [c for c in quoted if c not in (ROW, *KEYS) and (c == "firm_name" or c not in known)][:3]
    at = totals.Places(
        f"{RAW}_named",
        ROW,
        quoted[KEYS[0]],
        [quoted[c] for c in dict.fromkeys(["firm_name"] * ("firm_name" in quoted) + beside)],
        quoted.get(KEYS[1]),
        [quoted[c] for c, column in known.items() if column.is_number or column.type == "auto"],
    )
    found = totals.find(con, at)
    rules = [totals.TOTAL if t.certain else totals.CALLED for t in found]
    told = [
        (r, "warning", t.row, KEYS[0], t.label, *totals.TOLD[r]) for r, t in zip(rules, found, strict=True)
    ]
    gone = [t.row for t in found if t.certain]
    units = named.filter(named[ROW].notin(gone)) if gone else named
    return units, pd.DataFrame(told, columns=HEADER)


def _labels(path: Path, rename: Mapping[str, str]) -> dict[str, dict[str, str]]:
    """By column of the panel, the words that a file has for its codes."""
    held = labelled.labels(path) if os.path.isfile(path) and files.kind(path) in labelled.KINDS else {}
    return {rename.get(header, header): words for header, words in held.items() if words}


def _worded(
    named: ibis.Table,
    labels: Mapping[str, Mapping[str, str]],
    columns: Mapping[str, Column],
    notes: list[Any],
) -> ibis.Table:
    """Codes as the words that the file has for them, in columns of texts; in columns of numbers they stay what they are."""
    made = {}
    for name, words in labels.items():
        if name in columns and name in named.columns and columns[name].type in WORDS:
            code = named[name].cast("float64").round().cast("int64").cast("string")
            cases = [(code == ibis.literal(key), ibis.literal(word)) for key, word in words.items()]
            made[name] = ibis.cases(*cases, else_=code)
            notes.append(
                ("labels_used", name, "; ".join(f"{k} = {v}" for k, v in list(words.items())[:5]),
                 "codes read as the words that the file has for them", "代码按文件所附的标签读入")
            )  # fmt: skip
    return named.mutate(**made) if made else named


def _dated(named: ibis.Table, editions: Mapping[int, str]) -> ibis.Table:
    """The source with the editions that a study states, else the year's, where it has codes and states none itself."""
    if "year" not in named.columns or not codes.CODED & set(named.columns):
        return named
    year = named["year"].cast("string").re_extract(r"^\s*([12]\d{3})", 1).nullif("").cast("int64")
    due = ibis.cases(*((year >= first, edition) for first, edition in codes.due(editions)))
    if "class_version" in named.columns:
        due = named["class_version"].cast("string").strip().nullif("").fill_null(due)
    return named.mutate(class_version=due)


def _require(source: str, headers: list[str], columns: Mapping[str, Column]) -> None:
    missing = missing_columns(headers, columns)
    if missing:
        listed = "\n  ".join(missing)
        raise PanelError(
            said(
                "panel.columns_missing",
                source=source,
                count=len(missing),
                missing=listed,
                headers=examples(headers, 30),
            )
        )


def _scale(source: str, kept: Mapping[str, Column], money_unit: str | None) -> float:
    money = [c for c, column in kept.items() if column.unit == MONEY and column.role != "extra"]
    if not money:
        return 1.0
    if money_unit is None:
        raise PanelError(
            said("panel.money_unit_missing", source=source, money=examples(money), units=listed(MONEY_UNITS))
        )
    if money_unit not in MONEY_UNITS:
        raise PanelError(said("panel.money_unit_unknown", money_unit=money_unit, units=listed(MONEY_UNITS)))
    return MONEY_UNITS[money_unit]


def _ignored(header: str, columns: Mapping[str, Column], near: bool) -> tuple[str, str, str, str, str]:
    if header in columns:
        return (
            "column_ignored",
            header,
            "",
            "computed by the workbook, so the source's column was not read",
            "由工作簿计算，未读入源列",
        )
    en, zh = (nearest(header, columns, language) if near else "" for language in LANGUAGES)
    return (
        "column_ignored",
        header,
        "",
        f"not in the contract{en}; not read. Rename it or declare it in extra_columns to keep it",
        f"不在契约中{zh}，未读入；如需保留，请改名或声明（rename、extra_columns）",
    )
