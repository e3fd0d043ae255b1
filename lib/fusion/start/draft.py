"""The study's file and the adapter beside it, as texts: only what differs from the defaults, and why."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from fusion.adapters import wide
from fusion.adapters.model import load
from fusion.classification.enterprises import doubts
from fusion.language import COMMA, LANGUAGES, listed, told
from fusion.panel import codes
from fusion.panel.contract import contract
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
    # A built-in adapter that looks for years itself does so file by file.
    own_years = roles.enterprise and bool(load(looked.adapter).year_of)
    lines += (
        [f"year_of: [{looked.years_by}]"] if looked.years_by not in ("", "wide") and not own_years else []
    )
    if looked.spread is not None:
        parts = looked.spread.model_dump(exclude_none=True)
        shown = {k: _list(v) if isinstance(v, list) else _text(v) for k, v in parts.items()}
        lines.append(f"spread: {{{', '.join(f'{k}: {v}' for k, v in shown.items())}}}")
    lines += ["decimal: comma"] if looked.comma else []
    lines += [f"sheet: {_text(looked.sheet)}"] if looked.sheet else []
    files = {seen.of_file: name for name, seen in roles.used.items() if seen.of_file}
    lines += ["files:"] if files else []
    lines += [
        f"  - {{match: {_text(file)}, aliases: {{{name}: [{wide.ALONE}]}}}}" for file, name in files.items()
    ]
    lines.append("columns:")
    own = {} if roles.enterprise and roles.unit.column else {"firm_id": roles.unit}
    own |= {} if (roles.enterprise and roles.year.column) or looked.years_by else {"year": roles.year}
    own |= {k: s for k, s in (("firm_id", roles.unit), ("year", roles.year)) if s.header in looked.also}
    rules = own | _found(roles) | roles.used
    lines += [f"  {n}: {_rule(n, seen, looked.also.get(seen.header, []))}" for n, seen in rules.items()]
    return _written([*lines, *(["  {}"] if lines[-1] == "columns:" else [])])


def study(roles: Roles, files: list[str], adapter_file: str, language: str) -> str:
    """The study's file; comments in the language of who asks."""
    years = roles.year.stated
    named = shortly([Path(name).name for name in files], language)
    titled = {lang: shortly([Path(name).name for name in files], lang) for lang in LANGUAGES}
    lines = [
        f"# {told(language, 'start.study_head', files=named)}",
        *(f"# {told(language, f'start.note_{key}', **values)}" for key, values in roles.notes),
        *_left(roles, language),
        "study:",
        *(f"  title_{lang}: {_text(told(lang, 'start.title', files=titled[lang]))}" for lang in LANGUAGES),
        *(f"  data_{lang}: {_text(told(lang, 'start.data', files=titled[lang]))}" for lang in LANGUAGES),
        "panel:",
        f"  source: {_text(files[0]) if len(files) == 1 else _list(files)}",
        f"  adapter: {_text(adapter_file)}",
        "  contract: minimal",
        "  on_violation: set_aside",
        f"  first_year: {int(years.min())}",
        f"  last_year: {int(years.max())}",
        *([f"  unit: {_text(f'{roles.word.en} | {roles.word.zh}')}"] if roles.word else []),
        *_edition(roles, language),
        *_extra(roles),
        *_columns(roles),
        *_effects(roles),
        f"# {told(language, 'start.secrecy')}",
        "# publish: {secrecy: public}",
    ]
    return _written(lines)


def shortly(names: list[str], language: str) -> str:
    """Names of files: of more than three the first, and how many there are."""
    if len(names) <= 3:
        return COMMA[language].join(names)
    return told(language, "start.files", first=names[0], count=len(names))


# -- parts -------------------------------------------------------------------------------------
def _found(roles: Roles) -> dict[str, Seen]:
    """Contract's columns whose header no built-in adapter knows."""
    return {c.name: c for c in roles.looked.columns if c.column == c.name and c.concluded}


def _rule(name: str, seen: Seen, also: list[str]) -> str:
    if seen.of_file:
        return "{}"  # its header is that of a file
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
        if roles.used.keys() & set(re.findall(r"\w+", text)):  # of amounts whose unit nobody states
            label = re.sub(r" \[[^\[\]]*\]$", "", label)
        yield f"  {name}: {{is: {_text(text)}, name: {_text(label)}}}"


def _label(roles: Roles, name: str, text: str) -> str:
    """What a made column is called: by the header of the one that it is made of, or as the contract calls that."""
    inside = set(re.findall(r"\w+", text))
    own = next((_called(seen)[0] for column, seen in roles.used.items() if column in inside), name)
    held = next((c for c in contract() if c.column in inside and c.column not in roles.used), None)
    label = dict.fromkeys(LANGUAGES, own)
    if held is not None:
        label = {"en": _within(held.label_en), "zh": held.label_zh}
    en, zh = (
        told(lang, f"start.made_{text.split('(')[0]}", of=label[lang].replace("|", "/")) for lang in LANGUAGES
    )
    return f"{en} | {zh}"


def _within(label: str) -> str:
    """A label within a sentence: small, but for abbreviations."""
    return label if label[1:2].isupper() else label[:1].lower() + label[1:]


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


def _edition(roles: Roles, language: str) -> Iterator[str]:
    """Editions of the codes by year, where years' codes are mostly those of another edition than reports used then."""
    held = next((c for c in roles.looked.columns if roles.enterprise and c.column == "ind4"), None)
    if held is None or _has(roles, "class_version"):
        return
    years = pd.to_numeric(roles.year.cells.str[:4], errors="coerce")
    by_year = {int(y): _due(int(y)) for y in years.dropna().unique()}
    counts = pd.DataFrame({"written": held.cells, "version": years.map(by_year), "year": years}).dropna()
    counts = (
        counts.groupby(["written", "version", "year"], as_index=False)
        .size()
        .rename(columns={"size": "cells"})
    )
    found = doubts(counts).to_dict("records")
    for row in found:
        yield f"  # {told(language, 'start.edition', **row)}"
        by_year |= {y: row["best"] for y in by_year if row["first_year"] <= y <= row["last_year"]}
    if found:
        edges = [y for y in sorted(by_year) if by_year.get(y - 1) != by_year[y]]
        named = ", ".join(f'{y}: "{by_year[y]}"' for y in edges)
        yield f"  editions: {{{named}}}"


def _due(year: int) -> str:
    """The edition that reports of a year use; of a year before the first the earliest."""
    due = codes.due()
    return next((edition for start, edition in due if year >= start), due[-1][1])


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


def _written(lines: list[str]) -> str:
    """A file of these lines. What ends a line for YAML alone is written as its escape, in comments as in quoted texts."""
    text = "\n".join(lines) + "\n"
    return re.sub("[\x85\u2028\u2029]", lambda sign: f"\\u{ord(sign[0]):04x}", text)


def _text(value: str) -> str:
    """A YAML scalar: plain where it is a simple word, else as JSON writes it, which YAML reads."""
    plain = value.isascii() and value.replace("_", "").isalnum() and value[:1].isalpha()
    kept = plain and value.lower() not in ("yes", "no", "true", "false", "null", "on", "off", "y", "n")
    return value if kept else json.dumps(value, ensure_ascii=False)


def _list(values: list[str] | tuple[str, ...]) -> str:
    return f"[{', '.join(_text(v) for v in values)}]"
