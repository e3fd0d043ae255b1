"""From one edition to another by the official comparisons: matched, split, unmatched, never guessed."""

from __future__ import annotations

import csv
from collections import defaultdict

import pytest

from fusion import classification as gbt
from fusion.classification import policy
from fusion.classification.editions import links
from fusion.classification.tables import FOLDER


def one(code: str, old: str = "2011", new: str = "2017") -> dict[str, str]:
    return gbt.convert([code], old, new).iloc[0].to_dict()


def pairs(name: str) -> list[tuple[str, str]]:
    """A table of the standard as it lies there, by nothing but a reader of CSV."""
    with (FOLDER / f"{name}.csv").open(encoding="utf-8", newline="") as stream:
        return [(row[0], row[1]) for row in list(csv.reader(stream))[1:]]


def test_annex_b_is_held_whole() -> None:
    held = pairs("editions_2011_2017")
    assert len(held) == len(set(held)) == 1401  # the standard's annex
    for side, edition, count in ((0, "2011", 1094), (1, "2017", 1381)):
        classes = set(gbt.load(f"gbt4754_{edition}").query("level == '4'")["code"])
        assert {pair[side] for pair in held} == classes and len(classes) == count
    status = gbt.convert(None, "2011")["mapping_status"].value_counts().to_dict()
    assert status == {"matched": 921, "ambiguous": 173}
    assert max(len(found) for found in links("2011", "2017").values()) == 10


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("3972", "3982"),  # printed circuit boards, renamed
        ("6550", "6520"),  # integrated-circuit design; 6550 is another class in 2017
        ("3599", "3491 3492 3599 3964"),  # industrial and special robots, service robots taken out
        ("6540", "6431 6432 6433 6434 6439 6440 6450 6550"),  # internet platforms taken out
        ("3610", "3611 3612 3620"),
        ("1363", "1321 1329"),
    ],
)
def test_classes_read_in_the_annex_by_hand(old: str, new: str) -> None:
    found, after = one(old), new.split()
    if len(after) == 1:
        assert (found["mapping_status"], found["converted"], found["how"]) == (
            "matched",
            new,
            "one_successor",
        )
    else:
        assert (found["mapping_status"], found["converted"], found["how"]) == ("ambiguous", "", "split")
        assert found["candidates"].split(",") == after
    assert all(old in (links("2017", "2011")[code]) for code in after)


def test_notes_are_the_standards() -> None:
    assert one("3972")["note"] == "更名"
    assert links("2011", "2017")["3599"]["3491"] == "新增，原3599部分内容调到此类"
    # 1321 has two predecessors, and the annex breaks its note between their lines.
    assert set(links("2017", "2011")["1321"].values()) == {"新增，将原1320分解，原1363部分内容调到此类"}


def test_backwards_by_the_same_pairs() -> None:
    back = gbt.convert(None, "2017", "2011")
    assert len(back) == 1381
    before = defaultdict(set)
    for old, new in pairs("editions_2011_2017"):
        before[new].add(old)
    for row in back.itertuples():
        assert {row.converted} - {""} | set(row.candidates.split(",")) - {""} == before[row.code]
    assert one("6550", "2017", "2011")["converted"] == "6540"
    assert one("3982", "2017", "2011")["converted"] == "3972"


def test_what_cannot_be_converted() -> None:
    assert one("9999")["how"] == "not_in_edition"
    assert one("131")["how"] == "not_a_class"
    with pytest.raises(gbt.ClassificationError, match="name another edition"):
        gbt.convert(["0111"], "2017", "2017")


def test_2002_is_held_whole_and_shares_numbers_with_2011_that_mean_other_things() -> None:
    held = pairs("editions_2002_2011")
    assert len(held) == len(set(held)) == 1192
    after = links("2002", "2011")
    assert {pair[1] for pair in held} == set(links("2011", "2017"))
    shared = [code for code in after if code in links("2011", "2017")]
    assert (len(after), len(shared), sum(code not in after[code] for code in shared)) == (913, 415, 232)
    assert set(after["4011"]) == {"3921"} and set(after["3911"]) == {"3811"}  # communication; generators


def test_editions_are_chained_as_sets_forwards_and_backwards() -> None:
    first, second = defaultdict(set), defaultdict(set)
    for old, new in pairs("editions_2002_2011"):
        first[old].add(new)
    for old, new in pairs("editions_2011_2017"):
        second[old].add(new)
    ahead, back = links("2002", "2017"), links("2017", "2002")
    for code, between in first.items():
        assert set(ahead[code]) == set().union(*(second[c] for c in between)), code
    assert {(a, b) for a, found in ahead.items() for b in found} == {
        (a, b) for b, found in back.items() for a in found
    }
    assert (len(ahead), sum(len(found) == 1 for found in ahead.values())) == (913, 630)
    # Each note says which comparison prints it.
    assert ahead["6212"]["6571"] == "2011: 新增，原6212部分内容调到此类 → 2017: 新增，将原6591分解"
    with pytest.raises(gbt.ClassificationError, match="ends at divisions"):
        links("csrc2012", "2017")


def test_no_false_certainty_by_a_reading_of_the_tables_alone() -> None:
    """Every class of every edition against sets made here from the annex and the standards' own lists."""
    kinds = {s: gbt.members(s).set_index("code")["membership"].to_dict() for s in gbt.standards()}
    table = gbt.lookup(standards=tuple(gbt.standards())).set_index(["edition", "code"])
    after = defaultdict(set)
    for old, new in pairs("editions_2011_2017"):
        after["2011", old].add(new)
        after["2017", new].add(new)
    for old, new in pairs("editions_2002_2011"):
        after["2002", old] |= after["2011", new]
    for division in gbt.load("csrc_2012").query("level == '2' and code != 'S90'")["code"]:
        below = [
            found for (edition, code), found in after.items() if edition == "2011" and code[:2] == division
        ]
        after["csrc2012", division] = set().union(*below)
    for key, meant in after.items():
        said, cuts = table.loc[key], [policy.cuts(code) for code in sorted(meant)]
        for standard, kind in kinds.items():
            words = {kind.get(code, "none") for code in meant}
            expected = {("full",): "certain", ("none",): "no"}.get(tuple(words), "possible")
            assert said[f"in_{standard}"] == expected, (key, standard)
        main = {cut["path"] for cut in cuts}
        assert said["path"] == (main.pop() if len(main) == 1 else ""), key
        fields = [set(cut["fields"].split(",")) - {""} for cut in cuts]
        assert said["fields"] == ",".join(sorted(set.intersection(*fields))), key
        assert said["fields_possible"] == ",".join(sorted(set.union(*fields))), key
        assert said["paths_possible"] == ",".join(sorted({cut["path"] for cut in cuts})), key
        assert (said["code_2017"] != "") == (len(meant) == 1), key
    assert len(after) == 913 + 1094 + 1381 + 89
