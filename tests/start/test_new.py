"""``fusion new``: files that nobody prepared become a study that reads them as they are meant."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from fusion.adapters import AdapterError
from fusion.start import command, preview
from workbook import paths
from workbook.expressions import columns as expressions
from workbook.params.load import Study, load
from workbook.review import foresight

RNG = np.random.default_rng(7)


def _cities(place: Path) -> Path:
    """Cities in English, semicolons, start years of pilots; a region; a total below."""
    rows = []
    for i in range(60):
        start = [2014, 2016, ""][i % 3]
        rows += [
            (
                f"City {i}",
                "North" if i % 2 else "South",
                y,
                round(9 + i + 0.1 * y, 1),
                round(30 + i % 7 + y % 5, 1),
                start,
            )
            for y in range(2010, 2020)
        ]
    rows.append(("Total", "", 2019, 1.0, 1.0, ""))
    table = pd.DataFrame(
        rows, columns=["City", "Region", "Year", "GDP (100 million)", "Services %", "Pilot year"]
    )
    table.to_csv(place / "cities.csv", sep=";", index=False)
    return place / "cities.csv"


def _enterprises(place: Path) -> Path:
    """Enterprises in Chinese and GB18030: text years, a yes and no, a column that nobody knows, half-known headers."""
    rows = []
    for i in range(80):
        for y in range(2012, 2019):
            staff = 50 + i
            told = "是" if i % 4 == 0 and y >= 2015 else "否"
            revenue = staff * (10 + y - 2012 + i % 3)
            rows.append(
                (
                    f"91310000MA1{i:07d}",
                    f"{y}年",
                    "3411",
                    revenue,
                    revenue / 2,
                    staff,
                    revenue / 3,
                    told,
                    "无",
                )
            )
    header = ["统一社会信用代码", "年度", "行业小类", "营业收入（万元）", "营业成本（万元）", "平均用工人数"]
    header += ["固定资产净额（万元）", "是否示范企业", "填报说明"]
    pd.DataFrame(rows, columns=header).to_csv(place / "企业.csv", index=False, encoding="gb18030")
    return place / "企业.csv"


def _industries(place: Path) -> Path:
    """Industries in a sheet, codes and names, a continuous regressor."""
    rows = [
        (f"{13 + i}", f"行业{i}", y, 5 + 0.1 * i + RNG.normal(), RNG.uniform(), RNG.normal())
        for i in range(20)
        for y in range(2005, 2015)
    ]
    header = ["行业代码", "行业名称", "年度", "劳动生产率", "服务投入占比", "出口强度"]
    pd.DataFrame(rows, columns=header).to_excel(place / "industries.xlsx", index=False)
    return place / "industries.xlsx"


def _begun(place: Path, make: Any, **asked: str) -> Study:
    file = make(place)
    options = {"name": "mine", "outcome": "", "treatment": ""} | asked
    return load(str(place / command.new([file], **options)))


def _panel(study: Study) -> pd.DataFrame:
    """The rows that the study would see, with its columns."""
    flat = study.flat
    rows = preview.rows(flat, preview.read(flat, paths.ROOT))
    asked = expressions.Asked.of(
        flat["columns"], *(flat[n] for n in ("where", "samples", "value_lists", "quantiles"))
    )
    made: pd.DataFrame = expressions.make(rows.seen, asked, rows.kept, rows.codes).table.to_pandas()
    return made


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_cities_have_their_word_and_their_start_years(tmp_path: Path) -> None:
    study = _begun(tmp_path, _cities)
    panel, effects = _panel(study), study.parameters.effects
    assert study.parameters.panel.unit == "city | 城市"
    assert len(panel) == 600  # the total is none
    assert effects.treatments == ["in_force"], "no name of the workbook's own"
    assert study.parameters.description.start_column == "pilot_year"
    on = panel["pilot_year"].notna() & (panel["year"] >= panel["pilot_year"])
    assert (panel["in_force"] == on.astype(int)).all()
    assert effects.outcome == "gdp"
    assert not [f for f in foresight.findings(panel, study.flat) if f.stops]


def test_enterprises_are_read_by_the_contract(tmp_path: Path) -> None:
    study = _begun(tmp_path, _enterprises)
    panel = _panel(study)
    assert study.parameters.panel.unit is None
    assert study.parameters.effects.outcome == "ln_rp"
    assert panel["year"].min() == 2012
    assert (panel["ind4"] == "3411").all()  # a header that another built-in adapter knows
    assert panel["in_force"].sum() == 20 * 4
    assert panel["start_year"].dropna().eq(2015).all()
    expected = np.log(panel["operating_revenue"] / panel["employees_avg"])
    assert np.allclose(panel["ln_rp"], expected)
    assert "填报说明" in study.file.read_text("utf-8")  # what is left out is named


def test_industries_without_a_treatment_are_described(tmp_path: Path) -> None:
    study = _begun(tmp_path, _industries)
    panel = _panel(study)
    assert study.parameters.panel.unit == "industry | 行业"
    assert study.parameters.effects.treatments == []
    assert panel["firm_name"].nunique() == 20


def test_a_wish_is_followed(tmp_path: Path) -> None:
    study = _begun(tmp_path, _industries, outcome="出口强度", treatment="服务投入占比")
    panel = _panel(study)
    assert panel[study.parameters.effects.outcome].min() < 0
    assert panel[study.parameters.effects.treatments[0]].between(0, 1).all()


def test_a_wish_that_no_header_meets_names_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(AdapterError, match="出口强度"):
        _begun(tmp_path, _industries, outcome="出口强渡")


def test_nothing_is_written_over(tmp_path: Path) -> None:
    _begun(tmp_path, _cities)
    with pytest.raises(AdapterError, match=r"mine\.yaml"):
        _begun(tmp_path, _cities)


def test_a_file_without_years_is_refused(tmp_path: Path) -> None:
    pd.DataFrame({"id": ["a", "b"], "x": [0.5, 1.5]}).to_csv(tmp_path / "a.csv", index=False)
    with pytest.raises(AdapterError, match="year"):
        command.new([tmp_path / "a.csv"], "mine", "", "")


def test_percent_signs_and_words_for_missing_are_numbers(tmp_path: Path) -> None:
    """As people type them: 12.5%, —, digits of full width. The panel reads them so, and the study is offered them."""
    rows = [
        (f"县{i}", f"{y}年", "是" if i % 3 == 0 and y > 2014 else "否", 900 + 7 * i + 3 * (y - 2010) ** 2,
         "—" if i + y == 2020 else f"{10 + i % 9 + (y * i) % 7}.5%", f"１{i % 10}．{y % 7}")
        for i in range(30) for y in range(2010, 2019)
    ]  # fmt: skip
    heads = ["县名", "年份", "试点", "产值", "支出占比", "人口"]
    file = tmp_path / "县.xlsx"
    pd.DataFrame(rows, columns=heads).to_excel(file, index=False)
    made = _begun(tmp_path, lambda _: file, outcome="产值", treatment="试点")
    extra = made.parameters.panel.extra_columns
    share, people = (next(n for n, c in extra.items() if c.label_zh == zh) for zh in ("支出占比", "人口"))
    assert extra[share].unit == "%" and {extra[share].type, extra[people].type} == {"float"}
    assert made.parameters.effects.controls == [share, people]
    found = preview.rows(made.flat, preview.read(made.flat, paths.ROOT)).kept.to_pandas()
    absent = sum(row[4] == "—" for row in rows)
    assert absent == 9 and found[share].isna().sum() == absent
    assert found[share].dropna().between(10, 25).all()
    assert found[people].between(10, 20).all()


def test_dates_name_years_and_commas_for_decimals_are_no_numbers(tmp_path: Path) -> None:
    """A file of Stata has months under any name; "8.603,71" is not read as 8.60371."""
    rows = [
        (f"R{i:02d}", pd.Timestamp(y, 6, 1), 5 + i / 7 + (i * y) % 5, int(i % 3 == 0 and y > 2013), f"{i + 1}.603,7{y % 10}")
        for i in range(30) for y in range(2010, 2018)
    ]  # fmt: skip
    table = pd.DataFrame(rows, columns=["region", "month", "output", "reform", "density"])
    file = tmp_path / "m.dta"
    table.to_stata(file, write_index=False, convert_dates={"month": "tm"})
    made = _begun(tmp_path, lambda _: file)
    kept = _panel(made)
    assert sorted(kept["year"].unique()) == list(range(2010, 2018)) and len(kept) == len(rows)
    assert made.parameters.effects.controls == [] and made.parameters.effects.treatments == ["reform"]


def test_quarters_are_no_years_and_a_stray_percent_makes_no_column_in_percent(tmp_path: Path) -> None:
    quarters = [
        (f"R{i}", f"{y}-{m:02d}-01", i + y % 7 + m)
        for i in range(20)
        for y in (2015, 2016)
        for m in (3, 6, 9)
    ]
    file = tmp_path / "q.csv"
    pd.DataFrame(quarters, columns=["region", "day", "output"]).to_csv(file, index=False)
    with pytest.raises(AdapterError):
        command.new([file], "mine", "", "")
    rows = [
        (f"R{i}", y, i + y % 7, "45%" if i == 3 else (i % 9) / 10)
        for i in range(20)
        for y in range(2010, 2018)
    ]
    pd.DataFrame(rows, columns=["region", "year", "output", "share"]).to_csv(tmp_path / "s.csv", index=False)
    made = _begun(tmp_path, lambda _: tmp_path / "s.csv")
    assert all(c.unit != "%" for c in made.parameters.panel.extra_columns.values())


def test_chinese_headers_are_names_and_units_are_called_what_they_are(tmp_path: Path) -> None:
    def make(place: Path) -> Path:
        rows = [
            (f"C{i:02d}", f"{y}年", 1000 + 7 * i + 13 * y % 11, 40 + i + y % 3, "是" if i % 3 == 0 and y >= 2014 else "否")
            for i in range(24)
            for y in range(2010, 2018)
        ]  # fmt: skip
        head = ["城市编号", "年份", "失业金申领人数（人次）", "财政支出占比(%)", "是否设立企业区"]
        pd.DataFrame(rows, columns=head).to_excel(place / "城市.xlsx", index=False)
        return place / "城市.xlsx"

    study = _begun(tmp_path, make)
    effects, panel = study.parameters.effects, _panel(study)
    assert study.parameters.panel.unit == "city | 城市"
    assert (effects.outcome, effects.controls) == ("失业金申领人数", ["财政支出占比"])
    first = panel.sort_values(["firm_id", "year"])["失业金申领人数"].tolist()[:2]
    assert first == [1000 + 13 * 2010 % 11, 1000 + 13 * 2011 % 11]
    assert not [f for f in foresight.findings(panel, study.flat) if f.stops]
    text = study.file.read_text("utf-8").replace(
        "outcome: 失业金申领人数", "outcome: log(失业金申领人数)\n  other_outcomes: [财政支出占比]"
    )
    study.file.write_text(text, encoding="utf-8")
    again = load(str(study.file))
    made = _panel(again).sort_values(["firm_id", "year"])[again.flat["outcome"]]
    assert np.isclose(made.iloc[0], np.log(first[0]))


@pytest.mark.parametrize("label", ["State identifier", ""], ids=["by its label", "by what it does"])
def test_an_identifier_that_no_header_calls_one(tmp_path: Path, label: str) -> None:
    def make(place: Path) -> Path:
        rows = [
            (i, y, 4.5 + i % 5 + y % 3 / 10, 100 * i + y, int(i % 3 == 0 and y >= 2005))
            for i in range(1, 31)
            for y in range(2000, 2010)
        ]
        table = pd.DataFrame(rows, columns=["sx", "year", "homicide", "people", "post"])
        table.to_stata(place / "c.dta", write_index=False, variable_labels={"sx": label} if label else {})
        return place / "c.dta"

    study = _begun(tmp_path, make)
    assert _panel(study)["firm_id"].nunique() == 30
    assert study.parameters.panel.unit == ("state | 州" if label else "unit | 单位")
