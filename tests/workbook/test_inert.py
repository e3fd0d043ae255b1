"""Texts from files act nowhere: each target's function, and that no module escapes by itself."""

from __future__ import annotations

import ast
import csv as csvs
import io
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from payloads import PAYLOADS

from workbook import inert, paths
from workbook.publish import policy

# A time limit would measure the machine.
settings.register_profile("inert", deadline=None)
settings.load_profile("inert")
ANY = st.text(max_size=60) | st.sampled_from(PAYLOADS)


class Parts(HTMLParser):
    """What a browser would find."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs

    def handle_data(self, data: str) -> None:
        self.text += data


def parts(page: str) -> Parts:
    found = Parts()
    found.feed(page)
    found.close()
    return found


@given(ANY)
def test_in_html_it_is_text_and_nothing_else(text: str) -> None:
    found = parts(f"<p title=\"{inert.html(text)}\" lang='{inert.html(text)}'>{inert.html(text)}</p>")
    assert found.tags == ["p"] and len(found.attributes) == 2
    assert found.text == inert.plain(text)
    assert {value for _, value in found.attributes} == {inert.plain(text)}


@given(ANY)
def test_in_markdown_it_is_one_paragraph_of_text(text: str) -> None:
    from markdown_it import MarkdownIt

    words = " ".join(inert.plain(text).split())
    for before in ("", "**Question.** ", "- ", "# "):
        made = parts(MarkdownIt("commonmark").render(before + inert.markdown(text)))
        assert set(made.tags) <= {"p", "strong", "ul", "li", "h1"}, (before, text, made.tags)
        assert " ".join(made.text.split()) == " ".join(
            (before.strip("*-# ").split("*")[0] + " " + words).split()
        )


@given(ANY)
def test_in_myst_no_role_directive_or_formula_begins(text: str) -> None:
    from myst_parser.config.main import MdParserConfig
    from myst_parser.mdit_to_docutils.base import DocutilsRenderer
    from myst_parser.parsers.mdit import create_md_parser

    parser = create_md_parser(
        MdParserConfig(enable_extensions={"dollarmath", "amsmath", "colon_fence", "substitution"}),
        DocutilsRenderer,
    )
    for before in ("", "- ", "# ", "| a |\n|---|\n| "):
        kinds = {token.type for token in flat(parser.parse(before + inert.markdown(text)))}
        assert not kinds & {
            "html_inline", "html_block", "fence", "myst_role", "math_inline", "math_block", "amsmath", "link_open",
            "image", "substitution_inline", "substitution_block", "myst_target", "myst_line_comment", "code_inline",
            "colon_fence", "myst_block_break",
        }, (before, text, kinds)  # fmt: skip


def flat(tokens: Any) -> list[Any]:
    return [t for token in tokens for t in (token, *flat(token.children or []))]


@given(ANY)
def test_finished_html_cannot_leave_its_block(text: str) -> None:
    lines = inert.raw(f"<p>{inert.html(text)}</p>").splitlines()
    assert len(lines) == 3 and lines[0] == "~~~{raw} html" and lines[2] == "~~~"


@given(ANY)
def test_in_latex_no_command_begins(text: str) -> None:
    made = inert.tex(text)
    known = r"\\(text\w+\{\}|[&%$#_{}])|\$\\\w+\$|\$-\$|\$[\^_]\d\$|\$\^-\$|\$'\$"
    assert not re.search(r"[\\$&%#_^{}~]", re.sub(known, "", made)), made
    assert "\n" not in made


@given(ANY)
def test_in_excel_it_is_text(text: str) -> None:
    from openpyxl import Workbook, load_workbook

    book = Workbook()
    inert.cell(book.active["A1"], text)
    stream = io.BytesIO()
    book.save(stream)
    back = load_workbook(stream).active["A1"]
    assert (
        back.data_type in ("s", "inlineStr", "n")
        and str(back.value or "").strip() == inert.plain(text).strip()
    )
    if text.startswith(("=", "+", "-", "@")):
        assert back.quotePrefix, "it would be computed as soon as someone edits the cell"


@given(ANY)
def test_in_csv_it_is_computed_by_no_spreadsheet_and_can_be_had_back(text: str) -> None:
    frame = inert.csv_frame(pd.DataFrame({"n": [1.5], "t": [text]}))
    stream = io.StringIO()
    frame.to_csv(stream, index=False)
    stream.seek(0)
    _, (number, back) = csvs.reader(stream)
    assert number == "1.5"
    number_like = re.fullmatch(r"[+-]?[\d.,]+([eE][+-]?\d+)?\s*%?", back)
    assert number_like or not re.match(r"[\s\ufeff]*[=+\-@＝＋－＠]", back), back
    assert back.removeprefix("'") == inert.plain(text)


def test_numbers_in_csv_stay_numbers() -> None:
    frame = pd.DataFrame({"a": ["-1.5", "+2", "-1,234.5", "-3%", "-x"], "b": [-1, -2, -3, -4, -5]})
    made = inert.csv_frame(frame)
    assert made["a"].tolist() == ["-1.5", "+2", "-1,234.5", "-3%", "'-x"]
    assert made["b"].dtype == frame["b"].dtype


@pytest.mark.parametrize("text", PAYLOADS)
def test_a_picture_and_word_take_it(text: str) -> None:
    import matplotlib as mpl

    mpl.use("Agg")
    from docx import Document
    from matplotlib import pyplot as plt

    from workbook.exhibits import style

    style.use("zh")
    figure, place = plt.subplots(figsize=(2, 2))
    place.plot([1, 2], label=inert.drawn(text))
    place.set_title(inert.drawn(text))
    assert len(place.legend().get_texts()) == 1, "a label that begins with _ would be left out"
    stream = io.StringIO()
    with mpl.rc_context({"svg.hashsalt": "x"}):
        figure.savefig(stream, format="svg")
    plt.close(figure)
    made = parts(stream.getvalue())
    assert "script" not in made.tags and not any(name.startswith("on") for name, _ in made.attributes)
    assert not any("invalid" in str(value) for name, value in made.attributes if name.endswith("href"))
    document = Document()
    document.core_properties.title = inert.title_of_file(text)
    document.add_paragraph().add_run(inert.word(text))
    document.save(io.BytesIO())


def test_a_script_that_is_not_known_does_not_run() -> None:
    page = (
        "<head><meta charset=\"utf-8\" /></head><script>DOCUMENTATION_OPTIONS.pagename = 'x/01';</script>"
        "<script>window.PWN=1</script><script>DOCUMENTATION_OPTIONS.pagename = 'x';window.PWN=2//';</script>"
    )
    made = policy.seal(page)
    meta = re.search(r'content="([^"]*)"', made)
    assert meta is not None and meta[1].count("sha256-") == 1
    assert "unsafe-eval" not in meta[1] and "script-src 'self' 'sha256-" in meta[1]
    assert made.index("http-equiv") < made.index("<script")


ESCAPES = re.compile(r"html\.escape|escape\(.*quote=|xml\.sax\.saxutils|markupsafe|quoteattr")


def test_no_module_escapes_by_itself() -> None:
    """Else a target is forgotten in one of them."""
    for file in (paths.ROOT / "lib").rglob("*.py"):
        if file.name != "inert.py":
            assert not ESCAPES.search(file.read_text("utf-8")), file


WRITES = {"to_csv": "inert.csv_frame", "add_run": "word("}


def test_texts_reach_files_through_their_function() -> None:
    """Every writer of CSV and Word in the package that publishes calls the function of its target."""
    for file in sorted((paths.ROOT / "lib" / "workbook").rglob("*.py")):
        text = file.read_text("utf-8")
        for node in ast.walk(ast.parse(text)):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Attribute)
                and node.func.attr in WRITES
            ):
                told = ast.get_source_segment(text, node) or ""
                hashed = "encode" in text.splitlines()[node.lineno - 1]
                empty = not node.args and not node.keywords  # a run of a field: no text
                assert hashed or empty or WRITES[node.func.attr] in told, f"{Path(file).name}: {told}"
