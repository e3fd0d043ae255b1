"""A study upon another: ``base: other.yaml`` takes all that the other states, and what is stated here comes first.

Mappings are merged key by key; scalars and lists take the place of the base's; ``null`` takes a key away, so that its default
holds again. A base may have a base. It lies beside the study, so that files that it names are found from either.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from workbook.language import said
from workbook.params.file.forms import short_of, spoken

BASE = "base"
GRID = "grid"  # variants are those of the study that states them, and of none upon it
DEEPEST = 5


@dataclass
class Inherited:
    """A study's values with those of its bases.

    Attributes
    ----------
    values : dict
        Merged.
    bases : list of (Path, Any)
        Files, the nearest first, with their places (nodes).
    replaced, removed : list of str
        Keys of a base that the study states otherwise, or takes away.
    """

    values: dict[str, Any]
    bases: list[tuple[Path, Any]] = field(default_factory=list)
    replaced: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)


def inherited(
    values: dict[str, Any], file: Path, read: Callable[[Path], tuple[Any, Any]], seen: tuple[Path, ...] = ()
) -> Inherited:
    """A study's values upon those of its base.

    Parameters
    ----------
    values : dict
        As its file states them.
    file : Path
        The file.
    read : callable
        Gives values and places of a file, or raises.
    seen : tuple of Path
        Files that led here.

    Raises
    ------
    ValueError
        When a base is not there, is no study, leads back to where it began, or is too deep.
    """
    values = _at_the_top(values)
    if BASE not in values:
        return Inherited(spoken(values))
    name = values[BASE]
    place = (file.parent / str(name)).resolve()
    beside = isinstance(name, str) and place.parent == file.parent and place.suffix in (".yaml", ".yml")
    if not beside or not os.path.isfile(place):
        raise ValueError(said("params.rule.base", name=str(name)[:200]))
    if place in (file, *seen) or len(seen) >= DEEPEST:
        raise ValueError(said("params.rule.base_deep", name=name, most=DEEPEST))
    theirs, node = read(place)
    if not isinstance(theirs, dict):
        raise ValueError(said("params.rule.base", name=name))
    below = inherited({k: v for k, v in theirs.items() if k != GRID}, place, read, (*seen, file))
    found = Inherited({}, [(place, node), *below.bases])
    own = spoken({key: value for key, value in values.items() if key != BASE})
    found.values = _merged(below.values, own, found, "")
    if own.get("study") is not values.get("study"):  # its texts are written in one line
        found.replaced = list(dict.fromkeys(map(short_of, found.replaced)))
    return found


def _at_the_top(values: dict[str, Any]) -> dict[str, Any]:
    """A study's values with ``study.base``, which is where some look for it, as ``base``."""
    study = values.get("study")
    if BASE in values or not isinstance(study, dict) or BASE not in study:
        return values
    return {BASE: study[BASE], **values, "study": {key: v for key, v in study.items() if key != BASE}}


def _merged(base: dict[str, Any], own: dict[str, Any], told: Inherited, at: str) -> dict[str, Any]:
    found = dict(base)
    for key, value in own.items():
        name = f"{at}{key}"
        if key not in base:
            found[key] = value
        elif value is None:
            del found[key]
            told.removed.append(name)
        elif isinstance(value, dict) and isinstance(base[key], dict):
            found[key] = _merged(base[key], value, told, f"{name}.")
        elif value != base[key]:
            found[key] = value
            told.replaced.append(name)
    return found
