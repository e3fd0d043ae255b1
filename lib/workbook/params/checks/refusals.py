"""Where a study's file is wrong, in words: file, line, key, what was found and what is allowed."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import BaseModel
from ruamel.yaml.error import MarkedYAMLError
from ruamel.yaml.nodes import MappingNode

from workbook import paths
from workbook.language import current, listed, said, word
from workbook.params import Parameters
from workbook.params.base import help_text
from workbook.params.file import forms, patterns
from workbook.params.file.limits import composed

SHOWN = 20  # faults in one message
LONGEST = 400  # characters of one
LONG = 60  # characters of a key
DUPLICATE = re.compile(
    r'found duplicate key "(?P<key>.+?)" with value "(?P<value>.*?)" \(original value: "(?P<original>.*?)"\)'
)


class StudyError(ValueError):
    """A study's file cannot be used; the message says where and how to mend it, no longer than a screen.

    Parameters
    ----------
    told : str or list of str
        What is wrong, a line for each fault; ``lines`` has them whole.
    """

    def __init__(self, told: str | list[str]) -> None:
        self.lines = [told] if isinstance(told, str) else list(dict.fromkeys(told))
        super().__init__(_screen(self.lines))


class Places(NamedTuple):
    """Where keys stand: in a study's file, or in those that it is based upon."""

    own: Any
    bases: list[tuple[Path, Any]]


def text_of(file: Path) -> str:
    """A study's file as text; refused where it is not in UTF-8 or cannot be read."""
    try:
        return file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise StudyError(said("params.not_utf8", file=shown(file), start=error.start)) from None
    except OSError as error:
        raise StudyError(
            said("params.not_read", file=shown(file), reason=word("workbook.reason", str(error.strerror)))
        ) from None


def _refusal(error: Mapping[str, Any]) -> str:
    """What a model of pydantic refuses, of its ``errors()``; in its own words where they have no translation."""
    msg = str(error["msg"]).removeprefix("Value error, ")
    context = dict(error.get("ctx", {}))
    if "expected" in context and current() == "zh":
        context["expected"] = context["expected"].replace(" or ", "、").replace(", ", "、")
    if "pattern" in context:
        context["words"] = patterns.words(context["pattern"])
    try:
        return said(f"params.pydantic.{error['type']}", msg=msg, **context)
    except KeyError:
        return msg


def of_yaml(error: MarkedYAMLError) -> str:
    """What YAML does not allow; what is met seldom, in the words of its reader."""
    problem = str(error.problem or error.context)
    twice = DUPLICATE.match(problem)
    return said("params.duplicate_key", **twice.groupdict()) if twice else word("params.yaml", problem)


def _screen(lines: Sequence[str]) -> str:
    """What is wrong, no longer than a screen."""
    kept = [line if len(line) <= LONGEST else _cut(line) for line in lines[:SHOWN]]
    more = [said("params.more", count=len(lines) - SHOWN)] if len(lines) > SHOWN else []
    return "\n".join([*kept, *more])


def _cut(line: str) -> str:
    """The beginning of a line, up to the end of a name."""
    last = max(line.rfind(sign, 0, LONGEST) for sign in ("\u3001", ", ", " "))
    return line[: last if last > LONGEST // 2 else LONGEST] + "…"


def _named(part: Any) -> str:
    """A part of a key; of one that is long its beginning, so that the words after it stay in sight."""
    return text if len(text := str(part)) <= LONG else f"{text[:LONG]}…"


def shown(file: Path) -> str:
    """A file as messages name it: from the project's folder where it lies there."""
    return str(file.relative_to(paths.ROOT)) if file.is_relative_to(paths.ROOT) else str(file)


def explained(error: Any, node: Any, file: Path) -> str:
    """One line for one error: file:line, key, found, allowed."""
    location = [part for part in error["loc"] if part != "[key]"]
    key = _key(location)
    where = f"{shown(file)}:{line_of(node, location)}"
    kind = error["type"]
    if kind == "extra_forbidden":
        known = _known(location[:-1])
        near = difflib.get_close_matches(str(location[-1]), known, 1, 0.5)
        hint = said("params.did_you_mean", near=near[0]) if near else ""
        home = next((s for s in Parameters.model_fields if location[-1] in _known([s])), None)  # type: ignore[union-attr]
        if home and home != location[0]:
            hint = said("params.belongs", home=home)
        return said("params.unknown_key", where=where, key=key, hint=hint, known=listed(known))
    if kind == "value_error":
        return said("params.refused", where=where, msg=_refusal(error))
    found = repr(error["input"])
    quote = said("params.quote") if kind == "string_type" and isinstance(error["input"], int | float) else ""
    return said(
        "params.value",
        where=where,
        key=key,
        found=found[:80],
        msg=_refusal(error),
        quote=quote,
        about=_about(location),
    )


def _key(location: Sequence[Any]) -> str:
    """A place as a study's file has it: what may stand at its top without the section, and items counted from one."""
    short = next((top for top, place in forms.TOP.items() if (*location[:2],) == place), None)
    parts = location if short is None else [short, *location[2:]]
    return ".".join(str(part + 1) if isinstance(part, int) else _named(part) for part in parts)


def _known(location: list[Any]) -> list[str]:
    """Keys allowed at a place of the model."""
    model: Any = Parameters
    for part in location:
        field = model.model_fields.get(part) if hasattr(model, "model_fields") else None
        if field is None:
            continue
        model = _inner_model(field.annotation)
    return list(model.model_fields)


def _inner_model(annotation: Any) -> Any:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for argument in getattr(annotation, "__args__", ()):
        found = _inner_model(argument)
        if found is not None:
            return found
    return None


def _about(location: list[Any]) -> str:
    """The description of the nearest field, as help."""
    model: Any = Parameters
    text = ""
    for part in location:
        fields = getattr(model, "model_fields", {})
        if part in fields:
            text = help_text(str(part), fields[part].description or "", current())
            model = _inner_model(fields[part].annotation)
    return said("params.about", text=text) if text else ""


def line_of(node: Any, location: list[Any]) -> int | str:
    """Line of the key in the file, or of the deepest part of it that is there; of a base, with its name."""
    if not isinstance(node, Places):
        return _deepest(node, location)[0]
    line, depth = _deepest(node.own, location)
    for place, base in node.bases:
        theirs, deeper = _deepest(base, location)
        if deeper > depth:
            return f"{line} ({place.name}:{theirs})"
    return line


def _deepest(node: Any, location: list[Any]) -> tuple[int, int]:
    """Line of the deepest part of a key that is there, and how deep it is."""
    line, depth = 1, 0
    top = next((key for key, home in forms.TOP.items() if list(home) == location[:2]), None)
    if top and _at_top(node, top):
        location, depth = [top, *location[2:]], 1
    for part in location:
        if node is None or not hasattr(node, "value") or isinstance(node.value, str):
            break
        if isinstance(part, int) and not isinstance(node, MappingNode):
            if part >= len(node.value):
                break
            node = node.value[part]
            line, depth = node.start_mark.line + 1, depth + 1
            continue
        if not isinstance(node, MappingNode):  # a list where a mapping belongs
            break
        pair = next(((k, v) for k, v in node.value if k.value == str(part)), None)
        if pair is None:
            break
        line, node, depth = pair[0].start_mark.line + 1, pair[1], depth + 1
    return line, depth


def _at_top(node: Any, key: str) -> bool:
    return hasattr(node, "value") and any(k.value == key for k, _ in node.value)


def placed(file: Path, *place: str) -> str:
    """Where a parameter stands: ``mine.yaml:12 effects.controls``."""
    return f"{shown(file)}:{line_of(composed(text_of(file)), list(place))} {'.'.join(place)}"
