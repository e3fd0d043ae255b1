"""Withholding never pays: whatever item a firm leaves out, its rank does not rise, and nobody else's moves."""

from __future__ import annotations

from typing import Any

import ibis
import numpy as np
import pandas as pd
import pytest
from handmade import panel as firms_by_hand
from handmade import sells

from fusion.classification.editions import successors
from fusion.classification.policy import paths
from fusion.integration import firms, relatedness
from fusion.panel.synthetic import Settings, generate

TIERS = {
    "common": firms.Settings(common=True, withheld=relatedness.LEVELS["far"]),
    "best": firms.Settings(withheld=relatedness.LEVELS["far"]),
}
ITEMS = {
    "service revenue": ["service_revenue", "service_rev_by_class"],
    "its classes": ["service_rev_by_class"],
    "activities": ["biz_activity_codes"],
    "services among activities": [],
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


def measured(panel: pd.DataFrame, settings: firms.Settings = TIERS["common"]) -> pd.Series:
    """What each firm is ranked by: its point, or the least that it can be."""
    table = ibis.duckdb.connect().create_table("panel", panel)
    found = firms.integration(table, relatedness.relatedness(), settings).to_pandas().set_index("firm_id")
    return found["point"].fillna(found["low"])


def goods_alone(named: Any) -> Any:
    """A list of activities without its services; one of services alone becomes its main code, 0 for none."""
    codes = [code for code in str(named).split("|") if "13" <= code[:2] <= "42"]
    return "|".join(codes) or "0"


def without(panel: pd.DataFrame, item: str, hidden: pd.Series) -> pd.DataFrame:
    less = panel.assign(**{c: panel[c].mask(hidden) for c in ITEMS[item]})
    if item == "services among activities":
        shorter = panel["biz_activity_codes"].map(goods_alone, na_action="ignore")
        less["biz_activity_codes"] = panel["biz_activity_codes"].mask(hidden, shorter)
    return less


def gains(panel: pd.DataFrame, item: str, settings: firms.Settings) -> tuple[pd.Series, float]:
    """Change of rank (percentiles of all firms) of a tenth of the firms, and the most that any other moves."""
    hidden = pd.Series(np.random.default_rng(1).random(len(panel)) < 0.1)
    before, after = measured(panel, settings), measured(without(panel, item, hidden), settings)
    own = panel.loc[hidden, "firm_id"]
    order = np.sort(before.to_numpy())
    places = [np.searchsorted(order, x[own].to_numpy(), side="left") for x in (after, before)]
    moved = (after - before).drop(own).abs().max()
    return pd.Series(100 * (places[0] - places[1]) / len(order), own.to_numpy()), float(moved)


@pytest.mark.parametrize("tier", TIERS)
@pytest.mark.parametrize("item", ITEMS)
def test_no_item_pays(panel: pd.DataFrame, item: str, tier: str) -> None:
    gained, others = gains(panel, item, TIERS[tier])
    assert gained.max() <= 0, "not on average alone: nobody rises"
    assert others < 1e-12, "nobody else's F depends on it"
    matters = {"common": set(ITEMS) - {"its classes"}, "best": {"service revenue", "its classes", "all"}}
    if item in matters[tier]:
        assert gained.mean() < -0.1


# What annual forms do not ask, as a supplementary form does: each firm with the item, which would pull F down.
TELLING: dict[str, tuple[dict[str, Any], str]] = {
    "a tied share": (sells("3421", {"4330": 20}, service_revenue_tied=2.0), "service_revenue_tied"),
    "other goods": (
        sells("3611", {"6634": 60}, goods_rev_by_class={"3611": 10, "1411": 30}),
        "goods_rev_by_class",
    ),
    "products placed": (sells("3412", {"4330": 20}, goods_placed=80.0), "goods_placed"),
    "a contract": (sells("3441", {"4330": 50}, contract_revenue=50.0), "contract_revenue"),
    "a contract's parts": (
        sells("3441", {"4330": 50}, contract_revenue=50.0, contract_goods=5.0),
        "contract_goods",
    ),
    "a split contract": (
        sells("3441", {"4330": 50}, contract_revenue=50.0, contract_goods=5.0),
        "contract_revenue",
    ),
    "flats among classes": (sells("3421", {"4330": 10, "7040": 30}), "service_rev_by_class"),
    "unrelated activities": (sells("3421", None, service_revenue=20.0, biz_activity_codes="3421|7040"), ""),
}


@pytest.mark.parametrize("tier", TIERS)
@pytest.mark.parametrize("item", TELLING)
def test_what_few_forms_ask_does_not_pay_either(item: str, tier: str) -> None:
    row, column = TELLING[item]
    hidden = {**row, column: None} if column else {**row, "biz_activity_codes": "3421"}
    asked = {"ind4": "3421", "biz_activity_codes": "3421|4330"}  # others, so that the item is on the form
    found = firms.integration(firms_by_hand(row, hidden, asked), relatedness.relatedness(), TIERS[tier])
    told, kept = (
        found.to_pandas().set_index("firm_id").pipe(lambda f: f["point"].fillna(f["low"]))[["F0", "F1"]]
    )
    assert kept <= told + 1e-12


def test_telling_of_it_counts_in_sums() -> None:
    """Each of those items is used where nobody is ranked: what ranks leave aside is not lost."""
    for item in ("a tied share", "other goods", "products placed"):
        row, column = TELLING[item]
        found = firms.integration(firms_by_hand(row, {**row, column: None}), relatedness.relatedness())
        told, kept = found.to_pandas()["point"]
        assert told < kept - 0.01


def test_a_split_contract_raises_a_rank() -> None:
    row = sells("3441", {"4330": 10}, contract_revenue=60.0, contract_goods=30.0)
    table = firms_by_hand(row, {**row, "contract_revenue": None})
    told, kept = firms.integration(table, relatedness.relatedness(), TIERS["best"]).to_pandas()["point"]
    assert told > kept + 0.3


def test_whoever_is_not_asked_withholds_nothing() -> None:
    """In a year whose form has no activities all have the mean of their path; in another the lowest level."""
    made = [sells("3421", {"4330": 20}, firm_id=f"T{i}", year=2020) for i in range(25)]
    quiet = {"ind4": "3421", "service_revenue": 20.0, "firm_id": "Q"}
    asked = {"ind4": "3421", "firm_id": "A", "year": 2021, "biz_activity_codes": "3421"}
    table = firms_by_hand(*made, {**quiet, "year": 2020}, {**quiet, "year": 2021}, asked)
    found = firms.integration(table, relatedness.relatedness(), TIERS["common"]).to_pandas()
    own = found[found["firm_id"] == "Q"].set_index("year")["point"]
    assert own[2021] == pytest.approx(0.4 * relatedness.LEVELS["far"])
    assert own[2020] == pytest.approx(0.4 * relatedness.LEVELS["partner"]), "units without a path count once"


def test_on_the_best_tier_a_rank_asks_for_classes(panel: pd.DataFrame) -> None:
    table = ibis.duckdb.connect().create_table("panel", panel)
    found = firms.integration(table, relatedness.relatedness(), TIERS["best"]).to_pandas()
    sells_some = found["services"].fillna(0) > 0
    assert found.loc[sells_some & (found["tier"] < 2), "point"].isna().all()
    assert found.loc[sells_some & (found["tier"] >= 2), "point"].notna().mean() > 0.9
    assert found.loc[found["services"] == 0, "point"].eq(0).all()


def test_a_shorter_list_of_activities_lowers_on_average(panel: pd.DataFrame) -> None:
    """A list that leaves one out cannot be told from a whole one: ranks fall by it on average, and single ones may rise."""
    several = panel["biz_activity_codes"].str.count(r"\|").fillna(0) > 0
    hidden = several & (np.random.default_rng(3).random(len(panel)) < 0.3)
    shorter = panel["biz_activity_codes"].str.replace(r"\|[0-9]+$", "", regex=True)
    less = panel.assign(biz_activity_codes=panel["biz_activity_codes"].mask(hidden, shorter))
    before, after = measured(panel), measured(less)
    order = np.sort(before.to_numpy())
    moved = 100 * (np.searchsorted(order, after) - np.searchsorted(order, before)) / len(order)
    own = pd.Series(moved, before.index)[panel.loc[hidden, "firm_id"]]
    assert own.mean() <= 0 and own.max() < 15


def test_the_mean_of_the_path_would_pay(panel: pd.DataFrame) -> None:
    """Why ranks do not take it: with it those whose services are little related rise by leaving activities out."""
    gained, _ = gains(panel, "activities", firms.Settings(common=True))
    assert gained.max() > 5 and (gained > 0.5).mean() > 0.01


def test_sums_take_the_mean(panel: pd.DataFrame) -> None:
    plain, ranked = measured(panel, firms.Settings(common=True)), measured(panel)
    quiet = panel.set_index("firm_id")["biz_activity_codes"].isna().reindex(plain.index)
    # Sums read classes, which are rounded beside their sum: equal to a thousandth. Who names little related services alone has
    # a little more in ranks, where naming them must not be worse than silence.
    assert (
        np.isclose(ranked[~quiet], plain[~quiet], atol=1e-3).mean() > 0.98 and (ranked - plain).max() < 0.05
    )
    assert (plain - ranked)[quiet & (plain > 0)].gt(0).mean() > 0.9
