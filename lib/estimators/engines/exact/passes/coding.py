"""Levels of effects as small integers, computed by DuckDB row by row, and back to their labels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from estimators.engines.exact.formula import Effect
from estimators.engines.exact.passes.source import Source, ident
from estimators.errors import EffectsError
from estimators.language import said

INTEGERS = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT")
# A column of integers is numbered from its least value if it spans no more than this; else by a dictionary.
SPAN = 2**20
# Bits of a pattern are added up in a DOUBLE, which is exact below 2^53.
BITS = 52


class Part(NamedTuple):
    """One column of an effect: its code as SQL, how many codes there are, and the label of each."""

    column: str
    sql: str
    size: int
    first: int | None
    labels: NDArray[np.object_] | None
    join: str


class Coded(NamedTuple):
    """An effect with codes 0 … size − 1: ``code = block · bits + bit``, the last part being the bit."""

    effect: Effect
    parts: tuple[Part, ...]

    @property
    def size(self) -> int:
        """Number of codes, of which some may not occur."""
        return int(np.prod([part.size for part in self.parts], dtype=object))

    @property
    def bits(self) -> int:
        """Number of codes of the last part."""
        return self.parts[-1].size

    @property
    def sql(self) -> str:
        """The code of a row."""
        kind = "INTEGER" if self.size < 2**31 else "BIGINT"
        text = f"({self.parts[0].sql})::{kind}"
        for part in self.parts[1:]:
            text = f"({text} * {part.size} + ({part.sql})::{kind})"
        return text

    def label(self, code: int) -> str:
        """A level in words: ``industry = C35, year = 2015``."""
        words = []
        for part in reversed(self.parts):
            code, own = divmod(int(code), part.size)
            value = own + part.first if part.labels is None else part.labels[own]  # type: ignore[operator]
            words.append(f"{part.column} = {value}")
        return ", ".join(reversed(words))


def code_effects(source: Source, effects: Sequence[Effect], unit: Effect, where: str) -> list[Coded]:
    """Codes of effects; in each effect the column that varies most within a unit comes last."""
    columns = list(dict.fromkeys(part for effect in effects for part in effect.parts))
    parts = {column: _part(source, column, where) for column in columns}
    varying = _varying(source, columns, unit, where)
    coded = []
    for effect in effects:
        ordered = sorted(effect.parts, key=lambda column: (parts[column].size <= BITS, varying[column]))
        made = Coded(effect, tuple(parts[column] for column in ordered))
        if made.size >= 2**62:
            raise EffectsError(said("engines.combinations", effect=effect.name))
        coded.append(made)
    return coded


def _part(source: Source, column: str, where: str) -> Part:
    kind, name = source.types[column], f"s.{ident(column)}"
    stored = source.labels.get(column)
    if kind in INTEGERS:
        low, high = _ends(source, column, where)
        if high - low < SPAN:
            return Part(column, f"{name} - {int(low)}", int(high - low) + 1, int(low), _own(stored, low), "")
    if kind.startswith("ENUM"):
        labels = source.fetch(f"SELECT unnest(enum_range(NULL::{kind}))::VARCHAR v")["v"]
        return Part(column, f"enum_code({name})", len(labels), None, np.asarray(labels, object), "")
    return _dictionary(source, column, name, where)


def _ends(source: Source, column: str, where: str) -> tuple[float, float]:
    name = f"s.{ident(column)}"
    found = source.fetch(
        f"SELECT min({name})::HUGEINT::DOUBLE a, max({name})::HUGEINT::DOUBLE b FROM {source.name} s {where}"
    )
    return float(found["a"][0]), float(found["b"][0])


def most_levels(source: Source, effect: Effect, where: str) -> float:
    """A number that an effect's levels cannot exceed, from the least and largest values; infinite if not integers."""
    if any(source.types[part] not in INTEGERS for part in effect.parts):
        return float("inf")
    ends = (_ends(source, part, where) for part in effect.parts)
    return float(np.prod([high - low + 1 for low, high in ends]))


def _own(stored: NDArray[np.object_] | None, low: float) -> NDArray[np.object_] | None:
    return None if stored is None else stored[int(low) :]


def _dictionary(source: Source, column: str, name: str, where: str) -> Part:
    """Number the values that occur, in their order, so that the numbers do not depend on how rows are read."""
    table = source.store(
        f"d{len(source._made)}",
        f"SELECT v, (row_number() OVER (ORDER BY v) - 1)::INTEGER AS code "
        f"FROM (SELECT DISTINCT {name} AS v FROM {source.name} s {where})",
    )
    labels = np.asarray(source.fetch(f"SELECT v::VARCHAR AS v FROM {table} ORDER BY code")["v"], object)
    if column in source.labels:
        labels = source.labels[column][labels.astype(np.int64)]
    join = f"JOIN {table} ON {table}.v = {name}"
    return Part(column, f"{table}.code", len(labels), None, labels, join)


def _varying(
    source: Source, columns: Sequence[str], unit: Effect, where: str, rows: int = 20_000
) -> pd.Series:
    """Mean number of different values per unit among the first rows."""
    if not columns:
        return pd.Series(dtype=float)
    keys = ", ".join(f"s.{ident(part)} AS u{i}" for i, part in enumerate(unit.parts))
    names = ", ".join(f"s.{ident(column)} AS c{i}" for i, column in enumerate(columns))
    counts = ", ".join(f"count(DISTINCT c{i}) AS c{i}" for i in range(len(columns)))
    by = ", ".join(f"u{i}" for i in range(len(unit.parts)))
    means = ", ".join(f"avg(c{i})::DOUBLE AS c{i}" for i in range(len(columns)))
    found = source.fetch(
        f"SELECT {means} FROM (SELECT {counts} FROM (SELECT {keys}, {names} FROM {source.name} s {where} "
        f"LIMIT {rows}) GROUP BY {by})"
    )
    return pd.Series({column: float(found[f"c{i}"][0]) for i, column in enumerate(columns)})
