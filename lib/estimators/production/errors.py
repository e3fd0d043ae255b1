"""The room's error."""

from __future__ import annotations


class ProductionError(ValueError):
    """A production function that cannot be estimated.

    The message says which column, firm or setting, what was found, what is allowed and how to mend it.
    """
