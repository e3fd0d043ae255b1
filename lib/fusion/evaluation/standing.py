"""What puts cells of path and district above or below the mean of all, and what moved them: points of the index's parts."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from fusion.evaluation.cells import CELL, FEWEST, bare, placed

REST = "rest"  # parts of a cell that too few of its units have, taken together
COLUMNS = [*CELL, "year", "part", "units", "points", "above", "part_change"]
WIDE = [*CELL, "units", "mean", "above", "most", "most_points", "worst", "worst_points"]
ENDS = 4  # cells at the top and at the bottom that are drawn
DRAWN = 5  # parts that are told apart there
EXACT = 1e-6  # points by which parts may differ from their index: of arithmetic


def standing(panel: pd.DataFrame, value: str, parts: Sequence[str], rules: bool) -> pd.DataFrame:
    """Points of each part of an index in each cell of path and district, by year.

    Parameters
    ----------
    panel : pandas.DataFrame
        firm_id, year, path, district, the index and its parts.
    value : str
        Column of the index.
    parts : sequence of str
        Columns that add up to it in each row.
    rules : bool
        Whether units were promised secrecy: parts that fewer than ``cells.FEWEST`` of a cell's units have are taken together
        then (``REST``), with the least others beside them until so many have any of these.

    Returns
    -------
    pandas.DataFrame
        ``COLUMNS``: units with anything of the part; points that it gives to the cell's mean; ``above``, these less its points
        in the mean of all units of the year; ``part_change`` since the year before among units of both years. Over parts they
        add up to the cell's mean, to its distance from the mean of all, and to `cells`' column ``firms``. Empty where parts
        are not parts of a sum.
    """
    names, keys = list(parts), [*CELL, "year"]
    told = panel.dropna(subset=[value]) if names and {value, *CELL} <= set(panel.columns) else panel.iloc[:0]
    if told.empty or (told[names].sum(axis=1) - told[value]).abs().max() > EXACT:
        return pd.DataFrame(columns=COLUMNS)
    whole = told.groupby("year")[names].mean()
    there = placed(panel, value).dropna(subset=[value])[["firm_id", *keys, *names]]
    now, was = _both(there, names, keys)
    made = {
        "points": there.groupby(keys)[names].mean(),
        "part_change": (now - was).groupby(level=keys).mean(),
    }
    made["above"] = made["points"] - whole.reindex(made["points"].index.get_level_values("year")).to_numpy()
    has = (there[names] != 0).set_axis(pd.MultiIndex.from_frame(there[keys]), axis=0)
    shown = _together(has, (now != 0) | (was != 0), names, keys) if rules else {}
    made["units"] = has.groupby(level=keys).sum()
    long = pd.concat({name: table.stack() for name, table in made.items()}, axis=1)
    long = long.rename_axis([*keys, "part"]).reset_index()
    at = zip(*(long[c] for c in (*keys, "part")), strict=True)
    long["part"] = [REST if one[-1] in shown.get(one[:-1], {}) else bare(one[-1]) for one in at]
    out = long.groupby([*keys, "part"], as_index=False).sum(min_count=1)
    among = pd.MultiIndex.from_frame(out[keys]).map(lambda cell: min(shown.get(cell, {0: 0}).values()))
    out["units"] = out["units"].mask(out["part"] == REST, pd.Series(among, out.index)).astype(int)
    return out.sort_values(["year", *CELL, "part"], ignore_index=True)[COLUMNS]


def of_year(made: pd.DataFrame, cells: pd.DataFrame) -> pd.DataFrame:
    """A line a cell: its mean, its distance from the mean of all, and each part's points of that.

    Parameters
    ----------
    made : pandas.DataFrame
        As `standing` returns.
    cells : pandas.DataFrame
        As `cells.cells` returns, of the year that is asked for.

    Returns
    -------
    pandas.DataFrame
        ``WIDE`` with ``with_<part>`` after ``above`` (missing where it is within the rest); most and worst are the parts that
        lift and lower the cell most; the highest cell first.
    """
    own = made.merge(cells[[*CELL, "year"]], on=[*CELL, "year"])
    if own.empty:
        return pd.DataFrame(columns=WIDE)
    gaps = own.pivot(index=CELL, columns="part", values="above")
    gaps = gaps[gaps.abs().sum().sort_values(ascending=False, kind="stable").index]
    out = cells.set_index(CELL)[["units", "mean"]].loc[gaps.index].assign(above=gaps.sum(axis=1))
    out = out.join(gaps.add_prefix("with_"))
    for name, which in (("most", gaps.idxmax(axis=1)), ("worst", gaps.idxmin(axis=1))):
        out[name] = which
        out[f"{name}_points"] = gaps.max(axis=1) if name == "most" else gaps.min(axis=1)
    return out.sort_values("above", ascending=False, kind="stable").reset_index()


def ends(wide: pd.DataFrame) -> pd.DataFrame:
    """The highest and the lowest cells of `of_year` with the parts that make most of their distance, to be drawn.

    Returns
    -------
    pandas.DataFrame
        path, district, units, above, part, points; the lowest cell first, of at most twice ``ENDS``.
    """
    if len(wide) < 2:
        return pd.DataFrame(columns=[*CELL, "units", "above", "part", "points"])
    half = min(ENDS, len(wide) // 2)
    shown = pd.concat([wide.head(half), wide.tail(half)])
    points = shown.filter(like="with_").rename(columns=lambda c: c.removeprefix("with_")).fillna(0.0)
    order = points.abs().sum().sort_values(ascending=False, kind="stable").index
    kept = [c for c in order if c != REST][:DRAWN]
    points = points[kept].assign(**{REST: points.drop(columns=kept).sum(axis=1)})
    out = shown[[*CELL, "units", "above"]].join(points).iloc[::-1]
    return out.melt([*CELL, "units", "above"], var_name="part", value_name="points")


# -- inside ------------------------------------------------------------------------------------
def _both(there: pd.DataFrame, parts: list[str], keys: list[str]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Parts of this and of the last year, of units that are in their cell in both: by cell and year."""
    before = there.assign(year=there["year"] + 1)
    both = there.merge(before, on=["firm_id", *keys], suffixes=("", "_was"))
    at = pd.MultiIndex.from_frame(both[keys])
    was = both[[f"{c}_was" for c in parts]].set_axis(parts, axis=1)
    return both[parts].set_axis(at, axis=0), was.set_axis(at, axis=0)


def _together(
    has: pd.DataFrame, stayed: pd.DataFrame, parts: list[str], keys: list[str]
) -> dict[tuple[object, ...], dict[str, int]]:
    """Parts that are taken together in each cell and year, with the number of units that have any of them."""
    count = has.groupby(level=keys).sum()
    again = stayed.groupby(level=keys).sum().reindex(count.index)
    few = ((count > 0) & (count < FEWEST)) | ((again > 0) & (again < FEWEST))
    found: dict[tuple[object, ...], dict[str, int]] = {}
    for at in few.index[few.any(axis=1)]:
        tables = [table.loc[[at]] for table in (has, stayed) if at in table.index]
        rest = [c for c in parts if few.loc[at, c]]
        least = pd.concat([table.sum() for table in tables], axis=1).min(axis=1)
        others = [c for c in least.sort_values(kind="stable").index if c not in rest and least[c] > 0]

        def among(tables: list[pd.DataFrame] = tables, rest: list[str] = rest) -> int:
            return min(int(table[rest].any(axis=1).sum()) for table in tables)

        while others and among() < FEWEST:
            rest.append(others.pop(0))
        found[at] = dict.fromkeys(rest, int(tables[0][rest].any(axis=1).sum()))
    return found
