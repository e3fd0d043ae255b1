"""Imports that a kernel makes while it waits for its notebook's inputs: ``%load_ext workbook.run.warm``.

Imports are half of a short notebook's time. Which modules they are is read from the notebook's own cells, so
that a warm kernel holds nothing that the notebook would not load itself.
"""

from __future__ import annotations

import ast
import contextlib
import importlib
import os
import sys
import warnings
from collections.abc import Iterator, Mapping
from typing import Any

MODULES = "FUSION_WARM"  # where a kernel finds their names, comma-joined


def modules(notebook: Mapping[str, Any]) -> list[str]:
    """Names that a notebook's cells import at their top level, in order, without duplicates."""
    names: dict[str, None] = {}
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            names |= dict.fromkeys(_imported("".join(cell["source"])))
    return list(names)


def load_ipython_extension(shell: Any) -> None:
    """Import them; one that fails is left to the cell that asks for it, which then says so."""
    for name in filter(None, os.environ.pop(MODULES, "").split(",")):
        with contextlib.suppress(Exception), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            _load(name)


def _load(name: str) -> None:
    """Import a module, or what its package loads when it is asked for."""
    try:
        importlib.import_module(name)
    except ModuleNotFoundError:
        package, _, attribute = name.rpartition(".")
        getattr(sys.modules[package], attribute)


def _imported(code: str) -> Iterator[str]:
    try:
        statements = ast.parse(code).body
    except SyntaxError:
        return  # IPython's own lines, or a mistake that the run will show
    for statement in statements:
        if isinstance(statement, ast.Import):
            yield from (alias.name for alias in statement.names)
        elif isinstance(statement, ast.ImportFrom) and statement.module:
            yield statement.module
            # What is imported may be a module itself; where it is not, the import fails and is passed over.
            yield from (f"{statement.module}.{alias.name}" for alias in statement.names)
