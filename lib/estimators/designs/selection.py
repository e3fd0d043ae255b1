"""What can be said where outcomes are missing or treatment is misreported: bounds of Manski and Lee, Aigner's correction.

All compare units within cells (a start year, a path), weighted by the treated, and need no model of who is missing. Where a unit
is in several cells (a control of several starts), `unit` names it, so that errors are of units and not of rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy import optimize, stats

from estimators.errors import EffectsError
from estimators.finite import refuse_infinite
from estimators.language import said

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Bounds:
    """Least and most of an effect, with the interval that holds the effect itself (not the whole set) with chance 1 − size.

    Attributes
    ----------
    low, high, ci_low, ci_high : float
    share : float
        Of the treated whose outcome is missing (Manski), or that is trimmed (Lee).
    treated, others : int
        Units compared.
    """

    low: float
    high: float
    ci_low: float
    ci_high: float
    share: float
    treated: int
    others: int


def worst_case(
    low: ArrayLike,
    high: ArrayLike,
    treated: ArrayLike,
    cell: ArrayLike,
    size: float = 0.05,
    unit: ArrayLike | None = None,
) -> Bounds:
    """Manski (1990): the difference of means when each outcome is anywhere between its own least and most value.

    Parameters
    ----------
    low, high : array_like, shape (n,)
        Equal where the outcome is known.
    treated : array_like of 0/1, shape (n,)
    cell : array_like, shape (n,)
        Only units of one cell are compared.

    Notes
    -----
    Errors are those of the two means by cell; the interval is Imbens & Manski's (2004, Econometrica 72).
    """
    least, most = np.asarray(low, float), np.asarray(high, float)
    if (least > most).any() or not (np.isfinite(least) & np.isfinite(most)).all():
        raise EffectsError(said("designs.bounds_cross"))
    on, weights = _cells(treated, cell)
    (a, va), (b, vb) = (
        _difference(*pair, on, weights, _codes(unit, len(least))) for pair in ((least, most), (most, least))
    )
    share = float((weights[on] * (least < most)[on]).sum() / weights[on].sum())
    used = weights != 0
    return _between(a, b, va, vb, size, share, int((on & used).sum()), int((~on & used).sum()))


def lee(
    outcome: ArrayLike,
    treated: ArrayLike,
    cell: ArrayLike,
    size: float = 0.05,
    draws: int = 199,
    seed: int = 1,
    unit: ArrayLike | None = None,
) -> Bounds:
    """Lee (2009, Review of Economic Studies 76): the effect on units that are seen treated or not.

    Treatment may move who is seen.
    In each cell the group that is seen more often loses the share of its seen units by which it is, once from the top and once
    from the bottom. Needs that treatment moves who is seen in one direction in each cell.

    Parameters
    ----------
    outcome : array_like, shape (n,)
        NaN: not seen.
    treated, cell : array_like, shape (n,)
    draws : int
        Units drawn anew, those ever treated and the others apart, for errors; the interval is Imbens & Manski's.
    """
    y, code = np.asarray(outcome, float), np.unique(np.asarray(cell), return_inverse=True)[1]
    on, weights = _cells(treated, cell)
    used = weights != 0
    who = np.unique(_codes(unit, len(y))[used], return_inverse=True)[1]
    y, on, code = y[used], on[used], code[used]
    low, high, share = _trimmed(y, on, code)
    rng = np.random.default_rng(seed)
    order = np.argsort(who, kind="stable")
    rows_of = np.split(order, np.cumsum(np.bincount(who))[:-1])
    ever = np.bincount(who, on) > 0
    groups = [np.flatnonzero(ever), np.flatnonzero(~ever)]
    drawn: list[tuple[float, float]] = []
    for _ in range(draws):
        chosen = np.concatenate([rng.choice(g, len(g)) for g in groups if len(g)])
        rows = np.concatenate([rows_of[i] for i in chosen])
        if np.isfinite(y[rows][on[rows]]).any() and np.isfinite(y[rows][~on[rows]]).any():
            drawn.append(_trimmed(y[rows], on[rows], code[rows])[:2])
    va, vb = np.array(drawn).var(axis=0, ddof=1) if len(drawn) > 1 else (0.0, 0.0)
    return _between(low, high, va, vb, size, share, int(on.sum()), int((~on).sum()))


@dataclass(frozen=True)
class Corrected:
    """A difference of means as reported and corrected for errors of report; ``attenuation`` is their ratio."""

    naive: float
    naive_error: float
    estimate: float
    std_error: float
    ci_low: float
    ci_high: float
    attenuation: float
    n: int


def misreported(
    outcome: ArrayLike,
    reported: ArrayLike,
    cell: ArrayLike,
    false_positive: float,
    false_negative: float,
    size: float = 0.05,
    unit: ArrayLike | None = None,
) -> Corrected:
    """The effect of a 0/1 treatment whose report is wrong at declared rates, one row a unit.

    With a = P(reported | untreated), b = P(not reported | treated) and errors that have nothing to do with the outcome given the
    truth, (d − a)/(1 − a − b) is the truth plus an error of mean 0, whose variance is a(1 − a)/(1 − a − b)² for the untreated and
    b(1 − b)/(1 − a − b)² for the treated (Aigner 1973, Journal of Econometrics 1; Hausman, Abrevaya & Scott-Morton 1998, same
    journal 87). Least squares within cells has Σ T̃² too large by the sum of these; it is taken off.

    Raises
    ------
    EffectsError
        When the rates add up to one or more, or leave no variance of the true treatment.
    """
    y, d = np.asarray(outcome, float), np.asarray(reported, float)
    code = np.unique(np.asarray(cell), return_inverse=True)[1]
    a, b = false_positive, false_negative
    kept = 1 - a - b
    if kept <= 0:
        raise EffectsError(said("designs.error_rates", a=a, b=b))
    truth = (d - a) / kept
    count = np.bincount(code)
    # E[u² | report] has the right mean: of each unit the chance to be treated is its corrected report.
    noise = (a * (1 - a) * (1 - truth) + b * (1 - b) * truth) / kept**2 * (1 - 1 / count)[code]
    inside_y, inside_t = _within(y, code, count), _within(truth, code, count)
    square = float(inside_t @ inside_t - noise.sum())
    whole = float(inside_t @ inside_t)
    if not square > 1e-9 * whole:
        raise EffectsError(said("designs.error_rates", a=a, b=b))
    estimate = float(inside_t @ inside_y) / square
    naive = float(inside_t @ inside_y) / whole / kept
    who = _codes(unit, len(y))
    psi = np.bincount(who, inside_t * (inside_y - estimate * inside_t) + estimate * noise) / square
    plain = np.bincount(who, inside_t * (inside_y - naive * kept * inside_t)) / whole / kept
    error = float(np.sqrt(psi @ psi))
    half = stats.norm.ppf(1 - size / 2) * error
    return Corrected(
        naive,
        float(np.sqrt(plain @ plain)),
        estimate,
        error,
        estimate - half,
        estimate + half,
        naive / estimate if estimate else float("nan"),
        len(y),
    )


def changes(
    data: pd.DataFrame, ahead: int, least: str = "y", most: str = "y", keep: Sequence[str] = ()
) -> pd.DataFrame:
    """Changes from the year before each start to some years after it, of starters and of those who have not started by then.

    Parameters
    ----------
    data : DataFrame
        unit, year, start (0: never), and the columns named; units seen in the year before a start are compared.
    ahead : int
        Years after the start.
    least, most : str
        Columns between which a value lies; equal where it is known.
    keep : sequence of str
        Columns whose values in the year before the start are kept.

    Returns
    -------
    DataFrame
        unit, cell (start year), treated, low and high (NaN: not seen then), and those kept.
    """
    refuse_infinite(data, [least, most, *keep])
    parts = []
    for start in sorted(set(data.loc[data["start"] > 0, "start"])):
        then, now = (data[data["year"] == year].set_index("unit") for year in (start - 1, start + ahead))
        if now.empty:
            continue
        own = then[(then["start"] == start) | (then["start"] == 0) | (then["start"] > start + ahead)]
        after = now.reindex(own.index)
        values = {"low": after[least] - own[most], "high": after[most] - own[least]}
        known = {name: own[name] for name in keep}
        parts.append(pd.DataFrame({"cell": start, "treated": own["start"] == start, **values, **known}))
    if not parts:
        return pd.DataFrame(columns=["unit", "cell", "treated", "low", "high", *keep])
    return pd.concat(parts).reset_index()


def known_changes(data: pd.DataFrame, ahead: int, least: str, most: str) -> pd.DataFrame:
    """`changes` of units for which both ends are known in both years; none where the data have no such columns."""
    if not {least, most} <= set(data):
        return pd.DataFrame()
    return changes(data.dropna(subset=[least, most]), ahead, least, most).dropna()


# -- inside ------------------------------------------------------------------------------------
def _cells(treated: ArrayLike, cell: ArrayLike) -> tuple[NDArray[np.bool_], Array]:
    """Treated, and weights that give each cell the share of its treated; 0 in cells without both."""
    on = np.asarray(treated).astype(bool)
    code = np.unique(np.asarray(cell), return_inverse=True)[1]
    ones, zeros = np.bincount(code, on), np.bincount(code, ~on)
    both = (ones > 0) & (zeros > 0)
    if not both.any():
        raise EffectsError(said("designs.no_cell"))
    with np.errstate(divide="ignore", invalid="ignore"):
        weights = np.where(on, 1.0, (ones / zeros)[code]) * both[code]
    return on, weights


def _codes(unit: ArrayLike | None, n: int) -> NDArray[np.int64]:
    return np.arange(n) if unit is None else np.unique(np.asarray(unit), return_inverse=True)[1]


def _difference(
    mine: Array, theirs: Array, on: NDArray[np.bool_], weights: Array, who: NDArray[np.int64]
) -> tuple[float, float]:
    """Weighted mean of the treated's values less that of the others', and its variance by units."""
    share, values = weights / weights[on].sum(), np.where(on, mine, theirs)
    means = [float(share[group] @ values[group]) for group in (on, ~on)]
    psi = np.where(on, share * (values - means[0]), -share * (values - means[1]))
    return means[0] - means[1], float((np.bincount(who, psi) ** 2).sum())


def _trimmed(y: Array, on: NDArray[np.bool_], code: NDArray[np.int64]) -> tuple[float, float, float]:
    """Lee's bounds over cells, weighted by treated units that are seen or would be, and the mean share trimmed."""
    low, high, share, total = 0.0, 0.0, 0.0, 0.0
    for c in np.unique(code):
        mine, theirs = y[(code == c) & on], y[(code == c) & ~on]
        seen = [np.isfinite(mine).mean(), np.isfinite(theirs).mean()]
        if min(seen) == 0:
            continue
        weight = len(mine) * min(seen)
        more = int(seen[1] > seen[0])
        cut = 1 - seen[1 - more] / seen[more]
        groups = [np.sort(mine[np.isfinite(mine)]), np.sort(theirs[np.isfinite(theirs)])]
        ends = [_kept_mean(groups[more], cut, top) for top in (True, False)]  # least, then most
        plain = float(groups[1 - more].mean())
        pair = (ends[0] - plain, ends[1] - plain) if more == 0 else (plain - ends[1], plain - ends[0])
        low, high, share, total = (
            low + weight * pair[0],
            high + weight * pair[1],
            share + weight * cut,
            total + weight,
        )
    if not total:
        raise EffectsError(said("designs.no_cell"))
    return low / total, high / total, share / total


def _kept_mean(ordered: Array, cut: float, top: bool) -> float:
    """Mean of sorted values less a share of them at the top (or bottom); the last one counts by what is left of it."""
    values = ordered if top else ordered[::-1]
    left = len(values) * (1 - cut)
    weight = np.clip(left - np.arange(len(values)), 0, 1)
    return float(weight @ values / weight.sum())


def _within(values: Array, code: NDArray[np.int64], count: NDArray[np.int64]) -> Array:
    return np.asarray(values - (np.bincount(code, values) / count)[code])


def _between(
    low: float, high: float, va: float, vb: float, size: float, share: float, treated: int, others: int
) -> Bounds:
    """Imbens & Manski: c solves Φ(c + (high − low)/max error) − Φ(−c) = 1 − size."""
    errors = np.sqrt([va, vb])
    wide = (high - low) / errors.max() if errors.max() > 0 else np.inf
    c = optimize.brentq(lambda x: stats.norm.cdf(x + wide) - stats.norm.cdf(-x) - (1 - size), 0, 10)
    return Bounds(low, high, low - c * errors[0], high + c * errors[1], share, treated, others)
