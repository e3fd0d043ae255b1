"""Producer services: ten groups of service firms and of the services of manufacturers, apart and together.

The groups are those of 生产性服务业统计分类(2019), whose code table could not be verified: what rests on it says so. Firms of
producer services are those of sections F to S whose code is in it; manufacturers (section C) enter with the revenue of the
classes that are, the only one of the indicators that they report by class.

A code that may be several classes is of a group where all of them are; where only some are, its rows are *open* and make
the least and the most that each figure can be (`fusion.classification.intervals`).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import pandas as pd

from fusion.classification import intervals, load
from fusion.classification.enterprises import in_question
from fusion.evaluation.bureau import WAN_PER_YI
from fusion.evaluation.sold import SERVICES
from fusion.evaluation.targets import growth, verdict

STANDARD = "producer_services_2019"
REVENUE = "operating_revenue"
MEASURES = (REVENUE, "value_added", "total_profit", "taxes", "employees_avg")
PEOPLE = ("employees_avg",)  # what is no amount of money
FIRMS, MAKERS, TOGETHER = "service firms", "manufacturers", "together"
TOTAL = "total"  # of all groups
KEYS = ["population", "group", "measure"]
SHOWN = ["amount", "growth", "matched", "nominal", "units"]
PLACED = ["population", "group", "firm_id", "year", "edition", "code_own", "open"]


def firms(panel: pd.DataFrame, possible: bool = False) -> pd.Series:
    """Which rows are firms of producer services: of sections F to S, all classes that the code may be in the standard.

    Parameters
    ----------
    panel : pandas.DataFrame
        section, code_2017, edition and code_own of the classification; nothing without the first two.
    possible : bool
        Rows of which any such class is; the section may be open too.
    """
    if not {"section", "code_2017"} <= set(panel.columns):
        return pd.Series(False, index=panel.index)
    inside = np.array([any(g) if possible else all(g) for g in _placed_by(panel)], dtype=bool)
    sections = (*SERVICES, "") if possible else SERVICES
    return panel["section"].fillna("").isin(sections) & inside


def placed(panel: pd.DataFrame) -> pd.DataFrame:
    """Producer services of a panel, a row a firm, year, group and code.

    Parameters
    ----------
    panel : pandas.DataFrame
        firm_id, year, section, code_2017, edition and code_own (of the classification), of ``MEASURES`` what
        there is (taxes: tax_surcharge and vat together), and service_rev_by_class.

    Returns
    -------
    pandas.DataFrame
        population (``service firms``, ``manufacturers``), group, firm_id, year, edition, code_own, open, ``MEASURES``; of
        manufacturers the revenue alone. Open: some class of 2017 that the code may be is of the group and another is not, or the
        section is open; such a row stands in each of its groups.
    """
    panel = panel.assign(taxes=_taxes(panel))
    both = pd.concat([_of_firms(panel), _of_makers(panel)], ignore_index=True)
    return both.reindex(columns=[*PLACED, *MEASURES]).astype({"open": bool})


def monitor(services: pd.DataFrame, year: int) -> pd.DataFrame:
    """Totals of a year by population, group and measure, with growth on the year before.

    Parameters
    ----------
    services : pandas.DataFrame
        As `placed` gives it.
    year : int
        The year.

    Returns
    -------
    pandas.DataFrame
        population, group, measure, amount (亿元; persons), growth (%, on comparable scope: units of both years), matched (how
        many those are), nominal (%, all that report in either year), units (of the year). Together: revenue of both. Where codes
        leave groups open: amount_high, growth_low, growth_high, nominal_low, nominal_high; cells of open rows alone have no
        units.
    """
    table = _certain(services, year)
    ends = _ends(services, year, year - 1)
    if ends.empty:
        return table
    ends = ends.rename(columns={"amount": "amount_high"})
    both = table.merge(ends.reset_index(), on=KEYS, how="outer") if len(table) else ends.reset_index()
    both = both.reindex(columns=[*KEYS, *SHOWN, *ends.columns])
    both = both.fillna(dict.fromkeys(("amount", "matched", "units"), 0)).astype(
        {"matched": int, "units": int}
    )
    both = both[both["units"].gt(0) | both["amount_high"].gt(0)]
    return both.sort_values(KEYS, ignore_index=True)


def contributions(services: pd.DataFrame, year: int) -> pd.DataFrame:
    """What each unit adds to the cells of `monitor`.

    Returns
    -------
    pandas.DataFrame
        population, group, measure, unit, amount, growth_now and growth_before (units of both years), nominal_now and
        nominal_before; where codes leave groups open amount_high, and now and before of each end of both growths.
    """
    wide = _two_years(services[~services["open"]], year, year - 1)
    parts = pd.DataFrame(columns=[*KEYS, "unit"])
    if len(wide):
        per = np.where(wide["measure"].isin(PEOPLE), 1.0, WAN_PER_YI)
        matched = wide["now"].notna() & wide["then"].notna()
        parts = wide[[*KEYS, "unit"]].assign(
            amount=wide["now"] / per,
            growth_now=wide["now"].where(matched),
            growth_before=wide["then"].where(matched),
            nominal_now=wide["now"],
            nominal_before=wide["then"],
        )
    sides = _open_parts(services, year, year - 1)
    return parts if sides.empty else parts.merge(sides, on=[*KEYS, "unit"], how="outer")


def against(
    services: pd.DataFrame, base_year: int, horizon: int, goal: float, tolerance: float
) -> pd.DataFrame:
    """Growth a year of producer services against a target, by group and measure, on comparable scope.

    Returns
    -------
    pandas.DataFrame
        population (service firms; of manufacturers, and of both together, the revenue), group (the last is the total),
        measure, rate (% a year), units (of both years), verdict, and rate_low, rate_high of groups where codes leave them
        open; empty without service firms.
    """
    lines = []
    for (population, group), part in _every(services).groupby(["population", "group"], sort=False):
        for measure in (m for m in MEASURES if part[m].notna().any()):
            found = growth(part, measure, base_year, horizon, "continuing", "nominal")
            rate, units = found.rate, found.units
            lines.append((population, group, measure, rate, units, verdict(rate, goal, tolerance)))
    table = pd.DataFrame(lines, columns=[*KEYS, "rate", "units", "verdict"])
    ends = _ends(services, horizon, base_year)
    if ends.empty or table.empty:
        return table
    yearly = 100 * ((1 + ends[["growth_low", "growth_high"]] / 100) ** (1 / (horizon - base_year)) - 1)
    yearly.columns = ["rate_low", "rate_high"]
    return table.merge(yearly.reset_index(), on=KEYS, how="left")


def reached(held: pd.DataFrame) -> dict[str, int]:
    """Of lines of `against` about service firms: how many there are (``lines``), and that met the target or about so."""
    own = held.loc[held["population"] == FIRMS, "verdict"]
    return {"lines": len(own), "reached": int(own.isin(["met", "about met"]).sum())}


def judged(services: pd.DataFrame, base_year: int, horizon: int) -> pd.DataFrame:
    """What each unit adds to the rates of `against`: `KEYS`, unit, rate_before, rate_now, and of both ends."""
    own = _every(services[services["year"].isin([base_year, horizon])])
    long = own.melt(["population", "group", "firm_id", "year"], list(MEASURES), "measure")
    wide = long.dropna(subset=["value"]).pivot_table("value", [*KEYS, "firm_id"], "year", aggfunc="sum")
    wide = wide.reindex(columns=[base_year, horizon]).dropna().set_axis(["rate_before", "rate_now"], axis=1)
    wide = wide.reset_index().rename(columns={"firm_id": "unit"})
    sides = _open_parts(services, horizon, base_year)
    if sides.empty or wide.empty:
        return wide
    sides = sides[[*KEYS, "unit", *sides.filter(like="growth_")]]
    return wide.merge(
        sides.rename(columns=lambda c: c.replace("growth_", "rate_")), on=[*KEYS, "unit"], how="outer"
    )


# -- inside ------------------------------------------------------------------------------------


def _every(services: pd.DataFrame) -> pd.DataFrame:
    """Service firms, manufacturers and both together, each by group and in total, as far as codes are certain; nothing
    without service firms.
    """
    services = services[~services["open"]]
    if not (services["population"] == FIRMS).any():
        return services.iloc[:0]
    both = _both(services[["population", "group", "firm_id", "year", REVENUE]])
    three = pd.concat([services[services["population"] == p] for p in (FIRMS, MAKERS)] + [both])
    return pd.concat([three, three.assign(group=TOTAL)], ignore_index=True)


def _both(services: pd.DataFrame) -> pd.DataFrame:
    """Both populations as one; none where only one of them is there, which would pass for both."""
    there = {FIRMS, MAKERS} <= set(services["population"])
    return services[services["population"].isin([FIRMS, MAKERS]) & there].assign(population=TOGETHER)


def _groups() -> dict[str, str]:
    """Group (大类) of each class of GB/T 4754-2017 in the standard; no class stands in two."""
    table = load(STANDARD).query("gbt_code != ''")
    return dict(zip(table["gbt_code"], table["class_code"].str[:2], strict=True))


@lru_cache
def _places() -> dict[tuple[str, str], tuple[str, ...]]:
    """By edition and code: the groups of all classes that it may be; an empty text for those outside the standard."""
    pairs = in_question()
    pairs = pairs.assign(group=pairs["code_2017"].map(_groups()).fillna(""))
    found = pairs.groupby(["edition", "code"])["group"].agg(lambda g: tuple(sorted(set(g))))
    return {(str(edition), str(code)): groups for (edition, code), groups in found.items()}  # type: ignore[misc]


def _placed_by(panel: pd.DataFrame) -> list[tuple[str, ...]]:
    """What `_places` says of each row: of its class of 2017 where there is one, else of its own code."""
    there = panel.reindex(columns=["code_2017", "edition", "code_own"]).astype(object).fillna("")
    one = there["code_2017"] != ""
    edition = there["edition"].mask(one, "2017")
    code = there["code_own"].mask(one, there["code_2017"])
    return [_places().get(key, ("",)) for key in zip(edition, code, strict=True)]


def _of_firms(panel: pd.DataFrame) -> pd.DataFrame:
    """Firms of the service sections, and those whose section is open, in each group that they are or may be of."""
    if not {"section", "code_2017"} <= set(panel.columns):
        return pd.DataFrame(columns=PLACED)
    section = panel["section"].fillna("")
    rows = panel.assign(population=FIRMS, group=_placed_by(panel), sure=section != "")
    rows = rows[section.isin((*SERVICES, ""))]
    rows["open"] = (rows["group"].map(len) > 1) | ~rows.pop("sure")
    rows = rows.reindex(columns=[*PLACED, *MEASURES]).explode("group")
    return rows[rows["group"] != ""]


def _taxes(panel: pd.DataFrame) -> pd.Series:
    """Taxes and surcharges with the value-added tax; missing where either is."""
    parts: Sequence[str] = ("tax_surcharge", "vat")
    if not set(parts) <= set(panel.columns):
        return pd.Series(np.nan, index=panel.index)
    return panel[list(parts)].sum(axis=1, min_count=len(parts))


def _of_makers(panel: pd.DataFrame) -> pd.DataFrame:
    """Revenue of manufacturers from producer services, by group and class."""
    columns = [*PLACED, REVENUE]
    if not {"section", "class_version", "service_rev_by_class"} <= set(panel.columns):
        return pd.DataFrame(columns=columns)
    section = panel["section"].fillna("")
    told = panel[section.isin(["C", ""]) & panel["service_rev_by_class"].notna()]
    lines = []
    for row in told[["firm_id", "year", "section", "class_version", "service_rev_by_class"]].itertuples():
        edition = str(row.class_version)[:4]
        for code, amount in json.loads(row.service_rev_by_class).items():
            groups = _places().get((edition, code), ("",))
            left = len(groups) > 1 or row.section != "C"
            lines += [
                (MAKERS, group, row.firm_id, row.year, edition, code, left, float(amount))
                for group in groups
                if group and amount
            ]
    return pd.DataFrame(lines, columns=columns)


def _long(services: pd.DataFrame, now: int, then: int) -> pd.DataFrame:
    """Rows of two years with a value, a row a measure, both populations together once more."""
    rows = services[services["year"].isin([now, then])]
    rows = pd.concat([rows, _both(rows.drop(columns=list(MEASURES[1:])))])
    names = [c for c in rows if c not in MEASURES]
    long = rows.melt(names, list(MEASURES), "measure").dropna(subset=["value"])
    late = long["year"] == now
    value = long["value"].astype(float)
    return long.assign(now=value.where(late, 0.0), before=value.where(~late, 0.0), late=late)


def _two_years(services: pd.DataFrame, now: int, then: int) -> pd.DataFrame:
    """Amounts of each unit in two years: population, group, measure, unit, now, then (missing where it has none)."""
    long = _long(services, now, then)
    wide = long.pivot_table("value", [*KEYS, "firm_id"], "late", aggfunc="sum", min_count=1)
    wide = wide.reindex(columns=[True, False]).set_axis(["now", "then"], axis=1).astype(float)
    return wide.reset_index().rename(columns={"firm_id": "unit"})


def _certain(services: pd.DataFrame, year: int) -> pd.DataFrame:
    """`monitor` of the rows that are not open."""
    wide = _two_years(services[~services["open"]], year, year - 1)
    if wide["now"].isna().all():
        return pd.DataFrame(columns=[*KEYS, *SHOWN])
    both = wide["now"].notna() & wide["then"].notna()
    wide = wide.assign(now_both=wide["now"].where(both), then_both=wide["then"].where(both))
    table = wide.groupby(KEYS).agg(
        now=("now", "sum"), then=("then", "sum"), now_both=("now_both", "sum"), then_both=("then_both", "sum"),
        matched=("now_both", "count"), units=("now", "count"),
    )  # fmt: skip
    people = table.index.get_level_values("measure").isin(PEOPLE)
    table["amount"] = table["now"] / np.where(people, 1.0, WAN_PER_YI)
    for name, late, early in (("growth", "now_both", "then_both"), ("nominal", "now", "then")):
        table[name] = 100 * (table[late] / table[early].where(table[early] > 0) - 1)
    return table[table["units"] > 0].reset_index()[[*KEYS, *SHOWN]]


def _open_amounts(services: pd.DataFrame, now: int, then: int) -> dict[str, pd.DataFrame]:
    """Amounts of two years as `intervals.growth` takes them: of all that report (nominal), on comparable scope (growth).

    A unit that is surely of the group in both years is on comparable scope, and its open rows may come to it; one that may be
    of it in both comes with all it has, or stays out.
    """
    long = _long(services, now, then)
    long["path"] = long[KEYS].agg("|".join, axis=1)
    long = long.assign(paths_possible=long["path"], path=long["path"].mask(long["open"], ""))
    long["code_own"] = long["code_own"].fillna("")
    long["edition"] = long["edition"].fillna("")
    unit = ["paths_possible", "firm_id"]
    held = long.assign(sure=long["late"].where(~long["open"])).groupby(unit)
    years, sure = held["late"].transform("nunique"), held["sure"].transform("nunique")
    stays = long[sure == 2]
    may = long[(years == 2) & (sure < 2)].groupby(unit, as_index=False)[["now", "before"]].sum()
    may = may.assign(path="", edition="", code_own="")
    names = [*intervals.TOGETHER, "path", "paths_possible", "now", "before"]
    return {"growth": pd.concat([stays, may])[names], "nominal": long[names]}


def _ends(services: pd.DataFrame, now: int, then: int) -> pd.DataFrame:
    """Greatest amount, least and greatest growth by `KEYS`; empty where no row of the two years is open."""
    if not services.loc[services["year"].isin([now, then]), "open"].any():
        return pd.DataFrame()
    frames = _open_amounts(services, now, then)
    most = intervals.sums(intervals.beside(frames["nominal"]), [], "now")[["high"]]
    found = most.rename(columns={"high": "amount"})
    for name, frame in frames.items():
        found = found.join(intervals.growth(frame).add_prefix(f"{name}_"), how="left")
    found.index = pd.MultiIndex.from_tuples([tuple(cell.split("|")) for cell in found.index], names=KEYS)
    people = found.index.get_level_values("measure").isin(PEOPLE)
    return found.assign(amount=found["amount"] / np.where(people, 1.0, WAN_PER_YI))


def _open_parts(services: pd.DataFrame, now: int, then: int) -> pd.DataFrame:
    """What each unit adds to `_ends`: `KEYS`, unit, amount_high, and now and before of each end of both growths."""
    if not services.loc[services["year"].isin([now, then]), "open"].any():
        return pd.DataFrame()
    frames = _open_amounts(services, now, then)
    long = intervals.beside(frames["nominal"])
    most = long.assign(amount_high=long["now"].where(~long["open"], long["now"].clip(lower=0)))
    found = most.groupby(["cell", "firm_id"])[["amount_high"]].sum().rename_axis(["cell", "unit"])
    for name, frame in frames.items():
        found = found.join(intervals.growing(frame).set_index(["cell", "unit"]).add_prefix(f"{name}_"))
    found = found.reset_index()
    found[KEYS] = found.pop("cell").str.split("|", expand=True)
    per = np.where(found["measure"].isin(PEOPLE), 1.0, WAN_PER_YI)
    return found.assign(amount_high=found["amount_high"] / per)
