"""The real study reproduces the published tables through the notebooks (Wooldridge 2010, examples 10.4–10.6)."""

from __future__ import annotations

from collections.abc import Callable

import languages
import pandas as pd
import pytest
from runs import Run

from workbook.publish import spoken

# Estimate and standard error as printed, to three decimals.
PUBLISHED = {
    ("firm_id + year", "unadjusted", "grant"): (-0.252, 0.151),
    ("firm_id + year", "unadjusted", "grant_1"): (-0.422, 0.210),
    ("firm_id + year", "clustered, no correction", "grant"): (-0.252, 0.140),
    ("firm_id + year", "clustered, no correction", "grant_1"): (-0.422, 0.276),
    ("random_effects", "unadjusted", "grant"): (-0.215, 0.148),
    ("random_effects", "unadjusted", "grant_1"): (-0.377, 0.205),
    ("random_effects", "unadjusted", "union"): (0.548, 0.411),
    ("first_differences", "unadjusted", "grant"): (-0.223, 0.131),
    ("first_differences", "unadjusted", "grant_1"): (-0.351, 0.235),
}
HALF_A_DIGIT = 5e-4


@pytest.fixture(scope="module")
def real(sited: Callable[[str], Run]) -> Run:
    return sited("jobtraining")


@pytest.fixture(scope="module")
def estimates(real: Run) -> pd.DataFrame:
    return pd.read_parquet(real.folder / "05_effects" / "estimates.parquet")


@pytest.mark.parametrize("key", PUBLISHED, ids=" ".join)
def test_published_number(estimates: pd.DataFrame, key: tuple[str, str, str]) -> None:
    spec, covariance, term = key
    rows = estimates.set_index(["spec", "covariance", "term"]).loc[[(spec, covariance, term)]]
    assert len(rows) >= 1
    assert (rows["estimate"] - PUBLISHED[key][0]).abs().max() <= HALF_A_DIGIT
    assert (rows["std_error"] - PUBLISHED[key][1]).abs().max() <= HALF_A_DIGIT


def test_sample_is_the_published_one(estimates: pd.DataFrame) -> None:
    ladder = estimates[(estimates["spec"] == "firm_id + year") & (estimates["term"] == "grant")]
    assert set(ladder["n"]) == {162}


def test_what_the_data_lack_is_left_out_and_says_so(real: Run) -> None:
    left = real.exhibits.query("kind == 'left_out'")
    assert {"coverage", "indicators", "cohorts", "truth"} <= set(left["id"])
    assert (left["note_en"] != "").all()


def test_no_word_is_in_the_wrong_language(real: Run) -> None:
    """What is left out gives its reasons on pages that the smoke study does not have."""
    for language in ("en", "zh"):
        found = languages.offences(real.site, language, "my_jobtraining", real.manifest["parameters"])
        assert found == [], "\n".join(found[:30])
    unknown = {name: spoken.load(real.folder, name)["unknown"] for name in real.manifest["notebooks"]}
    assert not any(unknown.values()), unknown


def test_its_methods_section_claims_no_codes_and_no_indicators(real: Run) -> None:
    for language, gone in {
        "en": ("Industry codes", "services", "ndicators", "chain", "entropy", "Instruments", "Groups"),
        "zh": ("行业代码", "服务业", "指标", "链", "熵", "工具变量", "分组"),
    }.items():
        text = (real.folder / "export" / language / "methods.md").read_text("utf-8").split("## ")[0]
        assert "linearmodels 7" in text and [word for word in gone if word in text] == []


def test_nothing_is_called_synthetic(real: Run) -> None:
    assert real.manifest["synthetic"] is False
    assert not (real.folder / "01_panel" / "truth.parquet").exists()
