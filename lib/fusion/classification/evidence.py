"""Evidence of the same enterprise on what an ambiguous code of an older edition became."""

from __future__ import annotations

import ibis
import pandas as pd

from fusion.classification.editions import NATIONAL, links

RULES = ("none", "own_later_code")
OLDER = NATIONAL[-2::-1]  # newest first: what is known of the later edition is used by the earlier one


def by_later_code(coded: ibis.Table) -> ibis.Table:
    """Rows whose ambiguous code is settled by the enterprise's own first code of a later edition.

    A row is settled when all of these hold; else nothing is said of it:

    1. the enterprise has later rows in a newer edition, and the first of them is a class;
    2. from the row's year until its last year in the row's edition it bears one and the same code, so that
       its main activity did not change before it was coded anew;
    3. its first class of the newer edition is a successor of that code, by the printed comparison of the two editions;
    4. that class is one of 2017, has one successor there, or is itself settled: a code of 2002 may be by way of 2011.

    An enterprise that changed its main activity in the very year of the change of edition, to another
    candidate of its old code, is not seen; that is the rule's assumption.

    Parameters
    ----------
    coded : ibis.Table
        firm_id, year, edition, code_own, code_2017, mapping_status.

    Returns
    -------
    ibis.Table
        firm_id, year, edition, code_own, first_new (the class of 2017) of the settled rows.
    """
    return ibis.union(*followed(coded)[0])


def followed(coded: ibis.Table) -> tuple[list[ibis.Table], ibis.Table]:
    """Settled rows of each older edition, newest first, and all rows with ``meaning``.

    Returns
    -------
    settled : list of ibis.Table
        As `by_later_code` gives them.
    known : ibis.Table
        firm_id, year, edition, code_own, mapping_status, meaning: the class of 2017, matched or settled; else empty.
    """
    known, found = coded.mutate(meaning=coded["code_2017"]), []
    keys = ["firm_id", "year", "edition", "code_own"]
    for edition in OLDER:
        old = known.filter(known["edition"] == edition)
        found.append(_settled(old, last_and_first(known, edition), edition))
        told = found[-1].rename(told="first_new")
        known = known.left_join(told, keys).select(
            *keys, "mapping_status", meaning=ibis.coalesce(ibis._["told"], ibis._["meaning"])
        )
    return found, known


def _settled(old: ibis.Table, ends: ibis.Table, edition: str) -> ibis.Table:
    """Rows of one edition that the enterprise's next edition settles."""
    other = old.inner_join(ends, "firm_id")
    changed = (
        other.filter(other["code_own"] != other["last_old"])
        .group_by("firm_id")
        .aggregate(changed=ibis._["year"].max())
    )
    asked = old.filter(old["mapping_status"] == "ambiguous").drop("meaning")
    rows = asked.inner_join(ends, "firm_id").left_join(changed, "firm_id").drop("firm_id_right")
    rows = rows.filter((rows["year"] > rows["changed"]).fill_null(True) & (rows["meaning"] != ""))
    found = rows.inner_join(ibis.memtable(_pairs(edition)), ["code_own", "new_edition", "first_code"])
    return found.select("firm_id", "year", "edition", "code_own", first_new="meaning").distinct()


def _pairs(edition: str) -> pd.DataFrame:
    """Classes of an edition beside what they may be in each newer one: code_own, new_edition, first_code."""
    newer = NATIONAL[NATIONAL.index(edition) + 1 :]
    every = [(code, to, new) for to in newer for code, found in links(edition, to).items() for new in found]
    return pd.DataFrame(every, columns=["code_own", "new_edition", "first_code"])


def last_and_first(known: ibis.Table, edition: str) -> ibis.Table:
    """Each enterprise's last code of an edition and its first of a newer edition after it.

    Parameters
    ----------
    known : ibis.Table
        firm_id, year, edition, code_own, meaning (class of 2017, empty where it is open).
    edition : str
        2002 or 2011.

    Returns
    -------
    ibis.Table
        firm_id, last_old, last_year, first_code, new_edition, meaning; enterprises that have both.
    """
    old = known.filter(known["edition"] == edition)
    new = known.filter(known["edition"].isin(list(NATIONAL[NATIONAL.index(edition) + 1 :])))
    last = old.group_by("firm_id").aggregate(
        last_old=old["code_own"].argmax(old["year"]), last_year=old["year"].max()
    )
    firsts = new.inner_join(last, "firm_id")
    firsts = firsts.filter(firsts["year"] > firsts["last_year"])
    # One row is taken whole: its code, its edition and its meaning belong together.
    order = ibis.row_number().over(
        ibis.window(group_by="firm_id", order_by=["year", ibis.desc("edition"), "code_own"])
    )
    firsts = firsts.mutate(place=order).filter(ibis._["place"] == 0)
    return firsts.select(
        "firm_id", "last_old", "last_year", "meaning", first_code="code_own", new_edition="edition"
    )
