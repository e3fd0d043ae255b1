"""An exhibit as it would be with some levels of a label as one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from workbook.publish.secrecy.exhibit import COUNTS, KEYS, PARTS, Exhibit, as_keys
from workbook.publish.secrecy.judge import Judged, whole_is_common

TOGETHER = " + "


def merged(one: Judged, label: str, groups: Sequence[tuple[str, ...]]) -> Exhibit:
    """The exhibit with groups of levels as one level each.

    Counts and amounts are added; shares, growth and means are made anew of what they are made of; of what rests on a model
    the first number stands for the one that would have to be estimated, for only its units are judged.

    Parameters
    ----------
    one : Judged
        The exhibit.
    label : str
        One of its labels.
    groups : sequence of tuple of str
        Levels that become one, as text.

    Returns
    -------
    Exhibit
        With a row for each combination of labels that is left.
    """
    exhibit = one.exhibit
    name_of = {level: TOGETHER.join(group) for group in groups for level in group}
    keys = exhibit.keys.assign(**{label: exhibit.keys[label].map(lambda v: name_of.get(v, v))})
    row, _ = pd.factorize(pd.MultiIndex.from_frame(keys))
    first = np.unique(row, return_index=True)[1]
    frame = exhibit.frame.iloc[first].reset_index(drop=True)
    frame[label] = keys[label].to_numpy()[first]
    for column in frame:
        if exhibit.roles[column] not in KEYS:
            frame[column] = _joined(one, str(column), row)
    told = None if exhibit.told is None else pd.Series(exhibit.told).groupby(row).sum(min_count=1).to_list()
    return replace(exhibit, frame=frame, contributions=_given(one, label, name_of), texts={}, told=told)


def _given(one: Judged, label: str, name_of: dict[str, str]) -> pd.DataFrame | None:
    """The contributions under the new labels; a whole that several cells share stays one."""
    given = one.exhibit.contributions
    if given is None or label not in given:
        return given
    level = as_keys(given[[label]])[label]
    new = given.assign(**{label: level.map(lambda v: name_of.get(v, v))})
    first = {name: next(v for v, n in name_of.items() if n == name) for name in set(name_of.values())}
    again = level.isin(name_of.keys()) & (level != new[label].map(first))
    for column, parts in one.sums.items():
        if one.exhibit.roles[column] == "share" and whole_is_common(parts):
            new[f"{column}_whole"] = new[f"{column}_whole"].mask(again.to_numpy())
    return new


def _joined(one: Judged, column: str, row: np.ndarray) -> pd.Series:
    """One column with the rows of each group as one."""
    exhibit, role = one.exhibit, one.exhibit.roles[column]
    values = exhibit.frame[column]
    numbers = pd.to_numeric(values, errors="coerce").astype(float)
    if role in (*COUNTS, "amount"):
        return numbers.groupby(row).sum(min_count=1)
    weight = _behind(one, column)
    if weight is not None:
        # A share is its part over its whole, so that wholes weigh it; one of a whole that all share is added up.
        known = numbers.notna()
        total = (numbers * weight).where(known).groupby(row).sum(min_count=1)
        return total / weight.where(known).groupby(row).sum(min_count=1)
    if column in one.sums and role == "share":
        return numbers.groupby(row).sum(min_count=1)
    return values.groupby(row).first()


def _behind(one: Judged, column: str) -> pd.Series | None:
    """What the rows of a mean, a share or a growth rate weigh; None where they do not add up by weights."""
    role, rows = one.exhibit.roles[column], len(one.exhibit.frame)
    if column in one.counted:
        return pd.Series(one.counted[column].part + one.counted[column].other)
    if role == "mean":
        return pd.Series(one.units)
    parts = one.sums.get(column, [])
    if (
        len(parts) != len(PARTS.get(role, ()))
        or len(parts) < 2
        or (role == "share" and whole_is_common(parts))
    ):
        return None
    return pd.Series([float(v.sum()) for v in parts[1].of_rows(rows)])
