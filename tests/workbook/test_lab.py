"""Parameters changed by hand become a study; what a rerun moved is told; the start page is whole in both languages."""

from __future__ import annotations

import json
import math
import re
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from workbook import paths
from workbook.exhibits import listing
from workbook.lab import adopt, moved, start
from workbook.lab.fields import Fields, options
from workbook.lab.form import Form, sections, shown
from workbook.language import told
from workbook.params.checks.refusals import StudyError
from workbook.params.load import load

PARAMETERS = {"tags": ["parameters"]}


def study(folder: Path, name: str = "own") -> Path:
    file = folder / f"{name}.yaml"
    file.write_text((paths.ROOT / "params/smoke.yaml").read_text("utf-8"), encoding="utf-8")
    return file


def notebook(folder: Path, text: str, name: str = "08_heterogeneity") -> Path:
    cell = {"cell_type": "code", "metadata": PARAMETERS, "source": text.splitlines(keepends=True)}
    file = folder / f"{name}.ipynb"
    file.write_text(json.dumps({"cells": [cell]}), encoding="utf-8")
    return file


def test_what_was_changed_stands_upon_the_study(tmp_path: Path) -> None:
    base = study(tmp_path)
    own = load(str(base)).flat
    text = f'study = "{base}"\nsmallest_group = 60  # more\ntest_size = {own["test_size"]}\nsplit_columns = ["path"]\n'
    other = notebook(tmp_path, f'study = "{base}"\nlast_event = 4\nsmallest_group = 60\n', "06_dynamics")
    made = adopt.adopt([notebook(tmp_path, text), other], "mine")
    assert made.file == tmp_path / "mine.yaml" and made.base == "own"
    assert made.changed == {"smallest_group": 60, "split_columns": ["path"], "last_event": 4}
    flat = load(str(made.file)).flat
    assert {key: flat[key] for key in made.changed} == made.changed
    named = {*made.changed, "study", "source"}
    assert {k: v for k, v in flat.items() if k not in named} == {
        k: v for k, v in own.items() if k not in named
    }
    again = adopt.adopt([other])
    assert again.file.name == "own_mine.yaml" and set(again.changed) == {"last_event", "smallest_group"}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('study = "{base}"\nsmalest_group = 60\n', "smallest_group"),
        ('study = "{base}"\n', "nothing is said otherwise"),
        ('study = "{base}"\nsmallest_group = 3 + x\n', "smallest_group"),
        ('study = "{base}"\nsmallest_group = "many"\n', "smallest_group"),
        ("smallest_group = 60\n", "must name one study"),
        ('study = "{base}"\nsmallest_group = (\n', "no parameters cell"),
    ],
)
def test_what_cannot_be_kept_is_refused_and_leaves_nothing(tmp_path: Path, text: str, says: str) -> None:
    base = study(tmp_path)
    with pytest.raises((adopt.AdoptError, StudyError)) as refused:
        adopt.adopt([notebook(tmp_path, text.format(base=base))], "mine")
    assert says in str(refused.value)
    assert sorted(f.name for f in tmp_path.glob("*.yaml")) == ["own.yaml"]


def test_other_refusals(tmp_path: Path) -> None:
    base = study(tmp_path)
    one = notebook(tmp_path, f'study = "{base}"\nlast_event = 4\n')
    two = notebook(tmp_path, f'study = "{base}"\nlast_event = 5\n', "06_dynamics")
    for notebooks, name, says in (
        ([one, two], "mine", "4"),
        ([one], "own", "there already"),
        ([one], "Mine!", "Mine!"),
        ([tmp_path / "none.ipynb"], "mine", "none.ipynb"),
        ([base], "mine", "own.yaml"),
    ):
        with pytest.raises(adopt.AdoptError, match=says):
            adopt.adopt(notebooks, name)
    assert [f.name for f in tmp_path.glob("*.yaml")] == ["own.yaml"]


# -- what moved ------------------------------------------------------------------------------------
def left(folder: Path, frames: dict[str, Any]) -> Path:
    """What a notebook leaves: a frame an exhibit, or None for one that is left out."""
    folder.mkdir()
    exhibits = []
    for count, (id, frame) in enumerate(frames.items(), 1):
        kind = "left_out" if frame is None else "table"
        if frame is not None:
            pd.DataFrame(frame).to_parquet(folder / f"{id}{listing.FRAME}", index=False)
        exhibits.append(
            {
                "id": id,
                "kind": kind,
                "number": f"8.{count}",
                "sheet": True,
                "values": {},
                "lacks": "",
                "draw": "",
            }
        )
    (folder / "done.json").write_text(json.dumps({"exhibits": exhibits}), encoding="utf-8")
    return folder


def test_what_moved_is_found_and_rounding_is_not(tmp_path: Path) -> None:
    a = {"k": ["x", "y"], "estimate": [1.0, 2.0], "n": [10, 20]}
    rounded = a | {"estimate": [1.0 + 1e-12, 2.0]}
    before = left(
        tmp_path / "a", {"same": a, "one": a, "rows": a, "word": a, "gone": a, "none": None, "gap": a}
    )
    now = left(
        tmp_path / "b",
        {"same": rounded, "one": a | {"estimate": [1.5, 2.2], "n": [10, 21]}, "rows": {k: v[:1] for k, v in a.items()}}
        | {"word": a | {"k": ["x", "z"]}, "gone": None, "none": None, "gap": a | {"estimate": [1.0, math.nan]}, "new": a},
    )  # fmt: skip
    found = moved.moved(before, now, "08_heterogeneity")
    assert found is not None and [one.id for one in found] == ["one", "rows", "word", "gone", "gap", "new"]
    one = found[0]
    assert (one.cells, one.of, one.column, one.before, one.now) == (3, 4, "estimate", 1.0, 1.5)
    assert found[1].rows == (2, 1) and found[3].rows == (2, 0) and found[5].rows == (0, 2)
    for language in ("en", "zh"):
        text = moved.told(found, "08_heterogeneity", 8, {"one": "Effects [x](javascript:1)"}, language)
        assert "8.2" in text and "1 → 1.5" in text and "](javascript" not in text
    assert moved.moved(tmp_path / "none", now, "08_heterogeneity") is None
    assert moved.moved(now, now, "08_heterogeneity") == []
    assert moved.told(None, "n", 0, {}, "en") != moved.told([], "n", 0, {}, "en")


def test_the_page_of_a_study_that_was_not_run_says_how(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FUSION_BUILD", str(tmp_path / "build"))
    base = study(tmp_path)
    page = start.write(load(str(base)))
    text = "".join(cell["source"] for cell in json.loads(page.read_text("utf-8"))["cells"])
    assert "has not been run" in text and f"make study STUDY={base}" in text and "adopt" in text
    assert set(start.WORDS["en"]) == set(start.WORDS["zh"]) and set(moved.WORDS["en"]) == set(
        moved.WORDS["zh"]
    )
    for link in ("params/base.yaml", "params/schema.json"):
        assert (page.parent / text.split(f"[{link}](")[1].split(")")[0]).resolve() == paths.ROOT / link


# -- the form ------------------------------------------------------------------------------------------
@pytest.fixture
def form(tmp_path: Path) -> Form:
    return Form(load(str(study(tmp_path))))


def test_every_parameter_has_a_field_that_gives_its_value_back(form: Form) -> None:
    drawn = Fields(form)
    for section in sections():
        drawn._open(section)
    assert sum(map(len, drawn.made.values())) == len(form.home) == len(form.values)
    for name, value in form.values.items():
        if not isinstance(value, bool):
            form.typed(name, shown(value, form.schema[name]))
    assert form.changed == {}


def test_a_choice_a_range_and_a_name_are_checked_as_the_study_is(form: Form) -> None:
    assert options(form.schema["weights"])[0] == "entropy" and options(form.schema["seed"]) == []
    assert form.about("curve_draws")[1] == "≥ 0, ≤ 9999"
    assert "curve_draws = -3" in form.typed("curve_draws", "-3") and form.changed == {"curve_draws": -3}
    assert "'ln_lp'" in form.typed("outcome", "ln_lpp")  # the nearest column
    assert "cannot be read" in form.typed("robust_effects", "[firm_id")
    assert form.near("curve_drawz")[0] == "curve_draws"
    # What is as it was is changed no longer.
    assert form.typed("outcome", form.values["outcome"]) != "" and set(form.changed) == {"curve_draws"}


def test_what_the_check_refuses_is_not_saved_and_what_is_saved_can_be_run(form: Form, tmp_path: Path) -> None:
    assert form.save("mine")[1] is False  # nothing changed
    form.typed("curve_draws", "-3")
    assert form.save("mine")[1] is False
    assert form.typed("curve_draws", "7") == ""
    for name in ("Mine!", "own"):
        assert form.save(name)[1] is False
    assert sorted(p.name for p in tmp_path.glob("*.yaml")) == ["own.yaml"]
    said, good = form.save("mine")
    assert good and "parameters are allowed" in said and "1 changed (curve_draws)" in said
    assert load(str(tmp_path / "mine.yaml")).flat["curve_draws"] == 7


def test_a_study_of_which_no_row_is_left_is_not_saved(tmp_path: Path) -> None:
    """The file's check has nothing against it; `fusion validate` reads the rows."""
    rows = [f"f{unit},{year},{unit + year % 7}" for unit in range(30) for year in range(2015, 2019)]
    (tmp_path / "rows.csv").write_text("\n".join(["firm_id,year,sales", *rows]), encoding="utf-8")
    sales = "{type: auto, label_en: Sales, label_zh: 销售额}"
    (tmp_path / "own.yaml").write_text(
        "study: {title_en: A, title_zh: 甲, data_en: d, data_zh: 数, language: zh, notebooks: [01_panel]}\n"
        f"panel: {{source: rows.csv, contract: minimal, extra_columns: {{sales: {sales}}}}}\n",
        encoding="utf-8",
    )
    form = Form(load(str(tmp_path / "own.yaml")))
    assert form.typed("where", "sales > 1000") == ""
    said, good = form.save("mine")
    assert not good and "一行不剩" in said and not (tmp_path / "mine.yaml").exists()
    assert form.typed("where", "sales > 10") == "" and form.save("mine")[1] is True
    # In the study's language: meanings, titles, refusals.
    assert form.about("seed")[0] == "一切随机抽取的种子"
    spoken = [form.typed("curve_draws", "-3"), *(told("zh", f"lab.sections.{name}") for name in sections())]
    assert all(re.search("[\u4e00-\u9fff]", text) for text in spoken)
