"""The long table of all columns, from which every format is printed, and how its columns are laid out."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from estimators.errors import EffectsError
from estimators.language import said
from estimators.tables.fit import Fit, fit
from estimators.tables.rows import CONSTANT, UNIT

MOST_SPLIT = 12
# What a column has in common with others stands in the note, else in a line of its own.
COMMON = ("outcome", "errors", "cluster", "like", "sample", "estimator", "weights")
FRAME = ["panel", "column", "kind", "outcome", "term", "engines", "one"]
NUMBERS = ["estimate", "std_error", "statistic", "p_value", "ci_low", "ci_high"]
# Units that tell a term: for the rules of secrecy, never printed.
TOLD = "telling_units"
FOOT = [
    "n",
    "units",
    "clusters",
    "clusters_2",
    "r2",
    "r2_within",
    "r2_adj",
    "first_stage_f",
    "quantile",
    "mean_y",
]


# A description without a column: what a study without regressions has of them.
# Typed, so that counts of columns that are set below it stay whole.
NO_COLUMN = pd.DataFrame(columns=["panel", "column", "one"]).assign(
    **{name: pd.Series(dtype="int64") for name in ("n", "units", "singletons")}
)


def expanded(table: Mapping[str, Any], rows: pd.DataFrame) -> dict[str, Any]:
    """A table whose columns are written out: one for each value of ``split``, first stages before their columns.

    Parameters
    ----------
    table : mapping
        As a study's parameters have it.
    rows : DataFrame
        All rows.

    Raises
    ------
    EffectsError
        When a column to split by has more than twelve values.
    """
    panels = []
    for panel in table["panels"]:
        columns = list(itertools.chain.from_iterable(_split(one, rows) for one in panel["columns"]))
        panels.append({**panel, "columns": [one for column in columns for one in _stages(column)]})
    return {**table, "panels": panels}


def conditions(table: Mapping[str, Any], samples: Mapping[str, str]) -> dict[str, str]:
    """Samples and conditions that a table names, as text by what it calls them."""
    named = [name for panel in table["panels"] for one in panel["columns"] for name in one["sample"] or []]
    return {name: samples.get(name, name) for name in dict.fromkeys(named)}


def estimated(
    table: Mapping[str, Any], rows: pd.DataFrame, samples: Mapping[str, np.ndarray]
) -> list[list[Fit]]:
    """Every column of an expanded table, by panel; columns of one specification are estimated once."""
    known: dict[str, Fit] = {}
    found = []
    for panel in table["panels"]:
        fits = []
        for column in panel["columns"]:
            mark = repr({k: v for k, v in column.items() if k not in ("head", "group", "mark")})
            if mark not in known:
                known[mark] = _one(column, rows, samples)
            fits.append(known[mark])
        found.append(fits)
    return found


def long(table: Mapping[str, Any], fits: Sequence[Sequence[Fit]], size: float) -> pd.DataFrame:
    """One row for each panel, column and term, with what stands at the column's foot; tests below.

    Returns
    -------
    DataFrame
        ``panel column kind outcome term engines one``, estimates (NaN: taken up by effects or other regressors), foot.
        ``mean_y`` stands in the first row of each column.
    """
    from estimators.tables.compared import tested

    parts = []
    every = [one for columns in fits for one in columns]
    for panel, columns in zip(table["panels"], fits, strict=True):
        for number, one in enumerate(columns, 1):
            parts.append(_column(one, size, every).assign(panel=panel["panel"], column=number))
        parts += list(tested(table["tests"], panel["panel"], columns))
    found = pd.concat([part for part in parts if len(part)], ignore_index=True)
    return found.reindex(columns=[*FRAME, *NUMBERS, *FOOT, TOLD])


def stacked(parts: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Long tables under each other, each with its table's name, without what secrecy alone reads; no row where there is none."""
    if not parts:
        return pd.DataFrame(columns=["table", *FRAME, *NUMBERS, *FOOT])
    return pd.concat(parts, names=["table"]).reset_index("table").drop(columns=TOLD)


def contributions(
    frame: pd.DataFrame, table: Mapping[str, Any], fits: Sequence[Sequence[Fit]]
) -> pd.DataFrame:
    """What each unit adds to the mean of each column's outcome."""
    first = frame[frame["mean_y"].notna()].drop_duplicates(["panel", "column"])
    parts = []
    for panel, columns in zip(table["panels"], fits, strict=True):
        for number, one in enumerate(columns, 1):
            own = first[(first["panel"] == panel["panel"]) & (first["column"] == number)]
            data = one.rows.data
            labels = own[["panel", "column", "kind", "outcome", "term", "engines", "one"]].iloc[0].to_dict()
            parts.append(
                pd.DataFrame({**labels, "unit": data[UNIT].astype(str), "mean_y": data[one.rows.outcome]})
            )
    return pd.concat(parts, ignore_index=True)


def laid_out(table: Mapping[str, Any], fits: Sequence[Sequence[Fit]]) -> dict[str, Any]:
    """What is printed beside the numbers: of each column its head, effects, controls …; in common what all share.

    Returns
    -------
    dict
        The table's own settings, ``panels`` (``panel head columns``), ``common``, ``one`` and ``absorbed`` (whether an
        engine stands alone, whether a regressor is taken up), ``stars_said``.
    """
    columns = [column for panel in table["panels"] for column in panel["columns"]]
    told = [
        {**_said(column), **_found(one)} for column, one in zip(columns, itertools.chain(*fits), strict=True)
    ]
    common = {name: told[0][name] for name in COMMON if all(one[name] == told[0][name] for one in told)}
    rest = iter(told)
    panels = [{**panel, "columns": [next(rest) for _ in panel["columns"]]} for panel in table["panels"]]
    if "cluster" not in common:
        common.pop("errors", None)
    limits = [f"{'*' * count} p < {p:g}" for count, p in enumerate(table["stars"] or [], 1)]
    return {
        **table,
        "panels": panels,
        "common": common,
        "one": any(one["one"] for one in told),
        "absorbed": any(one["omitted"] for one in told),
        "stars_said": ", ".join(limits),
    }


# -- inside ------------------------------------------------------------------------------------
def _one(column: Mapping[str, Any], rows: pd.DataFrame, samples: Mapping[str, np.ndarray]) -> Fit:
    """A column; one that is a first stage is taken from the column that it belongs to."""
    if column.get("stage_of") is None:
        return fit(column, rows, samples)
    whole = fit(column["stage_of"], rows, samples)
    return whole.first_stage[column["outcome"]]


def _split(column: Mapping[str, Any], rows: pd.DataFrame) -> Iterator[dict[str, Any]]:
    by = column.get("split")
    if by is None:
        yield dict(column)
        return
    if by not in rows:
        raise EffectsError(said("tables.absent", names=by))
    values = sorted(rows[by].dropna().unique(), key=lambda v: (str(type(v)), v))
    values = [v for v in values if v != ""]
    if len(values) > MOST_SPLIT:
        raise EffectsError(said("tables.split", name=by, count=len(values), most=MOST_SPLIT))
    for value in values:
        plain = value.item() if hasattr(value, "item") else value
        shown = int(plain) if isinstance(plain, float) and plain.is_integer() else plain
        literal = f'"{shown}"' if isinstance(shown, str) else str(shown)
        condition = f"{by} == {literal}"
        yield {
            **column,
            "split": None,
            "sample": [*(column["sample"] or []), condition],
            "value": [by, str(shown)],
        }


def _stages(column: dict[str, Any]) -> Iterable[dict[str, Any]]:
    """The first stages of a column, if they are shown, and itself."""
    if column.get("first_stage"):
        plain = {**column, "first_stage": False}
        for name in column["iv"]:
            instruments = list(dict.fromkeys(z for of in column["iv"].values() for z in of))
            yield {
                **plain,
                "outcome": name,
                "treatments": instruments,
                "iv": {},
                "estimator": "ols",
                "stage_of": plain,
            }
    yield {**column, "first_stage": False}


def _column(one: Fit, size: float, every: Sequence[Fit]) -> pd.DataFrame:
    table = one.table(size).assign(**{TOLD: beside(one, every)})
    lost = [name for name in one.rows.omitted if name not in table.index]
    table = table.reindex(
        [*table.index.drop(CONSTANT, errors="ignore"), *lost, *table.index.intersection([CONSTANT])]
    )
    table = table.rename_axis("term").reset_index()
    treated = {*one.column["treatments"], *one.rows.endogenous}
    table["kind"] = [
        "treatment" if name in treated else "constant" if name == CONSTANT else "control"
        for name in table["term"]
    ]
    foot = one.foot()
    mean = float(np.average(one.rows.data[one.rows.outcome], weights=one.rows.weights))
    table = table.assign(**foot, outcome=one.rows.outcome, one=one.estimate.one)
    table["engines"] = " + ".join(one.estimate.engines)
    table["mean_y"] = [mean, *[np.nan] * (len(table) - 1)]
    return table


def beside(one: Fit, every: Sequence[Fit]) -> pd.Series:
    """Units that tell each term of a column that stands beside others.

    What a further regressor moves of a coefficient is its own coefficient times a share that may be known. Beside a column
    without it, the coefficients that both have are therefore told by no more units than the regressor.
    """
    told = one.told()
    for other in every:
        further = [name for name in told.index if name not in other.terms]
        shared = [name for name in told.index if name in other.terms]
        if further and shared and set(other.terms) < set(one.terms) and _alike(one, other):
            told[shared] = told[shared].clip(upper=told[further].min())
    return told


def _alike(one: Fit, other: Fit) -> bool:
    """Whether two columns differ in nothing but regressors, errors and how they are printed."""
    same = ("outcome", "fixed_effects", "sample", "weights", "estimator", "quantile", "iv")
    return all(one.column.get(key) == other.column.get(key) for key in same)


def _said(column: Mapping[str, Any]) -> dict[str, Any]:
    errors = column["errors"]
    return {
        "head": column["head"],
        "group": column["group"],
        "value": column.get("value"),
        "stage": column.get("stage_of") is not None,
        "outcome": column["outcome"],
        "effects": list(column["fixed_effects"] or []),
        "cluster": " + ".join(column["cluster"] or []) if errors == "clustered" else "",
        "errors": "conley" if isinstance(errors, dict) else errors,
        "km": errors["conley"]["km"] if isinstance(errors, dict) else None,
        "like": column["like"],
        # The value that a column was split by stands over it.
        "sample": list(column["sample"] or [])[: -1 if column.get("value") else None],
        "estimator": column["estimator"],
        "weights": column["weights"] or "",
        "mark": dict(column["mark"] or {}),
    }


def _found(one: Fit) -> dict[str, Any]:
    controls = [name for name in one.column["controls"] if name in one.estimate.terms]
    return {"controls": controls, "one": one.estimate.one, "omitted": one.rows.omitted}


def described(table: Mapping[str, Any], fits: Sequence[Sequence[Fit]]) -> pd.DataFrame:
    """How each column was estimated: engines, K, degrees of freedom, factor, rows that were left out."""
    lines = []
    for panel, columns in zip(table["panels"], fits, strict=True):
        for number, one in enumerate(columns, 1):
            line = {"panel": panel["panel"], "column": number, "estimator": one.column["estimator"]}
            line |= {
                "engines": " + ".join(one.estimate.engines),
                "one": one.estimate.one,
                "like": one.column["like"],
            }
            line |= {"parameters": one.corrected.parameters, "freedom": float(one.corrected.freedom)}
            units = one.foot()["units"]
            line |= {"factor": one.corrected.factor, "n": one.rows.n}
            line |= {"units": None if units is None else int(units)}
            line |= {"singletons": one.rows.dropped, "omitted": one.rows.omitted or None}
            lines.append(line)
    return pd.DataFrame(lines)
