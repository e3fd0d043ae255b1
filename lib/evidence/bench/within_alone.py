"""The exact within estimator alone, with limited memory, at sizes where no peer fits: ``--rows 50000000``.

As `within`, but DuckDB may hold no more than 1.5 GB and spills beyond that.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from evidence.bench.within import EFFECTS, FILE, formula, numbers, prepare

ROWS = 5_000_000
MEMORY = "1.5GB"


def exact(folder: Path, rows: int) -> Callable[[], dict[str, float]]:
    """The project's own, from Parquet."""
    from estimators.engines.within import feols

    def work() -> dict[str, float]:
        fit = feols(formula(EFFECTS), folder / FILE, ssc={"k_fixef": "full"}, fixef_rm="none", memory=MEMORY)
        return numbers(fit.coef(), fit.se(), fit.n)

    return work


CONTENDERS = {"exact": exact}

__all__ = ["CONTENDERS", "ROWS", "prepare"]
