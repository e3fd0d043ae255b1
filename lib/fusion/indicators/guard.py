"""An indicator that is an outcome of a regression is kept out of the index that stands on its right-hand side."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence

import pandas as pd

from fusion.indicators.system import FOLDER, IndicatorError, system
from fusion.language import current, listed, said

CHAIN = re.compile(r"chain_(\w+)")
# Of each column that a study makes of others: those that it measures, and those to which it relates them.
Derived = Mapping[str, tuple[Collection[str], Collection[str]]]
_NONE: Derived = {}


def made_of(outcome: str, derived: Derived = _NONE) -> tuple[set[str], set[str]]:
    """The panel's columns of which an outcome is made.

    Parameters
    ----------
    outcome : str
        A column of the panel, a derived one, the code of an indicator, or an outcome that the workbook
        estimates (``data/indicators/outcomes.csv``: productivity, markups).
    derived : dict
        The study's derived columns: what each measures, and its denominators.

    Returns
    -------
    measures : set of str
        Columns that it measures.
    relates_to : set of str
        Columns in relation to which they are set (denominators).
    """
    if outcome in derived:
        # A column that is made again of itself is what it was.
        of, over = ([n for n in names if n != outcome] for names in derived[outcome])
        first = [made_of(name, derived) for name in of] or [({outcome}, set[str]())]
        second = [made_of(name, derived)[0] for name in over]
        measures = set().union(*(m for m, _ in first))
        return measures, set().union(*(r for _, r in first), *second)
    declared = system()
    if outcome in declared.index:
        row = declared.loc[outcome]
        measures = set(row["measures"].split(";"))
        return measures, set(row["columns"].split(";")) - measures
    for row in _estimated().itertuples():
        if re.fullmatch(row.pattern, outcome):
            return set(row.measures.split(";")), set(row.relates_to.split(";")) - {""}
    return {outcome}, set()


def overlaps(codes: Sequence[str], outcomes: Sequence[str], derived: Derived = _NONE) -> pd.DataFrame:
    """Indicators of an index that share columns with outcomes.

    Returns
    -------
    pandas.DataFrame
        code, outcome, columns (joined by ``;``), how: ``same`` (the indicator measures what the outcome does, so
        that the regression would explain a quantity by itself) or ``scale`` (they share a column, but at least
        one uses it as a denominator only; correlation through it alone is possible and should be known).
    """
    rows = []
    declared = system(list(codes))
    for outcome in dict.fromkeys(outcomes):
        measures, relates = made_of(outcome, derived)
        for code, row in declared.iterrows():
            own = set(row["measures"].split(";"))
            every = own | set(row["columns"].split(";"))
            same, shared = own & measures, every & (measures | relates)
            if same or code == outcome:
                rows.append((code, outcome, ";".join(sorted(same or own)), "same"))
            elif shared:
                rows.append((code, outcome, ";".join(sorted(shared)), "scale"))
    return pd.DataFrame(rows, columns=["code", "outcome", "columns", "how"])


def check(
    indexes: Mapping[str, Sequence[str]],
    regressors: Sequence[str],
    outcomes: Sequence[str],
    derived: Derived = _NONE,
    always: Sequence[str] = (),
) -> pd.DataFrame:
    """Stop the study when an index used in a regression holds an indicator that is its outcome.

    Parameters
    ----------
    indexes : mapping of str to sequence of str
        Codes of each index (``composite``, ``conditions``, ``results``; of integration, the indicators that it rests on).
    regressors : sequence of str
        Treatments and controls. An index or the score of a chain among them is held against the outcomes.
    outcomes : sequence of str
        Everything that is regressed on them.
    derived : dict
        The study's derived columns, to see through ``ln_lp`` to value added.
    always : sequence of str
        Indexes to hold against the outcomes whether or not they are regressors.

    Returns
    -------
    pandas.DataFrame
        What is shared as a scale alone: index, code, outcome, columns. It is no error, but should be told.

    Raises
    ------
    IndicatorError
        Says which index, indicator, outcome and columns, and what to change.
    """
    told = []
    for name, codes in _used(indexes, regressors, always).items():
        shared = overlaps(codes, outcomes, derived)
        bad = shared[shared["how"] == "same"]
        if len(bad):
            raise IndicatorError(_refusal(name, bad))
        told.append(shared.drop(columns="how").assign(index=name))
    columns = ["index", "code", "outcome", "columns"]
    return pd.concat(told, ignore_index=True)[columns] if told else pd.DataFrame(columns=columns)


def _used(
    indexes: Mapping[str, Sequence[str]], regressors: Sequence[str], always: Sequence[str]
) -> dict[str, list[str]]:
    """Codes behind each regressor that is an index, or the score of one chain of the full one."""
    chains = system()["chain"]
    used = {name: list(codes) for name, codes in indexes.items() if name in {*regressors, *always}}
    every = list(dict.fromkeys(code for codes in indexes.values() for code in codes))
    for column in regressors:
        found = CHAIN.fullmatch(column)
        if found and found[1] in set(chains):
            used[column] = [code for code in every if chains[code] == found[1]]
    return used


def _refusal(name: str, bad: pd.DataFrame) -> str:
    names = system()[f"name_{current()}"]
    parts = [
        said(
            "indicators.guard.shared",
            code=row.code,
            name=names[row.code],
            outcome=row.outcome,
            columns=row.columns,
        )
        for row in bad.itertuples()
    ]
    codes = listed(dict.fromkeys(bad["code"]))
    mend = said("indicators.guard.use_input", name=name, codes=codes)
    return said(
        "indicators.guard.refused",
        name=name,
        outcomes=listed(dict.fromkeys(bad["outcome"])),
        parts="; ".join(parts),
        mend=mend[0].upper() + mend[1:],
    )


def _estimated() -> pd.DataFrame:
    return pd.read_csv(FOLDER / "outcomes.csv", dtype=str, keep_default_na=False, encoding="utf-8")
