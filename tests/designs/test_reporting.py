"""Weights for silence: a second implementation by stacked equations, known truth, and what is refused."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from estimators.designs.reporting import reported, silent
from estimators.designs.selection import changes, worst_case
from estimators.errors import EffectsError


def drawn(rng: np.random.Generator, n: int = 1000) -> pd.DataFrame:
    """Effects 1 + x, and the higher x the more likely a unit is treated, and tells."""
    x = rng.normal(size=n)
    on = rng.random(n) < 1 / (1 + np.exp(0.5 - 0.5 * x))
    y = x + (1 + x) * on + rng.normal(size=n)
    told = rng.random(n) < 1 / (1 + np.exp(-0.3 - 0.7 * x - 0.3 * on))
    return pd.DataFrame(
        {
            "unit": np.arange(n),
            "cell": rng.integers(2015, 2018, n),
            "treated": on.astype(int),
            "x": x,
            "whole": y,
            "y": np.where(told, y, np.nan),
        }
    )


def test_equals_stacked_equations() -> None:
    """Logit, means and effect as one system, its errors by numerical derivatives; two rows of some units."""
    data = drawn(np.random.default_rng(3), 300)
    data.loc[200:, "unit"] = np.arange(100)
    found = reported(data, ["x"])
    told, y, on = (
        data["y"].notna().to_numpy(float),
        data["y"].fillna(0).to_numpy(),
        data["treated"].to_numpy(),
    )
    scaled = ((data["x"] - data["x"].mean()) / data["x"].std(ddof=0)).to_numpy()
    x = np.column_stack([np.ones(300), on, scaled, data["cell"] == 2016, data["cell"] == 2017]).astype(float)
    groups = [(data["cell"] == c).to_numpy() * (on == d) for c in (2015, 2016, 2017) for d in (0, 1)]
    share = np.array([((data["cell"] == c) & (on == 1)).sum() for c in (2015, 2016, 2017)]) / on.sum()

    def equations(theta: np.ndarray) -> np.ndarray:
        chance = 1 / (1 + np.exp(-x @ theta[:5]))
        means = [g * told / chance * (y - m) for g, m in zip(groups, theta[5:], strict=True)]
        return np.column_stack([x * (told - chance)[:, None], *means])

    from scipy.optimize import root

    theta = root(lambda t: equations(t).sum(axis=0), np.zeros(11), tol=1e-12).x
    effect = np.concatenate([np.zeros(5), np.ravel(np.column_stack([-share, share]))])
    assert found.effects["estimate"].iloc[1] == pytest.approx(effect @ theta, abs=1e-8)
    step = 1e-6 * np.eye(11)
    slope = [(equations(theta + s).sum(axis=0) - equations(theta - s).sum(axis=0)) / 2e-6 for s in step]
    psi = equations(theta) @ np.linalg.inv(np.array(slope)) @ effect
    by_unit = np.bincount(data["unit"], psi)
    assert found.effects["std_error"].iloc[1] == pytest.approx(np.sqrt(by_unit @ by_unit), rel=1e-5)
    assert found.model["estimate"].tolist() == pytest.approx(theta[:3], abs=1e-7)
    assert (found.told, found.units) == (int(told.sum()), 200)
    # Nothing but those that told: the difference of their means.
    plain = [y[(g * told) > 0].mean() for g in groups]
    assert found.effects["estimate"].iloc[0] == pytest.approx(effect[5:] @ plain)


def test_known_truth() -> None:
    """Telling goes with x alone: weighted, the mean of what all would have told; plainly, too high. Bounds hold both."""
    rng = np.random.default_rng(11)
    tries = []
    for _ in range(120):
        data = drawn(rng)
        found = reported(data, ["x"]).effects.set_index("how")
        cells = data.groupby(["cell", "treated"])["whole"].mean().unstack()
        share = data.groupby("cell")["treated"].sum() / data["treated"].sum()
        line = found["estimate"].to_dict() | {"error": found.loc["weighted", "std_error"]}
        tries.append(line | {"whole": (share * (cells[1] - cells[0])).sum()})
    made = pd.DataFrame(tries)
    # E[y | on] − E[y | off], by quadrature.
    x, w = np.polynomial.hermite_e.hermegauss(60)
    w = w / w.sum()
    on = 1 / (1 + np.exp(0.5 - 0.5 * x))
    truth = (w * on * (1 + 2 * x)).sum() / (w * on).sum() - (w * (1 - on) * x).sum() / (w * (1 - on)).sum()
    assert made["whole"].mean() == pytest.approx(truth, abs=0.03)
    simulated = made["weighted"].std() / np.sqrt(len(made))
    assert abs(made["weighted"].mean() - truth) < 4 * simulated
    assert made["plain"].mean() - truth > 6 * simulated
    held = (made["weighted"] - truth).abs() < 1.96 * made["error"]
    assert 0.89 < held.mean() < 0.995  # .95 ± three errors of 120 draws
    assert made["error"].mean() / made["weighted"].std() == pytest.approx(1, abs=0.2)  # SD of 120 draws: .065


def test_bounds_hold_the_weighted_estimate() -> None:
    data = drawn(np.random.default_rng(5))
    silent = data["y"].isna()
    low, high = (
        data["whole"].where(~silent, data["whole"].min()),
        data["whole"].where(~silent, data["whole"].max()),
    )
    wide = worst_case(low, high, data["treated"], data["cell"])
    assert wide.low < reported(data, ["x"]).effects["estimate"].iloc[1] < wide.high


def test_least_chance_bounds_the_weights() -> None:
    data = drawn(np.random.default_rng(7), 400)
    free, held = reported(data, ["x"], 1e-6), reported(data, ["x"], 0.5)
    assert free.raised == 0 < held.raised and held.least == free.least < 0.5
    assert held.effective > free.effective
    # All chances held at one: the mean of those that told, with its error.
    same = reported(data, ["x"], 0.9999).effects
    assert same["estimate"].iloc[1] == pytest.approx(same["estimate"].iloc[0], abs=1e-10)
    assert same["std_error"].iloc[1] == pytest.approx(same["std_error"].iloc[0], rel=1e-10)


def test_what_is_taken_where_nothing_is_said() -> None:
    """No weight above twenty, intervals of 95 %: half of them is 1.959964 errors, of 90 % 1.644854."""
    rng = np.random.default_rng(1)
    data = drawn(rng, 600)
    told = rng.random(600) < 1 / (1 + np.exp(1 - 2 * data["x"]))
    data["y"] = data["whole"].where(told)
    free, found = reported(data, ["x"], 1e-6), reported(data, ["x"])
    raised = {floor: reported(data, ["x"], floor).raised for floor in (0.025, 0.05, 0.1)}
    assert free.raised == 0 and raised[0.025] < found.raised == raised[0.05] < raised[0.1]
    for size, half in ((0.05, 1.959964), (0.1, 1.644854)):
        rows = reported(data, ["x"], size=size).effects
        assert (rows["ci_high"] - rows["estimate"]).tolist() == pytest.approx(
            half * rows["std_error"], rel=1e-6
        )
        assert (rows["estimate"] - rows["ci_low"]).tolist() == pytest.approx(
            half * rows["std_error"], rel=1e-6
        )
    pd.testing.assert_frame_equal(found.effects, reported(data, ["x"], size=0.05).effects)


def test_what_cannot_be_weighted_is_named() -> None:
    data = drawn(np.random.default_rng(9), 200)
    for change, words in (
        ({"y": data["whole"]}, "200 of 200"),
        ({"x": np.where(data["y"].notna(), 1.0, 0.0)}, "foretold"),
        ({"x": np.nan}, "missing"),
        ({"x": data["treated"]}, "follows"),
        ({"y": data["y"].where(data["treated"] == 1)}, "no cell"),
    ):
        with pytest.raises(EffectsError, match=words):
            reported(data.assign(**change), ["x"])


def test_a_chance_of_nothing_is_no_weight() -> None:
    """The fit ends, but a unit's chance to tell is e⁻²⁵: it would weigh more than all the others together, or nothing."""
    rng = np.random.default_rng(2)
    data = drawn(rng, 400)
    data["x"] = rng.uniform(-1, 1, 400)
    data["y"] = data["whole"].where(rng.random(400) < 1 / (1 + np.exp(-3 * data["x"])))
    data.loc[0, ["x", "y"]] = -12.0, np.nan
    with pytest.raises(EffectsError, match="foretold"):
        reported(data, ["x"])
    data.loc[0, "x"] = -4.0
    assert reported(data, ["x"]).least > 0


def test_changes_keep_what_was_known_before() -> None:
    data = pd.DataFrame(
        {
            "unit": [1, 1, 2, 2],
            "year": [1, 3, 1, 3],
            "start": [2, 2, 0, 0],
            "y": [1, 4, 2, 2],
            "x": [5, 6, 7, 8],
        }
    )
    assert changes(data, 1, keep=["x"])["x"].tolist() == [5, 7]


def test_silence_in_one_year_leaves_the_other() -> None:
    """1 tells both years, 2 the first alone (4, then between 0 and 9), 3 has no bounds then, 4 does not know x."""
    lines = [(1, 1, 2, 3, 0, 9, 1), (1, 3, 2, 5, 0, 9, 9), (2, 1, 0, 4, 0, 9, 2), (2, 3, 0, np.nan, 0, 9, 9)]
    lines += [
        (3, 1, 0, 4, 0, 9, 2),
        (3, 3, 0, 4, np.nan, 9, 9),
        (4, 1, 0, 4, 0, 9, np.nan),
        (4, 3, 0, 4, 0, 9, 1),
    ]
    data = pd.DataFrame(lines, columns=["unit", "year", "start", "f", "least", "most", "x"])
    found = silent(data, 1, "f", ("least", "most"), ["x"])
    assert found[["unit", "low", "high", "x"]].to_numpy().tolist() == [[1, 2, 2, 1], [2, -4, 5, 2]]
    assert found["y"].iloc[0] == 2 and np.isnan(found["y"].iloc[1])
    assert silent(data, 1, "f", ("least", "other"), ["x"]).empty
    assert silent(data.assign(start=0), 1, "f", ("least", "most"), ["x"]).empty
