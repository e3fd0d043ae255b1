"""The rows as the passes see them: one SELECT with short names, and its first counts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from estimators.engines.exact.formula import Design, Effect
from estimators.engines.exact.passes.coding import Coded, code_effects, most_levels
from estimators.engines.exact.passes.source import Source, ident
from estimators.errors import EffectsError
from estimators.language import said

FLOATS = ("DOUBLE", "FLOAT")


@dataclass
class Base:
    """Rows, coded. Columns of its SELECT: u0 … (unit), g0 … (other effects), c0_0 … (clusters), w, z0 … (numbers).

    Numbers are stored less a constant, which effects absorb, so that sums of squares keep their digits.
    """

    source: Source
    design: Design
    unit: Effect
    others: list[Coded]
    clusters: tuple[Effect, ...]
    weights: str | None
    rows: int
    missing: int
    where: str
    centre: NDArray[np.float64]
    demeaned: str | None = None
    dropped: list[NDArray[np.int64]] = field(default_factory=list)

    @property
    def width(self) -> int:
        """Number of numeric columns."""
        return len(self.design.columns)

    @property
    def unit_keys(self) -> list[str]:
        """Names of the unit's columns."""
        return [f"u{i}" for i in range(len(self.unit.parts))]

    @property
    def sum_w(self) -> str:
        """SQL of a group's weight; counting is cheaper than adding ones."""
        return "sum(w)" if self.weights else "count(*)::DOUBLE"

    @property
    def times_w(self) -> str:
        """SQL that multiplies by the weight."""
        return "w * " if self.weights else ""

    def cluster_keys(self, cluster: Effect) -> list[str]:
        """Names of a cluster's columns."""
        place = self.clusters.index(cluster)
        return [f"c{place}_{i}" for i in range(len(cluster.parts))]

    def sql(self) -> str:
        """The SELECT that every pass reads."""
        alias = "s."
        columns = [f"{alias}{ident(part)} AS u{i}" for i, part in enumerate(self.unit.parts)]
        columns += [f"{coded.sql} AS g{i}" for i, coded in enumerate(self.others)]
        for place, cluster in enumerate(self.clusters):
            columns += [f"{alias}{ident(part)} AS c{place}_{i}" for i, part in enumerate(cluster.parts)]
        columns += [f"{alias}{ident(self.weights)}::DOUBLE AS w"] if self.weights else []
        names = self.design.columns
        shift = [f" - ({value!r})" if value else "" for value in self.centre.tolist()]
        columns += [f"{alias}{ident(name)}::DOUBLE{shift[i]} AS z{i}" for i, name in enumerate(names)]
        joins = dict.fromkeys(part.join for coded in self.others for part in coded.parts if part.join)
        text = f"SELECT {', '.join(columns)} FROM {self.source.name} s {' '.join(joins)} {self.where}"
        text = self._without_dropped(text)
        return self._less_means(text) if self.demeaned else text

    def _without_dropped(self, text: str) -> str:
        tests = [
            f"g{i} NOT IN ({', '.join(map(str, codes))})"
            for i, codes in enumerate(self.dropped)
            if len(codes)
        ]
        return f"SELECT * FROM ({text}) WHERE {' AND '.join(tests)}" if tests else text

    def _less_means(self, text: str) -> str:
        by = ", ".join(self.unit_keys)
        numbers = ", ".join(f"b.z{k} - m.m{k} AS z{k}" for k in range(self.width))
        kept = "* EXCLUDE (" + ", ".join(f"z{k}" for k in range(self.width)) + ")"
        kept = f"b.{kept}"
        return f"SELECT {kept}, {numbers} FROM ({text}) b JOIN {self.demeaned} m USING ({by})"


def open_base(
    source: Source,
    design: Design,
    clusters: Sequence[Effect] = (),
    weights: str | None = None,
    nan: bool = False,
) -> Base:
    """Count rows, find which effect is the unit, and number the levels of the others.

    With `nan`, NaN is looked for beside NULL.

    Raises
    ------
    EffectsError
        When a number is not a number, weights are negative, or no row is complete.
    """
    for name in (*design.columns, *((weights,) if weights else ())):
        _require_number(source, name)
    where, complete, total = _complete(source, design, clusters, weights, nan)
    unit = _unit(source, design, where)
    others = [effect for effect in design.effects if effect is not unit]
    coded = code_effects(source, others, unit, where)
    centre = _centre(source, design, where)
    empty = [np.empty(0, np.int64) for _ in coded]
    return Base(
        source,
        design,
        unit,
        coded,
        tuple(clusters),
        weights,
        complete,
        total - complete,
        where,
        centre,
        None,
        empty,
    )


def _require_number(source: Source, name: str) -> None:
    kind = source.types[name]
    if kind.startswith(("VARCHAR", "ENUM", "DATE", "TIME", "BLOB", "STRUCT", "LIST")) or kind.endswith("]"):
        raise EffectsError(said("engines.not_a_number_absorb", name=name, kind=kind))


def _complete(
    source: Source, design: Design, clusters: Sequence[Effect], weights: str | None, nan: bool
) -> tuple[str, int, int]:
    """The WHERE that keeps complete rows (none if all are), how many they are, and how many there are.

    Most formats know without a scan that a column has no NULL; tests for NaN would scan, and are made only when a
    sum has turned out not to be finite.
    """
    keys = [part for effect in (*design.effects, *clusters) for part in effect.parts]
    tests = []
    for name in dict.fromkeys((*design.columns, *keys, *((weights,) if weights else ()))):
        column = f"s.{ident(name)}"
        tests.append(f"{column} IS NOT NULL")
        if nan and source.types[name] in FLOATS:
            tests.append(f"NOT isnan({column})")
    if weights:
        _not_negative(source, weights)
        tests.append(f"s.{ident(weights)} > 0")
    text = " AND ".join(tests)
    if not weights and not nan and (rows := source.rows_without_null([*design.columns, *keys])):
        return "", rows, rows
    counts = source.fetch(f"SELECT count(*) n, count(*) FILTER (WHERE {text}) k FROM {source.name} s")
    total, complete = int(counts["n"][0]), int(counts["k"][0])
    if complete == 0:
        raise EffectsError(said("engines.no_whole_row", total=total, formula=design.formula))
    return ("" if complete == total else f"WHERE {text}"), complete, total


def _not_negative(source: Source, weights: str) -> None:
    low = source.fetch(f"SELECT min({ident(weights)})::DOUBLE v FROM {source.name}")["v"][0]
    if low < 0:
        raise EffectsError(said("engines.negative_weights", weights=weights, low=low))


def _unit(source: Source, design: Design, where: str, rows: int = 20_000) -> Effect:
    """The effect with the most levels, which is taken out by means; the first rows decide if they leave no doubt.

    They leave none if one effect has four times the levels of any other there, or more than others can have at all.
    """
    if len(design.effects) == 1:
        return design.effects[0]
    keys = ", ".join(f"{_key(effect)} AS k{i}" for i, effect in enumerate(design.effects))
    counts = ", ".join(f"approx_count_distinct(k{i}) AS n{i}" for i in range(len(design.effects)))
    for limit in (f"LIMIT {rows}", ""):
        found = source.fetch(f"SELECT {counts} FROM (SELECT {keys} FROM {source.name} s {where} {limit})")
        levels = [int(found[f"n{i}"][0]) for i in range(len(design.effects))]
        most, next_most = sorted(levels, reverse=True)[:2]
        if next_most * 4 < most:
            break
        others = [e for e, n in zip(design.effects, levels, strict=True) if n < most]
        # Counts of distinct values are approximate, by some 5 %.
        if limit and len(others) == len(levels) - 1 and _bounded(source, others, where, 0.8 * most):
            break
    return design.effects[levels.index(most)]


def _bounded(source: Source, effects: Sequence[Effect], where: str, bound: float) -> bool:
    return all(most_levels(source, effect, where) < bound for effect in effects)


def _key(effect: Effect) -> str:
    names = [f"s.{ident(part)}" for part in effect.parts]
    return names[0] if len(names) == 1 else f"hash({', '.join(names)})"


def _centre(source: Source, design: Design, where: str, rows: int = 1000) -> NDArray[np.float64]:
    names = ", ".join(f"s.{ident(name)}::DOUBLE AS z{i}" for i, name in enumerate(design.columns))
    means = ", ".join(f"avg(z{i}) AS z{i}" for i in range(len(design.columns)))
    found = source.fetch(f"SELECT {means} FROM (SELECT {names} FROM {source.name} s {where} LIMIT {rows})")
    values = np.array([float(found[f"z{i}"][0]) for i in range(len(design.columns))])
    return np.where(np.isfinite(values), values, 0.0)
