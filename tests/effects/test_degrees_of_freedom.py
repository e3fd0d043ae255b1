"""Years and degrees of freedom, by hand and against another program."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import statsmodels.formula.api as smf

from estimators.effects import Columns
from estimators.effects.heterogeneity import on_outcomes
from estimators.effects.power import learn_errors
from estimators.robustness.balancing import stacked_panel


def panel() -> pd.DataFrame:
    rng = np.random.default_rng(4)
    data = pd.DataFrame({"firm_id": np.repeat(np.arange(12), 5), "year": np.tile(np.arange(2015, 2020), 12)})
    data["d"] = ((data["firm_id"] < 5) & (data["year"] >= 2017)).astype(float)
    data["x"] = rng.normal(size=len(data))
    return data.assign(y=data["d"] + data["x"] + rng.normal(size=len(data)))


def test_treatment_in_a_stack_begins_in_its_year() -> None:
    rows = panel()
    units = pd.DataFrame({"firm_id": [0, 1, 8], "stack": 2017, "treated": [True, True, False]})
    long = stacked_panel(rows, units, np.array([1.0, 1.0, 0.5]), "start")
    on = long[long["firm_id"] == 0].set_index("year")["on"]
    assert on.to_dict() == {2015: 0, 2016: 0, 2017: 1, 2018: 1, 2019: 1}
    assert long.loc[long["firm_id"] == 8, "on"].eq(0).all() and len(long) == 15


def test_clustered_errors_have_the_small_sample_correction_of_other_programs() -> None:
    """G/(G − 1) · (n − 1)/(n − k): statsmodels counts the dummies of firms, which are nested in clusters, and these do not."""
    rows = panel()
    found = on_outcomes(rows, ["y"], "d", ["x"])["y"].table.loc["effect"]
    fit = smf.ols("y ~ d + x + C(firm_id) + C(year)", rows).fit(
        cov_type="cluster", cov_kwds={"groups": rows["firm_id"], "use_correction": True}
    )
    assert found["estimate"] == pytest.approx(fit.params["d"], rel=1e-9)
    n, counted = (
        len(rows),
        2 + 5,
    )  # d, x, the years and the intercept: effects of firms are nested in clusters
    theirs = fit.bse["d"] * np.sqrt((n - int(fit.df_model) - 1) / (n - counted))
    assert found["std_error"] == pytest.approx(theirs, rel=1e-9)


def test_the_residual_variance_counts_what_was_estimated() -> None:
    """60 rows less 12 firms, 4 years beyond the first, and 1 slope; years that were not seen are none of them."""
    rows = panel()
    fit = smf.ols("y ~ x + C(firm_id) + C(year)", rows).fit()
    assert fit.df_resid == 60 - 12 - 4 - 1
    columns = Columns("y", ("d",), ("x",))
    assert learn_errors(rows, columns).sd == pytest.approx(np.sqrt(fit.scale), rel=1e-9)
    assert learn_errors(rows, columns, [2015, 2021, 2022]).sd == pytest.approx(np.sqrt(fit.scale), rel=1e-9)
