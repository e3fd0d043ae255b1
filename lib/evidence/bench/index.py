"""A thousand builds of an index of 36 indicators over all choices, with the intervals of its ranks.

Rows are units. Beside it the obvious way: the index built from its steps in each draw, which keeps nothing that
draws share; it is asked for a twentieth of the draws, and its time is that of those.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

ROWS = 3000
DRAWS = 1000
AGREE = 50
FILE = "values.parquet"
CODES = [f"{chain}{i}" for chain in "ABCDE" for i in range(1, 8)] + ["A8"]
CHAINS = {code: code[0] for code in CODES}
SIGNS = dict.fromkeys(CODES, "+")
CHOICES: dict[str, Any] = {
    "treatment": {"none": {"how": "none"}, "winsorise": {"how": "winsorise", "tail": 0.01}},
    "normalise": ("minmax", "rank", "normal"),
    "weights": ("entropy", "equal", "critic", "standard_deviation"),
    "aggregation": ("arithmetic", "geometric"),
}


def prepare(folder: Path, rows: int) -> None:
    """Skewed values with a common part, one in ten missing."""
    import numpy as np
    import pandas as pd

    rng = np.random.default_rng(1)
    values = np.exp(0.5 * rng.normal(size=(rows, 1)) + rng.normal(size=(rows, len(CODES))))
    values[rng.random(values.shape) < 0.1] = np.nan
    pd.DataFrame(values, columns=CODES).to_parquet(folder / FILE)


def _builder(folder: Path, noise: float = 0.0) -> Any:
    import pandas as pd

    from fusion.composite import uncertainty

    choices = uncertainty.Choices(**CHOICES, leave_out=noise > 0, concentration=noise)
    return uncertainty.Builder(pd.read_parquet(folder / FILE), SIGNS, CHAINS, choices)


def draws(folder: Path, rows: int) -> Callable[[], dict[str, float]]:
    """The project's own: a thousand draws, one indicator left out and noise around the weights among the choices."""
    from fusion.composite import uncertainty

    builder, plain = _builder(folder, 100.0), _builder(folder)

    def work() -> dict[str, float]:
        uncertainty.intervals(uncertainty.monte_carlo(builder, DRAWS, seed=1))
        # The obvious way's draws too: what must agree.
        return _numbers(uncertainty.monte_carlo(plain, AGREE, seed=1).scores)

    return work


def step_by_step(folder: Path, rows: int) -> Callable[[], dict[str, float]]:
    """The obvious way, a twentieth of the draws and no noise."""
    import pandas as pd

    from fusion.composite import index, scale, treat, uncertainty

    values = pd.read_parquet(folder / FILE)
    plan = uncertainty.monte_carlo(_builder(folder), AGREE, seed=1).plan

    def work() -> dict[str, float]:
        scores = []
        for pick in plan.to_dict("records"):
            cuts = treat.fit(values, **CHOICES["treatment"][pick["treatment"]])
            z = scale.normalise(treat.apply(values, cuts), SIGNS, pick["normalise"])
            mean, floor = pick["aggregation"], 0.01
            built = index.build(
                z, CHAINS, weights=pick["weights"], aggregation=mean, chain_aggregation=mean, floor=floor
            )
            scores.append(built.scores["index"].to_numpy())
        return _numbers(scores)

    return work


def _numbers(scores: Any) -> dict[str, float]:
    import numpy as np

    table = np.asarray(scores)
    return {
        "mean": float(np.nanmean(table)),
        "first": float(np.nanstd(table[0])),
        "n": float(np.isfinite(table).sum()),
    }


CONTENDERS = {"draws": draws, "step_by_step": step_by_step}
