"""Every parameter of the model does something, and no notebook makes a choice itself that the study makes."""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest

from workbook import paths
from workbook.exhibits import declared, sheets
from workbook.params import Parameters, generate
from workbook.run import chain

LIB = paths.ROOT / "lib"
NOTEBOOKS = [step.notebook for step in chain.chain()]
# Sections that the workbook's own code may read, in place of a notebook's.
OWN = ("study", "engine", "audit", "publish", "grid")
# Parameters of other sections that the workbook's own code reads: what every text calls a unit, and tables a column.
OF_TEXTS = {"unit", "names"}
# Keywords of estimators whose value the study chooses, and the parameter that holds the choice.
CHOICES = {
    **dict.fromkeys(("cluster", "clusters", "CRV1", "cluster_entity"), "cluster"),
    **dict.fromkeys(("seed", "random_state"), "seed"),
    **dict.fromkeys(("size", "level"), "test_size"),
}


@cache
def sections() -> dict[str, set[str]]:
    """Names of all parameters, by section."""
    model = Parameters.model_fields.items()
    return {section: set(field.annotation.model_fields) for section, field in model}  # type: ignore[union-attr]


def every() -> set[str]:
    return {name for names in sections().values() for name in names}


def content(notebook: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((paths.NOTEBOOKS / f"{notebook}.ipynb").read_text("utf-8"))
    return found


def code(notebook: dict[str, Any]) -> list[ast.Module]:
    """Code cells but the one of parameters."""
    first = generate.parameters_cell(notebook)
    return [
        ast.parse("".join(cell["source"]))
        for cell in notebook["cells"]
        if cell["cell_type"] == "code" and cell is not first
    ]


def reads(notebook: dict[str, Any]) -> set[str]:
    """Parameters that a notebook's code takes: ``p.name``, a name of its parameters cell, or names handed to getattr."""
    named, found = set(generate.literals(generate.parameters_cell(notebook))), set()
    for cell in code(notebook):
        nodes = list(ast.walk(cell))
        found |= {n.id for n in nodes if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load)} & named
        found |= {n.attr for n in nodes if isinstance(n, ast.Attribute) and _is(n.value, "p")}
        if any(isinstance(n, ast.Call) and _is(n.func, "getattr") and _is(n.args[0], "p") for n in nodes):
            found |= texts(nodes)
        for prefix in texts(nodes):
            found |= {n for n in every() if prefix.endswith("_") and n.startswith(prefix) and used(n, prefix)}
    return found & every()


def texts(nodes: list[ast.AST]) -> set[str]:
    return {n.value for n in nodes if isinstance(n, ast.Constant) and isinstance(n.value, str)}


def _is(node: ast.AST, name: str) -> bool:
    return isinstance(node, ast.Name) and node.id == name


@cache
def _generator() -> set[str]:
    """Attributes that the synthetic panel's code reads."""
    return {n.attr for _, n in _nodes("fusion/panel/synthetic") if isinstance(n, ast.Attribute)}


def used(name: str, prefix: str) -> bool:
    """Whether a setting that a notebook hands over under a shorter name is read there."""
    return name.removeprefix(prefix) in _generator()


def _nodes(folder: str) -> Iterator[tuple[str, ast.AST]]:
    for file in sorted((LIB / folder).rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            yield str(file.relative_to(LIB)), node


@cache
def own_reads() -> set[str]:
    """Parameters that the workbook's code takes by their name: as an argument, a key, one of a tuple, or section.name.

    A text that exists in both languages is taken by the name that both share. Keys of tables of words, and the model
    itself, are no reads.
    """
    found: set[str] = set()
    for file, node in _nodes("workbook"):
        if file.startswith("workbook/params/"):
            continue
        if isinstance(node, ast.Call):
            found |= texts(list(node.args))
        elif isinstance(node, ast.Subscript):
            found |= texts([node.slice])
        elif isinstance(node, ast.Tuple | ast.List | ast.Set):
            found |= texts(list(node.elts))
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Attribute):
            found |= {node.attr} & sections().get(node.value.attr, set())
    return found | {f"{name}_{language}" for name in found for language in sheets.LANGUAGES}


def spoken(notebook: str) -> set[str]:
    """Names of parameters in a sheet's texts and their conditions, unless the notebook gives a value of that name."""
    sheet, found = sheets.sheet(notebook), set()
    given = {call.id: set(call.values) for call in declared.calls(content(notebook))}
    for id, parts in declared._texts(sheet).items():
        names = {c.split(".")[0] for part in parts for c in declared._conditions(part)}
        names |= {name for part in parts for name in sheets.fields(part.en)}
        found |= names - given.get(id, set())
    return found & every()


def test_every_parameter_is_read() -> None:
    read = {name for notebook in NOTEBOOKS for name in reads(content(notebook))}
    of_texts = {
        "study": {n for text in sheets.shared().source for n in (text.when or "", *sheets.fields(text.en))}
    }
    for notebook in filter(sheets.exists, NOTEBOOKS):
        of_texts["study"] |= {
            name
            for part in declared._texts(sheets.sheet(notebook)).values()
            for t in part
            for name in (*sheets.fields(t.en), *declared._conditions(t))
        }
    for section, names in sections().items():
        own = own_reads() if section in OWN else own_reads() & OF_TEXTS
        told = of_texts.get(section, set())
        own = own | told | {f"{name}_{language}" for name in told for language in sheets.LANGUAGES}
        idle = names - read - own
        assert not idle, (
            f"{section}: no code reads {', '.join(sorted(idle))}; naming it in a cell is not reading it"
        )


@pytest.mark.parametrize("notebook", [n for n in NOTEBOOKS if sheets.exists(n)])
def test_what_a_cell_names_the_notebook_reads(notebook: str) -> None:
    named = set(generate.literals(generate.parameters_cell(content(notebook)))) - {"study"}
    assert named - reads(content(notebook)) == set()


@pytest.mark.parametrize("notebook", [n for n in NOTEBOOKS if sheets.exists(n)])
def test_what_a_sheet_says_of_a_choice_the_notebook_takes(notebook: str) -> None:
    """A note that speaks of clusters by the study's parameter is untrue where the code does not take it."""
    idle = spoken(notebook) - sections()["study"] - reads(content(notebook))
    assert not idle, f"its texts name {', '.join(sorted(idle))}, which its code does not read"


def fixed(notebook: dict[str, Any]) -> list[str]:
    """Choices of the study that a notebook's code makes itself: ``cluster_entity=True``, ``{"CRV1": "firm_id"}``."""
    found = []
    for node in (n for cell in code(notebook) for n in ast.walk(cell)):
        pairs: list[tuple[Any, ast.expr | None]] = []
        if isinstance(node, ast.Call):
            pairs = [(k.arg, k.value) for k in node.keywords]
        elif isinstance(node, ast.Dict):
            pairs = [(getattr(k, "value", None), v) for k, v in zip(node.keys, node.values, strict=True)]
        for name, value in pairs:
            literal = isinstance(value, ast.Constant) and not (
                name == "level" and isinstance(value.value, str)
            )
            if name in CHOICES and literal:
                found.append(f"{name} = {ast.unparse(value)}: take it from p.{CHOICES[name]}")  # type: ignore[arg-type]
    return found


@pytest.mark.parametrize("notebook", NOTEBOOKS)
def test_a_notebook_takes_the_studys_choices(notebook: str) -> None:
    """Where errors are clustered the study says so, for every estimator; likewise seeds and the size of tests."""
    assert fixed(content(notebook)) == []


def cells(named: str, *rest: str) -> dict[str, Any]:
    first = {"cell_type": "code", "source": named, "metadata": {"tags": ["parameters"]}}
    return {"cells": [first, *({"cell_type": "code", "source": r, "metadata": {}} for r in rest)]}


@pytest.mark.parametrize(
    ("named", "rest", "read"),
    [
        ("cluster = 'firm_id'", "x = 1", set()),
        ("cluster = 'firm_id'", "cluster = 'district'", set()),
        ("cluster = 'firm_id'", "fit(cluster)", {"cluster"}),
        ("study = 'x'", "fit(p.cluster, size=p.test_size)", {"cluster", "test_size"}),
        ("study = 'x'", "how = {n: getattr(p, n) for n in ('rename', 'encoding')}", {"rename", "encoding"}),
        ("study = 'x'", "how = ('rename', 'encoding')", set()),
        ("study = 'x'", "made = Settings(**p.those('dgp_dip_'))", set()),
    ],
)
def test_reading_is_more_than_naming(named: str, rest: str, read: set[str]) -> None:
    assert reads(cells(named, rest)) == read


def test_settings_handed_over_together_are_read_where_they_are_used() -> None:
    handed = reads(cells("study = 'x'", "Settings(**{n.removeprefix('dgp_'): v for n, v in p})"))
    assert handed == {name for name in every() if name.startswith("dgp_")}
    assert not used("dgp_moon", "dgp_")


@pytest.mark.parametrize(
    "made",
    ["m.fit(cluster_entity=True)", "pf.feols(f, vcov={'CRV1': 'firm_id'})", "boot(seed=1)", "t(size=0.05)"],
)
def test_a_choice_made_in_a_notebook_is_named(made: str) -> None:
    assert len(fixed(cells("study = 'x'", made))) == 1
    assert fixed(cells("study = 'x'", "m.fit(cluster=p.cluster, level=1 - p.test_size, seed=p.seed)")) == []
