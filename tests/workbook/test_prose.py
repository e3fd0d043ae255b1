"""Pages are whole in Chinese: each Markdown cell has a translation of the text that it holds now."""

from __future__ import annotations

import json
import re

import pytest

from workbook import paths
from workbook.exhibits import prose
from workbook.run import chain

NAMES = [s.notebook for s in chain.chain()]


def content(name: str) -> dict:
    return json.loads((paths.NOTEBOOKS / f"{name}.ipynb").read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", NAMES)
def test_every_text_has_a_translation_that_is_not_stale(name: str) -> None:
    assert [t[:60] for t in prose.missing(content(name), name, "zh")] == []
    assert prose.stale(content(name), name, "zh") == []


@pytest.mark.parametrize("name", NAMES)
def test_a_translation_keeps_formulas_and_names(name: str) -> None:
    known = prose.read(name, "zh")
    for cell in content(name)["cells"]:
        text = "".join(cell["source"])
        told = known.get(prose.mark(text), "")
        if cell["cell_type"] == "markdown" and told:
            assert text.count("$$") == told.count("$$"), text[:60]
            assert text.lstrip().startswith("#") == told.startswith("#"), text[:60]


def test_only_markdown_is_put_into_the_language() -> None:
    given = content("10_audit")
    made = prose.in_language(given, "10_audit", "zh")
    for before, after in zip(given["cells"], made["cells"], strict=True):
        same = "".join(before["source"]) == "".join(after["source"])
        assert same == (before["cell_type"] == "code" or "".join(before["source"]).startswith("$$"))
    english = prose.in_language(given, "10_audit", "en")
    assert [c["source"] for c in english["cells"]] == [c["source"] for c in given["cells"]]
    back = prose.spoken(made, "10_audit", "en")
    assert ["".join(c["source"]) for c in back["cells"]] == ["".join(c["source"]) for c in given["cells"]]


def test_a_changed_text_is_missing_and_its_translation_stale() -> None:
    given = content("10_audit")
    given["cells"][0]["source"] = ["# Something else"]
    assert prose.missing(given, "10_audit", "zh") == ["# Something else"]
    assert len(prose.stale(given, "10_audit", "zh")) == 1
    assert prose.in_language(given, "10_audit", "zh")["cells"][0]["source"] == ["# Something else"]


@pytest.mark.parametrize("name", NAMES)
def test_bold_words_close(name: str) -> None:
    """CommonMark does not close `**` between a full stop or colon and a character: asterisks would be printed."""
    texts = [
        (paths.NOTEBOOKS / f"{name}.ipynb").read_text(encoding="utf-8"),
        (paths.NOTEBOOKS / "zh" / f"{name}.md").read_text(encoding="utf-8"),
    ]
    pairs = [
        m for text in texts for line in text.split("\n") for m in re.finditer(r"\*\*([^*\n]+?)\*\*(.?)", line)
    ]
    assert [m[0] for m in pairs if m[1][-1] in "：。" and not re.match(r"[\s，。；：）\\\"]|$", m[2])] == []
