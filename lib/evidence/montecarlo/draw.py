"""One draw: a synthetic panel, every estimator, every alarm."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from statistics import NormalDist
from typing import Any

import numpy as np
import pandas as pd

from estimators.effects import dynamics, imputation, pretrend, spillover
from estimators.effects.imputation import headline, leads, tables
from estimators.effects.staggered import averages
from evidence.montecarlo import paths
from evidence.montecarlo.modes import MODES, MonteCarloError
from fusion.panel.synthetic import Settings, simulate
from fusion.panel.synthetic.assemble import assemble
from fusion.panel.synthetic.rows import Rows
from fusion.panel.synthetic.truth import truth_table

KEYS = {"outcome": "y", "unit": "unit", "time": "year", "first_treat": "start"}
SWITCHING = {"outcome": "y", "unit": "unit", "time": "year", "treatment": "treated"}
ESTIMATORS = (
    "headline",
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
SIZE = 0.05


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
        mode, firms, seed, estimator, estimate, std_error, ci_low, ci_high, truth (of the estimator's own target; missing where
        it has another), band and alone (1: the band, or every year's interval, holds the whole path of `years` years; 0: not),
        and the p-values of the alarms: pretrend, base, spillover, effect. An estimator that refuses the panel
        has a missing estimate. ``headline`` is the study's answer with the interval that notebook 06 quotes.

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
    given = averages.given(truth, rows, "pilot_start_year", "ln_lp", CONTROLS)
    estimates = {name: _average(result) for name, result in found.items()}
    table = pd.DataFrame(
        [(name, *estimates.get(name, (np.nan, np.nan))) for name in estimators],
        columns=["estimator", "estimate", "std_error"],
    ).assign(target=[averages.TARGETS.get(name, "all") for name in estimators])
    half = NormalDist().inv_cdf(1 - SIZE / 2) * table["std_error"]
    table = table.assign(ci_low=table["estimate"] - half, ci_high=table["estimate"] + half)
    answers = _answers(data)
    if len(answers):
        table.loc[table["estimator"] == "headline", ["ci_low", "ci_high"]] = (
            answers[["ci_low", "ci_high"]].iloc[0].to_numpy()
        )
    table = averages.with_truth(table, given, common).drop(columns="target")
    table = table.merge(paths.held(found, given, SIZE, dynamics.starters(data)), on="estimator", how="left")
    return table.assign(mode=mode, firms=firms, seed=seed, **alarms(data, answers))


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


def _calls(data: pd.DataFrame, common: int) -> dict[str, Callable[[], Any]]:
    """Estimators by name, each giving a result with errors clustered by firm; choices as in notebook 06."""
    import diff_diff as dd

    # Without `cluster`: errors are by firm in any case, and naming it makes diff-diff weight cohorts by their size.
    not_yet = {"control_group": "not_yet_treated", "base_period": "universal"}
    never = {**not_yet, "control_group": "never_treated"}
    earliest = int(data.loc[data["start"] > 0, "start"].min())
    reach = {"kappa_pre": min(-FIRST_LEAD, earliest - int(data["year"].min())), "kappa_post": common}
    local = dd.LPDiD(pre_window=2, post_window=max(common, 1), reweight=True, cluster="unit")
    return {
        "twfe": lambda: _two_way(data),
        "cs_never": lambda: dd.CallawaySantAnna(**never).fit(data, **KEYS),
        "cs_not_yet": lambda: dd.CallawaySantAnna(**not_yet).fit(data, **KEYS),
        "cs_covariates": lambda: dd.CallawaySantAnna(**not_yet).fit(data, covariates=list(CONTROLS), **KEYS),
        "sun_abraham": lambda: dd.SunAbraham(cluster="unit").fit(data, **KEYS),
        "headline": lambda: _declared(data),
        "imputation": lambda: tables.imputed(_impute(data), FIRST_LEAD),
        "extended_twfe": lambda: dd.WooldridgeDiD(cluster="unit").fit(data, **KEYS),
        "stacked": lambda: dd.StackedDiD(**reach, control_group="not_yet_treated").fit(
            dynamics.whole(data), **KEYS
        ),
        "two_stage": lambda: dd.TwoStageDiD(cluster="unit").fit(data, **KEYS),
        "local_projections": lambda: local.fit(data, post_pooled=(0, common), **SWITCHING),
        "switchers": lambda: _switchers(data, int(data["year"].max()) - earliest),
    }


def _impute(data: pd.DataFrame, cells: Sequence[str] = ()) -> imputation.Imputation:
    return imputation.fit(
        data, outcome="y", unit="unit", time="year", start="start", cells=cells, slopes=CONTROLS
    )


def _declared(data: pd.DataFrame) -> headline.Headline:
    """The answer with the default choices: all treated rows, effects of firms and of path × year."""
    return headline.declared(_impute(data, ["path"]), "imputation", "all", 0)


def _answers(data: pd.DataFrame) -> pd.DataFrame:
    """The answer's intervals, the one that is quoted first; empty where it cannot be had."""
    found, _ = dynamics.fit_all({"headline": lambda: _declared(data)})
    paths = data.groupby("unit")["path"].transform("first").astype("string").fillna("")
    return headline.answer(found, paths, SIZE, 1)[0]


def _average(result: Any) -> tuple[float, float]:
    own = result.estimate if isinstance(result, headline.Headline) else None
    return (own.estimate, own.std_error) if own is not None else averages.average(result)


def _two_way(data: pd.DataFrame) -> Any:
    from linearmodels.panel import PanelOLS

    indexed = data.set_index(["unit", "year"])
    treated = indexed[["treated"]].astype(float)
    return PanelOLS(indexed["y"], treated, entity_effects=True, time_effects=True).fit(
        cov_type="clustered", cluster_entity=True
    )


def _switchers(data: pd.DataFrame, longest: int) -> Any:
    import diff_diff as dd

    early = data[data.groupby("unit")["year"].transform("min") == data["year"].min()]
    return dd.ChaisemartinDHaultfoeuille(twfe_diagnostic=False).fit(early, L_max=longest + 1, **SWITCHING)


def alarms(data: pd.DataFrame, answers: pd.DataFrame | None = None) -> dict[str, float]:
    """p-values of the tests that notebook 06 shows.

    pretrend: all leads of the answer's model before the base −1 are zero. base: Callaway–Sant'Anna with base −3, the
    coefficients of the two years before the start are zero (a dip before application, an early effect, starts dated late).
    spillover: untreated firms of a treated firm's path and district do not move when it starts, years of paths apart. effect: the
    answer is zero, by the interval that is quoted.
    """
    import diff_diff as dd

    ahead = {"control_group": "not_yet_treated", "base_period": "universal", "anticipation": 2}
    found, _ = dynamics.fit_all(
        {
            "leads": lambda: leads.rebased(_impute(data, ["path"]), FIRST_LEAD),
            "ahead": lambda: dd.CallawaySantAnna(**ahead).fit(data, **KEYS),
            "near": lambda: spillover.listed(
                {"near": spillover.felt(data, ["path", "district"], ["path"])}, "path", SIZE
            ),
        }
    )
    answers = _answers(data) if answers is None else answers
    out = dict.fromkeys(("pretrend", "base", "spillover", "effect"), np.nan)
    if "leads" in found:
        estimate, covariance, scores = leads.window({"it": found["leads"]})
        out["pretrend"] = pretrend.joint_test(estimate, covariance, scores=scores).p_value
    if len(answers):
        out["effect"] = float(answers["p_value"].iloc[0])
    if "ahead" in found:
        out["base"] = _wald(*dynamics.window(found["ahead"].aggregate("event_study"), -2, -1))
    if "near" in found:
        out["spillover"] = float(found["near"]["p_value"].iloc[0])
    return out


def _wald(estimate: pd.Series, covariance: pd.DataFrame) -> float:
    from scipy.stats import chi2

    b = estimate.to_numpy(float)
    return float(chi2.sf(b @ np.linalg.solve(covariance.to_numpy(float), b), len(b)))
