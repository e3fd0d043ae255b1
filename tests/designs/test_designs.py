"""Designs beside the event study, by numbers worked by hand, against other implementations and against known truth."""

from __future__ import annotations

import warnings
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest

from estimators.designs import doses
from estimators.designs.bunching import bunching
from estimators.designs.selection import changes, known_changes, lee, misreported, worst_case
from estimators.designs.shocks import exposed, first_shares
from estimators.designs.switches import switches
from estimators.designs.synthetic import means, synthetic
from estimators.errors import EffectsError


def long(y: dict[str, list[float]], d: dict[str, list[int]]) -> pd.DataFrame:
    return pd.DataFrame(
        [
            {"unit": u, "year": 2000 + t, "y": y[u][t], "treated": d[u][t]}
            for u in y
            for t in range(len(y[u]))
            if d[u][t] is not None
        ]
    )


def test_switches_by_hand() -> None:
    """A is treated for two of four years; B and C never; D always; E until the second year."""
    y = {"A": [0, 2, 4, 3], "B": [0, 1, 2, 3], "C": [0, 0, 1, 2], "D": [5, 5, 6, 6], "E": [5, 6, 5, 4]}
    d = {"A": [0, 1, 1, 0], "B": [0] * 4, "C": [0] * 4, "D": [1] * 4, "E": [1, 1, 0, 0]}
    found = switches(long(y, d), horizons=3)
    got = found.table.set_index(["change", "phase", "horizon"]).sort_index()
    # On: 2 − (1 + 0)/2, 4 − (2 + 1)/2, 3 − (3 + 2)/2; in the last year treatment has ended, after two years of it.
    assert got.loc[("on", "all"), "estimate"].tolist() == [1.5, 2.5, 0.5]
    assert got.loc[("on", "all"), "dose"].tolist() == [1, 2, 2]
    assert got.loc[("on", "lasting"), "estimate"].tolist() == [1.5, 2.5]
    assert got.loc[("on", "ended"), "estimate"].to_dict() == {2: 0.5}
    # Off: E falls by 1 and 2 where D, still treated, gains 1: treatment is worth 2 and 3.
    assert got.loc[("off", "all"), "estimate"].tolist() == [2, 3]
    # ψ of B and C: −1/2 and 0 in the first year, −1 and −1/2 in the second, each ± 1/4 around its mean; V = 1/8 everywhere.
    rows = (found.table["phase"] == "lasting") & (found.table["change"] == "on")
    v = found.covariance.to_numpy()[np.ix_(rows, rows)]
    np.testing.assert_allclose(v, np.full((2, 2), 0.125), atol=1e-15)
    assert found.left_out == 0 and got.loc[("on", "all", 0), ["switchers", "controls"]].tolist() == [1, 2]


def test_switches_against_the_package() -> None:
    """diff-diff's estimates and errors of treatment that goes on or off once; to rounding."""
    import diff_diff as dd

    data = dd.generate_reversible_did_data(60, 7, "joiners_only", treatment_effect=1.0, seed=4)
    names = {"unit": "group", "time": "period", "outcome": "outcome", "treatment": "treatment"}
    ours = switches(data, **names, horizons=3).table.query("phase == 'all'").set_index(["change", "horizon"])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = dd.ChaisemartinDHaultfoeuille(twfe_diagnostic=False, placebo=False).fit(
            data, outcome="outcome", unit="group", time="period", treatment="treatment", L_max=4
        )
    for step, effect in theirs.event_study_effects.items():
        row = ours.loc["on", step - 1]
        assert row["estimate"] == pytest.approx(effect["effect"], abs=1e-12)
        assert row["std_error"] == pytest.approx(effect["se"], abs=1e-12)
    # Turned round, who stops is who started: the same effects by those who leave, from controls that stay treated.
    turned = data.assign(treatment=1 - data["treatment"])
    off = switches(turned, **names, horizons=3).table.query("phase == 'all'").set_index(["change", "horizon"])
    np.testing.assert_allclose(off.loc["off", "estimate"], -ours.loc["on", "estimate"], atol=1e-12)
    np.testing.assert_allclose(off.loc["off", "std_error"], ours.loc["on", "std_error"], atol=1e-12)


def test_switches_know_what_they_cannot_date() -> None:
    y = {"A": [0, 9, 4], "B": [0, 1, 2], "C": [0, 2, 2]}
    d = {"A": [0, None, 1], "B": [0, 0, 0], "C": [0, 1, 1]}
    found = switches(long(y, d), horizons=1)
    assert found.left_out == 1, "A began in the year that is missing, or in the next"
    # A is a control in no year after the first: C is compared with B alone.
    assert found.table.loc[found.table["phase"] == "all", "estimate"].tolist() == [1, 0]
    with pytest.raises(EffectsError, match="treated"):
        switches(long(y, {u: [0, 0, 0] for u in y}))
    by_pairs = pd.concat(
        [long(y, d).assign(unit=lambda t, k=k: t["unit"] + k, pair=lambda t: t["unit"]) for k in "12"]
    )
    twice = switches(by_pairs, horizons=1, cluster="pair").table
    assert twice["estimate"].tolist() == found.table["estimate"].tolist()


def test_bounds_by_hand() -> None:
    """Two treated, one silent between 0 and 10; two others at 2: (1 + 0)/2 − 2 and (1 + 10)/2 − 2."""
    found = worst_case([1, 0, 2, 2], [1, 10, 2, 2], [1, 1, 0, 0], ["x"] * 4)
    assert (found.low, found.high, found.share) == (-1.5, 3.5, 0.5) and (found.treated, found.others) == (
        2,
        2,
    )
    # Wide bounds: one side at a time counts, 1.645 errors; errors √(((1 − .5)² + (0 − .5)²)/4) and √((4.5² + 4.5²)/4).
    assert found.ci_low == pytest.approx(-1.5 - 1.6449 * 0.5**0.5 / 2, abs=5e-3)
    told = worst_case([1, 3, 2, 2], [1, 3, 2, 2], [1, 1, 0, 0], ["x"] * 4)
    assert told.low == told.high == 0 and told.ci_high == pytest.approx(1.959964 / 2**0.5, abs=1e-5)
    # A cell without others counts for nothing; two cells weigh by their treated.
    two = worst_case([5, 1, 1, 0, 9], [5, 1, 1, 0, 9], [1, 0, 1, 0, 1], ["x", "x", "y", "y", "z"])
    assert two.low == pytest.approx((4 + 1) / 2) and (two.treated, two.others) == (2, 2)
    for low, high in (([2, 1], [1, 1]), ([np.nan, 1], [1, 1])):
        with pytest.raises(EffectsError):
            worst_case(low, high, [1, 0], ["x", "x"])


def test_lee_by_hand() -> None:
    nan = np.nan
    y = [1, 2, 3, 4, nan, 1, 2, nan, nan, nan]
    on = [1] * 5 + [0] * 5
    # Seen .8 and .4: half of the treated's four go. 1.5 and 3.5 less 1.5.
    found = lee(y, on, ["x"] * 10, draws=49)
    assert (found.low, found.high) == pytest.approx((0.0, 2.0)) and found.share == pytest.approx(0.5)
    assert found.ci_low < 0 and found.ci_high > 2
    # The other way round the others are trimmed: 1.5 less 3.5 and 1.5.
    turned = lee(y, [1 - d for d in on], ["x"] * 10, draws=9)
    assert (turned.low, turned.high) == pytest.approx((-2.0, 0.0))
    # One and a half of three are kept: (1 + 2/2)/1.5 and (3 + 2/2)/1.5, less 0.
    part = lee([1, 2, 3, 0, nan], [1, 1, 1, 0, 0], ["x"] * 5, draws=9)
    assert (part.low, part.high) == pytest.approx((float(Fraction(4, 3)), float(Fraction(8, 3))))


def test_changes_by_hand() -> None:
    rows = [
        ("a", 0, 1, 1, 2),
        ("a", 2, 4, 4, 2),
        ("b", 0, 2, 2, 0),
        ("b", 2, 5, 7, 0),
        ("c", 0, 3, 4, 0),
        ("d", 0, 1, 1, 2),
    ]
    data = pd.DataFrame(rows, columns=["unit", "year", "low", "high", "start"]).assign(
        year=lambda t: t["year"] + 1
    )
    found = changes(data, 1, "low", "high").set_index("unit")
    assert found["treated"].to_dict() == {"a": True, "b": False, "c": False, "d": True} and set(
        found["cell"]
    ) == {2}
    assert found.loc["a", ["low", "high"]].tolist() == [3, 3] and found.loc[
        "b", ["low", "high"]
    ].tolist() == [3, 5]
    assert found.loc[["c", "d"], "low"].isna().all() and changes(data, 9, "low", "high").empty
    assert known_changes(data, 1, "low", "high")["unit"].tolist() == ["a", "b"]
    assert known_changes(data, 1, "low", "elsewhere").empty


def test_errors_are_of_units() -> None:
    """Every row twice, in two cells, named as the same unit: errors as of the rows once; unnamed, smaller by √2."""
    rng = np.random.default_rng(5)
    on = np.arange(40) < 15
    low, high = rng.normal(size=40), rng.normal(size=40) + 4
    once = worst_case(low, high, on, np.zeros(40))
    args = [np.tile(v, 2) for v in (low, high, on)]
    cells, unit = np.repeat([0, 1], 40), np.tile(np.arange(40), 2)
    twice = worst_case(*args, cells, unit=unit)
    assert (twice.low, twice.ci_low) == pytest.approx((once.low, once.ci_low))
    apart = worst_case(*args, cells)
    assert apart.low - apart.ci_low == pytest.approx((once.low - once.ci_low) / 2**0.5, rel=1e-3)
    reports = [
        misreported(*a, 0.05, 0.05, **k).std_error
        for a, k in (((low, on, np.zeros(40)), {}), ((args[0], args[2], cells), {"unit": unit}))
    ]
    assert reports[0] == pytest.approx(reports[1])
    trimmed = [
        lee(*a, draws=399, **k)
        for a, k in (((low, on, np.zeros(40)), {}), ((args[0], args[2], cells), {"unit": unit}))
    ]
    # The same distribution with other draws: an error of 399 draws is known to 4 %.
    assert trimmed[1].high - trimmed[1].ci_high == pytest.approx(
        trimmed[0].high - trimmed[0].ci_high, rel=0.15
    )


def test_lee_holds_the_truth() -> None:
    """Treatment adds 1 to all and keeps in the frame some that would leave; the plain difference of those seen is too small."""
    rng = np.random.default_rng(2)
    n = 4000
    on, y = rng.random(n) < 0.5, rng.normal(size=n)
    leaves = y < np.where(on, -1.5, -0.8)
    seen = np.where(leaves, np.nan, y + on)
    found = lee(seen, on, rng.integers(0, 3, n), draws=99)
    # Those whom treatment keeps are the lowest: the truth is the upper end itself; .1 is three errors of it.
    assert found.high == pytest.approx(1, abs=0.1) and found.ci_low < 1 < found.ci_high and found.low > 0.3
    assert np.nanmean(seen[on]) - np.nanmean(seen[~on]) < 0.85


def test_misreported_treatment_by_hand() -> None:
    """Half are treated, worth 2; of 500 untreated 50 are reported treated, of 500 treated 100 are not."""
    truth = np.repeat([0.0, 1.0], 500)
    reported = np.concatenate([np.arange(500) < 50, np.arange(500) >= 100]).astype(float)
    found = misreported(2 * truth, reported, np.zeros(1000), 0.1, 0.2)
    assert found.naive == pytest.approx(2 * (400 / 450 - 100 / 550), rel=1e-12)
    # Exact but for the one degree of freedom of the mean.
    assert found.estimate == pytest.approx(2.0, rel=2e-3) and found.attenuation == pytest.approx(
        0.707, abs=2e-3
    )
    right = misreported(2 * truth + reported, reported, np.zeros(1000), 0.0, 0.0)
    assert right.estimate == right.naive and right.std_error == pytest.approx(right.naive_error, rel=1e-12)
    for rates in ((0.6, 0.4), (0.5, 0.0)):
        with pytest.raises(EffectsError, match=r"0\.[56]"):
            misreported(truth, reported, np.zeros(1000), *rates)


def test_misreported_treatment_in_cells() -> None:
    """Cells that differ in level and in how many are treated; the interval holds the truth in 95 of 100 samples."""
    rng, held = np.random.default_rng(8), []
    for _ in range(300):
        cell = rng.integers(0, 6, 600)
        truth = (rng.random(600) < 0.2 + 0.1 * cell).astype(float)
        wrong = np.where(truth == 1, rng.random(600) < 0.1, rng.random(600) < 0.05)
        y = 3 * cell + truth + rng.normal(size=600)
        found = misreported(y, np.abs(truth - wrong), cell, 0.05, 0.1)
        held.append((found.ci_low < 1 < found.ci_high, found.estimate))
    assert np.mean([h for h, _ in held]) == pytest.approx(0.95, abs=0.038)  # three errors of 300 draws
    assert np.mean([e for _, e in held]) == pytest.approx(1, abs=0.025)  # three errors: SD .12


def test_bunching_by_hand() -> None:
    """Counts 50, 48, … on a straight line, but eight units above the line that are missing below it."""
    count = [50, 48, 46, 44 - 8, 42 + 8, 40, 38, 36]
    values = np.repeat(np.arange(-4, 4) * 100 + 2050.0, count)
    found = bunching(values, 2000, 100, bins=4, window=1, degree=1)
    assert (found.above, found.below) == pytest.approx((8, -8)) and found.ratio == pytest.approx(8 / 43)
    assert found.bins["count"].tolist() == count and found.bins["low"].tolist()[:2] == [1600, 1700]
    # A bin of about 43 has a standard deviation of 6.6, a sixth of it; the fit adds a little.
    assert 0.14 < found.ratio_error < 0.22
    at_edges = bunching(np.concatenate([values, [1600.0, 2000.0, 2400.0]]), 2000, 100, 4, 1, 1).bins["count"]
    assert (at_edges - count).tolist() == [1, 0, 0, 0, 1, 0, 0, 0], "bins hold their lower end"
    with pytest.raises(EffectsError, match="bins"):
        bunching(values, 2000, 100, bins=3, window=1, degree=3)


def test_errors_of_shocks_by_hand() -> None:
    """Where each unit has one shock, they are errors clustered by shock without a correction."""
    rng = np.random.default_rng(1)
    group = np.repeat(np.arange(30), 5)
    shares = np.eye(30)[group]
    z = rng.normal(size=30)[group]
    z = z - z.mean()
    y = 2 * z + rng.normal(size=30)[group] + rng.normal(size=150)
    y = y - y.mean()
    found = exposed(y, z, shares)
    left = y - found.estimate * z
    clustered = sum((z[group == g] @ left[group == g]) ** 2 for g in range(30)) ** 0.5 / (z @ z)
    assert found.estimate == pytest.approx(z @ y / (z @ z)) and found.std_error == pytest.approx(clustered)
    assert found.shocks == 30 and found.effective == pytest.approx(30)
    # 95 % of a normal's draws lie within 1.959964 errors of zero; y is moved so that the estimate lies there.
    at = exposed(y + (1.959964 * clustered - found.estimate) * z, z, shares)
    assert at.std_error == pytest.approx(clustered) and at.p_value == pytest.approx(0.05, abs=1e-6)
    # At the ends of the interval under the hypothesis, (z(y − bz))² is the square of 1.96 times its shocks' sums.
    for end in (found.null_low, found.null_high):
        parts = np.bincount(group, z * (y - end * z))
        assert abs(z @ (y - end * z)) == pytest.approx(1.959964 * np.sqrt((parts**2).sum()), rel=1e-6)
    few = group < 3
    assert exposed(y[few], z[few], shares[few]).null_high == np.inf, "three shocks bound nothing"
    pairs = exposed(y, z, shares, cluster=np.arange(30) // 2)
    left = [((z * left)[group // 2 == g]).sum() for g in range(15)]
    assert pairs.std_error == pytest.approx(np.linalg.norm(left) / (z @ z))
    with pytest.raises(EffectsError, match="60 shocks"):
        exposed(y, z, np.hstack([shares, shares]))


def test_one_row_a_shock_gives_the_same() -> None:
    """Borusyak, Hull & Jaravel: shares that add up to one, outcome and regressor as shocks see them."""
    rng = np.random.default_rng(4)
    shares = rng.dirichlet(np.ones(12) / 2, 300)
    g = rng.normal(size=12)
    z = shares @ g
    x = z + rng.normal(size=300)
    y = 0.5 * x + rng.normal(size=300)
    away = [v - v.mean() for v in (y, z, x)]
    found = exposed(away[0], away[1], shares, x=away[2])
    size = shares.sum(axis=0)
    seen = [shares.T @ v / size for v in (away[0], away[2])]
    centred = g - (size @ g) / size.sum()
    assert found.estimate == pytest.approx(
        (size * centred) @ seen[0] / ((size * centred) @ seen[1]), rel=1e-10
    )


def test_like_units_have_like_errors() -> None:
    """No effect, residuals with the same shares: errors by unit reject far too often, those by shocks as they say."""
    rng, plain, robust = np.random.default_rng(6), [], []
    for _ in range(300):
        shares = rng.dirichlet(np.full(40, 0.1), 400)
        z, y = shares @ rng.normal(size=40), shares @ rng.normal(size=40) + 0.2 * rng.normal(size=400)
        z, y = z - z.mean(), y - y.mean()
        found = exposed(y, z, shares)
        left = y - found.estimate * z
        plain.append(abs(found.estimate) > 1.96 * np.sqrt(((z * left) ** 2).sum()) / (z @ z))
        robust.append(not found.null_low < 0 < found.null_high)
    assert np.mean(plain) > 0.3 and np.mean(robust) == pytest.approx(
        0.05, abs=0.038
    )  # three errors of 300 draws


def test_first_shares_by_hand() -> None:
    values = np.array([[1.0, 3.0], [5.0, 5.0], [2.0, 2.0], [0.0, 9.0]])
    unit, time = np.array([1, 1, 2, 2]), np.array([2001, 2002, 2002, 2001])
    wanted = [[0.25, 0.75, 0, 0], [0, 0, 0.25, 0.75], [0, 0, 0, 1], [0, 1, 0, 0]]
    assert first_shares(values, unit, time).tolist() == wanted


def park(effect: float, noise: float = 0.0) -> pd.DataFrame:
    rng = np.random.default_rng(7)
    rows = [
        {
            "unit": f"u{u}",
            "year": t,
            "y": u + 0.3 * t + effect * (u == 0 and t >= 2006),
            "start": 2006 if u == 0 else 0,
        }
        for u in range(9)
        for t in range(2000, 2009)
    ]
    frame = pd.DataFrame(rows)
    return frame.assign(y=frame["y"] + noise * rng.normal(size=len(frame)))


def test_synthetic_controls_and_placebos() -> None:
    """Parallel lines and an effect of 3: found exactly, and the largest of nine."""
    effects, weights = synthetic(park(3.0, 1e-6), "y", "unit", "year", "start")
    row = effects.iloc[0]
    assert row["estimate"] == pytest.approx(3, abs=1e-4)  # noise of 1e-6
    assert (row["p_value"], row["least"], row["placebos"]) == (1 / 9, 1 / 9, 8)
    assert (row["units"], row["controls"], row["pre"], row["post"]) == (1, 8, 6, 3)
    assert weights["weight"].sum() == pytest.approx(1) and "u0" not in set(weights["unit"])
    none, _ = synthetic(park(0.0, 1.0), "y", "unit", "year", "start")
    assert none["p_value"].iloc[0] > 1 / 9
    with pytest.raises(EffectsError, match="4"):
        synthetic(park(3.0).query("year > 2003"), "y", "unit", "year", "start")
    pair = park(3.0, 1e-6)
    pair.loc[pair["unit"] == "u1", "start"] = 2006
    both, _ = synthetic(pair, "y", "unit", "year", "start", draws=20)
    assert both["units"].iloc[0] == 2 and both["estimate"].iloc[0] == pytest.approx(1.5, abs=1e-3)


def test_means_of_large_units_bear_their_starts() -> None:
    rows = pd.DataFrame({"district": ["01", "01", "02"], "year": 2020, "x": [1.0, 3.0, 5.0]})
    found = means(rows, "district", "x", {"01": 2021})
    assert found.to_dict("list") == {
        "district": ["01", "02"],
        "year": [2020, 2020],
        "y": [2.0, 5.0],
        "start": [2021, 0],
    }
    assert means(rows, "park", "x", {}).empty and means(rows, None, "x", {}).empty


# -- doses -------------------------------------------------------------------------------------------------
def _dosed(gain: float = 2.0) -> pd.DataFrame:
    """Thirty units with a dose from 1 to 3 from 2015 on and thirty that never start; no noise but where a unit stands."""
    rng = np.random.default_rng(4)
    unit, year = np.repeat(np.arange(60), 6), np.tile(np.arange(2012, 2018), 60)
    amount = np.where(unit < 30, 1 + 2 * (unit % 30) / 29, 0.0)
    start = np.where(unit < 30, 2015, 0)
    on = (start > 0) & (year >= start)
    y = rng.normal(size=60)[unit] + 0.3 * (year - 2012) + gain * amount * on
    return pd.DataFrame({"unit": unit, "year": year, "start": start, "y": y, "amount": amount * on})


def test_doses_of_a_line_are_the_line() -> None:
    """Effects 2d without noise: level 2d and slope 2 at every dose, to rounding."""
    found = doses.doses(_dosed(), "amount")
    level, slope = (found[found["kind"] == kind] for kind in ("level", "slope"))
    assert level["estimate"].to_numpy() == pytest.approx(2 * level["dose"].to_numpy(), rel=1e-8)
    assert slope["estimate"].to_numpy() == pytest.approx(2.0, rel=1e-8)
    assert set(found["units"]) == {30} and len(level) >= 5
    # In another unit of money the level is the same, the slope is in its unit.
    other = doses.doses(_dosed().assign(amount=lambda t: t["amount"] * 1e4), "amount")
    assert other.loc[other["kind"] == "level", "estimate"].to_numpy() == pytest.approx(
        level["estimate"].to_numpy(), rel=1e-6
    )
    assert other.loc[other["kind"] == "slope", "estimate"].to_numpy() == pytest.approx(2e-4, rel=1e-6)


def test_no_dose_is_said() -> None:
    with pytest.raises(EffectsError, match="no unit that starts"):
        doses.doses(_dosed().assign(amount=0.0), "amount")
