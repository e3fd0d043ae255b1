"""Standards that a study brings: reading, checking, using and comparing them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import ibis
import openpyxl
import pandas as pd
import pytest

from fusion import classification as gbt
from fusion.classification import own, slot, tables
from fusion.classification.coefficients import EQUAL
from fusion.classification.own import compare

HEAD = "class_code,class_name,gbt_code,partial\n"


@pytest.fixture(autouse=True)
def _forget() -> Iterator[None]:
    yield
    own.install({}, Path())


def written(folder: Path, name: str, text: str, encoding: str = "utf-8") -> Path:
    (folder / name).write_bytes(text.encode(encoding))
    return folder / name


def held(found: own.Checked) -> list[tuple[str, str, str]]:
    return [(r["class_code"], r["gbt_code"], r["partial"]) for r in found.rows if r["gbt_code"]]


# -- files that can be used --------------------------------------------------------------------
def test_a_document_s_own_layout_in_gb18030(tmp_path: Path) -> None:
    text = (
        "某省生产性服务业统计分类,,,,\n大类,中类,小类,类别名称,国民经济行业代码及名称（2017）\n01,,,研发,\n,011,,研究,\n"
        ",,0111,自然科学研究,7310 自然科学研究和试验发展\n,,,,7320* 工程和技术研究和试验发展\n,012,,软件,6511、6512*\n"
    )
    found = own.check(written(tmp_path, "省.csv", text, "gb18030"))
    assert not found.wrong and found.edition == "2017" and found.counts == "1/2/1"
    assert held(found) == [
        ("0111", "7310", "0"),
        ("0111", "7320", "1"),
        ("012", "6511", "0"),
        ("012", "6512", "1"),
    ]
    assert {(r["class_code"], r["parent_code"], r["level"]) for r in found.rows} == {
        ("01", "", "1"), ("011", "01", "2"), ("0111", "011", "3"), ("012", "01", "2")}  # fmt: skip


def test_a_sheet_with_merged_cells_a_title_and_english_heads(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    for row in (["A plan"], ["Class", "Name", "Industry code", "Partly"], ["1", "Chips", 3973, None],
                [None, None, 3562, "*"], ["2", "Medicine", "C27", None]):  # fmt: skip
        book.active.append(row)
    book.save(tmp_path / "plan.xlsx")
    found = own.check(tmp_path / "plan.xlsx")
    assert not found.wrong and held(found) == [("1", "3973", "0"), ("1", "3562", "1"), ("2", "27", "0")]
    assert any("1 rows without a class" in note for note in found.notes)


def test_a_plain_list_is_one_class(tmp_path: Path) -> None:
    found = own.check(
        written(
            tmp_path, "l.csv", "行业代码;行业名称;是否部分\n3911;计算机整机制造;否\n3973;集成电路制造;是\n"
        )
    )
    assert not found.wrong and found.counts == "1"
    assert held(found) == [("01", "3911", "0"), ("01", "3973", "1")]


@pytest.mark.parametrize("name", sorted(set(gbt.standards()) - {"industrial_sei_2023"}))
def test_the_projects_own_tables_pass_and_come_back_unchanged(name: str) -> None:
    found = own.check(tables.FOLDER / "standards" / f"{name}.csv")
    assert found.wrong == ()
    assert [{**r, "partial": r["partial"] or ""} for r in tables.rows(name)] == list(found.rows)


def test_three_digits_are_settled_by_what_stands_beside_them_or_refused(tmp_path: Path) -> None:
    beside = own.check(written(tmp_path, "a.csv", HEAD + "1,a,3973,0\n1,a,391,0\n"))
    named = own.check(written(tmp_path, "b.csv", HEAD + "1,计算机制造,391,0\n"))
    zeros = own.check(written(tmp_path, "c.csv", HEAD + "1,a,0111,0\n1,a,391,0\n"))
    alone = own.check(written(tmp_path, "d.csv", HEAD + "1,a,391,0\n"))
    assert beside.wrong == named.wrong == zeros.wrong == ()
    assert (
        "391 may be the group 391" in alone.wrong[0]
        and "0391" in alone.wrong[0]
        and "write C391" in alone.wrong[0]
    )


# -- files that cannot ---------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("text", "said"),
    [
        (HEAD + "1,a,3998,0\n", "row 2, column 'gbt_code': '3998' is no code of GB/T 4754-2017; near it: 3990"),
        (HEAD + "1,a,3911,0\n1,a,3911,0\n", "row 3, column 'gbt_code': code 3911 stands in class 1 already, in row 2"),
        ("class_code,class_name,gbt_code\n1,a,3911\n", "add a column 'partial'"),
        (HEAD + "1,a,3911,maybe\n1,a,3912,0\n", "row 2, column 'partial': 'maybe' at code 3911"),
        (HEAD + "1,a,3911,0\n1,a,3912,\n", "row 3, column 'partial': '' at code 3912"),
        (HEAD + "1,a,3911*,0\n", "column 'partial': '0', and the code is marked *"),
        (HEAD + "1,a,3911-3919,0\n", "is a range"),
        (HEAD + "1,a,3911,0\n1,b,3912,0\n", "class 1 is 'b' here and 'a' in row 2"),
        ("class_code,class_name,parent,行业代码,partial\n11,a,2,3911,0\n", "column 'parent': '2' is no class of the file"),
        ("class_code,level,行业代码,partial\n1,7,3911,0\n", "column 'level': level '7'"),
        ("class_code,行业代码,行业名称,partial\n1,3972,印制电路板制造,0\n", "is a name of the edition 2011"),
        ("class_code,行业代码,行业名称,partial\n1,3912,计算机外围设备制造,0\n", "belongs to 3913; 3912 is 计算机零部件制造"),
        ("standard,行业代码,partial\na,3911,0\nb,3912,0\n", "several standards in one file (a, b)"),
        (HEAD, "no code of GB/T 4754 yet"),
    ],
)  # fmt: skip
def test_a_fault_names_file_row_and_column(tmp_path: Path, text: str, said: str) -> None:
    found = own.check(written(tmp_path, "mine.csv", text))
    assert any(said in line and line.startswith("mine.csv") for line in found.wrong), found.wrong


def test_what_cannot_be_read_at_all_is_said(tmp_path: Path) -> None:
    for file, said in (
        (tmp_path / "no.csv", "no such file"),
        (written(tmp_path, "a.doc", "x"), "not read"),
        (written(tmp_path, "b.csv", "a,b\n1,2\n"), "no row among the first 15"),
    ):
        with pytest.raises(gbt.ClassificationError, match=said):
            own.check(file)


def test_counts_and_editions_must_agree(tmp_path: Path) -> None:
    file = written(
        tmp_path, "m.csv", "class_code,国民经济行业代码(GB/T 4754-2011),partial\n1,3962,0\n11,3972,0\n"
    )
    assert own.check(file, counts="1/1").wrong == ()
    assert "1/1 classes by level, and the study states 9/40" in own.check(file, counts="9/40").wrong[0]
    assert "its head names the edition 2011" in own.check(file, edition="2017").wrong[0]


# -- use ---------------------------------------------------------------------------------------
def panel() -> ibis.Table:
    rows = [("a", 2019, "3973", "2017", 100.0), ("b", 2019, "3562", "2017", 50.0), ("c", 2016, "3972", "2011", 30.0),
            ("d", 2019, "2710", "2017", 20.0)]  # fmt: skip
    frame = pd.DataFrame(rows, columns=["firm_id", "year", "ind4", "class_version", "revenue"])
    table = ibis.memtable(frame)
    return (
        gbt.classify(table)
        .inner_join(table.select("firm_id", "year", "revenue"), ["firm_id", "year"])
        .cache()
    )


def install(folder: Path, text: str, **more: str) -> None:
    own.install({"mine": {"file": written(folder, "mine.csv", text).name, **more}}, folder)


def test_a_standard_of_the_study_is_one_of_the_standards(tmp_path: Path) -> None:
    install(tmp_path, HEAD + "1,a,3973,0\n2,b,3562,1\n", title_zh="我市")
    assert "mine" in gbt.standards() and gbt.source("mine")["title_zh"] == "我市"
    cover = gbt.coverage(panel(), ["mine", "mine:2"], revenue="revenue").set_index("standard")
    assert cover.loc["mine", ["revenue_low", "revenue_point", "revenue_high"]].tolist() == [0.5, 0.625, 0.75]
    assert cover.loc["mine:2", "revenue_high"] == 0.25
    assert "own file" in cover.loc["mine", "title_en"]
    one = {"firm_id": ["a"], "year": [2019], "ind4": ["3562"], "class_version": ["2017"]}
    asked = gbt.classify(ibis.memtable(pd.DataFrame(one)),
                         services_standard="mine:1", manufacturing_standard="mine", standards=["mine"])  # fmt: skip
    row = asked.to_pandas().iloc[0]
    assert (row["in_mine"], row["services_share_high"], row["manufacturing_share_high"]) == ("possible", 0, 1)
    install(tmp_path, HEAD + "1,a,2710,0\n")
    assert gbt.members("mine")["code"].tolist() == ["2710"], "what was held before is forgotten"
    own.install({}, tmp_path)
    assert "mine" not in gbt.standards()


def test_names_are_free_and_a_slot_can_be_filled(tmp_path: Path) -> None:
    file = written(tmp_path, "x.csv", HEAD + "1,a,3973,0\n").name
    for taken in ("modern_services_2023", "gbt4754_2017", "Mine"):
        with pytest.raises(gbt.ClassificationError, match="cannot be a name of your own"):
            own.install({taken: {"file": file}}, tmp_path)
    own.install({"shanghai_new_economy_2020": {"file": file}}, tmp_path)
    assert slot.empty() == [] and "上海市新经济" in gbt.source("shanghai_new_economy_2020")["title_zh"]


def test_a_standard_on_the_edition_of_2011_is_exact_there_and_taken_over_by_the_comparison(
    tmp_path: Path,
) -> None:
    # 3599 of 2011 became 3491, 3492, 3599 and 3964 of 2017; 3491 was made of 3599 alone.
    install(tmp_path, HEAD + "1,a,3599,0\n", edition="2011")
    now = gbt.members("mine").set_index("code")["membership"].to_dict()
    links = gbt.editions.links("2017", "2011")
    assert now == {
        new: "full" if set(olds) == {"3599"} else "partial" for new, olds in links.items() if "3599" in olds
    }
    assert len(now) > 1
    kept = gbt.enterprises.bounds("mine", (), EQUAL).set_index(["edition", "code"])
    assert kept.loc[("2011", "3599"), ["low", "high"]].tolist() == [1, 1], "the list says so itself"
    table = gbt.lookup(standards=("mine",)).set_index(["edition", "code"])["in_mine"]
    for edition, code in [
        ("2011", "3599"),
        ("2011", "359"),
        *(("2017", new) for new in now),
        ("2002", "3699"),
    ]:
        assert gbt.answer(code, edition)["membership"].get("mine", "no") == table[edition, code], (
            edition,
            code,
        )


def test_moves_add_up_and_are_those_of_a_count_by_hand(tmp_path: Path) -> None:
    install(tmp_path, HEAD + "1,a,3973,0\n2,b,3562,1\n3,c,2710,0\n")
    rows, pair = panel(), [("mine", "hightech_manufacturing_2017")]
    sides = compare.totals_of(rows, pair, EQUAL, "revenue").set_index("which")
    codes = compare.codes_moved(rows, pair, EQUAL, "revenue")
    # 3562 is in high technology in full (here half); 3972 of 2011 is there, and not here.
    assert dict(zip(codes["code"], codes["revenue_moved"], strict=True)) == pytest.approx(
        {"3972": -30 / 200, "3562": -25 / 200}
    )
    moved = sides["revenue_point"]["own"] - sides["revenue_point"]["other"]
    assert codes["revenue_moved"].sum() == pytest.approx(moved)
    assert sides["revenue_beyond"]["own"] - sides["revenue_beyond"]["other"] == pytest.approx(moved)
    whole, part = compare.contributions(rows, pair, EQUAL, "revenue", codes)
    assert whole is not None and part is not None
    sums = whole.groupby("standard").sum(numeric_only=True)
    assert (sums["revenue_point_part"] / sums["revenue_point_whole"])["mine"] == pytest.approx(
        sides["revenue_point"]["own"]
    )
    by = part.groupby("code").sum(numeric_only=True)
    assert (by["revenue_moved_part"] / by["revenue_moved_whole"])["3972"] == pytest.approx(-30 / 200)


def test_it_is_compared_with_what_it_names_or_resembles(tmp_path: Path) -> None:
    file = written(tmp_path, "x.csv", HEAD + "1,a,27,0\n2,b,39,0\n").name
    own.install({"mine": {"file": file}}, tmp_path)
    chosen = ["modern_services_2023", "three_new_2018"]
    assert compare.pairs({"mine": {}}, chosen) == [("mine", "hightech_manufacturing_2017")]
    assert compare.pairs({"mine": {"compared_with": "culture_2018"}}, chosen) == [("mine", "culture_2018")]
    assert compare.pairs({}, chosen) == [] and compare.totals_of(panel(), [], EQUAL).empty


def test_a_list_on_the_edition_of_2002_reaches_2017_by_both_comparisons(tmp_path: Path) -> None:
    install(tmp_path, HEAD + "1,a,4061,0\n", edition="2002")
    # 电子元件及组件制造 (4061) is 3971 of 2011, which was split into five classes of 2017.
    assert gbt.members("mine")["membership"].tolist() == ["full"] * 5
    assert set(gbt.members("mine")["code"]) == {"3981", "3983", "3984", "3985", "3989"}
    exact = gbt.enterprises.bounds("mine", (), EQUAL).set_index(["edition", "code"])["low"]
    assert (exact["2002", "4061"], exact["2011", "3971"]) == (1, 1)


# -- in the terminal ---------------------------------------------------------------------------
def test_a_standard_of_ones_own_is_asked_for_a_code_and_for_a_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Under a Chinese name in one edition, under its own in another; bounds by hand: 3610 became 3611, 3612 and 3620."""
    from fusion.classification import command

    mine = written(tmp_path, "上海新经济.csv", HEAD + "01,车,3611,0\n01,车,3612,1\n02,芯片,3973,0\n")
    plan = written(tmp_path, "plan.csv", "名称,国民经济行业代码（2011）,部分\n车,3610,否\n")
    asked = ["--standard", str(mine), "--standard", str(plan), "--language", "en"]
    assert command.main(["3612", *asked]) == 0
    out = capsys.readouterr().out
    line = next(line for line in out.splitlines() if line.strip().startswith("own "))
    assert "车" in line and "in part" in line and "your own file" in line
    assert any(line.strip().startswith("plan ") for line in out.splitlines())
    table = pd.DataFrame(
        {"code": ["3611", "3610", "3973", "1311"], "class_version": ["2017", "2011", "2017", "2017"]}
    )
    table.to_csv(tmp_path / "t.csv", index=False)
    assert command.main([str(tmp_path / "t.csv"), *asked]) == 0
    assert "own: 2 / 3  your own file" in capsys.readouterr().out
    summary = pd.read_csv(tmp_path / "t.classified.standards.csv").set_index("standard")
    assert summary.loc["own", ["rows_certain", "rows_possible"]].tolist() == [2, 3]
    assert summary.loc["own", "title_zh"] == "上海新经济" and "plan" in summary.index
    made = pd.read_csv(tmp_path / "t.classified.csv")
    assert made["in_own"].tolist() == ["certain", "possible", "certain", "no"]


def test_a_study_s_standards_are_asked_by_its_name(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from fusion.classification import command

    file = written(tmp_path, "a.csv", HEAD + "01,车,3611,0\n")
    declared = {"city": {"file": str(file), "title_zh": "市"}}
    assert command.main(["3611", "--study", "mine"], lambda name: declared if name == "mine" else {}) == 0
    assert "city" in capsys.readouterr().out
    assert command.main(["3611", "--standard", str(tmp_path / "none.csv")]) == 2
    assert "none.csv" in capsys.readouterr().err
