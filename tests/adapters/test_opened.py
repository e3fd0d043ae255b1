"""A study's source is read by what it is: the generator, an adapter's files, or a file as it stands."""

from __future__ import annotations

from pathlib import Path

import exports
import pandas as pd
import pytest

from fusion import adapters, engine
from fusion.panel import synthetic

MADE = (synthetic.Settings(firms=60, first_year=2016, last_year=2021), 5)
ROWS = pd.DataFrame({"firm_id": ["a", "b"], "year": [2018, 2018], "x": [1.5, 2.5]})


def test_the_generator_gives_its_truth_and_no_fate_of_rows(tmp_path: Path) -> None:
    found = adapters.opened(
        engine.opened(tmp_path),
        "synthetic",
        None,
        MADE,
        root=tmp_path,
        contract="enterprise",
        extra_columns={},
    )
    rows, truth = synthetic.generate(*MADE)
    assert found.adapted is None and found.raw.rows == len(rows)
    pd.testing.assert_frame_equal(found.truth, truth)


def test_a_file_has_neither_truth_nor_fate(tmp_path: Path) -> None:
    ROWS.to_csv(tmp_path / "a.csv", index=False)
    extra = {"x": {"type": "float", "label_en": "x", "label_zh": "x"}}
    con = engine.opened(tmp_path)
    found = adapters.opened(con, "a.csv", None, MADE, root=tmp_path, contract="minimal", extra_columns=extra)
    assert (found.raw.rows, found.adapted, found.truth) == (2, None, None)
    with pytest.raises(adapters.PanelError, match=r"b\.csv"):
        adapters.opened(con, "b.csv", None, MADE, root=tmp_path, contract="minimal", extra_columns=extra)


def test_files_of_an_adapter_have_the_fate_of_each_row(made: pd.DataFrame, tmp_path: Path) -> None:
    files = [file.name for file in exports.bureau(made, tmp_path)]
    con = engine.opened(tmp_path)
    found = adapters.opened(con, files, "bureau", MADE, root=tmp_path, contract="minimal", extra_columns=None)
    assert found.adapted is not None and found.raw is found.adapted.raw and found.truth is None
    assert found.raw.rows == len(made)
