"""Two industries, manufacturing and services, of regions by year: ratios of sums over the enterprises of each.

The level of services is that of the region's services firms, not of the services that its factories sell. Each ratio is
declared in ``data/indicators/systems.csv``. An enterprise enters a ratio with both its parts or not at all, so that a missing
value is not taken for zero. Levels in [0, 1] follow from bounds over all groups and
years; intervals from resampling the enterprises of each group and year.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fusion.classification.kinds import MAKES, SERVES
from fusion.composite import coupling, mistakes
from fusion.indicators.system import FOLDER, IndicatorError
from fusion.language import listed, said

Floats = NDArray[np.float64]
SYSTEMS = (MAKES, SERVES)


@dataclass(frozen=True)
class Levels:
    """Levels of the two systems.

    Attributes
    ----------
    groups : pandas.DataFrame
        The grouping columns, ``makers`` and ``servers`` (firms of each industry), ``firms`` (the fewer of the two); one row a
        group.
    ratios : pandas.DataFrame
        One column a code of ``systems.csv`` that could be computed; missing where fewer than ``min_firms`` report.
    levels : ndarray, shape (groups, 2)
        Of manufacturing and services, in [0, 1].
    draws : ndarray, shape (draws, groups, 2)
        The same with enterprises drawn with replacement.
    lacking : dict of str to str
        Codes that could not be computed: the columns that are not there.
    """

    groups: pd.DataFrame
    ratios: pd.DataFrame
    levels: Floats
    draws: Floats
    lacking: dict[str, str]


def declared() -> pd.DataFrame:
    """The ratios, one row a code."""
    return pd.read_csv(FOLDER / "systems.csv", dtype=str, keep_default_na=False, encoding="utf-8").set_index(
        "code"
    )


def aggregates(
    panel: pd.DataFrame,
    by: Sequence[str],
    *,
    draws: int = 200,
    seed: int = 1,
    min_firms: int = 10,
    min_share: float = 0.6,
) -> Levels:
    """Levels of both systems of each group.

    Parameters
    ----------
    panel : pandas.DataFrame
        One row an enterprise and year, with the grouping columns, those of the contract, and kind (`classification.kinds`):
        whose rows a ratio's sums are over.
    by : sequence of str
        Grouping columns, e.g. ``["district", "year"]``.
    draws : int
        Resamples of the enterprises within each group.
    seed : int
    min_firms : int
        Enterprises that must report a ratio, else it is missing.
    min_share : float
        Share of a system's ratios that a group must have, else its level is missing.

    Raises
    ------
    IndicatorError
        When a grouping column is missing, or a system has no ratio or no enterprise at all.
    """
    absent = [c for c in by if c not in panel]
    if absent:
        raise IndicatorError(said("indicators.no_group", absent=listed(absent)))
    table = declared()
    can = [c for c, r in table.iterrows() if {r["numerator"], r["denominator"]} <= set(panel)]
    for system in SYSTEMS:
        if not (table.loc[can, "system"] == system).any() or not (panel["kind"] == system).any():
            raise IndicatorError(said("indicators.no_ratio", system=system))
    rows = panel.dropna(subset=list(by)).reset_index(drop=True)
    rows = rows.assign(makers=rows["kind"] == MAKES, servers=rows["kind"] == SERVES)
    grouped = rows.groupby(list(by), sort=True)
    groups = grouped.agg(makers=("makers", "sum"), servers=("servers", "sum")).reset_index()
    groups["firms"] = groups[["makers", "servers"]].min(axis=1)
    parts = _parts(rows, table.loc[can])
    places = [np.asarray(index) for index in grouped.indices.values()]
    point = np.array([_ratio(parts[:, place].sum(axis=1), min_firms) for place in places])
    low, high = np.nanmin(point, axis=0), np.nanmax(point, axis=0)
    kinds = table.loc[can, "system"].to_numpy(str)
    falls = (table.loc[can, "direction"] == "-").to_numpy()
    rng = np.random.default_rng(seed)
    drawn = np.stack([_resampled(parts[:, place], draws, rng, min_firms) for place in places], axis=1)
    ratios = pd.DataFrame(point, columns=can)
    lacking = {
        str(c): f"{table.loc[c, 'numerator']}, {table.loc[c, 'denominator']}"
        for c in table.index
        if c not in can
    }
    return Levels(
        groups,
        ratios,
        _levels(point, low, high, falls, kinds, min_share),
        _levels(drawn, low, high, falls, kinds, min_share),
        lacking,
    )


@dataclass(frozen=True)
class Coupled:
    """Coupling coordination of groups: the last year's degrees, what errors do to all, and ratios that are lacking."""

    latest: pd.DataFrame
    wrong: pd.DataFrame
    lacking: list[str]


NO_COUPLING = Coupled(pd.DataFrame(), pd.DataFrame(), [])


def coupled(panel: pd.DataFrame, by: str, form: str, side: str, *, draws: int, seed: int) -> Coupled:
    """Coupling of manufacturing and services by region, where the panel has both; else `NO_COUPLING`.

    Parameters
    ----------
    panel : pandas.DataFrame
        As `aggregates` takes it, with firm_id.
    by : str
        The column of regions.
    form, side : str
        As `coupling.degrees`.
    draws, seed : int
        As `aggregates`.

    Returns
    -------
    Coupled
        ``latest`` sorted by degree, highest first; ``wrong`` as `mistakes.compare`, with units.
    """
    if by not in panel or not set(SYSTEMS) <= set(panel["kind"]):
        return NO_COUPLING
    found = aggregates(panel, [by, "year"], draws=draws, seed=seed)
    told = coupling.degrees(found.levels, found.draws, SYSTEMS, form, side)
    degrees = found.groups.join(told).dropna(subset=["degree"]).astype({"grade": int})
    latest = degrees[degrees["year"] == degrees["year"].max()].sort_values("degree", ascending=False)
    whole = found.levels[~np.isnan(found.levels).any(axis=1)]
    wrong = mistakes.compare(mistakes.coordination(whole)).assign(units=panel["firm_id"].nunique())
    return Coupled(latest, wrong, list(found.lacking))


# -- inside ------------------------------------------------------------------------------------
def _parts(rows: pd.DataFrame, table: pd.DataFrame) -> Floats:
    """Numerator, denominator and 1 of the enterprises of the ratio's industry that report both, shape (3, rows, codes)."""
    top = rows[table["numerator"].tolist()].to_numpy(float)
    bottom = rows[table["denominator"].tolist()].to_numpy(float)
    own = rows["kind"].to_numpy(str)[:, None] == table["system"].to_numpy(str)[None, :]
    both = ~(np.isnan(top) | np.isnan(bottom)) & own
    return np.stack([np.where(both, top, 0), np.where(both, bottom, 0), both.astype(float)])


def _ratio(sums: Floats, min_firms: int) -> Floats:
    """Ratio of sums; ``sums`` has numerator, denominator and count in its first dimension."""
    top, bottom, count = sums
    good = (count >= min_firms) & (bottom > 0)
    return np.divide(top, bottom, out=np.full_like(top, np.nan), where=good)


def _resampled(parts: Floats, draws: int, rng: np.random.Generator, min_firms: int) -> Floats:
    """Ratios of a group's resamples, shape (draws, codes)."""
    n = parts.shape[1]
    weights = rng.multinomial(n, np.full(n, 1 / n), draws).astype(float)
    sums = np.stack([weights @ part for part in parts])
    # Which ratios are told was decided by the sample itself: a resample only says how they vary.
    told = parts[2].sum(axis=0) >= min_firms
    return np.where(told, _ratio(sums, 1), np.nan)


def _levels(
    ratios: Floats,
    low: Floats,
    high: Floats,
    falls: NDArray[np.bool_],
    kinds: NDArray[np.str_],
    min_share: float,
) -> Floats:
    """Means of min–max scores by system, equal weights, shape (..., 2)."""
    span = np.where(high > low, high - low, np.nan)
    z = np.clip((ratios - low) / span, 0, 1)
    z = np.where(falls, 1 - z, z)
    out = []
    for system in SYSTEMS:
        own = z[..., kinds == system]
        share = np.mean(~np.isnan(own), axis=-1)
        total = np.nansum(own, axis=-1) / np.maximum((~np.isnan(own)).sum(axis=-1), 1)
        out.append(np.where(share >= min_share - 1e-9, total, np.nan))
    return np.stack(out, axis=-1)
