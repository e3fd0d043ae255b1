"""Each mode of the synthetic panel does what it says, and nothing else."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import pytest

from fusion.panel.synthetic import Settings, Simulation, generate, simulate

FIRMS, SEED = 1500, 11
KEYS = ["firm_id", "year"]


@cache
def drawn(**change: Any) -> Simulation:
    return simulate(Settings(firms=FIRMS, **change), SEED)


@cache
def made(**change: Any) -> tuple[pd.DataFrame, pd.DataFrame]:
    change.setdefault("missingness", 0.0)
    return generate(Settings(firms=FIRMS, **change), SEED)


def events(s: Simulation) -> np.ndarray:
    return np.where(s.pilots.treated[:, None], np.arange(len(s.years)) - s.pilots.start[:, None], 99)


def both(**change: Any) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Base panel and changed panel on the rows that both have."""
    base, other = made()[0].set_index(KEYS), made(**change)[0].set_index(KEYS)
    common = base.index.intersection(other.index)
    return base.loc[common], other.loc[common]


def changed_columns(**change: Any) -> set[str]:
    base, other = both(**change)
    return {name for name in base if not base[name].equals(other[name])}


def test_no_effect_differs_from_the_default_by_the_effect_only() -> None:
    base, null = drawn(), drawn(null_effect=True)
    assert np.array_equal(base.pilots.start, null.pilots.start)
    np.testing.assert_allclose(base.omega - null.omega, base.pilots.effect, atol=1e-12)
    assert np.array_equal(base.untreated, null.untreated)


def test_no_effect_leaves_every_row_of_others_alone() -> None:
    base, null = both(null_effect=True)
    never = base["pilot_start_year"].isna().to_numpy()
    assert never.sum() > 5000
    pd.testing.assert_frame_equal(base[never], null[never], check_exact=True)
    first = (base.reset_index()["year"] < base["pilot_start_year"].reset_index(drop=True)).fillna(False)
    before = first.to_numpy(dtype=bool)
    pd.testing.assert_frame_equal(base[before], null[before], check_exact=True)


def test_no_effect_has_a_truth_of_zero() -> None:
    truth = made(null_effect=True)[1]
    assert (truth["effect"] == 0).all() and truth["n"].min() > 0


def test_trend_moves_pilots_by_its_yearly_rate() -> None:
    moved = drawn(trend=0.008).omega - drawn().omega
    pilots = drawn().pilots.treated
    np.testing.assert_allclose(
        moved[pilots], 0.008 * np.arange(12)[None, :].repeat(pilots.sum(), 0), atol=1e-12
    )
    assert (moved[~pilots] == 0).all()


def test_dip_moves_the_two_years_before() -> None:
    moved = drawn(dip=0.03).omega - drawn().omega
    dips = np.isin(events(drawn()), [-1, -2])
    np.testing.assert_allclose(moved, -0.03 * dips, atol=1e-12)


def test_anticipation_moves_the_year_before_by_a_part_of_the_first_effect() -> None:
    s = drawn()
    moved = drawn(anticipation=0.5).omega - s.omega
    first = np.where(events(s) == 0, s.pilots.effect, 0).sum(axis=1)
    np.testing.assert_allclose(moved, np.where(events(s) == -1, 0.5 * first[:, None], 0), atol=1e-12)


def test_spillover_reaches_never_pilots_of_the_same_path_district_and_year_only() -> None:
    s = drawn()
    moved = drawn(spillover=0.5).omega - s.omega
    assert (moved[s.pilots.treated] == 0).all()
    assert (moved[:, : s.pilots.start[s.pilots.treated].min()] == 0).all()
    i, t = np.unravel_index(np.argmax(moved), moved.shape)
    seen = simulate(Settings(firms=FIRMS, null_effect=True), SEED).frame.observed  # the frame without effects
    near = (s.firms.path == s.firms.path[i]) & (s.firms.district == s.firms.district[i])
    near &= s.pilots.treated & (s.pilots.start <= t) & seen[:, t]
    assert moved[i, t] == pytest.approx(0.5 * s.pilots.effect[near, t].mean(), rel=1e-12)


@pytest.mark.parametrize("mode", ["trend", "dip", "anticipation", "spillover"])
def test_disturbances_leave_effects_and_pilots_as_they_are(mode: str) -> None:
    other = drawn(**{mode: 0.01})
    assert np.array_equal(other.pilots.effect, drawn().pilots.effect)
    assert np.array_equal(other.pilots.start, drawn().pilots.start)


def test_misdated_starts_are_a_year_off_for_the_given_share() -> None:
    assert changed_columns(misdated_share=0.25) == {"pilot_start_year", "pilot_end_year"}
    one, two = (t.groupby("firm_id")["pilot_start_year"].first().dropna() for t in both(misdated_share=0.25))
    step = (two - one).astype(int)
    assert set(step) == {-1, 0, 1}
    # exactly a quarter of all pilots; the few that left the frame before their start count too
    assert (step != 0).sum() == round(0.25 * drawn().pilots.treated.sum())
    assert made(misdated_share=0.25)[1].equals(made()[1])  # the truth knows the true start


def test_underreporting_takes_its_share_of_service_revenue_and_of_its_parts() -> None:
    base, other = both(underreporting=0.2)
    for name in ("service_revenue", "service_revenue_external", "tech_revenue"):
        np.testing.assert_allclose(other[name], 0.8 * base[name], atol=0.016)  # up to three roundings of .005
    assert changed_columns(underreporting=0.2) == {
        "service_revenue",
        "service_revenue_external",
        "service_revenue_nonlocal",
        "service_exports",
        "service_rev_by_class",
        "tech_revenue",
    }


def test_edition_break_keeps_a_code_whose_meaning_changes() -> None:
    assert changed_columns(edition_break=0.2) <= {"ind4", "biz_activity_codes"}
    base, other = both(edition_break=0.2)
    firms = (base["ind4"] != other["ind4"]).groupby("firm_id").any()
    # 1,500 draws with share .2: standard error .010; three of them, and a few keep the code that they had
    assert firms.mean() == pytest.approx(0.2, abs=0.035)
    broken = other[other.index.get_level_values(0).isin(firms[firms].index)]
    codes = broken.groupby("firm_id")["ind4"]
    assert (codes.min() == codes.max()).all()
    assert set(broken["ind4"]) <= set(drawn().tables.traps["code"])


def test_duplicate_rows_are_exact_copies() -> None:
    base, other = made()[0], made(duplicate_ids=0.05)[0]
    extra = len(other) / len(base) - 1
    assert extra == pytest.approx(0.05, abs=0.007)  # 12,000 rows: standard error .002
    pd.testing.assert_frame_equal(other.drop_duplicates().reset_index(drop=True), base)


def test_unit_slips_multiply_all_money_of_a_row_by_ten_and_nothing_else() -> None:
    base, other = both(unit_slips=0.03)
    slipped = ~np.isclose(base["total_assets"], other["total_assets"])
    assert slipped.mean() == pytest.approx(0.03, abs=0.006)  # 12,000 rows: standard error .0016
    for name in ("operating_revenue", "value_added", "operating_profit", "service_revenue", "it_spend"):
        np.testing.assert_allclose(other.loc[slipped, name], 10 * base.loc[slipped, name], atol=0.01)
    for name in ("employees_avg", "energy_tce", "inv_patents_valid", "rd_staff"):
        assert base[name].equals(other[name])
    text = other.loc[slipped, "service_rev_by_class"].dropna().iloc[0]
    firm = other.loc[slipped & other["service_rev_by_class"].notna().to_numpy()].iloc[0]
    assert sum(json.loads(text).values()) == pytest.approx(firm["service_revenue"], abs=0.01)


def test_heaping_piles_firms_up_just_above_the_line() -> None:
    def heap(table: pd.DataFrame) -> float:
        revenue = table["operating_revenue"]
        return float(revenue.between(2000, 2060).sum() / max(revenue.between(2060, 2300).sum(), 1))

    base, heaped = made()[0], made(heaping=0.8)[0]
    # without heaping the density is smooth: 60 over 240 is a quarter, give or take .04 (some 70 over 280 rows)
    assert heap(base) < 0.40 < 0.60 < heap(heaped)
    assert len(heaped) > len(base)  # they stay in the frame
    assert (heaped["status"] == "exited_frame").sum() < (base["status"] == "exited_frame").sum()


def test_missingness_empties_cells_and_changes_no_other() -> None:
    full, holes = made()[0], generate(Settings(firms=FIRMS), SEED)[0]
    for name in full:
        told = holes[name].notna()
        assert full.loc[told, name].equals(holes.loc[told, name]), name


def test_missing_shares_are_those_of_the_process() -> None:
    """Firm-level draws of 1,500 firms: standard error .013; three of them."""
    t = generate(Settings(firms=FIRMS), SEED)[0]
    early = t[(t["year"] < 2018) & ~t["ind4"].str.match("^(39|27|358|6|7)")]
    assert early["rd_expense"].isna().mean() == pytest.approx(0.6, abs=0.05)
    assert t.loc[t["year"] >= 2018, "rd_expense"].notna().all()
    assert t["service_revenue"].isna().mean() == pytest.approx(0.35, abs=0.04)
    assert t["scm_flags"].isna().mean() == pytest.approx(0.5, abs=0.05)
    assert t["energy_tce"].isna().mean() == pytest.approx(0.03, abs=0.006)
    for name in ("operating_revenue", "value_added", "fixed_assets_net", "employees_avg", "payroll"):
        assert t[name].notna().all()


def test_small_firms_hide_small_service_revenue() -> None:
    """Missing not at random: among small firms, silence goes with little service revenue."""
    full, holes = made()[0], generate(Settings(firms=FIRMS), SEED)[0]
    small = full["employees_avg"] < 100
    little = full["service_revenue"] < 0.05 * full["operating_revenue"]
    silent = holes["service_revenue"].isna()
    assert silent[small & little].mean() - silent[small & ~little].mean() > 0.2
    assert abs(silent[~small & little].mean() - silent[~small & ~little].mean()) < 0.05


@pytest.mark.parametrize("scale", [0.0, 0.5, 1.5])
def test_missingness_scales(scale: float) -> None:
    t = generate(Settings(firms=FIRMS, missingness=scale), SEED)[0]
    assert t["scm_flags"].isna().mean() == pytest.approx(0.5 * scale, abs=0.05)
