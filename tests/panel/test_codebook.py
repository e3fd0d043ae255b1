"""What is in a panel: its columns, what is missing, the study's own columns, and rows that a study's conditions left."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from fusion.panel import PanelError, readers
from fusion.panel.clean import SampleFlow
from fusion.panel.codebook import codebook, coverage, derived, gaps
from fusion.panel.contract import Column

nan = np.nan
FRAME = pd.DataFrame(
    {
        "firm_id": ["a", "a", "a", "a", "b", "b"],
        "year": [2017, 2014, 2015, 2013, 2015, 2016],
        "z": [2.0, 0.0, nan, 4.0, 5.0, 5.0],
        "start": [2015, 2015, 2015, 2015, nan, nan],
        "y": [np.log(8), np.log(2), np.log(4), 0, nan, nan],
    }
)


def test_codebook_and_coverage(con: Any) -> None:
    table = con.create_table("codebook_input", FRAME, temp=True, overwrite=True)
    known = [
        Column("firm_id", "Firm", "企业", type="str", role="key"),
        Column("z", "Z", "某", unit="%", role="extra"),
    ]
    start = Column("start", "Start", "起始", null_is="answer")
    own = derived({"y": {"label_en": "Y", "label_zh": "某", "unit": "ln"}}, {"y": "number"})
    book = codebook(table, [*known, start, *own, Column("absent", "A", "A")])
    assert book["column"].tolist() == ["firm_id", "z", "start", "y"]
    named = codebook(table, [*known, start, *own], "hospital | 医院").loc[0, ["label_en", "label_zh"]]
    assert named.tolist() == ["Hospital identifier", "医院标识"]
    assert book["n"].tolist() == [6, 5, 4, 4] and book["role"].tolist()[-1] == "derived"
    # 1e-12: shares of small whole numbers.
    np.testing.assert_allclose(book["missing_share"], [0, 1 / 6, 2 / 6, 2 / 6], rtol=1e-12)
    assert gaps(book, [*known, start]) == ["z"]
    by_year = coverage(table, ["z"]).set_index("year")
    assert by_year["firms"].to_dict() == {2013: 1, 2014: 1, 2015: 2, 2016: 1, 2017: 1}


def test_conditions_of_a_study_are_steps_of_the_flow(con: Any) -> None:
    table = con.create_table("flow_input", FRAME, temp=True, overwrite=True)
    counts = {"rows": [5, 3], "units": [2, 2], "not_met": [1, 1], "missing": [0, 1]}
    rules = pd.DataFrame({"text": ["year > 2013", "z > 1"], **counts})
    left = table.filter((table.year > 2013) & (table.z > 1))
    steps = SampleFlow(table).chosen(left, rules).to_frame()
    assert steps["rows"].tolist() == [6, 5, 4, 3] and steps["rows_dropped"].tolist() == [0, 1, 1, 1]
    assert steps["reason_en"].tolist()[1:] == [
        "not: year > 2013",
        "not: z > 1",
        "missing, so that it cannot be told: z > 1",
    ]
    nobody = pd.DataFrame({"text": ["z > 99"], "rows": [0], "units": [0], "not_met": [5], "missing": [1]})
    with pytest.raises(PanelError, match="z > 99"):
        SampleFlow(table).chosen(table.filter(table.z > 99), nobody)


def test_a_column_of_open_type_is_what_its_cells_are(con: Any, tmp_path: Path) -> None:
    (tmp_path / "mine.csv").write_text("firm_id,year,GDP,kind\na,2020,1.5,x\na,2021,,2\n", "utf-8")
    extra = {n: {"label_en": n, "label_zh": n, "type": "auto"} for n in ("GDP", "kind")}
    raw = readers.read(con, "mine.csv", root=tmp_path, contract="minimal", extra_columns=extra)
    found = raw.table.order_by("year").to_pandas()
    assert found["GDP"].iloc[0] == 1.5 and found["kind"].tolist() == ["x", "2"]
    assert raw.columns["GDP"].type == "float" and raw.columns["kind"].type == "str"
