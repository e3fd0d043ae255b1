"""The declared chain: which notebook reads and writes what."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from typing import Any

from ruamel.yaml import YAML

from workbook.language import listed, said
from workbook.paths import NOTEBOOKS

INDICATORS = "[A-E]?"  # pattern of the indicators among `Step.columns`; a study has those that it asks for
OWN_INDEX = "own_index"  # column of a study's own index: to judge on, never in a regression
ENGINE = ("kind", "master", "options")  # parameters that say where tables are computed
LEFT = ".variants"  # in a study's folder: what `fusion grid` leaves


@dataclass(frozen=True)
class Step:
    """A notebook of the chain; with ``exhibits`` it also reads which exhibits earlier notebooks made, with ``engine`` its
    tables are computed where the study says.

    ``empty`` has the columns of outputs that are written without rows where the study cannot have the notebook;
    ``left`` are tables that a command left in the study's folder (`LEFT`), if it has run;
    ``columns`` the patterns of those that a study may name, beside the panel's.
    """

    notebook: str
    title_en: str
    title_zh: str
    reads: tuple[str, ...]
    writes: tuple[str, ...]
    optional: tuple[str, ...] = field(default=())
    files: tuple[str, ...] = field(default=())
    exhibits: bool = False
    engine: bool = False
    left: tuple[str, ...] = field(default=())
    columns: tuple[str, ...] = field(default=())
    empty: dict[str, list[str]] = field(default_factory=dict, hash=False)

    @property
    def outputs(self) -> tuple[str, ...]:
        """Everything it may write."""
        return self.writes + self.optional


@cache
def chain() -> tuple[Step, ...]:
    """Read ``notebooks/chain.yaml``.

    Returns
    -------
    tuple of Step
        In the order of the story; a step reads only what earlier ones write.

    Raises
    ------
    ValueError
        When a step reads what no earlier step writes, or two steps write the same name.
    """
    with (NOTEBOOKS / "chain.yaml").open(encoding="utf-8") as stream:
        steps = tuple(_step(entry) for entry in YAML(typ="safe").load(stream))
    written: dict[str, str] = {}
    for step in steps:
        for name in step.reads:
            if name not in written:
                raise ValueError(said("run.reads_unwritten", notebook=step.notebook, name=name))
        for name in step.outputs:
            if name in written:
                raise ValueError(
                    said("run.written_twice", name=name, written=written[name], notebook=step.notebook)
                )
            written[name] = step.notebook
    return steps


def step(notebook: str) -> Step:
    """The step of that name, e.g. ``01_panel``."""
    for candidate in chain():
        if candidate.notebook == notebook:
            return candidate
    raise ValueError(said("run.no_notebook", notebook=notebook, known=listed(s.notebook for s in chain())))


def before(notebook: str) -> tuple[Step, ...]:
    """The steps before one, in order."""
    names = [s.notebook for s in chain()]
    return chain()[: names.index(notebook)]


def writer(name: str) -> Step:
    """The step that writes an artefact."""
    return next(s for s in chain() if name in s.outputs)


def _step(entry: dict[str, Any]) -> Step:
    values: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in entry.items()}
    return Step(**values)
