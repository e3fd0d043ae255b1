"""Every estimator under changes that change nothing, or change what theory says.

One panel, one table of estimators, one table of changes: money in other units, other names, other order, a constant more, a unit
that tells nothing. An estimator that has no line here fails the last test.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

import diff_diff as dd
import numpy as np
import pandas as pd
import pytest

from estimators import effects, production, tables
from estimators.designs import bunching, doses, reporting, selection, shocks, switches, synthetic
from estimators.effects import (
    dynamics,
    heterogeneity,
    honest,
    imputation,
    mediation,
    power,
    pretrend,
    spillover,
)
from estimators.effects.imputation import bands, headline, inference, leads, outcomes
from estimators.effects.imputation import tables as imputed
from estimators.effects.staggered import averages, weights
from estimators.engines import within
from estimators.engines.gmm import dynamic_panel
from estimators.engines.partial import partial_out
from estimators.engines.wildboot import wild_bootstrap
from estimators.errors import EffectsError
from estimators.robustness import (
    balancing,
    confounders,
    multiplicity,
    oster,
    shiftshare,
    speccurve,
    threshold,
)
from workbook.params.dynamics import Estimator as EventStudy
from workbook.params.robustness import Design

LIB = Path(__file__).resolve().parents[2] / "lib" / "estimators"
KEYS = {"outcome": "y", "unit": "unit", "time": "year", "first_treat": "start"}
NAMES = {"outcome": "y", "unit": "unit", "time": "year", "start": "start"}
SWITCHING = {"outcome": "y", "unit": "unit", "time": "year", "treatment": "treated"}

# Results by name: power of money in which they are (1: as the outcome, 0: none), and the values.
Results = dict[str, tuple[int, Any]]


def made() -> pd.DataFrame:
    """90 units × 9 years, 40 that start in three years; outcome, control and mediator are money, of a size with few digits."""
    rng = np.random.default_rng(42)
    n, years = 90, np.arange(2010, 2019)
    start = np.zeros(n, int)
    start[:40] = rng.choice([2013, 2014, 2016], 40)
    data = pd.DataFrame({"unit": np.repeat(np.arange(n), len(years)), "year": np.tile(years, n)})
    i, t = data["unit"].to_numpy(), data["year"].to_numpy() - 2010
    data["start"] = start[i]
    data["treated"] = ((data["start"] > 0) & (data["year"] >= data["start"])).astype(int)
    data["x"] = 30 + 5 * rng.normal(size=n)[i] + 4 * rng.normal(size=len(i)) + t
    data["m"] = 20 + 6 * data["treated"] + rng.normal(size=len(i)) * 3 + rng.normal(size=n)[i]
    data["dose"] = rng.uniform(0.5, 2, n)[i] * data["treated"]
    data["path"] = np.array(["a", "b", "c", "d", "e", "f"])[i % 6]
    data["town"] = i // 9
    data["brief"] = data["treated"] * (data["year"] < data["start"] + 2)
    noise = rng.normal(size=n)[i] * 9 + rng.normal(size=9)[t] * 4 + rng.normal(size=len(i)) * 3
    data["y"] = 200 + 5 * data["treated"] + 0.6 * data["x"] + 0.4 * data["m"] + noise
    data["side"] = np.where(data["path"] < "d", "left", "right")
    data["told"] = (i * 7 + i // 4) % 5 > 1
    data["gone"] = (i % 7 == 3) & (t > 4)
    data["count"] = rng.poisson(np.exp(0.1 * data["m"] - 1)).astype(float)
    data["yes"] = (data["m"] + 8 * rng.normal(size=len(i)) > 24).astype(float)
    data["z"] = data["dose"] + rng.normal(size=len(i))
    shares, shock = rng.dirichlet(np.ones(5), n), rng.uniform(0.5, 2, (9, 5))
    data[list("pqrst")] = shares[i] * shock[t]
    data["d"] = 3 * data["p"] - data["q"] + data["t"] + data["dose"]
    return with_names(data.assign(**firms(rng, i)))


def firms(rng: np.random.Generator, i: np.ndarray) -> dict[str, np.ndarray]:
    """Labour (people), capital, materials and output (money) of a production function with Hicks-neutral productivity."""
    omega = 0.4 * rng.normal(size=i.max() + 1)[i] + 0.2 * rng.normal(size=len(i))
    labour = 2 + 0.8 * rng.normal(size=i.max() + 1)[i] + 0.3 * rng.normal(size=len(i))
    capital = 3 + 0.9 * rng.normal(size=i.max() + 1)[i] + 0.2 * rng.normal(size=len(i))
    output = 0.6 * labour + 0.35 * capital + omega + 0.05 * rng.normal(size=len(i))
    made = {"labour": labour, "capital": capital, "materials": 1 + omega + 0.6 * capital, "output": output}
    return {name: np.exp(values) for name, values in made.items()}


def with_names(data: pd.DataFrame) -> pd.DataFrame:
    begins = data["start"].where(data["start"] > 0).astype("Int64")
    return data.assign(firm_id=data["unit"].map("F{:05d}".format), begins=begins)


# -- what is estimated -----------------------------------------------------------------------------
def ladder(data: pd.DataFrame) -> Results:
    import pyfixest as pf
    from linearmodels.iv.absorbing import AbsorbingLS

    x = ["treated", "x"]
    rungs = effects.ladder(data, [["firm_id", "year"]], x, True)
    even = [r.even("y", x) for r in rungs]
    first = [
        pf.feols(
            r.formula("y", x), r.data, vcov={"CRV1": "town"}, ssc=pf.ssc(k_fixef="none"), fixef_rm="none"
        )
        for r in even
    ]
    second = [
        AbsorbingLS(r.data["y"], r.data[x], absorb=r.data[r.effects], drop_absorbed=True).fit(
            cov_type="clustered", clusters=r.data["town"], debiased=True, method="lsmr",
            absorb_options={"atol": 1e-14, "btol": 1e-14, "maxiter": 10_000},
        )
        for r in even
    ]  # fmt: skip
    *stated, _ = effects.both_stated(even, first, second, "town")
    exact = effects.exact_rows(rungs[0], "y", x, "town")
    found: Results = {}
    for name, table in zip(("pyfixest", "linearmodels", "exact"), (*stated, exact), strict=True):
        own = table.set_index("term")
        found[f"{name} treated"] = (1, own.loc["treated", ["estimate", "std_error", "ci_low"]])
        found[f"{name} control"] = (0, own.loc["x", ["estimate", "std_error", "ci_high"]])
        found[f"{name} p"] = (0, own["p_value"])
    return found


def exact(data: pd.DataFrame) -> Results:
    found: Results = {}
    for vcov in ("iid", "hetero", {"CRV1": "town"}):
        fit = within.feols("y ~ treated + x | firm_id + year", data, vcov)
        found |= {f"{vcov} treated": (1, [fit.coef()["treated"], fit.se()["treated"]])}
        found |= {f"{vcov} x": (0, [fit.coef()["x"], fit.se()["x"]])}
    test = wild_bootstrap(
        "y ~ treated + x | firm_id + year", data, "town", draws=2000
    )  # 1,024 signs, all tried
    left = partial_out(data, ["y", "treated"], ["x"], ["firm_id", "year"], "town").residuals
    return found | {
        "wild": (1, [test.estimate, test.std_error]),
        "wild p": (0, [test.p_value]),
        "partial": (1, np.sort(left["y"])),
    }


def event(name: str) -> Callable[[pd.DataFrame], Results]:
    options: dict[str, Any] = {"anticipation": 0, "alpha": 0.05}
    local = {"cluster": "unit", "pre_window": 3, "post_window": 4, "reweight": True}
    cs = options | {"estimation_method": "dr", "base_period": "universal"}
    calls: dict[str, Callable[[pd.DataFrame], Any]] = {
        "cs_never": lambda d: dd.CallawaySantAnna(control_group="never_treated", **cs).fit(d, **KEYS),
        "cs_not_yet": lambda d: dd.CallawaySantAnna(control_group="not_yet_treated", **cs).fit(d, **KEYS),
        "cs_covariates": lambda d: dd.CallawaySantAnna(control_group="not_yet_treated", **cs).fit(d, covariates=["x"], **KEYS),
        "sun_abraham": lambda d: dd.SunAbraham(cluster="unit", **options).fit(d, **KEYS),
        "imputation": lambda d: imputed.imputed(imputation.fit(d, slopes=["x"], **NAMES), -4),
        "two_stage": lambda d: imputed.in_two_stages(imputation.fit(d, slopes=["x"], **NAMES)),
        "extended_twfe": lambda d: dd.WooldridgeDiD(cluster="unit", **options).fit(d, **KEYS),
        "stacked": lambda d: dd.StackedDiD(kappa_pre=2, kappa_post=2, control_group="not_yet_treated", **options).fit(d, **KEYS),
        "local_projections": lambda d: dd.LPDiD(**local).fit(d, post_pooled=(0, 2), **SWITCHING),
        "switchers": lambda d: dd.ChaisemartinDHaultfoeuille(twfe_diagnostic=False).fit(d, L_max=3, **SWITCHING),
    }  # fmt: skip

    def call(data: pd.DataFrame) -> Results:
        fit = calls[name](data)
        study = dynamics.event_studies({name: fit}, 0.05, -3, 3)
        banded = bands.beside(study, {name: fit}, draws=2000)
        line = averages.table({name: fit}, data, data).iloc[0]
        return {
            "path": (1, study[["estimate", "std_error", "ci_low"]]),
            "band": (1, banded["band_high"]),
            "average": (1, line[["estimate", "std_error"]]),
        }

    return call


def imputations(data: pd.DataFrame) -> Results:
    model = imputation.fit(data, slopes=["x"], cells=["path"], **NAMES)
    path = leads.rebased(model, -3)
    told = headline.declared(model, "imputation", "all", 2)
    groups = imputed.first_seen(data, "path")
    assert groups is not None
    signs, means = inference.by_signs(model, groups, 0.05), inference.by_group_means(model, groups)
    tested = pretrend.joint_test(path.estimate, path.covariance, -1, scores=path.scores)
    spread = float(np.sqrt(np.diag(path.covariance)).mean())
    smooth = honest.smoothness(path.estimate, path.covariance, [0.0, 0.5 * spread], -1)
    relative = honest.relative_magnitudes(path.estimate, path.covariance, [0.0, 1.0], -1)
    return {
        "answer": (1, [told.estimate.estimate, told.estimate.std_error]),
        "path": (1, path.estimate),
        "covariance": (2, path.covariance),
        "signs": (1, [signs.estimate, signs.ci_low, signs.ci_high]),
        "means": (1, [means.estimate, means.ci_low]),
        "p": (0, [signs.p_value, means.p_value, tested.statistic]),
        "smooth": (1, smooth[["ci_low", "ci_high"]]),
        "relative": (1, relative[["ci_low", "ci_high"]]),
        "bacon weights": (0, weights.by_event_time(weights.twfe_weights(data))["weight"]),
    }


def second_implementation(data: pd.DataFrame) -> Results:
    own = headline.declared(imputation.fit(data, slopes=["x"], **NAMES), "imputation", "all", 2)
    two = headline.beside({"a": own}, data, slopes=["x"], **NAMES)
    return {"literal": (1, two[["estimate", "other_estimate", "std_error", "other_std_error"]])}


def families(data: pd.DataFrame) -> Results:
    found, _ = outcomes.on_outcomes(data, {"y": ["x"], "m": []}, "begins")
    family = multiplicity.family(found, "romano_wolf", 199, 1)
    by = heterogeneity.by_group(data, "y", "treated", data["side"], ["x"], smallest=3)
    through = mediation.mediation(data, "y", "treated", "m", ["x"], draws=49)
    near = spillover.felt(data, ["path", "town"])
    return {
        "outcomes": (1, family.set_index("regression")[["estimate", "std_error"]]),
        "groups": (1, by.table[["estimate", "std_error"]]),
        "mediated": (1, [through.indirect, through.total]),
        "correlation": (0, [through.rho_zero, through.share]),
        "neighbours": (1, [near.model.overall().estimate, near.model.overall().std_error]),
    }


def moderated(data: pd.DataFrame) -> Results:
    moderator = data.sort_values("year").groupby("unit")["x"].transform("first")
    found = heterogeneity.moderated(data, "y", "treated", moderator, [])
    return {"table": (1, found.table[["estimate", "std_error"]])}


def powers(data: pd.DataFrame) -> Results:
    columns = power.Columns(
        outcome="y", treatments=("treated",), controls=("x",), unit="firm_id", time="year", cluster="firm_id"
    )
    errors = power.learn_errors(
        data[power.untreated(data, columns, "begins")], columns, sorted(set(data["year"]))
    )
    error, own = power.design_error(data, "treated", columns, errors)
    return {
        "sd": (1, [errors.sd, error, power.minimum_detectable(error, 90)]),
        "treatment": (0, [own]),
        "imputed": (1, [power.imputed_error(data, "begins", columns, errors)]),
    }


def selections(data: pd.DataFrame) -> Results:
    moves = selection.changes(data[~data["gone"]], 1)
    bounds = selection.lee(moves["low"], moves["treated"], moves["cell"], draws=0, unit=moves["unit"])
    there = moves.dropna()
    cells = (there["treated"], there["cell"])
    wide = selection.worst_case(
        there["low"] - 1 * there["low"].std(), there["high"] + there["low"].std(), *cells, unit=there["unit"]
    )
    wrong = selection.misreported(there["low"], *cells, 0.01, 0.05, unit=there["unit"])
    return {
        "lee": (1, [bounds.low, bounds.high]),
        "share": (0, [bounds.share]),
        "manski": (1, [wide.low, wide.high, wide.ci_low, wide.ci_high]),
        "misreported": (1, [wrong.naive, wrong.estimate, wrong.std_error]),
    }


def weighted(data: pd.DataFrame) -> Results:
    silent = data.assign(f=data["y"].where(data["told"]))
    rows = reporting.silent(silent.assign(low=0.0, high=0.0), 1, "f", ("low", "high"), ["x"])
    found = reporting.reported(rows, ["x"])
    return {
        "effects": (1, found.effects[["estimate", "std_error"]]),
        "model": (0, found.model[["estimate", "std_error"]]),
        "counts": (0, [found.told, found.least, found.effective]),
    }


def ending(data: pd.DataFrame) -> Results:
    found = switches.switches(data, treatment="brief", horizons=2).table
    return {
        "table": (1, found.set_index(["change", "phase", "horizon"])[["estimate", "std_error", "band_low"]])
    }


def dosed(data: pd.DataFrame) -> Results:
    found = doses.doses(data, "dose")
    return {"curve": (1, found[["estimate", "std_error"]])}


def exposed(data: pd.DataFrame) -> Results:
    found = shocks.by_components(
        data, "y", "d", list("pqrst"), ["x"], ["firm_id", "year"], "firm_id", 0.05
    )._asdict()
    robust, parts_ = shiftshare.two_stage(
        data, "y", "d", data[list("pqrst")], ["x"], ["firm_id", "year"], "firm_id"
    )
    return {
        "by shocks": (1, [found["estimate"], found["std_error"], found["null_low"], found["null_high"]]),
        "p": (0, [found["p_value"], robust.f, robust.p_zero]),
        "robust": (1, [robust.estimate, robust.std_error, robust.low, robust.high]),
        "weights": (0, parts_["weight"].sort_index()),
        "parts": (1, parts_["estimate"].sort_index()),
    }


def large(data: pd.DataFrame) -> Results:
    units = data.groupby(["town", "year"])["y"].mean().reset_index()
    units["start"] = np.where(units["town"] == data["town"].iloc[data["y"].argmax()], 2014, 0)
    starts, _ = synthetic.synthetic(units, "y", "town", "year", "start")
    return {"effect": (1, starts["estimate"]), "p": (0, starts["p_value"])}


def line(data: pd.DataFrame) -> Results:
    # Bins are in the unit of money: so is the line.
    unit = data["y"].mean() / 200
    found = bunching.bunching(data["y"], 200 * unit, unit, draws=19)
    return {"ratio": (0, [found.ratio, found.ratio_error])}


def confounded(data: pd.DataFrame) -> Results:
    left = within.two_way_residuals(
        data[["y", "treated", "x", "m"]].to_numpy(float), data["unit"], data["year"]
    )
    y, d, c = left[:, 0], left[:, 1], left[:, 2:]
    robust = confounders.robustness(y, d, c, 98)
    marks = confounders.benchmarks(y, d, c, ["x", "m"], 98)
    curve = oster.along(y, d, c, [0.3, 0.5, 1.0])
    one = oster.selection(y, d, c)
    return {
        "robust": (0, [robust.partial_r2, robust.value, robust.value_t]),
        "marks": (0, marks[["r2_treatment", "r2_outcome"]]),
        "adjusted": (1, marks[["adjusted", "adjusted_error"]]),
        "delta": (0, curve["delta"]),
        "star": (1, curve["beta_star"]),
        "one": (1, [one.beta_star, *one.roots]),
    }


def balanced(data: pd.DataFrame) -> Results:
    units = balancing.stacks(data, "begins", ["x", "m"])
    found: Results = {}
    for name, one in (
        ("entropy", balancing.entropy_balance(units, ["x", "m"])),
        ("matched", balancing.matched(units, ["x", "m"])),
    ):
        panel = balancing.stacked_panel(data.drop(columns="treated"), units, one.weights, "begins")
        on = panel[panel["on"] > 0]
        found[name] = (0, np.sort(one.weights))
        found[f"{name} mean"] = (1, [np.average(on["y"], weights=on["weight"])])
    return found


def curve(data: pd.DataFrame) -> Results:
    specs = speccurve.specifications(
        ["y"], ["treated"], [[], ["x"]], [["firm_id", "year"], ["firm_id", "path*year"]], ["firm_id", "town"]
    )
    found = speccurve.curve(data, specs)
    return {"curve": (1, found[["estimate", "std_error", "ci_low"]]), "p": (0, found["p_value"])}


def regimes(data: pd.DataFrame) -> Results:
    found = threshold.thresholds(data, "y", "treated", "m", ["x"], draws=9, candidates=40)
    return {
        "slopes": (1, found.slopes[["estimate", "std_error"]]),
        "level": (1, found.table()[["gamma", "low", "high"]]),
        "f": (0, found.table()["f"]),
    }


def gmm(data: pd.DataFrame) -> Results:
    found = dynamic_panel(data, "y", ["L1.y", "x"], {"y": (2, 4)}, ["x"], system=False, collapse=True)
    tests = [found.sargan.statistic, found.hansen.statistic, found.ar[1].statistic]
    return {"table": (0, found.table().loc[["L1.y", "x"], ["estimate", "std_error"]]), "tests": (0, tests)}


def produced(method: str) -> Callable[[pd.DataFrame], Results]:
    def call(data: pd.DataFrame) -> Results:
        names = {"l": "labour", "k": "capital", "m": "materials", "y": "output"}
        frame = data[["firm_id", "year"]].assign(
            **{short: np.log(data[name]) for short, name in names.items()}
        )
        found = production.estimate(frame, method, draws=0)
        tfp = found.years["tfp"].to_numpy()
        return {"elasticities": (0, found.theta), "tfp": (0, np.sort(tfp - np.nanmean(tfp)))}

    return call


def printed(**how: Any) -> Callable[[pd.DataFrame], Results]:
    def call(data: pd.DataFrame) -> Results:
        base: dict[str, Any] = {
            "outcome": "y", "treatments": ["treated"], "controls": ["x"], "fixed_effects": ["firm_id", "year"],
            "cluster": ["firm_id"], "errors": "clustered", "lags": None, "weights": None, "sample": [],
            "estimator": "ols", "quantile": 0.55, "like": "fixest", "singletons": "drop", "iv": {}, "mark": {},
        }  # fmt: skip
        found = tables.fit(base | how, data, {}).table()["statistic"]
        return {"statistic": (0, found[[t for t in found.index if t in ("treated", "x", "dose")]])}

    return call


@dataclass(frozen=True)
class Case:
    """Modules that it answers for; whether a constant more in the outcome, or a unit of one row, changes nothing; the relative
    tolerance (packages iterate); a column whose infinite value must be named, and what the message calls it."""

    of: tuple[str, ...]
    call: Callable[[pd.DataFrame], Results]
    constant: bool = True
    alone: bool = True
    exact: float = 1e-6
    outcome: str = "y"
    called: str = "'y'"


CASES: dict[str, Case] = {
    "ladder": Case(("engines/agreement", "engines/units", "effects/sample"), ladder),
    "exact": Case(
        ("engines/within", "engines/wildboot", "engines/partial", "engines/exact"), exact, called="column y"
    ),
    **{
        # Stacked regressions have effects of groups and event times, none of units: who enters moves them.
        f"event {n}": Case(("effects/dynamics", "effects/staggered"), event(n), alone=n != "stacked")
        for n in get_args(EventStudy)
    },
    "imputation": Case(("effects/imputation", "effects/honest", "effects/pretrend"), imputations),
    "second": Case((), second_implementation),
    "families": Case(
        ("effects/heterogeneity", "effects/mediation", "effects/spillover", "robustness/multiplicity"),
        families,
    ),
    "moderated": Case((), moderated, alone=False),  # its mean and spread are those of all rows
    "power": Case(("effects/power",), powers),
    "selection": Case(("designs/selection",), selections),
    "reporting": Case(("designs/reporting",), weighted, called="'f'"),
    "switches": Case(("designs/switches",), ending),
    "doses": Case(("designs/doses",), dosed),
    "shocks": Case(("designs/shocks", "robustness/shiftshare"), exposed),
    "synthetic": Case(("designs/synthetic",), large, alone=False),  # means of towns
    "line": Case(("designs/bunching",), line, constant=False, alone=False, called="'values'"),
    "confounders": Case(("robustness/confounders", "robustness/oster"), confounded, called="outcome"),
    "balancing": Case(("robustness/balancing",), balanced, constant=False, outcome="x", called="'x'"),
    "curve": Case(("robustness/speccurve",), curve),
    "thresholds": Case(("robustness/threshold",), regimes),
    "gmm": Case(("engines/gmm",), gmm),
    **{
        f"production {m}": Case(("production/methods",), produced(m), alone=False, outcome="output")
        for m in ("ols", "fe", "op", "lp", "acf", "wooldridge")
    },
    **{
        # Without effects of units its row counts as any other.
        f"table {how.get('estimator', 'ols')}": Case(
            ("tables/fit", "tables/linear", "tables/smooth", "tables/quantile"),
            printed(**how),
            alone=how.get("estimator") not in ("logit", "probit", "re", "quantile"),
            outcome=how.get("outcome", "y"),
            called=f"'{how.get('outcome', 'y')}'",
        )
        for how in (
            {},
            {"estimator": "poisson", "outcome": "count"},
            {"estimator": "logit", "outcome": "yes", "fixed_effects": ["path"]},
            {"estimator": "probit", "outcome": "yes", "fixed_effects": []},
            {"estimator": "re", "fixed_effects": ["firm_id"]},
            {"estimator": "quantile", "fixed_effects": []},
            {"estimator": "fd", "fixed_effects": ["year"]},
            {"estimator": "iv", "treatments": ["dose"], "iv": {"dose": ["z"]}},
        )
    },
}


@pytest.fixture(scope="module")
def panel() -> pd.DataFrame:
    return made()


@pytest.fixture(scope="module")
def plain(panel: pd.DataFrame) -> Callable[[str], Results]:
    kept: dict[str, Results] = {}

    def of(name: str) -> Results:
        if name not in kept:
            kept[name] = run(name, panel)
        return kept[name]

    return of


def run(name: str, data: pd.DataFrame) -> Results:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return CASES[name].call(data)


def alike(name: str, before: Results, after: Results, unit: float = 1.0, within: float = 0.0) -> None:
    for key, (degree, values) in before.items():
        one, other = (np.asarray(v, float).ravel() for v in (values, after[key][1]))
        expected = one * unit**degree
        size = np.nanmax(np.abs(expected), initial=0)
        near = max(CASES[name].exact, within)
        np.testing.assert_allclose(
            other, expected, near, max(1e-8, within) * size, equal_nan=True, err_msg=f"{name}: {key}"
        )


MONEY = ["y", "x", "m", "capital", "materials", "output"]


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("unit", [1e4, 1e-4, 1e8, 1e-8])
def test_money_has_no_unit(plain: Any, panel: pd.DataFrame, name: str, unit: float) -> None:
    alike(name, plain(name), run(name, panel.assign(**{c: panel[c] * unit for c in MONEY})), unit)


@pytest.mark.parametrize("name", CASES)
def test_units_have_no_names_and_rows_no_order(plain: Any, panel: pd.DataFrame, name: str) -> None:
    rng = np.random.default_rng(7)
    names = {
        c: dict(zip(panel[c].unique(), rng.permutation(panel[c].nunique()), strict=True))
        for c in ("unit", "town", "path")
    }
    other = panel.assign(**{c: panel[c].map(new) for c, new in names.items()})
    other["path"] = "p" + other["path"].astype(str)
    other = other.iloc[rng.permutation(len(other))].reset_index(drop=True)
    alike(name, plain(name), run(name, with_names(other)))


@pytest.mark.parametrize("name", [n for n, c in CASES.items() if c.constant])
def test_a_constant_more(plain: Any, panel: pd.DataFrame, name: str) -> None:
    alike(name, plain(name), run(name, panel.assign(y=panel["y"] + 50.0)))


@pytest.mark.parametrize("name", [n for n, c in CASES.items() if c.alone])
def test_a_unit_of_one_row_tells_nothing(plain: Any, panel: pd.DataFrame, name: str) -> None:
    """Its own effect takes it up: it never starts, and is seen once, far from all others. Only counts of rows may move errors."""
    one = panel[(panel["start"] == 0)].iloc[[0]].assign(unit=900, y=1e4, x=600.0, m=440.0)
    alike(name, plain(name), run(name, with_names(pd.concat([panel, one], ignore_index=True))), within=0.02)


@pytest.mark.parametrize("name", CASES)
def test_infinity_is_refused_by_name(panel: pd.DataFrame, name: str) -> None:
    """One infinite value of what is explained: the message names the column, and nothing is computed."""
    column = CASES[name].outcome
    broken = panel.astype({column: float})
    # In the year before a start, of a unit that tells: what every design reads.
    place = panel.index[(panel["start"] == 2014) & (panel["year"] == 2013) & panel["told"]][0]
    broken.loc[place, column] = np.inf
    if name.startswith("event ") and name not in ("event imputation", "event two_stage"):
        # Packages are given what `cohort_panel` makes.
        call: Callable[[], Any] = lambda: dynamics.cohort_panel(with_names(broken), "begins", "y", ["x"])  # noqa: E731
    else:
        call = lambda: run(name, broken)  # noqa: E731
    with pytest.raises((EffectsError, production.ProductionError), match="finite") as told:
        call()
    assert CASES[name].called in str(told.value)


# What estimates nothing by itself.
NONE = {
    "designs": set(),
    "robustness": {"placebo", "robustness", "ushape", "variants"},
    "effects": {"description", "magnitude"},
    "engines": {"rounding", "telling"},
    "tables": {"compared", "correction", "covariance", "frame", "kinds", "levels", "rows"},
    "production": {
        "choices",
        "estimation",
        "industries",
        "markups",
        "productivity",
        "result",
        "sample",
        "technology",
    },
}


def test_every_estimator_has_a_line() -> None:
    """A module of these rooms is in the table, or named as one that only describes, prints or hands on."""
    answered = {name for case in CASES.values() for name in case.of}
    for room, none in NONE.items():
        here = {
            f.stem
            for f in (LIB / room).iterdir()
            if f.stem not in ("__init__", "errors", "messages", "__pycache__")
        }
        told = {name.split("/")[1] for name in answered if name.startswith(f"{room}/")}
        assert here - told - none == set(), f"no line in CASES for {room}"
        assert (told | none) - here == set(), f"no such module of {room}"
    assert {f"event {name}" for name in get_args(EventStudy)} <= set(CASES)
    named = {
        "switches": "switches",
        "doses": "doses",
        "selection": "selection",
        "unknown": "selection",
        "reporting": "reporting",
    }
    named |= {
        "misreported": "selection",
        "line": "line",
        "shocks": "shocks",
        "synthetic": "synthetic",
        "held": "families",
    }
    assert set(get_args(Design)) == set(named) and set(named.values()) <= set(CASES)
    from estimators.production.estimation import ESTIMATORS

    assert {f"production {name}" for name in ESTIMATORS} <= set(CASES)
