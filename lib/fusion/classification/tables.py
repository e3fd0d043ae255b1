"""The tables of ``data/classification``, read once. Codes are text; `NA` is not a missing value.

The standard library reads them, so that a question about one code need not wait for pandas.
"""

from __future__ import annotations

import csv
import difflib
from collections.abc import Callable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from fusion.language import current, listed, said

if TYPE_CHECKING:
    import pandas as pd

FOLDER = Path(__file__).resolve().parents[3] / "data" / "classification"
EDITIONS = ("2002", "2011", "2017", "csrc2012")  # rows of editions.csv, which a test holds to this
REGULATOR = "csrc2012"  # the securities regulator's divisions: those of GB/T 4754-2011, and S90 beside
LEVELS = {1: "section", 2: "division", 3: "group", 4: "class"}


class ClassificationError(ValueError):
    """A code, edition, standard or level that cannot be used; the message says what is allowed."""


P = ParamSpec("P")
T = TypeVar("T")

# What a study brings (`own.install`): name to rows and source.
_OWN: dict[str, tuple[tuple[dict[str, str], ...], dict[str, str]]] = {}
_REMEMBERED: list[Any] = []


def remembered(function: Callable[P, T]) -> Callable[P, T]:
    """Like ``lru_cache``, for what depends on the standards that are known: forgotten when others become known."""
    cached = lru_cache(function)
    _REMEMBERED.append(cached)
    return cached  # type: ignore[return-value]


def know(own: Mapping[str, tuple[tuple[dict[str, str], ...], dict[str, str]]]) -> None:
    """Take these standards, and no others, beside those of the project; `own.install` checks them first."""
    if dict(own) != _OWN:
        _OWN.clear()
        _OWN.update(own)
        for function in _REMEMBERED:
            function.cache_clear()


def checked(verified: str) -> str:
    """What to say of a standard whose official text was not seen; nothing where it was (``1``)."""
    words = {"1": "", "own": said("classification.own_file")}
    return words[verified] if verified in words else said("classification.unverified")


def shipped() -> list[str]:
    """Names of the project's derived standards."""
    return sorted(p.stem for p in (FOLDER / "standards").glob("*.csv"))


def standards() -> list[str]:
    """Names of the derived standards, as `load` takes them: the project's, then the study's own."""
    return [*shipped(), *_OWN]


@remembered
def rows(name: str) -> tuple[dict[str, str], ...]:
    """A table of ``data/classification`` as plain rows (read once; do not change them).

    Raises
    ------
    ClassificationError
        When there is no such table; names the nearest.
    """
    if name in _OWN:
        return _OWN[name][0]
    file = FOLDER / f"{name}.csv"
    if not file.is_file():
        file = FOLDER / "standards" / f"{name}.csv"
    if not file.is_file():
        known = sorted(p.stem for p in FOLDER.glob("*.csv")) + standards()
        raise ClassificationError(said("classification.no_table", name=name, hint=_near(name, known)))
    with file.open(encoding="utf-8", newline="") as stream:
        return tuple(csv.DictReader(stream))


@remembered
def _read(name: str) -> pd.DataFrame:
    import pandas as pd

    return pd.DataFrame(list(rows(name)), dtype=str)


def utf8(file: Path) -> str:
    """The text of a file that a study names; ``ClassificationError`` with the first byte that is not UTF-8."""
    try:
        return file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise ClassificationError(
            said("classification.not_utf8", file=file.name, start=error.start)
        ) from None


def load(name: str) -> pd.DataFrame:
    """A table of ``data/classification`` by its file's name, e.g. ``"gbt4754_2017"``, ``"modern_services_2023"``.

    Returns
    -------
    pandas.DataFrame
        All columns text, empty cells empty strings. Read once; each caller has a copy of its own.

    Raises
    ------
    ClassificationError
        When there is no such table; names the nearest.
    """
    return _read(name).copy()


def source(standard: str) -> dict[str, str]:
    """The row of ``SOURCES.csv`` of a standard: issuer, titles, number, year, verified, counts.

    ``verified`` is ``1``, ``0`` (shown as UNVERIFIED), or ``own`` for a file of the study.
    """
    if standard in _OWN:
        return dict(_OWN[standard][1])
    found = next((row for row in rows("SOURCES") if row["standard"] == standard), None)
    if found is None:
        raise ClassificationError(
            said("classification.no_standard", standard=standard, hint=_near(standard, standards()))
        )
    return dict(found)


def codes_of(edition: str) -> tuple[dict[str, str], ...]:
    """The whole tree of an edition as plain rows: code, level, parent, section, name_zh."""
    return rows(about(edition)["table"])


def tree(edition: str) -> pd.DataFrame:
    """The whole tree of an edition: code, level, parent, section, name_zh."""
    return _read(about(edition)["table"])


def about(edition: str) -> dict[str, str]:
    """The row of ``editions.csv``: table, first_report (year whose reports first use it), titles, source."""
    name = check_edition(edition)
    return next(row for row in rows("editions") if row["edition"] == name)


def titled(edition: str, language: str | None = None) -> str:
    """An edition in words, in the language of the process if none is given."""
    return about(edition)[f"title_{language or current()}"]


def check_edition(edition: str | int) -> str:
    """The edition as text.

    Raises
    ------
    ClassificationError
        When it is none of `EDITIONS`.
    """
    if str(edition) not in EDITIONS:
        raise ClassificationError(said("classification.edition", edition=edition, editions=listed(EDITIONS)))
    return str(edition)


@lru_cache
def descents(edition: str) -> pd.DataFrame:
    """Each four-digit code beside itself and each of its ancestors: columns ancestor, code."""
    import pandas as pd

    codes = tree(edition)
    leaf = codes.loc[codes["level"] == "4", ["code", "section"]]
    above = [leaf["code"], leaf["code"].str[:3], leaf["code"].str[:2], leaf["section"]]
    long = [pd.DataFrame({"ancestor": a, "code": leaf["code"]}) for a in above]
    return pd.concat(long, ignore_index=True)


def _near(name: str, known: list[str]) -> str:
    near = difflib.get_close_matches(name, known, 1, 0.5)
    hint = said("classification.did_you_mean", near=near[0]) if near else ""
    return said("classification.allowed", hint=hint, known=listed(known))
