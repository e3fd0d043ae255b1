"""Effects on an outcome that only some units tell: those that told, weighted by one over their chance to tell.

Where telling has nothing to do with the outcome once columns known of all units are given (and treatment and cell), units that
told stand for those like them that did not (Horvitz & Thompson 1952, Journal of the American Statistical Association 47; for
missing outcomes Robins, Rotnitzky & Zhao 1995, same journal 90). Units are compared within cells as by `selection`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from estimators.designs.selection import changes
from estimators.errors import EffectsError
from estimators.finite import refuse_infinite
from estimators.language import said

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Reported:
    """Effects from units that told, plainly and weighted, with the model of telling.

    Attributes
    ----------
    effects : DataFrame
        how (plain, weighted), estimate, std_error, ci_low, ci_high, treated, others (units that told).
    model : DataFrame
        term, estimate, std_error, p_value: the logit; columns per standard deviation, so that no unit matters.
    told, units, raised : int
        Rows that told, units among all rows, rows that told whose chance was raised to the least one.
    least, most : float
        Chances to tell of rows that told, before that.
    effective : float
        (Σ w)²/Σ w² of rows that told: as many equal weights would be as good.
    """

    effects: pd.DataFrame
    model: pd.DataFrame
    told: int
    units: int
    raised: int
    least: float
    most: float
    effective: float

    @property
    def counts(self) -> dict[str, float]:
        """What is neither the effects nor the model."""
        return {name: value for name, value in vars(self).items() if name not in ("effects", "model")}


def reported(
    rows: pd.DataFrame, columns: Sequence[str], floor: float = 0.05, size: float = 0.05, y: str = "y"
) -> Reported:
    """The mean effect on all treated units, told by those that tell.

    Parameters
    ----------
    rows : DataFrame
        unit, cell, treated (0/1), `y` (NaN: not told) and `columns`, known of all rows and before treatment.
    columns : sequence of str
        What telling may go with, beside treatment and cell.
    floor : float
        Chances below it count as it: no row weighs more than 1/floor. Bias for variance; `raised` says how many.

    Notes
    -----
    Cells weigh by their treated units, whether they told or not; means are over weights that add up to one (Hájek). Errors are of
    units, and hold that chances are estimated: ψ of the means less its projection on the score of the logit.

    Raises
    ------
    EffectsError
        When nobody is silent, no cell has treated and others that told, or telling is foretold without error.
    """
    refuse_infinite(rows, [y, *columns])
    told = rows[y].notna().to_numpy()
    usable = _comparable(rows, told)
    rows, told = rows[usable].reset_index(drop=True), told[usable]
    if told.all() or not told.any():
        raise EffectsError(said("designs.nobody_silent", told=int(told.sum()), n=len(rows)))
    x, terms = _regressors(rows, columns)
    chance, spread, score, table = _logit(x, terms, told, np.unique(rows["unit"], return_inverse=True)[1])
    held = np.maximum(chance, floor)
    weight = np.where(told, 1 / held, 0.0)
    # What a change of the logit's coefficients does to each weight; none where the chance is held.
    moves = np.where(told & (chance > floor), -(1 - chance) / chance, 0.0)[:, None] * x
    found = [
        _line("plain", rows, y, told.astype(float), None, size),
        _line("weighted", rows, y, weight, (moves, spread, score), size),
    ]
    own = weight[told]
    return Reported(
        pd.DataFrame(found),
        table,
        int(told.sum()),
        int(rows["unit"].nunique()),
        int((chance[told] < floor).sum()),
        float(chance[told].min()),
        float(chance[told].max()),
        float(own.sum() ** 2 / (own @ own)),
    )


def silent(
    data: pd.DataFrame, ahead: int, point: str, ends: tuple[str, str], columns: Sequence[str]
) -> pd.DataFrame:
    """Changes of a value that some units do not tell, from the year before each start, with the least and most of each.

    Parameters
    ----------
    data : DataFrame
        unit, year, start, and the columns named.
    ahead : int
        Years after the start.
    point : str
        The value where it is told; NaN where not.
    ends : pair of str
        Columns between which it lies where it is not told.
    columns : sequence of str
        Kept as they stand in the year before the start.

    Returns
    -------
    DataFrame
        As `selection.changes`, with y (NaN: not told in both years); low and high are y where it is told.
    """
    if not {point, *ends, *columns} <= set(data):
        return pd.DataFrame()
    refuse_infinite(data, [point, *ends, *columns])
    known = data.dropna(subset=[*ends])
    own = known.assign(**{end: known[point].fillna(known[end]) for end in ends})
    rows = changes(own, ahead, *ends, keep=columns)
    if rows.empty:
        return rows
    return rows.assign(y=changes(known, ahead, point, point)["low"]).dropna(subset=["low", "high", *columns])


# -- inside ------------------------------------------------------------------------------------
def _comparable(rows: pd.DataFrame, told: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Rows of cells in which treated and others told."""
    on = rows["treated"].astype(bool)
    some = [pd.Series(told & side, rows.index).groupby(rows["cell"]).transform("any") for side in (on, ~on)]
    usable = (some[0] & some[1]).to_numpy(bool)
    if not usable.any():
        raise EffectsError(said("designs.no_cell"))
    return usable


def _regressors(rows: pd.DataFrame, columns: Sequence[str]) -> tuple[Array, list[str]]:
    """Constant, treatment, columns over their standard deviation, and cells but the first."""
    values = rows[list(columns)].to_numpy(float)
    if not np.isfinite(values).all():
        raise EffectsError(said("designs.columns_unknown", columns=", ".join(columns)))
    spread = values.std(axis=0)
    vary = spread > 1e-12 * np.abs(values).max(axis=0, initial=0)
    scaled = (values[:, vary] - values[:, vary].mean(axis=0)) / spread[vary]
    cells = pd.get_dummies(rows["cell"].astype(str)).to_numpy(float)[:, 1:]
    x = np.column_stack([np.ones(len(rows)), rows["treated"].to_numpy(float), scaled, cells])
    kept = [name for name, yes in zip(columns, vary, strict=True) if yes]
    return x, ["const", "treated", *kept, *[""] * cells.shape[1]]


def _logit(
    x: Array, terms: list[str], told: NDArray[np.bool_], who: NDArray[np.int64]
) -> tuple[Array, Array, Array, pd.DataFrame]:
    """Chances to tell, inverse of the information, scores of rows, and the model's table with errors of units."""
    import warnings

    from statsmodels.discrete.discrete_model import Logit
    from statsmodels.tools.sm_exceptions import PerfectSeparationError, PerfectSeparationWarning

    if np.linalg.matrix_rank(x) < x.shape[1]:
        raise EffectsError(said("designs.columns_unknown", columns=", ".join(t for t in terms if t)))
    with warnings.catch_warnings():
        warnings.simplefilter("error", PerfectSeparationWarning)
        try:
            fit = Logit(told.astype(float), x).fit(disp=0, maxiter=200, tol=1e-10)
        except (PerfectSeparationError, PerfectSeparationWarning, np.linalg.LinAlgError):
            raise EffectsError(said("designs.telling_foretold")) from None
    chance = np.asarray(fit.predict(x), float)
    if not fit.mle_retvals["converged"] or not np.isfinite(fit.params).all() or chance.min() < 1e-8:
        raise EffectsError(said("designs.telling_foretold"))
    spread = np.linalg.inv((x * (chance * (1 - chance))[:, None]).T @ x)
    score = x * (told - chance)[:, None]
    by_unit = _by_unit(score, who) @ spread
    error = np.sqrt((by_unit**2).sum(axis=0))
    table = pd.DataFrame({"term": terms, "estimate": fit.params, "std_error": error})
    table["p_value"] = 2 * stats.norm.sf(np.abs(table["estimate"] / table["std_error"]))
    return chance, spread, score, table[table["term"] != ""].reset_index(drop=True)


def _line(
    how: str,
    rows: pd.DataFrame,
    y: str,
    weight: Array,
    model: tuple[Array, Array, Array] | None,
    size: float,
) -> dict[str, object]:
    """Difference of weighted means within cells, its error by units."""
    on, values = rows["treated"].to_numpy(bool), rows[y].fillna(0.0).to_numpy(float)
    code = np.unique(rows["cell"], return_inverse=True)[1]
    share = np.bincount(code, on) / on.sum()
    group = code * 2 + on
    total = np.bincount(group, weight)
    mean = np.bincount(group, weight * values) / total
    sign = np.where(on, 1.0, -1.0) * share[code] / total[group]
    left = sign * (values - mean[group])
    psi = (weight * left)[:, None]
    if model is not None:
        moves, spread, score = model
        psi = psi + score @ spread @ (moves * left[:, None]).sum(axis=0)[:, None]
    error = float(np.sqrt((_by_unit(psi, np.unique(rows["unit"], return_inverse=True)[1]) ** 2).sum()))
    estimate = float(share @ (mean[1::2] - mean[::2]))
    half = stats.norm.ppf(1 - size / 2) * error
    told = rows[rows[y].notna()]
    return {
        "how": how,
        "estimate": estimate,
        "std_error": error,
        "ci_low": estimate - half,
        "ci_high": estimate + half,
        "treated": told.loc[told["treated"].astype(bool), "unit"].nunique(),
        "others": told.loc[~told["treated"].astype(bool), "unit"].nunique(),
    }


def _by_unit(values: Array, who: NDArray[np.int64]) -> Array:
    return np.column_stack([np.bincount(who, column) for column in values.T])
