"""What a terminal reads, in its language: sentences stand in the ``messages.toml`` of each room, English and Chinese.

TOML, because the standard library reads it at once, and because a sentence that is mended there makes no notebook
run again. What is published does not come from here: it has its own words, in both languages.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
LANGUAGES = ("en", "zh")
# What a name or a cell may hold and a terminal would obey, and what would fill it: neither is shown.
UNSEEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
LONG = re.compile("[^\\s\u3000-\u9fff\uff00-\uffef]{401,}")
VARIABLE = "FUSION_LANGUAGE"  # `fusion --language` sets it; processes that a run starts inherit it
COMMA = {"en": ", ", "zh": "、"}
LATELY = 500  # texts that can be said again in another language
LISTED = 100  # values that a sentence names; a file may hold hundreds of thousands
LOCALE = ("LC_ALL", "LC_MESSAGES", "LANG")

_lately: dict[str, tuple[bool, Callable[[str], str]]] = {}


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
    text = told(current(), key, **values)
    _remember(
        text,
        True,
        lambda language: told(language, key, **{n: again(v, language, text) for n, v in values.items()}),
    )
    return text


def again(text: Any, language: str, within: str = "") -> Any:
    """A text in another language, as far as it holds sentences that this process said lately.

    Parameters
    ----------
    text : Any
        What is no text stays as it is.
    language : {"en", "zh"}
        The language that is wanted.
    within : str
        The sentence that it is part of.
    """
    if not isinstance(text, str) or not text or text == within:
        return text
    if text in _lately:
        return _lately[text][1](language)
    for one in sorted(_lately, key=len, reverse=True):
        before, found, after = text.partition(one)
        if found and _lately[one][0]:
            return again(before, language) + _lately[one][1](language) + again(after, language)
    return text


def both(text: str) -> dict[str, str]:
    """A text that this process said, in each language."""
    return {language: again(text, language) for language in LANGUAGES}


def told(language: str, key: str, /, **values: Any) -> str:
    """A sentence in a language that is given."""
    room, *names = key.split(".")
    found: Any = _room(room)
    for name in names:
        found = found[name]
    text = UNSEEN.sub("\ufffd", str(found[language]).format(**values))
    return LONG.sub(lambda run: run[0][:80] + "…", text)


def word(vocabulary: str, code: str) -> str:
    """The word for a code in the language of this process; the code itself where the vocabulary does not have it."""
    room, name = vocabulary.split(".")
    known = _room(room)[name]
    if code not in known:
        return code
    text = str(known[code][current()]).format()
    _remember(text, False, lambda language: str(known[code][language]).format())
    return text


@contextmanager
def speaking(language: str) -> Iterator[None]:
    """Have everything within said in a language, also by processes that are started there."""
    before = os.environ.get(VARIABLE, "")
    os.environ[VARIABLE] = language
    try:
        yield
    finally:
        os.environ[VARIABLE] = before


def listed(values: Iterable[object], most: int = LISTED) -> str:
    """Values one after the other, with the comma of this process's language; beyond `most` only how many more there are."""
    parts = list(map(str, values))
    if len(parts) > most:
        parts = [*parts[:most], f"… (+{len(parts) - most:,})"]
    text = COMMA[current()].join(parts)
    if len(parts) > 1:
        _remember(text, False, lambda language: COMMA[language].join(again(part, language) for part in parts))
    return text


def _remember(text: str, sentence: bool, again_in: Callable[[str], str]) -> None:
    """Keep how a text is said in a language; sentences are also known where they stand within others."""
    _lately.pop(text, None)
    _lately[text] = (sentence, again_in)
    if len(_lately) > LATELY:
        del _lately[next(iter(_lately))]


@cache
def _room(room: str) -> dict[str, Any]:
    place = HERE if room == HERE.name else HERE / room
    return tomllib.loads((place / "messages.toml").read_text(encoding="utf-8"))
