"""What adapters refuse, set aside and tell; and files of any content: an error in words, or rows that add up."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import ibis
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fusion.adapters import AdapterError, headers, match, model, panel, units, wide
from fusion.panel.contract import expected

MINIMAL = {"contract": "minimal"}
# Tables that are tried; FUSION_FUZZ=2000 tries more (make fuzz).
MANY = int(os.environ.get("FUSION_FUZZ", "40"))


def write(folder: Path, text: str, name: str = "a.csv") -> Path:
    file = folder / name
    file.write_text(text, encoding="utf-8")
    return file


@pytest.mark.parametrize(
    ("written", "key", "unit"),
    [
        ("营业收入;本年", "营业收入", None),
        ("营业收入（千元）;本年", "营业收入", "千元"),
        ("营业收入(单位:万元)", "营业收入", "万元"),
        ("应付职工薪酬〔本年贷方累计发生额〕；本年", "应付职工薪酬(本年贷方累计发生额)", None),
        ("固定资产——原价", "固定资产-原价", None),
        ("营业收入;上年", "营业收入;上年", None),
        ("ＲＯＡ", "roa", None),
    ],
)
def test_headers_are_normalised_by_the_stated_rules(written: str, key: str, unit: str | None) -> None:
    found = headers.parse([written], [";本年"])[0]
    assert (found.key, found.unit) == (key, unit)


@pytest.mark.parametrize(
    ("written", "found"),
    [
        ("营业收入[报告期]20161231[单位]元", ("营业收入(单位)元", 2016, True)),
        ("营业收入[报告期]2016三季[单位]元", ("营业收入(单位)元", 2016, False)),
        ("2017年营业收入(万元)", ("营业收入(万元)", 2017, True)),
        ("营业收入_2017", ("营业收入", 2017, True)),
        ("营业收入（2017年）", ("营业收入", 2017, True)),
        ("2017年上半年营业收入", ("2017年上半年营业收入", None, True)),
        ("行业代码2017", ("行业代码2017", None, True)),
        ("行业代码（GB/T4754-2017）", ("行业代码（GB/T4754-2017）", None, True)),
    ],
)
def test_years_in_headers(written: str, found: tuple[str, int | None, bool]) -> None:
    assert wide.split(written) == found


def test_one_year_makes_no_wide_file() -> None:
    assert wide.years(["证券代码", "存货_2016", "成立年份_2010"]) == []
    assert wide.years(["证券代码", "存货_2016", "存货_2017"]) == [2016, 2017]


def test_parts_belong_to_the_header_before_them() -> None:
    texts = [
        "固定资产原价",
        "累计折旧",
        "其中：本年折旧211;本年",
        "财务费用",
        "其中：利息费用",
        "存货-其中：产成品",
    ]
    found = headers.parse(texts, [";本年"])
    assert [(h.parent, h.key) for h in found] == [
        ("", "固定资产原价"), ("", "累计折旧"), ("累计折旧", "本年折旧211"), ("", "财务费用"), ("财务费用", "利息费用"),
        ("存货", "产成品"),
    ]  # fmt: skip


def test_repeated_parts_are_told_apart_by_their_parent() -> None:
    adapter = model.load("bureau")
    texts = ["累计折旧", "其中：本年折旧;本年", "无形资产", "其中：本年折旧"]
    made = match.match(texts, adapter, expected("enterprise"))
    assert made.single["depreciation"].position == 1
    unclear = match.match(
        ["生产设备", "其中：本年折旧", "厂房", "其中：本年折旧"], adapter, expected("enterprise")
    )
    assert [(a.column, len(a.headers)) for a in unclear.ambiguous] == [("depreciation", 2)]


def test_a_substitute_is_reported_and_not_used() -> None:
    made = match.match(["从业人员期末人数", "其他业务收入"], model.load("bureau"), expected("enterprise"))
    assert "employees_avg" not in made.single and made.single["employees_end"].position == 0
    assert made.substitutes == {"其他业务收入": "service_revenue"}


def test_unmatched_headers_have_candidates() -> None:
    made = match.match(["营业收入额"], model.load("bureau"), expected("enterprise"))
    assert made.unmatched["营业收入额"][0] == "operating_revenue"


def test_units_are_never_guessed(tmp_path: Path, read: Callable[..., panel.Source]) -> None:
    file = write(tmp_path, "证券代码,年份,营业收入\nA,2020,12\n")
    with pytest.raises(AdapterError, match=r"operating_revenue: no money unit is stated; add `money_unit`"):
        read([file], "wind", **MINIMAL)
    source = read([file], "wind", money_unit="亿元", **MINIMAL)
    assert source.raw.table.to_pandas()["operating_revenue"].item() == 120_000.0


def test_a_foreign_currency_is_refused(tmp_path: Path, read: Callable[..., panel.Source]) -> None:
    file = write(tmp_path, "证券代码,年份,营业收入(万美元)\nA,2020,12\n")
    with pytest.raises(AdapterError, match=r"万美元 .* cannot be converted to 万元"):
        read([file], "wind", **MINIMAL)


def test_all_problems_are_told_at_once(tmp_path: Path, read: Callable[..., panel.Source]) -> None:
    file = write(tmp_path, "营业收入,存货\n1,2\n")
    with pytest.raises(AdapterError) as error:
        read([file], "wind")
    told = str(error.value)
    assert "no header means firm_id" in told and "no header means year" in told
    assert "inventory, operating_revenue: no money unit" in told
    assert "required columns are missing" in told and "total_assets 资产总计" in told


def test_joined_tables_must_have_unique_keys(tmp_path: Path, read: Callable[..., panel.Source]) -> None:
    one = write(tmp_path, "Stkcd,Accper,A001000000\n-,-,-\n-,-,元\n1,2020-12-31,5\n", "a.csv")
    two = write(tmp_path, "Stkcd,Accper,B001101000\n-,-,-\n-,-,元\n1,2020-12-31,5\n1,2020-12-31,6\n", "b.csv")
    with pytest.raises(AdapterError, match=r"b.csv: firm_id, year must be unique .* 000001 2020 \(2 rows\)"):
        read([one, two], "csmar", {"repeats": []}, **MINIMAL)


def test_headers_merged_over_two_rows_are_read_where_their_texts_stand(
    tmp_path: Path, read: Callable[..., panel.Source]
) -> None:
    """Columns without parts are merged downwards, so that their text stands in the upper row."""
    upper = "统一社会信用代码,年份,资产,,损益,平均用工人数\n,,资产总计,负债合计,营业收入,\n"
    rows = "913101150000000001,2018,9,4,7,3\n913101150000000002,2018,8,—,6,--\n"
    file = write(tmp_path, "2018年财务状况,,,,,\n计量单位：千元,,,,,\n" + upper + rows)
    source = read([file], "bureau", **MINIMAL)
    told = source.raw.table.order_by("firm_id").to_pandas()
    assert told["total_assets"].tolist() == [0.9, 0.8] and told["operating_revenue"].tolist() == [0.7, 0.6]
    # A dash says that nothing was filled in; it is no fault.
    assert told["total_liab"].isna().tolist() == told["employees_avg"].isna().tolist() == [False, True]
    assert set(source.raw.quality["severity"]) <= {"warning"} and source.raw.rows == 2


def test_rows_without_a_partner_are_kept_and_counted(
    tmp_path: Path, read: Callable[..., panel.Source]
) -> None:
    one = write(tmp_path, "Stkcd,Accper,A001000000\n-,-,-\n-,-,元\n1,2020-12-31,5\n", "a.csv")
    two = write(tmp_path, "Stkcd,Accper,B001101000\n-,-,-\n-,-,元\n1,2020-12-31,5\n2,2020-12-31,6\n", "b.csv")
    source = read([one, two], "csmar", **MINIMAL)
    assert source.raw.rows == 2 and (source.joined[0].matched, source.joined[0].alone) == (1, 1)
    assert source.raw.table.to_pandas()["firm_id"].tolist() == ["000001", "000002"]


def test_rows_of_another_width_are_listed(tmp_path: Path, read: Callable[..., panel.Source]) -> None:
    file = write(tmp_path, "证券代码,年份,存货(万元)\nA,2020,1\nB,2020,2,3\nC,2020,4\n")
    source = read([file], "wind", **MINIMAL)
    assert source.files[0].aside == {"another number of cells than the header": 1}
    assert source.files[0].misfits.iloc[0].to_dict() == {"row": 2, "cells": 4, "text": "B | 2020 | 2 | 3"}


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"adapter": "x", "colums": {}}, "unknown key 'colums' (nearest: 'columns')"),
        ({"adapter": "x", "columns": {"revenu": {}}}, "columns: 'revenu' is not a column of the contract"),
        ({"adapter": "x", "money_unit": "美元"}, "money_unit = '美元'"),
        (
            {"adapter": "x", "columns": {"inventory": {"aliases": ["存货"]}, "vat": {"aliases": ["存 货"]}}},
            "given to both",
        ),
        ({"adapter": "x", "unit_row": 3, "label_rows": 1}, "unit_row = 3 is not one of the 1 label_rows"),
        ({"adapter": "x", "columns": {"inventory": {"unit": "人"}}}, "cannot be converted to 万元"),
    ],
)
def test_a_wrong_adapter_says_which_key(values: dict[str, Any], told: str) -> None:
    with pytest.raises(AdapterError) as error:
        model.validate(values, "mine.yaml")
    assert told in str(error.value) and "mine.yaml" in str(error.value)


@pytest.mark.parametrize("name", ["bureau", "csmar", "wind"])
def test_built_in_adapters_are_sound(name: str) -> None:
    adapter = model.load(name)
    known = set(expected("enterprise"))
    assert set(adapter.columns) <= known and adapter.adapter == name
    assert adapter.sources, "an adapter says where its headers were seen"


def test_an_adapter_takes_over_from_another(tmp_path: Path) -> None:
    file = write(
        tmp_path,
        "adapter: mine\nbased_on: bureau\ncolumns:\n  service_revenue: {aliases: [技术收入]}\n",
        "m.yaml",
    )
    mine = model.load(str(file))
    rule = mine.rule("service_revenue")
    assert mine.money_unit == "千元" and rule.aliases == ["技术收入", "服务收入", "服务业务收入"]
    assert rule.substitutes == ["其他业务收入"]
    assert mine.rule("inventory").aliases == model.load("bureau").rule("inventory").aliases


@pytest.mark.parametrize(
    ("contract", "unit", "factor"), [("万元", "亿元", 1e4), ("人", "万人", 1e4), ("万元", "美元", None)]
)
def test_factors(contract: str, unit: str, factor: float | None) -> None:
    assert units.factor(contract, unit) == factor


# -- any content -------------------------------------------------------------------------------
CELL = st.one_of(
    st.text(max_size=8),
    st.sampled_from(
        [
            "",
            "A",
            "2020",
            "2020-12-31",
            "１２",
            "1,234.5",
            "-3",
            "NA",
            "合计",
            "其中：",
            '"',
            "，",
            "说明",
            "\t",
            "\x00",
        ]
    ),
)
HEADER = st.sampled_from(
    [
        "证券代码",
        "报告期",
        "年份",
        "存货（万元）",
        "营业收入(万元)",
        "其中：存货",
        "存货",
        "备注",
        "",
        "x",
        "单位：万元",
    ]
)


@settings(max_examples=MANY, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    header=st.lists(HEADER, min_size=1, max_size=6),
    rows=st.lists(st.lists(CELL, max_size=8), max_size=12),
    glue=st.sampled_from([",", "\t", ";"]),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "gb18030", "utf-16"]),
    raw=st.booleans(),
)
def test_any_table_of_text_adds_up_or_is_refused(
    tmp_path: Path, header: list[str], rows: list[list[str]], glue: str, encoding: str, raw: bool
) -> None:
    table = pd.DataFrame([[*row, *[""] * (8 - len(row))] for row in rows])
    text = glue.join(header) + "\n"
    text += (
        "\n".join(glue.join(r) for r in rows) if raw else table.to_csv(index=False, header=False, sep=glue)
    )
    file = tmp_path / "any.csv"
    file.write_bytes(text.encode(encoding, errors="replace"))
    held(file)


@settings(max_examples=MANY // 2, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    content=st.binary(max_size=400),
    suffix=st.sampled_from([".csv", ".tsv", ".txt", ".xlsx", ".parquet", ".dta", ".xls"]),
)
def test_any_bytes_add_up_or_are_refused(tmp_path: Path, content: bytes, suffix: str) -> None:
    file = tmp_path / f"any{suffix}"
    file.write_bytes(content)
    held(file)


def held(file: Path) -> None:
    """The file is read with every row accounted for, or refused by an error that names it."""
    con = ibis.duckdb.connect()
    try:
        source = panel.convert(con, [file], model.load("wind"), panel.choices(contract="minimal"))
    except AdapterError as error:
        assert file.name in str(error)
        return
    finally:
        con.disconnect()
    own = source.files[0]
    assert own.read == own.kept + sum(own.aside.values()) and source.raw.rows == own.kept
