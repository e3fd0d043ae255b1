"""What the name of an activity stands for: a class of GB/T 4754, or only whether it is a service."""

from __future__ import annotations

from functools import cache
from typing import Any

import pandas as pd

from fusion.classification.codes import exists
from fusion.classification.editions import CURRENT, NATIONAL, links
from fusion.classification.tables import codes_of
from fusion.panel import codes

# What a name may stand for beside a class; the last is no activity at all (an elimination between segments).
GOODS, SERVICES, NO_PART = "goods", "services", "no_part"


def is_class(code: str) -> bool:
    """Whether the edition in force has a class of these four digits."""
    return exists(code)


def stated(said: str, edition: str, services: tuple[str, ...]) -> tuple[str | None, str | None]:
    """Class and kind that an adapter states: of another edition the class that it was, where that is one; else its kind."""
    if not said.isdigit():
        return None, said
    before = list(links(CURRENT, edition).get(said, {})) if edition in NATIONAL else []
    if len(before) == 1:
        return before[0], None
    return None, SERVICES if said in codes.inside(services)[CURRENT] else GOODS


@cache
def official(services: tuple[str, ...]) -> list[tuple[str, str, str | None, str | None]]:
    """Official names; one that two classes share is none, and that of a class stands before that of its group."""
    held = codes.in_sections(services)
    found: list[tuple[str, str, str | None, str | None]] = []
    for edition in codes.EDITIONS:
        serves = set(held.loc[held["edition"] == edition, "code"])
        rows = codes_of(edition)
        classes = [row for row in rows if str(row["level"]) == "4"]
        count = pd.Series([row["name_zh"] for row in classes], dtype="object").value_counts()
        found += [
            (row["name_zh"], edition, row["code"], None) for row in classes if count[row["name_zh"]] == 1
        ]
        for row in sorted(rows, key=lambda row: str(row["level"]), reverse=True):
            below = _below(row, classes)
            kinds = {code in serves for code in below}
            if str(row["level"]) != "4" and len(kinds) == 1:
                found.append((row["name_zh"], edition, None, SERVICES if kinds == {True} else GOODS))
    return found


def _below(row: dict[str, Any], classes: list[dict[str, Any]]) -> list[str]:
    if str(row["level"]) == "1":
        return [one["code"] for one in classes if one["section"] == row["code"]]
    return [
        one["code"] for one in classes if one["code"].startswith(row["code"].lstrip("ABCDEFGHIJKLMNOPQRST"))
    ]
