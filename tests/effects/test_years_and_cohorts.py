"""Years that are absent, panels in which all start, families with a hypothesis that was not estimated."""

from __future__ import annotations

import warnings

import diff_diff as dd
import numpy as np
import pandas as pd
import pytest

from estimators.effects import dynamics
from estimators.engines.gmm import dynamic_panel
from estimators.errors import EffectsError
from estimators.robustness.multiplicity import benjamini_hochberg

KEYS = {"outcome": "y", "unit": "unit", "time": "year", "first_treat": "start"}


def _panel(cohorts: tuple[int, ...]) -> pd.DataFrame:
    """Sixty firms, ten years, an effect of exactly one from the start on, noise of .01."""
    rng = np.random.default_rng(0)
    rows = []
    for i in range(60):
        start, own = cohorts[i % len(cohorts)], rng.normal()
        for year in range(2012, 2022):
            on = float(0 < start <= year)
            y = own + 0.2 * (year - 2012) + np.sin(year) + on + 0.01 * rng.normal()
            rows.append((f"F{i:03d}", year, float(start) if start else np.nan, y))
    return pd.DataFrame(rows, columns=["firm_id", "year", "first", "ln_y"])


def test_where_all_start_the_last_cohort_is_compared_with() -> None:
    panel = dynamics.cohort_panel(_panel((2014, 2016, 2018)), "first", "ln_y")
    assert panel.data["year"].max() == 2017  # the last cohort starts in 2018
    assert set(panel.data["start"]) == {0, 2014, 2016}
    assert panel.later == 20
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fit = dd.CallawaySantAnna(control_group="not_yet_treated", base_period="universal").fit(
            panel.data, **KEYS
        )
    assert fit.overall_att == pytest.approx(1.0, abs=0.02)  # noise of .01 over twenty firms a cohort


def test_one_cohort_without_others_is_refused() -> None:
    with pytest.raises(EffectsError, match="untreated"):
        dynamics.cohort_panel(_panel((2015,)), "first", "ln_y")


def test_absent_years_are_named() -> None:
    whole = dynamics.cohort_panel(_panel((0, 2014, 2016)), "first", "ln_y").data
    assert dynamics.consecutive(whole) is whole
    with pytest.raises(EffectsError, match="2013, 2015"):
        dynamics.consecutive(whole[~whole["year"].isin([2013, 2015])])


@pytest.mark.parametrize("system", [False, True])
def test_gmm_without_a_year_estimates(system: bool) -> None:
    """y = .5 y(−1) + x + firm + noise; 2013 is absent for all firms."""
    rng = np.random.default_rng(7)
    rows = []
    for i in range(300):
        own = rng.normal()
        y, x = own / 0.5, 0.0
        for step in range(-15, 9):
            x = 0.5 * x + rng.normal()
            y = 0.5 * y + x + own + 0.5 * rng.normal()
            if step >= 0 and step != 3:
                rows.append((f"F{i:03d}", 2010 + step, x, y))
    data = pd.DataFrame(rows, columns=["firm_id", "year", "x", "y"])
    fit = dynamic_panel(
        data, "y", ["L1.y", "x"], {"y": (2, 4), "x": (1, 3)}, system=system, collapse=True, orders=(1,)
    )
    found = fit.table(0.05)
    # Three standard errors of the estimate itself: the truth is known, the sample is one.
    for truth, (_, row) in zip((0.5, 1.0), found.head(2).iterrows(), strict=True):
        assert abs(row["estimate"] - truth) < 3 * row["std_error"]


def test_a_hypothesis_that_was_not_estimated_is_in_no_family() -> None:
    """Two p-values: .01 times 2 over 1, .04 times 2 over 2."""
    found = benjamini_hochberg([0.01, np.nan, 0.04])
    assert found[[0, 2]] == pytest.approx([0.02, 0.04])
    assert np.isnan(found[1])
    assert np.isnan(benjamini_hochberg([np.nan])).all()
