"""Errors of this room."""


class EffectsError(ValueError):
    """The tables or the parameters do not allow the regression; the message says why and how to mend it."""


class EnginesDisagree(EffectsError):
    """Two independent implementations gave different estimates; the message holds the table of differences."""
