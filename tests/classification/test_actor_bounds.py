"""Kinds of actor where codes are open: whatever the open codes are, the kinds that come of it were among those shown."""

from __future__ import annotations

import ibis
import numpy as np
import pandas as pd
import pytest

from fusion.classification import actors
from fusion.classification.policy import paths

# 3599 of 2011 is 3491, 3492, 3599 and 3964 of 2017.
PARTS = ("3491", "3492", "3599", "3964")


def base(seed: int, codes: list[str]) -> pd.DataFrame:
    """Firms of one year, coded; ``""`` stands for 3599 of 2011."""
    draw = np.random.default_rng(seed)
    n = len(codes)
    of = paths().set_index("code")["path"]
    size = 10 ** draw.uniform(1, 6, n)
    return pd.DataFrame(
        {
            "firm_id": [f"F{i:02d}" for i in range(n)],
            "year": 2015,
            "edition": ["2017" if c else "2011" for c in codes],
            "code_own": [c or "3599" for c in codes],
            "code_2017": codes,
            "group3": [c[:3] for c in codes],
            "path": [of.get(c, "") for c in codes],
            "operating_revenue": np.where(draw.random(n) < 0.1, np.nan, size),
            "rd_expense": size * draw.uniform(0, 0.1, n),
            "employees_end": np.where(draw.random(n) < 0.1, np.nan, (size / 50).round() + 1),
        }
    )


def told(frame: pd.DataFrame) -> pd.DataFrame:
    table = ibis.duckdb.connect().create_table("rows", frame)
    return actors.actors(table).to_pandas().set_index("firm_id")


@pytest.mark.parametrize("seed", range(4))
def test_every_choice_of_open_codes_gives_kinds_that_were_possible(seed: int) -> None:
    draw = np.random.default_rng(100 + seed)
    codes = [str(c) for c in draw.choice(["3491", "3492", "3964", "3963"], 44)] + [""] * 4
    shown = told(base(seed, codes))
    may = shown["actor_possible"].str.split(",").map(lambda kinds: {"" if k == "none" else k for k in kinds})
    assert (may.map(len) > 1).any()
    for _ in range(8):
        chosen = [c or str(draw.choice(PARTS)) for c in codes]
        found = told(base(seed, chosen))["actor"]
        assert all(found[firm] in may[firm] for firm in found.index)
    counted = actors.counts(ibis.memtable(shown.reset_index())).set_index("actor")
    assert (counted["firms_low"] <= counted["firms"]).all() and (
        counted["firms"] <= counted["firms_high"]
    ).all()
    assert (counted["firms_low"] < counted["firms_high"]).any()


def test_open_codes_are_no_industry_and_missing_revenue_is_no_rank() -> None:
    """Forty firms with one open code would have had a leader among themselves; the one without revenue was the first."""
    frame = base(1, [""] * 40).assign(operating_revenue=np.arange(40.0) + 1, rd_expense=1.0)
    assert "chain_leader" not in set(told(frame)["actor"])
    known = base(1, ["3491"] * 40).assign(operating_revenue=np.arange(40.0) + 1, rd_expense=np.arange(40.0))
    known.loc[0, "operating_revenue"] = np.nan
    kinds = told(known)["actor"]
    assert kinds["F39"] == "chain_leader" and kinds["F00"] not in ("chain_leader", "backbone")


def test_nothing_is_open_where_every_code_is_one_class() -> None:
    shown = told(base(2, ["3491"] * 30))
    assert not shown["actor_possible"].str.contains(",").any()
    assert "firms_low" not in actors.counts(ibis.memtable(shown.reset_index()))
