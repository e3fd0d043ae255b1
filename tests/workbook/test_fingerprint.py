"""What counts as a change."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from workbook import paths
from workbook.run import chain, fingerprint


def content(*codes: str) -> dict[str, Any]:
    return {"cells": [{"cell_type": "code", "metadata": {}, "source": c} for c in codes]}


@pytest.fixture
def lib(tmp_path: Path) -> Path:
    texts = {
        "fusion/__init__.py": "",
        "fusion/panel/__init__.py": "",
        "fusion/panel/read.py": "from . import types\nfrom ..classification import codes",
        "fusion/panel/types.py": "",
        "fusion/panel/unused.py": "import fusion.indicators",
        "fusion/classification/__init__.py": "",
        "fusion/classification/codes.py": "",
        "fusion/indicators/__init__.py": "def f():\n    import estimators.power",
        "estimators/__init__.py": "",
        "estimators/power.py": "",
    }
    for name, text in texts.items():
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("import pandas", set()),
        (
            "from fusion.panel import read",
            {
                "fusion.panel",
                "fusion.panel.read",
                "fusion.panel.types",
                "fusion.classification",
                "fusion.classification.codes",
            },
        ),
        ("%matplotlib inline\nimport fusion.panel", {"fusion.panel"}),
        ("from fusion import indicators as i", {"fusion.indicators", "estimators", "estimators.power"}),
        ("from fusion.panel.types import Row", {"fusion.panel", "fusion.panel.types"}),
    ],
)
def test_library_is_what_is_imported_directly_or_through_others(
    lib: Path, code: str, expected: set[str]
) -> None:
    found = {
        ".".join(f.relative_to(lib).with_suffix("").parts).removesuffix(".__init__")
        for f in fingerprint.library(content(code), lib)
    }
    assert found - {"fusion"} == expected


def test_the_panels_notebook_does_not_depend_on_later_rooms() -> None:
    file = paths.ROOT / "notebooks" / "01_panel.ipynb"
    found = fingerprint.library(json.loads(file.read_text("utf-8")))
    rooms = {f.relative_to(fingerprint.LIB).parts[:2] for f in found}
    assert ("fusion", "panel") in rooms and ("workbook", "exhibits") in rooms
    assert not [r for r in rooms if r[0] == "estimators"]
    # The matrix of forms reads how indicators are declared, and nothing of how they are computed.
    declared = {f.stem for f in found if f.relative_to(fingerprint.LIB).parts[:2] == ("fusion", "indicators")}
    assert declared <= {"__init__", "services", "system"}


def test_a_file_is_read_again_only_when_it_may_have_changed(tmp_path: Path) -> None:
    file = tmp_path / "x"
    file.write_text("one", encoding="utf-8")
    os.utime(file, (1, 1))
    hashes = fingerprint.Hashes(tmp_path / "memory.json")
    first = hashes.of(file)
    hashes.save()
    again = fingerprint.Hashes(tmp_path / "memory.json")
    assert again.of(file) == first
    file.write_text("two", encoding="utf-8")
    assert again.of(file) != first
    # A file that has just been written may change again within the clock's grain: it is not remembered.
    file.write_text("six", encoding="utf-8")
    assert again.of(file) == fingerprint.Hashes().of(file)


def test_a_broken_memory_costs_time_only(tmp_path: Path) -> None:
    (tmp_path / "memory.json").write_text("{", encoding="utf-8")
    (tmp_path / "x").write_text("one", encoding="utf-8")
    assert len(fingerprint.Hashes(tmp_path / "memory.json").of(tmp_path / "x")) == 64


def test_a_source_file_and_declared_files_count(tmp_path: Path) -> None:
    step = chain.Step("n", "", "", reads=("a",), writes=(), files=("params/base.yaml",))
    data = tmp_path / "data.csv"
    data.write_text("x", encoding="utf-8")
    hashes = fingerprint.Hashes()

    def mark() -> dict[str, Any]:
        return fingerprint.fingerprint(step, content(), {"source": str(data)}, {"a": tmp_path / "no"}, hashes)

    before = mark()
    assert before["parameters"] == {"source": "data.csv"}, "the place on this machine is not published"
    assert before["inputs"] == {"a": None} and list(before["files"]) == ["params/base.yaml"]
    data.write_text("y", encoding="utf-8")
    assert fingerprint.changed(before, mark()) == ["data: source: data.csv"]


def test_changes_are_named() -> None:
    old = {"notebook": "1", "parameters": {"a": 1, "b": 2}}
    assert fingerprint.changed(old, {"notebook": "1", "parameters": {"a": 1, "b": 3}}) == ["parameters: b"]
    assert fingerprint.changed(old, {"notebook": "2", "parameters": {"b": 2, "a": 1}}) == ["notebook"]
    assert fingerprint.changed(None, old) == ["no earlier result"]


def test_a_change_is_seen_although_the_files_time_was_put_back(tmp_path: Path) -> None:
    """As copying tools do; what a disk does to itself moves no time at all, and is seen where nothing is remembered."""
    file = tmp_path / "x"
    file.write_text("one", encoding="utf-8")
    os.utime(file, (1, 1))
    hashes = fingerprint.Hashes()
    with mock.patch.object(fingerprint, "RACY", -1.0):
        first = hashes.of(file)
        file.write_text("two", encoding="utf-8")
        os.utime(file, (1, 1))
        assert hashes.of(file) != first


def test_a_memory_with_another_bit_remembers_nothing(tmp_path: Path) -> None:
    file, memory = tmp_path / "x", tmp_path / "memory.json"
    file.write_text("one", encoding="utf-8")
    with mock.patch.object(fingerprint, "RACY", -1.0):
        hashes = fingerprint.Hashes(memory)
        right = hashes.of(file)
        hashes.save()
    wrong = right.translate(str.maketrans("0", "1"))
    memory.write_text(memory.read_text("utf-8").replace(right, wrong), encoding="utf-8")
    assert fingerprint.Hashes(memory).of(file) == right != wrong
