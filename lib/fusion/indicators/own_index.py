"""An index of a user's own: the composite toolbox on the groups, indicators and weights of a file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import ibis
import numpy as np
import pandas as pd

from fusion.composite import record
from fusion.indicators import measure, system

KEYS = ["firm_id", "year"]
NAME = "own_index"
AGAINST = "integration"
COUNTED, EMPTY, ALIKE = "counted", "empty", "alike"
GROUPS = ["group_en", "group_zh", "weight", "of", "counted", "units", "mean", "firms"]


@dataclass(frozen=True)
class Own:
    """An index of a user's own.

    Attributes
    ----------
    items : pandas.DataFrame
        Rows of the file with state (``counted``, ``empty``: the panel lacks what it needs or holds nothing of it, ``alike``:
        the same for all, which has no scale), needs (columns that are lacking) and used (its weight in the index, %, of
        what is counted).
    scores : pandas.DataFrame
        firm_id, year, a column for each group by its number (0–100) and ``own_index``, which is missing where a
        group has no score, and throughout where a group has nothing that counts: the other groups are not that index.
    units : pandas.DataFrame
        Units that have each indicator, by year.
    """

    items: pd.DataFrame
    scores: pd.DataFrame
    units: pd.DataFrame

    @property
    def column(self) -> pd.DataFrame:
        """firm_id, year and, where such an index is stated, ``own_index``."""
        return self.scores[[*KEYS, *([NAME] if len(self.items) else [])]]

    @property
    def whole(self) -> bool:
        """Whether each group has an indicator that counts."""
        return bool(len(self.items)) and bool(
            self.items["state"].eq(COUNTED).groupby(self.items["group"]).any().all()
        )


def build(
    panel: ibis.Table,
    items: pd.DataFrame,
    steps: Sequence[Mapping[str, Any]],
    base_year: int | None = None,
) -> Own:
    """Build the index of a file by a study's own steps (`measure.steps`), with the file's weights.

    Parameters
    ----------
    panel : ibis.Table
        As `system.compute` takes it, with the columns that the file names.
    items : pandas.DataFrame
        indicator (a code, or a column of the panel), group, group_en, group_zh, direction, weight.
    steps : sequence of mapping
        Treatment of outliers, normalisation and means.
    base_year : int, optional
        Cut points and bounds are those of this year's rows.
    """
    if items.empty:
        return Own(items, pd.DataFrame(columns=KEYS), pd.DataFrame())
    values, needs = _values(system.holding(panel), list(items["indicator"]))
    there = [name for name in items["indicator"] if values[name].notna().any()]
    same = measure.alike(values, there, steps, base_year) if there else []
    state = [
        EMPTY if name not in there else ALIKE if name in same else COUNTED for name in items["indicator"]
    ]
    items = items.assign(state=state, needs=[needs.get(name, []) for name in items["indicator"]], used=np.nan)
    units = values.groupby("year")[list(items["indicator"])].count()
    kept = items[items["state"] == COUNTED]
    scores = values[KEYS].assign(**{NAME: np.nan})
    if kept.empty:
        return Own(items, scores, units)
    built = _built(values, kept, items.groupby("group")["weight"].sum(), steps, base_year)
    scores = scores.join(built.scores.drop(columns="index"))
    items["used"] = 100 * items["indicator"].map(built.weights.set_index("code")["weight"])
    made = Own(items, scores, units)
    # Who does not tell what a group needs has no index: the mean of the other groups would reward silence.
    told = built.scores["index"].where(built.scores.notna().all(axis=1))
    return replace(made, scores=scores.assign(**{NAME: told})) if made.whole else made


def counts(own: Own) -> tuple[int, int]:
    """How many indicators of an own index count, and how many it names."""
    return (int(own.items["state"].eq(COUNTED).sum()), len(own.items)) if len(own.items) else (0, 0)


def by_indicator(own: Own, year: int) -> pd.DataFrame | None:
    """Rows of an own index's file with what became of them, and the units of a year that have each; none without a file."""
    if own.items.empty:
        return None
    return own.items.drop(columns="group").assign(units=own.items["indicator"].map(own.units.loc[year]))


def by_group(own: Own, scored: pd.DataFrame, year: int) -> pd.DataFrame | None:
    """Each group of an own index in a year, and the index: how many have it, its mean, and whether it orders firms alike.

    Returns
    -------
    pandas.DataFrame
        group_en, group_zh, weight (%), of, counted (indicators), units, mean, firms (Spearman correlation with
        integration over firms that have both); none without a file.
    """
    if own.items.empty:
        return None
    measured = scored.reindex(columns=[*KEYS, AGAINST])
    last = own.scores[own.scores["year"] == year].merge(measured, on=KEYS, how="left")
    rows = []
    for group, part in own.items.groupby("group", sort=True):
        state = part["state"] == COUNTED
        names = part[["group_en", "group_zh"]].iloc[0].to_dict()
        score = last[str(group)] if str(group) in last else pd.Series(np.nan, index=last.index)
        rows.append({**names, "weight": part["weight"].sum(), "of": len(part), "counted": int(state.sum()),
                     **_described(score, last[AGAINST])})  # fmt: skip
    return pd.DataFrame(rows, columns=GROUPS)


# -- inside ------------------------------------------------------------------------------------


def _values(panel: ibis.Table, names: list[str]) -> tuple[pd.DataFrame, dict[str, list[str]]]:
    """firm_id, year and every named indicator or column, missing throughout where the panel has it not; what is lacking."""
    codes = [name for name in names if name in system.system().index]
    computed = system.compute(panel, codes) if codes else None
    values = panel.select(*KEYS, *[n for n in names if n in panel.columns and n not in codes]).to_pandas()
    needs = {name: [name] for name in names if name not in values and name not in codes}
    if computed is not None:
        values = values.merge(computed.table.to_pandas()[[*KEYS, *computed.codes]], on=KEYS, how="left")
        needs |= computed.missing
    values = values.reindex(columns=[*KEYS, *names]).reset_index(drop=True)
    return values.astype(dict.fromkeys(names, float)), needs


def _built(
    values: pd.DataFrame,
    kept: pd.DataFrame,
    of_groups: pd.Series,
    steps: Sequence[Mapping[str, Any]],
    base_year: int | None,
) -> Any:
    """The index of what counts; groups go by their numbers, which no indicator is called by."""
    given = dict(zip(kept["indicator"], kept["weight"], strict=True))
    given |= {str(group): weight for group, weight in of_groups.items()}
    own = [dict(step) for step in steps]
    for step in own:
        if step["step"] == "aggregate":
            stated = {"weights": "given", "chain_weights": "given", "given": given}
            step["arguments"] = {**step["arguments"], **stated}
    names = kept.set_index("indicator")
    state = record.State(
        values[list(names.index)], names["direction"].to_dict(), names["group"].astype(str).to_dict(),
        pd.DataFrame({"unit": values["firm_id"], "year": values["year"]}),
    )  # fmt: skip
    return measure.recorded(state, own, base_year)[0].index


def _described(score: pd.Series, judged: pd.Series) -> dict[str, float]:
    both = pd.concat([score, judged], axis=1).dropna()
    told = len(both) > 2 and (both.min() < both.max()).all()
    order = both.iloc[:, 0].corr(both.iloc[:, 1], method="spearman") if told else np.nan
    return {"units": int(score.notna().sum()), "mean": score.mean(), "firms": order}
