"""The reader of SPSS, SAS and Stata's labels as a process of its own: ``python readstat.py WHAT READER FILE``, answers by pickle.

What a damaged file claims can end it (memory that is not there, an address outside of it), without an error that could be told.
"""

from __future__ import annotations

import os
import pickle
import resource
import sys
from collections import Counter
from typing import Any

import pyreadstat

ABOUT = (
    "column_names",
    "column_names_to_labels",
    "variable_value_labels",
    "missing_ranges",
    "number_rows",
    "number_columns",
)
# SAS's transport files and old SPSS files have no missings that say why.
TOLD = ("read_sav", "read_dta", "read_sas7bdat")
LEAST, PER_BYTE = (
    4_000_000_000,
    4_000,
)  # memory that it may have: of a small file, and for each byte of a larger one


def about(reader: str, path: str) -> dict[str, Any]:
    """Names, labels, declared missings and size."""
    how = {"user_missing": True} if reader in TOLD else {}
    held = getattr(pyreadstat, reader)(path, metadataonly=True, output_format="dict", **how)[1]
    return {name: getattr(held, name) for name in ABOUT}


def rows(reader: str, path: str) -> Any:
    """The rows, with codes instead of their labels."""
    return getattr(pyreadstat, reader)(path, output_format="pandas")[0]


def extended(reader: str, path: str) -> dict[str, dict[str, int]]:
    """By column, how often each of Stata's missings (``.a`` to ``.z``) is there."""
    table, held = getattr(pyreadstat, reader)(path, user_missing=True, output_format="dict")
    counts = {
        name: Counter(c for c in table[name] if isinstance(c, str)) for name in held.missing_user_values
    }
    return {name: dict(sorted(found.items())) for name, found in counts.items()}


def found(what: str, *asked: str) -> Any:
    """What is asked, or an error as its text."""
    try:
        return {"about": about, "rows": rows, "extended": extended}[what](*asked)
    except Exception as error:
        return str(error)


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_AS, (max(LEAST, PER_BYTE * os.path.getsize(sys.argv[3])),) * 2)
    pickle.dump(found(*sys.argv[1:]), sys.stdout.buffer, protocol=pickle.HIGHEST_PROTOCOL)
