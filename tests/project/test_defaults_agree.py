"""What functions take where nothing is said: what a study's file says, one value under one name."""

from __future__ import annotations

import inspect
from importlib import import_module

import pytest
import yaml

from workbook import paths

# Of the study's file: the argument, and the functions that take it.
SAME = {
    "description.test_size": ("size", """
        estimators.effects.description.attrition estimators.effects.dynamics.event_study
        estimators.effects.heterogeneity.by_group estimators.effects.heterogeneity.moderated
        estimators.effects.heterogeneity.on_outcomes estimators.effects.honest.relative_magnitudes
        estimators.effects.honest.smoothness estimators.effects.imputation.bands.of_path
        estimators.effects.imputation.bands.simultaneous estimators.effects.imputation.bands.sidak
        estimators.effects.imputation.bands.beside estimators.effects.imputation.bands.tried
        estimators.effects.imputation.inference.normal estimators.effects.imputation.inference.by_signs
        estimators.effects.imputation.inference.by_group_means estimators.effects.imputation.inference.from_controls
        estimators.effects.imputation.outcomes.on_outcomes estimators.effects.imputation.outcomes.moved
        estimators.effects.mediation.mediation estimators.effects.power.minimum_detectable estimators.effects.power.designs
        estimators.effects.pretrend.joint_test estimators.effects.spillover.listed
        estimators.effects.staggered.averages.table estimators.effects.staggered.averages.line
        estimators.engines.agreement.intervals estimators.engines.agreement.stated_rows
        estimators.engines.agreement.both_stated estimators.engines.agreement.exact_rows
        estimators.robustness.confounders.robustness estimators.robustness.confounders.listed
        estimators.robustness.robustness.gmm_lines estimators.robustness.shiftshare.anderson_rubin
        estimators.robustness.shiftshare.two_stage estimators.robustness.threshold.thresholds
        estimators.robustness.ushape.of_fit estimators.robustness.ushape.u_test estimators.designs.doses.doses
        estimators.designs.reporting.reported estimators.designs.selection.worst_case estimators.designs.selection.lee
        estimators.designs.selection.misreported estimators.designs.shocks.exposed
        estimators.designs.shocks.by_components estimators.designs.switches.switches"""),
    "description.power": ("power", """
        estimators.effects.power.minimum_detectable estimators.effects.power.designs
        estimators.effects.pretrend.joint_test"""),
    "dynamics.anticipation": ("anticipation", """
        estimators.effects.dynamics.cohort_panel estimators.effects.dynamics.reach
        estimators.effects.imputation.literal.effect estimators.effects.imputation.model.fit
        estimators.effects.power.imputed_error estimators.effects.power.designs estimators.effects.spillover.felt"""),
    "dynamics.pretrend_slope": ("slope", "estimators.effects.pretrend.joint_test"),
    "robustness.balance_moments": ("moments", """
        estimators.robustness.balancing.entropy_weights estimators.robustness.balancing.entropy_balance"""),
    "robustness.match_neighbours": ("neighbours", "estimators.robustness.balancing.matched"),
    "robustness.match_caliper": ("caliper", "estimators.robustness.balancing.matched"),
    "robustness.r2_factor": ("factor", "estimators.robustness.oster.selection"),
    "robustness.thresholds": ("most", "estimators.robustness.threshold.thresholds"),
    "robustness.threshold_trim": ("trim", "estimators.robustness.threshold.thresholds"),
    "designs.least_reporting": ("floor", "estimators.designs.reporting.reported"),
    "productivity.fewest_firms": ("fewest_firms", """
        estimators.production.industries.by_industry estimators.production.productivity.productivity"""),
    "indicators.min_chain_share": ("min_share", """
        fusion.indicators.aggregates.aggregates fusion.composite.index.build fusion.composite.mistakes.indexes
        fusion.composite.tables.entropy_index fusion.composite.uncertainty.Choices"""),
    "indicators.aggregation_floor": ("floor", "fusion.composite.uncertainty.Choices"),
    "indicators.winsor_tail": ("tail", "fusion.composite.treat.fit"),
    "integration.relatedness_alpha": ("alpha", "fusion.integration.relatedness.Choices"),
    "integration.relatedness_kappa": ("kappa", "fusion.integration.relatedness.Choices"),
    "integration.relatedness_worth": ("worth", "fusion.integration.relatedness.Choices"),
    "integration.unknown_relatedness": ("unknown", "fusion.integration.firms.Settings"),
    "integration.full_mix": ("mix", "fusion.integration.firms.Settings"),
    "integration.silent_odds": ("odds", "fusion.integration.sums.Model"),
    "integration.silent_level": ("level", "fusion.integration.sums.Model"),
    "evaluation.pass_share": ("pass_at", "fusion.evaluation.plan.Rules"),
    "evaluation.extend_share": ("extend_at", "fusion.evaluation.plan.Rules"),
    "evaluation.peers": ("peers", "fusion.evaluation.scorecard.Choices"),
    "evaluation.rank_concentration": ("concentration", "fusion.evaluation.scorecard.Choices"),
}  # fmt: skip
BASE = yaml.safe_load((paths.PARAMS / "base.yaml").read_text("utf-8"))


@pytest.mark.parametrize("parameter", SAME)
def test_functions_take_what_the_study_says(parameter: str) -> None:
    section, key = parameter.split(".")
    argument, functions = SAME[parameter]
    for name in functions.split():
        module, _, function = name.rpartition(".")
        given = inspect.signature(getattr(import_module(module), function)).parameters[argument].default
        assert given == BASE[section][key], f"{name}({argument}=…)"
