"""Parquet files are read in one way, which ends also where the system starts no thread."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from fusion import archives
from workbook import files

ROOT = Path(__file__).resolve().parents[2]
READ = re.compile(r"(pd|pandas)\.read_parquet\(|\b(read_table|read_pandas|ParquetDataset)\(|\.dataset\(")
# The process gets no more memory than it has, so that the system starts no thread: all cores' worth of stacks lack.
LIMITED = """
import resource, psutil, pyarrow.dataset
from pathlib import Path
from workbook import files
from fusion import archives
size = psutil.Process().memory_info().vms + {room}
resource.setrlimit(resource.RLIMIT_AS, (size, size))
try:
    print("rows", len({read}(Path({file!r}))))
except Exception as error:
    print("said", type(error).__name__)
"""


@pytest.mark.parametrize("read", ["files.frame", "archives.frame"])
@pytest.mark.parametrize("room", [0, 1 << 20, 16 << 20])
def test_memory_that_is_used_up_ends_a_read(tmp_path: Path, read: str, room: int) -> None:
    """pandas' own reader waits for ever here for a thread that never started."""
    file = tmp_path / "a.parquet"
    pd.DataFrame({"a": range(1000), "b": "x"}).to_parquet(file)
    code = LIMITED.format(read=read, room=room, file=str(file))
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.stdout.startswith(("rows 1000", "said ")), done.stderr[-800:]


def test_frames_are_as_pandas_reads_them(tmp_path: Path) -> None:
    """Also in a folder whose name looks like a column's: nothing of it becomes one."""
    folder = tmp_path / "year=2019"
    folder.mkdir()
    frame = pd.DataFrame({"a": [1.5, None], "b": ["x", None], "c": pd.array([1, None], "Int64")})
    frame["d"] = pd.Categorical(["u", "v"])
    frame["e"] = pd.to_datetime(["2020-01-01", None])
    frame.index = pd.Index(["i", "j"], name="k")
    frame.to_parquet(tmp_path / "a.parquet")
    frame.to_parquet(folder / "a.parquet")
    for read in (files.frame, archives.frame):
        pd.testing.assert_frame_equal(read(folder / "a.parquet"), pd.read_parquet(tmp_path / "a.parquet"))
        assert list(read(folder / "a.parquet", ["b"])) == ["b"]


def test_no_other_reader_is_used() -> None:
    code = [f for room in ("fusion", "estimators", "workbook") for f in (ROOT / "lib" / room).rglob("*.py")]
    read = [*code, *(ROOT / "notebooks").glob("*.ipynb")]
    found = [f"{f.name}: {m.group()}" for f in read for m in READ.finditer(f.read_text("utf-8"))]
    assert found == []


def test_truths_of_which_some_are_missing_are_numbers(tmp_path: Path) -> None:
    """A treatment ``subsidy > 0`` is unknown where the subsidy is; without missing values truths stay truths."""
    file = tmp_path / "a.parquet"
    pd.DataFrame(
        {"granted": [True, False, None], "listed": [True, False, True], "text": ["a", None, "b"]}
    ).to_parquet(file)
    found = files.frame(file)
    assert (
        found["granted"].dtype == "float64"
        and found["granted"].tolist()[:2] == [1, 0]
        and found["granted"].isna()[2]
    )
    assert found["listed"].dtype == bool and found["text"].isna().tolist() == [False, True, False]
