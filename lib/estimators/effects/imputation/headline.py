"""The one average that a study declares as its answer: which rows it weighs, its interval, and a second implementation.

Everything that speaks of "the effect" (sensitivity, power, magnitude, front page) takes its weights from here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Literal

import numpy as np
import pandas as pd
from scipy import stats

from estimators.effects.dynamics import CohortPanel, fit_all
from estimators.effects.imputation import inference, leads, literal
from estimators.effects.imputation.inference import Tested
from estimators.effects.imputation.model import Estimate, Imputation

Target = Literal["all", "common", "first"]
COLUMNS = [
    "inference",
    "estimate",
    "ci_low",
    "ci_high",
    "p_value",
    "groups",
    "least",
    "std_error",
    "n",
    "units",
]


@dataclass(frozen=True)
class Headline:
    """A declared average.

    Attributes
    ----------
    model : Imputation
        With errors centred as the estimator says.
    target : str
    weights : ndarray, shape (atoms,)
    estimate : Estimate
    """

    model: Imputation
    target: Target
    weights: np.ndarray
    estimate: Estimate

    @property
    def by_event_time(self) -> pd.Series:
        """Weight of each event time in the average."""
        return pd.Series(self.weights).groupby(self.model.atoms["event_time"].to_numpy()).sum()

    @property
    def share(self) -> np.ndarray:
        """Weight of each treated row, shape (treated rows,)."""
        each = self.weights / self.model.atoms["rows"].to_numpy(float)
        return each[self.model.atom]


def declared(model: Imputation, estimator: str, target: Target, common: int) -> Headline:
    """The average that a study names.

    Parameters
    ----------
    model : Imputation
    estimator : {"imputation", "two_stage"}
        The estimates are the same; the errors of two stages compare each effect with the average, not with other clusters'.
    target : {"all", "common", "first"}
        All treated rows alike; the years 0 … `common` with equal weights; the year of the start.
    common : int
        Last event time that every cohort reaches.
    """
    if estimator == "two_stage":
        model = replace(model, centre="overall" if target == "all" else "event_time")
    rows, event = model.atoms["rows"].to_numpy(float), model.atoms["event_time"].to_numpy(int)
    last = {"all": event.max(), "common": common, "first": 0}[target]
    weights = np.where(event <= last, rows, 0.0)
    if target != "all":
        weights = (
            weights / pd.Series(weights).groupby(event).transform("sum").where(event <= last, 1).to_numpy()
        )
    weights = weights / weights.sum()
    return Headline(model, target, weights, model.target(weights))


def answer(
    found: Mapping[Any, Headline], groups: pd.Series | None, size: float, seed: int
) -> tuple[pd.DataFrame, dict[str, str]]:
    """The average with its interval by cluster; by signs of groups, where these are enough; by controls, where few are treated.

    Parameters
    ----------
    found : mapping
        The headline, by any name; empty: nothing could be estimated.
    groups : Series or None
        Group of each row whose units may share shocks, constant within units.

    Returns
    -------
    table : DataFrame
        `COLUMNS`; the interval that is to be quoted is the wider one, and its row stands first.
    refused : dict
        What could not be computed, in words.
    """
    rows: list[list[Any]] = []
    refused: dict[str, str] = {}
    for one in found.values():
        calls: dict[str, Any] = {"unit": partial(_normal, one, size)}
        # Of G groups' signs the least p is 2/2^G: below the size, or the test can never reject.
        if groups is not None and 2.0 ** (1 - _treated_groups(one, groups)) <= size:
            labels = groups.to_numpy(str)
            calls["signs"] = partial(inference.by_signs, one.model, labels, size, seed, one.share)
        e = one.estimate
        if inference.few(e.units):
            calls["controls"] = partial(inference.from_controls, one.model, size, seed=seed, share=one.share)
        tested, reasons = fit_all(calls)
        refused |= reasons
        rows += [
            [
                name,
                t.estimate,
                t.ci_low,
                t.ci_high,
                t.p_value,
                t.groups,
                t.least,
                e.std_error,
                len(one.model.data),
                e.units,
            ]
            for name, t in tested.items()
        ]
    table = pd.DataFrame(rows, columns=COLUMNS)
    width = (table["ci_high"] - table["ci_low"]).astype(float)
    return table.iloc[np.argsort(-width.to_numpy(), kind="stable")].reset_index(drop=True), refused


def beside(found: Mapping[Any, Headline], data: pd.DataFrame, **columns: Any) -> pd.DataFrame:
    """The average and its error by both implementations.

    Parameters
    ----------
    data, columns
        As they were given to `model.fit`.

    Returns
    -------
    DataFrame
        implementation, estimate, other_estimate, difference, std_error, other_std_error, ratio_less_1, units.
    """
    rows = []
    for one in found.values():
        weights = one.model.atoms[["start", "event_time"]].assign(weight=one.weights)
        second, error = literal.effect(
            _identified(one.model, data, columns),
            weights=weights[weights["weight"] > 0],
            centre=one.model.centre,
            **columns,
        )
        own = one.estimate
        rows.append(
            {"implementation": "literal", "estimate": own.estimate, "other_estimate": second}
            | {"difference": abs(own.estimate - second), "std_error": own.std_error, "other_std_error": error}
            | {"ratio_less_1": abs(own.std_error / error - 1), "units": own.units}
        )
    return pd.DataFrame(rows)


def apart(answers: pd.DataFrame) -> bool | None:
    """Whether the interval that is to be quoted leaves zero out; None without an answer."""
    if answers.empty:
        return None
    first = answers.iloc[0]
    return bool(first["ci_low"] > 0 or first["ci_high"] < 0)


def event_weights(found: Mapping[Any, Headline]) -> pd.Series | None:
    """Weight of each event time in the answer; None without one."""
    return next((one.by_event_time for one in found.values()), None)


def changes(
    panel: CohortPanel, cells: Sequence[str], groups: Sequence[str], anticipation: int
) -> dict[str, tuple[pd.DataFrame, dict[str, Any]]]:
    """Variants of the answer: data and options of `model.fit`, by name; those that change nothing are left out."""
    data = panel.data
    named: dict[str, tuple[pd.DataFrame, dict[str, Any]]] = {
        "as_above": (data, {}),
        "one_year_more": (data, {"anticipation": anticipation + 1}),
        "two_years_more": (data, {"anticipation": anticipation + 2}),
    }
    if cells or groups:
        named["other_effects"] = (data, {"cells": () if cells else tuple(groups)})
    if len(panel.slopes):
        named["no_controls"] = (panel.uncontrolled, {"slopes": ()})
    return named


def choices(found: Mapping[str, Headline], size: float, first: int) -> pd.DataFrame:
    """Variants of the answer, one below the other, with leads.

    Returns
    -------
    DataFrame
        choice, estimate, std_error, ci_low, ci_high, n, lead_3, lead_2 (from the year before the start), units (treated).
    """
    rows = []
    for name, one in found.items():
        tested = _normal(one, size)
        based, _ = fit_all({"path": partial(leads.rebased, one.model, first)})
        path = next((p.estimate for p in based.values()), pd.Series(dtype=float))
        rows.append(
            {"choice": name, "estimate": tested.estimate, "std_error": one.estimate.std_error}
            | {"ci_low": tested.ci_low, "ci_high": tested.ci_high, "n": float(len(one.model.data))}
            | {f"lead_{years}": path.get(-years, np.nan) for years in (3, 2)}
            | {"units": one.estimate.units}
        )
    return pd.DataFrame(rows)


# -- inside ------------------------------------------------------------------------------------
def _normal(one: Headline, size: float) -> Tested:
    e = one.estimate
    half = stats.norm.ppf(1 - size / 2) * e.std_error
    p_value = float(2 * stats.norm.sf(abs(e.estimate) / e.std_error)) if e.std_error > 0 else float("nan")
    clusters = len(np.unique(one.model.cluster))
    return Tested(e.estimate, p_value, e.estimate - half, e.estimate + half, clusters, 0.0)


def _treated_groups(one: Headline, groups: pd.Series) -> int:
    return int(groups[one.model.treated][one.share > 0].nunique())


def _identified(model: Imputation, data: pd.DataFrame, columns: Mapping[str, Any]) -> pd.DataFrame:
    """The rows that the average rests on: untreated ones, and treated ones that have a counterfactual."""
    names: Sequence[str] = list(
        dict.fromkeys(
            [columns[n] for n in ("outcome", "unit", "time", "start")]
            + [*columns.get("cells", ()), *columns.get("slopes", ())]
            + ([columns["cluster"]] if columns.get("cluster") else [])
        )
    )
    return data.reset_index(drop=True)[names][model.treated | model.untreated]
