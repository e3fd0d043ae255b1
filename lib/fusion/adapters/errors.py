"""The room's error."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fusion.language import current, said
from fusion.panel.errors import PanelError


class AdapterError(PanelError):
    """A file or an adapter that cannot be used: says where, what was found, what is allowed, how to mend it."""


def refusal(error: Mapping[str, Any]) -> str:
    """What a model of pydantic refuses, of its ``errors()``; in its own words where they have no translation."""
    msg = str(error["msg"]).removeprefix("Value error, ")
    context = dict(error.get("ctx", {}))
    if "expected" in context and current() == "zh":
        context["expected"] = context["expected"].replace(" or ", "、").replace(", ", "、")
    try:
        return said(f"adapters.pydantic.{error['type']}", msg=msg, **context)
    except KeyError:
        return msg
