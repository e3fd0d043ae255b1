"""One glossary: what it rules out stands in no text, and coded terms are called by their glossary's name."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from workbook import paths

DATA, ROOT = paths.DATA, paths.ROOT
# Tables whose codes bear terms: file, column of the code, of the Chinese and of the English name.
NAMED = [
    ("contract/panel.csv", "column", "label_zh", "label_en"),
    ("classification/fields.csv", "field", "label_zh", "label_en"),
    ("classification/paths.csv", "path", "label_zh", "label_en"),
    ("classification/actors.csv", "actor", "name_zh", "name_en"),
    ("indicators/systems.csv", "code", "name_zh", "name_en"),
    ("indicators/indicators.csv", "code", "name_zh", "name_en"),
]


def table(file: Path) -> list[dict[str, str]]:
    with file.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


TERMS = table(DATA / "glossary" / "glossary.csv")


def texts() -> Iterator[tuple[str, str]]:
    """Place and text of everything that readers of Chinese are shown, headers of sources left out."""
    files = [
        *paths.NOTEBOOKS.glob("zh/*.md"),
        *paths.NOTEBOOKS.glob("exhibits/*.yaml"),
        *ROOT.glob("lib/**/messages.toml"),
    ]
    files += [ROOT / "lib" / "workbook" / "params" / "help.zh.yaml", *(ROOT / "params").glob("*.yaml")]
    files += [*ROOT.glob("*.zh.md"), *DATA.glob("**/*.zh.md"), DATA / "methods" / "methods.yaml"]
    files += [DATA / name for name in ("audit/points.csv", "indicators/choices.csv", "evaluation/words.csv")]
    for file in files:
        yield str(file.relative_to(ROOT)), file.read_text("utf-8")
    for name, *_, zh, _en in NAMED:
        for row in table(DATA / name):
            yield name, row[zh]


def used(term: str, zh: str, text: str) -> list[str]:
    """Where a term stands by itself, not as a part of the right one, nor of a longer word."""
    right = re.sub(re.escape(zh), "", text) if term in zh else text
    return [m[0] for m in re.finditer(rf".{{0,8}}{re.escape(term)}(?![报度末初均—]).{{0,8}}", right)]


@pytest.mark.parametrize("term", [t for t in TERMS if t["not_zh"]], ids=lambda t: t["zh"])
def test_terms_that_the_glossary_rules_out_stand_nowhere(term: dict[str, str]) -> None:
    found = [
        (place, hit)
        for place, text in texts()
        for wrong in term["not_zh"].split("|")
        for hit in used(wrong, term["zh"], text)
    ]
    assert found == []


@pytest.mark.parametrize(("name", "code", "zh", "en"), NAMED)
def test_coded_terms_are_called_by_their_name(name: str, code: str, zh: str, en: str) -> None:
    rows = table(DATA / name)
    ours = {t["code"]: (t["zh"], t["en"]) for t in TERMS if t["code"] in {r[code] for r in rows}}
    assert ours
    assert {r[code]: (r[zh], r[en]) for r in rows if r[code] in ours} == ours


def test_terms_are_told_once() -> None:
    assert len({t["zh"] for t in TERMS}) == len(TERMS)
    codes = [t["code"] for t in TERMS if t["code"]]
    assert len(set(codes)) == len(codes)
    rows = [wrong for t in TERMS for wrong in t["not_zh"].split("|") if wrong]
    assert not set(rows) & {t["zh"] for t in TERMS}
