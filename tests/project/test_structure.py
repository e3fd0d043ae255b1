"""The rooms, the notebooks and the tree keep the rules of CONTRIBUTING.md."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from fusion.workbook import chain, generate, paths
from fusion.workbook.params import Parameters

LIB = paths.ROOT / "lib" / "fusion"
ROOMS = {
    "classification": set(),
    "panel": {"classification"},
    "adapters": {"panel", "indicators"},  # says which indicators a source's columns give
    "composite": set(),
    "indicators": {"classification", "composite"},
    "io": set(),
    "effects": set(),
    "production": set(),
    "montecarlo": {"panel", "effects"},
    "evaluation": set(),
    "verification": {"indicators", "effects", "io", "production"},
    # The command line hands `verify`, `classify` and `check` over.
    "workbook": {"verification", "classification", "adapters"},
}
ROOMS["bench"] = set(ROOMS)  # times what any room does
NOTEBOOKS = sorted(paths.NOTEBOOKS.glob("*.ipynb"))
# Names that a notebook may take although the model does not hold them: the study's name.
INJECTED = {"study"}


def imported_rooms(file: Path) -> set[str]:
    rooms = set()
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom) and node.module:
            names = [f"{node.module}.{a.name}" for a in node.names]
        rooms |= {n.split(".")[1] for n in names if n.startswith("fusion.") and n.count(".") >= 1}
    return rooms & set(ROOMS)


@pytest.mark.parametrize("room", sorted(ROOMS))
def test_rooms_import_only_what_they_may(room: str) -> None:
    for file in (LIB / room).rglob("*.py"):
        extra = imported_rooms(file) - ROOMS[room] - {room}
        assert not extra, f"{file.name} of {room} imports {extra}"


def test_every_room_is_known() -> None:
    assert {p.name for p in LIB.iterdir() if p.is_dir() and p.name != "__pycache__"} == set(ROOMS)


def test_functions_are_short() -> None:
    long = []
    for file in LIB.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                # A docstring explains parameters one by one; it is not what makes a function long.
                told = node.body[0] if ast.get_docstring(node) else None
                said = (told.end_lineno or 0) - told.lineno + 1 if told else 0
                lines = (node.end_lineno or 0) - node.lineno + 1 - said
                if lines > 60:
                    long.append(f"{file.relative_to(LIB)}:{node.name} {lines}")
    assert long == []


def test_public_functions_have_docstrings() -> None:
    bare = []
    for file in LIB.rglob("*.py"):
        for node in ast.parse(file.read_text("utf-8")).body:
            public = isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_")
            if public and not ast.get_docstring(node):  # type: ignore[arg-type]
                bare.append(f"{file.relative_to(LIB)}:{node.name}")  # type: ignore[attr-defined]
    assert bare == []


def test_the_chain_has_its_notebooks() -> None:
    assert [s.notebook for s in chain.chain()] == [n.stem for n in NOTEBOOKS]


@pytest.mark.parametrize("file", NOTEBOOKS, ids=lambda f: f.stem)
def test_notebook_reads_like_a_paper(file: Path) -> None:
    notebook = nbformat.read(file, as_version=4)
    nbformat.validate(notebook)
    assert notebook.metadata.kernelspec.name == "python3"
    code = [c for c in notebook.cells if c.cell_type == "code"]
    assert all(not c.outputs and c.execution_count is None for c in code), "outputs are never committed"
    assert notebook.cells[0].cell_type == "markdown", "it begins with its purpose"
    assert "done" in notebook.cells[-1].metadata.get("tags", []), "it ends with the cell tagged 'done'"
    assert notebook.cells[-1].source.strip() == "book.done()"
    for cell in code:
        is_parameters = "parameters" in cell.metadata.get("tags", [])  # one line a parameter
        assert is_parameters or len(cell.source.splitlines()) <= 30
        lines = [n for n in ast.walk(ast.parse(cell.source)) if isinstance(n, ast.FunctionDef)]
        assert all((n.end_lineno or 0) - n.lineno < 2 for n in lines), "functions belong in lib/"


@pytest.mark.parametrize("file", NOTEBOOKS, ids=lambda f: f.stem)
def test_notebook_parameters_are_the_models(file: Path) -> None:
    cell = generate.parameters_cell(json.loads(file.read_text("utf-8")))
    known = {n for f in Parameters.model_fields.values() for n in f.annotation.model_fields}  # type: ignore[union-attr]
    assert set(generate.literals(cell)) <= known | INJECTED
    assert "study" in generate.literals(cell)


@pytest.mark.parametrize("file", NOTEBOOKS, ids=lambda f: f.stem)
def test_each_exhibit_has_a_cell_of_its_own_name(file: Path) -> None:
    shown = re.compile(r"book\.show_(?:table|figure)\(\s*\"([a-z0-9_]+)\"")
    for cell in nbformat.read(file, as_version=4).cells:
        for name in shown.findall(cell.source) if cell.cell_type == "code" else []:
            assert name in cell.metadata.get("tags", []), f"exhibit '{name}': its cell lacks the tag"


def tracked() -> list[Path]:
    names = subprocess.run(
        ["git", "ls-files"], cwd=paths.ROOT, capture_output=True, text=True, check=True
    ).stdout.splitlines()
    return [paths.ROOT / n for n in names if (paths.ROOT / n).is_file()]


def test_no_paths_of_a_machine_and_no_package_index() -> None:
    bad = re.compile(
        r"(?<![\w.])/(?:work|home|root|Users)/\w|pythonhosted|pypi\.org|files\.python|npmjs|registry\."
    )
    found = []
    for file in tracked():
        if file.suffix in {
            ".py",
            ".ipynb",
            ".yaml",
            ".yml",
            ".md",
            ".toml",
            ".lock",
            ".in",
            ".csv",
            ".json",
            "",
        }:
            hits = bad.findall(file.read_text("utf-8", errors="replace"))
            if hits and file != Path(__file__):
                found.append((file.name, hits[0]))
    assert found == []


def test_nothing_large_is_tracked() -> None:
    assert [f.name for f in tracked() if f.stat().st_size > 1_048_576] == []


@pytest.mark.parametrize(
    "command", [["ruff", "check", "."], ["ruff", "format", "--check", "."], ["mypy"]], ids=" ".join
)
def test_linters_are_clean(command: list[str]) -> None:
    tool = str(Path(sys.executable).parent / command[0])
    done = subprocess.run([tool, *command[1:]], cwd=paths.ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-1000:]
