"""Codes as people write them."""

from __future__ import annotations

import ibis
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fusion import classification as gbt
from fusion.classification.enterprises import normalise

CLASSES = {e: gbt.load(f"gbt4754_{e}").query("level == '4'") for e in ("2011", "2017")}
EDITION = st.sampled_from(["2011", "2017"])


def full_width(text: str) -> str:
    return "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in text)


@st.composite
def written(draw: st.DrawFn) -> tuple[str, str, str]:
    """A code of an edition, written in one of the ways that the rules allow."""
    edition = draw(EDITION)
    row = CLASSES[edition].iloc[draw(st.integers(0, len(CLASSES[edition]) - 1))]
    letter = draw(st.sampled_from(["", row["section"], row["section"].lower()]))
    text = letter + row["code"] + draw(st.sampled_from(["", ".0", ".00"]))
    if draw(st.booleans()):
        text = full_width(text)
    blank = st.text(" \t　\u00a0", max_size=2)
    return draw(blank) + draw(st.sampled_from(["", "'"])) + text + draw(blank), row["code"], edition


@given(written())
def test_every_way_of_writing_a_code_gives_that_code(case: tuple[str, str, str]) -> None:
    text, code, edition = case
    assert gbt.normalise_code(text, edition=edition).code == code


@given(st.text(max_size=8), EDITION)
def test_what_is_accepted_exists_and_has_the_digits_in_order(text: str, edition: str) -> None:
    found = gbt.normalise_code(text, edition=edition)
    assert bool(found.code) != bool(found.reason)
    if found.code:
        assert gbt.exists(found.code, edition)
        digits = text.translate(str.maketrans("０１２３４５６７８９", "0123456789"))
        assert found.code in (digits if found.rule != "zero restored" else "0" + digits.strip(" '　"))


@given(st.text(max_size=8), EDITION, st.sampled_from([None, 1, 2, 3, 4]))
def test_normalising_twice_changes_nothing_and_candidates_exist(
    text: str, edition: str, level: int | None
) -> None:
    found = gbt.normalise_code(text, level, edition)
    if found.code:
        assert gbt.normalise_code(found.code, level, edition).rule == "as written"
    assert all(gbt.exists(c, edition) for c in found.candidates)


@pytest.mark.parametrize(
    ("text", "edition", "reason", "candidate"),
    [
        ("131", "2017", "3 digits", "0131"),  # the zero lost ...
        ("131", "2017", "3 digits", "1311"),  # ... or the group
        ("D1311", "2017", "section C, not D", "1311"),
        ("3669", "2017", "no code 3669", "3660"),
        ("13110", "2017", "not a code", None),
        ("1311.5", "2017", "not a code", None),
        ("", "2017", "not a code", None),
        ("NA", "2017", "not a code", None),
        ("C39", "2017", "2 digits", "3911"),
    ],
)
def test_refusals_say_why_and_name_candidates(
    text: str, edition: str, reason: str, candidate: str | None
) -> None:
    found = gbt.normalise_code(text, edition=edition)
    assert found.code == ""
    assert reason in found.reason
    if candidate:
        assert candidate in found.candidates


@pytest.mark.parametrize(
    ("text", "code"),
    [("113", "0113"), ("A131", "0131"), ("０１１３", "0113"), ("113.0", "0113")],
)
def test_a_lost_zero_comes_back_when_nothing_else_is_written_like_that(text: str, code: str) -> None:
    assert gbt.normalise_code(text).code == code


def test_no_zero_is_restored_where_a_group_is_written_like_that() -> None:
    for edition in ("2011", "2017"):
        tree = gbt.load(f"gbt4754_{edition}")["code"]
        for code in tree[tree.str.fullmatch("0[0-9]{3}")]:
            found = gbt.normalise_code(code[1:], 4, edition)
            assert (found.code == code) == (code[1:] not in set(tree))
            assert code in (found.code, *found.candidates)


def test_a_code_of_the_other_edition_is_refused_and_says_so() -> None:
    only_old = sorted(set(CLASSES["2011"]["code"]) - set(CLASSES["2017"]["code"]))[0]
    assert "GB/T 4754-2011 has it" in gbt.normalise_code(only_old).reason


def test_levels() -> None:
    assert gbt.normalise_code("c", 1).code == "C"
    assert gbt.normalise_code("C39", 2).code == "39"
    assert gbt.normalise_code("374", None).code == "374"
    assert gbt.normalise_code("3", None).code == ""
    with pytest.raises(gbt.ClassificationError, match="level 5; allowed"):
        gbt.normalise_code("1311", 5)
    with pytest.raises(gbt.ClassificationError, match="allowed: 2002, 2011, 2017, csrc2012"):
        gbt.normalise_code("1311", 4, "1994")


@settings(max_examples=15, deadline=None)
@given(
    st.lists(
        st.one_of(written().map(lambda w: w[0]), st.text("0123456789.CDc' １３Ａ", max_size=7)), max_size=20
    )
)
def test_the_table_expression_follows_the_same_rules(texts: list[str]) -> None:
    table = pd.DataFrame({"written": texts, "version": "2017", "row": range(len(texts))})
    found = normalise(ibis.memtable(table.astype({"written": str}))).order_by("row").to_pandas()
    for text, code in zip(texts, found["code_own"], strict=True):
        one = gbt.normalise_code(text)
        coarser = gbt.normalise_code(text, None).code
        assert code == one.code or (not one.code and len(code) < 4 and code in ("", coarser))


def test_ancestors_and_children() -> None:
    assert gbt.ancestors("3741") == ["374", "37", "C"]
    assert gbt.ancestors("C") == []
    assert "3741" in gbt.children("374")
    assert gbt.name("374") == "航空、航天器及设备制造"
    with pytest.raises(gbt.ClassificationError, match=r"no code '3795'.*near it: 3791"):
        gbt.name("3795")
