"""Columns less fixed effects and controls, for methods that take what is left of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from estimators.engines.exact.correction import Correction
from estimators.engines.exact.correction import parameters as counted
from estimators.engines.exact.formula import effect
from estimators.engines.exact.project import (
    Projection,
    compact,
    complete,
    levels_and_nested,
    load,
    not_single,
    number,
)
from estimators.errors import EffectsError
from estimators.finite import refuse_infinite
from estimators.language import said


class Partial(NamedTuple):
    """Residuals, the clusters of their rows, K of what was taken out (controls and effects not nested), singletons."""

    residuals: pd.DataFrame
    clusters: pd.Series
    parameters: int
    dropped: int


def partial_out(
    rows: pd.DataFrame,
    columns: Sequence[str],
    controls: Sequence[str],
    effects: Sequence[str],
    cluster: str,
    drop_singletons: bool = True,
) -> Partial:
    """Residuals of columns on effects and controls (Frisch, Waugh and Lovell), over complete rows.

    Parameters
    ----------
    rows : DataFrame
    columns, controls : sequence of str
        Numeric columns.
    effects : sequence of str
        ``a*b`` is an effect of each pair of levels.
    cluster : str
        Column.
    drop_singletons : bool
        Leave out rows that are alone in a level of an effect.

    Returns
    -------
    Partial
        ``residuals`` and ``clusters`` keep the index of the rows used. ``parameters`` counts as the project states it:
        controls + Σ_s L_s − (S − 1), less L_s − 1 for each effect nested in the clusters.

    Raises
    ------
    EffectsError
        When a column is missing or no row is left.
    """
    names = list(dict.fromkeys([*columns, *controls]))
    keys = [part for name in (*effects, cluster) for part in effect(name).parts]
    frame = load(rows, names, keys)
    refuse_infinite(frame, names)
    used = complete(frame, list(frame.columns))
    codes = [number(frame[used], effect(name)) for name in effects]
    alive = not_single(codes) if drop_singletons else np.ones(int(used.sum()), bool)
    if not alive.any():
        raise EffectsError(said("engines.effects_alone", effects=" + ".join(effects)))
    part, codes = frame[used][alive], [compact(c[alive]) for c in codes]
    left = Projection(codes).residuals(part[names].to_numpy(float))
    values = pd.DataFrame(left, index=rows.index[used][alive], columns=names)
    if controls:
        x = values[list(controls)].to_numpy()
        values = values - x @ np.linalg.lstsq(x, values.to_numpy(), rcond=None)[0]
    levels, inside = levels_and_nested(list(effects), codes, number(part, effect(cluster)))
    count = counted(len(controls), levels, 0, inside, Correction())
    return Partial(values[list(columns)], rows.loc[values.index, cluster], count, int((~alive).sum()))
