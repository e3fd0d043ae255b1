"""A specification curve: 512 specifications on shared projections, beside pyfixest's multiple estimation.

Two outcomes, eight sets of controls, four of effects, two clusters, four samples. pyfixest demeans once for each sample
and set of effects too, and its errors are recomputed for each cluster.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from evidence.bench.within import FILE, prepare

ROWS = 20_000
# pyfixest iterates to a tolerance of its own.
TOLERANCE = 1e-6
OUTCOMES = ["y", "x5"]
EFFECTS = [("firm",), ("firm", "year"), ("firm", "industry^year"), ("firm", "region^year")]
CONTROLS = [(), ("x2",), ("x3",), ("x4",), ("x2", "x3"), ("x2", "x4"), ("x3", "x4"), ("x2", "x3", "x4")]
CLUSTERS = ["firm", "region"]


def _samples(frame: Any) -> dict[str, np.ndarray]:
    year, region = frame["year"].to_numpy(), frame["region"].to_numpy()
    return {"early": year < 2018, "late": year > 2013, "regions": region >= 5}


def shared(folder: Path, rows: int) -> Callable[[], dict[str, float]]:
    """The project's own."""
    import pandas as pd

    from estimators.robustness.speccurve import curve, specifications

    frame = pd.read_parquet(folder / FILE)
    samples = _samples(frame)
    specs = specifications(OUTCOMES, ["x1"], CONTROLS, EFFECTS, CLUSTERS, ["all", *samples])
    curve(frame, specs[:1], samples)

    def work() -> dict[str, float]:
        table = curve(frame, specs, samples, ssc={"k_fixef": "full"})
        b, se = table["estimate"], table["std_error"]
        return {"specifications": float(len(table)), "b": float(b.sum()), "se": float(se.sum())}

    return work


def pyfixest(folder: Path, rows: int) -> Callable[[], dict[str, float]]:
    """Multiple estimation of each sample, then errors by each cluster."""
    import pandas as pd
    import pyfixest as pf
    from pyfixest.demeaners import LsmrDemeaner

    frame = pd.read_parquet(folder / FILE)
    samples = {"all": np.ones(len(frame), bool), **_samples(frame)}
    effects = ", ".join(" + ".join(e) for e in EFFECTS)
    formula = f"{' + '.join(OUTCOMES)} ~ x1 + mvsw(x2, x3, x4) | sw({effects})"
    ssc = pf.ssc(k_fixef="full")

    def fits(data: pd.DataFrame) -> list[Any]:
        one = pf.feols(formula, data, vcov={"CRV1": "firm"}, ssc=ssc, demeaner=LsmrDemeaner())
        return list(one.all_fitted_models.values())  # type: ignore[union-attr]

    fits(frame.head(2000))

    def work() -> dict[str, float]:
        found = []
        for mask in samples.values():
            for fit in fits(frame[mask]):
                found += [(fit.coef()["x1"], fit.vcov({"CRV1": c}).se()["x1"]) for c in CLUSTERS]
        b, se = np.sum(found, axis=0)
        return {"specifications": float(len(found)), "b": float(b), "se": float(se)}

    return work


CONTENDERS = {"shared": shared, "pyfixest": pyfixest}

__all__ = ["CONTENDERS", "ROWS", "TOLERANCE", "prepare"]
