"""Few large units as pilots (a district, a park): synthetic difference in differences and what placebo units would show.

The estimate is diff-diff's (Arkhangelsky, Athey, Hirshberg, Imbens & Wager 2021, American Economic Review 111); its own error
is normal, which one treated unit does not bear. Here each unit that is never treated takes the treated one's place in turn.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from estimators.errors import EffectsError
from estimators.finite import refuse_infinite
from estimators.language import said

FEWEST = 4  # years before the start, and units never treated


def synthetic(
    panel: pd.DataFrame, outcome: str, unit: str, time: str, start: str, draws: int = 999, seed: int = 1
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Effect of a start that few large units share, by start year, with its place among placebos.

    Parameters
    ----------
    panel : DataFrame
        One row a unit and year; `start` the year (missing or 0: never), constant within units. Units with a gap are left out.
    draws : int
        Sets of placebo units; with fewer possible sets all are tried.

    Returns
    -------
    effects : DataFrame
        start, estimate, p_value (1 + placebos as large)/(1 + placebos), least (p that can be had), placebos, units, controls,
        pre (years before), post.
    weights : DataFrame
        start, unit, weight: what stands for the treated.

    Raises
    ------
    EffectsError
        Without a treated unit that has four years before its start and four units never treated.
    """
    refuse_infinite(panel, [outcome])
    wide = panel.pivot(index=unit, columns=time, values=outcome).astype(float)
    wide = wide[wide.notna().all(axis=1)]
    begins = panel.drop_duplicates(unit).set_index(unit)[start].reindex(wide.index).fillna(0).astype(int)
    years = [int(t) for t in wide.columns]
    rng = np.random.default_rng(seed)
    never = list(begins.index[begins == 0])
    effects, weights = [], []
    for first in sorted(set(begins[begins > 0])):
        own = list(begins.index[begins == first])
        before = sum(t < first for t in years)
        if before < FEWEST or before == len(years) or len(never) < max(FEWEST, len(own) + 1):
            continue
        estimate, held = _estimate(wide, own, never, first)
        placebos = [
            _estimate(wide, chosen, [u for u in never if u not in chosen], first)[0]
            for chosen in _sets(never, len(own), draws, rng)
        ]
        as_large = int((np.abs(placebos) >= abs(estimate) * (1 - 1e-12)).sum())
        row = {"start": first, "estimate": estimate, "p_value": (1 + as_large) / (1 + len(placebos))}
        row |= {"least": 1 / (1 + len(placebos)), "placebos": len(placebos), "units": len(own)}
        effects.append(row | {"controls": len(never), "pre": before, "post": len(years) - before})
        weights.append(pd.DataFrame({"start": first, "unit": list(held), "weight": list(held.values())}))
    if not effects:
        raise EffectsError(said("designs.no_synthetic", fewest=FEWEST))
    return pd.DataFrame(effects), pd.concat(weights, ignore_index=True)


def means(rows: pd.DataFrame, unit: str | None, outcome: str, starts: Mapping[str, int]) -> pd.DataFrame:
    """Means of large units by year, as `synthetic` takes them: the unit, year, y, start (0: never); none without the column."""
    if unit not in rows:
        return pd.DataFrame()
    found = rows.groupby([unit, "year"])[outcome].mean().reset_index(name="y")
    return found.assign(start=found[unit].astype(str).map(starts).fillna(0).astype(int))


def _estimate(
    wide: pd.DataFrame, own: Sequence[object], never: Sequence[object], first: int
) -> tuple[float, dict[object, float]]:
    import diff_diff as dd

    used = wide.loc[[*own, *never]]
    long = used.rename_axis(index="unit", columns="time").stack().rename("y").reset_index()
    long["treated"] = long["unit"].isin(own).astype(int)
    after = sorted({int(t) for t in long["time"] if t >= first})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = dd.SyntheticDiD(variance_method="jackknife", n_bootstrap=2, seed=1).fit(
            long, outcome="y", treatment="treated", unit="unit", time="time", post_periods=after
        )
    return float(found.att), dict(found.unit_weights)


def _sets(never: list[object], size: int, draws: int, rng: np.random.Generator) -> list[tuple[object, ...]]:
    """Sets of placebo units: each one in turn, or distinct draws of as many as are treated."""
    if size == 1:
        chosen = range(len(never)) if len(never) <= draws else rng.choice(len(never), draws, replace=False)
        return [(never[int(i)],) for i in chosen]
    drawn = {tuple(sorted(rng.choice(len(never), size, replace=False))) for _ in range(draws)}
    return [tuple(never[int(i)] for i in one) for one in sorted(drawn)]
