"""A panel with every split code put to one of the classes that it may be: how far an estimate moves when codes are settled.

An estimate has no bounds that can be had by sorting. What can be had is the estimate in panels that are all compatible with
the codes: each code of an enterprise is put to one of its classes, drawn with equal chances, in all its rows alike.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from fusion.classification.enterprises import candidates
from fusion.classification.intervals import TOGETHER
from fusion.classification.policy import paths

PLACES = ("section", "division", "group3", "path")
DRAWS = 20


def completions(
    rows: pd.DataFrame, classified: pd.DataFrame, draws: int = DRAWS, seed: int = 1
) -> Iterator[pd.DataFrame]:
    """The rows in panels that their codes allow; none where no code of theirs is open.

    Parameters
    ----------
    rows : pandas.DataFrame
        firm_id, year and of ``PLACES`` what there is.
    classified : pandas.DataFrame
        As `classify` gives it.
    draws : int
        How many.
    seed : int
        Of the draws.

    Yields
    ------
    pandas.DataFrame
        The rows, with ``PLACES`` of the class that was drawn; rows without a place, for no class is known, are left out.
    """
    named = [c for c in PLACES if c in rows]
    if not named or not {"code_2017", *TOGETHER[1:]} <= set(classified):
        return
    codes = classified[["firm_id", "year", *TOGETHER[1:], "code_2017"]]
    there = rows[["firm_id", "year", *named]].merge(codes, on=["firm_id", "year"], how="left")
    may = _places().merge(
        there[[*TOGETHER[1:]]].drop_duplicates(), left_on=["edition", "code"], right_on=[*TOGETHER[1:]]
    )
    held = {key: part[list(PLACES)].to_numpy() for key, part in may.groupby(["edition", "code"])}
    is_open = there["code_2017"].eq("") & (there[named].eq("") | there[named].isna()).any(axis=1)
    left = there[is_open]
    groups = left.groupby(list(TOGETHER)).ngroup().to_numpy()
    keys = [held.get(key) for key in zip(left["edition"], left["code_own"], strict=True)]
    can = np.array([ways is not None for ways in keys], dtype=bool)
    if not can.any():
        return
    at, places = np.flatnonzero(is_open)[can], [ways for ways in keys if ways is not None]
    columns = [PLACES.index(c) for c in named]
    rng = np.random.default_rng(seed)
    for _ in range(draws):
        chance = rng.random(groups.max() + 1)[groups[can]]
        drawn = np.array([ways[int(u * len(ways))] for ways, u in zip(places, chance, strict=True)])
        values = rows[named].astype(object).to_numpy(copy=True)
        values[at] = drawn[:, columns]
        filled = {c: pd.Series(values[:, n], rows.index, dtype="str") for n, c in enumerate(named)}
        made = rows.assign(**filled)
        yield made[(made[named].fillna("") != "").all(axis=1)]


def _places() -> pd.DataFrame:
    """Each code of each edition beside the places of each class of 2017 that it may be."""
    may = candidates().merge(paths()[["code", "path"]].rename(columns={"code": "code_2017"}), on="code_2017")
    return may.assign(division=may["code_2017"].str[:2], group3=may["code_2017"].str[:3])
