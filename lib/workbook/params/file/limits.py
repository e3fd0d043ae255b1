"""What a study's file may cost to read, looked at before anything is built of it: strangers send each other such files."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from ruamel.yaml.events import (
    AliasEvent,
    CollectionEndEvent,
    CollectionStartEvent,
    Event,
    NodeEvent,
    ScalarEvent,
)
from ruamel.yaml.parser import Parser

from workbook.inert import UNPRINTABLE
from workbook.language import said
from workbook.params.file.core import yaml

# Characters of the whole file and of one text, and how deep lists and mappings may stand in each other. The project's
# longest study has 6,000 characters and four levels; a list of 10,000 items fits.
LARGEST, LONGEST, DEEPEST = 200_000, 10_000, 20


class LimitError(ValueError):
    """The file goes beyond a limit, or holds what no study needs; ``line`` is where, from 1."""

    def __init__(self, text: str, line: int = 1) -> None:
        super().__init__(text)
        self.line = line


class _Bounded(Parser):
    """A parser that refuses as it goes: nothing is built of what stands behind the first refusal."""

    depth = 0

    def get_event(self) -> Any:
        event = super().get_event()
        self.depth += isinstance(event, CollectionStartEvent)
        self.depth -= isinstance(event, CollectionEndEvent)
        _allowed(event, self.depth)
        return event


@lru_cache(maxsize=4)
def composed(text: str) -> Any:
    """The nodes of a study's file, each with its line; None of an empty one.

    What is too large or too deep is refused, and so are aliases, which grow when they are read, tags, and signs that
    nobody sees. Reading a text into nodes is the slow part, and a command asks for those of its study many times: nobody
    changes them.

    Raises
    ------
    LimitError
        With what was found, where, and what is allowed.
    ruamel.yaml.error.YAMLError
        When it is not YAML.
    """
    if len(text) > LARGEST:
        raise LimitError(said("params.limit.size", found=len(text), most=LARGEST))
    unseen = UNPRINTABLE.search(text)
    if unseen:
        raise LimitError(_sign(unseen[0]), text.count("\n", 0, unseen.start()) + 1)
    reader = yaml()
    reader.Parser = _Bounded
    return reader.compose(text)


def _allowed(event: Event, depth: int) -> None:
    line = event.start_mark.line + 1 if event.start_mark else 1
    if depth > DEEPEST:
        raise LimitError(said("params.limit.depth", most=DEEPEST), line)
    if isinstance(event, AliasEvent) or (isinstance(event, NodeEvent) and event.anchor):
        raise LimitError(said("params.limit.alias", name=event.anchor), line)
    if isinstance(event, ScalarEvent | CollectionStartEvent) and event.ctag and str(event.ctag) != "!":
        raise LimitError(said("params.limit.tag", tag=str(event.ctag)[:60]), line)
    if isinstance(event, ScalarEvent):
        if len(event.value) > LONGEST:
            raise LimitError(said("params.limit.text", found=len(event.value), most=LONGEST), line)
        unseen = UNPRINTABLE.search(event.value)
        if unseen:  # written as an escape
            raise LimitError(_sign(unseen[0]), line)


def _sign(sign: str) -> str:
    return said("params.limit.sign", code=f"U+{ord(sign):04X}")
