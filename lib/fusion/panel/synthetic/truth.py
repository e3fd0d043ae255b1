"""The true effects of a panel: means of τ over the treated firm-years that are observed."""

from __future__ import annotations

import numpy as np
import pandas as pd

from fusion.panel.synthetic.firms import Floats
from fusion.panel.synthetic.production import Production
from fusion.panel.synthetic.rows import Rows


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
