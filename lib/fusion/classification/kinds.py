"""Making and serving: which of the two industries a code is of, whatever its edition."""

from __future__ import annotations

from functools import lru_cache

import pandas as pd

from fusion.classification.editions import CURRENT
from fusion.classification.enterprises import in_question

ALL = "all"
MAKES, SERVES, OTHER = "manufacturing", "services", "other"
REPAIR = 43  # division of 2011 and 2017: repair of goods, a service


def kinds(classified: pd.DataFrame) -> pd.Series:
    """Which industry each row is of.

    Parameters
    ----------
    classified : pandas.DataFrame
        edition, code_own and code_2017, as `classify` gives them.

    Returns
    -------
    pandas.Series
        ``manufacturing`` (divisions 13 to 42 of 2017), ``services`` (43 and 51 to 96), ``other``; empty without a code, or where
        the classes that it may be are of several. A class of 2002 that gave its repair away makes.
    """
    one = classified["code_2017"].fillna("") != ""
    edition = classified["edition"].mask(one, CURRENT)
    code = classified["code_own"].mask(one, classified["code_2017"])
    held = _kinds()
    found = [held.get(key, "") for key in zip(edition, code, strict=True)]
    return pd.Series(found, index=classified.index, dtype="str")


def within(classified: pd.DataFrame, side: pd.DataFrame, population: str) -> tuple[pd.DataFrame, list[str]]:
    """Rows with whether they are of the population that regressions are about.

    Parameters
    ----------
    classified : pandas.DataFrame
        firm_id, year and what else there is.
    side : pandas.DataFrame
        firm_id, year and kind (`kinds`).
    population : str
        ``all``, or one of the kinds; units whose code leaves it open are of neither.

    Returns
    -------
    pandas.DataFrame
        The rows, with ``in_population`` (1, else missing) unless all are meant.
    list of str
        That column: those in which a row of the sample must have a value.
    """
    if population == ALL:
        return classified, []
    keys = ["firm_id", "year"]
    own = side.loc[side["kind"] == population, keys].assign(in_population=1.0)
    return classified.merge(own, on=keys, how="left"), ["in_population"]


@lru_cache
def _kinds() -> dict[tuple[str, str], str]:
    pairs = in_question()
    division = pairs["code_2017"].str[:2].astype(int)
    repairs = division == REPAIR
    pairs = pairs.assign(kind=[_kind(d) for d in division], repairs=repairs)
    pairs["makes"] = pairs["kind"] == MAKES
    # Goods and their repair were one class in 2002, of those who make.
    making = pairs.groupby(["edition", "code"])["makes"].transform("any")
    left = pairs[~(making & pairs["repairs"])].groupby(["edition", "code"])["kind"].agg(["first", "nunique"])
    kind = left["first"].where(left["nunique"] == 1, "")
    return {(str(edition), str(code)): str(one) for (edition, code), one in kind.items()}  # type: ignore[misc]


def _kind(division: int) -> str:
    if 13 <= division <= 42:
        return MAKES
    return SERVES if division == REPAIR or 51 <= division <= 96 else OTHER
