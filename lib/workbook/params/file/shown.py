"""A study's file as one: what its bases state merged into it, each line with where it stands."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

WIDE = 60  # where origins stand, if lines are no longer
WORD = re.compile(r"[A-Za-z_][\w.]*")
OTHERS = ("yes", "no", "on", "off", "true", "false", "null", "y", "n")


def text(lines: Sequence[tuple[int, str, Any, str]]) -> str:
    """YAML that reads as the study and its bases do together.

    Parameters
    ----------
    lines : sequence of (int, str, value, str)
        Depth, key, value (None with an empty origin: a mapping whose keys come next), origin.

    Examples
    --------
    >>> print(text([(0, "panel", None, ""), (1, "first_year", 2012, "mine.yaml:3")]))
    panel:
      first_year: 2012                                           # mine.yaml:3
    """
    made = [
        (f"{'  ' * depth}{_key(key)}:{_value(value, origin)}", origin) for depth, key, value, origin in lines
    ]
    return "\n".join(f"{line:<{WIDE}} # {origin}" if origin else line for line, origin in made)


def _key(key: str) -> str:
    return key if WORD.fullmatch(key) and key.lower() not in OTHERS else json.dumps(key, ensure_ascii=False)


def _value(value: Any, origin: str) -> str:
    if value is None and not origin:
        return ""
    return " " + json.dumps(value, ensure_ascii=False, default=str)
