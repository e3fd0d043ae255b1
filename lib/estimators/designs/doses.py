"""Treatments of which units get different amounts: level and slope effects by dose (diff-diff)."""

from __future__ import annotations

import pandas as pd

from estimators.effects import dynamics
from estimators.errors import EffectsError
from estimators.finite import refuse_infinite
from estimators.language import said

KINDS = {"level": "dose_response_att", "slope": "dose_response_acrt"}


def doses(
    data: pd.DataFrame, dose: str, size: float = 0.05, degree: int = 1, points: int = 6
) -> pd.DataFrame:
    """ATT(d) and ACRT(d) by splines on units seen in all years, by diff-diff's `ContinuousDiD`.

    Parameters
    ----------
    data : DataFrame
        unit, year, start (0: never), y and the dose.
    dose : str
        Column; that of a unit's first treated year counts. Starters without a dose above zero are left out.
    size : float
        Of pointwise intervals.
    degree : int
        Of the spline.
    points : int
        About how many doses are told.

    Returns
    -------
    DataFrame
        kind (level, slope), dose, estimate, std_error, ci_low, ci_high, units (treated).

    Raises
    ------
    EffectsError
        When no unit has a dose.

    Notes
    -----
    Callaway, Goodman-Bacon & Sant'Anna (2024). The level needs parallel trends, the slope strong parallel trends.
    """
    import diff_diff as dd

    refuse_infinite(data, ["y", dose])
    first = data[(data["start"] > 0) & (data["year"] == data["start"])].set_index("unit")[dose]
    amount = data["unit"].map(first).where(data["start"] > 0, 0.0)
    kept = data[(data["start"] == 0) | (amount > 0)].assign(_dose=amount)
    kept = dynamics.balanced(kept.dropna(subset=["_dose"]))
    treated = kept.loc[kept["start"] > 0, "unit"].nunique() if len(kept) else 0
    if not treated:
        raise EffectsError(said("designs.no_dose", dose=dose))
    keys = {"outcome": "y", "unit": "unit", "time": "year", "first_treat": "start", "dose": "_dose"}
    found = dd.ContinuousDiD(degree=degree, alpha=size).fit(kept, **keys)
    return pd.concat(
        [_curve(getattr(found, name), kind, points) for kind, name in KINDS.items()], ignore_index=True
    ).assign(units=treated)


def _curve(curve: object, kind: str, points: int) -> pd.DataFrame:
    """Some points of a curve."""
    names = {"dose": "dose_grid", "estimate": "effects", "std_error": "se"}
    names |= {"ci_low": "conf_int_lower", "ci_high": "conf_int_upper"}
    whole = pd.DataFrame({name: getattr(curve, theirs) for name, theirs in names.items()})
    return whole.iloc[:: max(len(whole) // (points - 1), 1)].assign(kind=kind)
