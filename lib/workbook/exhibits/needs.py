"""What a study's data and parameters allow: one answer for checks, runner and notebooks alike.

Needs, and what each exhibit and each method needs, are declared in the sheets. `able` gives the whole answer; what asks
about one thing (a notebook, the runner, the model of a study's file) asks `lacking` or `missing`, of which it is made.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from workbook import engine
from workbook.exhibits import sheets
from workbook.exhibits.sheets import Method, Need, Sheet
from workbook.expressions.asked import Asked
from workbook.run import chain

EMPTY: tuple[Any, ...] = (None, "", [], {}, False)
Reason = Mapping[str, str]

# What the measures of integration read, and their columns that units can be judged on.
# What a Parquet file's footer tells of a part of a column.
FOOTER = ("path_in_schema", "row_group_num_rows", "stats_null_count", "stats_min_value", "stats_max_value")
REVENUE = ("operating_revenue", "service_revenue", "ind4", "class_version")
MEASURED = {
    "integration",
    "service_share",
    "above_20",
    "above_30",
    "cross_mass",
    "related_variety",
    "mode_share",
}


@dataclass(frozen=True)
class Facts:
    """What is known of a study's data.

    Parameters
    ----------
    parameters : dict
        Parameters by name.
    columns : dict
        Artefact: columns that hold something. An artefact that is not here is not known yet, and
        then nothing is refused for it.
    artefacts : dict
        Artefact: whether it was (or will be) written; one that is not here is not known yet.
    absent : set of str
        Columns that no artefact can have with anything in them.
    """

    parameters: Mapping[str, Any]
    columns: Mapping[str, frozenset[str]] = field(default_factory=dict)
    artefacts: Mapping[str, bool] = field(default_factory=dict)
    absent: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Able:
    """What a study can do: by name None, or the reason why not, a sentence in each language.

    Parameters
    ----------
    indicators : dict
        By code.
    estimators : dict
        Estimators, designs and tests, as ``methods`` of ``notebooks/exhibits/shared.yaml`` names them.
    exhibits : dict
        By ``<number of the notebook>.<id>``.
    """

    indicators: Mapping[str, Reason | None]
    estimators: Mapping[str, Reason | None]
    exhibits: Mapping[str, Reason | None]

    def cannot(self) -> dict[str, dict[str, Reason]]:
        """What cannot be had: kind, name, reason."""
        kinds = {"indicators": self.indicators, "estimators": self.estimators, "exhibits": self.exhibits}
        return {kind: {n: why for n, why in named.items() if why} for kind, named in kinds.items()}


def able(
    facts: Facts, notebooks: Iterable[str], indicators: Mapping[str, Reason | None] | None = None
) -> Able:
    """What a study can do, as far as is known.

    Parameters
    ----------
    facts : Facts
        What is known of it: of its artefacts (`facts`), or before it has run (`foreseen`).
    notebooks : iterable of str
        Its notebooks.
    indicators : dict, optional
        What the domain says of each indicator.
    """
    exhibits = {
        f"{name[:2]}.{id}": _reason(sheets.sheet(name).need(lacks)) if lacks else None
        for name in notebooks
        if sheets.exists(name)
        for id, lacks in allowed(name, facts).items()
    }
    estimators = {name: _reason(lacks) if (lacks := missing(name, facts)) else None for name in methods()}
    return Able(indicators or {}, estimators, exhibits)


def foreseen(
    parameters: Mapping[str, Any],
    columns: Collection[str] | None = None,
    absent: Collection[str] = (),
    indicators: Mapping[str, Reason | None] | None = None,
) -> Facts:
    """What is known of a study before it has run.

    Parameters
    ----------
    parameters : dict
        Parameters by name.
    columns : collection of str, optional
        Columns of its source that hold something; None: not known.
    absent : collection of str
        Columns that its source could have and has not, or has without anything in them.
    indicators : dict, optional
        What the domain says of each indicator.
    """
    made_up = parameters.get("source") == "synthetic"
    made = {"truth": made_up} | ({} if made_up else {"true_effects": False})
    if columns is None:
        return Facts(parameters, artefacts=made)
    there = set(columns)
    declared = parameters.get("extra_columns") or {}
    gone = set(absent) | ({one.get("kept_as") or name for name, one in declared.items()} - there)
    for name, of in _made_of(parameters):
        (there if gone.isdisjoint(of - {name}) else gone).add(name)
    known = {"panel": frozenset(there)}
    if not {"ind4", "class_version"} <= there:
        known["classified"] = frozenset(("firm_id", "year"))
    if indicators is not None:
        can = {code for code in parameters.get("indicators", []) if not indicators.get(code)}
        made_of = {"composite", "conditions", "results"} if can else set()
        made_of |= MEASURED if {*REVENUE} <= there else set()
        made_of |= {chain.OWN_INDEX} if parameters.get(chain.OWN_INDEX) else set()
        known["indicators"] = frozenset(can | made_of)
    return Facts(parameters, known, made, frozenset(gone))


def methods() -> Mapping[str, Method]:
    """Estimators, designs and tests that are declared."""
    return sheets.shared().methods


def missing(method: str, facts: Facts) -> Need | None:
    """The first need of a method that does not hold; None if all hold, as far as is known."""
    needs = [sheets.shared().needs[name] for name in methods()[method].needs]
    return next((need for need in needs if not holds(need, facts)), None)


def refused(parameters: Mapping[str, Any], defaults: Mapping[str, Any]) -> dict[str, dict[str, Need]]:
    """Methods that a study asks for and, by its parameters alone, cannot have: parameter, method, need.

    What a parameter names by default is not asked for: it is left out, and the reason is said.
    """
    facts, found = Facts(parameters), dict[str, dict[str, Need]]()
    for name, method in methods().items():
        asks = method.asked_by or method.set_by
        if asks is None or parameters[asks] == defaults[asks]:
            continue
        named = parameters[asks] not in EMPTY if method.set_by else name in parameters[asks]
        lacks = missing(name, facts) if named else None
        if lacks:
            found.setdefault(asks, {})[name] = lacks
    return found


def facts(root: Path, notebook: str, parameters: Mapping[str, Any], own: Path | None = None) -> Facts:
    """What is known of a study's data before a notebook, or in it.

    Parameters
    ----------
    root : Path
        The study's folder in the build.
    notebook : str
        The notebook; what those before it wrote is known.
    parameters : dict
        Parameters by name.
    own : Path, optional
        Folder of what the notebook itself has written so far.
    """
    columns, written = {}, {}
    for step in chain.before(notebook):
        for name in step.outputs:
            place = root / step.notebook / f"{name}.parquet"
            written[name] = place.is_file()
            if written[name]:
                columns[name] = filled(place)
    for name in chain.step(notebook).left:
        written[name] = (root / chain.LEFT / f"{name}.parquet").is_file()
    for place in sorted(own.glob("*.parquet")) if own is not None else []:
        if place.stem in chain.step(notebook).outputs:
            columns[place.stem] = filled(place)
    return Facts(parameters, columns, written)


def lacking(names: Iterable[str], sheet: Sheet, facts: Facts) -> str | None:
    """The first of some needs that does not hold; None if all hold, as far as is known.

    Parameters
    ----------
    names : iterable of str
        Names of needs.
    sheet : Sheet
        The notebook's sheet, which knows them.
    facts : Facts
        What is known of the data.
    """
    return next((name for name in names if not holds(sheet.need(name), facts)), None)


def holds(need: Need, facts: Facts) -> bool:
    """Whether a need holds, as far as is known."""
    asked = {name: facts.parameters.get(name) not in EMPTY for name in (*need.parameters, *need.without)}
    if not all(asked[name] for name in need.parameters) or any(asked[name] for name in need.without):
        return False
    if not all(facts.artefacts.get(name, True) for name in need.artefacts):
        return False
    known = facts.columns.get(need.table)
    unwanted = _named(need.without_columns_of, facts)
    if unwanted and (known is None or any(name in known for name in unwanted)):
        return False
    wanted = [*need.columns, *_named(need.columns_of, facts)]
    if not facts.absent.isdisjoint(wanted):
        return False
    if known is None:
        return True
    some = not need.any_columns or any(name in known for name in need.any_columns)
    return some and all(name in known for name in wanted)


def allowed(notebook: str, facts: Facts) -> dict[str, str | None]:
    """Each exhibit of a notebook: None where nothing known forbids it, else the need that it lacks."""
    sheet = sheets.sheet(notebook)
    return {
        id: lacking([*sheet.needs, *exhibit.needs], sheet, facts) for id, exhibit in sheet.exhibits.items()
    }


def filled(file: Path) -> frozenset[str]:
    """Columns of a Parquet file that hold anything but empty texts, from its footer where that says so."""
    return _filled(file, file.stat().st_mtime_ns)


@cache
def _filled(file: Path, changed: int) -> frozenset[str]:
    # By the engine: Arrow ends the process where the sizes that a damaged footer states of a column do not agree.
    con = engine.connected(file.parent, threads=1)
    place = [engine.exact(file)]
    names = [head[0] for head in con.execute("SELECT * FROM read_parquet(?) LIMIT 0", place).description]
    parts = con.execute(f"SELECT {', '.join(FOOTER)} FROM parquet_metadata(?)", place).fetchall()
    held = {path for path, *told in parts if not _empty(*told)}
    lists = {path.partition(", ")[0] for path in held}
    return frozenset(name for name in names if name in held or name in lists)


def _made_of(parameters: Mapping[str, Any]) -> list[tuple[str, set[str]]]:
    """The study's columns, each with those it is made of, none before one that it needs."""
    trees = Asked.of(parameters.get("columns", {})).trees()
    return [(name, set(tree.names())) for name, tree in trees.items()]


def _reason(need: Need) -> Reason:
    return {"en": need.en, "zh": need.zh}


def _empty(rows: int, missing: int | None, least: str | None, most: str | None) -> bool:
    """Whether a part of a column is known to have missing values or empty texts alone."""
    return least == most == "" or missing == rows


def _named(parameters: Iterable[str], facts: Facts) -> list[str]:
    """Columns that parameters name."""
    found: list[str] = []
    for name in parameters:
        value = facts.parameters.get(name)
        found += value if isinstance(value, list) else [value] if value else []
    return found
