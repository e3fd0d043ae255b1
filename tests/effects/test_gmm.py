"""Dynamic-panel GMM: against brute force, simulation with known truth, and published tables."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from estimators.engines.gmm import dynamic_panel
from estimators.errors import EffectsError
from workbook import paths

EMPLUK = paths.ROOT.parent / "shared" / "verification" / "EmplUK.csv"
needs_empluk = pytest.mark.skipif(not EMPLUK.is_file(), reason="needs ../shared/verification/EmplUK.csv")


def simulated(units: int, periods: int, seed: int, drop: float = 0.0) -> pd.DataFrame:
    """y_it = 0.5 y_i,t−1 + x_it + a_i + e_it, x predetermined by a_i; some rows lost at random."""
    rng = np.random.default_rng(seed)
    a = rng.normal(size=units)
    x = rng.normal(size=(units, periods)) + a[:, None]
    y = np.empty((units, periods))
    # stationary mean a·(1 + 1)/(1 − 0.5), so that the level equations' moments hold
    y[:, 0] = 4 * a + rng.normal(size=units) * np.sqrt(2 / 0.75)
    for t in range(1, periods):
        y[:, t] = 0.5 * y[:, t - 1] + x[:, t] + a + rng.normal(size=units)
    keys = {"firm_id": np.repeat(np.arange(units), periods), "year": np.tile(np.arange(periods), units)}
    frame = pd.DataFrame({**keys, "y": y.ravel(), "x": x.ravel()})
    return frame[rng.random(len(frame)) >= drop].reset_index(drop=True)


def brute_force(frame: pd.DataFrame, h: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Two-step difference GMM of y on its lag and x with a big Z, unit by unit, by the formulas as printed."""
    periods = frame["year"].max() + 1
    zs, xs, ys = [], [], []
    columns = [(t, t - lag) for t in range(2, periods) for lag in range(2, t + 1)]
    for _, one in frame.groupby("firm_id"):
        y, x = np.full(periods, np.nan), np.full(periods, np.nan)
        y[one["year"]], x[one["year"]] = one["y"], one["x"]
        rows = np.arange(2, periods)
        dy, dx, dl = y[rows] - y[rows - 1], x[rows] - x[rows - 1], y[rows - 1] - y[rows - 2]
        z = np.zeros((len(rows), len(columns) + 1))
        for j, (t, s) in enumerate(columns):
            z[t - 2, j] = np.nan_to_num(y[s])
        z[:, -1] = np.nan_to_num(dx)
        bad = np.isnan(dy + dx + dl)
        z[bad] = 0
        zs.append(z)
        xs.append(np.where(bad[:, None], 0, np.column_stack([dl, dx])))
        ys.append(np.where(bad, 0, dy))
    size = periods - 2
    weight = np.eye(size) if h == "identity" else 2 * np.eye(size) - np.eye(size, k=1) - np.eye(size, k=-1)
    q = sum(z.T @ x for z, x in zip(zs, xs, strict=True))
    p = sum(z.T @ y for z, y in zip(zs, ys, strict=True))
    a1 = np.linalg.inv(sum(z.T @ weight @ z for z in zs))
    b1 = np.linalg.solve(q.T @ a1 @ q, q.T @ a1 @ p)
    g = [z.T @ (y - x @ b1) for z, x, y in zip(zs, xs, ys, strict=True)]
    omega = sum(np.outer(v, v) for v in g)
    a2 = np.linalg.inv(omega)
    v2 = np.linalg.inv(q.T @ a2 @ q)
    b2 = v2 @ q.T @ a2 @ p
    total = sum(z.T @ (y - x @ b2) for z, x, y in zip(zs, xs, ys, strict=True))
    d = np.empty((2, 2))
    for k in range(2):
        moved = -sum(
            np.outer(z.T @ x[:, k], v) + np.outer(v, z.T @ x[:, k]) for z, x, v in zip(zs, xs, g, strict=True)
        )
        d[:, k] = -v2 @ q.T @ a2 @ moved @ a2 @ total
    b1_bread = np.linalg.inv(q.T @ a1 @ q)
    v1 = b1_bread @ q.T @ a1 @ omega @ a1 @ q @ b1_bread
    return b1, b2, v2 + d @ v2 + v2 @ d.T + d @ v1 @ d.T


@pytest.mark.parametrize("h", ["full", "identity"])
def test_equals_brute_force_on_a_panel_with_gaps(h: str) -> None:
    frame = simulated(60, 6, seed=1, drop=0.1)
    options = {"gmm": {"y": (2, None)}, "iv": ["x"], "time_effects": False, "h": h}
    one = dynamic_panel(frame, "y", ["L1.y", "x"], steps=1, **options)
    two = dynamic_panel(frame, "y", ["L1.y", "x"], steps=2, **options)
    b1, b2, vcov = brute_force(frame, h)
    # The same sums in another order: rounding only.
    np.testing.assert_allclose(one.estimate, b1, rtol=1e-10)
    np.testing.assert_allclose(two.estimate, b2, rtol=1e-10)
    np.testing.assert_allclose(two.vcov, vcov, rtol=1e-9)


def test_just_identified_is_instrumental_variables() -> None:
    """Three periods: one instrument, y_i1 for Δy_i2, so that b = Σ y_i1 Δy_i3 / Σ y_i1 Δy_i2, by hand."""
    frame = pd.DataFrame(
        {"firm_id": np.repeat([1, 2, 3], 3), "year": np.tile([1, 2, 3], 3), "y": [1, 3, 4, 2, 5, 9, 4, 4, 3]}
    )
    fit = dynamic_panel(frame, "y", ["L1.y"], {"y": (2, None)}, time_effects=False, steps=1)
    assert fit.estimate[0] == pytest.approx((1 * 1 + 2 * 4 + 4 * -1) / (1 * 2 + 2 * 3 + 4 * 0), rel=1e-14)
    assert fit.instruments == 1
    assert np.isnan(fit.hansen.p_value)


@pytest.mark.parametrize("system", [False, True])
@pytest.mark.parametrize("collapse", [False, True])
def test_finds_the_truth(system: bool, collapse: bool) -> None:
    frame = simulated(3000, 7, seed=2)
    fit = dynamic_panel(
        frame, "y", ["L1.y", "x"], {"y": (2, 4)}, iv=["x"], iv_where="difference", system=system,
        collapse=collapse,
    )  # fmt: skip
    # Within four standard errors: one run in 16,000 would fail by chance, and the seed is fixed.
    assert (np.abs(fit.estimate[:2] - [0.5, 1.0]) < 4 * fit.std_error[:2]).all()
    assert fit.ar[1].p_value < 0.001  # differenced errors are correlated at order one by construction
    assert fit.ar[2].p_value > 0.01
    assert fit.hansen.p_value > 0.01


def test_serial_correlation_and_bad_instruments_are_seen() -> None:
    frame = simulated(2000, 7, seed=3)
    rng = np.random.default_rng(4)
    table = rng.normal(size=(2000, 8))
    moving = table[:, 1:] + 0.9 * table[:, :-1]  # errors with an MA(1) part make AR(2) in differences
    frame["y"] = frame["y"] + 2 * moving.ravel()
    fit = dynamic_panel(frame, "y", ["L1.y", "x"], {"y": (2, 3)}, iv=["x"])
    assert fit.ar[2].p_value < 0.001
    assert fit.hansen.p_value < 0.001


def test_collapse_and_limits_count_instruments() -> None:
    frame = simulated(100, 6, seed=5)
    count = {}
    for collapse in (False, True):
        for last in (None, 2):
            fit = dynamic_panel(
                frame, "y", ["L1.y"], {"y": (2, last)}, collapse=collapse, time_effects=False, steps=1
            )
            count[collapse, last] = fit.instruments
    # periods 2…5 with 1, 2, 3, 4 lags; one lag each; collapsed: lags 2…5; lag 2 alone
    assert count == {(False, None): 10, (False, 2): 4, (True, None): 4, (True, 2): 1}


def test_time_effects_are_taken_out() -> None:
    """A shock common to all units in a year changes nothing but the year's effect."""
    frame = simulated(300, 6, seed=6)
    shocked = frame.assign(y=frame["y"] + np.array([0, 2, -1, 3, 0.5, 1])[frame["year"]])
    fits = [
        dynamic_panel(f, "y", ["L1.y", "x"], {"y": (2, 3)}, iv=["x"], collapse=True) for f in (frame, shocked)
    ]
    # y's lags as instruments move by constants, which the year effects span: same up to the small change in weights
    assert fits[0].estimate[1] == pytest.approx(fits[1].estimate[1], abs=3 * fits[0].std_error[1])


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"outcome": "z"}, "no column z"),
        ({"regressors": ["L1 y"]}, "term 'L1 y'"),
        ({"gmm": {"y": (3, 2)}}, "1 ≤ first ≤ last"),
        ({"gmm": {"y": (5, None)}, "iv": []}, "instruments for"),
    ],
)
def test_says_what_is_wrong(change: dict, words: str) -> None:
    given = {"outcome": "y", "regressors": ["L1.y", "x"], "gmm": {"y": (2, None)}, "iv": ["x"]}
    given |= {"time_effects": False, **change}
    with pytest.raises(EffectsError, match=words):
        dynamic_panel(simulated(30, 6, seed=7), **given)


def test_refuses_repeated_keys_and_periods_that_do_not_count() -> None:
    frame = simulated(30, 5, seed=8)
    with pytest.raises(EffectsError, match="repeat their unit and period"):
        dynamic_panel(pd.concat([frame, frame.head(1)]), "y", ["L1.y"], {"y": (2, None)})
    with pytest.raises(EffectsError, match="whole numbers"):
        dynamic_panel(frame.assign(year=frame["year"] + 0.5), "y", ["L1.y"], {"y": (2, None)})


# -- published ---------------------------------------------------------------------------------
def employment(file: Path = EMPLUK) -> pd.DataFrame:
    data = pd.read_csv(file)
    return data.assign(
        n=np.log(data["emp"]), w=np.log(data["wage"]), k=np.log(data["capital"]), ys=np.log(data["output"])
    )


TABLE4 = ["L1.n", "L2.n", "w", "L1.w", "k", "L1.k", "L2.k", "ys", "L1.ys", "L2.ys"]


@needs_empluk
def test_arellano_bond_table_4() -> None:
    """Column a1 as Stata's manual prints it for xtabond: coefficients, homoskedastic and robust standard errors."""
    printed = [0.6862261, -0.0853582, -0.6078208, 0.3926237, 0.3568456, -0.0580012, -0.0199475, 0.6085073]
    printed += [-0.7111651, 0.1057969]
    plain = [0.1486163, 0.0444365, 0.0657694, 0.1092374, 0.0370314, 0.0583051, 0.0416274, 0.1345412]
    robust = [0.1445943, 0.0560155, 0.1782055, 0.1679931, 0.0590203, 0.0731797, 0.0327126, 0.1725313]
    fit = dynamic_panel(employment(), "n", TABLE4, {"n": (2, None)}, iv=TABLE4[2:], unit="firm", steps=1)
    assert (fit.n, fit.units, fit.instruments) == (611, 140, 41)
    # The file holds wages and the rest to 4-byte precision, which moves the sixth decimal.
    np.testing.assert_allclose(fit.estimate[:10], printed, atol=1e-5)
    np.testing.assert_allclose(fit.std_error_plain[:8], plain, atol=1e-5)
    np.testing.assert_allclose(fit.std_error[:8], robust, atol=1e-5)
    two = dynamic_panel(employment(), "n", TABLE4, {"n": (2, None)}, iv=TABLE4[2:], unit="firm", steps=2)
    # xtabond, twostep vce(robust): Windmeijer's correction
    np.testing.assert_allclose([two.estimate[0], two.std_error[0]], [0.6287089, 0.1934138], atol=1e-5)


@needs_empluk
def test_conventions_of_other_software() -> None:
    data = employment()
    terms = ["L1.n", "L2.n", "w", "L1.w", "k", "ys", "L1.ys"]
    made = {
        form: dynamic_panel(data, "n", terms, {"n": (2, None)}, iv=terms[2:], unit="firm", ar_vcov=form)
        for form in ("corrected", "corrected_throughout")
    }
    # As measured with plm and pydynpd on these data, to the digits noted.
    assert made["corrected"].estimate[0] == pytest.approx(0.474151, abs=1e-6)
    assert made["corrected"].std_error[0] == pytest.approx(0.185398, abs=1e-6)
    assert made["corrected"].ar[2].statistic == pytest.approx(-0.280, abs=5e-4)
    assert made["corrected_throughout"].ar[2].statistic == pytest.approx(-0.304, abs=5e-4)
    lags = dict.fromkeys(("n", "w", "k"), (2, None))
    terms = ["L1.n", "w", "L1.w", "k", "L1.k"]
    system = {
        where: dynamic_panel(data, "n", terms, lags, unit="firm", system=True, steps=1, time_where=where)
        for where in ("level", "both")
    }
    assert system["level"].estimate[0] == pytest.approx(0.93561, abs=5e-6)  # plm
    assert system["both"].estimate[0] == pytest.approx(0.93262, abs=5e-6)  # pydynpd


@pytest.mark.parametrize("unit", [1e4, 1e-4, 1e8])
@pytest.mark.parametrize("system", [False, True])
def test_no_unit_matters(unit: float, system: bool) -> None:
    """Estimates, errors and the degrees of freedom of both tests, whatever the unit of the outcome and of a regressor."""
    frame = simulated(200, 6, 11, 0.05)
    calls = {"gmm": {"y": (2, 3)}, "iv": ["x"], "system": system, "steps": 2}
    a = dynamic_panel(frame, "y", ["L1.y", "x"], **calls)
    b = dynamic_panel(frame.assign(y=frame["y"] * unit, x=frame["x"] / unit), "y", ["L1.y", "x"], **calls)
    scale = np.array([{"L1.y": 1.0, "x": unit**2}.get(name, unit) for name in a.names])
    np.testing.assert_allclose(b.estimate / scale, a.estimate, rtol=1e-6)
    np.testing.assert_allclose(b.std_error / scale, a.std_error, rtol=1e-6)
    assert (b.hansen.freedom, b.sargan.freedom) == (a.hansen.freedom, a.sargan.freedom)
    assert b.hansen.p_value == pytest.approx(a.hansen.p_value, abs=1e-6)


def test_a_large_mean_is_no_collinearity() -> None:
    frame = simulated(200, 6, 12)
    calls = {"gmm": {"y": (2, None)}, "iv": ["x"], "system": True}
    found = dynamic_panel(frame.assign(y=frame["y"] + 1000), "y", ["L1.y", "x"], **calls)
    assert np.isfinite(found.std_error).all()
