"""Rows of a table that are no unit but a total of units: 合计, 小计, 全市, Total.

A row is known by what it is. Words for sums that no unit bears settle it (合计, 小计); words that a unit might bear (Total is
an enterprise, too), names of whole areas, and rows without an identifier, or with one of another shape than all others, are
totals only where their numbers are the sums, or the means, of other rows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

# No unit is called so, with or without what is summed before it (浦东新区小计).
WORDS = "(?:合计|总计|小计|共计)"
SUMS = f"(?:[^0-9a-zA-Z]{{0,12}}{WORDS})"
# A unit may be called so: its numbers decide.
MAYBE = (
    "(?:(?:grand|sub)[- ]?)?totals?|sum|overall|average|mean|平均|平均值|均值|全市|全区|全县|全省|全国|全部"
)
_MOST, _COLUMNS = (
    24,
    8,
)  # rows that are looked at and columns that are added up: one pass through the file for all
_SAMPLE = 10_000  # rows that show what identifiers look like
_SHAPED = 0.8  # share of identifiers with a digit from which one without is odd
_NEAR, _MATCHED = 1e-4, 0.5  # of a sum; of the columns in which the row has a number
_FEW_ROWS, _FEW_COLUMNS = 3, 2  # what a row without a word for it must add up, lest it be chance
TOTAL, CALLED = "total_row", "called_total"
TOLD = {
    TOTAL: ("a row that is a total of others and no unit; not read", "该行为其他行的合计而非单位，未读入"),
    CALLED: (
        "called like a total, but no sum of other rows: read as a unit; take the row out if it is none",
        "名称似合计，但数值不是其他行之和：按单位读入；如确为合计，请删去该行",
    ),
}
_NO_NUMBER = r"[,，\s\x{3000}\x{a0}]"


@dataclass(frozen=True)
class Total:
    """A row that is a total, or is called like one.

    Attributes
    ----------
    row : int
        Its number, as the table counts.
    label : str
        What stands where others have an identifier or a name; empty where nothing does.
    by : {"words", "sums", "name"}
        What says so: words that no unit bears; its numbers, which are sums or means of other rows; or its name alone, which
        settles nothing: it may be a unit.
    """

    row: int
    label: str
    by: str

    @property
    def certain(self) -> bool:
        """Whether it is no unit."""
        return self.by != "name"


@dataclass(frozen=True)
class Places:
    """Columns of a table, as SQL: ``row`` its number, ``key`` the identifier, ``names`` where a label may stand besides."""

    table: str
    row: str
    key: str
    names: Sequence[str] = ()
    year: str | None = None
    numbers: Sequence[str] = ()
    first: int = 0  # rows up to here are labels


def find(con: Any, at: Places) -> list[Total]:
    """Rows that are totals, and those that are called like one.

    Parameters
    ----------
    con : ibis DuckDB backend
    at : Places
        Of the table, whose cells may be text.

    Returns
    -------
    list of Total
        In the table's order.
    """
    label = f"coalesce({', '.join(_text(c) for c in (at.key, *at.names))}, '')"
    key = f"coalesce({_text(at.key)}, '')"
    beside = [f"coalesce(regexp_full_match({_text(c)}, '{WORDS}'), false)" for c in at.names]
    # Beside an identifier 合计 may be a group of the unit (both sexes, all products) or an item (流动资产合计).
    alone = f"({key} = '' AND ({' OR '.join(beside)}))" if beside else "false"
    sure = f"(regexp_full_match({key}, '{SUMS}') OR {alone})"
    maybe = f"regexp_full_match(lower({key}), '{MAYBE}')"
    held = f"(SELECT * FROM {at.table} WHERE {at.row} > {at.first})"
    shaped, every = con.con.execute(
        f"SELECT count(*) FILTER (regexp_matches({key}, '[0-9]')), count(*) FILTER ({key} <> '') "
        f"FROM (FROM {held} LIMIT {_SAMPLE})"
    ).fetchone()
    odd = f"NOT regexp_matches({key}, '[0-9]')" if every and shaped >= _SHAPED * every else f"{key} = ''"
    filled = " OR ".join(f"{_text(c)} IS NOT NULL" for c in at.numbers) or "false"
    asked = f"SELECT {at.row} AS n, {label} AS label, {sure} AS sure, {maybe} AS maybe FROM {held}"
    found = con.con.execute(
        f"{asked} WHERE {sure} OR (({maybe} OR {odd}) AND ({filled})) ORDER BY (NOT sure), (NOT maybe), n LIMIT {_MOST * 20}"
    ).fetchall()
    certain = [Total(int(n), text, "words") for n, text, is_sure, _ in found if is_sure]
    open_ = [(int(n), text, bool(may)) for n, text, is_sure, may in found if not is_sure]
    # Totals stand at an end of a table: of very many the first and the last are looked at.
    looked = open_ if len(open_) <= _MOST else [*open_[: _MOST // 2], *open_[-_MOST // 2 :]]
    summed = _summed(con, at, held, looked, [one.row for one in certain])
    certain += [Total(n, text, "sums") for n, text, _ in looked if n in summed]
    called = [Total(n, text, "name") for n, text, may in open_ if may and n not in summed]
    return sorted([*certain, *called], key=lambda one: one.row)


# -- inside ------------------------------------------------------------------------------------
def _text(cell: str) -> str:
    """A cell without blanks and colons, NULL where it is empty."""
    plain = f"regexp_replace(CAST({cell} AS VARCHAR), '[\\s\\x{{3000}}\\x{{a0}}:：]', '', 'g')"
    return f"nullif({plain}, '')"


def _number(cell: str) -> str:
    return f"TRY_CAST(regexp_replace(CAST({cell} AS VARCHAR), '{_NO_NUMBER}', '', 'g') AS DOUBLE)"


def _summed(
    con: Any, at: Places, held: str, looked: Sequence[tuple[int, str, bool]], certain: Sequence[int]
) -> set[int]:
    """Rows whose numbers are sums or means of others: of all, of those before, of those since the last total, of their year."""
    if not looked or not at.numbers:
        return set()
    rows = ", ".join(str(n) for n, _, _ in looked)
    filled = ", ".join(f"count({_number(c)})" for c in at.numbers)
    counts = con.con.execute(f"SELECT {filled} FROM {held} WHERE {at.row} IN ({rows})").fetchone()
    numbers = [c for c, n in zip(at.numbers, counts, strict=True) if n][:_COLUMNS]
    if not numbers:
        return set()
    values = ", ".join(f"{_number(c)} AS v{i}" for i, c in enumerate(numbers))
    year = _text(at.year) if at.year else "''"
    narrow = f"SELECT {at.row} AS n, {year} AS y, {values} FROM {held}"
    own = {
        row[0]: (row[1], row[2:])
        for row in con.con.execute(f"SELECT * FROM ({narrow}) WHERE n IN ({rows})").fetchall()
    }
    apart = sorted({*certain, *own})
    asked = [
        (n, way, window)
        for n, (y, _) in own.items()
        for way, window in _windows(n, y, apart, at.year).items()
    ]
    sums = ", ".join(
        f"count(*) FILTER ({w}), "
        + ", ".join(f"sum(v{i}) FILTER ({w}), avg(v{i}) FILTER ({w})" for i in range(len(numbers)))
        for _, _, w in asked
    )
    told = con.con.execute(f"SELECT {sums} FROM ({narrow})").fetchone()
    width = 1 + 2 * len(numbers)
    named = {n for n, _, may in looked if may}
    out = set()
    for k, (n, _, _) in enumerate(asked):
        part = told[k * width : (k + 1) * width]
        if _matches(own[n][1], part[0], part[1::2], part[2::2], n in named):
            out.add(n)
    return out


def _windows(n: int, year: str | None, apart: Sequence[int], dated: str | None) -> Mapping[str, str]:
    """Rows that one may be the total of, as conditions."""
    single = f"n NOT IN ({', '.join(map(str, apart))})"
    last = max((m for m in apart if m < n), default=0)
    after = min((m for m in apart if m > n), default=None)
    found = {"all": single, "before": f"n < {n} AND {single}", "since": f"n > {last} AND n < {n}"}
    if after is not None:
        found["until"] = f"n > {n} AND n < {after}"
    if dated and year:
        found["year"] = "{} AND y = '{}'".format(single, str(year).replace("'", "''"))
    return found


def _matches(
    own: Sequence[float | None], rows: int, sums: Sequence[Any], means: Sequence[Any], named: bool
) -> bool:
    """Whether most of a row's numbers are the sums, or all the means, of other rows."""
    there = [i for i, value in enumerate(own) if value]
    if rows < (2 if named else _FEW_ROWS) or len(there) < (1 if named else _FEW_COLUMNS):
        return False
    for many in (sums, means) if named else (sums,):
        near = [
            many[i] is not None and abs(own[i] - many[i]) <= _NEAR * abs(many[i])  # type: ignore[operator]
            for i in there
        ]
        if sum(near) > _MATCHED * len(there) or (len(there) == 1 and all(near)):
            return True
    return False
