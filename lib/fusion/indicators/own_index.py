"""An index of a user's own: the composite toolbox on the groups, indicators and weights of a file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import ibis
import numpy as np
import pandas as pd

from fusion.composite import index, record
from fusion.composite.base import Base
from fusion.composite.errors import CompositeError
from fusion.indicators import measure, system
from fusion.language import listed, said

KEYS = ["firm_id", "year"]
NAME = "own_index"
AGAINST = "integration"
COUNTED, EMPTY, ALIKE, UNSCALED = "counted", "empty", "alike", "unscaled"
NONE, LEAST = "none", "least"  # what silence about an indicator means: no index, or the lowest score
GROUPS = [
    "group_en",
    "group_zh",
    "weight",
    "of",
    "counted",
    "units",
    "mean",
    "silent",
    "low",
    "high",
    "firms",
]
WHOLE = {"group_en": "Index", "group_zh": "指数"}  # last row of the groups; their own names are the file's
CLOSE = 1e-6


@dataclass(frozen=True)
class Own:
    """An index of a user's own.

    Attributes
    ----------
    items : pandas.DataFrame
        Rows of the file with state (``counted``, ``empty``: the panel lacks what it needs or holds nothing of it, ``alike``:
        the same for all, which has no scale, ``unscaled``: an earlier run's base has no scale of it), needs (columns that
        are lacking) and used (its weight in the index, %, of what is counted).
    scores : pandas.DataFrame
        firm_id, year, a column for each group by its number (0–100) and ``own_index``. Who leaves out an indicator that
        anybody tells in that year has neither its group's score nor the index, or has both at their least; the index is
        missing throughout where a group has nothing that counts: the other groups are not that index.
    units : pandas.DataFrame
        Units that have each indicator, by year.
    ends : dict of pandas.DataFrame
        ``low`` and ``high``: the same scores with what is left out at the lowest and at the highest score.
    quiet : pandas.DataFrame
        As ``scores``: whether anything of it was left out.
    made : dict
        The index and its record under its name, for a base file; empty where there is none.
    """

    items: pd.DataFrame
    scores: pd.DataFrame
    units: pd.DataFrame
    ends: dict[str, pd.DataFrame] = field(default_factory=dict)
    quiet: pd.DataFrame = field(default_factory=pd.DataFrame)
    made: dict[str, tuple[record.State, dict[str, Any]]] = field(default_factory=dict)

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
    base: Base | None = None,
    silence: str = NONE,
) -> Own:
    """Build the index of a file by a study's own steps (`measure.steps`), with the file's weights.

    Silence never pays: the mean of what is told would lift whoever leaves a low indicator out. An indicator that nobody
    tells in a year is on no form of that year, so that nobody withholds it: the others of its group stand for it.

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
    base : Base, optional
        Those of an earlier run; it comes before ``base_year``.
    silence : str
        ``none``: who leaves out an indicator has no index, and so no rank. ``least``: it counts at the lowest score there
        is, so that the index is the least that it can be on the scale of those that tell.

    Raises
    ------
    CompositeError
        When the base was made with other groups or weights than the file has.
    """
    if items.empty:
        return Own(items, pd.DataFrame(columns=KEYS), pd.DataFrame())
    values, needs = _values(system.holding(panel), list(items["indicator"]))
    items = _states(values, items, steps, base_year, base)
    items["needs"] = [needs.get(name, []) for name in items["indicator"]]
    units = values.groupby("year")[list(items["indicator"])].count()
    kept = items[items["state"] == COUNTED]
    if kept.empty:
        return Own(items, values[KEYS].assign(**{NAME: np.nan}), units)
    _same_weights(items, base)
    made = _built(values, kept, items.groupby("group")["weight"].sum(), steps, base_year, base)
    items["used"] = 100 * items["indicator"].map(_index(made[0]).weights.set_index("code")["weight"])
    whole = Own(items, values, units).whole
    quiet = _quiet(values, kept)
    ends = {end: _named(_at_end(made[0], steps, quiet, end), values, whole) for end in ("low", "high")}
    silent = _by_group(quiet, kept)
    told = _index(made[0]).scores.mask(silent)
    told["index"] = told["index"].where(told.notna().all(axis=1))
    scores = ends["low"] if silence == LEAST else _named(told, values, whole)
    return Own(items, scores, units, ends, _named(silent, values, True), {NAME: made})


def counts(own: Own) -> tuple[int, int]:
    """How many indicators of an own index count, and how many it names."""
    return (int(own.items["state"].eq(COUNTED).sum()), len(own.items)) if len(own.items) else (0, 0)


def silence(own: Own, year: int) -> tuple[int, int]:
    """How many units leave an indicator of the index out in a year, and of how many."""
    if own.quiet.empty:
        return 0, 0
    rows = own.quiet.loc[own.quiet["year"] == year, NAME]
    return int(rows.sum()), len(rows)


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
        group_en, group_zh, weight (%), of, counted (indicators), units, mean (of those that have a score), silent (units that
        leave anything of it out), low, high (means over all units with that at the lowest and highest score), firms (Spearman
        correlation with integration over firms that have both); the last row is the index. None without a file.
    """
    if own.items.empty:
        return None
    measured = scored.reindex(columns=[*KEYS, AGAINST])
    last = own.scores[own.scores["year"] == year].merge(measured, on=KEYS, how="left")
    rows = []
    for group, part in own.items.groupby("group", sort=True):
        names = part[["group_en", "group_zh"]].iloc[0].to_dict()
        rows.append({**names, **_weighed(part), **_described(own, str(group), last, year)})
    rows.append({**WHOLE, **_weighed(own.items), **_described(own, NAME, last, year)})
    return pd.DataFrame(rows, columns=GROUPS)


# -- inside ------------------------------------------------------------------------------------


def _values(panel: ibis.Table, names: list[str]) -> tuple[pd.DataFrame, dict[str, list[str]]]:
    """firm_id, year and every named indicator or column, missing throughout where the panel has it not; what is lacking."""
    codes = [name for name in names if name in system.system().index]
    computed = system.compute(panel, codes) if codes else None
    values = panel.select(*KEYS, *[n for n in names if n in panel.columns and n not in codes]).to_pandas()
    needs = {name: [name] for name in names if name not in values and name not in codes}
    if computed is not None:
        # The share of a firm's division is no firm's own: it would stand in for whoever does not tell its purchases.
        found = measure.own_alone(computed.table.to_pandas())
        values = values.merge(found[[*KEYS, *computed.codes]], on=KEYS, how="left")
        needs |= computed.missing
    values = values.reindex(columns=[*KEYS, *names]).reset_index(drop=True)
    return values.astype(dict.fromkeys(names, float)), needs


def _states(
    values: pd.DataFrame,
    items: pd.DataFrame,
    steps: Sequence[Mapping[str, Any]],
    base_year: int | None,
    base: Base | None,
) -> pd.DataFrame:
    """Rows of the file with what becomes of them; an earlier run's base brings its own scales, and none but these."""
    there = [name for name in items["indicator"] if values[name].notna().any()]
    scaled = set(items["indicator"] if base is None else base.scale["indicator"])
    same = measure.alike(values, there, steps, base_year) if there and base is None else []
    state = [
        EMPTY if name not in there else UNSCALED if name not in scaled else ALIKE if name in same else COUNTED
        for name in items["indicator"]
    ]
    return items.assign(state=state, used=np.nan)


def _same_weights(items: pd.DataFrame, base: Base | None) -> None:
    """Refuse a base of other groups or weights: scores by it would be another index's."""
    if base is None:
        return
    of_groups = items.groupby("group")["weight"].sum() / items["weight"].sum()
    named = base.weights.merge(items, how="left", left_on="code", right_on="indicator")
    own = named["weight_y"] / named.groupby("group")["weight_y"].transform("sum")
    same = named["group"].map(lambda group: f"{group:g}") == named["chain"]
    same &= (own - named["weight_in_chain"]).abs() <= CLOSE
    same &= (named["group"].map(of_groups) - named["chain_weight"]).abs() <= CLOSE
    wrong = list(named.loc[~same, "code"])
    if wrong:
        raise CompositeError(said("indicators.own_base", codes=listed(wrong)))


def _built(
    values: pd.DataFrame,
    kept: pd.DataFrame,
    of_groups: pd.Series,
    steps: Sequence[Mapping[str, Any]],
    base_year: int | None,
    base: Base | None,
) -> tuple[record.State, dict[str, Any]]:
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
    return measure.recorded(state, own, base_year, base)


def _index(state: record.State) -> index.Index:
    assert state.index is not None  # `measure.steps` ends with the step that builds it
    return state.index


def _quiet(values: pd.DataFrame, kept: pd.DataFrame) -> pd.DataFrame:
    """Whether a row leaves out an indicator that somebody tells in its year."""
    numbers = values[list(kept["indicator"])]
    return numbers.isna() & numbers.notna().groupby(values["year"]).transform("any")


def _by_group(quiet: pd.DataFrame, kept: pd.DataFrame) -> pd.DataFrame:
    """The same by group, and of the index, of which it is any group's."""
    groups = {str(group): quiet[list(part["indicator"])].any(axis=1) for group, part in kept.groupby("group")}
    return pd.DataFrame({**groups, "index": quiet.any(axis=1)})


def _at_end(
    state: record.State, steps: Sequence[Mapping[str, Any]], quiet: pd.DataFrame, end: str
) -> pd.DataFrame:
    """Scores with what is left out at one end of its scale: 0 or 1, or what goes beyond (z-scores)."""
    z = state.normalised
    assert z is not None
    at = z.min().clip(upper=0) if end == "low" else z.max().clip(lower=1)
    how = next(step["arguments"] for step in steps if step["step"] == "aggregate")
    means = {name: how[name] for name in ("aggregation", "chain_aggregation", "min_share", "floor")}
    filled = z.where(~quiet, at, axis=1)
    scores = index.build(filled, state.chains, frozen=_index(state).weights, **means).scores
    groups = scores.drop(columns="index")
    return scores.assign(index=scores["index"].where(groups.notna().all(axis=1)))


def _named(scores: pd.DataFrame, values: pd.DataFrame, whole: bool) -> pd.DataFrame:
    """firm_id, year, the groups and the index under its name; none where a group has nothing that counts."""
    own = scores["index"] if whole else np.nan
    return values[KEYS].join(scores.drop(columns="index")).assign(**{NAME: own})


def _weighed(part: pd.DataFrame) -> dict[str, float]:
    counted = int((part["state"] == COUNTED).sum())
    return {"weight": part["weight"].sum(), "of": len(part), "counted": counted}


def _described(own: Own, name: str, last: pd.DataFrame, year: int) -> dict[str, float]:
    """Units, mean, bounds and agreement with integration of a group, or of the index."""
    score = last[name] if name in last else pd.Series(np.nan, index=last.index)
    both = pd.concat([score, last[AGAINST]], axis=1).dropna()
    told = len(both) > 2 and (both.min() < both.max()).all()
    order = both.iloc[:, 0].corr(both.iloc[:, 1], method="spearman") if told else np.nan
    ends = {
        end: table.loc[table["year"] == year, name].mean() if name in table else np.nan
        for end, table in own.ends.items()
    }
    quiet = own.quiet.loc[own.quiet["year"] == year, name].sum() if name in own.quiet else 0
    return {
        "units": int(score.notna().sum()),
        "mean": score.mean(),
        "silent": int(quiet),
        **ends,
        "firms": order,
    }
