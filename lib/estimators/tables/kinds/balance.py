"""Two groups side by side: means, and the difference as a table's column would have it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from estimators.effects.power import is_binary
from estimators.errors import EffectsError
from estimators.language import said
from estimators.tables.fit import fit
from estimators.tables.kinds.described import complete, panels, parted, sampled
from estimators.tables.rows import UNIT


def balance(
    table: Mapping[str, Any], data: pd.DataFrame, samples: Mapping[str, np.ndarray], size: float
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Means of variables by a treatment of 0 and 1, and their difference.

    Parameters
    ----------
    table : mapping
        A study's table of kind ``balance``; each panel's specification has one treatment, and fixed effects, errors, clusters
        and weights as a column of a regression.
    data : DataFrame
        All rows.
    samples : mapping of str to array of bool
    size : float
        Of tests, e.g. .05.

    Returns
    -------
    DataFrame
        ``panel variable mean_treated mean_others difference std_error ci_low ci_high p_value standardised n units_treated
        units_others``. The difference is the coefficient of a regression of the variable on the treatment; standardised: of raw
        means, over the root of the mean of both variances (Imbens and Rubin 2015, 14.2).
    DataFrame
        What each unit adds to each mean (for secrecy).

    Raises
    ------
    EffectsError
        When the treatment is not 0 and 1, or one group is empty.
    """
    lines, units = [], []
    for panel, one in panels(table):
        sampled(one, data, samples, table["of"])
        for name in table["of"]:
            line, added = _line(one, name, data, samples, size)
            key = {"panel": panel, "variable": name}
            lines.append(key | line)
            units.append(added.assign(**key))
    return parted(pd.DataFrame(lines)), parted(pd.concat(units, ignore_index=True))


def _line(
    one: Mapping[str, Any], name: str, data: pd.DataFrame, samples: Mapping[str, np.ndarray], size: float
) -> tuple[dict[str, Any], pd.DataFrame]:
    treatment = one["treatments"][0]
    known = complete(one, data, samples, [name, treatment])
    if not is_binary(known[treatment]) or known[treatment].nunique() < 2:
        raise EffectsError(said("tables.two_groups", name=treatment, variable=name))
    made = fit({**one, "outcome": name, "controls": []}, data, samples)
    own = made.rows.data
    weights, treated = made.rows.weights, own[treatment].to_numpy(float) > 0
    if treatment not in made.estimate.terms:
        raise EffectsError(said("tables.taken_up", name=treatment, variable=name))
    estimate = made.table(size).loc[treatment]
    values = own[name].to_numpy(float)
    means = [float(np.average(values[g], weights=weights[g])) for g in (treated, ~treated)]
    spread = [
        float(np.cov(values[g], aweights=weights[g])) if g.sum() > 1 else np.nan for g in (treated, ~treated)
    ]
    pooled = float(np.sqrt(np.mean(spread)))
    line = {"mean_treated": means[0], "mean_others": means[1], "difference": estimate["estimate"]}
    line |= {k: float(estimate[k]) for k in ("std_error", "ci_low", "ci_high", "p_value")}
    line |= {"standardised": (means[0] - means[1]) / pooled if pooled > 0 else np.nan, "n": len(own)}
    line |= {
        "units_treated": own.loc[treated, UNIT].nunique(),
        "units_others": own.loc[~treated, UNIT].nunique(),
    }
    each = {
        "mean_treated": np.where(treated, values, np.nan),
        "mean_others": np.where(treated, np.nan, values),
    }
    return line, pd.DataFrame({"unit": own[UNIT].astype(str), **each})
