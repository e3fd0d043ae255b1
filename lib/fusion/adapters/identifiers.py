"""One identifier for each firm over time: a unified social credit code holds the older organisation code.

Characters 9 to 17 of the 18-character code (统一社会信用代码, GB 32100-2015) are the 9-character organisation
code. A 9-character code becomes the 18-character one when the sources hold exactly one that contains it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from fusion.adapters.layout import OTHER_ID

NORMAL = "regexp_replace(upper({0}), '[\\s-]', '', 'g')"
SHOWN = 5


@dataclass(frozen=True)
class Chained:
    """What became of the identifiers (counts of identifiers; examples of what could not be chained).

    Attributes
    ----------
    chained : int
        9-character codes that became an 18-character one.
    unchained : int
        9-character codes for which no source has the 18-character one; they stay as they are.
    several : int
        9-character codes that several 18-character codes contain; they stay as they are.
    other : int
        Identifiers of another length.
    disagree : int
        Rows that give both and the 18-character code does not contain the other.
    examples : dict of str to list of str
    """

    chained: int
    unchained: int
    several: int
    other: int
    disagree: int
    examples: dict[str, list[str]]


def chain(con: Any, tables: list[str], with_other: set[str], name: str) -> Chained:
    """Make table ``name``: ``written, firm_id`` for all identifiers of the tables.

    Parameters
    ----------
    con : ibis DuckDB backend
    tables : list of str
        Tables with ``firm_id``; those in ``with_other`` hold the row's other identifier, too.
    name : str
    """
    own = [f"SELECT firm_id AS written FROM {t}" for t in tables]
    others = [f'SELECT "{OTHER_ID}" AS written FROM {t}' for t in with_other]
    con.con.execute(
        f"CREATE OR REPLACE TEMP TABLE {name} AS WITH w AS (SELECT DISTINCT written FROM ({' UNION ALL '.join(own + others)}) "
        f"WHERE written IS NOT NULL), n AS (SELECT written, {NORMAL.format('written')} AS plain FROM w), "
        "u AS (SELECT substr(plain, 9, 9) AS org, min(plain) AS uscc, count(DISTINCT plain) AS many FROM n "
        "WHERE regexp_full_match(plain, '[0-9A-Z]{18}') GROUP BY org) "
        "SELECT written, CASE WHEN many = 1 THEN uscc ELSE plain END AS firm_id, CASE WHEN many = 1 THEN 'chained' "
        "WHEN many > 1 THEN 'several' WHEN length(plain) = 9 THEN 'unchained' WHEN length(plain) = 18 THEN 'whole' "
        "ELSE 'other' END AS how FROM n LEFT JOIN u ON n.plain = u.org"
    )
    counts = dict(con.con.execute(f"SELECT how, count(*) FROM {name} GROUP BY how").fetchall())
    some = f"SELECT written FROM {name} WHERE how = ? ORDER BY written LIMIT {SHOWN}"
    shown = {
        how: [r[0] for r in con.con.execute(some, [how]).fetchall()]
        for how in ("unchained", "several", "other")
        if counts.get(how)
    }
    disagree = sum(_disagreeing(con, t) for t in with_other)
    chained, unchained, several, other = (
        int(counts.get(how, 0)) for how in ("chained", "unchained", "several", "other")
    )
    return Chained(chained, unchained, several, other, disagree, shown)


def _disagreeing(con: Any, table: str) -> int:
    a, b = NORMAL.format("firm_id"), NORMAL.format(f'"{OTHER_ID}"')
    found = con.con.execute(
        f"SELECT count(*) FROM {table} WHERE length({a}) = 18 AND length({b}) = 9 AND substr({a}, 9, 9) <> {b}"
    ).fetchone()
    return int(found[0])
