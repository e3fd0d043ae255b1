"""What a terminal reads, in its language: sentences stand in the ``messages.toml`` of each room, English and Chinese.

TOML, because the standard library reads it at once, and because a sentence that is mended there makes no notebook
run again. What is published does not come from here: it has its own words, in both languages.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
LANGUAGES = ("en", "zh")
VARIABLE = "FUSION_LANGUAGE"  # `fusion --language` sets it; processes that a run starts inherit it
LOCALE = ("LC_ALL", "LC_MESSAGES", "LANG")


def current() -> str:
    """Language of this process: as ``FUSION_LANGUAGE`` states, else of the locale; English where that is another."""
    stated = os.environ.get(VARIABLE, "")
    if stated in LANGUAGES:
        return stated
    locale = next((os.environ[name] for name in LOCALE if os.environ.get(name)), "")
    return "zh" if locale.lower().startswith("zh") else "en"


def said(key: str, /, **values: Any) -> str:
    """A sentence in the language of this process.

    Parameters
    ----------
    key : str
        Room and name, e.g. ``"panel.no_such_file"``; deeper names are words of a vocabulary.
    **values
        What its fields hold.
    """
    return told(current(), key, **values)


def told(language: str, key: str, /, **values: Any) -> str:
    """A sentence in a language that is given."""
    room, *names = key.split(".")
    found: Any = _room(room)
    for name in names:
        found = found[name]
    return str(found[language]).format(**values)


def word(vocabulary: str, code: str) -> str:
    """The word for a code in the language of this process; the code itself where the vocabulary does not have it."""
    room, name = vocabulary.split(".")
    known = _room(room)[name]
    return str(known[code][current()]).format() if code in known else code


@contextmanager
def speaking(language: str) -> Iterator[None]:
    """Have everything within said in a language, also by processes that are started there."""
    before = os.environ.get(VARIABLE, "")
    os.environ[VARIABLE] = language
    try:
        yield
    finally:
        os.environ[VARIABLE] = before


def listed(values: Iterable[object]) -> str:
    """Values one after the other, with the comma of this process's language."""
    return {"en": ", ", "zh": "、"}[current()].join(map(str, values))


@cache
def _room(room: str) -> dict[str, Any]:
    place = HERE if room == HERE.name else HERE / room
    return tomllib.loads((place / "messages.toml").read_text(encoding="utf-8"))
