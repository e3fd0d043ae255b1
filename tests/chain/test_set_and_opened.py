"""Tables of a finished study set by LaTeX, its documents opened by LibreOffice: where these are installed."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from openpyxl import load_workbook
from python_calamine import CalamineWorkbook
from runs import Run

from workbook.publish import formats, release
from workbook.publish.built import Built

OVER = 2.0  # points that no reader sees
CLASS = {"en": "article", "zh": "ctexart"}
PACKAGES = "booktabs,array,longtable,threeparttable,siunitx,pdflscape"
PLACES = ("01_panel", "05_effects", "11_tables")
SIX = """
tables:
  main:
    stars: [0.1, 0.05, 0.01]
    columns: [{fixed_effects: []}, {controls: []}, {}, {errors: robust}, {like: reghdfe}, {fixed_effects: [firm_id]}]
    tests: [{equal: grant, of: [2, 3]}]
"""
no_latex = pytest.mark.skipif(
    not shutil.which("xelatex") or not shutil.which("kpsewhich"), reason="no LaTeX here: tables are not set"
)
no_office = pytest.mark.skipif(
    not shutil.which("soffice"), reason="no LibreOffice here: documents are not opened"
)


@pytest.fixture(scope="module")
def six(copied: Callable[[str, str], Run], run: Callable[[str], Run]) -> Run:
    """A study with a table of six columns, put into words and documents."""
    made = copied("jobtraining", Path(run("jobtraining").study).read_text("utf-8") + SIX)
    study = Built(made.folder.name, made.folder, made.manifest)
    release.prepare(study)
    formats.write(study)
    return made


@no_latex
@pytest.mark.parametrize("language", ["en", "zh"])
def test_tables_are_set_within_the_page(language: str, six: Run, tmp_path: Path) -> None:
    if not _has(f"{CLASS[language]}.cls", *(f"{name}.sty" for name in PACKAGES.split(","))):
        pytest.skip("LaTeX here lacks packages: tables are not set")
    files = [f for p in PLACES for f in sorted((six.folder / "spoken" / p / language).glob("*.tex"))]
    assert any(f.stem == "printed-main" for f in files)
    inside = "\n".join(rf"\input{{{file}}}\clearpage" for file in files)
    (tmp_path / "all.tex").write_text(
        rf"\documentclass{{{CLASS[language]}}}\usepackage{{{PACKAGES}}}\begin{{document}}"
        f"\n{inside}\n\\end{{document}}\n",
        encoding="utf-8",
    )
    command = ["xelatex", "-no-pdf", "-interaction=nonstopmode", "-halt-on-error", "all.tex"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, check=False)
    log = (tmp_path / "all.log").read_text(encoding="utf-8", errors="replace")
    assert done.returncode == 0, log[-2000:]
    assert not re.findall(r"Missing character: .*", log)
    wide = [found for found in re.findall(r"Overfull \\hbox \(([\d.]+)pt", log) if float(found) > OVER]
    assert not wide, log[log.index(f"{wide[0]}pt") - 300 :][:900]


@no_office
def test_documents_open_as_they_were_written(six: Run, tmp_path: Path) -> None:
    language = six.manifest["language"]
    folder = six.folder / "export" / language
    text = _converted(folder / "journal.docx", "txt", tmp_path).read_text("utf-8-sig")
    written = load_workbook(folder / "exhibits.xlsx", read_only=True)
    opened = CalamineWorkbook.from_path(str(_converted(folder / "exhibits.xlsx", "ods", tmp_path)))
    assert opened.sheet_names == written.sheetnames
    name = next(
        n for n in written.sheetnames if "11.1" in str(written[n]["A1"].value or written[n]["A2"].value)
    )
    cells = [
        [_digits(c) for c in row if c not in (None, "")] for row in written[name].iter_rows(values_only=True)
    ]
    again = [[_digits(c) for c in row if c != ""] for row in opened.get_sheet_by_name(name).to_python()]
    assert [r for r in again if r] == [r for r in cells if r]
    page = (six.folder / "spoken" / "11_tables" / language / "printed-main.html").read_text("utf-8")
    shown = re.findall(r">(\(?[−-]?\d+\.\d{3}\)?\**)<", page)
    assert len(shown) >= 12
    assert not [cell for cell in shown if cell not in text]


def _digits(cell: Any) -> Any:
    """LibreOffice writes fifteen digits of a number."""
    return float(f"{cell:.12g}") if isinstance(cell, float | int) else cell


def _has(*files: str) -> bool:
    found = subprocess.run(["kpsewhich", *files], capture_output=True, text=True, check=False)
    return len(found.stdout.split()) == len(files)


def _converted(file: Path, kind: str, folder: Path) -> Path:
    own = f"-env:UserInstallation={(folder / 'profile').as_uri()}"
    target = "txt:Text (encoded):UTF8" if kind == "txt" else kind
    command = ["soffice", own, "--headless", "--convert-to", target, "--outdir", str(folder), str(file)]
    subprocess.run(command, capture_output=True, check=True, timeout=240)
    return folder / f"{file.stem}.{kind}"
