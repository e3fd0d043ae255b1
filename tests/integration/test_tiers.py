"""From service revenue alone to its classes: slopes, splices, and what is carried into totals."""

import numpy as np
import pandas as pd
import pytest

from fusion.integration import draws, sums, tiers


def made(rows: int = 400) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Two paths in which classes say 1.25 and .8 times what revenue alone says; half the firms tell classes from 2021 on."""
    rng = np.random.default_rng(4)
    frame = pd.DataFrame(
        {"firm_id": np.repeat([f"f{i}" for i in range(rows)], 2), "year": [2020, 2021] * rows}
    )
    path = np.where(np.arange(2 * rows) // 2 % 2 == 0, "P1", "P2")
    rough = rng.uniform(0.05, 0.5, 2 * rows)
    tier = np.where((frame["year"] == 2021) & (np.arange(2 * rows) // 4 % 2 == 0), 2, 1)
    true = rough * np.where(path == "P1", 1.25, 0.8)
    point = np.where(tier == 2, true * np.exp(rng.normal(0, 0.05, 2 * rows)), rough)
    full = frame.assign(path=path, tier=tier, point=point, low=0.0, high=0.95, volume=100.0, true=true)
    return frame.assign(point=rough), full


def test_slopes_and_the_step_that_they_take_out() -> None:
    common, full = made()
    found = tiers.overlap(common, full).set_index("path")
    assert list(found.index) == ["P1", "P2", "total"]
    assert found.loc["P1", "slope"] == pytest.approx(1.25, abs=0.02)
    assert found.loc["P2", "slope"] == pytest.approx(0.8, abs=0.02)
    assert found.loc["total", "passing"] == 200 and found.loc["P1", "units"] == 100
    spliced = tiers.splice(full, found.reset_index())
    own = full["path"] == "P1"
    step = [rows.loc[own].groupby("year")["point"].mean().pct_change().iloc[-1] for rows in (full, spliced)]
    truth = full.loc[own].groupby("year")["true"].mean().pct_change().iloc[-1]
    assert abs(step[0] - truth) > 0.08 and abs(step[1] - truth) < 0.02
    assert spliced.loc[full["tier"] == 2, "point"].equals(full.loc[full["tier"] == 2, "point"])
    assert (spliced["splice"][full["tier"] == 2] == 1).all() and (spliced["splice_error"] >= 0).all()


def test_a_splice_stays_within_what_was_told() -> None:
    common, full = made()
    found = tiers.overlap(common, full)
    tight = full.assign(high=full["point"] * 1.1)
    assert (tiers.splice(tight, found)["point"] <= tight["high"] + 1e-12).all()
    few = full.assign(tier=1)
    assert tiers.overlap(common, few).empty
    assert tiers.splice(few, tiers.overlap(common, few))["point"].equals(few["point"])


def test_few_of_a_path_take_the_slope_of_all() -> None:
    common, full = made(100)
    small = full.assign(path=full["path"].where(full.index < 194, "P9"))
    found = tiers.overlap(common, small)
    assert "P9" not in set(found["path"])
    moved = tiers.splice(small, found)
    nine = (small["path"] == "P9") & (small["tier"] == 1)
    total = found.set_index("path").loc["total", "slope"]
    np.testing.assert_allclose(moved.loc[nine, "splice"], np.minimum(total, 0.95 / small.loc[nine, "point"]))


def test_errors_of_totals_add_up() -> None:
    """Between imputations, between draws of relatedness, and of the slope: each by its formula, and their squares add up."""
    common, full = made()
    rows = tiers.splice(full, tiers.overlap(common, full))
    rng = np.random.default_rng(0)
    base = rows["point"].to_numpy()
    imputed = base + rng.normal(0, 0.02, (20, len(rows)))
    related = base * (1 + rng.normal(0, 0.1, (20, 1)))  # one shift for all firms: it does not average out
    found = sums.totals(rows, imputed, ["year"], related=related).set_index("year")
    parts = found[list(sums.ERRORS)]
    np.testing.assert_allclose((parts**2).sum(axis=1), found["error"] ** 2, rtol=1e-12)
    own = (rows["year"] == 2021).to_numpy()
    each = 100 * imputed[:, own].mean(axis=1)
    assert found.loc[2021, "silent_error"] == pytest.approx(np.sqrt(1.05 * each.var(ddof=1)), rel=1e-9)
    moved = 100 * related[:, own].mean(axis=1)
    assert found.loc[2021, "related_error"] == pytest.approx(moved.std(ddof=1), rel=1e-9)
    assert found.loc[2021, "splice_error"] == pytest.approx(
        100 * rows.loc[own, "splice_error"].mean(), rel=1e-9
    )
    assert (found["sampled_error"] == 0).all()
    alone = sums.totals(rows, imputed, ["year"])
    assert (alone["related_error"] == 0).all() and (alone["error"] < found["error"].to_numpy()).all()


def test_the_silent_move_with_those_that_tell() -> None:
    rows = pd.DataFrame(
        {
            "firm_id": list("abc"),
            "year": 2020,
            "path": ["P1", "P1", "P2"],
            "point": [0.2, np.nan, np.nan],
            "volume": [10.0, 30.0, 5.0],
        }
    )
    imputed = np.array([[0.2, 0.1, 0.3], [0.2, 0.3, 0.3]])
    at = rows.loc[[0], ["firm_id", "year"]]
    found = draws.of_all(rows, imputed, at, np.array([[0.3, 0.1]]))
    # b is at .2 by its imputations and follows a, up by half and down by half; nobody of P2 tells, so c stays.
    np.testing.assert_allclose(found, [[0.3, 0.3, 0.3], [0.1, 0.1, 0.3]])
    assert draws.of_all(rows, None, at, np.array([[0.3]])) is None


def test_lines_have_bands_and_leave_out_small_groups() -> None:
    table = pd.DataFrame(
        {
            "path": ["P1", "P1", "P2"],
            "year": [2020, 2021, 2021],
            "units": [10, 9, 30],
            "value": [40.0, 41.0, np.nan],
            "error": [2.0, 2.0, np.nan],
        }
    )
    found = sums.lines(table)
    assert found.to_dict("list") == {
        "path": ["P1"],
        "year": [2020],
        "units": [10],
        "mean": [40.0],
        "low": [40 - 3.92],
        "high": [40 + 3.92],
    }


def test_parts_of_a_year_are_those_of_paths_and_of_all() -> None:
    _, full = made(20)
    drawn = np.tile(full["point"].to_numpy(), (3, 1))
    found = sums.year_parts(full, drawn, 2021)
    assert set(found["path"]) == {"P1", "P2", "total"} and len(found) == 40
    share = 100 * full.loc[full["year"] == 2021, "point"].mean()
    total = found[found["path"] == "total"]
    assert total["value_part"].sum() / total["value_whole"].sum() == pytest.approx(share)
    assert sums.year_parts(full, None, 2021)["yuan"].isna().all()


def test_what_firms_add_to_shares_of_one_whole_makes_these_shares() -> None:
    """Rules of secrecy judge a share by its part and its whole; the whole of each cell is that of all firms."""
    _, full = made(40)
    rows = full[full["year"] == 2021].assign(volume=lambda f: np.arange(1.0, len(f) + 1))
    rows.loc[rows.index[:9], "point"] = np.nan
    table = sums.silence(rows).set_index("told")["volume"]
    parts = sums.silence_parts(rows).groupby("told")[["volume_part", "volume_whole"]].sum()
    assert set(table.index) == {"positive", "silent"}
    assert (parts["volume_part"] / parts["volume_whole"]).to_dict() == pytest.approx(table.to_dict())
    stages = sums.chains()["stage"].drop_duplicates().iloc[:2]
    amount = pd.DataFrame({"firm_id": ["f1", "f2", "f3"], "year": 2021, "amount": [1e4, 2e4, 5e4]})
    amount = amount.assign(stage=[stages.iloc[i] for i in (0, 0, 1)]).assign(
        stages_possible=lambda f: f["stage"]
    )
    told, each = sums.by_stage(amount, rows, 2021)
    parts = each.groupby("stage")[["share_part", "share_whole"]].sum()
    ratio = (parts["share_part"] / parts["share_whole"]).to_dict()
    assert ratio == pytest.approx(told.set_index("stage")["share"].to_dict())


def test_a_band_of_shares_stays_within_them() -> None:
    table = pd.DataFrame(
        {"path": "P1", "year": [1, 2], "units": 20, "value": [1.0, 99.0], "error": [2.0, 2.0]}
    )
    assert sums.lines(table)[["low", "high"]].to_numpy().ravel().tolist() == pytest.approx(
        [0, 4.92, 95.08, 100]
    )
