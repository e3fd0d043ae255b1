"""Point shares of classes marked * as a study declares them, or as units that report revenue by class have them."""

from __future__ import annotations

import json
from collections.abc import Iterable

import ibis
import pandas as pd

from fusion.classification.coefficients import Coefficients, equal, from_file
from fusion.classification.enterprises import classify
from fusion.classification.listed import members, split
from fusion.classification.tables import FOLDER, ClassificationError
from fusion.language import listed, said

PROJECT = FOLDER.parents[1]
HOW = ("equal", "file", "estimated")
NEEDED = ("ind4", "class_version", "operating_revenue", "service_rev_by_class")


def estimated(
    panel: ibis.Table,
    chosen: Iterable[str],
    share: float = 0.5,
    min_units: int = 5,
) -> Coefficients:
    """Shares from the units whose main activity is a partial class and that report revenue by class.

    For a class c that is partial in S, over the units i of c that report,

        coefficient(c, S) = Σ_i Σ_{k full in S} r_ik / Σ_i (R_i − Σ_{k partial in S} r_ik),

    with r_ik the revenue of i in class k and R_i its operating revenue. Revenue in classes that are partial
    themselves says nothing either way and is left out of both sums. It is what *units* of the class do, so a
    standard of services can be estimated where services are reported, and no other.

    Parameters
    ----------
    panel : ibis.Table
        firm_id, year, ind4, class_version, operating_revenue, service_rev_by_class (JSON, 2017 codes).
    chosen : iterable of str
        Standards, with own classes after a colon where not all are meant.
    min_units : int
        Fewest reporting units; below it the class keeps ``share``.
    """
    values = _shares(panel, tuple(chosen), min_units)
    return Coefficients("estimated", equal(share).default, values)


def declared(
    how: str,
    *,
    partial_share: float = 0.5,
    file: str = "",
    panel: ibis.Table | None = None,
    standards: Iterable[str] = (),
    min_units: int = 5,
) -> Coefficients:
    """The point shares that a study declares: ``equal``, from a ``file``, or ``estimated`` from its panel.

    Parameters
    ----------
    file : str
        For ``file``: relative to the project, or absolute.
    panel, standards, min_units
        For ``estimated``, as `estimated` takes them.

    Raises
    ------
    ClassificationError
        For another way, and as `from_file` and `equal` do.
    """
    if how not in HOW:
        raise ClassificationError(said("classification.partial_coefficients", how=how, known=listed(HOW)))
    if how == "file":
        return from_file(PROJECT / file, partial_share)
    if how == "estimated" and panel is not None:
        return estimated(panel, standards, partial_share, min_units)
    return equal(partial_share)


def _shares(panel: ibis.Table, chosen: tuple[str, ...], min_units: int) -> tuple[tuple[str, str, float], ...]:
    """Coefficients by standard and class, as `estimated` defines them; empty without the columns."""
    if not set(NEEDED) <= set(panel.columns):
        return ()
    units = _reports(panel)
    found: list[tuple[str, str, float]] = []
    for standard in chosen:
        held = members(*split(standard)).set_index("code")["membership"]
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


def _reports(panel: ibis.Table) -> pd.DataFrame:
    """One row for each unit, year and reported class: code_2017, revenue, class, amount."""
    said = panel.filter(
        panel["service_rev_by_class"].cast("string").fill_null("") != "",
        panel["operating_revenue"] > 0,
    )
    codes = classify(said).select("firm_id", "year", "code_2017")
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
    try:
        found = json.loads(text)
    except ValueError:
        return []
    if not isinstance(found, dict):
        return []
    return [(str(k), float(v)) for k, v in found.items() if isinstance(v, int | float) and v >= 0]
