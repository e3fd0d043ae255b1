"""The workbook's own machinery: parameters, running the chain, exhibits, publication, review.

It knows nothing of economics; the packages that compute know nothing of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from workbook.exhibits.book import Book

__all__ = ["Book"]


def __getattr__(name: str) -> Any:
    """Load ``Book`` when it is asked for: the command line starts without it."""
    if name != "Book":
        raise AttributeError(f"module '{__name__}' has no attribute '{name}'")
    from workbook.exhibits.book import Book

    return Book
