"""Every input that once failed, in its smallest form: refused in words, in both languages, or read whole."""

from __future__ import annotations

import base64
import json
import re
import zipfile
import zlib
from io import BytesIO
from pathlib import Path
from typing import Any

import binary
import openpyxl
import pandas as pd
import pytest
import reads
from kinds import ANSWERS, KINDS, PILOTS, READ, REFUSED, RELEASE, STUDY, tried
from made import Made
from openpyxl.chart import BarChart

from fusion import engine
from fusion.adapters import headers, panel, units
from fusion.panel import PanelError, queries, readers, records, sheets
from workbook.params.printed.model import Spec

ROWS: list[list[Any]] = [
    ["firm_id", "year", "rate", "x"],
    ["a", 2015, binary.Shown(0.45, "0%"), None],
    ["乙", 2016, binary.Shown(62.5, '0.0"%"'), 3.5],
]


# -- workbooks -----------------------------------------------------------------------------------------
@pytest.mark.parametrize("kind", ["xls", "xlsb", "ods"])
def test_a_number_in_percent_is_read_as_it_is_shown(kind: str, tmp_path: Path) -> None:
    file = tmp_path / f"p.{kind}"
    file.write_bytes(getattr(binary, kind)(ROWS))
    assert sheets.names(file) == [binary.NAME]
    assert list(sheets.cells(file, binary.NAME)) == [
        ["firm_id", "year", "rate", "x"],
        ["a", 2015, "45%", None],
        [
            "乙",
            2016,
            62.5 if kind == "ods" else "62.5%",
            3.5,
        ],  # there a sign that is only written makes no percentage
    ]
    declared = {"rate": {"label_en": "R", "label_zh": "率", "unit": "%"}}
    raw = readers.read(
        engine.opened(tmp_path), str(file), root=tmp_path, contract="minimal", extra_columns=declared
    )
    assert raw.table.order_by("year").to_pandas()["rate"].tolist() == [45, 62.5]
    assert "percent_read" in set(raw.quality["rule"])


def test_the_first_rows_of_a_sheet_may_be_empty(tmp_path: Path) -> None:
    for kind in ("xls", "xlsb", "ods"):
        file = tmp_path / f"p.{kind}"
        file.write_bytes(getattr(binary, kind)([[], [None, "a"], [None, binary.Shown(0.5, "0%")]]))
        assert list(sheets.rows(file, binary.NAME)) == [[], ["", "a"], ["", "50%"]], kind


def test_formats_of_percent() -> None:
    shown = {"0.0%": 100.0, "[Red]0%;-0%": 100.0, '0"%"': 1.0, r"0\%": 1.0, "0.0": 0.0, "General": 0.0}
    assert {text: records.percent(text) for text in shown} == shown


@pytest.mark.parametrize("kind", ["xls", "xlsb", "ods"])
def test_cells_far_apart_are_refused_before_they_are_read(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Half a kilobyte of .xlsb asked for 512 GB, and the process ended."""
    if kind == "ods":
        raw = binary.ods([["a"], [7.0]])
        with zipfile.ZipFile(BytesIO(raw)) as archive:
            parts: dict[str, str | bytes] = {name: archive.read(name) for name in archive.namelist()}
        many = 'table:number-columns-repeated="9000" office:value-type="float"'
        content = bytes(parts["content.xml"]).decode() if isinstance(parts["content.xml"], bytes) else ""
        parts["content.xml"] = content.replace('office:value-type="float"', many).replace(
            "</table:table-row><table:table-row>",
            '</table:table-row><table:table-row table:number-rows-repeated="9000">',
        )
        raw = binary._zipped(parts)
    else:
        last = (65_535, 255) if kind == "xls" else (1_048_575, 16_383)
        monkeypatch.setattr(binary, "_placed", lambda rows: iter([(0, 0, "a", 0), (*last, 1.0, 0)]))
        raw = getattr(binary, kind)([["a"]])
    file = tmp_path / f"far.{kind}"
    file.write_bytes(raw)
    with pytest.raises(PanelError, match="far apart"):
        list(sheets.cells(file, binary.NAME))


def test_a_sheet_that_is_damaged_far_below_is_named(tmp_path: Path) -> None:
    """The first rows are looked at in good order; the damage is met while the others are read."""
    whole, made = BytesIO(), BytesIO()
    frame = pd.DataFrame({"firm_id": [f"f{i}" for i in range(400)], "year": 2015})
    frame.to_excel(whole, index=False)
    with zipfile.ZipFile(whole) as old, zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            part = old.read(name)
            new.writestr(
                name, part[: len(part) // 2] + b"<<" + part[len(part) // 2 :] if "sheet1" in name else part
            )
    for kind in ("xlsx", "xlsx by adapter", "classified book"):
        assert again(tmp_path, kind, Made(made.getvalue())) == REFUSED


# -- texts ---------------------------------------------------------------------------------------------
def test_rows_that_end_in_several_ways_are_read_and_told(tmp_path: Path) -> None:
    text = b'firm_id,year,note\r\na,2015,x\nb,2015,"two\nlines"\r\nc,2015,y\rd,2015,z\n'
    file = tmp_path / "m.csv"
    for content in (text, b"\xef\xbb\xbf" + text, text.replace(b"x", "甲".encode("gb18030"))):
        file.write_bytes(content)
        raw = readers.read(engine.opened(tmp_path), str(file), root=tmp_path, contract="minimal")
        assert sorted(raw.table.to_pandas()["firm_id"]) == list("abcd")
        assert raw.table.order_by("source_row").to_pandas()["firm_id"].tolist() == list("abcd")
        assert "line_ends" in set(raw.quality["rule"])
    file.write_bytes(
        b'firm_id,year,note\r\nb,2015,"two\nlines"\r\n'
    )  # a line end within a cell is none of a row
    raw = readers.read(engine.opened(tmp_path), str(file), root=tmp_path, contract="minimal")
    assert raw.rows == 1 and "line_ends" not in set(raw.quality["rule"])
    file.write_bytes(b"firm_id,year\r\na,2015\nb,2015,3\r\n")
    with pytest.raises(PanelError, match=r"m\.csv: line 3 .*3 cells"):
        readers.read(engine.opened(tmp_path), str(file), root=tmp_path, contract="minimal")


@pytest.mark.parametrize(
    ("written", "key", "unit", "contract", "factor"),
    [
        ("Revenue (10k yuan)", "revenue", "万元", "万元", 1),
        ("Revenue (10,000 yuan)", "revenue", "万元", "万元", 1),
        ("Revenue, RMB million", "revenue", "百万元", "万元", 100),
        ("Assets/CNY '000", "assets", "千元", "万元", 0.1),
        ("Profit (in millions of yuan)", "profit", "百万元", "万元", 100),
        ("Profit (100 million yuan)", "profit", "亿元", "万元", 1e4),
        ("Profit (billion RMB)", "profit", "十亿元", "万元", 1e5),
        ("Revenue (thousand)", "revenue", "千", "万元", 0.1),
        ("Employees (thousand)", "employees", "千", "人", 1000),
        ("Employees (10k persons)", "employees", "万人", "人", 1e4),
        ("Assets (USD million)", "assets", "百万美元", "万元", None),
        ("Share (percent)", "share", "%", "%", 1),
        ("Sales/person", "sales/person", None, "万元", None),
        ("Ratio (m)", "ratio(m)", None, "万元", None),
    ],
)
def test_units_in_english_headers(
    written: str, key: str, unit: str | None, contract: str, factor: float | None
) -> None:
    found = headers.parse([written])[0]
    assert (found.key, found.unit) == (key, unit)
    assert unit is None or units.factor(contract, unit) == factor


def test_an_english_file_is_read_in_its_units_or_refused(tmp_path: Path) -> None:
    file = tmp_path / "e.csv"
    adapter = tmp_path / "own.yaml"
    adapter.write_text("adapter: own\ncolumns: {total_assets: {aliases: [Assets]}}\n", "utf-8")
    read = lambda: panel.read(engine.opened(tmp_path), file.name, "own.yaml", tmp_path, contract="minimal")  # noqa: E731
    file.write_text("firm_id,year,Assets (RMB million)\na,2015,3\n", "utf-8")
    assert read().raw.table.to_pandas()["total_assets"].tolist() == [300]
    file.write_text("firm_id,year,Assets (USD million)\na,2015,3\n", "utf-8")
    with pytest.raises(panel.AdapterError, match="百万美元"):
        read()


# -- queries -------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("query", "told"),
    [
        (
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n",
            "took more than",
        ),
        ("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n", "gave more than"),
        ("SELECT zeroblob(1000000000)", "too big"),
        ("SELECT nowhere FROM firms", "nowhere"),
    ],
)
def test_a_query_without_end_ends(
    query: str, told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from kinds import _database

    monkeypatch.setattr(queries, "SECONDS", 0.5)
    monkeypatch.setattr(queries, "GIVEN", 1_000_000)
    (tmp_path / "firms.db").write_bytes(_database())
    (tmp_path / "q.sql").write_text(f"-- sqlite: firms.db\n{query}\n", "utf-8")
    with pytest.raises(PanelError, match=rf"q\.sql.*{told}"):
        queries.rows(tmp_path / "q.sql")


# -- small files ---------------------------------------------------------------------------------------
def again(folder: Path, kind: str, made: Made) -> str:
    """What becomes of a file of a kind."""
    name, _, attempt = KINDS[kind]
    return tried(folder, name, made, attempt)


def _base(change: Any) -> bytes:
    tree = reads.bases()
    change(tree["indexes"]["fi"])
    return json.dumps(tree).encode()


def test_a_query_of_cells_of_several_types_is_refused_by_both_readers(tmp_path: Path) -> None:
    from kinds import _database

    made = Made(b"-- sqlite: firms.db\nSELECT * FROM odd\n", beside={"firms.db": _database()})
    assert [again(tmp_path, kind, made) for kind in ("query", "query by adapter")] == [REFUSED, REFUSED]


def _answers(day: str) -> bytes:
    book, made = openpyxl.Workbook(), BytesIO()
    for line in ANSWERS.replace("2021-03-01", day).splitlines():
        book.active.append([cell or None for cell in line.split(",")])
    book.save(made)
    return made.getvalue()


# The first row that its head names comes after the last: the reader asked for 859 GB, and its process ended.
HUGE = binary.compound(binary.biff(ROWS).replace(b"\0\x02\x0e\0\0\0\0\0", b"\0\x02\x0e\0\0\xf7\0\0"))


BOOKS = [
    kind for kind, (name, _, _) in KINDS.items() if name.endswith(".xlsx") and not kind.startswith("xlsx")
]


def _sheetless(kind: str) -> bytes:
    """A workbook, whole in all else, whose list of sheets names none."""
    if kind == "xlsx":
        book, made = openpyxl.Workbook(), BytesIO()
        book.create_chartsheet().add_chart(BarChart())
        book.remove(book.active)
        book.save(made)
        return made.getvalue()
    raw = getattr(binary, kind)(ROWS)
    with zipfile.ZipFile(BytesIO(raw)) as archive:
        parts: dict[str, str | bytes] = {name: archive.read(name) for name in archive.namelist()}
    if kind == "ods":
        parts["content.xml"] = re.sub(
            rb"<table:table .*</table:table>", b"", bytes(parts["content.xml"]), flags=re.S
        )
    else:
        parts["xl/workbook.bin"] = b"".join(map(binary._part, (131, 143, 144, 132)))
    return binary._zipped(parts)


# Words for the codes of a text whose own record is not there: pyreadstat writes to where no memory is, and its process ends.
LOST = zlib.decompress(
    base64.b85decode(
        "c-m8O^D%PJP}Wok4hRlbaB&QARB-e3aaGV&$S5f(D7MnqPtPpLC{5B!&d=2k&#X!;O7Trh)(=WeObISYEKy)$U|?WpKmZ;%E7HNp"
        "LcuS;Ou@*^z|_jr(8|PEfkXf@hK&)7{rp2*K|;(xAtsm=HS--96A?-o8s<BsRL}tc?PCF22Xq+&3)KJ2P&Nk;iy(!^e;{Clss*|G"
        "<zI+;m|AA2n*aab|A*4`|Db$!s97MrtUw$Z;-+f>66A&&zz?;A1Ia=Ts0M6o1~fLvEMBM@4<L5)4DyZlbg@m#EXs|~OyP`lbqunt"
        "Oie7}^bc?iat!hGvwdHXT9jClnU@}4lv>6C^%Nso<UePI&;WZ2g&+"
    )
)
# The head of a compound file, all else is zero: 5,632 bytes took 9.6 GB and 19 s.
ZEROS = bytes.fromhex("d0cf11e0a1b11ae1" + "00" * 16 + "3e000300feff090006").ljust(5_632, b"\0")
# The library panics, which is no exception of Python's.
OUTSIDE = zlib.decompress(
    base64.b85decode(
        "c-p&gUhu)fjZzO8(10BSGsD0CoD6Je;*1QVU^s!l|NsC02gJ-kHVY850x>Ag*@2j2G<b$B_zwjG?T&DUe1;;1Y=$Htoe!kx0hmC9z-Sr(0ZtBJ"
        "K(MjG`JlY-1Pq}KEDsn&u<B@K;9_urhaMNqj8QNOM!_f;1*2dTjDk@x3P!;w7zLwX6bxDb01TcT#s"
    )
)
FAILED: dict[str, tuple[str, bytes]] = {
    "an old workbook of zeros, for which 9.6 GB were asked": ("xls", ZEROS),
    "the same workbook by an adapter": ("xls by adapter", ZEROS),
    "an old workbook whose sheet lies outside of it": ("xls", OUTSIDE),
    "an SPSS file that names what is not in it": ("sav", LOST),
    "the same by an adapter": ("sav by adapter", LOST),
    **{
        f"{how} without a sheet": (how, _sheetless(how.split()[0]))
        for kind in ("xlsb", "ods", "xlsx")
        for how in (kind, f"{kind} by adapter")
    },
    **{f"{how} without a sheet": (how, _sheetless("xlsx")) for how in BOOKS},
    "a base that is no UTF-8": ("base of an index", b'{"format": 1, "x": "\xb9"}'),
    "a base whose indexes are a list": ("base of an index", b'{"format": 1, "indexes": [1]}'),
    "a base whose table is a number": ("base of an index", _base(lambda one: one.update(scale=3))),
    "a base with a text for a number": ("base of an index", _base(lambda one: one["scale"][0].update(unit="x"))),
    "a base without a column": ("base of an index", _base(lambda one: one["weights"][0].pop("chain"))),
    "a base that scales in no known way": ("base of an index", _base(lambda one: one.update(how="x"))),
    "a record of a release that is none": ("releases", b'{"format": 1, "name": "x", "sums": 3, "counts": []}'),
    "a record of a release in a list": ("releases", b"[1]"),
    "a query that is no UTF-8": ("query", b"-- sqlite: firms.db\nSELECT '\xff'"),
    "a database with a NUL in its name": ("query", b"-- sqlite: a\0b\nSELECT 1"),
    "a database of a long name": ("query", b"-- sqlite: " + b"x" * 300 + b"\nSELECT 1"),
    "answers that are no workbook": ("answers", b"PK\x03\x04"),
    "corrections with a cell too many": ("corrections", b"unit,year,field,kind,reason,who,decided_at\na,2020,x,slip,r,w,2,9\n"),
    "corrections in a damaged book": ("corrections in a book", b"PK\x03\x04"),
    "a plan whose head holds a line end of another kind": ("plan", "scheme,batch,unit,re\x85ported,report|\n".encode()),
    "an adapter upon one that is not there": ("adapter", b"adapter: odd\nbased_on: inf\n"),
    "an old workbook that claims more than memory holds": ("xls", HUGE),
    "an adapter of many faults": ("adapter", b"adapter: odd\nrepeats: [" + b"x, " * 400 + b"x]\n"),
    "corrections of many columns": ("corrections", b"unit" + b",x" * 300 + b",y\n"),
    "a record of a release with a number of 400 digits": (
        "releases", json.dumps(RELEASE | {"sums": [RELEASE["sums"][0] | {"total": 10**400}]}).encode()),  # type: ignore[dict-item]
    "a file without a key": ("csv by adapter", b"firm_id,x\na,1\n"),
    "answers on a day that is none": ("answers", _answers("firm_id")),
    "a first study without years": ("first study", "id,年份\na,3\nb,4\n".encode()),
}  # fmt: skip


@pytest.mark.parametrize("name", FAILED)
def test_what_once_failed_is_refused_in_words(name: str, tmp_path: Path) -> None:
    kind, content = FAILED[name]
    beside = {"query": {"firms.db": b"SQLite format 3\0"}, "plan": {"pilots.csv": PILOTS.encode()}}
    assert again(tmp_path, kind, Made(content, beside=beside.get(kind, {}))) == REFUSED


def test_a_number_beyond_whole_ones_is_a_number(tmp_path: Path) -> None:
    for text in (b"9999999999999999999999999", b"z + 9999999999999999999999996"):
        assert again(tmp_path, "expression", Made(text)) == READ


def test_a_key_that_is_no_text_is_named_in_both_languages(tmp_path: Path) -> None:
    assert (
        again(tmp_path, "study", Made(f"{STUDY}description: {{coupling_draws: 9, null: 1}}\n".encode()))
        == REFUSED
    )


def test_a_first_study_begins_in_its_first_year(tmp_path: Path) -> None:
    """A cell that is no year of a panel made the study's first year 20."""
    rows = "\n".join(f"f{i % 4},{2015 + i // 4},{i}" for i in range(40))
    content = f"id,year,x\nf1,20,3\n{rows}\n".encode()
    assert again(tmp_path, "first study", Made(content)) == READ
    assert "first_year: 2015" in (tmp_path / "mine.yaml").read_text("utf-8")


def test_a_book_of_corrections_says_its_lines(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    book.active.append(["unit", "year", "field", "kind", "reason", "who", "decided_at"])
    book.active.append([])
    book.active.append(["a", 2020, "operating_revenue", "slip", "r", "w", "2021"])
    book.save(tmp_path / "c.xlsx")
    with pytest.raises(PanelError, match=r"c\.xlsx(.|\n)*line 3"):
        reads.corrections.read(tmp_path / "c.xlsx")


def test_the_study_that_tables_are_tried_in_is_sound(tmp_path: Path) -> None:
    assert (
        again(tmp_path, "study's tables", Made(f"{STUDY}tables: {{main: {{columns: [{{}}]}}}}\n".encode()))
        == READ
    )


# -- each written out: what makes inputs by chance may make others one day ------------------------------
def _without_sheets() -> bytes:
    """A workbook whose one sheet is no relation of it."""
    whole, made = BytesIO(), BytesIO()
    pd.DataFrame({"firm_id": ["a"], "year": [2015], "ind4": ["3544"]}).to_excel(whole, index=False)
    with zipfile.ZipFile(whole) as old, zipfile.ZipFile(made, "w") as new:
        for name in old.namelist():
            part = old.read(name)
            if name == "xl/_rels/workbook.xml.rels":
                part = part.replace(b"relationships/worksheet", b"relationships/worksheeet")
            new.writestr(name, part)
    return made.getvalue()


def _columns(more: str) -> bytes:
    four = "{columns: [], estimator: iv, iv: {pilot: [ln_lp]}, weights: employees_avg}"
    return f"{STUDY}tables:\n  four: {four}\n{more}".encode()


def _mangled() -> bytes:
    """A workbook whose list of sheets is no XML."""
    whole, made = BytesIO(), BytesIO()
    pd.DataFrame({"code": ["01"], "divisions": ["13"], "01": ["1"], "output": ["1"]}).to_excel(
        whole, index=False
    )
    with zipfile.ZipFile(whole) as old, zipfile.ZipFile(made, "w") as new:
        for name in old.namelist():
            part = old.read(name)
            new.writestr(
                name, part.replace(b"<sheet ", b"<sheet =", 1) if name == "xl/workbook.xml" else part
            )
    return made.getvalue()


def _thousands() -> bytes:
    """A table of flows with one row and thousands of columns."""
    sectors = ",".join(f"s{i}" for i in range(3_600))
    return f"code,divisions,{sectors},output\n01,13{',1' * 3_601}\n".encode()


# Two rows of a year and a path. One byte of the footer says that a column has other sizes: Arrow ended the process.
SIZES = zlib.decompress(
    base64.b85decode(
        "c-oaxO;5r=5S`Yha^L`jZQ7)VCWZzRKrsQ0fx{HqXha2~LA@11z=MJXB_tgEaUMK+*Pr3h*?xdQF21xgvoo_ZZ+5qd?IM$y!HfneNCA9qgO9IJGh"
        "iu}%271IWG3rsEQ+YHC|7~(25&M+LZn|3ge{Q@q**%ZB9PnVqPt$d3|XP83hw%Dtx^J2p7e(O2bW2}BvVwSdEfPb#WQ4%-RUp`4V}}GG+oP?pwq4"
        "r$O$b-WE4=|1^Udo8T;QL8Yc)$<j0X9RoRs_6C?`qHu0zpC*ikQC=2sdG(Uvj^ZY47M58jwo2W=;j1*|P8pn3~vU40vt9}c69EZr!!T@K8GqeWiA"
        "P%rL@O_qrc+QO);;HXgX$(xuUal{$sOS+Hwi7sKT-vxq%Xi-1v`5j}3gaZMd0*;(!g)l&0Cvp|No=TBy6ZUeU_HRPPpTKDayYAWtX4ra#;*7D+@I"
        "!q<8j{gywS{f>3fs=(W7xtF6<YIT8^%q-}(+cmL@&tA0-=s2>"
    )
)
KEY = "é" * 1_400
SMALL = "panel: {contract: minimal, source: a.csv, extra_columns: {x: {label_en: X, label_zh: 甲}, ? " + KEY
WRITTEN: dict[str, tuple[str, bytes]] = {
    "a key that fills the screen": ("study", f"{SMALL}\n: {{minimum: 0}}}}}}\n".encode()),
    "a number as key, with a text that fills the screen": (
        "study upon another", f"base: other.yaml\neffects: {{1: {'x' * 5_000}, 5: {KEY}}}\n".encode()),
    "a list where a column belongs": (
        "study's tables", _columns("  five:\n    columns:\n    - like: xtreg\n      mark: {Years: true}\n")),
    "panels without columns": (
        "study's tables", _columns("  two: {columns: [], panels: {A: {head: x}, B: {columns: [{}], outcome: ind4}}}\n")),
    "a column that is a list": ("study's tables", _columns("  two: {columns: [[]], panels: [A]}\n")),
    "a constant where other rows are looked at": (
        "expression", b"if standardise(z^-1, by=all) in (9999999999999999999, 0.5) then missing else moving_mean((0.5), 2)"),
    "a constant, looked at in its group": ("expression", b"moving_mean((0.5), 2)"),
    "hundreds of columns without a header": ("csv", b"firm_id,year" + b"," * 900 + b"\na,2015" + b",1" * 900 + b"\n"),
    "flows of thousands of sectors": (
        "input-output table", _thousands()),
    "a table of flows in a damaged book": ("input-output table in a book", _mangled()),
    "earlier totals whose columns have other sizes than stated": ("earlier totals", SIZES),
    "a panel whose columns have other sizes than stated": ("parquet", SIZES),
    "the same, by adapter": ("parquet by adapter", SIZES),
    "a book without sheets": ("standard in a book", _without_sheets()),
    "a register that one edition has no rows of": (
        "classified", b"firm_id,year,operating_revenue,ind4\n913100000000000000,2015,0.0,- \n"),
}  # fmt: skip
OTHER = {
    "below.yaml": f"{STUDY}tables: {{main: {{columns: [{{}}]}}}}\n".encode(),
    "other.yaml": b"base: below.yaml\npanel: {min_employees: 20}\n",
}


@pytest.mark.parametrize("name", WRITTEN)
def test_inputs_that_failed_are_refused_in_words_or_read(name: str, tmp_path: Path) -> None:
    kind, content = WRITTEN[name]
    beside = OTHER if kind == "study upon another" else {}
    assert again(tmp_path, kind, Made(content, beside=beside)) in (READ, REFUSED)


@pytest.mark.parametrize("key", Spec.model_fields)
@pytest.mark.parametrize("where", ["column", "panel", "table"])
def test_a_key_of_a_table_without_a_value(key: str, where: str, tmp_path: Path) -> None:
    inner = {"column": f"columns: [{{{key}: }}]", "panel": f"panels: {{A: {{columns: [{{}}], {key}: }}}}"}
    text = f"{STUDY}tables: {{main: {{{inner.get(where, f'columns: [{{}}], {key}: ')}}}}}\n"
    assert again(tmp_path, "study's tables", Made(text.encode())) in (READ, REFUSED)
