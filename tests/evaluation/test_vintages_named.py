"""Earlier results that a study names are looked at before its chain; corrections may name a column as its file does."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from fusion import engine
from fusion.editing import corrections
from fusion.evaluation import totals
from fusion.evaluation.errors import EvaluationError
from fusion.panel import PanelError, readers
from fusion.start import preview

RETURNS = pd.DataFrame(
    {"firm_id": ["a", "b"], "year": [2019, 2020], "path": ["p", "q"], "operating_revenue": [1.0, 2.0]}
)
YEARS = range(2018, 2022)


def _refused(file: Path) -> str:
    with pytest.raises(EvaluationError) as caught:
        totals.earlier(file, ["operating_revenue"], YEARS, ["firm_id", "year"])
    assert file.name in str(caught.value)
    return str(caught.value)


def test_a_whole_one_is_read(tmp_path: Path) -> None:
    RETURNS.to_parquet(tmp_path / "r.parquet")
    assert len(totals.earlier(tmp_path / "r.parquet", ["operating_revenue"], YEARS, ["firm_id", "year"])) == 2


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda r: r.drop(columns="firm_id"), "firm_id"),
        (lambda r: r.drop(columns="path"), "path"),
        (lambda r: r.drop(columns="operating_revenue"), "operating_revenue"),
        (lambda r: r.assign(year=1990), "2018–2021"),
        (lambda r: r.assign(year="x"), "2018–2021"),
        (lambda r: pd.concat([r, r]), "twice"),
        (lambda r: r.assign(operating_revenue="much"), "operating_revenue"),
    ],
)
def test_what_is_no_vintage_of_the_study_is_told(tmp_path: Path, change: Any, told: str) -> None:
    change(RETURNS).to_parquet(tmp_path / "r.parquet", index=False)
    assert told in _refused(tmp_path / "r.parquet")


def test_what_is_no_parquet_is_told(tmp_path: Path) -> None:
    for name, content in (
        ("a.parquet", b""),
        ("b.parquet", b"PAR1 no"),
        ("c.parquet", b"firm_id,year\na,1\n"),
    ):
        (tmp_path / name).write_bytes(content)
        _refused(tmp_path / name)
    RETURNS.to_parquet(tmp_path / "d.parquet")
    whole = (tmp_path / "d.parquet").read_bytes()
    (tmp_path / "d.parquet").write_bytes(whole[: len(whole) // 2])
    _refused(tmp_path / "d.parquet")
    (tmp_path / "e.parquet").mkdir()
    _refused(tmp_path / "e.parquet")
    _refused(tmp_path / "none.parquet")


def test_validation_looks_at_both(tmp_path: Path) -> None:
    (tmp_path / "v.parquet").write_bytes(b"x")
    flat = {
        "first_year": 2018,
        "last_year": 2021,
        "judged_on": "fi",
        "bureau_measures": ["operating_revenue"],
    }
    named = {"vintage": "v.parquet", "vintage_returns": "v.parquet"}
    assert [name for name, _ in preview.vintages(flat | named, tmp_path)] == ["vintage", "vintage_returns"]
    assert [*preview.vintages(flat | dict.fromkeys(named), tmp_path)] == []


def test_returns_of_other_units_are_another_studys(tmp_path: Path) -> None:
    RETURNS.to_parquet(tmp_path / "r.parquet")
    con = engine.opened(threads=1)
    for unit, wrong in (("a", 0), ("z", 1)):
        seen = con.create_table(f"t_{unit}", pd.DataFrame({"firm_id": [unit, "y"]}))
        rows = preview.Rows(seen, seen, [], None, frozenset())  # type: ignore[arg-type]
        assert len([*preview.strange(rows, {"vintage_returns": "r.parquet"}, tmp_path)]) == wrong


# -- a column that has another name from reading on ----------------------------------------------------
def _raw() -> Any:
    made = pd.DataFrame(
        {"firm_id": ["a", "b"], "year": [2019, 2019], "operating_revenue": [1.0, 2.0], "treated": [5.0, 6.0]}
    )
    extra = {"treated": {"label_en": "T", "label_zh": "处理", "kept_as": "own_treated"}}
    return readers.take(engine.opened(threads=1), made, contract="minimal", extra_columns=extra).apart()


def _lines(*fields: str) -> pd.DataFrame:
    line = {
        "unit": "a",
        "year": 2019.0,
        "kind": "slip",
        "old": 5.0,
        "new": 7.0,
        "factor": None,
        "form": "",
        "measure": "",
    }
    told = {"reason": "r", "who": "me", "decided_at": "2021", "source": ""}
    return pd.DataFrame([{"line": i, "field": f, **line, **told} for i, f in enumerate(fields, 2)])


@pytest.mark.parametrize("field", ["treated", "own_treated"])
def test_corrections_follow_a_column_to_its_other_name(field: str) -> None:
    done = corrections.apply(_raw(), _lines(field), "c.csv")
    table = done.raw.table.order_by("firm_id").to_pandas()
    assert table["own_treated"].tolist() == [7.0, 6.0] and done.log["field"].tolist() == ["own_treated"]


def test_a_cell_that_is_corrected_under_both_names_is_told() -> None:
    with pytest.raises(PanelError, match=r"c\.csv"):
        corrections.apply(_raw(), _lines("treated", "own_treated"), "c.csv")
