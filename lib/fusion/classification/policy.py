"""The policy's own cuts: paths with their foci, key fields, modes of service, by prefixes in ``data/classification``."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from fusion.classification.tables import rows

if TYPE_CHECKING:
    import pandas as pd

OTHER = "other"
TAGS = {"fields": "field", "foci": "focus", "modes": "mode"}  # table and its key


def cuts(code: str) -> dict[str, str]:
    """Path, foci, fields and modes of one four-digit class of GB/T 4754-2017.

    The main path is exclusive: the one whose core holds the longest prefix of the code, else ``other``.
    Secondary paths are those whose adjacent list holds it; service paths those that name it as a partner.

    Returns
    -------
    dict
        path, path_secondary, path_service, fields, foci (of paths), modes (of service-oriented manufacturing); several
        are comma-joined, empty for none.
    """
    held = _holding("paths", "path", code)
    core = [(len(prefix), path) for path, prefix, role in held if role == "core"]
    main = max(core)[1] if core else OTHER
    roles = {
        role: sorted({path for path, _, r in held if r == role and path != main})
        for role in ("adjacent", "service")
    }
    return {
        "path": main,
        "path_secondary": ",".join(roles["adjacent"]),
        "path_service": ",".join(roles["service"]),
        **{table: _joined(table, key, code) for table, key in TAGS.items()},
    }


@lru_cache
def paths() -> pd.DataFrame:
    """Paths of every four-digit class of GB/T 4754-2017, as `cuts` gives them.

    Returns
    -------
    pandas.DataFrame
        code, path, path_secondary and path_service (comma-joined, empty for none).
    """
    return _all()[["code", "path", "path_secondary", "path_service"]]


@lru_cache
def code_tags() -> pd.DataFrame:
    """Of every four-digit class of GB/T 4754-2017: code, fields, foci, modes (comma-joined; a class may be in several)."""
    return _all()[["code", *TAGS]]


@lru_cache
def _all() -> pd.DataFrame:
    import pandas as pd

    classes = [row["code"] for row in rows("gbt4754_2017") if row["level"] == "4"]
    return pd.DataFrame([{"code": code, **cuts(code)} for code in classes])


@lru_cache
def _prefixes(table: str, key: str) -> dict[str, list[tuple[str, str, str]]]:
    found: dict[str, list[tuple[str, str, str]]] = {}
    for row in rows(table):
        found.setdefault(row["prefix"], []).append((row[key], row["prefix"], row.get("role", "")))
    return found


def _joined(table: str, key: str, code: str) -> str:
    return ",".join(sorted({tag for tag, _, _ in _holding(table, key, code)}))


def _holding(table: str, key: str, code: str) -> list[tuple[str, str, str]]:
    """Entries of the table whose prefix the code begins with: key, prefix, role."""
    prefixes = _prefixes(table, key)
    return [entry for n in (2, 3, 4) for entry in prefixes.get(code[:n], [])]
