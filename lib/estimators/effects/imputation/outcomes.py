"""One imputation for each of several outcomes, with what a joint test over them needs; effects in years of a common shock."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from estimators.effects.heterogeneity import Effects, tabled
from estimators.effects.imputation.model import Imputation, fit
from estimators.effects.imputation.sums import Array
from estimators.errors import EffectsError

FEWEST = 10  # treated units below which an outcome is left out


def on_outcomes(
    rows: pd.DataFrame,
    outcomes: Mapping[str, Sequence[str]],
    start: str | None,
    *,
    cluster: str = "firm_id",
    shocks: Sequence[int] = (),
    size: float = 0.05,
) -> tuple[dict[str, Effects], dict[str, str]]:
    """Average effect on the treated of each outcome, on the rows that have it.

    Parameters
    ----------
    rows : DataFrame
        firm_id, year, `start` (missing: never), `cluster`, outcomes and controls.
    outcomes : mapping of str to sequence of str
        Outcome: its controls, whose slopes are learned from untreated rows.
    start : str or None
        None: nothing is estimated.
    shocks : sequence of int
        Years of common shocks: for each a term of its own, see `through`.

    Returns
    -------
    found : dict of str to Effects
        Outcome: terms ``effect`` and, where treated units were there in both years, the shocks' years.
    refused : dict of str to str
        Outcome: why it could not be estimated.
    """
    found: dict[str, Effects] = {}
    refused: dict[str, str] = {}
    for name, controls in outcomes.items() if start else ():
        used = rows.dropna(subset=[name, *controls])
        keys = {"outcome": name, "unit": "firm_id", "time": "year", "start": start}
        keys["cluster"] = None if cluster == "firm_id" else cluster
        try:
            model = fit(used, **keys, slopes=list(controls))  # type: ignore[arg-type]
        except EffectsError as error:
            refused[name] = str(error)
            continue
        if model.overall().units >= FEWEST:
            terms = {"effect": None} | {str(year): through(model, year) for year in shocks}
            found[name] = _effects(
                model, {k: w for k, w in terms.items() if k == "effect" or w is not None}, cluster, size
            )
    return found, refused


def moved(
    rows: pd.DataFrame,
    controls: Sequence[str],
    start: str | None,
    *,
    cluster: str = "firm_id",
    size: float = 0.05,
) -> pd.DataFrame:
    """What the start does to each control, by imputation: a control that treatment moves holds part of the effect constant.

    Returns
    -------
    DataFrame
        column, estimate, ci_low, ci_high, units, moves (the interval is on one side of zero). No rows where there is no start,
        or no control that enough treated units have.
    """
    columns = ["estimate", "ci_low", "ci_high", "units"]
    found, _ = on_outcomes(rows, {name: [] for name in controls}, start, cluster=cluster, size=size)
    lines = [{"column": name} | one.table.loc["effect", columns].to_dict() for name, one in found.items()]
    table = pd.DataFrame(lines, columns=["column", *columns])
    return table.assign(moves=(table["ci_low"] > 0) | (table["ci_high"] < 0))


def through(model: Imputation, year: int) -> Array | None:
    """Weights of the change of the effect from the year before a shock to its year, over starts before it.

    Returns
    -------
    ndarray, shape (atoms,), or None
        Positive on atoms of the shock's year, by their rows, negative on those of the same starts in the year before;
        None where no start has both.
    """
    atoms = model.atoms.reset_index(drop=True)
    when = atoms["start"] + atoms["event_time"]
    now, before = atoms[when == year].set_index("start"), atoms[when == year - 1].set_index("start")
    both = now.index.intersection(before.index)
    if not len(both):
        return None
    share = now.loc[both, "rows"] / now.loc[both, "rows"].sum()
    weights = np.zeros(len(atoms))
    for at, sign in ((year, 1.0), (year - 1, -1.0)):
        here = (when == at) & atoms["start"].isin(both)
        weights[here] = sign * atoms.loc[here, "start"].map(share)
    return weights


def _effects(model: Imputation, terms: Mapping[str, Array | None], cluster: str, size: float) -> Effects:
    """Estimates with the influence of each cluster, by its label."""
    targets = {name: model.target(weights) for name, weights in terms.items()}
    weights = np.column_stack([one.weights for one in targets.values()])
    influence = model.influence @ weights
    labels = np.unique(model.data[cluster].astype(str))
    covariance = influence.T @ influence
    estimates = np.array([one.estimate for one in targets.values()])
    table = tabled(estimates, covariance, list(targets), len(labels), size)
    table["units"] = [one.units for one in targets.values()]
    framed = pd.DataFrame(influence, index=labels, columns=list(targets))
    return Effects(table, covariance, framed, len(model.data), len(labels))
