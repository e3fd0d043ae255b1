"""What a file may do: DuckDB reaches what the study named, paths are literal, code runs only when the user allows it."""

from __future__ import annotations

import ast
import inspect
import os
import subprocess
import sys
from pathlib import Path

import duckdb
import pandas as pd
import pytest

from fusion import engine
from fusion.panel import PanelError, files, readers
from workbook import engine as workbook_engine
from workbook import paths
from workbook.params import load

LOADER = "loaded_by_a_study:load"


def test_the_engine_is_opened_in_one_place() -> None:
    """Each package has that place, and it is one text in both."""
    assert inspect.getsource(engine.opened) == inspect.getsource(workbook_engine.opened)
    found = []
    for package in ("fusion", "workbook"):
        for file in (paths.ROOT / "lib" / package).rglob("*.py"):
            for node in ast.walk(ast.parse(file.read_text("utf-8"))):
                opens = isinstance(node, ast.Call) and ast.unparse(node.func) in (
                    "duckdb.connect",
                    "ibis.duckdb.connect",
                )
                if opens and file.name != "engine.py" and "memory_limit" not in ast.unparse(node):
                    found.append(f"{file.relative_to(paths.ROOT)}:{node.lineno}")
    assert found == []


def test_sql_reaches_the_folders_that_are_named_and_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    inside, outside, temporary = tmp_path / "in", tmp_path / "out", tmp_path / "tmp"
    for folder in (inside, outside, temporary):
        folder.mkdir()
        pd.DataFrame({"a": [folder.name]}).to_parquet(folder / "x.parquet")
    (inside / "link").symlink_to(outside)
    monkeypatch.setattr("tempfile.tempdir", str(temporary))
    con = engine.opened(inside).con
    read = "SELECT a FROM read_parquet({})"
    for folder in (inside, temporary):
        assert con.execute(read.format(engine.literal(folder / "x.parquet"))).fetchall() == [(folder.name,)]
    for place in (outside / "x.parquet", inside / ".." / "out" / "x.parquet", inside / "link" / "x.parquet"):
        with pytest.raises(duckdb.PermissionException):
            con.execute(read.format(engine.literal(place)))
    for text in (
        "SELECT * FROM read_csv('/etc/passwd')",
        "SELECT * FROM read_text('/proc/self/environ')",
        "SELECT * FROM glob('/*')",
        "SELECT * FROM 'https://example.org/x.parquet'",
        f"COPY (SELECT 1) TO '{outside}/y.parquet'",
        f"ATTACH '{outside}/y.db'",
        "INSTALL httpfs",
        "LOAD httpfs",
        "SET enable_external_access = true",
        "SET allowed_directories = ['/']",
        "SET temp_directory = '/'",
    ):
        with pytest.raises(duckdb.Error):
            con.execute(text)
    assert not list(outside.glob("y.*"))


def test_memory_and_spill_are_set_for_every_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(engine.MEMORY, "300MB")
    con = engine.opened()
    engine.limited(con, "2GB")  # the user's limit comes before a step's own
    setting = "SELECT current_setting('{}')"
    assert con.con.execute(setting.format("memory_limit")).fetchone()[0] == "286.1 MiB"
    spill = Path(con.con.execute(setting.format("temp_directory")).fetchone()[0])
    assert spill.is_dir()
    con.con.close()
    del con
    assert not spill.exists()


@pytest.mark.parametrize("kind", ["csv", "parquet"])
@pytest.mark.parametrize("name", ["[ab]", "*", "x?", "a'b", "年份[1]"])
def test_a_name_is_taken_as_it_stands(tmp_path: Path, name: str, kind: str) -> None:
    """A file whose name is a pattern is read; the files that the pattern means are not."""
    for stem, firm in ((name, "meant"), ("a", "other"), ("b", "other"), ("xy", "other")):
        frame = pd.DataFrame({"firm_id": [firm], "year": [2020]})
        target = tmp_path / f"{stem}.{kind}"
        frame.to_csv(target, index=False) if kind == "csv" else frame.to_parquet(target)
    raw = readers.read(engine.opened(tmp_path), f"{name}.{kind}", root=tmp_path, contract="minimal")
    assert raw.table.firm_id.to_pandas().tolist() == ["meant"]
    if kind == "parquet":
        assert files.parquet_headers(tmp_path / f"{name}.parquet") == ["firm_id", "year"]


def test_a_study_alone_runs_no_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "loaded_by_a_study.py").write_text(
        "from pathlib import Path\nPath(__file__).with_name('ran').touch()\n"
        "import pandas as pd\ndef load():\n    return pd.DataFrame({'firm_id': ['a'], 'year': [2020]})\n",
        "utf-8",
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delenv(readers.ALLOWED, raising=False)
    with pytest.raises(PanelError, match="--allow-code"):
        readers.read(engine.opened(), LOADER, root=tmp_path, contract="minimal")
    study = tmp_path / "mine.yaml"
    study.write_text(f"panel: {{source: '{LOADER}', contract: minimal}}\n", "utf-8")
    load.load(str(study))
    fusion = str(Path(sys.executable).with_name("fusion"))
    environment = os.environ | {
        "PYTHONPATH": str(tmp_path),
        "XDG_CONFIG_HOME": str(tmp_path),
        "FUSION_LANGUAGE": "en",
    }
    done = subprocess.run(
        [fusion, "run", str(study)], capture_output=True, text=True, env=environment, cwd=tmp_path
    )
    assert done.returncode == 2 and "is code that would run" in done.stderr, done.stdout + done.stderr
    assert not (tmp_path / "ran").exists()
    monkeypatch.setenv(readers.ALLOWED, LOADER)
    assert readers.read(engine.opened(), LOADER, root=tmp_path, contract="minimal").rows == 1
    assert (tmp_path / "ran").exists()


def test_places_outside_are_said(tmp_path: Path) -> None:
    home, other = tmp_path / "home", tmp_path / "other"
    home.mkdir()
    other.mkdir()
    (other / "x.csv").write_text("firm_id,year\na,2020\n", "utf-8")
    (home / "link.csv").symlink_to(other / "x.csv")
    for name in ("../other/x.csv", "link.csv"):
        study = home / "mine.yaml"
        study.write_text(f"panel: {{source: {name}, contract: minimal}}\n", "utf-8")
        (told,) = load.load(str(study)).told
        assert name in told and str((other / "x.csv").resolve()) in told
