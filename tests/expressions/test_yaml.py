"""What expressions are taken, what is refused, and how: position, what was found, what is allowed."""

from __future__ import annotations

import logging
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lark import Lark

from workbook.expressions import reading
from workbook.expressions.checking import Scope, check, condition
from workbook.expressions.errors import ExpressionError
from workbook.expressions.functions import FUNCTIONS
from workbook.expressions.reading import parse

SCOPE = Scope(
    {
        "firm_id": "text", "year": "integer", "x": "number", "z": "number", "n": "integer", "division": "code",
        "reg_type": "code", "industry": "text", "pilot": "truth", "start": "number", "opened": "date",
        "营业收入": "number", "营业收入(元)": "number", "group3": "text", "path": "text",
    },
    {"soe": ("110", "141", "151"), "crisis": (2008, 2009)},
)  # fmt: skip
GOOD = [
    "x", "log(x / z)", "log(营业收入)", 'header("营业收入(元)")', "-x^2", "x ^ -2", "x^0.5", "2 * (x - z) / n", "1e3 + .5",
    "if x > 3 then 1 else 0", "if x is missing then z else if n == 1 then x else missing", "reg_type in soe",
    "reg_type not in soe", "year in crisis", "year not in (2020, 2022)", 'division == "26"', 'division != ""',
    "x between 0 to 1 and not pilot", "not (x > 3 or z <= 2)", "pilot == 1", "x is not missing",
    "mean(x, by=year)", "mean(x, by=(industry, year))", "rank(x, by=all)", "winsor(x, 0.01)",
    "winsor(x, 0.01, 0.95, by=year)", "standardise(lag(x, 2), by=unit)", "bins(x, 5, by=year)",
    "count(industry, by=year)", "min(x, 0)", "min(x, by=unit)", "first_year(x > 0)", "since(start)", "years_since(start)",
    "moving_sd(x, 3)", "year_of(opened)", 'starts(industry, "C")', 'pad(left(division, 2), 4)', "lag(industry)",
    "coalesce(x, z, 0)", "x + pilot", 'joined(industry, division)', 'industry in ("a", "b, c")', "path == group3",
    "log(\n  x\n)\n", "x in (-1, -2.5)", "number(industry) > 3", "text(n)",
]  # fmt: skip
BAD = {
    # What runs code elsewhere.
    "@pd.io.common.os.system('touch x') == 1": "character 1: '@' cannot stand here",
    "__import__('os').system('id')": "write \"",
    "x.__class__.__mro__": "character 2: '.' cannot stand here",
    "(lambda: 1)()": "':'",
    "[c for c in ().__class__]": "write (",
    "exec(x)": "no function 'exec'",
    "eval(x)": "no function 'eval'",
    "open(industry)": "no function 'open'",
    "system(industry)": "no function 'system'",
    "read_csv(industry)": "no function 'read_csv'",
    "x; DROP TABLE panel": "';' cannot stand here",
    "x -- comment": "no column 'comment'",
    "x /* */": "cannot stand here",
    "(SELECT 1)": "cannot stand here",
    "x::int": "':' cannot stand here",
    'industry == "a" || "b"': "write or",
    'industry == "a\\" + x"': "has no end",
    "{{ 7 * 7 }}": "'{' cannot stand here",
    "${x}": "cannot stand here",
    "$": "stands for the columns of each:",
    "`x`": 'write "',
    # What is meant otherwise.
    "x = 1": "character 3: '=' compares nothing; write '=='.",
    "x ** 2": "character 3: '**' is not used here; write ^",
    "x && z": "write and",
    "!pilot": "write not",
    "x ≥ 3": "write >=",
    "log（x）": "write (",
    "x > 1 > 0": "'>' cannot stand here; allowed: and, or, the end",
    "x in 2020": "cannot stand here",
    "year in (2020": "ends too early; allowed: ), a comma",
    "if x > 1 then 2": "else",
    "x^z": "cannot stand here",
    "x^10": "the power 10; at most 9 is allowed",
    "0111": 'a code is text; write "0111"',
    "1e999": "too large",
    "9" * 30: "more than 25 digits",
    "": "empty",
    " \n ": "empty",
    "x +\u200b z": "U+200B",
    "x\u0000": "U+0000",
    "x\u00a0+ z": "U+00A0",
    "x\u202e": "U+202E",
    "x\t+ z": "U+0009",
    "(" * 25 + "x" + ")" * 25: "more than 24 deep",
    "-" * 31 + "x": "more than 30 signs",
    "+".join(["x"] * 401): "more than 400 parts",
    "not " * 60 + "pilot": "more than 48 deep",
    "x+" * 1001: "2002 characters; at most 2000",
    "a" * 61: "a name of more than 60",
    'industry == "' + "a" * 201 + '"': "a text of more than 200",
    # What the columns do not allow.
    "totl": "no column 'totl'. Columns: ",
    "industr == division": "no column 'industr'. Nearest: industry.",
    "soe": "'soe' is a list; write COLUMN in soe",
    "reg_type in soes": "no list 'soes'. Nearest: soe. Lists: soe, crisis.",
    "year in soe": "does not meet",
    "division == 26": 'division (code) is compared with the number 26. Write division == "26".',
    "division in (26, 27)": "is compared with the number 26",
    'x > "3"': "does not meet",
    "x + industry": "industry (text) is no number",
    "log(industry)": "log takes a number, and industry is text",
    "left(n, 2)": "left takes text, and n is whole number; write text(n)",
    "not x": "x (number) is no condition; compare it with something, e.g. x == 1",
    "if n then 1 else 2": "n (whole number) is no condition",
    'if pilot then 1 else "a"': "does not meet",
    "pilot == 2": "does not meet",
    "pilot > 0": "has no order",
    "x == missing": "write x is missing",
    "营业收入(元)": 'A header with signs is written header("营业收入(元)").',
    "营业(x)": "no function '营业'",
    "mean(x)": "mean needs by=. Allowed: by=all, by=unit, by=year, by=(industry, year).",
    "mean(x, by=indutry)": "no column 'indutry'. Nearest: industry.",
    "mean(x, over=year)": "mean takes no over=; allowed: by=",
    "mean(x, by=3)": "no column '3'",
    "log(x, by=year)": "log takes no by=; allowed: none",
    "mean(by=year, x)": "an argument after by=",
    "mean(x, by=year, by=all)": "by= is given twice",
    "log(x, z)": "log is given 2; write log(number)",
    "lag()": "lag is given 0; write lag(number, [whole number])",
    "lag(x, 0)": "a whole number from 1 to 50 here, not 0",
    "lag(x, n)": "a whole number from 1 to 50 here, not n",
    "lag(x, 9999)": "a whole number from 1 to 50",
    "winsor(x, 1)": "a share between 0 and 1",
    "winsor(x, 0.9, 0.1)": "must be above the lower one",
    "bins(x, 101, by=all)": "from 1 to 100",
    "starts(industry, division)": "a text in quotes here, not division",
    "levels(industry)": "for tables alone",
}  # fmt: skip


def test_the_corpora_are_as_large_as_they_should_be() -> None:
    assert len(GOOD) >= 28 and len(BAD) >= 39


@pytest.mark.parametrize("text", GOOD)
def test_taken(text: str) -> None:
    assert check(parse(text), SCOPE).kind in ("number", "integer", "text", "code", "truth", "date")


@pytest.mark.parametrize("text", BAD, ids=lambda text: text[:30].encode("ascii", "backslashreplace").decode())
def test_refused(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    begun = time.perf_counter()
    with pytest.raises(ExpressionError) as refused:
        check(parse(text), SCOPE)
    assert BAD[text] in str(refused.value)
    assert len(str(refused.value)) < 400, "one screen, whatever the text"
    assert time.perf_counter() - begun < 1
    monkeypatch.setenv("FUSION_LANGUAGE", "zh")
    with pytest.raises(ExpressionError, match=r"[\u4e00-\u9fff]"):
        check(parse(text), SCOPE)


def test_the_grammar_has_no_conflict(caplog: pytest.LogCaptureFixture) -> None:
    """Lark resolves shift against reduce silently, but for its log; reduce against reduce it refuses."""
    text = Path(reading.__file__).with_name("grammar.lark").read_text("utf-8")
    from lark import logger

    logger.addHandler(caplog.handler)
    before = logger.level
    logger.setLevel(logging.DEBUG)
    try:
        Lark(text, parser="lalr", debug=True)
    finally:
        logger.setLevel(before)
        logger.removeHandler(caplog.handler)
    assert [r.message for r in caplog.records if "conflict" in r.message.lower()] == []


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_without_arguments_says_what_it_takes(name: str) -> None:
    scope = Scope(SCOPE.columns, tables=True)
    with pytest.raises(ExpressionError, match=name):
        check(parse(f"{name}()"), scope)


def test_rows_are_not_chosen_by_other_rows() -> None:
    narrow = Scope(SCOPE.columns, windows=False)
    with pytest.raises(ExpressionError, match="may not choose rows"):
        condition(parse("x > mean(x, by=year)"), narrow)
    assert condition(parse("lag(x) > 0"), narrow).kind == "truth"


def test_a_cross_section_has_no_years() -> None:
    with pytest.raises(ExpressionError, match="lag needs years"):
        check(parse("lag(x)"), Scope(SCOPE.columns, year=None))


def test_a_user_may_name_columns_as_the_workbook_does() -> None:
    assert check(parse('path == "a"'), SCOPE).names() == ["path"]


WORDS = [*"()+-*/^,=<>$.\"'@;", "==", "!=", "x", "division", "year", "mean", "lag", "by", "all", "if", "then", "else",
         "and", "or", "not", "in", "is", "missing", "between", "to", "1", "0.5", '"a"', "soe", "true", "营业收入"]  # fmt: skip


@settings(max_examples=400, deadline=None)
@given(st.one_of(st.text(max_size=80), st.lists(st.sampled_from(WORDS), max_size=30).map(" ".join)))
def test_any_text_is_taken_or_refused_in_words(text: str) -> None:
    try:
        check(parse(text), SCOPE)
    except ExpressionError as refused:
        assert 0 < len(str(refused)) < 600
