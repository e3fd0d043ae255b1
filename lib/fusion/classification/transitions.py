"""Codes over time: conflicts of edition and moves of enterprises between classes."""

from __future__ import annotations

import ibis
import pandas as pd

from fusion.classification.editions import NATIONAL, due
from fusion.classification.tables import tree
from fusion.classification.totals import UNMAPPED, as_written


def conflicts(rows: ibis.Table) -> pd.DataFrame:
    """Codes and editions that do not agree, by kind.

    Parameters
    ----------
    rows : ibis.Table
        firm_id, year, edition, code_own as `classify` gives them; with ``ind4`` joined to them, codes that their
        edition does not have are looked for as written.

    Returns
    -------
    pandas.DataFrame
        conflict (``other_edition``: the code is of other editions only; ``late``: an older edition than that in which
        the year reports; ``early``: a newer one, usual where a series was recoded; ``back``: an older edition after a
        newer one in the same enterprise), firm_years, firms, first_year, last_year. Kinds that do not occur have zeros.
        The regulator's codes are no edition of a year and are not counted.
    """
    own = as_written(rows).select("firm_id", "year", "edition", "code_own")
    own = own.mutate(year=own["year"].cast("int64"), code_own=own["code_own"].fill_null(""))
    coded = own.filter(own["edition"].isin(list(NATIONAL)))
    known = {e: set(tree(e).query("level == '4'")["code"]) for e in NATIONAL}
    elsewhere = {e: set().union(*known.values()) - known[e] for e in NATIONAL}
    wrong = [(coded["edition"] == e) & coded["code_own"].isin(sorted(elsewhere[e])) for e in NATIONAL]
    used = ibis.cases(
        *((coded["year"] >= first, edition) for first, edition in sorted(due().items(), reverse=True))
    )
    window = ibis.window(group_by="firm_id", order_by="year", preceding=(None, 1))
    before = coded.mutate(newest=coded["edition"].max().over(window))
    tests = {
        "other_edition": coded.filter(ibis.or_(*wrong)),
        "late": coded.filter(coded["edition"] < used),
        "early": coded.filter(coded["edition"] > used),
        "back": before.filter(before["edition"] < before["newest"]),
    }
    lines = []
    for kind, found in tests.items():
        told = found.aggregate(
            firm_years=found.count(),
            firms=found["firm_id"].nunique(),
            first_year=found["year"].min(),
            last_year=found["year"].max(),
        ).to_pandas()
        lines.append(told.assign(conflict=kind))
    table = pd.concat(lines, ignore_index=True)
    return table[["conflict", "firm_years", "firms", "first_year", "last_year"]]


def moves(rows: ibis.Table) -> pd.DataFrame:
    """How many enterprises are in another class, group, division or path than the year before.

    Returns
    -------
    pandas.DataFrame
        year, firms (mapped to one class in this year and the one before), class, group, division, path (shares that
        moved), switched (share whose code was of an older edition the year before).
    """
    kept = rows.filter(rows["code_2017"] != "").select("firm_id", "year", "edition", "code_2017", "path")
    query = """
    WITH t AS (SELECT *, lag(year) OVER f AS y, lag(code_2017) OVER f AS c, lag(path) OVER f AS p, lag(edition) OVER f AS e
      FROM told WINDOW f AS (PARTITION BY firm_id ORDER BY year))
    SELECT year, count(*) AS firms, avg((code_2017 <> c)::INT) AS class, avg((left(code_2017, 3) <> left(c, 3))::INT) AS "group",
      avg((left(code_2017, 2) <> left(c, 2))::INT) AS division, avg((path <> p)::INT) AS path,
      avg((edition > e AND edition < 'a')::INT) AS switched
    FROM t WHERE y = year - 1 GROUP BY year ORDER BY year"""
    return kept.cache().alias("told").sql(query).to_pandas()


def break_parts(rows: ibis.Table, moves: pd.DataFrame) -> pd.DataFrame:
    """What moved at each change of edition: firms that were given another path, and firms that came or went.

    With n(p) the firms of a path in the year, N all of them, and s₀(p), s₁(p) those of them that are in both years, by
    the path of the year before and of the year,

        share after = n(p)/N,   reclassified = (s₁(p) − s₀(p))/N,   entry and exit = n(p)/N − reclassified − share before,

    so that the two parts add up to the change.

    Parameters
    ----------
    rows : ibis.Table
        firm_id, year, path, as `classify` gives them; an empty path is ``unmapped``.
    moves : pandas.DataFrame
        What moves when the edition changes, as `totals.edition_break` finds it.

    Returns
    -------
    pandas.DataFrame
        The rows of ``moves`` with reclassified and entry_exit (shares of the year's firms, in [-1, 1]) and firms (of the
        path in that year); empty where there is no change of edition.
    """
    if moves.empty:
        return moves.assign(reclassified=0.0, entry_exit=0.0, firms=0)
    years = moves["year"].drop_duplicates()
    return pd.concat([_parts(rows, moves[moves["year"] == year]) for year in years], ignore_index=True)


def _parts(rows: ibis.Table, moves: pd.DataFrame) -> pd.DataFrame:
    """The parts of one change."""
    year = int(moves["year"].iloc[0])
    pair = rows.filter(rows["year"].isin([year - 1, year])).select("firm_id", "year", "path").to_pandas()
    pair["path"] = pair["path"].replace("", UNMAPPED)
    wide = pair.assign(when=(pair["year"] == year).map({True: "now", False: "then"}))
    wide = wide.pivot(index="firm_id", columns="when", values="path").reindex(columns=["then", "now"])
    stay = wide.dropna()
    counts = pd.DataFrame(
        {
            "then": wide["then"].value_counts(),
            "now": wide["now"].value_counts(),
            "stay_then": stay["then"].value_counts(),
            "stay_now": stay["now"].value_counts(),
        }
    ).fillna(0)
    size = counts["now"].sum()
    change = counts["now"] / size - counts["then"] / counts["then"].sum()
    out = pd.DataFrame({"reclassified": (counts["stay_now"] - counts["stay_then"]) / size})
    out = out.assign(entry_exit=change - out["reclassified"], firms=counts["now"].astype(int))
    return moves.merge(out.rename_axis("path").reset_index(), on="path")
