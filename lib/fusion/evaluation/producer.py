"""Producer services: ten groups of service firms and of the services of manufacturers, apart and together.

The groups are those of 生产性服务业统计分类(2019), whose code table could not be verified: what rests on it says so. Firms of
producer services are those of sections F to S whose code is in it; manufacturers (section C) enter with the revenue of the
classes that are, the only one of the indicators that they report by class.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import pandas as pd

from fusion.classification import load
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
    inside = _placed_by(panel, "any" if possible else "all").eq(True).to_numpy(bool)
    sections = (*SERVICES, "") if possible else SERVICES
    return panel["section"].fillna("").isin(sections) & inside


def placed(panel: pd.DataFrame) -> pd.DataFrame:
    """Producer services of a panel, a row a firm, year and group.

    Parameters
    ----------
    panel : pandas.DataFrame
        firm_id, year, section, code_2017, edition and code_own (of the classification), of ``MEASURES`` what
        there is (taxes: tax_surcharge and vat together), and service_rev_by_class.

    Returns
    -------
    pandas.DataFrame
        population (``service firms``, ``manufacturers``), group, firm_id, year, ``MEASURES``; of manufacturers the revenue
        alone. A class of 2011 counts where all classes of 2017 that it may be are of one group.
    """
    panel = panel.assign(taxes=_taxes(panel))
    measures = [m for m in MEASURES if m in panel.columns]
    own = panel.loc[firms(panel)]
    own = own[["firm_id", "year", *measures]].assign(population=FIRMS, group=_placed_by(own, "group"))
    own = own.dropna(subset=["group"])
    both = pd.concat([own, _of_makers(panel)], ignore_index=True)
    return both.reindex(columns=["population", "group", "firm_id", "year", *MEASURES])


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
        many those are), nominal (%, all that report in either year), units (of the year). Together: revenue of both.
    """
    long = contributions(services, year)
    if long.empty:
        return pd.DataFrame()
    table = long.groupby(KEYS).agg(
        amount=("amount", "sum"), units=("amount", "count"), now=("growth_now", "sum"), then=("growth_before", "sum"),
        matched=("growth_now", "count"), before=("nominal_before", "sum"),
    )  # fmt: skip
    table["growth"] = 100 * (table["now"] / table["then"].where(table["then"] > 0) - 1)
    people = table.index.get_level_values("measure").isin(PEOPLE)
    whole = table["amount"] * np.where(people, 1.0, WAN_PER_YI)
    table["nominal"] = 100 * (whole / table["before"].where(table["before"] > 0) - 1)
    shown = table[table["units"] > 0].reset_index()
    return shown[[*KEYS, "amount", "growth", "matched", "nominal", "units"]]


def contributions(services: pd.DataFrame, year: int) -> pd.DataFrame:
    """What each unit adds to the cells of `monitor`.

    Returns
    -------
    pandas.DataFrame
        population, group, measure, unit, amount, growth_now and growth_before (units of both years), nominal_now and
        nominal_before.
    """
    long = services[services["year"].isin([year, year - 1])]
    both = long[["group", "firm_id", "year", REVENUE]].assign(population=TOGETHER)
    long = pd.concat([long, both]).melt(["population", "group", "firm_id", "year"], list(MEASURES), "measure")
    wide = long.dropna(subset=["value"]).pivot_table(
        "value", [*KEYS, "firm_id"], "year", aggfunc="sum", min_count=1
    )
    if wide.empty or year not in wide:
        return pd.DataFrame()
    wide = wide.reindex(columns=[year - 1, year]).reset_index().rename(columns={"firm_id": "unit"})
    now, then = wide[year], wide[year - 1]
    matched = now.notna() & then.notna()
    per = np.where(wide["measure"].isin(PEOPLE), 1.0, WAN_PER_YI)
    return wide[[*KEYS, "unit"]].assign(
        amount=now / per,
        growth_now=now.where(matched),
        growth_before=then.where(matched),
        nominal_now=now,
        nominal_before=then,
    )


def against(
    services: pd.DataFrame, base_year: int, horizon: int, goal: float, tolerance: float
) -> pd.DataFrame:
    """Growth a year of producer services against a target, by group and measure, on comparable scope.

    Returns
    -------
    pandas.DataFrame
        population (service firms; of manufacturers, and of both together, the revenue), group (the last is the total),
        measure, rate (% a year), units (of both years), verdict; empty without service firms.
    """
    lines = []
    for (population, group), part in _every(services).groupby(["population", "group"], sort=False):
        for measure in (m for m in MEASURES if part[m].notna().any()):
            found = growth(part, measure, base_year, horizon, "continuing", "nominal")
            rate, units = found.rate, found.units
            lines.append((population, group, measure, rate, units, verdict(rate, goal, tolerance)))
    return pd.DataFrame(lines, columns=["population", "group", "measure", "rate", "units", "verdict"])


def judged(services: pd.DataFrame, base_year: int, horizon: int) -> pd.DataFrame:
    """What each unit adds to the rates of `against`: population, group, measure, unit, rate_before, rate_now."""
    own = _every(services[services["year"].isin([base_year, horizon])])
    long = own.melt(["population", "group", "firm_id", "year"], list(MEASURES), "measure")
    wide = long.dropna(subset=["value"]).pivot_table("value", [*KEYS, "firm_id"], "year", aggfunc="sum")
    wide = wide.reindex(columns=[base_year, horizon]).dropna().set_axis(["rate_before", "rate_now"], axis=1)
    return wide.reset_index().rename(columns={"firm_id": "unit"})


# -- inside ------------------------------------------------------------------------------------


def _every(services: pd.DataFrame) -> pd.DataFrame:
    """Service firms, manufacturers and both together, each by group and in total; nothing without service firms."""
    if not (services["population"] == FIRMS).any():
        return services.iloc[:0]
    both = services[["group", "firm_id", "year", REVENUE]].assign(population=TOGETHER)
    three = pd.concat([services[services["population"] == p] for p in (FIRMS, MAKERS)] + [both])
    return pd.concat([three, three.assign(group=TOTAL)], ignore_index=True)


def _groups() -> dict[str, str]:
    """Group (大类) of each class of GB/T 4754-2017 in the standard; no class stands in two."""
    table = load(STANDARD).query("gbt_code != ''")
    return dict(zip(table["gbt_code"], table["class_code"].str[:2], strict=True))


@lru_cache
def _places() -> dict[str, dict[tuple[str, str], object]]:
    """By edition and code: whether all, or any, of the classes that it may be are in the standard; their one group."""
    pairs = in_question()
    pairs = pairs.assign(group=pairs["code_2017"].map(_groups()).fillna(""))
    found = pairs.groupby(["edition", "code"])["group"].agg(
        all=lambda g: (g != "").all(), any=lambda g: (g != "").any(), group="first", size="nunique"
    )
    one = found[found["all"] & (found["size"] == 1)]["group"]
    return {"all": found["all"].to_dict(), "any": found["any"].to_dict(), "group": one.to_dict()}


def _placed_by(panel: pd.DataFrame, what: str) -> pd.Series:
    """What `_places` says of each row: of its class of 2017 where there is one, else of its own code."""
    there = panel.reindex(columns=["code_2017", "edition", "code_own"]).astype(object).fillna("")
    one = there["code_2017"] != ""
    edition = there["edition"].mask(one, "2017")
    code = there["code_own"].mask(one, there["code_2017"])
    held = _places()[what]
    found = [held.get(key) for key in zip(edition, code, strict=True)]
    return pd.Series(found, index=panel.index, dtype=object)


def _taxes(panel: pd.DataFrame) -> pd.Series:
    """Taxes and surcharges with the value-added tax; missing where either is."""
    parts: Sequence[str] = ("tax_surcharge", "vat")
    if not set(parts) <= set(panel.columns):
        return pd.Series(np.nan, index=panel.index)
    return panel[list(parts)].sum(axis=1, min_count=len(parts))


def _of_makers(panel: pd.DataFrame) -> pd.DataFrame:
    """Revenue of manufacturers from producer services, by group."""
    empty = pd.DataFrame(columns=["firm_id", "year", "population", "group", REVENUE])
    if not {"section", "class_version", "service_rev_by_class"} <= set(panel.columns):
        return empty
    told = panel[(panel["section"] == "C") & panel["service_rev_by_class"].notna()]
    groups = _places()["group"]
    lines = [
        (row.firm_id, row.year, str(groups[edition, code]), float(amount))
        for row in told[["firm_id", "year", "class_version", "service_rev_by_class"]].itertuples()
        for edition in [str(row.class_version)[:4]]
        for code, amount in json.loads(row.service_rev_by_class).items()
        if (edition, code) in groups and amount
    ]
    table = pd.DataFrame(lines, columns=["firm_id", "year", "group", REVENUE])
    if table.empty:
        return empty
    return (
        table.groupby(["firm_id", "year", "group"], as_index=False)[REVENUE].sum().assign(population=MAKERS)
    )
