"""What the packages for staggered adoption leave open: one sample, one table, one target.

The estimators are called by name where they are used (diff-diff). Here are the panel that all of them are given,
the weights of two-way fixed effects, and tables in which their results can stand side by side.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from estimators.engines.within import two_way_residuals
from estimators.errors import EffectsError

EVENT_COLUMNS = ["estimator", "event_time", "estimate", "std_error", "ci_low", "ci_high", "n"]
# What packages call the same thing, in the order in which it is looked for.
NAMES = {
    "event_time": ("event_time", "relative_period", "horizon"),
    "estimate": ("att", "coefficient", "effect"),
    "std_error": ("se",),
    "n": ("n", "n_obs"),
}


@dataclass(frozen=True)
class CohortPanel:
    """The panel of an event study.

    ``data`` has columns unit (integer), firm_id, year, y, start (0: never in these years), treated (0/1), and those
    asked for. ``slopes`` are the controls' coefficients that were taken out of y. ``always`` units were treated in
    all their rows and are left out: nothing says what they would have been without treatment; ``later`` start after
    the last year and count as never; for ``ends`` units treatment goes back to 0.
    """

    data: pd.DataFrame
    slopes: pd.Series
    always: int
    later: int
    ends: int


def cohort_panel(
    rows: pd.DataFrame,
    start: str,
    outcome: str,
    controls: Sequence[str] = (),
    keep: Sequence[str] = (),
    anticipation: int = 0,
    treatment: str | None = None,
) -> CohortPanel:
    """The rows of an event study, with controls taken out of the outcome.

    y = outcome − x′β, with β from a regression of the outcome on x, firm and year effects over untreated rows only
    (the first step of imputation estimators: Borusyak, Jaravel & Spiess 2024, Review of Economic Studies 91). All
    estimators then speak of the outcome given the controls. The error of β is not carried over to the standard
    errors; it is small where untreated rows are many.

    Parameters
    ----------
    rows : DataFrame
        Columns firm_id, year, `start` (year, missing: never), `outcome`, `controls`, `keep`; one row a firm and year.
    anticipation : int
        Years before the start that do not count as untreated.
    treatment : str, optional
        0/1 column that becomes ``treated``, where treatment may end; else treated from the start year on.

    Raises
    ------
    EffectsError
        When a firm has two start years, a firm-year two rows, or no firm is treated or untreated.
    """
    _check(rows, start)
    data = rows[["firm_id", "year", *dict.fromkeys(keep)]].copy()
    last = int(rows["year"].max())
    begins = pd.to_numeric(rows[start]).astype(float)
    later = int(rows.loc[begins > last, "firm_id"].nunique())
    data["start"] = begins.where(begins <= last).fillna(0).astype(int)
    first_seen = data.groupby("firm_id")["year"].transform("min")
    always = (data["start"] > 0) & (first_seen >= data["start"] - anticipation)
    treated = (data["start"] > 0) & (data["year"] >= data["start"])
    if not (treated & ~always).any() or not (data["start"] == 0).any():
        raise EffectsError(
            f"{start}: an event study needs firms seen before and after their start, and firms untreated throughout; "
            f"found {int(data.loc[treated & ~always, 'firm_id'].nunique())} and "
            f"{int(data.loc[data['start'] == 0, 'firm_id'].nunique())}"
        )
    clean = (data["start"] == 0) | (data["year"] < data["start"] - anticipation)
    slopes = untreated_slopes(rows[clean], outcome, controls)
    data["y"] = rows[outcome].astype(float) - rows[list(controls)].astype(float) @ slopes
    if treatment:
        treated = rows[treatment].astype(float) == 1
    data = data.assign(treated=treated.astype(int), unit=data["firm_id"].astype("category").cat.codes)
    data = data[~always].sort_values(["unit", "year"], ignore_index=True)
    ends = data.groupby("unit")["treated"].diff().eq(-1).groupby(data["unit"]).any()
    return CohortPanel(data, slopes, int(rows.loc[always, "firm_id"].nunique()), later, int(ends.sum()))


def _check(rows: pd.DataFrame, start: str) -> None:
    twice = rows.duplicated(["firm_id", "year"])
    if twice.any():
        firm, year = rows.loc[twice, ["firm_id", "year"]].iloc[0]
        raise EffectsError(
            f"{int(twice.sum())} rows repeat a firm and year, first {firm} in {year}; keep one"
        )
    values = rows[["firm_id", start]].drop_duplicates()["firm_id"].value_counts()
    moved = values > 1
    if moved.any():
        raise EffectsError(
            f"{start}: {int(moved.sum())} firms have more than one value, first {moved.idxmax()}; "
            "a firm starts once (treatment that ends is for the switchers' estimator)"
        )


def untreated_slopes(rows: pd.DataFrame, outcome: str, controls: Sequence[str]) -> pd.Series:
    """Slopes of controls under firm and year effects, least squares over the rows given."""
    if not controls:
        return pd.Series(dtype=float)
    columns = rows[[outcome, *controls]].to_numpy(float)
    left = two_way_residuals(columns, rows["firm_id"], rows["year"])
    return pd.Series(np.linalg.lstsq(left[:, 1:], left[:, 0], rcond=1e-10)[0], index=list(controls))


def fit_all(calls: Mapping[str, Callable[[], Any]]) -> tuple[dict[str, Any], dict[str, str]]:
    """Run estimators that these data may not allow.

    Parameters
    ----------
    calls : mapping
        Name: function without arguments that fits and returns a result.

    Returns
    -------
    results, reasons : dict, dict
        By name; what a package refused, in its own words. Warnings are not shown: they repeat what the tables say.
    """
    results, reasons = {}, {}
    for name, call in calls.items():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                results[name] = call()
            except (ValueError, ArithmeticError, KeyError, np.linalg.LinAlgError) as error:
                reasons[name] = str(error).split(". ")[0].strip()
    return results, reasons


def event_study(name: str, result: Any, size: float = 0.05, first: int = -99, last: int = 99) -> pd.DataFrame:
    """One estimator's event study, in the columns that all share.

    Parameters
    ----------
    name : str
        What the estimator is called in the table.
    result : object
        A fitted result of diff-diff.
    size : float
        Intervals are estimate ± z(1 − size/2) standard errors for all, so that widths compare.
    first, last : int
        Event times kept.

    Returns
    -------
    DataFrame
        estimator, event_time, estimate, std_error, ci_low, ci_high, n. A base period is kept with estimate 0 and no
        standard error; event times for which the estimator has nothing are left out. n is what the package
        counts (cohorts, units or rows).
    """
    from statistics import NormalDist

    table = _native(result)
    found = {ours: next((c for c in theirs if c in table), None) for ours, theirs in NAMES.items()}
    out = pd.DataFrame({ours: table[c] if c else np.nan for ours, c in found.items()}).reset_index(drop=True)
    if type(result).__name__.startswith("Chaisemartin"):
        out["event_time"] -= 1  # its first effect is numbered 1 and its base 0
    half = NormalDist().inv_cdf(1 - size / 2) * out["std_error"]
    out = out.assign(estimator=name, ci_low=out["estimate"] - half, ci_high=out["estimate"] + half)
    base = (out["estimate"] == 0) & out["std_error"].isna()
    kept = (out["std_error"].gt(0) | base) & out["event_time"].between(first, last)
    return out.loc[kept, EVENT_COLUMNS].astype({"event_time": int, "n": float}).reset_index(drop=True)


def _native(result: Any) -> pd.DataFrame:
    listed = getattr(result, "event_study", None)
    if isinstance(listed, pd.DataFrame):
        return listed
    if hasattr(result, "aggregate"):
        return result.aggregate("event_study").to_dataframe()
    return result.to_dataframe()


def window(surface: Any, first: int, last: int) -> tuple[pd.Series, pd.DataFrame]:
    """Event-study coefficients of a window with their joint covariance, the base period left out.

    Parameters
    ----------
    surface : EventStudyResults
        What diff-diff's ``aggregate("event_study")`` returns, with a covariance.

    Returns
    -------
    estimate : Series, index event_time; covariance : DataFrame, event_time × event_time
    """
    if surface.vcov is None:
        raise EffectsError(
            f"{surface.source} keeps no joint covariance of its event study; use one that does"
        )
    times = np.asarray(surface.vcov_index).astype(int)
    covariance = pd.DataFrame(surface.vcov, index=times, columns=times)
    estimate = pd.Series(surface.att, index=surface.event_time.astype(int)).reindex(times)
    usable = (times >= first) & (times <= last) & (np.diag(covariance) > 0)
    return estimate[usable], covariance.loc[usable, usable]


def att_row(
    name: str, estimate: float, std_error: float, target: str, size: float = 0.05, n: float = np.nan
) -> dict[str, Any]:
    """One line of the table of average effects: with its interval and the target that it is an estimate of."""
    from statistics import NormalDist

    half = NormalDist().inv_cdf(1 - size / 2) * std_error
    return {
        "estimator": name,
        "estimate": float(estimate),
        "std_error": float(std_error),
        "ci_low": float(estimate - half),
        "ci_high": float(estimate + half),
        "n": float(n),
        "target": target,
    }


def switchers_average(result: Any) -> tuple[float, float]:
    """Average effect of de Chaisemartin & D'Haultfœuille's estimator, with an upper bound on its standard error.

    diff-diff 3.13 adds the variances of the event times as if these were independent, which understates the error of
    their weighted sum; without their covariance, Σ|w_l|·se_l is what it can be at most.
    """
    parts = result.cost_benefit_delta["weights"]
    se = sum(abs(w) * result.event_study_effects[k]["se"] for k, w in parts.items())
    return float(result.overall_att), float(se)


def true_average(truth: pd.DataFrame, last: int | None = None, column: str = "effect") -> float:
    """The true average effect on the treated, from the generator's table.

    Parameters
    ----------
    truth : DataFrame
        dimension, level, effect, n.
    last : int, optional
        None: over all treated firm-years. Else the plain mean of the effects at event times 0 … last, which is the
        target of estimators that weight event times equally.
    column : str
        "effect" on productivity, or "effect_lp" on value added per employee.
    """
    if last is None:
        return float(truth.loc[truth["dimension"] == "overall", column].iloc[0])
    effects = truth[truth["dimension"] == "event_time"].assign(event=lambda t: t["level"].astype(int))
    return float(effects.loc[effects["event"].between(0, last), column].mean())


def common_last(data: pd.DataFrame) -> int:
    """Last event time that every cohort reaches in the panel's years."""
    starts = data.loc[data["start"] > 0, "start"]
    return int(data["year"].max() - starts.max())


def twfe_weights(data: pd.DataFrame, treatment: str = "treated") -> pd.DataFrame:
    """Weights with which two-way fixed effects averages the effects of the treated rows.

    β = Σ w_it Δ_it over treated rows, w_it = D̃_it / Σ_treated D̃, where D̃ is the residual of treatment on unit and
    year effects (de Chaisemartin & D'Haultfœuille 2020, American Economic Review 110, theorem 1).

    Returns
    -------
    DataFrame
        Treated rows with unit, year, weight; weights add up to one and may be negative.
    """
    residual = two_way_residuals(data[treatment].to_numpy(float), data["unit"], data["year"])
    on = data[treatment].to_numpy() == 1
    total = residual[on].sum()
    if not on.any() or abs(total) < 1e-9:
        raise EffectsError(f"{treatment}: nothing is left of treatment after unit and year effects")
    return data.loc[on, ["unit", "year"]].assign(weight=residual[on] / total)


def permuted_starts(data: pd.DataFrame, rng: np.random.Generator, within: Sequence[str] = ()) -> pd.Series:
    """Start years dealt anew to firms, keeping how many start when, in each stratum if any.

    Parameters
    ----------
    data : DataFrame
        Columns unit, start and `within`; strata are read from each unit's first row.

    Returns
    -------
    Series
        Start year (0: never) for each row of `data`.
    """
    units = data.drop_duplicates("unit").set_index("unit")
    key = [units[name].astype("string").fillna("") for name in within] or (lambda unit: 0)
    dealt = units.groupby(key)["start"].transform(lambda part: rng.permutation(part.to_numpy()))
    return data["unit"].map(dealt).astype(int)


def side_by_side(tables: Sequence[pd.DataFrame], labels: Mapping[str, str]) -> pd.DataFrame:
    """Event studies as one table: a line for each event time, a column for each estimator, "0.034 (0.013)"."""
    long = pd.concat(tables)
    long["shown"] = long["estimate"].map("{:.3f}".format) + long["std_error"].map(
        lambda se: " (base)" if np.isnan(se) else f" ({se:.3f})"
    )
    wide = long.pivot(index="event_time", columns="estimator", values="shown")
    wide = wide.reindex(columns=[name for name in labels if name in wide]).rename(columns=dict(labels))
    return wide.fillna("–").reset_index()
