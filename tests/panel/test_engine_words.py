"""Headers that are the engine's own words, or that it does not tell apart, keep their cells in every kind of file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from fusion.panel import PanelError, readers


def _folder(frame: pd.DataFrame, place: Path) -> None:
    place.mkdir()
    frame[:20].to_parquet(place / "a.parquet")
    frame[20:].to_parquet(place / "b.parquet")


WRITTEN: dict[str, Callable[[pd.DataFrame, Path], Any]] = {
    "rows.csv": lambda frame, place: frame.to_csv(place, index=False),
    "rows.xlsx": lambda frame, place: frame.to_excel(place, index=False),
    "rows.parquet": lambda frame, place: frame.to_parquet(place),
    "rows.dta": lambda frame, place: frame.to_stata(place, write_index=False),
    "rows": _folder,
}


def _read(con: Any, folder: Path, kind: str, name: str) -> pd.DataFrame:
    frame = pd.DataFrame(
        {"firm_id": [f"f{i % 10}" for i in range(40)], "year": [2015 + i // 10 for i in range(40)]}
    )
    frame["Sales"], frame[name] = range(40), [f"v{i}" for i in range(40)]
    WRITTEN[kind](frame, folder / kind)
    declared = {name: {"type": "str", "label_en": "a label", "label_zh": "标签"}}
    raw = readers.read(con, kind, root=folder, contract="minimal", extra_columns=declared)
    return raw.table.execute()


@pytest.mark.parametrize("kind", WRITTEN)
@pytest.mark.parametrize(
    "name", ["rowid", "ROWID", "row_number", "filename", "FileName", "rownum", "t0", "select"]
)
def test_words_of_the_engine_are_names(con: Any, tmp_path: Path, kind: str, name: str) -> None:
    read = _read(con, tmp_path, kind, name)
    assert list(read[name]) == [f"v{i}" for i in range(40)]
    assert list(read["source_row"]) == [*range(1, 41)]


@pytest.mark.parametrize("kind", WRITTEN)
def test_the_name_that_the_engine_gives_no_choice_of(con: Any, tmp_path: Path, kind: str) -> None:
    if kind in ("rows.parquet", "rows"):
        with pytest.raises(
            PanelError, match="'file_row_number' is the reader's own; give the column another name"
        ):
            _read(con, tmp_path, kind, "file_row_number")
    else:
        assert list(_read(con, tmp_path, kind, "file_row_number")["file_row_number"])[:2] == ["v0", "v1"]


@pytest.mark.parametrize("kind", WRITTEN)
def test_capitals_alone(con: Any, tmp_path: Path, kind: str) -> None:
    """The second of two headers is called alike in every kind of file."""
    with pytest.raises(PanelError, match=r"nearest: 'sales_1'"):
        _read(con, tmp_path, kind, "sales")


@pytest.mark.parametrize("kind", WRITTEN)
def test_the_readers_own_name_in_capitals(con: Any, tmp_path: Path, kind: str) -> None:
    with pytest.raises(PanelError, match="'Source_Row' is the reader's own"):
        _read(con, tmp_path, kind, "Source_Row")
