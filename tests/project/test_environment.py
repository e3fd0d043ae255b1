"""The lock, environment.yml and the Makefile agree, and no file names where packages come from."""

from __future__ import annotations

import ast
import csv
import json
import re
import sys
import tomllib
from importlib.metadata import packages_distributions, version
from pathlib import Path

import pytest
import supply
from packaging.markers import Marker
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from ruamel.yaml import YAML

from workbook.paths import ROOT

PIN = re.compile(r"^(?P<name>[A-Za-z0-9._-]+)(\[[^\]]*\])?==(?P<version>\S+)( ; (?P<marker>.*?))? \\$", re.M)


def pins(lock: str) -> list[tuple[str, str, str | None]]:
    text = (ROOT / lock).read_text("utf-8")
    return [(m["name"], m["version"], m["marker"]) for m in PIN.finditer(text)]


@pytest.mark.parametrize("lock", ["requirements.lock", "bootstrap.lock"])
def test_every_pin_has_a_hash_and_no_address(lock: str) -> None:
    text = (ROOT / lock).read_text("utf-8")
    assert "://" not in text and "--index" not in text and "--find-links" not in text
    blocks = re.split(r"\n(?=\S)", text.strip())
    assert len(blocks) == len(pins(lock)) > 0
    assert all("--hash=sha256:" in block for block in blocks)


def test_installed_versions_are_the_locked_ones() -> None:
    wrong = []
    for name, pinned, marker in pins("requirements.lock"):
        if marker and not Marker(marker).evaluate():
            continue
        if version(name) != pinned:
            wrong.append((name, pinned, version(name)))
    assert wrong == []


def test_requirements_are_in_the_lock_and_in_range() -> None:
    locked: dict[str, list[str]] = {}
    for name, pinned, _ in pins("requirements.lock"):
        locked.setdefault(canonicalize_name(name), []).append(pinned)
    for line in (ROOT / "requirements.in").read_text("utf-8").splitlines():
        if not line or line.startswith("#"):
            continue
        need = Requirement(line)
        name = canonicalize_name(need.name)
        assert name in locked, f"{need.name} is not in requirements.lock: make lock"
        assert any(need.specifier.contains(v) for v in locked[name]), line


def test_licences_are_those_of_what_is_installed() -> None:
    """`make lock` writes the table; a licence that binds what is built on it would be seen here."""
    stored = supply.TABLE.read_text("utf-8")
    rows = list(csv.DictReader(stored.splitlines()))
    known = {row["package"]: row["licence"] for row in rows}
    here = {
        canonicalize_name(n)
        for n, _, marker in pins("requirements.lock")
        if not marker or Marker(marker).evaluate()
    }
    assert here - set(known) - supply.OWN == set(), (
        "a locked package has no row: python tests/project/supply.py licences"
    )
    installed = dict(csv.reader(supply.table().splitlines()[1:]))
    assert {n: known.get(n) for n in here & set(installed)} == {
        n: installed[n] for n in here & set(installed)
    }
    bound = re.compile(r"\b(A?GPL|SSPL|BUSL|Commons-Clause)", re.IGNORECASE)
    assert [n for n, told in known.items() if bound.search(told) and ";" not in told] == []


def test_an_audit_that_looked_nothing_up_is_no_clean_one() -> None:
    """`make advisories`; a service that does not answer leaves pins out and calls that success."""
    flaw = {"id": "GHSA-x", "fix_versions": ["2.0"]}
    clean, weak = {"name": "a", "version": "1", "vulns": []}, {"name": "b", "version": "1", "vulns": [flaw]}
    unseen = {"name": "c", "skip_reason": "not found"}
    assert supply.audited({"dependencies": [clean]}) == (0, ["1 of 1 pins looked up, 0 weaknesses known"])
    assert supply.audited({"dependencies": [clean, unseen]})[0] == 2
    status, lines = supply.audited({"dependencies": [clean, weak, unseen]})
    assert status == 1 and lines[0] == "b 1: GHSA-x, mended in 2.0" and lines[-1].endswith(": c")


def test_every_bound_from_above_has_a_check_that_says_when_it_can_go() -> None:
    """`make bounds` tries the newest of them."""
    asked = {
        Requirement(line).name: line
        for line in (ROOT / "requirements.in").read_text("utf-8").splitlines()
        if line[:1].isalpha()
    }
    for name, (bound, check) in supply.HELD.items():
        assert asked[name].endswith(bound), f"{name}: the bound moved; supply.HELD has {bound}"
        exec(compile(check, name, "exec"), {})  # holds with what is installed


def test_nothing_is_imported_that_the_lock_does_not_name() -> None:
    locked = {canonicalize_name(name) for name, *_ in pins("requirements.lock")}
    brought = packages_distributions()
    ours = {"fusion", "estimators", "workbook", "evidence"}
    ours |= {file.stem for room in ("lib", "tests") for file in (ROOT / room).rglob("*.py")}
    # What an extra brings is pinned by its own lock.
    extra = {
        canonicalize_name(name) for file in (ROOT / "extras").glob("*.lock") for name, *_ in pins(str(file))
    }
    unknown = {
        module
        for module in _imported(texts=False) - ours - set(sys.stdlib_module_names)
        if not {canonicalize_name(n) for n in brought.get(module, [module])} & (locked | extra)
    }
    assert unknown == set()


def direct() -> list[str]:
    """Names that requirements.in asks for."""
    lines = (ROOT / "requirements.in").read_text("utf-8").splitlines()
    return [Requirement(line).name for line in lines if line and not line.startswith("#")]


def _imported(texts: bool = True) -> set[str]:
    """Top modules that code, tests and notebooks import or name in a text: an extension, a program that is called."""
    cells = [json.loads(f.read_text("utf-8"))["cells"] for f in ROOT.glob("notebooks/*.ipynb")]
    codes = ["".join(c["source"]) for file in cells for c in file if c["cell_type"] == "code"]
    codes += [f.read_text("utf-8") for room in ("lib", "tests") for f in (ROOT / room).rglob("*.py")]
    found: set[str] = set()
    for node in (n for text in codes for n in ast.walk(ast.parse(text))):
        if isinstance(node, ast.Import):
            found |= {a.name.split(".")[0] for a in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            found.add(str(node.module).split(".")[0])
        elif texts and isinstance(node, ast.Constant) and isinstance(node.value, str):
            found.add(node.value)
    return found


def test_every_direct_dependency_is_used() -> None:
    # What nothing imports serves another, or is called by a command of its own name but for one.
    served = {
        "sqlglot": "ibis-framework",
        "ruamel.yaml.clib": "ruamel.yaml",
        "types-psutil": "mypy",
        "pytest-xdist": "pytest",
    }
    commands = {"jupyterlab": "jupyter lab"}
    files = ("Makefile", "pyproject.toml", ".pre-commit-config.yaml")
    called = "".join((ROOT / name).read_text("utf-8") for name in files)
    called += (ROOT / "CONTRIBUTING.md").read_text("utf-8").split("\n## ")[0]
    modules: dict[str, set[str]] = {}
    for module, names in packages_distributions().items():
        for name in names:
            modules.setdefault(canonicalize_name(name), set()).add(module)
    imported, needed = _imported(), direct()
    idle = [
        name
        for name in needed
        if not modules.get(canonicalize_name(name), set()) & imported
        and served.get(name) not in needed
        and not re.search(rf"\b{re.escape(commands.get(name, name))}\b", called)
    ]
    assert idle == []


def test_contributing_says_what_each_dependency_is_for() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text("utf-8").split("## Dependencies")[1].split("\n## ")[0]
    needed = set(direct())
    words = set(re.findall(r"[A-Za-z][\w.-]*[\w]", text))
    assert needed - words == set()
    assert f"names {len(needed)}," in text


def test_rows_of_own_work_name_what_exists() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text("utf-8").split("though a library offers it")[1]
    named = re.findall(r"`(lib/[^`]+)`", text.split("\n## ")[0])
    assert len(named) > 15
    assert [place for place in named if not (ROOT / place).exists()] == []


def test_rows_of_own_work_say_how_long_it_is() -> None:
    """Within a tenth: a reader weighs ours against a library by it."""
    text = (ROOT / "CONTRIBUTING.md").read_text("utf-8").split("though a library offers it")[1]
    rows = re.findall(r"^\| [^|`]*`(lib/[^`]+)`(?: and `([^`]+)`)?, (\d[\d,]*\d)", text, re.MULTILINE)
    said = {first: int(lines.replace(",", "")) for first, _, lines in rows}
    counted = {
        first: sum(map(_lines, [ROOT / first, *([(ROOT / first).parent / second] if second else [])]))
        for first, second, _ in rows
    }
    assert len(said) > 15
    assert {n: (said[n], counted[n]) for n in said if abs(said[n] - counted[n]) > 0.1 * counted[n]} == {}


def _lines(place: Path) -> int:
    files = sorted(place.rglob("*.py")) if place.is_dir() else [place]
    return sum(len(file.read_text("utf-8").splitlines()) for file in files)


def test_environment_yml_is_the_lock() -> None:
    spec = YAML(typ="safe").load((ROOT / "environment.yml").read_text("utf-8"))
    assert spec["dependencies"] == [
        "python=3.11",
        "pip",
        {"pip": ["--require-hashes", "-r requirements.lock"]},
    ]
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert project["requires-python"] == ">=3.11,<3.14"
    assert "(3,11) <= sys.version_info[:2] <= (3,13)" in (ROOT / "Makefile").read_text("utf-8")


def test_duckdb_and_ibis_work_together() -> None:
    """Newer duckdb or sqlglot install and then fail here (the reason for two bounds in requirements.in)."""
    import ibis
    import pandas as pd

    con = ibis.duckdb.connect()
    table = con.create_table("t", pd.DataFrame({"a": [1, 2, 3]}))
    assert con.execute(table.a.sum()) == 6
    con.drop_table("t")
