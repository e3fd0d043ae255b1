"""Two runs side by side: what went in, what came out, and which conclusions changed."""

from workbook.review.compare.difference import Difference, compare
from workbook.review.compare.snapshot import SnapshotError, find, keep, kept, pin, take

__all__ = ["Difference", "SnapshotError", "compare", "find", "keep", "kept", "pin", "take"]
