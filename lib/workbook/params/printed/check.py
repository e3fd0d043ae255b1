"""What can be known of a study's tables before there are data: every finding with its place in the file."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from workbook.expressions.errors import ExpressionError
from workbook.expressions.reading import parse
from workbook.language import listed, said
from workbook.params.file.levels import columns_of
from workbook.params.printed.model import KEEP, Spec, Table
from workbook.params.printed.resolve import resolved

if TYPE_CHECKING:
    from workbook.params import Parameters

Place = list[str | int]
Finding = tuple[Place, str]
ALL = {"iid", "robust", "clustered"}
SPATIAL = {"driscoll_kraay", "conley"}
# Covariances that an engine has for each estimator (estimators/tables), and which of them take weights.
COVARIANCES = {
    "ols": ALL | SPATIAL,
    "iv": ALL | SPATIAL,
    "fd": ALL,
    "re": ALL,
    "poisson": ALL,
    "logit": ALL,
    "probit": ALL,
    "quantile": {"robust", "clustered"},
}
WITH_WEIGHTS = {"ols", "iv"}
# Estimators and programs that take a slope for each level.
SLOPES, SLOPED_LIKE = {"ols", "iv"}, {"fixest", "reghdfe", "ivreghdfe"}
STATA = {"areg", "xtreg", "ivreghdfe"}
# What a table of each kind takes; one of regressions takes all but what is theirs alone.
EVERY = {"kind", "title", "notes", "from_", "swap", "sample", "digits"}
ERRORS = {"fixed_effects", "cluster", "errors", "lags", "weights", "like", "singletons"}
TAKES = {
    "describe": {*EVERY, "of", "panels"},
    "correlate": {*EVERY, "of", "panels"},
    "balance": {*EVERY, *ERRORS, "of", "treatments", "panels"},
    "collinearity": {*EVERY, "of", "fixed_effects", "panels"},
    "production": {*EVERY, "outcome", "production"},
    "decomposition": {*EVERY, *ERRORS, "outcome", "treatments", "controls", "panels"},
    "regression": {*Table.model_fields} - {"of", "production"},
}
LEAST_OF = {"correlate": 2, "collinearity": 2}
MOST_OF = {"correlate": 30}


def named(parameters: Parameters) -> Iterator[tuple[Place, str]]:
    """Columns that tables name, each with its place in the file; ``a*b`` and ``a~t`` name two."""
    for place, spec in specs(parameters):
        for key in ("outcome", "treatments", "controls", "cluster", "weights", "add", "split", "of"):
            value = getattr(spec, key, None)
            for term in value if isinstance(value, list) else [value] if value else []:
                yield from (([*place, key], name) for name in columns_of(term))
        for effect in spec.fixed_effects or []:
            yield from (([*place, "fixed_effects"], name) for name in columns_of(effect))
        for name, of in (spec.iv or {}).items():
            yield from (([*place, "iv"], one) for one in [name, *of])
        conley = getattr(spec.errors, "conley", None)
        yield from (([*place, "errors"], one) for one in ([conley.lat, conley.lon] if conley else []))
        functions = getattr(spec, "production", None)
        for part in (functions.free, functions.state, functions.proxy) if functions else ():
            yield from (([*place, "production"], name) for name in part)
        for test in getattr(spec, "tests", None) or []:
            names = [test.equal, *(test.zero or [])]
            yield from (([*place, "tests"], one) for name in names if name for one in columns_of(name))


def findings(parameters: Parameters, known: Callable[[str], list[str] | None]) -> list[Finding]:
    """Everything in which tables cannot be as they are stated.

    Parameters
    ----------
    parameters : Parameters
        A study's.
    known : callable
        Gives None for a column that there is or may be, else the nearest names.
    """
    found = []
    for at, name in dict.fromkeys((tuple(place), name) for place, name in named(parameters)):
        near = known(name) if name != KEEP else None
        if near is not None:
            hint = said("params.did_you_mean", near=near[0]) if near else ""
            found.append((list(at), said("params.tables.no_column", name=name, hint=hint)))
    for place, spec in specs(parameters):
        found += _samples([*place, "sample"], spec, parameters, known)
    for name, table in parameters.printed.tables.items():
        if table.from_ is not None and not _leads(name, parameters.printed.tables):
            others = listed(n for n in parameters.printed.tables if n != name)
            found.append(
                (
                    ["printed", "tables", name, "from"],
                    said("params.tables.no_table", name=table.from_, known=others),
                )
            )
    return found or [*_keys(parameters), *_of_columns(parameters)]


def specs(parameters: Parameters) -> Iterator[tuple[Place, Spec]]:
    """Every specification of the file with its place."""
    for name, table in parameters.printed.tables.items():
        home: Place = ["printed", "tables", name]
        yield home, table
        for number, column in enumerate(table.columns or []):
            yield [*home, "columns", number], column
        for letter, panel in (table.panels or {}).items():
            if panel is not None:
                yield [*home, "panels", letter], panel
                for number, column in enumerate(panel.columns or []):
                    yield [*home, "panels", letter, "columns", number], column


def _samples(place: Place, spec: Spec, parameters: Parameters, known: Any) -> Iterator[Finding]:
    """A sample is one of the study's by its name, or a condition."""
    samples = parameters.panel.samples
    for text in spec.sample or []:
        if text in samples or text == KEEP:
            continue
        try:
            tree = parse(text)
        except ExpressionError as error:
            yield place, said("params.tables.condition", text=text[:200], told=error)
            continue
        if tree.op == "name":
            near = difflib.get_close_matches(text, samples, 1, 0.5)
            hint = said("params.did_you_mean", near=near[0]) if near else ""
            yield place, said("params.tables.no_sample", name=text, hint=hint, known=listed(samples))
        for name in tree.names() if tree.op != "name" else []:
            near = known(name)
            if near is not None:
                hint = said("params.did_you_mean", near=near[0]) if near else ""
                yield place, said("params.tables.no_column", name=name, hint=hint)


def _leads(name: str, tables: dict[str, Table]) -> bool:
    """Whether a copy leads to a table that is none."""
    seen: list[str] = []
    while name in tables and name not in seen:
        seen.append(name)
        if tables[name].from_ is None:
            return True
        name = str(tables[name].from_)
    return False


def _keys(parameters: Parameters) -> Iterator[Finding]:
    """Keys that a table of its kind does not take, and a copy that would be of another kind."""
    tables, made = parameters.printed.tables, resolved(parameters)
    for name, table in tables.items():
        place: Place = ["printed", "tables", name]
        kind = made[name]["kind"]
        if table.from_ is not None and "kind" in table.model_fields_set and table.kind != kind:
            yield [*place, "kind"], said("params.tables.copied", name=table.from_, kind=kind, own=table.kind)
        stated = [([*place, key], key) for key in table.model_fields_set - TAKES[kind]]
        for letter, panel in (table.panels or {}).items() if kind != "regression" else ():
            given = panel.model_fields_set - {"head"} if panel is not None else set()
            stated += [([*place, "panels", letter, key], key) for key in given - TAKES[kind]]
        if kind != "regression" and isinstance(table.digits, dict):
            yield [*place, "digits"], said("params.tables.digits", kind=kind)
        for at, key in sorted(stated, key=lambda one: str(one[0])):
            known = listed(sorted(one.rstrip("_") for one in TAKES[kind]))
            yield at, said("params.tables.not_taken", kind=kind, key=key.rstrip("_"), known=known)


def _of_kind(name: str, table: dict[str, Any]) -> Iterator[Finding]:
    """What a table that is no regression cannot be."""
    place: Place = ["printed", "tables", name]
    kind, of = table["kind"], table["of"]
    if kind in ("describe", "correlate", "balance", "collinearity"):
        least, most = LEAST_OF.get(kind, 1), MOST_OF.get(kind, 200)
        if not least <= len(of) <= most:
            yield [*place, "of"], said("params.tables.of", kind=kind, least=least, most=most, count=len(of))
        wrong = [term for term in of if "(" in term and kind != "collinearity"]
        if wrong:
            yield [*place, "of"], said("params.tables.of_levels", kind=kind, term=wrong[0])
    if kind == "production":
        yield from _functions(place, table)
    for panel in table["panels"]:
        column = panel["columns"][0]
        if kind in ("production", "decomposition") and not column["outcome"]:
            yield [*place, "outcome"], said("params.tables.no_outcome", kind=kind)
        if kind == "balance" and len(column["treatments"] or []) != 1:
            yield (
                [*place, "treatments"],
                said("params.tables.one_treatment", count=len(column["treatments"] or [])),
            )
        if kind == "decomposition" and not (column["treatments"] and column["controls"]):
            yield [*place, "controls"], said("params.tables.moves")
        if kind in ("balance", "decomposition"):
            # The rest of a column's rules hold for the regressions of which these are made.
            checked = {**column, "outcome": column["outcome"] or "y", "estimator": "ols", "iv": {}}
            yield from (([*place, key], told) for key, told in _faults(checked))


def _functions(place: Place, table: dict[str, Any]) -> Iterator[Finding]:
    asked = table["production"]
    if asked is None:
        yield [*place, "production"], said("params.tables.no_functions")
        return
    needs = [method for method in asked["methods"] if method not in ("ols", "fe")]
    if needs and not asked["proxy"]:
        yield [*place, "production"], said("params.tables.no_proxy", methods=listed(needs))


def _of_columns(parameters: Parameters) -> Iterator[Finding]:
    for name, table in resolved(parameters).items():
        whole: Place = ["printed", "tables", name]
        if table["kind"] != "regression":
            yield from _of_kind(name, table)
            continue
        for panel in table["panels"]:
            own = (parameters.printed.tables[name].panels or {}).get(panel["panel"])
            home = whole if own is None else [*whole, "panels", panel["panel"]]
            for number, column in enumerate(panel["columns"]):
                place = [*home, "columns", number]
                for key, told in _faults(column):
                    yield [*place, key], said("params.tables.column", number=number + 1, told=told)
            for test in table["tests"]:
                beyond = [n for n in test["of"] if n > len(panel["columns"])]
                if beyond and not any(c["split"] for c in panel["columns"]):
                    yield (
                        [*whole, "tests"],
                        said("params.tables.test", number=beyond[0], last=len(panel["columns"])),
                    )


def _faults(column: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """What no engine can do with a column."""
    how, errors = column["estimator"], column["errors"]
    errors = "conley" if isinstance(errors, dict) else errors
    if not column["outcome"] or not (column["treatments"] or column["controls"]):
        yield "outcome", said("params.tables.nothing")
    if errors not in COVARIANCES[how]:
        yield (
            "errors",
            said("params.tables.errors", how=how, errors=errors, known=listed(sorted(COVARIANCES[how]))),
        )
    if errors == "clustered" and not 1 <= len(column["cluster"] or []) <= 2:
        yield "cluster", said("params.tables.clusters", count=len(column["cluster"] or []))
    if how == "quantile" and errors == "clustered" and len(column["cluster"] or []) > 1:
        yield "cluster", said("params.tables.quantile_clusters")
    if column["like"] == "xtreg" and errors == "robust":
        yield "like", said("params.tables.xtreg")
    if column["like"] in STATA and not column["fixed_effects"]:
        yield "like", said("params.tables.absorbs", like=column["like"])
    if (how == "iv") != bool(column["iv"]):
        yield "iv", said("params.tables.iv", how=how)
    yield from _slopes(column)
    if column["weights"] and how not in WITH_WEIGHTS:
        yield "weights", said("params.tables.weights", how=how, known=listed(sorted(WITH_WEIGHTS)))


def _slopes(column: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """What slopes of levels do not go with."""
    how = column["estimator"]
    sloped = [effect for effect in column["fixed_effects"] or [] if "~" in effect]
    if sloped and how not in SLOPES:
        yield (
            "fixed_effects",
            said("params.tables.slopes", effect=sloped[0], how=how, known=listed(sorted(SLOPES))),
        )
    if sloped and column["like"] not in SLOPED_LIKE:
        known = listed(sorted(SLOPED_LIKE))
        yield "like", said("params.tables.slopes_like", effect=sloped[0], like=column["like"], known=known)
