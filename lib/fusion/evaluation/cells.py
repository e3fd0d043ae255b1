"""The index by path, district and year: level, rank, how both moved, and what moved them; small cells are pooled."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from fusion.evaluation.scorecard import CHAIN

BY_STAGE = "integration_by_"  # beginning of the columns of its parts, as `integration.firms` names them
FEWEST = 10  # units of a cell in every year; districts with fewer are pooled within their path
POOLED = "pooled"  # the districts of a path that are too small to stand alone
CELL = ["path", "district"]
COLUMNS = [
    *CELL,
    "year",
    "units",
    "silent",
    "mean",
    "low",
    "high",
    "rank",
    "rank_change",
    "firms",
    "came",
    "part",
    "part_change",
]


def parts(panel: pd.DataFrame, value: str) -> list[str]:
    """Columns of the parts of an index: of integration the stages of services, which add up to it; of the composite the chains.

    Other definitions (a share, a threshold) have no parts: a chain that moved would be said to move what it is no part of.
    """
    begins = {"integration": BY_STAGE, "composite": CHAIN}.get(value)
    return [c for c in panel.columns if begins and c.startswith(begins) and panel[c].notna().any()]


def bare(part: str) -> str:
    """A part's name without the beginning of its column."""
    return part.removeprefix(BY_STAGE).removeprefix(CHAIN)


def cells(panel: pd.DataFrame, value: str, made_of: Sequence[str] = ()) -> pd.DataFrame:
    """Mean of an index in each cell of path and district, by year.

    Parameters
    ----------
    panel : pandas.DataFrame
        firm_id, year, path, district, the index and its parts.
    value : str
        Column of the index.
    made_of : sequence of str
        Columns of its parts, as `parts` names them.

    Returns
    -------
    pandas.DataFrame
        ``COLUMNS``: units that tell, and the share (%) of the cell's that do not; mean over those that tell with its 95 %
        interval; rank in the year, 1 the highest; change of rank
        since the year before (above zero: it rose); change of the mean in points that firms of both years made
        (``firms``), and what comes of who is there (``came``): the two add up; the part that moved most among firms of both
        years, without the beginning of its column, with its change. A cell with fewer than ``FEWEST`` units in a year
        in which it has any is pooled with the path's others; a pool that is still smaller is left out.
    """
    if not {value, *CELL} <= set(panel.columns):
        return pd.DataFrame(columns=COLUMNS)
    there = placed(panel, value)
    told = there.dropna(subset=[value])
    if told.empty:
        return pd.DataFrame(columns=COLUMNS)
    grouped = told.groupby([*CELL, "year"])[value]
    out = grouped.agg(units="size", mean="mean", sd="std").reset_index()
    quiet = there[value].isna().groupby([there[c] for c in (*CELL, "year")]).mean()
    out = out.merge((100 * quiet).rename("silent").reset_index(), on=[*CELL, "year"])
    half = 1.96 * out["sd"] / np.sqrt(out["units"])
    out["low"], out["high"] = out["mean"] - half, out["mean"] + half
    out["rank"] = out.groupby("year")["mean"].rank(ascending=False, method="min")
    before = out[[*CELL, "year", "mean", "rank"]].assign(year=out["year"] + 1)
    out = out.merge(before, on=[*CELL, "year"], how="left", suffixes=("", "_before"))
    out["rank_change"] = out["rank_before"] - out["rank"]
    out = out.merge(_firms(told, value, made_of), on=[*CELL, "year"], how="left")
    came = out["mean"] - out["mean_before"] - out["firms"]
    out["came"] = came.mask(came.abs() < 1e-9, 0.0)  # of arithmetic, not of data
    return out[COLUMNS].sort_values(["year", "rank", *CELL], ignore_index=True)


def silent_parts(panel: pd.DataFrame, value: str, year: int) -> pd.DataFrame:
    """Who is behind the share of a cell that does not tell, of one year of `cells`.

    Parameters
    ----------
    panel : pandas.DataFrame
        firm_id, year, path, district and the index.
    value : str
        Column of the index.
    year : int

    Returns
    -------
    pandas.DataFrame
        path, district, unit, silent_part (1: no index), silent_whole (1); empty without the columns.
    """
    if not {value, *CELL} <= set(panel.columns):
        return pd.DataFrame(columns=[*CELL, "unit", "silent_part", "silent_whole"])
    there = placed(panel, value)
    return _silent(there[there["year"].eq(year)], value, CELL)


def tile_parts(panel: pd.DataFrame, value: str) -> pd.DataFrame:
    """Who is behind the share of a region that does not tell, in `tiles`.

    Parameters
    ----------
    panel : pandas.DataFrame
        firm_id, year, district and the index.
    value : str
        Column of the index.

    Returns
    -------
    pandas.DataFrame
        district, unit, silent_part (1: no index), silent_whole (1); empty without the columns.
    """
    if not {value, "district"} <= set(panel.columns):
        return pd.DataFrame(columns=["district", "unit", "silent_part", "silent_whole"])
    last = panel[panel["year"].eq(panel["year"].max())].dropna(subset=["district"])
    return _silent(last, value, ["district"])


def tiles(panel: pd.DataFrame, value: str, places: pd.DataFrame) -> pd.DataFrame:
    """Mean of an index by region in the last year, with the region's place in a grid of tiles.

    Parameters
    ----------
    panel : pandas.DataFrame
        firm_id, year, district and the index.
    value : str
        Column of the index.
    places : pandas.DataFrame
        district, row, column: a schematic grid, no outlines.

    Returns
    -------
    pandas.DataFrame
        district, row, column, units (that tell), mean (missing below ``FEWEST`` of them), silent (share of the region's units
        that do not tell, %); empty where no region of the grid has a mean.
    """
    if not {value, "district"} <= set(panel.columns):
        return pd.DataFrame()
    last = panel[panel["year"].eq(panel["year"].max())].dropna(subset=["district"])
    means = last.assign(district=last["district"].astype(str)).groupby("district")[value]
    table = means.agg(units="count", mean="mean", silent=lambda v: 100 * v.isna().mean()).reset_index()
    table["mean"] = table["mean"].where(table["units"] >= FEWEST)
    out = places.merge(table, on="district", how="left").fillna({"units": 0})
    return out.astype({"units": int}) if out["mean"].notna().any() else out.iloc[:0]


def placed(panel: pd.DataFrame, value: str) -> pd.DataFrame:
    """Firm-years with a path and a district, small cells pooled, as `cells` takes them.

    Parameters
    ----------
    panel : pandas.DataFrame
        firm_id, year, path, district and the index.
    value : str
        Column of the index.
    """
    there = panel.dropna(subset=["district", "path"])
    return _pooled(there.loc[there["path"].ne("")], value)


# -- inside ------------------------------------------------------------------------------------


def _silent(there: pd.DataFrame, value: str, by: list[str]) -> pd.DataFrame:
    """A row for each unit: whether it is silent, of one."""
    quiet = there[value].isna().astype(int)
    return there[by].assign(unit=there["firm_id"], silent_part=quiet, silent_whole=1).reset_index(drop=True)


def _pooled(there: pd.DataFrame, value: str) -> pd.DataFrame:
    """Cells in which few tell under one name in each path, and pools in which few still do gone."""
    tell = there[value].notna().groupby([there[c] for c in (*CELL, "year")]).sum()
    # A cell is not small for a year in which nobody of it tells: that year has no mean to hide.
    least = (
        tell[tell > 0].groupby(level=CELL).min().reindex(tell.groupby(level=CELL).size().index, fill_value=0)
    )
    small = pd.MultiIndex.from_frame(there[CELL]).isin(least.index[least < FEWEST])
    out = there.assign(district=there["district"].astype(str).mask(small, POOLED))
    size = out.groupby([*CELL, "year"])[value].transform("count")
    return out.loc[size >= FEWEST]


def _firms(told: pd.DataFrame, value: str, made_of: Sequence[str]) -> pd.DataFrame:
    """Change of the mean that firms of both years made within their cell, and the part that moved most among them."""
    columns = [value, *made_of]
    before = told[["firm_id", "year", *CELL, *columns]].assign(year=told["year"] + 1)
    both = told.merge(before, on=["firm_id", "year", *CELL], suffixes=("", "_was"))
    if both.empty:
        return pd.DataFrame(columns=[*CELL, "year", "firms", "part", "part_change"])
    moved = pd.DataFrame({c: both[c] - both[f"{c}_was"] for c in columns}).join(both[[*CELL, "year"]])
    means = moved.groupby([*CELL, "year"]).mean()
    each = means[list(made_of)]
    known = each.notna().any(axis=1)
    most = each.loc[known].abs().idxmax(axis=1)
    out = means[[value]].rename(columns={value: "firms"})
    out["part"] = most.map(bare)
    out["part_change"] = pd.Series({at: each.loc[at, name] for at, name in most.items()}, dtype=float)
    return out.reset_index()
