"""An index of a user's own, by a file: groups, their indicators, directions and weights; read and checked."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from fusion.evaluation.tables import fault, faults, numbers, read, refuse, unknown
from fusion.language import current, said

COLUMNS = ("group_en", "group_zh", "indicator", "direction", "weight")
WHOLE = 100.0  # what the weights add up to
CLOSE = 1e-6
_DECLARED = Path(__file__).resolve().parents[3] / "data" / "indicators" / "indicators.csv"


def load(file: Path | None, columns: Mapping[str, str] | None = None) -> pd.DataFrame:
    """The indicators of an index of a user's own, one row each; see ``data/indicators/README.md`` for the columns.

    Parameters
    ----------
    file : Path, optional
        CSV; without one there is no such index.
    columns : mapping, optional
        Columns that the panel can have, and their kinds (`tables.unknown`); every declared indicator is allowed beside
        them.

    Returns
    -------
    pandas.DataFrame
        ``COLUMNS`` and ``group``, its number in the file's order, from 1 on; a group named in one language is named so in
        both.

    Raises
    ------
    EvaluationError
        With every cell that is not allowed, indicators that nothing holds or that stand in two groups, groups of two names,
        and weights that do not add up to 100.
    """
    if file is None:
        return pd.DataFrame(columns=[*COLUMNS, "group"])
    table, name = read(file, COLUMNS)[list(COLUMNS)], file.name
    en, zh = table["group_en"], table["group_zh"]
    table = table.assign(group_en=en.where(en != "", zh), group_zh=zh.where(zh != "", en))
    found = faults(table, "direction", ("+", "-"), name) + numbers(table, "weight", name, least=0, most=WHOLE)
    found += [fault(name, i, "no_group") for i in table.index[table["group_en"] == ""]]
    found += [fault(name, i, "no_indicator") for i in table.index[table["indicator"] == ""]]
    known = {**columns, **_indicators()} if columns else {}
    found += unknown(table, "indicator", known, name, absent="no_item")
    found += _twice(table, name)
    refuse(found)
    weights = table["weight"].astype(float)
    if abs(weights.sum() - WHOLE) > CLOSE:
        refuse([said("evaluation.own_index_sum", file=name, sum=f"{weights.sum():g}")])
    return table.assign(weight=weights, group=pd.factorize(table["group_en"])[0] + 1)


# -- inside ------------------------------------------------------------------------------------


def _twice(table: pd.DataFrame, name: str) -> list[str]:
    """Indicators that stand twice, with both their groups; groups whose other name is not the same throughout."""
    found, groups = [], table[f"group_{current()}"]
    first = dict(zip(table["indicator"][::-1], groups[::-1], strict=True))
    for i in table.index[table["indicator"].duplicated() & (table["indicator"] != "")]:
        one = table.loc[i, "indicator"]
        found.append(fault(name, i, "two_groups", value=one, first=first[one], second=groups[i]))
    names = table.groupby("group_en")["group_zh"].first()
    english = table["group_en"]
    other = table.index[table["group_zh"] != english.map(names)]
    return found + [fault(name, i, "two_names", group=english[i], first=names[english[i]]) for i in other]


def _indicators() -> dict[str, str]:
    """Codes of the declared indicators; read here, for this room knows nothing of the one that computes them."""
    with _DECLARED.open(encoding="utf-8", newline="") as stream:
        return {row["code"]: "number" for row in csv.DictReader(stream)}
