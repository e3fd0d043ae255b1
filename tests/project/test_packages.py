"""Each package stands alone: with what its README names, and without the other packages."""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from workbook import paths

LIB = paths.ROOT / "lib"
ALONE = ("fusion", "estimators", "workbook")
# The command line imports these when it is asked for what they do, and not before.
HANDED_OVER = {"fusion", "evidence"}
# Python in which some names cannot be imported: argv holds them after the package's own.
BARE = """
import importlib, pkgutil, sys
from importlib.machinery import PathFinder

package, absent = sys.argv[1], set(sys.argv[2].split(","))

def find(name, path=None, target=None, whole=PathFinder.find_spec):
    return None if name.partition(".")[0] in absent else whole(name, path, target)

PathFinder.find_spec = staticmethod(find)
"""
IMPORT_ALL = """
root = importlib.import_module(package)
for found in pkgutil.walk_packages(root.__path__, package + "."):
    if not found.name.endswith("__main__"):
        importlib.import_module(found.name)
"""
EXAMPLE = """
import doctest
failed, run = doctest.testfile(sys.argv[3], module_relative=False)
sys.exit("the example is not there" if not run else failed)
"""


def needs(package: str) -> list[str]:
    """Distributions in the last table of a package's README."""
    table = (LIB / package / "README.md").read_text("utf-8").partition("## Needs")[2]
    rows = re.findall(r"^\| (?!distribution|---)([^|]+) \|", table, re.M)
    return [name.strip() for row in rows for name in row.split(",")]


def closure(names: list[str]) -> set[str]:
    """Distributions with all that they require in turn, in lower case and with hyphens."""
    found: set[str] = set()
    queue = [Requirement(name) for name in names]
    while queue:
        asked = queue.pop()
        name = _plain(asked.name)
        extras = [*asked.extras, ""]
        if name in found and not asked.extras:
            continue
        found.add(name)
        for text in metadata.requires(asked.name) or []:
            wanted = Requirement(text)
            marker = wanted.marker
            if (marker is None or any(marker.evaluate({"extra": e}) for e in extras)) and _plain(
                wanted.name
            ) not in found:
                queue.append(wanted)
    return found


def absent(package: str) -> set[str]:
    """Top-level names of all that is installed and not needed by a package, and of the other packages."""
    there = closure(needs(package))
    homes = metadata.packages_distributions()
    foreign = {m for m, owners in homes.items() if not {_plain(o) for o in owners} & there}
    return (foreign | {*ALONE, "evidence"}) - {package}


def _plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def of_extras() -> set[str]:
    """Names of what extras bring (`extras/*.lock`), which is imported where it is asked for and nowhere else."""
    locks = (paths.ROOT / "extras").glob("*.lock")
    return {name for lock in locks for name in re.findall(r"^([a-z0-9_-]+)==", lock.read_text("utf-8"), re.M)}


def imports(package: str) -> Iterator[tuple[str, str]]:
    """File and top-level name of everything that a package imports and Python does not bring."""
    for file in sorted((LIB / package).rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and node.module:
                names = [node.module]
            for name in names:
                top = name.partition(".")[0]
                if top not in sys.stdlib_module_names and top != package:
                    yield str(file.relative_to(LIB)), top


@pytest.mark.parametrize("package", ALONE)
def test_what_a_package_imports_is_named_in_its_readme(package: str) -> None:
    homes = metadata.packages_distributions()
    named = {_plain(Requirement(name).name) for name in needs(package)}
    used = {(file, top) for file, top in imports(package)}
    if package == "workbook":
        used = {(f, top) for f, top in used if f != "workbook/cli.py" or top not in HANDED_OVER}
    used = {(f, top) for f, top in used if top not in of_extras()}
    unnamed = {(f, top) for f, top in used if not {_plain(o) for o in homes.get(top, [])} & named}
    assert unnamed == set()
    # Themes, kernels and engines are called by name and not imported.
    by_name = {"ipykernel", "myst-nb", "sphinx-mathjax-offline"}
    imported = {_plain(owner) for _, top in used for owner in homes.get(top, [])}
    assert named - imported - by_name == set(), "named and not used"


@pytest.mark.parametrize("package", ALONE)
@pytest.mark.parametrize("code", [IMPORT_ALL, EXAMPLE], ids=["imports", "example"])
def test_a_package_works_without_the_others(package: str, code: str, tmp_path: Path) -> None:
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            BARE + code,
            package,
            ",".join(sorted(absent(package))),
            LIB / package / "README.md",
        ],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]


def test_estimators_alone_know_how_often_their_intervals_held(tmp_path: Path) -> None:
    """The package's folder and nothing beside it: what was tried is part of it."""
    shutil.copytree(LIB / "estimators", tmp_path / "estimators", ignore=shutil.ignore_patterns("__pycache__"))
    code = """
import pandas as pd
from estimators.effects.imputation import bands
assert bands.__file__.startswith(sys.argv[3]), bands.__file__
table, told = bands.tried(pd.DataFrame({"estimator": ["headline"]}), 1500)
assert 0.5 < table["held"].iloc[0] <= 1 and table["tried"].iloc[0] == 1500 and "short" in told
"""
    start = f"import sys; sys.path.insert(0, {str(tmp_path)!r})\n"
    done = subprocess.run(
        [
            sys.executable,
            "-I",
            "-c",
            start + BARE + code,
            "estimators",
            ",".join(sorted(absent("estimators"))),
            str(tmp_path),
        ],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr[-2000:]


def test_the_wall_holds() -> None:
    done = subprocess.run(
        [sys.executable, "-c", BARE + "import numpy", "fusion", "numpy"], capture_output=True, text=True
    )
    assert "No module named 'numpy'" in done.stderr
