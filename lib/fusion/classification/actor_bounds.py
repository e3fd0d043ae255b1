"""Which kinds of actor an enterprise may be where codes may be several classes: of its own, or of those it is ranked with.

Rules rank an enterprise within its three-digit industry or its path. Each enterprise whose code leaves these open may be
among them or not, so that ranks, medians and counts are intervals; a rule is certain where it holds at both ends, and
possible where it holds at one. The ends of different features need not be attained together: the kinds found hold all
that can be, and may hold more.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from fusion.classification.enterprises import candidates
from fusion.classification.policy import paths

ENDS = ("low", "high")
NAMES = ("group_firms", "revenue_rank", "path_rank", "rd_intensity", "group_rd")
SIZES = (("size_low", "size_high"), ("size_low", "size_low"), ("size_high", "size_high"))


def kinds(base: pd.DataFrame, rules: Sequence[dict[str, str]], backend: Any) -> pd.Series:
    """Kinds that each enterprise may be by the rules.

    Parameters
    ----------
    base : pandas.DataFrame
        One row an enterprise: firm_id, edition, code_own, code_2017, group3, path, operating_revenue, rd_intensity,
        size_low, size_high, and whatever else the rules name.
    rules : sequence of dict
        actor and expression (SQL), by priority. They may only rise with size, ranks and counts, and fall with group_rd.
    backend : ibis DuckDB backend

    Returns
    -------
    pandas.Series
        Sets of kinds by firm_id; an empty text for none.
    """
    rows = _ways(base)
    for key, column in (("group3", "revenue_rank"), ("path", "path_rank")):
        ranks = _ranks(rows, key)
        rows[f"{column}_low"], rows[f"{column}_high"] = ranks["low"], ranks["high"]
        if key == "group3":
            rows["group_firms_low"], rows["group_firms_high"] = ranks["least"], ranks["most"]
    medians = _medians(rows)
    # A low median is what makes the rule hold.
    rows["group_rd_low"], rows["group_rd_high"] = (
        rows["group3"].map(medians["high"]),
        rows["group3"].map(medians["low"]),
    )
    holds = _hold(rows, rules, backend)
    alive = np.ones(len(rows), bool)
    found: list[set[str]] = [set() for _ in range(len(rows))]
    for rule in rules:
        every, any_ = holds[rule["actor"]]
        for n in np.flatnonzero(alive & any_):
            found[n].add(rule["actor"])
        alive &= ~every
    for n in np.flatnonzero(alive):
        found[n].add("")
    return pd.Series(found, index=rows["firm_id"]).groupby(level=0).agg(lambda sets: set().union(*sets))


def _ways(base: pd.DataFrame) -> pd.DataFrame:
    """A row for each enterprise and class of 2017 that its code may be; ``sure_*``: all of them are in that group or path."""
    may = candidates()[["edition", "code", "code_2017"]].merge(
        paths()[["code", "path"]].rename(columns={"code": "code_2017"}), on="code_2017"
    )
    may = may.assign(group3=may["code_2017"].str[:3]).rename(columns={"code": "code_own"})
    split = base["code_2017"] == ""
    known = base[~split].assign(open=False, sure_group3=True, sure_path=True)
    own = base[split].rename(columns={"group3": "own_group3", "path": "own_path"}).drop(columns="code_2017")
    ways = own.merge(may, on=["edition", "code_own"])
    ways = ways.assign(
        open=True, sure_group3=ways.pop("own_group3") != "", sure_path=ways.pop("own_path") != ""
    )
    lost = base[split & ~base["firm_id"].isin(ways["firm_id"])].assign(
        open=False, sure_group3=True, sure_path=True
    )
    return pd.concat([known, ways, lost], ignore_index=True)


def _ranks(rows: pd.DataFrame, key: str) -> pd.DataFrame:
    """Ends of each row's share of others with less revenue in its group or path, and of how many are in it."""
    out = pd.DataFrame(np.nan, rows.index, ["low", "high", "least", "most"])
    inside = rows[rows[key] != ""]
    for _, part in inside.groupby(key):
        once = part.drop_duplicates("firm_id")
        sure, value = once[f"sure_{key}"].to_numpy(bool), once["operating_revenue"].to_numpy(float)
        seen = ~np.isnan(value)
        certain, free = np.sort(value[sure & seen]), np.sort(value[~sure & seen])
        x, mine = part["operating_revenue"].to_numpy(float), part[f"sure_{key}"].to_numpy(bool)
        below, below_free = np.searchsorted(certain, x), np.searchsorted(free, x)
        others, others_free = len(certain) - mine, len(free) - ~mine
        with np.errstate(invalid="ignore", divide="ignore"):
            low = np.where(
                others + others_free - below_free > 0, below / (others + others_free - below_free), 0.0
            )
            high = np.where(others + below_free > 0, (below + below_free) / (others + below_free), 0.0)
        blank = np.isnan(x)
        out.loc[part.index, "low"], out.loc[part.index, "high"] = (
            np.where(blank, np.nan, low),
            np.where(blank, np.nan, high),
        )
        out.loc[part.index, "least"], out.loc[part.index, "most"] = sure.sum() + ~mine, len(once)
    return out


def _medians(rows: pd.DataFrame) -> pd.DataFrame:
    """Least and greatest median of R&D intensity in each three-digit industry, with any of those that may be in it."""
    found = {}
    for group, part in rows[rows["group3"] != ""].groupby("group3"):
        once = part.drop_duplicates("firm_id").dropna(subset=["rd_intensity"])
        sure = once["sure_group3"].to_numpy(bool)
        value = once["rd_intensity"].to_numpy(float)
        certain, free = value[sure], np.sort(value[~sure])
        ends = [
            float(np.median(np.concatenate([certain, chosen])))
            for n in range(len(free) + 1)
            for chosen in (free[:n], free[len(free) - n :])
            if len(certain) + n
        ]
        found[group] = (min(ends, default=np.nan), max(ends, default=np.nan))
    return pd.DataFrame.from_dict(found, orient="index", columns=list(ENDS))


def _hold(
    rows: pd.DataFrame, rules: Sequence[dict[str, str]], backend: Any
) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Whether each rule holds at every end, and at any."""
    fixed = rows.drop(
        columns=[c for c in rows if c.startswith(NAMES) and c != "rd_intensity"] + ["size_low", "size_high"]
    )
    tries = []
    for end in ENDS:
        ranked = fixed.assign(**{name: rows[f"{name}_{end}"] for name in NAMES if f"{name}_{end}" in rows})
        for low, high in SIZES:
            # Only a code that may be several classes opens a size beyond what the row itself leaves open.
            ends = {"size_low": low, "size_high": high}
            tries.append(ranked.assign(**{k: rows[v].where(rows["open"], rows[k]) for k, v in ends.items()}))
    every = pd.concat(tries, keys=range(len(tries)), names=["try", "row"]).reset_index()
    backend.create_table("actor_ways", every, temp=True, overwrite=True)
    said = ", ".join(f'coalesce({r["expression"]}, false) AS "{r["actor"]}"' for r in rules)
    told = backend.sql(f'SELECT "row", {said} FROM actor_ways').to_pandas().groupby("row")
    sure, some = told.all(), told.any()
    return {r["actor"]: (sure[r["actor"]].to_numpy(bool), some[r["actor"]].to_numpy(bool)) for r in rules}
