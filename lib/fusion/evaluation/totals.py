"""Published totals by vintage: what a new one says of the old one's totals, and why."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from fusion import archives
from fusion.evaluation.bureau import ROUNDING, WAN_PER_YI
from fusion.evaluation.errors import EvaluationError
from fusion.language import listed, said, word

WHY = ["late", "withdrawn", "corrected", "restated", "codes"]
AMOUNTS = ["old", "new", "revision", *WHY]
TOTAL = "total"


def returns(panel: pd.DataFrame, measures: Sequence[str]) -> pd.DataFrame:
    """What a later run compares its totals with: firm_id, year, path and the measures."""
    columns = ["firm_id", "year", "path", *measures]
    return panel.reindex(columns=columns).astype(dict.fromkeys(measures, float))


def parts(old: pd.DataFrame, new: pd.DataFrame, log: pd.DataFrame, measures: Sequence[str]) -> pd.DataFrame:
    """What each unit adds to the old total, the new one and the revision between them.

    Parameters
    ----------
    old, new : pandas.DataFrame
        Vintages of `returns`.
    log : pandas.DataFrame
        Corrections of the new vintage: unit, year, field.
    measures : sequence of str
        Money columns that both have.

    Returns
    -------
    pandas.DataFrame
        measure, group (a path, or ``total``), year, unit, and in 万元 old, new, revision and its reasons, which add up to it:
        ``late`` (the unit tells now), ``withdrawn`` (it told), ``corrected`` (the log says so), ``restated`` (another value
        without a correction), ``codes`` (its path changed). Years that both vintages have.

    Raises
    ------
    EvaluationError
        If a vintage lacks a column or has a unit twice in a year.
    """
    for name, table in (("old", old), ("new", new)):
        _whole(name, table)
    shared = sorted(set(old["year"]) & set(new["year"]))
    found = [_of(old, new, log, m, shared) for m in measures if m in old.columns and m in new.columns]
    columns = ["measure", "group", "year", "unit", *AMOUNTS]
    return pd.concat(found, ignore_index=True)[columns] if found else pd.DataFrame(columns=columns)


def revised(added: pd.DataFrame) -> pd.DataFrame:
    """Totals that a new vintage changed.

    Parameters
    ----------
    added : pandas.DataFrame
        As `parts` gives it.

    Returns
    -------
    pandas.DataFrame
        measure, group, year, old, new, revision, relative (%), the reasons (亿元) and units (of the new vintage); totals that
        are the same, and of which nothing moved inside, are left out.
    """
    keys = ["measure", "group", "year"]
    sums = added.groupby(keys)[AMOUNTS].sum()
    sums["units"] = added[added["new"] != 0].groupby(keys)["unit"].nunique()
    moved = sums[["revision", *WHY]].abs().max(axis=1) > ROUNDING * sums[["old", "new"]].abs().max(axis=1)
    out = sums.loc[moved].fillna({"units": 0}).reset_index()
    out["relative"] = 100 * out["revision"] / out["old"].where(out["old"] != 0)
    return out.assign(**{c: out[c] / WAN_PER_YI for c in AMOUNTS}).astype({"units": int})


def earlier(file: Path, values: Sequence[str], years: range, keys: Sequence[str]) -> pd.DataFrame:
    """An earlier run's artefact that a study names as a vintage.

    Parameters
    ----------
    file : pathlib.Path
        Parquet.
    values : sequence of str
        Measures, one of which at least it must have.
    years : range
        The study's: a vintage without any of them is another study's.
    keys : sequence of str
        Columns that name a cell, the year among them; it has a path, too.

    Raises
    ------
    EvaluationError
        With the file: that it is not there, is no Parquet, lacks columns, has a cell twice, or none of the study's years.
    """
    try:
        table = archives.frame(file)
    except (OSError, ValueError) as error:  # pyarrow's are ValueErrors
        reason = "" if file.is_file() else f" ({error.__class__.__name__})"
        raise EvaluationError(said("evaluation.vintage_unread", file=file.name, reason=reason)) from None
    lacking = [c for c in dict.fromkeys([*keys, "path"]) if c not in table.columns]
    if not lacking and not any(v in table.columns for v in values):
        lacking = [*values]
    if lacking:
        raise EvaluationError(said("evaluation.vintage_lacks", name=file.name, lacking=listed(lacking)))
    there = pd.to_numeric(table["year"], errors="coerce")
    if not there.isin(years).any():
        raise EvaluationError(
            said("evaluation.vintage_years", name=file.name, years=f"{years[0]}–{years[-1]}")
        )
    if table.duplicated([*keys]).any():
        raise EvaluationError(said("evaluation.vintage_twice", name=file.name, keys=listed(keys)))
    wrong = [v for v in values if v in table.columns and not pd.api.types.is_numeric_dtype(table[v])]
    if wrong:
        raise EvaluationError(said("evaluation.vintage_numbers", name=file.name, columns=listed(wrong)))
    return table


# -- inside ------------------------------------------------------------------------------------


def _whole(name: str, table: pd.DataFrame) -> None:
    """Refuse a vintage that is none."""
    keys = ["firm_id", "year"]
    lacking = [c for c in (*keys, "path") if c not in table.columns]
    called = word("evaluation.vintage", name)
    if lacking:
        raise EvaluationError(said("evaluation.vintage_lacks", name=called, lacking=listed(lacking)))
    if table.duplicated(keys).any():
        raise EvaluationError(said("evaluation.vintage_twice", name=called, keys=listed(keys)))


def _of(
    old: pd.DataFrame, new: pd.DataFrame, log: pd.DataFrame, measure: str, years: Sequence[int]
) -> pd.DataFrame:
    """One measure: a line for the path of each side, and one for the total."""
    keys = ["firm_id", "year"]
    sides = [t.loc[t["year"].isin(years) & t[measure].notna(), [*keys, "path", measure]] for t in (old, new)]
    both = sides[0].merge(sides[1], on=keys, how="outer", suffixes=("_0", "_1"))
    then, now = both[f"{measure}_0"], both[f"{measure}_1"]
    asked = (
        log.loc[log["field"] == measure, ["unit", "year"]]
        if len(log)
        else pd.DataFrame(columns=["unit", "year"])
    )
    told = pd.MultiIndex.from_frame(asked.astype({"unit": str, "year": "int64"}))
    corrected = pd.MultiIndex.from_frame(both[keys].astype({"firm_id": str, "year": "int64"})).isin(told)
    change, there = (now - then).fillna(0.0), then.notna() & now.notna()
    why = {
        "late": now.where(then.isna(), 0.0).fillna(0.0),
        "withdrawn": -then.where(now.isna(), 0.0).fillna(0.0),
        "corrected": change.where(there & corrected, 0.0),
        "restated": change.where(there & ~corrected, 0.0),
    }
    moved = there & both["path_0"].ne(both["path_1"])
    base = both[keys].rename(columns={"firm_id": "unit"}).assign(measure=measure, **why)
    whole = base.assign(group=TOTAL, old=then.fillna(0.0), new=now.fillna(0.0), codes=0.0)
    left = base.loc[moved].assign(
        group=both["path_0"], old=then, new=0.0, codes=-then, **dict.fromkeys(WHY[:4], 0.0)
    )
    here = base.assign(
        group=both["path_1"].fillna(both["path_0"]),
        old=then.where(~moved, 0.0).fillna(0.0),
        new=now.fillna(0.0),
        codes=np.where(moved, then, 0.0),
    )
    return pd.concat([here, left, whole]).assign(revision=lambda t: t["new"] - t["old"])
