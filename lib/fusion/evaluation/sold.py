"""Services of a standard as a target follows them: those that manufacturers sell, by class (form 611), and of all units."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd

from fusion.classification import standards
from fusion.classification.enterprises import belonging
from fusion.classification.listed import split

SERVICES = tuple("FGHIJKLMNOPQRS")  # sections of services; C are manufacturers
# What manufacturers sell of a standard's services; and that beside the revenue of service firms of the standard.
OF_MAKERS, WITH_MAKERS = "services_of_makers", "services_with_makers"
MADE = (OF_MAKERS, WITH_MAKERS)
_REVENUE = "operating_revenue"


def followed(target: Any) -> tuple[str, str]:
    """Population and column that a target follows: a made measure stands in a column of its own, of all units."""
    population, measure = str(target.population), str(target.measure)
    return ("", f"{measure}:{population}") if measure in MADE else (population, measure)


def columns(panel: pd.DataFrame, asked: Iterable[tuple[str, str]]) -> dict[str, pd.Series]:
    """Columns of made measures.

    Parameters
    ----------
    panel : pandas.DataFrame
        edition, code_own and section of the classification, operating_revenue, class_version, and of
        manufacturers service_rev_by_class (JSON: revenue by class).
    asked : iterable of (str, str)
        Measure (of `MADE`) and standard.

    Returns
    -------
    dict
        ``<measure>:<standard>``: money, missing where a manufacturer tells no classes, or a unit is neither.
    """
    known, made = set(standards()), {}
    for measure, standard in dict.fromkeys(asked):
        if measure in MADE and split(standard.removesuffix("?"))[0] in known:
            makers = _of_makers(panel, standard)
            firms = panel[_REVENUE].where(_served(panel, standard)) if _REVENUE in panel else makers
            made[f"{measure}:{standard}"] = makers if measure == OF_MAKERS else makers.fillna(firms)
    return made


# -- inside ------------------------------------------------------------------------------------


def _of_makers(panel: pd.DataFrame, standard: str) -> pd.Series:
    """Revenue of manufacturers from classes of the standard; nought where they tell classes and none is in it."""
    out = pd.Series(np.nan, index=panel.index)
    if not {"section", "class_version", "service_rev_by_class"} <= set(panel.columns):
        return out
    held = {(str(edition), str(code)) for edition, code in belonging(standard).itertuples(index=False)}
    told = panel[(panel["section"] == "C") & panel["service_rev_by_class"].notna()]
    for at, version, classes in told[["class_version", "service_rev_by_class"]].itertuples():
        own = json.loads(classes).items()
        out[at] = sum(float(amount or 0) for code, amount in own if (str(version)[:4], code) in held)
    return out


def _served(panel: pd.DataFrame, standard: str) -> pd.Series:
    """Firms of the service sections whose code is certainly of the standard."""
    codes = pd.MultiIndex.from_frame(belonging(standard))
    inside = pd.MultiIndex.from_frame(panel[["edition", "code_own"]].fillna("")).isin(codes)
    return pd.Series(inside, panel.index) & panel["section"].fillna("").isin(SERVICES)
