"""A study upon another: what is stated comes first, null takes away, findings name the file in which they stand."""

from __future__ import annotations

from pathlib import Path

import pytest

from workbook import paths
from workbook.params.checks.refusals import StudyError
from workbook.params.file.core import yaml
from workbook.params.load import load

BASE = """\
study: {title_en: Base, title_zh: 基础, synthetic: true}
panel: {source: synthetic, min_employees: 8, keep_industries: ["C"]}
columns: {ln_lp: "log_ratio(value_added, employees_avg)", pilot: since(pilot_start_year)}
effects:
  outcome: ln_lp
  treatments: [pilot]
  fixed_effects: [[firm_id], [firm_id, year]]
tables:
  main: {columns: [{}, {fixed_effects: []}, {sample: employees_avg > 100}]}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "foundation.yaml").write_text(BASE, encoding="utf-8")
    return tmp_path


def study(folder: Path, text: str, name: str = "child") -> str:
    file = folder / f"{name}.yaml"
    file.write_text(text, encoding="utf-8")
    return str(file)


def test_mappings_are_merged_lists_replaced_and_null_takes_away(folder: Path) -> None:
    text = (
        "base: foundation.yaml\nstudy: {title_en: Child}\npanel: {min_employees: 50, keep_industries: null}\n"
    )
    found = load(study(folder, text + "tables: {main: {columns: [{errors: robust}]}}\n"))
    assert (found.flat["title_en"], found.flat["title_zh"]) == ("Child", "基础")
    assert (found.flat["min_employees"], found.flat["keep_industries"], found.flat["outcome"]) == (
        50,
        [],
        "ln_lp",
    )
    (column,) = found.flat["tables"]["main"]["panels"][0]["columns"]
    assert (column["errors"], column["fixed_effects"]) == ("robust", ["firm_id", "year"])
    told = next(line for line in found.told if "foundation.yaml" in line)
    assert "panel.min_employees" in told and "tables.main.columns" in told
    assert told.endswith("panel.keep_industries")


def test_a_base_below_study_is_the_same(folder: Path) -> None:
    ways = ("base: foundation.yaml\nstudy: {title: A}", "study: {base: foundation.yaml, title: A}")
    one, other = (load(study(folder, text + "\npanel: {min_employees: 50}\n")) for text in ways)
    assert one.flat == other.flat and other.flat["min_employees"] == 50 and other.flat["outcome"] == "ln_lp"
    with pytest.raises(StudyError, match=r"base = 'nowhere.yaml'"):
        load(study(folder, "study: {base: nowhere.yaml}\n"))


def test_a_text_in_one_line_takes_the_place_of_its_bases(folder: Path) -> None:
    found = load(study(folder, 'base: foundation.yaml\nstudy: {title: "Child | 子研究"}\n'))
    assert (found.flat["title_en"], found.flat["title_zh"]) == ("Child", "子研究")
    told = next(line for line in found.told if "foundation.yaml" in line)
    assert "study.title;" in told and "title_en" not in told


def test_a_base_may_have_a_base(folder: Path) -> None:
    study(folder, "base: foundation.yaml\npanel: {min_employees: 20}\n", "middle")
    found = load(study(folder, "base: middle.yaml\npanel: {first_year: 2014}\n"))
    assert (found.flat["min_employees"], found.flat["first_year"], found.flat["treatments"]) == (
        20,
        2014,
        ["pilot"],
    )


def test_a_finding_names_the_base_in_which_it_stands(folder: Path) -> None:
    with pytest.raises(StudyError, match=r"child\.yaml:1 \(foundation\.yaml:5\): effects\.outcome"):
        load(study(folder, "base: foundation.yaml\ncolumns: {ln_lp: null}\n"))


@pytest.mark.parametrize("name", ["child.yaml", "nowhere.yaml", "../foundation.yaml", "[a]"])
def test_what_is_no_base_is_refused(folder: Path, name: str) -> None:
    with pytest.raises(StudyError, match="base = "):
        load(study(folder, f"base: {name}\n"))


# -- tables: what can be known before there are data ------------------------------------------------------
@pytest.mark.parametrize(
    ("column", "said"),
    [
        ("{controls: employes_avg}", r"columns\.4\.controls: no column 'employes_avg'.*employees_avg"),
        ("{sample: statee}", r"columns\.4\.sample: no sample 'statee'"),
        ("{sample: 'employees_avg >'}", r"columns\.4\.sample: .* no condition"),
        ("{like: xtreg, errors: robust}", r"columns\.4\.like: column 4: xtreg clusters"),
        ("{estimator: iv}", r"columns\.4\.iv: column 4"),
        ("{estimator: logit, weights: employees_avg}", r"columns\.4\.weights: column 4"),
        ("{estimator: poisson, errors: driscoll_kraay}", r"columns\.4\.errors: column 4: no engine"),
        ("{cluster: [firm_id, year, district]}", r"columns\.4\.cluster: column 4: 3 columns"),
    ],
)
def test_a_column_that_cannot_be_is_named_with_its_place(folder: Path, column: str, said: str) -> None:
    text = BASE.replace("{sample: employees_avg > 100}", f"{{sample: employees_avg > 100}}, {column}")
    with pytest.raises(StudyError, match=r"child\.yaml:9: tables\.main\." + said):
        load(study(folder, text))


def test_copies_products_steps_and_what_is_kept(folder: Path) -> None:
    tables = """\
tables:
  first: {controls: [employees_avg], columns: [{controls: [..., fixed_assets_net]}, {add: value_added}]}
  copy: {from: first, swap: {employees_avg: log(employees_avg)}}
  product: {columns: {outcome: [ln_lp, value_added], cluster: [firm_id, year]}}
  steps: {columns: {steps: [[], employees_avg, [fixed_assets_net]]}}
"""
    made = load(study(folder, BASE.partition("tables:")[0] + tables)).flat["tables"]
    first, copy, product, steps = ([c for p in made[n]["panels"] for c in p["columns"]] for n in made)
    assert [c["controls"] for c in first] == [
        ["employees_avg", "fixed_assets_net"],
        ["employees_avg", "fixed_assets_net", "value_added"],
    ]
    assert (
        copy[0]["controls"][0].startswith("x_log_employees_avg")
        and copy[0]["controls"][1] == "fixed_assets_net"
    )
    assert [(c["outcome"], c["cluster"]) for c in product] == [
        (outcome, [cluster]) for outcome in ("ln_lp", "value_added") for cluster in ("firm_id", "year")
    ]
    assert [c["controls"] for c in steps] == [[], ["employees_avg"], ["employees_avg", "fixed_assets_net"]]


SMALL = """
study: {title_en: Pilots}
base: other.yaml
panel: {source: export.csv}
columns: {ln_lp: log(value_added / employees_avg), size: {is: log(employees_avg)}}
lists: {soe: ["110"]}
samples: {state: reg_type in soe}
where: year > 2012
names: {state: State firms | 国有企业}
effects: {outcome: ln_lp, treatments: pilot, controls: [size, lag(size)]}
tables: {main: {columns: [{fixed_effects: []}, {controls: lev}, {add: [a*b]}]}, two: {columns: {outcome: [a, b]}}}
grid: {vary: {effects.controls: {none: [], size: [size]}}, result: {table: main}}
"""


def test_editors_know_every_key_of_a_file() -> None:
    """The schema takes what the reader takes: the bundled studies, the guides' examples, short forms, keys at the top."""
    import json
    import re

    import jsonschema

    schema = json.loads((paths.PARAMS / "schema.json").read_text("utf-8"))
    known = jsonschema.Draft202012Validator(schema)
    texts = [file.read_text("utf-8") for file in paths.PARAMS.glob("*.yaml")] + [SMALL]
    for guide in ("tables.md", "grid.md", "expressions.md"):
        texts += re.findall(r"```yaml\n(.*?)```", (paths.ROOT / "docs" / guide).read_text("utf-8"), re.S)
    for text in texts:
        assert [f"{list(e.absolute_path)}: {e.message}" for e in known.iter_errors(yaml().load(text))] == []
    for wrong in ("tabels: {}", "base: 3", "tables: {main: {colums: []}}", "grid: {vari: {}}"):
        assert list(known.iter_errors(yaml().load(wrong))), wrong


def test_texts_of_both_languages_stand_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "one.yaml").write_text(
        "study: {title: Pilots | 试点, data: Bureau, synthetic: true}\n", encoding="utf-8"
    )
    (tmp_path / "two.yaml").write_text("base: one.yaml\nstudy: {title: Others | 其他}\n", encoding="utf-8")
    one, two = (load(str(tmp_path / f"{name}.yaml")).parameters.study for name in ("one", "two"))
    assert (one.title_en, one.title_zh) == ("Pilots", "试点")
    assert (one.data_en, one.data_zh) == ("Bureau", "Bureau")
    assert (two.title_en, two.title_zh, two.data_en) == ("Others", "其他", "Bureau")
