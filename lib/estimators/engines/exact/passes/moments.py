"""The normal equations of the effects other than the unit, after the unit is taken out.

For units f and levels g of all other effects, with weights w (1 without), d_fg = Σ_{i∈f∩g} w_i and
W_f = Σ_{i∈f} w_i, demeaning by unit leaves

    A = D′WD − Σ_f d_f d_f′ / W_f,    B = D′Wz − Σ_f d_f z̄_f′,    F = Σ w z z′ − Σ_f W_f z̄_f z̄_f′,

and residuals of z on all effects have the cross products F − Γ′B with AΓ = B (Frisch–Waugh–Lovell; the Schur
complement of the units in the normal equations of all dummies).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from estimators.engines.exact.passes.base import Base
from estimators.engines.exact.passes.patterns import (
    Array,
    Levels,
    Patterns,
    products,
    read_patterns,
    store_units,
    triangle,
)
from estimators.errors import EffectsError
from estimators.language import listed, said

Counts = NDArray[np.int64]


@dataclass
class Moments:
    """What the first two passes leave, for K numeric columns and G levels of the other effects."""

    n: int
    units: int
    singletons: int
    levels: Levels
    rows_by_level: Counts
    unit_in_cluster: dict[str, bool]
    a: sparse.csr_matrix
    b: Array
    f: Array
    total: Array
    tss: float
    size: Array


def gather(base: Base, drop_singletons: bool) -> Moments:
    """Run both passes; rows alone in a level are left out, one generation after the other."""
    while True:
        moments = _gather(base, drop_singletons)
        alone = moments.rows_by_level == 1
        if not drop_singletons or not alone.any():
            return moments
        starts = moments.levels.starts
        for which, codes in enumerate(moments.levels.codes):
            fresh = codes[alone[starts[which] : starts[which + 1]]]
            base.dropped[which] = np.union1d(base.dropped[which], fresh)


def _gather(base: Base, drop_singletons: bool) -> Moments:
    cells = _by_level(base)
    levels = Levels([np.unique(cells[f"g{i}"]).astype(np.int64) for i in range(len(base.others))])
    place = [levels.place(i, cells[f"g{i}"].astype(np.int64)) for i in range(len(base.others))]
    n = cells["n"].astype(np.int64)
    weight = cells["w"].astype(float)
    sums = np.column_stack([cells[f"z{k}"] for k in range(base.width)]).astype(float)
    squares = triangle(cells, base.width)
    _finite(base, squares)
    mean = sums.sum(axis=0) / weight.sum()
    rows = _add(levels.total, place, n[:, None])[:, 0]
    table, units = store_units(base)
    a, b, alone = _less_units(base, table, levels, _cross(levels.total, place, weight), place, sums)
    lost, out = 0, np.zeros(3)
    if drop_singletons:
        rows -= alone.astype(np.int64)
        lost, out = _alone(base, table)
    kept = np.array([weight.sum(), sums[:, 0].sum(), squares[0, 0]]) - out
    return Moments(
        n=int(n.sum()) - lost,
        units=units.number - lost,
        singletons=base.rows - int(n.sum()) + lost,
        levels=levels,
        rows_by_level=rows,
        unit_in_cluster=units.nested,
        a=a,
        b=b,
        f=squares - units.squares,
        total=squares - weight.sum() * np.outer(mean, mean),
        tss=float(kept[2] - kept[1] ** 2 / kept[0]) if kept[0] > 0 else 0.0,
        size=_add(levels.total, place, weight[:, None])[:, 0],
    )


def _by_level(base: Base) -> dict[str, NDArray]:
    """Pass two: counts, sums and cross products by combination of levels."""
    keys = [f"g{i}" for i in range(len(base.others))]
    columns = [*keys, "count(*)::BIGINT AS n", f"{base.sum_w} AS w"]
    columns += [f"sum({base.times_w}z{k}) AS z{k}" for k in range(base.width)]
    columns.append(products(base.width, f"sum({base.times_w}z{{i}} * z{{j}})"))
    group = f" GROUP BY {', '.join(keys)}" if keys else ""
    found = base.source.fetch(f"SELECT {', '.join(columns)} FROM ({base.sql()}){group}")
    if not len(found["n"]) or not found["n"].sum():
        raise EffectsError(said("engines.alone_keep", formula=base.design.formula))
    return found


class NotFinite(EffectsError):
    """A column holds NaN or infinity."""


def _finite(base: Base, squares: Array) -> None:
    names = base.design.columns
    bad = [name for name, value in zip(names, np.diag(squares), strict=True) if not np.isfinite(value)]
    if bad:
        raise NotFinite(said("engines.infinite", bad=listed(bad)))


def _add(total: int, place: list[Counts], values: NDArray) -> NDArray:
    """Sums over cells by level, through all effects."""
    made = np.zeros((total, values.shape[1]), values.dtype)
    for column in place:
        np.add.at(made, column, values)
    return made


def _cross(total: int, place: list[Counts], weight: Array) -> sparse.csr_matrix:
    """D′WD from the cells."""
    cells = np.arange(len(weight))
    d = sparse.csr_matrix((len(weight), total))
    for column in place:
        d = d + sparse.csr_matrix((np.ones(len(cells)), (cells, column)), shape=d.shape)
    return (d.T @ sparse.diags(weight) @ d).tocsr()


def _less_units(
    base: Base,
    table: str,
    levels: Levels,
    a: sparse.csr_matrix,
    place: list[Counts],
    sums: Array,
) -> tuple[sparse.csr_matrix, Array, Array]:
    """A and B with the units taken out, and the number of units of one row in each level."""
    b = _add(levels.total, place, sums)
    alone = np.zeros(levels.total)
    for p in read_patterns(base, table, levels):
        a = a - p.d.T @ sparse.diags(p.units / p.weight) @ p.d
        b -= p.d.T @ p.means
        alone += _singles(p)
    return a.tocsr(), b, alone


def _singles(p: Patterns) -> Array:
    only = p.rows == 1
    d = p.d[only]
    d.data[:] = 1.0
    return d.T @ p.units[only]


def _alone(base: Base, table: str) -> tuple[int, Array]:
    """Units of one row: how many, and their weight, sum and sum of squares of the outcome."""
    found = base.source.fetch(
        "SELECT count(*) AS n, coalesce(sum(w), 0) AS w, coalesce(sum(w * m0), 0) AS m, "
        f"coalesce(sum(w * m0 * m0), 0) AS s FROM {table} WHERE n = 1"
    )
    return int(found["n"][0]), np.array([float(found[name][0]) for name in ("w", "m", "s")])
