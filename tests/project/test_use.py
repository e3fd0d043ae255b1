"""Nothing is kept that nothing uses: each definition has a user that is not a test."""

from __future__ import annotations

import ast
import importlib
import re
from collections.abc import Iterator
from functools import cache

import nbformat

from workbook import paths

LIB = paths.ROOT / "lib"
Definition = tuple[str, str]  # module and name
# Rooms that are for users' own notebooks too: what their __all__ names needs no other user.
OFFERED = ("fusion.classification", "fusion.io")
# What is found by its name, by convention: by a regular expression over module.name.
CONVENTIONS = (
    r"evidence\.bench\..*\.(prepare|CONTENDERS|ROWS|TOLERANCE)",  # a work
    r".*\.(anchors|cases)\.rows",  # published results beside what they check
    r".*\.main",  # called by name from the shell
    r"workbook\.cli\..*",  # commands
    r"workbook\.run\.warm\.load_ipython_extension",
    r"workbook\.publish\.sphinx\.conf\..*",
    r".*\.__\w+__",
    r"fusion\.composite\.record\.replay",  # who has an index's record may want its digits again
)


def test_each_definition_has_a_user() -> None:
    used = set(_offered())
    for module, tree in _modules().items():
        used |= _uses(tree, module)
    for file in paths.NOTEBOOKS.glob("*.ipynb"):
        cells = nbformat.read(file, as_version=4).cells
        used |= _uses(ast.parse("\n".join(c.source for c in cells if c.cell_type == "code")), "")
    words = _words()
    unused = [
        f"{module}.{name}"
        for module in _modules()
        for name in _definitions(module)
        if (module, name) not in used
        and name not in words
        and not any(re.fullmatch(pattern, f"{module}.{name}") for pattern in CONVENTIONS)
    ]
    assert unused == []


def test_each_method_has_a_user() -> None:
    texts = "\n".join(f.read_text("utf-8") for f in [*LIB.rglob("*.py"), *paths.NOTEBOOKS.rglob("*.ipynb")])
    seen = set(re.findall(r"(?:\.|['\"{])(\w+)", texts))
    unused = [
        f"{module}.{name}.{node.name}"
        for module in _modules()
        for name, owner in _definitions(module).items()
        if isinstance(owner, ast.ClassDef) and not _told_from_outside(owner)
        for node in owner.body
        if isinstance(node, ast.FunctionDef)
        if node.name not in seen and not node.name.startswith("__") and not node.decorator_list
    ]
    assert unused == []


def test_every_estimator_is_reached_by_a_test() -> None:
    """By what tests, Monte Carlo and verification name, and what that names in turn; drawings aside."""
    files = [*(paths.ROOT / "tests").rglob("*.py"), *(LIB / "evidence").rglob("*.py")]
    queue = {module for f in files for module, _ in _uses(ast.parse(f.read_text("utf-8")), "")}
    reached: set[str] = set()
    while queue := (queue & set(_modules())) - reached:
        reached |= queue
        queue = {found for module in queue for found, _ in _uses(_modules()[module], module)}
    rooms = ("estimators.engines.", "estimators.effects.", "estimators.robustness.", "estimators.production.")
    asked = {module for module in _modules() if module.startswith(rooms)}
    whole = {module for module in asked if set(_definitions(module)) - {"__all__"}}
    assert whole - reached == set()


@cache
def _modules() -> dict[str, ast.Module]:
    names = {".".join(f.relative_to(LIB).with_suffix("").parts): f for f in sorted(LIB.rglob("*.py"))}
    return {n.removesuffix(".__init__"): ast.parse(f.read_text("utf-8")) for n, f in names.items()}


@cache
def _definitions(module: str) -> dict[str, ast.stmt]:
    found: dict[str, ast.stmt] = {}
    for node in _modules()[module].body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            found[node.name] = node
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            found |= {n.id: node for t in targets for n in ast.walk(t) if isinstance(n, ast.Name)}
    return found


@cache
def _bound(tree: ast.Module) -> dict[str, set[Definition]]:
    """Local name: what imports bind it to, as (module, name); a module has no name."""
    bound: dict[str, set[Definition]] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for a in node.names:
                bound.setdefault(a.asname or a.name.split(".")[0], set()).add(
                    (a.name if a.asname else a.name.split(".")[0], "")
                )
        elif isinstance(node, ast.ImportFrom):
            for a in node.names:
                whole = f"{node.module}.{a.name}"
                told = (whole, "") if whole in _modules() else (node.module or "", a.name)
                bound.setdefault(a.asname or a.name, set()).add(told)
    return bound


@cache
def _resolved(module: str, name: str) -> frozenset[Definition]:
    """What a name of a module stands for: its own definition, or what it imported."""
    if module not in _modules():
        return frozenset()
    if f"{module}.{name}" in _modules():
        return frozenset({(f"{module}.{name}", "")})
    if name in _definitions(module):
        return frozenset({(module, name)})
    found: set[Definition] = set()
    for home, inner in _bound(_modules()[module]).get(name, set()):
        found |= _resolved(home, inner) if inner else {(home, "")}
    return frozenset(found)


def _uses(tree: ast.Module, module: str) -> set[Definition]:
    """Definitions that code names outside themselves."""
    bound, own = _bound(tree), _definitions(module) if module else {}
    used: set[Definition] = set()
    for statement in tree.body:
        others = {name for name, node in own.items() if node is not statement}
        for node in ast.walk(statement):
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
                used |= {(module, node.id)} if node.id in others else set()
                used |= {d for home, name in bound.get(node.id, ()) if name for d in _resolved(home, name)}
            elif isinstance(node, ast.Attribute):
                used |= {d for home in _homes(node.value, bound) for d in _resolved(home, node.attr)}
    return used


def _homes(node: ast.expr, bound: dict[str, set[Definition]]) -> set[str]:
    """Modules that an expression (a name, or a chain of attributes) stands for."""
    if isinstance(node, ast.Name):
        told = {d for h, n in bound.get(node.id, ()) for d in (_resolved(h, n) if n else {(h, "")})}
    elif isinstance(node, ast.Attribute):
        told = {d for home in _homes(node.value, bound) for d in _resolved(home, node.attr)}
    else:
        told = set()
    return {module for module, name in told if not name}


def _offered() -> Iterator[Definition]:
    for room in OFFERED:
        listed = _definitions(room)["__all__"]
        for node in ast.walk(listed):
            if isinstance(node, ast.Constant):
                yield from _resolved(room, str(node.value))


def _words() -> set[str]:
    """Names in quotes anywhere in code but ``__all__`` (``getattr``), and words of the declarations that code reads."""
    quoted: set[str] = set()
    for module, tree in _modules().items():
        for statement in tree.body:
            if statement is not _definitions(module).get("__all__"):
                quoted |= {
                    n.value
                    for n in ast.walk(statement)
                    if isinstance(n, ast.Constant) and isinstance(n.value, str)
                }
    told = [f.read_text("utf-8") for f in paths.NOTEBOOKS.rglob("*.yaml")]
    return quoted | {word for text in told for word in re.findall(r"\w+", text)}


def _told_from_outside(owner: ast.ClassDef) -> bool:
    """Whether a class's methods are called by what it inherits from (a parser, an executor)."""
    return any(not isinstance(base, ast.Name) or base.id[0].isupper() for base in owner.bases)


def test_what_a_module_says_it_exports_is_there() -> None:
    """``__all__`` names what exists, so that ``import *`` works."""
    wrong = {}
    for file in sorted((paths.ROOT / "lib").rglob("__init__.py")):
        name = ".".join(file.parent.relative_to(paths.ROOT / "lib").parts)
        module = importlib.import_module(name)
        wrong[name] = [one for one in getattr(module, "__all__", ()) if not hasattr(module, one)]
    assert {name: gone for name, gone in wrong.items() if gone} == {}
