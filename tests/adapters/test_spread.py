"""Files with items below one another: spread by a declared rule, every row and every value accounted for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from fusion import engine
from fusion.adapters import model, panel, report, spread
from fusion.adapters.errors import AdapterError
from fusion.start import command
from workbook.params.load import load

ROWS = [
    ("甲", "2015年", "营业收入", "万元", "100"),
    ("甲", "2015年", "平均用工人数", "人", "10"),
    ("甲", "2015年", "营业收入", "万元", "120"),
    ("甲", "2015年", "营业收入", "万元", ""),
    ("甲", "2016年", "营业收入", "万元", "1,130"),
    ("乙", "2015年", "平均用工人数", "人", "20"),
    ("乙", "2015年", "营业收入", "万元", "200"),
    ("数据来源：年鉴", "", "", "", ""),
]
HEADERS = ["企业", "年份", "指标", "单位", "数值"]


def adapter(take: str, **more: Any) -> model.Adapter:
    rule = {"by": ["企业", "年份"], "item": "指标", "value": "数值", "unit": "单位", "take": take}
    columns = {"firm_id": {"aliases": ["企业"]}, "year": {"aliases": ["年份"], "take": "year"}}
    columns |= {"revenue": {"aliases": ["营业收入(万元)"]}, "people": {"aliases": ["平均用工人数(人)"]}}
    own = {"adapter": "own", "footers": ["数据来源"], "firm_id": {"as_written": True}, "spread": rule}
    return model.validate({**own, "columns": columns, **more}, "own", ["revenue", "people"])


def read(file: Path, used: model.Adapter) -> tuple[pd.DataFrame, panel.Source]:
    extra = {n: {"label_en": n, "label_zh": n, "type": "float"} for n in ("revenue", "people")}
    con = engine.opened(file.parent)
    source = panel.convert(con, [file], used, panel.choices("minimal", extra_columns=extra))
    return source.raw.table.to_pandas(), source


def written(folder: Path, kind: str, rows: list[tuple[str, ...]] = ROWS) -> Path:
    frame, file = pd.DataFrame(rows, columns=HEADERS), folder / f"指标{kind}"
    if kind == ".csv":
        frame.to_csv(file, index=False, encoding="gb18030")
    else:
        frame.to_excel(file, index=False)
    return file


@pytest.mark.parametrize("kind", [".csv", ".xlsx"])
@pytest.mark.parametrize(("take", "revenue"), [("last", 120.0), ("first", 100.0), ("sum", 220.0)])
def test_items_become_columns_and_several_values_follow_the_rule(
    tmp_path: Path, kind: str, take: str, revenue: float
) -> None:
    found, source = read(written(tmp_path, kind), adapter(take))
    got = found.set_index(["firm_id", "year"])[["revenue", "people"]].astype(float)
    assert got.loc[("甲", 2015)].tolist() == [revenue, 10] and got.loc[("乙", 2015)].tolist() == [200, 20]
    assert got.loc[("甲", 2016), "revenue"] == 1130 and pd.isna(got.loc[("甲", 2016), "people"])
    assert len(found) == 3
    (file,) = source.files
    assert file.read == len(ROWS) and file.kept == 3 and file.read == file.kept + sum(file.aside.values())
    twice = "added to another row of its unit and year" if take == "sum" else spread.GONE[take]
    assert file.aside == {"note below the table": 1, spread.BESIDE: 2, twice: 2}


def test_units_stand_behind_items_and_two_units_of_one_item_are_two_headers(tmp_path: Path) -> None:
    file = written(tmp_path, ".csv", [*ROWS, ("乙", "2016年", "营业收入", "亿元", "3")])
    with pytest.raises(AdapterError, match="revenue"):
        read(file, adapter("last", columns={
            "firm_id": {"aliases": ["企业"]}, "year": {"aliases": ["年份"], "take": "year"}, "revenue": {"aliases": ["营业收入"]},
        }))  # fmt: skip


def test_a_table_without_the_headers_is_read_as_it_is(tmp_path: Path) -> None:
    pd.DataFrame(
        {"企业": ["甲"], "年份": ["2015"], "营业收入(万元)": ["5"], "平均用工人数(人)": ["6"]}
    ).to_csv(tmp_path / "a.csv", index=False)
    found, source = read(tmp_path / "a.csv", adapter("last"))
    assert found[["revenue", "people"]].astype(float).values.tolist() == [[5, 6]]
    assert source.files[0].aside == {}


def test_more_items_than_a_table_can_have_are_refused(tmp_path: Path) -> None:
    rows = [("甲", "2015年", f"指标{i}", "", "1") for i in range(spread.MOST + 1)]
    with pytest.raises(AdapterError, match=r"'指标' names 501 items.*500"):
        read(written(tmp_path, ".csv", rows), adapter("last"))


def test_accounts_of_enterprises_below_one_another(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Items that the contract knows are its columns, in their units; `fusion check` accounts for the rows."""
    items = {
        "营业收入": "万元",
        "营业成本": "万元",
        "平均用工人数": "人",
        "资产总计": "亿元",
        "研发费用": "万元",
    }
    rows = [
        (f"F{i:03d}", f"{y}", item, unit, f"{100 + 3 * i + (y - 2010) * k}")
        for i in range(30)
        for y in range(2012, 2016)
        for k, (item, unit) in enumerate(items.items(), 1)
    ]
    frame = pd.DataFrame(rows, columns=["企业代码", *HEADERS[1:]])
    pd.concat([frame, frame.iloc[:7]]).to_csv(tmp_path / "accounts.csv", index=False)
    monkeypatch.chdir(tmp_path)
    made = load(str(tmp_path / command.new([tmp_path / "accounts.csv"], "mine", "", "")))
    used = model.load("mine.adapter.yaml", tmp_path)
    assert used.spread is not None and used.spread.unit == "单位" and used.based_on == "wind"
    assert made.parameters.panel.adapter == "mine.adapter.yaml"
    told = "\n".join(report.lines(report.check([tmp_path / "accounts.csv"], "mine.adapter.yaml")))
    assert "607" in told and "480 beside another item of its unit and year" in told
    assert "7 an earlier row of its unit, year and item" in told
    source = panel.convert(
        engine.opened(tmp_path), [tmp_path / "accounts.csv"], used, panel.choices("minimal")
    )
    got = source.raw.table.to_pandas().set_index(["firm_id", "year"])
    assert got.loc[("F002", 2013), "total_assets"] == pytest.approx((106 + 3 * 4) * 1e4)


def bank(folder: Path) -> Path:
    """A table as the databank of the World Bank writes it: items below one another, years in the headers."""
    lines = ["Country Name,Country Code,Series Name,Series Code,2015 [YR2015],2016 [YR2016],2017 [YR2017]"]
    for i in range(8):
        named = f"Land {i},L{i:02d}"
        lines.append(f"{named},GDP (constant 2015 US$),NY.GDP.MKTP.KD,{100 + i},{103 + i},..")
        lines.append(f'{named},"Labor force, total",SL.TLF.TOTL.IN,{10 + i},{11 + i},{12 + i}')
    file = folder / "bank.csv"
    file.write_text("\n".join([*lines, "", '"Data from database: World Development Indicators",,,,,,', ""]))
    return file


def test_items_below_one_another_with_years_in_headers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    command.new([bank(tmp_path)], "mine", "", "")
    told = capsys.readouterr().out
    assert "24 rows, 8 units" in told and "48 values of 2 items" in told and "Series Code" in told
    made = load(str(tmp_path / "mine.yaml"))
    extra = made.flat["extra_columns"]
    used = model.load("mine.adapter.yaml", tmp_path, extra)
    source = panel.convert(
        engine.opened(tmp_path), [tmp_path / "bank.csv"], used, panel.choices("minimal", extra_columns=extra)
    )
    got = source.raw.table.to_pandas().set_index(["firm_id", "year"])
    assert len(got) == 24
    assert got.loc[("L03", 2016), "gdp"] == 106 and got.loc[("L03", 2017), "labor_force_total"] == 15
    assert got["gdp"].notna().sum() == 16


def test_items_of_a_second_file_are_spread_beside_the_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Joined by unit and year, the first item would stand for all of them."""
    keys = [(f"C{i}", y) for i in range(12) for y in range(2012, 2018)]
    first = pd.DataFrame(keys, columns=["city", "year"]).assign(gdp=[float(50 + i) for i in range(len(keys))])
    long = [
        (c, y, item, n + k) for n, (c, y) in enumerate(keys) for k, item in enumerate(("jobs", "roads"), 1)
    ]
    first.to_csv(tmp_path / "a.csv", index=False)
    pd.DataFrame(long, columns=["city", "year", "indicator", "value"]).to_csv(tmp_path / "b.csv", index=False)
    monkeypatch.chdir(tmp_path)
    made = load(str(tmp_path / command.new([tmp_path / "a.csv", tmp_path / "b.csv"], "mine", "gdp", "")))
    assert "144 values of 2 items" in capsys.readouterr().out
    extra = made.flat["extra_columns"]
    used = model.load("mine.adapter.yaml", tmp_path, extra)
    chosen = panel.choices("minimal", extra_columns=extra)
    files = [tmp_path / "a.csv", tmp_path / "b.csv"]
    got = panel.convert(engine.opened(tmp_path), files, used, chosen).raw.table.to_pandas()
    cells = got.set_index(["firm_id", "year"]).loc[("C1", 2013)]
    assert (cells["gdp"], cells["jobs"], cells["roads"]) == (57, 8, 9) and len(got) == 72
