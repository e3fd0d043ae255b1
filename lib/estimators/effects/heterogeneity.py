"""Effects by group, their differences, moderators and mechanisms, with what a joint test over them needs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from estimators.engines.within import two_way_residuals
from estimators.errors import EffectsError
from estimators.finite import refuse_infinite
from estimators.language import listed, said

Array = NDArray[np.float64]
# A treatment's variation below this share of the outcome-free total is rounding after the effects are taken out.
ABSORBED = 1e-10


@dataclass(frozen=True)
class Effects:
    """Estimates of one regression, with the influence of each cluster on them.

    Attributes
    ----------
    table : pandas.DataFrame
        Index: term; ``estimate``, ``std_error``, ``statistic``, ``p_value``, ``ci_low``, ``ci_high``, ``units``
        (those within which the term changes: of a group, the units whose treatment does).
    covariance : ndarray, shape (terms, terms)
    influence : pandas.DataFrame
        Clusters × terms; the covariance is its cross product times the stated correction.
    n, clusters : int
    dropped : tuple of str
        Terms that the effects absorb.
    """

    table: pd.DataFrame
    covariance: Array
    influence: pd.DataFrame
    n: int
    clusters: int
    dropped: tuple[str, ...] = ()

    def equal(self) -> tuple[float, float]:
        """Wald test that all effects are equal: F statistic and p-value, F(terms − 1, clusters − 1)."""
        return wald_equal(self.table["estimate"].to_numpy(), self.covariance, self.clusters - 1)


def on_off(sample: pd.DataFrame, treatment: str) -> pd.DataFrame:
    """The rows if the treatment is 0 or 1 and takes both values; else none, for a group's effect is then not defined."""
    values = set(sample[treatment].unique())
    return sample if values == {0, 1} else sample.iloc[:0]


def freeze(panel: pd.DataFrame, column: str, unit: str, start: str | None = None) -> pd.Series:
    """Each unit's group before its treatment: its last value before the start year, or its first where there is none.

    A group that may react to treatment (ownership, size, path) must not be read after it.

    Parameters
    ----------
    panel : pandas.DataFrame
        unit, ``year``, the column and, if given, the start year (missing = never).

    Returns
    -------
    pandas.Series
        Of the panel's index; text, missing where a unit has no value at all.
    """
    rows = panel.dropna(subset=[column]).sort_values([unit, "year"], kind="stable")
    early = rows[rows["year"] < rows[start].fillna(np.inf)] if start else rows.iloc[:0]
    first = rows.drop_duplicates(unit).set_index(unit)[column]
    # Units that are never treated keep their first value, as the treated ones without earlier rows do.
    last = (
        early[early[start].notna()].drop_duplicates(unit, keep="last").set_index(unit)[column]
        if start
        else first
    )
    frozen = first.astype(str).copy()
    frozen.update(last.astype(str))
    return panel[unit].map(frozen)


def tagged(
    panel: pd.DataFrame, column: str | None, unit: str, start: str | None = None
) -> dict[str, pd.Series]:
    """For each of several tags (``F2,F7``) whether a unit had it before its treatment: groups ``in`` and ``outside``.

    Parameters
    ----------
    panel, column, unit, start
        As for `freeze`; a unit without tags is outside all of them. No column, or one that is not there: no tags.
    """
    if column is None or column not in panel:
        return {}
    own = freeze(panel.assign(**{column: panel[column].fillna("")}), column, unit, start)
    sets = own.fillna("").astype(str).str.split(",")
    tags = sorted({tag for names in sets for tag in names if tag})
    return {
        tag: sets.map(lambda names, tag=tag: "in" if tag in names else "outside").rename(tag) for tag in tags
    }


def by_split(
    sample: pd.DataFrame,
    outcome: str,
    treatment: str,
    splits: Mapping[str, pd.Series],
    controls: Sequence[str] = (),
    **options: Any,
) -> tuple[dict[str, Effects], list[str]]:
    """Effects in the groups of each of several splits; a split with fewer than two groups left is passed over.

    Parameters
    ----------
    sample, outcome, treatment, controls, **options
        As for `by_group`.
    splits : mapping of str to Series
        Split: group of each row.

    Returns
    -------
    effects : dict
        Split: its effects.
    left_out : list of str
        Groups that were too small, as "split = group".
    """
    refuse_infinite(
        sample, [outcome, *controls], missing=True
    )  # or it would be said of each group that it is too small
    found: dict[str, Effects] = {}
    left_out: list[str] = []
    for name, groups in splits.items():
        try:
            one = by_group(sample, outcome, treatment, groups.rename(name), controls, **options)
            small = one.dropped
        except EffectsError:  # no group is large enough
            one, small = None, tuple(sorted(groups.dropna().unique()))
        left_out += [f"{name} = {group}" for group in small]
        if one is not None and len(one.table) > 1:
            found[name] = one
    return found, left_out


def by_group(
    sample: pd.DataFrame,
    outcome: str,
    treatment: str,
    groups: pd.Series,
    controls: Sequence[str] = (),
    *,
    unit: str = "firm_id",
    cluster: str = "firm_id",
    size: float = 0.05,
    smallest: int = 10,
) -> Effects:
    """Effect of a treatment in each group, in one regression with unit and group × year effects.

    y_it = Σ_g β_g D_it 1[g_i = g] + x_it′γ + α_i + δ_{g t} + ε_it. Each group has its own course of years, so that β_g
    compares within groups, and differences between groups are tested within one covariance.

    Parameters
    ----------
    sample : pandas.DataFrame
        Complete rows.
    outcome, treatment : str
        Columns.
    groups : pandas.Series
        Group of each row, fixed over time; rows without one are left out.
    controls : sequence of str
        Columns.
    unit, cluster : str
        Columns; units must be nested in clusters.
    size : float
        Intervals are 1 − size.
    smallest : int
        Groups with fewer units whose treatment changes are left out and named: those treated in all their rows say
        nothing of an effect within units.

    Returns
    -------
    Effects
        Terms are the groups; the table has their rows (``n``). Errors: CRV1, c = G/(G−1) · (n−1)/(n−K), K slopes and
        group-year effects (units are nested in clusters and not counted); t with G − 1 degrees of freedom.
    """
    rows = sample.assign(_group=groups).dropna(subset=["_group"])
    moves = _moving(rows, unit, rows[treatment].to_numpy(float))
    treated = rows[moves].groupby("_group")[unit].nunique()
    kept = sorted(g for g in rows["_group"].unique() if treated.get(g, 0) >= smallest)
    left_out = tuple(sorted(set(rows["_group"]) - set(kept)))
    if len(kept) == 0:
        raise EffectsError(
            said("effects.few_treated", groups=groups.name, smallest=smallest, found=treated.to_dict())
        )
    rows = rows[rows["_group"].isin(kept)]
    terms = {g: np.where(rows["_group"] == g, rows[treatment], 0.0) for g in kept}
    found = _fit(
        rows, outcome, terms, controls, unit, rows["_group"] + "|" + rows["year"].astype(str), cluster, size
    )
    table = found.table.assign(n=rows["_group"].value_counts().reindex(found.table.index).to_numpy())
    return Effects(
        table, found.covariance, found.influence, found.n, found.clusters, (*found.dropped, *left_out)
    )


def moderated(
    sample: pd.DataFrame,
    outcome: str,
    treatment: str,
    moderator: pd.Series,
    controls: Sequence[str] = (),
    *,
    unit: str = "firm_id",
    cluster: str = "firm_id",
    size: float = 0.05,
) -> Effects:
    """Effect at the moderator's mean and its change per standard deviation; the moderator is fixed before treatment.

    y_it = β₀ D_it + β₁ D_it z_i + x_it′γ + α_i + δ_t + λ_t z_i + ε_it; the moderator has its own course of years, so that
    β₁ is not a trend of units with much of it.

    Returns
    -------
    Effects
        Terms ``effect`` and ``per_sd``.
    """
    rows = sample.assign(_z=moderator).dropna(subset=["_z"])
    spread = rows["_z"].std(ddof=0)
    if not spread > 0:
        raise EffectsError(said("effects.moderator_same", moderator=moderator.name, count=len(rows)))
    z = ((rows["_z"] - rows["_z"].mean()) / spread).to_numpy()
    courses = {
        f"_z{year}": np.where(rows["year"] == year, z, 0.0) for year in sorted(rows["year"].unique())[1:]
    }
    rows = rows.assign(**courses)
    terms = {"effect": rows[treatment].to_numpy(float), "per_sd": rows[treatment].to_numpy(float) * z}
    return _fit(rows, outcome, terms, [*controls, *courses], unit, rows["year"].astype(str), cluster, size)


def on_outcomes(
    sample: pd.DataFrame,
    outcomes: Sequence[str],
    treatment: str,
    controls: Sequence[str] = (),
    *,
    unit: str = "firm_id",
    cluster: str = "firm_id",
    size: float = 0.05,
) -> dict[str, Effects]:
    """Effect on each of several outcomes, unit and year effects, each on the rows that have it.

    Returns
    -------
    dict
        Outcome: effects with the term ``effect``.
    """
    found = {}
    for name in outcomes:
        rows = sample.dropna(subset=[name])
        if min(rows[name].std(), rows[treatment].std()) > 0:
            terms = {"effect": rows[treatment].to_numpy(float)}
            found[name] = _fit(rows, name, terms, controls, unit, rows["year"].astype(str), cluster, size)
    return found


def joined(effects: dict[str, Effects]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Estimates of several regressions and the influence of all clusters on them, for one joint test.

    Returns
    -------
    table, influence : pandas.DataFrame
        Rows and columns named (regression, term); a cluster that a regression lacks has influence 0.
    """
    tables = {key: found.table for key, found in effects.items()}
    influence = pd.concat({key: found.influence for key, found in effects.items()}, axis=1).fillna(0.0)
    return pd.concat(tables, names=["regression", "term"]), influence


def wald_equal(estimates: Array, covariance: Array, freedom: int) -> tuple[float, float]:
    """F test that all estimates are equal: (Rβ)′(RVR′)⁻¹(Rβ)/q with R the differences from the first.

    Parameters
    ----------
    estimates : ndarray, shape (k,)
    covariance : ndarray, shape (k, k)
    freedom : int
        Denominator's degrees of freedom.

    Returns
    -------
    statistic, p_value : float
        NaN with fewer than two estimates.
    """
    from scipy.special import fdtrc

    count = len(estimates) - 1
    if count < 1 or freedom < 1:
        return np.nan, np.nan
    contrast = np.hstack([-np.ones((count, 1)), np.eye(count)])
    apart = contrast @ estimates
    statistic = float(apart @ np.linalg.solve(contrast @ covariance @ contrast.T, apart) / count)
    return statistic, float(fdtrc(count, freedom, statistic))


def tabled(beta: Array, covariance: Array, names: list[str], clusters: int, size: float) -> pd.DataFrame:
    """Estimates with errors, t statistics on clusters − 1 degrees of freedom, p-values and intervals of 1 − size."""
    from scipy.special import stdtr, stdtrit

    error, quantile = np.sqrt(np.diag(covariance)), float(stdtrit(clusters - 1, 1 - size / 2))
    statistic = beta / error
    return pd.DataFrame(
        {
            "estimate": beta,
            "std_error": error,
            "statistic": statistic,
            "p_value": 2 * stdtr(clusters - 1, -np.abs(statistic)),
            "ci_low": beta - quantile * error,
            "ci_high": beta + quantile * error,
        },
        index=pd.Index(names, name="term"),
    )


# -- inside ------------------------------------------------------------------------------------


def _fit(
    rows: pd.DataFrame,
    outcome: str,
    terms: dict[str, Array],
    controls: Sequence[str],
    unit: str,
    times: pd.Series,
    cluster: str,
    size: float,
) -> Effects:
    """Least squares after both effects are taken out; influence by cluster."""
    refuse_infinite(rows, [outcome, *controls], missing=True)
    names = [*terms, *controls]
    x = np.column_stack([*terms.values(), rows[list(controls)].to_numpy(float)])
    spread = ((x - x.mean(axis=0)) ** 2).sum(axis=0)
    both = two_way_residuals(np.column_stack([rows[outcome].to_numpy(float), x]), rows[unit], times)
    y, x = both[:, 0], both[:, 1:]
    kept, gone = _independent(x, names, spread)
    x = x[:, [names.index(name) for name in kept]]
    asked = [name for name in kept if name in terms]
    inverse = np.linalg.inv(x.T @ x)
    beta = inverse @ (x.T @ y)
    codes, labels = pd.factorize(rows[cluster], sort=True)
    scores = pd.DataFrame(x * (y - x @ beta)[:, None]).groupby(codes).sum().to_numpy()
    clusters, n = len(labels), len(y)
    counted = len(kept) + times.nunique()
    scale = clusters / (clusters - 1) * (n - 1) / (n - counted)
    influence = (scores @ inverse)[:, : len(asked)]
    covariance = scale * influence.T @ influence
    table = tabled(beta[: len(asked)], covariance, asked, clusters, size)
    table["units"] = [int(rows[unit][_moving(rows, unit, terms[name])].nunique()) for name in asked]
    framed = pd.DataFrame(influence, index=labels, columns=asked)
    return Effects(table, covariance, framed, n, clusters, tuple(g for g in gone if g in terms))


def _moving(rows: pd.DataFrame, unit: str, values: Array) -> pd.Series:
    """Rows of units within which the values change."""
    held = pd.Series(np.asarray(values, float), index=rows.index).groupby(rows[unit])
    return held.transform("max") > held.transform("min")


def _independent(x: Array, names: Sequence[str], spread: Array) -> tuple[list[str], list[str]]:
    """Columns that add something to those before them, terms first, and those that do not.

    `spread` has the columns' squares about their means before effects were taken out: what is left is compared with them, so
    that no unit of measurement decides.
    """
    kept: list[int] = []
    gone = []
    for j, name in enumerate(names):
        column, total = x[:, j], float((x[:, j] ** 2).sum())
        if kept:
            base = x[:, kept]
            column = column - base @ np.linalg.lstsq(base, column, rcond=None)[0]
        left = float((column**2).sum())
        if total > 0 and left > ABSORBED * total and left > ABSORBED * spread[j]:
            kept.append(j)
        else:
            gone.append(name)
    if not kept:
        raise EffectsError(said("effects.absorbed", names=listed(names)))
    return [names[j] for j in kept], gone
