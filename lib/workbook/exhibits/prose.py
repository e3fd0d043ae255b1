"""The notebooks' prose in another language, so that a page is whole in the language that a study asks for.

The notebooks are written in English. ``notebooks/<language>/<notebook>.md`` holds each Markdown cell in that
language, under a line ``<!-- <mark> <first words> -->``; the mark is the beginning of the SHA-256 of the
English text, so that a translation of a text that has changed is known to be stale and is not used.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from workbook import paths
from workbook.called import called

_SECTION = re.compile(r"^<!-- ([0-9a-f]{8})\b[^\n]*-->\n", re.MULTILINE)
_LETTERS = re.compile(r"[A-Za-z]{2}")
_FORMULA = re.compile(r"\$\$.*?\$\$|\$[^$]*\$", re.DOTALL)


def mark(text: str) -> str:
    """What a translation is filed under."""
    return hashlib.sha256(text.strip().encode("utf-8")).hexdigest()[:8]


def file(notebook: str, language: str) -> Path:
    """Where a notebook's translation is."""
    return paths.NOTEBOOKS / language / f"{notebook}.md"


def read(notebook: str, language: str) -> dict[str, str]:
    """Mark: text of each translated cell; empty where there is no file."""
    place = file(notebook, language)
    if not place.is_file():
        return {}
    parts = _SECTION.split(place.read_text(encoding="utf-8"))
    return {found: text.strip() for found, text in zip(parts[1::2], parts[2::2], strict=True) if text.strip()}


def in_language(
    content: Mapping[str, Any], notebook: str, language: str, unit: str | None = None
) -> dict[str, Any]:
    """A notebook whose Markdown cells are in a language; each keeps the mark of its English text.

    Formulas alone stay as they are, and so does a text that has no translation. ``unit`` is what the study calls its
    units (`called`).
    """
    known = read(notebook, language) if language != "en" else {}
    cells = []
    for cell in content["cells"]:
        text = "".join(cell["source"])
        if cell["cell_type"] == "markdown":
            metadata = {**cell.get("metadata", {}), "mark": mark(text)}
            told = called(known.get(mark(text), text), unit, language)
            cell = {**cell, "metadata": metadata, "source": told.splitlines(keepends=True)}
        cells.append(cell)
    return {**content, "cells": cells}


def spoken(
    content: Mapping[str, Any], notebook: str, language: str, unit: str | None = None
) -> dict[str, Any]:
    """A notebook, in whatever language it was executed, with its prose in a language.

    A Markdown cell that bears the mark of its English text is looked up by it; one without is English.
    """
    english = {mark(text): text for text in _english(notebook)}
    known = english if language == "en" else read(notebook, language)
    cells = []
    for cell in content["cells"]:
        if cell["cell_type"] == "markdown":
            text = "".join(cell["source"])
            own = cell.get("metadata", {}).get("mark") or mark(text)
            metadata = {**cell.get("metadata", {}), "mark": own}
            told = called(known.get(own, text), unit, language)
            cell = {**cell, "metadata": metadata, "source": told.splitlines(keepends=True)}
        cells.append(cell)
    return {**content, "cells": cells}


def _english(notebook: str) -> list[str]:
    """Markdown cells of the notebook as it is now."""
    place = paths.NOTEBOOKS / f"{notebook}.ipynb"
    cells = json.loads(place.read_text(encoding="utf-8"))["cells"] if place.is_file() else []
    return ["".join(c["source"]) for c in cells if c["cell_type"] == "markdown"]


def missing(content: Mapping[str, Any], notebook: str, language: str) -> list[str]:
    """English texts of the Markdown cells that have no translation; formulas alone need none."""
    known = read(notebook, language)
    texts = ["".join(c["source"]) for c in content["cells"] if c["cell_type"] == "markdown"]
    return [t for t in texts if mark(t) not in known and _LETTERS.search(_FORMULA.sub("", t))]


def stale(content: Mapping[str, Any], notebook: str, language: str) -> list[str]:
    """Marks of translations whose English text is not in the notebook."""
    marks = {mark("".join(c["source"])) for c in content["cells"] if c["cell_type"] == "markdown"}
    return [found for found in read(notebook, language) if found not in marks]


def template(texts: list[str]) -> str:
    """Sections to fill in: the English text stands in the comment line's place of the translation."""
    return "\n".join(f"<!-- {mark(t)} {_first(t)} -->\n{t.strip()}\n" for t in texts)


def _first(text: str) -> str:
    return " ".join(text.replace("-->", "").split())[:60]
