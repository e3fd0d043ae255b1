"""Pass three: scores by cluster, or row by row, and the meat of the sandwich.

With v = z − Γ_g and e the residual's combination of the v, a unit's scores are Σ w v e − (Σ w v)(Σ w e)/W_f: the
unit's means need not be joined to its rows if units lie within clusters. For other clusters they are.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from estimators.engines.exact.formula import Effect
from estimators.engines.exact.passes.base import Base
from estimators.engines.exact.passes.patterns import Levels, products, triangle
from estimators.engines.exact.slopes import Slopes

Array = NDArray[np.float64]


class Scores(NamedTuple):
    """Σ_c s_c s_c′ and Σ_c s_c over clusters, in the space of the score columns, and how many clusters there are."""

    meat: Array
    total: Array
    clusters: int


class Pass:
    """The rows with all effects' Γ taken off the score columns and the residual.

    Parameters
    ----------
    base, levels, gamma : Base, Levels, ndarray of shape (G, K)
    slopes : Slopes
    drop_singletons : bool
        Whether units of one row are left out.
    """

    def __init__(
        self, base: Base, levels: Levels, gamma: Array, slopes: Slopes, drop_singletons: bool
    ) -> None:
        self.base = base
        self.slopes = slopes
        self.width = len(slopes.score_columns)
        self.having = "HAVING count(*) > 1" if drop_singletons else ""
        columns = np.column_stack([gamma[:, slopes.score_columns], gamma @ slopes.residual])
        starts = levels.starts
        self.tables = []
        for i, codes in enumerate(levels.codes):
            part = columns[starts[i] : starts[i + 1]]
            frame = pd.DataFrame(part, columns=[f"q{j}" for j in range(self.width + 1)])
            frame.insert(0, f"g{i}", codes.astype(np.int64 if codes.max(initial=0) >= 2**31 else np.int32))
            self.tables.append(base.source.table(f"gamma{i}", frame))

    def rows(self, *keys: str) -> str:
        """SELECT of keys, w, v0 … and e."""
        v = [f"z{k}" for k in self.slopes.score_columns]
        used = [(k, c) for k, c in enumerate(self.slopes.residual.tolist()) if c]
        e = " + ".join(f"z{k}" if c == 1 else f"({c!r}) * z{k}" for k, c in used)
        off = ["".join(f" - {t}.q{j}" for t in self.tables) for j in range(self.width + 1)]
        columns = [f"b.{key}" for key in keys] + (["w"] if self.base.weights else [])
        columns += [f"{v[j]}{off[j]} AS v{j}" for j in range(self.width)] + [f"{e}{off[-1]} AS e"]
        joins = " ".join(f"JOIN {t} ON {t}.g{i} = b.g{i}" for i, t in enumerate(self.tables))
        return f"SELECT {', '.join(columns)} FROM ({self.base.sql()}) b {joins}"

    def nested(self, cluster: Effect) -> Scores:
        """Scores by a cluster that holds whole units."""
        base, units = self.base, self.base.unit_keys
        own = base.cluster_keys(cluster)
        same = cluster.parts == base.unit.parts
        w, times = base.sum_w, base.times_w
        score = f"sum({times}v{{j}} * e) - sum({times}v{{j}}) * sum({times}e) / {w} AS s{{j}}"
        scores = [score.format(j=j) for j in range(self.width)]
        keys = [] if same else [f"any_value({key}) AS {key}" for key in own]
        by_unit = (
            f"SELECT {', '.join(keys + scores)} FROM ({self.rows(*units, *([] if same else own))}) "
            f"GROUP BY {', '.join(units)} {self.having}"
        )
        return self._meat(by_unit if same else self._by(by_unit, own))

    def crossing(self, clusters: tuple[Effect, ...]) -> Scores:
        """Scores by any clusters (their combinations), or by row without clusters; units' means are joined."""
        keys = list(dict.fromkeys(key for cluster in clusters for key in self.base.cluster_keys(cluster)))
        sums = [f"{self.base.times_w}v{j} * e AS s{j}" for j in range(self.width)]
        rows = f"SELECT {', '.join([*keys, *sums])} FROM ({self.residuals(*keys)})"
        return self._meat(self._by(rows, keys) if keys else rows)

    def residuals(self, *keys: str) -> str:
        """SELECT of keys, w, v0 … and e with all effects out, row by row."""
        units = self.base.unit_keys
        names = [*(f"v{j}" for j in range(self.width)), "e"]
        means = [f"sum({self.base.times_w}{v}) / {self.base.sum_w} AS m_{v}" for v in names]
        table = self.base.source.store(
            "residual_means",
            f"SELECT {', '.join([*units, *means])} FROM ({self.rows(*units)}) GROUP BY {', '.join(units)} {self.having}",
        )
        weight = ["w"] if self.base.weights else []
        kept = [*(f"r.{name}" for name in (*keys, *weight)), *(f"r.{v} - m.m_{v} AS {v}" for v in names)]
        wanted = list(dict.fromkeys([*units, *keys]))
        return f"SELECT {', '.join(kept)} FROM ({self.rows(*wanted)}) r JOIN {table} m USING ({', '.join(units)})"

    def _by(self, scores: str, keys: list[str]) -> str:
        sums = [f"sum(s{j}) AS s{j}" for j in range(self.width)]
        return f"SELECT {', '.join(sums)} FROM ({scores}) GROUP BY {', '.join(keys)}"

    def _meat(self, scores: str) -> Scores:
        sums = [f"sum(s{j}) AS t{j}" for j in range(self.width)]
        found = self.base.source.fetch(
            f"SELECT count(*) AS n, {', '.join(sums)}, {products(self.width, 'sum(s{i} * s{j})')} FROM ({scores})"
        )
        total = np.array([float(found[f"t{j}"][0]) for j in range(self.width)])
        return Scores(triangle(found, self.width), total, int(found["n"][0]))
