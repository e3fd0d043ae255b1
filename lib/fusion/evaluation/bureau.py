"""Tables in a bureau's form: amounts in 亿元, growth on the year before (同比), shares (占比); revisions by vintage."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from fusion.classification import intervals
from fusion.evaluation.errors import EvaluationError
from fusion.language import listed, said, word

WAN_PER_YI = 10_000  # 万元 in 亿元
ROUNDING = 1e-9  # relative: sums of the same amounts in another order
CONTRIBUTED = [
    "amount",
    "before",
    "share_part",
    "share_whole",
    "growth_now",
    "growth_before",
    "nominal_now",
    "nominal_before",
]


def growth_table(panel: pd.DataFrame, by: str, measures: Sequence[str], year: int) -> pd.DataFrame:
    """Totals of a year by group, with growth on the year before and share of all.

    Parameters
    ----------
    panel : pandas.DataFrame
        year, the grouping column and the measures, in 万元.
    by : str
        Column of groups.
    measures : sequence of str
        Money columns; missing values are left out, and how many units report is shown.
    year : int
        The year; growth compares with the year before.

    Returns
    -------
    pandas.DataFrame
        Index: (measure, group), groups sorted and then ``total``; columns ``amount`` (亿元), ``before`` (the same of the year
        before), ``growth`` (%, on comparable scope: units that report in both years, under their group of this year),
        ``matched`` (how many), ``nominal`` (%, all that report in either year), ``share`` (%), ``units`` (that report);
        ``real`` (%, growth on comparable scope at constant prices) where the panel has a ``deflator`` that is not the same
        throughout. Empty where there is no measure.

    Raises
    ------
    EvaluationError
        If the panel lacks the year.
    """
    if year not in set(panel["year"]):
        raise EvaluationError(
            said("evaluation.no_year", year=year, first=panel["year"].min(), last=panel["year"].max())
        )
    parts = []
    for measure in measures:
        now, then = (_totals(panel[panel["year"] == y], by, measure) for y in (year, year - 1))
        both = _both(panel, by, measure, year)
        same, before = (_totals(both, by, c) for c in ("now", "then"))
        table = pd.DataFrame(
            {
                "amount": now["sum"] / WAN_PER_YI,
                "before": then["sum"] / WAN_PER_YI,
                "growth": 100 * (same["sum"] / before["sum"].where(before["sum"] > 0) - 1),
                "matched": same["count"].reindex(now.index).fillna(0).astype(int),
                "nominal": 100 * (now["sum"] / then["sum"].where(then["sum"] > 0) - 1),
                "share": 100 * now["sum"] / now.loc["total", "sum"],
                "units": now["count"],
            }
        )
        if priced(panel):
            real = _both(at_constant_prices(panel, measure), by, measure, year)
            same, before = (_totals(real, by, c)["sum"] for c in ("now", "then"))
            table.insert(3, "real", 100 * (same / before.where(before > 0) - 1))
        order = [*(group for group in table.index if group != "total"), "total"]
        parts.append(pd.concat({measure: table.loc[order]}, names=["measure", "group"]))
    return pd.concat(parts) if parts else pd.DataFrame()


def contributions(panel: pd.DataFrame, by: str, measures: Sequence[str], year: int) -> pd.DataFrame:
    """What each unit adds to the cells of `growth_table`.

    Parameters
    ----------
    panel : pandas.DataFrame
        As there, with firm_id.
    by, measures, year
        As there.

    Returns
    -------
    pandas.DataFrame
        measure, group, unit, amount, before, share_part, share_whole, growth_now, growth_before, where there are prices real_now
        and real_before; a unit stands in its group, in the total, and with the whole alone in all other groups.
    """
    names = ["measure", "group", "unit"]
    kept = [*CONTRIBUTED, *(["real_now", "real_before"] if priced(panel) else [])]
    parts = [pd.DataFrame(columns=[*names, *kept])]
    for measure in measures:
        now, then = (panel[(panel["year"] == y) & panel[measure].notna()] for y in (year, year - 1))
        both = _both(panel, by, measure, year)
        real = _both(at_constant_prices(panel, measure), by, measure, year) if priced(panel) else both
        whole = now.groupby("firm_id")[measure].sum().rename("share_whole")
        # A group that is gone has an amount of the year before, which is judged as any other.
        for group in [*sorted({*now[by], *then[by]}), "total"]:
            here, before, same, fixed = (
                rows[(rows[by] == group) | (group == "total")] for rows in (now, then, both, real)
            )
            own = here.groupby("firm_id")[measure].sum()
            matched = same.groupby("firm_id")[["now", "then"]].sum()
            cells = {"amount": own, "share_part": own, "nominal_now": own, "growth_now": matched["now"]}
            earlier = before.groupby("firm_id")[measure].sum()
            cells |= {
                "before": earlier,
                "nominal_before": earlier,
                "growth_before": matched["then"],
            }
            priced_by = fixed.groupby("firm_id")[["now", "then"]].sum()
            cells |= {"real_now": priced_by["now"], "real_before": priced_by["then"]}
            table = pd.DataFrame(cells).join(whole, how="outer").rename_axis("unit").reset_index()
            parts.append(table.assign(measure=measure, group=group))
    return pd.concat(parts[1:] or parts, ignore_index=True)[[*names, *kept]]


def priced(panel: pd.DataFrame) -> bool:
    """Whether a panel's prices move: its deflator has two different values."""
    prices = panel.get("deflator", pd.Series(dtype=float)).astype(float)
    return bool(prices.min() < prices.max())


def at_constant_prices(panel: pd.DataFrame, measure: str) -> pd.DataFrame:
    """The panel with a measure divided by its row's price; a row without a price has none of it."""
    return panel.assign(**{measure: panel[measure] / panel["deflator"].where(panel["deflator"] > 0)})


def with_ends(totals: pd.DataFrame, panel: pd.DataFrame, year: int) -> pd.DataFrame:
    """`growth_table` by path, with what codes that may be several classes leave open.

    Parameters
    ----------
    totals : pandas.DataFrame
        As `growth_table` gives it, its index as columns.
    panel : pandas.DataFrame
        As there, with edition, code_own, paths_possible as `classify` gives them.
    year : int
        As there.

    Returns
    -------
    pandas.DataFrame
        With amount_high and share_high (``amount`` and ``share`` are of certain rows), growth_low, growth_high,
        nominal_low, nominal_high; as it was where nothing is open.
    """
    if totals.empty:
        return totals
    parts = []
    for measure in totals["measure"].unique():
        rows = panel[(panel["year"] == year) & panel[measure].notna()]
        most = intervals.sums(intervals.beside(rows), [], measure)["high"]
        ends = pd.DataFrame(
            {"amount_high": most / WAN_PER_YI, "share_high": 100 * most / rows[measure].sum()}
        )
        for name, amounts in _two_years(panel, measure, year).items():
            ends = ends.join(intervals.growth(amounts).add_prefix(f"{name}_"), how="outer")
        parts.append(ends.assign(measure=measure))
    out = totals.merge(
        pd.concat(parts).rename_axis("group").reset_index(), on=["measure", "group"], how="left"
    )
    wide = (out["amount_high"] - out["amount"]).abs() > ROUNDING * out["amount"].abs()
    wide |= (out["nominal_high"] - out["nominal_low"]) > ROUNDING
    return out if wide.any() else totals


def with_open_parts(
    parts: pd.DataFrame, panel: pd.DataFrame, measures: Sequence[str], year: int
) -> pd.DataFrame:
    """`contributions` by path, with what each unit adds to the ends of `with_ends`, whose panel it takes."""
    added = []
    for measure in measures:
        long = intervals.beside(panel[(panel["year"] == year) & panel[measure].notna()])
        most = long.assign(part=long[measure].where(~long["open"], long[measure].clip(lower=0)))
        most = most.groupby(["cell", "firm_id"])["part"].sum().rename_axis(["cell", "unit"])
        own = pd.DataFrame({"amount_high": most, "share_high_part": most})
        for name, amounts in _two_years(panel, measure, year).items():
            sides = intervals.growing(amounts).set_index(["cell", "unit"]).add_prefix(f"{name}_")
            own = own.join(sides, how="outer")
        added.append(own.reset_index().rename(columns={"cell": "group"}).assign(measure=measure))
    out = parts.merge(pd.concat(added), on=["measure", "group", "unit"], how="outer") if added else parts
    return out.assign(share_high_whole=out["share_whole"]) if added else out


def _two_years(panel: pd.DataFrame, measure: str, year: int) -> dict[str, pd.DataFrame]:
    """Amounts now and before with what codes leave open, on comparable scope and of all that report."""
    coded = ["firm_id", "edition", "code_own", "path", "paths_possible"]
    told = panel[panel["year"].isin([year, year - 1]) & panel[measure].notna()]
    late = told["year"] == year
    every = told.assign(now=told[measure].where(late, 0.0), before=told[measure].where(~late, 0.0))
    same = told.loc[late, [*coded, measure]].rename(columns={measure: "now"})
    same = same.merge(told.loc[~late, ["firm_id", measure]].rename(columns={measure: "before"}), on="firm_id")
    return {"growth": same, "nominal": every[[*coded, "now", "before"]]}


def doubted(
    panel: pd.DataFrame, queue: pd.DataFrame, measure: str, year: int
) -> dict[str, float | int | None]:
    """Growth of a total on the year before, as reported and with every doubt taken as what is expected.

    Parameters
    ----------
    panel : pandas.DataFrame
        firm_id, year and the measure.
    queue : pandas.DataFrame
        Doubts: unit, year, item, expected_change (reported less expected); may be empty.
    measure : str
        Money column.
    year : int
        The later year.

    Returns
    -------
    dict
        doubts (values of the measure in the two years), reported and expected (%; None where the year before has no total).
    """
    told = panel[["firm_id", "year", measure]].dropna()
    own = queue[(queue["item"] == measure) & queue["year"].isin([year, year - 1])]
    own = own.merge(told, left_on=["unit", "year"], right_on=["firm_id", "year"])
    sums = told.groupby("year")[measure].sum().reindex([year - 1, year])
    expected = sums - own.groupby("year")["expected_change"].sum().reindex(sums.index).fillna(0.0)
    rates = [
        100 * (t.loc[year] / t.loc[year - 1] - 1) if t.loc[year - 1] > 0 else None for t in (sums, expected)
    ]
    return {"doubts": len(own), "reported": rates[0], "expected": rates[1]}


def largest(totals: pd.DataFrame) -> pd.Series:
    """The row of the first measure's group with the largest share, totals left out; the first where no share is known."""
    first = totals[(totals["measure"] == totals["measure"].iloc[0]) & (totals["group"] != "total")]
    return first.sort_values("share", ascending=False, kind="stable").iloc[0]


def means(panel: pd.DataFrame, by: Sequence[str], value: str) -> pd.DataFrame:
    """Mean of a column by group, with ``units``, how many it rests on; empty where there is no such column."""
    if value not in panel:
        return pd.DataFrame({name: [] for name in [*by, value, "units"]})
    grouped = panel.dropna(subset=[value]).groupby(list(by))
    return grouped.agg(**{value: (value, "mean"), "units": ("firm_id", "nunique")}).reset_index()


def revisions(old: pd.DataFrame, new: pd.DataFrame, keys: Sequence[str], value: str) -> pd.DataFrame:
    """What a new vintage says of cells that an old one had already published.

    Parameters
    ----------
    old, new : pandas.DataFrame
        Vintages of one table.
    keys : sequence of str
        Columns that name a cell.
    value : str
        The published number.

    Returns
    -------
    pandas.DataFrame
        keys, ``old``, ``new``, ``revision`` (new − old), ``relative`` (%), ``state`` (same, revised, new, withdrawn).
    """
    for name, table in (("old", old), ("new", new)):
        lacking = [c for c in [*keys, value] if c not in table.columns]
        if lacking:
            raise EvaluationError(
                said(
                    "evaluation.vintage_lacks", name=word("evaluation.vintage", name), lacking=listed(lacking)
                )
            )
        if table.duplicated(list(keys)).any():
            raise EvaluationError(
                said("evaluation.vintage_twice", name=word("evaluation.vintage", name), keys=listed(keys))
            )
    both = old[[*keys, value]].merge(
        new[[*keys, value]], on=list(keys), how="outer", suffixes=("_old", "_new")
    )
    both = both.rename(columns={f"{value}_old": "old", f"{value}_new": "new"})
    both["revision"] = both["new"] - both["old"]
    both["relative"] = 100 * both["revision"] / both["old"].abs().where(both["old"] != 0)
    # Differences in the last bits are of arithmetic, not of data.
    same = both["revision"].abs() <= 1e-9 * both[["old", "new"]].abs().max(axis=1)
    both["state"] = "revised"
    both.loc[same, "state"] = "same"
    both.loc[both["old"].isna() & both["new"].notna(), "state"] = "new"
    both.loc[both["old"].notna() & both["new"].isna(), "state"] = "withdrawn"
    both.loc[both["old"].isna() & both["new"].isna(), "state"] = "same"
    return both


# -- inside ------------------------------------------------------------------------------------


def _both(panel: pd.DataFrame, by: str, measure: str, year: int) -> pd.DataFrame:
    """Units that report in a year and in the one before: firm_id, group of the year, now, then."""
    told = panel.dropna(subset=[measure])
    now = told.loc[told["year"] == year, ["firm_id", by, measure]].rename(columns={measure: "now"})
    then = told.loc[told["year"] == year - 1, ["firm_id", measure]].rename(columns={measure: "then"})
    return now.merge(then, on="firm_id")


def _totals(rows: pd.DataFrame, by: str, measure: str) -> pd.DataFrame:
    grouped = rows.groupby(by)[measure].agg(["sum", "count"])
    grouped.loc["total"] = [rows[measure].sum(), rows[measure].count()]
    return grouped
