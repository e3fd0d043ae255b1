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

from workbook import paths
from workbook.publish import package
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
        assert package.make("tiny", allow_dirty=True).is_file()


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
