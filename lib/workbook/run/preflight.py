"""Checks of a study's notebooks before any kernel starts."""

from __future__ import annotations

import ast
import contextlib
import difflib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeGuard

from workbook import files, paths
from workbook.exhibits import declared, needs, prose, sheets
from workbook.language import listed, said
from workbook.params.generate import literals, parameters_cell
from workbook.run import fingerprint
from workbook.run.chain import ENGINE, Step


class PreflightError(ValueError):
    """A notebook cannot be run as it is; the message holds one line for each reason."""


@dataclass(frozen=True)
class Plan:
    """A notebook that may run: its step, file and content, and parameters.

    ``parameters`` are those of its parameters cell, ``read`` all that its result depends on (also ``p.name``),
    ``values`` all of the study, for its texts.
    """

    step: Step
    file: Path
    content: Mapping[str, Any]
    parameters: Mapping[str, Any]
    read: Mapping[str, Any]
    values: Mapping[str, Any]

    @property
    def name(self) -> str:
        """The notebook's name."""
        return self.step.notebook


def check(steps: Iterable[Step], values: Mapping[str, Any], folder: Path) -> list[Plan]:
    """Read and check the notebooks of some steps.

    Parameters
    ----------
    steps : iterable of Step
        Which notebooks.
    values : dict
        All parameters of the study by name.
    folder : Path
        Folder of notebooks.

    Raises
    ------
    PreflightError
        With every fault of every notebook, one a line.
    """
    plans, faults = [], []
    for step in steps:
        file = folder / f"{step.notebook}.ipynb"
        try:
            content = _read(file)
            named = _parameters(content, values)
            asked = {*_asked(content, values), *_needed(step, values), *(ENGINE if step.engine else ())}
            read = named | {name: values[name] for name in sorted(asked)}
            _check_done(content)
            _check_sheet(step, content, values)
            _check_files(step)
            told = prose.in_language(content, step.notebook, str(values["language"]), values.get("unit"))
            plans.append(Plan(step, file, told, named, read, values))
        except ValueError as error:
            faults.append(f"{files.shown(file)}: {error}")
    if faults:
        raise PreflightError("\n".join(faults))
    return plans


def lacking(plan: Plan, root: Path) -> str | None:
    """The need of a whole notebook that a study does not have, as far as parameters and earlier notebooks tell."""
    if not sheets.exists(plan.name) or not sheets.sheet(plan.name).needs:
        return None
    sheet = sheets.sheet(plan.name)
    return needs.lacking(sheet.needs, sheet, needs.facts(root, plan.name, plan.values))


def _read(file: Path) -> dict[str, Any]:
    if not file.is_file():
        raise ValueError(said("run.check.absent"))
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(said("run.check.not_notebook", error=error)) from None
    if not isinstance(content, dict) or not content.get("cells"):
        raise ValueError(said("run.check.no_cells"))
    return content


def _parameters(content: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """Values for the names in the parameters cell; nothing else is ever passed."""
    try:
        names = list(literals(parameters_cell(dict(content))))
    except SyntaxError as error:
        raise ValueError(said("run.check.not_python", error=error)) from None
    for name in names:
        if name not in values:
            near = difflib.get_close_matches(name, list(values), 1, 0.5)
            hint = said("run.check.did_you_mean", near=near[0]) if near else ""
            raise ValueError(said("run.check.cell_names", name=name, hint=hint))
    return {name: values[name] for name in names}


def _asked(content: Mapping[str, Any], values: Mapping[str, Any]) -> list[str]:
    """Parameters that its cells read as ``p.name``."""
    names = parameters_read(content)
    for name in names:
        if name not in values:
            near = difflib.get_close_matches(name, list(values), 1, 0.5)
            hint = said("run.check.did_you_mean", near=near[0]) if near else ""
            raise ValueError(said("run.check.cells_read", name=name, hint=hint))
    return names


def parameters_read(content: Mapping[str, Any]) -> list[str]:
    """Names in ``p.name`` in a notebook's cells, sorted; p is what ``Book.open`` gave."""
    found: set[str] = set()
    if not any("Book.open(" in fingerprint.source(cell) for cell in content["cells"]):
        return []
    for cell in content["cells"]:
        if cell["cell_type"] == "code":
            with contextlib.suppress(SyntaxError):  # it will fail when it runs, and say where
                found |= {n.attr for n in ast.walk(ast.parse(fingerprint.source(cell))) if _of_p(n)}
    return sorted(found)


def _of_p(node: ast.AST) -> TypeGuard[ast.Attribute]:
    return isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "p"


def _check_done(content: Mapping[str, Any]) -> None:
    cells = content["cells"]
    tagged = [i for i, c in enumerate(cells) if "done" in c["metadata"].get("tags", [])]
    if len(tagged) != 1:
        raise ValueError(said("run.check.done_count", count=len(tagged)))
    last = cells[-1]
    if tagged[0] != len(cells) - 1 or last["cell_type"] != "code":
        raise ValueError(said("run.check.done_last"))
    if "done()" not in fingerprint.source(last):
        raise ValueError(said("run.check.done_call"))


def _needed(step: Step, values: Mapping[str, Any]) -> list[str]:
    """Parameters on which it depends whether its exhibits can be had."""
    if not sheets.exists(step.notebook):
        return []
    names = sheets.sheet(step.notebook).parameters()
    unknown = [name for name in names if name not in values]
    if unknown:
        raise ValueError(
            said("run.check.needs_name", notebook=sheets.shown(step.notebook), unknown=listed(unknown))
        )
    return names


def _check_sheet(step: Step, content: Mapping[str, Any], values: Mapping[str, Any]) -> None:
    """The notebook shows what its sheet declares, and gives the values that its texts name."""
    if sheets.exists(step.notebook):
        found = declared.faults(sheets.sheet(step.notebook), content, values)
        if found:
            raise ValueError("\n  ".join(found))


def _check_files(step: Step) -> None:
    for name in step.files:
        if not (paths.ROOT / name).exists():
            raise ValueError(said("run.check.no_file", name=name))
