"""Files and folders that a study names: where they are, and those that are not there."""

from __future__ import annotations

import csv
import importlib.util
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args, get_origin

from workbook import paths
from workbook.language import listed, said
from workbook.params import Parameters
from workbook.params.base import Names
from workbook.params.checks.refusals import StudyError, shown
from workbook.params.file import folder
from workbook.params.panel import labels

LOADER = re.compile(r"^[A-Za-z_][\w.]*:[A-Za-z_]\w*$")


def _naming(*what: str, several: bool = False) -> set[str]:
    """Parameters whose types say that they name a file or a folder; of `several` those that name a list of them."""
    found = set()
    for section in Parameters.model_fields.values():
        for name, field in getattr(section.annotation, "model_fields", {}).items():
            marks = {
                one.what for one in (*field.metadata, *_marks(field.annotation)) if isinstance(one, Names)
            }
            if marks & {*what} and (get_origin(field.annotation) is list) == several:
                found.add(name)
    return found


def _marks(annotation: Any) -> Iterator[Any]:
    yield from getattr(annotation, "__metadata__", ())
    for part in get_args(annotation):
        yield from _marks(part)


# Parameters beside panel.source that name a file, or a folder, as their types in the model say.
ROWS = _naming("rows")
FILES = _naming("file") | ROWS
FILE_LISTS = _naming("file", several=True)
FOLDERS = _naming("folder")


def resolve_source(source: str, file: Path) -> str:
    """Place of the data: unchanged for 'synthetic' and loaders; else relative to the project, or absolute outside it."""
    if source == "synthetic" or LOADER.match(source):
        return source
    candidates = [file.parent / source, paths.ROOT / source]
    found = next((c.resolve() for c in candidates if os.path.exists(c)), candidates[-1])
    return str(found.relative_to(paths.ROOT)) if found.is_relative_to(paths.ROOT) else str(found)


def resolve_sources(source: str | list[str], file: Path) -> str | list[str]:
    """Places of the data, one or several."""
    if isinstance(source, str):
        return resolve_source(source, file)
    return [resolve_source(name, file) for name in source]


def sources(parameters: Parameters, file: Path) -> str | list[str]:
    """Places of the data: of a folder the tables that stand in it, which is literal and in the order of their names.

    What the study names as something else (pilots, corrections, a standard) is no table of its source.
    """
    named = parameters.panel.source
    if isinstance(named, str) and (named == "synthetic" or LOADER.match(named)):
        return named
    every = [named] if isinstance(named, str) else named
    found = [resolve_source(part, file) for one in every for part in _inside(one, parameters, file)]
    return found[0] if isinstance(named, str) and len(found) == 1 else found


def _inside(name: str, parameters: Parameters, file: Path) -> list[str]:
    """Files that a source is, as a study would name them: those of a folder, or itself."""
    place = paths.ROOT / resolve_source(name, file)
    if name == "synthetic" or LOADER.match(name) or not folder.is_many(place):
        return [name]
    return [f"{name.rstrip('/')}/{f.name}" for f in folder.looked(place, besides(parameters, file)).tables]


def besides(parameters: Parameters, file: Path) -> set[Path]:
    """Files that a study names, but for its source."""
    values = parameters.flat()
    named = [values[name] for name in FILES] + [one for name in FILE_LISTS for one in values[name]]
    named += [own["file"] for own in values["standards"].values()]
    named += [values["names"] if isinstance(values["names"], str) else None]
    return {(paths.ROOT / resolve_source(name, file)).resolve() for name in named if name}


def folders_said(parameters: Parameters, file: Path) -> list[str]:
    """What is read of each folder that is a study's source, and what is passed over."""
    named = parameters.panel.source
    told = []
    for name in [named] if isinstance(named, str) else named:
        place = paths.ROOT / resolve_source(name, file)
        if LOADER.match(name) or name == "synthetic" or not os.path.isdir(place):
            continue
        seen = folder.looked(place, besides(parameters, file))
        many = folder.is_many(place)
        read = (
            [f.name for f in seen.tables]
            if many
            else [str(f.relative_to(place)) for f in folder.parts(place)]
        )
        others = seen.others if many else [f.name for f in seen.tables if f.name not in read]
        told.append(said("params.folder", name=name, count=len(read), files=listed(read)))
        told += [said("params.folder_passed", name=name, files=listed(others))] if others else []
    return told


def outside_said(parameters: Parameters, file: Path) -> list[str]:
    """Files that a study names and that lie outside its folder and the project, links and .. resolved."""
    found = []
    values = parameters.flat()
    named = [values["source"]] if isinstance(values["source"], str) else [*values["source"]]
    named = [part for one in named for part in _inside(one, parameters, file)]
    named += [values["adapter"], *(values[name] for name in sorted(FILES | FOLDERS))]
    for name in named:
        if not isinstance(name, str) or name == "synthetic" or LOADER.match(name):
            continue
        place = (paths.ROOT / resolve_source(name, file)).resolve()
        homes = (file.resolve().parent, paths.ROOT.resolve())
        if os.path.exists(place) and not any(place.is_relative_to(home) for home in homes):
            found.append(said("params.outside", name=name, place=place))
    return found


def resolve_adapter(adapter: str | None, file: Path) -> str | None:
    """An adapter of the project by its name, or the place of a file."""
    named = adapter is None or os.path.isfile(paths.ROOT / "data" / "adapters" / f"{adapter}.yaml")
    return adapter if named else resolve_source(str(adapter), file)


def called(names: dict[str, str] | str | None, file: Path) -> dict[str, dict[str, str]]:
    """What a study calls its variables: ``en zh unit`` by name.

    Parameters
    ----------
    names : dict, str or None
        ``English | 中文 [unit]`` by name, or a CSV with ``column, en, zh, unit``.
    file : Path
        The study's file.
    """
    if not isinstance(names, str):
        parts = {name: labels(text) for name, text in (names or {}).items()}
        return {
            n: {"en": en or zh or n, "zh": zh or en or n, "unit": unit} for n, (en, zh, unit) in parts.items()
        }
    place = paths.ROOT / resolve_source(names, file)
    try:
        with place.open(encoding="utf-8-sig", newline="") as stream:
            rows = list(csv.DictReader(stream))
        return {
            row["column"]: {
                "en": row.get("en") or row.get("zh") or row["column"],
                "zh": row.get("zh") or row.get("en") or row["column"],
                "unit": row.get("unit") or "",
            }
            for row in rows
        }
    except (OSError, KeyError, UnicodeDecodeError, csv.Error) as error:
        raise StudyError(said("params.names", file=shown(file), place=names, told=str(error)[:200])) from None


def check_files(parameters: Parameters, file: Path) -> list[str]:
    """A table that is named and cannot be found stops the study, too."""
    lines = []
    for section, values in parameters.model_dump().items():
        named = [(name, values[name]) for name in FILES & values.keys()]
        for name, place in named + [(n, one) for n in FILE_LISTS & values.keys() for one in values[n]]:
            if place is not None and not os.path.isfile(paths.ROOT / resolve_source(place, file)):
                where = {"section": section, "name": name, "place": place}
                lines.append(said("params.no_file", file=shown(file), **where))
        for name in FOLDERS & values.keys():
            place = values[name]
            if place is not None and not os.path.isdir(paths.ROOT / resolve_source(place, file)):
                where = {"section": section, "name": name, "place": place}
                lines.append(said("params.no_folder", file=shown(file), **where))
    for name, own in parameters.classification.standards.items():
        if not os.path.isfile(paths.ROOT / resolve_source(own.file, file)):
            where = {"section": "classification.standards", "name": name, "place": own.file}
            lines.append(said("params.no_file", file=shown(file), **where))
    return lines


def check_source(parameters: Parameters, file: Path) -> list[str]:
    """A source that cannot be found stops the study before a kernel starts."""
    lines = []
    if not _has_adapter(parameters, file):
        known = listed(sorted(p.stem for p in (paths.ROOT / "data" / "adapters").glob("*.yaml")))
        lines.append(
            said("params.no_adapter", file=shown(file), adapter=parameters.panel.adapter, known=known)
        )
    named = parameters.panel.source
    lines += filter(None, (_no_source(one, file) for one in ([named] if isinstance(named, str) else named)))
    read = [] if lines else sources(parameters, file)
    if isinstance(read, list) and len(read) > 1 and parameters.panel.adapter is None:
        lines.append(said("params.folder_adapter", file=shown(file), source=named, count=len(read)))
    return lines


def _has_adapter(parameters: Parameters, file: Path) -> bool:
    """Whether the adapter that is named, if one is, is one of the project's or a file."""
    named = parameters.panel.adapter
    own = named is None or os.path.isfile(paths.ROOT / "data" / "adapters" / f"{named}.yaml")
    return own or os.path.isfile(paths.ROOT / str(resolve_adapter(named, file)))


def _no_source(source: str, file: Path) -> str:
    """Why a source cannot be read; empty if it is there."""
    if source == "synthetic":
        return ""
    if LOADER.match(source):
        package = source.split(":")[0].split(".")[0]
        if importlib.util.find_spec(package) is None:
            return said("params.no_package", file=shown(file), source=source, package=package)
        return ""
    place = paths.ROOT / resolve_source(source, file)
    if not os.path.exists(place):
        return said("params.no_source", file=shown(file), source=source)
    empty = folder.is_many(place) and not folder.looked(place).tables
    return said("params.source_folder", file=shown(file), source=source) if empty else ""
