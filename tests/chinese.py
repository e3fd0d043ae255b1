"""English words in what should be Chinese: names, codes, keys, paths and what is quoted do not count."""

from __future__ import annotations

import re

from fusion.adapters.model import Adapter, ColumnRule, FileRule
from fusion.panel.contract import expected
from workbook.params import Parameters

QUOTED = re.compile(r"`[^`]*`|“[^”]*”|'[^']*'|\"[^\"]*\"|\{[^}]*\}")
TOKEN = re.compile(r"[A-Za-z0-9_.-][A-Za-z0-9_.:/@<>-]*")
NAMES = {"Chromium", "Debian", "Excel", "Parquet", "Python", "Stata"}
# What is typed as it stands: programs, values, and statistics' own notation.
TYPED = {
    "fusion",
    "check",
    "pin",
    "git",
    "make",
    "study",
    "checkout",
    "apt",
    "install",
    "chromium",
    "synthetic",
}
TYPED |= {
    "bureau",
    "csmar",
    "wind",
    "params",
    "In",
    "None",
    "how",
    "of",
    "type",
    "float",
    "actors",
    "level",
    "partial",
    "standard",
}
TYPED |= {"true", "false", "stop", "minimal", "enterprise", "auto", "sha256"}
# Columns, and what may stand in a study's or an adapter's file.
KEYS = {*expected("enterprise"), *Parameters.model_fields, "derive"}
for model in (Adapter, ColumnRule, FileRule, *(f.annotation for f in Parameters.model_fields.values())):
    KEYS |= set(model.model_fields)  # type: ignore[union-attr]


def english(text: str, *known: str) -> list[str]:
    """Words of a text that are none of these."""
    words = (w.rstrip(":.-/") for w in TOKEN.findall(QUOTED.sub(" ", text)))
    return [w for w in words if not _code(w) and w not in NAMES | TYPED | KEYS | set(known)]


def _code(word: str) -> bool:
    """A key (first_year), a path, an option, an abbreviation, or something with a digit."""
    return not re.search("[a-z]", word) or re.search(r"[\d_./@:<>-]", word) is not None
