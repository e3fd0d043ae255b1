"""Shift-share weights and the Anderson–Rubin interval against linearmodels and brute force."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from linearmodels.iv import IV2SLS
from scipy import stats

from estimators.errors import EffectsError
from estimators.robustness.shiftshare import (
    AndersonRubin,
    anderson_rubin,
    leave_one_out_mean,
    parts,
    rotemberg,
)


@pytest.fixture(scope="module")
def rows() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    units, periods = 40, 6
    table = pd.DataFrame(
        {"firm_id": np.repeat(np.arange(units), periods), "year": np.tile(np.arange(periods), units)}
    )
    for k, growth in enumerate((0.1, 0.3, -0.05)):
        level = rng.uniform(0.5, 2, units)[table["firm_id"]]
        table[f"c{k}"] = level * np.exp(growth * table["year"] + rng.normal(0, 0.1, len(table)))
    table["x"] = table[["c0", "c1", "c2"]].sum(axis=1)
    table["y"] = 0.5 * table["x"] + rng.normal(size=units)[table["firm_id"]] + rng.normal(size=len(table))
    return table


def test_leave_one_out_mean_by_hand() -> None:
    values, group = pd.Series([1.0, 2.0, 6.0, np.nan, 5.0]), pd.Series(["a", "a", "a", "b", "b"])
    out = leave_one_out_mean(values, [group])
    assert out[:3].tolist() == [4.0, 3.5, 1.5]
    assert out[3:].isna().all()


def test_parts_by_hand() -> None:
    table = pd.DataFrame(
        {
            "firm_id": [1, 1, 2, 2, 3, 3],
            "year": [0, 1] * 3,
            "a": [1.0, 5, 2, 4, 4, 8],
            "b": [3.0, 1, 2, 3, 4, 6],
        }
    )
    z = parts(table, ["a", "b"])
    # Unit 1, year 1: share 1/4; others' mean of a goes from 3 to 6, so 1/4 · 1; b from 3 to 4.5: 3/4 · 1/2.
    assert z.iloc[1].tolist() == pytest.approx([0.25, 0.375])
    assert (z.iloc[[0, 2, 4]] == 0).all(axis=None)


def residualise(rows: pd.DataFrame) -> tuple[np.ndarray, np.ndarray, pd.DataFrame]:
    z = parts(rows, ["c0", "c1", "c2"])
    columns = pd.concat([rows[["y", "x"]], z], axis=1)
    dummies = pd.get_dummies(rows[["firm_id", "year"]].astype(str)).to_numpy(float)
    left = columns - dummies @ np.linalg.lstsq(dummies, columns.to_numpy(), rcond=None)[0]
    return left["y"].to_numpy(), left["x"].to_numpy(), left[["c0", "c1", "c2"]]


def test_rotemberg_weights_add_up_to_two_stage_least_squares(rows: pd.DataFrame) -> None:
    y, x, z = residualise(rows)
    table = rotemberg(y, x, z)
    fit = IV2SLS(y, None, x, z.sum(axis=1)).fit()
    assert table["weight"].sum() == pytest.approx(1.0, abs=1e-12)
    # Identities: only rounding may part them.
    assert (table["weight"] * table["estimate"]).sum() == pytest.approx(fit.params.iloc[0], rel=1e-9)
    single = IV2SLS(y, None, x, z["c1"]).fit().params.iloc[0]
    assert table.loc["c1", "estimate"] == pytest.approx(single, rel=1e-9)


def simulate(strength: float, seed: int, effect: float = 1.0) -> tuple[np.ndarray, ...]:
    rng = np.random.default_rng(seed)
    cluster = np.repeat(np.arange(40), 10)
    z, u = (
        rng.normal(size=400) + rng.normal(size=40)[cluster],
        rng.normal(size=400) + 0.5 * rng.normal(size=40)[cluster],
    )
    x = strength * z + u + rng.normal(size=400)
    y = effect * x + u + rng.normal(size=400)
    return (*tuple(v - v.mean() for v in (y, x, z)), cluster)


@pytest.mark.parametrize(
    ("strength", "seed", "form"), [(0.5, 1, "interval"), (0.08, 9, "outside"), (0.0, 2, "line")]
)
def test_interval_holds_exactly_what_brute_force_does_not_reject(
    strength: float, seed: int, form: str
) -> None:
    y, x, z, cluster = simulate(strength, seed)
    found = anderson_rubin(y, x, z, cluster)
    assert found.form == form
    grid = np.linspace(-20, 20, 401)
    kept = []
    for b in grid:
        fit = sm.OLS(y - b * x, z).fit(cov_type="cluster", cov_kwds={"groups": cluster}, use_t=True)
        kept.append(float(fit.tvalues[0]) ** 2 <= stats.f.ppf(0.95, 1, 39))
    inside = {
        "interval": (grid >= found.low) & (grid <= found.high),
        "outside": (grid <= found.low) | (grid >= found.high),
        "line": np.ones(len(grid), bool),
    }[form]
    assert (np.array(kept) == inside).all()


def test_estimate_error_and_f_are_those_of_linearmodels() -> None:
    y, x, z, cluster = simulate(0.5, 3)
    found = anderson_rubin(y, x, z, cluster)
    fit = IV2SLS(y, None, x, z).fit(cov_type="clustered", clusters=cluster, debiased=True)
    assert found.estimate == pytest.approx(fit.params.iloc[0], rel=1e-10)
    # Same sandwich and correction G/(G−1)·(n−1)/(n−1), no constant in either.
    assert found.std_error == pytest.approx(fit.std_errors.iloc[0], rel=1e-10)
    first = sm.OLS(x, z).fit(cov_type="cluster", cov_kwds={"groups": cluster})
    assert found.f == pytest.approx(float(first.tvalues[0]) ** 2, rel=1e-10)


def test_covers_the_truth_with_a_weak_instrument() -> None:
    covered = []
    for seed in range(400):
        f = anderson_rubin(*simulate(0.1, seed))
        inside = f.low <= 1 <= f.high if f.form == "interval" else f.form == "line" or not f.low < 1 < f.high
        covered.append(inside)
    # 95 % nominal, binomial standard error 1.1 points over 400 draws, 40 clusters a little optimistic.
    assert 0.91 <= np.mean(covered) <= 0.985


def test_says_what_is_wrong(rows: pd.DataFrame) -> None:
    with pytest.raises(EffectsError, match="there is no c9"):
        parts(rows, ["c0", "c9"])
    with pytest.raises(EffectsError, match="not negative"):
        parts(rows.assign(c1=-1.0), ["c0", "c1"])
    with pytest.raises(EffectsError, match="zero at the start"):
        parts(rows.assign(c1=0.0), ["c0", "c1"])
    with pytest.raises(EffectsError, match="must vary"):
        anderson_rubin([1.0, 2], [1.0, 2], [0.0, 0], [1, 2])
    with pytest.raises(EffectsError, match="not correlated"):
        rotemberg([1.0, -1], [1.0, 1], pd.DataFrame({"a": [1.0, -1.0]}))


def test_a_set_as_it_is_written() -> None:
    one = AndersonRubin(0.1, 0.2, "interval", -0.5, 1.25, 0.3, 9.0, 100, 20)
    assert one.written() == "[−0.500, 1.250]"
    assert one._replace(form="outside").written() == "(−∞, −0.500] ∪ [1.250, ∞)"
    assert one._replace(form="line").written() == "(−∞, ∞)"
