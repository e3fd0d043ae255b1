"""A study's rows before it has run: read, held to the contract and filtered as its first notebook does."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fusion import archives, engine
from fusion.adapters import able
from fusion.classification import ClassificationError, official
from fusion.evaluation import given, totals
from fusion.evaluation.errors import EvaluationError
from fusion.integration import learn
from fusion.integration.errors import IntegrationError
from fusion.io import InputOutputError, read_own
from fusion.language import said
from fusion.panel import checks, clean, readers, synthetic
from fusion.panel.errors import PanelError

FIRMS = 500  # made in a third of a second, of which 80 are pilots where nothing else is asked for
WORD = re.compile(r"\w+")
HOW = ("rename", "money_unit", "encoding", "sheet", "editions")
GIVEN = ("contract", "extra_columns")
FILTERS = ("first_year", "last_year", "keep_industries", "min_employees", "positive_revenue")


@dataclass(frozen=True)
class Rows:
    """What a study would see.

    Attributes
    ----------
    seen, kept : ibis.Table
        All rows that were read but those set aside; those that the filters leave.
    codes : list of str
        Columns whose texts are codes.
    flow : SampleFlow
    held : frozenset of str
        Columns of the source that hold something.
    """

    seen: Any
    kept: Any
    codes: list[str]
    flow: clean.SampleFlow
    held: frozenset[str]


def read(flat: Mapping[str, Any], root: Path) -> readers.Raw | None:
    """What a study's source holds; None for the synthetic panel and for a loader.

    Parameters
    ----------
    flat : mapping
        The study's parameters by name.
    root : pathlib.Path
        Folder to which files refer.

    Raises
    ------
    PanelError
        When its files cannot be read as the study says.
    """
    return able.read(flat["source"], flat["adapter"], root, **{name: flat[name] for name in (*GIVEN, *HOW)})


def few(flat: Mapping[str, Any]) -> readers.Raw | None:
    """Some firms of the panel that a synthetic study asks for: they tell how its columns are made of one another.

    Parameters
    ----------
    flat : mapping
        The study's parameters by name.

    Returns
    -------
    Raw or None
        None where these settings make no such panel; its first notebook says why.
    """
    asked = {name: flat[f"dgp_{name}"] for name in synthetic.Settings.__dataclass_fields__}
    asked["firms"] = min(asked["firms"], FIRMS)
    given: dict[str, Any] = {name: flat[name] for name in GIVEN}
    try:
        return readers.take(
            engine.opened(), synthetic.generate(synthetic.Settings(**asked), flat["seed"])[0], **given
        )
    except PanelError:
        return None


def rows(flat: Mapping[str, Any], raw: readers.Raw) -> Rows:
    """Check and choose the rows of a study's source.

    Columns beyond the contract that no parameter names are checked, and go no further.

    Parameters
    ----------
    flat : mapping
        Its parameters by name.
    raw : Raw
        Of :func:`read`.

    Raises
    ------
    PanelError
        When they cannot be read as the study says, break the contract under ``on_violation: stop``, or nothing is left.
    """
    quality = checks.check(raw, flat["on_violation"])
    words = set(WORD.findall(repr({name: value for name, value in flat.items() if name != "extra_columns"})))
    used = [
        name
        for name in raw.table.columns
        if (column := raw.columns.get(name)) is None
        or column.role != "extra"
        or words & {name, column.reported_as}
    ]
    flow = clean.sample(raw.table.select(used), quality, **{name: flat[name] for name in FILTERS})
    coded = [c.column for c in raw.columns.values() if c.is_code]
    return Rows(flow.seen, flow.table, coded, flow, able.held(raw))


def is_file(flat: Mapping[str, Any]) -> bool:
    """Whether the source is a file or files, which can be read before a run; a loader is not called."""
    source = flat["source"]
    loader = isinstance(source, str) and (source == "synthetic" or readers.LOADER.match(source))
    return not loader and not able.refused(source)


def tables(
    flat: Mapping[str, Any], root: Path, columns: Mapping[str, str] | None = None
) -> Iterator[tuple[str, str]]:
    """What is wrong in the files of lists, pilots, plans, targets and flows: the parameter, and a sentence for each cell.

    ``columns`` are those that the panel can have, and their kinds (`fusion.evaluation.given.faults`).
    """
    yield from given.faults(flat, root, columns or {})
    try:
        official.read([root / file for file in flat["lists"]])
    except ClassificationError as error:
        yield from (("lists", line) for line in str(error).splitlines())
    if flat["io_table"]:
        try:
            read_own(root / flat["io_table"])
        except InputOutputError as error:
            yield from (("io_table", line) for line in str(error).splitlines())
    if flat["learned"]:
        try:
            learn.read(root / flat["learned"])
        except IntegrationError as error:
            yield "learned", str(error)
    yield from vintages(flat, root)


def vintages(flat: Mapping[str, Any], root: Path) -> Iterator[tuple[str, str]]:
    """What is wrong in the earlier results that a study names: the parameter, and a sentence."""
    years = range(flat["first_year"], flat["last_year"] + 1)
    for name, values, keys in (
        ("vintage", [flat["judged_on"]], ["path", "year"]),
        ("vintage_returns", flat["bureau_measures"], ["firm_id", "year"]),
    ):
        if flat[name]:
            try:
                totals.earlier(root / flat[name], values, years, keys)
            except EvaluationError as error:
                yield name, str(error)


def strange(seen: Rows, flat: Mapping[str, Any], root: Path) -> Iterator[tuple[str, str]]:
    """Whether earlier returns are of other units altogether: the parameter, and a sentence."""
    if flat["vintage_returns"]:
        file = root / flat["vintage_returns"]
        units = set(archives.frame(file, ["firm_id"])["firm_id"].astype(str))
        there = seen.seen["firm_id"].cast("string")
        if not there.isin(sorted(units)).any().execute():
            yield "vintage_returns", said("evaluation.vintage_units", name=file.name)
