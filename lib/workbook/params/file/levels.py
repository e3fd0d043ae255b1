"""``levels(x, base=2)`` among the terms of a table: a regressor for each value of x but one, known when the data are there."""

from __future__ import annotations

import re

WRITTEN = re.compile(r'\s*levels\(\s*([^\W\d]\w*)\s*(?:,\s*base\s*=\s*("[^"]*"|-?[\w.]+)\s*)?\)\s*')
# As a table's model has it: one spelling, so that two of the same are one term.
TERM = r'levels\([^\W\d]\w*(, base=("[^"]*"|-?[\w.]+))?\)'


def term(text: str) -> str | None:
    """A term as the model has it; None where it is another's. What is not written so stays, for the model to refuse.

    Examples
    --------
    >>> term("levels( size,base = 2 )")
    'levels(size, base=2)'
    """
    if not re.match(r"\s*levels\s*\(", text):
        return None
    found = WRITTEN.fullmatch(text)
    if found is None:
        return text
    return f"levels({found[1]})" if found[2] is None else f"levels({found[1]}, base={found[2]})"


def columns_of(text: str) -> list[str]:
    """Columns that a term or a fixed effect names: those of ``a*b``, ``a~t`` and ``levels(x)``."""
    found = re.fullmatch(TERM, text)
    return re.findall(r"\w+", text)[1:2] if found else re.split(r"[*~]", text)
