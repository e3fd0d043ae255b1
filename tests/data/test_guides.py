"""Each guide under data/ stands in both languages and says the same in both."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from workbook import paths

GUIDES = sorted(p for p in paths.DATA.rglob("README.*") if p.name in ("README.md", "README.md.in"))
CHINESE = re.compile(r"[\u4e00-\u9fff]")
CODE = re.compile(r"`([^`\n]+)`")


def twin(guide: Path) -> Path:
    return guide.with_name(guide.name.replace("README.md", "README.zh.md"))


def heads(text: str) -> list[int]:
    return [len(mark) for mark in re.findall(r"^(#+) ", text, re.MULTILINE)]


@pytest.mark.parametrize("guide", GUIDES, ids=lambda p: p.parent.name)
def test_a_guide_says_the_same_in_both_languages(guide: Path) -> None:
    english, chinese = guide.read_text("utf-8"), twin(guide).read_text("utf-8")
    assert "[中文](README.zh.md)" in english and "[English](README.md)" in chinese
    assert heads(english) == heads(chinese)
    assert set(CODE.findall(english)) == set(CODE.findall(chinese))
    prose = CODE.sub("", chinese).splitlines()
    # A heading may be a file's name; what stands below it is said in Chinese.
    assert sum(bool(CHINESE.search(line)) for line in prose) > len([line for line in prose if line]) / 2


@pytest.mark.parametrize("guide", GUIDES, ids=lambda p: p.parent.name)
def test_both_have_the_same_tables(guide: Path) -> None:
    rows = [
        [
            line.replace(r"\|", "").count("|")
            for line in text.read_text("utf-8").splitlines()
            if line[:1] == "|"
        ]
        for text in (guide, twin(guide))
    ]
    assert rows[0] == rows[1]


def test_no_guide_in_chinese_stands_alone() -> None:
    twins = {twin(guide) for guide in GUIDES}
    assert len(twins) > 8
    assert set(paths.DATA.rglob("README.zh.md*")) == twins
