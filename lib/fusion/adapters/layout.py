"""One file: find its header, map it, say its units, and type its rows."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pandas as pd

from fusion.adapters import expressions as sql
from fusion.adapters import heads, spread, stage, states, units, wide, years
from fusion.adapters.errors import AdapterError
from fusion.adapters.headers import Header, alias_key, normalise
from fusion.adapters.match import Lookup, Mapping_, match
from fusion.adapters.model import Adapter, FileRule, Repeats
from fusion.language import said
from fusion.panel import sheets, totals
from fusion.panel.cast import cast
from fusion.panel.contract import KEYS, ROW, Column
from fusion.panel.readers import settled

TERM = "__"  # joins a column's name and the number of its term
OTHER_ID = f"firm_id{TERM}other"
# What data have in an identifier, in a number and in a year, and labels and units have not.
_DIGIT, _NUMBER, _DATE = re.compile(r"\d"), re.compile(r"^[-+(]?[\d.,]*\d"), re.compile(r"^\d{4}")


@dataclass(frozen=True)
class Choices:
    """What a study says about its source beside the adapter."""

    columns: Mapping[str, Column]
    preferred: Mapping[str, Sequence[str]] = field(default_factory=dict)
    money_unit: str | None = None
    encoding: str = "auto"
    sheet: str | None = None
    editions: Mapping[int, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Layout:
    """A file that was looked at and mapped; nothing of its rows has been read.

    Attributes
    ----------
    header_at : int
        Index of the header's last row among the first rows of the file.
    texts : tuple of str
        Headers as written.
    labels : tuple of tuple of str
        Rows below the header that are no data.
    stated : dict of str to Stated, str or None
        By column (and term): its unit, why it is not known, or None where it needs none.
    ids : tuple of Header
        Headers that identify the firm, in order.
    of_year : tuple of int
        Of a wide file: places of the columns of this layout's year.
    edition : str
        Of the industry codes, where the file's rule or the code's header says it; else empty.
    dated : years.Dated
        The year of all rows where no header holds it, and who says so.
    alone : bool
        Whether it is the only table of its file.
    passed : tuple of str
        Sheets of the file that are no tables.
    among : str
        Its folders, where other files that are read have its name.
    spreading : spread.Spreading or None
        How a table of items below one another is spread; ``texts`` are then those of the spread table.
    numbers : frozenset of str
        Columns that are numbers, of the contract and of the study: codes of labelled files stay codes there.
    """

    path: Path
    looked: stage.Peek
    rule: FileRule
    header_at: int
    texts: tuple[str, ...]
    labels: tuple[tuple[str, ...], ...]
    mapping: Mapping_
    stated: dict[str, states.Stated | str | None]
    ids: tuple[Header, ...]
    of_year: tuple[int, ...] = ()
    edition: str = ""
    dated: years.Dated = field(default_factory=years.Dated)
    alone: bool = True
    passed: tuple[str, ...] = ()
    among: str = ""
    spreading: spread.Spreading | None = None
    numbers: frozenset[str] = frozenset()

    @property
    def label(self) -> str:
        """The file's name, with the sheet where it has several tables, of a wide file with the year."""
        own = f"{self.among}{self.path.name}"
        named = own if self.alone else f"{own} [{self.looked.sheet}]"
        return f"{named} ({self.rule.year})" if self.of_year else named

    @property
    def brings(self) -> list[str]:
        """Columns of the contract that the file brings."""
        year = ["year"] if self.rule.year is not None and "year" not in self.mapping.single else []
        edition = ["class_version"] if self.edition else []
        return [*self.mapping.single, *self.mapping.terms, *year, *edition]

    def unknown_units(self) -> dict[str, str]:
        """Columns whose unit is not known: why."""
        return {name.split(TERM)[0]: s for name, s in self.stated.items() if isinstance(s, str)}


@dataclass(frozen=True)
class FileRows:
    """Where the rows of a file went: ``read`` = ``kept`` + the sum of ``aside``.

    ``first`` is what is added to a row's number in the file to give its ``source_row``; ``not_applied`` has the headers of
    ``keep`` of whose values the table has none, so that all its rows are kept, with the values that it has.
    """

    path: Path
    read: int
    kept: int
    aside: dict[str, int]
    misfits: pd.DataFrame
    first: int
    label: str
    not_applied: dict[str, str] = field(default_factory=dict)


def look(
    path: Path,
    adapter: Adapter,
    choices: Choices,
    rule: FileRule | None = None,
    year: int | None = None,
    sheet: str | None = None,
) -> Layout:
    """Map a file's header and units; of a wide file those of one year."""
    rule = rule or adapter.file(path)
    encoding = choices.encoding if choices.encoding != "auto" else (rule.encoding or adapter.encoding)
    looked = stage.peek(path, encoding, sheet or choices.sheet or rule.sheet or adapter.sheet)
    named = dict.fromkeys((*rule.aliases, *choices.preferred))
    preferred = {k: [*rule.aliases.get(k, ()), *choices.preferred.get(k, ())] for k in named}
    head = heads.find(looked, adapter, rule, choices.columns, preferred)
    texts, own = wide.of_year(head.texts, year) if year is not None else (head.texts, ())
    spreading = spread.look(looked, head.at, texts, adapter)
    if spreading is not None:
        texts = spreading.texts(texts)
        own = spreading.places if own else ()
    mapping = match(texts, adapter, choices.columns, preferred)
    titles = looked.rows[: head.first]
    dated = years.Dated()
    if "year" not in mapping.single and rule.year is None:
        dated = years.stated(titles, looked, adapter.year_of)
        rule = rule.model_copy(update={"year": dated.year})
    below = () if spreading else looked.rows[head.at + 1 : head.at + 1 + adapter.label_rows]
    labels = _labels(below, mapping, choices.columns)
    row = _units(labels, adapter.unit_row)
    places = states.Places(states.title_units(titles), row, choices.money_unit)
    stated = {
        name: states.state(choices.columns[name.split(TERM)[0]], h, adapter.rule(name.split(TERM)[0]), adapter, rule, places)
        for name, h in _bringers(mapping).items()
    }  # fmt: skip
    edition = _edition(mapping, adapter, choices, rule)
    ids = _ids(mapping, adapter)
    shown = texts if spreading else head.texts
    made = Layout(path, looked, rule, head.at, shown, labels, mapping, stated, ids, own, edition, dated)
    return replace(made, spreading=spreading, numbers=_numbers(looked, mapping, adapter, choices.columns))


def _numbers(
    looked: stage.Peek, mapping: Mapping_, adapter: Adapter, columns: Mapping[str, Column]
) -> frozenset[str]:
    """Columns in which codes of a labelled file are numbers; not those of which the adapter names the words."""
    kinds = {n: c.is_number or c.type == "bool" for n, c in columns.items()}
    held = {n: looked.words.get(h.text, {}) for n, h in mapping.single.items()}
    named = {n for n, words in held.items() if set(adapter.rule(n).values) & set(words.values())}
    return frozenset(n for n, number in kinds.items() if number and n not in named)


def staged(con: Any, layout: Layout, name: str, folder: Path) -> tuple[stage.Staged, dict[str, int]]:
    """The rows of a file in a table, spread where its items stand below one another; rows that went into others, by reason."""
    how = layout.spreading
    if how is None:
        return stage.stage(con, layout.looked, layout.header_at, len(layout.texts), name, folder), {}
    long = stage.stage(con, layout.looked, layout.header_at, how.width, f"{name}_long", folder)
    aside = spread.spread(con, long, how, name)
    _drop(con, long.name)
    return replace(long, name=name), aside


def _labels(
    rows: Sequence[tuple[str, ...]], mapping: Mapping_, columns: Mapping[str, Column]
) -> tuple[tuple[str, ...], ...]:
    """Rows below the header that are labels or units: no firm's number, no year, no number stands in them."""
    held = {n.split(TERM)[0]: h.position for n, h in _bringers(mapping).items()}
    tests = {p: _NUMBER for n, p in held.items() if columns[n].is_number}
    tests |= {held[key]: test for key, test in (("firm_id", _DIGIT), ("year", _DATE)) if key in held}
    found: list[tuple[str, ...]] = []
    for row in rows:
        if not tests or any(test.search(row[p]) for p, test in tests.items() if p < len(row)):
            break
        found.append(row)
    return tuple(found)


def _units(labels: Sequence[tuple[str, ...]], stated: int | None) -> tuple[str, ...]:
    """The row of units: as the adapter says, else the one in which most cells are units."""
    if stated is not None:
        return labels[stated - 1] if len(labels) >= stated else ()
    counts = [sum(normalise(cell).strip("()") in units.KNOWN for cell in row) for row in labels]
    return labels[counts.index(max(counts))] if any(counts) else ()


def _edition(mapping: Mapping_, adapter: Adapter, choices: Choices, rule: FileRule) -> str:
    """Edition of a file's codes: of its rule; else, unless the study states editions, of the header that holds them."""
    header = mapping.single.get("ind4")
    if header is None or "class_version" in mapping.single or "class_version" not in choices.columns:
        return ""
    if rule.edition or choices.editions:
        return rule.edition or ""
    keys = {alias_key(h, adapter.suffixes): e for h, e in adapter.rule("class_version").of_header.items()}
    return keys.get(alias_key(header.text, adapter.suffixes), "")


@dataclass(frozen=True)
class Named:
    """Rows of a file in a view, under the contract's names and not yet typed.

    Attributes
    ----------
    columns : dict of str to Column
        Columns and terms of sums.
    factors : dict of str to float
        Contract's units in one of the source's, where a unit is stated.
    made : dict of str to str
        SQL of the sums, over the typed terms.
    adds_up : bool
        Whether numbers of several rows of one unit and year are added.
    on : tuple of str
        Columns by which the table is joined, where they are not the keys.
    """

    view: str
    columns: dict[str, Column]
    factors: dict[str, float]
    made: dict[str, str]
    is_text: bool
    adds_up: bool = False
    on: tuple[str, ...] = ()

    @property
    def like(self) -> tuple[object, ...]:
        """Files of which this is equal are typed at once."""
        alone = "" if self.is_text else self.view
        factors = tuple(sorted(self.factors.items()))
        return alone, tuple(self.columns), factors, tuple(self.made.items()), self.adds_up, self.on


def name(
    con: Any, layout: Layout, adapter: Adapter, choices: Choices, view: str, first: int, folder: Path
) -> tuple[Named, FileRows]:
    """Stage a file and make the view of its data rows, ``source_row`` counted on from ``first``."""
    held, into = staged(con, layout, f"{view}_staged", folder)
    rows = account(con, held, layout, adapter, first, choices.columns)
    rows = replace(rows, aside={**rows.aside, **into})
    cells = _cells(layout, adapter)
    if adapter.decimal == "comma" and layout.looked.kind in stage.CSV_KINDS:
        numbers = {n for n in cells if _column(n, choices.columns).is_number}
        cells |= {n: sql.pointed(cells[n]) for n in numbers}
    cells = {n: e for n, e in cells.items() if not isinstance(layout.stated.get(n), str)}
    if not cells:
        raise AdapterError(said("adapters.no_column", path=layout.path))
    selected = ", ".join(f'{e} AS "{n}"' for n, e in cells.items())
    con.con.execute(
        f"CREATE OR REPLACE TEMP VIEW {view} AS SELECT row + {first} AS {ROW}, {selected} "
        f"FROM {held.name}_why WHERE why IS NULL"
    )
    columns = {n: _column(n, choices.columns) for n in cells}
    factors = states.scales({n: layout.stated.get(n) for n in cells})
    is_text = layout.looked.kind in (".csv", *sheets.KINDS)
    rule = repeats(layout, adapter)
    adds_up = (rule is not None and rule.take == "sum") or _summed(layout)
    on = tuple(layout.rule.on)
    return Named(view, columns, factors, _made(layout, adapter, columns), is_text, adds_up, on), rows


def repeats(layout: Layout, adapter: Adapter) -> Repeats | None:
    """The rule on several rows of a year that holds for a table, if any."""
    lookup = Lookup(layout.mapping.headers, adapter)
    return next((r for r in adapter.repeats if all(lookup.find(header) for header in r.when)), None)


def typed(
    con: Any, files: Sequence[Named], choices: Choices, table: str
) -> tuple[dict[str, Column], pd.DataFrame]:
    """Type the rows of files that are alike into ``table``, and drop what was made on the way.

    Returns
    -------
    columns : dict of str to Column
        Columns of the table after ``source_row``.
    notes : pandas.DataFrame
        What was found cell by cell, as :func:`fusion.panel.cast.cast` tells it.
    """
    like = files[0]
    every = " UNION ALL BY NAME ".join(f"FROM {file.view}" for file in files)
    # A table: cells are asked for many times, and each time a view would ask anew which rows are data.
    con.con.execute(f"CREATE OR REPLACE TEMP TABLE {table}_named AS {every}")
    named = con.table(f"{table}_named")
    for file in files:
        con.con.execute(f"DROP VIEW {file.view}")
        con.con.execute(f"DROP VIEW {file.view}_staged_why")
        con.con.execute(f"DROP VIEW {file.view}_staged_first")
        _drop(con, f"{file.view}_staged")
    columns = {name: settled(named, column) for name, column in like.columns.items()}
    _, notes = cast(con, named, columns, like.factors, f"{table}_typed")
    # Of a column, not of a term of its sum.
    notes = notes.assign(field=[str(name).partition(TERM)[0] for name in notes["field"]])
    kept = {n: c for n, c in columns.items() if TERM not in n or n == OTHER_ID}
    listed = ", ".join([f'"{n}"' for n in kept] + [f'{e} AS "{n}"' for n, e in like.made.items()])
    con.con.execute(f"CREATE OR REPLACE TEMP VIEW {table} AS SELECT {ROW}, {listed} FROM {table}_typed")
    con.con.execute(f"DROP TABLE {table}_named")
    return {**kept, **{n: choices.columns[n] for n in like.made}}, notes


# -- header ------------------------------------------------------------------------------------
def _ids(mapping: Mapping_, adapter: Adapter) -> tuple[Header, ...]:
    """All headers that identify the firm, the preferred one first, where identifiers are chained."""
    main = mapping.single.get("firm_id")
    if main is None or not adapter.firm_id.chain:
        return (main,) if main else ()
    lookup = Lookup(mapping.headers, adapter)
    found = {h.position: h for alias in adapter.rule("firm_id").named for h in lookup.find(alias)}
    return (main, *(h for h in found.values() if h is not main))


def _bringers(mapping: Mapping_) -> dict[str, Header]:
    terms = {f"{name}{TERM}{i}": h for name, parts in mapping.terms.items() for i, (_, h) in enumerate(parts)}
    return {**mapping.single, **terms}


# -- cells -------------------------------------------------------------------------------------
def _singles(layout: Layout, adapter: Adapter) -> dict[str, str]:
    """SQL of the columns that come from one header each."""
    cells: dict[str, str] = {}
    lookup = Lookup(layout.mapping.headers, adapter)
    for name, header in layout.mapping.single.items():
        cell = f"c{header.position}"
        if layout.looked.words.get(header.text) and name not in layout.numbers:
            cell = sql.worded(cell, layout.looked.words[header.text])
        cells[name] = sql.where(_single(name, cell, adapter), adapter.rule(name), lookup)
    return cells


def _cells(layout: Layout, adapter: Adapter) -> dict[str, str]:
    """SQL of each column, over the staged table; terms of sums are columns of their own."""
    cells = _singles(layout, adapter)
    if layout.ids:
        places = [f"c{h.position}" for h in layout.ids]
        cells["firm_id"] = sql.identifier(places, adapter.firm_id)
        if len(places) > 1:
            cells[OTHER_ID] = sql.identifier(places[::-1], adapter.firm_id)
    if layout.rule.year is not None and "year" not in cells:
        cells["year"] = f"'{layout.rule.year}'"
    if layout.edition:
        cells["class_version"] = f"'{layout.edition}'"
    for name, terms in layout.mapping.terms.items():
        rule = adapter.rule(name)
        places = [f"c{h.position}" for _, h in terms]
        if rule.flags:
            cells[name] = sql.flagged({c: rule.flags[t] for c, (t, _) in zip(places, terms, strict=True)})
        elif rule.by_class:
            cells[name] = sql.object_of(
                {c: rule.by_class[t] for c, (t, _) in zip(places, terms, strict=True)}
            )
        elif rule.join:
            cells[name] = sql.joined(places)
        else:
            cells.update({f"{name}{TERM}{i}": c for i, c in enumerate(places)})
    return cells


def _single(name: str, cell: str, adapter: Adapter) -> str:
    rule = adapter.rule(name)
    if name == "year":
        return sql.year(cell)
    return sql.single(cell, rule)


def _column(name: str, columns: Mapping[str, Column]) -> Column:
    if name == OTHER_ID:
        return Column(name, "", "", "str")
    base = columns[name.split(TERM)[0]]
    return replace(base, column=name)


def _made(layout: Layout, adapter: Adapter, typed: Mapping[str, Column]) -> dict[str, str]:
    """SQL of sums over their typed terms."""
    made = {}
    for name, terms in layout.mapping.terms.items():
        parts = [f"{name}{TERM}{i}" for i in range(len(terms))]
        if all(p in typed for p in parts):
            signs = ["-" if t.startswith("-") else "+" for t, _ in terms]
            made[name] = " ".join(f'{s} "{p}"' for s, p in zip(signs, parts, strict=True)).removeprefix("+ ")
    return made


def account(
    con: Any,
    staged: stage.Staged,
    layout: Layout,
    adapter: Adapter,
    first: int,
    columns: Mapping[str, Column],
) -> FileRows:
    """Say of each row whether it is data, and why not; make the view ``…_why``, where ``why`` is empty for data."""
    if staged.rows == 0:
        raise AdapterError(said("adapters.header_only", path=layout.path))
    not_applied = _not_applied(con, staged.name, layout, adapter)
    kept_by = {h: v for h, v in adapter.keep.items() if h not in not_applied}
    own = adapter.model_copy(update={"keep": kept_by})
    summed = [one.row for one in summed_rows(con, staged.name, layout, columns) if one.certain]
    why = sql.no_data(own, layout.mapping, len(layout.texts), len(layout.labels), layout.of_year, summed)
    con.con.execute(
        f"CREATE OR REPLACE TEMP VIEW {staged.name}_first AS SELECT *, {why} AS why FROM {staged.name}"
    )
    con.con.execute(
        f"CREATE OR REPLACE TEMP VIEW {staged.name}_why AS SELECT * EXCLUDE (why), {_repeated(layout, adapter)} AS why "
        f"FROM {staged.name}_first"
    )
    counted = con.con.execute(
        f"SELECT why, count(*) FROM {staged.name}_why GROUP BY why ORDER BY why"
    ).fetchall()
    aside = {reason: n for reason, n in counted if reason is not None}
    if len(staged.misfits):
        aside["another number of cells than the header"] = len(staged.misfits)
    kept = sum(n for reason, n in counted if reason is None)
    return FileRows(layout.path, staged.rows, kept, aside, staged.misfits, first, layout.label, not_applied)


def summed_rows(con: Any, table: str, layout: Layout, columns: Mapping[str, Column]) -> list[totals.Total]:
    """Rows that are totals by what they are, whether or not the adapter has a word for them."""
    held = {n.split(TERM)[0]: f"c{h.position}" for n, h in _bringers(layout.mapping).items()}
    if not layout.ids:
        return []
    key = f"coalesce({', '.join(sql.text(f'c{h.position}') for h in layout.ids)})"
    begins = f"coalesce({', '.join(sql.text(f'c{i}') for i in range(min(len(layout.texts), 3)))})"
    names = [begins, *([held["firm_name"]] if "firm_name" in held else [])]
    numbers = [
        c for n, c in held.items() if n not in KEYS and (columns[n].is_number or columns[n].type == "auto")
    ]
    return totals.find(
        con, totals.Places(table, "row", key, names, held.get("year"), numbers, len(layout.labels))
    )


def _not_applied(con: Any, table: str, layout: Layout, adapter: Adapter) -> dict[str, str]:
    """Headers of ``keep`` of whose values a table has none: the values that it has."""
    lookup = Lookup(layout.mapping.headers, adapter)
    found = {}
    for header, values in adapter.keep.items():
        for h in lookup.find(header)[:1]:
            listed = ", ".join(sql.literal(v) for v in values)
            cell = sql.value(h.position)
            some, seen = con.con.execute(
                f"SELECT count(*) FILTER ({cell} IN ({listed})), string_agg(DISTINCT {cell}, ', ' ORDER BY {cell}) "
                f"FROM {table} WHERE row > {len(layout.labels)}"
            ).fetchone()
            if not some:
                found[header] = str(seen or "")[:80]
    return found


def _summed(layout: Layout) -> bool:
    """Whether items are spread whose several values of a unit and year are added up."""
    return layout.spreading is not None and layout.spreading.take == "sum"


def _repeated(layout: Layout, adapter: Adapter) -> str:
    """Why a row is no data, where another one of its unit and year is taken; else what was said of it before."""
    rule = repeats(layout, adapter)
    cells = _cells(layout, adapter)
    if rule is None or rule.take == "sum" or _summed(layout) or "firm_id" not in cells:
        return "why"
    lookup = Lookup(layout.mapping.headers, adapter)
    down = "DESC" if rule.take == "last" else "ASC"
    order = [
        f"{sql.narrow(f'c{h.position}')} {down} NULLS LAST"
        for name in rule.order
        for h in lookup.find(name)[:1]
    ]
    keys = ", ".join(cells[key] for key in KEYS if key in cells)
    later = f"row_number() OVER (PARTITION BY why IS NULL, {keys} ORDER BY {', '.join([*order, f'row {down}'])}) > 1"
    told = (
        "an earlier row of its unit and year" if rule.take == "last" else "a later row of its unit and year"
    )
    return f"CASE WHEN why IS NULL AND {cells['firm_id']} IS NOT NULL AND {later} THEN '{told}' ELSE why END"


def _drop(con: Any, name: str) -> None:
    for kind, of in con.con.execute(
        "SELECT 'VIEW', view_name FROM duckdb_views() WHERE temporary AND view_name = ? "
        "UNION ALL SELECT 'TABLE', table_name FROM duckdb_tables() WHERE temporary AND table_name IN (?, ?)",
        [name, name, f"{name}_text"],
    ).fetchall():
        con.con.execute(f'DROP {kind} "{of}"')
