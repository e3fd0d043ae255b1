"""The reader of SPSS, SAS and Stata's labels as a process of its own, which answers by pickle.

Asked for as ``python readstat.py WHAT READER FILE ENCODING``.

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
# Encodings that a file may have by default, whatever its texts are in; one that takes each byte for a character; and the
# bytes of a file's first rows by which its encoding is told.
UNSURE, PLAIN, LOOKED_AT = ("WINDOWS-1252", "CP1252", "ISO-8859-1", "US-ASCII"), "ISO-8859-1", 20_000_000
# Memory that it may have: of a small file (libraries ask for 1.4 GB that they never use), and for each byte of a larger one.
LEAST, PER_BYTE = 2_500_000_000, 4_000


def texts(reader: str, path: str, encoding: str) -> list[bytes]:
    """Names, labels and cells beyond ASCII, byte by byte, of a file that does not say its encoding or does not keep to it."""
    del encoding
    read = partial(getattr(pyreadstat, reader), path, output_format="dict")
    try:
        declared = read(metadataonly=True)[1].file_encoding
        if declared is not None and declared.upper() not in UNSURE:
            return []
    except Exception:  # its names and labels are not what it declares
        declared = None
    held = read(metadataonly=True, encoding=PLAIN)[1]
    found = {*held.column_names, *filter(None, held.column_names_to_labels.values())}
    found |= {label for words in held.variable_value_labels.values() for label in words.values()}
    columns = [name for name, kind in held.readstat_variable_types.items() if kind == "string"]
    if columns:
        # Files that say more rows than they have are found out later: here no more is read than decides.
        most = LOOKED_AT // max(1, sum(held.variable_storage_width.values()))
        table = read(row_limit=max(1, most), usecols=columns, encoding=PLAIN)[0]
        found |= {cell for name in columns for cell in table[name] if isinstance(cell, str)}
    return sorted({t.encode("latin-1") for t in found if not t.isascii()})


def about(reader: str, path: str, encoding: str) -> dict[str, Any]:
    """Names, labels, declared missings and size."""
    how = {"user_missing": True} if reader in TOLD else {}
    held = _read(reader, path, encoding, metadataonly=True, output_format="dict", **how)[1]
    return {name: getattr(held, name) for name in ABOUT}


def rows(reader: str, path: str, encoding: str, step: str = "0", most: str = "0") -> Any:
    """The rows, with codes instead of their labels; in parts of `step` rows, how long its texts are where that is over `most`."""
    read, at, size = partial(_read, reader, path, encoding, output_format="pandas"), 0, 0.0
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


def extended(reader: str, path: str, encoding: str) -> dict[str, dict[str, int]]:
    """By column, how often each of Stata's missings (``.a`` to ``.z``) is there."""
    kinds = _read(reader, path, encoding, metadataonly=True)[1].readstat_variable_types
    numbers = [name for name, kind in kinds.items() if kind != "string"]  # texts have no such missings
    if not numbers:
        return {}
    table, held = _read(reader, path, encoding, usecols=numbers, user_missing=True, output_format="dict")
    counts = {
        name: Counter(c for c in table[name] if isinstance(c, str)) for name in held.missing_user_values
    }
    return {name: dict(sorted(found.items())) for name, found in counts.items()}


def _read(reader: str, path: str, encoding: str, **how: Any) -> Any:
    """What pyreadstat reads, as the file says or in an encoding that was found."""
    return getattr(pyreadstat, reader)(path, **how, **({"encoding": encoding} if encoding else {}))


def found(what: str, *asked: str) -> Any:
    """What is asked, or an error as its text."""
    try:
        return {"texts": texts, "about": about, "rows": rows, "extended": extended}[what](*asked)
    except Exception as error:
        return str(error)


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_AS, (max(LEAST, PER_BYTE * os.path.getsize(sys.argv[3])),) * 2)
    pickle.dump(found(*sys.argv[1:]), sys.stdout.buffer, protocol=pickle.HIGHEST_PROTOCOL)
