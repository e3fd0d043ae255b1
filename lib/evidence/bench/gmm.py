"""System GMM in two steps, ten years a firm, beside the same estimator on an explicit instrument matrix.

The peer is linearmodels' IVGMM on stacked differences and levels, with weights clustered by firm, whose first step has
H = I; it gives no Windmeijer correction and no tests of serial correlation. The matrix of instruments is made
beforehand. CONTRIBUTING.md says how pydynpd does.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

ROWS = 50_000
YEARS = 10
FILE = "panel.parquet"
LAGS = {"y": (2, None), "x": (1, None)}
# Coefficients: both invert a matrix of some hundred instruments whose condition number is near 1e6.
TOLERANCE = 1e-7


def prepare(folder: Path, rows: int) -> None:
    """y = 0.5 y₋₁ + 0.3 x + effect of the firm + error, x predetermined."""
    import pandas as pd

    firms, rng = max(rows // YEARS, 50), np.random.default_rng(1)
    effect = rng.normal(size=firms)
    y, error = effect / 0.5, rng.normal(size=firms)
    kept = []
    for t in range(20 + YEARS):
        x = 0.3 * effect + 0.2 * error + rng.normal(size=firms)
        error = rng.normal(size=firms)
        y = 0.5 * y + 0.3 * x + effect + error
        if t >= 20:
            kept.append(pd.DataFrame({"firm": np.arange(firms), "year": t, "y": y, "x": x}))
    pd.concat(kept).to_parquet(folder / FILE, index=False)


def atoms(folder: Path, rows: int) -> Callable[[], dict[str, float]]:
    """The project's own, with corrected standard errors and all tests."""
    import pandas as pd

    from estimators.engines.gmm import Gmm, dynamic_panel

    frame = pd.read_parquet(folder / FILE)

    def estimate(data: pd.DataFrame) -> Gmm:
        return dynamic_panel(data, "y", ["L1.y", "x"], LAGS, unit="firm", system=True, h="identity")

    estimate(frame[frame["firm"] < 200])

    def work() -> dict[str, float]:
        fit = estimate(frame)
        return {"L1.y": float(fit.estimate[0]), "x": float(fit.estimate[1])}

    return work


def stacked(folder: Path, rows: int) -> Callable[[], dict[str, float]]:
    """linearmodels on the explicit matrix."""
    import pandas as pd
    from linearmodels.iv import IVGMM

    y, x, z, firm = _stack(pd.read_parquet(folder / FILE))

    def work() -> dict[str, float]:
        model = IVGMM(y, None, x, z, weight_type="clustered", clusters=firm)
        fit = model.fit(iter_limit=2, cov_type="clustered", clusters=firm)
        return {"L1.y": float(fit.params.iloc[0]), "x": float(fit.params.iloc[1])}

    return work


def _stack(frame: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Rows of both equations, and all instruments as columns: every firm's block below the other."""
    from estimators.engines.gmm.equations import equations
    from estimators.engines.gmm.grid import Grid, term
    from estimators.engines.gmm.instruments import instruments

    grid = Grid(frame, ["y", "x"], "firm", "year")
    eq = equations(grid, term("y"), [term("L1.y"), term("x")], True, True)
    made = instruments(grid, eq, LAGS, [], False, "both", "level")
    z = np.zeros((*eq.y.shape, len(made.names)))
    for atom, (row, column) in enumerate(zip(made.row, made.column, strict=True)):
        z[:, row, column] += made.w[:, atom]
    firm = np.repeat(np.arange(len(eq.y)), eq.y.shape[1])
    used = eq.used.ravel()
    flat = [eq.y.reshape(-1), eq.x.reshape(-1, eq.x.shape[2]), z.reshape(-1, z.shape[2]), firm]
    y, x, z, firm = (array[used] for array in flat)
    return y, x, z, firm


CONTENDERS = {"atoms": atoms, "linearmodels": stacked}
