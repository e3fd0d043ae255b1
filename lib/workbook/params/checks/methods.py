"""Tables, methods and exhibits that a study asks for and cannot have."""

from __future__ import annotations

import difflib
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from workbook.exhibits import needs, sheets
from workbook.language import current, listed, said
from workbook.params import Parameters
from workbook.params.checks.columns import nameable
from workbook.params.checks.places import called
from workbook.params.checks.refusals import StudyError, line_of, shown
from workbook.params.printed import check as printed
from workbook.run import chain


def check_tables(parameters: Parameters, node: Any, file: Path) -> list[str]:
    """Tables that name what there is not, or ask for what no engine has, stop the study; all findings at once."""
    there = nameable(parameters)

    def near(name: str) -> list[str] | None:
        if name in there or any(fnmatchcase(name, pattern) for pattern in there):
            return None
        return difflib.get_close_matches(name, there, 1, 0.5)

    lines = []
    for place, told in printed.findings(parameters, near):
        where = f"{shown(file)}:{line_of(node, place)}"
        key = ".".join(str(part + 1) if isinstance(part, int) else part for part in place[1:])
        lines.append(said("params.tables.at", where=where, key=key, told=told))
    return lines


def check_names(parameters: Parameters, file: Path) -> list[str]:
    """Names of variables that cannot be read."""
    try:
        called(parameters.printed.names, file)
    except StudyError as error:
        return error.lines
    return []


def check_asked(parameters: Parameters, node: Any, file: Path) -> list[str]:
    """A method that is asked for, and that the study's other parameters do not allow, stops the study."""
    lines = []
    sections = {name: type(getattr(parameters, name)).model_fields for name in Parameters.model_fields}
    fields = {name: (section, one) for section, named in sections.items() for name, one in named.items()}
    defaults = {name: one.get_default(call_default_factory=True) for name, (_, one) in fields.items()}
    for name, methods in needs.refused(parameters.flat(), defaults).items():
        section = fields[name][0]
        where = f"{shown(file)}:{line_of(node, [section, name])}"
        for why in dict.fromkeys(getattr(need, current()) for need in methods.values()):
            named = listed(m for m, need in methods.items() if getattr(need, current()) == why)
            lines.append(said("params.asked", where=where, key=f"{section}.{name}", methods=named, why=why))
    return lines


def check_left_out(parameters: Parameters, node: Any, file: Path) -> list[str]:
    """An exhibit that is to be left out, and that no sheet declares, would be published under its right name."""
    if not parameters.publish.leave_out:
        return []
    lines = []
    sheet = [sheets.sheet(step.notebook) for step in chain.chain() if sheets.exists(step.notebook)]
    known = [f"{one.notebook[:2]}.{id}" for one in sheet for id in one.exhibits]
    parts = [f"{o.notebook[:2]}.{id}{sheets.PART}" for o in sheet for id, e in o.exhibits.items() if e.each]
    known += [f"{part}{table}" for part in parts for table in parameters.printed.tables]
    for position, name in enumerate(parameters.publish.leave_out):
        if name not in known:
            near = difflib.get_close_matches(name, known, 1, 0.5)
            hint = said("params.did_you_mean", near=near[0]) if near else ""
            where = f"{shown(file)}:{line_of(node, ['publish', 'leave_out', position])}"
            lines.append(said("params.no_exhibit", where=where, name=name, hint=hint))
    return lines
