"""Leads before the start, and a path from one base year whose joint covariance sensitivity analysis may use.

Effects by imputation are measured from an average of the years before, so that they and leads measured from the last year
before the start are not on one footing. `rebased` brings both to that year.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from scipy import sparse

from estimators.effects.imputation import sums
from estimators.effects.imputation.model import Imputation
from estimators.errors import EffectsError
from estimators.language import said

Array = sums.Array


@dataclass(frozen=True)
class Path:
    """Leads and effects by event time from the last untreated year.

    Attributes
    ----------
    estimate : Series, index event_time
        Without the base year, which is 0 by construction.
    covariance : DataFrame, event_time × event_time
    base : int
    scores : DataFrame, cluster × leads
        What each cluster adds to the leads when there are none: columns add up to the estimates, with residuals of the model
        without leads.
    influence : DataFrame, cluster × event_time
        What each cluster adds to the estimates; the covariance is the sum of its products.
    """

    estimate: pd.Series
    covariance: pd.DataFrame
    base: int
    scores: pd.DataFrame
    influence: pd.DataFrame


def rebased(model: Imputation, first: int = -5) -> Path:
    """Leads δ and effects τ* = τ̂ − Bδ, each measured from the last untreated year.

    Leads are coefficients of 1{event time = e} in untreated rows with the same effects and slopes (Borusyak, Jaravel & Spiess
    2024, section 4.4); B is the weight that untreated rows of starters at each lead have in τ̂. A lead is taken as common to
    starts; those before `first` share one.

    Raises
    ------
    EffectsError
        When the last year before the start cannot be told from earlier ones: no unit that starts is seen in both.
    """
    event = model.data["event_time"].to_numpy(float)[model.untreated]
    starters = np.isfinite(event)
    base = int(np.nanmax(event, initial=-np.inf)) if starters.any() else -1
    binned = np.where(starters, np.maximum(np.nan_to_num(event, nan=first), first - 1), np.nan)
    leads = [int(e) for e in np.unique(binned[starters])]
    if len(leads) < 2 or base not in leads:
        raise EffectsError(said("effects.no_base_lead", base=base))
    dummies = (binned[:, None] == np.array(leads[1:])[None, :]).astype(float)
    gamma, psi_gamma, psi_none = _fitted(model, dummies)
    # From all leads (the earliest is 0) to differences from the base year.
    to_base = np.vstack([np.zeros(len(leads) - 1), np.eye(len(leads) - 1)])
    to_base = to_base - to_base[leads.index(base)]
    weights = model.weights_by("event_time")
    implied = model.implied(sparse.csr_array(model.shares @ weights.to_numpy()))
    share = np.array([implied[binned == lead].sum(axis=0) for lead in leads]).T  # event times × leads
    shown = [lead for lead in leads if lead >= first and lead != base]
    rows = [leads.index(lead) for lead in shown]
    estimate = np.concatenate(
        [to_base[rows] @ gamma, weights.T @ model.atoms["estimate"] - share @ (to_base @ gamma)]
    )
    psi_lead = psi_gamma @ to_base.T
    psi = np.hstack([psi_lead[:, rows], model.influence @ weights.to_numpy() - psi_lead @ share.T])
    times = pd.Index([*shown, *[int(e) for e in weights]], name="event_time")
    scores = pd.DataFrame(psi_none @ to_base[rows].T, columns=pd.Index(shown, name="event_time"))
    covariance = pd.DataFrame(psi.T @ psi, times, times)
    return Path(pd.Series(estimate, times), covariance, base, scores, pd.DataFrame(psi, columns=times))


def window(paths: Mapping[Any, Path]) -> tuple[pd.Series, pd.DataFrame, pd.DataFrame]:
    """Estimates, covariance and scores of a path; empty without one."""
    return next(
        ((p.estimate, p.covariance, p.scores) for p in paths.values()),
        (pd.Series(dtype=float), pd.DataFrame(), pd.DataFrame()),
    )


def _fitted(model: Imputation, dummies: Array) -> tuple[Array, Array, Array]:
    """Coefficients of regressors added to the untreated model; their influence by cluster, with and without them in the model."""
    base = model.rows.take(model.untreated)
    wider = replace(base, x=np.hstack([base.x, dummies]))
    solved = sums.solve(wider, len(model.cluster))
    place = np.arange(solved.inverse.shape[0] - dummies.shape[1], solved.inverse.shape[0])
    if np.abs(solved.null[place]).max(initial=0) > sums.INSIDE:
        raise EffectsError(
            said("effects.no_base_lead", base=int(np.nanmax(model.data["event_time"][model.untreated])))
        )
    columns = solved.inverse[:, place]
    levels, x = solved.parts(wider)
    count = levels.shape[1]
    counted = base.w[:, None] * (levels @ columns[:count] + x @ columns[count:])
    cluster, clusters = model.cluster[base.unit], int(model.cluster.max()) + 1
    influence, scores = (
        sums.by_unit(left[:, None] * counted, cluster, clusters)
        for left in (solved.residual, model.solved.residual)
    )
    return solved.coefficients[place], influence, scores
