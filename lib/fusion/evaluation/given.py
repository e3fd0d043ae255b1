"""The tables of evaluation that a study gives, read before anything runs: what is wrong with them is told at once."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

TABLES = ("pilots", "plan", "targets", "observed", "own_index")
STATED = ("report_scheme", "as_of")  # that are held against those tables or the panel's years
SHIPPED = "data/evaluation/targets.csv"


def faults(
    parameters: Mapping[str, Any], root: Path, columns: Mapping[str, str]
) -> Iterator[tuple[str, str]]:
    """What is wrong in the tables of pilots, plans, targets, observed values and an own index, and in what a study says of them.

    Parameters
    ----------
    parameters : mapping
        ``pilots``, ``plan``, ``targets``, ``observed``, ``own_index`` (places, or None), ``report_scheme``, ``as_of``,
        ``first_year``, ``standards``.
    root : Path
        Folder that places are relative to.
    columns : mapping
        Columns that the panel and what is made of it can have, and their kinds (`tables.unknown`).

    Yields
    ------
    tuple of str
        The parameter, and a sentence.
    """
    own = parameters["targets"] != SHIPPED
    if not own and not any(
        parameters.get(name) for name in ("pilots", "plan", "observed", "own_index", *STATED)
    ):
        return  # most studies: nothing is read, and nothing imported
    from fusion.evaluation import own_index, pilots, plan, targets
    from fusion.evaluation.errors import EvaluationError

    readers = {
        "pilots": lambda file: pilots.load(file),
        "plan": lambda file: plan.load(file, held.get("pilots"), columns),
        "targets": lambda file: targets.load(file, columns, list(parameters["standards"])),
        "observed": lambda file: targets.load_observed(file, held["targets"]) if "targets" in held else None,
        "own_index": lambda file: own_index.load(file, columns),
    }
    held: dict[str, Any] = {}
    for name in TABLES:
        # Without the units, which are wrong themselves, the items of a plan would all be told of.
        broken = name == "plan" and parameters["pilots"] and "pilots" not in held
        if parameters.get(name) and not broken:
            try:
                held[name] = readers[name](root / str(parameters[name]))
            except EvaluationError as error:
                yield from ((name, line) for line in str(error).splitlines())
    yield from _stated(parameters, held.get("pilots"))


def _stated(parameters: Mapping[str, Any], units: Any) -> Iterator[tuple[str, str]]:
    """A scheme that no pilot is of, and a year of evaluation before the panel begins."""
    from fusion.evaluation.pilots import MARKED
    from fusion.language import listed, said

    name, year = parameters.get("report_scheme"), parameters.get("as_of")
    known = [MARKED] if units is None else list(dict.fromkeys(units["scheme"]))
    # Without a table of units, or where it cannot be read, there may be no scheme or any.
    if name and name not in known and (units is not None or not parameters.get("pilots")):
        near = difflib.get_close_matches(str(name), known, 1, 0.5)
        hint = said("evaluation.nearest", near=near[0]) if near else ""
        yield "report_scheme", said("evaluation.report_scheme", name=name, hint=hint, schemes=listed(known))
    if year and year < parameters["first_year"]:
        yield "as_of", said("evaluation.as_of_early", year=year, first=parameters["first_year"])
