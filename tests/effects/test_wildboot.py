"""The wild cluster bootstrap equals refits of every draw with all effects."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from estimators import effects
from estimators.engines.wildboot import _weights, few_clusters, wild_bootstrap
from estimators.engines.within import feols

FORMULA = "y ~ x + z | firm + year"


@pytest.fixture(scope="module")
def panel() -> pd.DataFrame:
    rng = np.random.default_rng(3)
    n = 600
    firm = rng.integers(0, 80, n)
    data = pd.DataFrame({"firm": firm, "year": rng.integers(2010, 2018, n), "district": firm % 11})
    shock = rng.normal(size=(11, 8))
    data["x"] = rng.normal(size=n) + rng.normal(size=11)[data["district"]] * (data["year"] > 2013)
    data["z"] = rng.normal(size=n) + 0.3 * data["x"]
    data["y"] = 0.1 * data["x"] + shock[data["district"], data["year"] - 2010] + firm % 5 + rng.normal(size=n)
    return data


def brute(data: pd.DataFrame, cluster: str, v: np.ndarray, null: float, restricted: bool) -> np.ndarray:
    """t statistics of refits, draw by draw, with all dummies."""
    d = np.hstack([pd.get_dummies(data[c].astype(str), dtype=float).to_numpy() for c in ("firm", "year")])
    x = data[["x", "z"]].to_numpy()
    groups = pd.factorize(data[cluster], sort=True)[0]
    everything = np.hstack([x, d])
    inverse = np.linalg.pinv(everything)

    def fit(y: np.ndarray) -> tuple[np.ndarray, np.ndarray, float]:
        b = inverse @ y
        u = y - everything @ b
        x_hat = inverse[0] / (inverse[0] @ inverse[0])
        s = np.bincount(groups, x_hat * u)
        return b, u, float(np.sqrt(s @ s) / (x_hat @ x_hat))

    y = data["y"].to_numpy()
    b, u, se = fit(y)
    fitted, centre = everything @ b, b[0]
    if restricted:
        rest = everything[:, 1:]
        left = y - null * x[:, 0]
        fitted = null * x[:, 0] + rest @ (np.linalg.pinv(rest) @ left)
        u, centre = y - fitted, null
    out = [(b[0] - null) / se]
    for column in v.T:
        b_star, _, se_star = fit(fitted + column[groups] * u)
        out.append((b_star[0] - centre) / se_star)
    return np.array(out)


@pytest.mark.parametrize("weights", ["rademacher", "webb"])
@pytest.mark.parametrize("restricted", [True, False])
@pytest.mark.parametrize(
    ("cluster", "null"), [("district", 0.0), ("district", 0.2), ("year", 0.05), ("firm", 0.0)]
)
def test_every_draw_equals_a_refit(
    panel: pd.DataFrame, cluster: str, null: float, restricted: bool, weights: str
) -> None:
    """Also for clusters that cut through firms (year). Both are exact: rounding through a pseudo-inverse is left."""
    ours = wild_bootstrap(
        FORMULA, panel, cluster, "x", 40, null, restricted, weights, seed=9, fixef_rm="none"
    )
    v, _ = _weights(panel[cluster].nunique(), 40, weights, np.random.default_rng(9))
    want = brute(panel, cluster, v, null, restricted)
    np.testing.assert_allclose(ours.t, want[0], rtol=1e-9)
    np.testing.assert_allclose(ours.t_draws, want[1:], rtol=1e-8, atol=1e-10)
    as_large = int((np.abs(want[1:]) >= abs(want[0]) * (1 - 1e-9)).sum())
    assert ours.p_value == (as_large / len(want[1:]) if ours.enumerated else (1 + as_large) / len(want))


def test_interval_holds_the_nulls_that_are_not_rejected(panel: pd.DataFrame) -> None:
    ours = wild_bootstrap(FORMULA, panel, "district", "x", 999, seed=1)
    for end, side in ((ours.ci_low, -1), (ours.ci_high, 1)):
        for offset, inside in ((-1e-6, True), (1e-6, False)):
            again = wild_bootstrap(FORMULA, panel, "district", "x", 999, end + side * offset, seed=1)
            assert (again.p_value > 0.05) == inside
    loose = wild_bootstrap(FORMULA, panel, "district", "x", 999, impose_null=False, seed=1)
    t = loose.t_draws
    assert loose.ci_high - loose.estimate == pytest.approx(
        loose.std_error * np.quantile(np.abs(t), 0.95, method="higher")
    )


def test_few_clusters_are_enumerated(panel: pd.DataFrame) -> None:
    few = panel[panel["district"] < 6]
    ours = wild_bootstrap(FORMULA, few, "district", "x", 999)
    assert ours.enumerated and ours.draws == 64
    # The draw of all signs + is the sample itself; it and its mirror are as large, so that p is never below 2/64.
    assert np.isclose(np.abs(ours.t_draws), abs(ours.t), rtol=1e-9).sum() >= 2
    assert ours.least == 2 / 64 <= ours.p_value
    four = wild_bootstrap(FORMULA, panel[panel["district"] < 4], "district", "x", 9999, weights="webb")
    assert four.enumerated and four.draws == 6**4 and four.least == 2 / 6**4 <= four.p_value
    drawn = wild_bootstrap(FORMULA, panel, "district", "x", 499)
    assert drawn.least == 1 / 500 <= drawn.p_value


def test_estimate_is_the_within_estimate(panel: pd.DataFrame) -> None:
    ours = wild_bootstrap("y ~ x + z | firm + year^district", panel, "district", "z", 99)
    want = feols(
        "y ~ x + z | firm + year^district", panel, {"CRV1": "district"}, ssc={"k_adj": False, "G_adj": False}
    )
    assert ours.estimate == pytest.approx(want.coef()["z"], rel=1e-10)
    assert ours.std_error == pytest.approx(want.se()["z"], rel=1e-10)
    assert ours.n == want.n and ours.tidy().loc["z", "clusters"] == 11


def test_size_under_the_null(panel: pd.DataFrame) -> None:
    """60 samples of 12 clusters with common shocks: 5 % rejections, and 3 sd of 60 draws are 8 points."""
    rng = np.random.default_rng(8)
    district = panel["firm"] % 12
    rejected = []
    for _ in range(60):
        shock = rng.normal(size=(12, 8))[district, panel["year"] - 2010]
        data = panel.assign(
            district=district,
            x=rng.normal(size=(12, 8))[district, panel["year"] - 2010],
            y=shock + rng.normal(size=len(panel)),
        )
        rejected.append(wild_bootstrap("y ~ x | firm + year", data, "district", draws=199).p_value < 0.05)
    assert np.mean(rejected) <= 0.13


@pytest.mark.parametrize(
    ("kwargs", "message"),
    [
        ({"fml": "y ~ x | firm | z ~ y2"}, "without instruments"),
        ({"term": "w"}, "must be one of x, z"),
        ({"draws": 0}, "draws = 0"),
        ({"weights": "normal"}, "'rademacher' or 'webb'"),
        ({"cluster": "one"}, "one cluster"),
        ({"fml": "y ~ x + fixed | firm + year", "term": "fixed"}, "fixed is .* cannot be tested"),
        ({"cluster": "nothing"}, "no column nothing"),
        ({"fml": "text ~ x | firm"}, "'text' is .* needs a number"),
    ],
)
def test_errors_say_what_is_wrong(panel: pd.DataFrame, kwargs: dict[str, object], message: str) -> None:
    data = panel.assign(one=1, fixed=panel["firm"] * 0.1, text="a", y2=1.0)
    given = {"fml": FORMULA, "cluster": "district", **kwargs}
    with pytest.raises(effects.EffectsError, match=message):
        wild_bootstrap(given.pop("fml"), data, **given)  # type: ignore[arg-type]


def test_several_terms_of_one_regression(panel: pd.DataFrame) -> None:
    """Each term as by itself; one that the effects absorb is refused; Webb's weights for eleven clusters."""
    data = panel.assign(fixed=panel["firm"] * 2.0)
    table = few_clusters(data, "y", ["x", "z"], ["firm", "year"], "district", ["x", "z"], draws=499, seed=5)
    assert table["term"].tolist() == ["x", "z"] and set(table["weights"]) == {"webb"}
    alone = wild_bootstrap(FORMULA, data, "district", "z", 499, weights="webb", seed=5, fixef_rm="none")
    assert table.loc[1, ["p_value", "ci_low", "ci_high"]].tolist() == [
        alone.p_value,
        alone.ci_low,
        alone.ci_high,
    ]
    many = few_clusters(data, "y", ["x", "z"], ["firm", "year"], "district", ["x", "z"], enough=11)
    assert many.empty and many.columns.tolist() == table.columns.tolist()
    with pytest.raises(effects.EffectsError, match="fixed"):
        few_clusters(data, "y", ["x", "fixed"], ["firm", "year"], "district", ["fixed"], draws=99)
