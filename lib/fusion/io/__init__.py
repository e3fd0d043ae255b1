"""Input–output algebra: pure functions on flows and output, and tables in a declared layout."""

from fusion.io.algebra import (
    InputOutputError,
    allocation,
    complete,
    direct,
    domestic,
    ghosh,
    influence,
    leontief,
    sensitivity,
)
from fusion.io.links import fusion_degree, linkages, producer_services
from fusion.io.own import Own, read_own
from fusion.io.table import Table, layouts, read

__all__ = [
    "InputOutputError",
    "Own",
    "Table",
    "allocation",
    "complete",
    "direct",
    "domestic",
    "fusion_degree",
    "ghosh",
    "influence",
    "layouts",
    "leontief",
    "linkages",
    "producer_services",
    "read",
    "read_own",
    "sensitivity",
]
