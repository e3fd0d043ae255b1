"""The exact within estimator, and the exact two-way within transformation of arrays.

``feols`` estimates from tables, Parquet or DuckDB by three group-bys; see `estimators.engines.exact`.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from estimators.engines.exact.correction import Correction
from estimators.engines.exact.estimate import feols
from estimators.engines.exact.result import Within

__all__ = ["Correction", "Within", "demean", "feols", "two_way_residuals"]


def two_way_residuals(values: ArrayLike, unit: ArrayLike, time: ArrayLike) -> NDArray[np.float64]:
    """Residuals of columns on unit and time effects, without iteration, for any unbalanced panel.

    By Frisch–Waugh–Lovell: columns and time dummies are demeaned by unit, and the demeaned columns are then
    regressed on the demeaned dummies (minimum-norm, so that collinear dummies do no harm).

    Parameters
    ----------
    values : array_like, shape (n,) or (n, k)
    unit, time : array_like, shape (n,)
        Labels; units may be many, times few (memory n × times).

    Returns
    -------
    ndarray, shape of `values`
    """
    table = np.asarray(values, float)
    columns = table.reshape(len(table), -1)
    unit_code = np.unique(np.asarray(unit), return_inverse=True)[1]
    time_code = np.unique(np.asarray(time), return_inverse=True)[1]
    dummies = np.eye(time_code.max() + 1)[time_code]
    demeaned = demean(np.hstack([columns, dummies]), unit_code)
    x, d = demeaned[:, : columns.shape[1]], demeaned[:, columns.shape[1] :]
    gamma = np.linalg.lstsq(d.T @ d, d.T @ x, rcond=1e-12)[0]
    return (x - d @ gamma).reshape(table.shape)


def demean(columns: NDArray[np.float64], code: NDArray[np.int64]) -> NDArray[np.float64]:
    """Columns less their means by group; `code` holds integers from 0, shape (n,); columns (n, k)."""
    counts = np.bincount(code).astype(float)
    means = np.column_stack([np.bincount(code, column) / counts for column in columns.T])
    return columns - means[code]
