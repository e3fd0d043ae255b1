"""Forms as a bureau receives them: workbooks of every kind, headers over two rows, titles, totals, notes, forms side by side.

``books/`` holds one form of two units in the formats that no library of the lock writes (.xls, .xlsb, .ods), made once.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from fusion import engine
from fusion.adapters import AdapterError, model, panel, report
from fusion.panel import readers

BOOKS = Path(__file__).parent / "books"
MINIMAL = {"contract": "minimal"}
A, B, C = "913101150000000013", "913101150000000021", "91310115000000003X"


def text(folder: Path, name: str, content: str) -> Path:
    file = folder / name
    file.write_text(content, encoding="utf-8")
    return file


def book(folder: Path, name: str, sheets: dict[str, list[list[Any]]]) -> Path:
    made = openpyxl.Workbook()
    made.remove(made.active)
    for title, rows in sheets.items():
        sheet = made.create_sheet(title)
        for row in rows:
            sheet.append(row)
    made.save(folder / name)
    return folder / name


def frame(source: panel.Source) -> Any:
    return source.raw.table.to_pandas().set_index(["firm_id", "year"]).sort_index()


def rules_of(source: panel.Source) -> dict[str, str]:
    return dict(zip(source.raw.quality["rule"], source.raw.quality["value"], strict=True))


@pytest.mark.parametrize("kind", ["xls", "xlsb", "ods"])
def test_old_and_open_workbooks_are_read_whole(kind: str, read: Callable[..., panel.Source]) -> None:
    """Two header rows, a title with year and unit, a total, a signature line, a note, a sheet of remarks."""
    source = read([BOOKS / f"form.{kind}"], "bureau", **MINIMAL)
    table = frame(source)
    assert list(table.index) == [(A, 2018), (B, 2018)]
    assert table["total_liab"].tolist() == [40.5, 30] and table["operating_revenue"].tolist() == [90, 60]
    assert table["employees_avg"].tolist() == [12, 7]
    assert (source.files[0].read, source.files[0].kept) == (5, 2)
    assert source.files[0].aside == {"total": 1, "note below the table": 2}
    assert source.layouts[0].passed == ("填表说明",)
    assert "sheet_passed_over" in rules_of(source)
    assert (source.layouts[0].dated.year, source.layouts[0].dated.by) == (2018, "title")


def test_an_empty_sheet_is_named_and_hides_no_form(tmp_path: Path, read: Callable[..., panel.Source]) -> None:
    """A workbook whose first sheet was left empty is read from the second; one that is all empty says so."""
    rows = [["统一社会信用代码", "年份", "资产总计"], [A, 2020, 10], [B, 2020, 20]]
    source = read([book(tmp_path, "a.xlsx", {"Sheet1": [], "年报": rows})], "bureau", **MINIMAL)
    assert len(frame(source)) == 2 and source.layouts[0].passed == ("Sheet1",)
    with pytest.raises(AdapterError, match="the sheet 'Sheet1' is empty; other sheets: none"):
        read([book(tmp_path, "b.xlsx", {"Sheet1": []})], "bureau", **MINIMAL)
    with pytest.raises(AdapterError, match="Sheet1, 说明"):
        read([book(tmp_path, "c.xlsx", {"Sheet1": [], "说明": [["x"]]})], "bureau", **MINIMAL)


def test_a_percent_cell_is_what_it_shows(tmp_path: Path, read: Callable[..., panel.Source]) -> None:
    rows = [
        ["统一社会信用代码", "年份", "关键工序数控化率", "资产总计"],
        [A, 2020, 0.45, 10],
        [B, 2020, 62, 20],
    ]
    file = book(tmp_path, "a.xlsx", {"s": rows})
    made = openpyxl.load_workbook(file)
    made["s"]["C2"].number_format = "0.00%"
    made.save(file)
    source = read([file], "bureau", **MINIMAL)
    assert frame(source)["cnc_rate"].tolist() == [45, 62] and rules_of(source)["percent_read"] == "1"
    direct = text(tmp_path, "b.csv", "firm_id,year,cnc_rate,total_assets\nA,2020,45%,5%\nB,2020,62,7\n")
    raw = readers.read(
        engine.opened(tmp_path), direct.name, root=tmp_path, contract="minimal", money_unit="万元"
    )
    table = raw.table.order_by("firm_id").to_pandas()
    assert table["cnc_rate"].tolist() == [45, 62] and table["total_assets"].isna().tolist() == [True, False]
    assert raw.quality.set_index("rule").loc["not_a_number", "field"] == "total_assets", (
        "money in % is a fault"
    )


def test_formulas_without_a_value_are_named(tmp_path: Path, read: Callable[..., panel.Source]) -> None:
    rows = [["统一社会信用代码", "年份", "资产总计"], [A, 2020, "=1+1"], [B, 2020, 5]]
    source = read([book(tmp_path, "f.xlsx", {"s": rows})], "bureau", **MINIMAL)
    assert rules_of(source)["formula_without_value"] == "f.xlsx: C2"
    assert frame(source)["total_assets"].isna().tolist() == [True, False]


def test_identifiers_that_a_spreadsheet_made_numbers_of_are_errors(
    tmp_path: Path, read: Callable[..., panel.Source]
) -> None:
    """One number in a column of text: Excel keeps fifteen digits, the code of another firm comes out."""
    heads = ["统一社会信用代码", "年份", "资产总计"]
    file = book(tmp_path, "ids.xlsx", {"s": [heads, [A, 2020, 1], [913101157030516989, 2020, 2]]})
    quality = read([file], "bureau", **MINIMAL).raw.quality.set_index("rule")
    assert quality.loc["digits_lost", ["severity", "row"]].tolist() == ["error", 2]
    own = book(
        tmp_path, "own.xlsx", {"s": [["firm_id", "year"], ["9131X", 2020], [913101157030516989, 2020]]}
    )
    raw = readers.read(engine.opened(tmp_path), own.name, root=tmp_path, contract="minimal")
    assert raw.quality.set_index("rule").loc["digits_lost", "row"] == 2


def test_marks_that_nobody_sees_do_not_make_other_firms(tmp_path: Path) -> None:
    file = text(tmp_path, "a.csv", f"firm_id,year\n{A},2018\n\u200b{A},2019\n\u202d{A}\u202c,2020\n")
    raw = readers.read(engine.opened(tmp_path), file.name, root=tmp_path, contract="minimal")
    assert set(raw.table.to_pandas()["firm_id"]) == {A}
    assert raw.quality.set_index("rule").loc["unseen_marks", "value"] == "2"


def test_headings_are_joined_where_the_cell_below_needs_them(
    tmp_path: Path, read: Callable[..., panel.Source]
) -> None:
    upper = "统一社会信用代码,年份,营业收入,,资产,\n"
    lower = ",,本年,上年,资产总计,存货\n"
    file = text(tmp_path, "a.csv", f"{upper}{lower}{A},2018,70,60,90,5\n")
    source = read([file], "bureau", **MINIMAL)
    row = frame(source).loc[(A, 2018)]
    assert (row["operating_revenue"], row["total_assets"], row["inventory"]) == (7, 9, 0.5)
    assert list(source.layouts[0].mapping.unmatched) == ["上年"]


def test_a_unit_in_a_heading_holds_for_the_columns_below_it(
    tmp_path: Path, read: Callable[..., panel.Source]
) -> None:
    file = text(tmp_path, "a.csv", f"统一社会信用代码,年份,资产（亿元）,\n,,资产总计,存货\n{A},2018,2,1\n")
    row = frame(read([file], "bureau", **MINIMAL)).loc[(A, 2018)]
    assert (row["total_assets"], row["inventory"]) == (20000, 10000)


def test_a_title_is_believed_over_the_default_and_contradictions_are_refused(
    tmp_path: Path, read: Callable[..., panel.Source]
) -> None:
    rows = f"统一社会信用代码,年份,营业收入\n{A},2020,12\n"
    file = text(tmp_path, "a.csv", f"单位：万元,,\n{rows}")
    source = read([file], "bureau", **MINIMAL)
    assert frame(source)["operating_revenue"].item() == 12
    assert (
        source.headers().set_index("column").loc["operating_revenue", "stated_by"]
        == "the title above the table"
    )
    with pytest.raises(AdapterError, match=r"states 万元 and the study \(money_unit\) 千元"):
        read([file], "bureau", money_unit="千元", **MINIMAL)
    two = text(tmp_path, "b.csv", f"单位：万元,,单位：千元\n{rows}")
    with pytest.raises(AdapterError, match=r"state several units \(万元, 千元\)"):
        read([two], "bureau", **MINIMAL)


def test_places_that_state_other_years_are_refused(tmp_path: Path, read: Callable[..., panel.Source]) -> None:
    file = text(tmp_path, "605_2019.csv", f"2018年财务状况,\n统一社会信用代码,资产总计\n{A},1\n{B},2\n")
    with pytest.raises(AdapterError, match=r"the title says 2018; the file's name says 2019"):
        read([file], "bureau", **MINIMAL)


def test_forms_of_a_year_stand_side_by_side(tmp_path: Path, read: Callable[..., panel.Source]) -> None:
    """Finance of two years, labour, research and energy of one: each brings its columns; contradictions are listed."""
    files = [
        text(
            tmp_path,
            "603_2018.csv",
            f"统一社会信用代码,单位详细名称,资产总计,营业收入\n{A},甲,90,70\n{B},乙,80,60\n",
        ),
        text(tmp_path, "603_2019.csv", f"统一社会信用代码,单位详细名称,资产总计,营业收入\n{A},甲,95,75\n"),
        text(
            tmp_path,
            "602_2018.csv",
            f"统一社会信用代码,单位名称,平均用工人数,从业人员期末人数\n{A},甲厂,9,8\n{C},丙,5,5\n",
        ),
        text(tmp_path, "607_2018.csv", f"统一社会信用代码,研究开发人员合计,新产品销售收入\n{A},3,20\n"),
        text(tmp_path, "205_2018.csv", f"统一社会信用代码,综合能源消费量\n{B},44\n"),
    ]
    source = read(files, "bureau", **MINIMAL)
    table = frame(source)
    assert (
        len(table) == 4 and table.loc[(A, 2018), "rd_staff"] == 3 and table.loc[(B, 2018), "energy_tce"] == 44
    )
    assert table.loc[(A, 2018), ["total_assets", "employees_avg"]].tolist() == [9, 9]
    assert table.loc[(C, 2018), "employees_end"] == 5 and table.loc[(A, 2019), "operating_revenue"] == 7.5
    labour = source.joined[0]
    assert (labour.matched, labour.alone, labour.lacking, labour.disagreeing) == (1, 1, 2, 1)
    assert (
        table.loc[(A, 2018), "firm_name"] == "甲"
        and rules_of(source)["joined_conflict"] == f"{A} 2018: 甲 / 甲厂"
    )


def test_a_year_that_is_read_twice_is_named_with_its_files(
    tmp_path: Path, read: Callable[..., panel.Source]
) -> None:
    one = text(tmp_path, "605_2018.csv", f"统一社会信用代码,资产总计,营业收入\n{A},90,70\n{B},80,60\n")
    other = text(tmp_path, "财务_2018.csv", f"统一社会信用代码,资产总计,营业收入\n{A},91,70\n")
    quality = read([one, other], "bureau", **MINIMAL).raw.quality.set_index("rule")
    told = quality.loc["year_twice", "message_en"]
    assert "605_2018.csv and 财务_2018.csv both report 1 units of 2018" in told


def test_rounding_is_no_contradiction_and_a_join_of_nothing_stops(
    tmp_path: Path, read: Callable[..., panel.Source]
) -> None:
    head = "Stkcd,Accper,A001000000"
    one = text(tmp_path, "a.csv", f"{head}\n-,-,-\n-,-,元\n1,2020-12-31,50000.1\n")
    other = text(
        tmp_path, "b.csv", f"{head},B001101000\n-,-,-,-\n-,-,元,元\n1,2020-12-31,50000.10000000001,6\n"
    )
    assert read([one, other], "csmar", **MINIMAL).joined[0].disagreeing == 0
    far = text(tmp_path, "c.csv", "Stkcd,Accper,B001101000\n-,-,-\n-,-,元\n600000,2020-12-31,6\n")
    with pytest.raises(
        AdapterError, match=r"c.csv: no row matches a.csv. firm_id here: 600000; there: 000001"
    ):
        read([one, far], "csmar", **MINIMAL)


def test_what_a_user_writes_is_added_to_the_base(tmp_path: Path) -> None:
    own = (
        "adapter: mine\nbased_on: bureau\nfooters: [审批人]\n"
        "columns:\n  status: {values: {'1': active}}\n  inventory: {aliases: [库存]}\n  vat: {aliases: [存货]}\n"
        "files: [{match: '611表_2019*', year: 2019}]\n"
    )
    file = text(tmp_path, "mine.yaml", own)
    mine, base = model.load(str(file)), model.load("bureau")
    assert mine.rule("status").values == {**base.rule("status").values, "1": "active"}
    assert mine.rule("status").aliases == base.rule("status").aliases
    assert mine.footers == ["审批人", *base.footers]
    assert mine.rule("inventory").aliases == ["库存", "其中：存货"], (
        "a header that is given elsewhere leaves its column"
    )
    assert mine.rule("vat").aliases[0] == "存货"
    rule = mine.file(Path("611表_2019.csv"))
    assert (rule.role, rule.year) == ("establishments", 2019)
    text(tmp_path, "mine.yaml", own + "instead: [footers, columns.status.values]\n")
    mine = model.load(str(file))
    assert mine.footers == ["审批人"] and mine.rule("status").values == {"1": "active"}


def test_check_goes_through_all_files_and_says_a_cause_once(tmp_path: Path) -> None:
    """A form of another bureau, a picture, an empty sheet, its own adapter: each is told, the others are read."""
    good = "统一社会信用代码,资产总计,营业收入\n{},90,70\n"
    files = [text(tmp_path, f"605_{year}.csv", good.format(A)) for year in (2017, 2018)]
    files += [text(tmp_path, f"{name}.csv", good.format(B)) for name in ("甲区", "乙区")]
    files.append(text(tmp_path, "海关.csv", "报关单号,商品编码,总价\n1,2,3\n"))
    files.append(text(tmp_path, "说明.pdf", "x"))
    files.append(book(tmp_path, "空_2018.xlsx", {"s": []}))
    files.append(text(tmp_path, "605.adapter.yaml", "adapter: x\n"))
    found = report.check(files, "bureau")
    told = "\n".join(found.problems)
    assert "甲区.csv, 乙区.csv: no header means year" in told and told.count("no header means year") == 1
    assert "海关.csv: no header is known to adapter bureau" in told and "'.pdf' is not a format" in told
    assert "空_2018.xlsx" in told and [f.name for f in found.left_out] == ["605.adapter.yaml"]
    assert found.source is not None and found.source.raw.rows == 2


def test_the_adapter_that_check_writes_works_unchanged(
    tmp_path: Path, read: Callable[..., panel.Source]
) -> None:
    """Also where a header is ambiguous, a unit is not stated and values have no meaning yet; and over one's own adapter."""
    head = "证券代码,年份,存货(万元),存货(万元),营业收入,资产总计(万元),控股情况\n"
    file = text(tmp_path, "own.csv", f"{head}A,2020,1,2,3,4,7\n")
    drafted = report.draft(report.check([file], "wind"), "drafted")
    text(tmp_path, "drafted.yaml", drafted)
    source = read([file], str(tmp_path / "drafted.yaml"), **MINIMAL)
    assert source.raw.table.to_pandas()["total_assets"].item() == 4
    again = report.check([file], str(tmp_path / "drafted.yaml"))
    assert again.problems == []
    text(tmp_path, "second.yaml", report.draft(again, "second"))
    assert read([file], str(tmp_path / "second.yaml"), **MINIMAL).raw.rows == 1


def test_check_shows_what_holds_after_merging(tmp_path: Path) -> None:
    file = text(tmp_path, "a.csv", f"统一社会信用代码,年份,运营状态,资产总计\n{A},2020,9,4\n")
    own = text(
        tmp_path, "m.yaml", "adapter: m\nbased_on: bureau\ncolumns:\n  status: {values: {'9': closed}}\n"
    )
    told = "\n".join(report.lines(report.check([file], str(own))))
    assert "What m says, merged with bureau:" in told
    assert '"9": "closed"' in told and '"正常运营": "active"' in told
