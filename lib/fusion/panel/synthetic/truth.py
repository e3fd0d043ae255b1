"""The true effects of a panel: means of τ over the treated firm-years that are observed."""

from __future__ import annotations

import numpy as np
import pandas as pd

from fusion.panel.synthetic.rows import Rows


def truth_table(rows: Rows) -> pd.DataFrame:
    """True average effects on the treated (ATT) on productivity, log points.

    Returns
    -------
    DataFrame
        dimension (overall, cohort, event_time, path, ownership), level (text), effect, n (firm-years). Pilots by
        their true start, observed rows only, duplicates once; all zero when the pilots have no effect.
    """
    s = rows.s
    event = rows.year - s.pilots.start[rows.firm]
    at = np.flatnonzero(s.pilots.treated[rows.firm] & (event >= 0))
    firm = rows.firm[at]
    effect = s.pilots.effect[firm, rows.year[at]]
    levels = {
        "overall": np.full(len(at), "all", dtype=object),
        "cohort": s.years[s.pilots.start[firm]].astype(str).astype(object),
        "event_time": event[at],
        "path": s.tables.paths["path"].to_numpy(dtype=object)[s.firms.path[firm]],
        "ownership": s.tables.ownership["control_type"].to_numpy(dtype=object)[s.firms.owner[firm]],
    }
    parts = []
    for dimension, level in levels.items():
        mean = pd.DataFrame({"level": level, "effect": effect}).groupby("level", sort=True)["effect"]
        part = mean.agg(effect="mean", n="size").reset_index()
        parts.append(part.assign(dimension=dimension, level=part["level"].astype(str)))
    table = pd.concat(parts, ignore_index=True)[["dimension", "level", "effect", "n"]]
    return table.astype({"dimension": "str", "level": "str", "effect": float, "n": "int64"})
