"""Refusals of the command line itself, in the reader's language: the library that parses it speaks English alone."""

from __future__ import annotations

import re
from typing import Any

from workbook.language import listed, said

# What the parser says, by message of ours; its names stand in the pattern.
PATTERNS = {
    "extra": r"Got unexpected extra arguments?(?:\(s\))? \((?P<values>.*)\)",
    "command": r"No such command '(?P<name>.*?)'\.?(?: Did you mean (?P<near>.*)\?)?",
    "option": r"No such option: (?P<name>\S+?)\.?(?: .*)?",
    "needs": r"Option '(?P<name>.*?)' requires an argument\.?",
    "least": r"Input should be greater than or equal to (?P<least>\S+)",
    "most": r"Input should be less than or equal to (?P<most>\S+)",
    "whole": r"Input should be a valid integer.*",
    "number": r"Input should be a valid number.*",
}


def refusal(error: Any) -> str:
    """What is wrong with a command line, and how the command is used.

    Parameters
    ----------
    error : typer's usage error
        What is ours already (``typer.BadParameter(said(...))``) stays as it is.
    """
    context = error.ctx
    usage = context.get_usage().partition(":")[2].strip() if context else "fusion COMMAND"
    command = context.command_path if context else "fusion"
    return said("workbook.usage.line", told=_told(error), usage=usage, command=command)


def _told(error: Any) -> str:
    called = _called(error)
    if type(error).__name__ == "MissingParameter":
        return said("workbook.usage.missing", name=called)
    for kind, pattern in PATTERNS.items():
        if found := re.fullmatch(pattern, error.message):
            fields = {"name": called, **found.groupdict()}
            if "near" in fields or kind == "option":
                near = listed(
                    getattr(error, "possibilities", None) or re.findall("'(.*?)'", fields.get("near") or "")
                )
                fields["near"] = said("workbook.usage.near", near=near) if near else ""
            return said(f"workbook.usage.{kind}", **fields)
    return str(error.message)


def _called(error: Any) -> str:
    """The parameter as a user writes it."""
    param = getattr(error, "param", None)
    if param is None:
        return ""
    return listed(o for o in param.opts if o.startswith("--")) or str(param.name).upper()
