"""Targets: hand-worked growth, verdicts that depend on the choice, and what cannot be judged."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from fusion.classification import official
from fusion.evaluation import targets
from fusion.evaluation.errors import EvaluationError
from workbook import paths

OWN = paths.DATA / "evaluation" / "targets.csv"


def panel() -> pd.DataFrame:
    """Two firms that stay and grow 10 and 0 percent a year, one that enters in 2022; prices rise 2 percent a year."""
    rows = [("a", y, 100 * 1.1 ** (y - 2020), 1.02 ** (y - 2020)) for y in (2020, 2021, 2022)]
    rows += [("b", y, 100.0, 1.02 ** (y - 2020)) for y in (2020, 2021, 2022)] + [("c", 2022, 79.0, 1.02**2)]
    return pd.DataFrame(rows, columns=["firm_id", "year", "service_revenue", "deflator"])


@pytest.mark.parametrize(
    ("scope", "price", "rate"),
    [
        # (121 + 100 + 79) / 200 = 1.5 over two years
        ("all", "nominal", 100 * (1.5**0.5 - 1)),
        # (121 + 100) / 200 = 1.105
        ("continuing", "nominal", 100 * (1.105**0.5 - 1)),
        ("all", "real", 100 * ((1.5 / 1.0404) ** 0.5 - 1)),
        ("continuing", "real", 100 * ((1.105 / 1.0404) ** 0.5 - 1)),
    ],
)
def test_growth_by_hand(scope: str, price: str, rate: float) -> None:
    found = targets.growth(panel(), "service_revenue", 2020, 2022, scope, price)
    assert found.rate == pytest.approx(rate, rel=1e-12)


def test_the_verdict_depends_on_the_choice() -> None:
    grid = targets.growth_grid(panel(), "service_revenue", [2020, 2021], [2022], goal=10, tolerance=1)
    verdicts = {(r.base_year, r.scope, r.price): r.verdict for r in grid.itertuples()}
    assert verdicts[2020, "all", "nominal"] == "met"  # 22.5 %
    assert verdicts[2020, "continuing", "nominal"] == "not met"  # 5.1 %
    assert len(grid) == 8
    about = targets.growth_grid(panel(), "service_revenue", [2020], [2022], goal=5.5, tolerance=0.5)
    assert about.set_index(["scope", "price"]).loc[("continuing", "nominal"), "verdict"] == "about met"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda p: p.drop(columns="service_revenue"), "no column 'service_revenue'"),
        (lambda p: p.drop(columns="deflator"), "no deflator"),
        (lambda p: p.assign(deflator=1.0), "the same in every year"),
        (lambda p: p[p["year"] > 2020], "the panel has the years 2021, 2022"),
        (lambda p: p.assign(service_revenue=0.0), "not above zero"),
    ],
)
def test_what_cannot_be_judged_says_why(change, reason: str) -> None:
    found = targets.growth(change(panel()), "service_revenue", 2020, 2022, "all", "real")
    assert np.isnan(found.rate) and reason in found.reason_en and found.reason_zh


def test_levels_by_hand() -> None:
    table = targets.load(OWN).set_index("target", drop=False)
    observed = pd.DataFrame(
        [("iiot_core", 2019, 1000.0, "x"), ("iiot_core", 2021, 1210.0, "y")],
        columns=["target", "year", "value", "source"],
    )
    found = targets.progress(table.loc["iiot_core"], observed)
    assert found["share"] == pytest.approx(1210 / 1500)
    assert found["pace"] == pytest.approx(10.0)
    assert found["required"] == pytest.approx(100 * (1500 / 1210 - 1))  # one year left
    assert found["verdict"] == "under way" and found["source"] == "y"
    assert targets.progress(table.loc["smart_factories"], observed)["verdict"] == "cannot be judged"
    assert targets.progress(table.loc["brand_firms"], observed)["verdict"] == "no number in the text"
    late = observed.assign(year=[2019, 2023])
    assert targets.progress(table.loc["iiot_core"], late)["verdict"] == "not met"
    reached = observed.assign(value=[1000.0, 1500.0])
    assert targets.progress(table.loc["iiot_core"], reached)["verdict"] == "met"
    assert (
        targets.progress(table.loc["iiot_core"], reached.assign(year=[2019, 2024]))["verdict"]
        == "met, after its year"
    )


def test_bad_tables_are_refused_with_every_fault(tmp_path: Path) -> None:
    file = tmp_path / "mine.csv"
    text = OWN.read_text("utf-8").replace(",growth,10,", ",groth,ten,").replace("2022,nominal", "22,nominal")
    file.write_text(text, "utf-8")
    with pytest.raises(EvaluationError) as error:
        targets.load(file)
    said = str(error.value)
    assert "line 2, kind = 'groth'; allowed: growth, level, unnumbered" in said
    assert "line 2, goal = 'ten'" in said and "line 3, horizon = '22'" in said
    file.write_text("target\n", "utf-8")
    with pytest.raises(EvaluationError, match="lacks the columns name_en"):
        targets.load(file)
    file.write_bytes("target,名".encode("gb18030"))
    with pytest.raises(EvaluationError, match="not UTF-8"):
        targets.load(file)
    with pytest.raises(EvaluationError, match="no such file"):
        targets.load(tmp_path / "none.csv")
    file.write_text("", "utf-8")
    with pytest.raises(EvaluationError, match="empty; its first line"):
        targets.load(file)


def test_an_observed_value_needs_its_source(tmp_path: Path) -> None:
    file = tmp_path / "seen.csv"
    file.write_text("target,year,value,source\niiot_core,2021,1210,\nnone,21,x,y\n", "utf-8")
    with pytest.raises(EvaluationError) as error:
        targets.load_observed(file, targets.load(OWN))
    for part in (
        "line 2: source is empty",
        "line 3, target = 'none'",
        "line 3, year = '21'",
        "line 3, value = 'x'",
    ):
        assert part in str(error.value)


def test_the_projects_own_targets_have_a_place_in_the_document() -> None:
    own = pd.read_csv(OWN, dtype=str, keep_default_na=False)
    assert (own["place"] != "").all() and set(own["source"]) == {"policy_document"}
    sources = pd.read_csv(OWN.with_name("SOURCES.csv"), dtype=str)
    assert set(own["source"]) <= set(sources["source"])


def test_figures_are_those_of_the_document() -> None:
    """The words of the document that SOURCES.csv names hold each target's number and year."""
    said = {
        "ps_growth": "生产性服务业重点领域主要经营指标年均增长10%左右",
        "iiot_core": "到2022年，工业互联网核心产业规模达到1500亿元",
        "smart_factories": "到2022年，推动建设100家标杆性智能工厂",
    }
    own = pd.read_csv(OWN, dtype=str, keep_default_na=False).query("goal != ''").set_index("target")
    assert set(own.index) == set(said)
    for name, row in own.iterrows():
        assert row["name_zh"] == said[str(name)].replace("，", "")
        assert row["goal"] in said[str(name)] and row["horizon"] in said[str(name)]
        assert row["horizon"] in row["name_en"]


def test_contributions_add_up_to_what_is_judged() -> None:
    goals = targets.load(OWN).assign(
        population="", measure=lambda t: t["measure"].replace("operating_revenue", "service_revenue")
    )
    grid = targets.grids(panel(), goals, [2020], [2022], 0.5)
    parts = targets.contributions(panel(), goals, grid)
    names = ["target", "base_year", "horizon", "scope", "price"]
    totals = parts.groupby(names)[["rate_before", "rate_now"]].sum()
    made = 100 * ((totals["rate_now"] / totals["rate_before"]) ** (1 / 2) - 1)
    pd.testing.assert_series_equal(
        made, grid.set_index(names)["rate"].sort_index(), check_names=False, rtol=1e-12
    )
    assert parts.groupby(names)["unit"].nunique().sort_index().tolist() == [3, 3, 2, 2]
    assert targets.grids(panel(), goals.iloc[1:], [2020], [2022], 0.5).empty


def test_the_state_of_targets_that_nobody_observed() -> None:
    goals = targets.load(OWN)
    state = targets.status(goals, targets.load_observed(None, goals))
    assert set(state["verdict"]) == {"cannot be judged", "no number in the text"}
    assert targets.status(goals.iloc[:1], targets.load_observed(None, goals)).empty


def test_the_state_of_an_observed_target_by_hand() -> None:
    """1,210 of 1,500 are 80.67 %; from 1,000 two years before that is 10 % a year."""
    goals = targets.load(OWN)
    observed = pd.DataFrame(
        [("iiot_core", 2019, 1000.0, "x"), ("iiot_core", 2021, 1210.0, "y")],
        columns=["target", "year", "value", "source"],
    )
    name = goals.set_index("target").loc["iiot_core", "name_en"]
    line = targets.status(goals, observed).set_index("name_en").loc[name]
    assert line[["latest", "reached", "pace", "required"]].astype(float).tolist() == pytest.approx(
        [1210.0, 100 * 1210 / 1500, 10.0, 100 * (1500 / 1210 - 1)]
    )


def test_a_target_is_judged_on_its_own_population_or_not_at_all() -> None:
    goals = pd.DataFrame(
        [{"target": "t", "kind": "growth", "measure": "service_revenue", "goal": 10.0, "population": "flag"}]
    )
    only = targets.grids(panel().assign(flag=lambda p: p["firm_id"] == "a"), goals, [2020], [2022], 0.5)
    assert only.loc[only["price"] == "nominal", "rate"].tolist() == pytest.approx([10, 10])
    for without in (panel(), panel().assign(flag=False)):
        refused = targets.grids(without, goals, [2020], [2022], 0.5)
        assert (
            set(refused["verdict"]) == {"cannot be judged"}
            and refused["reason_en"].str.contains("population").all()
        )
    parts = targets.contributions(panel().assign(flag=lambda p: p["firm_id"] == "a"), goals, only)
    assert set(parts["unit"]) == {"a"}
    shipped = targets.load(OWN).set_index("target")
    assert (
        shipped.loc["ps_growth", "population"] == "producer_services"
        and (shipped["population"] != "").sum() == 1
    )


def test_units_of_an_official_list_are_counted_once(tmp_path: Path) -> None:
    file = tmp_path / "lists.csv"
    lines = ["kind,issuer,batch,date,code,name,revoked,verified,notice,source"]
    lines += [f"smart_factory,局,{b},{y},,{n},{r},no,," for b, y, n, r in (
        (1, 2020, "甲", ""), (1, 2020, "乙", "2022"), (1, 2020, "甲", ""), (2, 2021, "丙", ""), (2, 2022, "甲", ""))]  # fmt: skip
    file.write_text("\n".join(lines) + "\n", "utf-8")
    counted = official.in_force(official.read([file]))
    # 甲 is renewed, named twice in a batch, and one unit; 乙 is revoked in 2022.
    assert counted.set_index("year")["units"].to_dict() == {2020: 2, 2021: 3, 2022: 2}
    goals = targets.load(OWN)
    seen = targets.listed_values(goals, counted, [file.name])
    found = targets.progress(goals.set_index("target", drop=False).loc["smart_factories"], seen)
    assert (found["latest"], found["latest_year"], found["source"]) == (2, 2022, "lists.csv")
    assert (
        found["verdict"] == "not met"
        and targets.listed_values(goals, official.in_force(official.read([])), []).empty
    )


def test_a_target_may_be_about_a_standard(tmp_path: Path) -> None:
    from fusion.classification import own

    (tmp_path / "mine.csv").write_text("class_code,gbt_code,partial\n1,3973,0\n2,3562,1\n", "utf-8")
    own.install({"mine": {"file": "mine.csv"}}, tmp_path)
    coded = panel().assign(
        edition="2017", code_own=panel()["firm_id"].map({"a": "3973", "b": "3562", "c": ""})
    )
    goal = targets.load(OWN).head(1).assign(measure="service_revenue", price="nominal")
    for population, rate in (("mine", 10.0), ("mine?", 100 * (1.105**0.5 - 1)), ("mine:2?", 0.0)):
        asked = goal.assign(population=population)
        grid = targets.grids(
            targets.marked(coded, asked), asked, base_years=[2020], horizons=[2022], tolerance=1.0
        )
        nominal = grid.query("price == 'nominal' and scope == 'continuing'")["rate"]
        assert nominal.tolist() == pytest.approx([rate]), population
    none = targets.grids(targets.marked(coded, goal), goal, base_years=[2020], horizons=[2022], tolerance=1.0)
    assert none["rate"].isna().all(), "the panel has no firm of producer services"
    own.install({}, tmp_path)
