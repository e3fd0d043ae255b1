"""How the notebooks read: their measures and limits, and what their code may not hold."""

from __future__ import annotations

from typing import Any

import pytest

from workbook import paths
from workbook.exhibits import sheets
from workbook.review import notebooks
from workbook.review.notebooks import Measures, measure

FILES = sorted(paths.NOTEBOOKS.glob("[0-9]*.ipynb"))


def notebook(*cells: str, prose: str = "", tags: tuple[str, ...] = ()) -> dict[str, Any]:
    made = [{"cell_type": "code", "source": c, "metadata": {"tags": list(tags)}} for c in cells]
    return {"cells": [{"cell_type": "markdown", "source": prose, "metadata": {}}, *made]}


def counted(**changes: Any) -> Measures:
    within = {
        "lines": 1800,
        "method": 1080,
        "cells": (8, 8, 25),
        "words": 7200,
        "chinese": 0,
        "parameters": 25,
    }
    return Measures(**({"name": "05_effects"} | within | changes))


def test_the_notebooks_are_within_the_limits() -> None:
    assert notebooks.broken([notebooks.read(f) for f in FILES]) == []


def test_each_has_a_sheet() -> None:
    assert [f.stem for f in FILES if not sheets.exists(f.stem)] == []


@pytest.mark.parametrize(
    ("code", "method"),
    [
        ("import numpy as np\nfrom a import (\n    b,\n)", 0),
        ("book, p = Book.open('05_effects', globals())", 0),
        ("rows = book.read('panel')\n\nx = [\n    1,\n\n    2,\n]", 4),
        ("book.exhibit(\n    'a',\n    rows.mean(),\n)", 0),
        ("# why\nx = 1  # how", 1),
        ("for y in p.outcomes:\n    fit = f(y)\n    book.write('a', fit)", 2),
        ("for y in book.outcomes:\n    fit = f(y)", 1),
        ("if a:\n    x = 1\nelse:\n    x = 2", 3),
        ("with a: x = 1", 1),
    ],
)
def test_what_is_method(code: str, method: int) -> None:
    assert measure(notebook(code), "05_effects").method == method


def test_parameters_and_the_last_cell_are_no_method() -> None:
    made = measure(notebook("# fmt: off\na = 1  # one\nb = 2  # two", tags=("parameters",)), "05_effects")
    assert (made.lines, made.method, made.parameters, made.cells) == (3, 0, 2, (2,))
    assert measure(notebook("x = book\nx.done()", tags=("done",)), "05_effects").method == 0


def test_words_are_those_of_prose() -> None:
    prose = "# Two engines\n\nThe slope $\\beta x$ of `feols` ([Wing 2024](https://a.b/c)), 1,234 rows:\n\n$$a\n+ b$$\n"
    assert measure(notebook(prose=prose), "05_effects").words == 8


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"cells": (26, 1)}, "the longest code cell has 26 lines; 25 are allowed"),
        ({"parameters": 26}, "26 lines of parameters; 25 are allowed"),
        ({"chinese": 1}, "1 lines of code hold Chinese"),
        ({"faults": ("05_effects: a head",)}, "05_effects: a head"),
        ({"lines": 1801, "words": 9000, "method": 1800}, "all: 1801 lines of code; 1800 are allowed"),
        ({"method": 1079}, "all: 59.9% of the lines are method; 60% are asked"),
        ({"cells": (9, 9, 1)}, "all: the median code cell has 9 lines; 8 are allowed"),
        ({"words": 7199}, "all: 4.00 words of prose a line of code; 4 are asked"),
    ],
)
def test_each_limit_is_named_when_it_is_broken(changes: dict[str, Any], said: str) -> None:
    assert notebooks.broken([counted()]) == []
    assert [fault for fault in notebooks.broken([counted(**changes)]) if said in fault]


def test_the_first_ten_have_a_limit_of_their_own() -> None:
    """Short ones after them make no room for them."""
    within = [counted(name=f"{n:02}_x", lines=180, method=120, words=900) for n in range(1, 14)]
    assert notebooks.broken(within) == []
    within[9:11] = [
        counted(name="10_x", lines=181, method=120, words=900),
        counted(name="11_x", lines=10, method=10),
    ]
    assert notebooks.broken(within) == ["01 to 10: 1801 lines of code; 1800 are allowed"]


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("book.show_table('a', f)", "book.show_table"),
        ("book.leave_out('a')", "book.leave_out"),
        ("x = book.say('a', 'b')", "book.say"),
        ("import matplotlib.pyplot as plt", "import of matplotlib.pyplot"),
        ("x = f'{n:,} rows'", "numbers are formatted"),
        ("x = f'{n:.3f}'", "numbers are formatted"),
        ("x = '{:.1%}'.format(n)", "numbers are formatted"),
        ("x = f['a'].map('{:,}'.format)", "numbers are formatted"),
        ("x = '%.2f' % n", "numbers are formatted"),
        ("f.columns = ['Standard error', 'p']", "'Standard error' reads like a head"),
        ("x = 'firms that were in the panel in both of the years'", "reads like a head or a sentence"),
        ("if len(f):\n    book.exhibit('a', f)", "if len(f)' only shows or leaves out"),
        ("if a:\n    f = g()\nelse:\n    book.leave_out('a')", "if a' only shows or leaves out"),
        ("book.exhibit('a', f) if len(f) else None", "if len(f)' only shows or leaves out"),
    ],
)
def test_what_code_may_not_hold(code: str, said: str) -> None:
    assert any(said in fault for fault in measure(notebook(code), "05_effects").faults)


@pytest.mark.parametrize(
    "code",
    [
        "x = f'tails:{tail:g}'",
        "x = f'{y} ~ {d} + ln_employees + ln_capital_labour | firm_id + division^year'",
        "x = f.query('year >= 2016 and path in kept and not singleton')",
        "x = con.sql('select year, count(*) as firms from panel group by year')",
        "x = 'modern_services_2023 hightech_services_2018 scitech_services_2018'.split()",
        "x = dd.CallawaySantAnna(control_group='not_yet_treated')",
        "if book.can('truth'):\n    known = book.read('truth')",
        "known = book.read('truth') if book.can('truth') else None",
        "book.exhibit('a', f, far=lambda f: f.loc[f['x'].idxmax()])",
    ],
)
def test_what_code_may_hold(code: str) -> None:
    assert measure(notebook(code), "05_effects").faults == ()


@pytest.mark.parametrize(
    ("code", "folded", "fault"),
    [
        ("import numpy as np", True, False),
        ("from fusion import a\nx = a.b()", False, True),
        ("book.done()", False, True),
        ("book.exhibit('a', b)", True, True),
        ("book.exhibit('a', b)", False, False),
    ],
)
def test_plumbing_is_folded_and_nothing_else(code: str, folded: bool, fault: bool) -> None:
    cell = {
        "cell_type": "code",
        "source": code,
        "metadata": {"jupyter": {"source_hidden": True}} if folded else {},
    }
    found = notebooks.measure({"cells": [cell]}, "n").faults
    assert any("folded" in one for one in found) == fault
