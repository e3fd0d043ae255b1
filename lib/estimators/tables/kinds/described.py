"""Variables by themselves and together: their numbers, their correlations, and what regressors share."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from estimators.engines.telling import telling
from estimators.errors import EffectsError
from estimators.finite import refuse_infinite
from estimators.language import listed, said
from estimators.tables import levels, rows
from estimators.tables.frame import TOLD
from estimators.tables.rows import UNIT

QUANTILES = {"least": 0.0, "p25": 0.25, "p50": 0.5, "p75": 0.75, "most": 1.0}
# A regressor of which less than this share is left beside the others has no finite factor.
NOTHING = 1e-12


def summaries(
    table: Mapping[str, Any], data: pd.DataFrame, samples: Mapping[str, np.ndarray]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Numbers of variables, each over the rows in which it is known.

    Parameters
    ----------
    table : mapping
        A study's table of kind ``describe``: ``of`` and ``panels``.
    data : DataFrame
        All rows.
    samples : mapping of str to array of bool
        Where each sample or condition that it names holds.

    Returns
    -------
    DataFrame
        ``panel`` (where there are several) ``variable n units mean sd least p25 p50 p75 most``; sd with n − 1, quantiles
        linear between values.
    DataFrame
        What each unit adds to each mean (for secrecy).
    """
    lines, units = [], []
    for panel, one in panels(table):
        chosen = sampled(one, data, samples, table["of"])
        for name in table["of"]:
            known = chosen[[UNIT, name]].dropna()
            values = known[name].astype(float)
            key = {"panel": panel, "variable": name}
            found = {
                "n": len(values),
                "units": known[UNIT].nunique(),
                "mean": values.mean(),
                "sd": values.std(),
            }
            lines.append(key | found | {q: values.quantile(at) for q, at in QUANTILES.items()})
            units.append(pd.DataFrame({**key, "unit": known[UNIT].astype(str), "mean": values}))
    return parted(pd.DataFrame(lines)), parted(pd.concat(units, ignore_index=True))


def correlated(
    table: Mapping[str, Any], data: pd.DataFrame, samples: Mapping[str, np.ndarray]
) -> pd.DataFrame:
    """Correlations over the rows in which all variables are known: Pearson's below, Spearman's above the diagonal.

    Returns
    -------
    DataFrame
        ``panel number variable with_1 … with_k n units``; ``telling_units_with_k``: units that tell both variables of the
        pair (for secrecy): of a variable that two units have, a correlation is their mean beside the others'.
    """
    parts = []
    for panel, one in panels(table):
        known = complete(one, data, samples, table["of"])
        values = known[table["of"]].astype(float)
        low, high = values.corr().to_numpy(), values.corr("spearman").to_numpy()
        both = np.tril(low, -1) + np.triu(high, 1) + np.eye(len(low))
        keys = {"panel": panel, "number": range(1, len(low) + 1), "variable": table["of"]}
        named = pd.DataFrame(keys | {f"with_{k}": column for k, column in enumerate(both.T, 1)})
        told = telling(known, table["of"], UNIT, known[[]]).to_numpy()
        pairs = {f"{TOLD}_with_{k}": np.minimum(told, other) for k, other in enumerate(told, 1)}
        parts.append(named.assign(n=len(known), units=known[UNIT].nunique(), **pairs))
    return parted(pd.concat(parts, ignore_index=True))


def collinear(
    table: Mapping[str, Any], data: pd.DataFrame, samples: Mapping[str, np.ndarray]
) -> pd.DataFrame:
    """How much of each regressor the others tell, and by what that inflates the variance of its coefficient.

    Returns
    -------
    DataFrame
        ``panel term r2 vif vif_within n units``: R² of the regressor on the others and a constant, 1 / (1 − R²), and the same
        after the panel's fixed effects (missing where there are none); infinite factors are missing. telling_units: units that
        tell the regressor that fewest tell, which is in each of the panel's R² (for secrecy).
    """
    parts = []
    for panel, one in panels(table):
        column = {**one, "treatments": list(table["of"]), "controls": []}
        own, wider = levels.written_out(column, data, samples)
        terms = own["treatments"]
        known = complete(one, wider, samples, terms, one["fixed_effects"] or [])
        values = known[terms].to_numpy(float)
        plain = _shares(values - values.mean(axis=0))
        effects, slopes = rows.absorbed(known, one["fixed_effects"] or [])
        taken = bool(len(effects.columns) or slopes)
        left = rows.within(values, effects, np.ones(len(values)), slopes) if taken else values
        after = _shares(left, values) if taken else np.full(len(terms), np.nan)
        found = {
            "panel": panel,
            "term": terms,
            "r2": plain,
            "vif": _factor(plain),
            "vif_within": _factor(after),
        }
        told = telling(known, terms, UNIT, effects).min()
        found |= {"n": len(known), "units": known[UNIT].nunique(), TOLD: told}
        parts.append(pd.DataFrame(found))
    return parted(pd.concat(parts, ignore_index=True))


def panels(table: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Panels of a table that has no columns, each with its specification."""
    for panel in table["panels"]:
        yield panel["panel"], panel["columns"][0]


def parted(frame: pd.DataFrame) -> pd.DataFrame:
    """A table's lines; without a column of panels where it has one alone."""
    return frame if frame["panel"].ne("").any() else frame.drop(columns="panel")


def sampled(
    one: Mapping[str, Any], data: pd.DataFrame, samples: Mapping[str, np.ndarray], names: Sequence[str]
) -> pd.DataFrame:
    """Rows of a specification's samples; every variable is known in some of them."""
    absent = [name for name in names if name not in data]
    if absent:
        raise EffectsError(said("tables.absent", names=listed(absent)))
    kept = np.logical_and.reduce([np.ones(len(data), bool), *(samples[name] for name in one["sample"] or [])])
    chosen = data[kept]
    empty = [name for name in names if not chosen[name].notna().any()]
    if empty:
        raise EffectsError(said("tables.unknown", names=listed(empty)))
    refuse_infinite(chosen, list(names))
    return chosen


def complete(
    one: Mapping[str, Any],
    data: pd.DataFrame,
    samples: Mapping[str, np.ndarray],
    names: Sequence[str],
    effects: Sequence[str] = (),
) -> pd.DataFrame:
    """Rows of a specification's samples in which all variables, and all columns of effects, are known."""
    chosen = sampled(one, data, samples, names)
    parts = [part for effect in effects for part in rows.parts_of(effect)]
    found = chosen[rows.whole(chosen[list(dict.fromkeys([*names, *parts]))])]
    if len(found) < 3:
        raise EffectsError(said("tables.few", names=listed(names), count=len(found)))
    return found


# -- inside ------------------------------------------------------------------------------------
def _shares(left: np.ndarray, whole: np.ndarray | None = None) -> np.ndarray:
    """R² of each column on the others, none of which has a mean any more; 1 where effects leave nothing of it."""
    size = (left**2).sum(0)
    full = size if whole is None else ((whole - whole.mean(axis=0)) ** 2).sum(0)
    found = np.ones(left.shape[1])
    for k in range(left.shape[1]):
        if size[k] <= NOTHING * full[k]:
            continue
        others = np.delete(left, k, axis=1)
        rest = (
            left[:, k] - others @ np.linalg.lstsq(others, left[:, k], rcond=None)[0]
            if others.size
            else left[:, k]
        )
        found[k] = 1 - (rest @ rest) / size[k]
    return found


def _factor(shares: np.ndarray) -> np.ndarray:
    return np.where(1 - shares > NOTHING, 1 / np.maximum(1 - shares, NOTHING), np.nan)
