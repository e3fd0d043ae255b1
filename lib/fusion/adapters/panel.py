"""One or several files, read by an adapter, become one typed panel, and every row is accounted for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd

from fusion.adapters import expressions as sql
from fusion.adapters import stage, wide
from fusion.adapters.errors import AdapterError
from fusion.adapters.establishments import NEAR, RolledUp, roll_up
from fusion.adapters.identifiers import Chained, chain
from fusion.adapters.join import Joined, Part, files_of, stack, together
from fusion.adapters.layout import OTHER_ID, Choices, FileRows, Layout, Named, look, name, typed
from fusion.adapters.model import Adapter, ColumnRule, FileRule, IdRule, load
from fusion.adapters.words import told
from fusion.language import listed, said
from fusion.panel import codes, labelled
from fusion.panel.cast import HEADER
from fusion.panel.contract import KEYS, ROW, Column, expected, missing_columns
from fusion.panel.errors import examples
from fusion.panel.files import no_memory
from fusion.panel.readers import Raw, by_year, gathered, sheet_notes

NAMED = 12  # names that a sentence lists
TO_MEND = 30  # columns, each of which has to be given its header
PANEL = "fusion_panel_adapted"
ESTABLISHED = ("firm_id", "year", "ind4", "class_version", "operating_revenue")
TYPES = {"float": "DOUBLE", "int": "BIGINT", "bool": "BOOLEAN"}


@dataclass(frozen=True)
class Source:
    """A panel and where its rows and columns come from.

    Attributes
    ----------
    raw : Raw
        As :func:`fusion.panel.readers.read` returns it.
    adapter : str
        Name of the adapter.
    layouts : tuple of Layout
        Header, mapping and units of each file.
    files : tuple of FileRows
        Where the rows of each file went.
    joined : tuple of Joined
    chained : Chained or None
    establishments : RolledUp or None
    """

    raw: Raw
    adapter: str
    layouts: tuple[Layout, ...]
    files: tuple[FileRows, ...]
    joined: tuple[Joined, ...] = ()
    chained: Chained | None = None
    establishments: RolledUp | None = None
    rolled: tuple[str, ...] = ()

    def rows(self) -> pd.DataFrame:
        """One line for each file and fate of rows: ``file, fate, rows``; rows of a file add up to those read."""
        lines = []
        for file in self.files:
            lines += [(file.label, "read", file.read), (file.label, "kept", file.kept)]
            lines += [(file.label, reason, n) for reason, n in file.aside.items()]
        return pd.DataFrame(lines, columns=["file", "fate", "rows"])

    def spans(self) -> list[tuple[str, int, int]]:
        """Of each file its first and last ``source_row``."""
        return [(f.label, f.first + 1, f.first + f.read) for f in self.files if f.read]

    def tally(self) -> dict[str, int]:
        """Files that were read, and rows of them that are no data."""
        return {"files": len(self.files), "lost": sum(file.read - file.kept for file in self.files)}

    def say(self, language: str) -> str:
        """Joins, identifiers and establishments in words."""
        return told(self.joined, self.chained, self.establishments, language)

    def headers(self) -> pd.DataFrame:
        """One line for each header of each file: ``file, header, column, how, unit, stated_by``."""
        return pd.concat([headers_of(layout) for layout in self.layouts], ignore_index=True)


def choices(
    contract: str = "enterprise",
    rename: Mapping[str, str] | None = None,
    money_unit: str | None = None,
    encoding: str = "auto",
    sheet: str | None = None,
    extra_columns: Mapping[str, Any] | None = None,
    editions: Mapping[int, str] | None = None,
) -> Choices:
    """What a study says beside the adapter.

    ``rename`` (header: column) comes before the adapter's aliases; ``editions`` (first year: edition of industry
    codes), where a file states none, before what the adapter says. An extra column of type ``auto`` is a header of its
    own name.
    """
    preferred: dict[str, list[str]] = {}
    for header, column in (rename or {}).items():
        preferred.setdefault(column, []).append(header)
    columns = expected(contract, extra_columns)
    for auto in (found for found, column in columns.items() if column.type == "auto"):
        preferred.setdefault(auto, []).append(auto)  # a column that a study names as the source does
    return Choices(columns, preferred, money_unit, encoding, sheet, by_year(editions))


def convert(con: Any, sources: Sequence[Path], adapter: Adapter, chosen: Choices) -> Source:
    """Read files by an adapter.

    Parameters
    ----------
    con : ibis DuckDB backend
    sources : sequence of pathlib.Path
        Panel files in order (the first of joined tables is the one the others join), and establishments' files.
    adapter : Adapter
    chosen : Choices
        See :func:`choices`.

    Returns
    -------
    Source

    Raises
    ------
    AdapterError
        All problems of all headers at once, before a row is read: headers that mean one column, units that nobody
        states, missing columns; then damaged files, repeated keys in joined tables.
    """
    layouts = look_all(sources, adapter, chosen)
    found = problems(layouts, adapter, chosen)
    if found:
        raise AdapterError("\n".join(found))
    folder = stage.beside(con)
    try:
        return _read(con, layouts, adapter, chosen, folder)
    except duckdb.Error as error:
        names = ", ".join(layout.path.name for layout in layouts)
        broken = said("adapters.unreadable", source=names, reason=str(error).splitlines()[0])
        raise AdapterError(no_memory(error, names) or broken) from None


def read(con: Any, source: str | Sequence[str], adapter: str, root: Path, **how: Any) -> Source:
    """Read a study's files: `convert` with names instead of objects.

    Parameters
    ----------
    con : ibis DuckDB backend
    source : str or sequence of str
        Files, relative to ``root`` or absolute.
    adapter : str
        Name of a built-in adapter, or the file of one.
    root : pathlib.Path
    **how
        ``contract, rename, money_unit, encoding, sheet, extra_columns, editions``, as :func:`choices` takes them.
    """
    files = [root / name for name in ([source] if isinstance(source, str) else source)]
    used = load(adapter, root, how.get("extra_columns") or {})
    return convert(con, files, used, choices(**how))


def look_all(
    sources: Sequence[Path], adapter: Adapter, chosen: Choices, faults: list[AdapterError] | None = None
) -> list[Layout]:
    """Map the header of each table of each file.

    Parameters
    ----------
    sources : sequence of pathlib.Path
    adapter : Adapter
    chosen : Choices
    faults : list of AdapterError, optional
        Takes what makes a file no table, so that the others are looked at; without it the first one is raised.
    """
    if not sources:
        raise AdapterError(said("adapters.no_file"))
    found: list[Layout] = []
    for path in sources:
        try:
            found += _tables(path, adapter, chosen)
        except AdapterError as error:
            if faults is None:
                raise
            faults.append(error)
    return _told_apart(found)


def _told_apart(layouts: list[Layout]) -> list[Layout]:
    """Layouts whose files have one name in several folders bear as many of their folders as tell them apart."""
    places = {layout.path for layout in layouts}
    return [replace(layout, among=_folders(layout.path, places)) for layout in layouts]


def _folders(path: Path, places: set[Path]) -> str:
    others = [other.parts for other in places if other.name == path.name and other != path]
    for depth in range(1, len(path.parts)):
        if all(other[-depth:] != path.parts[-depth:] for other in others):
            return "".join(f"{part}/" for part in path.parts[-depth:-1])
    return ""


def _tables(path: Path, adapter: Adapter, chosen: Choices) -> list[Layout]:
    """Layouts of a file; of a workbook those of all sheets that are tables."""
    rule = adapter.file(path)
    used, columns = adapter, chosen
    if rule.role == "establishments":
        used = _of_establishments(adapter, path)
        of = {c: chosen.columns[c] for c in ESTABLISHED}
        columns = replace(chosen, columns=of, preferred={})
    stated = chosen.sheet or rule.sheet or adapter.sheet
    others = () if stated else stage.peek(path, chosen.encoding).others
    if not others:
        return _years(look(path, used, columns, rule), used, columns)
    # Also where the first sheet is empty, or no table: the form may stand in another.
    names = stage.sheet_names(path)
    every = [_looked(path, used, columns, rule, n) for n in names]
    tables = [one for one in every if one is not None and _is_table(one)]
    if any("firm_id" in one.mapping.single for one in tables):
        tables = [one for one in tables if "firm_id" in one.mapping.single]
    if not tables:
        raise AdapterError(said("adapters.no_sheet_is_table", path=path, names=listed(names)))
    held = {one.looked.sheet for one in tables}
    passed = tuple(n for n in names if n not in held)
    found = []
    for i, one in enumerate(tables):
        found += _years(replace(one, alone=len(tables) == 1, passed=() if i else passed), used, columns)
    return found


def _looked(path: Path, adapter: Adapter, chosen: Choices, rule: FileRule, sheet: str) -> Layout | None:
    try:
        return look(path, adapter, chosen, rule, sheet=sheet)
    except AdapterError:
        return None  # a sheet without a row of two cells


def _is_table(layout: Layout) -> bool:
    """Whether headers are known and a row of several cells is below them."""
    known = len(layout.mapping.single) + len(layout.mapping.terms) + len(layout.mapping.ambiguous)
    below = [row for row in layout.looked.rows[layout.header_at + 1 :] if sum(map(bool, row)) > 1]
    return known > 1 and bool(below)


def _years(layout: Layout, adapter: Adapter, chosen: Choices) -> list[Layout]:
    """The layout, or of a wide file one for each of its years."""
    years = wide.years(layout.texts) if adapter.wide and layout.rule.role == "panel" else []
    rules = [layout.rule.model_copy(update={"year": year}) for year in years]
    sheet = layout.looked.sheet or None
    made = [look(layout.path, adapter, chosen, rule, rule.year, sheet) for rule in rules]
    return [replace(one, alone=layout.alone, passed=layout.passed) for one in made] or [layout]


def problems(layouts: Sequence[Layout], adapter: Adapter, chosen: Choices) -> list[str]:
    """Why the files cannot be read as they are; a cause that several files share is said once, with their names."""
    causes: dict[str, list[str]] = {}
    for layout in layouts:
        for why in _faults(layout, adapter):
            causes.setdefault(why, []).append(layout.label)
    lines = [
        said("adapters.in_files", files=examples(list(dict.fromkeys(files)), NAMED), why=why)
        for why, files in causes.items()
    ]
    if not any(layout.rule.role == "panel" for layout in layouts):
        return [*lines, said("adapters.no_panel")]
    there = brought(layouts, adapter) | ({"class_version"} if chosen.editions else set())
    # A key that some file lacks was named with its file.
    needed = {n: c for n, c in chosen.columns.items() if n not in KEYS or not causes}
    missing = missing_columns(sorted(there), needed)
    if missing:
        files = examples(list(dict.fromkeys(layout.label for layout in layouts)), NAMED)
        told = examples(missing, TO_MEND)
        lines.append(said("adapters.columns_missing", files=files, count=len(missing), missing=told))
    return lines


def sound(layouts: Sequence[Layout], adapter: Adapter) -> list[Layout]:
    """Those of files of which nothing hinders the reading."""
    odd = {layout.path for layout in layouts if _faults(layout, adapter)}
    return [layout for layout in layouts if layout.path not in odd]


def _faults(layout: Layout, adapter: Adapter) -> list[str]:
    """What hinders the reading of one file, without its name."""
    lines = []
    for odd in layout.mapping.ambiguous:
        headers = listed(
            said("adapters.header_at", text=h.text, position=h.position + 1) for h in odd.headers
        )
        lines.append(said("adapters.ambiguous", column=odd.column, headers=headers))
    whys: dict[str, list[str]] = {}
    for column, why in sorted(layout.unknown_units().items()):
        whys.setdefault(why, []).append(column)
    lines += [
        said("adapters.unit_unknown", columns=examples(columns, NAMED), why=why)
        for why, columns in whys.items()
    ]
    if layout.dated.differ:
        lines.append(said("adapters.years_differ", differ=layout.dated.differ))
    return lines + _lacking_keys(layout, adapter)


def brought(layouts: Sequence[Layout], adapter: Adapter) -> set[str]:
    """Columns that the files bring, with those that the adapter makes, or says are empty."""
    there = {c for layout in layouts if layout.rule.role == "panel" for c in layout.brings}
    if adapter.establishments and any(layout.rule.role == "establishments" for layout in layouts):
        there |= set(adapter.establishments.gives)
    for column, rule in adapter.columns.items():
        if (
            rule.value is not None
            or rule.from_year
            or (rule.sum_of_columns and set(rule.sum_of_columns) <= there)
        ):
            there.add(column)
    # Where headers say the edition of codes, a header that the adapter does not know says none; else the year does.
    if codes.CODED & there and not adapter.rule("class_version").of_header:
        there.add("class_version")
    return there | set(adapter.absent) | set(adapter.may_lack)


def headers_of(layout: Layout) -> pd.DataFrame:
    """One line for each header of a file: ``file, position, header, column, how, unit, stated_by``."""
    mapping = layout.mapping
    lines: list[tuple[int, str, str, str, str, str]] = []
    for column, header in mapping.single.items():
        lines.append((header.position, header.text, column, "matched", *_unit(layout, column)))
    for column, terms in mapping.terms.items():
        for i, (_, header) in enumerate(terms):
            lines.append((header.position, header.text, column, "part of", *_unit(layout, f"{column}__{i}")))
    for odd in mapping.ambiguous:
        lines += [(h.position, h.text, odd.column, "ambiguous", "", "") for h in odd.headers]
    place = {h.text: h.position for h in mapping.headers}
    lines += [(place[t], t, column, "not needed", "", "") for t, column in mapping.unused.items()]
    lines += [
        (place[t], t, column, "measures something else", "", "") for t, column in mapping.substitutes.items()
    ]
    lines += [(place[t], t, "", "unmatched", "", "") for t in mapping.unmatched]
    names = ["position", "header", "column", "how", "unit", "stated_by"]
    table = pd.DataFrame(lines, columns=names).sort_values("position", kind="stable", ignore_index=True)
    table.insert(0, "file", layout.label)
    return table


# -- inside ------------------------------------------------------------------------------------
def _of_establishments(adapter: Adapter, path: Path) -> Adapter:
    """The adapter for a table of establishments: its columns, identifiers of the enterprise only."""
    rule = adapter.establishments
    if rule is None:
        raise AdapterError(said("adapters.no_roll_up", path=path, adapter=adapter.adapter))
    columns = {
        "firm_id": ColumnRule(aliases=rule.firm),
        "year": ColumnRule(aliases=rule.year, take="year"),
        "ind4": ColumnRule(aliases=rule.industry),
        "class_version": adapter.rule("class_version"),
        "operating_revenue": ColumnRule(aliases=rule.revenue),
    }
    ids = IdRule(pad=adapter.firm_id.pad, form=adapter.firm_id.form)
    none: dict[str, Any] = {"absent": [], "may_lack": [], "repeats": [], "establishments": None}
    return adapter.model_copy(update={"columns": columns, "firm_id": ids, **none})


def _lacking_keys(layout: Layout, adapter: Adapter) -> list[str]:
    keys = layout.rule.on or KEYS
    lacks = [key for key in keys if key not in layout.brings]
    if adapter.combine == "join" and layout.rule.role == "panel" and "firm_id" in layout.brings:
        lacks = []  # a table by firm alone joins every year of the firm
    odd = {a.column for a in layout.mapping.ambiguous} | ({"year"} if layout.dated.differ else set())
    if lacks == list(KEYS) and not layout.mapping.single and not odd:
        headers = examples([h.text for h in layout.mapping.headers], 6)
        return [said("adapters.nothing_known", adapter=adapter.adapter, headers=headers)]
    or_state = said("adapters.or_state_year")
    return [
        said("adapters.no_key", key=key, or_state=or_state if key == "year" else "")
        for key in lacks
        if key not in odd
    ]


def _read(con: Any, layouts: Sequence[Layout], adapter: Adapter, chosen: Choices, folder: Path) -> Source:
    files: list[FileRows] = []
    alike: dict[tuple[object, ...], list[tuple[Layout, Named]]] = {}
    for i, layout in enumerate(layouts):
        own = _of_establishments(adapter, layout.path) if layout.rule.role == "establishments" else adapter
        first = sum(file.read for file in files)
        named, rows = name(con, layout, own, chosen, f"fusion_file{i}", first, folder)
        files.append(rows)
        alike.setdefault((layout.rule.role, *named.like), []).append((layout, named))
    parts: list[Part] = []
    firms: list[Part] = []
    notes = []
    for i, group in enumerate(alike.values()):
        columns, said = typed(con, [named for _, named in group], chosen, f"fusion_part{i}")
        part = Part(f"fusion_part{i}", columns, tuple(layout.path for layout, _ in group), group[0][1].on)
        if group[0][1].adds_up:
            files = _added_up(con, part, files)
        (firms if group[0][0].rule.role == "establishments" else parts).append(part)
        notes.append(said)
    of_firms = [part for part in [*parts, *firms] if "firm_id" in part.columns]
    chained = _chain(con, of_firms) if adapter.firm_id.chain else None
    beside = [part for part in parts if part.on]
    table, joined = together(con, [part for part in parts if not part.on], beside, adapter.combine)
    rolled = None
    if firms and adapter.establishments:
        rolled, table = _establishments(con, firms, table, adapter, chosen)
    told = [*notes, _ignored(layouts), _kept_whole(files), _contradicting(joined), _twice(con, table, files)]
    raw = _finish(con, table, layouts, adapter, chosen, told)
    given = tuple(adapter.establishments.gives) if rolled is not None and adapter.establishments else ()
    return Source(raw, adapter.adapter, tuple(layouts), tuple(files), joined, chained, rolled, given)


def _added_up(con: Any, part: Part, files: Sequence[FileRows]) -> list[FileRows]:
    """Rows of one unit and year as one: numbers added, of texts the first; the account says how many went into others."""
    keys = [f'"{key}"' for key in KEYS if key in part.columns]
    cells = []
    for cell, column in part.columns.items():
        if cell not in KEYS:
            how = "sum" if column.is_number else "any_value"
            cells.append(f'{how}("{cell}") AS "{cell}"')
    con.con.execute(
        f"CREATE OR REPLACE TEMP TABLE {part.name}_added AS SELECT min({ROW}) AS {ROW}, {', '.join(keys + cells)} "
        f"FROM {part.name} GROUP BY {', '.join(keys)}"
    )
    gone = f"SELECT {ROW} FROM {part.name} ANTI JOIN {part.name}_added USING ({ROW})"
    made = []
    for file in files:
        count = con.con.execute(
            f"SELECT count(*) FROM ({gone}) WHERE {ROW} > {file.first} AND {ROW} <= {file.first + file.read}"
        ).fetchone()[0]
        aside = {**file.aside, "added to another row of its unit and year": count} if count else file.aside
        made.append(replace(file, kept=file.kept - count, aside=aside))
    con.con.execute(f"DROP VIEW {part.name}")
    con.con.execute(f"CREATE TEMP VIEW {part.name} AS FROM {part.name}_added")
    return made


def _chain(con: Any, parts: Sequence[Part]) -> Chained:
    """Replace the identifiers of all tables by the chained ones."""
    names = [p.name for p in parts]
    both = {p.name for p in parts if OTHER_ID in p.columns}
    found = chain(con, names, both, "fusion_ids")
    for part in parts:
        drop = f', "{OTHER_ID}"' if part.name in both else ""
        con.con.execute(
            f"CREATE OR REPLACE TEMP TABLE {part.name}_chained AS SELECT t.* EXCLUDE (firm_id{drop}), "
            f"coalesce(i.firm_id, t.firm_id) AS firm_id FROM {part.name} t LEFT JOIN fusion_ids i ON t.firm_id = i.written "
            f"ORDER BY {ROW}"
        )
        con.con.execute(f"DROP VIEW {part.name}")
        con.con.execute(f"CREATE TEMP VIEW {part.name} AS FROM {part.name}_chained")
        part.columns.pop(OTHER_ID, None)
    return found


def _establishments(
    con: Any, parts: Sequence[Part], table: Part, adapter: Adapter, chosen: Choices
) -> tuple[RolledUp, Part]:
    rule = adapter.establishments
    assert rule is not None
    given: list[str] = list(rule.gives)
    both = [c for c in given if c in table.columns]
    if both:
        raise AdapterError(
            said(
                "adapters.brought_twice",
                firms=files_of(stack(con, parts)),
                both=listed(both),
                table=files_of(table),
            )
        )
    source = stack(con, parts, "fusion_establishments")
    edition = _edition_due(adapter, chosen)
    if "class_version" in source.columns:
        edition = f"coalesce(class_version, {edition})"
    rolled = roll_up(con, source.name, rule, edition, "fusion_rolled")
    cells = ", ".join(f"r.{c}" for c in given)
    con.con.execute(
        f"CREATE OR REPLACE TEMP TABLE fusion_with AS SELECT t.*, {cells} FROM {table.name} t "
        "LEFT JOIN fusion_rolled r USING (firm_id, year)"
    )
    without = con.con.execute(
        f"SELECT count(*) FROM fusion_rolled r ANTI JOIN {table.name} t USING (firm_id, year)"
    ).fetchone()[0]
    beside, apart = _sums(con, table)
    columns = {**table.columns, **{c: chosen.columns[c] for c in given}}
    found = replace(rolled, firms_without=without, beside=beside, apart=apart)
    return found, Part("fusion_with", columns, table.files)


def _sums(con: Any, table: Part) -> tuple[int, int]:
    """Rows that have their own revenue and that of their parts, and those of them where the two differ."""
    if "operating_revenue" not in table.columns:
        return 0, 0
    counts: tuple[int, int] = con.con.execute(
        f"SELECT count(*), count(*) FILTER (abs(r.parts_revenue - t.operating_revenue) > {NEAR} * abs(t.operating_revenue)) "
        f"FROM {table.name} t JOIN fusion_rolled r USING (firm_id, year) "
        "WHERE t.operating_revenue IS NOT NULL AND r.parts_revenue IS NOT NULL"
    ).fetchone()
    return counts


def _finish(
    con: Any,
    table: Part,
    layouts: Sequence[Layout],
    adapter: Adapter,
    chosen: Choices,
    notes: Sequence[pd.DataFrame],
) -> Raw:
    """Add what the adapter says of all rows, put columns in order, number the rows by their source."""
    cells: dict[str, str] = {}
    there = set(table.columns)
    known = _settled(con, table, chosen)
    # Where headers say the edition, a header that the adapter does not know says none.
    by_year = bool(chosen.editions) or not adapter.rule("class_version").of_header
    every = (
        brought(layouts, adapter) | there | ({"class_version"} if codes.CODED & there and by_year else set())
    )
    for column in (c for c in chosen.columns if c in every):
        rule = adapter.rule(column)
        cell = f'"{column}"' if column in there else "NULL"
        made = _constant(rule)
        if column == "class_version" and by_year:
            made = _edition_due(adapter, chosen)
        if column not in there and rule.sum_of_columns and set(rule.sum_of_columns) <= there:
            made = " + ".join(f'"{c}"' for c in rule.sum_of_columns)
        kind = TYPES.get(known[column].type, "VARCHAR")
        cells[column] = f"CAST(coalesce({cell}, {made}) AS {kind})" if made else f"CAST({cell} AS {kind})"
    order = [c for c in (*KEYS, *chosen.columns) if c in cells]
    listed = ", ".join(f'{cells[c]} AS "{c}"' for c in dict.fromkeys(order))
    con.con.execute(
        f"CREATE OR REPLACE TEMP TABLE {PANEL} AS SELECT {ROW}, {listed} FROM {table.name} ORDER BY {ROW}"
    )
    columns = {c: known[c] for c in dict.fromkeys(order)}
    rows = con.con.execute(f"SELECT count(*) FROM {PANEL}").fetchone()[0]
    if rows == 0:
        raise AdapterError(said("adapters.nothing_left", table=files_of(table)))
    panel, read = codes.read(con, con.table(PANEL), f"{PANEL}_read")
    stated = chosen.editions or adapter.rule("class_version").from_year
    return Raw(panel, gathered([*notes, read]), columns, files_of(table), rows, stated).apart()


def _settled(con: Any, table: Part, chosen: Choices) -> dict[str, Column]:
    """The columns, those whose type the study leaves open as the tables together hold them."""
    kinds = con.table(table.name).schema()
    return {
        name: replace(column, type="float" if name in kinds and kinds[name].is_numeric() else "str")
        if column.type == "auto"
        else column
        for name, column in chosen.columns.items()
    }


def _edition_due(adapter: Adapter, chosen: Choices) -> str:
    """SQL of the edition of codes where no file states it: as the study says, else the adapter, else the year."""
    if chosen.editions:
        return codes.due_sql("year", chosen.editions)
    return _constant(adapter.rule("class_version")) or codes.due_sql("year", {})


def _constant(rule: ColumnRule) -> str:
    """SQL of a value that holds for all rows, or from a year on; empty where the adapter states none."""
    if rule.value is not None:
        return sql.literal(rule.value)
    if not rule.from_year:
        return ""
    years = sorted(rule.from_year, reverse=True)
    return f"CASE {' '.join(f'WHEN year >= {y} THEN {sql.literal(rule.from_year[y])}' for y in years)} END"


def _ignored(layouts: Sequence[Layout]) -> pd.DataFrame:
    """Headers and sheets that were not read, formulas without values, as notes of quality."""
    lines = []
    for layout in layouts:
        for header, near in layout.mapping.unmatched.items():
            hint = f" (near: {', '.join(near)})" if near else ""
            lines.append(
                ("column_ignored", header, layout.path.name,
                 f"means no column of the panel{hint}; not read", f"不对应面板的任何列{hint}，未读入")
            )  # fmt: skip
        if layout.looked.kind in labelled.KINDS:
            lines += stage.noted(layout.path)
            lines += [
                ("labels_used", column, layout.path.name,
                 "codes read as the words that the file has for them", "代码按文件所附的标签读入")
                for column, h in layout.mapping.single.items()
                if h.text in layout.looked.words and column not in layout.numbers
            ]  # fmt: skip
        if layout.looked.sheet:
            lines += sheet_notes(layout.path, layout.looked.sheet, layout.passed)
    return pd.DataFrame([(rule, "warning", pd.NA, *rest) for rule, *rest in lines], columns=HEADER)


def _kept_whole(files: Sequence[FileRows]) -> pd.DataFrame:
    """Tables that have none of the values by which an adapter chooses rows, as notes of quality."""
    lines = [
        ("keep_not_applied", "warning", pd.NA, header, f"{file.label}: {values}",
         "the table has none of the values by which rows are kept; all its rows were read",
         "该表没有任何用于保留行的取值，所有行均已读入")
        for file in files for header, values in file.not_applied.items()
    ]  # fmt: skip
    return pd.DataFrame(lines, columns=HEADER)


def _contradicting(joined: Sequence[Joined]) -> pd.DataFrame:
    """Columns that two joined tables fill differently, as notes of quality."""
    lines = []
    for one in joined:
        names = ", ".join(dict.fromkeys(f.name for f in one.files))
        for column, (count, first) in one.conflicts.items():
            lines.append(
                ("joined_conflict", "warning", pd.NA, column, first,
                 f"{count} rows in which {names} differs from the tables before it, whose values are kept",
                 f"{names} 有 {count} 行与先列各表不一致，已保留先列表的数值")
            )  # fmt: skip
    return pd.DataFrame(lines, columns=HEADER)


def _twice(con: Any, table: Part, files: Sequence[FileRows]) -> pd.DataFrame:
    """Files that report the same units of the same year, as notes of quality."""
    starts = pd.DataFrame({"file": [f.label for f in files], "first": [f.first for f in files]})
    starts["ends"] = [f.first + f.read for f in files]
    con.con.register("fusion_starts", starts)
    pairs = con.con.execute(
        f"WITH d AS (SELECT firm_id, year, {ROW} FROM {table.name} QUALIFY count(*) OVER (PARTITION BY firm_id, year) > 1), "
        f"o AS (SELECT d.*, s.file FROM d JOIN fusion_starts s ON d.{ROW} > s.first AND d.{ROW} <= s.ends) "
        "SELECT a.year, a.file, b.file, count(DISTINCT a.firm_id) FROM o a JOIN o b "
        "ON a.firm_id = b.firm_id AND a.year = b.year AND a.file < b.file GROUP BY ALL ORDER BY ALL"
    ).fetchall()
    con.con.unregister("fusion_starts")
    lines = [
        ("year_twice", "warning", pd.NA, "year", str(year),
         f"{one} and {other} both report {units} units of {year}: a year read twice; leave one of the files out",
         f"{one} 与 {other} 都报送了 {year} 年的 {units} 家单位：同一年份读入两次，请去掉其中一个文件")
        for year, one, other, units in pairs
    ]  # fmt: skip
    return pd.DataFrame(lines, columns=HEADER)


def _unit(layout: Layout, name: str) -> tuple[str, str]:
    stated = layout.stated.get(name)
    if stated is None:
        return "", ""
    return ("?", stated) if isinstance(stated, str) else (stated.unit, stated.by)
