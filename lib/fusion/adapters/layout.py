"""One file: find its header, map it, say its units, and type its rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pandas as pd

from fusion.adapters import expressions as sql
from fusion.adapters import stage, states, wide
from fusion.adapters.errors import AdapterError
from fusion.adapters.headers import Header, alias_key
from fusion.adapters.match import Lookup, Mapping_, known_aliases, known_headers, match
from fusion.adapters.model import Adapter, FileRule
from fusion.language import said
from fusion.panel.cast import cast
from fusion.panel.contract import ROW, Column

TERM = "__"  # joins a column's name and the number of its term
OTHER_ID = f"firm_id{TERM}other"


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

    @property
    def label(self) -> str:
        """The file's name, of a wide file with the year."""
        return f"{self.path.name} ({self.rule.year})" if self.of_year else self.path.name

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

    ``first`` is what is added to a row's number in the file to give its ``source_row``.
    """

    path: Path
    read: int
    kept: int
    aside: dict[str, int]
    misfits: pd.DataFrame
    first: int
    label: str


def look(
    path: Path, adapter: Adapter, choices: Choices, rule: FileRule | None = None, year: int | None = None
) -> Layout:
    """Map a file's header and units; of a wide file those of one year."""
    rule = rule or adapter.file(path)
    encoding = choices.encoding if choices.encoding != "auto" else (rule.encoding or adapter.encoding)
    looked = stage.peek(path, encoding, choices.sheet or rule.sheet or adapter.sheet)
    named = dict.fromkeys((*rule.aliases, *choices.preferred))
    preferred = {k: [*rule.aliases.get(k, ()), *choices.preferred.get(k, ())] for k in named}
    header_at, texts = _header(looked, adapter, rule, choices.columns, preferred)
    written: tuple[str, ...] = texts
    own: tuple[int, ...] = ()
    if year is not None:
        texts, own = wide.of_year(written, year)
    mapping = match(texts, adapter, choices.columns, preferred)
    ids = _ids(mapping, adapter)
    labels = looked.rows[header_at + 1 : header_at + 1 + adapter.label_rows]
    row = labels[adapter.unit_row - 1] if adapter.unit_row and len(labels) >= adapter.unit_row else ()
    titles = looked.rows[: header_at + 1 - adapter.header_rows]
    places = states.Places(states.title_unit(titles), row, choices.money_unit)
    stated = {
        name: states.state(choices.columns[name.split(TERM)[0]], h, adapter.rule(name.split(TERM)[0]), adapter, rule, places)
        for name, h in _bringers(mapping).items()
    }  # fmt: skip
    edition = _edition(mapping, adapter, choices, rule)
    return Layout(path, looked, rule, header_at, written, labels, mapping, stated, ids, own, edition)


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
    """

    view: str
    columns: dict[str, Column]
    factors: dict[str, float]
    made: dict[str, str]
    is_text: bool

    @property
    def like(self) -> tuple[object, ...]:
        """Files of which this is equal are typed at once."""
        alone = "" if self.is_text else self.view
        return alone, tuple(self.columns), tuple(sorted(self.factors.items())), tuple(self.made.items())


def name(
    con: Any, layout: Layout, adapter: Adapter, choices: Choices, view: str, first: int, folder: Path
) -> tuple[Named, FileRows]:
    """Stage a file and make the view of its data rows, ``source_row`` counted on from ``first``."""
    staged = stage.stage(con, layout.looked, layout.header_at, len(layout.texts), f"{view}_staged", folder)
    rows = _account(con, staged, layout, adapter, first)
    cells = {n: e for n, e in _cells(layout, adapter).items() if not isinstance(layout.stated.get(n), str)}
    if not cells:
        raise AdapterError(said("adapters.no_column", path=layout.path))
    selected = ", ".join(f'{e} AS "{n}"' for n, e in cells.items())
    con.con.execute(
        f"CREATE OR REPLACE TEMP VIEW {view} AS SELECT row + {first} AS {ROW}, {selected} "
        f"FROM {staged.name}_why WHERE why IS NULL"
    )
    columns = {n: _column(n, choices.columns) for n in cells}
    factors = states.scales({n: layout.stated.get(n) for n in cells})
    is_text = layout.looked.kind in (".csv", ".xlsx")
    return Named(view, columns, factors, _made(layout, adapter, columns), is_text), rows


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
    con.con.execute(f"CREATE OR REPLACE TEMP VIEW {table}_named AS {every}")
    _, notes = cast(con, con.table(f"{table}_named"), like.columns, like.factors, f"{table}_typed")
    kept = {n: c for n, c in like.columns.items() if TERM not in n or n == OTHER_ID}
    listed = ", ".join([f'"{n}"' for n in kept] + [f'{e} AS "{n}"' for n, e in like.made.items()])
    con.con.execute(f"CREATE OR REPLACE TEMP VIEW {table} AS SELECT {ROW}, {listed} FROM {table}_typed")
    con.con.execute(f"DROP VIEW {table}_named")
    for file in files:
        con.con.execute(f"DROP VIEW {file.view}")
        con.con.execute(f"DROP VIEW {file.view}_staged_why")
        _drop(con, f"{file.view}_staged")
    return {**kept, **{n: choices.columns[n] for n in like.made}}, notes


# -- header ------------------------------------------------------------------------------------
def _header(
    looked: stage.Peek, adapter: Adapter, rule: FileRule, columns: Mapping[str, Column], preferred: Mapping[str, Sequence[str]]
) -> tuple[int, tuple[str, ...]]:  # fmt: skip
    """Index of the header's last row, and its texts: stated, or the row in which most headers are known."""
    asked = rule.header_row or adapter.header_row
    many = adapter.header_rows
    if asked is not None:
        if asked + many - 1 > len(looked.rows):
            raise AdapterError(
                said("adapters.header_row", path=looked.path, asked=asked, count=len(looked.rows))
            )
        at = asked + many - 2
        return at, _texts(looked.rows[at + 1 - many : at + 1])
    best, found = -1, 0
    known = known_aliases(adapter, columns)
    known |= {alias_key(a, adapter.suffixes): c for c, aliases in preferred.items() for a in aliases}
    told: tuple[str, ...] = ()
    for at in range(many - 1, len(looked.rows)):
        plain = _texts(looked.rows[at + 1 - many : at + 1])
        for texts in dict.fromkeys([plain, _under(looked.rows[: at + 1 - many], plain)]):
            count = known_headers(wide.bare(texts) if adapter.wide else texts, adapter, known)
            if count > found:
                best, found, told = at, count, texts
    if found < 2:
        best = next((i for i, row in enumerate(looked.rows) if sum(map(bool, row)) > 1), -1)
        told = _texts(looked.rows[best + 1 - many : best + 1])
    if best < 0:
        raise AdapterError(said("adapters.no_header", path=looked.path, count=len(looked.rows)))
    return best, told


def _under(above: Sequence[Sequence[str]], texts: tuple[str, ...]) -> tuple[str, ...]:
    """A header whose empty cells were merged with those above them (at most two rows): there stand their texts."""
    rows = above[-2:]
    width = max(len(texts), *(len(row) for row in rows)) if rows else len(texts)
    filled = [*texts, *[""] * (width - len(texts))]
    for row in reversed(rows):
        filled = [own or (row[i].strip() if i < len(row) else "") for i, own in enumerate(filled)]
    while filled and not filled[-1]:
        filled.pop()
    return tuple(filled)


def _texts(rows: Sequence[Sequence[str]]) -> tuple[str, ...]:
    """The header's texts; of several rows the upper cells hold for those right of them that are empty."""
    width = max((len(row) for row in rows), default=0)
    parts: list[list[str]] = [[] for _ in range(width)]
    for depth, row in enumerate(rows):
        last = ""
        for i in range(width):
            cell = row[i].strip() if i < len(row) else ""
            last = cell or (last if depth < len(rows) - 1 else "")
            if last and last not in parts[i]:
                parts[i].append(last)
    texts = [";".join(part) for part in parts]
    while texts and not texts[-1]:
        texts.pop()
    return tuple(texts)


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
def _cells(layout: Layout, adapter: Adapter) -> dict[str, str]:
    """SQL of each column, over the staged table; terms of sums are columns of their own."""
    cells: dict[str, str] = {}
    for name, header in layout.mapping.single.items():
        cells[name] = _single(name, f"c{header.position}", adapter)
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


def _account(con: Any, staged: stage.Staged, layout: Layout, adapter: Adapter, first: int) -> FileRows:
    """Say of each row whether it is data, and why not; make the view ``…_why``."""
    why = sql.no_data(adapter, layout.mapping.headers, len(layout.texts), layout.of_year)
    con.con.execute(
        f"CREATE OR REPLACE TEMP VIEW {staged.name}_why AS SELECT *, {why} AS why FROM {staged.name}"
    )
    counted = con.con.execute(
        f"SELECT why, count(*) FROM {staged.name}_why GROUP BY why ORDER BY why"
    ).fetchall()
    aside = {reason: n for reason, n in counted if reason is not None}
    if len(staged.misfits):
        aside["another number of cells than the header"] = len(staged.misfits)
    kept = sum(n for reason, n in counted if reason is None)
    if staged.rows == 0:
        raise AdapterError(said("adapters.header_only", path=layout.path))
    return FileRows(layout.path, staged.rows, kept, aside, staged.misfits, first, layout.label)


def _drop(con: Any, name: str) -> None:
    for kind, of in con.con.execute(
        "SELECT 'VIEW', view_name FROM duckdb_views() WHERE temporary AND view_name = ? "
        "UNION ALL SELECT 'TABLE', table_name FROM duckdb_tables() WHERE temporary AND table_name IN (?, ?)",
        [name, name, f"{name}_text"],
    ).fetchall():
        con.con.execute(f'DROP {kind} "{of}"')
