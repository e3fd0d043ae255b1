"""What is told of indicators and of an index: tables under the field's names, empty where there is no index."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from fusion.composite import coherence, reliability
from fusion.composite.base import dumps
from fusion.indicators.measure import COMPOSITE, WEIGHT_COLUMNS, Made
from fusion.indicators.system import CHAINS, Computed, out_of_range, system

RELIABLE = 0.7  # alpha and omega from which indicators are read as one dimension (Nunnally 1978)
QUANTILES = {"p5": 0.05, "p25": 0.25, "p50": 0.5, "p75": 0.75, "p95": 0.95}


def computed(found: Computed) -> dict[str, Any]:
    """How many indicators were found and asked for, which were left out, and the columns that they lack."""
    lacking = sorted({column for columns in found.missing.values() for column in columns})
    count = len(found.codes)
    return {
        "found": count,
        "asked": count + len(found.missing),
        "left": list(found.missing),
        "lacking": lacking,
    }


def summary(values: pd.DataFrame, codes: list[str]) -> pd.DataFrame:
    """One row an indicator.

    Returns
    -------
    pandas.DataFrame
        code, indicator (its code again, for its name), chain, direction, unit, n (firm-years that have it), units
        (firms that ever do), missing (%), mean, sd, p1, p50, p99, out_of_range (values outside the declared range).
    """
    declared = system(codes)
    numbers = values[codes].astype(float)
    return pd.DataFrame(
        {
            "code": codes,
            "indicator": codes,
            "chain": declared["chain"].to_numpy(),
            "direction": declared["direction"].replace("-", "−").to_numpy(),
            "unit": declared["unit"].to_numpy(),
            "n": numbers.notna().sum().to_numpy(),
            "units": firms(values, codes).to_numpy(),
            "missing": 100 * numbers.isna().mean().to_numpy(),
            "mean": numbers.mean().to_numpy(),
            "sd": numbers.std().to_numpy(),
            "p1": numbers.quantile(0.01).to_numpy(),
            "p50": numbers.quantile(0.5).to_numpy(),
            "p99": numbers.quantile(0.99).to_numpy(),
            "out_of_range": out_of_range(numbers, codes).to_numpy(),
        }
    )


def firms(values: pd.DataFrame, codes: list[str]) -> pd.Series:
    """Number of firms that ever have each indicator."""
    return pd.Series({c: values.loc[values[c].notna(), "firm_id"].nunique() for c in codes}, dtype=int)


def gaps(values: pd.DataFrame, codes: list[str]) -> pd.DataFrame:
    """What each firm adds to the missing values: code, unit, missing_part (its firm-years without), missing_whole (all)."""
    parts = []
    for code in codes:
        own = values[code].isna().groupby(values["firm_id"]).agg(["sum", "size"]).reset_index()
        parts.append(own.set_axis(["unit", "missing_part", "missing_whole"], axis=1).assign(code=code))
    columns = ["code", "unit", "missing_part", "missing_whole"]
    return pd.concat(parts, ignore_index=True)[columns] if parts else pd.DataFrame(columns=columns)


def weights(made: Made) -> pd.DataFrame:
    """Weights of all indexes, one row an index and indicator: ``measure.WEIGHT_COLUMNS``."""
    tables = [state.index.weights.assign(index=name) for name, (state, _) in made.items() if state.index]
    return pd.concat(tables)[WEIGHT_COLUMNS] if tables else pd.DataFrame(columns=WEIGHT_COLUMNS)


def weights_wide(weights: pd.DataFrame, values: pd.DataFrame) -> pd.DataFrame:
    """Weights with one row an indicator of the composite.

    Parameters
    ----------
    weights : pandas.DataFrame
        As `weights` returns.
    values : pandas.DataFrame
        Indicators, for the firms behind each weight.

    Returns
    -------
    pandas.DataFrame
        code, indicator, chain, entropy, weight, weight_conditions and weight_results (missing: not of that role), equal (what it
        would weigh under equal weights within chains and across them), units (firms that have it).
    """
    full = weights[weights["index"] == COMPOSITE].set_index("code")
    parts = {
        name: weights[weights["index"] == name].set_index("code")["weight"]
        for name in ("conditions", "results")
    }
    equal = 1 / full.groupby("chain")["weight"].transform("count") / max(full["chain"].nunique(), 1)
    columns = {"code": full.index, "indicator": full.index, "chain": full["chain"]}
    columns |= {"entropy": full["entropy"], "weight": full["weight"]}
    columns |= {f"weight_{name}": part.reindex(full.index) for name, part in parts.items()} | {"equal": equal}
    table = pd.DataFrame({name: list(part) for name, part in columns.items()})
    return table.assign(units=firms(values, list(full.index)).to_numpy())


def records(made: Made) -> pd.DataFrame:
    """How indexes were made, one row a step.

    Returns
    -------
    pandas.DataFrame
        index, step, arguments (list of ``name = value``), columns, rows, missing (after the step), output (the first
        twelve digits of the scores' SHA-256).
    """
    rows = []
    for name, (_, record) in made.items():
        for step in record["steps"]:
            arguments = [f"{key} = {_plain(value)}" for key, value in step["arguments"].items()]
            row = {"index": name, "step": step["step"], "arguments": arguments, **step["after"]}
            rows.append(row | {"output": record["output"][:12]})
    return pd.DataFrame(rows, columns=["index", "step", "arguments", "columns", "rows", "missing", "output"])


def base_file(made: Made, **made_from: Any) -> bytes | None:
    """Cut points, bounds and weights of indexes as a base file; None where no scores have bounds."""
    able = {name: state.freeze(**made_from) for name, (state, _) in made.items() if "scale" in state.tables}
    return dumps(able).encode("utf-8") if able else None


def chains(scored: pd.DataFrame) -> pd.DataFrame:
    """Distribution of the chains' scores, and how they correlate.

    Parameters
    ----------
    scored : pandas.DataFrame
        firm_id and ``chain_industry`` … ``chain_supply``.

    Returns
    -------
    pandas.DataFrame
        chain, units (firms), p5, p25, p50, p75, p95, and a column ``with_<chain>`` of Spearman correlations for
        each chain; empty where there are not two.
    """
    found = [c for c in CHAINS if f"chain_{c}" in scored]
    if len(found) < 2:
        return pd.DataFrame()
    scores = scored[[f"chain_{c}" for c in found]].set_axis(found, axis=1)
    table = scores.quantile(list(QUANTILES.values())).T.set_axis(list(QUANTILES), axis=1)
    table.insert(0, "units", [scored.loc[scores[c].notna(), "firm_id"].nunique() for c in found])
    return table.join(scores.corr("spearman").add_prefix("with_")).rename_axis("chain").reset_index()


def closest(chains: pd.DataFrame) -> dict[str, Any]:
    """The two chains whose scores correlate most: first, second, correlation; the first two where none is known."""
    related = chains.set_index("chain").filter(like="with_").rename(columns=lambda c: c.removeprefix("with_"))
    others = related.abs().where(np.triu(np.ones(related.shape, bool), 1)).fillna(-1).stack()
    first, second = others.drop((related.index[0], related.index[0])).idxmax()
    return {"first": first, "second": second, "correlation": related.loc[first, second]}


def hangs_together(made: Made) -> pd.DataFrame:
    """Coherence and reliability of the composite's chains; empty where there is no index.

    Returns
    -------
    pandas.DataFrame
        `coherence.chain_summary` with omega (of the chain's score as it is weighted), icc (of the score, over a unit's
        years), units (firms), and reading: ``single``, ``list`` (indicators agree less with each other than with those of
        other chains, or not at all), ``weak`` (alpha or omega below `RELIABLE`), ``dimension``,
        ``unknown`` (its indicators are never observed together).
    """
    if COMPOSITE not in made:
        return pd.DataFrame()
    state = made[COMPOSITE][0]
    assert state.normalised is not None and state.index is not None  # a built index has scores
    z, unit = state.normalised, state.context["unit"]
    table = coherence.chain_summary(z, state.chains)
    weights = state.index.weights.set_index("code")["weight_in_chain"]
    own = {chain: [c for c in z if state.chains[str(c)] == chain] for chain in table["chain"]}
    # Weights are of scores, loadings of standardised ones.
    table["omega"] = [
        reliability.omega(z[c], weights[c].to_numpy() * z[c].std().to_numpy()) for c in own.values()
    ]
    table["icc"] = [reliability.icc(state.index.scores[c], unit) for c in own]
    apart = ~(table["within"] > table["between"].clip(lower=0))
    weak = ~(table[["alpha", "omega"]].min(axis=1, skipna=False) >= RELIABLE)
    table["reading"] = np.select(
        [table["indicators"] < 2, table["within"].isna(), apart, weak],
        ["single", "unknown", "list", "weak"],
        default="dimension",
    )
    return table.assign(units=unit.nunique())


def opposed(made: Made) -> list[str]:
    """Indicators of the composite that move against it, worst first."""
    if COMPOSITE not in made:
        return []
    state = made[COMPOSITE][0]
    assert state.normalised is not None and state.index is not None
    against = coherence.negative(state.normalised, state.index.scores["index"])
    return list(against.loc[against["correlation"] < 0, "indicator"])


def highest(lines: pd.DataFrame, value: str = "mean") -> pd.Series:
    """The row with the highest value in the last year."""
    return _last(lines, value).iloc[-1]


def lowest(lines: pd.DataFrame, value: str = "mean") -> pd.Series:
    """The row with the lowest value in the last year."""
    return _last(lines, value).iloc[0]


# -- inside ------------------------------------------------------------------------------------------


def _last(lines: pd.DataFrame, value: str) -> pd.DataFrame:
    """Rows of the last year by a value that is known; those without one where none is."""
    last = lines[lines["year"] == lines["year"].max()].sort_values(value)
    return last.dropna(subset=[value]) if last[value].notna().any() else last


def _plain(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
