"""Obstacle degrees: which indicators hold a unit back."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from fusion.composite.errors import CompositeError


def obstacles(z: pd.DataFrame, weights: ArrayLike) -> pd.DataFrame:
    """Obstacle degree O_j = w_j (1 − z_j)/Σ w (1 − z) of each indicator in each row.

    Parameters
    ----------
    z : pandas.DataFrame, shape (n, k)
        Scores in [0, 1]; missing ones are left out of the sum.
    weights : array_like, shape (k,)

    Returns
    -------
    pandas.DataFrame, shape (n, k)
        Rows sum to one; missing where a row has all scores at one, or none.

    Raises
    ------
    CompositeError
        When scores are not in [0, 1], since the distance to the best is then not 1 − z.
    """
    if (z.min() < -1e-9).any() or (z.max() > 1 + 1e-9).any():
        raise CompositeError("obstacles: scores must lie in [0, 1]; normalise with minmax, rank or normal")
    short = (1 - z) * np.asarray(weights, dtype=float)
    total = short.sum(axis=1)
    return short.div(total.where(total > 0), axis=0)


def by_group(degrees: pd.DataFrame, groups: pd.Series, top: int = 5) -> pd.DataFrame:
    """Mean obstacle degree by group: group, place (1 = largest), indicator, degree; the ``top`` of each."""
    mean = degrees.groupby(groups.to_numpy()).mean().rename_axis("group").rename_axis("indicator", axis=1)
    table = mean.stack().rename("degree").reset_index()
    table = table.sort_values(["group", "degree"], ascending=[True, False], kind="stable")
    table["place"] = table.groupby("group").cumcount() + 1
    return table.loc[table["place"] <= top, ["group", "place", "indicator", "degree"]].reset_index(drop=True)
