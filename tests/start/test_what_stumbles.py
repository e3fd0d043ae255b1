"""What strangers' files hold and `fusion new` says: days before months, short years, numbers for missing, capitals."""

from __future__ import annotations

from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pytest

from fusion.adapters import PanelError
from fusion.adapters.expressions import year
from fusion.start import preview
from fusion.start.command import new
from fusion.start.look import look
from fusion.start.roles import assign
from workbook import paths
from workbook.params.load import load


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def panel() -> pd.DataFrame:
    keys = [(f"Unit {i}", y) for i in range(8) for y in range(2010, 2016)]
    data = pd.DataFrame(keys, columns=["city", "year"])
    data["law"] = ((data.index // 6 < 3) & (data["year"] > 2012)).astype(int)
    return data.assign(price=np.round(50 + np.sin(np.arange(48)) * 9, 2), jobs=(np.arange(48) * 7) % 31 + 5)


def notes(data: pd.DataFrame, name: str = "a.csv") -> dict[str, list[dict[str, object]]]:
    data.to_csv(name, index=False)
    found: dict[str, list[dict[str, object]]] = {}
    for key, values in assign(look([Path(name)])).notes:
        found.setdefault(key, []).append(values)
    return found


def seen(study: Path) -> pd.DataFrame:
    """The rows that a study would read."""
    flat = load(str(study.absolute())).flat
    return preview.rows(flat, preview.read(flat, paths.ROOT)).seen.to_pandas()


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("31.12.2014", "2014"), ("12/31/2014", "2014"), ("1/2/1998", "1998"), ("31-Dec-2014", "2014"),
        ("31. Dezember 2014", "2014"), ("2014-12-31", "2014"), ("31.12.14", "31.12.14"), ("5.2014", "5.2014"),
        ("12/31/2014 00:00", "2014"), ("41.2014", "41.2014"),
    ],
)  # fmt: skip
def test_the_year_of_a_day(text: str, found: str) -> None:
    assert duckdb.sql(f"SELECT {year('c')} FROM (SELECT '{text}' AS c)").fetchone() == (found,)


@pytest.mark.parametrize("form", ["31.12.{}", "12/31/{}", "31-Dec-{}"])
def test_days_before_their_year_are_read(form: str) -> None:
    data = panel()
    data.assign(year=[form.format(y) for y in data["year"]]).to_csv("a.csv", index=False)
    study = new([Path("a.csv")], "", "jobs", "law")
    assert "first_year: 2010" in study.read_text("utf-8")
    rows = seen(study)
    assert sorted(rows["year"].unique()) == list(range(2010, 2016)) and len(rows) == 48


def test_years_of_two_digits_are_named() -> None:
    for write in (lambda y: f"{y % 100:02d}", lambda y: f"31.12.{y % 100:02d}"):
        data = panel()
        data.assign(year=data["year"].map(write)).to_csv("a.csv", index=False)
        with pytest.raises(PanelError, match="'year' holds years of two digits"):
            assign(look([Path("a.csv")]))


def test_numbers_for_what_is_missing_are_told_and_can_be_taken_out() -> None:
    data = panel()
    data.loc[[3, 9, 20], "price"] = -99
    data.loc[[4, 5], "jobs"] = 999
    told = {one["header"]: one for one in notes(data)["sentinel"]}
    assert {h: (one["value"], one["count"]) for h, one in told.items()} == {
        "price": ("-99.0", 3),
        "jobs": ("999", 2),
    }
    study = new([Path("a.csv")], "", "price", "law")
    place = Path("a.adapter.yaml")
    text = place.read_text("utf-8").replace("{aliases: [price]}", "{aliases: [price], values: {'-99.0': ''}}")
    assert "values" in text
    place.write_text(text, "utf-8")
    rows = seen(study)
    assert rows["price"].isna().sum() == 3 and rows["price"].min() > 0


def test_amounts_that_go_so_far_are_not_suspected() -> None:
    data = panel().assign(balance=np.linspace(-200, 50, 48).round(), stock=np.linspace(100, 1500, 48).round())
    data.loc[[1, 2], "balance"], data.loc[[1, 2], "stock"] = -99, 999
    assert "sentinel" not in notes(data)


def test_names_that_differ_in_capitals_are_told() -> None:
    data = panel()
    data["city"] = data["city"].str.replace("Unit 7", "unit 1").str.replace("Unit 6", "UNIT 2")
    assert notes(data)["capitals"][0]["count"] == 2
    assert "capitals" not in notes(panel())


def test_a_start_year_of_something_is_one() -> None:
    data = panel().drop(columns="law").assign(first_year_of_law=np.where(np.arange(48) < 18, 2013, np.nan))
    data["first_year_of_law"] = data["first_year_of_law"].astype("Int64")
    assert [one["header"] for one in notes(data)["start"]] == ["first_year_of_law"]


@pytest.mark.parametrize(
    "header", ["adopt", "adoption", "银行危机开始年份", "FirstYearOfLaw", "某项试点获批年份"]
)
def test_start_years_by_what_stands_before_or_alone(header: str) -> None:
    data = panel()
    data[header] = data["year"].where(data["law"] == 1).groupby(data["city"]).transform("min")
    data.drop(columns="law").to_csv("a.csv", index=False)
    roles = assign(look([Path("a.csv")]))
    assert roles.start and roles.treatment
    assert [values for key, values in roles.notes if key == "start"] == [{"header": header}]


def test_a_year_that_says_of_no_start_is_offered_and_a_founding_year_is_none() -> None:
    data = panel().drop(columns="law").assign(founded=1990, 成立年份=1995)
    assert notes(data)["no_treatment"][0]["years"] == "founded, 成立年份"


def test_99_in_a_column_of_0_and_1_is_told() -> None:
    data = panel()
    data["married"] = (data.index % 2).astype(int)
    data.loc[data.index % 9 == 0, "married"] = -99
    assert [one["header"] for one in notes(data)["sentinel"]] == ["married"]


@pytest.mark.parametrize(
    ("header", "en", "zh"),
    [("学区代码", "school district", "学区"), ("县代码", "county", "县"), ("区县", "county", "区县")],
)
def test_units_are_called_by_their_header(header: str, en: str, zh: str) -> None:
    panel().rename(columns={"city": header}).to_csv("a.csv", index=False)
    word = assign(look([Path("a.csv")])).word
    assert word is not None and (word.en, word.zh) == (en, zh)


def test_an_identifier_is_called_by_its_label_and_a_header_may_begin_with_a_number() -> None:
    data = panel().rename(columns={"city": "id", "jobs": "10—19岁占比（%）"})
    data["id"] = data["id"].str[5:].astype(int)
    data.to_csv("plain.csv", index=False)
    assert "x_10_19岁占比" in [one.name for one in assign(look([Path("plain.csv")])).others()]
    data.rename(columns={"10—19岁占比（%）": "share"}).to_stata(
        "a.dta", write_index=False, variable_labels={"id": "Person"}
    )
    word = assign(look([Path("a.dta")])).word
    assert word is not None and word.en == "person"
