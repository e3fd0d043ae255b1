"""Complementary suppression: hide more cells until no primary one can be had by subtraction."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from workbook.publish.disclosure.attack import intervals, relations
from workbook.publish.disclosure.rules import DisclosureError, Rules


def protect(
    cells: pd.DataFrame,
    dimensions: Sequence[str],
    rules: Rules,
    *,
    counts: bool = False,
    nonnegative: bool = True,
) -> pd.DataFrame:
    """Mark which cells may be published.

    A cell that a primary rule forbids is hidden; then, while an attacker who adds and subtracts what is left could
    place one of these too closely, the cheapest cell in a sum with it is hidden too (greedy, audited by linear
    programming after each step; Fischetti & Salazar-González 2001 state the exact problem).

    Parameters
    ----------
    cells : pandas.DataFrame
        As ``tabulate`` gives them.
    dimensions : sequence of str
        Names of the dimensions.
    rules : Rules
        Primary rules; ``p_percent`` is also how close a hidden amount may be placed, on either side.
    counts : bool
        Whether the values count units: a hidden count must then remain possible at ``min_units`` or more.
    nonnegative : bool
        Whether the attacker knows that no amount is below zero.

    Returns
    -------
    pandas.DataFrame
        The cells with ``status``: ``published``, ``primary`` or ``secondary``.

    Raises
    ------
    DisclosureError
        If hiding every cell does not protect one: then the table must not be published.
    """
    primary = (cells["reason"] != "").to_numpy()
    hidden = primary.copy()
    sums = relations(cells, dimensions)
    asked = np.flatnonzero(primary)
    while len(asked):
        exposed = _exposed(cells, dimensions, hidden, asked, rules, counts, nonnegative)
        if not exposed:
            break
        hidden[_cheapest(cells, sums, hidden, exposed[0])] = True
    out = cells.copy()
    out["status"] = np.where(primary, "primary", np.where(hidden, "secondary", "published"))
    return out


def _exposed(
    cells: pd.DataFrame,
    dimensions: Sequence[str],
    hidden: np.ndarray,
    asked: np.ndarray,
    rules: Rules,
    counts: bool,
    nonnegative: bool,
) -> list[int]:
    """Primary cells that an attacker can place too closely."""
    known = intervals(cells, dimensions, hidden, [int(i) for i in asked], nonnegative)
    value = cells["value"].to_numpy(float)[known.index]
    low, high = known["low"].to_numpy(), known["high"].to_numpy()
    if counts:
        # He must neither know the count nor that it is below the threshold.
        bad = (high < rules.min_units) | (high - low < 1)
    else:
        slack = rules.p_percent / 100 * np.abs(value)
        # Solvers' tolerance, not substance.
        grain = 1e-7 * max(1.0, float(np.abs(cells["value"]).max()))
        bad = (high < value + slack - grain) | (low > value - slack + grain) | (high - low <= grain)
    return [int(i) for i in known.index[bad]]


def _cheapest(
    cells: pd.DataFrame, sums: list[tuple[int, list[int]]], hidden: np.ndarray, exposed: int
) -> int:
    """The cell whose loss costs least among those that stand in a sum with hidden ones.

    Sums of the exposed cell come first, then those of any hidden cell; zeros last, for they hide nothing.
    """
    linked = [[w, *m] for w, m in sums if exposed in (w, *m)]
    others = [[w, *m] for w, m in sums if any(hidden[c] for c in (w, *m))]
    value = cells["value"].abs().to_numpy()
    for groups in (linked, others):
        free = {c for group in groups for c in group if not hidden[c]}
        useful = {c for c in free if value[c] > 0} or free
        if useful:
            return min(useful, key=lambda c: (value[c], c))
    raise DisclosureError(
        "a cell stays exposed although every cell linked to it is hidden; do not publish this table, or merge levels"
    )
