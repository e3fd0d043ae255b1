"""Wild cluster bootstrap, 50 clusters, firm and year effects, on sums by cluster, beside refits of draws.

The project's own makes 9,999 draws; refitting makes the first 49 of the same draws only, so that the ratio of times must
be multiplied by some 200 to compare like with like. pyfixest and wildboottest make dense dummies of the effects, which no
longer fit at 100,000 rows.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from evidence.bench.within import FILE, prepare

ROWS = 100_000
DRAWS = 9_999
REFITTED = 49
FORMULA = "y ~ x1 + x2 + x3 + x4 + x5 | firm + year"


def by_cluster(folder: Path, rows: int) -> Callable[[], dict[str, float]]:
    """The project's own."""
    import pandas as pd

    from estimators.engines.wildboot import WildBootstrap, wild_bootstrap

    frame = pd.read_parquet(folder / FILE)

    def test(data: pd.DataFrame) -> WildBootstrap:
        return wild_bootstrap(FORMULA, data, "region", "x5", DRAWS, fixef_rm="none")

    test(frame.head(1000))

    def work() -> dict[str, float]:
        found = test(frame)
        return _numbers(found.t, found.t_draws[:REFITTED])

    return work


def refits(folder: Path, rows: int) -> Callable[[], dict[str, float]]:
    """Each of the first draws' outcome is projected off the effects and regressed again, from rows."""
    import numpy as np
    import pandas as pd

    from estimators.engines.exact.formula import effect
    from estimators.engines.exact.project import Projection, number

    frame = pd.read_parquet(folder / FILE)

    def work() -> dict[str, float]:
        projection = Projection([number(frame, effect(name)) for name in ("firm", "year")])
        cluster = number(frame, effect("region"))
        names = ["y", "x5", "x1", "x2", "x3", "x4"]
        z = projection.residuals(frame[names].to_numpy(float))
        y, x, rest = z[:, 0], z[:, 1:], z[:, 2:]
        bread = np.linalg.inv(x.T @ x)
        x_hat = x @ bread[0]

        def t(outcome: np.ndarray) -> float:
            b = bread @ (x.T @ outcome)
            s = np.bincount(cluster, x_hat * (outcome - x @ b))
            return float(b[0] / np.sqrt(s @ s))

        fitted = rest @ np.linalg.solve(rest.T @ rest, rest.T @ y)
        count = int(cluster.max()) + 1
        v = 2.0 * np.random.default_rng(0).integers(0, 2, (count, DRAWS), dtype=np.int8) - 1.0
        drawn = [fitted + v[cluster, j] * (y - fitted) for j in range(REFITTED)]
        return _numbers(t(y), np.array([t(projection.residuals(outcome)[:, 0]) for outcome in drawn]))

    return work


def _numbers(t: float, draws: Any) -> dict[str, float]:
    """What must agree: the statistic and the first draws."""
    return {"t": float(t), "sum": float(draws.sum()), "squares": float(draws @ draws)}


CONTENDERS = {"by_cluster": by_cluster, "refit_49_draws": refits}

__all__ = ["CONTENDERS", "ROWS", "prepare"]
