"""What units that report revenue by class say of classes marked *."""

from __future__ import annotations

import ibis
import pandas as pd

from fusion.classification.enterprises import classify
from fusion.classification.listed import members

NEEDED = ("ind4", "class_version", "operating_revenue", "service_rev_by_class")


def shares(
    panel: ibis.Table, chosen: tuple[str, ...], min_units: int, confidence: str
) -> tuple[tuple[str, str, float], ...]:
    """Coefficients by standard and class, as `coefficients.estimated` defines them; empty without the columns."""
    if not set(NEEDED) <= set(panel.columns):
        return ()
    units = _reports(panel, confidence)
    found: list[tuple[str, str, float]] = []
    for standard in chosen:
        name, _, classes = standard.partition(":")
        held = members(name, tuple(classes.split(",")) if classes else ()).set_index("code")["membership"]
        mine = units[units["code_2017"].map(held) == "partial"]
        kind = mine["class"].map(held)
        rows = mine.assign(
            full=mine["amount"].where(kind == "full", 0), partial=mine["amount"].where(kind == "partial", 0)
        )
        by_unit = rows.groupby(["code_2017", "firm_id", "year", "revenue"], as_index=False)[
            ["full", "partial"]
        ]
        sums = by_unit.sum().assign(base=lambda t: t["revenue"] - t["partial"])
        sums = sums[(sums["base"] > 0) & (sums["full"] <= sums["base"])]
        by_class = sums.groupby("code_2017").agg(
            full=("full", "sum"), base=("base", "sum"), units=("firm_id", "nunique")
        )
        kept = by_class[by_class["units"] >= min_units]
        found += [(standard, str(c), float(s)) for c, s in (kept["full"] / kept["base"]).items()]
    return tuple(found)


def _reports(panel: ibis.Table, confidence: str) -> pd.DataFrame:
    """One row for each unit, year and reported class: code_2017, revenue, class, amount."""
    said = panel.filter(
        panel["service_rev_by_class"].cast("string").fill_null("") != "",
        panel["operating_revenue"] > 0,
    )
    codes = classify(said, crosswalk_confidence=confidence).select("firm_id", "year", "code_2017")
    told = said.select(
        "firm_id", "year", revenue="operating_revenue", by_class=said["service_rev_by_class"].cast("string")
    )
    table = told.inner_join(codes.filter(codes["code_2017"] != ""), ["firm_id", "year"]).to_pandas()
    parsed = [_amounts(text) for text in table.pop("by_class")]
    long = table.assign(pair=parsed).explode("pair").dropna(subset=["pair"])
    return long.assign(
        **{"class": [p[0] for p in long["pair"]], "amount": [p[1] for p in long["pair"]]}
    ).drop(columns="pair")


def _amounts(text: str) -> list[tuple[str, float]]:
    """Class and amount of each entry that has both; what is not JSON says nothing."""
    import json

    try:
        found = json.loads(text)
    except ValueError:
        return []
    if not isinstance(found, dict):
        return []
    return [(str(k), float(v)) for k, v in found.items() if isinstance(v, int | float) and v >= 0]
