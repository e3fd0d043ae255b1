"""The base file: bounds, cut points and weights of a base period, by which later data are scored.

Without it each run scales its own sample, and a unit's score moves when others enter or leave.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from fusion.composite.errors import CompositeError

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


def write(base: Base, file: Path) -> None:
    """Write a base as JSON; numbers keep all their digits."""
    parts = {name: _records(getattr(base, name)) for name in PARTS}
    content = {"format": FORMAT, "how": base.how, "made_from": base.made_from, **parts}
    file.write_text(
        json.dumps(content, ensure_ascii=False, indent=1, allow_nan=False) + "\n", encoding="utf-8"
    )


def read(file: Path) -> Base:
    """Read a base that `write` made.

    Raises
    ------
    CompositeError
        When the file does not exist, is not JSON, or lacks a part.
    """
    if not file.is_file():
        raise CompositeError(
            f"base file {file} does not exist; write one with an earlier run (parameter 'base_file')"
        )
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except json.JSONDecodeError as error:
        raise CompositeError(f"base file {file.name}: line {error.lineno} is not JSON: {error.msg}") from None
    lacking = [name for name in ("format", "how", "made_from", *PARTS) if name not in content]
    if lacking or content["format"] != FORMAT:
        raise CompositeError(
            f"base file {file.name}: format {content.get('format')}, lacks {lacking}; need format {FORMAT}"
        )
    tables = {name: pd.DataFrame(content[name]) for name in PARTS}
    treatment = tables["treatment"].astype({"low": float, "high": float})
    treatment = treatment.assign(low=treatment["low"].fillna(-np.inf), high=treatment["high"].fillna(np.inf))
    logs = [c for c in treatment if str(c).startswith("log_")]
    scale = tables["scale"].astype({"optimum": float, "origin": float, "unit": float})
    return Base(
        content["how"],
        treatment.astype(dict.fromkeys(logs, float)),
        scale,
        tables["weights"],
        content["made_from"],
    )


def _records(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows with plain Python values; what is missing or infinite becomes null."""
    records = []
    for row in table.to_dict("records"):
        plain = {str(k): v.item() if isinstance(v, np.generic) else v for k, v in row.items()}
        records.append(
            {k: None if isinstance(v, float) and not np.isfinite(v) else v for k, v in plain.items()}
        )
    return records
