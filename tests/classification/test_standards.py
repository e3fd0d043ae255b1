"""Membership in the derived standards, and the policy's paths and fields."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from fusion import classification as gbt

MATRIX = Path(__file__).parents[3] / "shared" / "reference" / "classification" / "gbt4754_membership.csv"
# The matrix counts the core of the digital economy; and it leaves out 3544, which the standard lists at its
# second level (4.2), where the others hold none.
CLASSES = {"digital_economy_2021": ("01", "02", "03", "04")}
EXCEPTIONS = {("industrial_sei_2023", "3544")}


@pytest.mark.skipif(not MATRIX.is_file(), reason="the membership matrix is not beside the project")
def test_members_equal_a_matrix_that_may_have_the_same_ancestor() -> None:
    matrix = pd.read_csv(MATRIX, dtype=str, keep_default_na=False).set_index("code")
    assert len(matrix) == 1381
    off = set()
    for standard in matrix.columns[2:]:
        own = gbt.members(standard, CLASSES.get(standard, ())).set_index("code")["membership"]
        differs = own.reindex(matrix.index).fillna("") != matrix[standard]
        off |= {(standard, code) for code in matrix.index[differs]}
    assert off == EXCEPTIONS


def test_a_listed_group_holds_its_classes_and_a_group_is_full_when_they_are() -> None:
    assert set(
        gbt.members("hightech_manufacturing_2017").query("code.str.startswith('27')")["membership"]
    ) == {"full"}
    words = gbt.membership(["27", "26", "2710", "C", "0111"], "hightech_manufacturing_2017")
    assert words.to_dict() == {"27": "full", "26": "partial", "2710": "full", "C": "partial", "0111": "none"}


def test_full_in_one_class_and_partial_in_another_is_full() -> None:
    listed = gbt.load("three_new_2018").query("gbt_code != ''")
    kinds = listed.groupby("gbt_code")["partial"].agg(set)
    both = kinds[kinds == {"0", "1"}].index
    assert len(both)
    assert set(gbt.membership([c for c in both if len(c) == 4], "three_new_2018")) == {"full"}


def test_advanced_manufacturing_is_class_02_alone() -> None:
    whole, advanced = gbt.members("three_new_2018"), gbt.members("three_new_2018", ("02",))
    assert set(advanced["code"]) < set(whole["code"])
    assert gbt.membership(["6550"], "three_new_2018", ("02",)).item() == "none"
    with pytest.raises(gbt.ClassificationError, match="no class 99"):
        gbt.members("three_new_2018", ("99",))


def test_listings_of_a_code_say_what_is_unverified() -> None:
    found = pd.DataFrame(gbt.answer("6550")["standards"]).set_index("standard")
    assert found.loc["modern_services_2023", "class_code"] == "0144"
    assert not found.loc["producer_services_2019", "verified"]
    assert found.drop(index="producer_services_2019")["verified"].all()
    assert found.loc["three_new_2018", "partial"].all()


def test_unknown_standards_and_codes_are_named() -> None:
    with pytest.raises(gbt.ClassificationError, match="Did you mean 'modern_services_2023'"):
        gbt.load("modern_service_2023")
    with pytest.raises(gbt.ClassificationError, match="is not a derived standard"):
        gbt.members("paths")
    with pytest.raises(gbt.ClassificationError, match="not in GB/T 4754-2017: 9999"):
        gbt.membership(["9999"], "modern_services_2023")


def test_paths_of_every_class() -> None:
    paths = gbt.paths().set_index("code")
    assert len(paths) == 1381
    assert paths["path"].isin(["P1", "P2", "P3", "P4", "P5", "P6", "other"]).all()
    expected = {  # code: main, second
        "3741": ("P4", ""),
        "3562": ("P4", "P1"),
        "3544": ("P4", "P2"),
        "2665": ("P5", "P2"),
        "3962": ("P1", "P3"),
        "3841": ("other", "P3"),
        "3985": ("P1", "P5"),
        "2625": ("other", "P5"),
        "2671": ("other", ""),
        "2682": ("P6", ""),
        "2438": ("P6", ""),
        "3581": ("P2", ""),
        "1311": ("other", "P6"),
        "1610": ("other", ""),
    }
    for code, (main, second) in expected.items():
        assert tuple(paths.loc[code, ["path", "path_secondary"]]) == (main, second), code
    assert paths.loc["6532", "path_service"] == "P1,P3"


def test_core_prefixes_do_not_overlap_and_no_path_is_its_own_second() -> None:
    core = gbt.load("paths").query("role == 'core'")
    for prefix in core["prefix"]:
        inside = core[core["prefix"].map(lambda other, p=prefix: other.startswith(p))]
        assert len(inside) == 1, f"{prefix} holds another core prefix"
    paths = gbt.paths()
    second = paths.assign(one=paths["path_secondary"].str.split(",")).explode("one")
    assert (second["one"] != second["path"]).all()


def test_fields_are_many_to_many() -> None:
    fields = gbt.code_tags().set_index("code")["fields"]
    assert fields["7492"] == "F4,F6"
    assert fields["6431"] == "F1,F2,F5"
    assert fields["0111"] == ""
