"""Which GB/T 4754-2017 codes a derived standard holds: fully, partly (marked *), or not."""

from __future__ import annotations

from collections.abc import Iterable

import pandas as pd

from fusion.classification import codes as tree_codes
from fusion.classification.editions import CURRENT, links
from fusion.classification.tables import ClassificationError, descents, load, remembered, source, standards
from fusion.language import listed, said

# The standard of the three "new" covers the economy; its class 02 is 先进制造业, advanced manufacturing.
ADVANCED_MANUFACTURING = {"three_new_2018": ("02",)}


@remembered
def members(standard: str, classes: tuple[str, ...] = (), edition: str = CURRENT) -> pd.DataFrame:
    """Four-digit codes that a standard holds.

    A standard that lists a section, division or group holds all its classes. A code that is listed more
    than once is held fully if one listing is full: what is left out of one class is in another.

    Parameters
    ----------
    standard : str
        Name as `standards` gives it.
    classes : tuple of str
        Own classes of the standard to keep, with all below them, by prefix; empty = the whole standard.
    edition : str
        Of the codes that are given. A standard on an earlier edition is taken over by the official comparison: a
        class of 2017 is full where all that it was made from is, and partial where some of it is.

    Returns
    -------
    pandas.DataFrame
        code, membership (``full`` or ``partial``).
    """
    table, own = _listed(standard, classes), edition_of(standard)
    listed = table.merge(descents(own), left_on="gbt_code", right_on="ancestor")
    full = (listed["partial"] == "0").groupby(listed["code"]).any()
    if edition != own:
        full = _taken_over(full, own, edition)
    return pd.DataFrame({"code": full.index, "membership": full.map({True: "full", False: "partial"}).array})


def split(standard: str) -> tuple[str, tuple[str, ...]]:
    """Name and own classes of a standard as it may be written: ``name``, or ``name:01,02``."""
    name, _, classes = standard.partition(":")
    return name, tuple(classes.split(",")) if classes else ()


def edition_of(standard: str) -> str:
    """Edition of GB/T 4754 of a standard's codes."""
    return source(standard)["gbt_edition"] or CURRENT


def _taken_over(full: pd.Series, own: str, edition: str) -> pd.Series:
    """Whether each class of another edition that a standard may hold is held in full: all its parts are."""
    held = full.to_dict()
    made_from = {code: [held.get(old) for old in olds] for code, olds in links(edition, own).items()}
    found = {code: all(parts) for code, parts in made_from.items() if any(p is not None for p in parts)}
    return pd.Series(found, dtype=bool).sort_index()


def membership(codes: Iterable[str], standard: str, classes: tuple[str, ...] = ()) -> pd.Series:
    """Membership of codes of any level in a standard: ``full``, ``partial`` or ``none``.

    A section, division or group is full when all its four-digit classes are, and partial when some are or
    are partly. The index is the code.

    Raises
    ------
    ClassificationError
        When a code is not in GB/T 4754-2017, or there is no such standard.
    """
    asked = list(codes)
    unknown = [c for c in asked if not tree_codes.exists(c)]
    if unknown:
        raise ClassificationError(said("classification.not_in_edition", unknown=listed(unknown[:8])))
    held = descents("2017").merge(members(standard, classes), on="code", how="left")
    score = held["membership"].map({"full": 1.0, "partial": 0.5}).fillna(0.0)
    mean = score.groupby(held["ancestor"]).mean()
    word = pd.Series("partial", index=mean.index).mask(mean == 1, "full").mask(mean == 0, "none")
    return word.reindex(asked).rename(standard)


def _listed(standard: str, classes: tuple[str, ...]) -> pd.DataFrame:
    table = load(standard)
    if "gbt_code" not in table.columns:
        raise ClassificationError(
            said("classification.not_derived", standard=standard, known=listed(standards()))
        )
    keep = table["gbt_code"] != ""
    if classes:
        absent = [c for c in classes if c not in set(table["class_code"])]
        if absent:
            raise ClassificationError(
                said("classification.no_class", standard=standard, absent=listed(absent))
            )
        keep &= table["class_code"].str.startswith(classes)
    return table[keep]
