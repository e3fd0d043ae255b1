"""A small Monte Carlo: columns, arithmetic, and alarms that cannot be missed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from estimators.effects import dynamics
from evidence.montecarlo import draw, run, summary
from evidence.montecarlo.modes import MODES, Mode, MonteCarloError
from evidence.montecarlo.summary import COLUMNS, alarm_table, summarise, verdicts
from fusion.panel.synthetic import Settings

QUICK = ("cs_not_yet", "imputation", "stacked")


def made(estimates: list[float], truth: float, mode: str = "parallel") -> pd.DataFrame:
    table = pd.DataFrame(
        {"estimate": estimates, "std_error": 0.1, "truth": truth, "seed": range(len(estimates))}
    )
    return table.assign(
        mode=mode,
        firms=1500,
        estimator="x",
        pretrend=[0.01, 0.5, 0.6, np.nan],
        base=0.5,
        spillover=0.5,
        effect=0.5,
        band=[1.0, 1.0, 0.0, np.nan],
        alone=[1.0, 0.0, 0.0, np.nan],
    ).assign(ci_low=lambda t: t["estimate"] - 0.196, ci_high=lambda t: t["estimate"] + 0.196)


def test_summary_by_hand() -> None:
    row = summarise(made([1.0, 1.1, 1.3, 0.1], 1.0)).iloc[0]
    assert list(summarise(made([1.0, 1.1, 1.3, 0.1], 1.0))) == COLUMNS
    assert row["bias"] == pytest.approx(-0.125) and row["draws"] == 4
    assert row["coverage"] == 0.5  # 1.3 and 0.1 lie more than 0.196 away
    assert row["rejection"] == 0.75  # 0.1 is within 0.196 of zero
    assert row["alarm"] == pytest.approx(1 / 3) and row["alarm_name"] == "pretrend"  # one of three that ran
    assert row["band"] == pytest.approx(2 / 3) and row["alone"] == pytest.approx(
        1 / 3
    )  # of three with a path
    failed = summarise(made([1.0, 1.1, np.nan, 1.0], 1.0)).iloc[0]
    assert failed["failed"] == 1 and failed["draws"] == 3 and failed["coverage"] == 1


def test_alarm_table_by_hand() -> None:
    rates = alarm_table(made([1.0, 1.0, 1.0, 1.0], 1.0)).iloc[0]
    assert rates["pretrend"] == pytest.approx(1 / 3) and rates["base"] == 0


def many(
    mode: str, rings: int, covered: int, draws: int = 400, firms: int = 1500, held: int | None = None
) -> pd.DataFrame:
    """Draws of which so many ring the alarm of leads, and in so many the interval holds the truth, and the band the path."""
    table = pd.DataFrame(
        {"seed": range(draws), "mode": mode, "firms": firms, "base": 0.5, "spillover": 0.5, "effect": 0.5}
    )
    low = np.where(np.arange(draws) < covered, -1.0, 0.5)
    made_up = {
        "estimator": "headline",
        "estimate": 0.7,
        "std_error": 1.0,
        "truth": 0.0,
        "ci_low": low,
        "ci_high": 1.0,
        "band": np.arange(draws) < (covered if held is None else held),
        "alone": 0.0,
    }
    return table.assign(pretrend=[0.01] * rings + [0.6] * (draws - rings), **made_up)


def test_verdicts_by_hand() -> None:
    """At 400 draws: 93 to 97 % covered, at most 7.5 % rejected where nothing is broken, half of all alarms raised."""
    good = pd.concat([many("parallel", 30, 372), many("trend", 200, 0)])
    found = verdicts(good).set_index(["mode", "what", "name"])
    assert found["ok"].all() and found["known"].eq("").all() and len(found) == 6
    assert found.loc[("parallel", "quiet", "pretrend"), "rate"] == 0.075
    assert found.loc[("parallel", "coverage", "headline"), "rate"] == 0.93
    assert found.loc[("parallel", "band", "headline"), "rate"] == 0.93
    paths = verdicts(many("parallel", 0, 380, held=371)).set_index("what")
    assert not paths.loc["band", "ok"] and paths.loc["coverage", "ok"]
    wrong = verdicts(pd.concat([many("parallel", 31, 371, held=380), many("trend", 199, 0)]))
    assert wrong.loc[~wrong["ok"], ["mode", "what"]].to_numpy().tolist() == [
        ["parallel", "quiet"],
        ["parallel", "coverage"],
        ["trend", "raised"],
    ]
    assert wrong["known"].eq("").sum() == len(wrong) - 1, "but for coverage, whose reason is known"
    few = verdicts(many("parallel", 6, 37, draws=40)).set_index("what")
    # 40 draws: three simulation errors are 10 points.
    assert few["ok"].all()


def test_an_alarm_that_needs_more_firms_must_ring_there() -> None:
    """Silent at 1,500 firms and raised in 5,000: known. Silent in both: a wrong verdict."""
    silent = many("trend", 60, 0)
    told = verdicts(pd.concat([silent, many("trend", 50, 0, draws=100, firms=5000)])).set_index("firms")
    assert told["known"].to_dict() == {1500: "larger_sample", 5000: ""} and told["ok"].to_dict()[5000]
    # 100 draws: three simulation errors of a half are 15 points.
    mute = verdicts(pd.concat([silent, many("trend", 34, 0, draws=100, firms=5000)]))
    assert not mute["ok"].any() and mute["known"].eq("").all()
    assert alarm_table(pd.concat([silent, many("trend", 50, 0, 100, 5000)]))["firms"].tolist() == [1500, 5000]


def test_what_is_known_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(summary.KNOWN, ("coverage", "headline"), "shocks")
    found = verdicts(many("parallel", 0, 360)).set_index("what")
    assert found.loc["coverage", "known"] == "shocks" and (found.loc["quiet", "known"] == "").all()
    assert set(summary.KNOWN.values()) and all(
        what in ("coverage", "band", "quiet", "raised") for what, _ in summary.KNOWN
    )


def test_one_draw_is_repeatable_and_complete() -> None:
    first = draw.one_draw("parallel", 3, firms=300, estimators=QUICK)
    again = draw.one_draw("parallel", 3, firms=300, estimators=QUICK)
    pd.testing.assert_frame_equal(first, again)
    assert list(first["estimator"]) == list(QUICK) and first["estimate"].notna().all()
    assert np.isnan(first.loc[2, "truth"]) and first.loc[0, "truth"] > 0, (
        "a stack is of firms seen in every year"
    )


def test_the_null_has_no_truth() -> None:
    table = draw.one_draw("null", 3, firms=300, estimators=("cs_not_yet", "stacked", "twfe"))
    assert (table["truth"] == 0).all(), "where nothing has an effect, every average of effects is nothing"


@pytest.mark.parametrize(
    ("settings", "alarm"),
    [
        ({"trend": 0.1}, "pretrend"),
        ({"dip": 0.3}, "base"),
        ({"spillover": 0.0, "null_effect": True}, None),
    ],
    ids=["trend", "dip", "nothing"],
)
def test_alarms_ring_when_much_is_broken(settings: dict[str, float], alarm: str | None) -> None:
    """Ten times the modes' own size, so that one draw is enough; with nothing broken no p-value is as small."""
    rows, _ = draw.panel(Settings(firms=500, missingness=0.0, **settings), 5)  # type: ignore[arg-type]
    data = dynamics.cohort_panel(
        rows, "pilot_start_year", "ln_lp", draw.CONTROLS, keep=["path", "district", *draw.CONTROLS]
    ).data
    p = draw.alarms(data)
    if alarm:
        assert p[alarm] < 1e-3  # the least that 1,999 draws of signs can give is 1/2,000
    else:
        # Four tests, at 0.1 % each: a false alarm of this test has probability 0.4 %, and the seed is fixed.
        assert min(p.values()) > 0.001


def test_every_mode_has_settings_that_the_generator_takes() -> None:
    for name, mode in MODES.items():
        assert isinstance(mode, Mode)
        Settings(firms=300, **mode.settings)
        assert mode.told_from or name in summary.QUIET or ("raised", mode.alarm) in summary.KNOWN
    assert {m.alarm for m in MODES.values()} == {"pretrend", "base", "spillover", "effect"}


def test_the_command_writes_its_tables(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "montecarlo.csv"
    # A mode whose alarm is raised or not in larger samples: 500 firms, so that the test is short.
    monkeypatch.setitem(MODES, "trend", Mode({"trend": 0.1}, "pretrend", 500))
    arguments = "--draws 2 --larger 1 --firms 300 --seed 5 --processes 1 --modes null trend --estimators headline twfe --out"
    told = tmp_path / "kept" / "trials.csv"
    told.parent.mkdir()
    assert run.main([*arguments.split(), str(out), "--keep", str(told)]) == 0
    assert pd.read_csv(told, keep_default_na=False)["name"].tolist() == ["headline", "headline", "twfe"]
    table = pd.read_csv(out)
    assert list(table) == COLUMNS and len(table) == 4
    assert sorted(p.name for p in tmp_path.glob("*.csv")) == [
        "montecarlo.csv",
        "montecarlo_alarms.csv",
        "montecarlo_draws.csv",
        "montecarlo_verdicts.csv",
    ]
    assert "coverage" in capsys.readouterr().out
    assert pd.read_csv(out.with_name("montecarlo_draws.csv"))["firms"].value_counts().to_dict() == {
        300: 8,
        500: 1,
    }


def test_what_is_kept_of_a_run_takes_the_place_of_the_same_trial() -> None:
    found = verdicts(pd.concat([many("null", 0, 380, held=330), many("null", 0, 380, firms=300, held=300)]))
    first = summary.kept(found)
    assert list(first) == summary.KEPT and set(first["what"]) == {"coverage", "band"} and len(first) == 4
    again = summary.kept(verdicts(many("null", 0, 380, held=390)), first)
    rates = again[again["what"] == "band"].set_index("firms")["rate"]
    assert len(again) == 4 and rates.to_dict() == {300: 300 / 400, 1500: 390 / 400}


def test_bad_names_are_named() -> None:
    with pytest.raises(MonteCarloError, match="mode 'storm'; known: parallel"):
        draw.one_draw("storm", 1)
    with pytest.raises(MonteCarloError, match="estimators magic; known: headline"):
        draw.one_draw("null", 1, estimators=("magic",))
    with pytest.raises(MonteCarloError, match="mode 'parallel' has 1 draw"):
        summarise(made([1.0] * 4, 1.0).iloc[:1])
