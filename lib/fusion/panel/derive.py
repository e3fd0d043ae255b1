"""Columns computed from others by declared transformations, as table expressions.

Whatever cannot be computed (the logarithm of zero, a ratio to zero, a year before that is not there) is
NULL and counted.
"""

# Ibis, not pandas: its tests for NULL are named isnull and notnull.
# ruff: noqa: PD003
from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import ibis
import ibis.expr.datatypes as dt
import pandas as pd

from fusion.language import listed, said
from fusion.panel.contract import Column
from fusion.panel.errors import PanelError, nearest

REPORT = ["column", "how", "of", "n", "inputs_missing", "undefined", "no_year_before"]
# Number of columns that each transformation takes: (least, most).
ARITY: dict[str, tuple[int, int]] = {
    "log": (1, 1),
    "log1p": (1, 1),
    "lag": (1, 1),
    "growth": (1, 1),
    "difference": (1, 1),
    "ratio": (2, 2),
    "log_ratio": (2, 2),
    "post": (1, 1),
    "sum": (1, 99),
    "product": (1, 99),
}
OVER_TIME = ("lag", "growth", "difference")
BEFORE = "value_of_the_year_before"


@dataclass(frozen=True)
class Derivation:
    """What was derived.

    Attributes
    ----------
    table : ibis.Table
        With the new columns at its end.
    columns : list of Column
        Their descriptions, for the codebook.
    report : pandas.DataFrame
        ``column, how, of, n`` (values), and the rows that are NULL by reason: ``inputs_missing``,
        ``undefined`` (log of a value ≤ 0, ratio to 0), ``no_year_before`` (no value in the year before).
    """

    table: ibis.Table
    columns: list[Column]
    report: pd.DataFrame


def derive(table: ibis.Table, specs: Sequence[Mapping[str, Any]]) -> Derivation:
    """Compute columns in order; a later one may use an earlier one.

    Parameters
    ----------
    table : ibis.Table
        With ``firm_id`` and ``year``, unique together.
    specs : sequence of mapping
        ``name``, ``of`` (list of columns), ``how``, ``label_en``, ``label_zh``, ``unit``. ``lag`` is the
        firm's value at year − 1, not that of its row before; ``growth`` = ln x − ln lag;
        ``difference`` = x − lag; ``post`` = 1 from the year in the column on, else 0 (also where empty).

    Raises
    ------
    PanelError
        Unknown transformation or column, wrong number of columns, a column that is no number, or a name
        that is taken.
    """
    columns, reports = [], []
    for spec in specs:
        name, how, of = spec["name"], spec["how"], list(spec["of"])
        _allowed(table, name, how, of)
        timed = _with_before(table, of[0]) if how in OVER_TIME else table
        values = [_number(timed[column]) for column in of]
        before = timed[BEFORE] if how in OVER_TIME else None
        result = _compute(timed, how, values, before)
        reports.append(_reasons(timed, name, how, of, values, before, result))
        table = timed.mutate(**{name: result}).select(*table.columns, name)
        columns.append(_described(spec, how))
    return Derivation(table, columns, _report(reports))


# -- transformations ---------------------------------------------------------------------------
def _number(value: Any) -> Any:
    return value.cast("float64")


def _with_before(table: ibis.Table, column: str) -> ibis.Table:
    """Add the firm's value of the year before, NULL where the panel lacks that year.

    A join, not a window: it carries one column through memory, a window all of them.
    """
    year = (table.year + 1).name("later_year")
    earlier = table.select(
        later_firm=table.firm_id, later_year=year, **{BEFORE: _number(table[column])}
    ).view()
    joined = table.left_join(earlier, [table.firm_id == earlier.later_firm, table.year == earlier.later_year])
    return joined.select(*table.columns, BEFORE)


def _compute(table: ibis.Table, how: str, values: list[Any], before: Any) -> Any:
    first = values[0]
    ways: dict[str, Callable[[], Any]] = {
        "log": lambda: _ln(first),
        "log1p": lambda: _ln(first + 1),
        "lag": lambda: before,
        "difference": lambda: first - before,
        "growth": lambda: _ln(first) - _ln(before),
        "ratio": lambda: first / values[1].nullif(0),
        "log_ratio": lambda: _ln(first) - _ln(values[1]),
        "sum": lambda: _fold(values, lambda a, b: a + b),
        "product": lambda: _fold(values, lambda a, b: a * b),
        "post": lambda: (table.year >= first).fill_null(False).cast("int64"),
    }
    return ways[how]()


def _ln(value: Any) -> Any:
    return (value > 0).ifelse(value, _null()).ln()


def _null() -> Any:
    return ibis.null(dt.float64)


def _fold(values: list[Any], join: Callable[[Any, Any], Any]) -> Any:
    total = values[0]
    for value in values[1:]:
        total = join(total, value)
    return total


# -- what is told ------------------------------------------------------------------------------
def _reasons(
    table: ibis.Table, name: str, how: str, of: list[str], values: list[Any], before: Any, result: Any
) -> dict[str, Any]:
    """Counts of NULL by reason, as one expression over the table as it stood."""
    missing = ibis.or_(*(value.isnull() for value in values)) if how != "post" else ibis.literal(False)
    alone = ~missing & before.isnull() if before is not None else ibis.literal(False)
    counts = table.select(m=missing, a=alone, r=result).aggregate(
        n=lambda t: t.r.count(),
        inputs_missing=lambda t: t.m.sum(),
        undefined=lambda t: (t.r.isnull() & ~t.m & ~t.a).sum(),
        no_year_before=lambda t: t.a.sum(),
    )
    return {"column": name, "how": how, "of": ", ".join(of), "counts": counts}


def _report(reports: list[dict[str, Any]]) -> pd.DataFrame:
    rows = [{**r, **r["counts"].to_pandas().fillna(0).iloc[0].astype("int64").to_dict()} for r in reports]
    return pd.DataFrame(rows, columns=REPORT)


def _described(spec: Mapping[str, Any], how: str) -> Column:
    return Column(
        column=spec["name"],
        label_en=spec["label_en"],
        label_zh=spec["label_zh"],
        type="int" if how == "post" else "float",
        unit=spec.get("unit", ""),
        role="derived",
    )


def _allowed(table: ibis.Table, name: str, how: str, of: list[str]) -> None:
    if how not in ARITY:
        raise PanelError(
            said("panel.derive_how", name=name, how=how, hint=nearest(how, ARITY), known=listed(ARITY))
        )
    if name in table.columns:
        raise PanelError(said("panel.derive_taken", name=name))
    least, most = ARITY[how]
    if not least <= len(of) <= most:
        count = f"{least}" if least == most else said("panel.at_least", least=least)
        raise PanelError(
            said("panel.derive_count", name=name, how=how, needed=count, given=len(of), of=listed(of))
        )
    for column in of:
        if column not in table.columns:
            raise PanelError(
                said("panel.derive_column", name=name, column=column, hint=nearest(column, table.columns))
            )
        kind = table[column].type()
        if not (kind.is_numeric() or kind.is_boolean()):
            raise PanelError(said("panel.derive_text", name=name, column=column, how=how))
