"""The year of a form whose rows do not hold it: as its title, its sheet's name or its file's name say, where they agree."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from fusion.adapters.stage import Peek
from fusion.language import said

_IN_TITLE = re.compile(r"(?<![\d-])((?:19|20)\d{2})\s*年(?!\s*\d{1,2}\s*月)")
_IN_NAME = re.compile(r"(?<!\d)((?:19|20)\d{2})(?!\d)")
_EDITION = re.compile(r"(?:gb[/_]?t?)?\s*4754[-—_]?\d{4}", re.IGNORECASE)


@dataclass(frozen=True)
class Dated:
    """A year and where it was read; or ``differ``: what each place says, where they contradict each other."""

    year: int | None = None
    by: str = ""
    differ: str = ""


def stated(titles: Sequence[Sequence[str]], looked: Peek, places: Sequence[str]) -> Dated:
    """The year that all places which state one agree on.

    Parameters
    ----------
    titles : sequence of rows
        Above the header.
    looked : Peek
    places : sequence of {"title", "sheet", "name"}
        Where a year may be read, as the adapter says.
    """
    texts = {
        "title": (_IN_TITLE, "\n".join(cell for row in titles for cell in row)),
        "sheet": (_IN_NAME, looked.sheet),
        "name": (_IN_NAME, looked.path.stem),
    }
    found: dict[str, int] = {}
    for place in places:
        pattern, text = texts[place]
        years = {int(hit) for hit in pattern.findall(_EDITION.sub("", text))}
        if len(years) == 1:
            found[place] = years.pop()
    if len(set(found.values())) > 1:
        told = "; ".join(said(f"adapters.year_of_{place}", year=year) for place, year in found.items())
        return Dated(differ=told)
    if not found:
        return Dated()
    return Dated(next(iter(found.values())), next(iter(found)))
