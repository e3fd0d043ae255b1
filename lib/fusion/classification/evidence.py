"""Evidence of the same enterprise on what an ambiguous code of 2011 became."""

from __future__ import annotations

import ibis
import pandas as pd

RULES = ("none", "own_later_code")


def by_later_code(coded: ibis.Table, candidates: pd.DataFrame) -> ibis.Table:
    """Rows whose ambiguous code of 2011 is settled by the enterprise's own first code of 2017.

    A row is settled when all of these hold; else nothing is said of it:

    1. the enterprise has later rows in the 2017 edition, and the first of them is a class;
    2. from the row's year until its last year in the 2011 edition it bears one and the same code, so that
       its main activity did not change before it was coded anew;
    3. its first class of 2017 is a successor of that code.

    An enterprise that changed its main activity in the very year of the change of edition, to another
    candidate of its old code, is not seen; that is the rule's assumption.

    Parameters
    ----------
    coded : ibis.Table
        firm_id, year, edition, code_own, mapping_status.
    candidates : pandas.DataFrame
        code, code_2017: the successors of classes that were split.

    Returns
    -------
    ibis.Table
        firm_id, year, edition, code_own, first_new of the settled rows.
    """
    old = coded.filter(coded["edition"] == "2011")
    ends = last_and_first(coded)
    other = old.inner_join(ends, "firm_id")
    changed = (
        other.filter(other["code_own"] != other["last_old"])
        .group_by("firm_id")
        .aggregate(changed=ibis._["year"].max())
    )
    firsts = ends.select("firm_id", "first_new")
    pairs = ibis.memtable(
        candidates[["code", "code_2017"]].set_axis(["code_own", "first_new"], axis=1).drop_duplicates()
    )
    asked = old.filter(old["mapping_status"] == "ambiguous")
    rows = asked.inner_join(firsts, "firm_id").left_join(changed, "firm_id").drop("firm_id_right")
    rows = rows.filter((rows["year"] > rows["changed"]).fill_null(True))
    found = rows.inner_join(pairs, ["code_own", "first_new"])
    return found.select("firm_id", "year", "edition", "code_own", "first_new").distinct()


def last_and_first(coded: ibis.Table) -> ibis.Table:
    """Each enterprise's last code of 2011 and its first of 2017 after it.

    Parameters
    ----------
    coded : ibis.Table
        firm_id, year, edition, code_own.

    Returns
    -------
    ibis.Table
        firm_id, last_old, last_year, first_new; enterprises that have both.
    """
    old = coded.filter(coded["edition"] == "2011")
    new = coded.filter(coded["edition"] == "2017")
    last = old.group_by("firm_id").aggregate(
        last_old=old["code_own"].argmax(old["year"]), last_year=old["year"].max()
    )
    firsts = new.inner_join(last, "firm_id")
    firsts = firsts.filter(firsts["year"] > firsts["last_year"])
    firsts = firsts.group_by("firm_id").aggregate(first_new=firsts["code_own"].argmin(firsts["year"]))
    return last.inner_join(firsts, "firm_id")
