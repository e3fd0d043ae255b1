"""Short and older forms of a study's file become the model's.

``columns lists samples where`` may stand at the top of the file, and a term of a regression may be an expression. What
the version before wrote (``panel.derive``, conditions as pandas reads them) is read, and the new line is said.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from itertools import pairwise
from typing import Any

from workbook.expressions.errors import ExpressionError
from workbook.expressions.reading import parse
from workbook.language import said
from workbook.params.base import NAMED
from workbook.params.file import event, levels
from workbook.params.panel import languages

# At the top of the file: section and name that the model has for it.
TOP = {
    "columns": ("panel", "columns"),
    "lists": ("panel", "value_lists"),
    "samples": ("panel", "samples"),
    "where": ("panel", "where"),
    "tables": ("printed", "tables"),
    "names": ("printed", "names"),
}
# Parameters that name terms: each may be an expression.
TERMS = {
    "effects": ("outcome", "other_outcomes", "treatments", "controls"),
    "description": ("covariates",),
}
SPOKEN = ("title", "question", "estimand", "data")  # of `study`: English | 中文
LANGUAGES = ("en", "zh")
IN_TABLES = (
    "outcome", "treatments", "controls", "add", "steps", "weights", "show", "equal", "zero", "of", "free", "state", "proxy",
)  # fmt: skip
LEVELS = ("treatments", "controls", "add", "steps", "show", "zero", "of")
# Where else expressions stand, that YAML may have cut.
CUT = (("robustness", "exclusions"), *((section, name) for section, names in TERMS.items() for name in names))
PLAIN = re.compile(rf"{NAMED}|^\.\.\.$")
BEFORE: dict[str, Callable[[list[str]], str]] = {
    "log": lambda of: f"log({of[0]})",
    "log1p": lambda of: f"log1p({of[0]})",
    "lag": lambda of: f"lag({of[0]})",
    "growth": lambda of: f"dlog({of[0]})",
    "difference": lambda of: f"diff({of[0]})",
    "ratio": lambda of: " / ".join(of),
    "log_ratio": lambda of: f"log_ratio({', '.join(of)})",
    "sum": " + ".join,
    "product": " * ".join,
    "post": lambda of: f"since({of[0]})",
}
# pandas: ours, outside texts in quotes.
PANDAS = {r"&&?": " and ", r"\|\|?": " or ", r"~": " not ", r"\[": "(", r"\]": ")", "'": '"'}


def read(values: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """A study's values in the forms of the model, and what is said of older ones.

    Parameters
    ----------
    values : dict
        As YAML has them; not changed.
    """
    told: list[str] = []
    values = spoken(values)
    found = {k: dict(v) if isinstance(v, dict) else v for k, v in values.items() if k not in TOP}
    panel = found.setdefault("panel", {})
    if not isinstance(panel, dict):
        return values, told
    for key, (section, home) in TOP.items():
        if key in values:
            place = found.setdefault(section, {})
            if not isinstance(place, dict) or home in place:
                raise ValueError(said("params.rule.twice", key=key))
            place[home] = values[key]
    for place in (*TOP.values(), *CUT):
        _whole(_named(found, place))
    _derived(panel, told)
    _conditions(found, told)
    _terms(found, panel)
    tables = _named(found, TOP["tables"])
    if isinstance(tables, dict):
        found["printed"] = {**found["printed"], "tables": _of_tables(tables, panel)}
    return found, told


def _named(found: dict[str, Any], place: tuple[str, str]) -> Any:
    section = found.get(place[0])
    return section.get(place[1]) if isinstance(section, dict) else None


def spoken(values: dict[str, Any]) -> dict[str, Any]:
    """``study.title: English | 中文`` as the texts of both languages; one part alone stands in both."""
    study = values.get("study")
    if not isinstance(study, dict):
        return values
    short = [name for name in SPOKEN if isinstance(study.get(name), str)]
    if not short:
        return values
    found = {key: value for key, value in study.items() if key not in short}
    for name in short:
        parts = dict(zip(LANGUAGES, languages(study[name]), strict=True))
        told = next(filter(None, parts.values()), "")
        found |= {f"{name}_{language}": text or told for language, text in parts.items()}
    return {**values, "study": found}


def short_of(key: str) -> str:
    """The one-line key of a text of one language: ``study.title`` of ``study.title_en``."""
    stem = key.rsplit("_", 1)[0]
    return stem if stem in {f"study.{name}" for name in SPOKEN} else key


def _derived(panel: dict[str, Any], told: list[str]) -> None:
    """``derive: [{name, of, how}]`` as columns."""
    older = panel.pop("derive", None)
    if not isinstance(older, list):
        return
    given = panel.get("columns")
    columns = dict(given) if isinstance(given, dict) else {}
    for line in older:
        if not _older(line):
            raise ValueError(said("params.rule.derive", line=str(line)[:200]))
        text = BEFORE[line["how"]](line["of"])
        kept = {key: value for key, value in line.items() if key not in ("name", "of", "how")}
        columns[line["name"]] = {"is": text, **kept}
        told.append(said("params.older.derive", name=line["name"], text=text))
    panel["columns"] = columns


def _older(line: Any) -> bool:
    """Whether it is a line of ``derive``."""
    if not isinstance(line, dict) or not all(isinstance(line.get(key), str) for key in ("name", "how")):
        return False
    of = line.get("of")
    return line["how"] in BEFORE and isinstance(of, list) and bool(of) and all(isinstance(n, str) for n in of)


def _whole(values: Any) -> None:
    """Refuse what YAML cut at a comma: within braces and brackets an expression that has one is quoted."""
    if isinstance(values, dict):
        below = list(values.values())
        pairs = [
            (value, key) for value, key in zip(below, [*values][1:], strict=False) if values[key] is None
        ]
    elif isinstance(values, list):
        below = values
        pairs = [(value, rest) for value, rest in pairwise(values) if isinstance(rest, str | int | float)]
    else:
        return
    cut = next((pair for pair in pairs if _open(pair[0])), None)
    if cut:
        raise ValueError(said("params.rule.braces", cut=str(cut[0])[:200], rest=str(cut[1])[:200]))
    for value in below:
        _whole(value)


def _open(value: Any) -> bool:
    return isinstance(value, str) and value.count("(") > value.count(")")


def _conditions(found: dict[str, Any], told: list[str]) -> None:
    """Conditions as pandas reads them, where they can be written here."""
    section = found.get("robustness")
    older = section.get("exclusions") if isinstance(section, dict) else None
    if not isinstance(older, dict):
        return
    new = dict(older)
    for name, text in older.items():
        if isinstance(text, str) and (better := translated(text)) is not None:
            new[name] = better
            told.append(said("params.older.condition", name=name, text=better))
    found["robustness"] = {**section, "exclusions": new}  # type: ignore[dict-item]


def translated(text: str) -> str | None:
    """A condition that pandas reads, as it is written here; None where it is so already, or cannot be."""
    try:
        parse(text)
        return None
    except ExpressionError:
        parts = re.split(r'("[^"]*")', text)
        for pattern, ours in PANDAS.items():
            parts[::2] = [re.sub(pattern, ours, part) for part in parts[::2]]
        better = " ".join("".join(parts).split())
    try:
        parse(better)
    except ExpressionError:
        return None
    return better


def _terms(found: dict[str, Any], panel: dict[str, Any]) -> None:
    """A term that is no name becomes a column of the study."""
    for section, names in TERMS.items():
        values = found.get(section)
        if not isinstance(values, dict):
            continue
        for name in names:
            given = values.get(name)
            if isinstance(given, str):
                values[name] = _term(given, panel)
                if name not in ("outcome",):
                    values[name] = [values[name]]
            elif isinstance(given, list):
                values[name] = [_term(one, panel) if isinstance(one, str) else one for one in given]


def _of_tables(value: Any, panel: dict[str, Any], key: str = "") -> Any:
    """A part of ``tables:`` whose terms are names."""
    if isinstance(value, dict):
        if key == "swap":
            return {_term(str(k), panel): _of_tables(v, panel, "outcome") for k, v in value.items()}
        if key == "iv":
            return {_term(str(k), panel): _of_tables(v, panel, "controls") for k, v in value.items()}
        return {k: _of_tables(v, panel, k) for k, v in value.items()}
    if isinstance(value, list):
        made = [_of_tables(one, panel, key) for one in value]
        # The years of an event take its place among the terms.
        years = [
            key != "steps" and isinstance(one, str) and isinstance(new, list)
            for one, new in zip(value, made, strict=True)
        ]
        return [
            term for new, several in zip(made, years, strict=True) for term in (new if several else [new])
        ]
    if key not in IN_TABLES or not isinstance(value, str):
        return value
    if key in LEVELS and (of_levels := levels.term(value)) is not None:
        return of_levels
    if (of_years := event.columns(value)) is not None:
        panel["columns"] = {**of_years, **(panel.get("columns") or {})}
        return [*of_years]
    return _term(value, panel)


def _term(text: str, panel: dict[str, Any]) -> str:
    if PLAIN.match(text):
        return text
    words = re.sub(r"[^a-z0-9]+", "_", text.lower()).strip("_")[:40]
    # Texts that differ in signs alone, or hold no Latin letter, differ in their mark.
    mark = hashlib.sha256(text.encode()).hexdigest()[:4]
    plain = words if PLAIN.match(words) and re.fullmatch(r"\w+", text) and text.isascii() else ""
    name = plain or f"x_{words}_{mark}".replace("__", "_")
    columns = panel.get("columns") or {}
    if isinstance(columns, dict) and name not in columns:
        panel["columns"] = {**columns, name: {"is": text}}
    return name
