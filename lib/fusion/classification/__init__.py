"""Official classifications: code tables, editions, derived standards, the policy's paths, fields and actors.

A code is text and has an edition. A mapping answers matched, ambiguous or unmatched and never guesses;
a class marked * in a standard is partial, and totals that depend on it are bounds.

Names are imported when they are first used: a question about one code needs neither pandas nor Ibis.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fusion.classification.codes import Normalised, ancestors, children, exists, name, normalise_code
    from fusion.classification.coefficients import Coefficients
    from fusion.classification.editions import convert
    from fusion.classification.enterprises import classify, lookup
    from fusion.classification.listed import members, membership
    from fusion.classification.one_code import answer, in_words
    from fusion.classification.policy import code_tags, paths
    from fusion.classification.reported import declared
    from fusion.classification.tables import ClassificationError, load, rows, source, standards
    from fusion.classification.totals import (
        contributions,
        coverage,
        coverage_contributions,
        edition_break,
        mapping_status,
        path_contributions,
        path_shares,
        path_totals,
        unmapped_codes,
    )

_PLACES = {
    "one_code": ("answer", "in_words"),
    "codes": ("Normalised", "ancestors", "children", "exists", "name", "normalise_code"),
    "coefficients": ("Coefficients",),
    "reported": ("declared",),
    "editions": ("convert",),
    "enterprises": ("classify", "lookup"),
    "listed": ("members", "membership"),
    "policy": ("code_tags", "paths"),
    "tables": ("ClassificationError", "load", "rows", "source", "standards"),
    "totals": (
        "contributions",
        "coverage",
        "coverage_contributions",
        "edition_break",
        "mapping_status",
        "path_contributions",
        "path_shares",
        "path_totals",
        "unmapped_codes",
    ),
}
_HOME = {name: module for module, names in _PLACES.items() for name in names}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module '{__name__}' has no attribute '{name}'")
    value = getattr(importlib.import_module(f"{__name__}.{_HOME[name]}"), name)
    globals()[name] = value
    return value


__all__ = [
    "ClassificationError",
    "Coefficients",
    "Normalised",
    "ancestors",
    "answer",
    "children",
    "classify",
    "code_tags",
    "contributions",
    "convert",
    "coverage",
    "coverage_contributions",
    "declared",
    "edition_break",
    "exists",
    "in_words",
    "load",
    "lookup",
    "mapping_status",
    "members",
    "membership",
    "name",
    "normalise_code",
    "path_contributions",
    "path_shares",
    "path_totals",
    "paths",
    "rows",
    "source",
    "standards",
    "unmapped_codes",
]
