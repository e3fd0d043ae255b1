"""Whether F behaves as a measure of integration should: marks that were set beforehand, and what the data say."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fusion.composite.reliability import icc
from fusion.integration.sides import makers

# Indicators that measure the same thing by other means, with the correlation that would be enough, and such that must
# not be the same thing, with the largest that passes. All are judgement.
CONVERGENT = {"D5": 0.5, "C6": 0.3, "activities": 0.3, "A6": 0.2}
DISCRIMINANT = {"staff": 0.2, "C1": 0.2, "C2": 0.2, "C8": 0.2, "B2": 0.2}
OWN = 0.3  # of what a study brings
STABLE, KEPT, ICC, DRAWN = 0.85, 0.7, 0.75, 0.95


def marks(
    rows: pd.DataFrame, drawn: NDArray[np.float64] | None = None, own: Sequence[str] = ()
) -> pd.DataFrame:
    """Convergence, discrimination, known groups, stability, relatedness.

    Parameters
    ----------
    rows : pandas.DataFrame
        firm_id, year, integration, ind4 and, of the indicators above, what there is; employees_avg, biz_activity_codes.
        Correlations are among makers of goods that sell services.
    drawn : ndarray, shape (rows of the last year's ranking, draws), optional
        F under draws of relatedness.
    own : sequence of str
        Columns of the study that measure the same by other means: counts of words in annual reports, services in segment
        revenue, a bureau's measure.

    Returns
    -------
    pandas.DataFrame
        kind, test, units, value, mark, passed (1 or 0), within (Pearson correlation of the deviations from each firm's mean over
        years, of the first two kinds). Tests whose columns the panel lacks are left out.
    """
    maker = makers(rows["ind4"])
    sellers = _more(rows[maker & (rows["integration"] > 0)])
    found = [
        _row("convergent", name, sellers, mark)
        for name, mark in (CONVERGENT | dict.fromkeys(own, OWN)).items()
        if _there(sellers, name)
    ]
    found += [
        _row("discriminant", name, sellers, mark)
        for name, mark in DISCRIMINANT.items()
        if _there(sellers, name)
    ]
    found += _known(rows) + _stability(rows)
    if drawn is not None and drawn.size:
        centre = pd.Series(drawn.mean(axis=1)).rank()
        each = [centre.corr(pd.Series(drawn[:, d]).rank()) for d in range(drawn.shape[1])]
        found.append(_mark("relatedness", "draws", len(centre), float(np.median(each)), DRAWN, True))
    columns = ["kind", "test", "units", "value", "mark", "passed", "within"]
    return pd.DataFrame(found, columns=columns)


# -- inside ------------------------------------------------------------------------------------
def _there(rows: pd.DataFrame, name: str) -> bool:
    if name not in rows or rows[[name, "integration"]].dropna().shape[0] <= 30:
        return False
    return bool(rows[name].max() > rows[name].min())


def _more(rows: pd.DataFrame) -> pd.DataFrame:
    new: dict[str, Any] = {}
    if "employees_avg" in rows:
        new["staff"] = rows["employees_avg"].astype(float)
    if "biz_activity_codes" in rows:
        codes = rows["biz_activity_codes"].astype("str").str.count(r"\d{4}")
        new["activities"] = codes.where(rows["biz_activity_codes"].notna())
    return rows.assign(**new)


def _row(kind: str, name: str, rows: pd.DataFrame, mark: float) -> dict[str, Any]:
    both = rows[["firm_id", name, "integration"]].dropna()
    value = float(both[name].astype(float).corr(both["integration"], method="spearman"))
    alike = kind == "convergent"
    found = _mark(kind, name, both["firm_id"].nunique(), value if alike else abs(value), mark, alike)
    return found | {"within": _within(both, name)}


def _within(both: pd.DataFrame, name: str) -> float:
    """Whether a firm's integration moves with another of its measures: what both have over years less its own mean."""
    own = both[[name, "integration"]].astype(float)
    moved = own - own.groupby(both["firm_id"]).transform("mean")
    return float(moved[name].corr(moved["integration"])) if (moved.abs().max() > 0).all() else float("nan")


def _known(rows: pd.DataFrame) -> list[dict[str, Any]]:
    """Largest F of firms that report no service, and of services firms that name no goods."""
    told = rows.dropna(subset=["integration"])
    if "A1" not in told:
        return []
    groups = {"pure_factory": told["A1"] == 0, "pure_services": told["A1"] > 97}
    return [
        _mark(
            "known groups",
            name,
            told.loc[own, "firm_id"].nunique(),
            float(told.loc[own, "integration"].mean()),
            1.0,
            False,
        )
        for name, own in groups.items()
        if own.any()
    ]


def _stability(rows: pd.DataFrame) -> list[dict[str, Any]]:
    """Among firms that sell services: from one year to the next, rank correlation and top tenth kept; ICC over all years."""
    own = rows.loc[rows["integration"] > 0, ["firm_id", "year", "integration"]]
    pairs = own.merge(own.assign(year=own["year"] + 1), on=["firm_id", "year"], suffixes=("", "_before"))
    if len(pairs) < 30:
        return []
    value = pairs["integration"].corr(pairs["integration_before"], method="spearman")
    kept = []
    for _, year in pairs.groupby("year"):
        tenth = max(len(year) // 10, 1)
        now, before = (set(year.nlargest(tenth, c)["firm_id"]) for c in ("integration", "integration_before"))
        kept.append(len(now & before) / tenth)
    units = pairs["firm_id"].nunique()
    return [
        _mark("stability", "year_to_year", units, float(value), STABLE, True),
        _mark("stability", "top_tenth_kept", units, float(np.mean(kept)), KEPT, True),
        _mark("stability", "icc", units, icc(own["integration"], own["firm_id"]), ICC, True),
    ]


def _mark(kind: str, test: str, units: int, value: float, mark: float, above: bool) -> dict[str, Any]:
    passed = value >= mark if above else value <= mark
    return {"kind": kind, "test": test, "units": units, "value": value, "mark": mark, "passed": int(passed)}
