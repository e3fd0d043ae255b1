"""The base file: bounds, cut points and weights of a base period, by which later data are scored.

Without it each run scales its own sample, and a unit's score moves when others enter or leave.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from fusion.composite.errors import CompositeError
from fusion.language import listed, said

FORMAT = 1
PARTS = ("treatment", "scale", "weights")


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
        When the file does not exist, is not JSON, or lacks a part.
    """
    if not file.is_file():
        raise CompositeError(said("composite.base.absent", file=file))
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except json.JSONDecodeError as error:
        raise CompositeError(
            said("composite.base.not_json", file=file.name, lineno=error.lineno, msg=error.msg)
        ) from None
    if not isinstance(content, dict) or content.get("format") != FORMAT or not content.get("indexes"):
        raise CompositeError(said("composite.base.format", file=file.name, format=FORMAT))
    return {name: _read(file, name, part) for name, part in content["indexes"].items()}


def _read(file: Path, name: str, content: Mapping[str, Any]) -> Base:
    lacking = [part for part in ("how", "made_from", *PARTS) if part not in content]
    if lacking:
        raise CompositeError(said("composite.base.lacks", file=file.name, name=name, lacking=listed(lacking)))
    tables = {part: pd.DataFrame(content[part]) for part in PARTS}
    treatment = tables["treatment"].astype({"low": float, "high": float})
    treatment = treatment.assign(low=treatment["low"].fillna(-np.inf), high=treatment["high"].fillna(np.inf))
    logs = [c for c in treatment if str(c).startswith("log_")]
    scale = tables["scale"].astype({"optimum": float, "origin": float, "unit": float})
    treatment = treatment.astype(dict.fromkeys(logs, float))
    return Base(content["how"], treatment, scale, tables["weights"], content["made_from"])


def _records(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows with plain Python values; what is missing or infinite becomes null."""
    records = []
    for row in table.to_dict("records"):
        plain = {str(k): v.item() if isinstance(v, np.generic) else v for k, v in row.items()}
        records.append(
            {k: None if isinstance(v, float) and not np.isfinite(v) else v for k, v in plain.items()}
        )
    return records
