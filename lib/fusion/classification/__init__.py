"""Official classifications: code tables, editions, derived standards, the policy's paths and fields.

A code is text and has an edition. A mapping answers matched, ambiguous or unmatched and never guesses;
a class marked * in a standard is partial, and totals that depend on it are bounds.
"""

from fusion.classification.codes import Normalised, ancestors, children, exists, name, normalise_code
from fusion.classification.coverage import (
    coverage,
    edition_break,
    mapping_status,
    path_shares,
    path_totals,
    unmapped_codes,
)
from fusion.classification.editions import convert
from fusion.classification.enterprises import classify, lookup
from fusion.classification.policy import fields, paths
from fusion.classification.printed import printed
from fusion.classification.standards import listings, members, membership
from fusion.classification.tables import ClassificationError, load, source, standards

__all__ = [
    "ClassificationError",
    "Normalised",
    "ancestors",
    "children",
    "classify",
    "convert",
    "coverage",
    "edition_break",
    "exists",
    "fields",
    "listings",
    "load",
    "lookup",
    "mapping_status",
    "members",
    "membership",
    "name",
    "normalise_code",
    "path_shares",
    "path_totals",
    "paths",
    "printed",
    "source",
    "standards",
    "unmapped_codes",
]
