"""Diversity of what a firm does: entropy, Simpson, Rao–Stirling, and how far it joins manufacturing and services.

Portfolios are shares over classes: revenue by service class, patents by division. Sources: Shannon's entropy;
Simpson (1949, Nature 163) for 1 − Σp²; Rao (1982, Theoretical Population Biology 21) and Stirling (2007, Journal
of the Royal Society Interface 4) for diversity weighted by distance.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from fusion.indicators.system import IndicatorError

Floats = NDArray[np.float64]
MANUFACTURING = range(13, 43)  # divisions of GB/T 4754, both editions; 43 is repair, a service
SERVICES = (43, *range(51, 97))


def shares(amounts: ArrayLike) -> Floats:
    """Amounts as shares of each row's total; rows whose total is zero become missing.

    Parameters
    ----------
    amounts : array_like, shape (n, k)
        Not negative, no missing values.
    """
    values = np.asarray(amounts, dtype=float)
    if not (values >= 0).all():
        raise IndicatorError("a portfolio holds a negative or missing amount; allowed: amounts ≥ 0")
    total = values.sum(axis=1, keepdims=True)
    return np.divide(values, total, out=np.full_like(values, np.nan), where=total > 0)


def entropy(p: ArrayLike) -> Floats:
    """Σ p ln(1/p) of each row (nats), 0 ln 0 = 0.

    Parameters
    ----------
    p : array_like, shape (n, k)
        Shares; a row of missing values stays missing.
    """
    p = np.asarray(p, dtype=float)
    return np.asarray(-np.sum(p * np.log(np.where(p > 0, p, 1)), axis=1))


def simpson(p: ArrayLike, size: ArrayLike | None = None) -> Floats:
    """1 − Σp²; with sizes n / (n − 1) times it: the chance that two different items lie in different classes.

    Parameters
    ----------
    p : array_like, shape (n, k)
        Shares.
    size : array_like, shape (n,), optional
        Number of items (patents of a firm). Below two nothing can be said: missing.
    """
    p = np.asarray(p, dtype=float)
    return _freed(1 - np.sum(p * p, axis=1), size)


def rao_stirling(p: ArrayLike, distance: ArrayLike, size: ArrayLike | None = None) -> Floats:
    """Σ_i Σ_j d_ij p_i p_j over ordered pairs; with sizes times n / (n − 1), as in `simpson`.

    With d_ij = 1 for all i ≠ j it is `simpson`. A distance of 0 between two classes makes them one.

    Parameters
    ----------
    p : array_like, shape (n, k)
        Shares.
    distance : array_like, shape (k, k)
        Between 0 and 1, symmetric, zero diagonal.
    size : array_like, shape (n,), optional
        Number of items.

    Raises
    ------
    IndicatorError
        When the distances are not distances.
    """
    p, d = np.asarray(p, dtype=float), np.asarray(distance, dtype=float)
    if (
        d.shape != (p.shape[1],) * 2
        or not np.allclose(d, d.T)
        or np.diag(d).any()
        or d.min() < 0
        or d.max() > 1
    ):
        raise IndicatorError(
            f"distances of shape {d.shape}: a symmetric table of {p.shape[1]} classes with zero diagonal and "
            "values from 0 to 1 is needed"
        )
    return _freed(np.sum((p @ d) * p, axis=1), size)


def cross_mass(p: ArrayLike, classes: Sequence[str], size: ArrayLike | None = None) -> Floats:
    """2 p_M p_S: the chance that of two items one is of manufacturing and one of services (fusion proper).

    Parameters
    ----------
    p : array_like, shape (n, k)
        Shares.
    classes : sequence of str
        Codes of GB/T 4754 whose first two digits say manufacturing (13–42) or services (43, 51–96).
    size : array_like, shape (n,), optional
        Number of items; times n / (n − 1).
    """
    p = np.asarray(p, dtype=float)
    division = np.array([int(code[:2]) for code in classes])
    made, served = np.isin(division, MANUFACTURING), np.isin(division, SERVICES)
    both = np.asarray(p[:, made].sum(axis=1) * p[:, served].sum(axis=1), dtype=float)
    return _freed(2 * both, size)


def cosine_distance(p: ArrayLike) -> Floats:
    """Distance of classes by who holds them together: 1 − cosine of the columns, shape (k, k).

    Parameters
    ----------
    p : array_like, shape (n, k)
        Portfolios; rows with missing values are left out. A class that nobody holds is at distance 1 from all.
    """
    every = np.asarray(p, dtype=float)
    held = every[np.isfinite(every).all(axis=1)]
    length = np.sqrt(np.sum(held**2, axis=0))
    unit = np.divide(held, length, out=np.zeros_like(held), where=length > 0)
    distance = np.clip(1 - unit.T @ unit, 0, 1)
    np.fill_diagonal(distance, 0)
    return np.asarray(distance)


def tree_distance(classes: Sequence[str]) -> Floats:
    """Distance of codes in the classification's own tree, shape (k, k).

    The share of digits after the common beginning: 3911 and 3912 are 1/4 apart, 3911 and 3921 1/2, 39 and 65 1.
    """
    if len({len(code) for code in classes}) > 1:
        raise IndicatorError("codes of one length are needed, e.g. all divisions or all classes")
    letters = np.array([[ord(digit) for digit in code] for code in classes])
    same = np.cumprod((letters[:, None, :] == letters[None, :, :]).astype(float), axis=2)
    return np.asarray(1 - same.mean(axis=2))


def portfolios(texts: Sequence[Any]) -> tuple[Floats, list[str]]:
    """JSON objects of code: amount as a table.

    Parameters
    ----------
    texts : sequence of str or None
        A missing text gives a row of missing values.

    Returns
    -------
    amounts : ndarray, shape (n, k)
    classes : list of str
        Sorted.
    """
    held = [json.loads(text) if isinstance(text, str) and text else None for text in texts]
    classes = sorted({code for row in held if row for code in row})
    place = {code: k for k, code in enumerate(classes)}
    amounts = np.zeros((len(held), len(classes)))
    for n, row in enumerate(held):
        if row is None:
            amounts[n] = np.nan
        for code, amount in (row or {}).items():
            amounts[n, place[code]] = amount or 0
    return amounts, classes


def patents(panel: pd.DataFrame) -> pd.DataFrame:
    """Diversity of patents of the firm-years that report their divisions and hold two patents or more.

    Parameters
    ----------
    panel : pandas.DataFrame
        firm_id, year, inv_patents_valid, pat_ipc_shares (JSON, division: share).

    Returns
    -------
    pandas.DataFrame
        firm_id, year, n, entropy, simpson, rao_stirling (distance of divisions by who holds them together),
        cross_mass; all but the entropy freed of small families by n / (n − 1).
    """
    known = panel[panel["pat_ipc_shares"].notna() & (panel["inv_patents_valid"] >= 2)]
    amounts, classes = portfolios(known["pat_ipc_shares"].tolist())
    p, n = shares(amounts), known["inv_patents_valid"].to_numpy(dtype=float)
    return pd.DataFrame(
        {
            "firm_id": known["firm_id"].to_numpy(),
            "year": known["year"].to_numpy(),
            "n": n,
            "entropy": entropy(p),
            "simpson": simpson(p, n),
            "rao_stirling": rao_stirling(p, cosine_distance(p), n),
            "cross_mass": cross_mass(p, classes, n),
        }
    )


def _freed(value: Floats, size: ArrayLike | None) -> Floats:
    if size is None:
        return np.asarray(value)
    n = np.asarray(size, dtype=float)
    return np.divide(n * value, n - 1, out=np.full_like(value, np.nan), where=n >= 2)
