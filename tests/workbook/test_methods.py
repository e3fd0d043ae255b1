"""The methods section says what was run and nothing else, in both languages, with references that exist."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from workbook.params.load import load
from workbook.publish.built import Built
from workbook.review import methods
from workbook.run import chain

PACKAGES = {"pandas": "3.1", "duckdb": "1.5", "pyfixest": "0.60", "linearmodels": "7.1"}


def study(root: Path, language: str, notebooks: list[str], **changes: object) -> Built:
    """The default study as if it had been run."""
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
    labels = {"en": ("Log product", "Pilot", "min–max"), "zh": ("对数产出", "试点", "极差")}[language]
    for fact in ("24,504", "22,925", "2,815", *labels, "abcdef0123", "Goodman-Bacon"):
        assert fact in text, fact
    assert "ln_lp" not in text and "minmax" not in text and "firm_id" not in text


def test_what_did_not_run_is_not_claimed(tmp_path: Path) -> None:
    text = methods.section(study(tmp_path, "en", ["01_panel"]))
    assert "regressed" not in text and "References" not in text and "seed 1" in text
    text = methods.section(study(tmp_path, "en", ["01_panel", "05_effects"], outcome=None))
    assert "regressed" not in text


def test_a_choice_changes_the_text(tmp_path: Path) -> None:
    first = methods.section(study(tmp_path, "en", ["01_panel", "05_effects"]))
    second = methods.section(
        study(tmp_path, "en", ["01_panel", "05_effects"], singletons="keep", cluster="division")
    )
    assert "alone in an effect" in first and "alone in an effect" not in second
    assert "clustered by industry" in second


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
