"""From one tier of data to another: what service revenue alone says against its classes, and series brought to one level."""

from __future__ import annotations

from dataclasses import replace

import ibis
import numpy as np
import pandas as pd

from fusion.integration import firms
from fusion.integration.relatedness import ALL, Relatedness

FEWEST = 30  # firm-years with both tiers that a path's slope rests on; fewer take that of all paths
KEYS = ["firm_id", "year"]


def fullest(
    panel: ibis.Table, made: Relatedness, settings: firms.Settings, traits: pd.DataFrame
) -> pd.DataFrame:
    """F by the most that each firm tells, as sums take it, whatever tier a study ranks on.

    Parameters
    ----------
    panel, made, settings
        As `firms.integration` takes them.
    traits : pandas.DataFrame
        firm_id, year, and columns that stand beside it; a path that is empty is none.

    Returns
    -------
    pandas.DataFrame
        As `firms.integration`, with the traits.
    """
    found = (
        firms.integration(panel, made, replace(settings, common=False, withheld=None))
        .to_pandas()
        .merge(traits, on=KEYS)
    )
    return found.replace({"path": {"": None}}) if "path" in found else found


def common(panel: ibis.Table, made: Relatedness, settings: firms.Settings) -> pd.DataFrame:
    """F with classes left aside, as sums take it."""
    return firms.integration(panel, made, replace(settings, common=True, withheld=None)).to_pandas()


def overlap(common: pd.DataFrame, fullest: pd.DataFrame) -> pd.DataFrame:
    """F by classes (tier 2) regressed through the origin on F by service revenue (tier 1), where both are known.

    A firm without services has F = 0 at either tier, so the line has no intercept.

    Parameters
    ----------
    common : pandas.DataFrame
        firm_id, year, point: F with classes left aside.
    fullest : pandas.DataFrame
        firm_id, year, path, tier, point: F by the most that each firm tells.

    Returns
    -------
    pandas.DataFrame
        path (``total``: all of them, last); units and rows (that sell services and have both), slope, error (its standard
        error, by firm), spearman, apart (mean absolute difference of the two, points), passing (firms that are at tier 2 in
        some years and at tier 1 in others). Paths with fewer than `FEWEST` rows are left out; empty where all have.
    """
    both = fullest.merge(common[[*KEYS, "point"]], on=KEYS, suffixes=("", "_common"))
    both = both[both["tier"].isin([1, 2]) & (both["point"] > 0) & (both["point_common"] > 0)]
    kinds = both.groupby("firm_id")["tier"].nunique()
    passing = both["firm_id"].map(kinds) > 1
    told = both["tier"] == 2
    groups = [(path, both["path"] == path) for path in sorted(both["path"].dropna().unique())]
    groups.append((ALL, pd.Series(True, both.index)))
    rows = [
        {"path": path, **_line(both[own & told]), "passing": both.loc[own & passing, "firm_id"].nunique()}
        for path, own in groups
        if (own & told).sum() >= FEWEST
    ]
    columns = ["path", "units", "rows", "slope", "error", "spearman", "apart", "passing"]
    return pd.DataFrame(rows, columns=columns)


def splice(rows: pd.DataFrame, found: pd.DataFrame) -> pd.DataFrame:
    """Firm-years of tier 1 brought to the level of tier 2 by their path's slope, within their bounds.

    Parameters
    ----------
    rows : pandas.DataFrame
        path, tier, low, point, high.
    found : pandas.DataFrame
        `overlap`; where it is empty all stays as it was.

    Returns
    -------
    pandas.DataFrame
        With ``splice``, the factor of the point (1 elsewhere), and ``splice_error``, its standard error times the point.
    """
    if not len(found):
        return rows.assign(splice=1.0, splice_error=0.0)
    lines = found.set_index("path")
    own = rows["path"].where(rows["path"].isin(lines.index), ALL)
    moved = (rows["tier"] == 1) & (rows["point"] > 0)
    point = (
        (rows["point"] * own.map(lines["slope"])).clip(rows["low"], rows["high"]).where(moved, rows["point"])
    )
    factor = (point / rows["point"]).where(moved, 1.0)
    error = (rows["point"] * own.map(lines["error"])).where(moved, 0.0)
    return rows.assign(point=point, splice=factor, splice_error=error)


# -- inside ------------------------------------------------------------------------------------
def _line(rows: pd.DataFrame) -> dict[str, float]:
    x, y = rows["point_common"].to_numpy(float), rows["point"].to_numpy(float)
    slope = float(x @ y / (x @ x))
    firms = pd.factorize(rows["firm_id"])[0]
    score = np.bincount(firms, x * (y - slope * x))
    units = len(score)
    error = float(np.sqrt(units / (units - 1) * score @ score) / (x @ x)) if units > 1 else np.nan
    ranks = float(rows["point"].corr(rows["point_common"], method="spearman"))
    apart = float(100 * np.abs(y - x).mean())
    return {"units": units, "rows": len(x), "slope": slope, "error": error, "spearman": ranks, "apart": apart}
