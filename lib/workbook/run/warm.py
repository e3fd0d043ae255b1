"""Imports that a kernel makes while it waits for its notebook's inputs: ``%load_ext workbook.run.warm``.

Imports are half of a short notebook's time. Which modules they are is read from the notebook's own cells, so
that a warm kernel holds nothing that the notebook would not load itself.
"""

from __future__ import annotations

import ast
import contextlib
import importlib
import json
import os
import sys
import threading
import time
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from workbook import files, language

JOB = "FUSION_JOB"  # where a notebook's Book finds its job
ERROR = "error.json"
AT = ".at"  # beside the job: how many cells were begun
cells: list[int] = []
PARENT = "JPY_PARENT_PID"  # who started a kernel
MODULES = "FUSION_WARM"  # where a kernel finds their names, comma-joined


def modules(notebook: Mapping[str, Any]) -> list[str]:
    """Names that a notebook's cells import at their top level, in order, without duplicates."""
    names: dict[str, None] = {}
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            names |= dict.fromkeys(_imported("".join(cell["source"])))
    return list(names)


def load_ipython_extension(shell: Any) -> None:
    """Import them; one that fails is left to the cell that asks for it, which then says so.

    An error of a cell is shown as ever, and its words kept in both languages beside the notebook's results.
    """
    threading.Thread(target=_end_with, args=(int(os.environ.get(PARENT, 0)),), daemon=True).start()
    shell.set_custom_exc((Exception,), _failed)
    shell.events.register("pre_run_cell", _at)
    for name in filter(None, os.environ.pop(MODULES, "").split(",")):
        with contextlib.suppress(Exception), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            load(name)


def _end_with(parent: int) -> None:
    """End a kernel whose executor was killed; ipykernel notices that only where orphans go to process 1."""
    while parent and os.getppid() == parent:
        time.sleep(0.5)
    if parent:
        os._exit(1)


def _at(info: Any) -> None:
    """Count the cells that were begun, for the runner's live line; the cell itself must not fail of it."""
    with contextlib.suppress(Exception):
        cells.append(1)
        Path(f"{os.environ[JOB]}{AT}").write_text(str(len(cells)), encoding="utf-8")


def begun(job: Path) -> int:
    """Cells that a notebook has begun; 0 where nothing is known."""
    try:
        return int(Path(f"{job}{AT}").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return 0


def told(folder: Path) -> dict[str, str]:
    """The words of the error that stopped a notebook, in both languages; empty if none did."""
    try:
        return dict(json.loads((folder / ERROR).read_text(encoding="utf-8")))
    except (OSError, ValueError):
        return {}


def _failed(shell: Any, kind: type, error: BaseException, trace: Any, tb_offset: int | None = None) -> None:
    """Shown as ever, its words kept in both languages."""
    shell.showtraceback((kind, error, trace), tb_offset=tb_offset)
    with contextlib.suppress(Exception):
        folder = Path(json.loads(Path(os.environ[JOB]).read_text(encoding="utf-8"))["folder"])
        (folder / ERROR).write_text(json.dumps(words(error), ensure_ascii=False), encoding="utf-8")


def words(error: BaseException) -> dict[str, str]:
    """What an error says, in both languages: each package says again what is its own, they do not know of one another."""
    found = {one: files.scrub(str(error)) for one in language.LANGUAGES}
    for package in ("workbook", "fusion", "estimators"):
        speech = sys.modules.get(f"{package}.language")
        found = {one: speech.again(text, one) if speech else text for one, text in found.items()}
    return found


def load(name: str) -> None:
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
