"""Identifiers of units in files that would go out: looked for last, in everything, whatever wrote it."""

from __future__ import annotations

import re

from workbook import files, language
from workbook.publish.built import Built
from workbook.publish.secrecy.words import say

UNIT = "firm_id"
# Long enough not to be a word or a year.
TOKEN = re.compile(r"[0-9A-Za-z]{5,}")
TEXT = (".csv", ".tex", ".svg", ".ipynb", ".json", ".md")


def found(study: Built) -> list[str]:
    """A line for each file that holds an identifier of a unit; which one it is is not repeated."""
    known = _identifiers(study)
    lines = []
    for place, file in study.files().items():
        if known and file.suffix in TEXT:
            text = file.read_text(encoding="utf-8", errors="replace")
            count = sum(token in known for token in TOKEN.findall(text))
            if count:
                lines.append(say("identifiers", language.current(), file=place, n=count))
    return lines


def _identifiers(study: Built) -> set[str]:
    import pyarrow.compute as compute
    import pyarrow.parquet as parquet

    names: set[str] = set()
    for file in sorted(study.root.glob("*/panel.parquet")):
        if UNIT in parquet.read_schema(file).names:
            column = files.table(file, columns=[UNIT])[UNIT]
            names |= {str(value) for value in compute.unique(column).to_pylist() if value is not None}
    return {name for name in names if TOKEN.fullmatch(name)}
