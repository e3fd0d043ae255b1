"""A folder of Parquet files is reached when it is the study's source, and when it is not, it is not."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pandas as pd
import pytest

from workbook import Book


def test_a_folder_is_reached_as_the_source_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FUSION_BUILD", str(tmp_path / "build"))
    (tmp_path / "rows").mkdir()
    pd.DataFrame({"a": [1, 2]}).to_parquet(tmp_path / "rows" / "one.parquet")
    query = f"SELECT count(*) FROM read_parquet('{tmp_path / 'rows' / 'one.parquet'}')"
    book, other = Book("01_panel", "folder"), Book("01_panel", "folder")
    book.parameters = {"source": str(tmp_path / "rows")}
    other.parameters = {"lists": [str(tmp_path / "rows")]}
    assert book.connection.raw_sql(query).fetchone() == (2,)
    with pytest.raises(duckdb.PermissionException):
        other.connection.raw_sql(query)
