"""What a terminal reads: every sentence in both languages, with the same fields; none missing, none left over."""

from __future__ import annotations

import ast
import os
import re
import string
import tomllib
from collections.abc import Iterator
from typing import Any

import pytest
from chinese import english

from estimators import language as estimators_language
from fusion import language as fusion_language
from workbook import language as workbook_language
from workbook import paths

PACKAGES = {"estimators": estimators_language, "fusion": fusion_language, "workbook": workbook_language}
# In English these are pydantic's own words.
TAKEN_OVER = ".pydantic."
CURLY = re.compile(r"\{\{|\}\}")


def sentences(package: str) -> dict[str, dict[str, str]]:
    """All sentences of a package by key."""
    found: dict[str, dict[str, str]] = {}
    for file in (paths.ROOT / "lib" / package).rglob("messages.toml"):
        found |= dict(leaves(file.parent.name, tomllib.loads(file.read_text("utf-8"))))
    return found


def leaves(key: str, node: dict[str, Any]) -> Iterator[tuple[str, dict[str, str]]]:
    if all(isinstance(value, str) for value in node.values()):
        yield key, node
        return
    for name, inner in node.items():
        yield from leaves(f"{key}.{name}", inner)


def fields(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}


def calls(package: str) -> Iterator[tuple[str, str, set[str] | None]]:
    """Where a sentence is asked for: place, key or its beginning, fields that are given (None: not told here)."""
    for file in (paths.ROOT / "lib" / package).rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            name = (
                getattr(node.func, "id", getattr(node.func, "attr", "")) if isinstance(node, ast.Call) else ""
            )
            place = {"said": 0, "word": 0, "told": 1}.get(name)
            if place is None or len(node.args) <= place:
                continue
            key, names = node.args[place], {k.arg for k in node.keywords}
            where = f"{file.name}:{node.lineno}"
            if isinstance(key, ast.Constant):
                known = names if None not in names and name != "word" else None
                yield where, key.value + ("." if name == "word" else ""), known  # type: ignore[misc]
            elif isinstance(key, ast.IfExp):  # one of two sentences
                for one in (key.body, key.orelse):
                    assert isinstance(one, ast.Constant), f"{where}: each of the two is named"
                    yield where, str(one.value), names if None not in names else None  # type: ignore[misc]
            elif isinstance(key, ast.JoinedStr) and isinstance(key.values[0], ast.Constant):
                yield where, str(key.values[0].value), None


@pytest.mark.parametrize("package", PACKAGES)
def test_each_sentence_is_there_in_both_languages(package: str) -> None:
    odd = []
    for key, words in sentences(package).items():
        if set(words) != {"en", "zh"} or not all(words.values()):
            odd.append(f"{key}: {set(words)}")
        elif TAKEN_OVER not in key and fields(words["en"]) != fields(words["zh"]):
            odd.append(f"{key}: {fields(words['en'])} and {fields(words['zh'])}")
    assert odd == []


@pytest.mark.parametrize("package", PACKAGES)
def test_each_sentence_is_asked_for_and_each_asked_for_is_there(package: str) -> None:
    known, used, odd = sentences(package), set(), []
    for where, key, given in calls(package):
        used.add(key)
        assert key.count(".") > 1 or not key.endswith("."), f"{where}: says too little of its key"
        if not any(k == key or (given is None and k.startswith(key)) for k in known):
            odd.append(f"{where}: no sentence {key}")
        elif given is not None and given != fields(known[key]["en"]):
            odd.append(f"{where}: {key} has {fields(known[key]['en'])}, given are {given}")
    assert odd == []
    assert [
        k for k in known if not any(k == u or (u.endswith((".", "_")) and k.startswith(u)) for u in used)
    ] == []


@pytest.mark.parametrize("module", PACKAGES.values(), ids=PACKAGES)
@pytest.mark.parametrize(
    ("stated", "locale", "expected"),
    [
        ("zh", {"LANG": "en_US.UTF-8"}, "zh"),
        ("en", {"LC_ALL": "zh_CN.UTF-8"}, "en"),
        ("", {"LANG": "zh_CN.UTF-8"}, "zh"),
        ("", {"LC_ALL": "C", "LANG": "zh_CN.UTF-8"}, "en"),
        ("", {"LC_MESSAGES": "zh_TW", "LANG": "de_DE.UTF-8"}, "zh"),
        ("", {"LANG": "de_DE.UTF-8"}, "en"),
        ("", {}, "en"),
    ],
)
def test_the_language_is_stated_or_the_locales(
    module: Any, stated: str, locale: dict[str, str], expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in (module.VARIABLE, *module.LOCALE):
        monkeypatch.delenv(name, raising=False)
    for name, value in ({module.VARIABLE: stated} | locale).items():
        monkeypatch.setenv(name, value)
    assert module.current() == expected


def test_speaking_ends_as_it_began() -> None:
    before = os.environ["FUSION_LANGUAGE"]
    with fusion_language.speaking("zh"):
        assert fusion_language.listed([1, 2]) == "1、2"
    assert os.environ["FUSION_LANGUAGE"] == before


def test_what_was_said_can_be_said_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sentences within others and within texts that code put together; what nobody said stays as it is."""
    monkeypatch.setenv("FUSION_LANGUAGE", "zh")
    lack = fusion_language.said("adapters.lack", columns=fusion_language.listed(["a", "b"]))
    text = f"x.csv:\n- {lack}\n- y{fusion_language.said('panel.nearest', found='z')}"
    again = fusion_language.both(text)
    assert again == {"zh": text, "en": "x.csv:\n- The data lack a, b.\n- y (nearest: 'z')"}
    assert fusion_language.both("unsaid")["en"] == "unsaid"
    for i in range(2 * fusion_language.LATELY):
        fusion_language.said("adapters.lack", columns=str(i))
    assert len(fusion_language._lately) == fusion_language.LATELY


def test_the_packages_speak_alike() -> None:
    """They may not import each other, so that the mechanism stands in each; it is one text."""
    texts = [(paths.ROOT / "lib" / p / "language.py").read_text("utf-8") for p in PACKAGES]
    assert len(set(texts)) == 1


@pytest.mark.parametrize("package", PACKAGES)
def test_chinese_is_chinese(package: str) -> None:
    left = {key: english(CURLY.sub("", words["zh"])) for key, words in sentences(package).items()}
    assert {key: words for key, words in left.items() if words} == {}


def test_a_sentence_names_a_hundred_values_and_how_many_more() -> None:
    for language, comma in (("en", ", "), ("zh", "、")):
        with fusion_language.speaking(language):
            named = fusion_language.listed(range(1_100)).split(comma)
        assert named[:100] == [str(n) for n in range(100)] and named[100:] == ["… (+1,000)"]
