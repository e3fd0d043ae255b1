"""Tables of other kinds in a study's file: what they come to, and what is refused in words."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from workbook.language import speaking
from workbook.params.load import StudyError, load
from workbook.review import foresight

STUDY = """
panel: {{source: data.csv, contract: minimal, first_year: 2001, last_year: 2004}}
effects: {{outcome: sales, treatments: pilot, controls: [assets, age]}}
publish: {{secrecy: public}}
samples: {{late: year > 2002}}
tables: {{main: {{columns: [{{}}]}}, one: {{{table}}}}}
"""


@pytest.fixture
def study(tmp_path: Path) -> Any:
    keys = [(unit, year) for unit in range(6) for year in range(2001, 2005)]
    rows = [f"f{i},{t},{i + t % 3},{int(t > 2002 and i < 3)},w{i % 3},{i},{t}" for i, t in keys]
    (tmp_path / "data.csv").write_text(
        "\n".join(["firm_id,year,sales,pilot,wording,assets,age", *rows]), "utf-8"
    )

    def made(table: str) -> dict[str, Any]:
        file = tmp_path / "mine.yaml"
        file.write_text(STUDY.format(table=table), "utf-8")
        return load(str(file)).flat

    return made


def test_a_kind_takes_what_the_study_states(study: Any) -> None:
    tables = {
        kind: study(f"kind: {kind}")["tables"]["one"] for kind in ("describe", "balance", "collinearity")
    }
    assert tables["describe"]["of"] == ["sales", "pilot", "assets", "age"]
    assert tables["balance"]["of"] == ["assets", "age", "sales"]
    assert tables["collinearity"]["of"] == ["pilot", "assets", "age"]
    # Two groups are as they are; what regressors share is beside the effects of the study.
    assert [tables[k]["panels"][0]["columns"][0]["fixed_effects"] for k in ("balance", "collinearity")] == [
        [], ["firm_id", "year"],
    ]  # fmt: skip
    assert tables["balance"]["treatment"] == "pilot"


def test_panels_and_terms_of_a_kind(study: Any) -> None:
    made = study(
        'kind: describe, of: [sales, log(assets + 1)], panels: {A: {head: "All | 全部"}, B: {sample: late}}'
    )
    one = made["tables"]["one"]
    assert one["of"][1] in made["columns"]
    assert [panel["columns"][0]["sample"] for panel in one["panels"]] == [[], ["late"]]
    assert one["heads"] == {"en": "A: All", "zh": "A：全部"} and one["sample"] == []


REFUSED = {
    "kind: describe, stars: [0.1]": ("tables.one.stars", "kind describe takes no 'stars'", "of, panels"),
    "kind: balance, digits: {coef: 2}": ("tables.one.digits", "one number of decimals"),
    "kind: describe, of: [nowhere]": ("tables.one.of", "no column 'nowhere'"),
    "kind: describe, panels: {A: {controls: assets}}": (
        "tables.one.panels.A.controls",
        "takes no 'controls'",
    ),
    "kind: correlate, of: [sales]": ("2 to 30 variables, not of 1",),
    "kind: describe, of: levels(wording)": ("levels(wording): a table of kind describe takes columns",),
    "kind: balance, treatments: [pilot, assets]": ("one treatment of 0 and 1, not 2",),
    "kind: decomposition, controls: []": ("controls that move their coefficients",),
    "kind: balance, errors: clustered, cluster: [a, b, c]": ("no column",),
    "kind: production": ("kind production needs production:",),
    "kind: production, production: {free: assets, state: age, methods: [ols, acf]}": ("acf need a proxy",),
    "columns: [{}], of: [sales]": ("kind regression takes no 'of'",),
    "kind: describe, from: main": ("a copy of main is of its kind, regression",),
    "kind: summary": ("'summary'", "describe"),
}


@pytest.mark.parametrize("table", REFUSED)
def test_what_is_refused_says_why(study: Any, table: str) -> None:
    for language in ("en", "zh"):
        with speaking(language), pytest.raises(StudyError) as caught:
            study(table)
        told = " ".join(caught.value.lines)
        if language == "en":
            assert all(part in told for part in REFUSED[table]), told
        else:
            assert any("\u4e00" <= sign <= "\u9fff" for sign in told), told


def test_words_are_no_numbers_before_a_run(study: Any) -> None:
    """A column of words in a table of numbers is told of before anything runs."""
    rows = pd.DataFrame(
        {"firm_id": ["a", "b"] * 3, "year": [1, 1, 2, 2, 3, 3], "wording": ["w"] * 6, "sales": range(6)}
    )
    parameters = study("kind: describe, of: [sales, wording]")
    told = [one.told for one in foresight._printed(rows, parameters)]
    assert any("wording" in one for one in told), told
