"""Sheets: what is declared is shown and what is shown is declared; every field is filled, in both languages."""

from __future__ import annotations

import json
import re
from copy import deepcopy
from typing import Any, get_args

import pandas as pd
import pytest
import wordings

from workbook import Book, paths
from workbook.exhibits import declared, needs, printed, prose, rendering, sheets, words
from workbook.exhibits.record import Record, kept, plain
from workbook.exhibits.sheets import SheetError
from workbook.exhibits.words import Filler, Words
from workbook.params import generate
from workbook.review.notebooks import CHINESE

SHEETS = sorted(f.stem for f in sheets.folder().glob("[0-9][0-9]_*.yaml"))
TABLE: dict[str, Any] = {
    "kind": "table",
    "name": {"en": "Effects", "zh": "效应"},
    "title": {"en": "{n} effects", "zh": "{n} 个效应"},
    "secrecy": "estimates",
    "show": ["term", "estimate"],
}


def sheet(**changes: Any) -> sheets.Sheet:
    values = {"notebook": "05_effects", "exhibits": {"effects": deepcopy(TABLE) | changes}}
    return sheets.parse(values, "05_effects")


def cell(code: str) -> dict[str, Any]:
    return {"cells": [{"cell_type": "code", "source": code, "metadata": {}}]}


@pytest.mark.parametrize("notebook", SHEETS)
def test_sheet_and_notebook_agree(notebook: str) -> None:
    content = json.loads((paths.NOTEBOOKS / f"{notebook}.ipynb").read_text("utf-8"))
    from workbook.params.load import load

    assert declared.faults(sheets.sheet(notebook), content, load("smoke").flat) == []


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (
            {"colour": "red"},
            r"effects\.colour: Extra inputs are not permitted; allowed here: kind, name, title",
        ),
        ({"title": {"en": "{n} effects"}}, r"exhibits\.effects\.title\.zh: Field required"),
        ({"columns": {"term": {"role": "thing"}}}, r"columns\.term\.role: Input should be 'label'"),
        ({"show": ["term", "weight"]}, "effects.show names weight, without head or role"),
        # Under rules of secrecy the text would find no such column, and the study no page.
        (
            {"note": {"en": "{frame.w.first}", "zh": "{frame.w.first}"}},
            "texts name w of the frame, without head or role",
        ),
        ({"columns": {"weight": {"head": "w"}}}, r"columns\.weight\.role: Field required"),
        ({"secrecy": None}, "say what its numbers are"),
        ({"drawn_from": "other", "secrecy": None}, "drawn_from = 'other' is no exhibit here"),
        ({"needs": ["moon"]}, "no need 'moon'; known are: outcome"),
        ({"kind": "figure"}, "a figure needs `alt`"),
    ],
)
def test_a_faulty_sheet_is_refused_in_words(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(SheetError, match=said):
        sheet(**changes)


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("book.exhibit('efects', f, n=1)", "shows 'efects', which is not declared.*did you mean 'effects'"),
        ("pass", "exhibits.effects is declared, but no cell of the notebook shows it"),
        ("book.exhibit('effects', f)", r"'\{n\}' is filled by no value"),
        ("book.exhibit('effects', f, n=1, m=2)", "gives the value 'm', which no text uses"),
        ("book.exhibit('effects', f, n=1)\nbook.exhibit('effects', f, n=1)", "is shown by 2 cells"),
    ],
)
def test_a_notebook_that_differs_from_its_sheet_is_named(code: str, said: str) -> None:
    found = declared.faults(sheet(), cell(code), ["outcome"])
    assert any(pd.Series([fault]).str.contains(said).all() for fault in found), found


@pytest.mark.parametrize("notebook", SHEETS)
def test_titles_and_notes_say_what_was_found(notebook: str) -> None:
    """No test's jargon in place of a finding, in either language, and none in the notebook's prose."""
    texts = [
        getattr(t, language)
        for ts in declared._texts(sheets.sheet(notebook)).values()
        for t in ts
        for language in sheets.LANGUAGES
    ]
    cells = json.loads((paths.NOTEBOOKS / f"{notebook}.ipynb").read_text("utf-8"))["cells"]
    texts += ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown"]
    texts += prose.read(notebook, "zh").values()
    plain = [re.sub(r"\$\$.*?\$\$|\$[^$]*\$|`[^`]*`", "", text, flags=re.DOTALL) for text in texts]
    assert [fault for text in plain for fault in wordings.faults(text)] == []


@pytest.mark.parametrize(
    "text",
    [
        "one estimate told from zero", "0 of 4 intervals contain zero", "0.06 with the most effects", "4 个区间中有 0 个包含零",
        "p = 0.000", "from -0.2 to 1", "up to inf", "[−inf, 2]",
    ],
)  # fmt: skip
def test_what_trips_a_reader_is_seen(text: str) -> None:
    assert len(wordings.faults(text)) == 1
    assert (
        wordings.faults(
            "p = 0.001, p < 0.001, 2012-2023, from −0.2 to 1, information, two-way, ∞, [0.1, 0.2]"
        )
        == []
    )


def test_a_difference_of_logs_is_said_in_per_cent() -> None:
    known = pd.DataFrame({"column": ["y", "z"], "label_en": "", "label_zh": "", "unit": ["ln 万元/人", "人"]})
    filler = Filler(Words("en", known), {"y": "y", "z": "z", "d": 0.0687}, {})
    assert filler.one(sheets.Text(en="{d:ln%}", zh="")) == "+7.1%" and words.number(-0.05, "ln%") == "−4.9%"
    held = [sheets.Variant(en=name, zh="", when=f"{name}.is_log") for name in ("z", "y")]
    assert filler.one(held) == "y"


def test_no_more_digits_are_told_than_are_known() -> None:
    told = Filler(Words("en", pd.DataFrame()), {"d": [0.0687, -9.5, 61.02, 61015.5]}, {})
    assert told.one(sheets.Text(en="{d:+.3f}", zh="")) == "+0.069, −9.500, +61.0, +61,016"


def test_a_p_value_is_never_nil() -> None:
    assert [words.number(p, "p") for p in (0.0, 0.0004, 0.0006, 0.04)] == [
        "< 0.001",
        "< 0.001",
        "= 0.001",
        "= 0.040",
    ]
    table = pd.DataFrame({"p": [0.0, 0.0004, 0.0006, 0.5, None]})
    shown = rendering.shown(table, {"p": words.P_VALUE})
    assert [row[0] for row in shown] == ["<0.001", "<0.001", "0.001", "0.500", "–"]


def test_a_title_of_a_page_names_what_the_study_estimates_in_one_line() -> None:
    chosen = {"outcome": "y", "treatments": ["d", "e"]}
    book = pd.DataFrame({"column": ["y", "d", "e"], "label_en": ["Pay", "Grant", "Loan"], "unit": ""})
    book = book.assign(label_zh=["工资", "补助", "贷款"])
    titles = [printed.title(sheets.sheet("05_effects"), Words(one, book), chosen) for one in ("en", "zh")]
    assert titles == ["The effect on Pay: Grant, Loan", "对工资的效应：补助、贷款"]


def test_a_title_of_a_page_is_filled_from_parameters_alone() -> None:
    values = {"notebook": "05_effects", "exhibits": {"effects": deepcopy(TABLE)}}
    odd = sheets.parse(values | {"title": {"en": "Of {outcome:name}", "zh": "{n} 的效应"}}, "05_effects")
    found = declared.faults(odd, cell("book.exhibit('effects', f, n=1)"), ["outcome"])
    assert any("title: '{n}' is filled by no value" in fault for fault in found)
    assert any("title: a text has fields in one language only (n, outcome)" in fault for fault in found)


@pytest.mark.parametrize("drawn", [None, "effects"])
def test_a_figure_of_numbers_without_roles_is_not_made(
    drawn: str | None, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    figure = {"kind": "figure", "alt": {"en": "a", "zh": "图"}, "show": []} | {"columns": {"estimate": {}}}
    figure |= {"secrecy": None, "drawn_from": drawn} if drawn else {}
    values = {"notebook": "05_effects", "exhibits": {"effects": deepcopy(TABLE)}}
    values["exhibits"]["lines"] = deepcopy(TABLE) | figure
    job = {"folder": str(tmp_path / "work"), "values": {"study": "x", "outcome": "y"}}
    (tmp_path / "job.json").write_text(json.dumps(job), encoding="utf-8")
    monkeypatch.setenv("FUSION_JOB", str(tmp_path / "job.json"))
    monkeypatch.setenv("FUSION_BUILD", str(tmp_path / "build"))
    book, _ = Book.open("05_effects", {})
    book.sheet = sheets.parse(values, "05_effects")
    frame = pd.DataFrame({"estimate": [1.0], "pay": [2.0]})
    said = "a figure needs the function" if drawn else "'lines': no role for pay; name them under `columns`"
    with pytest.raises(SheetError, match=said):
        book.exhibit("lines", frame, n=1)
    assert not (tmp_path / "work" / "lines.frame.parquet").exists() or drawn


def test_fields_must_be_the_same_in_both_languages() -> None:
    odd = sheet(title={"en": "{n} effects", "zh": "效应"})
    found = declared.faults(odd, cell("book.exhibit('effects', f, n=1)"), [])
    assert any("fields in one language only (n)" in fault for fault in found)


def test_a_frame_in_words(tmp_path: Any) -> None:
    frame = pd.DataFrame({"term": ["pilot", "size"], "estimate": [-0.0625, 1234.5], "hidden": [1, 2]})
    kept(tmp_path, "effects", frame)
    record = Record("05_effects", "effects", "table", "5.1", {"n": 2}, folder=tmp_path)
    book = pd.DataFrame({"column": ["pilot"], "label_en": ["Pilot"], "label_zh": ["试点"], "unit": ["万元"]})
    made = printed.printed(record, sheet(), Words("zh", book), {"synthetic": True, "data": ""})
    assert made.entry["title"] == "2 个效应"
    assert made.entry["source"] == "合成数据，不涉及真实企业"
    assert made.table is not None and made.table.columns.tolist() == ["变量", "估计"]
    assert made.table["变量"].tolist() == ["试点（万元）", "size"]
    english = printed.printed(record, sheet(), Words("en", book), {"synthetic": True, "data": ""})
    assert english.table is not None and english.table["Term"].tolist() == ["Pilot (10,000 yuan)", "size"]


def test_standard_errors_beside_the_estimates(tmp_path: Any) -> None:
    """Lines in order though the frame is by column; the base has no standard error; what is not there is a dash."""
    frame = pd.DataFrame(
        {
            "event_time": [-1, 0, 0],
            "estimator": ["stacked", "stacked", "twfe"],
            "estimate": [0.0, -0.0625, 0.5],
            "std_error": [None, 0.25, 0.125],
        }
    )
    own = {
        "event_time": {"role": "number", "head": "t"},
        "estimator": {"role": "label", "head": "e", "of": "cohort_estimator"},
    }
    made = sheet(
        kind="regression", layout={"rows": "event_time", "columns": "estimator", "beside": True}, columns=own
    )
    kept(tmp_path, "effects", frame)
    record = Record("05_effects", "effects", "regression", "5.1", {"n": 2}, folder=tmp_path)
    shown = printed.printed(record, made, Words("en"), {"synthetic": True, "data": ""}).table
    assert shown is not None and list(shown) == ["t", "Stacked", "Two-way fixed effects"]
    assert shown.to_numpy().tolist() == [[-1, "0.000 (base)", "–"], [0, "−0.062 (0.250)", "0.500 (0.125)"]]


def test_fields_are_filled_with_words_numbers_and_the_frames_own() -> None:
    words = Words("en")
    frame = pd.DataFrame({"p": [0.5, 0.25]})
    values = {
        "top": {"estimate": -0.0049},
        "terms": ["conditions", "x"],
        "sets": "firm_id + division*year",
        "said": {"en": "a", "zh": "甲"},
    }
    filler = Filler(words, values, {"cannot_en": ["one", "two"]}, frame)
    asked = "{top.estimate:.3f}|{top.estimate:.2f}|{terms:label}|{sets:effects}"
    asked += "|{frame.p.last:.2f}|{frame.rows}|{said}|{cannot:list}"
    filled = filler.vformat(asked, (), {})
    assert filled == "−0.0049|0.00|Conditions, x|unit + industry × year|0.25|2|a|- one\n- two"
    with pytest.raises(SheetError, match="'missing' is filled by no value"):
        filler.vformat("{missing}", (), {})


def test_one_is_singular_in_english() -> None:
    title = sheets.Text(
        en="{checks} checks, {found} findings; {kept} firms stay",
        zh="{checks} 项检查，{found} 项发现；{kept} 家企业",
    )
    values = {"checks": 1, "found": 1, "kept": 1}
    assert Filler(Words("en"), values, {}).one(title) == "1 check, 1 finding; 1 firm stays"
    cities = Words("en", unit="city | 城市")
    assert Filler(cities, values, {}).one(title) == "1 check, 1 finding; 1 city stays"
    many = {"checks": 11, "found": 1.0, "kept": 0.1}
    assert Filler(Words("en"), many, {}).one(title).startswith("11 checks, ")
    assert Filler(Words("zh"), values, {}).one(title) == "1 项检查，1 项发现；1 家企业"


def test_rounding_is_not_printed_as_a_number_and_a_dummy_has_its_columns_label() -> None:
    book = pd.DataFrame({"column": ["year"], "label_en": ["Year"], "label_zh": ["年份"], "unit": [None]})
    filler = Filler(Words("zh", book), {"small": -3e-16, "large": -2.5e-9, "term": "year_1988"}, {})
    asked = "{small:.0e<1e-12} {large:.1e<1e-12} {term:label}"
    assert filler.vformat(asked, (), {}) == "<1e-12 −2.5e-09 年份 1988"


def test_a_group_is_looked_up_in_its_columns_words() -> None:
    book = pd.DataFrame({"column": ["size"], "label_en": ["Size"], "label_zh": ["规模"], "unit": [""]})
    codes = ["control_type = soe", "size = L", "F7 = in"]
    english, chinese = Words("en", book), Words("zh", book)
    assert english.of("group", codes) == "Ownership: state, Size: L, Green manufacturing: inside"
    assert chinese.of("level", codes) == "国有、L、属于" and chinese.of("group", codes[0]) == "控股类型：国有"


def test_variants_are_said_when_they_hold() -> None:
    parts = [
        sheets.Variant(en="known", zh="已知", when="truth"),
        sheets.Variant(en="unknown", zh="未知", unless="truth"),
    ]
    assert Filler(Words("en"), {"truth": 0.3}, {}).all(parts) == "known"
    assert Filler(Words("zh"), {"truth": None}, {}).one(parts) == "未知"


def test_needs_are_judged_on_what_is_known() -> None:
    own = {
        "few": {"en": "a", "zh": "b", "any_columns": ["x", "y"], "columns_of": ["start_column"]},
    }
    values = {
        "notebook": "05_effects",
        "declares": own,
        "exhibits": {"effects": deepcopy(TABLE) | {"needs": ["few", "outcome"]}},
    }
    made = sheets.parse(values, "05_effects")
    need = made.need("few")
    full = needs.Facts(
        {"start_column": "since", "outcome": "y", "treatments": ["d"]}, {"panel": frozenset({"x", "since"})}
    )
    assert needs.holds(need, full)
    assert needs.lacking(["few", "outcome"], made, full) is None
    assert not needs.holds(need, needs.Facts({"start_column": "since"}, {"panel": frozenset({"x"})}))
    assert needs.holds(need, needs.Facts({"start_column": "since"}))  # not known yet
    assert needs.lacking(["few", "outcome"], made, needs.Facts({"outcome": None})) == "outcome"
    unless = sheets.Need(en="a", zh="b", without_columns_of=["start_column"])
    for start, columns, held in (("since", {"since"}, False), ("since", {"x"}, True), (None, {"x"}, True)):
        assert (
            needs.holds(unless, needs.Facts({"start_column": start}, {"panel": frozenset(columns)})) == held
        )
    assert not needs.holds(
        unless, needs.Facts({"start_column": "since"})
    )  # not known yet: as if it were there
    undated = sheets.Need(en="a", zh="b", without=["start_column"])
    assert needs.holds(undated, needs.Facts({"start_column": None}))
    assert not needs.holds(undated, full)


def test_a_column_that_holds_nothing_is_absent(tmp_path: Any) -> None:
    file = tmp_path / "t.parquet"
    pd.DataFrame(
        {"a": [1.0, None], "b": pd.Series([None, None], dtype="float"), "c": [["x"], ["y"]], "d": ["", ""]}
        | {"e": ["", "x"]}
    ).to_parquet(file)
    assert needs.filled(file) == {"a", "c", "e"}


def test_a_column_of_two_types_is_refused(tmp_path: Any) -> None:
    with pytest.raises(SheetError, match="mixes text and numbers"):
        kept(tmp_path, "effects", pd.DataFrame({"a": [1, "x"]}))


def test_values_become_plain() -> None:
    import numpy as np

    assert plain(pd.Series({"a": np.float64(1.5), "b": np.int64(2)})) == {"a": 1.5, "b": 2}
    with pytest.raises(SheetError, match="cannot be said"):
        plain(object())


def test_every_field_of_a_sheet_has_a_meaning_in_both_languages_and_no_other_has() -> None:
    models, told = generate.sheet_models(), sheets.read(generate.MEANINGS)
    english = {name: {"is": model["description"]} for name, model in models.items()}
    for name, model in models.items():
        english[name] |= {inner: item.get("description", "") for inner, item in model["properties"].items()}
    chinese = told["models"]
    assert {name: set(said) for name, said in chinese.items()} == {
        n: set(said) for n, said in english.items()
    }
    flat = {(n, inner): t for n, said in english.items() for inner, t in said.items()}
    assert [place for place, text in flat.items() if not text or CHINESE.search(text)] == []
    flat = {(n, inner): t for n, said in chinese.items() for inner, t in said.items()}
    assert [place for place, text in flat.items() if not CHINESE.search(text)] == []


@pytest.mark.parametrize("name", ["Role", "Kind", "Holds"])
def test_every_role_kind_and_class_has_a_meaning_in_both_languages(name: str) -> None:
    told = sheets.read(generate.MEANINGS)["values"][name]
    assert set(told) - {"is"} == set(get_args(getattr(sheets, name)))
    assert all(CHINESE.search(text["zh"]) and not CHINESE.search(text["en"]) for text in told.values())


def test_a_code_with_a_part_and_a_level_of_a_column() -> None:
    english, chinese = Words("en"), Words("zh")
    assert english.of("check", "tails:0.01") == "tails 1.0%"
    assert chinese.of("check", "early:2") == "提前 2 年"
    assert english.of("check", "difference:2–4") == "difference 2–4"
    assert english.of("check", "outcome:conditions") == "Conditions"
    assert english.of("check", "unknown:2") == "unknown:2"
    assert (
        english.of("group", "path: P1")
        == english.of("group", "path = P1")
        == "Path: Electronics and information"
    )
    assert chinese.of("level", "path: P1") == "电子信息"
    assert english.of("group", "reg_type: 110") == "reg_type: 110"


@pytest.mark.parametrize(("language", "name"), [("en", "chain leaders"), ("zh", "链主")])
def test_a_name_of_the_studys_file_is_said_in_one_language(language: str, name: str) -> None:
    """Exclusions that these data lack the columns for, in the notes that list them."""
    sheet = sheets.sheet("07_robustness")
    filler = Filler(Words(language), {"absent": ["chain leaders/链主", "late"]}, {})
    for id in ("curve", "exclusions"):
        said = filler.all([text for text in sheet.exhibit(id).note if text.when == "absent"])
        assert name in said and "/" not in said and "late" in said


# Parts of a whole whose role is another than a share's, and why no number of units follows from them.
NO_UNITS = {
    "03.rank_sources.share": "rests on the units of the smallest kind",
    "03.judgements.top_tenth_kept": "of ranks, and no unit's rank is published under rules",
    "03.moved.top_decile_kept": "the same",
    "04.against_default.top_decile_kept": "the same",
    "04.coupling_errors.regraded": "of grades of regions, which the table of grades counts",
    "06.twfe_weights.weight": "of weights",
    "07.curve_test.same_sign": "of specifications",
    "07.ushape.left_share": "of rows beside a turning point, both estimates",
    "08.mediation.share": "of an effect",
    "09.pilots.by_chance": "a chance, computed from numbers of peers",
    "09.concentration.largest_share": "of single units, never published under rules",
    "09.plan_items.share": "the same",
    "12.shares.share": "of a variance",
    "13.selection.share": "a difference of two shares, which stand nowhere",
}
PART_OF = re.compile(r"\bshare|silent|regraded|same sign|rows left|占比|份额|未填报|保留", re.IGNORECASE)


def test_a_share_of_units_says_whose() -> None:
    """A share beside its count is a count: of few units it gives their number away. A new one is judged, or named above."""
    found = set()
    for notebook in SHEETS:
        sheet = sheets.sheet(notebook)
        for id, exhibit in sheet.exhibits.items():
            for name, column in exhibit.columns.items():
                role, head = sheets.role(exhibit, name), column.head
                said = f"{head.en} {head.zh}" if head is not None else ""
                if role in ("statistic", "estimate", "number", "score") and PART_OF.search(said):
                    found.add(f"{notebook[:2]}.{id}.{name}")
    assert found == set(NO_UNITS)
