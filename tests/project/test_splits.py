"""What is computed from industry codes says how far a code that may be several classes could move it, or why it cannot."""

from __future__ import annotations

import ast
import json
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path

import pytest

from workbook import paths
from workbook.exhibits import sheets
from workbook.params import Parameters
from workbook.run import chain

NOTEBOOKS = sorted(paths.NOTEBOOKS.glob("[0-9]*.ipynb"))
# Names of lookups and of columns that another word of a notebook may be.
COMMON = {"lists"}
OWN = {"ind4", "biz_activity_codes", "service_rev_by_class", "goods_rev_by_class"}
UNTOUCHED = "no_codes"


@cache
def code_columns() -> frozenset[str]:
    """Columns that say what a code is: those that notebook 02 hands on, and the panel's own."""
    return frozenset({*chain.step("02_classification").columns, *OWN} - COMMON)


def is_code(word: str) -> bool:
    return any(fnmatchcase(word, name) for name in code_columns())


@cache
def by_default() -> dict[str, bool]:
    """Parameters whose default names such a column."""
    found = {}
    for section in Parameters.model_fields.values():
        for name, field in section.annotation.model_fields.items():  # type: ignore[union-attr]
            found[name] = any(
                is_code(w) for w in words(ast.parse(repr(field.get_default(call_default_factory=True))))
            )
    return found


def words(tree: ast.AST) -> set[str]:
    """Words of string constants, attributes and keywords."""
    texts = {n.value for n in ast.walk(tree) if isinstance(n, ast.Constant) and isinstance(n.value, str)}
    texts |= {n.attr for n in ast.walk(tree) if isinstance(n, ast.Attribute)}
    return {
        part
        for text in texts
        if len(text) < 2000
        for part in text.replace("*", " ").replace(",", " ").split()
    }


@cache
def functions(module: str) -> dict[str, ast.AST]:
    file = paths.ROOT / "lib" / Path(*module.split(".")).with_suffix(".py")
    file = file if file.is_file() else file.with_suffix("") / "__init__.py"
    tree = ast.parse(file.read_text("utf-8")) if file.is_file() else ast.Module([], [])
    defs = {n.name: n for n in tree.body if isinstance(n, ast.FunctionDef | ast.ClassDef)}
    values = {
        t.id: n for n in tree.body if isinstance(n, ast.Assign) for t in n.targets if isinstance(t, ast.Name)
    }
    return {**defs, **values}


@cache
def reads_codes(module: str, function: str) -> bool:
    """Whether a function, or what it calls in its module, names a column of codes; documentation does not count."""
    known, asked, seen = functions(module), [function], set()
    while asked:
        name = asked.pop()
        if name in seen or name not in known:
            continue
        seen.add(name)
        body = ast.parse(ast.unparse(known[name]))
        for node in ast.walk(body):
            if isinstance(node, ast.FunctionDef | ast.ClassDef) and ast.get_docstring(node):
                node.body = node.body[1:] or [ast.Pass()]
        if any(is_code(w) for w in words(body)):
            return True
        asked += [n.id for n in ast.walk(body) if isinstance(n, ast.Name)]
    return False


class Cells:
    """What each variable of a notebook is made of."""

    def __init__(self, file: Path) -> None:
        self.modules: dict[str, str] = {}
        self.made: dict[str, bool] = {}
        self.shown: dict[str, bool] = {}
        for cell in json.loads(file.read_text("utf-8"))["cells"]:
            if cell["cell_type"] == "code" and "parameters" not in cell["metadata"].get("tags", []):
                for node in ast.parse("".join(cell["source"])).body:
                    self.statement(node)

    def statement(self, node: ast.stmt) -> None:
        if isinstance(node, ast.ImportFrom):
            self.modules |= {a.asname or a.name: f"{node.module}.{a.name}" for a in node.names}
            return
        touched = self.touched(node)
        stored = {n.id for n in ast.walk(node) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
        # What is made inside a condition or a loop is made of all that stands there.
        self.made |= {
            name: touched or (self.made.get(name, False) and not isinstance(node, ast.Assign))
            for name in stored
        }
        for call in (n for n in ast.walk(node) if isinstance(n, ast.Call)):
            if ast.unparse(call.func) in ("book.exhibit", "book.file"):
                self.shown[
                    ast.literal_eval(call.args[0]) if isinstance(call.args[0], ast.Constant) else ""
                ] = touched

    def touched(self, node: ast.AST) -> bool:
        loaded = {n.id for n in ast.walk(node) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load)}
        if any(self.made.get(name) for name in loaded) or any(is_code(w) for w in words(node)):
            return True
        for n in ast.walk(node):
            if isinstance(n, ast.Attribute) and isinstance(n.value, ast.Name):
                module = self.modules.get(n.value.id, "")
                if (n.value.id == "p" and by_default().get(n.attr)) or (
                    module and reads_codes(module, n.attr)
                ):
                    return True
        return False


def said(sheet: sheets.Sheet, exhibit: sheets.Exhibit) -> str | list[str] | None:
    """Columns of bounds, the name of a reason, or nothing: the exhibit's own, else its sheet's."""
    return sheet.splits if exhibit.splits is None else exhibit.splits


def test_a_notebook_is_read_as_it_is_written(tmp_path: Path) -> None:
    cells = [
        "from fusion.classification import kinds\nfrom fusion.composite import coupling",
        'a = book.read("panel")\nb = a.merge(book.read("classified")[["firm_id", "path"]])',
        "c = kinds.kinds(a)\nd = coupling.degrees(a)\ne = b.sum()",
        *(f'book.exhibit("{x}", {x})' for x in "abcde"),
    ]
    file = tmp_path / "n.ipynb"
    made = [{"cell_type": "code", "metadata": {}, "source": c} for c in cells]
    file.write_text(json.dumps({"cells": made}), "utf-8")
    assert Cells(file).shown == {"a": False, "b": True, "c": True, "d": False, "e": True}


@pytest.mark.parametrize("file", NOTEBOOKS, ids=lambda f: f.stem)
def test_what_is_computed_from_codes_has_bounds_or_a_reason(file: Path) -> None:
    sheet, shown = sheets.sheet(file.stem), Cells(file).shown
    silent = [
        id
        for id, one in sheet.exhibits.items()
        if shown.get(id, "" in shown) and said(sheet, one) in (None, UNTOUCHED)
    ]
    assert silent == [], (
        "computed from codes: `splits` names the columns of its bounds, or a reason of shared.yaml"
    )


@pytest.mark.parametrize("file", NOTEBOOKS, ids=lambda f: f.stem)
def test_bounds_are_columns_that_the_exhibit_has_or_reasons_that_are_known(file: Path) -> None:
    sheet = sheets.sheet(file.stem)
    for id, one in sheet.exhibits.items():
        named = said(sheet, one)
        if isinstance(named, str):
            assert named in sheets.shared().splits, f"{id}: no reason '{named}' in shared.yaml"
        for column in named if isinstance(named, list) else []:
            known = column in one.columns or any(fnmatchcase(column, m.match) for m in one.more)
            assert known, f"{id}: bounds in '{column}', which it does not show"
