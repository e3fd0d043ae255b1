"""Tables of data services as they come: labels or none, restated and detail rows, tables by firm, city and industry."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from fusion.adapters import AdapterError, model, panel, report

MINIMAL = {"contract": "minimal"}
HEAD = "Stkcd,Accper,Typrep"
LABELS = "证券代码,统计截止日期,报表类型"


def text(folder: Path, name: str, *lines: str) -> Path:
    file = folder / name
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return file


def frame(source: panel.Source) -> Any:
    return source.raw.table.to_pandas().set_index(["firm_id", "year"]).sort_index()


def rows(*codes: str, kind: str = "A", cell: str = "100") -> list[str]:
    return [f"{code},2012-12-31,{kind},{cell}" for code in codes]


@pytest.mark.parametrize(
    ("labels", "unit"),
    [
        ([], "元"),
        ([f"{LABELS},营业收入"], "元"),
        ([f"{LABELS},营业收入", "没有单位,没有单位,没有单位,万元"], "万元"),
    ],
)
def test_labels_are_known_by_what_they_hold(
    labels: list[str], unit: str, tmp_path: Path, read: Callable[..., panel.Source]
) -> None:
    file = text(tmp_path, "t.csv", f"{HEAD},B001101000", *labels, *rows("000001", "000002", "000004"))
    source = read([file], "csmar", **MINIMAL)
    assert source.files[0].kept == 3 and source.files[0].aside == (
        {"label row": len(labels)} if labels else {}
    )
    assert frame(source)["operating_revenue"].unique().tolist() == [0.01 if unit == "元" else 100]


def test_rows_are_kept_by_values_that_the_table_has(
    tmp_path: Path, read: Callable[..., panel.Source]
) -> None:
    file = text(tmp_path, "t.csv", f"{HEAD},B001101000", *rows("000001"), *rows("000001", kind="B"))
    assert read([file], "csmar", **MINIMAL).files[0].aside == {"Typrep = B": 1}
    other = text(tmp_path, "o.csv", f"{HEAD},B001101000", *rows("000001", "000002", kind="9"))
    source = read([other], "csmar", **MINIMAL)
    told = source.raw.quality.set_index("rule").loc["keep_not_applied"]
    assert source.raw.rows == 2 and (told["field"], told["value"]) == ("Typrep", "o.csv: 9")


def test_of_several_rows_of_a_year_the_declared_one_is_read(
    tmp_path: Path, read: Callable[..., panel.Source]
) -> None:
    lines = [
        "000001,2012-12-31,A,100,2013-04-01",
        "000001,2012-12-31,A,110,2015-04-01",
        "000001,2012-12-31,A,105,2014-04-01",
    ]
    file = text(tmp_path, "t.csv", f"{HEAD},A001000000,DeclareDate", *lines)
    source = read([file], "csmar", **MINIMAL)
    assert frame(source)["total_assets"].tolist() == [0.011]
    assert source.files[0].aside == {"an earlier row of its unit and year": 2}
    first = read([file], "csmar", {"repeats": [{"take": "first", "order": ["DeclareDate"]}]}, **MINIMAL)
    assert frame(first)["total_assets"].tolist() == [0.01]
    told = "\n".join(report.lines(report.check([file], "csmar")))
    assert "several rows of one unit and year: the last is read, in the order of DeclareDate" in told


def test_detail_rows_are_added_up_and_their_total_is_not(
    tmp_path: Path, read: Callable[..., panel.Source]
) -> None:
    head = f"{HEAD},Fn05601,Fn05602"
    lines = [
        f"000001,2012-12-31,1,{what},{sum_}"
        for what, sum_ in (("项目甲", 30000), ("项目乙", 20000), ("合计", 50000))
    ]
    source = read([text(tmp_path, "t.csv", head, *lines)], "csmar", **MINIMAL)
    assert frame(source)["subsidy"].tolist() == [5]
    own = source.files[0]
    assert (own.read, own.kept) == (3, 1)
    assert own.aside == {"Fn05601 = 合计": 1, "added to another row of its unit and year": 1}
    assert own.read == own.kept + sum(own.aside.values())


def test_a_column_reads_the_rows_that_it_means(tmp_path: Path, read: Callable[..., panel.Source]) -> None:
    head = "Symbol,EndDate,StateTypeCode,Area,ApplyTypeCode,Patents,Invention"
    lines = [
        f"000001,2012-12-31,{state},{area},{kind},{10 * kind + area},{kind}"
        for state in (1, 2) for area in (1, 2) for kind in (1, 2, 3)
    ]  # fmt: skip
    table = frame(read([text(tmp_path, "t.csv", head, *lines)], "csmar", **MINIMAL))
    assert (table["patents_applied"].item(), table["inv_patents_valid"].item()) == (23, 6)


@pytest.mark.parametrize("written", ["1", "000001", "000001.SZ", "sz000001", "SZ.000001", "000001.XSHE"])
def test_one_form_of_identifiers(written: str, tmp_path: Path, read: Callable[..., panel.Source]) -> None:
    one = text(tmp_path, "a.csv", f"{HEAD},A001000000", *rows("000001"))
    other = text(tmp_path, "b.csv", f"{HEAD},B001101000", *rows(written))
    source = read([one, other], "csmar", **MINIMAL)
    assert list(frame(source).index) == [("000001", 2012)] and source.joined[0].matched == 1


@pytest.mark.parametrize("day", ["41274", "41274.0", "2012-12-31", "2012/12/31", "20121231", "2012年报"])
def test_days_are_years(day: str, tmp_path: Path, read: Callable[..., panel.Source]) -> None:
    file = text(tmp_path, "t.csv", "Stkcd,Accper,A001000000", f"000001,{day},5")
    assert frame(read([file], "csmar", **MINIMAL)).index.tolist() == [("000001", 2012)]


def test_ownership_and_company_tables_stand_beside_statements(
    tmp_path: Path, read: Callable[..., panel.Source]
) -> None:
    files = [
        text(tmp_path, "fs.csv", f"{HEAD},A001000000", *rows("000001", "000002"), "000001,2013-12-31,A,7"),
        text(
            tmp_path, "nature.csv", "Symbol,EndDate,EquityNatureID,EquityNature", "000001,2012-12-31,1,国企"
        ),
        text(tmp_path, "co.csv", "Stkcd,Estbdt,Nnindcd", "000001,1999-06-18,C39", "000009,2001-01-01,C26"),
    ]
    source = read(files, "csmar", **MINIMAL)
    table = frame(source)
    assert table["control_type"].fillna("").tolist() == ["soe", "", ""]
    assert table.loc["000001", "est_year"].tolist() == [1999, 1999]
    assert [(j.matched, j.alone, j.lacking) for j in source.joined] == [(1, 0, 2), (1, 1, 1)]


def test_tables_join_by_city_and_by_industry_and_year(
    tmp_path: Path, read: Callable[..., panel.Source]
) -> None:
    head = "Symbol,EndDate,CITYCODE,IndustryCodeD,A001000000"
    lines = [
        "000001,2012-12-31,310000,C39,10",
        "000002,2012-12-31,110000,C39,10",
        "000001,2013-12-31,310000,C40,10",
    ]
    files = [
        text(tmp_path, "fs.csv", head, *lines),
        text(tmp_path, "cities.csv", "CITYCODE,pilot_start_year", "310000,2015", "440300,2015"),
        text(
            tmp_path, "ppi.csv", "IndustryCodeD,year,deflator", "C39,2012,1.1", "C40,2013,1.2", "C26,2013,1"
        ),
    ]
    rules = [{"match": "cities*", "on": ["district"]}, {"match": "ppi*", "on": ["ind4", "year"]}]
    extra = {"deflator": {"label_en": "Deflator", "label_zh": "平减指数"}}
    used = model.validate(
        {**model.load("csmar").model_dump(exclude_unset=True), "files": rules}, "csmar", extra
    )
    from fusion import engine

    source = panel.convert(
        engine.opened(tmp_path), files, used, panel.choices("minimal", extra_columns=extra)
    )
    table = frame(source)
    assert table["pilot_start_year"].fillna(0).tolist() == [2015, 2015, 0]
    assert table["deflator"].tolist() == [1.1, 1.2, 1.1] and len(table) == 3
    assert [(j.matched, j.alone, j.lacking) for j in source.joined] == [(1, 1, 1), (2, 1, 0)]
    wrong = text(tmp_path, "cities.csv", "CITYCODE,pilot_start_year", "999999,2015")
    with pytest.raises(AdapterError, match="district here: 999999; there: 110000, 310000"):
        panel.convert(engine.opened(tmp_path), [files[0], wrong], used, panel.choices("minimal"))


def test_what_cannot_be_read_costs_its_cell(tmp_path: Path, read: Callable[..., panel.Source]) -> None:
    lines = ["000001,2012-12-31,A,100,--", "000002,2012-12-31,A,100,约5"]
    found = report.check([text(tmp_path, "t.csv", f"{HEAD},A001000000,A001123000", *lines)], "csmar")
    assert found.source is not None and found.source.raw.rows == 2
    table = frame(found.source)
    assert table["inventory"].isna().all() and table["total_assets"].tolist() == [0.01, 0.01]
    assert not any("no row would be left" in told for told in found.problems)


def test_check_fails_where_no_row_would_be_left(tmp_path: Path) -> None:
    lines = ["000001,2012-12-31,A,100,1", "000002,2012-12-31,A,-5,1", "000001,2012-12-31,A,200,1"]
    file = text(tmp_path, "t.csv", "证券代码,年份,x,存货(万元),营业收入(万元)", *lines[:1], lines[2])
    told = "\n".join(report.check([file], "wind").problems)
    assert "no row would be left: duplicate_key of firm_id sets aside 2 of 2 rows" in told


SEGMENTS = "Symbol,EndDate,StatementType,ClassifyType,ProductName,SaleRevenue"
OF_FIRM = [
    "000001,2018-12-31,A,1,电子元件制造,600",
    "000001,2018-12-31,A,1,技术服务,300",
    "000001,2018-12-31,A,1,应用软件开发,150",
    "000001,2018-12-31,A,1,分部间抵销,-50",
    "000001,2018-12-31,A,2,华东地区,1000",
    "000001,2018-12-31,A,1,合计,1000",
]


@pytest.mark.parametrize(
    ("codes", "revenue", "classes"),
    [
        ({"电子元件制造": "goods", "技术服务": "7320"}, 450, {"6513": 150, "7320": 300}),
        ({"电子元件制造": "goods", "技术服务": "services"}, 450, None),
        ({"电子元件制造": "goods"}, None, None),
    ],
    ids=["by class", "of no class", "not told"],
)
def test_segments_roll_up_to_services_by_class(
    codes: dict[str, str],
    revenue: float | None,
    classes: dict[str, float] | None,
    tmp_path: Path,
    read: Callable[..., panel.Source],
) -> None:
    main = text(tmp_path, "s.csv", f"{HEAD},B001101000", "000001,2018-12-31,A,10000000")
    parts = text(
        tmp_path,
        "FN_Segment.csv",
        SEGMENTS,
        *(f"{line}0000" if line[-1] == "0" else line for line in OF_FIRM),
    )
    rule = model.load("csmar").model_dump(exclude_unset=True)["establishments"]
    change = {"establishments": rule | {"codes": rule["codes"] | codes}}
    source = read([main, parts], "csmar", change, **MINIMAL)
    found = frame(source).loc[("000001", 2018)]
    rolled = source.establishments
    assert rolled is not None
    assert (rolled.read, rolled.no_part, rolled.beside, rolled.apart) == (4, 1, 1, 1)  # 1,050 of 1,000
    assert rolled.unknown == (() if revenue else ("技术服务",))
    assert found["service_revenue"] == revenue if revenue else pd.isna(found["service_revenue"])
    told = found["service_rev_by_class"]
    assert json.loads(told) == classes if classes else pd.isna(told)
    assert ("技术服务" in source.say("zh")) is (revenue is None)


def test_segments_of_no_class_are_refused(read: Callable[..., panel.Source]) -> None:
    rule = model.load("csmar").model_dump(exclude_unset=True)["establishments"]
    with pytest.raises(AdapterError, match="9999"):
        read([Path("none.csv")], "csmar", {"establishments": rule | {"codes": {"技术服务": "9999"}}})
