"""The entropy index of ten million rows; arrays would hold several copies of more than a gigabyte."""

from __future__ import annotations

from evidence.bench.entropy import expressions, prepare

__all__ = ["CONTENDERS", "ROWS", "prepare"]

ROWS = 10_000_000
CONTENDERS = {"expressions": expressions}
