"""The classification tables: whole, consistent, and equal to the counts of their documents."""

from __future__ import annotations

import pytest

from fusion import classification as gbt
from fusion.adapters.model import load as load_adapter
from fusion.classification import editions
from fusion.classification.tables import EDITIONS, FOLDER
from workbook.params.panel import Panel

SOURCES = gbt.load("SOURCES").set_index("standard")
COMPARISONS = ("editions_2011_2017", "editions_2002_2011")
TREES = ("gbt4754_2002", "gbt4754_2011", "gbt4754_2017", "csrc_2012", "isic_rev4")
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
    if standard in (*COMPARISONS, "gbt4754_2017_isic4"):
        old, new = table.columns[:2]
        return f"{len(table)}/{table[old].nunique()}/{table[new].nunique()}"
    if standard == "size_classes":
        return f"{table['industry'].nunique()}/{len(table)}"
    if standard in TREES:
        return "/".join(str(n) for level in "1234" if (n := (table["level"] == level).sum()))
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
        ("gbt4754_2002", "20/95/396/913"),
        ("csrc_2012", "19/90"),
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


def test_every_table_has_a_source_and_says_whether_its_text_was_seen() -> None:
    others = {*TREES, *COMPARISONS, "gbt4754_2017_isic4", "size_classes"}
    assert set(gbt.standards()) | others == set(SOURCES.index)
    unseen = ["csrc_2012", "producer_services_2019", "size_classes"]
    assert SOURCES.index[SOURCES["verified"] != "1"].tolist() == unseen
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
    "row", gbt.tables.rows("page_breaks"), ids=lambda r: f"{r['standard']}-{r['class_code']}"
)
def test_members_that_a_page_break_took_are_there(row: dict[str, str]) -> None:
    rows = gbt.load(row["standard"]).query("class_code == @row['class_code'] and gbt_code != ''")
    marks = rows["partial"].map({"1": "*", "0": ""})
    assert " ".join(rows["gbt_code"] + marks) == row["members"]


def test_editions_are_due_from_years_with_a_source() -> None:
    held = gbt.load("editions")
    assert tuple(held["edition"]) == EDITIONS
    assert editions.due() == {2003: "2002", 2012: "2011", 2017: "2017"}
    assert (held["source"] != "").all()


def test_built_in_adapters_and_studies_know_the_same_editions() -> None:
    for name in ("bureau", "wind"):
        assert load_adapter(name).rule("class_version").from_year == editions.due()
    allowed = Panel.model_json_schema()["properties"]["editions"]["additionalProperties"]["enum"]
    assert tuple(allowed) == EDITIONS


def test_the_regulators_divisions_are_those_of_2011_and_one_more() -> None:
    own = gbt.load("csrc_2012")
    old = gbt.load("gbt4754_2011").query("level in ('1', '2') and section not in ('S', 'T')")
    assert (
        own.iloc[:-2][["code", "name_zh"]].to_numpy().tolist() == old[["code", "name_zh"]].to_numpy().tolist()
    )
    assert own["code"].tolist()[-2:] == ["S", "S90"]


def test_isic_by_annex_c() -> None:
    pairs = gbt.load("gbt4754_2017_isic4")
    isic = set(gbt.load("isic_rev4").query("level == '4'")["code"])
    classes = set(gbt.load("gbt4754_2017").query("level == '4'")["code"])
    assert not pairs.duplicated(["code_2017", "isic4"]).any()
    assert set(pairs["isic4"]) <= isic
    without = ["1329", "2456", "3711", "5267", "5414", "6890", "7115", "7517", "9030", "9419"]
    assert sorted(classes - set(pairs["code_2017"])) == without
    assert (pairs["look"] == "1").sum() == 13
    assert pairs.query("printed != ''").to_numpy().tolist() == [["3391", "2431", "2430", "0"]]


@pytest.mark.parametrize("standard", gbt.standards())
def test_codes_are_as_many_as_listed_and_what_differs_from_the_stated_number_is_told(standard: str) -> None:
    row, listed = SOURCES.loc[standard], gbt.load(standard).query("gbt_code != ''")["gbt_code"]
    assert listed.nunique() == int(row["gbt_codes_listed"])
    if row["gbt_codes_stated"] not in ("", row["gbt_codes_listed"]):
        assert f"{row['gbt_codes_stated']} codes" in row["checked"] and "not resolved" in row["checked"]


def test_no_standard_is_verified_by_a_table_of_unknown_ancestor() -> None:
    own = SOURCES.loc[gbt.standards()]
    for row in own[own["verified"] == "1"].itertuples():
        assert "with the document" in row.checked, row.Index
        assert "by others" in row.checked or "by this project" in row.checked, row.Index
