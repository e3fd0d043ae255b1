"""What a study's rows say before any notebook runs: treatments that do not vary or begin in other years, years apart."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from workbook.language import listed, said
from workbook.params.file.levels import columns_of

UNIT, YEAR = "firm_id", "year"
SHOWN = 3  # rows of a contradiction that are named
FEW = 2  # treated units from which the variance among them can be estimated
MOST_LEVELS = 60  # as estimators.tables.levels has it
REGRESSED = ("outcome", "treatments", "controls")


@dataclass(frozen=True)
class Finding:
    """Something that is wrong, or worth knowing.

    Attributes
    ----------
    stops : bool
        Whether the study cannot do what it asks for.
    section, name : str
        The parameter.
    told : str
        What, and how to mend it.
    """

    stops: bool
    section: str
    name: str
    told: str


def columns(parameters: Mapping[str, Any]) -> list[str]:
    """Columns that `findings` looks at."""
    named = [UNIT, YEAR, parameters["start_column"], parameters["cluster"], parameters["outcome"]]
    named += [*parameters["treatments"], *parameters["controls"], *parameters["other_outcomes"]]
    named += [part for step in parameters["fixed_effects"] for one in step for part in one.split("*")]
    named += [column for _, _, term in _terms(parameters) for column in columns_of(term)]
    return list(dict.fromkeys(name for name in named if name))


def findings(rows: pd.DataFrame, parameters: Mapping[str, Any]) -> list[Finding]:
    """What the rows that stay say of a study.

    Parameters
    ----------
    rows : pandas.DataFrame
        Of `columns` those that are there.
    parameters : dict
        By name.
    """
    panel = any("firm_id" in step for step in parameters["fixed_effects"])
    found = list(_printed(rows, parameters))
    if not parameters["outcome"] or not parameters["treatments"]:
        return [*found, *_years(rows, stops=False)]
    found += _regression(rows, parameters)
    found += _treatments(rows, parameters)
    found += _starts(rows, parameters)
    found += _clusters(rows, parameters)
    return [*found, *_years(rows, stops=panel)]


def _regression(rows: pd.DataFrame, parameters: Mapping[str, Any]) -> Iterator[Finding]:
    """Columns that hold no number, nothing, or one value; and rows that are whole."""
    there = []
    for name in REGRESSED:
        value = parameters[name]
        for column in [value] if isinstance(value, str) else value:
            if column not in rows:
                continue
            there.append(column)
            if not pd.api.types.is_numeric_dtype(rows[column]) and not pd.api.types.is_bool_dtype(
                rows[column]
            ):
                yield Finding(True, "effects", name, said("review.foresight.no_number", column=column))
            elif rows[column].notna().sum() == 0:
                yield Finding(True, "effects", name, said("review.foresight.empty", column=column))
            elif len(rows[column].dropna().unique()) == 1:
                value = rows[column].dropna().iloc[0]
                told = said("review.foresight.constant", column=column, value=value)
                yield Finding(name != "controls", "effects", name, told)
    whole = rows[there].notna().all(axis=1)
    if there and not whole.any() and rows[there].notna().any().all():
        gaps = listed(f"{c} {int(rows[c].isna().sum()):,}" for c in there)
        yield Finding(True, "effects", "outcome", said("review.foresight.no_row", gaps=gaps, rows=len(rows)))


def _terms(parameters: Mapping[str, Any]) -> Iterator[tuple[str, int, str]]:
    """Outcomes and regressors of tables: the table, its column, the term."""
    for name, table in (parameters.get("tables") or {}).items():
        yield from ((name, 1, term) for term in _of_kind(table))
        for panel in table["panels"] if table["kind"] in ("regression", "decomposition") else []:
            for number, one in enumerate(panel["columns"], 1):
                stages = [term for key, of in one["iv"].items() for term in (key, *of)]
                for term in (one["outcome"], *one["treatments"], *one["controls"], *stages):
                    yield name, number, term


def _of_kind(table: Mapping[str, Any]) -> list[str]:
    """Variables of a table that is no regression."""
    if table["kind"] == "production":
        inputs = table["production"]
        outcomes = [panel["columns"][0]["outcome"] for panel in table["panels"]]
        return [*outcomes, *inputs["free"], *inputs["state"], *inputs["proxy"]]
    treated = [t for panel in table["panels"] for t in panel["columns"][0]["treatments"]]
    of = table["of"] if table["kind"] not in ("regression", "decomposition") else []
    return [*of, *(treated if table["kind"] == "balance" else [])]


def _printed(rows: pd.DataFrame, parameters: Mapping[str, Any]) -> Iterator[Finding]:
    """Terms of tables that are no numbers; levels that are too many, or lack their base."""
    told: set[str] = set()
    for table, number, term in _terms(parameters):
        column = columns_of(term)[0]
        if term in told or column not in rows or rows[column].notna().sum() == 0:
            continue
        told.add(term)
        place = {"table": table, "number": number, "column": column}
        if term == column:
            if not _number(rows[column]):
                yield Finding(True, "printed", "tables", said("review.foresight.term", **place))
            continue
        shown = sorted({f"{v:g}" if isinstance(v, float) else str(v) for v in rows[column].dropna()} - {""})
        base = term.partition("base=")[2].rstrip(")").strip('"')
        if not 2 <= len(shown) <= MOST_LEVELS:
            told_of = said("review.foresight.levels", count=len(shown), most=MOST_LEVELS, **place)
            yield Finding(True, "printed", "tables", told_of)
        elif base and base not in shown:
            told_of = said("review.foresight.base", base=base, known=listed(shown), **place)
            yield Finding(True, "printed", "tables", told_of)


def _treatments(rows: pd.DataFrame, parameters: Mapping[str, Any]) -> Iterator[Finding]:
    within = any("firm_id" in step for step in parameters["fixed_effects"])
    for column in parameters["treatments"]:
        if column not in rows or len(rows[column].dropna().unique()) < 2 or not _number(rows[column]):
            continue
        varies = rows.groupby(UNIT)[column].agg(_differs)
        if within and not varies.any():
            told = said("review.foresight.not_within", column=column, units=len(varies))
            yield Finding(True, "effects", "treatments", told)
        elif within and _is_truth(rows[column]) and varies.sum() < FEW:
            unit = varies.index[varies][0]
            yield Finding(
                False, "effects", "treatments", said("review.foresight.one", column=column, unit=unit)
            )


def _starts(rows: pd.DataFrame, parameters: Mapping[str, Any]) -> Iterator[Finding]:
    """A start year that changes, contradicts a 0/1 treatment, or leaves nobody to compare with."""
    column = parameters["start_column"]
    if not column or column not in rows:
        return
    start = pd.to_numeric(rows[column], errors="coerce")
    per_unit = start.groupby(rows[UNIT]).nunique()
    if (per_unit > 1).any():
        named = listed(map(str, per_unit.index[per_unit > 1][:3]))
        told = said(
            "review.foresight.two_starts", column=column, count=int((per_unit > 1).sum()), units=named
        )
        yield Finding(True, "description", "start_column", told)
        return
    wrong = list(begins(rows, parameters))
    yield from wrong
    since = (rows[YEAR] >= start).where(start.notna(), False).astype("int64")
    for treatment in parameters["treatments"][1 if wrong else 0 :]:
        if treatment in rows and _is_truth(rows[treatment]):
            yield from _contradicted(rows, treatment, column, since)
    yield from _compared(rows, column, start)


def dated(parameters: Mapping[str, Any]) -> bool:
    """Whether there are a treatment and a start year that could contradict one another: one is not made of the other."""
    column, treatment = parameters["start_column"], next(iter(parameters["treatments"]), None)
    made = (parameters["columns"].get(treatment) or {}).get("is", "")
    return bool(column and treatment) and "".join(str(made).split()) != f"since({column})"


def begins(rows: pd.DataFrame, parameters: Mapping[str, Any]) -> Iterator[Finding]:
    """Whether the first treatment, which the study's answer is of, begins in its start year; it may end.

    Parameters
    ----------
    rows : pandas.DataFrame
        firm_id, year and, where there, the two columns.
    parameters : dict
        By name.
    """
    column, treatment = parameters["start_column"], next(iter(parameters["treatments"]), None)
    if not column or column not in rows or treatment not in rows or not _number(rows[treatment]):
        return
    start, value = pd.to_numeric(rows[column], errors="coerce").astype(float), rows[treatment].astype(float)
    on_off = _is_truth(rows[treatment])
    early = value.ne(0) & value.notna() & ~(rows[YEAR] >= start)
    late = value.eq(0) & rows[YEAR].eq(start) if on_off else value.isna() & False
    if not (early | late).any():
        return
    rows, start = rows[early | late], start[early | late]
    shown = zip(*(c[:SHOWN] for c in (rows[UNIT], rows[YEAR], value[rows.index], start)), strict=True)
    shown_rows = listed(
        said(
            "review.foresight.begins_row",
            unit=unit,
            year=int(year),
            treatment=treatment,
            value=f"{v:g}",
            column=column,
            start="–" if pd.isna(s) else int(s),
        )
        for unit, year, v, s in shown
    )
    named = {"treatment": treatment, "column": column, "early": int(early.sum()), "rows": shown_rows}
    if on_off:
        told = said("review.foresight.begins", late=int(late.sum()), **named)
    else:
        told = said("review.foresight.begins_dose", **named)
    # A dose may be there at all times; its start years stand for other units then, and only what they tell is left out.
    yield Finding(on_off, "description", "start_column", told)


def _contradicted(rows: pd.DataFrame, treatment: str, column: str, since: pd.Series) -> Iterator[Finding]:
    stated = rows[treatment].astype("float64")
    wrong = stated.notna() & (stated != since)
    if not wrong.any():
        return
    first = rows[wrong].iloc[0]
    early, late = int((wrong & (stated == 1)).sum()), int((wrong & (stated == 0)).sum())
    told = said(
        "review.foresight.contradicts",
        treatment=treatment,
        column=column,
        early=early,
        late=late,
        unit=first[UNIT],
        year=int(first[YEAR]),
        start="–" if pd.isna(first[column]) else int(first[column]),
        value=int(first[treatment]),
    )
    yield Finding(False, "effects", "treatments", told)


def _compared(rows: pd.DataFrame, column: str, start: pd.Series) -> Iterator[Finding]:
    """Cohorts without years before, after the panel, and whether anybody never starts."""
    first, last = rows[YEAR].min(), rows[YEAR].max()
    units = pd.DataFrame({"start": start, UNIT: rows[UNIT]}).groupby(UNIT)["start"].first()
    counts = {
        "always": int((units <= first).sum()),
        "after": int((units > last).sum()),
        "never": int(units.isna().sum()),
    }
    for key in ("always", "after"):
        if counts[key]:
            told = said(f"review.foresight.{key}", column=column, count=counts[key], first=first, last=last)
            yield Finding(False, "description", "start_column", told)
    if not counts["never"] and not counts["after"] and len(units):
        told = said("review.foresight.nobody", column=column, last=int(units.max()))
        yield Finding(False, "description", "start_column", told)
    if 0 < units.notna().sum() < FEW:
        told = said("review.foresight.one", column=column, unit=units.dropna().index[0])
        yield Finding(False, "description", "start_column", told)


def _clusters(rows: pd.DataFrame, parameters: Mapping[str, Any]) -> Iterator[Finding]:
    column = parameters["cluster"]
    count = len(rows[column].dropna().unique()) if column in rows else FEW
    if count < FEW:
        told = said("review.foresight.clusters", column=column, count=count)
        yield Finding(True, "effects", "cluster", told)


def _years(rows: pd.DataFrame, stops: bool) -> Iterator[Finding]:
    """Years that are there for nobody, and keys that repeat; one year alone stops what is estimated within units."""
    if rows.duplicated([UNIT, YEAR]).any():
        again = rows[rows.duplicated([UNIT, YEAR])].iloc[0]
        count = int(rows.duplicated([UNIT, YEAR], keep=False).sum())
        told = said("review.foresight.twice", count=count, unit=again[UNIT], year=int(again[YEAR]))
        yield Finding(True, "panel", "source", told)
    there = sorted(rows[YEAR].dropna().unique())
    if len(there) == 1:
        yield Finding(stops, "panel", "source", said("review.foresight.one_year", year=int(there[0])))
    gone = sorted(set(range(int(there[0]), int(there[-1]) + 1)) - set(map(int, there))) if there else []
    if gone:
        yield Finding(False, "panel", "source", said("review.foresight.gaps", years=listed(gone)))


def _differs(values: pd.Series) -> bool:
    return len(values.dropna().unique()) > 1


def _number(values: pd.Series) -> bool:
    return bool(pd.api.types.is_numeric_dtype(values) or pd.api.types.is_bool_dtype(values))


def _is_truth(values: pd.Series) -> bool:
    return _number(values) and set(values.dropna().astype("float64").unique()) <= {0.0, 1.0}
