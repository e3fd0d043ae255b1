"""How the notebooks read: what of their code is method, how long cells are, how much is said, and what code may not hold.

What is counted:

- **lines**: non-blank lines of code cells, comments included.
- **method**: lines of statements that build or estimate. Not counted: the cells tagged ``parameters`` and ``done``,
  imports, every statement that names ``book`` or ``Book`` (reading, writing and showing), comments beside statements,
  blank lines. A statement has the kind that its own lines say; of a loop or a condition the head is method unless it
  names the book, and each statement inside is looked at by itself.
- **cells**: non-blank lines of each code cell; of the parameters cell without the formatter's ``# fmt:`` line.
- **words**: runs of letters in Markdown cells, numbers and hyphens inside them included; formulas, addresses of links
  and tags are none.
"""

from __future__ import annotations

import ast
import json
import re
import statistics
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from workbook import paths

# Limits: over all notebooks together (lines: of the first ten, and a tenth of that for each more), and for each.
TEN, LAST_OF_TEN = 10, "10"
MOST_LINES, LEAST_METHOD, LEAST_WORDS, MEDIAN_CELL = 1800, 0.6, 4.0, 8
LONGEST_CELL, MOST_PARAMETERS = 25, 25

CHINESE = re.compile(r"[\u3000-\u303f\u3400-\u9fff\uff00-\uffef]")
_BOOK = {"book", "Book"}
# What a book no longer has to do: sheets have the words.
_WORDS_OF_THE_BOOK = {"say", "tell", "has", "label", "unit", "language", "leave_out"}
_DRAWING = {"matplotlib", "seaborn"}
_NO_PROSE = re.compile(r"\$\$.*?\$\$|\$[^$]*\$|<[^>]*>|(?<=\])\([^)]*\)", re.DOTALL)
_WORD = re.compile(r"[^\W_]*[^\W\d_][\w’'-]*")
# A number made for print: digits, thousands or per cent; `:g` names a choice by its value and is none.
_FOR_PRINT = re.compile(r"[,%]|\.\d")
_FIELD = re.compile(r"\{[^{}:]*:([^{}]*)\}|%[ +#0-]*\d*(\.\d+)[efg]")
# A head or title: capital, small letters, then another word. Formulas, conditions and queries have signs.
_HEAD = re.compile(r"[A-Z][a-z]+[ ,:][^~=<>|*]*[a-z]{2}[^~=<>|*]*")
_UNFOLDED = (
    "cells that import or end a notebook are folded in JupyterLab (jupyter.source_hidden), others are not"
)
_LONG, _SIGNS = 40, re.compile(r"[~=<>|*]|\bselect\b|\bfrom\b", re.IGNORECASE)


@dataclass(frozen=True)
class Measures:
    """What was counted in one notebook, or in several."""

    name: str
    lines: int
    method: int
    cells: tuple[int, ...]
    words: int
    chinese: int
    parameters: int
    faults: tuple[str, ...] = field(default=())

    @property
    def row(self) -> str:
        """One line of the table."""
        share, said = self.method / max(self.lines, 1), self.words / max(self.lines, 1)
        median = statistics.median(self.cells or (0,))
        return (
            f"{self.name:<18}{self.lines:>6}{share:>8.0%}{median:>8g}{max(self.cells, default=0):>9}"
            f"{said:>12.1f}{self.chinese:>9}{self.parameters:>12}"
        )


HEADER = f"{'notebook':<18}{'lines':>6}{'method':>8}{'median':>8}{'longest':>9}{'words/line':>12}{'Chinese':>9}{'parameters':>12}"


def measure(content: Mapping[str, Any], name: str) -> Measures:
    """Count one notebook.

    Parameters
    ----------
    content : dict
        The notebook (parsed JSON).
    name : str
        Its name.
    """
    lines = method = chinese = parameters = words = 0
    cells, faults = [], []
    for cell in content["cells"]:
        source, tags = "".join(cell["source"]), cell["metadata"].get("tags", [])
        if cell["cell_type"] != "code":
            words += len(_WORD.findall(_NO_PROSE.sub(" ", source)))
            continue
        if _is_plumbing(source) != bool(cell["metadata"].get("jupyter", {}).get("source_hidden")):
            faults.append(f"{name}: {_UNFOLDED}: {source.strip().splitlines()[0]}")
        filled = [line for line in source.splitlines() if line.strip()]
        length = sum(not line.startswith("# fmt:") for line in filled)
        lines += len(filled)
        cells.append(length)
        chinese += sum(bool(CHINESE.search(line)) for line in filled)
        if "parameters" in tags:
            parameters = length
        elif "done" not in tags:
            tree = ast.parse(source)
            method += len({n for n in _method(tree.body) if source.splitlines()[n - 1].strip()})
            faults += [f"{name}: {fault}" for fault in dict.fromkeys(_forbidden(tree))]
    return Measures(name, lines, method, tuple(cells), words, chinese, parameters, tuple(faults))


def together(each: list[Measures]) -> Measures:
    """All notebooks as one."""
    return Measures(
        "all",
        sum(m.lines for m in each),
        sum(m.method for m in each),
        tuple(n for m in each for n in m.cells),
        sum(m.words for m in each),
        sum(m.chinese for m in each),
        max(m.parameters for m in each),
    )


def broken(each: list[Measures]) -> list[str]:
    """Limits that are broken and words that code holds, one sentence each."""
    found = [fault for m in each for fault in (*_of_one(m), *m.faults)]
    ten = together([m for m in each if m.name[:2] <= LAST_OF_TEN])
    return [*found, *_of_ten(ten), *_of_all(together(each), len(each))]


def read(place: Path) -> Measures:
    """Count a notebook's file."""
    return measure(json.loads(place.read_text(encoding="utf-8")), place.stem)


def main() -> int:
    """Print the table and what is wrong; 1 when something is."""
    each = [read(place) for place in sorted(paths.NOTEBOOKS.glob("[0-9]*.ipynb"))]
    faults = broken(each)
    print("\n".join([HEADER, *(m.row for m in each), together(each).row, *faults]))
    return bool(faults)


def _is_plumbing(source: str) -> bool:
    """Whether a cell opens a notebook, with its imports, or ends it: who reads in JupyterLab need not look at it."""
    lines = source.strip().splitlines()
    return lines == ["book.done()"] or any(line.startswith(("import ", "from ")) for line in lines)


# -- inside ------------------------------------------------------------------------------------------


def _of_one(m: Measures) -> Iterator[str]:
    if (longest := max(m.cells, default=0)) > LONGEST_CELL:
        yield f"{m.name}: the longest code cell has {longest} lines; {LONGEST_CELL} are allowed"
    if m.parameters > MOST_PARAMETERS:
        yield f"{m.name}: {m.parameters} lines of parameters; {MOST_PARAMETERS} are allowed"
    if m.chinese:
        yield f"{m.name}: {m.chinese} lines of code hold Chinese; it belongs into the sheet or notebooks/zh"


def _of_ten(m: Measures) -> Iterator[str]:
    if m.lines > MOST_LINES:
        yield f"01 to {LAST_OF_TEN}: {m.lines} lines of code; {MOST_LINES} are allowed"


def _of_all(m: Measures, count: int) -> Iterator[str]:
    most = MOST_LINES * max(count, TEN) // TEN
    if m.lines > most:
        yield f"all: {m.lines} lines of code; {most} are allowed"
    if m.method < LEAST_METHOD * m.lines:
        yield f"all: {m.method / m.lines:.1%} of the lines are method; {LEAST_METHOD:.0%} are asked"
    if (median := statistics.median(m.cells)) > MEDIAN_CELL:
        yield f"all: the median code cell has {median:g} lines; {MEDIAN_CELL} are allowed"
    if m.words < LEAST_WORDS * m.lines:
        yield f"all: {m.words / m.lines:.2f} words of prose a line of code; {LEAST_WORDS:g} are asked"


def _method(body: list[ast.stmt]) -> Iterator[int]:
    """Numbers of the lines that are method."""
    for statement in body:
        inner = list(_blocks(statement))
        if isinstance(statement, ast.Import | ast.ImportFrom):
            continue
        last = min((block[0].lineno for block in inner), default=(statement.end_lineno or 0) + 1)
        heads = [n for n in ast.iter_child_nodes(statement) if not isinstance(n, ast.stmt)]
        own = heads if inner else [statement]
        if not any(_names_book(node) for node in own):
            yield from range(statement.lineno, max(last, statement.lineno + 1))
        for block in inner:
            yield from _method(block)


def _blocks(statement: ast.stmt) -> Iterator[list[ast.stmt]]:
    """Statements inside a loop, condition or ``with``."""
    for name in ("body", "orelse", "finalbody"):
        if block := getattr(statement, name, None):
            yield block
    for handler in getattr(statement, "handlers", []):
        yield handler.body


def _names_book(node: ast.AST) -> bool:
    return any(isinstance(n, ast.Name) and n.id in _BOOK for n in ast.walk(node))


def _forbidden(tree: ast.Module) -> Iterator[str]:
    """What a code cell may not hold; each says what, and where it belongs."""
    for node in ast.walk(tree):
        for look in _LOOKS:
            yield from look(node)


def _of_book(node: ast.AST) -> Iterator[str]:
    if not (isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "book"):
        return
    if node.attr in _WORDS_OF_THE_BOOK or node.attr.startswith("show_"):
        yield f"book.{node.attr}: words, languages and reasons belong into the sheet"


def _drawing(node: ast.AST) -> Iterator[str]:
    names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
    names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
    for name in names:
        if name.partition(".")[0] in _DRAWING:
            yield f"import of {name}: figures are drawn by functions of a plots room"


def _formatted(node: ast.AST) -> Iterator[str]:
    """Numbers made for print, by f-strings, ``format`` or ``%``."""
    told = ""
    if isinstance(node, ast.FormattedValue) and node.format_spec is not None:
        told = ast.unparse(node.format_spec)
    elif isinstance(node, ast.Constant) and isinstance(node.value, str):
        told = " ".join(a or b for a, b in _FIELD.findall(node.value))
    if _FOR_PRINT.search(told):
        yield f"{ast.unparse(node)[:60]}: numbers are formatted by the sheet"


def _said(node: ast.AST) -> Iterator[str]:
    """Heads, titles and sentences."""
    if not (isinstance(node, ast.Constant) and isinstance(node.value, str)):
        return
    text = node.value.strip()
    long = len(text) > _LONG and sum(word.isalpha() for word in text.split()) > 3 and not _SIGNS.search(text)
    if long or _HEAD.fullmatch(text):
        yield f"'{text[:60]}' reads like a head or a sentence; it belongs into the sheet"


def _shown_if(node: ast.AST) -> Iterator[str]:
    """Conditions that decide nothing but whether something is shown."""
    branches: list[list[ast.AST]] = []
    if isinstance(node, ast.If):
        branches = [list(node.body), list(node.orelse)]
    elif isinstance(node, ast.IfExp):
        branches = [[node.body], [node.orelse]]
    for branch in branches:
        if branch and all(_shows(part) for part in branch):
            yield f"'if {ast.unparse(node.test)[:40]}' only shows or leaves out; the sheet's needs decide that"  # type: ignore[attr-defined]


def _shows(node: ast.AST) -> bool:
    call = node.value if isinstance(node, ast.Expr) else node
    return (
        isinstance(call, ast.Call)
        and isinstance(call.func, ast.Attribute)
        and call.func.attr in {"exhibit", "paragraph", "file", "leave_out", "tell"}
        and _names_book(call.func)
    )


_LOOKS: tuple[Callable[[ast.AST], Iterator[str]], ...] = (_of_book, _drawing, _formatted, _said, _shown_if)

if __name__ == "__main__":
    sys.exit(main())
