"""A study run twice, with other locale, time zone, hash seed, permissions, folder and notebooks at a time: the same bytes."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from ruamel.yaml import YAML

from workbook import files, paths
from workbook.review.compare import reproduce

NOTEBOOKS = ["01_panel", "02_classification", "03_indicators", "09_evaluation"]


def test_two_runs_of_a_study_leave_the_same_bytes(tmp_path: Path) -> None:
    study = YAML(typ="safe").load((paths.PARAMS / "smoke.yaml").read_text("utf-8"))
    study["study"]["notebooks"] = NOTEBOOKS
    with (tmp_path / "again.yaml").open("w", encoding="utf-8") as stream:
        YAML().dump(study, stream)
    count, differing = reproduce.twice("again", tmp_path / "again.yaml")
    assert differing == []
    assert count > 250, "frames, pages, pictures, documents and the record"


def test_the_first_difference_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("x,y\n1,2\n3,4\n", "utf-8")
    (tmp_path / "b.csv").write_text("x,y\n1,2\n3,5\n", "utf-8")
    pd.DataFrame({"x": [1.0, 2.0]}).to_parquet(tmp_path / "a.parquet")
    pd.DataFrame({"x": [1.0, 2.0 + 1e-15]}).to_parquet(tmp_path / "b.parquet")

    def told(suffix: str) -> str:
        name = Path(f"t{suffix}")
        return reproduce._difference(name, {name: tmp_path / f"a{suffix}"}, {name: tmp_path / f"b{suffix}"})

    assert told(".csv") == "t.csv, line 3: '3,4' / '3,5'"
    assert told(".parquet").startswith("t.parquet: x, row 1: 2.0 / 2.000000000000001")
    assert reproduce._difference(Path("t"), {Path("t"): tmp_path / "a.csv"}, {}) == "t: in one run alone"


@pytest.mark.parametrize("kind", ["docx", "xlsx"])
def test_documents_say_nothing_of_when_they_were_made(kind: str, tmp_path: Path) -> None:
    made = tmp_path / f"x.{kind}"
    if kind == "docx":
        from docx import Document

        Document().save(str(made))
    else:
        pd.DataFrame({"a": [1]}).to_excel(made)
    settled = files.undated(made.read_bytes())
    assert files.undated(settled) == settled and b"1980" not in made.read_bytes()[:50]
    made.write_bytes(settled)
    if kind == "xlsx":
        assert pd.read_excel(made)["a"].tolist() == [1]
