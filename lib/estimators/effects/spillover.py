"""Whether firms near a treated one move with it: then they are no controls.

A firm that is never treated is exposed from the year in which the first firm of its cell (say path × district) is
treated. Among the never treated, exposure is itself a treatment with a start year, so that the same estimators
apply to it: an effect of exposure says that untreated neighbours are not untouched.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import pandas as pd

from estimators.effects import imputation
from estimators.effects.imputation import Imputation, headline, tables
from estimators.errors import EffectsError
from estimators.language import said


class Felt(NamedTuple):
    """A model of exposure and the rows that it was fitted on."""

    model: Imputation
    rows: pd.DataFrame


def exposure(data: pd.DataFrame, cell: Sequence[str]) -> pd.DataFrame:
    """Never-treated firms with the year since when a firm of their cell has been treated.

    Parameters
    ----------
    data : DataFrame
        Columns unit, year, start (0: never) and those of `cell`; a unit's cell is that of its first row.
    cell : sequence of str
        Columns that make a neighbourhood.

    Returns
    -------
    DataFrame
        Rows of never-treated units with a cell, with ``exposed`` (first year, 0: never). Units exposed in all of
        their rows are left out: they have no year without exposure.

    Raises
    ------
    EffectsError
        Without a column of cells, or when no unit is exposed.
    """
    if not cell:
        raise EffectsError(said("effects.no_neighbours"))
    units = data.drop_duplicates("unit").dropna(subset=list(cell))
    keys = [units[name].astype("string") for name in cell]
    first = units["start"].where(units["start"] > 0).groupby(keys).transform("min").fillna(0).astype(int)
    since = pd.Series(first.to_numpy(), index=units["unit"])
    rows = data[(data["start"] == 0) & data["unit"].isin(since.index)]
    rows = rows.assign(exposed=rows["unit"].map(since).astype(int))
    seen = rows.groupby("unit")["year"].transform("min")
    rows = rows[(rows["exposed"] == 0) | (seen < rows["exposed"])].reset_index(drop=True)
    reached = (rows["exposed"] > 0) & (rows["exposed"] <= rows["year"])
    if not reached.any():
        raise EffectsError(said("effects.no_exposed", cell=said("effects.and").join(cell)))
    return rows


def felt(
    data: pd.DataFrame,
    cell: Sequence[str],
    groups: Sequence[str] = (),
    cluster: str | None = None,
    anticipation: int = 0,
) -> Felt:
    """What exposure does to firms never treated, by imputation.

    Parameters
    ----------
    data, cell
        As in `exposure`; also y.
    groups : sequence of str
        Columns whose values have effects of their own in each year: shocks that neighbours share are no spillover.
    cluster : str, optional
    anticipation : int
    """
    rows = exposure(data, cell).reset_index(drop=True)
    model = imputation.fit(
        rows,
        outcome="y",
        unit="unit",
        time="year",
        start="exposed",
        cells=groups,
        cluster=cluster,
        anticipation=anticipation,
    )
    return Felt(model, rows)


def listed(
    found: Mapping[str, Felt], group: str | None = None, size: float = 0.05, seed: int = 1
) -> pd.DataFrame:
    """Effects of exposure by what untreated outcomes share in a year, each with the wider of two intervals.

    Parameters
    ----------
    found : mapping
        `felt` by name.
    group : str, optional
        Column of groups whose firms may share shocks: intervals by signs of groups stand against those by cluster.
    size, seed : float, int

    Returns
    -------
    DataFrame
        effects, inference (unit, signs), estimate, std_error, ci_low, ci_high, p_value, n, exposed, others (units).
    """
    rows = []
    for name, (model, data) in found.items():
        one = headline.declared(model, "imputation", "all", 0)
        labels = tables.first_seen(data, group)
        table, _ = headline.answer({name: one}, labels, size, seed)
        units = int(model.rows.unit.max()) + 1
        counts = {"effects": name, "exposed": one.estimate.units, "others": units - one.estimate.units}
        rows.append(table.iloc[[0]].drop(columns=["groups", "least", "units"]).assign(**counts))
    return pd.concat(rows, ignore_index=True) if rows else pd.DataFrame()


def far_controls(data: pd.DataFrame, cell: Sequence[str]) -> pd.DataFrame:
    """The panel with only those controls that no treated firm ever shares a cell with; without cells, all of it.

    Treated units stay as they are. Comparing with far controls alone takes out what neighbours feel, at the price of
    fewer controls that may differ in more than distance.
    """
    if data.empty or not cell:
        return data
    units = data.drop_duplicates("unit")
    keys = [units[name].astype("string").fillna("") for name in cell]
    near = (units["start"] > 0).groupby(keys).transform("any") & (units["start"] == 0)
    return data[~data["unit"].isin(units.loc[near, "unit"])].reset_index(drop=True)
