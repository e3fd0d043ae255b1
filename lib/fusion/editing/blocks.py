"""Returns as arrays, a block of units at a time, so that memory does not grow with the panel."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import ibis
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fusion.editing.settings import Floats
from fusion.panel.contract import ROW, rules

DATA = Path(__file__).resolve().parents[3] / "data" / "editing"
STAFF = "employees_avg"
_SUM = re.compile(r"(?P<parts>[a-z_]+(?: \+ [a-z_]+)*) <= (?P<whole>[a-z_]+) \+ 0\.1")
_LEAST_PEERS = 10
_ROWS = 40_000  # rows of one block


class Item(NamedTuple):
    """A money item of returns.

    Attributes
    ----------
    block : str
        Part of the form in which it stands: one slip often meets a whole block.
    level : {"total", "item", "sub-item"}
        How surely it is right when a balance is broken.
    difference : bool
        What is left of other items (profits) moves by any factor when it nears zero: it is judged with its form and by
        balances, never alone.
    """

    block: str
    level: str
    difference: bool


@cache
def items() -> dict[str, Item]:
    """Money items of returns (``data/editing/items.csv``)."""
    with (DATA / "items.csv").open(encoding="utf-8", newline="") as stream:
        lines = list(csv.DictReader(stream))
    return {x["column"]: Item(x["block"], x["level"], x["difference"] == "yes") for x in lines}


class Sum(NamedTuple):
    """Parts that together are at most their whole.

    Attributes
    ----------
    rule : str
        Of the contract.
    asked : bool
        Whether a return that breaks it is mended: it cannot be right, or it adds up parts, which a single warning about a
        part does not.
    """

    rule: str
    parts: tuple[str, ...]
    whole: str
    asked: bool


def sums(columns: Sequence[str]) -> list[Sum]:
    """Sums of money items, from the rules of the contract that say so: a + b <= c + 0.1."""
    found = []
    for rule in rules():
        told = _SUM.fullmatch(rule.expression)
        if told:
            named = tuple(told["parts"].split(" + "))
            asked = rule.severity == "error" or len(named) > 1
            found.append(Sum(rule.rule, named, told["whole"], asked))
    return [one for one in found if {*one.parts, one.whole} <= set(columns) and one.whole != STAFF]


def parts(columns: Sequence[str]) -> list[tuple[str, str]]:
    """Pairs (part, whole) of money items."""
    return [(one.parts[0], one.whole) for one in sums(columns) if len(one.parts) == 1]


@dataclass(frozen=True)
class Block:
    """Rows of some units, sorted by unit and year.

    Attributes
    ----------
    unit : ndarray of object, shape (R,)
    number : ndarray of int, shape (R,)
        Number of the unit.
    year, row : ndarray of int, shape (R,)
        ``row``: number of the row in the source.
    value : ndarray, shape (R, J)
        Money items as reported; NaN where missing.
    log : ndarray, shape (R, J)
        log10 of what is above zero, else NaN.
    staff : ndarray, shape (R,)
        log10 of employees.
    peer : ndarray, shape (R, J)
        Peers' median of log10 of the item per employee.
    """

    unit: NDArray[Any]
    number: NDArray[np.intp]
    year: NDArray[np.int64]
    row: NDArray[np.int64]
    value: Floats
    log: Floats
    staff: Floats
    peer: Floats

    @property
    def first(self) -> NDArray[np.bool_]:
        """Whether a row is its unit's first."""
        return np.r_[True, self.number[1:] != self.number[:-1]] if len(self.number) else np.empty(0, bool)

    def change(self, values: Floats) -> Floats:
        """Values less those of the row before of the same unit; NaN in the first."""
        out = np.full_like(values, np.nan)
        out[1:] = values[1:] - values[:-1]
        out[self.first] = np.nan
        return out

    @property
    def per_head(self) -> Floats:
        """log10 of items per employee against the peers, shape (R, J)."""
        return np.asarray(self.log - self.staff[:, None] - self.peer)


@dataclass
class Returns:
    """A panel of returns, read in blocks.

    Parameters
    ----------
    table : ibis.Table
        Rows with ``firm_id``, ``year`` and money items of ``data/editing/items.csv``; ``employees_avg`` and ``stratum``
        where known. The backend is DuckDB.
    """

    table: ibis.Table
    columns: list[str] = field(init=False)
    count: int = field(init=False)
    _stored: ibis.Table = field(init=False)
    _peers: pd.DataFrame = field(init=False)

    def __post_init__(self) -> None:
        """Number the units and find the peers' medians."""
        have = set(self.table.columns)
        self.columns = [c for c in items() if c in have]
        self._stored = _numbered(self.table, self.columns)
        self.count = int(self._stored.count().execute())
        self._peers = _medians(self._stored, self.columns)

    @property
    def units(self) -> int:
        """Number of units."""
        return int(self._stored["number"].max().execute()) + 1 if self.count else 0

    def blocks(self) -> Iterator[Block]:
        """All rows, some units at a time."""
        units = self.units
        size = max(1, int(_ROWS * units / max(self.count, 1)))
        for start in range(0, units, size):
            number = self._stored["number"]
            chosen = self._stored.filter(number >= start, number < start + size)
            yield self._block(chosen.order_by("number", "year", ROW).to_pandas())

    def _block(self, frame: pd.DataFrame) -> Block:
        value = frame[self.columns].to_numpy(float)
        with np.errstate(divide="ignore", invalid="ignore"):
            log = np.where(value > 0, np.log10(np.where(value > 0, value, 1.0)), np.nan)
            staff = frame[STAFF].to_numpy(float)
            staff = np.where(staff > 0, np.log10(np.where(staff > 0, staff, 1.0)), np.nan)
        peer = self._peers.reindex(pd.MultiIndex.from_frame(frame[["stratum", "year"]])).to_numpy(float)
        number, year, row = (frame[c].to_numpy("int64") for c in ("number", "year", ROW))
        return Block(frame["firm_id"].to_numpy(object), number, year, row, value, log, staff, peer)


def _numbered(table: ibis.Table, columns: Sequence[str]) -> ibis.Table:
    """Numbers of units in their order, stored."""
    table = table.filter(table["firm_id"].notnull(), table["year"].notnull())  # noqa: PD004
    have = set(table.columns)
    stratum = table["stratum"].fill_null("") if "stratum" in have else ibis.literal("")
    staff = table[STAFF].cast("float64") if STAFF in have else ibis.null("float64")
    row = table[ROW] if ROW in have else ibis.row_number()
    number = ibis.dense_rank().over(order_by="firm_id").cast("int64")
    money = {c: table[c].cast("float64") for c in columns}
    chosen = table.select(
        "firm_id", number=number, year=table["year"].cast("int64"), **{ROW: row.cast("int64")},
        stratum=stratum.cast("string"), **{STAFF: staff}, **money,
    )  # fmt: skip
    return chosen.cache()


def _medians(stored: ibis.Table, columns: Sequence[str]) -> pd.DataFrame:
    """Median of log10 per employee by stratum and year; by year alone where a stratum has few."""
    fine = _medians_by(stored, columns, ["stratum", "year"])
    coarse = _medians_by(stored, columns, ["year"])
    years = fine.index.get_level_values("year")
    middle, known = fine["middle"][list(columns)], fine["known"][list(columns)]
    by_year = coarse["middle"][list(columns)].reindex(years).set_axis(fine.index)
    return middle.where(known >= _LEAST_PEERS, by_year)


def _medians_by(stored: ibis.Table, columns: Sequence[str], by: list[str]) -> pd.DataFrame:
    """``middle`` and ``known`` by item."""
    found = {}
    for start in range(0, len(columns), 6):  # a median holds its values: some columns at a time
        ask: dict[str, ibis.Value] = {}
        for name in columns[start : start + 6]:
            sound = (stored[name] > 0) & (stored[STAFF] > 0)
            ratio = sound.ifelse((stored[name] / stored[STAFF]).log10(), ibis.null("float64"))
            ask |= {f"m_{name}": ratio.median(), f"n_{name}": ratio.count()}
        frame = stored.group_by(by).aggregate(**ask).to_pandas().set_index(by)
        for name in columns[start : start + 6]:
            found["middle", name], found["known", name] = frame[f"m_{name}"], frame[f"n_{name}"]
    return pd.DataFrame(found, columns=pd.MultiIndex.from_product([("middle", "known"), columns])).astype(
        float
    )


def median(values: Floats, least: int = 1) -> Floats:
    """Medians of rows without what is missing; NaN where fewer than ``least`` are there."""
    if not values.shape[1]:
        return np.full(len(values), np.nan)
    ordered = np.sort(values, axis=1)
    known = (~np.isnan(values)).sum(1)
    rows = np.arange(len(values))
    low, high = np.maximum(known - 1, 0) // 2, np.minimum(known // 2, values.shape[1] - 1)
    middle = (ordered[rows, low] + ordered[rows, high]) / 2
    return np.where(known >= max(least, 1), middle, np.nan)


def spread(values: Floats) -> float:
    """1.4826 times the median absolute deviation; 0 where nothing is known."""
    known = values[~np.isnan(values)]
    return float(1.4826 * np.median(np.abs(known - np.median(known)))) if known.size else 0.0
