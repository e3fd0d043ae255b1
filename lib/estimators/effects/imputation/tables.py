"""What the notebooks show of imputation: in the columns of packages, beside a package, and under shocks shared by groups."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from estimators.effects.dynamics import fit_all
from estimators.effects.imputation import inference, leads
from estimators.effects.imputation.model import Estimate, Imputation, two_stage
from estimators.errors import EffectsError

SHOCKS = ["effects", "inference", "estimate", "ci_low", "ci_high", "p_value", "groups", "least", "n", "units"]


@dataclass(frozen=True)
class Summary:
    """An average effect and a path with its covariance, under the names by which packages keep them."""

    overall_att: float
    overall_se: float
    event_study: pd.DataFrame
    n_obs: int
    n_treated_units: int
    event_study_vcov: np.ndarray
    event_study_vcov_index: list[int]


def imputed(model: Imputation, first: int = -5) -> Summary:
    """Overall effect, effects by event time, and leads measured from the last untreated year where they can be."""
    study = model.event_study(draws=1)[["event_time", "estimate", "std_error", "rows"]]  # no band is read
    weights = model.weights_by("event_time")
    influence = pd.DataFrame(model.influence @ weights.to_numpy(), columns=list(weights))
    try:
        path = leads.rebased(model, first)
    except EffectsError:
        before = study.iloc[:0]
    else:
        estimate = path.estimate[path.estimate.index < path.base]
        influence = path.influence[list(estimate.index)].join(influence)
        error = np.sqrt(np.diag(path.covariance))[: len(estimate)]
        before = pd.DataFrame(
            {"event_time": estimate.index, "estimate": estimate.to_numpy(), "std_error": error}
        )
        before.loc[len(before)] = [path.base, 0.0, np.nan]
    return _summary(model, model.overall(), pd.concat([before, study], ignore_index=True), influence)


def in_two_stages(model: Imputation) -> Summary:
    """The same estimates with Gardner's errors, without leads."""
    found = two_stage(model)
    listed = [(k, one.estimate, one.std_error, one.rows) for k, one in found.items() if k != "overall"]
    study = pd.DataFrame(listed, columns=["event_time", "estimate", "std_error", "rows"])
    weights = model.weights_by("event_time")
    influence = replace(model, centre="event_time").influence @ weights.to_numpy()
    return _summary(model, found["overall"], study, pd.DataFrame(influence, columns=list(weights)))


def _summary(model: Imputation, overall: Estimate, study: pd.DataFrame, influence: pd.DataFrame) -> Summary:
    named = {"estimate": "effect", "std_error": "se", "rows": "n"}
    covariance = influence.to_numpy().T @ influence.to_numpy()
    return Summary(
        overall.estimate,
        overall.std_error,
        study.rename(columns=named),
        len(model.data),
        overall.units,
        covariance,
        [int(time) for time in influence.columns],
    )


def beside(models: Mapping[str, Imputation], packages: Mapping[str, Any]) -> pd.DataFrame:
    """Estimates and errors of diff-diff's imputation beside ours with the same errors (cohort means).

    Returns
    -------
    DataFrame
        implementation, event_time (missing: overall), estimate, other_estimate, difference, std_error, other_std_error,
        ratio_less_1, units. Empty where either is missing.
    """
    columns = [
        "event_time",
        "estimate",
        "other_estimate",
        "difference",
        "std_error",
        "other_std_error",
        "ratio_less_1",
    ]
    if not models or not packages:
        return pd.DataFrame(columns=["implementation", *columns, "units"])
    (model,), (package,) = models.values(), packages.values()
    overall = model.overall()
    rows = [(np.nan, overall.estimate, package.overall_att, overall.std_error, package.overall_se)]
    study = model.event_study().set_index("event_time")
    for when, one in sorted((package.event_study_effects or {}).items()):
        if when in study.index and np.isfinite(one["se"]):
            ours = study.loc[when]
            rows.append((when, ours["estimate"], one["effect"], ours["std_error"], one["se"]))
    table = pd.DataFrame(rows, columns=[columns[i] for i in (0, 1, 2, 4, 5)])
    table["difference"] = (table["estimate"] - table["other_estimate"]).abs()
    table["ratio_less_1"] = (table["std_error"] / table["other_std_error"] - 1).abs()
    return table[columns].assign(implementation="diff_diff", units=overall.units)


def first_seen(data: pd.DataFrame, column: str | None) -> pd.Series | None:
    """The column's value in each unit's first row, for all its rows (column ``unit``); None where there is no such column."""
    if column is None or column not in data:
        return None
    return data.groupby("unit")[column].transform("first").astype("string").fillna("")


def cells(columns: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Models of untreated outcomes by name: effects of years, and of years within groups where there are groups."""
    named: dict[str, tuple[str, ...]] = {"year": (), "group_year": tuple(columns)}
    return {name: own for name, own in named.items() if own or name == "year"}


def among_deals(tests: Mapping[Any, tuple[inference.Tested, Any]], units: int) -> pd.DataFrame:
    """A permutation test as one line: estimate, mean, sd, upper (97.5 per cent quantile) of the deals' ratios to their errors.

    Returns
    -------
    DataFrame
        estimate, ratio (of the estimate to its error), mean, sd, upper, deals, p_value, units; empty without a test.
    """
    rows = [
        (
            t.estimate,
            ratio,
            np.mean(drawn),
            np.std(drawn, ddof=1),
            np.quantile(drawn, 0.975),
            t.groups,
            t.p_value,
            units,
        )
        for t, (ratio, drawn) in tests.values()
    ]
    return pd.DataFrame(
        rows, columns=["estimate", "ratio", "mean", "sd", "upper", "deals", "p_value", "units"]
    )


def widest(shocks: pd.DataFrame) -> pd.Series:
    """Ends of the widest interval of `under_shocks`: ci_low, ci_high; missing where there is none."""
    width = (shocks["ci_high"] - shocks["ci_low"]).astype(float)
    return shocks.assign(width=width).nlargest(1, "width")[["ci_low", "ci_high"]].max()


def under_shocks(
    models: Mapping[str, Imputation],
    groups: pd.Series | None,
    deals: Mapping[Any, inference.Tested],
    size: float,
    seed: int,
) -> tuple[pd.DataFrame, dict[str, str]]:
    """One average effect under several models of untreated outcomes, each with errors that hold in different worlds.

    Parameters
    ----------
    models : mapping
        By the effects that they have, fitted on the same rows.
    groups : Series or None
        Group of each row whose units may share shocks, constant within units.
    deals : mapping
        Permutation tests by the name of the model that they belong to.
    size : float
    seed : int

    Returns
    -------
    table : DataFrame
        effects, inference (unit, signs, group_means, controls, deals), estimate, ci_low, ci_high, p_value, groups, least (the
        smallest p-value that can be had), n, units.
    refused : dict
        What could not be computed, in words.
    """
    rows: list[list[Any]] = []
    refused: dict[str, str] = {}
    for name, model in models.items():
        found, reasons = fit_all(_calls(model, groups, size, seed))
        found |= {"deals": deals[name]} if name in deals else {}
        refused |= reasons
        units = model.overall().units
        for kind, tested in found.items():
            rows.append([name, kind, *_numbers(tested), len(model.data), units])
    return pd.DataFrame(rows, columns=SHOCKS), refused


def _numbers(tested: inference.Tested) -> list[float]:
    bounds = [b if np.isfinite(b) else np.nan for b in (tested.ci_low, tested.ci_high)]
    return [tested.estimate, *bounds, tested.p_value, tested.groups, tested.least]


def _calls(model: Imputation, groups: pd.Series | None, size: float, seed: int) -> dict[str, Any]:
    calls: dict[str, Any] = {"unit": lambda: inference.normal(model, size)}
    if groups is not None:
        labels = groups.to_numpy(str)
        calls["signs"] = lambda: inference.by_signs(model, labels, size, seed)
        calls["group_means"] = lambda: inference.by_group_means(model, labels, size)
    if inference.few(model.overall().units):
        calls["controls"] = lambda: inference.from_controls(model, size, seed=seed)
    return calls
