"""Tables and figures as they are printed and saved."""

from __future__ import annotations

import re
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest

mpl.use("Agg")

from matplotlib import pyplot as plt
from matplotlib.figure import Figure

from workbook import Book
from workbook.exhibits import rendering, style
from workbook.exhibits.pictures import saved

ENTRY = {
    "id": "flow",
    "kind": "table",
    "number": "1.2",
    "title_en": "Rows & firms <kept>",
    "title_zh": "保留的样本",
    "note_en": "5% of x_1 is missing",
    "note_zh": "缺失 5%",
    "source_en": "own",
    "source_zh": "自算",
}
TABLE = pd.DataFrame(
    {
        "reason": ["read", "no value"],
        "year": [2012, 2013],
        "start year": [2016.0, np.nan],
        "rows": [1234567, -5],
        "share": [0.123456, np.nan],
        "estimate": ["−0.25***", "(0.15)"],
        "code": ["0111", "0112"],
        "kept": [True, False],
    }
)


class Cells(HTMLParser):
    """Open tags of a piece of HTML, and whether they are closed in order."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in ("img", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def cells(table: pd.DataFrame, **options: Any) -> list[list[str]]:
    return rendering.shown(table, **options)


def test_cells_are_shown_as_a_reader_expects() -> None:
    first, second = cells(TABLE)
    assert first == ["read", "2012", "2016", "1,234,567", "0.123", "−0.25***", "0111", "yes"]
    assert second == ["no value", "2013", "–", "−5", "–", "(0.15)", "0112", "no"]


@pytest.mark.parametrize(
    ("value", "digits", "text"),
    [
        (-0.0001, 3, "0.000"),
        (-1.5, 1, "−1.5"),
        (12345.678, 2, "12,345.68"),
        (np.inf, 2, "∞"),
        (-np.inf, 2, "−∞"),
        (np.float32(0.5), 1, "0.5"),
        (2.0, 0, "2"),
        (None, 2, "–"),
    ],
)
def test_floats(value: Any, digits: int, text: str) -> None:
    assert cells(pd.DataFrame({"x": [value]}, dtype=object), digits=digits) == [[text]]


@pytest.mark.parametrize("dtype", ["Int64", "Float64", "string", "boolean"])
def test_missing_values_of_every_type_are_a_dash(dtype: str) -> None:
    assert cells(pd.DataFrame({"x": pd.array([None], dtype=dtype)})) == [["–"]]


def test_digits_by_column_and_words_by_language() -> None:
    table = pd.DataFrame({"a": [1.23456], "b": [1.23456], "c": [True]})
    assert cells(table, digits={"a": 1}, language="zh") == [["1.2", "1.235", "是"]]


def test_years_among_words_are_years() -> None:
    assert cells(pd.DataFrame({"批次": [2017, "从未"]})) == [["2017"], ["从未"]]


def test_short_text_stays_on_one_line_and_long_text_gets_room() -> None:
    table = pd.DataFrame(
        {"a": ["生产性服务投入占比"], "b": ["x" * 60], "c": ["生产性服务投入占中间投入比重"]}
    )
    html = rendering.table_html(table, ENTRY)
    assert re.findall(r'<th scope="col" class="([^"]+)"', html) == ["text", "text long", "text long"]


def test_a_count_that_looks_like_a_year_keeps_its_separator() -> None:
    assert cells(pd.DataFrame({"firms": [2012]})) == [["2,012"]]
    assert cells(pd.DataFrame({"year": [12012]})) == [["12,012"]]


def test_an_index_is_not_printed() -> None:
    table = pd.DataFrame({("a", "x"): [1], ("a", "y"): [2]}, index=pd.Index(["row"], name="unit"))
    html = re.sub("<[^>]*>", "", rendering.table_html(table, ENTRY))
    assert "row" not in html and "a · y" in html


def test_html_is_accessible_and_has_no_script() -> None:
    html = rendering.table_html(TABLE, ENTRY, "en", 3)
    tags = Cells(html).tags
    assert "Table 1.2. Rows &amp; firms &lt;kept&gt;" in html
    assert [a["scope"] for t, a in tags if t == "th"] == ["col"] * 8 + ["row"] * 2
    assert not {t for t, _ in tags} & {"script", "iframe", "link"}
    assert not [name for _, a in tags for name in a if name.startswith("on")]
    region = next(a for t, a in tags if a.get("role") == "region")
    assert region["tabindex"] == "0" and f'id="{region["aria-labelledby"]}"' in html
    assert "Note. 5% of x_1 is missing" in html and "Source: own" in html
    assert tags[0] == ("div", {"class": "fusion-exhibit", "id": "exhibit-flow", "lang": "en"})


def test_numbers_are_aligned_right_and_codes_are_not() -> None:
    html = rendering.table_html(TABLE, ENTRY, "zh", 3)
    heads = {name: kind for kind, name in re.findall(r'<th scope="col" class="([^"]+)">([^<]+)', html)}
    assert [n for n, kind in heads.items() if kind == "num"] == [
        "year",
        "start year",
        "rows",
        "share",
        "estimate",
    ]
    assert "表 1.2　保留的样本" in html and 'lang="zh-CN"' in html
    assert "注：缺失 5%" in html and "资料来源：自算" in html


@pytest.mark.parametrize(
    ("values", "numeric"),
    [
        (["0.12***", "(0.03)", "162"], True),
        (["[0.10, 0.25]", "–"], True),
        (["1,234.5", "12%"], True),
        (["-1.2e-15", "3e-9"], True),
        (["−0.25", "[−0.54, 0.04]", "162", "0.04", "firm + year"], True),
        (["3611", "1821"], False),
        (["3611,3612", "1821"], False),
        (["2012–2023", "2017"], False),
        (["P1", "0.5"], False),
        ([], False),
    ],
)
def test_which_text_counts_as_numbers(values: list[str], numeric: bool) -> None:
    assert rendering._is_numeric(pd.Series(values, dtype=str)) is numeric


def test_markup_in_cells_is_text() -> None:
    html = rendering.table_html(pd.DataFrame({"<b>": ["<script>x</script> & y"]}), ENTRY)
    assert "<script>" not in html and "&lt;script&gt;x&lt;/script&gt; &amp; y" in html


def test_empty_tables_are_tables() -> None:
    for table in (pd.DataFrame({"a": pd.Series([], dtype=float)}), pd.DataFrame()):
        assert "tabular" in rendering.table_tex(table, ENTRY)
        Cells(rendering.table_html(table, ENTRY))


def test_latex_is_escaped() -> None:
    table = pd.DataFrame({"a_1 & %": [r"50% $x$ #1 {\b} ~^", "[0.1, 0.2]"], "b": [-1.5, np.nan]})
    text = rendering.table_tex(table, ENTRY, "en", 1)
    assert r"{a\_1 \& \%} & \multicolumn" in text
    assert r"50\% \$x\$ \#1 \{\textbackslash{}b\} \textasciitilde{}\textasciicircum{} & $-$1.5 \\" in text
    assert r"{}[0.1, 0.2] & -- \\" in text, "a bracket after a line's end would be its argument"
    assert r"\caption{Rows \& firms \textless{}kept\textgreater{}}" in text
    assert r"\label{tab:flow}" in text and r"Note. 5\% of x\_1 is missing" in text


@pytest.mark.skipif(not shutil.which("xelatex"), reason="no LaTeX here: the source is checked, not set")
def test_latex_compiles(tmp_path: Path) -> None:
    (tmp_path / "flow.tex").write_text(rendering.table_tex(TABLE, ENTRY, "en", 3), encoding="utf-8")
    packages = "booktabs,array,longtable,threeparttable,siunitx,pdflscape"
    whole = (
        rf"\documentclass{{article}}\usepackage{{{packages}}}" + r"\begin{document}\input{flow}\end{document}"
    )
    (tmp_path / "all.tex").write_text(whole, encoding="utf-8")
    command = ["xelatex", "-interaction=nonstopmode", "-halt-on-error", "all.tex"]
    assert subprocess.run(command, cwd=tmp_path, capture_output=True).returncode == 0


# -- figures -------------------------------------------------------------------------------------------
def drawing(points: int = 3) -> Figure:
    style.use("zh")
    figure, axes = plt.subplots(figsize=(3, 2))
    axes.scatter(range(points), np.sin(range(points)))
    axes.set_title(r"融合 $\beta_1$")
    return figure


def test_figures_are_the_same_bytes_each_time_and_closed(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        figure = drawing()
        saved.save_figure(tmp_path / name, "trend", figure)
        assert not plt.fignum_exists(figure.number)
    for suffix in ("svg", "png"):
        files = [(tmp_path / name / f"trend.{suffix}").read_bytes() for name in ("a", "b")]
        assert files[0] == files[1]
    assert b"<dc:date>" not in (tmp_path / "a" / "trend.svg").read_bytes()


def test_figure_html_has_its_picture_inside(tmp_path: Path) -> None:
    saved.save_figure(tmp_path, "trend", drawing())
    entry = ENTRY | {"id": "trend", "kind": "figure", "number": "3.1"}
    html = rendering.figure_html(tmp_path, entry, "en", 'a "rising" line')
    image = next(a for t, a in Cells(html).tags if t == "img")
    assert str(image["src"]).startswith("data:image/svg+xml;base64,")
    assert image["alt"] == 'a "rising" line'
    assert 200 < int(str(image["width"])) < 400, "a figure three inches wide is some 288 CSS pixels"
    assert "<figcaption>Figure 3.1. Rows &amp; firms &lt;kept&gt;</figcaption>" in html
    assert "图 3.1　保留的样本" in rendering.figure_html(tmp_path, entry, "zh")


def test_a_large_drawing_is_shown_as_a_picture(tmp_path: Path) -> None:
    saved.save_figure(tmp_path, "trend", drawing(6000))
    entry = ENTRY | {"id": "trend", "kind": "figure"}
    assert (tmp_path / "trend.svg").stat().st_size > saved.LARGEST_SVG
    html = rendering.figure_html(tmp_path, entry, "en")
    image = next(a for t, a in Cells(html).tags if t == "img")
    assert str(image["src"]).startswith("data:image/png;base64,")
    assert image["alt"] == ENTRY["title_en"], "the title when no alternative text is given"


def test_rows_for_a_text_are_there_where_no_value_is_known() -> None:
    frame = pd.DataFrame({"name": ["a", "b", "c"], "x": [1.0, 3.0, float("nan")]}, index=[7, 7, 8])
    assert Book.largest("x")(frame)["name"] == "b" and Book.least("x")(frame)["name"] == "a"
    gone = frame.assign(x=float("nan"))
    assert Book.largest("x")(gone)["name"] == Book.least("x")(gone)["name"] == "a"
    assert Book.least("x")(frame.astype({"x": "Float64"}))["name"] == "a"
