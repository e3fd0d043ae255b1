"""The replication package holds the code that made the results, and says what a replicator needs."""

from __future__ import annotations

import json
import subprocess
import zipfile
from pathlib import Path
from typing import Any

import pytest
from chains import Bench
from chinese import english
from ruamel.yaml import YAML

from workbook import paths
from workbook.publish import package
from workbook.publish.built import find
from workbook.run import manifest

HEADINGS = [
    "## Overview",
    "## Data Availability and Provenance Statements",
    "### Statement about Rights",
    "## Computational requirements",
    "### Controlled Randomness",
    "### Memory, Runtime, Storage Requirements",
    "## Description of programs/code",
    "## Instructions to Replicators",
    "## List of tables and programs",
    "## References",
]
TABLE = """
import pandas as pd
book.write("d", book.read("b"))
book.exhibit("sums", pd.DataFrame({"kind": ["P1"], "firms": [9]}))
"""
SHEET = {
    "sums": {
        "kind": "table",
        "name": {"en": "Firms", "zh": "企业"},
        "title": {"en": "Nine firms", "zh": "九家"},
        "secrecy": "counts",
        "rests_on": "firms",
        "show": ["kind", "firms"],
        "columns": {"kind": {"role": "label", "head": {"en": "Kind", "zh": "类"}}},
    }
}


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    bench = Bench(tmp_path_factory.mktemp("package") / "bench")
    bench.put("04_last", body=TABLE)
    bench.sheet("04_last", SHEET)
    file = bench.notebooks / "04_last.ipynb"  # an exhibit's cell bears its id
    file.write_text(file.read_text("utf-8").replace('["work"]', '["sums"]'), "utf-8")
    values: dict[str, Any] = {"secrecy": "public", "title_en": "Tiny", "notebooks": bench.names}
    assert bench.run(**values, licence="MIT", cannot_en=["Anything."]) == 0
    return bench


def committed(bench: Bench, **changes: Any) -> None:
    """Let the run's record name the project's last commit, as a run in a clean clone would."""
    said = subprocess.run(
        ["git", "rev-parse", "HEAD"], cwd=paths.ROOT, capture_output=True, text=True, check=True
    )
    record = manifest.read(bench.root)
    record["git"] = {"commit": said.stdout.strip(), "dirty": False} | changes
    manifest.write(bench.root, record)


def test_a_package_has_code_results_and_a_readme(bench: Bench) -> None:
    committed(bench)
    with bench.active():
        file = package.make("tiny")
        again = package.make("tiny")
    assert again.read_bytes() == file.read_bytes(), "the same run makes the same package"
    with zipfile.ZipFile(file) as archive:
        names = set(archive.namelist())
        text, chinese = (archive.read(f"README{end}").decode("utf-8") for end in (".md", ".zh.md"))
        snapshot = json.loads(archive.read("results/snapshot.json"))
    assert {"Makefile", "requirements.lock", "lib/fusion/__init__.py", "README.workbook.md"} <= names
    assert "README.workbook.zh.md" in names
    assert {"results/04_last/sums.csv", "results/en/04_last/sums.tex", "results/manifest.json"} <= names
    assert not [name for name in names if name.endswith(".parquet") and name.startswith("results/")]
    assert [line for line in text.splitlines() if line in HEADINGS] == HEADINGS
    assert (
        "| table 4.1 | Nine firms | `notebooks/04_last.ipynb`, cell `sums` | `results/04_last/sums.csv` |"
        in text
    )
    assert "- Anything." in text and "are synthetic and are made again" in text
    assert (
        "| 表 4.1 | 九家 | `notebooks/04_last.ipynb`，单元格 `sums` | `results/04_last/sums.csv` |" in chinese
    )
    assert "数据为合成数据" in chinese and "未说明" in chinese and "{" not in chinese
    assert snapshot["exhibits"]["04.sums"]["table"]["rows"] == [["P1", 9]]


def test_uncommitted_changes_are_refused_unless_accepted(bench: Bench) -> None:
    committed(bench, dirty=True)
    with bench.active():
        with pytest.raises(package.PackageError, match="--allow-dirty"):
            package.make("tiny")
        with zipfile.ZipFile(package.make("tiny", allow_dirty=True)) as archive:
            assert "changes that were not committed" in archive.read("README.md").decode()
            assert "含未提交的改动" in archive.read("README.zh.md").decode()


def test_a_notebook_for_which_the_study_has_nothing_is_not_said_to_be_executed(bench: Bench) -> None:
    committed(bench)
    whole = manifest.read(bench.root)
    with bench.active():
        (study,) = find(paths.build())
        assert f"executes {len(bench.names)} notebooks" in package.readme(study)
        assert "Not executed" not in package.readme(study)
        changed = json.loads(json.dumps(whole))
        changed["notebooks"]["04_last"] |= {"lacks": "tables", "seconds": 0.0}
        changed["notebooks"]["01_first"] |= {"seconds": 1200.4, "processor_seconds": 700.2}
        manifest.write(bench.root, changed)
        try:
            (study,) = find(paths.build())
            text, chinese = package.readme(study), package.readme(study, "zh")
        finally:
            manifest.write(bench.root, whole)
    left = len(bench.names) - 1
    assert f"executes {left} notebooks" in text and "has nothing for them: `04_last`" in text
    assert f"执行 {left} 个笔记本" in chinese and "未执行：`04_last`" in chinese
    assert "- `notebooks/04_last.ipynb`" not in text and "- `notebooks/01_first.ipynb`" in text
    assert "1,20" in text and "in `params/base.yaml`; every random draw" in text


def test_what_is_not_there_or_not_whole_is_refused(bench: Bench) -> None:
    committed(bench)
    with bench.active():
        with pytest.raises(package.PackageError, match="'none' has not been run"):
            package.make("none")
        (bench.root / "04_last.ipynb").rename(bench.root / "away")
        try:
            with pytest.raises(package.PackageError, match=r"not whole: 04_last \(missing\)"):
                package.make("tiny")
        finally:
            (bench.root / "away").rename(bench.root / "04_last.ipynb")
        assert not list(Path(paths.build() / "packages").glob("*.part"))


def test_in_chinese(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FUSION_LANGUAGE", "zh")
    committed(bench, dirty=True)
    with bench.active():
        for name in ("tiny", "none"):
            with pytest.raises(package.PackageError) as caught:
                package.make(name)
            assert english(str(caught.value), "tiny", "none") == []


OWN = """\
study: {title_en: A, title_zh: 甲}
panel: {source: "rows.csv", adapter: mine.adapter.yaml, contract: minimal, extra_columns: {x: {label_en: x, label_zh: x}}}
evaluation: {targets: "my targets.csv"}
publish: {secrecy: public}
"""


@pytest.mark.parametrize("secrecy", ["public", "rules"])
def test_a_study_of_ones_own_is_in_the_package_with_what_it_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, secrecy: str
) -> None:
    """Unpacked, the study's file reads as it did; rows that were promised secrecy stay outside."""
    import hashlib
    from types import SimpleNamespace

    from workbook.params.load import load

    home, root = tmp_path / "home", tmp_path / "root"
    home.mkdir()
    root.mkdir()
    (home / "rows.csv").write_text("id,year,x\na,2012,1\nb,2012,2\n", encoding="utf-8")
    (home / "mine.adapter.yaml").write_text(
        "adapter: mine\ncolumns: {firm_id: {aliases: [id]}, year: {aliases: [year]}}\n", encoding="utf-8"
    )
    (home / "my targets.csv").write_text(
        (paths.DATA / "evaluation" / "targets.csv").read_text("utf-8"), "utf-8"
    )
    file = home / "mine.yaml"
    file.write_text(OWN.replace("secrecy: public", f"secrecy: {secrecy}"), encoding="utf-8")
    (root / manifest.PLACE).write_text(str(file), encoding="utf-8")
    mark = hashlib.sha256(file.read_bytes()).hexdigest()
    built: Any = SimpleNamespace(
        name="mine",
        root=root,
        manifest={"parameters_sha256": mark},
        parameters={"secrecy": secrecy, "source": str(home / "rows.csv")},
    )
    packed = dict(package._own(built))
    assert ("params/mine/rows.csv" in packed) == (secrecy == "public")
    where = package._availability(built, package.WORDS["en"])
    assert ("`params/mine/rows.csv`" in where) == (secrecy == "public")
    assert ("not in the package" in where) == (secrecy != "public")
    unpacked = tmp_path / "unpacked"
    for place, content in packed.items():
        (unpacked / place).parent.mkdir(parents=True, exist_ok=True)
        (unpacked / place).write_bytes(content)
    if secrecy == "rules":  # as its README says, the data are put where the file names them
        (unpacked / "params" / "rows.csv").write_bytes((home / "rows.csv").read_bytes())
    for one in home.iterdir():  # nothing of where it came from is needed
        one.rename(one.with_name(f"gone {one.name}"))
    again = load(str(unpacked / "params" / "mine.yaml"))
    assert Path(again.flat["targets"]).read_text("utf-8").startswith("target")
    assert Path(again.flat["source"]).is_file()
    assert Path(again.flat["adapter"]).is_file()
    with pytest.raises(package.PackageError, match="mine"):
        list(package._own(built))  # its file is gone


def test_what_named_files_name_is_packed_and_none_overwrites_another(tmp_path: Path) -> None:
    """An adapter's own base, a query's database, and two files of one name in two folders."""
    import hashlib
    from types import SimpleNamespace

    home = tmp_path / "home"
    for folder in ("a", "b", "below", "root"):
        (home / folder).mkdir(parents=True)
    (home / "a" / "rows.csv").write_text("id,year,x\na,2012,1\n", "utf-8")
    (home / "b" / "rows.csv").write_text("id,year,x\nb,2012,2\n", "utf-8")
    (home / "b" / "data.db").write_bytes(b"SQLite")
    (home / "query.sql").write_text("-- sqlite:b/data.db\nselect 1\n", "utf-8")
    (home / "mine.adapter.yaml").write_text("adapter: mine\nbased_on: below/other.yaml\n", "utf-8")
    (home / "below" / "other.yaml").write_text(
        "adapter: other\ncolumns: {firm_id: {aliases: [id]}}\n", "utf-8"
    )
    file = home / "mine.yaml"
    file.write_text(
        "panel: {source: [a/rows.csv, b/rows.csv, query.sql], adapter: mine.adapter.yaml}\n"
        "publish: {secrecy: public}\n",
        "utf-8",
    )
    (home / "root" / manifest.PLACE).write_text(str(file), encoding="utf-8")
    mark = hashlib.sha256(file.read_bytes()).hexdigest()
    built: Any = SimpleNamespace(
        name="mine",
        root=home / "root",
        parameters={"secrecy": "public"},
        manifest={"parameters_sha256": mark},
    )
    pairs = list(package._own(built))
    packed = dict(pairs)
    assert len(packed) == len(pairs)
    study = YAML(typ="safe").load(packed["params/mine.yaml"])["panel"]
    rows = [packed[f"params/{place}"] for place in study["source"]]
    assert [b"a,2012" in rows[0], b"b,2012" in rows[1], b"sqlite:data.db" in rows[2]] == [True] * 3
    assert packed["params/mine/data.db"] == b"SQLite"
    adapter = YAML(typ="safe").load(packed[f"params/{study['adapter']}"])
    assert adapter["based_on"] == "other.yaml" and b"other" in packed["params/mine/other.yaml"]


def test_a_base_outside_the_project_is_in_the_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Unpacked into another place the study, its base and its base's base read as they did, and run again."""
    import hashlib
    import os
    import subprocess
    import sys
    from types import SimpleNamespace

    from workbook.params.load import load

    home, root = tmp_path / "home", tmp_path / "root"
    home.mkdir()
    root.mkdir()
    rows = "".join(
        f"{u},{y},{u * y % 7 + y % 3},{u * u % 5 + y}\n" for u in range(1, 9) for y in range(2010, 2015)
    )
    (home / "rows.csv").write_text(f"id,year,x,z\n{rows}", encoding="utf-8")
    (home / "names.csv").write_text("column,en,zh,unit\nx,Output,产出,\nz,Input,投入,\n", encoding="utf-8")
    (home / "smoke.yaml").write_text(
        "publish: {secrecy: public}\nnames: names.csv\n", encoding="utf-8"
    )  # as one of ours
    (home / "first.yaml").write_text(
        "base: smoke.yaml\npanel: {source: rows.csv, contract: minimal, rename: {id: firm_id}}\n",
        encoding="utf-8",
    )
    file = home / "mine.yaml"
    file.write_text(
        "base: first.yaml\neffects: {outcome: x, treatments: z}\nstudy: {notebooks: [01_panel]}\n",
        encoding="utf-8",
    )
    before = load(str(file)).flat
    (root / manifest.PLACE).write_text(str(file), encoding="utf-8")
    mark = hashlib.sha256(file.read_bytes()).hexdigest()
    built: Any = SimpleNamespace(
        name="mine", root=root, parameters={"secrecy": "public"}, manifest={"parameters_sha256": mark}
    )
    unpacked = tmp_path / "unpacked"
    for place, content in package._own(built):
        (unpacked / place).parent.mkdir(parents=True, exist_ok=True)
        (unpacked / place).write_bytes(content)
    for one in home.iterdir():
        one.rename(one.with_name(f"gone {one.name}"))
    own = unpacked / "params" / "mine.yaml"
    after = load(str(own)).flat
    assert {k for k in before if before[k] != after[k]} == {"source"} and after["names"]["x"]["zh"] == "产出"
    env = os.environ | {"FUSION_BUILD": str(tmp_path / "build"), "FUSION_SITE": str(tmp_path / "site")}
    command = [str(Path(sys.executable).parent / "fusion"), "run", str(own)]
    done = subprocess.run(command, capture_output=True, text=True, env=env, cwd=paths.ROOT)
    assert done.returncode == 0, done.stdout + done.stderr
    assert (tmp_path / "build" / "mine" / "01_panel" / "panel.parquet").is_file()


def test_the_command_that_makes_an_exhibit_again_names_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from workbook.review import trace

    monkeypatch.setenv("FUSION_BUILD", str(tmp_path))
    file = tmp_path / "my study.yaml"
    file.write_text("study: {}\n", encoding="utf-8")
    (tmp_path / "mine").mkdir()
    assert trace._place("mine") == "mine"
    (tmp_path / "mine" / manifest.PLACE).write_text(str(file), encoding="utf-8")
    assert trace._place("mine") == f"'{file}'"


def test_every_file_that_a_parameter_names_is_packed_and_named_there(tmp_path: Path) -> None:
    """The parameters are those of the model, so that a new one that names a file cannot be forgotten."""
    import hashlib
    from types import SimpleNamespace

    from workbook.params import Parameters
    from workbook.params.checks.places import FILE_LISTS, FILES, FOLDERS

    home = tmp_path / "home"
    (home / "earlier").mkdir(parents=True)
    study: dict[str, Any] = {
        "panel": {"source": "rows.csv", "adapter": "own.yaml"},
        "publish": {"secrecy": "public"},
    }
    reads = {"partial_coefficients": "file", "split_weights": "file"}
    study |= {"classification": {"standards": {"own": {"file": "standard.csv"}}}, "names": "names.csv"}
    study["classification"] |= reads
    section = {
        name: one
        for one, field in Parameters.model_fields.items()
        for name in getattr(field.annotation, "model_fields", {})
    }
    for name in sorted(FILES | FILE_LISTS):
        value = [f"{name}.csv"] if name in FILE_LISTS else f"{name}.csv"
        study.setdefault(section[name], {})[name] = value
    for name in FOLDERS:
        study.setdefault(section[name], {})[name] = "earlier"
    (home / "earlier" / "first.release.json").write_text("{}", "utf-8")
    named = ["rows.csv", "own.yaml", "standard.csv", "names.csv", *(f"{n}.csv" for n in FILES | FILE_LISTS)]
    for name in named:
        (home / name).write_text(f"adapter: {name}\n", "utf-8")
    file = home / "mine.yaml"
    with file.open("w", encoding="utf-8") as stream:
        YAML().dump(study, stream)
    (home / manifest.PLACE).write_text(str(file), encoding="utf-8")
    mark = hashlib.sha256(file.read_bytes()).hexdigest()
    built: Any = SimpleNamespace(
        name="mine", root=home, parameters={"secrecy": "public"}, manifest={"parameters_sha256": mark}
    )
    packed = dict(package._own(built))
    text = packed["params/mine.yaml"].decode("utf-8")
    for name in named:
        assert packed[f"params/mine/{name}"] == (home / name).read_bytes(), name
        assert f"mine/{name}" in text, name
    assert packed["params/mine/earlier/first.release.json"] == b"{}" and "mine/earlier" in text


def test_a_title_that_speaks_of_a_file_stays(tmp_path: Path) -> None:
    """`fusion new` calls a study by its file: a name was put into the title too, with quotation marks inside of it."""
    text = (
        "study: {title_en: \"Study of export.csv\", title_zh: 'export.csv 的研究'}  # export.csv\n"
        "panel:\n  source: [export.csv, 'b c.csv']\n  adapter: a.yaml\n"
    )
    names = {"export.csv": "mine/export.csv", "b c.csv": "mine/2/b c.csv", "a.yaml": "mine/a.yaml"}
    made = package._renamed(text, names)
    assert made == text.replace("[export.csv, 'b c.csv']", '["mine/export.csv", "mine/2/b c.csv"]').replace(
        "adapter: a.yaml", 'adapter: "mine/a.yaml"'
    )
    assert YAML(typ="safe").load(made)["study"]["title_en"] == "Study of export.csv"
    assert package._renamed("", {}) == ""


def test_the_command_in_an_unpacked_package_goes_to_no_commit() -> None:
    from workbook.review import trace

    assert trace._again(None, "", "mine")[1].split(maxsplit=1)[1] == "make study STUDY=mine"
    with_commit = trace._again("0123456789abcdef", "", "mine")
    assert with_commit[1].split(maxsplit=1)[1] == "git checkout 0123456789 && make study STUDY=mine"
