"""Single items in a wrong unit."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fusion.editing import chains
from fusion.editing.blocks import Block, Returns, items, parts, spread
from fusion.editing.forms import Forms
from fusion.editing.settings import Floats, Settings, States, moments

_KEPT, _BROKEN = 0.97, 0.03
_ODD_CHANGE, _ODD_LEVEL = 0.5, 0.7
_LEAST_SIGMA, _LEAST_LEVEL = 0.05, 0.2
_MOST_RARE = 0.5  # profits, being differences, move by any factor
_FOR_CONSTANTS = 60_000  # rows from which the items' constants are taken
_TOLERANCE = 0.1  # 万元, of the contract's rules between items
COLUMNS = ["position", "item", "slip", "factor", "shrink", "shrink2", "value", "sigma"]


@dataclass(frozen=True)
class Odd:
    """Series of one item of one length in which something is odd."""

    item: int
    position: NDArray[np.intp]
    value: Floats
    series: chains.Series


@dataclass(frozen=True)
class Constants:
    """Of each item: scale of changes, share of rare ones, middle and scale of levels."""

    sigma: Floats
    rare: list[float]
    middle: Floats
    level: Floats


def judge(returns: Returns, forms: Forms, settings: Settings) -> tuple[pd.DataFrame, States]:
    """Probabilities of slips for the items of odd series.

    Parameters
    ----------
    returns : Returns
        The panel.
    forms : Forms
        What was said of whole forms; its named slips are taken out first.

    Returns
    -------
    cells : pandas.DataFrame
        ``position`` (of the row in the order of the blocks), ``item``, ``slip``, ``factor``, ``shrink``, ``shrink2``,
        ``value``, ``sigma``; cells of series without anything odd are not there.
    states : States
    """
    known = _constants(returns, forms, settings)
    odd: list[Odd] = []
    calm = 0.0
    states = States.start(settings.start_cell, settings.start_cell)
    for block, rows in _walk(returns):
        odd += _odd(block, rows, returns.columns, forms, known, states, settings)
        calm += np.isfinite(block.log).sum()
    calm -= sum(found.position.size for found in odd)
    return _judged(odd, returns.columns, known, states, settings, calm * (1.0 - settings.stays))


def _judged(
    odd: list[Odd], columns: list[str], known: Constants, states: States, settings: Settings, calm: float
) -> tuple[pd.DataFrame, States]:
    """The chains of all odd series, each by its item's laws, with states' shares that all items have in common."""
    steps = [chains.Steps(e, settings.spread_cell) for e in known.rare]
    levels = [chains.Level(sigma, heavy=0.1, spread=1.0) for sigma in known.level]
    groups = [(found.series, steps[found.item], levels[found.item]) for found in odd]
    states = chains.fitted(groups, states, settings, calm)
    frames = [pd.DataFrame({c: pd.Series(dtype=object if c == "item" else float) for c in COLUMNS})]
    for found, (series, step, level) in zip(odd, groups, strict=True):
        probability, _ = chains.posterior(series, states, step, level, settings.stays)
        frames.append(_told(found, probability, states, columns, known))
    return pd.concat(frames[1:] or frames, ignore_index=True), states


def _told(
    found: Odd, probability: Floats, states: States, columns: list[str], known: Constants
) -> pd.DataFrame:
    """A line for each cell of odd series."""
    slips = states.values[states.slips]
    told = probability[..., states.slips]
    shrink, shrink2 = moments(probability, states)
    line = {
        "position": found.position,
        "slip": told.sum(-1),
        "factor": slips[told.argmax(-1)],
        "shrink": shrink,
        "shrink2": shrink2,
        "value": found.value,
    }
    frame = pd.DataFrame({name: values.ravel() for name, values in line.items()})
    return frame.assign(item=columns[found.item], sigma=known.sigma[found.item])[COLUMNS]


def _walk(returns: Returns) -> Iterator[tuple[Block, slice]]:
    """Blocks, with their rows' places among all."""
    start = 0
    for block in returns.blocks():
        yield block, slice(start, start + len(block.number))
        start += len(block.number)


def _cleaned(block: Block, rows: slice, forms: Forms, settings: Settings) -> tuple[Floats, Floats]:
    """Items without the named slips of their form and the unit's common course, and those slips."""
    slip = np.where(forms.slip[rows] > settings.named, forms.factor[rows], 0.0)
    step = np.nan_to_num(forms.change[rows]) - np.nan_to_num(block.change(slip))
    total = np.cumsum(np.where(block.first, 0.0, step))
    start = np.maximum.accumulate(np.where(block.first, np.arange(len(total)), 0))
    return block.log - slip[:, None] - (total - total[start])[:, None], slip


def _chains(values: Floats, block: Block) -> tuple[NDArray[np.intp], Floats]:
    """Rows of an item that hold something, and its changes among them."""
    there = np.flatnonzero(~np.isnan(values))
    change = np.diff(values[there], prepend=np.nan)
    number = block.number[there]
    change[np.r_[True, number[1:] != number[:-1]] if len(there) else slice(0)] = np.nan
    return there, change


def _constants(returns: Returns, forms: Forms, settings: Settings) -> Constants:
    """Scales of the items, from as many blocks as give enough rows."""
    changes: list[list[Floats]] = [[] for _ in returns.columns]
    levels: list[list[Floats]] = [[] for _ in returns.columns]
    rows_seen = 0
    for block, rows in _walk(returns):
        clean, slip = _cleaned(block, rows, forms, settings)
        against = block.per_head - forms.p[rows][:, None]
        for j in range(len(returns.columns)):
            changes[j].append(_chains(clean[:, j], block)[1])
            levels[j].append(against[:, j])
        rows_seen += len(slip)
        if rows_seen >= _FOR_CONSTANTS:
            break
    joined = [np.concatenate(c) if c else np.empty(0) for c in changes]
    heights = [np.concatenate(x) if x else np.empty(0) for x in levels]
    sigma = np.array([max(_LEAST_SIGMA, spread(c)) for c in joined])
    middle = np.array([np.nanmedian(h) if np.isfinite(h).any() else 0.0 for h in heights])
    rare = [chains.rare(c, s, settings.spread_cell, _MOST_RARE) for c, s in zip(joined, sigma, strict=True)]
    return Constants(sigma, rare, middle, np.array([max(_LEAST_LEVEL, spread(h)) for h in heights]))


def _odd(
    block: Block,
    rows: slice,
    columns: list[str],
    forms: Forms,
    known: Constants,
    states: States,
    settings: Settings,
) -> Iterator[Odd]:
    """Series in which an item moves, or stands, unlike the unit's other items."""
    clean, slip = _cleaned(block, rows, forms, settings)
    against = block.per_head - forms.p[rows][:, None] - known.middle
    pairs = [(columns.index(a), columns.index(b)) for a, b in parts(columns)]
    for j in (j for j, column in enumerate(columns) if not items()[column].difference):
        there, change = _chains(clean[:, j], block)
        level = against[there, j]
        odd = np.abs(np.nan_to_num(change)) > _ODD_CHANGE
        odd |= np.abs(np.nan_to_num(level)) > max(_ODD_LEVEL, 2.5 * known.level[j])
        if not odd.any():
            continue
        favour = _favour(block.log - slip[:, None], there, j, pairs, states)
        for i in chains.by_length(block.number[there], odd):
            sigma = np.full(i.shape, known.sigma[j])
            own = None if favour is None else favour[i]
            series = chains.Series(change[i], sigma, level[i], favour=own)
            yield Odd(j, rows.start + there[i], block.value[there[i], j], series)


def _favour(
    log: Floats, there: NDArray[np.intp], j: int, pairs: list[tuple[int, int]], states: States
) -> Floats | None:
    """Factors of the states of item j by the rules part ≤ whole: kept or broken if the state is true."""
    out = None
    with np.errstate(over="ignore", invalid="ignore"):
        mine = 10.0 ** (log[there, j][:, None] - states.values)
        for part, whole in pairs:
            if j not in (part, whole):
                continue
            other = 10.0 ** log[there, whole if j == part else part][:, None]
            small, large = (mine, other) if j == part else (other, mine)
            told = np.where(small <= large * 1.0001 + _TOLERANCE, _KEPT, _BROKEN)
            told = np.where(np.isnan(other), 1.0, told)
            out = told if out is None else out * told
    return out
