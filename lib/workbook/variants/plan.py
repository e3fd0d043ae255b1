"""What the variants of a study are: values of parameters, their combinations, each checked before anything runs."""

from __future__ import annotations

import copy
import difflib
import itertools
import math
import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pandas as pd

from workbook.expressions.columns import masks
from workbook.expressions.errors import ExpressionError
from workbook.language import listed, said
from workbook.params import Parameters
from workbook.params.checks.refusals import StudyError, placed
from workbook.params.file import forms
from workbook.params.load import Study, checked, stated
from workbook.params.panel import labels

MOST, DEEPEST = 500, 12  # variants of a study, and parameters that vary
LONGEST = 60  # characters of a name
AS_STATED = "as stated | 原设定"
# Sections whose parameters change no number; of `study` the seed alone does.
FIXED = ("grid", "audit", "publish", "base")
HERE = ("grid", "vary")


@dataclass(frozen=True)
class Level:
    """A value of a parameter; ``stated`` where it is what the study's file has."""

    name: str
    en: str
    zh: str
    value: Any
    stated: bool = False


@dataclass(frozen=True)
class Variant:
    """One variant: its number (0 = the study as its file states it, where no combination is that), levels, parameters."""

    number: int
    levels: dict[str, Level]
    study: Study

    def label(self, called: dict[str, dict[str, str]], language: str) -> str:
        """What distinguishes it, in words of a language."""
        colon, stop = (": ", "; ") if language == "en" else ("：", "；")
        words = (f"{called[n][language]}{colon}{getattr(one, language)}" for n, one in self.levels.items())
        return stop.join(words)

    @property
    def stated(self) -> bool:
        """Whether it is the study as its file states it."""
        return all(one.stated for one in self.levels.values())


@dataclass(frozen=True)
class Spread:
    """All variants of a study, and the combination from which moves are counted."""

    variants: list[Variant]
    called: dict[str, dict[str, str]]
    reference: int


def spread(study: Study) -> Spread:
    """The variants that a study's file states, each checked.

    Raises
    ------
    StudyError
        With everything that is wrong, before anything runs: a parameter that there is not, a list without values,
        two values of one name, a value or a combination that the model refuses, too many variants.
    """
    values, node = stated(study.file)
    values = {key: value for key, value in values.items() if key != "grid"}
    faults, levels = list[str](), dict[str, list[Level]]()
    if not study.parameters.grid.vary:
        raise StudyError(said("variants.none", file=placed(study.file, "grid")))
    if len(study.parameters.grid.vary) > DEEPEST:
        raise StudyError(
            said(
                "variants.many_parameters",
                where=_at(study),
                count=len(study.parameters.grid.vary),
                most=DEEPEST,
            )
        )
    for path, given in study.parameters.grid.vary.items():
        wrong = _no_parameter(path, values)
        if wrong:
            faults.append(said("variants.at", where=_at(study, path), told=wrong))
            continue
        found, told = _levels(given)
        faults += [said("variants.at", where=_at(study, path), told=one) for one in told]
        levels[path] = [_held(study, values, node, path, one, faults) for one in found]
    if faults:
        raise StudyError(faults)
    combinations = _combinations(study, levels)
    made = _made(study, values, node, combinations)
    return Spread(made, _called(study), _reference(made))


def changed(values: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    """A study's plain values with another value at one place; ``None`` takes away what is there.

    Raises
    ------
    KeyError
        When a list on the way has no such place, or something on the way holds nothing.
    """
    found = copy.copy(values)
    held: Any = found
    *way, last = _way(path, values)
    for part in way:
        key = _key(held, part)
        inside = held[key] if isinstance(held, list) else held.get(key)
        inside = {} if inside is None else copy.copy(inside)
        if not isinstance(inside, dict | list):
            raise KeyError(part)
        held[key] = inside
        held = inside
    key = _key(held, last)
    if value is None and isinstance(held, dict):
        held.pop(key, None)
    else:
        held[key] = copy.deepcopy(value)
    return found


# -- inside ------------------------------------------------------------------------------------


def _at(study: Study, *place: str) -> str:
    return placed(study.file, *HERE, *place)


def _way(path: str, values: dict[str, Any]) -> list[str]:
    """A parameter's place in a file as it is written: ``panel.columns`` stands at the top where the file has it there."""
    parts = path.split(".")
    for top, home in forms.TOP.items():
        if tuple(parts[:2]) == home and home[1] not in (values.get(home[0]) or {}):
            return [top, *parts[2:]]
        if parts[0] == top and top not in values and home[1] in (values.get(home[0]) or {}):
            return [*home, *parts[1:]]
    return parts


def _key(held: Any, part: str) -> Any:
    """A key of a mapping, or the place in a list, which counts from 1."""
    if not isinstance(held, list):
        return part
    if not part.isdigit() or not 1 <= int(part) <= len(held):
        raise KeyError(part)
    return int(part) - 1


def _no_parameter(path: str, values: dict[str, Any]) -> str:
    """Why a parameter cannot vary; empty if it can."""
    parts = path.split(".")
    sections = {name: set(one.annotation.model_fields) for name, one in Parameters.model_fields.items()}  # type: ignore[union-attr]
    known = [f"{section}.{name}" for section, names in sections.items() for name in names]
    if parts[0] in FIXED or (parts[0] == "study" and parts[1:] != ["seed"]):
        return said("variants.fixed", path=path)
    if parts[0] in forms.TOP:
        there = values.get(parts[0]) or (values.get(forms.TOP[parts[0]][0]) or {}).get(forms.TOP[parts[0]][1])
        if len(parts) > 1 and isinstance(there, dict) and parts[1] not in there:
            near = difflib.get_close_matches(parts[1], map(str, there), 1, 0.5)
            return said(
                "variants.no_name", key=parts[0], name=parts[1], hint=_hint(near), known=listed(there)
            )
        return "" if len(parts) > 1 or parts[0] == "where" else said("variants.whole", path=path)
    home = next((s for s, names in sections.items() if path in names), None)
    if home:
        return said("variants.belongs", path=path, home=f"{home}.{path}")
    if len(parts) < 2 or parts[1] not in sections.get(parts[0], ()):
        near = difflib.get_close_matches(".".join(parts[:2]), [*known, *forms.TOP], 1, 0.5)
        return said("variants.no_parameter", path=path, hint=_hint(near))
    return ""


def _hint(near: list[str]) -> str:
    return said("params.did_you_mean", near=near[0]) if near else ""


def _levels(given: list[Any] | dict[str, Any]) -> tuple[list[Level], list[str]]:
    """Values with their names, and what is wrong with them."""
    if not given:
        return [], [said("variants.empty")]
    if isinstance(given, dict):
        pairs = [(str(name), value) for name, value in given.items()]
    elif any(isinstance(value, dict) for value in given):
        return [], [said("variants.nameless")]
    else:
        pairs = [(_text(value), value) for value in given]
    found, told = [], []
    for name, value in pairs:
        en, zh, _ = labels(name)
        found.append(Level((en or zh or name)[:LONGEST], en or zh or name, zh or en or name, value))
    names = [one.name for one in found]
    for name in dict.fromkeys(n for n in names if names.count(n) > 1):
        told.append(said("variants.twice", name=name))
    return found, told


def _text(value: Any) -> str:
    """What a value without a name is called."""
    if value is None:
        return "none | 无"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return " + ".join(map(_text, value)) or "none | 无"
    return str(value)


def _held(
    study: Study, values: dict[str, Any], node: Any, path: str, level: Level, faults: list[str]
) -> Level:
    """A level that the model allows, and whether it is what the study states; what is refused is told of."""
    try:
        parameters = checked(changed(values, path, level.value), node, study.file)
    except KeyError as error:
        told = said("variants.no_place", path=path, part=error.args[0])
    except StudyError as error:
        told = said("variants.refused", name=level.name, told=" ".join(error.lines)[:300])
    else:
        same = _numbers(Study(study.name, study.file, parameters)) == _numbers(study)
        return Level(level.name, level.en, level.zh, level.value, same)
    faults.append(said("variants.at", where=_at(study, path), told=told))
    return level


def _numbers(study: Study) -> dict[str, Any]:
    """All that a study's numbers depend on, nothing inherited any more: what is stated twice is the same."""
    flat, apart = study.flat, Parameters.model_fields["grid"].annotation.model_fields  # type: ignore[union-attr]
    return {name: value for name, value in flat.items() if name not in apart}


def _combinations(study: Study, levels: dict[str, list[Level]]) -> list[dict[str, Level]]:
    """Combinations by the design, without those that are left out."""
    size = math.prod(map(len, levels.values()))
    if study.parameters.grid.design == "one_at_a_time":
        first = {path: next((x for x in of if x.stated), of[0]) for path, of in levels.items()}
        found = [first]
        found += [{**first, path: one} for path, of in levels.items() for one in of if one != first[path]]
    elif study.parameters.grid.design == "sample" and size > study.parameters.grid.draws:
        drawn = random.Random(study.parameters.study.seed).sample(range(size), study.parameters.grid.draws)
        found = [_nth(levels, number) for number in sorted(drawn)]
    elif size > (100 * MOST if study.parameters.grid.without else MOST):
        raise StudyError(said("variants.too_many", where=_at(study), count=size, most=MOST))
    else:
        found = [dict(zip(levels, of, strict=True)) for of in itertools.product(*levels.values())]
    kept = list(_kept(study, found))
    if len(kept) > MOST:
        raise StudyError(said("variants.too_many", where=_at(study), count=len(kept), most=MOST))
    if not kept:
        raise StudyError(said("variants.nothing_left", where=placed(study.file, "grid", "without")))
    return kept


def _nth(levels: dict[str, list[Level]], number: int) -> dict[str, Level]:
    """A combination by its number in the product."""
    found = {}
    for path, of in reversed(levels.items()):
        number, at = divmod(number, len(of))
        found[path] = of[at]
    return {path: found[path] for path in levels}


def _kept(study: Study, found: list[dict[str, Level]]) -> Iterator[dict[str, Level]]:
    """Combinations that meet none of the conditions of ``without``."""
    conditions = {str(number): text for number, text in enumerate(study.parameters.grid.without)}
    rows = pd.DataFrame([{_plain(path): one.name for path, one in of.items()} for of in found])
    try:
        out, absent = masks(rows, conditions, {})
    except ExpressionError as error:
        absent = {"": str(error)}
    if absent:
        told = "; ".join(absent.values())
        raise StudyError(said("variants.at", where=placed(study.file, "grid", "without"), told=told))
    for number, one in enumerate(found):
        if not any(mask[number] for mask in out.values()):
            yield one


def _plain(path: str) -> str:
    """A parameter's name as conditions write it."""
    return path.replace(".", "_").lower()


def _made(
    study: Study, values: dict[str, Any], node: Any, combinations: list[dict[str, Level]]
) -> list[Variant]:
    """Variants with their parameters; the study as it is stated is one of them."""
    made, faults = [], []
    for number, levels in enumerate(combinations, 1):
        own = values
        for path, level in levels.items():
            own = changed(own, path, level.value)
        try:
            parameters = checked(own, node, study.file)
            made.append(Variant(number, levels, Study(study.name, study.file, parameters)))
        except StudyError as error:
            names = listed(f"{path} = {level.name}" for path, level in levels.items())
            told = said("variants.combination", names=names, told=" ".join(error.lines)[:300])
            faults.append(said("variants.at", where=_at(study), told=told))
    if faults:
        raise StudyError(faults)
    if not any(one.stated for one in made):
        en, zh, _ = labels(AS_STATED)
        own_levels = {path: Level(en, en, zh, None, stated=True) for path in combinations[0]}
        made.insert(0, Variant(0, own_levels, study))
    return made


def _reference(made: list[Variant]) -> int:
    """The combination from which moves are counted: as stated, else the first."""
    inside = [one for one in made if one.number]
    return next((one.number for one in inside if one.stated), inside[0].number)


def _called(study: Study) -> dict[str, dict[str, str]]:
    """What parameters are called."""
    found = {}
    for path in study.parameters.grid.vary:
        en, zh, _ = labels(study.parameters.grid.called.get(path, path))
        found[path] = {"en": en or zh or path, "zh": zh or en or path}
    return found
