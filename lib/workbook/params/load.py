"""Find, read and check a study's file; every error names file, line, key, what was found and what is allowed."""

from __future__ import annotations

import copy
import csv
import difflib
import importlib.util
import os
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import BaseModel, ValidationError
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode

from workbook import paths
from workbook.exhibits import needs, sheets
from workbook.expressions.asked import Asked, judge
from workbook.expressions.errors import ExpressionError
from workbook.expressions.reading import parse as parse_expression
from workbook.language import current, listed, said, word
from workbook.params import Parameters
from workbook.params.base import EFFECT, NAMED, help_text
from workbook.params.file import apart, folder, forms, patterns
from workbook.params.file.core import yaml
from workbook.params.file.headers import headers
from workbook.params.file.inherit import Inherited, inherited
from workbook.params.file.limits import LimitError, bounded
from workbook.params.indicators import codes
from workbook.params.panel import ExtraColumn, labels
from workbook.params.printed import check as printed
from workbook.params.printed import resolved
from workbook.run import chain

SHOWN = 20  # faults in one message
LONGEST = 400  # characters of one
LONG = 60  # characters of a key
ROUNDS = 12  # times that a file is read without what was wrong in it, to find the rest
NAME = re.compile(r"^[a-z0-9][a-z0-9_-]{0,59}$")
LOADER = re.compile(r"^[A-Za-z_][\w.]*:[A-Za-z_]\w*$")

DUPLICATE = re.compile(
    r'found duplicate key "(?P<key>.+?)" with value "(?P<value>.*?)" \(original value: "(?P<original>.*?)"\)'
)


# Patterns of names of columns, and of effects (a*b).
COLUMNS = (NAMED, r"^[A-Za-z][A-Za-z0-9_]*$", EFFECT)


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


# Types of the contract and of declared columns, as expressions know them; others are text.
KINDS = {
    "float": "number",
    "int": "integer",
    "bool": "truth",
    "auto": "?",
    **dict.fromkeys(("code3", "code4", "code6"), "code"),
}

# Keys of tables that name columns.
TERMS = {"outcome", "treatments", "controls", "fixed_effects", "cluster", "weights", "iv", "split", "add", "swap", "show",
         "lat", "lon", "equal", "zero"}  # fmt: skip
# Parameters whose columns are added up, averaged or ranked.
AMOUNTS = {"judged_on", "unit_weight", "bureau_measures", "published_items", "own_definitions"}
# Parameters beside panel.source that name a file, or a folder.
FOLDERS = {"earlier_releases"}
FILE_LISTS = {"lists"}
FILES = {
    "base_file",
    "coefficients_file",
    "corrections",
    "io_table",
    "observed",
    "own_index",
    "pilots",
    "plan",
    "split_weights_file",
    "targets",
    "tiles",
    "vintage",
    "vintage_returns",
}


@dataclass(frozen=True)
class Study:
    """A study whose parameters have been checked."""

    name: str
    file: Path
    parameters: Parameters
    told: tuple[str, ...] = ()  # older forms that were read, with the new line

    @property
    def flat(self) -> dict[str, Any]:
        """Parameters by name as they are injected, with the study's name and the places of files resolved."""
        values = self.parameters.flat()
        values["study"] = self.name
        values["source"] = sources(self.parameters, self.file)
        values["adapter"] = resolve_adapter(values["adapter"], self.file)
        for name in FILES | FOLDERS:
            if values[name] is not None:
                values[name] = resolve_source(values[name], self.file)
        for name in FILE_LISTS:
            values[name] = resolve_sources(values[name], self.file)
        for own in values["standards"].values():
            own["file"] = resolve_source(own["file"], self.file)
        values["tables"] = resolved(self.parameters)
        values["names"] = called(self.parameters.printed.names, self.file)
        for section in ("columns", "extra_columns"):
            for name in values[section].keys() & values["names"].keys():
                en, zh, unit = (values["names"][name][key] for key in ("en", "zh", "unit"))
                values[section][name] |= {"label_en": en, "label_zh": zh} | ({"unit": unit} if unit else {})
        return values


def studies() -> list[str]:
    """Names of the project's studies."""
    return sorted(p.stem for p in paths.PARAMS.glob("*.yaml") if p.stem != "base")


def load(name_or_path: str) -> Study:
    """Read a study by name (``params/<name>.yaml``) or by the path of a file.

    Raises
    ------
    StudyError
        When there is no such file, it is not YAML, or a parameter is not allowed.
    """
    file = find(name_or_path)
    text = _text(file)
    parameters = parse(text, file)
    whole = _whole(yaml().load(text) or {}, file)
    told = forms.read(whole.values)[1]
    return Study(
        file.stem,
        file,
        parameters,
        (
            *_upon(whole),
            *told,
            *_renamed(parameters),
            *_folders(parameters, file),
            *_outside(parameters, file),
        ),
    )


def find(name_or_path: str) -> Path:
    """The study's file."""
    looks_like_path = "/" in name_or_path or name_or_path.endswith((".yaml", ".yml"))
    file = _expanded(name_or_path) if looks_like_path else paths.PARAMS / f"{name_or_path}.yaml"
    if not _is_file(file) or file.stem == "base":
        known = studies()
        near = difflib.get_close_matches(file.stem, known, 1, 0.5)
        hint = said("params.did_you_mean", near=near[0]) if near else ""
        raise StudyError(said("params.no_study", file=_shown(file)[:200], hint=hint, known=listed(known)))
    if not NAME.match(file.stem):
        raise StudyError(said("params.file_name", file=_shown(file), stem=file.stem))
    home = paths.PARAMS / file.name
    if os.path.isfile(home) and not home.samefile(file):
        raise StudyError(said("params.name_taken", file=_shown(file), stem=file.stem))
    return file.resolve()


def _expanded(place: str) -> Path:
    """A path as it was typed; ``~someone`` whom nobody knows is a name like any other."""
    try:
        return Path(place).expanduser()
    except RuntimeError:
        return Path(place)


def _is_file(file: Path) -> bool:
    try:
        return file.is_file()
    except (OSError, ValueError):  # too long a name, or no name at all
        return False


def parse(text: str, file: Path) -> Parameters:
    """Check the text of a study's file against the model."""
    return checked(*_stated(text, file), file)


def stated(file: Path) -> tuple[dict[str, Any], Any]:
    """What a study's file and those it is based upon state, as plain values, and the places of that."""
    return _stated(_text(file), file)


def _stated(text: str, file: Path) -> tuple[dict[str, Any], Any]:
    values, node = _read(text, file)
    if values is None:
        values = {}
    if not isinstance(values, dict):
        raise StudyError(
            said(
                "params.no_sections",
                file=_shown(file),
                sections=listed(Parameters.model_fields),
                kind=type(values).__name__,
            )
        )
    try:
        whole = _whole(values, file)
    except StudyError:
        raise
    except ValueError as error:
        raise StudyError(f"{_shown(file)}: {error}") from None
    return whole.values, Places(node, whole.bases) if whole.bases else node


def checked(values: dict[str, Any], node: Any, file: Path) -> Parameters:
    """Check what a study states against the model.

    Parameters
    ----------
    values : dict
        Plain values, those of its bases among them.
    node : Any
        Where they stand.
    file : Path
        The study's file.
    """
    try:
        values, _ = forms.read(values)
    except ValueError as error:
        raise StudyError(f"{_shown(file)}: {error}") from None
    parameters, faults, broken = _modelled(values, node, file)
    checks: list[Callable[[], list[str]]] = [
        lambda: _check_source(parameters, file),
        lambda: _check_files(parameters, file),
        lambda: _check_expressions(parameters, node, file, broken),
        lambda: _ladder(parameters),
        lambda: _declare(parameters, file),
        lambda: _check_columns(parameters, node, file, broken),
        lambda: _check_tables(parameters, node, file),
        lambda: _check_names(parameters, file),
        lambda: _check_asked(parameters, node, file),
        lambda: _check_left_out(parameters, node, file),
    ]
    for check in checks:
        faults += check()
    if faults:
        raise StudyError(faults)
    return _apart(parameters)


def _apart(parameters: Parameters) -> Parameters:
    """The parameters with other names for the study's columns that are called like the workbook's own."""
    panel = parameters.panel
    contract = _contract(computed=False)
    new = apart.renamed(
        [name for name in {**panel.extra_columns, **panel.columns} if name not in contract], contract
    )
    if not new:
        return parameters
    name, text = apart.column(new), apart.expression(new, panel.value_lists)
    values = parameters.model_dump(by_alias=True)
    for section, key in _naming():
        # What a parameter names by default is the workbook's own.
        if section != "printed" and key in getattr(parameters, section).model_fields_set:
            values[section][key] = apart.throughout(values[section][key], name)
    values["panel"] |= {key: apart.throughout(values["panel"][key], text) for key in ("where", "samples")}
    values["robustness"]["exclusions"] = apart.throughout(values["robustness"]["exclusions"], text)
    for column, one in values["panel"]["columns"].items():
        one |= {"is": text(one["is"]), "each": apart.throughout(one["each"], name)}
        if column in new and not (one["name"] or one["label_en"] or one["label_zh"]):
            one["name"] = column
    values["panel"]["columns"] = {name(n): one for n, one in values["panel"]["columns"].items()}
    # Those that were found in the data bear its names, which no study could declare.
    found = {name: one for name, one in panel.extra_columns.items() if one.type == "auto"}
    for column in found:
        values["panel"]["extra_columns"].pop(column)
    for column in new.keys() & values["panel"]["extra_columns"].keys():
        values["panel"]["extra_columns"][column]["kept_as"] = new[column]
    stated = parameters.printed.model_dump(
        by_alias=True, exclude_unset=True
    )  # an inner key that is not set is inherited
    values["printed"] = _printed_apart(stated, name, text)
    made = Parameters.model_validate(values)
    made.panel.extra_columns |= {
        n: one.model_copy(update={"kept_as": new.get(n)}) for n, one in found.items()
    }
    return made


def _printed_apart(values: Any, name: Callable[[str], str], text: Callable[[str], str]) -> Any:
    """Tables and names of variables with other names for columns; conditions are expressions, words stay."""
    if isinstance(values, list):
        return [_printed_apart(one, name, text) for one in values]
    if not isinstance(values, dict):
        return values
    found = {}
    for key, value in values.items():
        if key in TERMS:
            found[key] = apart.throughout(value, name, keys=True)
        elif key == "names" and isinstance(value, dict):
            found[key] = {name(n): words for n, words in value.items()}
        else:
            found[key] = (
                apart.throughout(value, text) if key == "sample" else _printed_apart(value, name, text)
            )
    return found


def _renamed(parameters: Parameters) -> list[str]:
    """What is said of columns that have another name from reading on."""
    panel = parameters.panel
    new = {old: one.kept_as for old, one in panel.extra_columns.items() if one.kept_as}
    new |= {n.removeprefix(apart.OWN).rstrip("_"): n for n in panel.columns if n.startswith(apart.OWN)}
    return [said("params.apart", names=listed(f"{old} → {one}" for old, one in new.items()))] if new else []


class Places(NamedTuple):
    """Where keys stand: in a study's file, or in those that it is based upon."""

    own: Any
    bases: list[tuple[Path, Any]]


def _whole(values: dict[str, Any], file: Path) -> Inherited:
    """A study's values with those of its bases."""
    return inherited(values, file, lambda place: _read(_text(place), place))


def _upon(whole: Inherited) -> list[str]:
    """What a study takes from others, states otherwise and takes away."""
    if not whole.bases:
        return []
    names = listed(place.name for place, _ in whole.bases)
    nothing = said("params.inherits.nothing")
    stated = {"replaced": listed(whole.replaced) or nothing, "removed": listed(whole.removed) or nothing}
    return [said("params.inherits.line", names=names, **stated)]


def _modelled(values: dict[str, Any], node: Any, file: Path) -> tuple[Parameters, list[str], set[str]]:
    """The parameters without what the model refuses, what it refuses, and the names that are gone with it."""
    faults: list[str] = []
    broken: set[str] = set()
    for _ in range(ROUNDS):
        try:
            return Parameters.model_validate(values), faults, broken
        except ValidationError as error:
            places = [[part for part in e["loc"] if part != "[key]"] for e in error.errors()]
            faults += [_explain(e, node, file) for e in error.errors()]
        if any(len(place) < 2 and place[:1] and place[0] in Parameters.model_fields for place in places):
            break  # a whole section is wrong, and nothing more can be said of it
        broken |= {str(part) for place in places for part in place if isinstance(part, str)}
        values = copy.deepcopy(values)
        gone = [_taken_out(values, place) for place in sorted(places, key=str, reverse=True)]
        if not any(gone):
            break
    raise StudyError(faults)


def _taken_out(values: Any, place: list[Any]) -> bool:
    """Take what lies at a place out, or the deepest part of the way to it that is there."""
    held, last = None, None
    for part in place:
        inside = isinstance(values, dict) and part in values
        if not inside and not (isinstance(values, list) and isinstance(part, int) and part < len(values)):
            break
        held, last, values = values, part, values[part]
    if held is None:
        return False
    del held[last]
    return True


def _read(text: str, file: Path) -> tuple[Any, Any]:
    """The values of a study's file, and their places in it."""
    try:
        bounded(text)
        reader = yaml()
        node = reader.compose(text)
        return None if node is None else reader.constructor.construct_document(node), node
    except LimitError as error:
        raise StudyError(f"{_shown(file)}:{error.line}: {error}") from None
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f"{_shown(file)}:{mark.line + 1}" if mark else _shown(file)
        raise StudyError(said("params.not_yaml", where=where, problem=_problem(error))) from None
    except (YAMLError, ValueError, RecursionError) as error:  # a number of 5,000 digits, a sign that is none
        problem = str(error).partition("\n")[0][:200]
        raise StudyError(said("params.not_yaml", where=_shown(file), problem=problem)) from None


def resolve_source(source: str, file: Path) -> str:
    """Place of the data: unchanged for 'synthetic' and loaders; else relative to the project, or absolute outside it."""
    if source == "synthetic" or LOADER.match(source):
        return source
    candidates = [file.parent / source, paths.ROOT / source]
    found = next((c.resolve() for c in candidates if os.path.exists(c)), candidates[-1])
    return str(found.relative_to(paths.ROOT)) if found.is_relative_to(paths.ROOT) else str(found)


def _outside(parameters: Parameters, file: Path) -> list[str]:
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


def _folders(parameters: Parameters, file: Path) -> list[str]:
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
        raise StudyError(
            said("params.names", file=_shown(file), place=names, told=str(error)[:200])
        ) from None


# -- errors ------------------------------------------------------------------------------------


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise StudyError(said("params.not_utf8", file=_shown(file), start=error.start)) from None
    except OSError as error:
        raise StudyError(
            said("params.not_read", file=_shown(file), reason=word("workbook.reason", str(error.strerror)))
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


def _problem(error: MarkedYAMLError) -> str:
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


def _shown(file: Path) -> str:
    return str(file.relative_to(paths.ROOT)) if file.is_relative_to(paths.ROOT) else str(file)


def _explain(error: Any, node: Any, file: Path) -> str:
    """One line for one error: file:line, key, found, allowed."""
    location = [part for part in error["loc"] if part != "[key]"]
    key = _key(location)
    where = f"{_shown(file)}:{_line(node, location)}"
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


def _line(node: Any, location: list[Any]) -> int | str:
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


def _check_files(parameters: Parameters, file: Path) -> list[str]:
    """A table that is named and cannot be found stops the study, too."""
    lines = []
    for section, values in parameters.model_dump().items():
        named = [(name, values[name]) for name in FILES & values.keys()]
        for name, place in named + [(n, one) for n in FILE_LISTS & values.keys() for one in values[n]]:
            if place is not None and not os.path.isfile(paths.ROOT / resolve_source(place, file)):
                where = {"section": section, "name": name, "place": place}
                lines.append(said("params.no_file", file=_shown(file), **where))
        for name in FOLDERS & values.keys():
            place = values[name]
            if place is not None and not os.path.isdir(paths.ROOT / resolve_source(place, file)):
                where = {"section": section, "name": name, "place": place}
                lines.append(said("params.no_folder", file=_shown(file), **where))
    for name, own in parameters.classification.standards.items():
        if not os.path.isfile(paths.ROOT / resolve_source(own.file, file)):
            where = {"section": "classification.standards", "name": name, "place": own.file}
            lines.append(said("params.no_file", file=_shown(file), **where))
    return lines


# What the first notebook computes before a study's own columns, which may use it.
AT_ONCE = frozenset({"above_line"})


def _contract(computed: bool = True) -> dict[str, str]:
    """Types of the contract's columns, as expressions know them; with those that the workbook computes, or without."""
    with (paths.ROOT / "data" / "contract" / "panel.csv").open(encoding="utf-8", newline="") as stream:
        rows = [
            r
            for r in csv.DictReader(stream)
            if computed or r["required"] != "derived" or r["column"] in AT_ONCE
        ]
    return {row["column"]: KINDS.get(row["type"], "text") for row in rows}


def _check_expressions(parameters: Parameters, node: Any, file: Path, broken: set[str]) -> list[str]:
    """An expression that cannot be read, or that the columns' types do not allow, stops the study.

    What is wrong is taken out of the parameters, and its name kept in ``broken``, so that the rest can be looked at.
    """
    panel, lines = parameters.panel, []
    texts = {("panel", "columns", n): c.expression for n, c in panel.columns.items()}
    texts |= {("panel", key, n): t for key in ("where", "samples") for n, t in getattr(panel, key).items()}
    texts |= {("robustness", "exclusions", n): t for n, t in parameters.robustness.exclusions.items()}
    for place, text in texts.items():
        try:
            parse_expression(text)
        except ExpressionError as error:
            where = f"{_shown(file)}:{_line(node, list(place))}"
            lines.append(said("params.expression", where=where, key=".".join(place[1:]), told=error))
            getattr(getattr(parameters, place[0]), place[1]).pop(place[2])
            broken.add(place[2])
    found = _source_headers(parameters, file)
    extra = {name: KINDS.get(one.type, "?") for name, one in panel.extra_columns.items()}
    for _ in range(len(texts)):
        asked = _asked(parameters)
        # What may be there: with a loader anything, else what the contract and the headers have.
        other = asked.names() if found is None else found
        known = {**dict.fromkeys([*other, *broken], "?"), **_contract(computed=False), **extra}
        try:
            judge(asked, known)
            break
        except ExpressionError as error:
            at = next((list(p) for p in texts if p[-1] == error.key), ["panel", "columns"])
            lines.append(f"{_shown(file)}:{_line(node, at)} {'.'.join(at[1:-1])}.{error}")
            broken.add(str(error.key))
            held = getattr(panel, at[1])
            if at[-1] not in held:
                break
            held.pop(at[-1])
    return lines


def _asked(parameters: Parameters) -> Asked:
    panel = parameters.panel
    texts = {name: column.expression for name, column in panel.columns.items()}
    return Asked(texts, panel.where, panel.samples, panel.value_lists, panel.quantiles)


def _source_headers(parameters: Parameters, file: Path) -> list[str] | None:
    """Headers of the source as the study calls them; None where they are not known before it is read."""
    panel = parameters.panel
    if panel.source == "synthetic":
        return []
    read = sources(parameters, file)
    places = [read] if isinstance(read, str) else read
    if (panel.adapter is not None and not _has_adapter(parameters, file)) or LOADER.match(
        "".join(places[:1])
    ):
        return None
    found = [h for one in places for h in headers(paths.ROOT / one, panel.sheet)]
    if panel.adapter is not None:
        return found  # its headers are found by itself, wherever they stand; of others the first row tells
    return [panel.rename.get(name, name) for name in found] or None


def _ladder(parameters: Parameters) -> list[str]:
    """Without the contract of enterprises the ladder that is not stated has no effects of industries and districts."""
    effects = parameters.effects
    if parameters.panel.contract == "minimal" and "fixed_effects" not in effects.model_fields_set:
        effects.fixed_effects = [["firm_id"], ["firm_id", "year"]]
    return []


def _declare(parameters: Parameters, file: Path) -> list[str]:
    """Columns of the source that the study uses and does not declare are read as they are."""
    panel = parameters.panel
    named = [n for section, key in _naming() for n in _texts(parameters.model_dump()[section][key])]
    printed_ones = [name for _, name in printed.named(parameters)] + _of_samples(parameters)
    named = [part for text in named for part in text.split("*")]
    used = dict.fromkeys([*_asked(parameters).names(), *named, *printed_ones])
    # Under the minimal contract a column of the source may be called as one that the workbook computes.
    wanted = set(used) - {*panel.extra_columns, *_contract(computed=panel.contract == "enterprise")}
    wanted -= set(panel.columns) - set(_asked(parameters).names())
    there = (_source_headers(parameters, file) or []) if wanted else []
    for name in used:
        if name in wanted and name in there:
            panel.extra_columns[name] = ExtraColumn(label_en=name, label_zh=name, type="auto")
    return []


def _check_columns(parameters: Parameters, node: Any, file: Path, broken: Collection[str] = ()) -> list[str]:
    """A column that is named, and that no table can have, stops the study; one that is ``broken`` was told of."""
    asked = nameable(parameters) | dict.fromkeys(broken, "?")
    lines = []
    for section, key in _naming():
        # What a parameter names by default is not asked for: an indicator that the study leaves out is left out there, too.
        stated = key in getattr(parameters, section).model_fields_set
        known = asked if stated else asked | {chain.INDICATORS: "?"}
        named = _texts(parameters.model_dump()[section][key])
        for name in dict.fromkeys(part for text in named for part in text.split("*")):
            if (key, name) == ("judged_on", chain.OWN_INDEX) and parameters.integration.own_index:
                continue
            where = f"{_shown(file)}:{_line(node, [section, key])}"
            kind = known.get(name) or next((k for n, k in known.items() if fnmatchcase(name, n)), None)
            if kind is None and name in codes():
                lines.append(said("params.not_asked", where=where, key=f"{section}.{key}", name=name))
            elif kind is None:
                near = difflib.get_close_matches(name, known, 1, 0.5)
                hint = said("params.did_you_mean", near=near[0].rstrip("*?")) if near else ""
                told = said("params.no_column", where=where, key=f"{section}.{key}", name=name, hint=hint)
                lines.append(told)
            elif key in AMOUNTS and kind in ("text", "code"):
                lines.append(said("params.no_amount", where=where, key=f"{section}.{key}", name=name))
    return lines


def nameable(parameters: Parameters) -> dict[str, str]:
    """Columns that a study may name, also as patterns of names, and their kinds; ``?`` where it is not known.

    Of the indicators those that it computes.
    """
    panel = parameters.panel
    others = (chain.INDICATORS, chain.OWN_INDEX)
    made = [pattern for step in chain.chain() for pattern in step.columns if pattern not in others]
    return {
        **dict.fromkeys([*made, *parameters.indicators.indicators], "?"),
        **_contract(),
        **{name: KINDS.get(one.type, "text") for name, one in panel.extra_columns.items()},
        **dict.fromkeys(panel.columns, "?"),
    }


def _of_samples(parameters: Parameters) -> list[str]:
    """Columns that conditions within tables name."""
    specs = [one for _, one in printed.specs(parameters)]
    texts = [text for one in specs for text in one.sample or [] if text not in parameters.panel.samples]
    found: list[str] = []
    for text in texts:
        try:
            found += parse_expression(text).names()
        except ExpressionError:  # told of with its place
            continue
    return found


def _check_names(parameters: Parameters, file: Path) -> list[str]:
    """Names of variables that cannot be read."""
    try:
        called(parameters.printed.names, file)
    except StudyError as error:
        return error.lines
    return []


def _check_tables(parameters: Parameters, node: Any, file: Path) -> list[str]:
    """Tables that name what there is not, or ask for what no engine has, stop the study; all findings at once."""
    there = nameable(parameters)

    def near(name: str) -> list[str] | None:
        if name in there or any(fnmatchcase(name, pattern) for pattern in there):
            return None
        return difflib.get_close_matches(name, there, 1, 0.5)

    lines = []
    for place, told in printed.findings(parameters, near):
        where = f"{_shown(file)}:{_line(node, place)}"
        key = ".".join(str(part + 1) if isinstance(part, int) else part for part in place[1:])
        lines.append(said("params.tables.at", where=where, key=key, told=told))
    return lines


@cache
def _naming() -> tuple[tuple[str, str], ...]:
    """Parameters that name columns of the panel and of what is made of it: section and name, by their patterns."""
    found = []
    for section, one in Parameters.model_fields.items():
        if section != "panel":
            properties = one.annotation.model_json_schema()["properties"]  # type: ignore[union-attr]
            found += [(section, name) for name, value in properties.items() if _names_columns(value)]
    return tuple(found)


def _names_columns(schema: Any) -> bool:
    if isinstance(schema, dict):
        inner = [value for key, value in schema.items() if key != "propertyNames"]
        return schema.get("pattern") in COLUMNS or any(map(_names_columns, inner))
    return isinstance(schema, list) and any(map(_names_columns, schema))


def _texts(value: Any) -> list[str]:
    """Texts in a value, at any depth; of a mapping those of its values."""
    if isinstance(value, dict | list):
        return [
            text for part in (value.values() if isinstance(value, dict) else value) for text in _texts(part)
        ]
    return [value] if isinstance(value, str) else []


def _check_asked(parameters: Parameters, node: Any, file: Path) -> list[str]:
    """A method that is asked for, and that the study's other parameters do not allow, stops the study."""
    lines = []
    sections = {name: type(getattr(parameters, name)).model_fields for name in Parameters.model_fields}
    fields = {name: (section, one) for section, named in sections.items() for name, one in named.items()}
    defaults = {name: one.get_default(call_default_factory=True) for name, (_, one) in fields.items()}
    for name, methods in needs.refused(parameters.flat(), defaults).items():
        section = fields[name][0]
        where = f"{_shown(file)}:{_line(node, [section, name])}"
        for why in dict.fromkeys(getattr(need, current()) for need in methods.values()):
            named = listed(m for m, need in methods.items() if getattr(need, current()) == why)
            lines.append(said("params.asked", where=where, key=f"{section}.{name}", methods=named, why=why))
    return lines


def _check_left_out(parameters: Parameters, node: Any, file: Path) -> list[str]:
    """An exhibit that is to be left out, and that no sheet declares, would be published under its right name."""
    if not parameters.publish.leave_out:
        return []
    lines = []
    sheet = [sheets.sheet(step.notebook) for step in chain.chain() if sheets.exists(step.notebook)]
    known = [f"{one.notebook[:2]}.{id}" for one in sheet for id in one.exhibits]
    parts = [f"{o.notebook[:2]}.{id}{sheets.PART}" for o in sheet for id, e in o.exhibits.items() if e.each]
    known += [f"{part}{table}" for part in parts for table in parameters.printed.tables]
    for position, name in enumerate(parameters.publish.leave_out):
        if name not in known:
            near = difflib.get_close_matches(name, known, 1, 0.5)
            hint = said("params.did_you_mean", near=near[0]) if near else ""
            where = f"{_shown(file)}:{_line(node, ['publish', 'leave_out', position])}"
            lines.append(said("params.no_exhibit", where=where, name=name, hint=hint))
    return lines


def _check_source(parameters: Parameters, file: Path) -> list[str]:
    """A source that cannot be found stops the study before a kernel starts."""
    lines = []
    if not _has_adapter(parameters, file):
        known = listed(sorted(p.stem for p in (paths.ROOT / "data" / "adapters").glob("*.yaml")))
        lines.append(
            said("params.no_adapter", file=_shown(file), adapter=parameters.panel.adapter, known=known)
        )
    named = parameters.panel.source
    lines += filter(None, (_no_source(one, file) for one in ([named] if isinstance(named, str) else named)))
    read = [] if lines else sources(parameters, file)
    if isinstance(read, list) and len(read) > 1 and parameters.panel.adapter is None:
        lines.append(said("params.folder_adapter", file=_shown(file), source=named, count=len(read)))
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
            return said("params.no_package", file=_shown(file), source=source, package=package)
        return ""
    place = paths.ROOT / resolve_source(source, file)
    if not os.path.exists(place):
        return said("params.no_source", file=_shown(file), source=source)
    empty = folder.is_many(place) and not folder.looked(place).tables
    return said("params.source_folder", file=_shown(file), source=source) if empty else ""


def placed(file: Path, *place: str) -> str:
    """Where a parameter stands: ``mine.yaml:12 effects.controls``."""
    return f"{_shown(file)}:{_line(_composed(_text(file)), list(place))} {'.'.join(place)}"


@lru_cache(maxsize=1)
def _composed(text: str) -> Any:
    """Nodes of a study's file; many findings ask for the same."""
    return yaml().compose(text)
