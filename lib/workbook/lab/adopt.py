"""Parameters that were changed in notebooks by hand, written down as a study of their own upon the one they were changed from."""

from __future__ import annotations

import difflib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workbook import files
from workbook.language import listed, said
from workbook.params import Parameters
from workbook.params.checks.refusals import StudyError
from workbook.params.file.inherit import BASE
from workbook.params.generate import literals, parameters_cell
from workbook.params.load import NAME, Study, load

STUDY = "study"


class AdoptError(ValueError):
    """A notebook's parameters cannot become a study; the message says where and how to mend it."""


@dataclass(frozen=True)
class Adopted:
    """A study that was written.

    Parameters
    ----------
    file : Path
        Its file.
    base : str
        Name of the study that it stands upon.
    changed : dict
        What it says otherwise, by parameter.
    """

    file: Path
    base: str
    changed: dict[str, Any]


def adopt(notebooks: Sequence[Path], name: str = "") -> Adopted:
    """Write what the parameters cells of notebooks say beyond their study as a study upon it.

    Parameters
    ----------
    notebooks : sequence of Path
        Notebooks whose parameters cells were changed; all name the same study.
    name : str
        Of the new study; ``<base>_mine`` if empty.

    Returns
    -------
    Adopted
        The new file lies beside the study's, so that files which that names are found.

    Raises
    ------
    AdoptError
        When a cell cannot be read, two notebooks disagree, nothing was changed, the file is there already, or the study
        would be refused; nothing is written then.
    StudyError
        When the study that the notebooks name cannot be used.
    """
    cells = {place: _cell(place) for place in notebooks}
    base = load(_one_study(cells))
    changed: dict[str, Any] = {}
    for place, values in cells.items():
        for key, value in _beyond(place, values, base).items():
            if key in changed and changed[key] != value:
                raise AdoptError(
                    said("lab.disagree", file=place.name, key=key, a=_shown(changed[key]), b=_shown(value))
                )
            changed[key] = value
    if not changed:
        raise AdoptError(said("lab.nothing", study=base.name, files=listed([p.name for p in cells])))
    file = base.file.with_name(f"{named(name or f'{base.name}_mine')}.yaml")
    if file.exists():
        raise AdoptError(said("lab.there", file=file.name))
    files.write_atomic(file, upon(base, changed, listed([place.name for place in cells])))
    try:
        made = load(str(file)).flat
        lost = [key for key, value in changed.items() if plain(made[key]) != value]
        if lost:
            raise AdoptError(said("lab.lost", keys=listed(lost)))
    except BaseException:
        file.unlink()
        raise
    return Adopted(file, base.name, changed)


# -- inside ------------------------------------------------------------------------------------------
def _cell(place: Path) -> dict[str, Any]:
    """Values of a notebook's parameters cell."""
    try:
        content = json.loads(place.read_text(encoding="utf-8"))
        return {key: plain(value) for key, value in literals(parameters_cell(content)).items()}
    except OSError as error:
        raise AdoptError(said("lab.no_file", file=str(place), why=error.strerror or error)) from None
    except (ValueError, SyntaxError, KeyError, TypeError, StopIteration) as error:
        why = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise AdoptError(said("lab.no_cell", file=place.name, why=why)) from None


def _one_study(cells: Mapping[Path, Mapping[str, Any]]) -> str:
    named = {place.name: str(values.get(STUDY, "")) for place, values in cells.items()}
    if len(set(named.values())) > 1 or not all(named.values()):
        told = [f"{place}: {study or '–'}" for place, study in named.items()]
        raise AdoptError(said("lab.studies", named=listed(told)))
    return next(iter(named.values()))


def _beyond(place: Path, values: Mapping[str, Any], base: Study) -> dict[str, Any]:
    """What a cell says otherwise than the study; a name that is no parameter is refused with the nearest."""
    known = {key: plain(value) for key, value in base.flat.items()}
    for key in values:
        if key not in known:
            near = difflib.get_close_matches(key, known, 1, 0.5)
            hint = said("lab.near", near=near[0]) if near else ""
            raise AdoptError(said("lab.unknown", file=place.name, key=key, hint=hint))
    return {key: value for key, value in values.items() if key != STUDY and value != known[key]}


def named(name: str) -> str:
    """A study's name, if it can be one."""
    if not NAME.match(name):
        raise AdoptError(said("lab.name", name=name[:60]))
    return name


def upon(base: Study, changed: Mapping[str, Any], comment: str) -> str:
    """A study's file: its base, and what it says otherwise by section. JSON is YAML, with every text quoted."""
    lines = [f"# {comment}", f"{BASE}: {base.file.name}"]
    for section, field in Parameters.model_fields.items():
        inner: Any = field.annotation
        own = [key for key in inner.model_fields if key in changed]
        if own:
            lines += [f"{section}:", *(f"  {key}: {_shown(changed[key])}" for key in own)]
    return "\n".join(lines) + "\n"


def plain(value: Any) -> Any:
    """A value as JSON has it, so that lists and tuples of the same are the same."""
    return json.loads(json.dumps(value, default=str))


def _shown(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


__all__ = ["AdoptError", "Adopted", "StudyError", "adopt"]
