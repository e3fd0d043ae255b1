"""What a study's data and parameters allow: one answer for checks, runner and notebooks alike."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from workbook.exhibits import sheets
from workbook.exhibits.sheets import Need, Sheet
from workbook.run import chain

EMPTY: tuple[Any, ...] = (None, "", [], {}, False)


@dataclass(frozen=True)
class Facts:
    """What is known of a study's data.

    Parameters
    ----------
    parameters : dict
        Parameters by name.
    columns : dict
        Artefact: columns that hold something. An artefact that is not here is not known yet, and
        then nothing is refused for it.
    artefacts : dict
        Artefact: whether it was (or will be) written; one that is not here is not known yet.
    """

    parameters: Mapping[str, Any]
    columns: Mapping[str, frozenset[str]] = field(default_factory=dict)
    artefacts: Mapping[str, bool] = field(default_factory=dict)


def facts(root: Path, notebook: str, parameters: Mapping[str, Any], own: Path | None = None) -> Facts:
    """What is known of a study's data before a notebook, or in it.

    Parameters
    ----------
    root : Path
        The study's folder in the build.
    notebook : str
        The notebook; what those before it wrote is known.
    parameters : dict
        Parameters by name.
    own : Path, optional
        Folder of what the notebook itself has written so far.
    """
    columns, written = {}, {}
    for step in chain.before(notebook):
        for name in step.outputs:
            place = root / step.notebook / f"{name}.parquet"
            written[name] = place.is_file()
            if written[name]:
                columns[name] = filled(place)
    for place in sorted(own.glob("*.parquet")) if own is not None else []:
        if place.stem in chain.step(notebook).outputs:
            columns[place.stem] = filled(place)
    return Facts(parameters, columns, written)


def lacking(names: Iterable[str], sheet: Sheet, facts: Facts) -> str | None:
    """The first of some needs that does not hold; None if all hold, as far as is known.

    Parameters
    ----------
    names : iterable of str
        Names of needs.
    sheet : Sheet
        The notebook's sheet, which knows them.
    facts : Facts
        What is known of the data.
    """
    return next((name for name in names if not holds(sheet.need(name), facts)), None)


def holds(need: Need, facts: Facts) -> bool:
    """Whether a need holds, as far as is known."""
    asked = {name: facts.parameters.get(name) not in EMPTY for name in (*need.parameters, *need.without)}
    if not all(asked[name] for name in need.parameters) or any(asked[name] for name in need.without):
        return False
    if not all(facts.artefacts.get(name, True) for name in need.artefacts):
        return False
    known = facts.columns.get(need.table)
    if known is None:
        return True
    wanted = [*need.columns, *_named(need, facts)]
    some = not need.any_columns or any(name in known for name in need.any_columns)
    return some and all(name in known for name in wanted)


def allowed(notebook: str, facts: Facts) -> dict[str, str | None]:
    """Each exhibit of a notebook: None where nothing known forbids it, else the need that it lacks."""
    sheet = sheets.sheet(notebook)
    return {
        id: lacking([*sheet.needs, *exhibit.needs], sheet, facts) for id, exhibit in sheet.exhibits.items()
    }


def filled(file: Path) -> frozenset[str]:
    """Columns of a Parquet file that hold anything, from its footer where that says so."""
    return _filled(file, file.stat().st_mtime_ns)


@cache
def _filled(file: Path, changed: int) -> frozenset[str]:
    from pyarrow import parquet

    meta = parquet.read_metadata(file)
    held: dict[str, bool] = {}
    for group in range(meta.num_row_groups):
        rows = meta.row_group(group)
        for position in range(rows.num_columns):
            column = rows.column(position)
            name = column.path_in_schema.split(".")[0]
            held[name] = held.get(name, False) or _nulls(column) != rows.num_rows
    return frozenset(name for name, full in held.items() if full)


def _nulls(column: Any) -> int | None:
    statistics = column.statistics
    return statistics.null_count if statistics is not None and statistics.has_null_count else None


def _named(need: Need, facts: Facts) -> list[str]:
    """Columns that parameters name."""
    found: list[str] = []
    for name in need.columns_of:
        value = facts.parameters.get(name)
        found += value if isinstance(value, list) else [value] if value else []
    return found
