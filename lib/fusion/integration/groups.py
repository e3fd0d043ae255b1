"""Integration of groups of enterprises beside that of their legal units: what is sold by two units of one owner.

Where a maker spins its services off (主辅分离), no unit of the group makes and serves any more, though the group does as much
together as before. A group's goods and services are the sums of its units' here, by class; sales within the group count twice
in such sums, and are taken off where units tell what they serve outside it. Goods sold within a group are on no form.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import ibis
import pandas as pd

from fusion.integration import engine, sides
from fusion.integration.firms import Settings, integration
from fusion.integration.relatedness import Relatedness

GROUP, OUTSIDE = "group_id", "service_revenue_external"
AMOUNTS = (
    "operating_revenue",
    "service_revenue",
    "service_revenue_tied",
    "contract_revenue",
    "contract_goods",
    "goods_placed",
)
NEITHER = "9700"  # a class that is neither goods nor a service that can be paired
FEWEST = 2  # units of a group
SHARES = ("alone", "together", "same", "outside")
COLUMNS = ["year", "groups", "units", "left_out", "alone", "together", "told", "same", "outside"]


def beside(
    panel: ibis.Table, made: Relatedness, settings: Settings | None = None
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Integration of groups, year by year, beside that of their units taken one by one.

    Parameters
    ----------
    panel : ibis.Table
        As `firms.integration` takes it, with group_id (missing: of no group) and, where forms ask for it,
        service_revenue_external.
    made : Relatedness
    settings : Settings, optional
        Used with all that each unit tells: nobody is ranked.

    Returns
    -------
    table : pandas.DataFrame
        year, groups (of two units and more, all of which tell their services), units (of these), left_out (groups of which a
        unit is silent, or has another edition of codes), alone (F of the units, by revenue, %), together (F of the
        groups, %), told (groups that tell what they serve outside), and of these same (F of the groups, %) and outside
        (without services sold within the group, %). Empty where no group has two units in a year.
    parts : pandas.DataFrame
        What each group adds: year, unit (the group), and parts and wholes of the four shares.
    """
    none = pd.DataFrame(columns=COLUMNS), pd.DataFrame()
    if GROUP not in panel.columns:
        return none
    chosen = replace(settings or Settings(), common=False, withheld=None)
    rows = _members(panel)
    if rows.empty:
        return none
    con = panel.get_backend()
    own = integration(_stored(con, rows, "_of_groups"), made, chosen).to_pandas()[
        ["firm_id", "year", "volume", "point"]
    ]
    rows = rows.merge(own, on=["firm_id", "year"], how="left")
    sums, left = _sums(rows)
    both = {"together": rows, "outside": _outside(rows)}
    for name, part in both.items():
        sums = sums.join(_measured(con, made, chosen, part, sums.index), rsuffix=f"_{name}")
        sums = sums.rename(columns={"point": name, "volume": f"{name}_volume"})
    tell = sums["outside"].notna()
    sums = sums.assign(same=sums["together"].where(tell), same_volume=sums["together_volume"].where(tell))
    return _table(sums, left), _parts(sums)


# -- inside ------------------------------------------------------------------------------------


def _members(panel: ibis.Table) -> pd.DataFrame:
    """Rows of units whose group has at least two in the year."""
    more = [c for c in (GROUP, OUTSIDE) if c in panel.columns]
    there = panel.filter(panel[GROUP].cast("string") != "")
    wanted = [c for c in engine.COLUMNS if c in panel.columns]
    rows = there.select("firm_id", "year", *wanted, *more).to_pandas()
    rows = rows.reindex(columns=["firm_id", "year", *engine.COLUMNS, GROUP, OUTSIDE])
    rows = rows[rows.groupby([GROUP, "year"])["firm_id"].transform("nunique") >= FEWEST]
    return rows.astype(dict.fromkeys((*AMOUNTS, OUTSIDE), float)).reset_index(drop=True)


def _sums(rows: pd.DataFrame) -> tuple[pd.DataFrame, pd.Series]:
    """Groups of which each unit has a point: units, alone and its volume; and how many of a year have not."""
    by = rows.assign(paired=rows["point"] * rows["volume"]).groupby([GROUP, "year"])
    whole = (by["point"].count() == by.size()) & by["class_version"].agg(_one)
    sums = by.agg(units=("firm_id", "nunique"), paired=("paired", "sum"), alone_volume=("volume", "sum"))
    sums = sums.assign(alone=sums["paired"] / sums["alone_volume"]).drop(columns="paired")
    return sums[whole], (~whole).groupby(level="year").sum()


def _one(codes: pd.Series) -> bool:
    """Whether all are the same; what is missing is another."""
    return bool((codes.fillna("") == codes.fillna("").iloc[0]).all())


def _outside(rows: pd.DataFrame) -> pd.DataFrame:
    """Rows without services sold within the group, class by class in proportion; none of a group that does not tell them."""
    served = rows["service_revenue"].fillna(0)
    told = (served == 0) | rows[OUTSIDE].notna()
    kept = rows[told.groupby([rows[GROUP], rows["year"]]).transform("all")].copy()
    served = kept["service_revenue"].fillna(0)
    sold = kept[OUTSIDE].clip(upper=served).where(served > 0, served)
    share = (sold / served).where(served > 0, 1.0)
    kept["operating_revenue"] -= served - sold
    kept["service_revenue"] = kept["service_revenue"].where(served == 0, sold)
    kept["service_revenue_tied"] *= share
    texts = zip(kept["service_rev_by_class"], share, strict=True)
    return kept.assign(service_rev_by_class=[_scaled(text, by) for text, by in texts])


def _measured(
    con: Any, made: Relatedness, settings: Settings, rows: pd.DataFrame, groups: pd.Index
) -> pd.DataFrame:
    """Point and volume of each group whose units' sums are in the rows."""
    own = [
        {"firm_id": str(at), "year": group[1], GROUP: group[0], **_together(part)}
        for at, (group, part) in enumerate(rows.groupby([GROUP, "year"]))
        if group in groups
    ]
    if not own:
        return pd.DataFrame(
            {"point": pd.Series(dtype=float), "volume": pd.Series(dtype=float)}, index=groups[:0]
        )
    made_of = pd.DataFrame(own)
    found = integration(_stored(con, made_of, "_groups"), made, settings).to_pandas()
    return made_of.merge(found, on=["firm_id", "year"]).set_index([GROUP, "year"])[["point", "volume"]]


def _stored(con: Any, rows: pd.DataFrame, name: str) -> ibis.Table:
    """Rows as a table of the engine's columns; one that is empty throughout has its type all the same."""
    kinds = {"VARCHAR": "string", "DOUBLE": "float64"}
    schema = {"firm_id": "string", "year": "int64", **{c: kinds[k] for c, k in engine.COLUMNS.items()}}
    return con.create_table(name, rows[list(schema)], schema=schema, temp=True, overwrite=True)


def _together(part: pd.DataFrame) -> dict[str, Any]:
    """One row of a group: sums of its units, its goods by class, and services by class as far as units tell them."""
    makes = sides.makers(part["ind4"])
    first = part[makes] if makes.any() else part
    main = first.loc[first["operating_revenue"].idxmax()]
    serve = part[part["service_revenue"].fillna(0) > 0]
    sums = {name: part[name].sum(min_count=1) for name in AMOUNTS}
    # A part of the units' tied shares is no tied share of the group.
    if serve["service_revenue_tied"].isna().any():
        sums["service_revenue_tied"] = None
    classes = [own for own in map(_classes, serve.to_dict("records")) if own]
    # What a unit tells neither by class nor by name is shared out by the engine, among the activities that the group names.
    told = _added(classes) if classes else None
    named = dict.fromkeys(
        code for text in part["biz_activity_codes"].dropna() for code in str(text).split("|")
    )
    goods = _added([_goods(row, bool(own)) for row, own in zip(part.to_dict("records"), makes, strict=True)])
    return {
        **{name: main[name] for name in ("ind4", "class_version", "path")},
        **{name: None if pd.isna(value) else float(value) for name, value in sums.items()},
        "service_rev_by_class": None if told is None else json.dumps(told),
        "goods_rev_by_class": json.dumps(goods),
        "biz_activity_codes": "|".join(named) or None,
    }


def _classes(row: dict[str, Any]) -> dict[str, float]:
    """A unit's services by class; where it does not tell them, in equal parts by those among its own activities."""
    told = _read(row["service_rev_by_class"])
    if told:
        return told
    named = [
        code for code in str(row["biz_activity_codes"] or "").split("|") if sides.side(code) == sides.SERVICE
    ]
    return {code: row["service_revenue"] / len(named) for code in named}


def _goods(row: dict[str, Any], makes: bool) -> dict[str, float]:
    """A unit's goods by class; what is left of a maker's revenue is of its main code, of another's neither."""
    told = _read(row["goods_rev_by_class"]) or {}
    within = sum(told.values()) + sum(
        row[c] for c in ("service_revenue", "contract_revenue") if pd.notna(row[c])
    )
    rest = row["operating_revenue"] - within
    return _added([told, {str(row["ind4"]) if makes else NEITHER: rest}]) if rest > 0 else told


def _read(text: Any) -> dict[str, float] | None:
    return {str(k): float(v) for k, v in json.loads(text).items()} if isinstance(text, str) and text else None


def _scaled(text: Any, by: float) -> str | None:
    told = _read(text)
    return None if told is None else json.dumps({code: amount * by for code, amount in told.items()})


def _added(parts: Iterable[dict[str, float]]) -> dict[str, float]:
    whole: dict[str, float] = {}
    for part in parts:
        for code, amount in part.items():
            whole[code] = whole.get(code, 0.0) + amount
    return whole


def _table(sums: pd.DataFrame, left: pd.Series) -> pd.DataFrame:
    """Shares of a year over its groups, by volume."""
    rows = []
    for year, own in sums.groupby(level="year"):
        counts = {"groups": len(own), "units": own["units"].sum(), "told": own["outside"].notna().sum()}
        shares = {name: _share(own, name) for name in SHARES}
        rows.append({"year": year, "left_out": left[year], **counts, **shares})
    return pd.DataFrame(rows, columns=COLUMNS)


def _share(own: pd.DataFrame, name: str) -> float:
    held = own[own[name].notna()]
    volume = held[f"{name}_volume"].sum()
    return 100 * (held[name] * held[f"{name}_volume"]).sum() / volume if volume else float("nan")


def _parts(sums: pd.DataFrame) -> pd.DataFrame:
    found = sums.reset_index().rename(columns={GROUP: "unit"})
    shares: dict[str, pd.Series] = {}
    for name in SHARES:
        whole = found[f"{name}_volume"].where(found[name].notna())
        shares |= {f"{name}_part": 100 * found[name] * whole, f"{name}_whole": whole}
    return found[["year", "unit"]].assign(**shares)
