"""The synthetic panel: reproducible, anchored, consistent, and true to its truth table."""

from __future__ import annotations

import json
import time
from functools import lru_cache

import numpy as np
import pandas as pd
import pytest

from fusion.classification.editions import successors
from fusion.panel.errors import PanelError
from fusion.panel.synthetic import Settings, Simulation, generate, of_study, simulate
from fusion.panel.synthetic.tables import DATA, tables

SEEDS = range(1, 6)
CENT = 0.006  # money is rounded to 0.01 万元, so an identity of rounded terms may be off by half of that


@lru_cache(maxsize=1)
def panel() -> tuple[pd.DataFrame, pd.DataFrame]:
    return generate(Settings(missingness=0), 1)


@lru_cache(maxsize=8)
def simulation(seed: int, null: bool = False) -> Simulation:
    return simulate(Settings(null_effect=null), seed)


def makers(s: Simulation) -> np.ndarray:
    """Observed firm-years of manufacturers, (N, T)."""
    path = s.tables.paths["path"].to_numpy()[s.firms.path]
    return s.frame.observed & (path != "service")[:, None]


def event(s: Simulation) -> np.ndarray:
    return np.where(s.pilots.treated[:, None], np.arange(len(s.years)) - s.pilots.start[:, None], -99)


def mean_of(what, seeds=SEEDS) -> float:  # type: ignore[no-untyped-def]
    return float(np.mean([what(simulation(seed)) for seed in seeds]))


# ---- reproducible ---------------------------------------------------------------------------------------


def test_same_seed_same_panel_bit_for_bit() -> None:
    settings = Settings(firms=200)
    for one, two in zip(generate(settings, 7), generate(settings, 7), strict=True):
        pd.testing.assert_frame_equal(one, two, check_exact=True)


def test_another_seed_gives_another_panel() -> None:
    one, two = generate(Settings(firms=200), 7)[0], generate(Settings(firms=200), 8)[0]
    assert not one["value_added"].head(50).equals(two["value_added"].head(50))


# ---- schema ---------------------------------------------------------------------------------------------


def test_columns_are_those_of_the_contract() -> None:
    contract = pd.read_csv(DATA / "contract" / "panel.csv", dtype=str, keep_default_na=False)
    derived = set(contract.loc[contract["required"] == "derived", "column"])
    # What was added to the contract for forms that few have (a supplementary form, levers) is optional, and not made up here.
    added = set(contract.loc[contract["reason"].str.startswith("added:"), "column"])
    columns = set(panel()[0].columns)
    assert columns <= set(contract["column"]) - derived
    assert set(contract["column"]) - derived - columns <= added


def test_values_are_those_that_the_contract_allows() -> None:
    contract = pd.read_csv(DATA / "contract" / "panel.csv", dtype=str, keep_default_na=False)
    table = panel()[0]
    for row in contract[contract["allowed"] != ""].itertuples():
        if row.column in table:
            assert set(table[row.column].dropna()) <= set(row.allowed.split("|")), row.column
    for row in contract[contract["minimum"] != ""].itertuples():
        if row.column in table:
            assert table[row.column].min() >= float(row.minimum), row.column


def test_keys_are_complete_unique_and_sorted() -> None:
    table = generate(Settings(firms=300, missingness=1.5), 3)[0]
    keys = ["firm_id", "year", "ind4", "class_version", "district", "control_type", "status", "est_year"]
    assert table[keys].notna().all().all()
    assert not table.duplicated(["firm_id", "year"]).any()
    assert table[["firm_id", "year"]].equals(table[["firm_id", "year"]].sort_values(["firm_id", "year"]))


def test_codes_exist_in_their_edition_and_follow_the_comparison() -> None:
    table = panel()[0]
    for edition in ("2011", "2017"):
        known = pd.read_csv(DATA / "classification" / f"gbt4754_{edition}.csv", dtype=str)
        used = set(table.loc[table["class_version"] == edition, "ind4"])
        assert used <= set(known.loc[known["level"] == "4", "code"])
    assert ((table["year"] >= 2017) == (table["class_version"] == "2017")).all()
    pairs = table.groupby("firm_id")["ind4"].unique()
    pairs = {tuple(p) for p in pairs if len(p) == 2}
    cross = pd.read_csv(DATA / "classification" / "editions_2011_2017.csv", dtype=str)
    assert pairs and pairs <= set(zip(cross["code_2011"], cross["code_2017"], strict=True))
    assert ("6550", "6520") in pairs  # IC design, whose old code 2017 gives to another class


def test_path_of_every_manufacturing_class_is_the_policy_s() -> None:
    core = pd.read_csv(DATA / "classification" / "paths.csv", dtype=str).query("role == 'core'")
    for row in tables().codes.query("path != 'service'").itertuples():
        hit = core[[str(row.code_2017).startswith(p) for p in core["prefix"]]]
        best = hit.loc[hit["prefix"].str.len().idxmax(), "path"] if len(hit) else "other"
        assert best == row.path, row.code_2017


# ---- accounts -------------------------------------------------------------------------------------------


def test_value_added_is_the_sum_of_incomes() -> None:
    t = panel()[0]
    parts = t["payroll"] + t["tax_surcharge"] + t["vat"] + t["depreciation"] + t["operating_profit"]
    assert (parts - t["value_added"]).abs().max() < CENT


def test_value_added_is_output_less_inputs_plus_vat() -> None:
    t = panel()[0]
    assert (t["gross_output"] - t["intermediate_input"] + t["vat"] - t["value_added"]).abs().max() < CENT


def test_operating_profit_is_revenue_less_expenses() -> None:
    t = panel()[0]
    spent = t[["operating_cost", "tax_surcharge", "selling_expense", "admin_expense", "rd_expense"]].sum(
        axis=1
    )
    left = t["operating_revenue"] - spent - t["finance_expense"]
    assert (left - t["operating_profit"]).abs().max() < CENT


def test_capital_is_a_perpetual_inventory() -> None:
    t = panel()[0].set_index(["firm_id", "year"])
    last = t.groupby("firm_id")[["fixed_assets_net", "investment", "depreciation"]].shift()
    carried = last["fixed_assets_net"] - last["depreciation"] + last["investment"]
    # depreciation and capital are each rounded to 0.01
    assert (carried - t["fixed_assets_net"]).abs().max() < 2 * CENT
    assert 0.4 < (t["investment"] == 0).mean() < 0.7  # lumpy: more than two years in five without any


@pytest.mark.parametrize(
    ("part", "whole"),
    [
        ("fixed_assets_net", "total_assets"),
        ("current_assets", "total_assets"),
        ("inventory", "current_assets"),
        ("accounts_receivable", "current_assets"),
        ("current_liab", "total_liab"),
        ("ps_input", "intermediate_input"),
        ("service_revenue", "operating_revenue"),
        ("service_revenue_external", "service_revenue"),
        ("service_exports", "service_revenue"),
        ("export_value", "operating_revenue"),
        ("newprod_revenue", "operating_revenue"),
        ("rd_outsourced", "rd_expense_total"),
        ("rd_staff", "employees_avg"),
        ("service_staff", "employees_avg"),
        ("n_serv_establishments", "n_establishments"),
    ],
)
def test_a_part_is_not_above_its_whole(part: str, whole: str) -> None:
    t = panel()[0]
    assert (t[part] <= t[whole] + CENT).all()


def test_service_revenue_by_class_adds_up() -> None:
    t = panel()[0]
    told = t[t["service_rev_by_class"].notna()]
    total = told["service_rev_by_class"].map(lambda text: sum(json.loads(text).values()))
    assert len(told) > 1000
    assert (total - told["service_revenue"]).abs().max() < CENT


def test_nobody_leaves_and_returns_and_the_last_row_says_why() -> None:
    t = panel()[0]
    years = t.groupby("firm_id")["year"]
    assert (years.max() - years.min() + 1 == years.size()).all()
    last = t.groupby("firm_id").tail(1)
    gone = last["year"] < 2023
    assert last.loc[gone, "status"].isin(["closed", "exited_frame"]).all()
    inner = t.drop(last.index)
    assert inner["status"].isin(["active", "suspended"]).all()
    below = t["status"] == "exited_frame"
    assert (t.loc[below, "operating_revenue"] < 2000).all() and below.sum() > 50


# ---- anchors --------------------------------------------------------------------------------------------


def test_productivity_is_value_added_less_inputs_but_for_noise() -> None:
    s = simulation(1)
    y = np.log(s.made.value_added) - 0.6 * np.log(s.made.employees) - 0.35 * np.log(s.made.capital)
    noise = (y - s.omega).ravel()
    # 36,000 draws: standard errors 0.0006 (mean) and 0.0004 (sd); five of them
    assert abs(noise.mean()) < 0.0032
    assert abs(noise.std() - 0.12) < 0.0022
    assert abs(np.corrcoef(noise, s.omega.ravel())[0, 1]) < 0.027


def test_productivity_moves_like_the_prototype() -> None:
    """Over seeds: sd 0.52, p90/p10 3.8, level autocorrelation 0.93."""
    assert mean_of(lambda s: s.untreated[makers(s)].std()) == pytest.approx(0.52, abs=0.025)
    spread = mean_of(lambda s: np.exp(np.subtract(*np.quantile(s.untreated[makers(s)], [0.9, 0.1]))))
    assert spread == pytest.approx(3.8, abs=0.2)  # the sd's 0.025 times 2.56 times 3.8

    def auto(s: Simulation) -> float:
        both = makers(s)[:, 1:] & makers(s)[:, :-1]
        return float(np.corrcoef(s.untreated[:, 1:][both], s.untreated[:, :-1][both])[0, 1])

    assert mean_of(auto) == pytest.approx(0.93, abs=0.005)


def test_effects_are_those_of_the_prototype() -> None:
    """ATT .0637; cohorts .101, .052, .025: the mix of paths and owners among pilots differs a little."""
    found = {key: [] for key in ("all", "2017", "2020", "2022")}
    for seed in SEEDS:
        truth = generate(Settings(), seed)[1] if seed == 1 else _truth(seed)
        for key, values in found.items():
            values.append(float(truth.set_index("level").loc[key, "effect"]))
    # sd over seeds .0014 and at most .003; the prototype's mix of paths is known to 5 % only
    assert np.mean(found["all"]) == pytest.approx(0.0637, abs=0.005)
    assert np.mean(found["2017"]) == pytest.approx(0.101, abs=0.009)
    assert np.mean(found["2020"]) == pytest.approx(0.052, abs=0.005)
    assert np.mean(found["2022"]) == pytest.approx(0.025, abs=0.003)


def _truth(seed: int) -> pd.DataFrame:
    from fusion.panel.synthetic.rows import Rows
    from fusion.panel.synthetic.truth import truth_table

    return truth_table(Rows(simulation(seed)))


def test_effect_by_hand_for_one_pilot() -> None:
    s = simulation(1)
    i = int(np.flatnonzero(s.pilots.treated)[0])
    g, p, o = s.pilots.cohort[i], s.firms.path[i], s.firms.owner[i]
    long_run = (
        s.tables.cohorts["effect"][g]
        * s.tables.paths["effect_multiplier"][p]
        * s.tables.ownership["effect_multiplier"][o]
    )
    e = len(s.years) - 1 - s.pilots.start[i]
    assert s.pilots.effect[i, -1] == pytest.approx(long_run * (1 - np.exp(-0.45 * (e + 1))), rel=1e-12)


def test_truth_table_agrees_with_itself() -> None:
    truth = panel()[1]
    total = truth[truth["dimension"] == "overall"].iloc[0]
    for _, part in truth.groupby("dimension"):
        assert part["n"].sum() == total["n"]
        assert (part["effect"] * part["n"]).sum() / total["n"] == pytest.approx(total["effect"], rel=1e-12)


def test_effect_on_value_added_per_employee_is_the_difference_to_the_same_panel_without_effects() -> None:
    """Same seed, same draws: what differs on the treated rows is the effect, hiring included."""
    made, truth = generate(Settings(firms=600, missingness=0.0), 3)
    without, _ = generate(Settings(firms=600, missingness=0.0, null_effect=True), 3)
    both = made.merge(without, on=["firm_id", "year"], suffixes=("", "_0"))
    both = both[both["pilot_start_year"].notna() & (both["year"] >= both["pilot_start_year"].astype(float))]
    ln = {s: np.log(both[f"value_added{s}"]) - np.log(both[f"employees_avg{s}"]) for s in ("", "_0")}
    overall = truth.set_index("dimension").loc["overall"]
    # Contract columns are rounded (whole persons), and a few firms leave the frame without the effect.
    assert (ln[""] - ln["_0"]).mean() == pytest.approx(overall["effect_lp"], abs=5e-4)
    assert overall["effect_lp"] < overall["effect"], "pilots hire"


def test_pilots_are_larger_and_more_productive_before() -> None:
    """ln employees 5.21 against 4.57, productivity +.27 before the start."""

    def gap(s: Simulation, what: np.ndarray) -> float:
        never = makers(s) & ~s.pilots.treated[:, None]
        before = makers(s) & s.pilots.treated[:, None] & (event(s) < 0)
        return float(what[before].mean() - what[never].mean())

    # sd over seeds .065 and .020, so .029 and .009 for the mean of five; the target itself is one draw
    assert mean_of(lambda s: gap(s, np.log(s.made.employees))) == pytest.approx(0.64, abs=0.12)
    assert mean_of(lambda s: gap(s, s.untreated)) == pytest.approx(0.27, abs=0.06)


def test_service_share_is_the_prototype_s() -> None:
    def share(s: Simulation) -> np.ndarray:
        return (s.share - s.pilots.service_gain)[makers(s)]

    positive = [share(simulation(seed)) for seed in SEEDS]
    assert np.mean([(x > 0).mean() for x in positive]) == pytest.approx(0.50, abs=0.03)
    assert np.mean([x[x > 0].mean() for x in positive]) == pytest.approx(0.106, abs=0.006)
    assert np.mean([np.quantile(x[x > 0], 0.9) for x in positive]) == pytest.approx(0.195, abs=0.012)
    assert np.mean([np.quantile(x[x > 0], 0.99) for x in positive]) == pytest.approx(0.30, abs=0.02)
    assert np.mean([(x > 0.25).mean() for x in positive]) < 0.05


def test_two_fifths_of_the_effect_run_through_services() -> None:
    def part(s: Simulation) -> float:
        after = makers(s) & (event(s) >= 0)
        return float(s.pilots.service_gain[after].mean() / s.pilots.effect[after].mean())

    assert mean_of(part) == pytest.approx(0.40, abs=0.02)


@pytest.mark.parametrize(
    ("name", "part", "whole", "tolerance"),
    [
        ("leverage", "total_liab", "total_assets", 0.03),
        ("profit margin", "total_profit", "operating_revenue", 0.015),
        ("receivables over assets", "accounts_receivable", "total_assets", 0.02),
        ("exports over output", "export_value", "gross_output", 0.05),
    ],
)
def test_ratios_are_near_the_quoted_ones(name: str, part: str, whole: str, tolerance: float) -> None:
    """Aggregates of 3,000 skewed firms: the largest hundred decide, so the bounds are wide."""
    target = pd.read_csv(DATA / "synthetic" / "targets.csv").set_index("target").loc[name, "value"]
    t = panel()[0]
    assert t[part].sum() / t[whole].sum() == pytest.approx(target, abs=tolerance)


def test_return_on_assets_has_its_lowest_point_at_a_quarter() -> None:
    """Within firms and years, non-pilots; sampling sd of the turning point is about .02 at 8,000 firms."""
    t = generate(Settings(firms=8_000, missingness=0, treated_share=0.0), 1)[0]
    t = t[~t["ind4"].str[:2].astype(int).between(50, 80)]
    share = t["service_revenue"] / t["operating_revenue"]
    core = 0.6 * np.log(t["employees_avg"]) + 0.35 * np.log(t["fixed_assets_net"])
    table = pd.DataFrame(
        {
            "s": share,
            "s2": share**2,
            "w": np.log(t["value_added"]) - core - share,
            "roa": t["operating_profit"] / t["total_assets"],
        }
    )
    inside = table - table.groupby(t["firm_id"]).transform("mean")
    inside = inside - inside.groupby(t["year"]).transform("mean")
    b = np.linalg.lstsq(inside[["s", "s2", "w"]].to_numpy(), inside["roa"].to_numpy(), rcond=None)[0]
    assert b[1] > 0
    assert -b[0] / (2 * b[1]) == pytest.approx(0.25, abs=0.06)


# ---- what estimators find -------------------------------------------------------------------------------


def outcome(s: Simulation) -> tuple[np.ndarray, np.ndarray]:
    """(firm × year) outcome, NaN where not observed, and the treatment dummy."""
    y = np.log(s.made.value_added) - 0.6 * np.log(s.made.employees) - 0.35 * np.log(s.made.capital)
    return np.where(makers(s), y, np.nan), (event(s) >= 0).astype(float)


def twfe(s: Simulation) -> float:
    """Coefficient of the dummy with firm and year effects, by alternating projections."""
    y, d = outcome(s)
    d = np.where(np.isnan(y), np.nan, d)
    keep = makers(s).any(axis=1)
    y, d = y[keep], d[keep]
    for _ in range(40):
        for axis in (1, 0):
            y = y - np.nanmean(y, axis=axis, keepdims=True)
            d = d - np.nanmean(d, axis=axis, keepdims=True)
    return float(np.nansum(y * d) / np.nansum(d * d))


def cohort_time(s: Simulation) -> float:
    """Mean over treated cells of the long difference from the year before, not-yet-treated as comparison."""
    y, _ = outcome(s)
    start, total, n = s.pilots.start, 0.0, 0
    for g in np.unique(start[start >= 0]):
        for t in range(g, len(s.years)):
            change = y[:, t] - y[:, g - 1]
            ours = (start == g) & ~np.isnan(change)
            others = ((start < 0) | (start > t)) & ~np.isnan(change)
            total += ours.sum() * (change[ours].mean() - change[others].mean())
            n += int(ours.sum())
    return total / n


def test_two_way_effects_fall_short_and_cohort_contrasts_do_not() -> None:
    """The same five panels: TWFE near .054, the contrast near .064.

    Each estimator has sd .017 over seeds, so .008 for five; three of them. Their difference is far steadier
    (sd .009, so .004 for five), and it is what timing heterogeneity predicts.
    """
    ours, theirs = mean_of(twfe), mean_of(cohort_time)
    assert ours == pytest.approx(0.054, abs=0.024)
    assert theirs == pytest.approx(0.064, abs=0.024)
    assert 0.0 < theirs - ours < 0.025


def test_null_effect_is_found_to_be_null() -> None:
    """The same draws without effect: TWFE is zero within three standard errors (.017 / √5)."""
    assert np.mean([twfe(simulation(seed, null=True)) for seed in SEEDS]) == pytest.approx(0, abs=0.023)


# ---- size and range -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "settings",
    [
        Settings(firms=50),
        Settings(firms=60, first_year=2005, last_year=2010),
        Settings(firms=60, first_year=2017, last_year=2026),
        Settings(firms=300, treated_share=0.0),
        Settings(firms=300, treated_share=0.008),
    ],
    ids=["tiny", "early", "late", "no pilots", "realistic"],
)
def test_other_sizes_and_years(settings: Settings) -> None:
    table, truth = generate(settings, 5)
    assert table["firm_id"].nunique() == settings.firms
    assert table["year"].min() == settings.first_year and table["year"].max() == settings.last_year
    pilots = table.loc[table["pilot_start_year"].notna(), "firm_id"].nunique()
    assert pilots == round(settings.treated_share * settings.firms)
    assert truth.empty == (pilots == 0)
    inputs = ["effect_ln_employees", "effect_ln_capital_labour"]
    assert list(truth.columns) == ["dimension", "level", "effect", "effect_lp", *inputs, "n"]


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"firms": 10}, "firms = 10"),
        ({"firms": 3000.5}, "whole number"),
        ({"treated_share": 1.2}, "treated_share"),
        ({"missingness": float("nan")}, "missingness"),
        ({"missingness": True}, "missingness"),
        ({"first_year": 2020}, "at least 6"),
        ({"first_year": 2024}, "first_year = 2024"),
        ({"null_effect": 1}, "null_effect"),
    ],
)
def test_settings_out_of_range_are_refused(change: dict[str, object], word: str) -> None:
    with pytest.raises(PanelError, match=word):
        Settings(**change)  # type: ignore[arg-type]


def test_more_pilots_than_manufacturers_is_refused() -> None:
    with pytest.raises(PanelError, match="choose a smaller share"):
        generate(Settings(firms=100, treated_share=0.95), 1)


def test_a_hundred_thousand_rows_take_seconds() -> None:
    """About 1.5 s alone on one core; the bound leaves room for a busy machine."""
    began = time.perf_counter()
    table = generate(Settings(firms=12_500), 1)[0]
    assert len(table) > 95_000
    assert time.perf_counter() - began < 20


def test_truth_is_told_of_what_a_study_estimates_and_of_nothing_else() -> None:
    rows, truth = generate(Settings(firms=400), 3)
    log = {
        c: np.log(rows[c].where(rows[c] > 0)) for c in ("value_added", "employees_avg", "fixed_assets_net")
    }
    added, staff, capital = log.values()
    rows = rows.assign(
        y=np.log(rows["value_added"].where(rows["value_added"] > 0) / rows["employees_avg"]) + 3,
        added=added,
        staff=staff,
        deep=capital - staff,
        ln_lp=rows["total_profit"] / rows["total_assets"],  # a name says nothing
        pilot=(rows["year"] >= rows["pilot_start_year"]).fillna(False).astype(int),
        brief=(rows["year"] == rows["pilot_start_year"]).fillna(False).astype(int),
        later=rows["pilot_start_year"] + 1,
        fixed=rows["firm_id"].str[-2:].astype(int),
    )

    def told(
        outcome: str,
        controls: list[str],
        treatments: tuple[str, ...] = ("pilot",),
        start: str = "pilot_start_year",
    ):  # type: ignore[no-untyped-def]
        found = of_study(truth, rows, outcome, treatments, controls, start)
        return None if found is None else found.loc[0].drop(["dimension", "level", "n"]).to_dict()

    first = truth.loc[0]
    assert told("y", ["staff", "deep", "fixed"]) == {
        "effect": first["effect_lp"],
        "effect_staff": first["effect_ln_employees"],
        "effect_deep": first["effect_ln_capital_labour"],
        "effect_fixed": 0,
    }
    assert told("added", []) == {"effect": first["effect_lp"] + first["effect_ln_employees"]}
    assert told("tfp_acf", []) == {"effect": first["effect"]}
    assert told("ln_lp", []) is None is told("y", ["ln_lp"])
    assert told("y", [], ("brief",)) is None is told("y", [], ("pilot", "brief"))
    assert told("y", [], start="later") is None
    assert (
        of_study(truth, rows, "y", ["pilot"], [], None)
        is None
        is of_study(None, rows, "y", ["pilot"], [], "later")
    )
    winsorised = rows.assign(y=rows["y"].clip(upper=rows["y"].quantile(0.99)))
    assert of_study(truth, winsorised, "y", ["pilot"], [], "pilot_start_year") is None


def test_some_service_firms_make_goods_and_say_what_they_sell_of_them() -> None:
    """The other side of integration: without them nobody that serves would make anything."""
    rows, _ = generate(Settings(firms=2000, missingness=0), 5)
    serves = rows["ind4"].str[:2].astype(int) > 43
    told = rows["goods_rev_by_class"].notna()
    assert not told[~serves].any()
    share = rows[told]["firm_id"].nunique() / rows[serves]["firm_id"].nunique()
    assert 0.15 < share < 0.4
    amounts = rows.loc[told, "goods_rev_by_class"].map(json.loads)
    assert amounts.map(len).eq(1).all()
    left = rows.loc[told, "operating_revenue"] - rows.loc[told, "service_revenue"]
    np.testing.assert_allclose(amounts.map(lambda a: sum(a.values())), left, atol=CENT)
    named = rows.loc[told, "biz_activity_codes"].str.split("|")
    assert all({*a} <= {*n} for a, n in zip(amounts, named, strict=True))
    assert named.map(len).max() <= 3
    goods = tables().service_goods
    pairs = successors("2011").groupby("code")["code_2017"].agg(list)
    assert all(pairs[code] == [code] for code in goods["code_goods"]), "one class in both editions"
