"""Targets of a population of classes: what codes that may be several classes leave open in their growth."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from fusion.classification import intervals
from fusion.evaluation import sold
from fusion.evaluation.targets import followed

CHOICE = ["base_year", "horizon", "scope", "price"]
CODED = ["firm_id", "edition", "code_own"]


def with_ends(grid: pd.DataFrame, panel: pd.DataFrame, targets: pd.DataFrame) -> pd.DataFrame:
    """A grid of growth with the least and the most that each rate can be.

    Parameters
    ----------
    grid : pandas.DataFrame
        As `targets.grids` gives it.
    panel : pandas.DataFrame
        As there, with edition, code_own and, for a population of classes, ``<population>_possible``: rows whose code may
        be of it.
    targets : pandas.DataFrame
        Declared targets.

    Returns
    -------
    pandas.DataFrame
        With rate_low and rate_high (% a year); as it was where no code is open.
    """
    rates = [
        (*key, 100 * ((1 + low / 100) ** (1 / span) - 1), 100 * ((1 + high / 100) ** (1 / span) - 1))
        for key, frame, span in _asked(grid, panel, targets)
        for low, high in [tuple(intervals.growth(frame).loc["in"])]
    ]
    ends = pd.DataFrame(rates, columns=["target", *CHOICE, "rate_low", "rate_high"])
    if not (ends["rate_high"] - ends["rate_low"] > 1e-9).any():
        return grid
    return grid.merge(ends, on=["target", *CHOICE], how="left")


def with_open_parts(
    parts: pd.DataFrame, grid: pd.DataFrame, panel: pd.DataFrame, targets: pd.DataFrame
) -> pd.DataFrame:
    """`targets.contributions` with what each unit adds to both ends of `with_ends`."""
    found = []
    for key, frame, _ in _asked(grid, panel, targets):
        sides = intervals.growing(frame).query("cell == 'in'").drop(columns="cell")
        sides = sides.rename(columns={c: f"rate_{c}" for c in sides if c != "unit"})
        found.append(sides.assign(**dict(zip(["target", *CHOICE], key, strict=True))))
    keys = ["target", *CHOICE, "unit"]
    return parts.merge(pd.concat(found), on=keys, how="outer") if found else parts


def _asked(
    grid: pd.DataFrame, panel: pd.DataFrame, targets: pd.DataFrame
) -> Iterator[tuple[tuple[str, int, int, str, str], pd.DataFrame, int]]:
    """Each choice of a target whose population codes can leave open: key, amounts of the two years, span."""
    named = followed(targets).set_index("target")
    for row in grid[grid["rate"].notna()].itertuples():
        target = named.loc[row.target]
        population, measure = sold.followed(target)
        if not population or f"{population}_possible" not in panel:
            continue
        frame = _amounts(panel, measure, population, row.base_year, row.horizon, row.price)
        frame = _continuing(frame) if row.scope == "continuing" else frame
        yield (
            (row.target, row.base_year, row.horizon, row.scope, row.price),
            frame,
            row.horizon - row.base_year,
        )


def _amounts(
    panel: pd.DataFrame, measure: str, population: str, base_year: int, horizon: int, price: str
) -> pd.DataFrame:
    """Rows that are, or may be, of the population in the two years, with what they add to each."""
    asked = panel["year"].isin([base_year, horizon]) & panel[f"{population}_possible"]
    rows = panel[asked & panel[measure].notna()]
    value = rows[measure] / (rows["deflator"] if price == "real" else 1.0)
    late = rows["year"] == horizon
    return rows[CODED].assign(
        now=value.where(late, 0.0),
        before=value.where(~late, 0.0),
        late=late,
        path=rows[population].map({True: "in", False: ""}),
        paths_possible=rows[population].map({True: "in", False: "in,out"}),
    )


def _continuing(rows: pd.DataFrame) -> pd.DataFrame:
    """Units that are, or may be, of the population in both years; one that is surely so in both is certain."""
    sides = rows.groupby("firm_id").agg(
        now=("now", "sum"), before=("before", "sum"), years=("late", "nunique"),
        path=("path", "min"), paths_possible=("paths_possible", "max"),
    )  # fmt: skip
    return sides[sides["years"] == 2].reset_index().assign(edition="", code_own="")
