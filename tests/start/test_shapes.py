"""``fusion new`` on files of other shapes: years in headers, a sheet or a file a year, headers of two rows, decimal commas, keys
of other names. Each holds the same made-up panel, so that each must give the same rows."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import openpyxl
import pandas as pd
import pytest

from fusion.adapters import wide
from fusion.adapters.errors import AdapterError
from fusion.language import speaking
from fusion.start import command, draft, preview
from fusion.start.look import look
from fusion.start.roles import ItemsBelow, assign
from workbook import paths
from workbook.expressions import columns as expressions
from workbook.params.file import folder as folders
from workbook.params.load import Study, load

YEARS = range(2014, 2021)
UNITS = 40


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def _truth() -> pd.DataFrame:
    """Units a fourth of which start in 2017; outputs that no rounding makes equal."""
    rows = [(f"Unit {i:02d}", y, 1000.5 + 17 * i + 3 * (y - 2014), 50 + i + y % 3, int(i % 4 == 0 and y >= 2017))
            for i in range(UNITS) for y in YEARS]  # fmt: skip
    return pd.DataFrame(rows, columns=["unit", "year", "output", "staff", "on"])


def _spread(names: Callable[[str, int], str]) -> pd.DataFrame:
    table = _truth().pivot(index="unit", columns="year", values=["output", "staff", "on"])
    return table.set_axis([names(*pair) for pair in table.columns], axis=1).reset_index()


def _wide_chinese(place: Path) -> list[Path]:
    called = {"output": "工业总产值", "staff": "从业人员", "on": "数字化改造"}
    _spread(lambda name, year: f"{year}年{called[name]}").rename(columns={"unit": "园区"}).to_excel(
        place / "a.xlsx", index=False
    )
    return [place / "a.xlsx"]


def _wide_of_stata(place: Path) -> list[Path]:
    _spread(lambda name, year: f"{name}{year}").rename(columns={"unit": "id"}).to_csv(
        place / "a.csv", index=False
    )
    return [place / "a.csv"]


def _sheet_a_year(place: Path) -> list[Path]:
    with pd.ExcelWriter(place / "a.xlsx") as book:
        for year, rows in _truth().groupby("year"):
            named = rows.drop(columns="year").set_axis(
                ["园区名称", "总产值(万元)", "人数", "是否改造"], axis=1
            )
            named.to_excel(book, sheet_name=f"{year}年", index=False)
    return [place / "a.xlsx"]


def _file_a_year(place: Path) -> list[Path]:
    files = []
    for year, rows in _truth().groupby("year"):
        files.append(place / f"plants_{year}.csv")
        rows.drop(columns="year").rename(columns={"unit": "Plant"}).to_csv(files[-1], index=False)
    return files


def _two_rows_of_header(place: Path) -> list[Path]:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(["某地统计资料（2014—2020年）"])
    sheet.append(["园区", "年份", "经济", None, "政策"])
    sheet.append([None, None, "总产值(万元)", "人数", "试点"])
    for row in _truth().itertuples(index=False):
        sheet.append(list(row))
    sheet.append(["数据来源：统计局"])
    book.create_sheet("说明").append(["只有一格"])
    book.save(place / "a.xlsx")
    return [place / "a.xlsx"]


def _german(place: Path) -> list[Path]:
    table = _truth()
    for name in ("output", "staff"):
        texts = table[name].map("{:,.2f}".format)
        table[name] = texts.str.replace(",", "X").str.replace(".", ",").str.replace("X", ".")
    table.set_axis(["Kreis", "Jahr", "Wertschöpfung (Euro)", "Beschäftigte", "Förderung"], axis=1).to_csv(
        place / "a.csv", sep=";", index=False, encoding="windows-1252"
    )
    return [place / "a.csv"]


def _two_tables(place: Path) -> list[Path]:
    """Keys under other names, dates beside years; not in one order."""
    table = _truth()
    first = table[["unit", "year", "output", "staff"]].assign(year=table["year"].map("{}-12-31".format))
    first.set_axis(["Plant ID", "Date", "output", "staff"], axis=1).to_csv(place / "a.csv", index=False)
    table[["unit", "year", "on"]].iloc[::-1].set_axis(["plant", "year", "policy"], axis=1).to_csv(
        place / "b.csv", index=False
    )
    return [place / "a.csv", place / "b.csv"]


def _file_an_item(place: Path) -> list[Path]:
    """Wide files whose headers are years alone: what they hold is named by the file."""
    table = _truth().rename(columns={"unit": "park"})
    for name in ("output", "staff", "on"):
        table.pivot(index="park", columns="year", values=name).reset_index().to_csv(
            place / f"{name}.csv", index=False
        )
    return [place / f"{name}.csv" for name in ("output", "staff", "on")]


SHAPES = [
    _file_an_item,
    _wide_chinese,
    _wide_of_stata,
    _sheet_a_year,
    _file_a_year,
    _two_rows_of_header,
    _german,
    _two_tables,
]


def _panel(study: Study) -> pd.DataFrame:
    flat = study.flat
    raw = preview.read(flat, paths.ROOT)
    assert raw is not None
    rows = preview.rows(flat, raw)
    asked = expressions.Asked.of(
        flat["columns"], *(flat[n] for n in ("where", "samples", "value_lists", "quantiles"))
    )
    made: pd.DataFrame = expressions.make(rows.seen, asked, rows.kept, rows.codes).table.to_pandas()
    return made


@pytest.mark.parametrize("made", SHAPES)
def test_every_shape_gives_the_same_panel(tmp_path: Path, made: Callable[[Path], list[Path]]) -> None:
    study = load(str(command.new(made(tmp_path), name="mine", outcome="", treatment="")))
    panel = _panel(study).sort_values(["firm_id", "year"], ignore_index=True)
    truth, effects = _truth(), study.parameters.effects
    assert panel["firm_id"].tolist() == truth["unit"].tolist(), "names keep their letters"
    assert panel["year"].tolist() == truth["year"].tolist()
    assert panel[_held(panel, effects.outcome)].tolist() == truth["output"].tolist()
    assert panel[_held(panel, effects.controls[0])].tolist() == truth["staff"].tolist()
    assert panel[_held(panel, effects.treatments[0])].tolist() == truth["on"].tolist()
    assert panel["start_year"].dropna().unique().tolist() == [2017]


def _held(panel: pd.DataFrame, name: str) -> str:
    """A name that is the workbook's own stands under another one."""
    return name if name in panel else f"own_{name}"


@pytest.mark.parametrize(
    ("header", "found"),
    [
        ("sales2014", ("sales", 2014)),
        ("2014 sales", ("sales", 2014)),
        ("2014 [YR2014]", ("value", 2014)),
        ("X2014", ("value", 2014)),
        ("ind2011", ("ind", 2011)),
        ("行业代码2017", ("行业代码2017", None)),
        ("nace_code2008", ("nace_code2008", None)),
        ("gdp2010prices", ("gdp2010prices", None)),
        ("2014q1", ("2014q1", None)),
        ("A001002000", ("A001002000", None)),
    ],
)
def test_years_that_stand_in_headers_without_a_mark(header: str, found: tuple[str, int | None]) -> None:
    assert wide.split(header)[:2] == found


def test_numbers_that_go_on_beyond_years_are_no_years() -> None:
    """A questionnaire of v1 to v3000 holds v2014; it is no series, and reading it as one took minutes."""
    assert wide.years([f"v{i}" for i in range(1, 3001)]) == []
    assert wide.years(["id", *map(str, range(1, 3001))]) == []
    assert wide.years(["id", "sales_2014", "sales_2015", "v1", "v2"]) == [2014, 2015]
    assert wide.years(["id", "2014", "2015"]) == wide.years(["id", "X2014", "X2015"]) == [2014, 2015]


def test_a_long_file_with_years_in_names_is_not_wide(tmp_path: Path) -> None:
    _truth().assign(pop2000=1.5, pop2010=2.5).to_csv(tmp_path / "a.csv", index=False)
    study = load(str(command.new([tmp_path / "a.csv"], name="mine", outcome="", treatment="")))
    assert len(_panel(study)) == len(_truth())


def test_chinese_text_is_not_taken_for_western(tmp_path: Path) -> None:
    from fusion.panel import text

    (tmp_path / "a.csv").write_bytes("企业,年份,备注\n甲,2014,镕基\n".encode("gb18030"))
    (tmp_path / "b.csv").write_bytes("Kreis;Förderung;Größe\nMünchen;1;2\n".encode("windows-1252"))
    assert text.find_encoding(tmp_path / "a.csv", "auto") == "gb18030"
    assert text.find_encoding(tmp_path / "b.csv", "auto") == "windows-1252"


def test_forms_of_years_are_stacked_and_their_folder_is_enough(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Forms of three years with other spellings of headers, totals and notes, and a sheet of explanations: years below each
    other, one unit for the older and the newer code, and editions by year as the adapter has them."""
    folder = tmp_path / "forms"
    folder.mkdir()
    credit = [f"91310115{n:08d}X"[:8] + f"{n:09d}" + "A" for n in range(100000001, 100000031)]
    head = {2015: "组织机构代码,行业代码,营业收入;本年,资产总计;本年,其中：本年折旧;本年,从业人员平均人数"}
    head |= dict.fromkeys(
        (2018, 2019), "统一社会信用代码,行业小类代码,营业收入,资产总计,本年折旧,平均用工人数"
    )
    for year, line in head.items():
        rows = [f"{year}年财务状况,,,,,计量单位：千元", line]
        rows += [
            f"{c[8:17] if year == 2015 else c},3911,{100 + i},{200 + i},3,{20 + i}"
            for i, c in enumerate(credit)
        ]
        rows += [f"合计,,{3000 + 435},{6000 + 435},90,{600 + 435}", "2.“—”表示未填报。,,,,,"]
        (folder / f"605-1_{year}.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    (folder / "truth.json").write_text("{}", encoding="utf-8")
    looked = look(folders.looked(folder).tables)
    roles = assign(looked)
    assert roles.enterprise and len(roles.unit.cells) == 90 and roles.unit.cells.nunique() == 30
    assert sorted(roles.year.stated.astype(int).unique()) == [2015, 2018, 2019]
    written = draft.study(roles, [str(f) for f in looked.files], "a.yaml", "zh")
    assert "editions" not in written and "last_year: 2019" in written
    monkeypatch.chdir(tmp_path)
    made = load(str(tmp_path / command.new(looked.files, "mine", "", "", named=[folder])))
    assert made.parameters.panel.source == "forms" and len(made.flat["source"]) == 3


@pytest.mark.parametrize("form", ["{y}Q{q}", "{y}年第{q}季度", "{y}-{q:02d}", "{y}-{q:02d}-01"])
def test_parts_of_years_are_told_as_what_they_are(tmp_path: Path, form: str) -> None:
    rows = [
        (f"F{i}", form.format(y=y, q=q), i + y + q) for i in range(9) for y in (2015, 2016) for q in (1, 2, 3)
    ]
    pd.DataFrame(rows, columns=["firm", "period", "sales"]).to_csv(tmp_path / "q.csv", index=False)
    with pytest.raises(AdapterError) as told:
        command.new([tmp_path / "q.csv"], "mine", "", "")
    assert "parts of years" in str(told.value) and "'period'" in str(told.value)


def test_items_below_one_another_are_told_as_what_they_are(tmp_path: Path) -> None:
    rows = [
        (f"C{i}", y, item, i * y % 97 + place)
        for i in range(9)
        for y in range(2015, 2019)
        for place, item in enumerate(("产值", "人员", "试点"))
    ]
    file = tmp_path / "items.csv"
    pd.DataFrame(rows, columns=["城市", "年份", "指标", "数值"]).to_csv(file, index=False)
    with pytest.raises(ItemsBelow, match=r"3 items .*'指标': 产值.*'数值'.*column of its own") as told:
        assign(look([file]))
    assert told.value.spread.by == ["城市", "年份"] and told.value.spread.item == "指标"
    doubled = pd.DataFrame(rows[::3] * 2, columns=["城市", "年份", "指标", "数值"])
    doubled.to_csv(file, index=False)
    with pytest.raises(AdapterError, match="do not name one row each"):
        command.new([file], "mine", "", "")


def test_names_of_files_stand_in_the_language_of_the_text() -> None:
    """The study's English title has English commas when a Chinese reader asks for it."""
    with speaking("zh"):
        assert draft.shortly(["经济.xlsx", "专利.csv"], "en") == "经济.xlsx, 专利.csv"
        assert draft.shortly(["经济.xlsx", "专利.csv"], "zh") == "经济.xlsx、专利.csv"


def test_a_code_is_no_control_also_where_its_cells_are_digits(tmp_path: Path) -> None:
    """单位规模 1 to 4 changes within units: the contract reads it as a text, which no regression takes."""
    rows = []
    for n in range(40):
        for y in range(2015, 2020):
            assets = (50 + 2 * n + y % 5) * (500 if n > 36 else 1)
            own = (100 + 3 * n + y % 7, 40 + n, 1 + (n + y) % 4, assets, 9 + n)
            rows.append((f"9131011500000{n:04d}X", y, "3911", *own))
    head = [
        "统一社会信用代码",
        "年份",
        "行业代码",
        "营业收入(千元)",
        "平均用工人数",
        "单位规模",
        "流动资产合计(千元)",
        "存货(千元)",
    ]
    pd.DataFrame(rows, columns=head).to_csv(tmp_path / "a.csv", index=False)
    study = load(str(command.new([tmp_path / "a.csv"], name="mine", outcome="", treatment="")))
    controls = study.parameters.description.covariates
    assert controls and not [name for name in controls if "size_class" in name], controls
    columns = study.parameters.panel.columns
    assert columns["ln_rp"].label_zh == "对数人均营业收入"
    (tmp_path / "b.csv").write_text((tmp_path / "a.csv").read_text("utf-8").replace("(千元)", ""), "utf-8")
    plain = load(str(command.new([tmp_path / "b.csv"], name="plain", outcome="", treatment="")))
    unit = {one.parameters.panel.columns["ln_rp"].unit for one in (study, plain)}
    assert unit == {"ln 万元/人", ""}, "a unit that nobody states is no unit"
    made = {name: (c.label_en, c.label_zh) for name, c in columns.items() if name in controls}
    assert made == {"ln_current_assets": ("Log current assets", "流动资产合计（对数）")}


@pytest.mark.parametrize("sign", ["\x85", "\u2028", "\u2029"], ids=ascii)
def test_a_header_with_what_ends_a_line_for_yaml_alone_is_one(sign: str, tmp_path: Path) -> None:
    table = _truth().rename(columns={"staff": f"Sta{sign}ff (persons)"})
    table.to_csv(tmp_path / "a.csv", index=False)
    study = load(str(command.new([tmp_path / "a.csv"], name="mine", outcome="output", treatment="on")))
    assert len(_panel(study)) == len(table)
