"""Whether firms near a treated one move with it: then they are no controls.

A firm that is never treated is exposed from the year in which the first firm of its cell (say path × district) is
treated. Among the never treated, exposure is itself a treatment with a start year, so that the same estimators
apply to it: an effect of exposure says that untreated neighbours are not untouched.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

from estimators.effects import imputation
from estimators.effects.imputation import Imputation, inference
from estimators.errors import EffectsError
from estimators.language import said


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
) -> Imputation:
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
    return imputation.fit(
        exposure(data, cell),
        outcome="y",
        unit="unit",
        time="year",
        start="exposed",
        cells=groups,
        cluster=cluster,
        anticipation=anticipation,
    )


def listed(found: Mapping[str, Imputation], size: float = 0.05) -> pd.DataFrame:
    """Effects of exposure by what untreated outcomes share in a year.

    Returns
    -------
    DataFrame
        effects, estimate, std_error, ci_low, ci_high, p_value, n, exposed, others (units).
    """
    rows = []
    for name, model in found.items():
        tested, one = inference.normal(model, size), model.overall()
        units = int(model.rows.unit.max()) + 1
        rows.append(
            {"effects": name, "estimate": one.estimate, "std_error": one.std_error}
            | {"ci_low": tested.ci_low, "ci_high": tested.ci_high, "p_value": tested.p_value}
            | {"n": len(model.data), "exposed": one.units, "others": units - one.units}
        )
    return pd.DataFrame(rows)


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
