"""The exact within estimator equals dummies by least squares, and pyfixest, on every kind of design."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pyfixest as pf
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyfixest.demeaners import LsmrDemeaner

from estimators import effects
from estimators.engines.exact.passes.source import Source
from estimators.engines.within import Within, feols

# The estimator does not iterate, and the peers iterate to 1e-13: rounding of sums over some thousand rows is left.
COEFFICIENTS = {"rtol": 1e-9, "atol": 1e-11}
ERRORS = {"rtol": 1e-7}


@pytest.fixture(scope="module")
def panel() -> pd.DataFrame:
    """Unbalanced; firms change industry; a firm may be seen twice in a year; some rows are alone in a level."""
    rng = np.random.default_rng(5)
    n, firms = 2500, 400
    firm = rng.integers(0, firms, n)
    data = pd.DataFrame({"firm": [f"f{i:03}" for i in firm], "year": rng.integers(2010, 2020, n)})
    data["industry"] = np.where(rng.random(n) < 0.03, 3, firm % 7)
    data["district"] = [f"D{i}" for i in firm % 23]
    data["rare"] = np.where(np.arange(n) == 17, "alone", data["district"].str[:2])
    for name in ("x1", "x2", "z1", "z2", "v"):
        data[name] = rng.normal(size=n) + 0.1 * data["industry"]
    data["d"] = 0.5 * data["z1"] + 0.3 * data["z2"] + data["v"] + rng.normal(size=n)
    data["w"] = rng.random(n) + 0.1
    data["y"] = (
        0.3 * data["x1"] - 0.2 * data["x2"] + 0.4 * data["d"] + data["v"] + firm % 13 + data["year"] * 0.1
    )
    return data


def dummies(data: pd.DataFrame, fits: list[str]) -> np.ndarray:
    columns = [data[e.split("^")].astype(str).agg("/".join, axis=1) for e in fits]
    return np.hstack([pd.get_dummies(c, dtype=float).to_numpy() for c in columns])


def brute(
    data: pd.DataFrame,
    y: str,
    x: list[str],
    fixed: list[str],
    cluster: str | None,
    weights: str | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Slopes and uncorrected sandwich, from all dummies and LAPACK's least squares."""
    w = np.sqrt(data[weights].to_numpy()) if weights else np.ones(len(data))
    d = dummies(data, fixed) * w[:, None]
    z = data[[y, *x]].to_numpy(float) * w[:, None]
    z = z - d @ np.linalg.lstsq(d, z, rcond=1e-11)[0]
    b = np.linalg.lstsq(z[:, 1:], z[:, 0], rcond=None)[0]
    scores = z[:, 1:] * (z[:, 0] - z[:, 1:] @ b)[:, None]
    if cluster:
        scores = pd.DataFrame(scores).groupby(data[cluster].to_numpy()).sum().to_numpy()
    bread = np.linalg.inv(z[:, 1:].T @ z[:, 1:])
    return b, bread @ scores.T @ scores @ bread


RAW = {"k_adj": False, "G_adj": False}
DESIGNS = [
    ("y ~ x1 + x2 + d | firm", {"CRV1": "firm"}, None, "singleton"),
    ("y ~ x1 + x2 + d | firm + year", {"CRV1": "firm"}, None, "singleton"),
    ("y ~ x1 + x2 + d | firm + year", "iid", None, "none"),
    ("y ~ x1 + x2 + d | firm + year", "hetero", "w", "singleton"),
    ("y ~ x1 + x2 + d | year + firm", {"CRV1": "year"}, None, "singleton"),
    ("y ~ x1 + x2 + d | firm + industry^year", {"CRV1": "district"}, None, "singleton"),
    ("y ~ x1 + x2 + d | firm + industry^year", {"CRV1": "firm"}, "w", "none"),
    ("y ~ x1 + x2 | firm + industry^year + district^year", {"CRV1": "firm + year"}, None, "singleton"),
    ("y ~ x1 + x2 | firm + industry^year + district^year", {"CRV1": "firm + year"}, "w", "none"),
    ("y ~ x1 + x2 | firm + year + rare", "hetero", None, "singleton"),
    ("y ~ x1 | firm + year | d ~ z1 + z2", {"CRV1": "firm"}, None, "none"),
    ("y ~ x1 | firm + year | d ~ z1", {"CRV1": "district"}, "w", "none"),
    ("y ~ x1 | firm + industry^year | d ~ z1 + z2", "hetero", None, "none"),
    ("y ~ x1 | firm + year | d ~ z1 + z2", "iid", None, "none"),
    ("y ~ x1 | firm + year | d ~ z1 + z2", {"CRV1": "firm + year"}, None, "none"),
]


@pytest.mark.parametrize(("formula", "vcov", "weights", "alone"), DESIGNS)
def test_equal_to_pyfixest(
    panel: pd.DataFrame, formula: str, vcov: str | dict[str, str], weights: str | None, alone: str
) -> None:
    if "~ z1" in formula:  # pyfixest 0.60 raises for instruments with this solver when a row is alone
        rows = panel.groupby("firm")["y"].transform("size") > 1
        rows &= panel.groupby(["industry", "year"])["y"].transform("size") > 1
        panel = panel[rows]
    theirs = pf.feols(
        formula,
        panel,
        vcov=vcov,
        weights=weights,
        fixef_rm=alone,
        ssc=pf.ssc(k_fixef="full"),
        demeaner=LsmrDemeaner(fixef_atol=1e-13, fixef_btol=1e-13),
    )
    ours = feols(formula, panel, vcov, weights, {"k_fixef": "full"}, alone)
    names = list(ours.names)
    assert names == list(theirs.coef().index) and ours.n == theirs._N
    np.testing.assert_allclose(ours.coef(), theirs.coef()[names], **COEFFICIENTS)
    np.testing.assert_allclose(ours.se(), theirs.se()[names], **ERRORS)
    # Covariances may be near zero: compare with the product of standard errors as the yardstick.
    scale = np.outer(ours.se(), ours.se())
    np.testing.assert_allclose(ours.covariance / scale, theirs._vcov / scale, atol=1e-7)
    np.testing.assert_allclose(ours.pvalue(), theirs.pvalue()[names], rtol=1e-5, atol=1e-12)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True)
@given(seed=st.integers(0, 10**6), firms=st.integers(3, 12), years=st.integers(2, 6), keep=st.floats(0.4, 1))
def test_random_small_panels_against_dummies(seed: int, firms: int, years: int, keep: float) -> None:
    """Any shape of small panel, with disconnected parts, twins and lone rows."""
    rng = np.random.default_rng(seed)
    data = pd.DataFrame([(f, t) for f in range(firms) for t in range(years)], columns=["firm", "year"])
    data = data.loc[rng.choice(data.index[rng.random(len(data)) < keep].append(data.index[:2]), len(data))]
    data = data.reset_index(drop=True)
    data["group"] = rng.integers(0, 3, len(data))
    data[["x1", "x2", "y"]] = (
        rng.normal(size=(len(data), 3)) + 10 * rng.normal(size=firms)[data["firm"], None]
    )
    data["w"] = rng.random(len(data)) + 0.2
    fixed = [["firm", "year"], ["firm", "year", "group"], ["firm", "group^year"]][seed % 3]
    weights = "w" if seed % 2 else None
    d = dummies(data, fixed)
    if len(data) - np.linalg.matrix_rank(d) < 6:
        return
    ours = feols(f"y ~ x1 + x2 | {' + '.join(fixed)}", data, {"CRV1": "firm"}, weights, RAW, "none")
    b, v = brute(data, "y", ["x1", "x2"], fixed, "firm", weights)
    np.testing.assert_allclose(
        ours.coef(), b, rtol=1e-8, atol=1e-9
    )  # few rows left: ill-conditioned at times
    np.testing.assert_allclose(ours.se(), np.sqrt(np.diag(v)), rtol=1e-7, atol=1e-10)
    rank = feols(f"y ~ x1 + x2 | {' + '.join(fixed)}", data, "iid", weights, {"k_fixef": "rank"}, "none")
    assert rank.parameters == 2 + np.linalg.matrix_rank(d)


def test_singletons_change_counts_not_slopes(panel: pd.DataFrame) -> None:
    formula = "y ~ x1 + x2 | firm + industry^year + rare"
    kept, left = (feols(formula, panel, "hetero", ssc=RAW, fixef_rm=rm) for rm in ("none", "singleton"))
    rung = effects.rung(
        panel.rename(columns={"firm": "firm_id"}), ["firm_id", "industry*year", "rare"], drop_singletons=True
    )
    assert left.n == len(rung.data) and left.singletons == rung.dropped == kept.n - left.n > 0
    assert left.levels == {
        "firm": rung.data["firm_id"].nunique(),
        "industry^year": rung.data["industry_by_year"].nunique(),
        "rare": rung.data["rare"].nunique(),
    }
    np.testing.assert_allclose(left.coef(), kept.coef(), rtol=1e-11)
    np.testing.assert_allclose(left.se(), kept.se(), rtol=1e-11)


@pytest.mark.parametrize("fixed", [["firm"], ["firm", "year"], ["firm", "industry*year", "district*year"]])
@pytest.mark.parametrize("cluster", ["firm", "district", "year"])
def test_counts_as_the_two_engines_do(panel: pd.DataFrame, fixed: list[str], cluster: str) -> None:
    """K of the default correction is `counted_parameters`, so that it can be the third engine."""
    rung = effects.rung(panel.assign(firm_id=panel["firm"]), fixed, drop_singletons=True)
    stated = effects.counted_parameters(2, rung.data[rung.effects], rung.data[cluster])
    ours = feols(f"y ~ x1 + x2 | {' + '.join(fixed)}", panel, {"CRV1": cluster})
    assert ours.parameters == stated and ours.clusters == {cluster: rung.data[cluster].nunique()}


def test_collinear_regressors_are_named(panel: pd.DataFrame) -> None:
    data = panel.assign(
        fixed=panel["firm"].str[1:].astype(float) + 0.1,
        trend=np.sin(panel["year"]),
        twin=2 * panel["x1"] - panel["x2"] + np.cos(panel["year"]),
    )
    ours = feols("y ~ x1 + fixed + x2 + trend + twin | firm + year", data)
    assert ours.dropped == {
        "fixed": "constant within the unit effect",
        "trend": "absorbed by the effects",
        "twin": "collinear with x1, x2",
    }
    plain = feols("y ~ x1 + x2 | firm + year", panel)
    np.testing.assert_allclose(ours.coef(), plain.coef(), **COEFFICIENTS)
    np.testing.assert_allclose(ours.se(), plain.se(), **ERRORS)
    with pytest.raises(effects.EffectsError, match="no regressor is left: trend is absorbed"):
        feols("y ~ trend | firm + year", data)


def test_components_and_redundant_levels_are_found() -> None:
    rng = np.random.default_rng(1)
    part = pd.DataFrame({"firm": np.repeat(np.arange(20), 5), "year": np.tile(np.arange(5), 20)})
    data = pd.concat([part, part + 100], ignore_index=True)
    data[["x", "y"]] = rng.normal(size=(len(data), 2))
    data["era"] = np.where(data["year"] % 100 < 2, "old", "new")
    ours = feols("y ~ x | firm + year", data)
    assert ours.components == 2 and len(ours.redundant) == 2 and all("year = " in r for r in ours.redundant)
    both = feols("y ~ x | firm + year + era", data, "iid", ssc={"k_fixef": "rank"})
    assert both.parameters == 1 + np.linalg.matrix_rank(dummies(data, ["firm", "year", "era"]))
    np.testing.assert_allclose(both.coef(), ours.coef(), **COEFFICIENTS)


def test_large_firm_means_cost_no_digits(panel: pd.DataFrame) -> None:
    """Firm means 1e7 times the variation within: the rows are then demeaned before squares are summed."""
    rng = np.random.default_rng(2)
    shift = pd.Series(rng.normal(size=400) * 1e7, index=[f"f{i:03}" for i in range(400)])
    data = panel.assign(x1=panel["x1"] + shift[panel["firm"]].to_numpy(), y=panel["y"] + 1e9)
    # x1 itself has lost 1e-16 · 1e7 / 1 = 1e-9 of its variation by the addition.
    ours, plain = (feols("y ~ x1 + x2 | firm + year", table) for table in (data, panel))
    np.testing.assert_allclose(ours.coef(), plain.coef(), rtol=1e-7)
    np.testing.assert_allclose(ours.se(), plain.se(), rtol=1e-7)


def test_every_kind_of_table(panel: pd.DataFrame, tmp_path: Path) -> None:
    import duckdb
    import ibis
    import pyarrow as pa

    table = panel.assign(
        industry=panel["industry"].astype("category"), day=pd.to_datetime(panel["year"].astype(str))
    )
    formula, vcov = "y ~ x1 | firm + industry^year + day", {"CRV1": "district + firm"}
    want = feols(formula, table, vcov)
    file = tmp_path / "it's.parquet"
    table.assign(industry=table["industry"].astype(int)).to_parquet(file)
    connection = duckdb.connect()
    relation = connection.sql(f"SELECT * FROM read_parquet('{str(file).replace(chr(39), chr(39) * 2)}')")
    backend = ibis.duckdb.connect()
    for data in (file, str(file), pa.Table.from_pandas(table), relation, backend.read_parquet(file)):
        got = feols(formula, data, vcov)
        np.testing.assert_allclose(got.coef(), want.coef(), rtol=1e-11)
        np.testing.assert_allclose(got.se(), want.se(), rtol=1e-11)
        assert (got.n, got.levels, got.clusters) == (want.n, want.levels, want.clusters)
    assert connection.sql("SHOW ALL TABLES").fetchall() == []  # nothing is left behind


def test_parquet_tells_missing_values_by_its_own_counts(panel: pd.DataFrame, tmp_path: Path) -> None:
    whole, holed = tmp_path / "whole.parquet", tmp_path / "holed.parquet"
    data = panel.assign(industry=panel["industry"].astype("category").cat.codes.astype(int))
    data.to_parquet(whole)
    data.assign(x1=data["x1"].mask(data.index % 50 == 3)).to_parquet(holed)
    formula = "y ~ x1 + x2 | firm + industry^year"
    with Source(whole, ["y", "x1"]) as source:
        assert source.rows_without_null(["y", "x1", "x1"]) == len(data)
        assert source.rows_without_null(["y", "unknown"]) is None
    with Source(holed, ["y", "x1"]) as source:
        assert source.rows_without_null(["y", "x1"]) is None
    with Source(str(tmp_path / "*.parquet"), ["y", "x1"]) as source:
        assert source.rows_without_null(["y"]) == 2 * len(data)
        assert source.rows_without_null(["y", "x1"]) is None
    for file in (whole, holed):
        # The same sums in another order of additions.
        assert feols(formula, file).coef().to_numpy() == pytest.approx(
            feols(formula, pd.read_parquet(file)).coef().to_numpy(), rel=1e-12
        )
    assert feols(formula, holed).missing == 50 and feols(formula, whole).missing == 0


def test_the_unit_is_the_effect_with_most_levels_even_if_the_first_rows_hide_it() -> None:
    """The first 20,000 rows hold 2,000 firms and 3,000 cells; only all rows, or the cells' bounds, tell."""
    firm = np.repeat(np.arange(6000), 10)
    year = np.tile(np.arange(10), 6000)
    rng = np.random.default_rng(4)
    cell = rng.integers(0, 300, 6000)[firm]
    data = pd.DataFrame({"firm": firm, "year": year, "cell": cell, "x": rng.normal(size=60_000)})
    data["y"] = data["x"] + cell * year * 0.01 + firm % 7 + rng.normal(size=60_000)
    assert feols("y ~ x | cell^year + firm", data).unit == "firm"
    assert feols("y ~ x | firm + cell^year", data.assign(cell=data["cell"].astype(str))).unit == "firm"


def test_missing_values_are_left_out_and_counted(panel: pd.DataFrame) -> None:
    data = panel.copy()
    data.loc[3, "x1"], data.loc[5, "firm"], data["w"] = (
        np.nan,
        None,
        np.where(panel.index == 9, 0, panel["w"]),
    )
    ours = feols("y ~ x1 | firm + year", data, weights="w")
    want = feols("y ~ x1 | firm + year", data.drop(index=[3, 5, 9]), weights="w")
    assert ours.missing == 3 and ours.n == want.n
    np.testing.assert_allclose(ours.coef(), want.coef(), rtol=1e-12)


def test_result_speaks_the_fields_interface(panel: pd.DataFrame) -> None:
    import maketables as mt

    ours = feols("y ~ x1 + x2 | firm + year", panel)
    theirs = pf.feols("y ~ x1 + x2 | firm + year", panel, vcov={"CRV1": "firm"}, ssc=pf.ssc(k_fixef="full"))
    assert list(ours.tidy().columns) == list(theirs.tidy().columns)
    assert ours.r2_within == pytest.approx(theirs._r2_within, rel=1e-9)
    assert ours.r2 == pytest.approx(theirs._r2, rel=1e-9)
    printed = (
        mt.ETable([ours], type="df")
        if "type" in mt.ETable.__init__.__code__.co_varnames
        else mt.ETable([ours])
    )
    assert f"{ours.coef()['x1']:.3f}" in str(printed.df if hasattr(printed, "df") else printed)
    assert "clustered" not in str(ours) and "Covariance CRV1 by firm" in str(ours)
    assert isinstance(ours, Within)


@pytest.mark.parametrize(
    ("formula", "kwargs", "message"),
    [
        ("y ~ x1", {}, "absorbs effects"),
        ("y ~ 1 | firm", {}, "no regressor"),
        ("y ~ x1 + x1 | firm", {}, "x1 stands in two places"),
        ("y ~ log(x1) | firm", {}, "is not a column"),
        ("y ~ x1 | firm | d ~ z1 ~ z2", {}, "endogenous ~ instruments"),
        ("y ~ x1 | firm | d + x2 ~ z1", {}, "need at least as many"),
        ("y ~ nothing | firm", {}, "no column nothing; there are: firm"),
        ("y ~ district | firm", {}, "'district' is .* needs a number"),
        ("y ~ x1 | firm", {"vcov": "HC3"}, "'HC3': it must be 'iid'"),
        ("y ~ x1 | firm", {"vcov": {"CRV1": "firm + year + district"}}, "one or two clusters"),
        ("y ~ x1 | firm", {"vcov": {"CRV1": "one"}}, "'one' has one cluster"),
        ("y ~ x1 | firm", {"weights": "minus"}, "must not be negative"),
        ("y ~ x1 | row", {}, "every row is alone"),
        ("y ~ infinite | firm", {}, "column infinite holds infinite values"),
        ("y ~ empty | firm", {}, "no row of 2500 has a value"),
        ("y ~ x1 | firm", {"ssc": {"k_fixef": "all"}}, "k_fixef = 'all'"),
        ("y ~ x1 | firm", {"fixef_rm": "drop"}, "'singleton' or 'none'"),
    ],
)
def test_errors_say_what_is_wrong(
    panel: pd.DataFrame, formula: str, kwargs: dict[str, object], message: str
) -> None:
    data = panel.assign(
        one=1,
        minus=-panel["w"],
        row=np.arange(len(panel)),
        infinite=np.where(panel.index == 4, np.inf, panel["x1"]),
        empty=np.nan,
    )
    with pytest.raises(effects.EffectsError, match=message):
        feols(formula, data, **kwargs)


def test_unknown_data_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(effects.EffectsError, match="list is not known"):
        feols("y ~ x | firm", [1, 2])
    with pytest.raises(effects.EffectsError, match="cannot be read as Parquet"):
        feols("y ~ x | firm", tmp_path / "none.parquet")
