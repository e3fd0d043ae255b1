"""One draw: a synthetic panel, every estimator, every alarm."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd

from estimators.effects import dynamics, pretrend, spillover
from estimators.effects.staggered import averages
from evidence.montecarlo.modes import MODES, MonteCarloError
from fusion.panel.synthetic import Settings, simulate
from fusion.panel.synthetic.assemble import assemble
from fusion.panel.synthetic.rows import Rows
from fusion.panel.synthetic.truth import truth_table

KEYS = {"outcome": "y", "unit": "unit", "time": "year", "first_treat": "start"}
SWITCHING = {"outcome": "y", "unit": "unit", "time": "year", "treatment": "treated"}
ESTIMATORS = (
    "twfe",
    "cs_never",
    "cs_not_yet",
    "cs_covariates",
    "sun_abraham",
    "imputation",
    "extended_twfe",
    "stacked",
    "two_stage",
    "local_projections",
    "switchers",
)
CONTROLS = ("ln_employees", "ln_capital_labour")
FIRST_LEAD = -5


def one_draw(mode: str, seed: int, firms: int = 1500, estimators: Sequence[str] = ESTIMATORS) -> pd.DataFrame:
    """Estimates of one synthetic panel, as notebook 06 makes them, beside the truth of that panel.

    Parameters
    ----------
    mode : str
        Key of `MODES`.
    seed, firms : int
        Of the generator.
    estimators : sequence of str
        Names in `ESTIMATORS`.

    Returns
    -------
    DataFrame
        mode, seed, estimator, estimate, std_error, truth (of the estimator's own target), and the p-values of the
        alarms: pretrend, base, spillover, effect. An estimator that refuses the panel has a missing estimate.

    Raises
    ------
    MonteCarloError
        For an unknown mode or estimator.
    """
    if mode not in MODES:
        raise MonteCarloError(f"mode '{mode}'; known: {', '.join(MODES)}")
    unknown = set(estimators) - set(ESTIMATORS)
    if unknown:
        raise MonteCarloError(f"estimators {', '.join(sorted(unknown))}; known: {', '.join(ESTIMATORS)}")
    settings = Settings(firms=firms, missingness=0.0, **MODES[mode].settings)
    rows, truth = panel(settings, seed)
    made = dynamics.cohort_panel(
        rows, "pilot_start_year", "ln_lp", CONTROLS, keep=("path", "district", *CONTROLS)
    )
    data = made.data
    common = max(dynamics.common_last(data), 0)
    calls = _calls(data, common)
    found, _ = dynamics.fit_all({name: calls[name] for name in estimators})
    overall, early = (averages.true_average(truth, last, "effect_lp") for last in (None, common))
    table = pd.DataFrame(
        [(name, *found.get(name, (np.nan, np.nan))) for name in estimators],
        columns=["estimator", "estimate", "std_error"],
    )
    few = table["estimator"].isin(["stacked", "local_projections"])
    table["truth"] = np.where(few, early, overall)
    return table.assign(mode=mode, seed=seed, **alarms(data))


def panel(settings: Settings, seed: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """A panel with the regression's columns, and its truth (zero throughout when pilots have no effect)."""
    made = Rows(simulate(settings, seed))
    rows, truth = assemble(made), truth_table(made)
    rows["path"] = made.s.tables.paths["path"].to_numpy()[made.s.firms.path[made.firm]]
    used = ["value_added", "employees_avg", "fixed_assets_net"]
    rows = rows[(rows[used] > 0).all(axis=1)].copy()
    ln = np.log(rows[used].astype(float))
    rows["ln_lp"] = ln["value_added"] - ln["employees_avg"]
    rows["ln_employees"] = ln["employees_avg"]
    rows["ln_capital_labour"] = ln["fixed_assets_net"] - ln["employees_avg"]
    return rows, truth


def _calls(data: pd.DataFrame, common: int) -> dict[str, Callable[[], tuple[float, float]]]:
    """Estimators by name, each giving (estimate, standard error clustered by firm); choices as in notebook 06."""
    import diff_diff as dd

    # Without `cluster`: errors are by firm in any case, and naming it makes diff-diff weight cohorts by their size.
    not_yet = {"control_group": "not_yet_treated", "base_period": "universal"}
    never = {**not_yet, "control_group": "never_treated"}
    earliest = int(data.loc[data["start"] > 0, "start"].min())
    reach = {"kappa_pre": min(-FIRST_LEAD, earliest - int(data["year"].min())), "kappa_post": common}
    return {
        "twfe": lambda: _two_way(data),
        "cs_never": lambda: _overall(dd.CallawaySantAnna(**never).fit(data, **KEYS)),
        "cs_not_yet": lambda: _overall(dd.CallawaySantAnna(**not_yet).fit(data, **KEYS)),
        "cs_covariates": lambda: _overall(
            dd.CallawaySantAnna(**not_yet).fit(data, covariates=list(CONTROLS), **KEYS)
        ),
        "sun_abraham": lambda: _overall(dd.SunAbraham(cluster="unit").fit(data, **KEYS)),
        "imputation": lambda: _overall(dd.ImputationDiD(cluster="unit").fit(data, **KEYS)),
        "extended_twfe": lambda: _overall(dd.WooldridgeDiD(cluster="unit").fit(data, **KEYS)),
        "stacked": lambda: _overall(
            dd.StackedDiD(**reach, control_group="not_yet_treated").fit(data, **KEYS)
        ),
        "two_stage": lambda: _overall(dd.TwoStageDiD(cluster="unit").fit(data, **KEYS)),
        "local_projections": lambda: _pooled(data, common),
        "switchers": lambda: _switchers(data, int(data["year"].max()) - earliest),
    }


def _overall(result: Any) -> tuple[float, float]:
    return float(result.overall_att), float(result.overall_se)


def _two_way(data: pd.DataFrame) -> tuple[float, float]:
    from linearmodels.panel import PanelOLS

    indexed = data.set_index(["unit", "year"])
    fit = PanelOLS(
        indexed["y"], indexed[["treated"]].astype(float), entity_effects=True, time_effects=True
    ).fit(cov_type="clustered", cluster_entity=True)
    return float(fit.params["treated"]), float(fit.std_errors["treated"])


def _pooled(data: pd.DataFrame, common: int) -> tuple[float, float]:
    import diff_diff as dd

    local = dd.LPDiD(pre_window=2, post_window=max(common, 1), reweight=True, cluster="unit")
    row = local.fit(data, post_pooled=(0, common), **SWITCHING).pooled.set_index("window").loc["post"]
    return float(row["coefficient"]), float(row["se"])


def _switchers(data: pd.DataFrame, longest: int) -> tuple[float, float]:
    import diff_diff as dd

    early = data[data.groupby("unit")["year"].transform("min") == data["year"].min()]
    result = dd.ChaisemartinDHaultfoeuille(twfe_diagnostic=False).fit(early, L_max=longest + 1, **SWITCHING)
    return averages.switchers_average(result)


def alarms(data: pd.DataFrame) -> dict[str, float]:
    """p-values of the tests that notebook 06 shows.

    pretrend: all leads before the base −1 are zero. base: with base −3, the coefficients of the two years before
    the start are zero (a dip before application, an early effect, starts dated late). spillover: untreated firms
    of a treated firm's path and district do not move when it starts. effect: the average effect is zero.
    """
    import diff_diff as dd

    not_yet = {"control_group": "not_yet_treated", "base_period": "universal"}
    near = {**KEYS, "first_treat": "exposed"}
    cs = dd.CallawaySantAnna
    found, _ = dynamics.fit_all(
        {
            "cs": lambda: cs(**not_yet).fit(data, **KEYS),
            "ahead": lambda: cs(**not_yet, anticipation=2).fit(data, **KEYS),
            "near": lambda: cs(control_group="not_yet_treated").fit(
                spillover.exposure(data, ["path", "district"]), **near
            ),
        }
    )
    out = dict.fromkeys(("pretrend", "base", "spillover", "effect"), np.nan)
    if "cs" in found:
        leads = dynamics.window(found["cs"].aggregate("event_study"), FIRST_LEAD, -1)
        out["pretrend"] = pretrend.joint_test(*leads).p_value
        out["effect"] = float(found["cs"].overall_p_value)
    if "ahead" in found:
        out["base"] = _wald(*dynamics.window(found["ahead"].aggregate("event_study"), -2, -1))
    if "near" in found:
        out["spillover"] = float(found["near"].overall_p_value)
    return out


def _wald(estimate: pd.Series, covariance: pd.DataFrame) -> float:
    from scipy.stats import chi2

    b = estimate.to_numpy(float)
    return float(chi2.sf(b @ np.linalg.solve(covariance.to_numpy(float), b), len(b)))
