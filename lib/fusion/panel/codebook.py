"""What is in a panel: its columns with label, unit and missing share, overall and by year."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import pandas as pd

from fusion.panel.contract import Column, contract

if TYPE_CHECKING:
    import ibis

HEADER = ["column", "label_en", "label_zh", "unit", "type", "role", "n", "missing_share"]


# What names a unit that is no firm.
UNIT = {"firm_id": ("{} identifier", "{}标识"), "firm_name": ("{} name", "{}名称")}


def codebook(table: ibis.Table, columns: Iterable[Column], unit: str | None = None) -> pd.DataFrame:
    """Describe the columns of a panel.

    Parameters
    ----------
    table : ibis.Table
        The panel.
    columns : iterable of Column
        What is known of its columns; those that the table lacks are left out.
    unit : str, optional
        What units are called where they are no firms: ``city | 城市``.

    Returns
    -------
    pandas.DataFrame
        ``column, label_en, label_zh, unit, type, role, n`` (values present), ``missing_share``; in the
        order of the table.
    """
    own = {c.column: c for c in contract() if c.role == "derived"}
    known = own | {c.column: c for c in columns}
    names = [name for name in table.columns if name in known]
    counts = table.aggregate(rows=table.count(), **{f"n_{i}": table[c].count() for i, c in enumerate(names)})
    row = counts.to_pandas().iloc[0]
    records = []
    for i, name in enumerate(names):
        c, n = known[name], int(row[f"n_{i}"])
        missing = 1 - n / row["rows"] if row["rows"] else float("nan")
        label_en, label_zh = _called(name, unit) or (c.label_en, c.label_zh)
        records.append((name, label_en, label_zh, c.unit, c.type, c.role, n, missing))
    return pd.DataFrame(records, columns=HEADER)


def _called(column: str, unit: str | None) -> tuple[str, str] | None:
    if not unit or column not in UNIT:
        return None
    parts = [part.strip() for part in unit.split("|")]
    en, zh = UNIT[column]
    return en.format(parts[0][:1].upper() + parts[0][1:]), zh.format(parts[-1])


def derived(made: Mapping[str, Mapping[str, Any]], kinds: Mapping[str, str]) -> list[Column]:
    """Descriptions of a study's own columns.

    Parameters
    ----------
    made : dict
        ``label_en, label_zh, unit`` by column.
    kinds : dict of str to str
        Type by column: ``number integer text code truth date``.
    """
    types = {"number": "float", "integer": "int", "truth": "bool"}
    return [
        Column(
            name, one["label_en"], one["label_zh"], types.get(kinds[name], "str"), one["unit"], role="derived"
        )
        for name, one in made.items()
    ]


def reporting(table: ibis.Table, columns: Sequence[str]) -> pd.Series:
    """Firms that have any value in each column: their number, by column.

    Parameters
    ----------
    table : ibis.Table
        With ``firm_id``.
    columns : sequence of str
        Columns of the table.
    """
    by_firm = table.group_by("firm_id").aggregate(
        **{f"n_{i}": table[name].count() > 0 for i, name in enumerate(columns)}
    )
    counts = by_firm.aggregate(**{f"n_{i}": by_firm[f"n_{i}"].sum() for i in range(len(columns))})
    return pd.Series(counts.to_pandas().iloc[0].to_numpy(int), index=list(columns))


def coverage(table: ibis.Table, columns: Sequence[str]) -> pd.DataFrame:
    """Firms and missing shares by year.

    Parameters
    ----------
    table : ibis.Table
        With ``firm_id`` and ``year``.
    columns : sequence of str
        Columns whose missing share is wanted.

    Returns
    -------
    pandas.DataFrame
        ``year, firms, column, missing`` (share, 0-1), a row for each year and column; without columns a row for each
        year, whose column is missing.
    """
    asked = [name for name in columns if name != "year"]  # the year of a row is never missing
    shares = {name: table[name].isnull().mean() for name in asked}  # noqa: PD003 (Ibis)
    by_year = table.group_by("year").aggregate(firms=table.firm_id.nunique(), **shares)
    wide = by_year.order_by("year").to_pandas()
    if not asked:
        return wide.assign(column=None, missing=float("nan"))
    return wide.melt(["year", "firms"], var_name="column", value_name="missing")


def gaps(
    book: pd.DataFrame, columns: Iterable[Column], further: Iterable[str | None] = (), shown: int = 16
) -> list[str]:
    """Columns with the largest missing shares, derived ones and those whose empty cells are an answer left out.

    Parameters
    ----------
    book : pandas.DataFrame
        Of :func:`codebook`.
    further : iterable of str or None
        Columns beside the contract's whose empty cells are an answer: a start year.
    shown : int
        Most columns to return; required ones come first.
    """
    answers = {c.column for c in columns if c.null_is == "answer"} | {name for name in further if name}
    open_cells = book.loc[
        (book["missing_share"] > 0) & (book["role"] != "derived") & ~book["column"].isin(answers)
    ]
    first = open_cells.assign(optional=open_cells["role"].ne("required"))
    kept = first.sort_values(["optional", "missing_share"], ascending=[True, False]).head(shown)
    return kept.sort_values("missing_share", ascending=False)["column"].tolist()
