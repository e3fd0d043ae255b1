"""What the gate gets of an exhibit: its frame before anything is printed, and the role of every column."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

import numpy as np
import pandas as pd

from workbook.publish.secrecy.rules import SecrecyError

KEYS = ("label", "word", "year", "number")
COUNTS = ("units", "rows", "count")
MODEL = ("estimate", "error", "bound", "p", "statistic")
SUMS = ("amount", "share", "growth", "mean")
UNIT_SHARE = "unit_share"
SINGLE = ("score", "identifier")
ROLES = (*KEYS, *COUNTS, *MODEL, *SUMS, UNIT_SHARE, "quantile", *SINGLE)
HOLDS = ("words", "settings", "estimates", "counts", "statistics", "amounts", "units", "drawn_from")
# What a share, a growth rate and so on are made of: endings of the columns of ``contributions``.
PARTS: dict[str, tuple[str, ...]] = {
    "share": ("_part", "_whole"),
    UNIT_SHARE: ("_part", "_whole"),
    "growth": ("_now", "_before"),
    "amount": ("",),
    "mean": ("",),
}
CONTRIBUTIONS, SAMPLE = "contributions", "sample"
# Column of a frame with the units that tell each row's term; it is never shown. With a column's name after it: of that column.
TOLD = "telling_units"


@dataclass(frozen=True)
class SecrecyClass:
    """What an exhibit holds, and which column says how many units its numbers rest on.

    Parameters
    ----------
    holds : str
        One of ``HOLDS``.
    rests_on : str, optional
        A column of units; ``"contributions"``; ``"sample"`` (all units of the study).
    drawn_from : str, optional
        The exhibit whose cells this one shows.
    """

    holds: str
    rests_on: str | None = None
    drawn_from: str | None = None

    def __post_init__(self) -> None:
        if self.holds not in HOLDS:
            raise SecrecyError(f"secrecy class '{self.holds}'; allowed: {', '.join(HOLDS)}")
        if (self.holds == "drawn_from") != (self.drawn_from is not None):
            raise SecrecyError(
                "secrecy class 'drawn_from' names the exhibit that is shown, and no other class does"
            )


@dataclass(frozen=True)
class Exhibit:
    """An exhibit to be judged.

    Parameters
    ----------
    name : str
        ``"05.ladder"``.
    kind : str
        ``"table"``, ``"figure"`` or ``"file"``.
    frame : pandas.DataFrame
        What it shows, at full precision, columns named by field.
    roles : mapping of str to str
        Role of every column.
    secrecy : SecrecyClass
        What it holds.
    contributions : pandas.DataFrame, optional
        A row for each unit and cell: label columns of the frame, ``unit``, and the amounts that the frame's amounts,
        means (``<column>``), shares (``<column>_part``, ``<column>_whole``; of units: how many of a unit's rows, and of how
        many) and growth rates (``<column>_now``,
        ``<column>_before``) are made of. Internal: never published.
    texts : mapping
        Values that its title and notes show.
    told : sequence of float, optional
        Units that tell each row's estimate (missing: unknown), fewer than it rests on: a regressor that two units have
        compares these two with the others.
    told_in : mapping of str to sequence of float
        The same by column, where a row's numbers are told by others.

    Raises
    ------
    SecrecyError
        If a column has no role or an unknown one, or the contributions name no unit.
    """

    name: str
    kind: Literal["table", "figure", "file"]
    frame: pd.DataFrame
    roles: Mapping[str, str]
    secrecy: SecrecyClass
    contributions: pd.DataFrame | None = None
    texts: Mapping[str, Any] = field(default_factory=dict)
    told: Sequence[float] | None = None
    told_in: Mapping[str, Sequence[float]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        without = [str(c) for c in self.frame.columns if self.roles.get(c) not in ROLES]
        if without:
            raise SecrecyError(
                f"{self.name}: no role for {', '.join(without)}; a role is one of {', '.join(ROLES)}"
            )
        given = self.contributions
        if given is not None and ("unit" not in given.columns or given["unit"].isna().any()):
            raise SecrecyError(f"{self.name}: every row of the contributions needs its unit")
        if self.told is not None and len(self.told) != len(self.frame):
            raise SecrecyError(f"{self.name}: units that tell its estimates are given for other rows")
        object.__setattr__(self, "frame", self.frame.reset_index(drop=True))

    def of_role(self, *roles: str) -> list[str]:
        """Columns of the frame with one of these roles."""
        return [c for c in self.frame.columns if self.roles[c] in roles]

    @cached_property
    def keys(self) -> pd.DataFrame:
        """What names each row, as text: the frame's labels, words, years and settings."""
        return as_keys(self.frame[self.of_role(*KEYS)])

    def key(self, row: int) -> dict[str, str]:
        """What names one row; its number where nothing does."""
        named = {c: v for c, v in self.keys.iloc[row].items() if v}
        return {str(c): str(v) for c, v in named.items()} or {"row": str(row + 1)}

    @cached_property
    def row_of(self) -> np.ndarray:
        """Row of the frame that each row of the contributions belongs to; −1 for none.

        Raises
        ------
        SecrecyError
            If the contributions cannot be matched to the rows of the frame.
        """
        given = self.contributions
        assert given is not None
        # A frame's own column of that name is a unit of measurement.
        names = [c for c in self.of_role(*KEYS) if c in given.columns and c != "unit"]
        if not names:
            if len(self.frame) > 1:
                raise SecrecyError("the contributions share no label with the frame")
            return np.zeros(len(given), dtype=int)
        rows = self.keys[names].assign(_row=np.arange(len(self.frame)))
        if rows.duplicated(names).any():
            raise SecrecyError(
                f"the labels of the contributions ({', '.join(names)}) name several rows at once"
            )
        found = as_keys(given[names]).merge(rows, on=names, how="left")["_row"]
        return found.fillna(-1).to_numpy(int)


def as_keys(frame: pd.DataFrame) -> pd.DataFrame:
    """Labels as text, so that 2019, 2019.0 and '2019' are one and a missing label is empty."""

    def said(value: Any) -> str:
        if value is None or value is pd.NA or (isinstance(value, float) and np.isnan(value)):
            return ""
        if isinstance(value, float | np.floating) and float(value).is_integer():
            return str(int(value))
        return str(value)

    return frame.apply(lambda column: column.map(said)).astype(object) if len(frame.columns) else frame


@dataclass(frozen=True)
class Sums:
    """The unit amounts behind one part of one column of an exhibit, and the rows of the frame that they add up to."""

    column: str
    part: str
    row: np.ndarray
    unit: np.ndarray
    value: np.ndarray

    def places(self, rows: int) -> list[np.ndarray]:
        """Positions of the contributions to each row of the frame."""
        order = np.argsort(self.row, kind="stable")
        edges = np.searchsorted(self.row[order], np.arange(rows + 1))
        return [order[a:b] for a, b in itertools.pairwise(edges)]

    def of_rows(self, rows: int) -> list[np.ndarray]:
        """The units' amounts of each row of the frame."""
        return [self.value[i] for i in self.places(rows)]


@dataclass(frozen=True)
class Counted:
    """What a share of units says of each row of the frame, shape (rows,).

    ``some`` and ``rest`` are the units with and without what is shared out, ``part`` and ``other`` their rows;
    ``once``: every unit has one row, so that rows are units.
    """

    some: np.ndarray
    rest: np.ndarray
    part: np.ndarray
    other: np.ndarray
    once: bool


def counted(exhibit: Exhibit, column: str) -> Counted | None:
    """The units behind a share of units; None where nothing names them.

    Contributions come first (``<column>_part`` and ``<column>_whole``: a unit's rows); else it is a share of the units that
    the exhibit rests on, each of them one row.

    Raises
    ------
    SecrecyError
        If the contributions cannot be matched to the rows of the frame, or a unit has less than it is said to have.
    """
    parts = sums(exhibit, column)
    if not parts:
        return _of_units(exhibit, column)
    both = [pd.Series(one.value, index=[one.row, one.unit]) for one in parts]
    each = pd.DataFrame({"part": both[0], "whole": both[1]}).fillna(0.0)
    each["other"] = each["whole"] - each["part"]
    if (each < 0).any(axis=None):
        raise SecrecyError(f"{exhibit.name}: a unit has a part of '{column}' below zero or above its whole")
    rows = range(len(exhibit.frame))
    held = (each[["part", "other"]] > 0).groupby(level=0).sum().reindex(rows, fill_value=0)
    made = each.groupby(level=0)[["part", "other"]].sum().reindex(rows, fill_value=0.0)
    some, rest, part, other = (t[c].to_numpy(float) for t in (held, made) for c in ("part", "other"))
    return Counted(some, rest, part, other, once=bool((each["whole"] == 1).all()))


def _of_units(exhibit: Exhibit, column: str) -> Counted | None:
    """A share of the units beside it: in percent, or in parts of one where only these make whole numbers of units."""
    rests_on = exhibit.secrecy.rests_on
    if exhibit.roles.get(rests_on or "") != "units":
        return None
    share, whole = (
        pd.to_numeric(exhibit.frame[c], errors="coerce").to_numpy(float) for c in (column, rests_on)
    )
    # Shares below 1 % may be either: the fewer units are the safer reading.
    for unit in (100.0, 1.0):
        some = share / unit * whole
        known = np.isfinite(some)
        near = np.round(some[known])
        if np.allclose(some[known], near, rtol=0, atol=1e-6) and (near <= whole[known]).all():
            part = np.nan_to_num(np.round(some))
            other = np.nan_to_num(whole) - part
            return Counted(part, other, part, other, once=True)
    return None


def sums(exhibit: Exhibit, column: str) -> list[Sums]:
    """The amounts that a column is made of; empty where the contributions do not hold them.

    Raises
    ------
    SecrecyError
        If the contributions cannot be matched to the rows of the frame.
    """
    given = exhibit.contributions
    parts = PARTS.get(exhibit.roles[column], ())
    if given is None or not parts or any(f"{column}{part}" not in given.columns for part in parts):
        return []
    row = exhibit.row_of
    found = []
    for part in parts:
        values = pd.to_numeric(given[f"{column}{part}"], errors="coerce").to_numpy(float)
        keep = (row >= 0) & np.isfinite(values)
        frame = pd.DataFrame(
            {"row": row[keep], "unit": given["unit"].astype(str)[keep], "value": values[keep]}
        )
        cells = frame.groupby(["row", "unit"], sort=False, as_index=False)["value"].sum()
        found.append(
            Sums(
                column,
                part,
                cells["row"].to_numpy(int),
                cells["unit"].to_numpy(str),
                cells["value"].to_numpy(),
            )
        )
    return found
