"""What a fault costs: the cell that is wrong by itself, or the row whose cells contradict each other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

from fusion.panel.contract import KEYS

# Faults that one cell shows by itself: not what its column holds, or outside the column's own bounds.
ALONE = (
    "not_a_number",
    "not_whole",
    "not_amounts",
    "not_boolean",
    "digits_lost",
    "below_minimum",
    "above_maximum",
    "not_allowed",
    "code_format",
    "code_unknown",
)


def of_cells(quality: pd.DataFrame, needs: Mapping[str, Sequence[str]]) -> tuple[pd.Series, pd.Series]:
    """Errors that set their row aside, and those that set aside their cell alone.

    A fault is its cell's alone when one column shows it (no employees, a letter that contradicts its digits, a word
    among numbers) and the column is no key: all else that the row reports stays in totals. A rule between columns of
    which one is at fault by itself says nothing more; where none is, nobody knows which is wrong, and the row goes.

    Parameters
    ----------
    quality : pandas.DataFrame
        rule, severity, row, field.
    needs : mapping of str to sequence of str
        Columns that each rule between columns reads.

    Returns
    -------
    rows, cells : pandas.Series of bool
    """
    error = quality["severity"].eq("error") & quality["row"].notna()
    single = {rule for rule, columns in needs.items() if len(columns) == 1}
    cells = error & quality["rule"].isin({*ALONE, *single}) & ~quality["field"].isin(KEYS)
    wrong = set(zip(quality.loc[cells, "row"], quality.loc[cells, "field"], strict=True))
    rows = quality["severity"].eq("error") & ~cells
    between = quality.loc[rows & quality["rule"].isin(list(needs)), ["rule", "row"]]
    told = [
        any((row, column) in wrong for column in needs[rule]) for rule, row in between.itertuples(index=False)
    ]
    return rows & ~rows.index.isin(between.index[told]), cells
