"""The reader of SPSS, SAS and Stata's labels as a process of its own: ``python readstat.py WHAT READER FILE``, answers by pickle.

What a damaged file claims can end it (memory that is not there, an address outside of it), without an error that could be told.
"""

from __future__ import annotations

import os
import pickle
import resource
import sys
from collections import Counter
from functools import partial
from typing import Any

import pyreadstat

ABOUT = (
    "column_names",
    "variable_storage_width",
    "readstat_variable_types",
    "column_names_to_labels",
    "variable_value_labels",
    "missing_ranges",
    "number_rows",
    "number_columns",
)
# SAS's transport files and old SPSS files have no missings that say why.
TOLD = ("read_sav", "read_dta", "read_sas7bdat")
# Memory that it may have: of a small file (libraries ask for 1.4 GB that they never use), and for each byte of a larger one.
LEAST, PER_BYTE = 2_500_000_000, 4_000


def about(reader: str, path: str) -> dict[str, Any]:
    """Names, labels, declared missings and size."""
    how = {"user_missing": True} if reader in TOLD else {}
    held = getattr(pyreadstat, reader)(path, metadataonly=True, output_format="dict", **how)[1]
    return {name: getattr(held, name) for name in ABOUT}


def rows(reader: str, path: str, step: str = "0", most: str = "0") -> Any:
    """The rows, with codes instead of their labels; in parts of `step` rows, how long its texts are where that is over `most`."""
    read, at, size = partial(getattr(pyreadstat, reader), path, output_format="pandas"), 0, 0.0
    if step == "0":
        return read()[0]
    parts: list[Any] = []
    while not parts or len(parts[-1]) == int(step):
        parts.append(read(row_offset=at, row_limit=int(step))[0])
        size += float(sum(parts[-1][c].str.len().sum() for c in parts[-1].select_dtypes(["str", "object"])))
        if size > float(most):
            return size
        at += int(step)
    return sys.modules["pandas"].concat([p for p in parts if len(p)] or parts, ignore_index=True)


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
