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
        value added per employee: smaller, for pilots hire), n (firm-years). Pilots by their true start, observed rows
        only, duplicates once; all zero when the pilots have no effect.
    """
    s = rows.s
    event = rows.year - s.pilots.start[rows.firm]
    at = np.flatnonzero(s.pilots.treated[rows.firm] & (event >= 0))
    firm = rows.firm[at]
    effect = s.pilots.effect[firm, rows.year[at]]
    per_head = (_labour_productivity(s.made) - _labour_productivity(s.alone))[firm, rows.year[at]]
    levels = {
        "overall": np.full(len(at), "all", dtype=object),
        "cohort": s.years[s.pilots.start[firm]].astype(str).astype(object),
        "event_time": event[at],
        "path": s.tables.paths["path"].to_numpy(dtype=object)[s.firms.path[firm]],
        "ownership": s.tables.ownership["control_type"].to_numpy(dtype=object)[s.firms.owner[firm]],
    }
    parts = []
    for dimension, level in levels.items():
        by_level = pd.DataFrame({"level": level, "effect": effect, "effect_lp": per_head}).groupby(
            "level", sort=True
        )
        part = by_level.agg(
            effect=("effect", "mean"), effect_lp=("effect_lp", "mean"), n=("effect", "size")
        ).reset_index()
        parts.append(part.assign(dimension=dimension, level=part["level"].astype(str)))
    table = pd.concat(parts, ignore_index=True)[["dimension", "level", "effect", "effect_lp", "n"]]
    kinds = {"dimension": "str", "level": "str", "effect": float, "effect_lp": float, "n": "int64"}
    return table.astype(kinds)


def _labour_productivity(made: Production) -> Floats:
    """ln of value added per employee; missing where nothing is produced."""
    with np.errstate(divide="ignore"):
        found = np.log(made.value_added) - np.log(made.employees)
    return np.where(np.isfinite(found), found, np.nan)
