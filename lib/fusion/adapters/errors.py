"""The room's error."""

from __future__ import annotations

from fusion.panel.errors import PanelError


class AdapterError(PanelError):
    """A file or an adapter that cannot be used: says where, what was found, what is allowed, how to mend it."""
