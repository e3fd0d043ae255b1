"""Files of Stata, SPSS and SAS: rows with codes, the words that stand for codes, and missings that say why.

pandas reads Stata's rows, for it keeps single precision apart from double; pyreadstat reads the others, the labels of all, and
Stata's extended missings (``.a`` to ``.z``), in a process of its own, which a damaged file may end.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

import pandas as pd

from fusion import archives, encodings
from fusion.language import said
from fusion.panel import files

STATA = ".dta"
KINDS = (STATA, ".sav", ".zsav", ".por", ".sas7bdat", ".xpt")
_READERS = {STATA: "read_dta", ".por": "read_por", ".sas7bdat": "read_sas7bdat", ".xpt": "read_xport"}
_PROGRAM = {STATA: "Stata", ".sas7bdat": "SAS", ".xpt": "SAS"}
FEW = 2_000_000  # cells up to which a packed file may hold as many of them a byte as it likes
_MOST = 5  # kinds of missing that are named


def program(path: Path) -> str:
    """Whose file it is."""
    return _PROGRAM.get(path.suffix.lower(), "SPSS")


def rows(path: Path) -> pd.DataFrame:
    """The rows, with codes instead of their labels and every missing as missing."""
    with files.whole(path, program(path), _mend(path)):
        if path.suffix.lower() == STATA:
            return pd.concat(archives.stata(path), ignore_index=True)
        _bounded(path)
        longest = _longest(path)
        if longest * (_about(path)["number_rows"] or 0) <= archives.MOST / 2:
            return _apart("rows", path)
        # A packed file may hold more text than memory does: it is read in parts, until it is too much.
        found = _apart("rows", path, str(max(1, archives.MOST // (8 * longest))), str(archives.MOST / 2))
        if isinstance(found, float):
            archives.bounded_texts(2.0 * found)
        return found


def headers(path: Path) -> list[str]:
    """Names of the columns."""
    with files.whole(path, program(path), _mend(path)):
        return list(_about(path)["column_names"])


def names(path: Path) -> dict[str, str]:
    """What columns are called, by header; those without a label are left out."""
    with files.whole(path, program(path), _mend(path)):
        return {column: label for column, label in _about(path)["column_names_to_labels"].items() if label}


def labels(path: Path) -> dict[str, dict[str, str]]:
    """By column, the words for its codes; codes as texts of whole numbers."""
    with files.whole(path, program(path), _mend(path)):
        held = _about(path)["variable_value_labels"]
    return {
        column: {
            f"{code:g}" if isinstance(code, int | float) else str(code): str(label)
            for code, label in words.items()
        }
        for column, words in held.items()
    }


def notes(path: Path) -> list[tuple[str, str, str, str, str]]:
    """Missings that say why, by column, and an encoding that was found: ``rule, field, value, message_en, message_zh``."""
    with files.whole(path, program(path), _mend(path)):
        used = _encoding(path)
    told = encodings.NAMES.get(used or "")
    return [
        *_missings(path),
        *([("encoding_found", "", used or "",
            f"texts were read as {told}, which their bytes show and the file does not say",
            f"按字节判断文本编码为 {told}，文件未如此注明")] if told else []),
    ]  # fmt: skip


# -- inside ------------------------------------------------------------------------------------
def _missings(path: Path) -> list[tuple[str, str, str, str, str]]:
    if path.suffix.lower() != STATA:
        with files.whole(path, program(path), _mend(path)):
            held = _about(path)["missing_ranges"]
        return [
            ("missing_declared", column, ", ".join(map(_range, ranges)),
             "values that the file declares missing, read as missing", "文件声明为缺失的取值，按缺失读入")
            for column, ranges in held.items()
        ]  # fmt: skip
    with files.whole(path, program(path), _mend(path)):
        _bounded(path)
        found = _apart("extended", path)
    told = {
        column: ", ".join(f".{kind}: {n}" for kind, n in list(counts.items())[:_MOST])
        for column, counts in found.items()
    }
    return [
        ("missing_extended", column, text, "missings of several kinds, all read as missing", "有几种缺失值，均按缺失读入")
        for column, text in told.items() if text
    ]  # fmt: skip


def _mend(path: Path) -> str:
    return said("panel.mend_stata") if path.suffix.lower() == STATA else said("panel.mend_labelled")


def _bounded(path: Path) -> None:
    about, size, stata = _about(path), path.stat().st_size, path.suffix.lower() == STATA
    # A head that claims rows which are not there keeps the reader busy for hours.
    claimed, most = about["number_rows"] or 0, 1 if stata else archives.THIN
    cells = claimed * (about["number_columns"] or 1)
    if not stata and cells > FEW and claimed <= most * size:
        claimed, most = cells, archives.DENSE
    if claimed > most * size:
        raise archives.ArchiveError(said("fusion.too_thin", cells=claimed, size=size / 1e6, most=most))
    if stata:
        archives.weighed(path)


def _about(path: Path) -> dict[str, Any]:
    held = path.stat()
    return _known(path, (held.st_mtime_ns, held.st_size))


@lru_cache(maxsize=64)
def _known(path: Path, stamp: tuple[int, int]) -> dict[str, Any]:
    del stamp
    return _apart("about", path)


def _encoding(path: Path) -> str | None:
    """Encoding of the texts, where the file does not say and they are not read right as they are."""
    if path.suffix.lower() == STATA:
        return archives.stata_encoding(path)
    held = path.stat()
    return _undeclared(path, (held.st_mtime_ns, held.st_size))


@lru_cache(maxsize=64)
def _undeclared(path: Path, stamp: tuple[int, int]) -> str | None:
    del stamp
    if path.suffix.lower() == ".por":  # its reader takes UTF-8 alone
        return None
    texts = files.apart("readstat.py", "texts", _reader(path), str(path), "")
    return encodings.likely(texts)


def _longest(path: Path) -> int:
    """Bytes of a row's texts at most."""
    about = _about(path)
    kinds = about["readstat_variable_types"]
    return int(sum(about["variable_storage_width"][name] for name, kind in kinds.items() if kind == "string"))


def _apart(what: str, path: Path, *more: str) -> Any:
    """What pyreadstat reads, in a process of its own; there an error of pyreadstat's is a text."""
    return files.apart("readstat.py", what, _reader(path), str(path), _encoding(path) or "", *more)


def _reader(path: Path) -> str:
    return _READERS.get(path.suffix.lower(), "read_sav")


def _range(held: dict[str, Any]) -> str:
    low, high = held["lo"], held["hi"]
    return (
        f"{low:g}"
        if low == high and isinstance(low, int | float)
        else f"{low}–{high}"
        if low != high
        else str(low)
    )
