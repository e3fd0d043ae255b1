"""Before an index: what to leave out, what to divide by, what to fill in. Nothing is done without a flag."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from fusion.composite.errors import CompositeError
from fusion.language import listed, said

IMPUTATIONS = (
    "none",
    "constant",
    "mean",
    "median",
    "group_mean",
    "group_median",
    "carry_forward",
    "linear",
)


def screen(
    values: pd.DataFrame, *, max_missing: float = 0.66, max_zero: float = 1.0, max_correlation: float = 0.99
) -> pd.DataFrame:
    """What each column lacks.

    Parameters
    ----------
    values : pandas.DataFrame, shape (n, k)
    max_missing, max_zero : float
        Largest shares of rows that are missing, and of values that are zero.
    max_correlation : float
        Columns whose |Pearson r| with an earlier kept one is above this are collinear.

    Returns
    -------
    pandas.DataFrame
        indicator, missing, zero (shares), constant, collinear_with ('' if none), correlation, keep, reason.
    """
    r = values.astype(float).corr()
    kept: list[object] = []
    rows = []
    for column in values:
        x = values[column].astype(float)
        missing, zero = float(x.isna().mean()), float((x.dropna() == 0).mean()) if x.notna().any() else 0.0
        constant = x.nunique() < 2
        other = max(kept, key=lambda c: abs(r.loc[c, column]), default=None) if kept else None
        closest = abs(r.loc[other, column]) if other is not None else 0.0
        reasons = {
            "missing": missing > max_missing,
            "zero": zero > max_zero,
            "constant": constant,
            "collinear": not constant and closest > max_correlation,
        }
        reason = ", ".join(name for name, holds in reasons.items() if holds)
        if not reason:
            kept.append(column)
        twin = str(other) if reasons["collinear"] else ""
        row = {"indicator": column, "missing": missing, "zero": zero, "constant": constant}
        rows.append(
            row | {"collinear_with": twin, "correlation": closest, "keep": not reason, "reason": reason}
        )
    return pd.DataFrame(rows)


def denominate(values: pd.DataFrame, by: Mapping[str, str], sizes: pd.DataFrame) -> pd.DataFrame:
    """Divide columns by declared sizes; a size that is zero or missing gives a missing value.

    Parameters
    ----------
    values : pandas.DataFrame, shape (n, k)
    by : mapping
        Column of ``values``: column of ``sizes``.
    sizes : pandas.DataFrame
        The same rows.

    Raises
    ------
    CompositeError
        When either column does not exist or a size is negative.
    """
    result = values.copy()
    for column, size in by.items():
        if column not in values or size not in sizes:
            raise CompositeError(
                said("composite.prepare.size", column=column, size=size, sizes=listed(sizes))
            )
        if (sizes[size] < 0).any():
            raise CompositeError(said("composite.prepare.negative", size=size))
        result[column] = values[column].astype(float) / sizes[size].astype(float).replace(0, np.nan)
    return result


def impute(
    values: pd.DataFrame,
    how: str = "none",
    *,
    group: pd.Series | None = None,
    unit: pd.Series | None = None,
    year: pd.Series | None = None,
    constant: float = 0.0,
    limit: int | None = None,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Fill in missing values, and say which.

    Parameters
    ----------
    values : pandas.DataFrame, shape (n, k)
    how : str
        none; constant; mean, median (of the column); group_mean, group_median (of the row's group, missing where
        the group has none); carry_forward (the unit's last earlier value); linear (between the unit's earlier and
        later value, by year, never beyond them).
    group : pandas.Series, optional
        Group of each row, e.g. industry and year.
    unit, year : pandas.Series, optional
        For carry_forward and linear.
    constant : float
        A declared value. A missing value is not zero: say why it is, where you take zero.
    limit : int, optional
        Most years that carry_forward reaches.

    Returns
    -------
    filled, flags : pandas.DataFrame, shape (n, k)
        ``flags`` is True where a value was filled in.

    Raises
    ------
    CompositeError
        For an unknown name, or when the group, unit or year that it needs is not given.
    """
    if how not in IMPUTATIONS:
        raise CompositeError(said("composite.prepare.how", how=how, imputations=listed(IMPUTATIONS)))
    x = values.astype(float)
    if how.startswith("group_"):
        if group is None:
            raise CompositeError(said("composite.prepare.group", how=how))
        filled = x.fillna(x.groupby(group.to_numpy()).transform(how.removeprefix("group_")))
    elif how in ("carry_forward", "linear"):
        filled = _along_years(x, how, unit, year, limit)
    else:
        fill = {"none": None, "constant": constant, "mean": x.mean(), "median": x.median()}[how]
        filled = x.copy() if fill is None else x.fillna(fill)
    return filled, x.isna() & filled.notna()


def _along_years(
    x: pd.DataFrame, how: str, unit: pd.Series | None, year: pd.Series | None, limit: int | None
) -> pd.DataFrame:
    if unit is None or year is None:
        raise CompositeError(said("composite.prepare.unit", how=how))
    order = np.lexsort((year.to_numpy(), unit.to_numpy()))
    y, units = x.iloc[order], unit.to_numpy()[order]
    when = y.notna().mul(year.to_numpy(float)[order], axis=0).where(y.notna())
    now = pd.DataFrame({c: year.to_numpy(float)[order] for c in y}, index=y.index)
    before, at = y.groupby(units).ffill(), when.groupby(units).ffill()
    if how == "carry_forward":
        near = now - at <= (np.inf if limit is None else limit)
        return y.fillna(before.where(near)).loc[x.index]
    after, until = y.groupby(units).bfill(), when.groupby(units).bfill()
    between = before + (after - before) * (now - at) / (until - at)
    return y.fillna(between).loc[x.index]
