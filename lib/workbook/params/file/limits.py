"""What a study's file may cost to read, looked at before anything is built of it: strangers send each other such files."""

from __future__ import annotations

from ruamel.yaml import YAML
from ruamel.yaml.events import (
    AliasEvent,
    CollectionEndEvent,
    CollectionStartEvent,
    Event,
    NodeEvent,
    ScalarEvent,
)

from workbook.inert import UNPRINTABLE
from workbook.language import said

# Characters of the whole file and of one text, and how deep lists and mappings may stand in each other. The project's
# longest study has 6,000 characters and four levels; a list of 10,000 items fits.
LARGEST, LONGEST, DEEPEST = 200_000, 10_000, 20


class LimitError(ValueError):
    """The file goes beyond a limit, or holds what no study needs; ``line`` is where, from 1."""

    def __init__(self, text: str, line: int = 1) -> None:
        super().__init__(text)
        self.line = line


def bounded(text: str) -> None:
    """Refuse what is too large or too deep, aliases, which grow when they are read, tags, and signs that nobody sees.

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
    depth = 0
    for event in YAML(typ="safe", pure=True).parse(text):
        depth += isinstance(event, CollectionStartEvent)
        depth -= isinstance(event, CollectionEndEvent)
        _allowed(event, depth)


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
