"""What a study's tables come to: for every printed column all that is estimated, nothing inherited any more."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from workbook.params.base import Section
from workbook.params.printed.model import KEEP, Spec, Table, TableColumn, _text

if TYPE_CHECKING:
    from workbook.params import Parameters

WIDE = 7  # columns from which on a page is turned
SPEC = list(Spec.model_fields)
TERMS = ("outcome", "treatments", "controls", "weights")
UNSET = ("weights", "errors")  # may be none at all


def resolved(parameters: Parameters) -> dict[str, Any]:
    """Tables as notebooks read them.

    Parameters
    ----------
    parameters : Parameters
        A study's.

    Returns
    -------
    dict
        By table ``kind of production title notes under stars digits stats tests show landscape`` (of other kinds than
        regression also ``heads sample treatment effects``, for the note) and ``panels``, a list of ``panel``, ``head`` and
        ``columns``, each with every key of a specification.
    """
    tables = parameters.printed.tables
    base = _defaults(parameters)
    return {name: _table(name, tables, base) for name in tables}


def _defaults(parameters: Parameters) -> dict[str, Any]:
    effects = parameters.effects
    own = "fixed_effects" in effects.model_fields_set
    return dict.fromkeys(SPEC) | {
        "outcome": effects.outcome,
        "treatments": effects.treatments,
        "controls": effects.controls,
        "fixed_effects": effects.fixed_effects[-1] if own else ["firm_id", "year"],
        "cluster": [effects.cluster],
        "sample": [],
        "estimator": "ols",
        "quantile": 0.5,
        "like": "fixest",
        "singletons": effects.singletons,
        "iv": {},
        "mark": {},
    }


def _table(name: str, tables: Mapping[str, Table], base: dict[str, Any]) -> dict[str, Any]:
    table, swap = tables[name], dict[str, str]()
    seen = [name]
    source = table
    while source.from_ is not None and source.from_ in tables and source.from_ not in seen:
        swap = {**swap, **(source.swap or {})}
        seen.append(source.from_)
        source = tables[source.from_]
    # Two groups are set side by side as they are, unless the table states effects.
    outer = base | {"fixed_effects": []} if source.kind == "balance" else base
    for one in reversed(seen):
        outer = _inner(outer, tables[one])
    panels, number = [], 0
    for letter, panel in (source.panels or {"": None}).items():
        within = outer if panel is None else _inner(outer, panel)
        columns = panel.columns if panel is not None and panel.columns is not None else source.columns
        made = [_swapped(one, swap) for one in _columns(columns, within)]
        head = panel.head if panel is not None else None
        panels.append({"panel": letter, "head": head, "columns": made})
        number = max(number, len(made))
    told = table if table.from_ is None else _told(table, source)
    fields = ("notes", "under", "stars", "digits", "stats", "show")
    found = {key: getattr(told, key) for key in fields}
    tests = [test.model_dump() for test in told.tests or []]
    turned = number >= WIDE if told.landscape is None else told.landscape
    title = table.title or source.title or _text(name.replace("_", " "))
    found |= {"title": title, "tests": tests, "landscape": turned, "panels": panels}
    functions = told.production.model_dump() if told.production else None
    of = [swap.get(one, one) for one in told.of or variables(source.kind, outer)]
    found |= {"kind": source.kind, "of": of, "production": functions}
    return found if source.kind == "regression" else found | _of_kind(panels)


def _of_kind(panels: list[dict[str, Any]]) -> dict[str, Any]:
    """What the note of a table that is no regression says of its specification."""
    one = panels[0]["columns"][0]
    same = all(panel["columns"][0]["sample"] == one["sample"] for panel in panels)
    return {
        "heads": _heads(panels),
        "sample": one["sample"] if same else [],
        "treatment": next(iter(one["treatments"] or []), None),
        "effects": " + ".join(one["fixed_effects"] or []),
    }


def _heads(panels: list[dict[str, Any]]) -> dict[str, str] | None:
    """Panels with their heads in one line, for tables whose lines bear their letters alone."""
    named = [one for one in panels if one["head"]]
    if not named:
        return None
    return {
        language: mark.join(f"{one['panel']}{colon}{one['head'][language]}" for one in named)
        for language, mark, colon in (("en", "; ", ": "), ("zh", "；", "："))
    }


def variables(kind: str, spec: Mapping[str, Any]) -> list[str]:
    """What a table that is no regression is about where it does not say: what the study's regression has."""
    outcome, terms = [spec["outcome"]] if spec["outcome"] else [], [*(spec["controls"] or [])]
    if kind == "collinearity":
        return list(dict.fromkeys([*(spec["treatments"] or []), *terms]))
    found = [*terms, *outcome] if kind == "balance" else [*outcome, *(spec["treatments"] or []), *terms]
    return [name for name in dict.fromkeys(found) if not name.startswith("levels(")]


def _told(table: Table, source: Table) -> Table:
    """A copy's own settings before those of what it copies."""
    own = {key: getattr(table, key) for key in table.model_fields_set}
    return source.model_copy(update=own)


def _inner(outer: Mapping[str, Any], inner: Spec) -> dict[str, Any]:
    """A specification within another: what it states wins, ``...`` in a list keeps what was there."""
    found = dict(outer)
    for key in SPEC:
        value = getattr(inner, key)
        if key not in inner.model_fields_set:
            continue
        if value is None:
            value = _nothing(key, outer[key])
        elif isinstance(value, list) and KEEP in value:
            at = value.index(KEEP)
            value = [*value[:at], *(outer[key] or []), *value[at + 1 :]]
        found[key] = value.model_dump() if isinstance(value, Section) else value
    given = inner.model_fields_set
    if "errors" in given and found["errors"] not in (None, "clustered"):
        found["cluster"] = found["cluster"] if "cluster" in given else []
    elif "cluster" in given and "errors" not in given:
        found["errors"] = None
    if inner.iv and "estimator" not in given:
        found["estimator"] = "iv"
    return found


def _nothing(key: str, around: Any) -> Any:
    """What a key without a value comes to: an empty list, no weights, else what stands around it."""
    if isinstance(around, list | dict):
        return type(around)()
    return None if key in UNSET else around


def _columns(columns: list[TableColumn] | None, outer: dict[str, Any]) -> list[dict[str, Any]]:
    made: list[dict[str, Any]] = []
    for column in columns if columns is not None else [TableColumn()]:
        one = _inner(outer, column)
        if column.add is not None:
            before = made[-1]["controls"] if made else one["controls"]
            one["controls"] = list(dict.fromkeys([*before, *column.add]))
        one |= {"head": column.head, "group": column.group, "split": column.split}
        one["errors"] = one["errors"] or ("clustered" if one["cluster"] else "robust")
        one["first_stage"] = column.first_stage
        made.append(one)
    return made


def _swapped(column: dict[str, Any], swap: Mapping[str, str]) -> dict[str, Any]:
    def other(value: Any) -> Any:
        if isinstance(value, list):
            return [swap.get(one, one) for one in value]
        return swap.get(value, value)

    instruments = {swap.get(name, name): other(of) for name, of in column["iv"].items()}
    return column | {name: other(column[name]) for name in TERMS} | {"iv": instruments}
