"""Reading the small tables of evaluation, with every fault listed at once."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

import pandas as pd

from fusion.evaluation.errors import EvaluationError
from fusion.language import listed, said


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
        table = pd.read_csv(file, dtype=str, keep_default_na=False, encoding="utf-8-sig")
    except FileNotFoundError:
        raise EvaluationError(
            said("evaluation.no_such_file", file=file.name, folder=file.parent.name)
        ) from None
    except UnicodeDecodeError:
        raise EvaluationError(said("evaluation.not_utf8", file=file.name)) from None
    except pd.errors.EmptyDataError:
        raise EvaluationError(said("evaluation.empty", file=file.name, header=",".join(required))) from None
    lacking = [name for name in required if name not in table.columns]
    if lacking:
        raise EvaluationError(
            said("evaluation.lacks", file=file.name, lacking=listed(lacking), columns=listed(table.columns))
        )
    return table.apply(lambda column: column.str.strip())


def faults(table: pd.DataFrame, column: str, allowed: Collection[str], file: str) -> list[str]:
    """Cells of a column that are not among the allowed words."""
    words = listed(w or said("evaluation.word.empty") for w in allowed)
    return [cell(table, i, column, file, words) for i in table.index[~table[column].isin(list(allowed))]]


def years(table: pd.DataFrame, column: str, file: str, *, empty: bool) -> list[str]:
    """Cells of a column that are not a year (or empty, where that is allowed)."""
    good = table[column].str.fullmatch(r"(19|20)\d\d") | ((table[column] == "") & empty)
    word = said("evaluation.word.year_or_empty") if empty else said("evaluation.word.year")
    return [cell(table, i, column, file, word) for i in table.index[~good]]


def cell(table: pd.DataFrame, row: int, column: str, file: str, allowed: str) -> str:
    """A cell that is not allowed, in words."""
    value = table.loc[row, column]
    return said("evaluation.cell", file=file, line=row + 2, column=column, value=value, allowed=allowed)


def fault(file: str, row: int, name: str, **values: object) -> str:
    """A row that is not allowed, in words."""
    return said("evaluation.row", file=file, line=row + 2, fault=said(f"evaluation.fault.{name}", **values))


def refuse(found: list[str]) -> None:
    """Raise all faults together, if there are any."""
    if found:
        raise EvaluationError("\n".join(found))
