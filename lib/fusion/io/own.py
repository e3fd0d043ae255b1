"""A user's input–output table: read from a file of the study, checked cell by cell, its sectors said to make or to serve.

The file has one row and one column a sector, with the same codes, and after the sectors a column of output (and of exports,
imports, final use where there are such), a row of value added, and a column ``divisions`` with the divisions of GB/T 4754-2017
that each sector holds (``13 14`` or ``13-15``). What belongs to which industry follows from these alone. Tables under the heads
of statistical offices are brought to this form first (`heads`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from fusion import archives
from fusion.io import heads
from fusion.io.algebra import Floats, InputOutputError, some
from fusion.io.table import Table, checked
from fusion.language import listed, said, word

OUTPUT, EXPORTS, IMPORTS, FINAL, VALUE_ADDED = "output", "exports", "imports", "final", "value_added"
NAMES = ("name_en", "name_zh")
COLUMNS = ("code", "divisions", *NAMES, OUTPUT, EXPORTS, IMPORTS, FINAL)
DIVISIONS = range(1, 98)  # of GB/T 4754
REPAIR = 43
MAKES, SERVES, OTHER, MIXED = "manufacturing", "services", "other", "mixed"


@dataclass(frozen=True)
class Own:
    """A table with what its sectors hold.

    Attributes
    ----------
    table : Table
    divisions : tuple of tuple of str
        Divisions of each sector, two digits.
    kinds : tuple of str
        ``manufacturing``, ``services``, ``other``, or ``mixed`` where a sector holds both or says nothing.
    has_exports : bool
    """

    table: Table
    divisions: tuple[tuple[str, ...], ...]
    kinds: tuple[str, ...]
    has_exports: bool

    def of(self, kind: str) -> list[str]:
        """Codes of the sectors of one kind."""
        return [code for code, own in zip(self.table.codes, self.kinds, strict=True) if own == kind]

    def sector_of(self) -> dict[str, str]:
        """Sector of each division; a division stands in one sector alone."""
        pairs = zip(self.table.codes, self.divisions, strict=True)
        return {division: code for code, held in pairs for division in held}


def read_own(file: Path | str, tolerance: float = 1e-3) -> Own:
    """Read and check a table.

    Parameters
    ----------
    file : Path or str
        CSV (UTF-8) or Excel, as above. Flows hold imports; with a column of imports these are taken out by proportion where
        domestic coefficients are asked for.
    tolerance : float
        Largest share of a sector's output by which inputs and value added, or uses, may miss it (rounding).

    Raises
    ------
    InputOutputError
        When the table is not square, holds a text, an empty or a negative cell among flows, a division that is none or stands
        in two sectors, or does not add up; the message names the row, the column and the cell.
    """
    place = Path(file)
    raw, imported, taxes = _told(_raw(place), place.name)
    sectors = _sectors(raw, place.name)
    rows = raw.set_index("code")
    flows = _numbers(rows.loc[sectors, sectors], place.name)
    listed_apart = None if imported is None else _numbers(imported.loc[sectors, sectors], place.name)
    _refuse_negative(flows, sectors, place.name)
    column = {
        c: _numbers(rows.loc[sectors, [c]], place.name)[:, 0] for c in (OUTPUT, EXPORTS, IMPORTS) if c in raw
    }
    none = np.zeros(len(sectors))
    added = _numbers(rows.loc[[VALUE_ADDED], sectors], place.name)[0]
    if taxes is not None:  # between inputs and output, as value added is
        added = added + _numbers(taxes[sectors], place.name)[0]
    final = column[OUTPUT] + column.get(IMPORTS, none) - flows.sum(axis=1)
    if listed_apart is not None:
        final, flows = column[OUTPUT] - flows.sum(axis=1), flows + listed_apart
    if FINAL in raw:
        final = _numbers(rows.loc[sectors, [FINAL]], place.name)[:, 0] + column.get(EXPORTS, none)
    english, chinese = (tuple(rows.loc[sectors, n]) if n in raw else tuple(sectors) for n in NAMES)
    table = Table(
        codes=tuple(sectors),
        names_en=english,
        names_zh=chinese,
        flows=flows,
        imported=listed_apart,
        final=final,
        imports=column.get(IMPORTS, none),
        exports=column.get(EXPORTS, none),
        errors=none,
        value_added=added,
        output=column[OUTPUT],
    )
    checked(table, place.name, tolerance)
    held = _divisions(rows.loc[sectors, "divisions"], place.name)
    return Own(table, held, tuple(_kind(d) for d in held), EXPORTS in raw)


# -- inside ------------------------------------------------------------------------------------
def _raw(place: Path) -> pd.DataFrame:
    try:
        raw = _sheet(place) if place.suffix.lower() == ".xlsx" else _text(place)
    except Exception as error:  # a damaged workbook shows in many ways, those of XML among them
        why = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise InputOutputError(said("io.unreadable", name=place.name, why=why)) from error
    raw.columns = [str(c).strip() for c in raw.columns]
    return raw.apply(lambda column: column.str.strip())


def _told(raw: pd.DataFrame, name: str) -> tuple[pd.DataFrame, pd.DataFrame | None, pd.DataFrame | None]:
    """The table in the form above, its imported flows and its taxes on products, where it has them."""
    missing = [c for c in ("code", "divisions", OUTPUT) if c not in raw]
    if not missing:
        return raw, None, None
    found = None if missing == ["divisions"] else heads.published(raw, name)
    if found is None:
        raise InputOutputError(said("io.own_columns", name=name, missing=listed(missing)))
    return found.raw, found.imported, found.taxes


def _text(place: Path) -> pd.DataFrame:
    return pd.read_csv(place, dtype=str, keep_default_na=False, encoding="utf-8-sig")


def _sheet(place: Path) -> pd.DataFrame:
    archives.bounded(place)
    return pd.read_excel(place, dtype=str, keep_default_na=False, engine="openpyxl")


def _sectors(raw: pd.DataFrame, name: str) -> list[str]:
    """Codes that are rows and columns alike."""
    rows = [c for c in raw["code"] if c not in ("", VALUE_ADDED)]
    columns = [c for c in raw.columns if c not in COLUMNS]
    for what, codes in (("rows", rows), ("columns", columns)):
        twice = sorted({c for c in codes if codes.count(c) > 1})
        if twice:
            raise InputOutputError(said("io.twice", name=name, what=word("io.what", what), codes=some(twice)))
    if set(rows) != set(columns):
        no_column = [c for c in rows if c not in columns]
        no_row = [c for c in columns if c not in rows]
        raise InputOutputError(
            said(
                "io.not_square",
                name=name,
                rows=len(rows),
                columns=len(columns),
                no_column=some(no_column) or "–",
                no_row=some(no_row) or "–",
            )
        )
    if VALUE_ADDED not in set(raw["code"]):
        raise InputOutputError(said("io.no_value_added", name=name))
    return rows


def _numbers(cells: pd.DataFrame, name: str) -> Floats:
    """Cells as numbers; thousands' commas are read, an empty cell is a zero flow."""
    plain = cells.replace({",": ""}, regex=True).replace({"": "0", "-": "0", "–": "0"})
    numbers = plain.apply(pd.to_numeric, errors="coerce").to_numpy(float)
    if not np.isfinite(numbers).all():
        i, j = (int(n) for n in np.argwhere(~np.isfinite(numbers))[0])
        cell = {"row": cells.index[i], "column": cells.columns[j], "text": cells.iloc[i, j]}
        raise InputOutputError(said("io.no_number", name=name, **cell))
    return np.asarray(numbers, dtype=float)


def _refuse_negative(flows: Floats, sectors: list[str], name: str) -> None:
    below = np.argwhere(flows < 0)
    if len(below):
        i, j = below[0]
        where = {"row": sectors[i], "column": sectors[j], "value": flows[i, j], "count": len(below)}
        raise InputOutputError(said("io.negative_flow", name=name, **where))


def _divisions(cells: pd.Series, name: str) -> tuple[tuple[str, ...], ...]:
    held = [_listed_divisions(cell, code, name) for code, cell in cells.items()]
    every = [d for one in held for d in one]
    twice = sorted({d for d in every if every.count(d) > 1})
    if twice:
        raise InputOutputError(said("io.division_twice", name=name, codes=some(twice)))
    return tuple(held)


def _listed_divisions(cell: str, code: object, name: str) -> tuple[str, ...]:
    found: list[str] = []
    for part in re.split(r"[\s,;，；、]+", cell.strip()):
        span = re.fullmatch(r"(\d{1,2})(?:[-–](\d{1,2}))?", part)
        if part and not span:
            raise InputOutputError(said("io.no_division", name=name, sector=code, text=part))
        if span:
            first, last = int(span[1]), int(span[2] or span[1])
            if first not in DIVISIONS or last not in DIVISIONS or last < first:
                raise InputOutputError(said("io.no_division", name=name, sector=code, text=part))
            found += [f"{d:02d}" for d in range(first, last + 1)]
    return tuple(found)


def _kind(divisions: tuple[str, ...]) -> str:
    kinds = {
        MAKES if 13 <= d <= 42 else SERVES if d == REPAIR or 51 <= d <= 96 else OTHER
        for d in map(int, divisions)
    }
    return kinds.pop() if len(kinds) == 1 else MIXED
