"""What is regressed never stands among what explains it: each measure is held against outcomes and controls.

Of each indicator, composite and measure of integration it is declared of which columns of the panel it is made
(``data/indicators/indicators.csv``, ``outcomes.csv``); a study's own columns are seen through. So a study is judged by
its parameters alone, before there are data.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import product
from typing import Any

import pandas as pd

from fusion.indicators.system import FOLDER, system
from fusion.language import current, listed, said

CHAIN = re.compile(r"chain_(\w+)")
# Composites by the role of their indicators; the user's own holds all of them.
ROLES = {"conditions": "condition", "results": "result"}
COLUMNS = ["parameter", "regressor", "part", "against", "stands", "columns", "how"]
# What stops a study; a column that both use as a denominator only is told.
REFUSED = ("same", "family")
# Of each column that a study makes of others: those that it measures, and those to which it relates them.
Derived = Mapping[str, tuple[Collection[str], Collection[str]]]
_NONE: Derived = {}


@dataclass(frozen=True)
class Regressions:
    """What a study regresses on what: its parameters of these names."""

    indicators: Sequence[str] = ()
    outcome: str | None = None
    other_outcomes: Sequence[str] = ()
    treatments: Sequence[str] = ()
    controls: Sequence[str] = ()
    random_effects_controls: Sequence[str] = ()
    placebo_outcomes: Sequence[str] = ()
    alternative_outcomes: Sequence[str] = ()
    alternative_measures: Sequence[str] = ()
    nonlinear_outcome: str | None = None
    nonlinear_regressor: str | None = None
    mechanism_outcomes: Sequence[str] = ()
    mediators: Sequence[str] = ()
    derived: Derived = field(default_factory=dict)

    @classmethod
    def of(cls, values: Mapping[str, Any], derived: Derived) -> Regressions:
        """From all parameters of a study, by name."""
        named = [name for name in cls.__dataclass_fields__ if name != "derived"]
        return cls(**{name: values[name] for name in named}, derived=derived)

    def each(self) -> Iterator[tuple[str, Sequence[str], Sequence[str], Sequence[str]]]:
        """The parameter to change, outcomes, treatments and controls of each kind of regression."""
        if not self.outcome or not self.treatments:
            return
        rest = [*self.controls, *self.random_effects_controls]
        first, own = self.treatments[:1], [self.outcome]
        yield "effects.outcome", own, self.treatments, rest
        further = {
            "effects.other_outcomes": (self.other_outcomes, self.treatments),
            "robustness.placebo_outcomes": (self.placebo_outcomes, self.treatments),
            "robustness.alternative_outcomes": (self.alternative_outcomes, self.treatments),
            "heterogeneity.mechanism_outcomes": (self.mechanism_outcomes, first),
            "heterogeneity.mediators": (self.mediators, first),
        }
        for parameter, (outcomes, doses) in further.items():
            yield parameter, outcomes, doses, rest
        yield "heterogeneity.mediators", own, self.mediators, []
        others = [*self.treatments[1:], *rest]
        yield (
            "robustness.alternative_measures",
            own,
            [m for m in self.alternative_measures if m not in others],
            others,
        )
        if not self.nonlinear_outcome and not self.nonlinear_regressor:
            return
        bent, by = self.nonlinear_outcome or self.outcome, self.nonlinear_regressor or self.treatments[0]
        yield "robustness.nonlinear_regressor", [bent], [by], [c for c in others if c not in (bent, by)]


def indexes(codes: Sequence[str]) -> dict[str, list[str]]:
    """Codes of each composite that can be made of some indicators."""
    roles = system(list(codes))["role"]
    made = {"composite": list(codes)}
    made |= {name: [c for c in codes if roles[c] == role] for name, role in ROLES.items()}
    return {name: held for name, held in made.items() if held}


def made_of(name: str, derived: Derived = _NONE) -> tuple[set[str], set[str]]:
    """The panel's columns of which a column is made.

    Parameters
    ----------
    name : str
        A column of the panel, a derived one, the code of an indicator, or what the workbook makes
        (``data/indicators/outcomes.csv``: productivity, markups, integration).
    derived : dict
        The study's derived columns: what each measures, and its denominators.

    Returns
    -------
    measures : set of str
        Columns that it measures.
    relates_to : set of str
        Columns in relation to which they are set (denominators).
    """
    if name in derived:
        # A column that is made again of itself is what it was.
        of, over = ([n for n in names if n != name] for names in derived[name])
        first = [made_of(one, derived) for one in of] or [({name}, set[str]())]
        second = [made_of(one, derived)[0] for one in over]
        measures = set().union(*(m for m, _ in first))
        return measures, set().union(*(r for _, r in first), *second)
    declared = system()
    if name in declared.index:
        row = declared.loc[name]
        measures = set(row["measures"].split(";"))
        return measures, set(row["columns"].split(";")) - measures
    for row in _made().itertuples():
        if re.fullmatch(row.pattern, name):
            return set(row.measures.split(";")), set(row.relates_to.split(";")) - {""}
    return {name}, set()


def apart(name: str, others: Sequence[str], derived: Derived = _NONE) -> list[str]:
    """Those of some columns that may stand beside another: neither measures a column that the other holds."""
    own, over = made_of(name, derived)
    found = []
    for other in others:
        measures, relates = made_of(other, derived)
        family = _family(name) == "integration" == _family(other)
        if not (family or own & (measures | relates) or measures & over):
            found.append(other)
    return found


def judged(stands: Regressions) -> pd.DataFrame:
    """Everything that two sides of a regression share.

    Returns
    -------
    pandas.DataFrame
        parameter (that would have to change), regressor, part (the indicator in it, or itself), against, stands
        (``outcome`` or ``control``: as what that stands), columns (joined by ``;``), how. ``same``: both measure the
        columns, so that a quantity would explain itself, or a control would take the measure's content away; ``family``:
        both are integration, or results of it; ``scale``: they share a column that at least one uses as a denominator only.
        Between two plain columns of the panel nothing is said of controls: a study may well control for a square.
    """
    rows: dict[tuple[str, ...], None] = {}
    for parameter, outcomes, doses, controls in stands.each():
        for x, y in product([*doses, *controls], outcomes):
            rows |= dict.fromkeys((parameter, *found) for found in _shared(x, y, "outcome", stands))
        for x, c in product(doses, [c for c in controls if c not in doses]):
            rows |= dict.fromkeys((parameter, *found) for found in _shared(x, c, "control", stands))
    return pd.DataFrame(list(rows), columns=COLUMNS)


def components(stands: Regressions) -> pd.DataFrame:
    """Of every column in a study's regressions, what it is made of.

    Returns
    -------
    pandas.DataFrame
        column, stands (``outcome``, ``treatment``, ``control``), measures, relates_to (lists of columns).
    """
    rows: dict[tuple[str, str], tuple[list[str], list[str]]] = {}
    for _, outcomes, doses, controls in stands.each():
        for kind, names in {"outcome": outcomes, "treatment": doses, "control": controls}.items():
            for name in names:
                parts = [made_of(part, stands.derived) for part in _parts(name, stands)]
                measures = set().union(*(m for m, _ in parts))
                relates = set().union(*(r for _, r in parts)) - measures
                rows[name, kind] = (sorted(measures), sorted(relates))
    table = [(*key, *made) for key, made in rows.items()]
    return pd.DataFrame(table, columns=["column", "stands", "measures", "relates_to"])


def refusals(stands: Regressions) -> list[str]:
    """Why a study cannot be run as it is, one sentence for each regressor; empty if it can.

    Parameters
    ----------
    stands : Regressions

    Returns
    -------
    list of str
        Which parameter, which columns, and what to change, in the language of this process.
    """
    found = judged(stands)
    bad = found[found["how"].isin(REFUSED)]
    grouped = bad.groupby(["parameter", "regressor"], sort=False)
    return [_refusal(str(parameter), str(regressor), rows) for (parameter, regressor), rows in grouped]


# -- inside ------------------------------------------------------------------------------------
def _shared(x: str, other: str, stands: str, study: Regressions) -> Iterator[tuple[str, ...]]:
    """What a regressor shares with an outcome or a control, by the indicators of which both are made."""
    mine, its = _family(x), _family(other)
    if not mine and (its != "integration" if stands == "outcome" else not its):
        return
    declared = other in study.treatments  # a second dose, and no control
    if stands == "control" and not declared and mine == "integration" and its in ("integration", "result"):
        yield (x, x, other, stands, "", "family")
        return
    for part, against in product(_parts(x, study), _parts(other, study)):
        own, over = made_of(part, study.derived)
        measures, relates = made_of(against, study.derived)
        same, scale = own & measures, (own | over) & (measures | relates)
        if same or part == against:
            yield (x, part, other, stands, ";".join(sorted(same or own)), "same")
        elif scale and mine:
            yield (x, part, other, stands, ";".join(sorted(scale)), "scale")


def _family(name: str) -> str:
    """Whether a column belongs to integration, to its results, or to another index; empty for what is none."""
    declared = system()
    if name in declared.index:
        role = str(declared.loc[name, "role"])
        return {"profile": "integration", "condition": "index", "unsigned": "index"}.get(role, role)
    if CHAIN.fullmatch(name) or name in ("conditions", "composite"):
        return "index"
    if name == "results":
        return "result"
    made = _made()
    return next((str(r.family) for r in made.itertuples() if re.fullmatch(r.pattern, name)), "")


def _parts(name: str, study: Regressions) -> list[str]:
    """The indicators of a composite or chain; any other column itself."""
    held = indexes(study.indicators) if study.indicators else {}
    if name in held:
        return held[name]
    chain = CHAIN.fullmatch(name)
    chains = system()["chain"]
    if chain and chain[1] in set(chains):
        return [code for code in study.indicators if chains[code] == chain[1]]
    return [name]


def _refusal(parameter: str, regressor: str, rows: pd.DataFrame) -> str:
    names = system()[f"name_{current()}"]
    parts = [
        said("indicators.guard.family", part=row.part, against=row.against)
        if row.how == "family"
        else said(
            "indicators.guard.same",
            part=said("indicators.guard.indicator", code=row.part, name=names[row.part])
            if row.part in names
            else row.part,
            against=row.against,
            columns=row.columns.replace(";", ", "),
        )
        for row in rows.itertuples()
    ]
    others = listed(dict.fromkeys(rows["against"]))
    told = {"parameter": parameter, "regressor": regressor, "others": others}
    return said("indicators.guard.refused", parts="; ".join(dict.fromkeys(parts)), **told)


@lru_cache
def _made() -> pd.DataFrame:
    return pd.read_csv(FOLDER / "outcomes.csv", dtype=str, keep_default_na=False, encoding="utf-8")
