"""What belongs to an addition (CONTRIBUTING: How to add) and was forgotten is named."""

from __future__ import annotations

import ast
import json
import re
import typing
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from workbook import paths
from workbook.exhibits import declared, sheets
from workbook.exhibits.words import table
from workbook.params import Parameters
from workbook.params.load import load, studies
from workbook.params.study import Notebook
from workbook.publish.secrecy import rules
from workbook.review.notebooks import CHINESE
from workbook.run import chain, preflight

NOTEBOOKS = sorted(paths.NOTEBOOKS.glob("*.ipynb"))
# Lists of choices whose names are printed, and the vocabularies that have the words.
PRINTED = {"dynamic_estimators": "cohort_estimator", "other_estimators": "estimator"}
SPOKEN = ("title", "question", "estimand", "data", "cannot")


def content(file: Path) -> dict[str, Any]:
    return json.loads(file.read_text("utf-8"))


def constants(code: str) -> set[str]:
    nodes = ast.walk(ast.parse(code))
    return {n.value for n in nodes if isinstance(n, ast.Constant) and isinstance(n.value, str)}


def code(file: Path) -> Iterator[str]:
    """Code cells but the one that holds parameters."""
    for cell in content(file)["cells"]:
        if cell["cell_type"] == "code" and "parameters" not in cell["metadata"].get("tags", []):
            yield "".join(cell["source"])


def test_every_notebook_may_run() -> None:
    """What the runner checks before any kernel starts: names of parameters, the last cell, the sheet."""
    assert len(preflight.check(chain.chain(), load("smoke").flat, paths.NOTEBOOKS)) == len(NOTEBOOKS)


# -- an exhibit, a notebook -----------------------------------------------------------------------------
@pytest.mark.parametrize("file", NOTEBOOKS, ids=lambda f: f.stem)
def test_each_exhibit_has_a_cell_of_its_own_name(file: Path) -> None:
    for cell in content(file)["cells"]:
        for call in declared.calls({"cells": [cell]}):
            if declared.CALLS[call.how] == "exhibits":
                assert call.id in cell["metadata"].get("tags", []), f"'{call.id}': its cell lacks the tag"


def test_the_model_knows_the_notebooks_of_the_chain() -> None:
    assert list(typing.get_args(Notebook)) == [step.notebook for step in chain.chain()]


@pytest.mark.parametrize("file", NOTEBOOKS, ids=lambda f: f.stem)
def test_what_the_chain_declares_is_read_and_written(file: Path) -> None:
    step, whole = chain.step(file.stem), "\n".join(code(file))
    names = constants(whole)
    # Labels of columns come from the codebook without being asked for.
    read = set(step.reads) if "book.step.reads" in whole else {*names, "codebook"}
    assert [n for n in step.reads if n not in read] == [], "declared in chain.yaml, and not read"
    assert [n for n in step.outputs if n not in names] == [], "declared in chain.yaml, and not written"
    made = re.compile(r"book\.(?:read|table|path|exists|write)\(\s*\"([a-z0-9_]+)\"")
    assert set(made.findall(whole)) - {*step.reads, *step.left, *step.outputs} == set(), (
        "not declared in chain.yaml"
    )


# -- a choice of a parameter --------------------------------------------------------------------------------
def choices(annotation: Any) -> Iterator[str]:
    """Values of every Literal in a type."""
    for part in typing.get_args(annotation):
        if typing.get_origin(annotation) is typing.Literal:
            yield str(part)
        else:
            yield from choices(part)


def fields() -> Iterator[tuple[str, Any]]:
    for section in Parameters.model_fields.values():
        yield from section.annotation.model_fields.items()  # type: ignore[union-attr]


def test_every_choice_of_a_parameter_is_known_to_code_or_is_a_table() -> None:
    lib = [f for f in (paths.ROOT / "lib").rglob("*.py") if f.parent.name != "params"]
    known = {value for f in lib for value in constants(f.read_text("utf-8"))}
    known |= {value for f in NOTEBOOKS for cell in code(f) for value in constants(cell)}
    known |= (
        {f.stem for f in paths.DATA.rglob("*.csv")} | {f.stem for f in NOTEBOOKS} | set(rules.rule_sets())
    )
    unknown = {n: sorted(set(choices(field.annotation)) - known) for n, field in fields()}
    assert {name: values for name, values in unknown.items() if values} == {}


@pytest.mark.parametrize("parameter", PRINTED)
def test_every_printed_choice_has_words(parameter: str) -> None:
    words = table(PRINTED[parameter])
    assert set(choices(dict(fields())[parameter].annotation)) - set(words) == set()


# -- a study ----------------------------------------------------------------------------------------------
@pytest.mark.parametrize("name", studies())
def test_every_study_says_what_it_is_in_both_languages(name: str) -> None:
    values, default = load(name).flat, dict(fields())
    for text in SPOKEN:
        for language in sheets.LANGUAGES:
            said = values[f"{text}_{language}"]
            assert said and said != default[f"{text}_{language}"].default, f"{text}_{language}"
            assert bool(CHINESE.search(str(said))) == (language == "zh"), f"{text}_{language}"


@pytest.mark.parametrize("readme", ["README.md", "README.zh.md"])
def test_every_study_is_in_the_readme(readme: str) -> None:
    rows = re.findall(r"^\| `(\w+)`", (paths.ROOT / readme).read_text("utf-8"), re.M)
    assert set(studies()) - set(rows) == set()
