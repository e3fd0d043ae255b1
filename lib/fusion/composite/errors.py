"""The room's error."""

from __future__ import annotations


class CompositeError(ValueError):
    """An index that cannot be built; the message says which column, what was found and what is allowed."""
