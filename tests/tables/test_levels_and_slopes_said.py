"""Levels and slopes in a study's tables: read, renamed, refused in words, and how they are printed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from estimators import tables
from fusion.adapters import able
from fusion.start import preview
from workbook import paths
from workbook.exhibits.journal import cells
from workbook.exhibits.words import Filler, Words
from workbook.language import speaking
from workbook.params.checks.refusals import StudyError
from workbook.params.file import apart, levels, patterns
from workbook.params.load import load
from workbook.review import foresight

HEADERS = "firm_id,year,y,d,sector,size,t"
STUDY = """
panel: {{source: data.csv, contract: minimal, first_year: 2001, last_year: 2004}}
effects: {{outcome: y, treatments: d}}
publish: {{secrecy: public}}
tables: {{main: {{columns: [{column}]{more}}}}}
"""


@pytest.fixture
def study(tmp_path: Path) -> Any:
    keys = [(unit, year) for unit in range(6) for year in range(2001, 2005)]
    rows = [f"f{i},{t},{i + t % 3},{int(t > 2002 and i < 3)},{i % 3},{i},{t}" for i, t in keys]
    (tmp_path / "data.csv").write_text("\n".join([HEADERS, *rows]), "utf-8")

    def made(column: str, more: str = "") -> dict[str, Any]:
        file = tmp_path / "mine.yaml"
        file.write_text(STUDY.format(column=column, more=more), "utf-8")
        return load(str(file)).parameters["tables"]["main"]

    return made


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("levels( size,base = 2 )", "levels(size, base=2)"),
        ('levels(行业, base="a b")', 'levels(行业, base="a b")'),
        ("levels(x)", "levels(x)"),
        ("levels(x, 2)", "levels(x, 2)"),  # the model refuses it
        ("log(x)", None),
    ],
)
def test_one_spelling(text: str, found: str | None) -> None:
    assert levels.term(text) == found


def test_columns_of_terms_and_effects() -> None:
    said = ["x", "a*b", "a*b~t", "levels(x)", 'levels(x, base="y*z")']
    assert [levels.columns_of(one) for one in said] == [["x"], ["a", "b"], ["a", "b", "t"], ["x"], ["x"]]
    other = apart.column({"size": "own_size", "t": "own_t"})
    assert [other(one) for one in ("levels(size, base=size)", "firm_id*size~t", "t")] == [
        "levels(own_size, base=size)", "firm_id*own_size~own_t", "own_t",
    ]  # fmt: skip


REFUSED = {
    "{controls: levels(sector 2)}": (
        "tables.main.columns.1.controls.1 = 'levels(sector 2)'",
        "a column, levels(COLUMN)",
    ),
    "{outcome: levels(sector)}": ("levels",),
    "{controls: levels(sectr)}": ("tables.main.columns.1.controls", "no column 'sectr'", "sector"),
    "{fixed_effects: [firm_id~tt]}": ("tables.main.columns.1.fixed_effects", "no column 'tt'"),
    "{fixed_effects: [firm_id~t~t]}": ("a~t for a slope of t in each level of a",),
    "{fixed_effects: [firm_id~t], like: areg}": (
        "areg has no slopes by level; like: fixest, ivreghdfe, reghdfe",
    ),
    "{fixed_effects: [firm_id~t], estimator: fd}": ("slopes by level are taken by iv, ols, not by fd",),
}


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("column", REFUSED)
def test_refused_with_its_place(study: Any, column: str, language: str) -> None:
    with pytest.raises(StudyError) as told, speaking(language):
        study(column)
    for part in (
        REFUSED[column] if language == "en" else REFUSED[column][:1] if "tables" in REFUSED[column][0] else ()
    ):
        assert part in str(told.value)
    assert "mine.yaml:" in str(told.value) and "match pattern" not in str(told.value)
    assert "^" not in str(told.value)
    if language == "zh":
        assert any("一" <= sign <= "鿿" for sign in str(told.value))


def test_every_pattern_has_words() -> None:
    found: set[str] = set()

    def look(part: Any) -> None:
        if isinstance(part, dict):
            found.update([part["pattern"]] if isinstance(part.get("pattern"), str) else [])
        for one in part.values() if isinstance(part, dict) else part if isinstance(part, list) else []:
            look(one)

    look(json.loads((paths.ROOT / "params" / "schema.json").read_text("utf-8")))
    assert len(found) > 10 and [one for one in found if patterns.words(one) == one] == []


@pytest.mark.parametrize("language", ["en", "zh"])
def test_printed(language: str) -> None:
    rng = np.random.default_rng(3)
    rows = pd.DataFrame({"firm_id": np.repeat(np.arange(40), 6), "year": np.tile(np.arange(2001, 2007), 40)})
    rows["sector"], rows["d"] = rows["firm_id"] % 3, rng.normal(size=240)
    rows["y"] = rows["d"] + rows["sector"] + rng.normal(size=240)
    one = {
        "outcome": "y", "treatments": ["d"], "controls": ["levels(sector)"], "fixed_effects": ["year"], "cluster": ["firm_id"],
        "errors": "clustered", "lags": None, "weights": None, "sample": [], "estimator": "ols", "quantile": 0.5, "like": "fixest",
        "singletons": "drop", "iv": {}, "mark": {}, "head": None, "group": None, "split": None, "first_stage": False,
    }  # fmt: skip
    other = one | {"controls": [], "fixed_effects": ["firm_id", "firm_id~year"]}
    test = {"equal": None, "zero": ["levels(sector)"], "hausman": False, "of": [1]}
    table = {
        "title": {}, "notes": None, "under": "se", "stars": None, "digits": 3, "stats": ["effects", "n"], "tests": [test],
        "show": ["d", "levels(sector)"], "landscape": False, "panels": [{"panel": "", "head": None, "columns": [one, other]}],
    }  # fmt: skip
    asked = tables.expanded(table, rows)
    fits = tables.estimated(asked, rows, {})
    book = pd.DataFrame(
        [("sector", "Sector", "行业", ""), ("d", "Grant", "补助", ""), ("year", "Year", "年份", "")],
        columns=["column", "label_en", "label_zh", "unit"],
    )
    frame = tables.long(asked, fits, 0.05)
    flat = cells.grid(frame, tables.laid_out(asked, fits), Filler(Words(language, book), {}, {})).flat()
    said = {
        "en": ["Grant", "", "Sector: 1", "", "Sector: 2", "", "Year effects", "Unit effects",
               "Slopes of Year by unit", "Observations"],
        "zh": ["补助", "", "行业：1", "", "行业：2", "", "年份固定效应", "单位固定效应", "各单位的年份斜率", "观测数"],
    }[language]  # fmt: skip
    assert [*flat.iloc[:, 0]][:-1] == said
    assert flat.iloc[-1, 0] == {"en": "Sector = 0 in (1) (p)", "zh": "(1) 中 行业 = 0（p 值）"}[language]
    assert flat.iloc[2, 2] == "" and flat.iloc[2, 1] != ""
    assert [*flat.iloc[8, 1:]] == {"en": ["No", "Yes"], "zh": ["否", "是"]}[language]


def test_what_levels_rows_have_is_known_before_a_run() -> None:
    from estimators.tables import levels as rooms

    assert foresight.MOST_LEVELS == rooms.MOST
    rows = pd.DataFrame(
        {"firm_id": ["a"] * 99, "year": 2000, "many": range(99), "word": ["x", "y", "z"] * 33}
    )
    one = {"outcome": "many", "treatments": ["word"], "controls": [], "iv": {}}

    def told(*controls: str) -> list[str]:
        column = {**one, "controls": [*controls]}
        tables = {"main": {"kind": "regression", "panels": [{"columns": [column]}]}}
        flat = {"fixed_effects": [], "outcome": "", "treatments": [], "tables": tables}
        return [f.told for f in foresight.findings(rows, flat) if f.name == "tables"]

    with speaking("en"):
        text = "main, column 1: word holds text, not numbers; write levels(word), or a number made of it:"
        assert told("levels(word)") == [f"{text} number(word)"]
        assert "levels(many) has 99 values; 2 to 60" in told("levels(many)")[1]
        assert "has no value w; there are: x, y, z" in told("levels(word, base=w)")[1]


def test_columns_that_no_adapter_knows_are_read_as_the_source_has_them(tmp_path: Path) -> None:
    lines = [
        f"f{i},{year},{i + year % 3},{i % 3 + 0.5},{'ab'[i % 2]}" for i in range(5) for year in (2001, 2002)
    ]
    (tmp_path / "data.csv").write_text("\n".join(["unit,jahr,y,acres,crop", *lines]), "utf-8")
    mapped = "firm_id: {aliases: [unit]}, year: {aliases: [jahr], take: year}, y: {aliases: [y]}"
    adapter = f"adapter: mine\nfirm_id: {{as_written: true}}\ncolumns: {{{mapped}}}"
    (tmp_path / "mine.adapter.yaml").write_text(adapter, "utf-8")
    declared = "extra_columns: {y: {label_en: y, label_zh: y, type: float}}"
    panel = f"panel: {{source: data.csv, adapter: mine.adapter.yaml, contract: minimal, {declared}}}"
    table = "tables: {main: {columns: [{outcome: y, treatments: acres, controls: levels(crop), fixed_effects: []}]}}"
    (tmp_path / "mine.yaml").write_text("\n".join([panel, table]), "utf-8")
    flat = load(str(tmp_path / "mine.yaml")).flat
    assert flat["fixed_effects"] == [["firm_id"], ["firm_id", "year"]]  # no industries and districts here
    raw = preview.read(flat, paths.ROOT)
    assert raw is not None and {n: raw.columns[n].type for n in ("acres", "crop")} == {
        "acres": "float",
        "crop": "str",
    }
    assert raw.table.count().execute() == 10 and float(raw.table["acres"].max().execute()) == 2.5


def test_identifiers_in_single_precision_have_lost_digits_by_an_adapter_too(tmp_path: Path) -> None:
    for kind, found in (("float32", 2), ("float64", 0)):
        data = pd.DataFrame(
            {"firm_id": np.array([310115001, 310115002], kind), "year": [2012, 2012], "x": [1.0, 2.0]}
        )
        data.to_stata(tmp_path / f"{kind}.dta", write_index=False)
        how = {
            "contract": "minimal",
            "extra_columns": {"x": {"label_en": "x", "label_zh": "x", "type": "float"}},
        }
        raw = able.read(str(tmp_path / f"{kind}.dta"), "bureau", paths.ROOT, **how)
        assert raw is not None and (raw.quality["rule"] == "digits_lost").sum() == found
