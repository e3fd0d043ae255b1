"""Withholding never pays: whatever item a firm leaves out, its expected rank does not rise, and nobody else's moves."""

from __future__ import annotations

import ibis
import numpy as np
import pandas as pd
import pytest

from fusion.classification.editions import successors
from fusion.classification.policy import paths
from fusion.integration import firms, relatedness
from fusion.panel.synthetic import Settings, generate

RANKED = firms.Settings(common=True, withheld=relatedness.LEVELS["far"])
ITEMS = {
    "service revenue": ["service_revenue", "service_rev_by_class"],
    "its classes": ["service_rev_by_class"],
    "activities": ["biz_activity_codes"],
    "classes and activities": ["service_rev_by_class", "biz_activity_codes"],
    "all": ["service_revenue", "service_rev_by_class", "biz_activity_codes"],
}


@pytest.fixture(scope="module")
def panel() -> pd.DataFrame:
    """One year of both kinds of firm: a third of them silent, a fifth with classes."""
    made = generate(Settings(firms=1500), seed=7)[0]
    made = made[made["year"] == 2021].reset_index(drop=True)
    known = pd.concat([successors(e).assign(edition=e) for e in ("2011", "2017")])
    main = known.groupby(["edition", "code"])["code_2017"].first().map(paths().set_index("code")["path"])
    return made.assign(
        path=main.reindex(pd.MultiIndex.from_frame(made[["class_version", "ind4"]])).to_numpy()
    )


def measured(panel: pd.DataFrame, settings: firms.Settings = RANKED) -> pd.Series:
    """What each firm is ranked by: its point, or the least that it can be."""
    table = ibis.duckdb.connect().create_table("panel", panel)
    found = firms.integration(table, relatedness.relatedness(), settings).to_pandas().set_index("firm_id")
    return found["point"].fillna(found["low"])


def gains(panel: pd.DataFrame, item: list[str], settings: firms.Settings = RANKED) -> tuple[pd.Series, float]:
    """Change of rank (percentiles of all firms) of a tenth of those that tell, and the most that any other moves."""
    hidden = panel[item].notna().any(axis=1) & (np.random.default_rng(1).random(len(panel)) < 0.1)
    less = panel.assign(**{c: panel[c].mask(hidden) for c in item})
    before, after = measured(panel, settings), measured(less, settings)
    own = panel.loc[hidden, "firm_id"]
    order = np.sort(before.to_numpy())
    places = [np.searchsorted(order, x[own].to_numpy(), side="left") for x in (after, before)]
    moved = (after - before).drop(own).abs().max()
    return pd.Series(100 * (places[0] - places[1]) / len(order), own.to_numpy()), float(moved)


@pytest.mark.parametrize("item", ITEMS)
def test_no_item_pays(panel: pd.DataFrame, item: str) -> None:
    gained, others = gains(panel, ITEMS[item])
    # Sums of forms are rounded: classes that do not add up to the tenth may move a firm by a place or two.
    assert gained.mean() <= 0.02 and gained.max() < 0.5
    assert others < 1e-12, "nobody else's F depends on it"


def test_the_mean_of_the_path_would_pay(panel: pd.DataFrame) -> None:
    """Why ranks do not take it: with it those whose services are little related rise by leaving activities out."""
    gained, _ = gains(panel, ["biz_activity_codes"], firms.Settings(common=True))
    assert gained.max() > 5 and (gained > 0.5).mean() > 0.02


def test_sums_take_the_mean(panel: pd.DataFrame) -> None:
    plain, ranked = measured(panel, firms.Settings(common=True)), measured(panel)
    quiet = panel.set_index("firm_id")["biz_activity_codes"].isna().reindex(plain.index)
    assert (ranked <= plain + 1e-12).all() and (ranked[~quiet] == plain[~quiet]).mean() > 0.99
    assert (plain - ranked)[quiet & (plain > 0)].gt(0).mean() > 0.9
