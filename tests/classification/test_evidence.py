"""Ambiguous codes of 2011 settled by the enterprise's own later code, and by nothing else."""

from __future__ import annotations

import ibis
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fusion import classification as gbt

# 3610 was split into 3611, 3612 and 3620; the firm's codes of 2015, 2016 | 2017, 2018.
CASES = {
    "settled": (["3610", "3610", "3612", "3612"], ["3612", "3612", "3612", "3612"]),
    "changed before": (["3921", "3610", "3612", "3612"], ["3921", "3612", "3612", "3612"]),
    "changed back": (["3610", "3921", "3612", "3612"], ["", "3921", "3612", "3612"]),
    "not a candidate": (["3610", "3610", "3921", "3921"], ["", "", "3921", "3921"]),
    "first later code counts": (["3610", "3610", "3611", "3612"], ["3611", "3611", "3611", "3612"]),
    "unreadable later": (["3610", "3610", "x", "3612"], ["", "", "", "3612"]),
}


def panel(codes: dict[str, list[str]]) -> ibis.Table:
    rows = [
        (firm, 2015 + i, code, "2011" if i < 2 else "2017")
        for firm, written in codes.items()
        for i, code in enumerate(written)
    ]
    return ibis.memtable(pd.DataFrame(rows, columns=["firm_id", "year", "ind4", "class_version"]))


def classified(codes: dict[str, list[str]], rule: str) -> pd.DataFrame:
    out = gbt.classify(panel(codes), edition_evidence=rule)
    return out.order_by(["firm_id", "year"]).to_pandas()


@pytest.mark.parametrize("case", CASES)
def test_the_rule_case_by_case(case: str) -> None:
    written, expected = CASES[case]
    out = classified({case: written}, "own_later_code")
    assert out["code_2017"].tolist() == expected
    moved = (out["code_2017"] != "") & (out["edition"] == "2011") & (out["code_own"] == "3610")
    assert (out.loc[moved, "mapping_status"] == "by_evidence").all()
    assert (out.loc[moved, "mapping_how"] == "own_later_code").all()
    assert not (out.loc[~moved, "mapping_status"] == "by_evidence").any()


def test_settled_rows_have_the_class_of_2017_with_its_shares() -> None:
    out = classified({"f": CASES["settled"][0]}, "own_later_code")
    words = [
        "section",
        "division",
        "group3",
        "path",
        "fields",
        "services_share_low",
        "manufacturing_share_point",
    ]
    assert (out.loc[0, words] == out.loc[3, words]).all()
    assert out.loc[0, ["edition", "code_own"]].tolist() == ["2011", "3610"]


def test_without_the_rule_nothing_is_settled() -> None:
    out = classified({"f": CASES["settled"][0]}, "none")
    assert out["mapping_status"].tolist() == ["ambiguous", "ambiguous", "matched", "matched"]
    with pytest.raises(gbt.ClassificationError, match="allowed: none, own_later_code"):
        classified({"f": CASES["settled"][0]}, "guess")


@settings(max_examples=4, deadline=None)
@given(
    st.dictionaries(
        st.text("abc", min_size=1, max_size=3),
        st.lists(st.sampled_from(["3610", "3611", "3612", "3921", "x", ""]), min_size=4, max_size=4),
        min_size=1,
        max_size=6,
    )
)
def test_rows_add_up_and_only_ambiguous_ones_move(codes: dict[str, list[str]]) -> None:
    plain, settled = (classified(codes, rule) for rule in ("none", "own_later_code"))
    assert len(plain) == len(settled) == 4 * len(codes)
    differs = (plain["code_2017"] != settled["code_2017"]).to_numpy()
    assert (plain.loc[differs, "mapping_status"] == "ambiguous").all()
    assert (settled.loc[differs, "mapping_status"] == "by_evidence").all()
    assert plain.loc[~differs].reset_index(drop=True).equals(settled.loc[~differs].reset_index(drop=True))


def test_rows_given_twice_stay_two() -> None:
    twice = panel({"f": CASES["settled"][0]}).to_pandas()
    both = ibis.memtable(pd.concat([twice, twice], ignore_index=True))
    assert gbt.classify(both, edition_evidence="own_later_code").count().execute() == 8


def test_coverage_counts_settled_rows_as_their_class() -> None:
    codes = {"f": CASES["settled"][0]}
    wide, narrow = (
        gbt.coverage(gbt.classify(panel(codes), edition_evidence=rule), ["strategic_emerging_2018"]).iloc[0]
        for rule in ("none", "own_later_code")
    )
    # 3612 is in the standard, 3611 is not: half of the firm-years were open, and are certain now.
    assert (wide["firm_years_low"], wide["firm_years_high"]) == (0.5, 1)
    assert (narrow["firm_years_low"], narrow["firm_years_width"]) == (1, 0)


# 3141 of 2002 is 3041 and 3049 of 2011; 3041 is one class of 2017, 3049 was split into 3042 and 3049.
CHAINS = {
    "by way of one class": ([("3141", "2002"), ("3041", "2011")], "3041"),
    "by way of a split that the firm settles": (
        [("3141", "2002"), ("3049", "2011"), ("3042", "2017")],
        "3042",
    ),
    "straight to 2017": ([("3141", "2002"), ("3049", "2017")], "3049"),
    "the split between stays open": ([("3141", "2002"), ("3049", "2011")], ""),
    "not a successor in 2011": ([("3141", "2002"), ("3042", "2011"), ("3042", "2017")], ""),
    "changed before": ([("3141", "2002"), ("3142", "2002"), ("3041", "2011")], ""),
    "a coarser code between": ([("3141", "2002"), ("304", "2011"), ("3041", "2017")], ""),
}


@pytest.mark.parametrize("case", CHAINS)
def test_codes_of_2002_are_settled_by_each_newer_edition(case: str) -> None:
    written, expected = CHAINS[case]
    told = [("f", 2008 + 2 * i, code, edition) for i, (code, edition) in enumerate(written)]
    given_ = ibis.memtable(pd.DataFrame(told, columns=["firm_id", "year", "ind4", "class_version"]))
    out = gbt.classify(given_, edition_evidence="own_later_code").order_by("year").to_pandas()
    assert out["code_2017"].iloc[0] == expected
    assert (out["mapping_status"].iloc[0] == "by_evidence") == bool(expected)
    assert len(out) == len(written)
