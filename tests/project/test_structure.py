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

from workbook import paths
from workbook.params import Parameters, generate
from workbook.run import chain, fingerprint

LIB = paths.ROOT / "lib"
# What each package may import of the others. The command line alone hands commands of other packages over.
PACKAGES: dict[str, set[str]] = {
    "fusion": set(),
    "estimators": set(),
    "workbook": set(),
    "evidence": {"fusion", "estimators", "workbook"},
}
HANDED_OVER = {
    "cli.py": {
        "fusion.adapters",
        "fusion.classification",
        "fusion.evaluation",
        "fusion.indicators",
        "fusion.panel",
        "fusion.start",
    }
    | {"evidence.verification"}
}
# Rooms of each package, and the rooms of the same package that each may import; None: any of them.
ROOMS: dict[str, dict[str, set[str] | None]] = {
    "fusion": {
        "classification": set(),
        "panel": {"classification"},
        "adapters": {"panel", "indicators"},  # says which indicators a source's columns give
        "start": {"adapters", "panel", "classification", "evaluation", "integration", "io"},
        "composite": set(),
        "indicators": {"classification", "composite"},
        "integration": {"classification", "composite"},
        "io": {"classification"},  # divisions of sectors by ISIC
        "editing": {"panel"},
        "evaluation": {"classification"},  # producer services; what codes leave open in totals
        "papers": {"evaluation", "plots"},
        "plots": set(),
    },
    "estimators": {
        "engines": set(),
        "effects": {"engines"},
        "robustness": {"engines", "effects"},
        "designs": {"engines", "effects", "robustness"},
        "plots": set(),
        "tables": {"engines", "effects", "production"},
        "production": set(),
    },
    "workbook": dict.fromkeys(
        ("cluster", "expressions", "params", "run", "exhibits", "publish", "review", "variants", "lab")
    ),
    # Times what any room does.
    "evidence": {
        "bench": {"montecarlo"},
        "faults": set(),
        "mutants": set(),
        "montecarlo": set(),
        "returns": set(),
        "secrecy": set(),
        "verification": set(),
    },
}
MOST_FILES = 12  # on one floor of these packages
SMALL_FLOORS = ("estimators", "workbook")
NOTEBOOKS = sorted(paths.NOTEBOOKS.glob("*.ipynb"))
# Names that a notebook may take although the model does not hold them: the study's name.
INJECTED = {"study"}


def modules() -> dict[str, Path]:
    """Every module of the library by its dotted name."""
    names = {".".join(f.relative_to(LIB).with_suffix("").parts): f for f in LIB.rglob("*.py")}
    return {name.removesuffix(".__init__"): file for name, file in names.items()}


def imported(file: Path) -> set[str]:
    """Dotted names of the project's packages that a file imports, at its top or inside functions."""
    names = set()
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            names |= {a.name for a in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{file.relative_to(LIB)}: imports are absolute"
            names |= {f"{node.module}.{a.name}" for a in node.names}
    return {n for n in names if n.split(".")[0] in PACKAGES}


@pytest.mark.parametrize("package", sorted(PACKAGES))
def test_packages_import_only_what_they_may(package: str) -> None:
    for file in (LIB / package).rglob("*.py"):
        handed = (
            HANDED_OVER.get(str(file.relative_to(LIB / "workbook")), set())
            if package == "workbook"
            else set()
        )
        names = {n for n in imported(file) if ".".join(n.split(".")[:2]) not in handed}
        extra = {n.split(".")[0] for n in names} - PACKAGES[package] - {package}
        assert not extra, f"{file.relative_to(LIB)} imports {extra}"


@pytest.mark.parametrize(("package", "room"), [(p, r) for p, rooms in ROOMS.items() for r in rooms])
def test_rooms_import_only_what_they_may(package: str, room: str) -> None:
    allowed = ROOMS[package][room]
    for file in (LIB / package / room).rglob("*.py"):
        rooms = {n.split(".")[1] for n in imported(file) if n.startswith(f"{package}.")} & set(ROOMS[package])
        extra = rooms - {room} - (set(ROOMS[package]) if allowed is None else allowed)
        assert not extra, f"{file.relative_to(LIB)} imports {extra}"


def test_every_package_and_room_is_known() -> None:
    def folders(place: Path) -> set[str]:
        return {p.name for p in place.iterdir() if p.is_dir() and any(p.rglob("*.py"))}

    assert folders(LIB) == set(PACKAGES) == set(fingerprint.PACKAGES)
    assert {package: folders(LIB / package) for package in ROOMS} == {p: set(r) for p, r in ROOMS.items()}


def test_every_room_is_on_the_maps() -> None:
    whole = (paths.ROOT / "CONTRIBUTING.md").read_text("utf-8")
    for package, rooms in ROOMS.items():
        readme = LIB / package / "README.md"
        own = readme.read_text("utf-8") if readme.is_file() else ""
        assert own or package == "evidence"
        for room in rooms:
            assert f"| `lib/{package}/{room}/` |" in whole, f"{room} is not in CONTRIBUTING's map"
            assert not own or f"| `{room}` |" in own, f"{room} is not in the README of {package}"


def test_floors_are_small() -> None:
    floors = {f.parent for package in SMALL_FLOORS for f in (LIB / package).rglob("*.py")}
    crowded = {str(f.relative_to(LIB)): n for f in floors if (n := len(list(f.glob("*.py")))) > MOST_FILES}
    assert crowded == {}


def _reached(name: str, needs: dict[str, set[str]]) -> set[str]:
    found: set[str] = set()
    queue = set(needs[name])
    while queue:
        found |= queue
        queue = {n for q in queue for n in needs[q]} - found
    return found


def test_no_circles_between_modules() -> None:
    known = modules()
    needs = {}
    for name, file in known.items():
        told = {n if n in known else n.rpartition(".")[0] for n in imported(file)}
        needs[name] = (told & set(known)) - {name}
    circles = {name for name in known if name in _reached(name, needs)}
    assert circles == set()


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


# Types are checked by `make lint`, which continuous integration runs, too.
@pytest.mark.parametrize(
    "command", [["ruff", "check", "."], ["ruff", "format", "--check", "."]], ids=" ".join
)
def test_linters_are_clean(command: list[str]) -> None:
    tool = str(Path(sys.executable).parent / command[0])
    done = subprocess.run([tool, *command[1:]], cwd=paths.ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-1000:]
