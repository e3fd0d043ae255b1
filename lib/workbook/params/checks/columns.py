"""Columns and expressions that a study names: those that no table can have stop it."""

from __future__ import annotations

import csv
import difflib
from collections.abc import Collection
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import Any

from workbook import paths
from workbook.expressions.asked import Asked, judge
from workbook.expressions.errors import ExpressionError
from workbook.expressions.reading import parse as parse_expression
from workbook.language import said
from workbook.params import Parameters
from workbook.params.base import EFFECT, NAMED
from workbook.params.checks.places import LOADER, _has_adapter, sources
from workbook.params.checks.refusals import line_of, shown
from workbook.params.file.headers import headers
from workbook.params.indicators import codes
from workbook.params.panel import ExtraColumn
from workbook.params.printed import check as printed
from workbook.run import chain

# Patterns of names of columns, and of effects (a*b).
COLUMNS = (NAMED, r"^[A-Za-z][A-Za-z0-9_]*$", EFFECT)
# Types of the contract and of declared columns, as expressions know them; others are text.
KINDS = {
    "float": "number",
    "int": "integer",
    "bool": "truth",
    "auto": "?",
    **dict.fromkeys(("code3", "code4", "code6"), "code"),
}
# Parameters whose columns may hold texts or codes: they group, or are only asked whether they are there. All others compute.
GROUPS = {
    "productivity_by", "coupling_by", "fixed_effects", "cluster", "spillover_cell", "shock_group", "robust_effects",
    "placebo_strata", "match_strata", "peer_group", "split_columns", "synthetic_unit", "leave_out_columns", "reporting_columns",
}  # fmt: skip
# What the first notebook computes before a study's own columns, which may use it.
AT_ONCE = frozenset({"above_line"})


def contract_kinds(computed: bool = True) -> dict[str, str]:
    """Types of the contract's columns, as expressions know them; with those that the workbook computes, or without."""
    with (paths.ROOT / "data" / "contract" / "panel.csv").open(encoding="utf-8", newline="") as stream:
        rows = [
            r
            for r in csv.DictReader(stream)
            if computed or r["required"] != "derived" or r["column"] in AT_ONCE
        ]
    return {row["column"]: KINDS.get(row["type"], "text") for row in rows}


def check_expressions(parameters: Parameters, node: Any, file: Path, broken: set[str]) -> list[str]:
    """An expression that cannot be read, or that the columns' types do not allow, stops the study.

    What is wrong is taken out of the parameters, and its name kept in ``broken``, so that the rest can be looked at.
    """
    panel, lines = parameters.panel, []
    texts = {("panel", "columns", n): c.expression for n, c in panel.columns.items()}
    texts |= {("panel", key, n): t for key in ("where", "samples") for n, t in getattr(panel, key).items()}
    texts |= {("robustness", "exclusions", n): t for n, t in parameters.robustness.exclusions.items()}
    for place, text in texts.items():
        try:
            parse_expression(text)
        except ExpressionError as error:
            where = f"{shown(file)}:{line_of(node, list(place))}"
            lines.append(said("params.expression", where=where, key=".".join(place[1:]), told=error))
            getattr(getattr(parameters, place[0]), place[1]).pop(place[2])
            broken.add(place[2])
    found = _source_headers(parameters, file)
    extra = {name: KINDS.get(one.type, "?") for name, one in panel.extra_columns.items()}
    for _ in range(len(texts)):
        asked = _asked(parameters)
        # What may be there: with a loader anything, else what the contract and the headers have.
        other = asked.names() if found is None else found
        known = {**dict.fromkeys([*other, *broken], "?"), **contract_kinds(computed=False), **extra}
        try:
            judge(asked, known)
            break
        except ExpressionError as error:
            at = next((list(p) for p in texts if p[-1] == error.key), ["panel", "columns"])
            lines.append(f"{shown(file)}:{line_of(node, at)} {'.'.join(at[1:-1])}.{error}")
            broken.add(str(error.key))
            held = getattr(panel, at[1])
            if at[-1] not in held:
                break
            held.pop(at[-1])
    return lines


def _asked(parameters: Parameters) -> Asked:
    panel = parameters.panel
    texts = {name: column.expression for name, column in panel.columns.items()}
    return Asked(texts, panel.where, panel.samples, panel.value_lists, panel.quantiles)


def _source_headers(parameters: Parameters, file: Path) -> list[str] | None:
    """Headers of the source as the study calls them; None where they are not known before it is read."""
    panel = parameters.panel
    if panel.source == "synthetic":
        return []
    read = sources(parameters, file)
    places = [read] if isinstance(read, str) else read
    if (panel.adapter is not None and not _has_adapter(parameters, file)) or LOADER.match(
        "".join(places[:1])
    ):
        return None
    found = [h for one in places for h in headers(paths.ROOT / one, panel.sheet)]
    if panel.adapter is not None:
        return found  # its headers are found by itself, wherever they stand; of others the first row tells
    return [panel.rename.get(name, name) for name in found] or None


def declare(parameters: Parameters, file: Path) -> None:
    """Columns of the source that the study uses and does not declare are read as they are."""
    panel = parameters.panel
    named = [n for section, key in naming() for n in _texts(parameters.model_dump()[section][key])]
    printed_ones = [name for _, name in printed.named(parameters)] + _of_samples(parameters)
    named = [part for text in named for part in text.split("*")]
    used = dict.fromkeys([*_asked(parameters).names(), *named, *printed_ones])
    # Under the minimal contract a column of the source may be called as one that the workbook computes.
    wanted = set(used) - {*panel.extra_columns, *contract_kinds(computed=panel.contract == "enterprise")}
    wanted -= set(panel.columns) - set(_asked(parameters).names())
    there = (_source_headers(parameters, file) or []) if wanted else []
    for name in used:
        if name in wanted and name in there:
            panel.extra_columns[name] = ExtraColumn(label_en=name, label_zh=name, type="auto")


def check_columns(parameters: Parameters, node: Any, file: Path, broken: Collection[str] = ()) -> list[str]:
    """A column that is named, and that no table can have, stops the study; one that is ``broken`` was told of."""
    asked = nameable(parameters) | dict.fromkeys(broken, "?")
    lines = []
    for section, key in naming():
        # What a parameter names by default is not asked for: an indicator that the study leaves out is left out there, too.
        stated = key in getattr(parameters, section).model_fields_set
        known = asked if stated else asked | {chain.INDICATORS: "?"}
        named = _texts(parameters.model_dump()[section][key])
        for name in dict.fromkeys(part for text in named for part in text.split("*")):
            if (key, name) == ("judged_on", chain.OWN_INDEX) and parameters.integration.own_index:
                continue
            where = f"{shown(file)}:{line_of(node, [section, key])}"
            kind = known.get(name) or next((k for n, k in known.items() if fnmatchcase(name, n)), None)
            if kind is None and name in codes():
                lines.append(said("params.not_asked", where=where, key=f"{section}.{key}", name=name))
            elif kind is None:
                near = difflib.get_close_matches(name, known, 1, 0.5)
                hint = said("params.did_you_mean", near=near[0].rstrip("*?")) if near else ""
                told = said("params.no_column", where=where, key=f"{section}.{key}", name=name, hint=hint)
                lines.append(told)
            elif key not in GROUPS and kind in ("text", "code"):
                lines.append(said("params.no_amount", where=where, key=f"{section}.{key}", name=name))
    return lines


def nameable(parameters: Parameters) -> dict[str, str]:
    """Columns that a study may name, also as patterns of names, and their kinds; ``?`` where it is not known.

    Of the indicators those that it computes.
    """
    panel = parameters.panel
    others = (chain.INDICATORS, chain.OWN_INDEX)
    made = [pattern for step in chain.chain() for pattern in step.columns if pattern not in others]
    return {
        **dict.fromkeys([*made, *parameters.indicators.indicators], "?"),
        **contract_kinds(),
        **{name: KINDS.get(one.type, "text") for name, one in panel.extra_columns.items()},
        **dict.fromkeys(panel.columns, "?"),
        **_own_kinds(parameters),
    }


def _own_kinds(parameters: Parameters) -> dict[str, str]:
    """Types of the study's own columns; none where an expression cannot be judged, which is told of elsewhere."""
    asked = _asked(parameters)
    extra = {name: KINDS.get(one.type, "?") for name, one in parameters.panel.extra_columns.items()}
    try:
        return judge(asked, dict.fromkeys(asked.names(), "?") | contract_kinds(computed=False) | extra)
    except ExpressionError:
        return {}


def _of_samples(parameters: Parameters) -> list[str]:
    """Columns that conditions within tables name."""
    specs = [one for _, one in printed.specs(parameters)]
    texts = [text for one in specs for text in one.sample or [] if text not in parameters.panel.samples]
    found: list[str] = []
    for text in texts:
        try:
            found += parse_expression(text).names()
        except ExpressionError:  # told of with its place
            continue
    return found


@cache
def naming() -> tuple[tuple[str, str], ...]:
    """Parameters that name columns of the panel and of what is made of it: section and name, by their patterns."""
    found = []
    for section, one in Parameters.model_fields.items():
        if section != "panel":
            properties = one.annotation.model_json_schema()["properties"]  # type: ignore[union-attr]
            found += [(section, name) for name, value in properties.items() if _names_columns(value)]
    return tuple(found)


def _names_columns(schema: Any) -> bool:
    if isinstance(schema, dict):
        inner = [value for key, value in schema.items() if key != "propertyNames"]
        return schema.get("pattern") in COLUMNS or any(map(_names_columns, inner))
    return isinstance(schema, list) and any(map(_names_columns, schema))


def _texts(value: Any) -> list[str]:
    """Texts in a value, at any depth; of a mapping those of its values."""
    if isinstance(value, dict | list):
        return [
            text for part in (value.values() if isinstance(value, dict) else value) for text in _texts(part)
        ]
    return [value] if isinstance(value, str) else []
