"""Scores without rows or columns: every weighting says what there is."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

from fusion import language
from fusion.composite import pca, weights
from fusion.composite.errors import CompositeError


@pytest.mark.parametrize("shape", [(3, 0), (0, 0)])
@pytest.mark.parametrize("name", weights.FROM_DATA)
def test_no_columns(name: str, shape: tuple[int, int]) -> None:
    with pytest.raises(CompositeError, match=rf"{shape[0]} rows and 0 columns of scores"):
        weights.FROM_DATA[name](np.zeros(shape))
    with language.speaking("zh"), pytest.raises(CompositeError, match="得分有"):
        weights.FROM_DATA[name](np.zeros(shape))


@pytest.mark.parametrize("name", [name for name in weights.FROM_DATA if name != "equal"])
def test_no_rows(name: str) -> None:
    with warnings.catch_warnings(), pytest.raises(CompositeError):
        warnings.simplefilter("ignore")
        weights.FROM_DATA[name](np.zeros((0, 3)))


def test_weights_that_look_at_no_row_need_none() -> None:
    assert weights.equal(np.zeros((0, 4))).tolist() == [0.25] * 4


def test_components_of_one_row() -> None:
    with pytest.raises(CompositeError, match="1 rows and 3 columns of scores; at least 2"):
        pca.components(np.ones((1, 3)))
