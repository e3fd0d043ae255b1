"""Reading the small tables of evaluation, with every fault listed at once."""

from __future__ import annotations

import csv
import difflib
import math
from collections.abc import Collection, Mapping
from fnmatch import fnmatchcase
from pathlib import Path

import numpy as np
import pandas as pd

from fusion.evaluation.errors import EvaluationError
from fusion.language import listed, said

# Faults and characters of a cell that a message shows: one screen.
SHOWN, WIDEST = 30, 80
ROWS = 5  # that have one wrong value
# Kinds of columns that can be added up or held against a goal.
NUMERIC = ("number", "integer", "truth", "?")


def read(file: Path, required: Collection[str]) -> pd.DataFrame:
    """A CSV as text, one row per entry, empty cells as ``""``.

    Parameters
    ----------
    file : Path
        UTF-8 CSV.
    required : collection of str
        Columns that must be there.

    Raises
    ------
    EvaluationError
        If the file is missing, empty, not UTF-8, or lacks a column.
    """
    try:
        with file.open(encoding="utf-8-sig", newline="") as stream:
            rows = [row for row in csv.reader(stream, strict=True) if row]
    except FileNotFoundError:
        raise EvaluationError(
            said("evaluation.no_such_file", file=file.name, folder=file.parent.name)
        ) from None
    except UnicodeDecodeError:
        raise EvaluationError(said("evaluation.not_utf8", file=file.name)) from None
    except csv.Error as error:
        raise EvaluationError(said("evaluation.not_csv", file=file.name, reason=error)) from None
    if not rows:
        raise EvaluationError(said("evaluation.empty", file=file.name, header=",".join(required)))
    header = [name.strip() for name in rows[0]]
    refuse(
        [
            fault(file.name, i, "wide", most=len(header))
            for i, r in enumerate(rows[1:])
            if len(r) > len(header)
        ]
    )
    twice = sorted({name for name in header if header.count(name) > 1})
    if twice:
        raise EvaluationError(said("evaluation.twice", file=file.name, twice=listed(map(_short, twice))))
    cells = [[*row, *[""] * (len(header) - len(row))] for row in rows[1:]]
    table = pd.DataFrame(cells, columns=pd.Index(header, dtype="str"), dtype="str")
    lacking = [name for name in required if name not in table.columns]
    if lacking:
        raise EvaluationError(
            said(
                "evaluation.lacks",
                file=file.name,
                lacking=listed(lacking),
                columns=listed(map(_short, table.columns)),
            )
        )
    return table.apply(lambda column: column.str.strip())


def faults(table: pd.DataFrame, column: str, allowed: Collection[str], file: str) -> list[str]:
    """Cells of a column that are not among the allowed words."""
    words = listed(w or said("evaluation.word.empty") for w in allowed)
    return cells(table, ~table[column].isin(list(allowed)), column, file, words)


def years(table: pd.DataFrame, column: str, file: str, *, empty: bool) -> list[str]:
    """Cells of a column that are not a year (or empty, where that is allowed)."""
    good = table[column].astype("str").str.fullmatch(r"(19|20)\d\d") | ((table[column] == "") & empty)
    word = said("evaluation.word.year_or_empty") if empty else said("evaluation.word.year")
    return cells(table, ~good, column, file, word)


def numbers(
    table: pd.DataFrame,
    column: str,
    file: str,
    *,
    empty: bool = False,
    least: float = -math.inf,
    most: float = math.inf,
) -> list[str]:
    """Cells of a column that are no number between two ends (or empty, where that is allowed)."""
    found = pd.to_numeric(table[column], errors="coerce").astype(float)
    good = (np.isfinite(found) & found.between(least, most)) | ((table[column] == "") & empty)
    whole = math.isinf(least) and math.isinf(most)
    word = said("evaluation.word.number") if whole else said("evaluation.word.within", least=least, most=most)
    return cells(table, ~good, column, file, word)


def unknown(
    table: pd.DataFrame,
    column: str,
    known: Mapping[str, str],
    file: str,
    *,
    kinds: Collection[str] = NUMERIC,
    absent: str = "no_column",
) -> list[str]:
    """Cells of a column that name what is none of the columns that a study can have, or one of another kind.

    Parameters
    ----------
    table, column, file
        Where; an empty cell names nothing.
    known : mapping
        Name, or pattern of names, of a column: its kind, ``?`` where it is not known; empty: nothing is refused.
    kinds : collection of str
        Kinds that are allowed.
    absent : str
        Fault of a name that is none.
    """
    wrong = []
    for i, name in table.loc[table[column] != "", column].items() if known else ():
        kind = known.get(name) or next((k for n, k in known.items() if fnmatchcase(name, n)), None)
        if kind is None:
            near = difflib.get_close_matches(name, known, 1, 0.5)
            hint = said("evaluation.nearest", near=near[0]) if near else ""
            wrong.append(fault(file, i, absent, column=column, value=_short(name), hint=hint))
        elif kind not in kinds:
            wrong.append(fault(file, i, "other_kind", column=column, value=_short(name)))
    return wrong


def cells(table: pd.DataFrame, wrong: pd.Series, column: str, file: str, allowed: str) -> list[str]:
    """Cells that are not allowed, in words: one value once, with the rows that it stands in."""
    told = []
    for value, rows in table.loc[wrong].groupby(column, sort=False):
        first = listed(int(row) + 2 for row in rows.index[:ROWS])
        line = said("evaluation.rows", first=first, count=len(rows)) if len(rows) > ROWS else first
        value = _short(str(value))
        told.append(
            said("evaluation.cell", file=file, line=line, column=column, value=value, allowed=allowed)
        )
    return told


def cell(table: pd.DataFrame, row: int, column: str, file: str, allowed: str) -> str:
    """A cell that is not allowed, in words."""
    value = _short(str(table.loc[row, column]))
    return said("evaluation.cell", file=file, line=row + 2, column=column, value=value, allowed=allowed)


def fault(file: str, row: int, name: str, **values: object) -> str:
    """A row that is not allowed, in words."""
    return said("evaluation.row", file=file, line=row + 2, fault=said(f"evaluation.fault.{name}", **values))


def refuse(found: list[str]) -> None:
    """Raise all faults together, if there are any."""
    if found:
        more = [said("evaluation.more", count=len(found) - SHOWN)] if len(found) > SHOWN else []
        raise EvaluationError("\n".join([*found[:SHOWN], *more]))


def _short(text: str) -> str:
    """A name or a cell as a message shows it."""
    return text if len(text) <= WIDEST else f"{text[:WIDEST]}…"
