"""The room's error."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class PanelError(ValueError):
    """Bad input to the panel: says where, what was found, what is allowed, and how to mend it."""


def nearest(name: str, known: Iterable[str]) -> str:
    """The closest known name as a half-sentence (`` (nearest: 'year')``), or nothing."""
    found = difflib.get_close_matches(name, list(known), n=1, cutoff=0.6)
    return f" (nearest: '{found[0]}')" if found else ""


def examples(values: Iterable[object], shown: int = 5) -> str:
    """The first few values and how many more there are; messages stay short, tables do not."""
    listed = list(values)
    more = f", … and {len(listed) - shown} more" if len(listed) > shown else ""
    return ", ".join(str(value) for value in listed[:shown]) + more
