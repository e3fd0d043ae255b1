"""Covariances from influences: rows of `psi` add up to an estimate's error, V = Σ over what moves together of (Σ ψ)(Σ ψ)′."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from estimators.tables.rows import YEAR, Rows

EARTH_KM = 6371.0


def covariance(psi: np.ndarray, rows: Rows, errors: str, options: Mapping[str, Any]) -> np.ndarray:
    """Uncorrected covariance of estimates.

    Parameters
    ----------
    psi : ndarray, shape (n, k)
        Influence of each row.
    rows : Rows
    errors : {"robust", "clustered", "driscoll_kraay", "conley"}
    options : mapping
        ``lags`` (Driscoll–Kraay), ``conley`` (km, lat, lon).
    """
    if errors == "clustered":
        return clustered(psi, rows.clusters)
    if errors == "driscoll_kraay":
        return driscoll_kraay(psi, rows.data[YEAR].to_numpy(), options.get("lags"))
    if errors == "conley":
        how = options["conley"]
        return conley(
            psi, rows.data[how["lat"]].to_numpy(float), rows.data[how["lon"]].to_numpy(float), how["km"]
        )
    return psi.T @ psi


def clustered(psi: np.ndarray, clusters: pd.DataFrame) -> np.ndarray:
    """One way, or V₁ + V₂ − V₁₂ (Cameron, Gelbach and Miller 2011); negative variances are set to zero as they say."""
    ways = [clusters[name].to_numpy() for name in clusters]
    found = sum(_sums(psi, way) for way in ways)
    if len(ways) == 1:
        return np.asarray(found)
    both = pd.factorize(pd.Series(list(zip(*ways, strict=True)), dtype=object))[0]
    return positive(np.asarray(found) - _sums(psi, both))


def positive(v: np.ndarray) -> np.ndarray:
    """The nearest covariance: negative eigenvalues become zero."""
    value, vector = np.linalg.eigh((v + v.T) / 2)
    return v if value.min(initial=0) >= 0 else (vector * value.clip(0)) @ vector.T


def driscoll_kraay(psi: np.ndarray, years: np.ndarray, lags: int | None) -> np.ndarray:
    """Sums by year, Bartlett weights over `lags` years (Driscoll and Kraay 1998); none: floor(4 (T/100)^(2/9))."""
    known, code = np.unique(years, return_inverse=True)
    sums = np.column_stack([np.bincount(code, column) for column in psi.T])
    reach = int(np.floor(4 * (len(known) / 100) ** (2 / 9))) if lags is None else lags
    found: np.ndarray = np.asarray(sums.T @ sums, float)
    for lag in range(1, min(reach, len(known) - 1) + 1):
        cross = sums[lag:].T @ sums[:-lag]
        found = found + (1 - lag / (reach + 1)) * (cross + cross.T)
    return np.asarray(found)


def conley(psi: np.ndarray, lat: np.ndarray, lon: np.ndarray, km: float) -> np.ndarray:
    """Pairs within a distance count whole, others not (Conley 1999, uniform kernel; great circles)."""
    from scipy.spatial import cKDTree

    a, b = np.radians(lat), np.radians(lon)
    points = EARTH_KM * np.column_stack([np.cos(a) * np.cos(b), np.cos(a) * np.sin(b), np.sin(a)])
    places, code = np.unique(points.round(9), axis=0, return_inverse=True)
    sums = np.column_stack([np.bincount(code.ravel(), column, len(places)) for column in psi.T])
    chord = 2 * EARTH_KM * np.sin(min(km / (2 * EARTH_KM), np.pi / 2))
    near = cKDTree(places).sparse_distance_matrix(
        cKDTree(places), chord * (1 + 1e-12), output_type="coo_matrix"
    )
    found: np.ndarray = np.asarray(sums.T @ sums, float)
    apart = near.row != near.col
    first, second = sums[near.row[apart]], sums[near.col[apart]]
    return found + first.T @ second


def _sums(psi: np.ndarray, code: np.ndarray) -> np.ndarray:
    sums = np.column_stack([np.bincount(code, column) for column in psi.T])
    return sums.T @ sums
