"""Words in the wrong language: Chinese on English pages, English on Chinese ones."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

import reading

from workbook import paths
from workbook.params import Parameters

HAN = re.compile(r"[\u2e80-\u303f\u3400-\u9fff\uf900-\ufaff\uff00-\uffef]+")
# A Latin word of prose: two letters at least, one of them small. What holds a digit or joins to one, a path, an address,
# a function's name and what is written with underscores are codes.
WORD = re.compile(r"(?<![\w./@\\'’])[A-Za-zÀ-ÿ][A-Za-zÀ-ÿœ'’]*[A-Za-zÀ-ÿ](?![\wœ@/\\(]|[.:]\w)")
# An address; a name between Chinese quotation marks; and what stands in brackets as the name of a parameter.
ADDRESS = re.compile(r"https?://\S+|10\.\d{4,}/\S+|\S+@\S+|“[A-Za-z_]\w*”")
BRACKETS = re.compile(r"（([a-z_]+(?:、[a-z_]+)*)）")
PARAMETERS = {
    name for section in Parameters.model_fields.values() for name in section.annotation.model_fields
}


@cache
def _names() -> tuple[re.Pattern[str], frozenset[str]]:
    """Names of several words, and single ones, that are the same in both languages."""
    text = Path(__file__).with_name("names.txt").read_text("utf-8")
    lines = [line.strip() for line in text.splitlines() if line.strip() and not line.startswith("#")]
    long = sorted((line for line in lines if WORD.fullmatch(line) is None), key=len, reverse=True)
    return re.compile("|".join(map(re.escape, long)) or r"(?!)"), frozenset(lines)


def wrong(text: str, language: str, own: Iterable[str] = (), codes: Iterable[str] = ()) -> list[str]:
    """Words of a text in the other language.

    Parameters
    ----------
    text : str
        What a reader meets in one place: a cell, a paragraph.
    language : {"en", "zh"}
        The page's.
    own : iterable of str
        Texts that the study's file gives, and works that are cited: they stand as they are.
    codes : iterable of str
        Names of columns and the like: they stand for themselves where the text is nothing else.
    """
    if text.strip() in codes:
        return []
    for part in own:
        text = text.replace(part, " ")
    if language == "en":
        return HAN.findall(text)
    phrases, single = _names()
    text = BRACKETS.sub(lambda found: " " if set(found[1].split("、")) <= PARAMETERS else found[0], text)
    text = phrases.sub(" ", ADDRESS.sub(" ", text))
    return [w for w in WORD.findall(text) if re.search("[a-zà-ÿ]", w) and w not in single]


def given(parameters: dict[str, Any]) -> list[str]:
    """What stands as it is: conditions on rows that the study's file gives, and the works that the methods cite."""
    with (paths.DATA / "methods" / "references.csv").open(encoding="utf-8", newline="") as stream:
        cited = [row["reference"] for row in csv.DictReader(stream)]
    return [*cited, *dict(parameters.get("exclusions") or {}).values()]


def codes(site: Path, study: str) -> set[str]:
    """Columns of the contract, of the study's file and of its source, as the tables of the first notebook list them."""
    files = [paths.DATA / "contract" / "panel.csv", *(site / "files" / study / "01_panel").glob("*.csv")]
    found = set()
    for file in files:
        with file.open(encoding="utf-8-sig", newline="") as stream:
            found |= {
                row.get(head) or ""
                for row in csv.DictReader(stream)
                for head in ("column", "header", "field", "rule")
            }
    return found


def offences(site: Path, language: str, study: str, parameters: dict[str, Any]) -> list[str]:
    """Every text of a site with words in the wrong language: file, words, text."""
    own, known = given(parameters), codes(site, study)
    return [
        f"{file.relative_to(site)}: {', '.join(dict.fromkeys(found))} | {' '.join(text.split())[:200]}"
        for file, texts in reading.texts(site, language)
        for text in dict.fromkeys(texts)
        if (found := wrong(text, language, own, known))
    ]
