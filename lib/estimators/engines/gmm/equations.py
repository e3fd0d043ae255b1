"""The rows of the differenced and the level equations, and the regressors in them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from estimators.engines.gmm.grid import Array, Grid, Term
from estimators.errors import EffectsError
from estimators.language import said


class Equations(NamedTuple):
    """Stacked equations: first the differenced ones by period, then (system) those in levels.

    ``period`` (R,) indexes the grid's periods; ``level`` (R,) says which rows are in levels; ``used`` (N, R)
    which units have the row; ``y`` (N, R) and ``x`` (N, R, K) hold zeros where they do not.
    """

    period: NDArray[np.int64]
    level: NDArray[np.bool_]
    used: NDArray[np.bool_]
    y: Array
    x: Array
    names: list[str]
    time: Array  # (R, number of time effects): the same for all units


def equations(
    grid: Grid, outcome: Term, terms: Sequence[Term], system: bool, time_effects: bool
) -> Equations:
    """Build the equations.

    Raises
    ------
    EffectsError
        When no unit has a row in differences.
    """
    columns = [outcome, *terms]
    change = np.stack([grid.difference(item) for item in columns], axis=2)
    good = np.isfinite(change).all(axis=2)
    blocks: list[Array] = [change]
    used: list[NDArray[np.bool_]] = [np.asarray(good)]
    if system:
        blocks.append(np.stack([grid.level(item) for item in columns], axis=2))
        used.append(np.asarray(np.isfinite(blocks[1]).all(axis=2)))
    kept = [np.flatnonzero(mask.any(axis=0)) for mask in used]
    if not len(kept[0]):
        raise EffectsError(said("engines.gmm.no_equation"))
    values = np.concatenate([b[:, k] for b, k in zip(blocks, kept, strict=True)], axis=1)
    mask = np.concatenate([m[:, k] for m, k in zip(used, kept, strict=True)], axis=1)
    period = np.concatenate(kept)
    level = np.repeat([False, True][: len(kept)], [len(k) for k in kept])
    time, labels = _time(grid, period, level, system, time_effects)
    values = np.where(mask[:, :, None], values, 0.0)
    dummies = mask[:, :, None] * time
    names = [f"L{item.lag}.{item.column}" if item.lag else item.column for item in terms]
    x = np.concatenate([values[:, :, 1:], dummies], axis=2)
    return Equations(period, level, mask, values[:, :, 0], x, names + labels, time)


def _time(
    grid: Grid, period: NDArray[np.int64], level: NDArray[np.bool_], system: bool, wanted: bool
) -> tuple[Array, list[str]]:
    """Effects of periods: level dummies for all but the first, and their differences; a constant in a system."""
    first = int(period.min()) if system else int(period.min()) - 1
    later = np.arange(first + 1, int(period.max()) + 1) if wanted else np.arange(0)
    now = (period[:, None] == later).astype(float)
    before = ((period - 1)[:, None] == later).astype(float)
    time = np.where(level[:, None], now, now - before)
    labels = [f"{grid.periods[t]}" for t in later]
    if system:
        time, labels = np.column_stack([time, level.astype(float)]), [*labels, "constant"]
    kept = _independent(time)
    return time[:, kept], [labels[i] for i in kept]


def _independent(columns: Array) -> list[int]:
    """Columns that are no sum of those before them: where a period is absent for all units, not every effect can be told."""
    kept: list[int] = []
    for place in range(columns.shape[1]):
        if np.linalg.matrix_rank(columns[:, [*kept, place]]) > len(kept):
            kept.append(place)
    return kept
