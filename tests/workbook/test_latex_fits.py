"""Tables in LaTeX are no wider than the page: measured with the letters of Computer Modern, which matplotlib brings."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import matplotlib as mpl
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from matplotlib.ft2font import FT2Font, LoadFlags

from workbook.exhibits.journal import Grid, forms, latex
from workbook.exhibits.journal.cells import Line

SIZES = {"normalsize": 10.0, "small": 9.0, "footnotesize": 8.0, "scriptsize": 7.0}
OVER = 2.0  # points that no reader sees


@cache
def letter(character: str) -> float:
    """Width in a type of one point; Chinese characters are as wide as they are high."""
    if ord(character) > 0x2E80:
        return 1.0
    font = FT2Font(str(Path(mpl.get_data_path()) / "fonts" / "ttf" / "cmr10.ttf"))
    if not font.get_char_index(ord(character)):
        return 0.78  # a sign of mathematics
    font.set_size(100, 72)
    return font.load_char(ord(character), flags=LoadFlags.NO_HINTING).linearHoriAdvance / 65536 / 100


def width(text: str, size: float) -> float:
    """Width of a cell's text; a command is one sign."""
    plain = re.sub(r"\$[^$]*\$|\\text\w+\{\}|\\([%&#_{}$])", "m", text).strip("{}")
    return size * sum(map(letter, plain))


def tables(text: str) -> list[tuple[float, float]]:
    """Width and room of each table of a source."""
    found = []
    for match in re.finditer(
        r"\\begin\{(tabular|longtable)\}\{([^\n]*)\}\n(.*?)\\end\{\1\}", text, re.DOTALL
    ):
        before = text[: match.start()]
        size = SIZES[re.findall(r"\\(normalsize|small|footnotesize|scriptsize)\n", before)[-1]]
        turned = before.count(r"\begin{landscape}") > before.count(r"\end{landscape}")
        columns = re.findall(
            r"S\[(?:[^][{}]|\{[^{}]*\})*\]|p\{[\d.]+pt\}|[lr]",
            match[2].replace(r">{\raggedright\arraybackslash}", ""),
        )
        heads = [float(w) for w in re.findall(r"b\{([\d.]+)pt\}", match[3])][: len(columns)]
        lines = [
            line[:-3]
            for line in match[3].splitlines()
            if line.endswith(r" \\") and "multicolumn" not in line and "caption" not in line
        ]
        cells = list(
            zip(*[re.split(r"(?<!\\) & ", line.removeprefix("{}")) for line in lines], strict=True)
        ) or [()] * len(columns)
        assert len(columns) == len(heads) == len(cells), (columns, heads)
        whole = 0.0
        for kind, head, column in zip(columns, heads, cells, strict=True):
            broken = re.match(r"p\{([\d.]+)pt\}", kind)
            own = float(broken[1]) if broken else max((width(c, size) for c in column), default=0.0)
            whole += max(own, head)
        found.append((whole + 8.0 * (len(columns) - 1), latex.TURNED if turned else latex.UPRIGHT))
    return found


def words(text: str) -> None:
    for whole, room in tables(text):
        assert whole <= room + OVER, f"{whole:.0f} pt in {room:.0f}: {text[:300]}"


CELLS = st.text(alphabet="abcdefg WMhil 融合企业", max_size=90)
NUMBERS = st.floats(-1e6, 1e6).map(lambda x: f"{x:,.3f}".replace("-", "−"))


@settings(max_examples=40, deadline=None, phases=[Phase.explicit, Phase.generate])
@given(st.data(), st.integers(1, 18), st.integers(0, 6))
def test_made_up_tables_fit(data: st.DataObject, columns: int, rows: int) -> None:
    numeric = [data.draw(st.booleans()) for _ in range(columns)]
    heads = [data.draw(st.text(alphabet="abc de融合", max_size=25)) for _ in range(columns)]
    cells = [[data.draw(NUMBERS if n else CELLS) for n in numeric] for _ in range(rows)]
    words(latex.table_tex(heads, cells, numeric, "A title", "01-made", ["Note. None."]))


def test_what_is_too_wide_is_seen() -> None:
    text = latex.table_tex(["a", "b"], [["x", "y"]], [False, False], "t", "l", [])
    with pytest.raises(AssertionError):
        words(text.replace("x & y", f"{'wide ' * 40} & y"))


def test_a_table_is_set_by_rule() -> None:
    short = latex.table_tex(
        ["Term", "p"], [["x", "0.5"], ["y", "−1.25"]], [False, True], "T", "05-a", ["Note. n"]
    )
    assert r"S[table-format=-1.2,group-digits=none]" in short and "y & -1.25" in short
    assert r"\label{tab:05-a}" in short and r"\begin{threeparttable}" in short and r"\item Note. n" in short
    long = latex.table_tex(["n"], [[f"{i},000"] for i in range(60)], [True], "T", "05-b", [])
    assert r"\begin{longtable}" in long and r"\endhead" in long and "group-separator={,}" in long
    wide = latex.table_tex(
        [f"column{i}" for i in range(12)], [["some words"] * 12], [False] * 12, "T", "05-c", []
    )
    assert r"\begin{landscape}" in wide
    parts = latex.table_tex(
        [f"column{i}" for i in range(40)], [["number 12345678"] * 40], [False] * 40, "T", "05-d", []
    )
    assert parts.count(r"\begin{tabular}") > 1 and r"\label{tab:05-d-2}" in parts
    assert len(set(re.findall(r"\\label\{[^}]*\}", parts))) == parts.count(r"\label")


@pytest.mark.parametrize("columns", [2, 6, 12])
def test_columns_of_regressions_fit_with_long_words_among_numbers(columns: int) -> None:
    """The journal table of the smoke study was 763 points wide."""
    numbers = Line("coef", ["Pilot (from its start year on)", *["0.054***"] * columns])
    effects = Line(
        "foot", ["Fixed effects", *["Firm identifier + Industry × year + District × year"] * columns]
    )
    grid = Grid([[(f"({i + 1})", 1) for i in range(columns)]], [numbers, effects], columns)
    text = forms.table_tex(grid, "A title", "11-made", ["Note. None."])
    spec = re.search(r"\\begin\{tabular\}\{([^\n]*)\}\n", text)
    size = SIZES[(re.findall(r"\\(normalsize|small|footnotesize|scriptsize)\n", text) or ["normalsize"])[0]]
    assert spec is not None
    kinds = re.findall(r"p\{([\d.]+)pt\}|([lr])", re.sub(r">\{[^}]*\}", "", spec[1]))
    assert len(kinds) == columns + 1
    cells = zip(kinds, *(line.cells for line in grid.lines), strict=True)
    whole = sum(float(w) if w else max(width(c, size) for c in texts) for (w, _), *texts in cells)
    room = latex.TURNED if "landscape}" in text.split("\n", 1)[1] else latex.UPRIGHT
    assert whole + 8.0 * columns <= room + OVER


def test_a_word_that_no_page_holds_is_set_all_the_same() -> None:
    word = "x" * 5000
    for heads in (["a", word], ["a", word, "c", "d"]):
        made = latex.table_tex(heads, [[word] * len(heads)], [True] * len(heads), "t", "l", [])
        assert made.count(word) >= len(heads)


@pytest.mark.parametrize(
    "head", ["结果变量（对数）的一个很长的名称", "Log output per worker and year", "Sales"]
)
def test_heads_over_columns_have_room_and_gaps_are_those_that_were_counted(head: str) -> None:
    """A table of five columns in Chinese stood 29 points over its page: gaps were LaTeX's own, heads not looked at."""
    cells = Line("coef", ["institutions", *["346.660"] * 5])
    heads = [
        [(head, 1), ("patents" * 30, 4)],
        [(head, 1), *[("", 1)] * 4],
        [(f"({i})", 1) for i in range(1, 6)],
    ]
    text = forms.table_tex(Grid(heads, [cells], 5), "A title", "11-made", [])
    assert r"\setlength{\tabcolsep}{4pt}" in text
    size = SIZES[re.findall(r"\\(normalsize|small|footnotesize|scriptsize)\n", text)[0]]
    for span, kind, told in re.findall(
        r"\\multicolumn\{(\d)\}\{(c|>\{[^}]*\}b\{[\d.]+pt\})\}\{([^}]*)\}", text
    ):
        broken = re.search(r"b\{([\d.]+)pt\}", kind)
        room = float(broken[1]) if broken else width(told, size)
        assert room <= latex.UPRIGHT * int(span) / 5 + OVER, (told, kind)
    assert (r"\usepackage{array}" in text) == (r"\arraybackslash" in text)
