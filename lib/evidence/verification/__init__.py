"""Published results, recomputed with the calls that the notebooks use."""

from evidence.verification.table import VerificationError, main, run

__all__ = ["VerificationError", "main", "run"]
