"""The study's file and the adapter beside it, as texts: only what differs from the defaults, and why."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from fusion.classification.editions import CURRENT
from fusion.classification.enterprises import doubts
from fusion.language import LANGUAGES, listed, told
from fusion.start.look import NOTES, TOTALS, Seen, role
from fusion.start.roles import LABELS, Roles


def adapter(roles: Roles, name: str, language: str) -> str:
    """The adapter's file."""
    lines = [f"# {told(language, 'start.adapter_head')}", f"adapter: {name}"]
    if roles.enterprise:
        lines.append(f"based_on: {roles.looked.adapter}")
    else:
        lines += ["firm_id: {as_written: true}"] if not roles.unit.is_number else []
        lines += [f"totals: {_list(TOTALS)}", f"footers: {_list(NOTES)}"]
    looked = roles.looked
    lines += ["combine: join"] if looked.joined else []
    lines += ["wide: true"] if looked.years_by == "wide" else []
    lines += [f"year_of: [{looked.years_by}]"] if looked.years_by not in ("", "wide") else []
    lines += ["decimal: comma"] if looked.comma else []
    lines += [f"sheet: {_text(looked.sheet)}"] if looked.sheet else []
    lines.append("columns:")
    own = {} if roles.enterprise and roles.unit.column else {"firm_id": roles.unit}
    own |= {} if (roles.enterprise and roles.year.column) or looked.years_by else {"year": roles.year}
    own |= {k: s for k, s in (("firm_id", roles.unit), ("year", roles.year)) if s.header in looked.also}
    rules = own | _found(roles) | roles.used
    lines += [f"  {n}: {_rule(n, seen, looked.also.get(seen.header, []))}" for n, seen in rules.items()]
    return "\n".join([*lines, *(["  {}"] if lines[-1] == "columns:" else [])]) + "\n"


def study(roles: Roles, files: list[str], adapter_file: str, language: str) -> str:
    """The study's file; comments in the language of who asks."""
    years = roles.year.stated
    named = listed(Path(name).name for name in files)
    lines = [
        f"# {told(language, 'start.study_head', files=named)}",
        *(f"# {told(language, f'start.note_{key}', **values)}" for key, values in roles.notes),
        *_left(roles, language),
        "study:",
        *(f"  title_{lang}: {_text(told(lang, 'start.title', files=named))}" for lang in LANGUAGES),
        *(f"  data_{lang}: {_text(told(lang, 'start.data', files=named))}" for lang in LANGUAGES),
        "panel:",
        f"  source: {_text(files[0]) if len(files) == 1 else _list(files)}",
        f"  adapter: {_text(adapter_file)}",
        "  contract: minimal",
        "  on_violation: set_aside",
        f"  first_year: {int(years.min())}",
        f"  last_year: {int(years.max())}",
        *([f"  unit: {_text(f'{roles.word.en} | {roles.word.zh}')}"] if roles.word else []),
        *_edition(roles, int(years.min()), language),
        *_extra(roles),
        *_columns(roles),
        *_effects(roles),
    ]
    return "\n".join(lines) + "\n"


# -- parts -------------------------------------------------------------------------------------
def _found(roles: Roles) -> dict[str, Seen]:
    """Contract's columns whose header no built-in adapter knows."""
    return {c.name: c for c in roles.looked.columns if c.column == c.name and c.concluded}


def _rule(name: str, seen: Seen, also: list[str]) -> str:
    parts = [f"aliases: {_list([seen.header, *also])}"]
    parts += ["take: year"] if name == "year" else []
    parts += ["take: first_6"] if name == "district" else []
    worded = seen.in_words if name not in ("firm_id", "year") else {}
    if worded:
        parts.append("values: {" + ", ".join(f"{_text(k)}: {_text(v)}" for k, v in worded.items()) + "}")
    return "{" + ", ".join(parts) + "}"


def _extra(roles: Roles) -> Iterator[str]:
    if roles.used:
        yield "  extra_columns:"
    for name, seen in roles.used.items():
        label, unit = _called(seen)
        kind = "int, minimum: 0, maximum: 1" if seen.is_truth else "float" if seen.is_number else "str"
        kind = "str" if role(seen.key, "unit", True) else kind
        kind = "int" if seen.is_year and seen.is_number else kind
        stated = f", unit: {_text(unit)}" if unit else ""
        yield f"    {name}: {{label_en: {_text(label)}, label_zh: {_text(label)}, type: {kind}{stated}}}"


def _called(seen: Seen) -> tuple[str, str]:
    """What a column is called, and its unit as its header writes it."""
    label = (seen.label or seen.header).replace("|", "/")
    bracket = re.search(r"\s*[(（\[]([^()（）\[\]]*)[)）\]]\s*$", label)
    if seen.unit and bracket and bracket.start():
        return label[: bracket.start()], bracket[1]
    return label, seen.unit


def _columns(roles: Roles) -> Iterator[str]:
    if roles.made:
        yield "columns:"
    for name, text in roles.made.items():
        label = LABELS.get(name) or _label(roles, name, text)
        yield f"  {name}: {{is: {_text(text)}, name: {_text(label)}}}"


def _label(roles: Roles, name: str, text: str) -> str:
    """What a made column is called, of the header of the one that it is made of."""
    of = next((_called(seen)[0] for own, seen in roles.used.items() if own in text), name)
    en, zh = (told(lang, f"start.made_{text.split('(')[0]}", of=of.replace("|", "/")) for lang in LANGUAGES)
    return f"{en} | {zh}"


def _effects(roles: Roles) -> Iterator[str]:
    told_of = [*([f"  start_column: {roles.start}"] if roles.start else [])]
    told_of += [f"  covariates: {_list(roles.controls)}"] if roles.controls else []
    if told_of:
        yield "description:"
        yield from told_of
    if not (roles.outcome and roles.treatment):
        return
    yield "effects:"
    yield f"  outcome: {roles.outcome}"
    yield f"  treatments: [{roles.treatment}]"
    yield from [f"  controls: {_list(roles.controls)}"] if roles.controls else []
    steps = ["[firm_id]", "[firm_id, year]"]
    steps += ["[firm_id, division*year]"] if roles.enterprise and _has(roles, "ind4") else []
    yield f"  fixed_effects: [{', '.join(steps)}]"
    yield from [f"  cluster: {roles.cluster}"] if roles.cluster else []


def _has(roles: Roles, column: str) -> bool:
    return any(c.column == column for c in roles.looked.columns)


def _edition(roles: Roles, first: int, language: str) -> Iterator[str]:
    """The edition of the codes where one has them all and that of the years has not."""
    held = next((c for c in roles.looked.columns if roles.enterprise and c.column == "ind4"), None)
    if held is None or _has(roles, "class_version"):
        return
    years = pd.to_numeric(roles.year.cells.str[:4], errors="coerce")
    counts = pd.DataFrame({"written": held.cells, "version": CURRENT, "year": years}).dropna()
    counts = (
        counts.groupby(["written", "version", "year"], as_index=False)
        .size()
        .rename(columns={"size": "cells"})
    )
    for row in doubts(counts).to_dict("records"):
        yield f"  # {told(language, 'start.edition', **row)}"
        yield f'  editions: {{{first}: "{row["best"]}"}}'


def _left(roles: Roles, language: str) -> Iterator[str]:
    """Headers that the study does not use, with what they may be."""
    used = {id(seen) for seen in roles.used.values()}
    keys = {id(roles.unit), id(roles.year)}
    left = [
        c
        for c in roles.looked.columns
        if id(c) not in used | keys and not (c.column == c.name and (roles.enterprise or c.concluded))
    ]
    if left:
        shown = listed(c.header for c in left[:20])
        yield f"# {told(language, 'start.left', count=len(left), headers=shown)}"


def _text(value: str) -> str:
    """A YAML scalar: plain where it is a simple word, else as JSON writes it, which YAML reads."""
    plain = value.isascii() and value.replace("_", "").isalnum() and value[:1].isalpha()
    kept = plain and value.lower() not in ("yes", "no", "true", "false", "null", "on", "off", "y", "n")
    return value if kept else json.dumps(value, ensure_ascii=False)


def _list(values: list[str] | tuple[str, ...]) -> str:
    return f"[{', '.join(_text(v) for v in values)}]"
