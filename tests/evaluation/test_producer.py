"""Producer services: who is in, sums and growth by hand, and what is refused; policy levers over size."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import pytest

from fusion.classification.enterprises import in_question
from fusion.evaluation import levers, population, producer, targets


def panel() -> pd.DataFrame:
    """A consultancy that doubles, one that enters, a maker that sells design, a restaurant."""
    rows = [
        ("s1", 2020, "L", "7243", 100.0, 10, None),
        ("s1", 2021, "L", "7243", 200.0, 11, None),
        ("s2", 2021, "L", "7243", 50.0, 5, None),
        ("m", 2020, "C", "3611", 900.0, 90, '{"7491": 40.0, "6210": 7.0}'),
        ("m", 2021, "C", "3611", 900.0, 90, '{"7491": 44.0}'),
        ("old", 2021, "C", "3610", 900.0, 90, '{"7243": 5.0}'),
        ("r", 2021, "H", "6210", 70.0, 7, None),
    ]
    names = [
        "firm_id",
        "year",
        "section",
        "code_2017",
        "operating_revenue",
        "employees_avg",
        "service_rev_by_class",
    ]
    return pd.DataFrame(rows, columns=names).assign(class_version="2017", tax_surcharge=1.0, vat=2.0)


def test_service_firms_and_services_of_makers_stand_apart_and_together() -> None:
    assert panel().loc[producer.firms(panel()), "firm_id"].tolist() == ["s1", "s1", "s2"]
    found = producer.monitor(producer.placed(panel()), 2021).set_index(producer.KEYS)
    firms = found.loc[(producer.FIRMS, "07", "operating_revenue")]
    # 200 against 100 on comparable scope; with the one that entered 250 against 100.
    assert (firms["amount"] * 10_000, firms["growth"], firms["nominal"]) == pytest.approx((250, 100, 150))
    assert (firms["matched"], firms["units"]) == (1, 2)
    makers = found.loc[(producer.MAKERS, "01", "operating_revenue")]
    assert makers["amount"] * 10_000 == pytest.approx(44) and makers["growth"] == pytest.approx(10)
    assert found.loc[(producer.TOGETHER, "07", "operating_revenue"), "amount"] * 10_000 == pytest.approx(255)
    assert found.loc[(producer.FIRMS, "07", "employees_avg"), "amount"] == 16, "persons are not divided"
    assert found.loc[(producer.FIRMS, "07", "taxes"), "amount"] * 10_000 == pytest.approx(6)
    assert set(found.loc[producer.MAKERS].index.get_level_values("measure")) == {"operating_revenue"}


def test_one_population_alone_is_not_called_both_together() -> None:
    makers_alone = panel()[panel()["section"] == "C"]
    silent = panel().assign(service_rev_by_class=None)
    for rows, there in ((makers_alone, {producer.MAKERS}), (silent, {producer.FIRMS})):
        services = producer.placed(rows)
        assert set(producer.monitor(services, 2021)["population"]) == there
        assert producer.TOGETHER not in set(producer.contributions(services, 2021)["population"])
        assert producer.TOGETHER not in set(producer.against(services, 2020, 2021, 10.0, 0.5)["population"])


def test_contributions_make_the_table() -> None:
    services = producer.placed(panel())
    parts = (
        producer.contributions(services, 2021)
        .groupby(producer.KEYS)[["amount", "growth_now", "growth_before"]]
        .sum()
    )
    table = producer.monitor(services, 2021).set_index(producer.KEYS)
    np.testing.assert_allclose(parts["amount"].loc[table.index], table["amount"])


def test_the_target_by_group_and_its_refusal() -> None:
    services = producer.placed(panel())
    found = producer.against(services, 2020, 2021, 10.0, 0.5).set_index(producer.KEYS)
    both = found.loc[(producer.TOGETHER, producer.TOTAL, "operating_revenue")]
    # s1 100 to 200, r's services 40 to 44 in 01, 5 of 07 told in one year alone.
    assert both["units"] == 2 and found.loc[
        (producer.MAKERS, "01", "operating_revenue"), "rate"
    ] == pytest.approx(10)
    found = found.loc[producer.FIRMS]
    assert found.loc[("07", "operating_revenue"), ["rate", "units", "verdict"]].tolist() == [100, 1, "met"]
    assert (
        found.loc[("07", "employees_avg"), "rate"] == pytest.approx(10)
        and ("07", "value_added") not in found.index
    )
    makers = panel()[panel()["section"] == "C"]
    assert producer.against(producer.placed(makers), 2020, 2021, 10.0, 0.5).empty
    assert not producer.firms(makers.drop(columns="section")).any()
    assert producer.monitor(producer.placed(panel().query("firm_id == 'r'")), 2021).empty


def test_a_class_of_2011_is_read_by_its_edition() -> None:
    # 6550 is the design of integrated circuits in 2011 (now 6520) and data processing in 2017.
    both = panel().query("firm_id == 'm' and year == 2021").assign(service_rev_by_class='{"6550": 1.0}')
    groups = [
        producer.placed(both.assign(class_version=edition))["group"].tolist() for edition in ("2011", "2017")
    ]
    assert all(len(g) == 1 for g in groups)
    assert (
        producer.placed(both.assign(class_version="2011", service_rev_by_class='{"6520": 1.0}')).shape[0] <= 1
    )


def test_codes_that_were_split_are_in_where_all_their_classes_are() -> None:
    """6510 of 2011 became four classes of software, 7239 two of other advice; 6540 is no producer service in all parts."""
    rows = [("6510", "I"), ("6540", "I"), ("3599", "C")]
    old = pd.DataFrame(rows, columns=["code_own", "section"]).assign(
        edition="2011", code_2017="", firm_id="x", year=2015
    )
    held = set(producer._groups())
    assert {"6511", "6512", "6513", "6519"} <= held and not {"3491", "3599"} & held
    sure, may = producer.firms(old), producer.firms(old, possible=True)
    parts = {"6431", "6432", "6433", "6434", "6439", "6440", "6450", "6550"}
    assert sure.tolist() == [True, parts <= held, False] and may.tolist() == [True, bool(parts & held), False]


def test_growth_of_a_population_that_codes_leave_open() -> None:
    """By hand: A is surely of it, B may be, in both years under one code; C came later and may be."""
    told = [("A", 100.0, 110.0, True), ("B", 50.0, 100.0, False), ("C", None, 40.0, False)]
    rows = [
        (firm, year, amount, sure, "2011", firm)
        for firm, first, last, sure in told
        for year, amount in ((2015, first), (2016, last))
        if amount is not None
    ]
    names = ["firm_id", "year", "operating_revenue", "services", "edition", "code_own"]
    panel = pd.DataFrame(rows, columns=names).assign(services_possible=True)
    goals = pd.DataFrame(
        [("g", "growth", 10.0, "operating_revenue", "services")],
        columns=["target", "kind", "goal", "measure", "population"],
    )
    grid = targets.grids(panel, goals, [2015], [2016], 0.5)
    ends = population.with_ends(grid, panel, goals).query("price == 'nominal'").set_index("scope")
    assert ends["rate"].tolist() == pytest.approx([10.0, 10.0])
    assert ends.loc["all", ["rate_low", "rate_high"]].tolist() == pytest.approx([10.0, 100 * (250 / 150 - 1)])
    assert ends.loc["continuing", ["rate_low", "rate_high"]].tolist() == pytest.approx([10.0, 40.0])
    parts = targets.contributions(panel, goals, grid)
    parts = population.with_open_parts(parts, grid, panel, goals).query(
        "scope == 'all' and price == 'nominal'"
    )
    assert parts[["rate_high_now", "rate_high_before"]].sum().tolist() == [250.0, 150.0]
    shut = panel.assign(services_possible=panel["services"])
    assert population.with_ends(grid, shut, goals).equals(grid)


def test_levers_are_intensities_of_the_year_before() -> None:
    table = pd.DataFrame(
        {"firm_id": ["a", "a", "a", "b"], "year": [2019, 2020, 2021, 2021], "operating_revenue": [200.0, 400.0, 1.0, 1.0],
         "employees_avg": [10.0, 20.0, 1.0, 1.0], "subsidy": [9.0, 4.0, 8.0, 5.0], "trained_staff": [0.0, 1.0, 4.0, 2.0]}
    ).assign(flat=1.0)  # fmt: skip
    columns = {"grants": "subsidy", "talent": "trained_staff", "land": "absent", "data": "flat"}
    found = levers.intensities(table, columns)
    assert list(found.columns) == ["firm_id", "year", "grants", "talent"]
    assert found["grants"].tolist()[1:3] == [4.5, 1.0] and found["talent"].tolist()[1:3] == [0.0, 5.0]
    assert found["grants"].isna().tolist() == [True, False, False, True], "no year before, no size"
    # A firm ten times as large with ten times the grants has the same intensity.
    tenfold = table.assign(**{c: 10 * table[c] for c in ("operating_revenue", "subsidy")})
    again = levers.intensities(tenfold, {"grants": "subsidy"})
    pd.testing.assert_series_equal(found["grants"], again["grants"])


def split_panel() -> pd.DataFrame:
    """Firms under codes of 2011 that were split over groups, in and out of the standard, and over sections."""
    pairs = in_question().query("edition == '2011'")
    group = pairs["code_2017"].map(producer._groups()).fillna("")
    kinds = pairs.assign(group=group).groupby("code")["group"].agg(lambda g: tuple(sorted(set(g))))
    part = [c for c in kinds.index if len(c) == 4 and c > "50" and "" in kinds[c] and len(kinds[c]) > 1]
    sure = [min(c for c, g in producer._groups().items() if g == kinds[p][1] and c > "50") for p in part[:2]]
    rows = [
        ("a", "L", sure[0], sure[0], "2017", 100.0, 120.0),
        ("b", "", part[0], "", "2011", 30.0, 90.0),
        ("c", "I", part[1], "", "2011", 50.0, 20.0),
        ("d", "I", part[0], "", "2011", None, 10.0),
        ("e", "I", sure[1], sure[1], "2017", 70.0, 77.0),
    ]
    return pd.DataFrame(
        [
            (firm, year, section, own, now, edition, value)
            for firm, section, own, now, edition, *values in rows
            for year, value in zip((2014, 2015), values, strict=True)
            if value is not None
        ],
        columns=["firm_id", "year", "section", "code_own", "code_2017", "edition", "operating_revenue"],
    )


def test_ends_are_those_of_every_way_to_place_split_codes() -> None:
    """Each firm's open code is put to each of its classes (and sections); least and most are what the table says."""
    panel = split_panel()
    services = producer.placed(panel)
    said = producer.monitor(services, 2015).query("measure == 'operating_revenue'").set_index(producer.KEYS)
    may = {k: sorted(set(t["code_2017"])) for k, t in in_question().groupby(["edition", "code"])}
    left = panel[panel["code_2017"] == ""].drop_duplicates("firm_id")
    choices = [may["2011", row.code_own] for row in left.itertuples()]
    found = []
    for chosen in itertools.product(*choices):
        placed = panel.set_index("firm_id")
        for firm, code in zip(left["firm_id"], chosen, strict=True):
            placed.loc[firm, ["code_2017", "section"]] = [code, "I" if code[:2] > "50" else "C"]
        closed = producer.placed(placed.reset_index())
        assert not closed["open"].any()
        found.append(producer.monitor(closed, 2015).set_index(producer.KEYS))
    every = pd.concat(found).groupby(level=producer.KEYS)
    here = said.index.intersection(every.size().index)
    assert len(here) >= 2 and (said["amount_high"] > said["amount"]).any()
    most, least = every.max().loc[here], every.min().loc[here]
    np.testing.assert_allclose(said.loc[here, "amount_high"], most["amount"])
    for name in ("growth", "nominal"):
        # Cells without a certain amount before have no least and no most growth.
        known = said.loc[here, f"{name}_high"].dropna().index
        np.testing.assert_allclose(said.loc[known, f"{name}_high"], most.loc[known, name])
        np.testing.assert_allclose(said.loc[known, f"{name}_low"], least.loc[known, name])
    parts = producer.contributions(services, 2015).groupby(producer.KEYS)[["amount", "amount_high"]].sum()
    np.testing.assert_allclose(parts.loc[said.index, "amount_high"], said["amount_high"])
    held = producer.against(services, 2014, 2015, 10.0, 0.5).set_index(producer.KEYS)
    totals = held.index.get_level_values("group") == producer.TOTAL
    assert totals.any() and held.loc[totals, "rate_high"].isna().all()
    held = held[~totals & held["rate_high"].notna()]
    cell = said.loc[held.index]
    np.testing.assert_allclose(held["rate_high"], cell["growth_high"])
    sides = producer.judged(services, 2014, 2015).groupby(producer.KEYS).sum(numeric_only=True)
    rate = 100 * (sides["rate_high_now"] / sides["rate_high_before"] - 1)
    np.testing.assert_allclose(rate.loc[held.index], held["rate_high"])


def test_services_of_makers_under_a_split_class_are_open() -> None:
    sold = panel().query("firm_id == 'm' and year == 2021")
    code = split_panel().query("firm_id == 'b'")["code_own"].iloc[0]
    told = sold.assign(service_rev_by_class=f'{{"{code}": 9.0, "7243": 1.0}}', class_version="2011")
    lines = producer.placed(told)
    assert lines.loc[lines["open"], "operating_revenue"].tolist() == [9.0]
    table = producer.monitor(lines, 2021).set_index(producer.KEYS)
    group = lines.loc[lines["open"], "group"].iloc[0]
    cell = table.loc[(producer.MAKERS, group, "operating_revenue")]
    assert cell["amount_high"] * 10_000 - cell["amount"] * 10_000 == pytest.approx(9.0)
