"""Agreement with pymcdm on weights and rankings."""

from __future__ import annotations

import numpy as np
import pytest

from fusion.composite import aggregate, weights

pymcdm = pytest.importorskip("pymcdm")


@pytest.fixture(scope="module")
def z() -> np.ndarray:
    return np.random.default_rng(8).uniform(0.05, 1, size=(40, 5))


def test_weights_are_those_of_pymcdm(z: np.ndarray) -> None:
    # pymcdm normalises by columns' sums for entropy as we do, and takes z as it is for the others' formulas.
    # The same formulas in another order of sums: rounding.
    np.testing.assert_allclose(weights.entropy_weights(z), pymcdm.weights.entropy_weights(z), rtol=1e-10)
    # pymcdm's CRITIC and standard deviation scale by min and max first; ours take scores that are scaled.
    scaled = (z - z.min(axis=0)) / (z.max(axis=0) - z.min(axis=0))
    np.testing.assert_allclose(
        weights.from_data(scaled, "critic"), pymcdm.weights.critic_weights(z), rtol=1e-10
    )
    np.testing.assert_allclose(
        weights.from_data(z, "standard_deviation"), pymcdm.weights.standard_deviation_weights(z), rtol=1e-10
    )


def test_topsis_is_that_of_pymcdm(z: np.ndarray) -> None:
    w = np.array([0.1, 0.15, 0.2, 0.25, 0.3])
    plain = pymcdm.methods.TOPSIS(normalization_function=lambda x, cost=False: x)
    np.testing.assert_allclose(aggregate.topsis(z, w), plain(z, w, np.ones(5)), rtol=1e-10)
