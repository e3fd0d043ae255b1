"""Find, read and check a study's file; every error names file, line, key, what was found and what is allowed."""

from __future__ import annotations

import copy
import difflib
import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from workbook import paths
from workbook.language import listed, said
from workbook.params import Parameters
from workbook.params.checks.columns import check_columns, check_expressions, contract_kinds, declare, naming
from workbook.params.checks.methods import check_asked, check_left_out, check_names, check_tables
from workbook.params.checks.places import (
    FILE_LISTS,
    FILES,
    FOLDERS,
    called,
    check_files,
    check_source,
    folders_said,
    outside_said,
    resolve_adapter,
    resolve_source,
    resolve_sources,
    sources,
)
from workbook.params.checks.refusals import Places, StudyError, explained, line_of, of_yaml, shown, text_of
from workbook.params.file import apart, forms
from workbook.params.file.core import yaml
from workbook.params.file.inherit import Inherited, inherited
from workbook.params.file.limits import LimitError, composed
from workbook.params.printed import resolved

ROUNDS = 12  # times that a file is read without what was wrong in it, to find the rest
NAME = re.compile(r"^[a-z0-9][a-z0-9_-]{0,59}$")


# Keys of tables that name columns.
TERMS = {"outcome", "treatments", "controls", "fixed_effects", "cluster", "weights", "iv", "split", "add", "swap", "show",
         "lat", "lon", "equal", "zero", "of", "free", "state", "proxy"}  # fmt: skip


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
    text = text_of(file)
    parameters = parse(text, file)
    whole = _whole(_read(text, file)[0] or {}, file)
    told = forms.read(whole.values)[1]
    return Study(
        file.stem,
        file,
        parameters,
        (
            *_upon(whole),
            *told,
            *_renamed(parameters),
            *folders_said(parameters, file),
            *outside_said(parameters, file),
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
        raise StudyError(said("params.no_study", file=shown(file)[:200], hint=hint, known=listed(known)))
    if not NAME.match(file.stem):
        raise StudyError(said("params.file_name", file=shown(file), stem=file.stem))
    home = paths.PARAMS / file.name
    if os.path.isfile(home) and not home.samefile(file):
        raise StudyError(said("params.name_taken", file=shown(file), stem=file.stem))
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
    return _stated(text_of(file), file)


def _stated(text: str, file: Path) -> tuple[dict[str, Any], Any]:
    values, node = _read(text, file)
    if values is None:
        values = {}
    if not isinstance(values, dict):
        raise StudyError(
            said(
                "params.no_sections",
                file=shown(file),
                sections=listed(Parameters.model_fields),
                kind=type(values).__name__,
            )
        )
    try:
        whole = _whole(values, file)
    except StudyError:
        raise
    except ValueError as error:
        raise StudyError(f"{shown(file)}: {error}") from None
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
        raise StudyError(f"{shown(file)}: {error}") from None
    parameters, faults, broken = _modelled(values, node, file)
    _default_ladder(parameters)
    faults += check_source(parameters, file)
    faults += check_files(parameters, file)
    faults += check_expressions(parameters, node, file, broken)
    declare(parameters, file)
    faults += check_columns(parameters, node, file, broken)
    faults += check_tables(parameters, node, file)
    faults += check_names(parameters, file)
    faults += check_asked(parameters, node, file)
    faults += check_left_out(parameters, node, file)
    if faults:
        raise StudyError(faults)
    return _apart(parameters)


def _apart(parameters: Parameters) -> Parameters:
    """The parameters with other names for the study's columns that are called like the workbook's own."""
    panel = parameters.panel
    contract = contract_kinds(computed=False)
    new = apart.renamed(
        [name for name in {**panel.extra_columns, **panel.columns} if name not in contract], contract
    )
    if not new:
        return parameters
    name, text = apart.column(new), apart.expression(new, panel.value_lists)
    values = parameters.model_dump(by_alias=True)
    for section, key in naming():
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


def _whole(values: dict[str, Any], file: Path) -> Inherited:
    """A study's values with those of its bases."""
    return inherited(values, file, lambda place: _read(text_of(place), place))


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
            faults += [explained(e, node, file) for e in error.errors()]
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
        node = composed(text)
        return None if node is None else yaml().constructor.construct_document(node), node
    except LimitError as error:
        raise StudyError(f"{shown(file)}:{error.line}: {error}") from None
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f"{shown(file)}:{mark.line + 1}" if mark else shown(file)
        raise StudyError(said("params.not_yaml", where=where, problem=of_yaml(error))) from None
    except (YAMLError, ValueError, RecursionError) as error:  # a number of 5,000 digits, a sign that is none
        problem = str(error).partition("\n")[0][:200]
        raise StudyError(said("params.not_yaml", where=shown(file), problem=problem)) from None


# -- errors ------------------------------------------------------------------------------------


def _default_ladder(parameters: Parameters) -> None:
    """Without the contract of enterprises the ladder that is not stated has no effects of industries and districts."""
    effects = parameters.effects
    if parameters.panel.contract == "minimal" and "fixed_effects" not in effects.model_fields_set:
        effects.fixed_effects = [["firm_id"], ["firm_id", "year"]]


def origins(file: Path) -> Iterator[tuple[int, str, Any, str]]:
    """What a study's file and its bases state, key by key.

    Parameters
    ----------
    file : Path
        The study's file.

    Yields
    ------
    tuple
        How deep a key is, the key, its value (None: mappings, whose keys come next) and where it stands (``mine.yaml:12``).
    """
    values, node = stated(file)

    def below(at: dict[str, Any], place: list[str]) -> Iterator[tuple[int, str, Any, str]]:
        for key, value in at.items():
            here, inner = [*place, str(key)], isinstance(value, dict) and bool(value)
            line = str(line_of(node, list(here)))
            origin = line[line.index("(") + 1 : -1] if "(" in line else f"{file.name}:{line}"
            yield len(place), str(key), None if inner else value, "" if inner else origin
            if inner:
                yield from below(value, here)

    yield from below(values, [])
