"""Regression tables: estimates with confidence intervals side by side."""

from __future__ import annotations

from collections.abc import Hashable, Mapping

import pandas as pd


def ladder_table(
    estimates: pd.DataFrame, labels: Mapping[str, str], footers: Mapping[str, str], digits: int = 3
) -> pd.DataFrame:
    """A regression table: one column for each specification, intervals in brackets under the estimates.

    Parameters
    ----------
    estimates : DataFrame
        Columns spec, term, estimate, ci_low, ci_high and those named in `footers`, which are constant within spec.
    labels : mapping
        Term: printed label; terms are printed in this order, others are left out.
    footers : mapping
        Column: printed label of a line at the foot, e.g. {"n": "Observations"}.
    digits : int
        Decimals.

    Returns
    -------
    DataFrame
        Strings; first column "" with the labels, then one column "(1)", "(2)", … for each specification.
    """
    columns = {"": [line for label in labels.values() for line in (label, "")] + list(footers.values())}
    for number, (_, spec) in enumerate(estimates.groupby("spec", sort=False), 1):
        by_term = spec.set_index("term")[["estimate", "ci_low", "ci_high"]].to_dict("index")
        lines: list[str] = []
        for term in labels:
            lines += _cell(by_term[term], digits) if term in by_term else ["–", ""]
        first = spec.iloc[0]
        columns[f"({number})"] = lines + [_foot(first[name], digits) for name in footers]
    return pd.DataFrame(columns)


def _cell(row: Mapping[Hashable, float], digits: int) -> list[str]:
    low, high = (_number(row[name], digits) for name in ("ci_low", "ci_high"))
    return [_number(row["estimate"], digits), f"[{low}, {high}]"]


def _number(value: float, digits: int) -> str:
    return f"{value:.{digits}f}".replace("-", "−")


def _foot(value: object, digits: int) -> str:
    if isinstance(value, str):
        return value
    number = float(value)  # type: ignore[arg-type]
    return f"{number:,.0f}" if number.is_integer() else _number(number, digits)
