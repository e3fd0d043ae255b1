"""The classification tables: whole, consistent, and equal to the counts of their documents."""

from __future__ import annotations

import pytest

from fusion import classification as gbt
from fusion.classification.tables import FOLDER

SOURCES = gbt.load("SOURCES").set_index("standard")
COMPARISONS = ("editions_2011_2017",)
COLUMNS = [
    "standard",
    "part",
    "class_code",
    "level",
    "parent_code",
    "class_name",
    "gbt_code",
    "partial",
    "confidence",
]


def counts(standard: str) -> str:
    """Classes by level, parts in the order of the document, e.g. ``8/39/139``."""
    table = gbt.load(standard)
    if standard.startswith("editions"):
        old, new = table.columns[:2]
        return f"{len(table)}/{table[old].nunique()}/{table[new].nunique()}"
    if standard == "size_classes":
        return f"{table['industry'].nunique()}/{len(table)}"
    if standard.startswith(("gbt", "isic")):
        return "/".join(str((table["level"] == level).sum()) for level in "1234")
    once = table.drop_duplicates(["part", "class_code"])
    parts = ["energy_saving_environment", "clean_production", "clean_energy"] if once["part"].any() else [""]
    levels = [once[once["part"] == p]["level"].value_counts().sort_index() for p in parts]
    return " + ".join("/".join(map(str, level)) for level in levels)


@pytest.mark.parametrize("standard", SOURCES.index)
def test_counts_are_the_recorded_ones(standard: str) -> None:
    row = SOURCES.loc[standard]
    assert counts(standard) == row["counts_own"]
    if row["verified"] == "1" and "/" in row["counts_stated"]:
        assert row["counts_own"] == row["counts_stated"]


@pytest.mark.parametrize(
    ("standard", "official"),
    [
        ("gbt4754_2017", "20/97/473/1381"),
        ("gbt4754_2011", "20/96/432/1094"),
        ("modern_services_2023", "8/39/139"),
        ("isic_rev4", "21/88/238/419"),
        ("three_new_2018", "9/63/353"),
        ("hightech_manufacturing_2017", "6/34/85"),
        ("hightech_services_2018", "9/25/97"),
        ("scitech_services_2018", "7/24/88"),
        ("strategic_emerging_2018", "9/40/189/166"),
        ("digital_economy_2021", "5/32/156"),
        ("life_services_2019", "12/46/151"),
        ("ip_intensive_2019", "7/31"),
        ("green_2021", "4/23/60 + 3/9/14 + 8/23/39"),
    ],
)
def test_counts_are_the_documents(standard: str, official: str) -> None:
    assert counts(standard) == official


def test_every_standard_has_a_source_and_what_was_not_seen_is_unverified() -> None:
    assert set(gbt.standards()) | {
        "gbt4754_2011",
        "gbt4754_2017",
        "isic_rev4",
        "size_classes",
        *COMPARISONS,
    } == set(SOURCES.index)
    assert SOURCES.index[SOURCES["verified"] != "1"].tolist() == ["producer_services_2019", "size_classes"]
    assert "UNVERIFIED" in SOURCES.loc["producer_services_2019", "note"]
    assert (SOURCES[["issuer", "title_zh", "title_en", "year", "checked"]] != "").all(axis=None)


@pytest.mark.parametrize("standard", gbt.standards())
def test_standards_are_tidy(standard: str) -> None:
    table = gbt.load(standard)
    assert list(table.columns) == COLUMNS
    assert (table["standard"] == standard).all()
    assert not table.duplicated(["part", "class_code", "gbt_code"]).any()
    listed = table[table["gbt_code"] != ""]
    assert listed["partial"].isin(["0", "1"]).all()
    unknown = [c for c in listed["gbt_code"] if not gbt.exists(c, SOURCES.loc[standard, "gbt_edition"])]
    assert unknown == []
    known = set(zip(table["part"], table["class_code"], strict=True))
    above = table[table["parent_code"] != ""]
    orphans = {c for p, c in zip(above["part"], above["parent_code"], strict=True) if (p, c) not in known}
    assert orphans <= ({"3.3.8"} if standard == "industrial_sei_2023" else set())


@pytest.mark.parametrize("edition", ["2011", "2017"])
def test_the_trees_are_whole(edition: str) -> None:
    tree = gbt.load(f"gbt4754_{edition}")
    codes = set(tree["code"])
    assert len(codes) == len(tree)
    assert set(tree["parent"]) - {""} <= codes
    digits = tree["code"].str.len().where(tree["code"].str.isdigit(), 1)
    assert (digits.astype(str) == tree["level"]).all()
    for level in ("3", "4"):
        rows = tree[tree["level"] == level]
        assert (rows["parent"] == rows["code"].str[:-1]).all()
    inner = set(tree.loc[tree["level"] != "4", "code"])
    assert inner <= set(tree["parent"]), "a code above the classes has no child"
    assert (tree["name_zh"] != "").all()


def test_the_2017_table_is_not_the_mixed_one_that_circulates() -> None:
    for code in ("278", "283", "3670", "829", "932", "374", "3741"):
        assert gbt.exists(code, "2017"), code


def test_english_names_are_marked_unofficial() -> None:
    tree = gbt.load("gbt4754_2017")
    named = tree[tree["name_en_unofficial"] != ""]
    assert sorted(named["code"]) == [str(d) for d in range(13, 44)]
    assert "name_en" not in tree.columns


@pytest.mark.parametrize("name", COMPARISONS)
def test_comparisons_hold_classes_and_whole_notes(name: str) -> None:
    table = gbt.load(name)
    for column in table.columns[:2]:
        classes = gbt.load(f"gbt4754_{column[-4:]}").query("level == '4'")["code"]
        assert set(table[column]) <= set(classes)
    assert not table.duplicated(list(table.columns[:2])).any()
    noted = table.loc[table["note"] != "", "note"]
    assert noted.str.match("新增|更名|内容|调整|将原|原|取消|合并").all(), "a note that begins in the middle"


@pytest.mark.parametrize(
    ("table", "key", "roles"),
    [("paths", "path", "core adjacent service"), ("fields", "field", "service goods")],
)
def test_prefixes_exist(table: str, key: str, roles: str) -> None:
    rows = gbt.load(table)
    assert set(rows["role"]) == set(roles.split())
    assert [p for p in rows["prefix"] if not gbt.exists(p)] == []
    assert not rows.duplicated([key, "prefix", "role"]).any()


def test_files_are_utf8_with_unix_lines() -> None:
    for file in FOLDER.rglob("*.csv"):
        raw = file.read_bytes()
        raw.decode("utf-8")
        assert b"\r" not in raw
        assert not raw.startswith(b"\xef\xbb\xbf")
        assert raw.endswith(b"\n")


def test_each_division_stands_in_one_sector() -> None:
    divisions = gbt.load("gbt4754_2017").query("level == '2'")["code"]
    assert sorted(gbt.load("three_sectors_2018")["gbt_code"]) == sorted(divisions)


@pytest.mark.parametrize(
    ("standard", "class_code", "members"),
    [  # rows over a page, as others compared them with the documents
        ("sports_2019", "0820", "8053* 8412* 8414* 8415* 8416* 8522* 8992"),
        ("sports_2019", "1011", "5142 5242"),
        ("tourism_2018", "1722", "6432* 6434* 6439* 6440* 6450*"),
        ("tourism_2018", "1723", "7215* 7219* 722* 9522*"),
    ],
)
def test_members_over_a_page_are_there(standard: str, class_code: str, members: str) -> None:
    rows = gbt.load(standard).query("class_code == @class_code and gbt_code != ''")
    marks = rows["partial"].map({"1": "*", "0": ""})
    assert " ".join(rows["gbt_code"] + marks) == members
