"""Files classified from the command line, the empty slot, actors, conflicts and moves."""

from __future__ import annotations

from pathlib import Path

import ibis
import pandas as pd
import pytest

from fusion import classification as gbt
from fusion.classification import ClassificationError, actors, command, files, slot, totals, transitions
from fusion.classification.editions import links

ROWS = [("6550", 2015), ("C1311", 2018), ("131", 2019), ("9999", 2019), ("6550", 2019), ("3911", None)]


@pytest.fixture
def table() -> pd.DataFrame:
    return pd.DataFrame(ROWS, columns=["行业代码", "年份"]).assign(营收=range(6))


@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".parquet", ".dta", ".xlsx"])
def test_a_file_of_each_kind(table: pd.DataFrame, tmp_path: Path, suffix: str) -> None:
    file = tmp_path / f"codes{suffix}"
    if suffix == ".csv":
        file.write_bytes(table.to_csv(index=False).encode("gb18030"))
    elif suffix == ".tsv":
        table.to_csv(file, index=False, sep="\t")
    elif suffix == ".dta":
        table.to_stata(file, write_index=False, version=118)
    elif suffix == ".parquet":
        table.to_parquet(file)
    else:
        table.to_excel(file, index=False)
    report = files.classify_file(file)
    out = Path(report["out"])
    made = (
        pd.read_parquet(out)
        if out.suffix == ".parquet"
        else pd.read_csv(out, dtype=str, keep_default_na=False)
    )
    assert made["营收"].astype(int).tolist() == list(range(6)), "rows keep their order"
    assert made["code_2017"].astype(str).tolist() == ["6520", "1311", "", "", "6550", ""]
    assert report["rows"] == 6 and report["status"] == {"matched": 3, "unmatched": 3}
    assert report["standards"]["hightech_services_2018"] == (2, 2)
    why = {r["code"]: r for r in report["refused"]}
    assert "0131" in why["131"]["candidates"] and "edition is not known" in why["3911"]["reason"]
    text = files.in_words(report)
    assert "producer_services_2019: 2 / 2  UNVERIFIED" in text and "9999 [2017]" in text


def test_files_agree_with_the_notebooks_call(tmp_path: Path) -> None:
    codes = gbt.load("gbt4754_2017").query("level == '4'")["code"].tolist()
    file = tmp_path / "all.csv"
    pd.DataFrame({"code": codes}).to_csv(file, index=False)
    files.classify_file(file, edition="2017")
    made = pd.read_csv(tmp_path / "all.classified.csv", dtype=str, keep_default_na=False)
    panel = pd.DataFrame({"firm_id": codes, "year": 2020, "ind4": codes, "class_version": "2017"})
    con = ibis.duckdb.connect()
    names = gbt.standards()
    own = (
        gbt.classify(con.create_table("p", panel), standards=names)
        .to_pandas()
        .set_index("firm_id")
        .loc[codes]
    )
    for column in ("path", "fields", "section", *(f"in_{n}" for n in names)):
        assert made[column].tolist() == own[column].fillna("").tolist(), column


def test_what_cannot_be_done_is_said(
    table: pd.DataFrame, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "codes.csv"
    table.to_csv(file, index=False)
    assert command.main([str(file), "--code-column", "行业代吗"]) == 2
    assert "no column '行业代吗' (nearest: '行业代码')" in capsys.readouterr().err
    assert command.main([str(file), "--edition", "1994"]) == 2
    assert command.main([str(tmp_path / "none.csv")]) == 2
    assert not list(tmp_path.glob("*classified*")), "nothing is half written"
    assert command.main([str(file)]) == 0
    assert command.main([str(file)]) == 2
    assert "would be overwritten" in capsys.readouterr().err
    table.drop(columns="年份").to_csv(tmp_path / "bare.csv", index=False)
    assert command.main([str(tmp_path / "bare.csv")]) == 2
    assert "--edition" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("late", "said"),
    [("a,b,c,d,e\n", "Expected Number of Columns: 3"), ('"a,1311,2019\n', "unterminated quote")],
)
def test_a_broken_row_far_down_is_named(tmp_path: Path, late: str, said: str) -> None:
    file = tmp_path / "long.csv"
    # Longer than the part of a file from which the reader guesses its layout.
    file.write_text("name,code,year\n" + "a,1311,2019\n" * 40_000 + late + "a,1311,2019\n" * 9, "utf-8")
    with pytest.raises(ClassificationError, match=r"long\.csv: cannot be read to its end") as error:
        files.classify_file(file)
    assert "Line: 40002" in str(error.value) and said in str(error.value)
    assert [p.name for p in tmp_path.iterdir()] == ["long.csv"], "nothing is half written"


def test_a_first_quote_far_down_is_read(tmp_path: Path) -> None:
    file = tmp_path / "long.csv"
    file.write_text(
        "name,code,year\n" + "a,1311,2019\n" * 40_000 + '"a, b",1311,2019\n甲,131,2019\n', "utf-8"
    )
    report = files.classify_file(file)
    assert report["status"] == {"matched": 40_001, "unmatched": 1}
    text = files.in_words(report, "zh")
    assert "已匹配 40,001" in text and "按列“year”" in text and "无公开文本" in text


def test_the_slot_is_empty_and_says_so(tmp_path: Path) -> None:
    assert "no public text" in slot.statement() and "无公开文本" in slot.statement("zh")
    assert "shanghai_new_economy_2020" not in gbt.standards()


def firms(count: int = 40) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "firm_id": [f"f{n:02d}" for n in range(count)],
            "year": 2015,
            "code_2017": "3911",
            "group3": "391",
            "path": "P1",
            "operating_revenue": [1000.0 * (n + 1) for n in range(count)],
            "rd_expense": [10.0 * (n + 1) for n in range(count)],
            "employees_avg": [50.0] * count,
            "size_class": ["L" if n > 30 else "S" for n in range(count)],
        }
    )


def test_actors_by_hand() -> None:
    table = firms()
    later = table.assign(year=2020, operating_revenue=1.0)
    con = ibis.duckdb.connect()
    rows = con.create_table("f", pd.concat([table, later]))
    found = actors.actors(rows).to_pandas().set_index("firm_id")
    # 40 firms with one R&D intensity: percent ranks of 38/39 and above lead; 80 % and above of size L are backbone.
    assert found.loc[["f38", "f39"], "actor"].tolist() == ["chain_leader"] * 2
    assert found.loc["f35", "actor"] == "backbone" and found.loc["f05", "actor"] == "sme"
    assert set(found["actor_year"]) == {2015}, "what an enterprise becomes does not move it"
    listed = con.create_table("g", table.assign(actor_type=["platform"] + [None] * 39))
    found = actors.actors(listed).to_pandas().set_index("firm_id")
    assert found.loc["f00", ["actor", "actor_from"]].tolist() == ["platform", "list"]
    few = actors.actors(con.create_table("h", firms(10))).to_pandas()
    assert "chain_leader" not in set(few["actor"]), "ten firms of an industry have no leader by rank"
    with pytest.raises(ClassificationError, match="lack group3"):
        actors.actors(con.create_table("i", table.drop(columns="group3")))


def test_rules_of_actors_have_sources() -> None:
    for rule in actors.rules():
        assert rule["source"] and rule["verified"] in ("0", "1") and rule["rule_en"] and rule["rule_zh"]


def test_conflicts_and_moves() -> None:
    rows = pd.DataFrame(
        [
            ("a", 2015, "2011", "6550", "6520", "P1"), ("a", 2016, "2011", "6550", "6520", "P1"),
            ("a", 2017, "2017", "6520", "6520", "P1"), ("a", 2018, "2011", "6550", "6520", "P1"),
            ("b", 2016, "2017", "3911", "3911", "P1"), ("b", 2017, "2017", "1311", "1311", "other"),
            ("c", 2016, "2011", "6560", "", ""),
        ],
        columns=["firm_id", "year", "edition", "code_own", "code_2017", "path"],
    )  # fmt: skip
    con = ibis.duckdb.connect()
    table = con.create_table("r", rows)
    found = transitions.conflicts(table).set_index("conflict")["firm_years"].to_dict()
    assert found == {
        "other_edition": int("6560" not in _codes("2011")),
        "late": 1,
        "early": 1,
        "back": 1,
    }
    moved = transitions.moves(table).set_index("year")
    assert moved.loc[2017, ["firms", "class", "path", "switched"]].tolist() == [2, 0.5, 0.5, 0.5]


def _codes(edition: str) -> set[str]:
    return set(gbt.load(f"gbt4754_{edition}")["code"])


def test_the_break_falls_into_two_parts() -> None:
    then = {"a": "P1", "b": "P1", "c": "P2", "d": ""}
    now = {"a": "P1", "b": "P2", "c": "P2", "e": "P2", "f": "P1"}
    rows = [(f, 2016, p) for f, p in then.items()] + [(f, 2017, p) for f, p in now.items()]
    con = ibis.duckdb.connect()
    table = con.create_table("r", pd.DataFrame(rows, columns=["firm_id", "year", "path"]))
    table = table.mutate(edition=table["year"].cast("string"))
    moves = gbt.edition_break(gbt.path_shares(table))
    found = transitions.break_parts(table, moves).set_index("path")
    # b moved from P1 to P2 (1 of 5 firms of 2017); the rest of each change is d leaving, e and f coming.
    assert found["reclassified"].to_dict() == {"P1": -0.2, "P2": 0.2, "unmapped": 0.0}
    total = found["change"]
    assert (found["reclassified"] + found["entry_exit"] - total).abs().max() < 1e-12  # rounding of sums
    assert found.loc["unmapped", "entry_exit"] == -0.25 and abs(found["entry_exit"].sum()) < 1e-12
    assert transitions.break_parts(table, moves[:0]).empty


def test_a_standard_that_is_not_held_shows_as_such() -> None:
    panel = pd.DataFrame(
        {"firm_id": ["a", "b"], "year": 2020, "ind4": ["6550", "1311"], "class_version": "2017"}
    )
    rows = gbt.classify(ibis.duckdb.connect().create_table("p", panel))
    cover = gbt.coverage(rows, ["hightech_services_2018", "shanghai_new_economy_2020"]).set_index("standard")
    held, not_held = cover.iloc[0], cover.iloc[1]
    assert held["firms_certain"] == 1 and not_held["title_en"].endswith(
        "(no public text: nothing is classified by it)"
    )
    assert not_held.drop(["title_en", "title_zh", "verified"]).isna().all(), "not known is not zero"


def test_every_reason_has_words() -> None:
    words = set(gbt.load("labels")["name"])
    why = set(gbt.lookup()["mapping_how"])
    assert why | {"missing", "edition_unknown", "zero_or_group", "not_a_code", "by_evidence"} <= words


def test_isic_is_a_whole_tree() -> None:
    tree = gbt.load("isic_rev4")
    assert tree["level"].value_counts().to_dict() == {"4": 419, "3": 238, "2": 88, "1": 21}
    assert set(tree.loc[tree["level"] != "1", "parent"]) <= set(tree["code"])
    assert (tree[["name_zh", "name_en"]] != "").all(axis=None) and not tree["name_zh"].str.contains(
        r"\s"
    ).any()


def test_a_file_of_several_editions_leaves_bounds_and_what_a_person_must_decide(tmp_path: Path) -> None:
    cells = [
        (2001, "4061"),
        (2008, "3911"),
        (2008, "6212"),
        (2015, "3911"),
        (2018, "3911"),
        (2018, "131"),
        (2018, "C39"),
    ]
    pd.DataFrame(cells, columns=["year", "code"]).to_csv(tmp_path / "f.csv", index=False)
    report = files.classify_file(tmp_path / "f.csv")
    made = pd.read_csv(report["out"], dtype=str, keep_default_na=False)
    assert made["edition"].tolist() == ["", "2002", "2002", "2011", "2017", "2017", "2017"]
    assert made["code_2017"].tolist() == ["", "3811", "", "3911", "3911", "", ""]
    assert made["isic4"].tolist()[1:5] == ["2710", "6201,6202,6399", "2620", "2620"]
    decide = pd.read_csv(report["decide"], dtype=str, keep_default_na=False).set_index(["code", "edition"])
    assert decide["how"].to_dict() == {
        ("131", "2017"): "zero_or_group", ("4061", ""): "edition_unknown", ("6212", "2002"): "split",
        ("C39", "2017"): "coarser_code",
    }  # fmt: skip
    assert decide.loc[("6212", "2002"), "candidates"].split() == sorted(links("2002", "2017")["6212"])
    bounds = pd.read_csv(report["summary"]).set_index("standard")
    for standard in gbt.standards():
        words = made[f"in_{standard}"]
        assert bounds.loc[standard, "rows_certain"] == (words == "certain").sum()
        assert bounds.loc[standard, "rows_possible"] == words.isin(["certain", "possible"]).sum()
    for language, said in (("en", "4 codes to decide"), ("zh", "待人工确定的代码 4 个")):
        assert said in files.in_words(report, language)
    again = files.classify_file(tmp_path / "f.csv", tmp_path / "g.csv", edition="1998:2002,2016:2011")
    made = pd.read_csv(again["out"], dtype=str, keep_default_na=False)
    assert made["edition"].tolist() == ["2002", "2002", "2002", "2002", "2011", "2011", "2011"]
    with pytest.raises(ClassificationError, match="would be overwritten"):
        files.classify_file(tmp_path / "f.csv", tmp_path / "g.csv")


def test_years_whose_codes_are_another_editions_are_told(tmp_path: Path) -> None:
    old, new = sorted(links("2002", "2011"))[::20], sorted(links("2011", "2017"))[::20]
    cells = [(2013, c) for c in old] + [(2014, c) for c in new]
    pd.DataFrame(cells, columns=["year", "code"]).to_csv(tmp_path / "f.csv", index=False)
    report = files.classify_file(tmp_path / "f.csv")
    assert [
        (d["stated"], d["best"], d["first_year"], d["last_year"], d["other"]) for d in report["doubts"]
    ] == [("2011", "2002", 2013, 2013, 1.0)]
    assert "100% in 2002: state --edition" in files.in_words(report)
    assert not files.classify_file(tmp_path / "f.csv", tmp_path / "g.csv", edition="1998:2002,2014:2011")[
        "doubts"
    ]


def test_every_change_of_edition_is_shown() -> None:
    """By hand, three editions: of ten firms two go from electronics to elsewhere in 2012, one comes back in 2017."""
    edition = {2010: "2002", 2011: "2002", 2012: "2011", 2013: "2011", 2017: "2017", 2018: "2017"}
    inside = {2010: 5, 2011: 5, 2012: 3, 2013: 3, 2017: 4, 2018: 4}
    rows = [
        (f"F{n}", year, edition[year], "P1" if n < inside[year] else "other")
        for year in edition
        for n in range(10)
    ]
    table = ibis.memtable(pd.DataFrame(rows, columns=["firm_id", "year", "edition", "path"]))
    moves = totals.edition_break(totals.path_shares(table))
    p1 = moves[moves["path"] == "P1"].set_index("year")
    assert moves["year"].drop_duplicates().tolist() == [2012, 2017], "the largest move first"
    assert p1["change"].round(9).to_dict() == {2012: -0.2, 2017: 0.1}
    assert (p1["usual_change"] == 0).all()
    parts = transitions.break_parts(table, moves).query("path == 'P1'").set_index("year")
    # 2016 is not in the data, so that nobody is seen in 2017 and the year before.
    assert parts.loc[2012, "reclassified"] == pytest.approx(-0.2)
    mixed = table.mutate(edition=ibis.ifelse(ibis._["firm_id"] < "F6", ibis._["edition"], ""))
    assert len(totals.edition_break(totals.path_shares(mixed))) == len(moves)
