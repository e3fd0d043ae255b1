"""The reader of pages finds words in the wrong language, and takes no name or code for one."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import languages
import pytest
import reading
from ruamel.yaml import YAML

from workbook import paths
from workbook.params.base import chinese
from workbook.publish import evidence

PAGE = """<html lang="zh-CN"><body><p>{}</p><code>year</code><a lang="en">English</a></body></html>"""


@pytest.mark.parametrize(
    ("text", "language", "found"),
    [
        ("Color mode", "zh", ["Color", "mode"]),
        ("按 entropy 加权", "zh", ["entropy"]),
        ("Callaway–Sant'Anna，ln 万元/人，R²，p，AR(2)，data/contract/panel.csv，GB/T 4754", "zh", []),
        ("声明（rename、extra_columns），最接近：“lscrap”，log(employees_avg)", "zh", []),
        ("按（nothing）", "zh", ["nothing"]),
        ("a slip of unit (千元 for 万元)", "en", ["千元", "万元"]),
        ("Of two firms，one", "en", ["，"]),
        ("Plain words, R² and −3", "en", []),
    ],
)
def test_words_in_the_wrong_language(text: str, language: str, found: list[str]) -> None:
    assert languages.wrong(text, language) == found


def test_what_the_study_gives_stands() -> None:
    assert languages.wrong("pilot", "zh", codes=["pilot"]) == []
    assert languages.wrong("年份：year in (2008, 2009)", "zh", own=["year in (2008, 2009)"]) == []
    assert languages.wrong("pilot 的效应", "zh", codes=["pilot"]) == ["pilot"]


def test_a_page_is_read_without_code_and_without_what_is_in_another_language() -> None:
    assert reading.html(PAGE.format('文 <b title="Titel">字</b>'), "zh") == ["文 ", "Titel", "字"]


def test_every_published_result_has_chinese(tmp_path: Path) -> None:
    """The page of verification, of all rows that it may ever show."""
    rows = list(csv.DictReader((paths.DATA / "verification" / "published.csv").open(encoding="utf-8")))
    with (paths.DATA / "indicators" / "anchors.csv").open(encoding="utf-8") as stream:
        anchors = [
            {"estimator": f"indicator {r['code']}", "statistic": r["working"]}
            for r in csv.DictReader(stream)
            if r["value"]
        ]
    every = [
        {"dataset": "anchor", "source": "worked by hand", "basis": "worked by hand", "published": "1"} | r
        for r in anchors
    ]
    with (tmp_path / "verification.csv").open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, list(rows[0]))
        writer.writeheader()
        writer.writerows([*rows, *every])
    for language in ("en", "zh"):
        page = evidence.pages(tmp_path, language)["verification"]
        texts = reading.html(re.sub("~~~.*", "", page), language)
        wrong = [text for text in texts if languages.wrong(text, language)]
        assert wrong == [], wrong[:20]


def test_what_is_declared_in_both_languages_is_in_them() -> None:
    """Texts of sheets, words of codes, the meaning of parameters, and tables of facts: before anything is run."""
    found = [
        f"{place}: {', '.join(wrong)} | {text[:160]}"
        for place, text, language in _declared()
        if (wrong := languages.wrong(re.sub(r"`[^`]*`|\{[^{}]*\}", " ", text), language))
    ]
    assert found == [], "\n".join(found[:30])


def _declared() -> Iterator[tuple[str, str, str]]:
    """Place, text, language."""
    for name, text in chinese().items():
        yield f"help.zh.yaml, {name}", text, "zh"
    for file in sorted((paths.NOTEBOOKS / "exhibits").glob("*.yaml")):
        yield from _texts(file.name, YAML(typ="safe").load(file.read_text("utf-8")))
    # Layouts say which columns of tables of others hold labels.
    for file in sorted(f for f in paths.DATA.rglob("*.csv") if f.name != "layouts.csv"):
        with file.open(encoding="utf-8-sig", newline="") as stream:
            for line, row in enumerate(csv.DictReader(stream), start=2):
                for head in row:
                    if head and head.endswith(("_zh", "_en")) and not head.startswith("said"):
                        yield f"{file.name}:{line}", row[head] or "", head[-2:]


def _texts(place: str, part: Any) -> Iterator[tuple[str, str, str]]:
    if isinstance(part, dict):
        texts = () if "file" in part else ("en", "zh")  # a vocabulary of a file names its columns
        for name, inner in part.items():
            if name in texts and isinstance(inner, str):
                yield place, inner, name
            else:
                yield from _texts(f"{place}, {name}" if place.count(",") < 3 else place, inner)
    elif isinstance(part, list):
        for inner in part:
            yield from _texts(place, inner)
