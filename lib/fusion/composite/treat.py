"""Outliers: cutting to quantiles, and the two-stage rule on skewness and kurtosis.

The two-stage rule is that of the JRC's practice as the R package COINr has it (function `Treat`): a column
passes when |skewness| < 2 or excess kurtosis < 3.5; if not, its extreme values are moved to the next ones, up
to a number of points; if it still does not pass, the original column is transformed by a logarithm instead.
A treatment is a table of cut points, so that it can be frozen and applied to later data.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from fusion.composite.errors import CompositeError
from fusion.language import listed, said

Floats = NDArray[np.float64]
METHODS = ("none", "winsorise", "two_stage")


def skewness(x: ArrayLike) -> float:
    """Sample skewness G1 = √(n(n−1))/(n−2) · m₃/m₂^1.5, missing values left out; NaN under three values."""
    d, n = _centred(x)
    if n < 3 or not d.any():
        return float("nan")
    return float(np.sqrt(n * (n - 1)) / (n - 2) * np.mean(d**3) / np.mean(d**2) ** 1.5)


def kurtosis(x: ArrayLike) -> float:
    """Sample excess kurtosis G2 = (n−1)/((n−2)(n−3)) · [(n+1)(m₄/m₂² − 3) + 6]; NaN under four values."""
    d, n = _centred(x)
    if n < 4 or not d.any():
        return float("nan")
    g2 = np.mean(d**4) / np.mean(d**2) ** 2 - 3
    return float((n - 1) / ((n - 2) * (n - 3)) * ((n + 1) * g2 + 6))


def fit(
    values: pd.DataFrame,
    how: str = "two_stage",
    *,
    tail: float = 0.01,
    points: int = 5,
    skew_limit: float = 2.0,
    kurt_limit: float = 3.5,
) -> pd.DataFrame:
    """Cut points of each column.

    Parameters
    ----------
    values : pandas.DataFrame, shape (n, k)
    how : {"none", "winsorise", "two_stage"}
    tail : float
        Share at each end, for ``winsorise``.
    points : int
        Most points that ``two_stage`` may move.
    skew_limit, kurt_limit : float
        A column passes if it is below either.

    Returns
    -------
    pandas.DataFrame
        indicator, stage (none, winsorise, log), low, high (cut points), log_sign, log_from, log_shift (of the
        logarithm), moved (values changed by cutting), skew_before, kurt_before, skew_after, kurt_after.
    """
    if how not in METHODS:
        raise CompositeError(said("composite.treat.how", how=how, methods=listed(METHODS)))
    if how == "winsorise" and not 0 <= tail < 0.5:
        raise CompositeError(said("composite.treat.tail", tail=tail))
    rows = []
    for column in values:
        x = values[column].to_numpy(float)
        row = {"indicator": column, "stage": "none", "low": -np.inf, "high": np.inf}
        row |= {"log_sign": np.nan, "log_from": np.nan, "log_shift": np.nan}
        if how == "winsorise" and tail > 0 and not np.isnan(x).all():
            low, high = np.nanquantile(x, [tail, 1 - tail])
            row |= {"stage": "winsorise", "low": low, "high": high}
        if how == "two_stage":
            row |= _two_stage(x, points, skew_limit, kurt_limit)
        row["moved"] = int(np.sum((x < row["low"]) | (x > row["high"])))
        rows.append(row | _moments(x, row))
    return pd.DataFrame(rows)


def apply(values: pd.DataFrame, table: pd.DataFrame) -> pd.DataFrame:
    """Treat columns by a table of `fit`, from these data or frozen from earlier ones.

    Raises
    ------
    CompositeError
        When the table has no row for a column.
    """
    rows = table.set_index("indicator")
    lacking = [str(c) for c in values if c not in rows.index]
    if lacking:
        raise CompositeError(said("composite.treat.no_cuts", lacking=listed(lacking)))
    treated = {c: _apply_one(values[c].to_numpy(float), rows.loc[c].to_dict()) for c in values}
    return pd.DataFrame(treated, index=values.index, columns=values.columns)


def _apply_one(x: Floats, row: dict[str, object]) -> Floats:
    cut = np.clip(x, float(row["low"]), float(row["high"]))  # type: ignore[arg-type]
    if row["stage"] != "log":
        return cut
    sign, start, shift = (float(row[f"log_{name}"]) for name in ("sign", "from", "shift"))  # type: ignore[arg-type]
    return np.asarray(sign * np.log(sign * cut - start + shift))


def _two_stage(x: Floats, points: int, skew_limit: float, kurt_limit: float) -> dict[str, object]:
    def passes(v: Floats) -> bool:
        skew, kurt = skewness(v), kurtosis(v)
        return bool(np.isnan(skew) or abs(skew) < skew_limit or kurt < kurt_limit)

    cut, moved = x.copy(), 0
    while not passes(cut) and moved < points:
        high = skewness(cut) >= 0
        end = np.nanmax(cut) if high else np.nanmin(cut)
        inside = cut[cut < end] if high else cut[cut > end]
        if np.unique(inside).size < 2:
            break
        cut[cut == end] = inside.max() if high else inside.min()
        moved = int(np.nansum(cut != x) - np.isnan(x).sum())
    if passes(cut):
        ends = {"low": float(np.nanmin(cut)), "high": float(np.nanmax(cut))} if moved else {}
        return {"stage": "winsorise", **ends} if moved else {}
    # A column skewed to the left is mirrored first, since a logarithm pulls in the right tail only.
    sign = 1.0 if skewness(x) >= 0 else -1.0
    start, last = float(np.nanmin(sign * x)), float(np.nanmax(sign * x))
    bound = {"low": start} if sign > 0 else {"high": -start}
    return {
        "stage": "log",
        **bound,
        "log_sign": sign,
        "log_from": start,
        "log_shift": 0.01 * (last - start),
    }


def _moments(x: Floats, row: dict[str, object]) -> dict[str, float]:
    after = _apply_one(x, row)
    return {
        "skew_before": skewness(x),
        "kurt_before": kurtosis(x),
        "skew_after": skewness(after),
        "kurt_after": kurtosis(after),
    }


def _centred(x: ArrayLike) -> tuple[Floats, int]:
    values = np.asarray(x, dtype=float)
    values = values[~np.isnan(values)]
    return (values - values.mean() if values.size else values), values.size
