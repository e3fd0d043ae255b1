"""Columns whose odd cells are plain words are told of without the expressions that mend a cell."""

from __future__ import annotations

from pathlib import Path

import pytest

from fusion import engine
from fusion.panel import readers


@pytest.mark.parametrize(
    ("cell", "value", "rules"),
    [
        ("n.k.", None, {"not_a_number"}),
        ("NA", None, {"missing_word"}),
        ("１２", 12.0, {"number_normalised"}),
        ("1,234.5", 1234.5, {"number_normalised"}),
        (" 7 ", 7.0, set()),
        ("7\u200b", 7.0, {"unseen_marks"}),
        ("45%", 0.45, {"percent_read"}),
        ("1_000", None, {"not_a_number"}),
        ("-", None, {"missing_word"}),
    ],
)
@pytest.mark.parametrize("beside", ["", "n.k.", "NA"])
def test_a_cell_is_read_alike_whatever_stands_beside_it(
    tmp_path: Path, cell: str, value: float | None, rules: set[str], beside: str
) -> None:
    """A column of this cell alone, of it and of a word that is no number, of it and of a word for missing."""
    (tmp_path / "a.csv").write_text(
        "\n".join(["firm_id,year,share_x", f'f1,2015,"{cell}"', f"f1,2016,{beside}", "f1,2017,3.5"]) + "\n",
        "utf-8",
    )
    extra = {"share_x": {"label_en": "Share", "label_zh": "比重", "unit": ""}}
    raw = readers.read(
        engine.opened(tmp_path), "a.csv", root=tmp_path, contract="minimal", extra_columns=extra
    )
    rows = raw.table.order_by("source_row").to_pandas()
    assert (
        rows["share_x"].iloc[0] == pytest.approx(value)
        if value is not None
        else rows["share_x"].isna().iloc[0]
    )
    assert rows["share_x"].iloc[2] == 3.5
    told = raw.quality[raw.quality["field"].eq("share_x")]
    others = {"n.k.": {"not_a_number"}, "NA": {"missing_word"}}.get(beside, set())
    assert set(told["rule"]) == rules | others
