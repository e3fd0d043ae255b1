"""What the packages for staggered adoption leave open: one sample, and one table of what each estimates.

The estimators are called by name where they are used (diff-diff). Here are the panel that all of them are given,
the event times that it reaches, and event studies in columns that all share. Where there is nothing to estimate
(no start years, no results) each function gives an empty table.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence, Sized
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from estimators.engines.within import two_way_residuals
from estimators.errors import EffectsError
from estimators.finite import refuse_infinite
from estimators.language import said, speaking

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

    @property
    def uncontrolled(self) -> pd.DataFrame:
        """The rows with the controls' part put back into y."""
        part = self.data[list(self.slopes.index)].astype(float) @ self.slopes
        return self.data.assign(y=self.data["y"] + part)

    @property
    def counts(self) -> dict[str, int]:
        """``rows``, ``starters`` and ``others`` (units that start, and that do not), ``always``, ``ends``."""
        units = self.data.drop_duplicates("unit")["start"]
        starters = int((units > 0).sum())
        sizes = {"rows": len(self.data), "starters": starters, "others": len(units) - starters}
        return sizes | {"always": self.always, "ends": self.ends}


@dataclass(frozen=True)
class Reach:
    """Event times that a panel reaches, counted from the start year.

    ``base`` is the last year without an effect; ``common`` the last one that every cohort reaches, ``longest`` the
    last that any does (within what is asked for); ``leads`` how many before the start the earliest cohort has.
    """

    base: int
    common: int
    longest: int
    leads: int


def cohort_panel(
    rows: pd.DataFrame,
    start: str | None,
    outcome: str,
    controls: Sequence[str] = (),
    keep: Sequence[str] = (),
    anticipation: int = 0,
    treatment: str | None = None,
) -> CohortPanel:
    """The rows of an event study, with controls taken out of the outcome.

    y = outcome − x′β, with β from a regression of the outcome on x, firm and year effects over untreated rows only
    (the first step of imputation estimators: Borusyak, Jaravel & Spiess 2024, Review of Economic Studies 91). All
    estimators then speak of the outcome given the controls. Where every firm starts, the last cohort is compared with,
    and the rows from its start on go. The error of β is not carried over to the standard
    errors; it is small where untreated rows are many.

    Parameters
    ----------
    rows : DataFrame
        Columns firm_id, year, `start` (year, missing: never), `outcome`, `controls`, `keep`; one row a firm and year.
    start : str or None
        None: there are no start years, and the panel has no rows.
    anticipation : int
        Years before the start that do not count as untreated.
    treatment : str, optional
        Column that becomes ``treated`` if it is 0/1, so that treatment may end; else treated from the start year on.

    Raises
    ------
    EffectsError
        When a firm has two start years, a firm-year two rows, or no firm is treated or untreated.
    """
    data = rows[list(dict.fromkeys(["firm_id", "year", *keep]))].copy()
    if not start:
        none = data.iloc[:0].assign(start=0, y=0.0, treated=0, unit=0)
        return CohortPanel(none, pd.Series(dtype=float), 0, 0, 0)
    _check(rows, start)
    refuse_infinite(rows, [outcome, *controls])
    last = int(rows["year"].max())
    begins = pd.to_numeric(rows[start]).astype(float)
    later = int(rows.loc[begins > last, "firm_id"].nunique())
    data["start"] = begins.where(begins <= last).fillna(0).astype(int)
    starts = data.loc[data["start"] > 0, "start"]
    if len(starts) == len(data) > 0 and starts.min() < starts.max():
        before = rows[rows["year"] < starts.max()]
        return cohort_panel(before, start, outcome, controls, keep, anticipation, treatment)
    first_seen = data.groupby("firm_id")["year"].transform("min")
    always = (data["start"] > 0) & (first_seen >= data["start"] - anticipation)
    treated = (data["start"] > 0) & (data["year"] >= data["start"])
    if not (treated & ~always).any() or not (data["start"] == 0).any():
        raise EffectsError(
            said(
                "effects.event_study_needs",
                start=start,
                treated=int(data.loc[treated & ~always, "firm_id"].nunique()),
                untreated=int(data.loc[data["start"] == 0, "firm_id"].nunique()),
            )
        )
    clean = (data["start"] == 0) | (data["year"] < data["start"] - anticipation)
    slopes = untreated_slopes(rows[clean], outcome, controls)
    data["y"] = rows[outcome].astype(float) - rows[list(controls)].astype(float) @ slopes
    if treatment and rows[treatment].dropna().isin([0, 1]).all():
        treated = rows[treatment].astype(float) == 1
    data = data.assign(treated=treated.astype(int), unit=data["firm_id"].astype("category").cat.codes)
    data = data[~always].sort_values(["unit", "year"], ignore_index=True)
    ends = data.groupby("unit")["treated"].diff().eq(-1).groupby(data["unit"]).any()
    return CohortPanel(data, slopes, int(rows.loc[always, "firm_id"].nunique()), later, int(ends.sum()))


def _check(rows: pd.DataFrame, start: str) -> None:
    twice = rows.duplicated(["firm_id", "year"])
    if twice.any():
        firm, year = rows.loc[twice, ["firm_id", "year"]].iloc[0]
        raise EffectsError(said("effects.repeats", twice=int(twice.sum()), firm=firm, year=year))
    values = rows[["firm_id", start]].drop_duplicates()["firm_id"].value_counts()
    moved = values > 1
    if moved.any():
        raise EffectsError(
            said("effects.start_moves", start=start, moved=int(moved.sum()), first=moved.idxmax())
        )


def untreated_slopes(rows: pd.DataFrame, outcome: str, controls: Sequence[str]) -> pd.Series:
    """Slopes of controls under firm and year effects, least squares over the rows given."""
    if not controls:
        return pd.Series(dtype=float)
    columns = rows[[outcome, *controls]].to_numpy(float)
    left = two_way_residuals(columns, rows["firm_id"], rows["year"])
    return pd.Series(np.linalg.lstsq(left[:, 1:], left[:, 0], rcond=1e-10)[0], index=list(controls))


def consecutive(data: pd.DataFrame) -> pd.DataFrame:
    """The rows, where no year between the first and the last is absent for all units: what counts event time by years needs that.

    Raises
    ------
    EffectsError
        With the years that are absent: leads and lags would be those of other years, and the base year is not there.
    """
    years = set(data["year"].astype(int))
    absent = sorted(set(range(min(years), max(years) + 1)) - years)
    if absent:
        raise EffectsError(said("effects.years_absent", years=", ".join(map(str, absent))))
    return data


def fit_all(
    calls: Mapping[Any, Callable[[], Any]], on: Sized | None = (True,)
) -> tuple[dict[Any, Any], dict[Any, str]]:
    """Run estimators that these data may not allow.

    Parameters
    ----------
    calls : mapping
        Name: function without arguments that fits and returns a result.
    on : DataFrame or Series, optional
        What they are fitted on; None or without rows: nothing is fitted, and nothing is refused.

    Returns
    -------
    results, reasons : dict, dict
        By name; what a package refused, in its own words. Warnings are not shown: they repeat what the tables say.
    """
    results, reasons = {}, {}
    for name, call in calls.items() if on is not None and len(on) else ():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                with speaking("en"):  # what is kept knows no language of the terminal
                    results[name] = call()
            except (ValueError, ArithmeticError, KeyError, np.linalg.LinAlgError) as error:
                reasons[name] = str(error).split(". ")[0].strip()
    return results, reasons


def coefficients(fits: Mapping[str, Any]) -> pd.DataFrame:
    """Coefficients of fits of linearmodels: term, estimate, std_error, p_value, n, units."""
    rows = [
        {"term": t, "estimate": f.params[t], "std_error": f.std_errors[t], "p_value": f.pvalues[t]}
        | {"n": f.nobs, "units": f.entity_info["total"]}
        for f in fits.values()
        for t in f.params.index
    ]
    return pd.DataFrame(rows)


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


def event_studies(results: Mapping[str, Any], size: float, first: int, last: int) -> pd.DataFrame:
    """Event studies of several estimators, one below the other, in the columns of `event_study`.

    Leads of the two-stage estimator are left out: they are means of residuals, not differences from a base year.
    """
    tables = [event_study(name, result, size, first, last) for name, result in results.items()]
    tables = [t[(t["event_time"] >= 0) | (t["estimator"] != "two_stage")] for t in tables if len(t)]
    return pd.concat(tables) if tables else pd.DataFrame(columns=EVENT_COLUMNS)


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
    surface : EventStudyResults or None
        What diff-diff's ``aggregate("event_study")`` returns, with a covariance; None: there is nothing.

    Returns
    -------
    estimate : Series, index event_time; covariance : DataFrame, event_time × event_time
    """
    if surface is None:
        return pd.Series(dtype=float), pd.DataFrame()
    if surface.vcov is None:
        raise EffectsError(said("effects.no_covariance", source=surface.source))
    times = np.asarray(surface.vcov_index).astype(int)
    covariance = pd.DataFrame(surface.vcov, index=times, columns=times)
    estimate = pd.Series(surface.att, index=surface.event_time.astype(int)).reindex(times)
    usable = (times >= first) & (times <= last) & (np.diag(covariance) > 0)
    return estimate[usable], covariance.loc[usable, usable]


def common_last(data: pd.DataFrame) -> int:
    """Last event time that every cohort reaches in the panel's years."""
    starts = data.loc[data["start"] > 0, "start"]
    return int(data["year"].max() - starts.max())


def reach(data: pd.DataFrame, first: int, last: int, anticipation: int = 0) -> Reach:
    """Event times that a cohort panel reaches, of those from `first` to `last`."""
    base = -1 - anticipation
    if data.empty:
        return Reach(base, 0, 0, -base)
    earliest = int(data.loc[data["start"] > 0, "start"].min())
    longest = min(last, int(data["year"].max()) - earliest)
    leads = max(min(-first, earliest - int(data["year"].min())), -base)
    return Reach(base, max(common_last(data), 0), longest, leads)


def balanced(data: pd.DataFrame) -> pd.DataFrame:
    """Rows of units that are seen in every year of the panel."""
    return data[data.groupby("unit")["year"].transform("size") == data["year"].nunique()]


def whole(data: pd.DataFrame) -> pd.DataFrame:
    """Rows of units seen in every year, for estimators that compare levels of groups without effects of units.

    A stack has effects of its two groups alone (Wing, Freedman & Hollingsworth 2024): who enters and leaves moves its leads and
    effects as a change of the outcome would (on synthetic panels without an effect, leads of .03 five years before).

    Raises
    ------
    EffectsError
        With the years that are absent for all; where no unit that starts, or none else, is seen in every year.
    """
    kept = balanced(consecutive(data))
    starts = kept["start"] > 0
    if starts.all() or not starts.any():
        seen = kept.loc[starts, "unit"].nunique(), kept.loc[~starts, "unit"].nunique()
        raise EffectsError(said("effects.none_seen_throughout", treated=seen[0], others=seen[1]))
    return kept


def seen_first(data: pd.DataFrame) -> pd.DataFrame:
    """Rows of units that are seen in the panel's first year."""
    return data[data.groupby("unit")["year"].transform("min") == data["year"].min()]


def starters(data: pd.DataFrame, level: str = "unit") -> pd.Series:
    """How many units, or clusters of another column, that ever start are seen at each event time, by event time."""
    some = data[data["start"] > 0]
    return some.groupby(some["year"] - some["start"])[level].nunique()


def with_next(rows: pd.DataFrame, column: str) -> pd.DataFrame:
    """Rows that have one a year later, with its value of a column as ``next_year``."""
    moved = rows[["firm_id", "year", column]].assign(year=rows["year"] - 1)
    return rows.merge(moved.rename(columns={column: "next_year"}), on=["firm_id", "year"])
