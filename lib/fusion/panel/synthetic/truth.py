"""The true effects of a panel: means of τ over the treated firm-years that are observed; and which of them a study estimates."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from fusion.panel.synthetic.firms import Floats
from fusion.panel.synthetic.production import Production
from fusion.panel.synthetic.rows import Rows

EQUAL = 1e-9  # logarithms of one amount by two formulas, x / y and log x − log y, differ by rounding alone


def truth_table(rows: Rows) -> pd.DataFrame:
    """True average effects on the treated (ATT), log points.

    Returns
    -------
    DataFrame
        dimension (overall, cohort, event_time, path, ownership), level (text), effect (on productivity), effect_lp (on
        value added per employee: smaller, for pilots hire), effect_ln_employees and effect_ln_capital_labour (on inputs, so that
        the effect on an outcome given inputs is known, too), n (firm-years). Pilots by their true start, observed rows
        only, duplicates once; all zero when the pilots have no effect.
    """
    s = rows.s
    event = rows.year - s.pilots.start[rows.firm]
    at = np.flatnonzero(s.pilots.treated[rows.firm] & (event >= 0))
    firm = rows.firm[at]
    effect = s.pilots.effect[firm, rows.year[at]]
    moved = {
        name: (of(s.made) - of(s.alone))[firm, rows.year[at]]
        for name, of in {
            "effect_lp": _labour_productivity,
            "effect_ln_employees": lambda made: np.log(made.employees),
            "effect_ln_capital_labour": lambda made: np.log(made.capital) - np.log(made.employees),
        }.items()
    }
    levels = {
        "overall": np.full(len(at), "all", dtype=object),
        "cohort": s.years[s.pilots.start[firm]].astype(str).astype(object),
        "event_time": event[at],
        "path": s.tables.paths["path"].to_numpy(dtype=object)[s.firms.path[firm]],
        "ownership": s.tables.ownership["control_type"].to_numpy(dtype=object)[s.firms.owner[firm]],
    }
    parts = []
    for dimension, level in levels.items():
        by_level = pd.DataFrame({"level": level, "effect": effect, **moved}).groupby("level", sort=True)
        part = by_level.mean().assign(n=by_level.size()).reset_index()
        parts.append(part.assign(dimension=dimension, level=part["level"].astype(str)))
    table = pd.concat(parts, ignore_index=True)[["dimension", "level", "effect", *moved, "n"]]
    kinds = {"dimension": "str", "level": "str", "effect": float, **dict.fromkeys(moved, float), "n": "int64"}
    return table.astype(kinds)


def _labour_productivity(made: Production) -> Floats:
    """ln of value added per employee; missing where nothing is produced."""
    with np.errstate(divide="ignore"):
        found = np.log(made.value_added) - np.log(made.employees)
    return np.where(np.isfinite(found), found, np.nan)


def of_study(
    truth: pd.DataFrame | None,
    panel: pd.DataFrame,
    outcome: str | None,
    treatments: Sequence[str],
    controls: Sequence[str],
    start: str | None,
) -> pd.DataFrame | None:
    """The truth of what a study estimates, told by what its columns hold: names and formulas are the study's own.

    Parameters
    ----------
    truth : DataFrame or None
        Of `truth_table`.
    panel : DataFrame
        firm_id, year, the contract's columns and the study's.
    outcome, treatments, controls, start
        As the study names them.

    Returns
    -------
    DataFrame or None
        dimension, level, n, effect (on the outcome) and ``effect_<control>`` for each control. None where anything else
        is regressed than becoming a pilot, from the recorded year on, on a column of which the process tells the
        effect, given such columns alone.
    """
    if truth is None or outcome is None or len(treatments) != 1 or not _pilots(panel, treatments[0], start):
        return None
    effects = {"effect": _effect(truth, panel, outcome)}
    effects |= {f"effect_{name}": _effect(truth, panel, name) for name in controls}
    if any(effect is None for effect in effects.values()):
        return None
    return truth[["dimension", "level", "n"]].assign(**effects)


def _pilots(panel: pd.DataFrame, treatment: str, start: str | None) -> bool:
    """Whether the treatment is 1 from the recorded year of a pilot on, and the start column that year."""
    if start not in panel or treatment not in panel or "pilot_start_year" not in panel:
        return False
    began = panel["pilot_start_year"].astype(float)
    since = (panel["year"].astype(float) >= began).astype(float)
    told = panel[treatment].notna()
    as_told = pd.to_numeric(panel[treatment], errors="coerce").astype(float)
    return panel[start].astype(float).equals(began) and bool((as_told == since)[told].all())


def _effect(truth: pd.DataFrame, panel: pd.DataFrame, name: str) -> pd.Series | None:
    """The effect on a column; None where it is not told. A constant that is added moves no effect."""
    if name.startswith("tfp_") and name not in panel:  # the workbook's estimates of what the process moves
        return truth["effect"]
    if name not in panel or not pd.api.types.is_numeric_dtype(panel[name]):
        return None
    value, units = panel[name].astype(float), panel["firm_id"]
    if value.groupby(units).nunique().le(1).all():
        return 0 * truth["effect"]
    staff, capital = _log(panel["employees_avg"]), _log(panel["fixed_assets_net"])
    added = _log(panel["value_added"])
    on_staff, on_capital = truth["effect_ln_employees"], truth["effect_ln_capital_labour"]
    told = (
        (added - staff, truth["effect_lp"]),
        (added, truth["effect_lp"] + on_staff),
        (staff, on_staff),
        (capital - staff, on_capital),
        (capital, on_capital + on_staff),
    )
    return next((effect for column, effect in told if _alike(value, column)), None)


def _log(values: pd.Series) -> pd.Series:
    """Natural logarithm; missing where there is none."""
    return np.log(values.astype(float).where(values > 0))


def _alike(one: pd.Series, other: pd.Series) -> bool:
    """Whether two columns differ by a constant wherever both are there, and are there together where the first is."""
    apart = (one - other)[one.notna()]
    return len(apart) > 0 and bool(apart.notna().all()) and float(np.ptp(apart)) < EQUAL
