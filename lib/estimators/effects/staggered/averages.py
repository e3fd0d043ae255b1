"""Average effects of estimators for staggered adoption: one line each, with the target that it is an estimate of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import NormalDist
from typing import Any

import pandas as pd

from estimators.effects.dynamics import untreated_slopes

COLUMNS = ["estimator", "estimate", "std_error", "ci_low", "ci_high", "n", "target"]
# Which average an estimator gives where it is not that over all treated years: equal weights on the years that all
# cohorts reach (of units seen in every year), all years of units seen from the first, or weights by variance.
TARGETS = {"stacked": "stayers", "local_projections": "common", "switchers": "early", "twfe": "variance"}
LAST = ("local_projections", "twfe")


def table(
    fits: Mapping[str, Any],
    data: pd.DataFrame,
    early: pd.DataFrame,
    size: float = 0.05,
    stayers: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Average effects of several estimators.

    Parameters
    ----------
    fits : mapping
        Results by name; those of `LAST` stand last.
    data, early, stayers : DataFrame
        Rows that they were fitted on (unit); switchers are fitted on `early`, stacks on `stayers` (None: on `data`, too).
    size : float
        Intervals are estimate ± z(1 − size/2) standard errors for all, so that widths compare.

    Returns
    -------
    DataFrame
        estimator, estimate, std_error, ci_low, ci_high, n (rows), target, units.
    """
    others = {"switchers": early} | ({} if stayers is None else {"stacked": stayers})
    rows = []
    for name in sorted(fits, key=lambda name: LAST.index(name) + 1 if name in LAST else 0):
        sample = others.get(name, data)
        counts = {"n": float(len(sample)), "units": sample["unit"].nunique()}
        rows.append(line(name, *average(fits[name]), size) | counts | {"target": TARGETS.get(name, "all")})
    return pd.DataFrame(rows, columns=[*COLUMNS, "units"])


def line(name: str, estimate: float, std_error: float, size: float = 0.05) -> dict[str, Any]:
    """An estimate with its normal interval."""
    half = NormalDist().inv_cdf(1 - size / 2) * std_error
    return {
        "estimator": name,
        "estimate": float(estimate),
        "std_error": float(std_error),
        "ci_low": float(estimate - half),
        "ci_high": float(estimate + half),
    }


def average(result: Any) -> tuple[float, float]:
    """The average effect and its standard error, wherever a package keeps them."""
    if type(result).__name__.startswith("Chaisemartin"):
        return switchers_average(result)
    if hasattr(result, "overall_att"):
        return result.overall_att, result.overall_se
    if hasattr(result, "pooled"):  # local projections
        after = result.pooled.set_index("window").loc["post"]
        return after["coefficient"], after["se"]
    return result.params.iloc[0], result.std_errors.iloc[0]


def switchers_average(result: Any) -> tuple[float, float]:
    """Average effect of de Chaisemartin & D'Haultfœuille's estimator, with an upper bound on its standard error.

    diff-diff 3.13 adds the variances of the event times as if these were independent, which understates the error of
    their weighted sum; without their covariance, Σ|w_l|·se_l is what it can be at most.
    """
    parts = result.cost_benefit_delta["weights"]
    se = sum(abs(w) * result.event_study_effects[k]["se"] for k, w in parts.items())
    return float(result.overall_att), float(se)


def with_truth(averages: pd.DataFrame, truth: pd.DataFrame | None, common: int) -> pd.DataFrame:
    """Averages beside the true value of each one's target, where it is known.

    Of some units alone, or of weights by variance, it is known where nothing has an effect on anyone.

    Parameters
    ----------
    averages : DataFrame
        As `table` gives it.
    truth : DataFrame or None
        The generator's table; None: not known, and no column is added.
    common : int
        Last event time that every cohort reaches.
    """
    if truth is None or averages.empty:
        return averages
    known = {"common": true_average(truth, common), "all": true_average(truth)}
    if truth["effect"].eq(0).all():
        known |= dict.fromkeys(TARGETS.values(), 0.0)
    return averages.assign(truth=averages["target"].map(known).astype(float))


def given(
    truth: pd.DataFrame | None, rows: pd.DataFrame, start: str | None, outcome: str, controls: Sequence[str]
) -> pd.DataFrame | None:
    """The truth of what is estimated: the effect on an outcome, given controls that treatment moves too.

    Slopes are those of untreated rows, as in imputation: Δy − β′Δx.

    Parameters
    ----------
    truth : DataFrame or None
        dimension, level, n, effect (on the outcome) and ``effect_<control>`` for each control.
    rows : DataFrame
        firm_id, year, the start column, outcome and controls.
    start, outcome, controls
        As the study names them.

    Returns
    -------
    DataFrame or None
        dimension, level, n, effect; None where nothing is known.
    """
    if truth is None:
        return None
    own = truth["effect"]
    if moved := [c for c in controls if truth[f"effect_{c}"].ne(0).any()]:
        clean = rows if start is None else rows[~(rows["year"] >= rows[start]).fillna(False).astype(bool)]
        slopes = untreated_slopes(clean, outcome, controls)
        own = own - sum(slopes[c] * truth[f"effect_{c}"] for c in moved)
    return truth[["dimension", "level", "n"]].assign(effect=own)


def against(answers: pd.DataFrame, truth: pd.DataFrame | None, target: str, common: int) -> pd.DataFrame:
    """The answer's lines beside the true value of its target, where it is known."""
    if truth is None or answers.empty:
        return answers
    last = {"all": None, "common": common, "first": 0}[target]
    return answers.assign(truth=true_average(truth, last))


def covered(averages: pd.DataFrame) -> int | None:
    """How many intervals hold the truth of their own target; None where it is not known."""
    if "truth" not in averages:
        return None
    return int(averages["truth"].between(averages["ci_low"], averages["ci_high"]).sum())


def true_average(truth: pd.DataFrame, last: int | None = None) -> float:
    """The true average effect on the treated, from the generator's table.

    Parameters
    ----------
    truth : DataFrame
        dimension, level, effect, n.
    last : int, optional
        None: over all treated firm-years. Else the plain mean of the effects at event times 0 … last, which is the
        target of estimators that weight event times equally.
    """
    if last is None:
        return float(truth.loc[truth["dimension"] == "overall", "effect"].iloc[0])
    effects = truth[truth["dimension"] == "event_time"].assign(event=lambda t: t["level"].astype(int))
    return float(effects.loc[effects["event"].between(0, last), "effect"].mean())


def true_path(truth: pd.DataFrame | None, last: int) -> dict[int, float]:
    """The true effect at each event time up to `last`; empty where it is not known."""
    if truth is None:
        return {}
    path = truth[truth["dimension"] == "event_time"].assign(level=lambda t: t["level"].astype(int))
    return path[path["level"] <= last].set_index("level")["effect"].to_dict()


def ends(path: pd.Series) -> dict[str, float]:
    """What a path of effects by event time says in a sentence: ``first`` (the year of the start) and ``late`` (the last year).

    An end that the path does not have is left out.
    """
    found = {"first": path.get(0), "late": path.get(path.index.max()) if len(path) else None}
    return {name: float(value) for name, value in found.items() if value is not None}
