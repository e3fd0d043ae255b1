"""What a panel says of relatedness and tiers, kept for the next year, so that new returns do not move earlier years."""

from __future__ import annotations

from pathlib import Path

import ibis
import numpy as np
import pandas as pd
import pytest
from test_on_the_panel import with_paths

from fusion.integration import firms, learn, relatedness, tiers
from fusion.integration.errors import IntegrationError
from fusion.panel.synthetic import Settings, generate

KEYS = ["firm_id", "year"]


@pytest.fixture(scope="module")
def panel() -> pd.DataFrame:
    return with_paths(generate(Settings(firms=300), seed=20260101)[0])


def _measured(panel: pd.DataFrame, earlier: Path | None) -> tuple[pd.DataFrame, pd.DataFrame]:
    """F by what each tells, spliced; and what was learned, as the notebook does it."""
    table = ibis.duckdb.connect().create_table("panel", panel)
    known = learn.learned(table, None, earlier)
    related = known.related(relatedness.Choices())
    settings = firms.Settings()
    full = tiers.fullest(table, related, settings, panel[[*KEYS, "path"]])
    steps = known.steps(tiers.overlap(tiers.common(table, related, settings), full))
    return tiers.splice(full, steps).set_index(KEYS).sort_index(), known.kept(firms.means(table), steps)


def test_new_returns_move_no_earlier_year_where_what_was_learned_is_kept(
    panel: pd.DataFrame, tmp_path: Path
) -> None:
    """The last year is left out, then comes; without the artefact all years move, with it none does."""
    last = panel["year"].max()
    old, table = _measured(panel[panel["year"] < last], None)
    table.to_parquet(tmp_path / "learned.parquet")
    moved, _ = _measured(panel, None)
    kept, again = _measured(panel, tmp_path / "learned.parquet")
    same = old.index
    assert (moved.loc[same, "point"] - old["point"]).abs().max() > 1e-4
    pd.testing.assert_series_equal(kept.loc[same, "point"], old["point"], rtol=1e-12)
    pd.testing.assert_frame_equal(again, table)  # the year after the next takes the same
    known = learn.read(tmp_path / "learned.parquet").related(relatedness.Choices())
    panel.to_parquet(tmp_path / "panel.parquet")
    (tmp_path / "parts").mkdir()
    firms.stream(tmp_path / "panel.parquet", tmp_path / "parts", known)
    parts = pd.concat(map(pd.read_parquet, sorted((tmp_path / "parts").glob("*.parquet"))))
    again = firms.integration(ibis.duckdb.connect().create_table("p", panel), known).to_pandas()
    both = parts.merge(again, on=KEYS, suffixes=("", "_whole"))
    assert len(both) == len(again) and (both["point"] - both["point_whole"]).abs().max() < 1e-12
    assert set(table["what"]) >= {learn.TOGETHER, learn.STEP} and len(kept) > len(old)


def test_a_panel_that_says_nothing_keeps_nothing(tmp_path: Path) -> None:
    none = pd.DataFrame({"firm_id": ["a"], "year": [2020], "ind4": ["3911"], "operating_revenue": [1.0]})
    table = ibis.duckdb.connect().create_table("panel", none)
    known = learn.learned(table)
    steps = pd.DataFrame(columns=["path", *learn.STEPS])
    firms.integration(table, known.related(relatedness.Choices()))
    known.kept(firms.means(table), steps).to_parquet(tmp_path / "learned.parquet")
    again = learn.read(tmp_path / "learned.parquet")
    assert again.met.empty and again.tied.empty and again.steps(steps).empty


BROKEN = {
    "lacks what": (lambda t: t.drop(columns="what"), "lacks what"),
    "texts for numbers": (lambda t: t.assign(slope="a"), "lacks slope"),
    "another kind": (lambda t: t.assign(what="x"), "row 1: what is x; allowed: together, tied, mean, step"),
    "a share above one": (
        lambda t: t.assign(what="tied", m=1.0, tied=2.0),
        r"row 1: tied is 2.0; allowed: 0–1",
    ),
    "a negative count": (lambda t: t.assign(what="together", n=-1.0, expected=1.0), "row 1: n is -1.0"),
    "a row twice": (lambda t: pd.concat([t, t]), "row 3: what is step P1; allowed: each once"),
    "no slope of all": (lambda t: t[t["path"] == "P1"], "row 1: path is P1; allowed: total"),
    "a list for a kind": (lambda t: t.assign(what=[["x"]] * len(t)), "row 1: what is "),
    "rows by name": (lambda t: t.assign(what="y").set_index(pd.Index(["a", "b"])), "row 1: what is y"),
    "a slope without a number": (lambda t: t.assign(what="step", slope=np.nan), "row 1: slope is nan"),
}


@pytest.mark.parametrize("how", BROKEN)
def test_what_no_run_writes_is_refused(how: str, tmp_path: Path) -> None:
    change, said = BROKEN[how]
    steps = pd.DataFrame({"path": ["P1", "total"], "slope": [1.1, 1.2], "error": [0.1, 0.1]})
    none = learn.Learned(relatedness.NOTHING, pd.DataFrame(columns=["division", "service", "m", "tied"]))
    table = none.kept(pd.DataFrame(columns=["path", "mean", "n"]), steps)
    change(table).to_parquet(tmp_path / "learned.parquet")
    with pytest.raises(IntegrationError, match=rf"learned.parquet: .*{said}"):
        learn.read(tmp_path / "learned.parquet")


def test_a_file_that_is_not_there_or_no_parquet_is_named(tmp_path: Path) -> None:
    (tmp_path / "b.parquet").write_text("x")
    for name in ("a.parquet", "b.parquet"):
        with pytest.raises(IntegrationError, match=rf"{name}: no Parquet file of an earlier run.*learned"):
            learn.read(tmp_path / name)
