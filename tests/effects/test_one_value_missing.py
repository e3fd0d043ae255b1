"""One value that is missing or infinite, among many that are there, is refused (or leaves its part missing) like all."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from estimators.designs.reporting import reported
from estimators.designs.selection import worst_case
from estimators.effects.imputation import fit
from estimators.errors import EffectsError
from estimators.production import ProductionError, estimate
from estimators.robustness.oster import selection
from estimators.robustness.ushape import u_test
from evidence.montecarlo.designs import simulate
from fusion import io
from fusion.composite import coherence, reliability

RNG = np.random.default_rng(8)
Y, X = RNG.normal(size=(2, 60))
ON = np.arange(60) % 2


def _holed(values: np.ndarray, hole: float) -> np.ndarray:
    out = np.array(values, float)
    out.flat[out.size // 2] = hole
    return out


def _dose(hole: float) -> Any:
    unit, year = np.repeat(np.arange(12), 4), np.tile(np.arange(2010, 2014), 12)
    data = pd.DataFrame({"unit": unit, "year": year, "start": np.where(unit < 6, 2012, 0), "y": Y[:48]})
    dose = np.where(unit == 2, hole, unit.astype(float))
    return fit(data, outcome="y", unit="unit", time="year", start="start").dose(dose)


def _reported(hole: float) -> Any:
    rows = pd.DataFrame({"unit": range(60), "cell": 1, "treated": ON, "y": np.where(X > 1, np.nan, Y)})
    return reported(rows.assign(x=_holed(X, hole)), ["x"])


REFUSED: dict[str, Callable[[float], Any]] = {
    "flows": lambda hole: io.direct(_holed(np.ones((3, 3)), hole), [9, 9, 9]),
    "output": lambda hole: io.direct(np.ones((3, 3)), _holed(np.full(3, 9.0), hole)),
    "least of bounds": lambda hole: worst_case(_holed(Y - 9, hole), Y + 9, ON, np.zeros(60)),
    "most of bounds": lambda hole: worst_case(Y - 9, _holed(Y + 9, hole), ON, np.zeros(60)),
    "dose": _dose,
    "what telling goes with": _reported,
    "outcome": lambda hole: selection(_holed(Y, hole), X, RNG.normal(size=(60, 1))),
    "treatment": lambda hole: selection(Y, _holed(X, hole), RNG.normal(size=(60, 1))),
    "controls": lambda hole: selection(Y, X, _holed(RNG.normal(size=(60, 2)), hole)),
    "covariance": lambda hole: u_test(1, -1, np.array([[1.0, hole], [hole, 1.0]]), 0, 2, 60),
    "start": lambda hole: estimate(simulate("planned", 30, 4, 1), "acf", start=[0.5, hole]),
}


@pytest.mark.parametrize("hole", [np.nan, np.inf])
@pytest.mark.parametrize("what", REFUSED)
def test_one_is_refused(what: str, hole: float) -> None:
    with pytest.raises((EffectsError, ProductionError, io.InputOutputError)):
        REFUSED[what](hole)


def test_one_correlation_that_is_not_known_leaves_loadings_missing() -> None:
    r = np.array([[1.0, 0.5, np.nan], [0.5, 1.0, 0.4], [np.nan, 0.4, 1.0]])
    assert np.isnan(reliability.loadings(r)).all()
    assert np.isnan(coherence._first_component(r)).all()
