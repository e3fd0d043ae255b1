"""Where a value was read: file, sheet and row of that file, and the unit in which the form was filled in."""

from __future__ import annotations

from typing import Any

import pandas as pd

from fusion.adapters import stage
from fusion.adapters.layout import TERM, FileRows, Layout
from fusion.adapters.panel import Source
from fusion.adapters.states import Stated
from fusion.language import listed
from fusion.panel.contract import MONEY_UNITS, ROW


def placed(lines: pd.DataFrame, source: Source | None) -> pd.DataFrame:
    """Lines about values with their places in the files.

    Parameters
    ----------
    lines : pandas.DataFrame
        ``source_row, item`` and anything else.
    source : Source or None
        What an adapter read; None where none did, and nothing is known beyond the row.

    Returns
    -------
    pandas.DataFrame
        With ``file``; ``sheet`` (of a workbook); ``line``, the row of that file or sheet as a spreadsheet counts them, from
        1 with the head, missing where a value was made of several rows; ``filled_in``, the unit of the form; and
        ``filled_times``, by which a value of the panel is multiplied to be one in that unit; ``made``: no form has the item,
        which is computed of others.
    """
    found = {c: pd.Series("", index=lines.index, dtype=object) for c in ("file", "sheet", "filled_in")}
    out = lines.assign(**found, line=float("nan"), filled_times=1.0, made=False)
    if source is None or not len(lines):
        return out
    rows = {
        id(layout): _rows(out[ROW], read) for layout, read in zip(source.layouts, source.files, strict=True)
    }
    lying = {key: _lying(layout, rows[key]) for layout in source.layouts if (key := id(layout)) in rows}
    for at, row, item, year in zip(out.index, out[ROW], out["item"], out["year"], strict=True):
        for name, value in _place(source, rows, lying, row, str(item), int(year)).items():
            out.loc[at, name] = value
    return out


def _rows(asked: pd.Series, read: FileRows) -> dict[int, int]:
    """Of the rows asked for those of a file: number among its rows."""
    own = asked[(asked > read.first) & (asked <= read.first + read.read)]
    return {int(row): int(row) - read.first for row in own}


def _lying(layout: Layout, rows: dict[int, int]) -> dict[int, int]:
    """Row of the file by row of the source."""
    places = stage.places(layout.looked, layout.header_at, set(rows.values())) if rows else {}
    return {row: places[number] for row, number in rows.items() if number in places}


def _place(
    source: Source, rows: dict[int, Any], lying: dict[int, Any], row: Any, item: str, year: int
) -> dict[str, Any]:
    own = next((one for one in source.layouts if row in rows[id(one)]), None)
    others = _others(source, own, item, year)
    if own is None or (item not in own.brings and others):
        units = {_unit(one, item) for one in others}
        unit, times = units.pop() if len(units) == 1 else ("", 1.0)
        return {"file": listed(one.label for one in others), "filled_in": unit, "filled_times": times}
    unit, times = _unit(own, item)  # brought, or made of what the row brings
    place = {"file": own.path.name, "sheet": own.looked.sheet, "filled_in": unit, "filled_times": times}
    place["made"] = item not in own.brings
    return place | ({"line": lying[id(own)][row]} if row in lying[id(own)] else {})


def _others(source: Source, own: Layout | None, item: str, year: int) -> list[Layout]:
    """Files that a value came from which the row's own file does not have: joined forms, forms of establishments."""
    role = "establishments" if item in source.rolled else "panel"
    found = [one for one in source.layouts if one is not own and one.rule.role == role]
    found = [one for one in found if role != "panel" or item in one.brings]
    dated = [one for one in found if str(one.rule.year or one.dated.year or "") == str(year)]
    return dated or found


def _unit(layout: Layout, item: str) -> tuple[str, float]:
    """The unit in which a form has an item, and by what the panel's value is multiplied; none where its parts differ.

    What is made of several items is in the unit of the form's money.
    """
    known = {name: s for name, s in layout.stated.items() if isinstance(s, Stated)}
    own = [s for name, s in known.items() if name.partition(TERM)[0] == item]
    units = {(s.unit, s.factor) for s in own or known.values() if own or s.unit in MONEY_UNITS}
    unit, factor = units.pop() if len(units) == 1 else ("", 1.0)
    return unit, 1.0 / factor
