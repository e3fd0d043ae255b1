"""The room's error."""

from __future__ import annotations


class ProductionError(ValueError):
    """A production function that cannot be estimated.

    The message says which column, firm or setting, what was found, what is allowed and how to mend it.
    """


class TooFewError(ProductionError):
    """Fewer firms, or firm-years with their lags, than a method needs: nothing is wrong with the data or the choices."""
