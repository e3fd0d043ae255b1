"""Where a table's header is, of one row or several, and what its cells say.

Forms have headers of one to three rows: a heading over several columns stands in the first of them, a column without parts
is merged downwards. A cell's own text (the leaf) is enough where it is known or stands alone; where it is neither, the
heading above is put before it (``营业收入;本年``). Titles above the header are no part of it.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from fusion.adapters import units, wide
from fusion.adapters.errors import AdapterError
from fusion.adapters.headers import PARENT_MARK, alias_key, normalise, parse
from fusion.adapters.match import known_aliases
from fusion.adapters.model import Adapter, FileRule
from fusion.adapters.stage import Peek
from fusion.language import listed, said
from fusion.panel import sheets
from fusion.panel.contract import Column

DEPTH = 3  # rows that a header may have
JOINT = ";"
# Cells of titles: 计量单位：千元, 制定机关：国家统计局, 2019年, 2016年规模以上……情况（605-1表）.
_TITLE = re.compile(r"(?<!其中)[:：]\s*\S|^\s*[12]\d{3}\s*年|表\s*[)）]?\s*$")
_NUMBER = re.compile(r"^[-+]?[\d,.]+%?$")


@dataclass(frozen=True)
class Head:
    """A header: rows ``first`` to ``at`` (from 0) of the file, its texts, and how many of them are known."""

    first: int
    at: int
    texts: tuple[str, ...]
    known: frozenset[str] = frozenset()


def find(
    looked: Peek, adapter: Adapter, rule: FileRule, columns: Mapping[str, Column], preferred: Mapping[str, Sequence[str]]
) -> Head:  # fmt: skip
    """The header as stated, or the rows in which most columns are known.

    Raises
    ------
    AdapterError
        When the stated row is not there, or no row has two cells.
    """
    known = known_aliases(adapter, columns)
    known |= {alias_key(a, adapter.suffixes): c for c, aliases in preferred.items() for a in aliases}
    ask = _asker(adapter, known)
    rows = looked.rows
    asked = rule.header_row or adapter.header_row
    if asked is not None and asked + (adapter.header_rows or 1) - 1 > len(rows):
        raise AdapterError(said("adapters.header_row", path=looked.path, asked=asked, count=len(rows)))
    pairs = _stated(rows, asked, adapter) if asked is not None else _possible(rows, adapter)
    best, most = None, 0
    for first, at in pairs:
        head = _made(rows, first, at, ask)
        if len(head.known) > most or (best is None and asked is not None):
            best, most = head, len(head.known)
    if best is not None and (most > 1 or asked is not None):
        return best
    lone = next((i for i, row in enumerate(rows) if sum(map(bool, row)) > 1), None)
    if lone is None:
        if looked.kind in sheets.KINDS and not any(any(row) for row in rows):
            others = listed(looked.others) or said("adapters.none_else")
            raise AdapterError(
                said("adapters.empty_sheet", path=looked.path, sheet=looked.sheet, others=others)
            )
        raise AdapterError(said("adapters.no_header", path=looked.path, count=len(rows)))
    deep = max(at for first, at in _possible(rows[: lone + DEPTH], adapter) if first == lone)
    return _made(rows, lone, deep, ask)


# -- inside ------------------------------------------------------------------------------------
def _asker(adapter: Adapter, known: Mapping[str, str]) -> Callable[[str], str]:
    """The column that a header's text means, empty if none."""
    found: dict[str, str] = {}

    def ask(text: str) -> str:
        if text not in found:
            bare = wide.bare([text])[0] if adapter.wide else text
            keys = [k for header in parse([bare], adapter.suffixes) for k in header.keys]
            keys += [key.rpartition(PARENT_MARK)[2] for key in keys]
            found[text] = next((known[key] for key in keys if key in known), "")
        return found[text]

    return ask


def _stated(rows: Sequence[Sequence[str]], asked: int, adapter: Adapter) -> list[tuple[int, int]]:
    first = asked - 1
    deep = [adapter.header_rows] if adapter.header_rows else range(1, DEPTH + 1)
    ends = [first + depth - 1 for depth in deep]
    return [
        (first, at) for at in ends if at == first or (at < len(rows) and _goes_on(rows, first, at, adapter))
    ]


def _possible(rows: Sequence[Sequence[str]], adapter: Adapter) -> list[tuple[int, int]]:
    """First and last rows of what may be a header, deeper ones before shallower ones that end in the same row or above."""
    found = []
    for first in range(len(rows)):
        deep = [adapter.header_rows] if adapter.header_rows else range(DEPTH, 0, -1)
        for depth in deep:
            at = first + depth - 1
            if at < len(rows) and (depth == 1 or _goes_on(rows, first, at, adapter)):
                found.append((first, at))
    return found


def _goes_on(rows: Sequence[Sequence[str]], first: int, at: int, adapter: Adapter) -> bool:
    """Whether rows below the first one go on with its header: words alone, under headings or beside merged cells."""
    if adapter.header_rows:
        return True
    if _is_title(rows[first]):
        return False
    for above, row in zip(rows[first:at], rows[first + 1 : at + 1], strict=True):
        cells = [c for c in row if c]
        spans = any(c and not (above[i] if i < len(above) else "") for i, c in enumerate(row))
        merged = any(c and not (row[i] if i < len(row) else "") for i, c in enumerate(above))
        if len(cells) < 2 or not (spans and merged) or any(_NUMBER.match(normalise(c)) for c in cells):
            return False
    return True


def _is_title(row: Sequence[str]) -> bool:
    cells = [c for c in row if c]
    return len(cells) < 2 or any(_TITLE.search(c) or units.TITLE.search(normalise(c)) for c in cells)


def _made(rows: Sequence[Sequence[str]], first: int, at: int, ask: Callable[[str], str]) -> Head:
    """The texts of a header: leaves, with the heading above them where they need it."""
    lying = rows[first : at + 1]
    width = max(len(row) for row in lying)
    own = [[row[i].strip() if i < len(row) else "" for i in range(width)] for row in lying]
    leaves = [next((row[i] for row in reversed(own) if row[i]), "") for i in range(width)]
    often = Counter(leaves)
    texts = [_text(leaf, _above(own, i, leaf), often[leaf] > 1, ask) for i, leaf in enumerate(leaves)]
    while texts and not texts[-1]:
        texts.pop()
    return Head(first, at, tuple(texts), frozenset(ask(t) for t in texts if ask(t)))


def _above(own: Sequence[Sequence[str]], i: int, leaf: str) -> list[str]:
    """Headings over a column, the nearest last: an empty cell of an upper row belongs to the one at its left."""
    depth = max((d for d, row in enumerate(own) if row[i]), default=0)
    found = []
    for row in own[:depth]:
        heading = next((row[j] for j in range(i, -1, -1) if row[j]), "")
        if heading and heading != leaf:
            found.append(heading)
    return found


def _text(leaf: str, above: Sequence[str], repeated: bool, ask: Callable[[str], str]) -> str:
    if not leaf or not above:
        return leaf
    joined = next(
        (JOINT.join([*above[d:], leaf]) for d in range(len(above)) if ask(JOINT.join([*above[d:], leaf]))), ""
    )
    if ask(leaf) and not repeated:
        unit = next((u for a in reversed(above) if (u := units.split(normalise(a))[1])), None)
        stated = units.split(normalise(leaf))[1]
        return f"{leaf}({unit})" if unit and not stated else leaf
    if leaf.startswith("其中"):
        return leaf
    return joined or (JOINT.join([above[-1], leaf]) if repeated else leaf)
