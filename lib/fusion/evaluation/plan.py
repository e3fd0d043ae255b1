"""What a scheme asked of its units (goals, tasks, projects), how far they came, and the conclusion that rules propose.

A plan is a table of the user. A value that the data give stands beside what the unit reports; where both are there, the
data decide, and a difference is told. The conclusion is a proposal: a person completes its sentence.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from fusion.evaluation.pilots import rows_of
from fusion.evaluation.tables import fault, faults, numbers, read, refuse, unknown, years
from fusion.language import said

KEYS = ["scheme", "batch", "unit"]
NEEDED = ("scheme", "batch", "unit", "item", "kind", "goal", "weight", "due")
COLUMNS = (*NEEDED, "name", "indicator", "direction", "base", "reported", "reported_year", "source")
KINDS = ("goal", "task", "project")
NUMBERS = ("goal", "weight", "base", "reported")
WHOLE = 100.0  # what the weights of a unit's items add up to
CLOSE = 1e-6
CONCLUSIONS = (
    "pass",
    "extend",
    "withdraw",
    "on track",
    "behind",
    "cannot be concluded",
    "no goals",
    "revoked",
    "not begun",
)

SHOWN = [
    "kind", "name", "start", "end", "stage", "items", "reached", "expected", "judged", "by_report", "differing", "silent",
    "gap", "grade", "conclusion", "ground",
]  # fmt: skip


@dataclass(frozen=True)
class Rules:
    """By what rules a conclusion is proposed; the numbers are judgement and parameters of the study.

    Parameters
    ----------
    pass_at, extend_at : float
        Weighted share of the plan that is reached (%): from the first on a unit passes, from the second on its term is
        extended, below it is withdrawn.
    judged_at_least : float
        Share of the weights (%) that must be judged at all.
    differ : float
        Difference of self-report from data (%) from which on an item must be looked into; no unit passes with one.
    """

    pass_at: float = 80.0
    extend_at: float = 60.0
    judged_at_least: float = 50.0
    differ: float = 10.0


def load(
    file: Path | None, pilots: pd.DataFrame | None, columns: Mapping[str, str] | None = None
) -> pd.DataFrame:
    """The plans of pilot units, a row an item; see ``data/evaluation/README.md`` for the columns.

    Parameters
    ----------
    file : Path, optional
        CSV; without one there are no plans.
    pilots : pandas.DataFrame, optional
        As `pilots.load` gives them; None where they are not known before the panel is read.
    columns : mapping, optional
        Columns that the panel and what is made of it can have, and their kinds (`tables.unknown`).

    Raises
    ------
    EvaluationError
        With every cell that is not allowed, indicators that no column holds, items of units that are no pilots or due
        before their start, items named twice, and units whose weights do not add up to 100.
    """
    if file is None:
        return _typed(pd.DataFrame(columns=list(COLUMNS)))
    table = read(file, NEEDED).reindex(columns=list(COLUMNS), fill_value="")
    name = file.name
    found = faults(table, "kind", KINDS, name) + faults(table, "direction", ("", "up", "down"), name)
    found += years(table, "due", name, empty=False) + years(table, "reported_year", name, empty=True)
    found += _amounts(table, name) + unknown(table, "indicator", columns or {}, name)
    found += [] if pilots is None else _strange(table, pilots, name)
    twice = table.index[table.duplicated([*KEYS, "item"])]
    found += [fault(name, i, "item_twice", item=table.loc[i, "item"]) for i in twice]
    refuse(found)
    table = _typed(table)
    sums = table.groupby(KEYS, sort=False)["weight"].sum()
    off = sums[(sums - WHOLE).abs() > CLOSE]
    lines = [
        said("evaluation.weights_sum", file=name, unit=key[2], sum=f"{total:g}") for key, total in off.items()
    ]
    refuse(lines)
    return table


def achieved(
    plan: pd.DataFrame, pilots: pd.DataFrame, panel: pd.DataFrame, as_of: int, rules: Rules, weight: str
) -> pd.DataFrame:
    """How far each item has come by a year.

    Parameters
    ----------
    plan, pilots : pandas.DataFrame
        As `load` and `pilots.matched` give them.
    panel : pandas.DataFrame
        firm_id, year, columns of the kinds' units and the plan's indicators.
    as_of : int
        Year of the evaluation.
    rules : Rules
        For the difference that is told.
    weight : str
        Column that a unit of several firms is weighted by.

    Returns
    -------
    pandas.DataFrame
        The items (item_kind, item_name) with unit_name, value and value_year (of the data, the last year up to
        ``as_of``), by (``data``, ``report`` or ``nothing``), share (% reached, within 0 and 100, of the way from ``base`` to
        ``goal``, or of ``goal``), expected (% that time alone would have brought), differs (data and self-report are
        further apart than allowed).
    """
    units = pilots.rename(columns={"kind": "unit_kind"})
    units["unit_name"] = pilots["name"].where(pilots["name"] != "", pilots["unit"])
    wanted = [*KEYS, "unit_kind", "unit_name", "start", "serves"]
    items = plan.rename(columns={"kind": "item_kind", "name": "item_name"}).merge(
        units[wanted], on=KEYS, how="left"
    )
    items["item_name"] = items["item_name"].where(items["item_name"] != "", items["item"])
    seen = [_value(item, panel, as_of, weight) for item in items.to_dict("records")]
    items[["value", "value_year"]] = pd.DataFrame(seen, columns=["value", "value_year"], index=items.index)
    used = items["value"].fillna(items["reported"])
    items["by"] = np.select(
        [items["value"].notna(), items["reported"].notna()], ["data", "report"], "nothing"
    )
    items["share"] = [_share(u, i) for u, i in zip(used, items.to_dict("records"), strict=True)]
    elapsed = (as_of - items["start"] + 1).astype(float) / (items["due"] - items["start"] + 1).astype(float)
    items["expected"] = 100 * elapsed.clip(0, 1)
    gap = (items["reported"] - items["value"]).abs() / items["value"].abs()
    items["differs"] = 100 * gap > rules.differ
    return items


def conclusions(scores: pd.DataFrame, items: pd.DataFrame, rules: Rules) -> pd.DataFrame:
    """The conclusion that the rules propose for each unit.

    Parameters
    ----------
    scores : pandas.DataFrame
        As `scorecard.scorecard` gives them.
    items : pandas.DataFrame
        As `achieved` gives them.
    rules : Rules
        The rules.

    Returns
    -------
    pandas.DataFrame
        The scores with items, reached (% of the plan by weight, of what is judged), expected, judged (% of the weights),
        by_report (% of the weights that rest on self-report alone), differing (items), conclusion (of ``CONCLUSIONS``),
        ground (what decided: ``plan``, ``index``, ``differs``, ``unjudged``, ``term``).
    """
    parts = {key: _summed(own) for key, own in items.groupby(KEYS)}
    names = ["items", "reached", "expected", "judged", "by_report", "differing"]
    none = (0, np.nan, np.nan, 0.0, 0.0, 0)
    keys = list(scores[KEYS].itertuples(index=False, name=None))
    table = scores.assign(
        **pd.DataFrame([parts.get(k, none) for k in keys], columns=names, index=scores.index)
    )
    ends = [_conclude(row, rules) for row in table.to_dict("records")]
    table[["conclusion", "ground"]] = pd.DataFrame(ends, columns=["conclusion", "ground"], index=table.index)
    return table


def shown(scores: pd.DataFrame) -> pd.DataFrame:
    """Units that have a conclusion, the finished ones first; empty where nothing was scored."""
    if "conclusion" not in scores:
        return pd.DataFrame()
    names = scores["name"].where(scores["name"] != "", scores["unit"])
    order = scores["conclusion"].map({c: i for i, c in enumerate(CONCLUSIONS)})
    told = scores.assign(name=names, _order=order).sort_values(["_order", "kind", "unit"], kind="stable")
    return told[SHOWN].reset_index(drop=True)


# -- inside ------------------------------------------------------------------------------------


def _amounts(table: pd.DataFrame, name: str) -> list[str]:
    """Cells that are no numbers; weights and what is done of a task are shares of a hundred."""
    done = table["kind"] == "task"
    found = numbers(table, "weight", name, least=0, most=WHOLE)
    for column in ("goal", "base", "reported"):
        empty = column != "goal"
        found += numbers(table[done], column, name, empty=empty, least=0, most=WHOLE)
        found += numbers(table[~done], column, name, empty=empty)
    return found


def _strange(table: pd.DataFrame, pilots: pd.DataFrame, name: str) -> list[str]:
    """Items of units that are no pilots, or that are due before these began."""
    starts = pilots.drop_duplicates(KEYS).set_index(KEYS)["start"].to_dict()
    found = []
    for row in table[[*KEYS, "due"]].itertuples():
        key = tuple(row[1:4])
        if key not in starts:
            found.append(fault(name, row.Index, "no_pilot", unit=row.unit))
        elif str(row.due).isdigit() and int(row.due) < starts[key]:
            found.append(fault(name, row.Index, "due_early", year=row.due, start=starts[key]))
    return found


def _typed(table: pd.DataFrame) -> pd.DataFrame:
    numbers = {c: pd.to_numeric(table[c], errors="coerce").astype(float) for c in NUMBERS}
    dates = {c: pd.to_numeric(table[c], errors="coerce").astype("Int64") for c in ("due", "reported_year")}
    return table.assign(**numbers, **dates)


def _value(item: dict[str, Any], panel: pd.DataFrame, as_of: int, weight: str) -> tuple[float, float]:
    """The indicator's value of the unit in its last year with one, weighted over the unit's firms; and that year."""
    column = item["indicator"]
    if not column or column not in panel.columns:
        return np.nan, np.nan
    own = panel[rows_of(panel, item["unit_kind"], item["unit"], item["serves"], strict=False)]
    own = own[(own["year"] <= as_of) & own[column].notna()]
    if own.empty:
        return np.nan, np.nan
    year = int(own["year"].max())
    own = own[own["year"] == year]
    size = own[weight].fillna(0).to_numpy(float) if weight in own else np.ones(len(own))
    size = size if size.sum() > 0 else np.ones(len(own))
    return float(np.average(own[column].to_numpy(float), weights=size)), year


def _share(value: float, item: dict[str, Any]) -> float:
    """Share of an item that is reached, % within 0 and 100."""
    goal, base = item["goal"], item["base"]
    if np.isnan(value):
        return np.nan
    if not np.isnan(base) and goal != base:
        share = (value - base) / (goal - base)
    elif item["direction"] == "down":
        share = 1.0 if value <= goal else goal / value
    else:
        share = value / goal if goal else float(value >= goal)
    return 100 * float(np.clip(share, 0, 1))


def _summed(own: pd.DataFrame) -> tuple[int, float, float, float, float, int]:
    """Items, share reached and expected of what is judged, weight judged, weight by report alone, items that differ."""
    judged = own[own["share"].notna()]
    weight = judged["weight"].sum()
    reached, expected = (
        (judged[c] * judged["weight"]).sum() / weight if weight else np.nan for c in ("share", "expected")
    )
    reported = own.loc[own["by"] == "report", "weight"].sum()
    return len(own), reached, expected, weight, reported, int(own["differs"].sum())


def _conclude(row: dict[str, Any], rules: Rules) -> tuple[str, str]:
    """Conclusion and what decided on it; the order of the rules is theirs in the README."""
    if row["stage"] in ("revoked", "not begun"):
        return row["stage"], "term"
    if not row["items"]:
        return "no goals", "plan"
    if row["judged"] < rules.judged_at_least:
        return "cannot be concluded", "unjudged"
    if row["stage"] != "final":
        return ("on track" if row["reached"] >= row["expected"] - CLOSE else "behind"), "plan"
    if row["reached"] < rules.extend_at:
        return "withdraw", "plan"
    if row["reached"] < rules.pass_at:
        return "extend", "plan"
    if row["differing"]:
        return "extend", "differs"
    # An index that fell against the peers, further than their own placebo gaps: the plan alone does not carry a pass.
    fell = row.get("gap", np.nan) < min(row.get("gap_low", np.nan), 0)
    return ("extend", "index") if fell else ("pass", "plan")
