"""Firm and year effects, five regressors, errors clustered by firm, beside the fastest peer; as `within`."""

from __future__ import annotations

from evidence.bench.within import ROWS, TOLERANCE, exact, prepare, pyfixest

EFFECTS = "firm + year"
CONTENDERS = {"exact": exact(EFFECTS), "pyfixest": pyfixest(EFFECTS)}

__all__ = ["CONTENDERS", "ROWS", "TOLERANCE", "prepare"]
