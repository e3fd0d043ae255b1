"""From 2011 to 2017: matched, ambiguous, unmatched, never guessed."""

from __future__ import annotations

import pytest

from fusion import classification as gbt


def one(code: str, confidence: str = "high") -> dict[str, str]:
    return gbt.convert([code], confidence).iloc[0].to_dict()


def test_6550_is_not_the_same_class_in_both_editions() -> None:
    assert gbt.name("6550", "2011") == "集成电路设计"
    assert gbt.name("6550", "2017") == "信息处理和存储支持服务"
    assert one("6550")["code_2017"] == "6520"
    assert gbt.name("6520", "2017") == "集成电路设计"


def test_a_split_class_is_ambiguous_at_every_confidence() -> None:
    for confidence in ("high", "medium", "low"):
        found = one("3610", confidence)
        assert (found["mapping_status"], found["code_2017"]) == ("ambiguous", "")
        assert found["candidates"] == "3611,3612"


def test_confidence_is_a_threshold() -> None:
    assert one("3425", "high")["mapping_status"] == "ambiguous"
    assert one("3425", "medium") == one("3425", "low")
    assert one("3425", "medium")["code_2017"] == "3425"
    matched = [
        (gbt.convert(confidence=c)["mapping_status"] == "matched").sum() for c in ("high", "medium", "low")
    ]
    assert matched == sorted(matched)
    assert matched[0] == 934  # 723 with code and name, 211 with the name


def test_every_class_of_2011_has_one_answer() -> None:
    classes = gbt.load("gbt4754_2011").query("level == '4'")["code"]
    for confidence in ("high", "medium", "low"):
        answer = gbt.convert(confidence=confidence)
        assert sorted(answer["code_2011"]) == sorted(classes)
        assert ((answer["code_2017"] != "") == (answer["mapping_status"] == "matched")).all()
        assert ((answer["candidates"] != "") == (answer["mapping_status"] == "ambiguous")).all()


def test_what_cannot_be_converted() -> None:
    assert one("1363")["how"] == "no_candidate"
    assert one("9999")["how"] == "not_in_edition"
    assert one("131")["how"] == "not_a_class"
    with pytest.raises(gbt.ClassificationError, match="allowed: high, medium, low"):
        gbt.convert(["0111"], "sure")
