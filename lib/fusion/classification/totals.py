"""What a classified panel sums to: coverage with bounds, mapping by edition, totals by path.

Each function takes the rows of `classify`, with a revenue column joined to them where there is one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import ibis
import pandas as pd

from fusion.classification import slot
from fusion.classification.coefficients import Coefficients, equal
from fusion.classification.editions import CURRENT, NATIONAL, convert
from fusion.classification.enterprises import bounds, in_question
from fusion.classification.listed import split
from fusion.classification.policy import OTHER
from fusion.classification.split_weights import NONE, Weights, in_paths
from fusion.classification.tables import EDITIONS, load, source, tree

UNMAPPED = "unmapped"


def coverage(
    rows: ibis.Table,
    standards: list[str],
    *,
    partial_share: float = 0.5,
    revenue: str | None = None,
    coefficients: Coefficients | None = None,
) -> pd.DataFrame:
    """Share of a panel that is in each standard: certain, point, possible.

    A standard is named, or named with its own classes, e.g. ``"three_new_2018:02"`` for advanced
    manufacturing alone. A class marked * counts 0, its declared coefficient, 1; so does an ambiguous code
    whose candidates differ. An unmatched code counts in none of the three. Shares are of all rows (of all
    revenue that is reported).

    Returns
    -------
    pandas.DataFrame
        standard, title_en, title_zh, verified, firms_certain and firms_possible (firms with at least one such year),
        firm_years_low, _point, _high, _width (possible minus certain), _open (of the width, what codes that may be
        several classes make; not there where none does) and, with ``revenue``, the same of it, all shares in [0, 1]; all
        missing for a standard that is named and not held (`slot.empty`).
    """
    total = rows.aggregate(**_sizes(rows, revenue)).to_pandas().iloc[0]
    slots = {row["standard"]: row for row in slot.empty()}
    known = [s for s in standards if s not in slots]
    joined = _held(rows, known, coefficients or equal(partial_share))
    sums: dict[str, Any] = {
        "firms_certain": joined["firm_id"].nunique(where=joined["low"] == 1),
        "firms_possible": joined["firm_id"].nunique(),
    }
    joined = joined.mutate(open=_open(joined))
    for bound in ("low", "point", "high", "open"):
        sums[f"firm_years_{bound}"] = joined[bound].sum() / int(total["firm_years"])
        if revenue:
            sums[f"revenue_{bound}"] = (joined[bound] * joined[revenue]).sum() / float(total["revenue"])
    found = joined.group_by("standard").aggregate(**sums).to_pandas()
    out = pd.DataFrame([_named(s, slots) for s in standards]).merge(found, on="standard", how="left")
    out[list(sums)] = out[list(sums)].mask(out["standard"].isin(known) & out["firms_possible"].isna(), 0)
    order = []
    for size in ["firm_years"] + (["revenue"] if revenue else []):
        out[f"{size}_width"] = out[f"{size}_high"] - out[f"{size}_low"]
        # Where no code is open, all the width is of classes marked *, and nothing more is said.
        parts = ("low", "point", "high", "width", *(["open"] if (out[f"{size}_open"] > 0).any() else []))
        order += [f"{size}_{part}" for part in parts]
    first = ["standard", "title_en", "title_zh", "verified", "firms_certain", "firms_possible"]
    return out.astype({"firms_certain": "Int64", "firms_possible": "Int64"})[[*first, *order]]


def coverage_contributions(
    rows: ibis.Table,
    standards: list[str],
    *,
    partial_share: float = 0.5,
    revenue: str | None = None,
    coefficients: Coefficients | None = None,
) -> pd.DataFrame | None:
    """What each firm contributes to the shares of revenue of `coverage`, whose arguments it takes.

    Returns
    -------
    pandas.DataFrame or None
        standard, unit, and for revenue_low, _point, _high, _width and _open the firm's revenue in the standard (``_part``)
        and at all (``_whole``), for each standard that is held and each firm; None without revenue.
    """
    if not revenue:
        return None
    known = sorted(set(standards) - {row["standard"] for row in slot.empty()})
    joined = _held(rows, known, coefficients or equal(partial_share))
    joined = joined.mutate(unit=joined["firm_id"])
    joined = joined.mutate(open=_open(joined))
    sums = {
        f"revenue_{b}_part": (joined[b] * joined[revenue]).sum() for b in ("low", "point", "high", "open")
    }
    part = joined.group_by("standard", "unit").aggregate(**sums).to_pandas()
    part["revenue_width_part"] = part["revenue_high_part"] - part["revenue_low_part"]
    out = _against_whole(part, pd.DataFrame({"standard": known}), _wholes(rows, revenue, []), "whole")
    for bound in ("low", "point", "high", "width", "open"):
        out[f"revenue_{bound}_whole"] = out["whole"]
    return out.drop(columns="whole")


def _held(rows: ibis.Table, standards: list[str], declared: Coefficients) -> ibis.Table:
    """Rows with each standard that their code may be in, and the bounds of its share."""
    held = pd.concat([_long_bounds(s, declared) for s in standards])
    right = ibis.memtable(held.rename(columns={"edition": "edition_", "code": "code_"}))
    # A row that evidence settled counts as its class of 2017.
    settled = rows["mapping_status"] == "by_evidence"
    rows = rows.mutate(
        edition_in=ibis.ifelse(settled, "2017", rows["edition"]),
        code_in=ibis.ifelse(settled, rows["code_2017"], rows["code_own"]),
    )
    on = [rows["edition_in"] == right["edition_"], rows["code_in"] == right["code_"]]
    return rows.inner_join(right, on)


def _open(joined: ibis.Table) -> Any:
    """What a row adds to the width of a standard's share because its code may be several classes."""
    return ibis.ifelse(joined["mapping_status"] == "ambiguous", joined["high"] - joined["low"], 0.0)


def contributions(
    rows: ibis.Table, cells: pd.DataFrame, revenue: str | None, within: Sequence[str] = ()
) -> pd.DataFrame | None:
    """What each firm contributes to the shares of revenue of a table's cells.

    Parameters
    ----------
    rows : ibis.Table
        Rows of `classify`, with revenue.
    cells : pandas.DataFrame
        The columns that name the cells: of `mapping_status`, or of `unmapped_codes`.
    revenue : str, optional
        Column of revenue.
    within : sequence of str
        Columns within whose values the shares add up to one.

    Returns
    -------
    pandas.DataFrame or None
        The cells' columns, unit, revenue_share_part and revenue_share_whole, for each cell and each firm of its whole;
        None without revenue.
    """
    if not revenue:
        return None
    by, rows = list(cells.columns), as_written(rows)
    rows = rows.mutate(unit=rows["firm_id"])
    part = rows.group_by([*by, "unit"]).aggregate(revenue_share_part=rows[revenue].sum()).to_pandas()
    return _against_whole(part, cells, _wholes(rows, revenue, list(within)), "revenue_share_whole")


def _wholes(rows: ibis.Table, revenue: str, within: list[str]) -> pd.DataFrame:
    """Each firm's revenue within each value of some columns: those columns, unit, whole."""
    rows = rows.mutate(unit=rows["firm_id"])
    return rows.group_by([*within, "unit"]).aggregate(whole=rows[revenue].sum()).to_pandas()


def _against_whole(part: pd.DataFrame, cells: pd.DataFrame, whole: pd.DataFrame, name: str) -> pd.DataFrame:
    """Each firm's parts beside its whole, for each cell; zero where a firm has nothing in a cell."""
    shared = [c for c in cells if c in whole]
    every = cells.merge(whole, on=shared) if shared else cells.merge(whole, how="cross")
    out = every.merge(part, on=[*cells, "unit"], how="left")
    return out.fillna(dict.fromkeys(out.columns.drop([*cells, "unit"]), 0.0)).rename(columns={"whole": name})


def _named(standard: str, slots: dict[str, dict[str, str]]) -> dict[str, Any]:
    """Titles of a standard, with the classes that are meant, and whether its official text was seen."""
    if standard in slots:
        row = slots[standard]
        titles = {k: f"{row[k]} ({row['said' + k[-3:]]})" for k in ("title_en", "title_zh")}
        return {"standard": standard, **titles, "verified": False}
    name, _, classes = standard.partition(":")
    row = source(name)
    titles = {"title_en": row["title_en"], "title_zh": row["title_zh"]}
    if classes:
        own = load(name).drop_duplicates("class_code").set_index("class_code")["class_name"]
        titles["title_en"] += f", class {classes.replace(',', ', ')}"
        titles["title_zh"] += "：" + "、".join(own[c] for c in classes.split(","))
    if row["verified"] == "own":
        titles["title_en"] += " (the study's own file)"
        titles["title_zh"] += "（研究自带文件）"
    elif row["verified"] != "1":
        titles["title_en"] += " (UNVERIFIED: not the official text)"
        titles["title_zh"] += "（未核实：非官方文本）"
    return {"standard": standard, **titles, "verified": row["verified"] == "1"}


def _long_bounds(standard: str, declared: Coefficients) -> pd.DataFrame:
    """Bounds of the codes that may be in a standard; a point where candidates differ is the default share."""
    held = bounds(*split(standard), declared)
    held = held[held["high"] > 0].assign(standard=standard)
    return held.assign(point=held["point"].fillna(declared.default))


def _sizes(rows: ibis.Table, revenue: str | None) -> dict[str, Any]:
    sizes: dict[str, Any] = {"firm_years": rows.count(), "firms": rows["firm_id"].nunique()}
    return sizes | ({"revenue": rows[revenue].sum()} if revenue else {})


def mapping_status(rows: ibis.Table, revenue: str | None = None) -> pd.DataFrame:
    """Firm-years by year, edition and status (matched, ambiguous, unmatched), with shares of the year.

    Returns
    -------
    pandas.DataFrame
        year, edition, mapping_status, firm_years, firms, firm_years_share and, with ``revenue``,
        revenue_share; shares of all rows of the year, sorted.
    """
    by = ["year", "edition", "mapping_status"]
    out = rows.group_by(by).aggregate(**_sizes(rows, revenue)).order_by(by).to_pandas()
    return _with_shares(out, ["year"], revenue)


def _with_shares(out: pd.DataFrame, within: list[str], revenue: str | None) -> pd.DataFrame:
    for name in ["firm_years"] + (["revenue"] if revenue else []):
        total = out.groupby(within)[name].transform("sum") if within else out[name].sum()
        out[f"{name}_share"] = out[name] / total
    return out.drop(columns="revenue", errors="ignore")


def path_totals(rows: ibis.Table, revenue: str | None = None, weights: Weights = NONE) -> pd.DataFrame:
    """Totals of the six paths, of ``other`` and of what is unmapped.

    Returns
    -------
    pandas.DataFrame
        path; firm_years (exclusive: each row under its main path, so they add up to all rows); firm_years_high (with
        the rows of split codes of which any successor is in the path);
        firm_years_overlapping (main or secondary, so they do not); firm_years_service (rows outside the
        path that it names as service partners); the same of revenue as shares of all revenue; firms (of the main path);
        with ``weights`` firm_years_point and revenue_share_point: open codes by their parts (missing where one has none).
    """
    small = rows.group_by(_PATHS).aggregate(**_sizes(rows, revenue)).to_pandas()
    sizes = ["firm_years"] + (["revenue"] if revenue else [])
    out = pd.concat([_kinds(small, size) for size in sizes], axis=1).reindex(_codes()).fillna(0)
    money = [c for c in out.columns if c.startswith("revenue")]
    out[money] = out[money] / max(float(small["revenue"].sum()), 1e-300) if money else out[money]
    out = out.rename(columns={c: c.replace("revenue", "revenue_share") for c in money})
    firms = rows.group_by("path").aggregate(firms=rows["firm_id"].nunique()).to_pandas()
    out["firms"] = firms.set_index(firms["path"].replace("", UNMAPPED))["firms"]
    out = out.fillna(0).astype({c: int for c in out.columns if c.startswith("firm")}).reset_index()
    if not weights.values:
        return out
    point = _points(rows, revenue, weights, [])
    if revenue:
        point["revenue_share_point"] /= max(float(small["revenue"].sum()), 1e-300)
    return out.merge(point, on="path", how="left")


def _points(rows: ibis.Table, revenue: str | None, weights: Weights, by: Sequence[str]) -> pd.DataFrame:
    """Each path's firm_years_point and revenue_share_point (a sum), missing where an open code of it has no weights."""
    keys = ["edition", "code_own", "path", "paths_possible", *by]
    long = in_paths(rows.group_by(keys).aggregate(**_sizes(rows, revenue)).to_pandas(), weights)
    sizes = {"firm_years": "firm_years_point"} | ({"revenue": "revenue_share_point"} if revenue else {})
    parts = long[["cell", *by]].assign(
        **{to: long[size].fillna(0) * long["point"] for size, to in sizes.items()}
    )
    return (
        parts.groupby(["cell", *by])
        .sum(min_count=1)
        .where(parts.groupby(["cell", *by]).count().eq(parts.groupby(["cell", *by]).size(), axis=0))
        .reset_index()
        .rename(columns={"cell": "path"})
    )


def path_contributions(rows: ibis.Table, revenue: str | None, weights: Weights = NONE) -> pd.DataFrame | None:
    """What each firm contributes to the shares of revenue of `path_totals`.

    Returns
    -------
    pandas.DataFrame or None
        path, unit, and for revenue_share, _high, _overlapping, _service and, with weights, _point the firm's revenue there
        (``_part``) and at all (``_whole``); None without revenue.
    """
    if not revenue:
        return None
    keyed = rows.mutate(unit=rows["firm_id"])
    small = keyed.group_by([*_PATHS, "unit"]).aggregate(revenue_share=rows[revenue].sum()).to_pandas()
    part = _kinds(small, "revenue_share", ["unit"])
    if weights.values:
        point = _points(keyed, revenue, weights, ["unit"]).set_index(["path", "unit"])
        part = part.join(point[["revenue_share_point"]], how="outer")
    whole = small.groupby("unit")["revenue_share"].sum()
    every = pd.MultiIndex.from_product([_codes(), whole.index], names=["path", "unit"])
    out = part.reindex(every).fillna(0).add_suffix("_part").reset_index()
    return out.assign(**{f"{name}_whole": out["unit"].map(whole) for name in part})


_PATHS = ["path", "path_secondary", "path_service", "paths_possible"]


def _codes() -> list[str]:
    return [*dict.fromkeys(load("paths")["path"]), OTHER, UNMAPPED]


def _kinds(small: pd.DataFrame, size: str, by: Sequence[str] = ()) -> pd.DataFrame:
    """A size by path: under the main path, possibly there, with adjacent ones, and of service partners."""

    def summed(column: str) -> pd.Series:
        parts = small.assign(path=small[column].str.split(",")).explode("path")
        return parts[parts["path"] != ""].groupby(["path", *by])[size].sum()

    main = small.assign(path=small["path"].replace("", UNMAPPED)).groupby(["path", *by])[size].sum()
    named = {size: main, f"{size}_high": summed("paths_possible").combine_first(main)}
    named[f"{size}_overlapping"] = main.add(summed("path_secondary"), fill_value=0)
    return pd.DataFrame({**named, f"{size}_service": summed("path_service")})


def path_shares(rows: ibis.Table) -> pd.DataFrame:
    """Share of each year's firms by main path: year, path (with ``other`` and ``unmapped``), share, firms, edition.

    ``firms`` is their number, ``edition`` the newest of GB/T 4754 in which, or in newer ones, more than half of the year's
    rows are coded; empty for none.
    """
    named = rows.mutate(path=ibis.ifelse(rows["path"] == "", UNMAPPED, rows["path"]))
    count = named.group_by(["year", "path"]).aggregate(firm_years=named.count()).to_pandas()
    wide = pd.crosstab(count["year"], count["path"], count["firm_years"], aggfunc="sum", normalize="index")
    long = wide.reset_index().melt("year", var_name="path", value_name="share")
    long = long.merge(count.rename(columns={"firm_years": "firms"}), on=["year", "path"], how="left")
    long = long.fillna({"firms": 0}).astype({"firms": int})
    since = {e: rows["edition"].isin(list(NATIONAL[n:])).mean() for n, e in enumerate(NATIONAL)}
    coded = rows.group_by("year").aggregate(**since).to_pandas().set_index("year") > 0.5
    edition = coded.apply(lambda year: max((e for e in NATIONAL if year[e]), default=""), axis=1)
    long = long.merge(edition.rename("edition").reset_index(), on="year")
    return long.sort_values(["path", "year"], ignore_index=True)


def edition_break(shares: pd.DataFrame) -> pd.DataFrame:
    """What moves when the panel changes over to a newer edition, at every such change.

    Parameters
    ----------
    shares : pandas.DataFrame
        As `path_shares` gives it.

    Returns
    -------
    pandas.DataFrame
        One row for each change and path, the change with the largest move first, its largest move first: path, year (the
        first in which more than half of the rows are coded in an edition newer than before), before, after, change,
        usual_change (mean absolute change from year to year at other times). Empty when there is no such year.
    """
    order = {e: n for n, e in enumerate(("", *NATIONAL))}
    level = shares.groupby("year")["edition"].first().map(order).cummax()
    years = [int(year) for year in level.index[level.diff() > 0]]
    columns = ["path", "year", "before", "after", "change", "usual_change"]
    wide = pd.crosstab(shares["year"], shares["path"], shares["share"], aggfunc="sum").fillna(0)
    step = wide.diff()
    usual = step.drop(index=years).abs().mean()
    parts = [
        pd.DataFrame(
            {
                "before": wide.shift().loc[year],
                "after": wide.loc[year],
                "change": step.loc[year],
                "usual_change": usual,
            }
        )
        .assign(year=year)
        .sort_values("change", key=lambda c: -c.abs())
        for year in years
    ]
    parts.sort(key=lambda part: -part["change"].abs().max())
    if not parts:
        return pd.DataFrame(columns=columns)
    return pd.concat(parts).rename_axis("path").reset_index()[columns]


def unmapped_codes(rows: ibis.Table, *, revenue: str | None = None, top: int = 15) -> pd.DataFrame:
    """The codes that most often are not taken over, with what they may be.

    Parameters
    ----------
    rows : ibis.Table
        Rows of `classify`; with ``ind4`` joined to them, codes that could not be read show as written.

    Returns
    -------
    pandas.DataFrame
        edition, code_own, name_zh, name_en (of the division: classes have no English names), mapping_status,
        mapping_how, candidates, firm_years, firms and the shares of firm-years and revenue that they are of the whole
        panel; most frequent first.
    """
    rows = as_written(rows)
    by = ["edition", "code_own", "mapping_status", "mapping_how"]
    every = _with_shares(rows.group_by(by).aggregate(**_sizes(rows, revenue)).to_pandas(), [], revenue)
    out = every[every["mapping_status"].isin(["ambiguous", "unmatched"])]
    out = out.sort_values(["firm_years", "edition", "code_own"], ascending=[False, True, True]).head(top)
    names = pd.concat([_names(e) for e in EDITIONS])
    older = [convert(None, e)[["code", "candidates"]].assign(edition=e) for e in NATIONAL if e != CURRENT]
    may_be = pd.concat(older)
    out = out.merge(names.rename(columns={"code": "code_own"}), on=["edition", "code_own"], how="left")
    out = out.merge(may_be.rename(columns={"code": "code_own"}), on=["edition", "code_own"], how="left")
    english = tree(CURRENT).set_index("code")["name_en_unofficial"]
    # Divisions of 2002 bear other numbers: theirs is that which all successors share.
    shared = in_question().groupby(["edition", "code"])["code_2017"].agg(lambda c: c.str[:2].unique())
    shared = shared[shared.str.len() == 1].str[0].rename("shared").reset_index()
    out = out.merge(shared.rename(columns={"code": "code_own"}), on=["edition", "code_own"], how="left")
    division = out.pop("shared").where(out["edition"] == NATIONAL[0], out["code_own"].str[:2])
    out["name_en"] = division.map(english)
    first = ["edition", "code_own", "name_zh", "name_en", "mapping_status", "mapping_how", "candidates"]
    out = out.fillna(dict.fromkeys(["code_own", "name_zh", "name_en", "candidates"], ""))
    return out[[*first, *out.columns.drop(first)]]


def as_written(rows: ibis.Table) -> ibis.Table:
    """Rows whose codes that could not be read stand as they were written."""
    if "ind4" not in rows.columns:
        return rows
    return rows.mutate(code_own=rows["code_own"].nullif("").fill_null(rows["ind4"].cast("string")))


def _names(edition: str) -> pd.DataFrame:
    return tree(edition)[["code", "name_zh"]].assign(edition=edition)
