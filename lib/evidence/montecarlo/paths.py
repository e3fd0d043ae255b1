"""Whether the band of an event study holds its whole path: no lead, and the true effect of every year after the start."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import pandas as pd

from estimators.effects import dynamics
from estimators.effects.imputation import bands, headline, leads
from estimators.effects.staggered import averages

# As notebook 06 draws them.
FIRST, LAST = -5, 6
DRAWS = 20_000  # of the multiplier; its error is below .01
# No path from one base year (two-way), or effects of units seen from the first (switchers): another truth.
WITHOUT = ("twfe", "switchers")


def held(
    fits: Mapping[str, Any], truth: pd.DataFrame, size: float = 0.05, clusters: pd.Series | None = None
) -> pd.DataFrame:
    """Whether each estimator's band, and its intervals of single years, hold all of the true path.

    Parameters
    ----------
    fits : mapping
        Results by name; the answer is a `headline.Headline`.
    truth : DataFrame
        As `averages.given` makes it; its effects by event time are the path, and all leads are zero.
    size : float
    clusters : Series, optional
        Treated ones behind each year, as the notebook counts them (`dynamics.starters`).

    Returns
    -------
    DataFrame
        estimator, band, alone (1: all years held; 0: not), years; estimators without errors of any year are left out.
    """
    told = pd.concat([_answer(fits, size, clusters), _studies(fits, size, clusters)])
    told = told[told["std_error"].gt(0)]
    path = averages.true_path(truth, LAST)
    true = told["event_time"].map(path).where(told["event_time"] >= 0, 0.0)
    told = told.assign(
        band=true.between(told["band_low"], told["band_high"]),
        alone=true.between(told["ci_low"], told["ci_high"]),
    )[true.notna()]
    by = told.groupby("estimator", sort=False)
    found = by.agg(band=("band", "all"), alone=("alone", "all"), years=("event_time", "size"))
    return found.astype({"band": float, "alone": float}).reset_index()


def _answer(fits: Mapping[str, Any], size: float, clusters: pd.Series | None) -> pd.DataFrame:
    """The path that the notebook shows of the answer: leads and effects from the last untreated year."""
    models = {n: h.model for n, h in fits.items() if isinstance(h, headline.Headline)}
    based, _ = dynamics.fit_all({n: partial(leads.rebased, m, FIRST) for n, m in models.items()})
    estimate, covariance, _ = leads.window(based)
    shown = bands.of_path(estimate, covariance, size, DRAWS, clusters=clusters)
    return shown[shown["event_time"] <= LAST].assign(estimator=next(iter(models), ""))


def _studies(fits: Mapping[str, Any], size: float, clusters: pd.Series | None) -> pd.DataFrame:
    others = {
        name: fit
        for name, fit in fits.items()
        if name not in WITHOUT and not isinstance(fit, headline.Headline)
    }
    studies = dynamics.event_studies(others, size, FIRST, LAST)
    return bands.beside(studies, others, size, DRAWS, clusters=clusters)
