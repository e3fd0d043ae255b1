"""Panels of one side, or without any services told: every step of notebook 03 on integration ends in a table or in none."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from handmade import panel

from fusion.integration import draws, firms, presets, relatedness, sums, tiers, validity

SIDES: dict[str, dict[str, Any]] = {
    "services firms alone": {"ind4": "7320", "operating_revenue": 100.0, "service_revenue": 100.0},
    "factories alone": {"ind4": "3421", "operating_revenue": 100.0, "service_revenue": 0.0},
    "nobody tells": {"ind4": "3421", "operating_revenue": 100.0},
    "all sell half": {"ind4": "3421", "operating_revenue": 100.0, "service_revenue": 40.0},
}


def rows(side: str) -> list[dict[str, Any]]:
    return [
        {"firm_id": f"f{i}", "year": year, "class_version": "2017", "path": f"P{1 + i % 2}", **SIDES[side]}
        for i in range(60)
        for year in (2020, 2021)
    ]


@pytest.mark.parametrize("side", SIDES)
def test_each_step_has_an_answer(side: str, prior: relatedness.Relatedness) -> None:
    table = panel(*rows(side))
    settings = firms.Settings()
    traits = pd.DataFrame(rows(side))[["firm_id", "year", "path", "ind4"]]
    known = tiers.fullest(table, prior, firms.Settings(common=True), traits)
    common = tiers.common(table, prior, settings)
    found = tiers.overlap(common, known)
    known = tiers.splice(known, found)
    drawn = sums.impute(known, sums.Model())
    at, moved = draws.drawn(table, prior, settings, 20, 1)
    total = sums.totals(known, drawn, ["path", "year"], 1.0, draws.of_all(known, drawn, at, moved))
    assert len(total) == 4 and (total["low"] <= total["high"] + 1e-9).all()
    assert drawn is None and total["value"].isna().all(), "nothing to learn from where all tell alike"
    point = {"services firms alone": 0.0, "factories alone": 0.0, "nobody tells": np.nan}.get(side)
    if point is not None:
        assert known["low"].eq(0).all()
        assert known["point"].fillna(-1).isin([0, -1]).all(), "one side alone is never integrated"
    else:
        assert known["point"].between(0.3, 0.8).all()
    made = firms.contributions(table, prior, settings)
    stages, parts = sums.by_stage(made, known, 2021)
    assert stages.empty == (side != "all sell half") and parts.empty == stages.empty
    assert len(sums.silence(known[known["year"] == 2021])) == 1
    moves = sums.change(known, "path", 2020, 2021)
    assert moves["within"].abs().lt(1e-9).all() and len(moves) == (2 if known["point"].notna().any() else 0)
    others = presets.measures(table, prior, settings)
    scored = (
        firms.columns(known, known)
        .merge(traits, on=["firm_id", "year"])
        .merge(others, on=["firm_id", "year"])
    )
    names = [c for c in presets.COLUMNS if c in scored and scored[c].notna().any()]
    assert set(presets.compare(scored, "integration", names, 2021)) >= {"definition", "units"}
    share_told = side in ("factories alone", "all sell half")
    assert ("service_share" in presets.lacking(scored)["definitions"]) != share_told
    assert not (validity.marks(scored)["kind"] == "stability").any() or side == "all sell half"
    judged = draws.judgements(table, prior, settings, pd.DataFrame(), 2021)
    assert (judged["units"] == (60 if side == "all sell half" else 0)).all()
