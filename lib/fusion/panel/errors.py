"""The room's error."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from fusion.language import current, listed, said, told


class PanelError(ValueError):
    """Bad input to the panel: says where, what was found, what is allowed, and how to mend it."""


def nearest(name: str, known: Iterable[str], language: str = "") -> str:
    """The closest known name as a half-sentence (`` (nearest: 'year')``), or nothing; by default for a terminal."""
    found = difflib.get_close_matches(name, list(known), n=1, cutoff=0.6)
    return told(language or current(), "panel.nearest", found=found[0]) if found else ""


def examples(values: Iterable[object], shown: int = 5) -> str:
    """The first few values and how many more there are; messages stay short, tables do not."""
    every = list(values)
    more = said("panel.and_more", count=len(every) - shown) if len(every) > shown else ""
    return listed(every[:shown]) + more
