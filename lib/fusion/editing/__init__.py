"""Mistakes in returns: slips of unit found, doubts ranked by what they move, balances mended, answers applied.

Every constant whose source is a judgement is a field of :class:`~fusion.editing.settings.Settings`, and is shown as one.
"""

from fusion.editing.settings import SLIPS, Settings

__all__ = ["SLIPS", "Settings"]
