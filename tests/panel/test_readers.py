"""Reading: what is read is what was written, and every bad source says what is wrong and how to mend it."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from fusion import engine
from fusion.classification.codes import MISSING
from fusion.panel import PanelError, checks, clean, readers, text

HEAD = "firm_id,year,x,code\n"
Read = Callable[..., readers.Raw]


def csv_of(frame: pd.DataFrame) -> bytes:
    return frame.to_csv(index=False).encode()


# -- what is read ------------------------------------------------------------------------------
def test_codes_keep_their_zeros_and_na_is_a_value(minimal: Read) -> None:
    table = minimal(HEAD + "007,2015,1.5,0111\nNA,2016,NA,NA\n").table.to_pandas()
    assert table["firm_id"].tolist() == ["007", "NA"]
    assert table["code"].tolist() == ["0111", "NA"]
    assert table["x"].iloc[0] == 1.5 and np.isnan(table["x"].iloc[1])
    assert table["source_row"].tolist() == [1, 2]


def test_numbers_as_text_are_named_cell_by_cell(minimal: Read) -> None:
    raw = minimal(
        HEAD
        + 'a,2015,"1,234.5",c\nb,2015,１２,c\nc,2015,"1,23",c\nd,2015,12%,c\ne,2015,(5),c\nf,2015.5,inf,c\ng,2015,1_0,c\n'
    )
    assert raw.table.to_pandas()["x"].tolist()[:2] == [1234.5, 12.0]
    cells = raw.quality.set_index("rule")[["row", "field", "value", "severity"]]
    # A notice is counted, not listed: forms with thousands separators have one in every cell.
    assert cells.loc["number_normalised", ["value", "severity"]].tolist() == ["2", "warning"]
    broken = cells.loc[["not_a_number"]]
    assert broken["value"].tolist() == ["1,23", "(5)", "inf", "1_0"]
    assert broken["row"].tolist() == [3, 5, 6, 7] and set(broken["severity"]) == {"error"}
    assert cells.loc["not_whole", "value"] == "2015.5"
    assert raw.table.to_pandas()["x"].isna().sum() == 4
    # A column without a unit holds what the sign says.
    assert cells.loc["percent_read", "value"] == "1" and raw.table.to_pandas()["x"].tolist()[3] == 0.12


def test_missing_words_are_counted_by_column(minimal: Read) -> None:
    raw = minimal(HEAD + "a,2015,NA,c\nb,2015,.,c\nc,2015,NULL,c\nd,2015,,c\n")
    told = raw.quality.loc[raw.quality["rule"] == "missing_word"]
    assert told[["field", "value"]].to_numpy().tolist() == [["x", "3"]]


def test_blanks_around_text_go(minimal: Read) -> None:
    assert minimal(HEAD + "  a \t,2015, 3 ,\u3000上海\u3000\n").table.to_pandas().iloc[0].tolist() == [
        1,
        "a",
        2015,
        3.0,
        "上海",
    ]


@pytest.mark.parametrize("choice", ["auto", "gb18030"])
def test_gb18030_is_read(minimal: Read, choice: str) -> None:
    raw = minimal((HEAD + "甲公司,2015,1,上海𠮷\n").encode("gb18030"), encoding=choice)
    assert raw.table.to_pandas()["code"].tolist() == ["上海𠮷"]
    assert ("encoding_found" in raw.quality["rule"].tolist()) == (choice == "auto")


def test_utf8_with_a_byte_order_mark(minimal: Read) -> None:
    assert minimal(("\ufeff" + HEAD + "甲,2015,1,c\n").encode()).table.to_pandas()["firm_id"].tolist() == [
        "甲"
    ]


@pytest.mark.parametrize(
    ("unit", "factor"), [("元", 1e-4), ("千元", 0.1), ("万元", 1), ("百万元", 100), ("亿元", 1e4)]
)
def test_money_is_scaled_to_wan_yuan(
    con: Any, good: pd.DataFrame, tmp_path: Path, unit: str, factor: float
) -> None:
    good.to_parquet(tmp_path / "p.parquet")
    table = readers.read(con, "p.parquet", root=tmp_path, money_unit=unit).table.to_pandas()
    # 1e-12: one multiplication in double precision.
    np.testing.assert_allclose(table["operating_revenue"], good["operating_revenue"] * factor, rtol=1e-12)
    np.testing.assert_array_equal(table["employees_avg"], good["employees_avg"])


@pytest.mark.parametrize("kind", ["csv", "parquet", "dta", "xlsx"])
def test_every_format_gives_the_same_table(con: Any, good: pd.DataFrame, tmp_path: Path, kind: str) -> None:
    file = tmp_path / f"p.{kind}"
    writers = {"csv": good.to_csv, "parquet": good.to_parquet, "xlsx": good.to_excel}
    good.to_stata(file, write_index=False) if kind == "dta" else writers[kind](file, index=False)
    raw = readers.read(con, str(file), root=tmp_path, money_unit="万元")
    table = raw.table.to_pandas().drop(columns="source_row")[good.columns]
    pd.testing.assert_frame_equal(table, good, check_dtype=False)
    assert raw.quality.empty


def test_a_loader_is_called(con: Any, tmp_path: Path) -> None:
    declared = {"scrap": {"label_en": "Scrap rate", "label_zh": "废品率"}}
    raw = readers.read(
        con, "linearmodels.datasets.jobtraining:load", root=tmp_path, contract="minimal",
        rename={"fcode": "firm_id"}, extra_columns=declared,
    )  # fmt: skip
    assert raw.rows == 471
    assert raw.table.firm_id.nunique().execute() == 157
    assert raw.table.firm_id.min().execute() == "410032"
    assert "employ" in raw.quality.loc[raw.quality["rule"] == "column_ignored", "field"].tolist()


def test_codes_stored_as_numbers_are_told_and_lost_zeros_show(
    con: Any, good: pd.DataFrame, tmp_path: Path
) -> None:
    good.assign(ind4=np.where(good.index == 0, 111.0, 3562.0)).to_parquet(tmp_path / "p.parquet")
    raw = readers.read(con, "p.parquet", root=tmp_path, money_unit="万元")
    assert raw.table.ind4.to_pandas().tolist()[:2] == ["111", "3562"]
    assert "code_stored_as_number" in raw.quality["rule"].tolist()
    with pytest.raises(PanelError, match=r"code_unknown, ind4: 1: .*'111' may be 0111"):
        checks.check(raw)


def test_an_identifier_too_long_for_a_float_is_an_error(con: Any, tmp_path: Path) -> None:
    pd.DataFrame({"firm_id": [913100001322079000.0], "year": [2015]}).to_parquet(tmp_path / "p.parquet")
    raw = readers.read(con, "p.parquet", root=tmp_path, contract="minimal")
    assert raw.quality["rule"].tolist() == ["digits_lost"]


def test_columns_beyond_the_contract_are_told(minimal: Read) -> None:
    raw = minimal("firm_id,year,x,code,yaer2,path\na,2015,1,c,5,P1\n")
    ignored = raw.quality.loc[raw.quality["rule"] == "column_ignored"].set_index("field")["message_en"]
    assert "declare it in extra_columns" in ignored["yaer2"] and "computed by the workbook" in ignored["path"]
    assert raw.table.columns == ("source_row", "firm_id", "year", "x", "code")


# -- bad sources -------------------------------------------------------------------------------
BAD_FILES: dict[str, tuple[str | bytes, str]] = {
    "empty": (b"", r"panel.csv: the file is empty \(0 bytes\)"),
    "blank_line_only": (b"\n", r"the first line is empty; it must hold the headers"),
    "header_only": (HEAD, r"a header and no rows"),
    "duplicate_header": (
        "firm_id,year,x,code,x\na,2015,1,c,2\n",
        r"headers occur twice: 'x' in columns 3, 5",
    ),
    "nameless_header": ("firm_id,year,,code\na,2015,1,c\n", r"column 3 has no header"),
    "reserved_header": ("firm_id,year,source_row,code\na,2015,1,c\n", r"'source_row' is the reader's own"),
    "semicolons": ("firm_id;year;x;code\na;2015;1;c\n", r"one header only.*separated by commas"),
    "ragged": (HEAD + "a,2015,1,c\nb,2015,1,c,9,9\n", r"line 3 does not fit the header of 4 columns"),
    "short_row": (HEAD + "a,2015,1,c\nb,2015\n", r"line 3 does not fit the header of 4 columns"),
    "utf16": ((HEAD + "甲,2015,1,c\n").encode("utf-16"), r"UTF-16; save it as UTF-8"),
    "neither": (
        HEAD.encode() + b"a,2015,1,\xff\xff\n",
        r"neither UTF-8 \(byte 0xFF at offset 29, line 2\) nor GB18030",
    ),
    "missing": (
        "firm_id,yaer,x,code\na,2015,1,c\n",
        r"1 required columns are missing:\s+year 年份 \(nearest: 'yaer'\)",
    ),
}


@pytest.mark.parametrize("name", BAD_FILES)
def test_bad_csv(minimal: Read, name: str) -> None:
    content, message = BAD_FILES[name]
    with pytest.raises(PanelError, match=message):
        minimal(content)


def test_wrong_encoding_says_which_byte_and_what_to_set(minimal: Read) -> None:
    chinese = (HEAD + "a,2015,1,c\n甲,2015,1,上海\n").encode("gb18030")
    where = r"byte 0xBC at offset 31, line 3"
    with pytest.raises(PanelError, match=rf"not utf-8: {where}; .* set 'encoding: gb18030'"):
        minimal(chinese, encoding="utf-8")
    with pytest.raises(PanelError, match=r"valid UTF-8 with Chinese text; set 'encoding: utf-8'"):
        minimal((HEAD + "甲,2015,1,上海\n").encode(), encoding="gb18030")


def test_first_failure_counts_over_pieces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text, "CHUNK", 7)
    (tmp_path / "f").write_bytes("甲乙\n丙丁\n".encode() + b"ab\xe4\xb8x\n")
    assert str(text.first_failure(tmp_path / "f", "utf-8")) == "byte 0xE4 at offset 16, line 3"
    (tmp_path / "f").write_bytes("甲乙\n丙".encode()[:-1])
    assert str(text.first_failure(tmp_path / "f", "utf-8")) == "byte 0xE4 at offset 7, line 2"


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("nofile.csv", r"nofile.csv: no such file \(nearest: 'nofile1.csv'\); correct 'source'"),
        ("nowhere/p.csv", r"there is no folder"),
        ("folder.csv", r"folder.csv: a directory; name the file in it"),
        ("p.rds", r"'.rds' is not a format that is read; use one of .csv"),
        ("no_such_package_x:load", r"cannot import 'no_such_package_x'"),
        ("linearmodels.datasets.jobtraining:lod", r"has no 'lod' \(nearest: 'load'\)"),
        ("os:getcwd", r"returned str; it must return a table"),
        ("os:sep", r"'sep' is not a function"),
    ],
)
def test_bad_source(
    con: Any, tmp_path: Path, source: str, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(readers.ALLOWED, "all")
    (tmp_path / "folder.csv").mkdir()
    (tmp_path / "p.rds").write_text("x")
    (tmp_path / "nofile1.csv").write_text("x")
    with pytest.raises(PanelError, match=message):
        readers.read(con, source, root=tmp_path, contract="minimal")


@pytest.mark.parametrize(
    ("name", "word"), [("p.parquet", "Parquet"), ("p.dta", "Stata"), ("p.xlsx", "Excel")]
)
def test_truncated_files(con: Any, good: pd.DataFrame, tmp_path: Path, name: str, word: str) -> None:
    whole = io.BytesIO()
    writers = {"p.parquet": good.to_parquet, "p.dta": good.to_stata, "p.xlsx": good.to_excel}
    writers[name](whole)
    (tmp_path / name).write_bytes(whole.getvalue()[: len(whole.getvalue()) * 2 // 3])
    with pytest.raises(PanelError, match=rf"{name}: not a whole {word} file"):
        readers.read(con, name, root=tmp_path, money_unit="万元")


def test_a_parquet_broken_inside(con: Any, good: pd.DataFrame, tmp_path: Path) -> None:
    whole = io.BytesIO()
    good.to_parquet(whole, compression=None)
    content = bytearray(whole.getvalue())
    content[4:400] = b"\xff" * 396  # the first pages; the footer stays whole
    (tmp_path / "p.parquet").write_bytes(bytes(content))
    with pytest.raises(PanelError, match=r"p.parquet: cannot be read to its end"):
        readers.read(con, "p.parquet", root=tmp_path, money_unit="万元")


def test_excel_sheets(con: Any, good: pd.DataFrame, tmp_path: Path) -> None:
    with pd.ExcelWriter(tmp_path / "p.xlsx") as book:
        good.to_excel(book, sheet_name="数据", index=False)
        good.head(0).to_excel(book, sheet_name="说明", index=False)
    ask = {"root": tmp_path, "money_unit": "万元"}
    found = readers.read(con, "p.xlsx", **ask)
    passed = found.quality.set_index("rule").loc["sheet_passed_over", "field"]
    assert found.rows == len(good) and passed == "说明", "a sheet of heads alone is no table"
    with pd.ExcelWriter(tmp_path / "p.xlsx") as book:
        good.to_excel(book, sheet_name="数据", index=False)
        good.to_excel(book, sheet_name="说明", index=False)
    with pytest.raises(PanelError, match=r"2 sheets; say which with 'sheet': 数据, 说明"):
        readers.read(con, "p.xlsx", **ask)
    with pytest.raises(PanelError, match=r"no sheet '数据1' \(nearest: '数据'\)"):
        readers.read(con, "p.xlsx", sheet="数据1", **ask)
    assert readers.read(con, "p.xlsx", sheet="数据", **ask).rows == len(good)


def test_all_missing_columns_at_once_with_candidates(con: Any, good: pd.DataFrame, tmp_path: Path) -> None:
    renamed = good.rename(
        columns={"operating_revenue": "营业收入;本年", "total_assets": "资产总计", "district": "distric"}
    )
    renamed.drop(columns="payroll").to_csv(tmp_path / "p.csv", index=False)
    with pytest.raises(PanelError) as caught:
        readers.read(con, "p.csv", root=tmp_path, money_unit="千元")
    message = str(caught.value)
    assert "4 required columns are missing" in message and "payroll 应付职工薪酬" in message
    assert "operating_revenue 营业收入 (candidate: '营业收入;本年')" in message
    assert "total_assets 资产总计 (candidate: '资产总计')" in message and "(nearest: 'distric')" in message
    assert "rename: {营业收入: operating_revenue}" in message


def test_money_unit_is_never_guessed(con: Any, good: pd.DataFrame, tmp_path: Path) -> None:
    good.to_parquet(tmp_path / "p.parquet")
    with pytest.raises(PanelError, match=r"money_unit is not given, and it is never guessed.*千元"):
        readers.read(con, "p.parquet", root=tmp_path)


@pytest.mark.parametrize(
    ("rename", "message"),
    [
        ({"firm": "firm_id"}, r"rename names headers that are not there: 'firm' \(nearest: 'firm_id'\)"),
        ({"code": "codex"}, r"'codex' \(nearest: 'code'\) is neither in the contract nor in extra_columns"),
        ({"code": "x"}, r"two headers have one name \(x: 'x', 'code'\)"),
    ],
)
def test_bad_rename(minimal: Read, rename: dict[str, str], message: str) -> None:
    with pytest.raises(PanelError, match=message):
        minimal(HEAD + "a,2015,1,c\n", rename=rename)


def test_swapping_two_headers_by_rename(minimal: Read) -> None:
    raw = minimal(HEAD + "a,2015,c,1\n", rename={"x": "code", "code": "x"})
    assert raw.table.to_pandas()[["x", "code"]].iloc[0].tolist() == [1.0, "c"]


def test_an_extra_column_must_be_new(con: Any, good: pd.DataFrame, tmp_path: Path) -> None:
    good.to_parquet(tmp_path / "p.parquet")
    declared = {"payroll": {"label_en": "x", "label_zh": "x"}}
    with pytest.raises(PanelError, match=r"'payroll' is already in the contract \(应付职工薪酬, 万元\)"):
        readers.read(con, "p.parquet", root=tmp_path, money_unit="万元", extra_columns=declared)


# -- nothing is lost ---------------------------------------------------------------------------
cell = st.text(alphabet='09１,.-%aé甲 "\n', max_size=6)
row = st.tuples(st.sampled_from(["a", "b", "", "甲"]), st.sampled_from(["2015", "2016", "x", ""]), cell, cell)


# Few examples of many rows: an example costs half a second, a row nothing.
@settings(
    max_examples=12,
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(rows=st.lists(row, min_size=1, max_size=60))
def test_rows_in_are_rows_out_and_rows_set_aside(minimal: Read, rows: list[tuple[str, ...]]) -> None:
    frame = pd.DataFrame(rows, columns=["firm_id", "year", "x", "code"])
    raw = minimal(csv_of(frame))
    assert raw.rows == len(frame) == raw.table.count().execute()
    assert raw.table.source_row.nunique().execute() == len(frame)
    quality = checks.check(raw, "set_aside")
    aside = quality.loc[quality["set_aside"], "row"].nunique()
    try:
        flow = clean.sample(raw.table, quality, first_year=1900, last_year=2100).to_frame()
    except PanelError:
        assert aside == len(frame)
    else:
        assert flow["rows"].iloc[-1] + aside == len(frame)
    # Every cell of the number column is a number, empty, a word for missing, or reported.
    reported = raw.quality.loc[(raw.quality["field"] == "x") & (raw.quality["rule"] == "not_a_number"), "row"]
    lost = raw.table.filter(raw.table.x.isnull()).source_row.to_pandas()  # noqa: PD003
    written = {i + 1 for i, r in enumerate(rows) if r[2].strip().upper() not in ("", *MISSING)}
    assert set(lost) & written == set(reported)


def test_amounts_by_code_that_are_none_are_lost_and_told(tmp_path: Path) -> None:
    good = ['{"7310": 12.5}', "{}", '{"6510": 3, "6550": -1}', None]
    bad = [
        "5",
        "abc",
        "[1, 2]",
        '{"a": "x"}',
        '{"a": 1, "a": 2}',
        '{"a": {"b": 1}}',
        "null",
        '{"a": 1e400}',
        '{"7310": 1',
    ]
    cells = [*good, *bad]
    frame = pd.DataFrame(
        {"firm_id": [f"f{i}" for i in range(len(cells))], "year": 2020, "service_rev_by_class": cells}
    )
    frame.to_parquet(tmp_path / "x.parquet")
    raw = readers.read(
        engine.opened(tmp_path), "x.parquet", root=tmp_path, contract="minimal", money_unit="万元"
    )
    kept = raw.table.order_by("source_row").service_rev_by_class.to_pandas()
    assert [None if pd.isna(c) else c for c in kept] == [*good, *[None] * len(bad)]
    told = raw.quality[raw.quality["rule"] == "not_amounts"]
    assert told["value"].tolist() == bad and told["row"].tolist() == [*range(len(good) + 1, len(cells) + 1)]
