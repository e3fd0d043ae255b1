"""The exact estimator gives the same last digits each time: sums of small data are one thread's."""

from __future__ import annotations

import numpy as np
import pandas as pd

from estimators.engines.exact.estimate import feols
from estimators.engines.exact.formula import design


def test_last_digits_do_not_depend_on_threads() -> None:
    """Two threads shared the groups out as it happened: of eight calls some differed in the sixteenth digit."""
    draw = np.random.default_rng(3)
    frame = pd.DataFrame({"unit": np.repeat(np.arange(355), 50), "year": np.tile(np.arange(50), 355)})
    frame = frame[draw.random(len(frame)) < 0.8].reset_index(drop=True)
    frame["x"] = draw.normal(size=len(frame)) + frame["unit"] * 0.01
    frame["y"] = frame["x"] * 0.3 + draw.normal(size=len(frame)) + np.sin(frame["unit"])
    asked = design("y", ["x"], ["unit", "year"])
    fits = [feols(asked, frame, {"CRV1": "unit"}) for _ in range(8)]
    assert len({(fit.coef()["x"], fit.se()["x"]) for fit in fits}) == 1
