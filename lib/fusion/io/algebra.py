"""Coefficients of an input–output table: direct, complete, Ghosh, influence, sensitivity, domestic.

Notation: Z flows, z_ij from sector i to sector j; x output; A = Z x̂⁻¹; L = (I − A)⁻¹; H = x̂⁻¹ Z; G = (I − H)⁻¹.
Sources: Leontief (1936, Review of Economics and Statistics 18); Ghosh (1958, Economica 25); Miller and Blair,
Input–Output Analysis (2nd ed. 2009), chapters 2 and 12. The complete coefficient B = L − I (完全消耗系数), the
influence coefficient (影响力系数) and the sensitivity coefficient (感应度系数) are those of 国家统计局's manuals.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fusion.language import listed, said, word

Floats = NDArray[np.float64]


class InputOutputError(ValueError):
    """A table that cannot be used; the message says which sector and why."""


def some(values: Iterable[object], most: int = 12) -> str:
    """The first of some names, each cut to what a line holds; a file may have thousands."""
    texts = [str(value)[:40] for value in values]
    return listed([*texts[:most], *(["…"] if len(texts) > most else [])])


def direct(flows: ArrayLike, output: ArrayLike, sectors: Sequence[str] | None = None) -> Floats:
    """Direct input coefficients a_ij = z_ij / x_j (直接消耗系数).

    Parameters
    ----------
    flows : array_like, shape (n, n) or (m, n)
        z_ij: what sector j buys from i, in money.
    output : array_like, shape (n,)
        x_j: output of j, in the same unit. A sector without output must have no inputs; its coefficients are 0.
    sectors : sequence of str, optional
        Names for error messages.

    Raises
    ------
    InputOutputError
        When shapes disagree, a value is missing, or a sector has inputs but no output.
    """
    z, x = _flows(flows, output, axis=1)
    _refuse_empty((z != 0).any(axis=0), x, sectors, "inputs")
    return np.divide(z, x, out=np.zeros_like(z), where=x > 0)


def allocation(flows: ArrayLike, output: ArrayLike, sectors: Sequence[str] | None = None) -> Floats:
    """Allocation coefficients h_ij = z_ij / x_i (直接分配系数): where sector i's output goes.

    Parameters, errors
    ------------------
    As `direct`, with output of the selling sectors.
    """
    z, x = _flows(flows, output, axis=0)
    _refuse_empty((z != 0).any(axis=1), x, sectors, "sales")
    return np.divide(z, x[:, None], out=np.zeros_like(z), where=x[:, None] > 0)


def leontief(coefficients: ArrayLike) -> Floats:
    """Leontief inverse L = (I − A)⁻¹: output of i that one unit of final demand for j calls up.

    Parameters
    ----------
    coefficients : array_like, shape (n, n)
        A, of total flows or of domestic ones.

    Raises
    ------
    InputOutputError
        When A is not square or the economy is not productive (an element of L would be negative).
    """
    a = np.asarray(coefficients, dtype=float)
    if a.ndim != 2 or a.shape[0] != a.shape[1]:
        raise InputOutputError(said("io.shape", shape=a.shape))
    try:
        inverse = np.linalg.inv(np.eye(len(a)) - a)
    except np.linalg.LinAlgError as error:
        raise InputOutputError(said("io.singular")) from error
    # Rounding leaves elements that are zero at some −1e-17.
    if inverse.min() < -1e-9:
        worst = int(np.argmin(inverse.min(axis=0)))
        raise InputOutputError(said("io.unproductive", sector=worst + 1, least=inverse.min()))
    return inverse


def complete(coefficients: ArrayLike) -> Floats:
    """Complete input coefficients B = (I − A)⁻¹ − I (完全消耗系数): inputs of inputs counted, the unit itself not."""
    inverse = leontief(coefficients)
    return inverse - np.eye(len(inverse))


def ghosh(allocations: ArrayLike) -> Floats:
    """Ghosh inverse G = (I − H)⁻¹: output of j that one unit of i's primary input supports downstream."""
    return leontief(np.asarray(allocations, dtype=float).T).T


def influence(inverse: ArrayLike) -> Floats:
    """Influence coefficient (影响力系数) F_j = Σ_i l_ij ÷ (1/n) Σ_j Σ_i l_ij; above 1 pulls more than average.

    Parameters
    ----------
    inverse : array_like, shape (n, n)
        L. Returns shape (n,), mean 1.
    """
    return _relative(np.asarray(inverse, dtype=float).mean(axis=0))


def sensitivity(inverse: ArrayLike) -> Floats:
    """Sensitivity coefficient (感应度系数) S_i = Σ_j l_ij ÷ (1/n) Σ_i Σ_j l_ij; above 1 is called on more than average.

    Row sums of L suppose that final demand for each sector grows by the same amount, which large and small
    sectors do not; row sums of the Ghosh inverse (pass G) do not suppose it.

    Parameters
    ----------
    inverse : array_like, shape (n, n)
        L, or G. Returns shape (n,), mean 1.
    """
    return _relative(np.asarray(inverse, dtype=float).mean(axis=1))


def domestic(coefficients: ArrayLike, output: ArrayLike, imports: ArrayLike, exports: ArrayLike) -> Floats:
    """Domestic coefficients from a competitive table, by import proportionality: A^d = (I − M̂) A.

    m_i = M_i ÷ (x_i + M_i − E_i), the share of imports in what is used at home: each user is taken to buy the
    same mix (nothing imported is exported again). Where more is imported than used at home (processing trade), some is
    exported again, and the share is that in all supply, M_i ÷ (x_i + M_i). A table that lists imported flows apart needs no
    such guess.

    Parameters
    ----------
    coefficients : array_like, shape (n, n)
        A of a table whose flows hold imports too.
    output, imports, exports : array_like, shape (n,)
        x, M (positive) and E.

    Raises
    ------
    InputOutputError
        When a share lies outside 0 to 1.
    """
    x, m, e = (np.asarray(v, dtype=float) for v in (output, imports, exports))
    used = np.where((m > x + m - e) & (m > 0), x + m, x + m - e)
    share = np.divide(m, used, out=np.zeros_like(m), where=m != 0)
    if not ((share >= 0) & (share <= 1)).all():
        worst = int(np.argmax(np.abs(share - 0.5)))
        raise InputOutputError(
            said("io.imports", sector=worst + 1, share=share[worst], x=x[worst], m=m[worst], e=e[worst])
        )
    return np.asarray((1 - share)[:, None] * np.asarray(coefficients, dtype=float))


def _flows(flows: ArrayLike, output: ArrayLike, axis: int) -> tuple[Floats, Floats]:
    z, x = np.asarray(flows, dtype=float), np.asarray(output, dtype=float)
    if z.ndim != 2 or x.shape != (z.shape[axis],):
        raise InputOutputError(said("io.shapes", flows=z.shape, output=x.shape))
    if not (np.isfinite(z).all() and np.isfinite(x).all()):
        raise InputOutputError(said("io.missing"))
    if (x < 0).any():
        raise InputOutputError(said("io.negative", sector=int(np.argmin(x)) + 1, least=x.min()))
    return z, x


def _refuse_empty(used: ArrayLike, x: Floats, sectors: Sequence[str] | None, what: str) -> None:
    bad = np.flatnonzero(np.asarray(used) & (x == 0))
    if len(bad):
        names = [sectors[i] if sectors is not None else f"number {i + 1}" for i in bad]
        raise InputOutputError(said("io.no_output", what=word("io.what", what), names=some(names)))


def _relative(means: Floats) -> Floats:
    return np.asarray(means / means.mean())
