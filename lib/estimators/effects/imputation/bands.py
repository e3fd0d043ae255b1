"""Intervals of each row of a table, and bands that hold all rows together."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from estimators.effects.imputation.sums import Array

# How often intervals held the truth on synthetic panels (`make montecarlo`).
TRIED = Path(__file__).with_name("trials.csv")


def with_intervals(
    table: pd.DataFrame, covariance: Array, size: float, draws: int, seed: int = 1, clusters: Any = None
) -> pd.DataFrame:
    """Adds pointwise intervals (ci_low, ci_high) and a band for all rows together (band_low, band_high).

    ``clusters``: how many treated ones stand behind each row (`critical`); None: quantiles are the normal's.
    """
    error = table["std_error"].to_numpy(float)
    point = critical(stats.norm.ppf(1 - size / 2), clusters)
    wide = critical(simultaneous(covariance, size, draws, seed), clusters)
    return table.assign(
        ci_low=table["estimate"] - point * error,
        ci_high=table["estimate"] + point * error,
        band_low=table["estimate"] - wide * error,
        band_high=table["estimate"] + wide * error,
    )


def of_path(
    estimate: pd.Series,
    covariance: pd.DataFrame,
    size: float = 0.05,
    draws: int = 100_000,
    seed: int = 1,
    clusters: pd.Series | None = None,
) -> pd.DataFrame:
    """A path from one base year (`leads.window`) with intervals of each year and a band for all of it.

    Parameters
    ----------
    estimate : Series, index event_time
        Leads and effects, without the base year.
    covariance : DataFrame, event_time × event_time
    size : float
        Intervals, and the band, hold with chance 1 − size where errors are normal.
    clusters : Series, index event_time, optional
        Treated clusters behind each year (`dynamics.starters`): see `critical`.

    Returns
    -------
    DataFrame
        event_time, estimate, std_error, ci_low, ci_high, band_low, band_high; empty without a path.
    """
    table = estimate.rename("estimate").rename_axis("event_time").reset_index()
    own = covariance.to_numpy(float)
    behind = None if clusters is None else table["event_time"].map(clusters)
    return with_intervals(table.assign(std_error=np.sqrt(np.diag(own))), own, size, draws, seed, behind)


def simultaneous(covariance: Array, size: float = 0.05, draws: int = 100_000, seed: int = 1) -> float:
    """Quantile 1 − size of max|z|, z normal with the correlation of a covariance (Montiel Olea & Plagborg-Møller 2019).

    NaN where the covariance has none.
    """
    error = np.sqrt(np.diag(covariance))
    good = np.isfinite(error) & (error > 0)
    if not good.any():
        return float("nan")
    correlation = covariance[np.ix_(good, good)] / np.outer(error[good], error[good])
    values, vectors = np.linalg.eigh(correlation)
    root = vectors * np.sqrt(np.clip(values, 0, None))
    normal = np.random.default_rng(seed).standard_normal((draws, len(values)))
    return float(np.quantile(np.abs(normal @ root.T).max(axis=1), 1 - size))


def critical(wide: float, clusters: Any = None) -> Any:
    """The normal quantile `wide`, for each of several estimates at Student's law of its own treated clusters less one.

    An error that few treated clusters told is itself in error: with five of them a normal interval of 95 % holds the truth in
    91 to 94 % of draws, and the normal band of a path with such years in 88 to 91 % (t: 94 to 96 %). With G clusters the chance
    beyond is kept, at G − 1 degrees of freedom (Bell & McCaffrey 2002; Imbens & Kolesár 2016, where these are as many as the
    treated clusters are less one when all weigh alike).

    Parameters
    ----------
    wide : float
    clusters : array_like, optional
        NaN: not known, the normal quantile. None: that one for all.
    """
    if clusters is None:
        return wide
    count = np.asarray(clusters, float)
    student = stats.t.isf(stats.norm.sf(wide), np.maximum(np.nan_to_num(count, nan=2.0) - 1, 1))
    return np.where(np.isfinite(count), student, wide)


def sidak(count: int, size: float = 0.05) -> float:
    """Quantile that holds for any correlation of `count` normals: P(all |z| ≤ c) ≥ Π P(|z| ≤ c) (Šidák 1967, JASA 62)."""
    return float(stats.norm.ppf((1 + (1 - size) ** (1 / count)) / 2)) if count else float("nan")


def beside(
    studies: pd.DataFrame,
    results: Mapping[str, Any],
    size: float = 0.05,
    draws: int = 100_000,
    seed: int = 1,
    clusters: pd.Series | None = None,
) -> pd.DataFrame:
    """Event studies with a band for each estimator that holds its whole path, leads and effects, at once.

    Parameters
    ----------
    studies : DataFrame
        estimator, event_time, estimate, std_error; a base year has no error, and no band.
    results : mapping
        By estimator: what keeps ``event_study_vcov`` and ``event_study_vcov_index``, or does not.
    size : float
        The band holds the path with chance 1 − size where errors are normal.
    clusters : Series, index event_time, optional
        Treated clusters behind each year (`dynamics.starters`): see `critical`.

    Returns
    -------
    DataFrame
        The same rows with band_low, band_high, multiplier (of the standard error) and joint: whether it comes from the joint
        covariance. Where an estimator keeps none, or one of other errors than it reports, it is Šidák's, which is wide enough
        for any.
    """
    found = studies.assign(multiplier=np.nan, joint=False)
    for name, part in studies[studies["std_error"].gt(0)].groupby("estimator", sort=False):
        covariance = _of_rows(results.get(str(name)), part)
        wide = sidak(len(part), size) if covariance is None else simultaneous(covariance, size, draws, seed)
        found.loc[found["estimator"] == name, ["multiplier", "joint"]] = wide, covariance is not None
    if clusters is not None:
        found["multiplier"] = critical(found["multiplier"], found["event_time"].map(clusters))
    half = found["multiplier"] * found["std_error"]
    return found.assign(band_low=found["estimate"] - half, band_high=found["estimate"] + half)


def apart(studies: pd.DataFrame) -> pd.DataFrame:
    """A line an estimator of `beside`: where its multiplier is from, and how many leads and effects stand apart from zero.

    Returns
    -------
    DataFrame
        estimator, basis (covariance, sidak), multiplier (the largest: of the year with fewest clusters), leads, leads_apart,
        effects, effects_alone (by each year's interval), effects_apart (by the band).
    """
    told = studies[studies["std_error"].gt(0)]
    told = told.assign(
        lead=told["event_time"] < 0,
        alone=(told["ci_low"] > 0) | (told["ci_high"] < 0),
        all=(told["band_low"] > 0) | (told["band_high"] < 0),
    )
    lines = [
        {
            "estimator": name,
            "basis": "covariance" if part["joint"].iloc[0] else "sidak",
            "multiplier": part["multiplier"].max(),
            "leads": int(part["lead"].sum()),
            "leads_apart": int((part["lead"] & part["all"]).sum()),
            "effects": int((~part["lead"]).sum()),
            "effects_alone": int((~part["lead"] & part["alone"]).sum()),
            "effects_apart": int((~part["lead"] & part["all"]).sum()),
        }
        for name, part in told.groupby("estimator", sort=False)
    ]
    return pd.DataFrame(lines)


def tried(
    table: pd.DataFrame, units: int, size: float = 0.05, what: str = "band", trials: Path = TRIED
) -> tuple[pd.DataFrame, dict[str, Any]]:
    """How often intervals of these estimators held the truth in trials: panels of known truth without any effect.

    Parameters
    ----------
    table : DataFrame
        A line an estimator.
    units : int
        Of the panel at hand; of several sizes tried the nearest speaks, in logs.
    size : float
        Intervals are 1 − size; those of another size were not tried.
    what : {"band", "coverage"}
        Bands that are to hold a whole path, or intervals of an average.
    trials : Path
        mode, firms, what, name, level, draws, rate.

    Returns
    -------
    (DataFrame, dict)
        The lines with ``held``, the share of draws, and ``tried``, the units of those panels (no such columns where nothing was
        tried); of the estimators whose share lies more than two simulation errors below 1 − size ``short`` (their names, the
        worst first), ``least`` (the worst share), ``tried`` and ``draws`` of that one.
    """
    if table.empty:
        return table, {"short": []}
    found = pd.read_csv(trials, keep_default_na=False)  # a mode is called null
    found = found[(found["mode"] == "null") & (found["what"] == what) & np.isclose(found["level"], 1 - size)]
    found = found[found["name"].isin(table["estimator"])]
    if found.empty:
        return table, {"short": []}
    far = (np.log(found["firms"]) - np.log(max(units, 1))).abs()
    found = found.loc[far.groupby(found["name"]).idxmin()].set_index("name")
    low = found[found["rate"] < 1 - size - 2 * np.sqrt(size * (1 - size) / found["draws"])].sort_values(
        "rate"
    )
    told: dict[str, Any] = {"short": list(low.index)}
    if len(low):
        worst = low.iloc[0]
        told |= {"least": float(worst["rate"]), "tried": int(worst["firms"]), "draws": int(worst["draws"])}
    own = found.reindex(table["estimator"])
    return table.assign(held=own["rate"].to_numpy(), tried=own["firms"].to_numpy()), told


def _of_rows(result: Any, part: pd.DataFrame) -> Array | None:
    """The joint covariance of an event study's rows, where a result keeps it and its diagonal is that of the errors shown."""
    kept, index = _kept(result)
    if kept is None or index is None:
        return None
    whole = pd.DataFrame(np.asarray(kept, float), list(index), list(index))
    times = list(part["event_time"])
    if not set(times) <= set(whole.index):
        return None
    own = whole.loc[times, times].to_numpy()
    same = np.allclose(np.sqrt(np.diag(own)), part["std_error"], rtol=1e-6, atol=0)
    return own if same else None


def _kept(result: Any) -> tuple[Any, Any]:
    """A result's covariance over event times and what they are; some packages make it when asked to aggregate."""
    own = tuple(getattr(result, name, None) for name in ("event_study_vcov", "event_study_vcov_index"))
    if own[0] is not None or not hasattr(result, "aggregate"):
        return own[0], own[1]
    made = result.aggregate("event_study")
    return getattr(made, "vcov", None), getattr(made, "vcov_index", None)
