"""An engine whose memory runs out says so: nothing is wrong with the file."""

from __future__ import annotations

from pathlib import Path

import duckdb
import ibis
import pytest

from fusion.adapters import panel as adapted
from fusion.adapters.errors import AdapterError
from fusion.language import speaking
from fusion.panel import files, readers
from fusion.panel.errors import PanelError

HOW = {"contract": "minimal", "money_unit": "万元"}
WORDS = {"en": ("memory is too small", "write"), "zh": ("内存不足", "重新写出")}


@pytest.fixture
def small(tmp_path: Path) -> ibis.backends.duckdb.Backend:
    """An engine with little memory and nowhere to spill to, and a file that is larger."""
    rows = "".join(f"F{i},2020,{'x' * 400}{i}\n" for i in range(60_000))
    (tmp_path / "large.csv").write_text("firm_id,year,remark\n" + rows)
    con = ibis.duckdb.connect()
    con.raw_sql("SET memory_limit = '12MB'; SET max_temp_directory_size = '0B'; SET threads = 1")
    return con


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_file_larger_than_the_engine_is_not_called_broken(
    small: ibis.backends.duckdb.Backend, tmp_path: Path, language: str
) -> None:
    extra = {"remark": {"label_en": "remark", "label_zh": "remark", "type": "str"}}
    with speaking(language), pytest.raises(PanelError) as refused:
        readers.read(small, "large.csv", root=tmp_path, extra_columns=extra, **HOW)
    right, wrong = WORDS[language]
    assert right in str(refused.value) and "--memory" in str(refused.value)
    assert wrong not in str(refused.value) and "large.csv" in str(refused.value)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_nor_by_an_adapter(monkeypatch: pytest.MonkeyPatch, language: str) -> None:
    def runs_out(*given: object) -> None:
        raise duckdb.OutOfMemoryException("Out of Memory Error: failed to pin block")

    monkeypatch.setattr(adapted, "_read", runs_out)
    monkeypatch.setattr(adapted, "look_all", lambda *given: [])
    monkeypatch.setattr(adapted, "problems", lambda *given: [])
    with speaking(language), pytest.raises(AdapterError) as refused:
        adapted.convert(ibis.duckdb.connect(), [], None, None)  # type: ignore[arg-type]
    right, wrong = WORDS[language]
    assert right in str(refused.value) and wrong not in str(refused.value)


def test_nor_where_a_file_is_opened() -> None:
    with (
        pytest.raises(PanelError, match="memory is too small"),
        files.whole(Path("a.parquet"), "Parquet", ""),
    ):
        raise duckdb.OutOfMemoryException("Out of Memory Error: failed to pin block")
