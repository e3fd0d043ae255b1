"""Solve A Γ = B for the levels of the other effects, block by block, and find redundant levels."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.linalg import lapack, solve_triangular
from scipy.sparse.csgraph import connected_components

from estimators.errors import EffectsError
from estimators.language import said

Array = NDArray[np.float64]

# A pivot of A, scaled to ones on the diagonal of D′WD, below which a level adds nothing to the levels before it.
# Rounding leaves some 1e-14 · G; a panel that is barely connected, by one firm in a million, leaves 1e-6.
REDUNDANT = 1e-11
LARGEST_BLOCK = 30_000
# Blocks up to this size are solved by the factor's inverse and matrix products, which BLAS does on one thread: threads
# that wait for each other make a triangular solve of a dozen levels a thousand times slower on a busy machine. One step
# of refinement follows in any case.
SMALL_BLOCK = 128


class Factors:
    """Pivoted Cholesky factors of A by connected component; solves for further right-hand sides.

    Parameters
    ----------
    a : sparse matrix, shape (G, G)
        Positive semi-definite.
    size : ndarray, shape (G,)
        Weight of each level, which scales A.
    """

    def __init__(self, a: sparse.csr_matrix, size: Array) -> None:
        self.a = a
        self.total = a.shape[0]
        self.component = _components(a)
        self.redundant = np.ones(self.total, bool)
        self._blocks: list[tuple[NDArray[np.int64], Array, Array]] = []
        scale = 1 / np.sqrt(np.where(size > 0, size, 1.0))
        order = np.argsort(self.component, kind="stable")
        ends = np.flatnonzero(np.diff(self.component[order])) + 1
        for members in np.split(order, ends) if self.total else []:
            self._factor(np.sort(members), scale)

    def _factor(self, members: NDArray[np.int64], scale: Array) -> None:
        if len(members) > LARGEST_BLOCK:
            raise EffectsError(said("engines.large_block", count=len(members), largest=LARGEST_BLOCK))
        block = self.a[members][:, members].toarray() * np.outer(scale[members], scale[members])
        factor, pivot, rank, _ = lapack.dpstrf(
            np.asfortranarray(block), tol=REDUNDANT, lower=1, overwrite_a=1
        )
        if not rank:
            return
        kept = members[pivot[:rank] - 1]
        self.redundant[kept] = False
        lower = np.tril(factor[:rank, :rank])
        if rank <= SMALL_BLOCK:
            lower = np.tril(np.linalg.inv(lower))
        self._blocks.append((kept, lower, scale[kept][:, None]))

    @property
    def rank(self) -> int:
        """Levels that are not redundant given the unit effects."""
        return int((~self.redundant).sum())

    def solve(self, b: Array) -> Array:
        """Γ with A Γ = B, zero at redundant levels; one step of refinement."""
        gamma = self._once(b)
        return gamma + self._once(b - self.a @ gamma)

    def _once(self, b: Array) -> Array:
        gamma = np.zeros_like(b)
        for kept, factor, scale in self._blocks:
            if len(kept) <= SMALL_BLOCK:
                gamma[kept] = (factor.T @ (factor @ (b[kept] * scale))) * scale
                continue
            half = solve_triangular(factor, b[kept] * scale, lower=True, check_finite=False)
            gamma[kept] = solve_triangular(factor.T, half, lower=False, check_finite=False) * scale
        return gamma


def _components(a: sparse.csr_matrix) -> NDArray[np.int64]:
    """Connected components of levels; rounding left by weights is not a link."""
    if not a.shape[0]:
        return np.empty(0, np.int64)
    links = a.copy()
    diagonal = np.sqrt(np.abs(links.diagonal())) + 1e-300
    rows, columns = links.nonzero()
    values = np.asarray(links[rows, columns]).ravel()
    keep = np.abs(values) > 1e-13 * diagonal[rows] * diagonal[columns]
    graph = sparse.csr_matrix((np.ones(keep.sum()), (rows[keep], columns[keep])), shape=a.shape)
    return connected_components(graph, directed=False)[1].astype(np.int64)
