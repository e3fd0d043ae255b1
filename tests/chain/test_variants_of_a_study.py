"""Variants of a study: made without kernels, equal to what kernels make; a failed one stops no other; the page."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

import languages
import pandas as pd
import pytest
from runs import Run, few, fusion

from workbook import paths

NEEDED = ["01_panel", "02_classification", "03_indicators", "04_description", "05_effects"]
NOTEBOOKS = [*NEEDED, "12_variants"]
GRID = """
grid:
  vary:
    effects.controls: {"both | 两者": [ln_employees, ln_capital_labour], "none | 无": []}
    where: {"all | 全部": null, "no rows | 无行": "operating_revenue < 0"}
  called: {effects.controls: Controls | 控制变量, where: Rows | 行}
"""


def digests(folder: Path) -> dict[str, str]:
    return {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in folder.glob("*.parquet")}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = tmp_path_factory.mktemp("variants")
    text = (paths.PARAMS / "smoke.yaml").read_text("utf-8")
    text = few(text, study={"notebooks": NOTEBOOKS}, printed={}).replace("tables:", "x_tables:")
    file = folder / "own.yaml"
    file.write_text(text.partition("x_tables:")[0] + GRID, encoding="utf-8")
    done = fusion(folder / "build", folder / "site", "grid", str(file), "--site")
    assert done.returncode == 1, done.stdout + done.stderr  # two variants keep no row
    assert "4 variants, 2 without a number" in done.stdout
    return Run(str(file), folder / "build", folder / "site", done.stdout)


def test_the_page_says_what_each_variant_found_and_which_failed(made: Run) -> None:
    variants = pd.read_parquet(made.folder / ".variants" / "variants.parquet")
    assert variants["status"].tolist() == ["done", "failed", "done", "failed"]
    assert variants["reason_zh"].str.contains("[\u4e00-\u9fff]").tolist() == [False, True, False, True]
    shown = made.exhibits[made.exhibits["notebook"] == "12_variants"].set_index("id")["kind"].to_dict()
    assert shown == {
        "curve": "figure",
        "variants": "table",
        "failed": "table",
        "shares": "table",
        "moves": "table",
    }
    shares = pd.read_parquet(made.folder / "12_variants" / "shares.frame.parquet")
    sums = shares.groupby("number")["share"].sum()
    assert sums.to_numpy() == pytest.approx(1) and "estimate" in sums
    estimates = pd.read_parquet(made.folder / "05_effects" / "estimates.parquet")
    assert variants.loc[0, "estimate"] in set(estimates["estimate"])


def test_the_page_speaks_each_language(made: Run) -> None:
    for language in ("en", "zh"):
        found = languages.offences(made.site, language, "own", made.manifest["parameters"])
        assert not [line for line in found if "12_variants" in line]


def test_outputs_without_a_kernel_are_those_of_the_notebooks_to_the_byte(made: Run, tmp_path: Path) -> None:
    before = {name: digests(made.folder / name) for name in NEEDED}
    alone = fusion(tmp_path / "build", tmp_path / "site", "grid", made.study, "--alone")
    assert alone.returncode == 1, alone.stdout + alone.stderr
    for name in NEEDED:  # nothing of the study's own run was there to be taken
        kept = [digests(folder) for folder in (tmp_path / "build/own/.variants/kept" / name).iterdir()]
        assert any(one and one.items() <= before[name].items() for one in kept), name
    shutil.rmtree(tmp_path / "build" / "own" / ".variants" / "kept" / "05_effects")
    again = fusion(tmp_path / "build", tmp_path / "site", "grid", made.study, "--alone")
    assert "; 2 notebooks made" in again.stdout.replace("without a number; ", "; "), again.stdout
    first, second = (
        pd.read_parquet(b / "own/.variants/variants.parquet") for b in (made.build, tmp_path / "build")
    )
    pd.testing.assert_frame_equal(first, second)
