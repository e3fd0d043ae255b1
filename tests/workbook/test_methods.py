"""The methods section says what was run and nothing else, in both languages, with references that exist."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

from workbook.exhibits import record, sheets
from workbook.params.load import load
from workbook.publish.built import Built
from workbook.review import methods
from workbook.run import chain

PACKAGES = {"pandas": "3.1", "duckdb": "1.5", "pyfixest": "0.60", "linearmodels": "7.1"}


def study(
    root: Path, language: str, notebooks: list[str], lacks: frozenset[str] = frozenset(), **changes: object
) -> Built:
    """The default study as if it had been run, without the exhibits (``02.mapping``) that it lacks."""
    parameters = load("shanghai").flat | {"notebooks": notebooks, "language": language} | changes
    (root / "01_panel").mkdir(exist_ok=True)
    flow = {"rows": [24504, 22925], "firms": [3000, 2815]}
    pd.DataFrame(flow).to_parquet(root / "01_panel" / "sample_flow.parquet")
    labels = {
        "column": ["ln_lp", "pilot"],
        "label_en": ["Log product", "Pilot"],
        "label_zh": ["对数产出", "试点"],
    }
    pd.DataFrame(labels).assign(unit="").to_parquet(root / "01_panel" / "codebook.parquet")
    for name in notebooks:
        (root / f"{name}.ipynb").write_text("{}", encoding="utf-8")
        (root / name).mkdir(exist_ok=True)
        made = {
            id: record.Record(
                name, id, "table", "1", lacks="x" if f"{name[:2]}.{id}" in lacks else ""
            ).entry()
            for id in sheets.sheet(name).exhibits
        }
        (root / name / "done.json").write_text(json.dumps({"exhibits": list(made.values())}), "utf-8")
    if "03_indicators" in notebooks:
        weights = pd.DataFrame({"code": ["A1", "A2", "B1"], "chain": ["industry", "industry", "value"]})
        weights.to_parquet(root / "03_indicators" / "weights.frame.parquet")
    manifest = {
        "study": "shanghai", "language": language, "parameters": parameters, "seed": 1,
        "environment": {"python": "3.11", "packages": PACKAGES}, "git": {"commit": "abcdef0123456"},
        "notebooks": {name: {"status": "done"} for name in notebooks},
    }  # fmt: skip
    return Built("shanghai", root, manifest)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_sentence_can_be_written(tmp_path: Path, language: str) -> None:
    every = [step.notebook for step in chain.chain()]
    text = methods.section(study(tmp_path, language, every))
    assert "{" not in text and "None" not in text
    labels = {
        "en": ("Log product", "Pilot", "min–max", "Indicators (3, on 2 chains)"),
        "zh": ("对数产出", "试点", "极差", "2 条链共 3 个指标"),
    }[language]
    for fact in ("24,504", "22,925", "2,815", *labels, "abcdef0123", "Goodman-Bacon"):
        assert fact in text, fact
    assert "ln_lp" not in text and "minmax" not in text and "firm_id" not in text


def test_what_did_not_run_is_not_claimed(tmp_path: Path) -> None:
    text = methods.section(study(tmp_path, "en", ["01_panel"]))
    assert "Outcome:" not in text and "References" not in text and "seed 1" in text


@pytest.mark.parametrize("language", ["en", "zh"])
def test_what_the_data_lacked_is_not_claimed(tmp_path: Path, language: str) -> None:
    """A notebook that is done claims only the exhibits that it made, in words and in references."""
    every = [step.notebook for step in chain.chain()]
    whole = methods.section(study(tmp_path, language, every))
    lost = {
        "02.mapping": "4754-2017",
        "03.weights": {"en": "Indicators (3", "zh": "个指标"}[language],
        "05.ladder": "pyfixest",
        "06.honest": "Rambachan",
        "07.balanced": "Hainmueller",
        "07.gmm": "Windmeijer",
        "08.differences": "Romano",
        "09.gaps": "Rubin, D",
    }
    for exhibit, words in lost.items():
        text = methods.section(study(tmp_path, language, every, frozenset({exhibit})))
        assert words in whole and words not in text, exhibit
        assert len(text) < len(whole)


def test_a_choice_changes_the_text(tmp_path: Path) -> None:
    first = methods.section(study(tmp_path, "en", ["01_panel", "05_effects"]))
    second = methods.section(
        study(tmp_path, "en", ["01_panel", "05_effects"], singletons="keep", cluster="division")
    )
    assert "alone in an effect" in first and "alone in an effect" not in second
    assert "clustered by industry" in second


def test_sentences_speak_of_exhibits_that_are_declared() -> None:
    for entry in methods._sentences():
        assert set(entry.get("shown") or []) <= set(sheets.sheet(entry["notebook"]).exhibits), entry["en"]


def test_bad_templates_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(methods, "FOLDER", tmp_path)
    (tmp_path / "references.csv").write_text("key,reference\n", encoding="utf-8")
    for text, message in (
        ("[{notebook: 01_panel, en: '{nothing}', zh: x, cites: []}]", "no parameter or fact nothing"),
        ("[{notebook: 01_panel, en: x, zh: x, cites: [nobody]}]", "lacks nobody"),
        ("[{notebook: 01_panel, en: x, zh: x, cites: [], wen: 1}]", "unknown keys wen"),
    ):
        (tmp_path / "methods.yaml").write_text(text, encoding="utf-8")
        with pytest.raises(methods.MethodsError, match=message):
            methods.section(study(tmp_path, "en", ["01_panel"]))
