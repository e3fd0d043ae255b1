"""What a file may do: DuckDB reaches what the study named, paths are literal, code runs only when the user allows it."""

from __future__ import annotations

import ast
import inspect
import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import duckdb
import pandas as pd
import pytest
import typer
from papermill import translators
from payloads import PAYLOADS
from typer.testing import CliRunner

from estimators import engine as estimators_engine
from estimators.engines.exact.passes.source import Source
from fusion import engine
from fusion.panel import PanelError, files, readers
from workbook import cli, paths
from workbook import engine as workbook_engine
from workbook.params import load
from workbook.run import chain, preflight, process

OPENS = re.compile(
    r"(ibis\.)?duckdb\.(connect|sql|query|execute|read_\w+|from_df)|ibis\.(duckdb\.)?(connect|set_backend|read_\w+)"
)
LOADER = "loaded_by_a_study:load"


def test_the_engine_is_opened_in_one_place() -> None:
    """Each package has that place, and it is one text in all."""
    assert len({inspect.getsource(e.connected) for e in (engine, workbook_engine, estimators_engine)}) == 1
    assert len({inspect.getsource(e.exact) for e in (engine, workbook_engine, estimators_engine)}) == 1
    assert inspect.getsource(engine.opened) == inspect.getsource(workbook_engine.opened)
    places = {f"lib/{package}/engine.py" for package in ("fusion", "workbook", "estimators")}
    found = set()
    for file in (paths.ROOT / "lib").rglob("*.py"):
        calls = (n for n in ast.walk(ast.parse(file.read_text("utf-8"))) if isinstance(n, ast.Call))
        if any(OPENS.fullmatch(ast.unparse(call.func)) for call in calls):
            found.add(str(file.relative_to(paths.ROOT)))
    assert found == places
    for file in paths.NOTEBOOKS.glob("*.ipynb"):
        assert "duckdb" not in "".join(
            "".join(c["source"])
            for c in json.loads(file.read_text("utf-8"))["cells"]
            if c["cell_type"] == "code"
        )


def test_sql_reaches_the_folders_that_are_named_and_no_other(tmp_path: Path) -> None:
    inside, outside = tmp_path / "in", tmp_path / "out"
    for folder in (inside, outside):
        folder.mkdir()
        pd.DataFrame({"a": [folder.name]}).to_parquet(folder / "x.parquet")
    (inside / "link").symlink_to(outside)
    con = engine.opened(inside).con
    read = "SELECT a FROM read_parquet({})"
    assert con.execute(read.format(engine.literal(inside / "x.parquet"))).fetchall() == [("in",)]
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
        "SET memory_limit = '900GB'",
        "SET threads = 64",
        "SET lock_configuration = false",
        "RESET lock_configuration",
        "PRAGMA temp_directory = '/'",
        "SET GLOBAL autoload_known_extensions = true",
        "SET extension_directory = '/'",
        "FORCE INSTALL httpfs FROM 'http://example.org'",
        "LOAD '/srv/x.duckdb_extension'",
        "SELECT * FROM sniff_csv('/etc/passwd')",
        "SELECT * FROM read_blob('/etc/passwd')",
        "SELECT * FROM read_json('/etc/passwd')",
        "SELECT * FROM parquet_metadata('/etc/passwd')",
        f"SELECT * FROM '{outside}/x.parquet'",
        f"EXPORT DATABASE '{outside}/y'",
        f"IMPORT DATABASE '{outside}'",
        "COPY (SELECT 1) TO '/dev/stdout'",
        "SELECT getenv('HOME')",
        f"COPY (SELECT 1) TO '{tempfile.gettempdir()}/fusion_y.csv'",
    ):
        with pytest.raises(duckdb.Error):
            con.execute(text)
            pytest.fail(text)
    assert not list(outside.glob("y.*"))


@pytest.mark.parametrize("opens", [engine, workbook_engine, estimators_engine])
def test_memory_and_spill_are_set_for_every_connection(
    opens: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(engine.MEMORY, f"300MB:{tmp_path}")
    con = opens.connected(memory="2GB")  # the user's limit comes before a step's own
    setting = "SELECT current_setting('{}')"
    assert con.execute(setting.format("memory_limit")).fetchone()[0] == "286.1 MiB"
    spill = Path(con.execute(setting.format("temp_directory")).fetchone()[0])
    assert not spill.exists() and spill.parent == tmp_path
    con.execute(
        "CREATE TEMP TABLE much AS SELECT hash(i)::VARCHAR || repeat('x', 60) AS t FROM range(6000000) r(i)"
    )
    assert con.execute("SELECT sum(size) FROM duckdb_temporary_files()").fetchone()[0] > 0
    assert any(spill.iterdir())
    con.close()
    del con
    assert not spill.exists()


def test_memory_that_runs_short_is_told_once(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    job = SimpleNamespace(process=SimpleNamespace(pid=os.getpid()))
    watch = process.Watch()
    monkeypatch.setattr(process, "left", lambda: int(0.9 * process.whole()))
    watch.look({"01_panel": job})
    assert not capsys.readouterr().err
    monkeypatch.setattr(process, "left", lambda: int(0.07 * process.whole()))
    watch.due = 0.0
    watch.look({"01_panel": job})
    assert "memory runs short" in (told := capsys.readouterr().err) and re.search(r"01_panel holds \d", told)
    watch.due = 0.0
    watch.look({"01_panel": job})
    assert not capsys.readouterr().err


SHORT = """
import sys
from workbook import cli
from workbook.run import chain, preflight, process
process.left, process.PAUSE, sys.argv = (lambda: 1), .01, ["fusion", *sys.argv[1:]]
cli.app = lambda words, **how: __import__("time").sleep(4)  # what it would do is not what is tested
cli.main()
"""


@pytest.mark.parametrize("command", [["validate", "smoke"], ["site"], ["package", "smoke"], ["verify"]])
def test_every_command_says_that_memory_runs_short(command: list[str], tmp_path: Path) -> None:
    """Not notebooks alone: whatever works for more than a second, until it is killed."""
    env = os.environ | {
        "FUSION_BUILD": str(tmp_path / "b"),
        "FUSION_SITE": str(tmp_path / "s"),
        "FUSION_LANGUAGE": "en",
    }
    work = [sys.executable, "-c", SHORT, *command]
    said = subprocess.run(work, capture_output=True, text=True, env=env, timeout=60).stderr
    assert said.count("memory runs short") == 1 and f"fusion {command[0]} holds" in said


def test_a_container_has_less_than_its_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "memory.max": "1000000",
        "memory.current": "900000",
        "memory.stat": "anon 1\ninactive_file 400000",
    }.items():
        (tmp_path / name).write_text(value)
    monkeypatch.setattr(process, "GROUPS", tmp_path)
    assert (process.whole(), process.left()) == (1_000_000, 500_000)


@pytest.mark.parametrize("memory", ["much", "4", "-1GB", "50%", "4GB:/nowhere", "4GB; SET threads=1"])
def test_a_limit_that_is_none_is_refused(memory: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(typer.BadParameter, match="no limit of memory"):
        cli.run("smoke", memory=memory)
    monkeypatch.setenv(engine.MEMORY, memory)
    assert CliRunner().invoke(cli.app, ["validate", "smoke"]).exit_code == 2


@pytest.mark.parametrize("name", ["x[1]*", "a'b", "?"])
def test_a_folder_is_taken_as_it_stands(tmp_path: Path, name: str) -> None:
    """A build whose folder's name is a pattern is read, by notebooks and by estimators; the ones it means are not."""
    for folder in (name, "x1", "z"):
        (tmp_path / folder).mkdir()
        pd.DataFrame({"a": [folder]}).to_parquet(tmp_path / folder / "t.parquet")
    file = tmp_path / name / "t.parquet"
    con = workbook_engine.opened(file.parent)
    assert con.read_parquet(workbook_engine.exact(file)).to_pandas()["a"].tolist() == [name]
    source = Source(file, ["a"])
    assert source.fetch(f"SELECT a FROM {source.name}")["a"].tolist() == [name]
    with pytest.raises(duckdb.Error):
        con.read_parquet(str(tmp_path / "*" / "t.parquet")).to_pandas()


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


RUNS = {"exec", "eval", "compile", "__import__"}


def test_code_is_run_in_one_place_and_it_is_the_projects_own() -> None:
    """What a study says comes to a notebook as values, whichever texts they are; its cells are the files' own."""
    found = set()
    for file in (paths.ROOT / "lib").rglob("*.py"):
        calls = (n.func for n in ast.walk(ast.parse(file.read_text("utf-8"))) if isinstance(n, ast.Call))
        if any(isinstance(func, ast.Name) and func.id in RUNS for func in calls):
            found.add(file.relative_to(paths.ROOT).as_posix())
    assert found == {"lib/workbook/variants/stage.py"}
    text = "x'); raise SystemExit(3) #"
    flat = load.load("smoke").flat
    hostile = {k: text if k == "unit" or k.startswith(("title", "note")) else v for k, v in flat.items()}
    assert sum(value == text for value in hostile.values()) > 1
    for language in ("en", "zh"):
        for plan in preflight.check(chain.chain(), hostile | {"language": language}, paths.NOTEBOOKS):
            assert _code(plan.content) == _code(json.loads(plan.file.read_text("utf-8"))), plan.name


def _code(content: Any) -> list[str]:
    return ["".join(c["source"]) for c in content["cells"] if c["cell_type"] == "code"]


def test_a_studys_values_are_literals_in_the_cell_that_is_put_in() -> None:
    """What a kernel is given holds values, and nothing of them is a call, a name or a second statement."""
    values = {"x": [*PAYLOADS], "y": {text: text for text in PAYLOADS}, "z": [-1.5, None, True, 10**30]}
    made = ast.parse(translators.translate_parameters("python3", "python", values, "from the study"))
    assert all(isinstance(line, ast.Assign) for line in made.body) and len(made.body) == 3
    found = {line.targets[0].id: ast.literal_eval(line.value) for line in made.body}  # type: ignore[attr-defined]
    assert found == values
