"""The letters of a vector figure travel with it: a page shows it in any browser as it was laid out."""

from __future__ import annotations

import base64
import io
from functools import cache
from xml.etree import ElementTree

from workbook.exhibits import style

RULES = b'<style type="text/css">'


def carried(picture: bytes) -> bytes:
    """Put into an SVG the face in which its text was laid out, cut to the letters that it holds.

    Without it a browser takes a face of its own for Chinese, often a brush-like one, and texts run into each other.

    Parameters
    ----------
    picture : bytes
        An SVG as matplotlib writes it, its text as text.

    Returns
    -------
    bytes
        The same with an ``@font-face`` rule for each face of the project that it names; as it was where it names none
        or holds no text.
    """
    letters = "".join(sorted(set("".join(ElementTree.fromstring(picture).itertext()))))
    faces = b"".join(
        _rule(family, file, letters) for family, file in _files() if f"'{family}'".encode() in picture
    )
    return picture.replace(RULES, RULES + faces, 1)


@cache
def _files() -> tuple[tuple[str, bytes], ...]:
    """Family and bytes of the fonts of ``data/fonts``, in the order of their files."""
    files = sorted(style.FONTS.glob("*.ttf"))
    return tuple((family, file.read_bytes()) for family, file in zip(style.register(), files, strict=True))


def _rule(family: str, file: bytes, letters: str) -> bytes:
    """One ``@font-face`` rule that holds the letters of a font which it has."""
    from fontTools import subset

    # No hints and no time stamp: they weigh as much as the outlines, and two runs give the same bytes.
    options = subset.Options(hinting=False, recalc_timestamp=False, notdef_outline=True, layout_features=[])
    font = subset.load_font(io.BytesIO(file), options)
    cut = subset.Subsetter(options)
    cut.populate(text=letters)
    cut.subset(font)
    font.flavor = "woff"
    stream = io.BytesIO()
    font.save(stream)
    data = base64.b64encode(stream.getvalue()).decode("ascii")
    return f"@font-face{{font-family:'{family}';src:url(data:font/woff;base64,{data})}}".encode()
