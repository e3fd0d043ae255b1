"""What an attacker who has the published cells knows of those that are not: intervals by linear programming."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from workbook.publish.disclosure.cells import TOTAL
from workbook.publish.disclosure.rules import DisclosureError


def relations(cells: pd.DataFrame, dimensions: Sequence[str]) -> list[tuple[int, list[int]]]:
    """Which cells add up to which.

    Parameters
    ----------
    cells : pandas.DataFrame
        Cells with their dimensions, as ``tabulate`` gives them.
    dimensions : sequence of str
        Names of the dimensions.

    Returns
    -------
    list of (int, list of int)
        Position of a total, positions of its parts; one entry for each dimension that is summed over and shown.
    """
    keys = [tuple(row) for row in cells[list(dimensions)].itertuples(index=False)]
    place = {key: i for i, key in enumerate(keys)}
    parts: dict[tuple[int, int], list[int]] = {}
    for i, key in enumerate(keys):
        for d, level in enumerate(key):
            if level != TOTAL:
                whole = place.get((*key[:d], TOTAL, *key[d + 1 :]))
                if whole is not None:
                    parts.setdefault((whole, d), []).append(i)
    return [(whole, members) for (whole, _), members in parts.items()]


def intervals(
    cells: pd.DataFrame,
    dimensions: Sequence[str],
    hidden: npt.ArrayLike,
    asked: Sequence[int] | None = None,
    nonnegative: bool = True,
) -> pd.DataFrame:
    """Smallest and largest value that each hidden cell can have, given all others and the sums.

    Parameters
    ----------
    cells : pandas.DataFrame
        Cells with ``value`` and the dimensions.
    dimensions : sequence of str
        Names of the dimensions.
    hidden : array_like of bool, shape (cells,)
        Cells that are not published.
    asked : sequence of int, optional
        Positions of the hidden cells to judge; all by default.
    nonnegative : bool
        Whether the attacker knows that no cell is below zero.

    Returns
    -------
    pandas.DataFrame
        Index: position; columns ``low``, ``high`` (infinite where nothing bounds it).
    """
    from scipy.sparse import lil_matrix

    concealed = np.flatnonzero(np.asarray(hidden))
    column = {cell: i for i, cell in enumerate(concealed)}
    values = cells["value"].to_numpy(float)
    scale = max(1.0, float(np.abs(values).max(initial=0)))
    rows, right = [], []
    for whole, members in relations(cells, dimensions):
        signed = [(whole, -1.0), *((m, 1.0) for m in members)]
        unknown = [(column[c], sign) for c, sign in signed if c in column]
        if unknown:
            rows.append(unknown)
            right.append(-sum(sign * values[c] for c, sign in signed if c not in column) / scale)
    matrix = lil_matrix((len(rows), len(concealed)))
    for r, entries in enumerate(rows):
        for c, sign in entries:
            matrix[r, c] = sign
    found = {
        int(cell): [
            _end(matrix, right, column[cell], sign, nonnegative) * scale
            if rows
            else _unbounded(sign, nonnegative)
            for sign in (1.0, -1.0)
        ]
        for cell in (concealed if asked is None else asked)
    }
    return pd.DataFrame.from_dict(found, orient="index", columns=["low", "high"])


def _end(matrix: Any, right: list[float], column: int, sign: float, nonnegative: bool) -> float:
    """Smallest (sign 1) or largest (−1) value of a hidden cell that agrees with what is published."""
    from scipy.optimize import linprog

    cost = np.zeros(matrix.shape[1])
    cost[column] = sign
    bounds = (0 if nonnegative else None, None)
    solved: Any = linprog(cost, A_eq=matrix.tocsr(), b_eq=right, bounds=bounds, method="highs")
    if solved.status == 3:
        return _unbounded(sign, False)
    if solved.fun is None:
        raise DisclosureError(
            "the cells do not add up to their totals, or some are below zero (then say nonnegative=False); "
            f"they cannot be protected: {solved.message}"
        )
    return sign * float(solved.fun)


def _unbounded(sign: float, nonnegative: bool) -> float:
    return 0.0 if sign > 0 and nonnegative else -sign * np.inf
