"""What codes that may be several classes leave open: the least and the most that a total, share, mean or growth can be.

A row is *open* for a cell (a path, a field) when some class that its code may be is in the cell and another is not.
Every open row may go either way, whatever others do; rows of one enterprise under one code go together, for one activity
was recoded once. Under this rule the ends are attained, so that they are exact and no wider interval is needed:

- a sum takes all open amounts above zero at its top, all below zero at its bottom;
- a ratio of sums (a mean, a share of a part that is open too, a growth) takes those open units whose own ratio is beyond
  the ratio it has with them (linear-fractional programming over {0, 1}; no
  denominator may be negative, and some must be certain).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd

from fusion.classification.editions import CURRENT
from fusion.classification.enterprises import in_question

ENDS = ("low", "high", "least", "most")
TOGETHER = ("firm_id", "edition", "code_own")


def beside(frame: pd.DataFrame, certain: str = "path", possible: str = "paths_possible") -> pd.DataFrame:
    """Each row beside each cell that it is, or may be, in.

    Parameters
    ----------
    frame : pandas.DataFrame
        Rows of `classify`.
    certain, possible : str
        Columns with the cells that all classes have, and that any has, comma-joined.

    Returns
    -------
    pandas.DataFrame
        The rows with ``cell`` and ``open``: some class that the code may be is not in the cell.
    """
    rows = frame.assign(**{c: frame[c].fillna("") for c in (certain, possible)})
    pairs = rows[[certain, possible]].drop_duplicates()
    every = [f"{a},{b}".split(",") for a, b in pairs.itertuples(index=False)]
    long = pairs.assign(cell=[sorted({*cells} - {""}) for cells in every]).explode("cell").dropna()
    sure = [cell in held.split(",") for cell, held in zip(long["cell"], long[certain], strict=True)]
    return rows.merge(long.assign(open=~np.array(sure, dtype=bool)), on=[certain, possible])


def sums(long: pd.DataFrame, by: Sequence[str], value: str | None = None) -> pd.DataFrame:
    """Least, certain and greatest sum of each cell.

    Parameters
    ----------
    long : pandas.DataFrame
        As `beside` gives it.
    by : sequence of str
        Columns whose values are kept apart, besides ``cell``.
    value : str, optional
        Column that is summed; rows are counted without it.

    Returns
    -------
    pandas.DataFrame
        By ``by`` and cell: low, certain (of rows that are not open), high.
    """
    amount = pd.Series(1.0, long.index) if value is None else long[value].fillna(0.0)
    parts = long[[*by, "cell"]].assign(
        certain=amount.where(~long["open"], 0.0),
        low=amount.where(~long["open"], amount.clip(upper=0)),
        high=amount.where(~long["open"], amount.clip(lower=0)),
    )
    return parts.groupby([*by, "cell"])[["low", "certain", "high"]].sum()


def ratio(part: float, whole: float, free: pd.DataFrame) -> tuple[float, float]:
    """Least and greatest (part + Σ a) / (whole + Σ b) over all choices of open units.

    Parameters
    ----------
    part, whole : float
        Sums of what is certain.
    free : pandas.DataFrame
        Columns a and b of each open unit, b not negative.

    Returns
    -------
    tuple of float
        NaN without a certain denominator: the ratio might be of nothing.

    Notes
    -----
    At the top a unit is in if a > t b, with t the greatest ratio: units sorted by a / b enter as long as they raise it.
    """
    a, b = free["a"].to_numpy(float), free["b"].to_numpy(float)
    if (b < 0).any():
        raise ValueError("a denominator is negative: the ends of the ratio are not attained by sorting")
    if whole <= 0:
        return float("nan"), float("nan")
    return -_greatest(-part, whole, -a, b), _greatest(part, whole, a, b)


def _greatest(part: float, whole: float, a: np.ndarray, b: np.ndarray) -> float:
    """The greatest ratio: units without a denominator first, then by a / b as far as the ratio rises."""
    flat = b == 0
    part, a, b = part + a[flat & (a > 0)].sum(), a[~flat], b[~flat]
    order = np.argsort(-a / b, kind="stable")
    tops = part + np.concatenate([[0.0], np.cumsum(a[order])])
    bottoms = whole + np.concatenate([[0.0], np.cumsum(b[order])])
    return float((tops / bottoms).max())


def means(frame: pd.DataFrame, value: str, by: Sequence[str] = ("year",)) -> pd.DataFrame:
    """Least and greatest mean of a column over the rows of each path.

    Parameters
    ----------
    frame : pandas.DataFrame
        Rows with path, paths_possible, ``by`` and the column; missing values are left out.
    value : str
        Column.
    by : sequence of str
        Columns whose values are kept apart.

    Returns
    -------
    pandas.DataFrame
        By ``by`` and cell: least, most. Cells without a certain row are not there: such a mean might be of nobody.
    """
    rows = frame.dropna(subset=[value]) if value in frame else frame.head(0).assign(**{value: 0.0})
    return ratios(beside(rows.assign(whole=1.0)), by, value, "whole")


def ratios(long: pd.DataFrame, by: Sequence[str], part: str, whole: str) -> pd.DataFrame:
    """Least and greatest ratio of two sums of each cell, each open row in or out.

    Parameters
    ----------
    long : pandas.DataFrame
        As `beside` gives it, one row an enterprise where rows of one code go together; no missing values.
    by : sequence of str
        Columns whose values are kept apart, besides ``cell``.
    part, whole : str
        Columns of what is summed; the whole not negative.

    Returns
    -------
    pandas.DataFrame
        By ``by`` and cell: least, most; cells without a certain row are left out.
    """
    found = {key: ends for key, _, _, ends in _rated(long, by, part, whole)}
    index = pd.MultiIndex.from_tuples(list(found), names=[*by, "cell"])
    return pd.DataFrame(list(found.values()), index=index, columns=["least", "most"], dtype=float)


def ratio_parts(long: pd.DataFrame, by: Sequence[str], part: str, whole: str) -> pd.DataFrame:
    """What each enterprise adds to both ends of `ratios`.

    Returns
    -------
    pandas.DataFrame
        The columns of ``by``, cell, unit, least_part, least_whole, most_part, most_whole.
    """
    names = [f"{end}_{side}" for end in ("least", "most") for side in ("part", "whole")]
    parts = [pd.DataFrame(columns=[*by, "cell", "unit", *names])]
    for key, sure, free, ends in _rated(long, by, part, whole):
        found = []
        for name, sign, end in zip(("least", "most"), (-1, 1), ends, strict=True):
            taken = free[sign * (free[part] - end * free[whole]) > 0]
            both = pd.concat([sure, taken]).groupby("firm_id")[[part, whole]].sum()
            found.append(both.set_axis([f"{name}_part", f"{name}_whole"], axis=1))
        units = pd.concat(found, axis=1).rename_axis("unit").reset_index()
        parts.append(units.assign(**dict(zip([*by, "cell"], key, strict=True))))
    return pd.concat(parts[1:] or parts, ignore_index=True)


def _rated(
    long: pd.DataFrame, by: Sequence[str], part: str, whole: str
) -> Iterator[tuple[tuple[object, ...], pd.DataFrame, pd.DataFrame, tuple[float, float]]]:
    """Each cell with its certain rows, its open rows and the ends of its ratio."""
    for key, rows in long.groupby([*by, "cell"]):
        sure, free = rows[~rows["open"]], rows[rows["open"]]
        if len(sure):
            open_units = free[[part, whole]].set_axis(["a", "b"], axis=1)
            yield key, sure, free, ratio(sure[part].sum(), sure[whole].sum(), open_units)


def growth(frame: pd.DataFrame) -> pd.DataFrame:
    """Least and greatest growth of each path's sum between two years, in percent.

    Parameters
    ----------
    frame : pandas.DataFrame
        firm_id, edition, code_own, path, paths_possible; ``now`` and ``before``: the row's amounts in the two years (0 in
        the year that it is not of). Where an open amount of the earlier year is below zero, nothing is said.

    Returns
    -------
    pandas.DataFrame
        By cell: low, high (from one year to the other, not a year's); missing without a certain amount before.
    """
    ends = {cell: found for cell, _, _, found in _growing(frame)}
    return pd.DataFrame.from_dict(ends, orient="index", columns=["low", "high"]).rename_axis("cell")


def growing(frame: pd.DataFrame) -> pd.DataFrame:
    """What each enterprise adds to the two sums of `growth` at its least and at its greatest.

    Returns
    -------
    pandas.DataFrame
        cell, unit, low_now, low_before, high_now, high_before.
    """
    sides = [f"{end}_{when}" for end in ("low", "high") for when in ("now", "before")]
    parts = [pd.DataFrame(columns=["cell", "unit", *sides])]
    for cell, sure, free, ends in _growing(frame):
        found: dict[str, pd.Series] = {}
        for end, sign in zip(("low", "high"), (-1, 1), strict=True):
            factor = ends[sign > 0] / 100 + 1
            taken = free[sign * (free["a"] - factor * free["b"]) > 0]
            both = pd.concat([sure, taken]).groupby(level="firm_id")[["a", "b"]].sum()
            found |= {f"{end}_now": both["a"], f"{end}_before": both["b"]}
        parts.append(pd.DataFrame(found).fillna(0.0).rename_axis("unit").reset_index().assign(cell=cell))
    return pd.concat(parts[1:] or parts, ignore_index=True)


def _growing(
    frame: pd.DataFrame,
) -> Iterator[tuple[str, pd.DataFrame, pd.DataFrame, tuple[float, float]]]:
    """By cell: certain and open amounts of enterprises in both years (a now, b before), and the ends of growth."""
    rows = frame.rename(columns={"now": "a", "before": "b"})
    for cell, part in beside(rows).groupby("cell"):
        units = part.groupby([*TOGETHER, "open"], dropna=False)[["a", "b"]].sum().reset_index("open")
        is_open = units.pop("open").to_numpy(bool)
        sure, free = units[~is_open], units[is_open]
        can = not (free["b"] < 0).any()
        low, high = ratio(sure["a"].sum(), sure["b"].sum(), free) if can else (np.nan, np.nan)
        yield str(cell), sure, free, (100 * (low - 1), 100 * (high - 1))


def change(frame: pd.DataFrame, year: int) -> pd.DataFrame:
    """Least and greatest change of each path's share of rows from the year before to the year.

    Parameters
    ----------
    frame : pandas.DataFrame
        firm_id, year, edition, code_own, path, paths_possible: all rows of both years.

    Returns
    -------
    pandas.DataFrame
        By cell: low, high, in [−1, 1].
    """
    rows = frame[frame["year"].isin([year - 1, year])]
    size = rows["year"].value_counts()
    sign = {year: 1.0, year - 1: -1.0}
    long = beside(rows.assign(step=rows["year"].map({y: sign[y] / n for y, n in size.items()})))
    sure = long[~long["open"]].groupby("cell")["step"].sum()
    unit = long[long["open"]].groupby(["cell", *TOGETHER], dropna=False)["step"].sum()
    ends = {"low": unit.clip(upper=0), "high": unit.clip(lower=0)}
    out = {end: sure.add(part.groupby("cell").sum(), fill_value=0.0) for end, part in ends.items()}
    return pd.DataFrame(out).rename_axis("cell")


def changes(frame: pd.DataFrame, years: Sequence[int]) -> pd.DataFrame:
    """`change` at each of some years: indexed by year and cell."""
    each = {year: change(frame, year) for year in years}
    return pd.concat(each, names=["year"]) if each else pd.DataFrame(columns=["low", "high"])


def moved(frame: pd.DataFrame) -> pd.DataFrame:
    """Least and greatest share of firms in another class of 2017 than the year before, of all whose codes were read.

    A firm moved surely when no class that it may be was one that it may have been; it surely did not when its code is
    the same in the same edition, or both codes are one and the same class.

    Parameters
    ----------
    frame : pandas.DataFrame
        firm_id, year, edition, code_own, code_2017, as `classify` gives them.

    Returns
    -------
    pandas.DataFrame
        By year: low, high, firms (with a code in this year and the one before).
    """
    one = frame["code_2017"] != ""
    rows = frame.assign(
        edition=frame["edition"].mask(one, CURRENT), code=frame["code_own"].mask(one, frame["code_2017"])
    )
    rows = rows.loc[rows["code"] != "", ["firm_id", "year", "edition", "code"]]
    both = rows.merge(rows.assign(year=rows["year"] + 1), on=["firm_id", "year"], suffixes=("", "_before"))
    kinds = ["edition", "code", "edition_before", "code_before"]
    pairs = both[kinds].drop_duplicates()
    may = {key: set(part) for key, part in in_question().groupby(["edition", "code"])["code_2017"]}
    sure, possible = [], []
    for edition, code, edition_before, code_before in pairs.itertuples(index=False):
        now, then = may.get((edition, code), set()), may.get((edition_before, code_before), set())
        same = (edition, code) == (edition_before, code_before)
        sure.append(not same and not now & then)
        possible.append(not same and not (len(now) == 1 and now == then))
    both = both.merge(pairs.assign(low=sure, high=possible), on=kinds)
    return both.groupby("year").agg(low=("low", "mean"), high=("high", "mean"), firms=("low", "size"))


def shares(frame: pd.DataFrame) -> pd.DataFrame:
    """Least and greatest share of each year's rows by path: indexed by year and path, columns low and high."""
    return sums(beside(frame), ["year"])[["low", "high"]].div(
        frame["year"].value_counts(), axis=0, level="year"
    )


def with_ends(frame: pd.DataFrame, ends: pd.DataFrame, name: str, cell: str = "path") -> pd.DataFrame:
    """A frame with the ends of one of its columns beside it, or as it was where nothing is open.

    Parameters
    ----------
    frame : pandas.DataFrame
        Rows of an exhibit.
    ends : pandas.DataFrame
        Indexed by cell and columns of the frame; low, high, or least, most.
    name : str
        Column of the frame: its ends are ``<name>_<end>``.
    cell : str
        Column of the frame that names the cells.
    """
    if frame.empty or ends.empty:
        return frame
    held = ends[[c for c in ends.columns if c in ENDS]]
    wide = held.add_prefix(f"{name}_").reset_index().rename(columns={"cell": cell})
    out = frame.merge(wide, on=[cell if n == "cell" else n for n in ends.index.names], how="left")
    new = [f"{name}_{end}" for end in held]
    apart = [(out[end] - out[name]).abs() > 1e-12 * out[name].abs().clip(lower=1) for end in new]
    return out if any(one.any() for one in apart) else frame


def without_closed(frame: pd.DataFrame, names: Sequence[str]) -> pd.DataFrame:
    """A frame without the columns ``<name>_high`` that nowhere differ from ``<name>``: nothing is open there."""
    same = [n for n in names if f"{n}_high" in frame and (frame[f"{n}_high"] == frame[n]).all()]
    return frame.drop(columns=[f"{n}_high" for n in same])
