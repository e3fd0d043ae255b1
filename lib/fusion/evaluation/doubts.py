"""What unresolved doubts do to a published table: its growth as reported, with the three largest put right, all as expected."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd

from fusion.evaluation import bureau, producer, targets
from fusion.evaluation import cells as cell_means

REPORTED, THREE, EXPECTED = "reported", "three", "expected"
LARGEST = 3  # calls (a unit and year), as the page of the panel has them
BY_CLASS, OF_CLASSES = "service_rev_by_class", "service_revenue"
_POINTS = 0.05  # of growth: what would be printed alike is no effect


def of_groups(
    totals: pd.DataFrame,
    panel: pd.DataFrame,
    queue: pd.DataFrame,
    by: str,
    measures: Sequence[str],
    year: int,
    rules: bool,
) -> pd.DataFrame:
    """`bureau.growth_table` with growth as it would be: ``growth_reported, growth_three, growth_expected`` where they differ.

    Parameters
    ----------
    totals : pandas.DataFrame
        As `bureau.growth_table` gives it, its index as columns; further columns stay.
    panel, by, measures, year
        As there.
    queue : pandas.DataFrame
        Doubts: unit, year, item, value, put_right, predicted, the largest first.
    rules : bool
        Whether units were promised secrecy: two totals that a few units tell apart give those away, so nothing is added.

    Returns
    -------
    pandas.DataFrame
        As it was where no doubt moves a growth by what would be printed.
    """
    if rules or totals.empty:
        return totals

    def made(rows: pd.DataFrame) -> pd.DataFrame:
        return bureau.growth_table(rows, by, measures, year).reset_index()

    ways = _ways(panel, queue, measures, [year - 1, year])
    return _beside(totals, ways, made, ["measure", "group"], "growth")


def of_targets(
    grid: pd.DataFrame,
    panel: pd.DataFrame,
    queue: pd.DataFrame,
    goals: pd.DataFrame,
    tolerance: float,
    rules: bool,
    **years: list[int],
) -> pd.DataFrame:
    """`targets.grids` with rates as they would be (``rate_three`` …); see :func:`of_groups`.

    Parameters
    ----------
    grid : pandas.DataFrame
        As `targets.grids` gives it.
    panel : pandas.DataFrame
        As `targets.marked` gives it.
    queue, rules
        As in :func:`of_groups`.
    goals, tolerance, **years
        As `targets.grids` takes them.
    """
    if rules or grid.empty:
        return grid

    def made(rows: pd.DataFrame) -> pd.DataFrame:
        return targets.grids(targets.marked(rows, goals), goals, tolerance=tolerance, **years)

    ways = _ways(panel, queue, None, sorted({*grid["base_year"], *grid["horizon"]}))
    return _beside(grid, ways, made, ["target", "base_year", "horizon", "scope", "price"], "rate")


def of_services(
    held: pd.DataFrame,
    panel: pd.DataFrame,
    queue: pd.DataFrame,
    span: tuple[int, int],
    goal: float,
    tolerance: float,
    rules: bool,
) -> pd.DataFrame:
    """`producer.against` with rates as they would be (``rate_three`` …); see :func:`of_groups`.

    Parameters
    ----------
    held : pandas.DataFrame
        As `producer.against` gives it.
    panel : pandas.DataFrame
        As `producer.placed` takes it.
    queue, rules
        As in :func:`of_groups`.
    span, goal, tolerance
        As `producer.against` takes them.
    """
    if rules or held.empty:
        return held

    def made(rows: pd.DataFrame) -> pd.DataFrame:
        return producer.against(producer.placed(rows), *span, goal, tolerance)

    return _beside(held, _ways(panel, queue, None, span), made, producer.KEYS, "rate")


def of_monitor(
    watched: pd.DataFrame, panel: pd.DataFrame, queue: pd.DataFrame, year: int, rules: bool
) -> pd.DataFrame:
    """`producer.monitor` with amounts and growth as they would be (``amount_three``, ``growth_three`` …); see :func:`of_groups`.

    Parameters
    ----------
    watched : pandas.DataFrame
        As `producer.monitor` gives it.
    panel : pandas.DataFrame
        As `producer.placed` takes it.
    queue, rules
        As in :func:`of_groups`.
    year : int
        As `producer.monitor` takes it.
    """
    if rules or watched.empty:
        return watched

    def made(rows: pd.DataFrame) -> pd.DataFrame:
        return producer.monitor(producer.placed(rows), year)

    ways = _ways(panel, queue, None, [year - 1, year])
    tables = {way: made(rows) for way, rows in ways.items()}
    for figure in ("amount", "growth"):
        watched = _beside(watched, tables, lambda table: table, producer.KEYS, figure)
    return watched


def of_cells(
    cells: pd.DataFrame, panel: pd.DataFrame, queue: pd.DataFrame, value: str, rules: bool
) -> pd.DataFrame:
    """`cells.cells` with how many units of a cell are in doubt, and its mean without them, where that would be printed otherwise.

    An index of a unit is not put right by a guess: units with a doubt about any item of the year are left out.

    Parameters
    ----------
    cells : pandas.DataFrame
        As `cells.cells` gives it.
    panel : pandas.DataFrame
        As there.
    queue, rules
        As in :func:`of_groups`.
    value : str
        Column of the index.

    Returns
    -------
    pandas.DataFrame
        With ``doubted`` (units) and ``undoubted`` (mean without them), or as it was.
    """
    if rules or cells.empty or queue.empty:
        return cells
    there = cell_means.placed(panel, value).dropna(subset=[value])
    at = pd.MultiIndex.from_arrays([there["firm_id"].astype(str), there["year"].astype("int64")])
    asked = pd.MultiIndex.from_arrays([queue["unit"].astype(str), queue["year"].astype("int64")])
    there = there.assign(doubted=at.isin(asked).astype(int))
    by = [*cell_means.CELL, "year"]
    out = cells.merge(there.groupby(by, as_index=False)["doubted"].sum(), on=by, how="left")
    sure = there[there["doubted"].eq(0)].groupby(by)[value].mean().rename("undoubted").reset_index()
    out = out.merge(sure, on=by, how="left")
    return out if (out["undoubted"] - out["mean"]).abs().max() > _POINTS else cells


# -- inside ------------------------------------------------------------------------------------
def _ways(
    panel: pd.DataFrame, queue: pd.DataFrame, measures: Sequence[str] | None, years: Sequence[int]
) -> dict[str, pd.DataFrame]:
    """Rows of these years with the largest doubts about the measures put right, and with all as expected; none where nobody
    doubts anything, and none of a way in which no value is another than in the panel."""
    own = queue[queue["year"].isin(years) & queue["item"].isin(panel.columns)]
    own = own if measures is None else own[own["item"].isin(measures)]
    if own.empty:
        return {}
    named = own[own["put_right"] != own["value"]]
    largest = named[["unit", "year"]].drop_duplicates().head(LARGEST)
    three = named.merge(largest, on=["unit", "year"])
    changes = {
        REPORTED: own.assign(new=own["value"]),
        THREE: three.assign(new=three["put_right"]),
        EXPECTED: own.assign(new=own["predicted"]),
    }
    # A table of two years is made of their rows: others would be copied, and summed, for nothing.
    rows = panel[panel["year"].isin(years)]
    made = {way: _with(rows, lines) for way, lines in changes.items()}
    items = list(own["item"].unique())
    return {way: table for way, table in made.items() if not table[items].equals(rows[items].astype(float))}


def _with(panel: pd.DataFrame, lines: pd.DataFrame) -> pd.DataFrame:
    """The panel with other values; amounts by class move as their sum does."""
    out = panel.copy()
    at = pd.MultiIndex.from_arrays([panel["firm_id"].astype(str), panel["year"].astype("int64")])
    for item, own in lines.groupby("item"):
        keys = pd.MultiIndex.from_arrays([own["unit"].astype(str), own["year"].astype("int64")])
        new = pd.Series(own["new"].to_numpy(float), keys).groupby(level=[0, 1]).first().reindex(at).to_numpy()
        there = panel[item].notna().to_numpy() & ~np.isnan(new)
        if item == OF_CLASSES and BY_CLASS in panel:
            old = panel[item].to_numpy(float)
            times = pd.Series(
                np.where(there & (old > 0), new / np.where(old > 0, old, 1.0), 1.0), panel.index
            )
            out[BY_CLASS] = [_scaled(text, k) for text, k in zip(panel[BY_CLASS], times, strict=True)]
        out[item] = panel[item].astype(float).mask(there, pd.Series(new, panel.index))
    return out


def _scaled(classes: object, times: float) -> object:
    """Amounts by class, all multiplied."""
    if not isinstance(classes, str) or times == 1.0:
        return classes
    return json.dumps({code: float(amount or 0) * times for code, amount in json.loads(classes).items()})


def _beside(
    table: pd.DataFrame,
    ways: dict[str, pd.DataFrame],
    made: Callable[[pd.DataFrame], pd.DataFrame],
    keys: Sequence[str],
    rate: str,
) -> pd.DataFrame:
    """The table with its rate as it would be made of the rows of each way, where one of them would be printed otherwise."""
    out = table
    for way, rows in ways.items():
        name = f"{rate}_{way}"
        other = made(rows)[[*keys, rate]].rename(columns={rate: name})
        found = table.merge(other, on=list(keys), how="left")
        if (found[name] - found[rate]).abs().max() > _POINTS:
            out = out.assign(**{name: found[name].to_numpy()})
    return out


def most_moved(table: pd.DataFrame, rate: str) -> dict[str, object] | None:
    """The row whose rate the three largest doubts move most, a total where one is moved; None where none is."""
    name = f"{rate}_{THREE}"
    if name not in table:
        return None
    gap = (table[name] - table[rate]).abs()
    whole = table["group"].eq("total") if "group" in table else pd.Series(True, table.index)
    first = whole & (gap > _POINTS)
    return table.loc[gap.where(first if first.any() else gap > _POINTS).idxmax()].to_dict()
