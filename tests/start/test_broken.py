"""Studies that cannot run: what is wrong is told before the first notebook, all of it at once."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from estimators import effects
from workbook import cli
from workbook.params.checks.refusals import StudyError
from workbook.params.load import load
from workbook.review import foresight

STUDY = """\
study: {title_en: A, title_zh: 甲}
panel: {source: rows.csv, contract: minimal, first_year: 2010, last_year: 2015, rename: {id: firm_id}}
columns:
  ln_y: log(y)
  on: since(start)
samples: {north: region == "N"}
where: [y > 0]
description: {start_column: start, covariates: [x]}
effects:
  outcome: ln_y
  treatments: [on]
  controls: [x]
  fixed_effects: [[firm_id], [firm_id, year]]
  cluster: region
"""
PILOTS = "scheme,batch,level,kind,unit,name,start,end,revoked,verified,notice,source\n"


def _rows() -> pd.DataFrame:
    """Sixty units over six years, a third of which start in 2012 and a third in 2014."""
    return pd.DataFrame(
        {
            "id": f"u{i:02d}",
            "year": y,
            "y": 10.0 + i + y - 2010,
            "x": float((i * y) % 7),
            "start": [2012, 2014, None][i % 3],
            "region": "N" if i % 2 else "S",
            "word": "abc",
            "country": "CN",
            "empty": None,
        }
        for i in range(60)
        for y in range(2010, 2016)
    ).astype({"start": "Int64"})


def _told(place: Path, text: str = STUDY, rows: pd.DataFrame | None = None) -> list[str]:
    """What stops a study."""
    (_rows() if rows is None else rows).to_csv(place / "rows.csv", index=False)
    file = place / "broken.yaml"
    file.write_text(text, encoding="utf-8")
    try:
        found = load(str(file))
    except StudyError as error:
        return error.lines
    return [f.told for f in cli._foreseen(found) if f.stops]


def _put(old: str, new: str) -> str:
    assert old in STUDY
    return STUDY.replace(old, new)


TEXTS = {
    "a control that is not there": (_put("controls: [x]", "controls: [xx]"), "'xx'"),
    "an outcome, nearest named": (_put("outcome: ln_y", "outcome: ln_yy"), "'ln_y'"),
    "a treatment": (_put("[on]", "[onn]"), "onn"),
    "clusters": (_put("cluster: region", "cluster: regoin"), "'region'"),
    "an effect": (_put("[firm_id, year]", "[firm_id, yaer]"), "'year'"),
    "a start year": (_put("start_column: start", "start_column: begin"), "begin"),
    "a covariate": (_put("covariates: [x]", "covariates: [x, q]"), "'q'"),
    "a column of a column": (_put("log(y)", "log(yy)"), "yy"),
    "an open bracket": (_put("log(y)", "log(y"), "ln_y"),
    "one sign of equality": (_put("y > 0", "y = 0"), "="),
    "a function": (_put("log(y)", "lg(y)"), "lg"),
    "a mean of nobody": (_put("log(y)", "mean(y)"), "by="),
    "a circle": (_put("log(y)", "on + 1\n  on2: ln_y").replace("since(start)", "ln_y"), "on"),
    "a text beside a number": (_put('region == "N"', "region == 1"), "region"),
    "a list": (_put('region == "N"', "region in norths"), "norths"),
    "a sample's column": (_put('region == "N"', 'regio == "N"'), "regio"),
    "a source": (_put("rows.csv", "row.csv"), "row.csv"),
    "a section": (_put("effects:", "efects:"), "efects"),
    "a key": (_put("outcome:", "outcom:"), "outcom"),
    "a year in quotes": (_put("first_year: 2010", 'first_year: "2010"'), "first_year"),
    "years the wrong way": (_put("first_year: 2010", "first_year: 2016"), "2016"),
    "a year that no file has": (_put("2010, last_year: 2015", "1990, last_year: 1995"), "1990"),
    "one year": (_put("2010, last_year: 2015", "2012, last_year: 2012"), "2012"),
    "a condition that nothing meets": (_put("y > 0", "y > 1000"), "y > 1000"),
    "industries without codes": (_put("contract:", 'keep_industries: ["C"], contract:'), "ind4"),
    "employees without a column": (_put("contract:", "min_employees: 8, contract:"), "employees"),
    "a header to rename": (_put("{id: firm_id}", "{idd: firm_id}"), "idd"),
    "an adapter": (_put("source: rows.csv", "source: rows.csv, adapter: mine.yaml"), "mine.yaml"),
    "a whole contract": (_put("minimal", "enterprise"), "ind4"),
    "a text as outcome": (_put("outcome: ln_y", "outcome: word"), "word"),
    "a text of one's own as treatment": (_put("since(start)", "if y > 12 then region else word"), "not numbers"),
    "an empty control": (_put("controls: [x]", "controls: [x, empty]"), "empty"),
    "a treatment that nobody lacks": (_put("since(start)", "if y > 0 then 1 else 0"), "on"),
    "a treatment of units": (_put("since(start)", 'if region == "N" then 1 else 0'), "60"),
    "one cluster": (_put("cluster: region", "cluster: country"), "country"),
    "an estimator": (_put("  cluster", "  other_estimators: [poled]\n  cluster"), "poled"),
    "an exhibit": (STUDY + "publish: {leave_out: [05.laddder]}\n", "05.ladder"),
    "a condition of pandas": (STUDY + 'robustness: {exclusions: {a: "x.str.len() > 1"}}\n', "exclusions"),
    "pilots that are not there": (STUDY + "evaluation: {pilots: pilots.csv}\n", "pilots.csv"),
    "a key twice": (STUDY + "study: {}\n", "study"),
    "a tab": (STUDY.replace("  ln_y", "\tln_y"), "broken.yaml"),
}  # fmt: skip


@pytest.mark.parametrize("case", TEXTS)
def test_a_broken_study_is_told_before_it_runs(tmp_path: Path, case: str) -> None:
    text, named = TEXTS[case]
    told = _told(tmp_path, text)
    assert told, case
    assert any(named in line for line in told), told
    assert all(len(line) < 2000 for line in told)


def _two_starts(rows: pd.DataFrame) -> pd.DataFrame:
    return rows.assign(start=rows["start"].where(rows["year"] < 2013, 2015))


def _twice(rows: pd.DataFrame) -> pd.DataFrame:
    return pd.concat([rows, rows.head(3).assign(y=99.0)])


def _no_whole_row(rows: pd.DataFrame) -> pd.DataFrame:
    odd = rows["year"] % 2 == 1
    return rows.assign(y=rows["y"].where(odd), x=rows["x"].where(~odd))


def _letters(rows: pd.DataFrame) -> pd.DataFrame:
    return rows.assign(x=rows["x"].astype(str) + "a")


DATA: dict[str, tuple[Callable[[pd.DataFrame], pd.DataFrame], str]] = {
    "two starts": (_two_starts, "start"),
    "keys twice": (_twice, "u00"),
    "no whole row": (_no_whole_row, "x 180"),
    "numbers with letters": (_letters, "x"),
    "no year": (lambda rows: rows.drop(columns="year"), "year"),
    "nothing": (lambda rows: rows.head(0), "rows.csv"),
}


@pytest.mark.parametrize("case", DATA)
def test_broken_rows_are_told_before_it_runs(tmp_path: Path, case: str) -> None:
    change, named = DATA[case]
    told = _told(tmp_path, _put("where: [y > 0]\n", ""), change(_rows()))
    assert any(named in line for line in told), told


def test_cells_of_pilots_and_targets_are_told(tmp_path: Path) -> None:
    (tmp_path / "pilots.csv").write_text(PILOTS + "a,1,city,planet,u01,,20x4,,,no,,\n", encoding="utf-8")
    (tmp_path / "targets.csv").write_text("target,goal\nt,1\n", encoding="utf-8")
    told = _told(tmp_path, STUDY + "evaluation: {pilots: pilots.csv, targets: targets.csv}\n")
    assert any("planet" in line for line in told), told
    assert any("20x4" in line for line in told), told
    assert any("targets.csv" in line for line in told), told


def test_the_study_itself_is_whole(tmp_path: Path) -> None:
    assert _told(tmp_path) == []


def test_all_is_told_at_once(tmp_path: Path) -> None:
    text = STUDY.replace("log(y)", "lg(y)").replace("controls: [x]", "controls: [xx]")
    text = text.replace("cluster: region", "cluster: regoin").replace(
        "first_year: 2010", 'first_year: "2010"'
    )
    told = _told(tmp_path, text + "publish: {leave_out: [05.laddder]}\n")
    assert len(told) == 5, told
    assert all(re.match(r"\S*broken\.yaml:\d+", line) for line in told), told


STARTS = {
    # What is regressed, as an expression; whether it stops; how many rows are told.
    "a year early": ("dummy", "since(start - 1)", True, "40 rows are 1 before"),
    "a year late": ("dummy", "since(start + 1)", True, "40 are 0 in it"),
    "of everybody": ("dummy", "year >= 2013", True, "80 rows are 1 before"),
    "a dose at all times": ("dummy", "y + 1", False, "in 240 rows it is not 0"),
    "two years only": ("dummy", "since(start) - since(start + 2)", False, "40 are 0 after it"),
    "a dose from then on": ("dummy", "y * since(start)", None, ""),
    "missing in the years around": (
        "dummy",
        "if year in (2011, 2012, 2013, 2014) then missing else since(start)",
        None,
        "",
    ),
}


@pytest.mark.parametrize(("name", "is_", "stops", "told"), STARTS.values(), ids=STARTS)
def test_a_start_that_contradicts_a_treatment_is_told(
    tmp_path: Path, name: str, is_: str, stops: bool | None, told: str
) -> None:
    """And the notebooks say the same of the same rows: there are no start years then, or they stay."""
    _rows().to_csv(tmp_path / "rows.csv", index=False)
    file = tmp_path / "early.yaml"
    text = STUDY.replace("treatments: [on]", f"treatments: [{name}]").replace(
        "  on: ", f"  {name}: {is_}\n  on: "
    )
    file.write_text(text, encoding="utf-8")
    found = [f for f in cli._foreseen(load(str(file))) if "start" in f.told]
    assert [(f.stops, told in f.told) for f in found] == ([] if stops is None else [(stops, True)])
    assert stops is None or "u0" in found[0].told


def test_a_start_that_contradicts_is_told_of_made_up_rows(tmp_path: Path) -> None:
    """What is made of what can be seen in a few firms."""
    text = (
        "study: {title_en: X, title_zh: 甲, synthetic: true}\npanel: {source: synthetic}\n"
        "columns: {begun: pilot_start_year + 1, pilot: since(pilot_start_year)}\n"
        "description: {start_column: begun}\neffects: {outcome: value_added, treatments: [pilot]}\n"
    )
    file = tmp_path / "late.yaml"
    file.write_text(text, encoding="utf-8")
    (found,) = (f for f in cli._foreseen(load(str(file))) if f.stops)
    assert found.name == "start_column"
    assert "pilot does not begin in the years of begun" in found.told
    file.write_text(text.replace("start_column: begun", "start_column: pilot_start_year"), encoding="utf-8")
    assert not cli._foreseen(load(str(file)))


@pytest.mark.parametrize(
    ("on", "early", "late"),
    [
        (lambda t: t["start"] == t["year"] + 1, 2, 2),
        (lambda t: t["start"] <= t["year"], 0, 0),
        (lambda t: t["start"] == t["year"], 0, 0),
        (lambda t: t["year"] > 2011, 3, 0),
        (lambda t: 7 * t["year"], 9, 0),
    ],
)
def test_notebooks_and_checks_agree_about_starts(
    on: Callable[[pd.DataFrame], pd.Series], early: int, late: int
) -> None:
    years = pd.MultiIndex.from_product([["a", "b", "c"], range(2010, 2014)], names=["firm_id", "year"])
    rows = years.to_frame(index=False)
    rows["start"] = rows["firm_id"].map({"a": 2012, "b": 2013}).astype("Int64")
    rows["d"] = on(rows).fillna(False).astype(int)
    kept, apart = effects.own_start(rows, ["d"], "start")
    assert (apart.get("early", 0), apart.get("late", 0)) == (early, late)
    assert ("start" in kept) == (not apart)
    found = list(foresight.begins(rows, {"start_column": "start", "treatments": ["d"]}))
    assert len(found) == bool(apart)
    assert all(f"{n} " in f.told for f in found for n in (early, late) if n)
    assert effects.own_start(rows, [], "start")[0] is rows


def test_one_year_without_a_regression_is_read(tmp_path: Path) -> None:
    """Two clean rows of one year, and a column that nobody declared: nothing stops them."""
    (tmp_path / "rows.csv").write_text("firm_id,year,zzz,x\nA,2012,1,1\nB,2012,1,2\n", encoding="utf-8")
    file = tmp_path / "two.yaml"
    file.write_text(
        "study: {title_en: A, title_zh: 甲, notebooks: [01_panel]}\npanel: {source: rows.csv, contract: minimal}\n",
        encoding="utf-8",
    )
    assert [f for f in cli._foreseen(load(str(file))) if f.stops] == []


def test_columns_of_the_contract_that_are_texts_are_no_numbers(tmp_path: Path) -> None:
    """No data need be read for it; what groups may be a text."""
    text = "study: {title_en: X, title_zh: 甲, synthetic: true}\npanel: {source: synthetic}\n"
    file = tmp_path / "texts.yaml"
    wrong = {"outcome": "reg_type", "treatments": "[district]", "controls": "[firm_name]"}
    file.write_text(
        text + "effects:\n" + "".join(f"  {key}: {name}\n" for key, name in wrong.items()), "utf-8"
    )
    with pytest.raises(StudyError) as refused:
        load(str(file))
    told = [line for line in refused.value.lines if "numbers are needed" in line]
    assert [key for key in wrong if any(f"effects.{key} names" in line for line in told)] == list(wrong)
    groups = "effects: {outcome: value_added, cluster: district, fixed_effects: [[firm_id, district*year]]}\n"
    file.write_text(text + groups, "utf-8")
    assert load(str(file)).parameters.effects.cluster == "district"
