"""Headers of a source: one stated normalisation, parents of ``其中`` columns, units.

The normalisation, in this order, for headers and for aliases alike:

1. NFKC: full-width letters, digits, brackets and colons become half-width;
2. brackets of every shape become ``(`` and ``)``, dashes of every length ``-``, quotation marks go;
3. blanks and line ends go, letters become small;
4. a copy's mark (``.1``, as spreadsheets' readers add to headers that occur twice) goes;
5. a suffix that the adapter declares goes (``;本年``); other suffixes stay, so that ``;上年`` never matches;
6. the unit goes into a field of its own (:mod:`fusion.adapters.units`).

A header that begins with ``其中`` belongs to the last header before it that does not, its parent;
``A-其中:B`` names its parent itself. Line numbers of forms (``本年折旧211``) go only if the header as it
stands is no alias and the adapter says that its forms have them.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from fusion.adapters import units

_BRACKETS = str.maketrans(
    {
        **dict.fromkeys("[{〔【〖〈《「", "("),
        **dict.fromkeys("]}〕】〗〉》」", ")"),
        **dict.fromkeys("\"'“”‘’`", ""),
    }
)
_DASHES = re.compile(r"[-‐‑‒–—―−─﹣ー]+")
_BLANKS = re.compile(r"[\s\u200b\ufeff]+")
_COPY = re.compile(r"(?<=[^\x00-\x7f)])\.\d+$|(?<=\))\.\d+$")
_OF = re.compile(r"^其中[:：]?")
_PARENT = re.compile(r"^(.+?)-?其中[:：](.+)$")
_NUMBER = re.compile(r"(?<=[^\x00-\x7f)])\d{1,3}$|(?<=\))\d{1,3}$")
PARENT_MARK = ">"


@dataclass(frozen=True)
class Header:
    """A header as it was understood.

    Attributes
    ----------
    position : int
        Column of the file, from 0.
    text : str
        As written.
    key : str
        Normalised, without unit, ``其中`` and parent.
    parent : str
        Key of the parent of a ``其中`` column, else empty.
    unit : str or None
        The unit that it states.
    """

    position: int
    text: str
    key: str
    parent: str = ""
    unit: str | None = None

    @property
    def keys(self) -> tuple[str, ...]:
        """Spellings under which aliases are looked up, the most specific first."""
        own = [self.key, _NUMBER.sub("", self.key)]
        if self.parent:
            parents = [self.parent, _NUMBER.sub("", self.parent)]
            own = [f"{p}{PARENT_MARK}{k}" for k in own for p in parents] + [f"{PARENT_MARK}{k}" for k in own]
        return tuple(dict.fromkeys(own))


def normalise(text: str, suffixes: Iterable[str] = ()) -> str:
    """Steps 1 to 5 of the normalisation.

    Examples
    --------
    >>> normalise("应付职工薪酬（本年贷方累计发生额）；本年", [";本年"])
    '应付职工薪酬(本年贷方累计发生额)'
    """
    plain = unicodedata.normalize("NFKC", text).translate(_BRACKETS)
    plain = _BLANKS.sub("", _DASHES.sub("-", plain)).casefold()
    plain = _COPY.sub("", plain)
    for suffix in suffixes:
        plain = plain.removesuffix(suffix)
    return plain


def parse(texts: Sequence[str], suffixes: Sequence[str] = ()) -> list[Header]:
    """Headers of a row, each with its parent where it is a part.

    Parameters
    ----------
    texts : sequence of str
        Cells of the header row; empty cells are passed over.
    suffixes : sequence of str
        Suffixes to strip, as the adapter declares them.
    """
    ready = [normalise(suffix) for suffix in suffixes]
    found: list[Header] = []
    last = ""
    for position, text in enumerate(texts):
        if not text.strip():
            continue
        bare, unit = units.split(normalise(text))
        for suffix in ready:
            bare = bare.removesuffix(suffix)
        if unit is None:
            bare, unit = units.split(bare)
        part, named = _OF.sub("", bare), _PARENT.match(bare)
        if part != bare:
            found.append(Header(position, text, part, last, unit))
        elif named:
            found.append(Header(position, text, named.group(2), named.group(1), unit))
        else:
            last = bare
            found.append(Header(position, text, bare, "", unit))
    return found


def alias_key(alias: str, suffixes: Sequence[str] = ()) -> str:
    """The spelling under which an alias is looked up: ``其中：X`` is ``>x``, ``P>其中：X`` is ``p>x``."""
    return _alias_key(alias, tuple(suffixes))


@lru_cache(maxsize=10_000)
def _alias_key(alias: str, suffixes: tuple[str, ...]) -> str:
    ready = [normalise(suffix) for suffix in suffixes]
    parent, mark, own = alias.rpartition(PARENT_MARK)
    bare = units.split(normalise(own, ready))[0]
    for suffix in ready:
        bare = bare.removesuffix(suffix)
    part, named = _OF.sub("", bare), _PARENT.match(bare)
    if mark:
        return f"{normalise(parent, ready)}{PARENT_MARK}{part}"
    if part != bare:
        return f"{PARENT_MARK}{part}"
    return f"{named.group(1)}{PARENT_MARK}{named.group(2)}" if named else bare
