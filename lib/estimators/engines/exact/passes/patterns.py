"""Pass one: each unit's means and its pattern of levels, each distinct pattern once.

Where the other effect is one set whose last part has at most 52 values (years), and a unit stays in one block of
the other parts (its industry) and is seen once in each, its pattern is a bit mask: the sum of 2^bit, which has as
many bits set as the unit has rows just when no bit was added twice. Other units, and several effect
sets, send lists of codes; with weights every unit is its own pattern.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from estimators.engines.exact.passes.base import Base
from estimators.engines.exact.passes.coding import BITS

if TYPE_CHECKING:
    import pyarrow as pa

Array = NDArray[np.float64]


class Levels(NamedTuple):
    """Levels that occur: codes per effect, ascending; their positions count through the effects."""

    codes: list[NDArray[np.int64]]

    @property
    def starts(self) -> list[int]:
        """Position of each effect's first level, and the number of all levels last."""
        return [0, *np.cumsum([len(codes) for codes in self.codes]).astype(int).tolist()]

    @property
    def total(self) -> int:
        """Number of levels of all effects."""
        return self.starts[-1]

    def place(self, which: int, codes: NDArray[np.int64]) -> NDArray[np.int64]:
        """Positions of codes of one effect."""
        return np.searchsorted(self.codes[which], codes) + self.starts[which]

    def find(self, position: int) -> tuple[int, int]:
        """The effect and the code at a position."""
        which = int(np.searchsorted(self.starts, position, side="right")) - 1
        return which, int(self.codes[which][position - self.starts[which]])


class Patterns(NamedTuple):
    """Distinct patterns of units: P patterns, G levels, K numbers."""

    d: sparse.csr_matrix  # P × G, rows (or weights) of a unit in each level
    rows: NDArray[np.int64]  # rows of a unit
    weight: Array  # weight of a unit
    units: Array  # units with the pattern
    means: Array  # P × K, sums over units of their means


class Units(NamedTuple):
    """What pass one finds out about all units together."""

    number: int
    nested: dict[str, bool]
    squares: Array  # K × K, Σ_f W_f z̄_f z̄_f′


def products(width: int, form: str) -> str:
    """SQL of the upper triangle of cross products; `form` holds {i} and {j}."""
    pairs = [(i, j) for i in range(width) for j in range(i, width)]
    return ", ".join(f"{form.format(i=i, j=j)} AS p{i}_{j}" for i, j in pairs)


def triangle(found: dict[str, NDArray], width: int) -> Array:
    """Symmetric matrix of the sums that `products` named."""
    matrix = np.zeros((width, width))
    for i in range(width):
        for j in range(i, width):
            matrix[i, j] = matrix[j, i] = float(np.asarray(found[f"p{i}_{j}"], float).sum())
    return matrix


def store_units(base: Base) -> tuple[str, Units]:
    """Pass one: a table with a row for each unit (keys, n, w, means, mask or lists), and its totals."""
    keys = ", ".join(base.unit_keys)
    columns = [keys, "count(*)::BIGINT AS n", f"{base.sum_w} AS w"]
    columns += [f"sum({base.times_w}z{k}) / {base.sum_w} AS m{k}" for k in range(base.width)]
    columns += _pattern_columns(base)
    tested = [cluster for cluster in base.clusters if not set(cluster.parts) <= set(base.unit.parts)]
    for i, cluster in enumerate(tested):
        tests = [f"min({key}) = max({key})" for key in base.cluster_keys(cluster)]
        columns.append(f"({' AND '.join(tests)}) AS e{i}")
    table = base.source.store("units", f"SELECT {', '.join(columns)} FROM ({base.sql()}) GROUP BY {keys}")
    totals = ["count(*) AS n", products(base.width, "sum(w * m{i} * m{j})")]
    totals += [f"bool_and(e{i}) AS e{i}" for i in range(len(tested))]
    found = base.source.fetch(f"SELECT {', '.join(totals)} FROM {table}")
    nested = {cluster.name: True for cluster in base.clusters}
    nested.update({cluster.name: bool(found[f"e{i}"][0]) for i, cluster in enumerate(tested)})
    return table, Units(int(found["n"][0]), nested, triangle(found, base.width))


def _masked(base: Base) -> bool:
    return len(base.others) == 1 and base.weights is None and base.others[0].bits <= BITS


def _pattern_columns(base: Base) -> list[str]:
    if not base.others:
        return []
    if _masked(base):
        bits = base.others[0].bits
        if len(base.others[0].parts) == 1:
            return ["0 AS b0", "0 AS b1", "sum((1::BIGINT << g0)::DOUBLE)::BIGINT AS mask"]
        return [
            f"min(g0 // {bits}) AS b0",
            f"max(g0 // {bits}) AS b1",
            f"sum((1::BIGINT << (g0 % {bits}))::DOUBLE)::BIGINT AS mask",
        ]
    return _lists(base)


def _lists(base: Base) -> list[str]:
    if base.weights:
        return [*(f"list(g{i}) AS l{i}" for i in range(len(base.others))), "list(w) AS lw"]
    return [f"list_sort(list(g{i})) AS l{i}" for i in range(len(base.others))]


def read_patterns(base: Base, table: str, levels: Levels) -> Iterator[Patterns]:
    """The patterns of the stored units, in chunks."""
    if not base.others:
        return
    if not _masked(base):
        yield from _by_lists(base, f"SELECT * FROM {table}", levels)
        return
    regular = "b0 = b1 AND n = bit_count(mask)"
    yield _by_masks(base, table, regular, levels)
    keys = ", ".join(base.unit_keys)
    means = ", ".join(f"any_value(t.m{k}) AS m{k}" for k in range(base.width))
    rows = (
        f"SELECT {keys}, any_value(t.n) AS n, any_value(t.w) AS w, {means}, {', '.join(_lists(base))} "
        f"FROM ({base.sql()}) JOIN (SELECT * FROM {table} WHERE NOT ({regular})) t USING ({keys}) GROUP BY {keys}"
    )
    counted = base.source.fetch(f"SELECT count(*) AS n FROM {table} WHERE NOT ({regular})")
    if counted["n"][0]:
        yield from _by_lists(base, rows, levels)


def _by_masks(base: Base, table: str, regular: str, levels: Levels) -> Patterns:
    means = ", ".join(f"sum(m{k}) AS m{k}" for k in range(base.width))
    found = base.source.fetch(
        f"SELECT b0, mask, count(*)::BIGINT AS units, {means} FROM {table} WHERE {regular} GROUP BY b0, mask"
    )
    masks = np.asarray(found["mask"], np.uint64)
    bits = np.unpackbits(masks.astype("<u8").view(np.uint8).reshape(-1, 8), axis=1, bitorder="little")
    row, bit = np.nonzero(bits)
    codes = np.asarray(found["b0"], np.int64)[row] * base.others[0].bits + bit
    place = levels.place(0, codes)
    shape = (len(masks), levels.total)
    d = sparse.csr_matrix((np.ones(len(row)), (row, place)), shape=shape)
    rows = bits.sum(axis=1).astype(np.int64)
    zbar = np.column_stack([np.asarray(found[f"m{k}"], float) for k in range(base.width)])
    return Patterns(d, rows, rows.astype(float), np.asarray(found["units"], float), zbar)


def _by_lists(base: Base, units: str, levels: Levels) -> Iterator[Patterns]:
    names = [f"l{i}" for i in range(len(base.others))]
    means = [f"m{k}" for k in range(base.width)]
    if base.weights:
        query = f"SELECT n, w, 1::BIGINT AS units, {', '.join([*names, 'lw', *means])} FROM ({units})"
    else:
        sums = ", ".join(f"sum({m}) AS {m}" for m in means)
        by = ", ".join(names)
        query = (
            f"SELECT any_value(n) AS n, any_value(w) AS w, count(*)::BIGINT AS units, {by}, {sums} "
            f"FROM ({units}) GROUP BY {by}"
        )
    for batch in base.source.batches(query):
        if batch.num_rows:
            yield _from_batch(base, batch, levels)


def _from_batch(base: Base, batch: pa.RecordBatch, levels: Levels) -> Patterns:
    rows = _numbers(batch, "n").astype(np.int64)
    unit = np.repeat(np.arange(batch.num_rows), rows)
    weights = batch.column("lw").flatten().to_numpy() if base.weights else np.ones(len(unit))
    shape = (batch.num_rows, levels.total)
    d = sparse.csr_matrix(shape)
    for i in range(len(base.others)):
        codes = batch.column(f"l{i}").flatten().to_numpy().astype(np.int64)
        d = d + sparse.csr_matrix((weights, (unit, levels.place(i, codes))), shape=shape)
    zbar = np.column_stack([_numbers(batch, f"m{k}") for k in range(base.width)])
    return Patterns(d, rows, _numbers(batch, "w"), _numbers(batch, "units"), zbar)


def _numbers(batch: pa.RecordBatch, name: str) -> Array:
    return batch.column(name).to_numpy(zero_copy_only=False).astype(float)
