"""The room's error: where in the text, what was found, what is allowed."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from workbook.language import listed, said

COLUMNS = 30  # named where none is close to what was meant
PART = ":"  # begins the names of columns that the workbook makes for itself


class ExpressionError(ValueError):
    """An expression that is refused.

    Parameters
    ----------
    told : str
        What was found, and what is allowed.
    at : int, optional
        Character of the text, from 0; None where no one place is meant.
    key : str
        Name of the column, rule or sample whose expression it is.
    """

    def __init__(self, told: str, at: int | None = None, key: str = "") -> None:
        self.at, self.key = at, key
        super().__init__(told if at is None else said("expressions.at", at=at + 1, told=told))


def no_column(name: object, known: Iterable[str]) -> str:
    """That there is no such column: the closest known one, or where none is close what there are."""
    columns = [c for c in dict.fromkeys(known) if not c.startswith(PART)]
    hint = nearest(str(name), columns)
    if not hint and columns:
        hint = said("expressions.columns_are", names=listed(columns, most=COLUMNS))
    return said("expressions.no_column", name=name, hint=hint)


def nearest(name: str, known: Iterable[str]) -> str:
    """The closest known names as a half-sentence, or nothing."""
    found = difflib.get_close_matches(name, list(dict.fromkeys(known)), n=1, cutoff=0.6)
    return said("expressions.nearest", names=listed(found)) if found else ""
