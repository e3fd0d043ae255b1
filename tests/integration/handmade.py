"""Firms made by hand."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import ibis
import pandas as pd

from fusion.integration import relatedness

Measure = Callable[..., pd.DataFrame]
PRIOR = relatedness.Choices(alpha=0.0)


def panel(*rows: dict[str, Any]) -> ibis.Table:
    """Firms of 2020 in the edition of 2017, revenue 100 unless they say otherwise."""
    base = {"year": 2020, "class_version": "2017", "operating_revenue": 100.0}
    told = [{**base, "firm_id": f"F{i}", **row} for i, row in enumerate(rows)]
    for row in told:
        for name in ("service_rev_by_class", "goods_rev_by_class"):
            if isinstance(row.get(name), dict):
                row[name] = json.dumps(row[name])
    return ibis.duckdb.connect().create_table("panel", pd.DataFrame(told))


def sells(main: str, services: dict[str, float] | None, **more: Any) -> dict[str, Any]:
    """A firm that tells the classes of its services."""
    told = (
        {}
        if services is None
        else {"service_rev_by_class": services, "service_revenue": sum(services.values())}
    )
    return {"ind4": main, **told, **more}
