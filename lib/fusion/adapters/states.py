"""Which unit each column is in, and who says so; what is not stated, or stated twice, is asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from fusion.adapters import units
from fusion.adapters.headers import Header, normalise
from fusion.adapters.model import Adapter, ColumnRule, FileRule
from fusion.language import listed, said, word
from fusion.panel.contract import MONEY, Column


@dataclass(frozen=True)
class Stated:
    """A column's unit in the source: ``factor`` of the contract's units each, as ``by`` states."""

    unit: str
    by: str
    factor: float


@dataclass(frozen=True)
class Places:
    """What a file says about units outside its headers.

    Attributes
    ----------
    titles : tuple of str
        Money units in the rows above the header.
    row : tuple of str
        Cells of the row of units, empty where there is none.
    study : str or None
        ``money_unit`` of the study.
    """

    titles: tuple[str, ...] = ()
    row: tuple[str, ...] = ()
    study: str | None = None


def title_units(titles: Sequence[Sequence[str]]) -> tuple[str, ...]:
    """The units that the rows above the header state (``单位：万元``)."""
    found = [
        units.spelled(hit) for row in titles for cell in row for hit in units.TITLE.findall(normalise(cell))
    ]
    return tuple(dict.fromkeys(found))


def state(
    column: Column, header: Header, rule: ColumnRule, adapter: Adapter, file: FileRule, places: Places
) -> Stated | str | None:
    """The unit of a column that a header brings.

    Returns
    -------
    Stated, str or None
        None where the column has no unit to convert; a text where the unit is not known, saying why.
    """
    if not units.has_unit(column.unit) or column.role == "extra" or not (column.is_number or column.type == "json"):  # fmt: skip
        return None
    own = _own(header, places)
    if rule.unit and own and units.spelled(rule.unit) != own and rule.trust == "both":
        return said("adapters.units_disagree", own=own, unit=rule.unit, column=column.column)
    if rule.unit and (rule.trust == "adapter" or not own):
        return _stated(column, rule.unit, "the adapter, for this column")
    if own:
        return _stated(column, own, "its header")
    if column.unit == MONEY:
        return _money(column, adapter, file, places)
    if column.unit in adapter.units:
        return _stated(column, adapter.units[column.unit], "the adapter")
    return said("adapters.unit_missing", unit=column.unit, factors=listed(units.FACTORS[column.unit]))


# -- inside ------------------------------------------------------------------------------------
def _own(header: Header, places: Places) -> str | None:
    if header.unit:
        return units.spelled(header.unit)
    cell = places.row[header.position] if header.position < len(places.row) else ""
    plain = normalise(cell).strip("()")
    return units.spelled(plain) if plain in units.KNOWN else None


def _money(column: Column, adapter: Adapter, file: FileRule, places: Places) -> Stated | str:
    """What is said of this file stands before what holds for all; two that say different things of it are refused."""
    if len(places.titles) > 1:
        return said("adapters.titles_contradict", titles=listed(places.titles))
    title = next(iter(places.titles), None)
    for unit, by in (
        (places.study, "the study (money_unit)"),
        (file.money_unit, "the adapter, for this file"),
    ):
        if unit and title and title != unit:
            return said("adapters.titles_disagree", title=title, unit=unit, by=word("adapters.by", by))
        if unit:
            return _stated(column, unit, by)
    if title:
        return _stated(column, title, "the title above the table")
    if adapter.money_unit:
        return _stated(column, adapter.money_unit, "the adapter")
    return said("adapters.money_unit_missing", factors=listed(units.FACTORS[MONEY]))


def _stated(column: Column, unit: str, by: str) -> Stated | str:
    factor = units.factor(column.unit, unit)
    if factor is None:
        allowed = ", ".join(units.FACTORS[column.unit])
        return said(
            "adapters.unconvertible", unit=unit, by=word("adapters.by", by), into=column.unit, allowed=allowed
        )
    if column.type == "json" and factor != 1:
        return said("adapters.amounts_in_text", unit=column.unit, found=unit, by=word("adapters.by", by))
    return Stated(unit, by, factor)


def scales(stated: Mapping[str, Stated | str | None]) -> dict[str, float]:
    """Factor of each column whose unit is stated."""
    return {name: s.factor for name, s in stated.items() if isinstance(s, Stated)}
