"""What a rerun by hand moved against the last run: exhibit by exhibit, in the notebook itself."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from workbook.exhibits import record
from workbook.exhibits.words import number
from workbook.inert import markdown

ALIKE = 1e-9  # of a number's size; what moves less is the computer's rounding
MOST = 12  # exhibits told one by one


@dataclass(frozen=True)
class Moved:
    """An exhibit that is not what it was.

    Parameters
    ----------
    id, number : str
        Which it is.
    cells, of : int
        How many of its numbers moved, and how many there are; 0 of 0 where its rows are others.
    rows : (int, int)
        Its rows before and now.
    column : str
        Where the largest move is, measured in sizes of the number before.
    before, now : float
        That number.
    """

    id: str
    number: str
    cells: int
    of: int
    rows: tuple[int, int]
    column: str = ""
    before: float = math.nan
    now: float = math.nan


def moved(before: Path, now: Path, notebook: str) -> list[Moved] | None:
    """Exhibits of a notebook that differ between two folders, in its order; None where there was no last run.

    Parameters
    ----------
    before, now : Path
        Folders with what the notebook left.
    notebook : str
        Its name.
    """
    earlier = {one.id: one for one in record.records(before, notebook)}
    if not earlier:
        return None
    pairs = ((one, earlier.get(one.id)) for one in record.records(now, notebook))
    return [found for one, was in pairs if (found := _difference(one, was)) is not None]


def _difference(one: record.Record, was: record.Record | None) -> Moved | None:
    a, b = was.frame if was is not None else None, one.frame
    rows = (0 if a is None else len(a), 0 if b is None else len(b))
    if a is None and b is None:
        return None if was is not None and was.kind == one.kind else Moved(one.id, one.number, 0, 0, rows)
    if a is None or b is None or rows[0] != rows[1] or list(a) != list(b) or not _same_keys(a, b):
        return Moved(one.id, one.number, 0, 0, rows)
    cells = list(_cells(a, b))
    changed = [cell for cell in cells if not _alike(*cell[1:])]
    if not changed:
        return None
    column, x, y = max(changed, key=lambda cell: _size(*cell[1:]))
    return Moved(one.id, one.number, len(changed), len(cells), rows, column, x, y)


def _same_keys(a: pd.DataFrame, b: pd.DataFrame) -> bool:
    texts = [name for name in a if not pd.api.types.is_numeric_dtype(a[name])]
    return all(a[name].astype(str).tolist() == b[name].astype(str).tolist() for name in texts)


def _cells(a: pd.DataFrame, b: pd.DataFrame) -> Iterator[tuple[str, float, float]]:
    for name in a:
        if pd.api.types.is_numeric_dtype(a[name]) and pd.api.types.is_numeric_dtype(b[name]):
            pairs = zip(a[name].astype(float), b[name].astype(float), strict=True)
            yield from ((str(name), x, y) for x, y in pairs)


def _alike(x: float, y: float) -> bool:
    return x == y or (math.isnan(x) and math.isnan(y)) or math.isclose(x, y, rel_tol=ALIKE)


def _size(x: float, y: float) -> float:
    """A move in sizes of the number before; one that came or went is the largest."""
    if not (math.isfinite(x) and math.isfinite(y)):
        return math.inf
    return abs(y - x) / abs(x) if x else math.inf


WORDS: dict[str, dict[str, str]] = {
    "en": {
        "first": "There is no last run to compare with.",
        "none": "Nothing moved against the last run.",
        "head": "**Moved against the last run** ({count} of {all} exhibits). To keep what you changed: `.venv/bin/fusion adopt "
        "notebooks/{notebook}.ipynb --name mine`.",
        "cells": "{number} {name}: {cells} of {of} numbers, most in “{column}”: {before} → {now}",
        "rows": "{number} {name}: other rows ({a} → {b})",
        "more": "and {count} more",
    },
    "zh": {
        "first": "没有可供比较的上次运行。",
        "none": "与上次运行相比没有变动。",
        "head": "**与上次运行相比的变动**（{all} 个图表中的 {count} 个）。保留所作更改：`.venv/bin/fusion adopt "
        "notebooks/{notebook}.ipynb --name mine`。",
        "cells": "{number} {name}：{of} 个数中有 {cells} 个变动，最大者在“{column}”：{before} → {now}",
        "rows": "{number} {name}：行不同（{a} → {b}）",
        "more": "另有 {count} 个",
    },
}


def told(
    found: list[Moved] | None, notebook: str, count: int, names: Mapping[str, str], language: str
) -> str:
    """What moved, in Markdown.

    Parameters
    ----------
    found : list of Moved or None
        As `moved` gives it.
    notebook : str
        Its name.
    count : int
        How many exhibits it has.
    names : dict
        What they are called, by id.
    language : {"en", "zh"}
        The language.
    """
    w = WORDS[language]
    if not found:
        return w["first"] if found is None else w["none"]
    lines = [_line(one, names.get(one.id, one.id), w) for one in found[:MOST]]
    if len(found) > MOST:
        lines.append(w["more"].format(count=len(found) - MOST))
    head = w["head"].format(count=len(found), all=count, notebook=notebook)
    return head + "\n\n" + "\n".join(f"- {line}" for line in lines)


def _line(one: Moved, name: str, w: Mapping[str, str]) -> str:
    facts: dict[str, Any] = {"name": markdown(name), "a": one.rows[0], "b": one.rows[1]}
    facts |= {key: getattr(one, key) for key in ("number", "cells", "of", "before", "now")}
    facts |= {"column": markdown(one.column)}
    for key in ("before", "now"):
        facts[key] = number(facts[key], ".4g")
    return w["cells" if one.cells else "rows"].format(**facts)
