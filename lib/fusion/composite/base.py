"""The base file: bounds, cut points and weights of a base period, by which later data are scored.

Without it each run scales its own sample, and a unit's score moves when others enter or leave.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from fusion.composite.errors import CompositeError
from fusion.composite.scale import METHODS
from fusion.language import listed, said

FORMAT = 1
PARTS = ("treatment", "scale", "weights")
# Columns of each part that scores are made from: names and other texts, then numbers.
COLUMNS = {
    "treatment": ("indicator", "stage", "low", "high"),
    "scale": ("indicator", "direction", "optimum", "origin", "unit"),
    "weights": ("code", "chain", "weight_in_chain", "chain_weight"),
}
NAMES, TEXTS = ("indicator", "code"), ("indicator", "code", "stage", "direction", "chain")


@dataclass(frozen=True)
class Base:
    """What scores are measured against.

    Attributes
    ----------
    how : str
        Normalisation.
    treatment : pandas.DataFrame
        As `treat.fit`.
    scale : pandas.DataFrame
        As `scale.fit`.
    weights : pandas.DataFrame
        As `index.Index.weights`.
    made_from : dict
        What the maker says of the data: study, years, rows.
    """

    how: str
    treatment: pd.DataFrame
    scale: pd.DataFrame
    weights: pd.DataFrame
    made_from: dict[str, Any]


def dumps(bases: Mapping[str, Base]) -> str:
    """The bases of some indexes as JSON text."""
    indexes = {
        name: {"how": b.how, "made_from": b.made_from, **{p: _records(getattr(b, p)) for p in PARTS}}
        for name, b in bases.items()
    }
    content = {"format": FORMAT, "indexes": indexes}
    return json.dumps(content, ensure_ascii=False, indent=1, allow_nan=False) + "\n"


def read(file: Path) -> dict[str, Base]:
    """Read the bases of a file, as `dumps` writes them: index, base.

    Raises
    ------
    CompositeError
        When the file does not exist, is not JSON, lacks a part, or has texts where numbers belong.
    """
    if not file.is_file():
        raise CompositeError(said("composite.base.absent", file=file))
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except json.JSONDecodeError as error:
        raise CompositeError(
            said("composite.base.not_json", file=file.name, lineno=error.lineno, msg=error.msg)
        ) from None
    except (ValueError, RecursionError) as error:  # no UTF-8, a number of 5,000 digits, lists in lists
        raise CompositeError(
            said("composite.base.not_text", file=file.name, reason=str(error)[:200])
        ) from None
    if not isinstance(content, dict) or content.get("format") != FORMAT or not content.get("indexes"):
        raise CompositeError(said("composite.base.format", file=file.name, format=FORMAT))
    if not isinstance(content["indexes"], dict):
        raise CompositeError(said("composite.base.format", file=file.name, format=FORMAT))
    return {name: _read(file, name, part) for name, part in content["indexes"].items()}


def _read(file: Path, name: str, content: Any) -> Base:
    whole = content if isinstance(content, dict) else {}
    lacking = [part for part in ("how", "made_from", *PARTS) if part not in whole]
    lacking += [
        f"{part}.{column}"
        for part in PARTS
        if part in whole
        for column in _lacking(whole[part], COLUMNS[part])
    ]
    if lacking or not isinstance(whole["made_from"], dict) or whole["how"] not in METHODS:
        lacking = lacking or ["how, made_from"]
        raise CompositeError(said("composite.base.lacks", file=file.name, name=name, lacking=listed(lacking)))
    try:
        treatment, scale, weights = (_table(whole[part], part) for part in PARTS)
    except (ValueError, TypeError, OverflowError) as error:
        raise CompositeError(
            said("composite.base.wrong", file=file.name, name=name, reason=str(error)[:200])
        ) from None
    treatment = treatment.assign(low=treatment["low"].fillna(-np.inf), high=treatment["high"].fillna(np.inf))
    return Base(whole["how"], treatment, scale, weights, whole["made_from"])


def _lacking(rows: Any, columns: Collection[str]) -> list[str]:
    """Columns that some row of a table lacks; all of them where it is no table."""
    if not isinstance(rows, list) or not rows or not all(isinstance(row, dict) for row in rows):
        return list(columns)
    return [column for column in columns if not all(column in row for row in rows)]


def _table(rows: list[dict[str, Any]], part: str) -> pd.DataFrame:
    """A table whose numbers are numbers, and of which each row has its own name."""
    table = pd.DataFrame(rows)
    texts = [c for c in COLUMNS[part] if c in TEXTS]
    numbers = [c for c in table if c in set(COLUMNS[part]) - {*TEXTS} or str(c).startswith("log_")]
    known = table[texts].map(lambda cell: isinstance(cell, str)).all(axis=None)
    if not known or table.duplicated([c for c in texts if c in NAMES]).any():
        raise ValueError(f"{part}: {', '.join(texts)}")
    for column in numbers:
        if table[column].map(lambda cell: isinstance(cell, bool | str | list | dict)).any():
            raise ValueError(f"{part}.{column}")
    return table.astype(dict.fromkeys(numbers, float))


def _records(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows with plain Python values; what is missing or infinite becomes null."""
    records = []
    for row in table.to_dict("records"):
        plain = {str(k): v.item() if isinstance(v, np.generic) else v for k, v in row.items()}
        records.append(
            {k: None if isinstance(v, float) and not np.isfinite(v) else v for k, v in plain.items()}
        )
    return records
