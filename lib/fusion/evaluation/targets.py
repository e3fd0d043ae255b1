"""Policy targets: progress, required pace, and an honest 'cannot be judged with these data'."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from fusion.classification import standards, tables
from fusion.classification.enterprises import belonging
from fusion.classification.listed import split
from fusion.evaluation import sold
from fusion.evaluation.errors import EvaluationError
from fusion.evaluation.tables import cells, fault, faults, numbers, read, refuse, unknown, years
from fusion.language import listed, said

COLUMNS = (
    "target",
    "name_en",
    "name_zh",
    "kind",
    "goal",
    "unit",
    "measure",
    "base_year",
    "horizon",
    "verified",
)
LIST = "list:"  # beginning of a measure that counts the units of a kind of official list
POPULATION = (
    "population"  # a flag's column, or a standard: which rows a target is about; may be absent or empty
)
FLAGS = ("producer_services", "producer_services_possible")  # that the notebook makes of the classification
KINDS = ("growth", "level", "unnumbered")
OBSERVED = ("target", "year", "value", "source")
SCOPES = ("all", "continuing")
PRICES = ("nominal", "real")
CHOICES = ("base_year", "horizon", "price", "scope")  # of a target of growth: one or several, |; empty: all
GRID = [
    "target",
    "target_name_en",
    "target_name_zh",
    "base_year",
    "horizon",
    "scope",
    "price",
    "rate",
    "units",
    "verdict",
    "reason_en",
    "reason_zh",
]


@dataclass(frozen=True)
class Growth:
    """Growth of a total between two years, by one choice of base, horizon, scope and prices.

    ``rate`` is the mean growth a year in percent; NaN, with a ``reason``, where it cannot be had.
    """

    base_year: int
    horizon: int
    scope: str
    price: str
    rate: float
    first: float
    last: float
    units: int
    reason_en: str = ""
    reason_zh: str = ""


def load(
    file: Path, columns: Mapping[str, str] | None = None, standards_too: Collection[str] = ()
) -> pd.DataFrame:
    """Declared targets, one row each.

    Parameters
    ----------
    file : Path
        CSV in the form of ``data/evaluation/targets.csv``.
    columns : mapping, optional
        Columns that the panel and what is made of it can have, and their kinds (`tables.unknown`).
    standards_too : collection of str
        Standards that a study brings beside the installed ones.

    Raises
    ------
    EvaluationError
        With every cell that is not allowed.
    """
    table = read(file, COLUMNS)
    found = faults(table, "kind", KINDS, file.name) + faults(table, "verified", ("yes", "no"), file.name)
    found += [wrong for name in CHOICES if name in table for wrong in _choices(table, name, file.name)]
    numbered = table["kind"] != "unnumbered"
    found += numbers(table[numbered], "goal", file.name)
    found += _measures(table, columns or {}, {*standards(), *standards_too}, file.name)
    twice = table.index[table["target"].duplicated()]
    found += [
        said("evaluation.target_twice", file=file.name, line=i + 2, target=table.loc[i, "target"])
        for i in twice
    ]
    refuse(found)
    table["goal"] = pd.to_numeric(table["goal"], errors="coerce")
    return table.assign(**{name: "" for name in (POPULATION, *CHOICES) if name not in table})


def marked(panel: pd.DataFrame, targets: pd.DataFrame) -> pd.DataFrame:
    """The panel with a flag for each population that is a standard, installed or the study's own.

    Parameters
    ----------
    panel : pandas.DataFrame
        edition and code_own, as the classification gives them.
    targets : pandas.DataFrame
        Of `load`; a population that is a column of the panel stays what it is. Of a standard (``name``, ``name:01,02``) the
        codes count that are certainly in it; with ``?`` behind the name those that may be.
    """
    known, flags = set(standards()), {}
    for population in dict.fromkeys(targets.get(POPULATION, pd.Series(dtype=str))):
        if population in panel.columns or split(population.removesuffix("?"))[0] not in known:
            continue
        codes = pd.MultiIndex.from_frame(belonging(population))
        flags[population] = pd.MultiIndex.from_frame(panel[["edition", "code_own"]].fillna("")).isin(codes)
    return panel.assign(**flags, **sold.columns(panel, _pairs(targets)))


def load_observed(file: Path | None, targets: pd.DataFrame) -> pd.DataFrame:
    """Observed values of targets: target, year, value, source; each needs its source. Without a file there are none."""
    if file is None:
        return pd.DataFrame(columns=list(OBSERVED))
    table = read(file, OBSERVED)
    found = faults(table, "target", list(targets["target"]), file.name) + years(
        table, "year", file.name, empty=False
    )
    found += numbers(table, "value", file.name)
    unsourced = table.index[table["source"] == ""]
    found += [fault(file.name, i, "unsourced") for i in unsourced]
    refuse(found)
    return table.assign(year=table["year"].astype(int), value=table["value"].astype(float))


def listed_values(targets: pd.DataFrame, in_force: pd.DataFrame, files: Sequence[str]) -> pd.DataFrame:
    """Observed values of targets that count the units of an official list (measure ``list:<kind>``).

    Parameters
    ----------
    targets : pandas.DataFrame
        As `load` gives them.
    in_force : pandas.DataFrame
        As `official.in_force` gives it.
    files : sequence of str
        Names of the lists: the values' source.
    """
    kinds = targets.loc[targets["measure"].str.startswith(LIST), ["target", "measure"]]
    kinds = kinds.assign(kind=kinds["measure"].str.removeprefix(LIST))
    found = in_force.merge(kinds, on="kind").rename(columns={"units": "value"})
    found = found.astype({"value": float}).assign(source=", ".join(files))
    return found[list(OBSERVED)]


def growth(panel: pd.DataFrame, measure: str, base_year: int, horizon: int, scope: str, price: str) -> Growth:
    """Mean growth a year of a column's total.

    r = (V_h / V_b)^(1 / (h − b)) − 1, in percent, where V is the sum over units.

    Parameters
    ----------
    panel : pandas.DataFrame
        firm_id, year, the measure, and ``deflator`` (base 1) if prices are real.
    measure : str
        Column whose total is followed; missing values are left out, not taken for zero.
    base_year, horizon : int
        First and last year.
    scope : {"all", "continuing"}
        All units that report; or those that report the measure in both years, which takes entry and exit out.
    price : {"nominal", "real"}
        Real: each value divided by its own deflator.
    """
    choice = (base_year, horizon, scope, price)
    if horizon <= base_year:
        raise EvaluationError(said("evaluation.horizon", horizon=horizon, base_year=base_year))
    if measure not in panel.columns:
        return _unjudged(choice, f"no column '{measure}'", f"缺少列 {measure}")
    if panel.empty:
        return _unjudged(
            choice, "the panel has no unit of the target's population", "面板中没有目标所指范围的单位"
        )
    if price == "real" and ("deflator" not in panel.columns or not panel["deflator"].notna().any()):
        return _unjudged(choice, "no deflator", "缺少价格平减指数")
    if price == "real" and (panel["deflator"].dropna() == panel["deflator"].dropna().iloc[0]).all():
        return _unjudged(choice, "the deflator is the same in every year", "平减指数各年相同")
    wide = _amounts(panel, measure, *choice)
    if not {base_year, horizon} <= set(wide.columns):
        there = ", ".join(str(y) for y in sorted(panel["year"].unique()))
        return _unjudged(choice, f"the panel has the years {there}", f"面板年份为 {there}")
    first, last = wide[base_year].sum(), wide[horizon].sum()
    if not first > 0 or not last > 0:
        return _unjudged(choice, "the total is not above zero", "总额不大于零")
    rate = 100 * ((last / first) ** (1 / (horizon - base_year)) - 1)
    return Growth(*choice, float(rate), float(first), float(last), len(wide))


def growth_grid(
    panel: pd.DataFrame,
    measure: str,
    base_years: list[int],
    horizons: list[int],
    goal: float,
    tolerance: float,
    scopes: Sequence[str] = SCOPES,
    prices: Sequence[str] = PRICES,
) -> pd.DataFrame:
    """Growth under every choice of base year, horizon, scope and prices, with the verdict of each.

    Parameters
    ----------
    panel, measure
        As in :func:`growth`.
    base_years, horizons : list of int
        Years to combine; pairs in the wrong order are passed over.
    goal : float
        Target, percent a year.
    tolerance : float
        How far below the goal still counts as 'about', percentage points.
    scopes, prices : sequence of str
        Which to combine.

    Returns
    -------
    pandas.DataFrame
        A row per choice: the fields of ``Growth`` and ``verdict`` (met, about met, not met, cannot be judged).
    """
    choices = [c for c in product(base_years, horizons, scopes, prices) if c[1] > c[0]]
    if not choices:
        raise EvaluationError(said("evaluation.horizons", horizons=horizons, base_years=base_years))
    rows = [growth(panel, measure, *choice) for choice in choices]
    table = pd.DataFrame([vars(row) for row in rows])
    table["verdict"] = [verdict(row.rate, goal, tolerance) for row in rows]
    return table


def followed(targets: pd.DataFrame) -> pd.DataFrame:
    """Targets that are growth of a column of the panel."""
    return targets[(targets["kind"] == "growth") & (targets["measure"] != "")]


def grids(
    panel: pd.DataFrame, targets: pd.DataFrame, base_years: list[int], horizons: list[int], tolerance: float
) -> pd.DataFrame:
    """`growth_grid` of every target that `followed` names.

    Returns
    -------
    pandas.DataFrame
        target, its names, base_year, horizon, scope, price, rate (% a year), units, verdict, reason_en, reason_zh; empty
        where there is no such target.
    """
    told = {name: "" for name in (*CHOICES, "name_en", "name_zh") if name not in targets}
    parts = [
        growth_grid(
            _of(panel, row),
            sold.followed(row)[1],
            _own(row.base_year) or base_years,
            _own(row.horizon) or horizons,
            row.goal,
            tolerance,
            scopes=_own(row.scope) or SCOPES,
            prices=_own(row.price) or PRICES,
        ).assign(target=row.target, target_name_en=row.name_en, target_name_zh=row.name_zh)
        for row in followed(targets.assign(**told)).itertuples()
    ]
    return pd.concat(parts, ignore_index=True)[GRID] if parts else pd.DataFrame(columns=GRID)


def contributions(panel: pd.DataFrame, targets: pd.DataFrame, grid: pd.DataFrame) -> pd.DataFrame:
    """What each unit adds to the totals whose growth a grid judges.

    Parameters
    ----------
    panel, targets : pandas.DataFrame
        As in `grids`.
    grid : pandas.DataFrame
        As `grids` returns.

    Returns
    -------
    pandas.DataFrame
        target, base_year, horizon, scope, price, unit, rate_before, rate_now: its amounts in the two years.
    """
    choice = ["base_year", "horizon", "scope", "price"]
    targets, parts = targets.set_index("target"), []
    for row in grid[grid["rate"].notna()].itertuples():
        names = {"firm_id": "unit", row.base_year: "rate_before", row.horizon: "rate_now"}
        picked = {name: getattr(row, name) for name in choice}
        own = _of(panel, targets.loc[row.target])
        wide = _amounts(own, sold.followed(targets.loc[row.target])[1], **picked)[
            [row.base_year, row.horizon]
        ]
        parts.append(wide.reset_index().rename(columns=names).assign(target=row.target, **picked))
    columns = ["target", *choice, "unit", "rate_before", "rate_now"]
    return pd.concat(parts, ignore_index=True)[columns] if parts else pd.DataFrame(columns=columns)


def status(targets: pd.DataFrame, observed: pd.DataFrame) -> pd.DataFrame:
    """Every target that is not growth of a column: goal, latest value, pace, required pace, verdict.

    Parameters
    ----------
    targets, observed : pandas.DataFrame
        As ``load`` and ``load_observed`` give them.

    Returns
    -------
    pandas.DataFrame
        name_en, name_zh, goal, unit, horizon, latest, reached (%), pace, required (% a year), verdict, note_en,
        note_zh; empty where there is none.
    """
    stated = targets[targets["kind"] != "growth"].reset_index(drop=True)
    state = pd.DataFrame([progress(row, observed) for _, row in stated.iterrows()])
    if state.empty:
        return pd.DataFrame(columns=["verdict"])
    found = stated[["name_en", "name_zh", "goal", "unit", "horizon"]].copy()
    found["latest"], found["reached"] = state["latest"], 100 * state["share"]
    found["pace"], found["required"] = state["pace"], state["required"]
    found["verdict"] = state["verdict"]
    return found.assign(**{name: stated.get(name, "") for name in ("note_en", "note_zh")})


def progress(target: pd.Series, observed: pd.DataFrame) -> dict[str, Any]:
    """How far a target to be reached by its horizon has come, by observed values.

    The required pace is the growth a year from the latest value to the goal over the years that are left; the pace so
    far is that between the first and the latest value.

    Returns
    -------
    dict
        ``latest``, ``latest_year``, ``share`` (of the goal), ``pace``, ``required`` (% a year), ``verdict``, ``source``.
    """
    own = observed[observed["target"] == target["target"]].sort_values("year")
    blank: dict[str, Any] = {
        "latest": np.nan,
        "latest_year": None,
        "share": np.nan,
        "pace": np.nan,
        "required": np.nan,
        "source": "",
    }
    if target["kind"] == "unnumbered":
        return _counted(blank, own)
    if own.empty:
        return blank | {"verdict": "cannot be judged"}
    first, last = own.iloc[0], own.iloc[-1]
    goal, left = float(target["goal"]), int(target["horizon"] or last["year"]) - int(last["year"])
    reached = last["value"] >= goal
    span = int(last["year"] - first["year"])
    pace = (
        100 * ((last["value"] / first["value"]) ** (1 / span) - 1) if span and first["value"] > 0 else np.nan
    )
    required = 100 * ((goal / last["value"]) ** (1 / left) - 1) if left > 0 and last["value"] > 0 else np.nan
    late = "" if left >= 0 else ", after its year"
    verdict = f"met{late}" if reached else ("under way" if left > 0 else "not met")
    return {
        "latest": float(last["value"]),
        "latest_year": int(last["year"]),
        "share": float(last["value"] / goal),
        "pace": float(pace),
        "required": 0.0 if reached else float(required),
        "verdict": verdict,
        "source": last["source"],
    }


def verdict(rate: float, goal: float, tolerance: float) -> str:
    """``met``, ``about met`` (within the tolerance, points), ``not met``, or ``cannot be judged`` (no rate)."""
    if np.isnan(rate):
        return "cannot be judged"
    if rate >= goal:
        return "met"
    return "about met" if rate >= goal - tolerance else "not met"


# -- inside ------------------------------------------------------------------------------------


def _measures(
    table: pd.DataFrame, columns: Mapping[str, str], known: Collection[str], file: str
) -> list[str]:
    """Cells of a measure or a population that no column, list or standard is called by."""
    if not columns:
        return []
    lists = {f"{LIST}{kind}": "?" for kind in tables.load("list_kinds")["kind"]}
    made = dict.fromkeys(sold.MADE, "?")
    found = unknown(table, "measure", {**columns, **lists, **made}, file)
    whom = table.get(POPULATION, pd.Series("", index=table.index))
    there = [*FLAGS, *columns, *known]
    for i, name in whom[whom != ""].items():
        if split(name.removesuffix("?"))[0] not in there:
            near = difflib.get_close_matches(name, there, 1, 0.5)
            hint = said("evaluation.nearest", near=near[0]) if near else ""
            found.append(fault(file, i, "no_population", value=name, hint=hint))
    return found


def _choices(table: pd.DataFrame, name: str, file: str) -> list[str]:
    """Cells of a target's own choices that are none."""
    allowed = {"price": PRICES, "scope": SCOPES}.get(name)
    words = listed(allowed) if allowed else said("evaluation.word.year_or_empty")
    form = "|".join(allowed) if allowed else r"(?:19|20)\d\d"
    good = table[name].str.fullmatch(rf"(?:(?:{form})(?:\|(?:{form}))*)?")
    return cells(table, ~good, name, file, words)


def _own(choice: str) -> list[Any]:
    """A target's own choices: years as numbers."""
    return [int(part) if part.isdigit() else part for part in choice.split("|") if part]


def _pairs(targets: pd.DataFrame) -> list[tuple[str, str]]:
    """Measure and population of each target."""
    found = targets.reindex(columns=["measure", POPULATION]).fillna("")
    return list(found.itertuples(index=False, name=None))


def _of(panel: pd.DataFrame, target: Any) -> pd.DataFrame:
    """Rows of the population that a target is about: all, or those that a flag of the panel marks."""
    population = sold.followed(target)[0]
    if not population:
        return panel
    return (
        panel[panel[population].fillna(False).astype(bool)] if population in panel.columns else panel.iloc[:0]
    )


def _amounts(
    panel: pd.DataFrame, measure: str, base_year: int, horizon: int, scope: str, price: str
) -> pd.DataFrame:
    """Amounts of units (rows) in the two years (columns, those that the panel has)."""
    value = panel[measure] / (panel["deflator"] if price == "real" else 1.0)
    wide = panel.assign(_value=value)[panel["year"].isin([base_year, horizon])]
    wide = wide.pivot_table(index="firm_id", columns="year", values="_value", aggfunc="sum", min_count=1)
    both = {base_year, horizon} <= set(wide.columns)
    return wide.dropna(subset=[base_year, horizon]) if both and scope == "continuing" else wide


def _counted(blank: dict[str, Any], own: pd.DataFrame) -> dict[str, Any]:
    """A target without a number: what was counted, and no verdict."""
    if own.empty:
        return blank | {"verdict": "no number in the text"}
    last = own.iloc[-1]
    seen: dict[str, Any] = {
        "latest": float(last["value"]),
        "latest_year": int(last["year"]),
        "source": last["source"],
    }
    return blank | seen | {"verdict": "no number in the text"}


def _unjudged(choice: tuple[int, int, str, str], en: str, zh: str) -> Growth:
    return Growth(*choice, np.nan, np.nan, np.nan, 0, en, zh)
