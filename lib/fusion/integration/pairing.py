"""Marry each yuan of service to one yuan of own goods, most related first.

F = 2 · max Σ π_jk r_jk subject to Σ_k π_jk ≤ p_j, Σ_j π_jk ≤ q_k, π ≥ 0. With one class of goods (or one of services)
the solution is to fill in falling r; with several on both sides it is a transport problem.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import scipy.sparse as sp
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import linprog

from fusion.integration.errors import IntegrationError
from fusion.language import said

Floats = NDArray[np.float64]
BATCH = 400  # transport problems solved at once, as one sparse programme


def integration(p: ArrayLike, q: ArrayLike, r: ArrayLike) -> float:
    """Integration F of one unit, in [0, 1].

    Parameters
    ----------
    p : array_like, shape (J,)
        Shares of own goods in revenue, by class.
    q : array_like, shape (K,)
        Shares of services.
    r : array_like, shape (J, K)
        Relatedness.

    Returns
    -------
    float
    """
    return float(2 * (pair(p, q, r) * np.atleast_2d(np.asarray(r, dtype=float))).sum())


def pair(p: ArrayLike, q: ArrayLike, r: ArrayLike) -> Floats:
    """The pairing π of one unit, shape (J, K); `pairs` of one unit."""
    return pairs(
        [np.atleast_1d(np.asarray(p, float))], [np.atleast_1d(np.asarray(q, float))], [np.atleast_2d(r)]
    )[0]


def pairs(p: Sequence[ArrayLike], q: Sequence[ArrayLike], r: Sequence[ArrayLike]) -> list[Floats]:
    """Pairings of many units: in falling r where a side has one class, else by linear programming (HiGHS).

    Parameters
    ----------
    p, q, r : sequences of array_like, shapes (J,), (K,), (J, K)
        One of each a unit; r in [0, 1].

    Returns
    -------
    list of ndarray, shape (J, K)
        Where several pairings are best, ties within one class of goods or services are split in proportion to shares.

    Raises
    ------
    IntegrationError
        When shares are negative or relatedness is outside [0, 1].
    """
    given = [
        (np.asarray(a, float), np.asarray(b, float), np.asarray(c, float))
        for a, b, c in zip(p, q, r, strict=True)
    ]
    for goods, services, tied in given:
        _check(goods, services, tied)
    out: list[Floats] = [np.zeros(c.shape) for _, _, c in given]
    several = []
    for i, (goods, services, tied) in enumerate(given):
        if len(goods) == 1:
            out[i] = _filled(goods.sum(), services, tied[0])[None, :]
        elif len(services) == 1:
            out[i] = _filled(services.sum(), goods, tied[:, 0])[:, None]
        else:
            several.append(i)
    for start in range(0, len(several), BATCH):
        these = several[start : start + BATCH]
        for i, found in zip(these, _transport([given[i] for i in these]), strict=True):
            out[i] = found
    return out


def fill(limit: ArrayLike, row: ArrayLike, amount: ArrayLike, r: ArrayLike) -> Floats:
    """How much of each line is paired, for many units at once, in falling r.

    Parameters
    ----------
    limit : array_like, shape (units,)
        What the one class on the other side offers.
    row : array_like of int, shape (lines,)
        Unit of each line.
    amount, r : array_like, shape (lines,)
        Lines and their relatedness. Lines of equal r share in proportion to their amounts.

    Returns
    -------
    ndarray, shape (lines,)
    """
    room, unit = np.asarray(limit, float), np.asarray(row, np.int64)
    q, tied = np.asarray(amount, float), np.asarray(r, float)
    if not len(q):
        return np.zeros(0)
    order = np.lexsort((-tied, unit))
    unit_s, tied_s, q_s = unit[order], tied[order], q[order]
    first = np.r_[True, (unit_s[1:] != unit_s[:-1]) | (tied_s[1:] != tied_s[:-1])]
    level = np.cumsum(first) - 1
    size = np.bincount(level, q_s)
    owner = unit_s[first]
    before = np.cumsum(size) - size
    start = np.r_[True, owner[1:] != owner[:-1]]
    before = before - np.repeat(before[start], np.diff(np.r_[np.flatnonzero(start), len(owner)]))
    taken = np.clip(room[owner] - before, 0, size)
    share = np.divide(taken, size, out=np.zeros_like(size), where=size > 0)
    paired = np.empty(len(q))
    paired[order] = share[level] * q_s
    return paired


# -- inside ------------------------------------------------------------------------------------
def _check(p: Floats, q: Floats, r: Floats) -> None:
    if r.shape != (len(p), len(q)):
        raise IntegrationError(said("integration.shape", goods=len(p), services=len(q), shape=r.shape))
    if min(p.min(initial=0), q.min(initial=0)) < 0 or r.min(initial=0) < 0 or r.max(initial=0) > 1:
        raise IntegrationError(said("integration.range"))


def _filled(limit: float, amounts: Floats, r: Floats) -> Floats:
    return fill([limit], np.zeros(len(amounts), np.int64), amounts, r)


def _transport(units: Sequence[tuple[Floats, Floats, Floats]]) -> list[Floats]:
    """Transport problems as one block-diagonal programme: limits of goods first, then of services."""
    blocks, room, gain = [], [], []
    for p, q, r in units:
        goods = sp.kron(sp.eye(len(p)), np.ones((1, len(q))))
        services = sp.kron(np.ones((1, len(p))), sp.eye(len(q)))
        blocks.append(sp.vstack([goods, services]))
        room += [p, q]
        gain.append(r.ravel())
    found = linprog(
        -np.concatenate(gain),
        A_ub=sp.block_diag(blocks, format="csr"),
        b_ub=np.concatenate(room),
        bounds=(0, None),
        method="highs-ds",
    )
    if found.x is None:
        raise IntegrationError(said("integration.programme", message=found.message))
    ends = np.cumsum([r.size for _, _, r in units])[:-1]
    return [part.reshape(r.shape) for part, (_, _, r) in zip(np.split(found.x, ends), units, strict=True)]
