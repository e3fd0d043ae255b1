"""What changes when one standard takes the place of another: totals, and the codes through which they move."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import ibis
import numpy as np
import pandas as pd

from fusion.classification import totals
from fusion.classification.coefficients import Coefficients
from fusion.classification.listed import ADVANCED_MANUFACTURING, members, split
from fusion.classification.tables import EDITIONS, shipped, source, tree

PAIR = ["standard", "beside"]
CODE = ["edition", "code"]
BOUNDS = ("low", "point", "high")


def pairs(declared: Mapping[str, Mapping[str, Any]], chosen: Iterable[str]) -> list[tuple[str, str]]:
    """Each of a study's own standards with the one that it is compared with.

    That is the one it names; else, of the study's choices and of all that the project has, the one that shares most
    codes with it (codes in both over codes in either).

    Parameters
    ----------
    declared : dict
        The study's standards by name; ``compared_with`` where given.
    chosen : iterable of str
        Standards that the study chose for the two industries; they come first where two are equally near.
    """
    advanced = {name: f"{name}:{','.join(classes)}" for name, classes in ADVANCED_MANUFACTURING.items()}
    named = [advanced.get(c, c) for c in chosen]
    others = [c for c in dict.fromkeys([*named, *shipped()]) if c.partition(":")[0] not in declared]
    return [
        (own, given.get("compared_with") or max(others, key=lambda o: _shared(own, o)))
        for own, given in declared.items()
    ]


def totals_of(
    rows: ibis.Table, compared: list[tuple[str, str]], coefficients: Coefficients, revenue: str | None = None
) -> pd.DataFrame:
    """Totals of each own standard and of the one beside it, and what each has beyond the other.

    Returns
    -------
    pandas.DataFrame
        standard, beside, which (``own``, ``other``), title_en, title_zh, codes (classes of 2017 that it may hold), units
        (firms that may be in it), firm_years_low, _point, _high, firm_years_beyond (shares of all rows; beyond: the
        point share of rows that the other has not), and the same of revenue.
    """
    found = []
    for own, other in compared:
        cover = totals.coverage(rows, [own, other], revenue=revenue, coefficients=coefficients)
        sides = _sides(rows, own, other, coefficients, revenue)
        cover.insert(0, "beside", [other, own])
        cover.insert(1, "which", ["own", "other"])
        cover["codes"] = [len(members(*split(s))) for s in (own, other)]
        for size in _sizes(revenue):
            gap = (sides["point_own"] - sides["point_other"]) * sides[size] / _whole(rows, size, revenue)
            cover[f"{size}_beyond"] = [gap.clip(lower=0).sum(), (-gap).clip(lower=0).sum()]
        found.append(cover)
    if not found:
        return pd.DataFrame()
    out = pd.concat(found, ignore_index=True).rename(columns={"firms_possible": "units"})
    return out.drop(columns=["verified", "firms_certain", *(c for c in out if c.endswith("_width"))])


def headline(sides: pd.DataFrame) -> dict[str, Any]:
    """Of the first pair: titles of ``own`` and ``other`` by language, and ``moved``, the point share's change in points."""
    if sides.empty:
        return {"own": None, "other": None, "moved": None}
    titles = [{"en": row.title_en, "zh": row.title_zh} for row in sides.head(2).itertuples()]
    points = sides["firm_years_point"]
    return {"own": titles[0], "other": titles[1], "moved": float(100 * (points[0] - points[1]))}


def codes_moved(
    rows: ibis.Table,
    compared: list[tuple[str, str]],
    coefficients: Coefficients,
    revenue: str | None = None,
    top: int = 12,
) -> pd.DataFrame:
    """Codes of the panel that are in one standard and not, or otherwise, in the one beside it.

    Returns
    -------
    pandas.DataFrame
        standard, beside, title_zh, title_en, edition, code, name_zh, name_en (of the division), in_own and in_other
        (``full``, ``partial``, ``none``), firm_years, firms, firm_years_moved, firm_years_low and firm_years_high (change
        of the share of all rows when the own standard takes the other's place: point, and the ends of the bounds), and
        the same of revenue; for each pair the ``top`` that move most, largest first.
    """
    found = []
    for own, other in compared:
        sides = _sides(rows, own, other, coefficients, revenue)
        moved = sides[
            (
                sides[[f"{b}_own" for b in BOUNDS]].to_numpy()
                != sides[[f"{b}_other" for b in BOUNDS]].to_numpy()
            ).any(1)
        ]
        moved = moved.assign(
            standard=own, beside=other, **{f"in_{s}": _word(moved, s) for s in ("own", "other")}
        )
        for size in _sizes(revenue):
            share = moved[size] / _whole(rows, size, revenue)
            for bound, name in zip(BOUNDS, ("low", "moved", "high"), strict=True):
                moved[f"{size}_{name}"] = (moved[f"{bound}_own"] - moved[f"{bound}_other"]) * share
        order = (
            moved[[f"{s}_moved" for s in _sizes(revenue)]]
            .abs()
            .iloc[:, -1]
            .sort_values(ascending=False, kind="stable")
        )
        found.append(moved.loc[order.index].head(top))
    if not found:
        return pd.DataFrame()
    out = pd.concat(found, ignore_index=True)
    names = pd.concat([tree(e)[["code", "name_zh"]].assign(edition=e) for e in EDITIONS])
    out = out.merge(names, on=CODE, how="left")
    out["name_en"] = out["code"].str[:2].map(tree("2017").set_index("code")["name_en_unofficial"]).fillna("")
    drop = [f"{b}_{s}" for b in BOUNDS for s in ("own", "other")] + (["revenue"] if revenue else [])
    for language in ("zh", "en"):
        out[f"title_{language}"] = out["standard"].map(lambda s, k=f"title_{language}": source(s)[k])
    first = [
        *PAIR,
        "title_zh",
        "title_en",
        *CODE,
        "name_zh",
        "name_en",
        "in_own",
        "in_other",
        "firm_years",
        "firms",
    ]
    out = out.drop(columns=drop)
    return out[[*first, *out.columns.drop(first)]]


def contributions(
    rows: ibis.Table,
    compared: list[tuple[str, str]],
    coefficients: Coefficients,
    revenue: str | None,
    shown: pd.DataFrame,
) -> tuple[pd.DataFrame | None, pd.DataFrame | None]:
    """What each firm gives to the shares of revenue of `totals_of` and of `codes_moved` (``shown``); None without it."""
    if not revenue or shown.empty:
        return None, None
    whole = totals._wholes(rows, revenue, [])
    keyed = _coded(rows).mutate(unit=rows["firm_id"])
    money = keyed.group_by([*CODE, "unit"]).aggregate(revenue=keyed[revenue].sum()).to_pandas()
    wide, long = [], []
    for own, other in compared:
        both = money.merge(_bounds(own, other, coefficients), on=CODE)
        for a, b, one, beside in (("own", "other", own, other), ("other", "own", other, own)):
            gap = (both[f"point_{a}"] - both[f"point_{b}"]).clip(lower=0)
            parts = {f"revenue_{n}_part": both["revenue"] * both[f"{n}_{a}"] for n in BOUNDS}
            parts["revenue_beyond_part"] = both["revenue"] * gap
            side = both[["unit"]].assign(**parts).groupby("unit").sum().reset_index()
            wide.append(side.assign(standard=one, beside=beside))
        change = {
            f"revenue_{n}_part": both["revenue"] * (both[f"{b}_own"] - both[f"{b}_other"])
            for b, n in zip(BOUNDS, ("low", "moved", "high"), strict=True)
        }
        parts_of_codes = both[[*CODE, "unit"]].assign(standard=own, beside=other, **change)
        long.append(parts_of_codes.merge(shown[[*PAIR, *CODE]], on=[*PAIR, *CODE]))
    return _against(wide, whole, PAIR), _against(long, whole, [*PAIR, *CODE])


# -- inside ------------------------------------------------------------------------------------
def _against(parts: list[pd.DataFrame], whole: pd.DataFrame, by: list[str]) -> pd.DataFrame:
    """Parts beside each firm's whole, for every firm of the panel and every cell."""
    part = pd.concat(parts, ignore_index=True)
    every = part[by].drop_duplicates().merge(whole, how="cross")
    out = every.merge(part, on=[*by, "unit"], how="left").fillna(0.0)
    for name in [c for c in part if c.endswith("_part")]:
        out[name.replace("_part", "_whole")] = out["whole"]
    return out.drop(columns="whole")


def _shared(own: str, other: str) -> float:
    a, b = (set(members(*split(s))["code"]) for s in (own, other))
    return len(a & b) / max(len(a | b), 1)


def _sizes(revenue: str | None) -> list[str]:
    return ["firm_years", "revenue"] if revenue else ["firm_years"]


def _whole(rows: ibis.Table, size: str, revenue: str | None) -> float:
    found = rows.count() if size == "firm_years" else rows[str(revenue)].sum()
    return float(found.to_pandas() or np.nan)


def _bounds(own: str, other: str, coefficients: Coefficients) -> pd.DataFrame:
    """Bounds of each code in both standards; zero where a standard has it not."""
    both = [totals._long_bounds(s, coefficients)[[*CODE, *BOUNDS]] for s in (own, other)]
    return both[0].merge(both[1], on=CODE, how="outer", suffixes=("_own", "_other")).fillna(0.0)


def _coded(rows: ibis.Table) -> ibis.Table:
    """Rows with the edition and code by which they count in a standard."""
    settled = rows["mapping_status"] == "by_evidence"
    return rows.mutate(
        edition=ibis.ifelse(settled, "2017", rows["edition"]),
        code=ibis.ifelse(settled, rows["code_2017"], rows["code_own"]),
    )


def _sides(
    rows: ibis.Table, own: str, other: str, coefficients: Coefficients, revenue: str | None
) -> pd.DataFrame:
    """Size of each code of the panel beside its bounds in both standards."""
    coded = _coded(rows)
    sums = {"firm_years": coded.count(), "firms": coded["firm_id"].nunique()}
    sums |= {"revenue": coded[revenue].sum()} if revenue else {}
    held = coded.group_by(CODE).aggregate(**sums).to_pandas()
    return held.merge(_bounds(own, other, coefficients), on=CODE)


def _word(sides: pd.DataFrame, side: str) -> pd.Series:
    low, high = sides[f"low_{side}"], sides[f"high_{side}"]
    return pd.Series("partial", index=sides.index).mask(low == 1, "full").mask(high == 0, "none")
