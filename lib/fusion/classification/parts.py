"""What a class that was split gave away, by the classes and notes that the official comparison names."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from fusion.classification.editions import CURRENT, NATIONAL, links
from fusion.classification.tables import codes_of

if TYPE_CHECKING:
    import pandas as pd

STAYS = "调出"  # of a successor: parts of the old class were moved out of it, so that it is what remained


def _stays(note: str) -> bool:
    """Whether a class is what remained, at each step of some way there (`editions.links` joins steps and ways)."""
    return any(all(STAYS in step for step in way.split(" → ")) for way in note.split("; "))


@lru_cache
def names(edition: str) -> dict[str, str]:
    """Chinese name of each code of an edition."""
    return {row["code"]: row["name_zh"] for row in codes_of(edition)}


def parted(code: str, edition: str) -> tuple[list[str], list[str]]:
    """What remained of a class that was split, and the classes that parts of it went to.

    The comparison names no products; it names the class of 2017 that a part was moved to (新增，原3599部分内容调到此类:
    3491 industrial robots), and that class names the product.

    Parameters
    ----------
    code, edition : str
        A class of an edition before 2017.

    Returns
    -------
    remained, given : list of str
        Classes of 2017. Where the class was dissolved (分解) nothing remained, and all are parts. Both empty where it
        was not split.
    """
    found = links(edition, CURRENT).get(code, {}) if edition in NATIONAL else {}
    if edition == CURRENT or len(found) < 2:
        return [], []
    own = names(edition).get(code)
    remained = [new for new, note in found.items() if _stays(note) or names(CURRENT)[new] == own]
    return remained, [new for new in found if new not in remained]


def named(lost: pd.DataFrame) -> pd.DataFrame:
    """Rows of `unmapped_codes` with what each code gave away: gave_en (codes: classes have no English names), gave_zh."""
    given = [
        parted(code, edition)[1] for code, edition in zip(lost["code_own"], lost["edition"], strict=True)
    ]
    told = ["、".join(f"{new} {names(CURRENT)[new]}" for new in each) for each in given]
    return lost.assign(gave_en=[", ".join(each) for each in given], gave_zh=told)
