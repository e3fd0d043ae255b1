"""The contract of an enterprise panel: columns, and rules between columns.

The contract is data (``data/contract/panel.csv`` and ``rules.csv``); this module reads it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd

from fusion.language import said
from fusion.panel.errors import PanelError, nearest

DATA = Path(__file__).resolve().parents[3] / "data"
KEYS = ("firm_id", "year")
ROW = "source_row"
MONEY = "万元"
# One unit of the source in 万元.
MONEY_UNITS = {"元": 1e-4, "千元": 0.1, "万元": 1.0, "百万元": 100.0, "亿元": 10_000.0}
PATTERNS = {
    "code3": r"[0-9]{3}",
    "code4": r"(?:[A-T]|[A-T]?[0-9]{3}|[0-9]{2}|S90|[0-9]{4})",  # S90: the regulator's conglomerates
    "code6": r"[0-9]{6}",
}
NUMBERS = ("float", "int")


@dataclass(frozen=True)
class Column:
    """A column of the panel.

    Attributes
    ----------
    type : str
        ``str``, ``code3``/``code6`` (text of that many digits), ``code4`` (a class of
        GB/T 4754, or a group, division or section), ``enum``, ``list`` and
        ``json`` (text), ``int``, ``float``, ``bool``.
    unit : str
        ``万元`` marks a money column, scaled when it is read.
    minimum, maximum : float or None
        Bounds, inclusive.
    allowed : tuple of str
        Values of an ``enum``.
    required : {"required", "optional", "derived"}
        Whether the column must exist (its cells may be NULL).
    null_is : {"missing", "answer"}
        Whether an empty cell is a gap, or says something (never a pilot).
    role : {"key", "required", "optional", "extra", "derived"}
        As the codebook names it.
    kept_as : str
        Its name from reading on, where the source's own is also one of the workbook's; empty if it keeps it.
    reported_as : str
        Its name in the source, where it has another by now.
    """

    column: str
    label_en: str
    label_zh: str
    type: str = "float"
    unit: str = ""
    minimum: float | None = None
    maximum: float | None = None
    allowed: tuple[str, ...] = ()
    required: str = "optional"
    null_is: str = "missing"
    role: str = "optional"
    synonyms: tuple[str, ...] = ()
    kept_as: str = ""
    reported_as: str = ""

    @property
    def is_number(self) -> bool:
        """Whether its values are numbers."""
        return self.type in NUMBERS

    @property
    def is_code(self) -> bool:
        """Whether its values are codes of a fixed number of digits."""
        return self.type in PATTERNS

    @property
    def width(self) -> int:
        """Digits of a code."""
        return int(self.type[-1])


@dataclass(frozen=True)
class Rule:
    """A rule between columns: ``expression`` (SQL) is true where a row keeps it, NULL where it cannot be told."""

    rule: str
    severity: str
    field: str
    expression: str
    message_en: str
    message_zh: str
    mend_en: str = ""
    mend_zh: str = ""
    source: str = ""


@cache
def contract() -> tuple[Column, ...]:
    """Columns of ``data/contract/panel.csv``, in its order."""
    table = pd.read_csv(DATA / "contract" / "panel.csv", dtype=str, keep_default_na=False)
    return tuple(_column(row) for row in table.to_dict("records"))


@cache
def rules() -> tuple[Rule, ...]:
    """Rules between columns of ``data/contract/rules.csv``, in its order."""
    table = pd.read_csv(DATA / "contract" / "rules.csv", dtype=str, keep_default_na=False)
    return tuple(Rule(**{str(key): value for key, value in row.items()}) for row in table.to_dict("records"))


def expected(kind: str, extra_columns: Mapping[str, Any] | None = None) -> dict[str, Column]:
    """Columns that a source may bring, by name.

    Parameters
    ----------
    kind : {"enterprise", "minimal"}
        ``minimal`` requires ``firm_id`` and ``year`` alone; other columns of the contract stay optional.
    extra_columns : mapping of str to mapping
        Declared by the study: ``label_en``, ``label_zh``, ``type``, ``unit``, ``minimum``, ``maximum``.

    Raises
    ------
    PanelError
        For an unknown kind, or an extra column that the enterprise contract already has. Under
        ``minimal`` a declared column takes the place of the contract's one of that name.
    """
    if kind not in ("enterprise", "minimal"):
        raise PanelError(said("panel.contract_kind", kind=kind))
    columns = {c.column: c for c in contract()}
    if kind == "minimal":
        columns = {name: _loosened(c) for name, c in columns.items()}
    for name, declared in (extra_columns or {}).items():
        known = columns.get(name)
        if known and (kind == "enterprise" or name in KEYS):
            raise PanelError(
                said("panel.extra_taken", name=name, label_zh=known.label_zh, unit=known.unit or known.type)
            )
        columns[name] = _extra(name, declared)
    return columns


def missing_columns(found: Sequence[str], columns: Mapping[str, Column]) -> list[str]:
    """Required and declared columns that a source lacks, each with candidates among its headers."""
    needed = [c for c in columns.values() if c.required == "required" and c.column not in found]
    return [_candidates(c, found) for c in needed]


# -- inside ------------------------------------------------------------------------------------
def _column(row: Mapping[Any, str]) -> Column:
    name = row["column"]
    spellings = [row["label_zh"], row["synonyms_bureau_forms"], row["synonyms_csmar"], row["synonyms_wind"]]
    return Column(
        column=name,
        label_en=row["label_en"],
        label_zh=row["label_zh"],
        type=row["type"],
        unit=row["unit"],
        minimum=float(row["minimum"]) if row["minimum"] else None,
        maximum=float(row["maximum"]) if row["maximum"] else None,
        allowed=tuple(row["allowed"].split("|")) if row["allowed"] else (),
        required=row["required"],
        null_is=row["null_is"],
        role="key" if name in KEYS else row["required"],
        synonyms=tuple(s for text in spellings for s in text.split("|") if s),
    )


def _loosened(column: Column) -> Column:
    if column.column in KEYS or column.required == "derived":
        return column
    return Column(**{**column.__dict__, "required": "optional", "role": "optional"})


def _extra(name: str, declared: Mapping[str, Any]) -> Column:
    return Column(
        column=name,
        label_en=declared["label_en"],
        label_zh=declared["label_zh"],
        type=declared.get("type", "float"),
        unit=declared.get("unit", ""),
        minimum=declared.get("minimum"),
        maximum=declared.get("maximum"),
        required="required",
        role="extra",
        kept_as=declared.get("kept_as") or "",
    )


def _candidates(column: Column, found: Sequence[str]) -> str:
    """The missing column with the header that may be meant: a known synonym first, else the nearest name."""
    spellings = {s.split("(")[0].split(";")[0].strip() for s in column.synonyms}
    same = [header for header in found if header.split(";")[0].strip() in spellings]
    hint = said("panel.candidate", same=same[0]) if same else nearest(column.column, found)
    return f"{column.column} {column.label_zh}{hint}"
