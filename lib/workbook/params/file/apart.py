"""Names of the workbook's own columns, and a study's columns that bear one: from reading on they have another.

Estimators add columns to the rows that they are given (``treated``, ``event_time``), tables of classes and indicators are
joined to the panel (``actor``, ``A1``), formulas have words (``C``, ``class``). A study's column of such a name would be
overwritten, or taken for the workbook's. All of these names stand in one file, which is written from the code
(``fusion params --write``); a column that a study declares or makes under one of them is called ``own_…`` from reading on,
with its values and its label, and every parameter and expression of the study that names it means that.
"""

from __future__ import annotations

import ast
import json
import keyword
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import Any

from workbook import paths
from workbook.params.file.levels import TERM
from workbook.run import chain

LIST = Path(__file__).with_name("reserved.txt")
OWN = "own_"
IDENTIFIER = re.compile(r"[^\W\d_]\w*")
# Rooms whose code adds columns to rows of a study.
ROOMS = ("estimators", *(f"fusion/{room}" for room in ("classification", "composite", "evaluation", "indicators",
                                                       "integration")))  # fmt: skip
# Calls whose keywords, and calls whose texts, are names of columns.
BY_KEYWORD, BY_TEXT = (
    {"assign", "mutate", "select", "agg", "aggregate"},
    {"rename", "rename_axis", "insert", "reset_index", "Series"},
)
NAMING = {"columns", "names", "name"}
# Words of formulas and of regression packages, also as names of what they make.
FORMULAS = (
    "C F I L D Q S T i sw sw0 csw csw0 mvsw mvsw0 intercept Intercept log log10 log2 exp exp10 exp2 scale center poly bs cs cc "
    "cr te hashed lag basis_spline cubic_spline natural_cubic_spline cyclic_cubic_spline contr np fixed_effects index"
)


def collected() -> list[str]:
    """Names of columns that the code makes, and words of formulas, in order."""
    files = [f for room in ROOMS for f in (paths.ROOT / "lib" / room).rglob("*.py")]
    files += paths.NOTEBOOKS.glob("*.ipynb")
    found = {*FORMULAS.split(), *keyword.kwlist, *keyword.softkwlist}
    for file in files:
        found |= {name for name in _made(ast.parse(_code(file))) if IDENTIFIER.fullmatch(name)}
    return sorted(found)


@cache
def reserved() -> frozenset[str]:
    """Names, and patterns of names, that are the workbook's."""
    patterns = [pattern for step in chain.chain() for pattern in step.columns]
    return frozenset([*LIST.read_text("utf-8").split(), *patterns])


@cache
def taken(name: str) -> bool:
    """Whether a name is the workbook's."""
    return name in reserved() or any(fnmatchcase(name, one) for one in _patterns())


def renamed(names: Collection[str], others: Collection[str] = ()) -> dict[str, str]:
    """New names by old, of those that are the workbook's, or another's but for capitals, which the engine does not tell apart.

    Parameters
    ----------
    names : collection of str
        Columns that a study declares or makes.
    others : collection of str
        Columns that keep their names.
    """
    found: dict[str, str] = {}
    used, given = {name.casefold() for name in others}, {name.casefold() for name in names}
    for name in names:
        new = name
        if taken(name) or name.casefold() in used:
            new = f"{OWN}{name}"
            while taken(new) or new.casefold() in used | given:
                new += "_"
            found[name] = new
        used.add(new.casefold())
    return found


def column(new: Mapping[str, str]) -> Callable[[str], str]:
    """Puts new names into a column's name, an effect ``a*b`` or ``a~t``, or ``levels(x)``."""

    def one(text: str) -> str:
        if re.fullmatch(TERM, text):
            return re.sub(r"(?<=^levels\()\w+", lambda found: new.get(found[0], found[0]), text)
        return "".join(new.get(part, part) for part in re.split(r"([*~])", text))

    return one


def expression(new: Mapping[str, str], lists: Mapping[str, Any]) -> Callable[[str], str]:
    """Puts new names into an expression: not into texts in quotes, calls, options, or lists that ``in`` names."""

    def one(found: re.Match[str]) -> str:
        name, before, after = found[0], found.string[: found.start()], found.string[found.end() :]
        stays = re.match(r" *\(", after) or (re.match(r" *=[^=]", after) and re.search(r"[,(] *$", before))
        listed = name in lists and re.search(r"\bin *$", before)
        return name if stays or listed else new.get(name, name)

    return lambda text: re.sub(r'"[^"]*"|[^\W\d]\w*', one, text)


def throughout(value: Any, put: Callable[[str], str], keys: bool = False) -> Any:
    """A value with new names in all of its texts, at any depth; of mappings in their keys, too, if asked for."""
    if isinstance(value, str):
        return put(value)
    if isinstance(value, list):
        return [throughout(one, put, keys) for one in value]
    if isinstance(value, dict):
        return {put(k) if keys else k: throughout(one, put, keys) for k, one in value.items()}
    return value


# -- inside ------------------------------------------------------------------------------------
@cache
def _patterns() -> tuple[str, ...]:
    return tuple(sorted(name for name in reserved() if set(name) & set("*?[")))


def _code(file: Path) -> str:
    text = file.read_text("utf-8")
    if file.suffix != ".ipynb":
        return text
    return "\n".join("".join(c["source"]) for c in json.loads(text)["cells"] if c["cell_type"] == "code")


def _made(tree: ast.AST) -> Iterator[str]:
    """Names that code gives to columns beside others: keywords, mappings and texts of calls that name, places that are set.

    A table that code makes anew has no column of the study, so that what it is made of is free.
    """
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield from _called(node)
        elif isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Store):
            yield from _said(node.slice)


def _called(node: ast.Call) -> Iterator[str]:
    name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
    if name in BY_KEYWORD:
        yield from (k.arg for k in node.keywords if k.arg)
        dicts = [
            n for part in (*node.args, *node.keywords) for n in ast.walk(part) if isinstance(n, ast.Dict)
        ]
        yield from (name for one in dicts for key in one.keys if key for name in _said(key))
    for part in [*node.args, *(k.value for k in node.keywords)] if name in BY_TEXT else []:
        yield from _said(part)
    for k in node.keywords:
        if k.arg in NAMING:
            yield from _said(k.value)


def _said(node: ast.AST) -> Iterator[str]:
    yield from (n.value for n in ast.walk(node) if isinstance(n, ast.Constant) and isinstance(n.value, str))
