"""What an estimate means in the outcome's own units."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

# One unit of money as it is written in codebooks, in yuan.
YUAN = {"元": 1.0, "千元": 1e3, "万元": 1e4, "百万元": 1e6, "亿元": 1e8}


def money_of_log(unit: str) -> tuple[float, str] | None:
    """Yuan in one unit of a logarithm's argument, and per what: "ln 万元/人" → (10000.0, "人"); None if not one."""
    match = re.fullmatch(r"ln (元|千元|万元|百万元|亿元)(?:/(.+))?", unit.strip())
    return (YUAN[match[1]], match[2] or "") if match else None


def magnitudes(
    estimates: pd.DataFrame, rows: pd.DataFrame, outcome: str, unit: str, treatment_sd: dict[str, float]
) -> pd.DataFrame:
    """Estimates restated: per standard deviation, in per cent, and in yuan at the mean.

    Parameters
    ----------
    estimates : DataFrame
        Indexed by treatment; columns estimate, ci_low, ci_high.
    rows : DataFrame
        Estimation sample.
    outcome : str
        Outcome column.
    unit : str
        Its unit in the codebook; a unit "ln …" is a logarithm, and "ln 万元…" one of money.
    treatment_sd : dict
        Size of one step of each treatment: 1 for a binary one, else a standard deviation.

    Returns
    -------
    DataFrame
        Columns treatment, step, measure (outcome_units, outcome_sd, percent, or a unit such as 元/人), estimate,
        ci_low, ci_high. per cent = 100·(e^b − 1); yuan = (e^b − 1) · mean of e^y · yuan per unit.
    """
    sd = float(rows[outcome].astype(float).std())
    money = money_of_log(unit)
    records = []
    for treatment, row in estimates.iterrows():
        step = treatment_sd[str(treatment)]
        values = row[["estimate", "ci_low", "ci_high"]].to_numpy(float) * step
        found = [("outcome_units", values), ("outcome_sd", values / sd)]
        if unit.startswith("ln"):
            found.append(("percent", 100 * np.expm1(values)))
        if money:
            level = float(np.exp(rows[outcome].astype(float)).mean()) * money[0]
            found.append((f"元/{money[1]}".rstrip("/"), np.expm1(values) * level))
        records += [(treatment, step, measure, *v) for measure, v in found]
    names = ["treatment", "step", "measure", "estimate", "ci_low", "ci_high"]
    return pd.DataFrame(records, columns=names)


def sized(table: pd.DataFrame, found: Mapping[str, Any], rows: pd.DataFrame) -> pd.DataFrame:
    """A family of outcomes with ``n``, observations of each, and ``per_sd``, its effect in standard deviations of the outcome.

    Parameters
    ----------
    table : DataFrame
        regression (the outcome) and estimate, as `multiplicity.family` gives them.
    found : mapping
        Fits by outcome, each with ``n``.
    rows : DataFrame
        Has the outcomes.
    """
    deviation = [rows[outcome].std() for outcome in table["regression"]]
    n = [found[outcome].n for outcome in table["regression"]]
    return table.assign(n=n, per_sd=table["estimate"] / deviation)
