"""English words in what should be Chinese: names, codes, keys, paths and what is quoted do not count."""

from __future__ import annotations

import re

from fusion.adapters.model import Adapter, ColumnRule, FileRule
from fusion.panel.contract import expected
from workbook.params import Parameters

# Also the name of a function or parameter that a line begins with.
QUOTED = re.compile(r"(?m)^[a-z_]+：|`[^`]*`|“[^”]*”|'[^']*'|\"[^\"]*\"|\{[^}]*\}")
TOKEN = re.compile(r"[A-Za-z0-9_.-][A-Za-z0-9_.:/@<>-]*")
NAMES = {
    "Arrow", "Chromium", "Connect", "DataFrame", "Debian", "DuckDB", "Excel", "Ibis", "Java", "Parquet", "Python", "Spark",
    "Stata", "Ubuntu",
}  # fmt: skip
# What is typed as it stands: programs, keys, values of choices.
TYPED = re.findall(
    r"\w+",
    """
    False In None actors apt auto bureau check checkout chromium csmar enterprise false float form fusion git
    how install level make minimal of optima params partial pin pooled sha256 side standard stop study
    supplementary synthetic tail true type wind xlsx
    build duckdb env local previous pyspark sc spark
    alpha conditions corrected degree draws gmm high kappa levels low markov method most policy start term trim vcov years
    """,
)
# Columns, and what may stand in a study's or an adapter's file.
KEYS = {*expected("enterprise"), *Parameters.model_fields, "columns", "derive", "samples", "where"}
for model in (Adapter, ColumnRule, FileRule, *(f.annotation for f in Parameters.model_fields.values())):
    KEYS |= set(model.model_fields)  # type: ignore[union-attr]


def english(text: str, *known: str) -> list[str]:
    """Words of a text that are none of these."""
    words = (w.rstrip(":.-/") for w in TOKEN.findall(QUOTED.sub(" ", text)))
    return [w for w in words if not _code(w) and w not in NAMES | KEYS | {*TYPED, *known}]


def _code(word: str) -> bool:
    """A key (first_year), a path, an option, an abbreviation, or something with a digit."""
    return not re.search("[a-z]", word) or re.search(r"[\d_./@:<>-]", word) is not None
