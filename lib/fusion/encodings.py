"""Which encoding texts are in where their file does not say: Chinese, western European, or Unicode."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterable

WESTERN, CHINESE = "windows-1252", "gb18030"
NAMES = {"utf-8": "UTF-8", CHINESE: "GB18030", WESTERN: "Windows-1252"}
_BEYOND = re.compile(rb"[\x80-\xff]+")
# Of Windows-1252: letters, and the signs that stand alone between words (quotes, dashes, degrees, currencies).
_SIGNS = (0x80, 0x85, *range(0x91, 0x98), 0x99, 0xA0, 0xA3, 0xA7, 0xA9, 0xAB, 0xAE, *range(0xB0, 0xBE))
_SINGLE = bytes([*range(0xC0, 0x100), 0x8A, 0x8C, 0x8E, 0x9A, 0x9C, 0x9E, *_SIGNS])
# First bytes of GB 2312's signs and of its 3,755 characters in daily use, which make up nearly all Chinese text.
_DAILY = frozenset([*range(0xA1, 0xAA), *range(0xB0, 0xD8)])


def western(pieces: Iterable[bytes]) -> bool:
    """Whether half of the runs beyond ASCII are one byte long, a letter or sign of western Europe: Chinese takes two or more."""
    runs = lone = 0
    for piece in pieces:
        found = _BEYOND.findall(piece)
        runs += len(found)
        lone += sum(len(run) == 1 and run in _SINGLE for run in found)
    return runs > 0 and 2 * lone >= runs


def likely(texts: Iterable[bytes]) -> str | None:
    """The encoding of some texts, or None where none is likelier than what stands.

    Parameters
    ----------
    texts : iterable of bytes
        Whole cells, names and labels; a field of fixed width may end within a character.

    Returns
    -------
    str or None
        ``utf-8`` where all decode so; ``windows-1252`` where bytes stand alone; ``gb18030`` where all but a few decode so and
        half of their characters are in daily use; None for texts in ASCII and all others.
    """
    beyond = [text for text in texts if not text.isascii()]
    if not beyond:
        return None
    if all(_decodes(text, "utf-8") for text in beyond):
        return "utf-8"
    if western(beyond):
        return WESTERN
    held = [text for text in beyond if _decodes(text, CHINESE)]
    firsts = [byte for text in held for byte in _firsts(text)]
    daily = sum(byte in _DAILY for byte in firsts)
    return CHINESE if 10 * len(held) >= 9 * len(beyond) and 2 * daily > len(firsts) else None


def decoded(text: bytes, encoding: str) -> str:
    """A text whose last character may be cut; bytes that mean nothing become U+FFFD."""
    return codecs.getincrementaldecoder(encoding)("replace").decode(text)


def again(text: str, encoding: str | None) -> str:
    """A text that was read byte by byte, as its encoding has it; one that was not stays."""
    plain = encoding is None or text.isascii() or max(text) > "\xff"
    return text if plain else decoded(text.encode("latin-1"), str(encoding))


# -- inside ------------------------------------------------------------------------------------
def _decodes(text: bytes, encoding: str) -> bool:
    try:
        codecs.getincrementaldecoder(encoding)().decode(text)
    except UnicodeDecodeError:
        return False
    return True


def _firsts(text: bytes) -> Iterable[int]:
    """First bytes of the characters beyond ASCII of a text in GB 18030."""
    for character in decoded(text, CHINESE):
        if not character.isascii():
            yield character.encode(CHINESE)[0]
