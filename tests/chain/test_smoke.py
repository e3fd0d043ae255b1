"""The whole chain on a small synthetic panel: what it leaves, what runs again, what bad choices say."""

from __future__ import annotations

import fnmatch
import re
import resource
import subprocess
from collections.abc import Callable
from pathlib import Path

import languages
import nbformat
import pandas as pd
import pytest
import reading
import wordings
from runs import FULL, MAIN, Run, few

from workbook import paths
from workbook.exhibits import sheets
from workbook.publish import spoken
from workbook.publish.built import ABSENT, EXPORTS, REVIEW
from workbook.run import chain

NAMES = [s.notebook for s in chain.chain()]


@pytest.fixture(scope="module")
def made(sited: Callable[[str], Run]) -> Run:
    return sited(MAIN)


@pytest.fixture(scope="module")
def mine(copied: Callable[[str, str], Run]) -> Run:
    """A copy to change."""
    text = (paths.PARAMS / f"{MAIN}.yaml").read_text("utf-8")
    return copied(MAIN, text if FULL else few(text))


def test_every_notebook_finished(made: Run) -> None:
    notebooks = made.manifest["notebooks"]
    assert [n for n, r in notebooks.items() if r["status"] == "done"] == NAMES
    # The default study asks for no tables of its own and lists no variants: these notebooks are left out with their reason.
    lacks = {n: r["lacks"] for n, r in notebooks.items() if "lacks" in r}
    assert lacks == {"11_tables": "tables", "12_variants": "grid", "13_designs": "designs"}
    for name in NAMES:
        cells = nbformat.read(made.folder / f"{name}.ipynb", as_version=4).cells
        ran = bool(cells[-1].execution_count)
        assert ran == ("lacks" not in notebooks[name]), f"the last cell of {name}"


def test_every_exhibit_is_on_disk(made: Run) -> None:
    exhibits = made.exhibits
    assert list(exhibits.columns[:2]) == ["id", "kind"] and len(exhibits) > 15
    assert not exhibits.duplicated(["notebook", "id"]).any()
    endings = {"table": ("tex", "html"), "figure": ("svg", "png", "pdf", "html")}
    for row in exhibits[exhibits["kind"].isin(endings)].itertuples():
        assert (made.folder / row.notebook / f"{row.id}.frame.parquet").is_file(), row.id
        place = made.folder / "spoken" / row.notebook
        forms = [
            place / language / f"{row.id}.{end}" for language in ("en", "zh") for end in endings[row.kind]
        ]
        for file in [place / f"{row.id}.csv", *forms]:
            assert file.stat().st_size > 0, file
    for row in exhibits[exhibits["kind"] == "file"].itertuples():
        assert any(f.stat().st_size for f in (made.folder / row.notebook).glob(f"{row.id}.*")), row.id
    assert (exhibits[["title_en", "title_zh"]] != "").all().all()


def test_progress_is_one_plain_line_a_notebook(made: Run) -> None:
    for name in NAMES:
        assert len(re.findall(rf"^\[\d+/{len(NAMES)}\] {name}\b.*$", made.log, re.M)) == 1
    assert "\r" not in made.log


def test_the_site_is_built_and_says_synthetic(made: Run) -> None:
    pages = list(made.site.rglob("*.html"))
    assert (made.site / "index.html") in pages
    for language, word in (("en", "ynthetic"), ("zh", "合成数据")):
        own = list((made.site / language / f"my_{MAIN}").glob("*.html"))
        assert len(own) == len(NAMES) + 1
        assert all(word in p.read_text("utf-8") for p in own)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_no_word_is_in_the_wrong_language(made: Run, language: str) -> None:
    """Pages, figures, documents, notebooks, and the titles that the search finds."""
    found = languages.offences(made.site, language, f"my_{MAIN}", made.manifest["parameters"])
    assert found == [], "\n".join(found[:30])
    kinds = {file.suffix for file, texts in reading.texts(made.site, language) if any(texts)}
    assert kinds == {".html", ".js", ".svg", ".docx", ".xlsx", ".tex", ".md", ".ipynb"}, (
        "nothing was read in some"
    )


@pytest.mark.parametrize("language", ["en", "zh"])
def test_no_sentence_or_number_trips_its_reader(made: Run, language: str) -> None:
    """Pages and the documents made of exhibits; code and the notebooks' own files are for who reads code."""
    kept = (
        (file, texts)
        for file, texts in reading.texts(made.site, language)
        if file.suffix == ".html" or file.name in EXPORTS
    )
    found = [
        f"{file.name}: {fault}" for file, texts in kept for text in texts for fault in wordings.faults(text)
    ]
    assert found == [], "\n".join(found[:30])


def test_what_only_reviewers_ask_for_stands_on_their_page(made: Run) -> None:
    """Hashes, Sobol's indices, other schemes and errors in circulation; their old places lead there."""
    kinds = made.exhibits.set_index(["notebook", "id"])["kind"]
    theirs = [
        (name, id)
        for name in NAMES
        for id, one in sheets.sheet(name).exhibits.items()
        if one.reviewers and kinds.get((name, id)) not in (None, *ABSENT)
    ]
    assert {"method_record", "choices", "index_errors", "coverage_far"} <= {id for _, id in theirs}
    for language in ("en", "zh"):
        folder = made.site / language / f"my_{MAIN}"
        review = (folder / f"{REVIEW}.html").read_text("utf-8")
        for name, id in theirs:
            own = (folder / f"{name}.html").read_text("utf-8")
            assert review.count(f'id="exhibit-{id}"') == 1
            assert f'<li id="exhibit-{id}"><a href="{REVIEW}.html#exhibit-{id}">' in own
            assert f'class="fusion-exhibit" id="exhibit-{id}"' not in own
    own = (made.site / "en" / f"my_{MAIN}" / "03_indicators.html").read_text("utf-8")
    assert "The record of the method" not in own and "SHA-256 of the scores" not in own
    assert "What differences of rank come from" in own, "other sections stay"


def test_no_page_is_heavy(made: Run) -> None:
    """300 kB without pictures, which lie beside the pages."""
    sizes = {f.relative_to(made.site).as_posix(): f.stat().st_size for f in made.site.rglob("*.html")}
    assert {name: size for name, size in sizes.items() if size > 300_000} == {}


def test_every_code_has_a_word(made: Run) -> None:
    unknown = {name: spoken.load(made.folder, name)["unknown"] for name in NAMES}
    assert not any(unknown.values()), unknown


def test_no_path_of_this_machine_leaves(made: Run) -> None:
    for file in [*made.site.rglob("*.html"), made.folder / "manifest.json", made.folder / "exhibits.csv"]:
        assert str(paths.ROOT) not in file.read_text("utf-8"), file


def test_estimates_have_two_engines_that_agree(made: Run) -> None:
    estimates = pd.read_parquet(made.folder / "05_effects" / "estimates.parquet")
    assert {"linearmodels", "pyfixest"} <= set(estimates["engine"])


def test_what_is_written_empty_has_the_columns_of_what_is_written_else(made: Run) -> None:
    for step in chain.chain():
        for name, columns in step.empty.items():
            table = pd.read_parquet(made.folder / step.notebook / f"{name}.parquet")
            assert [c for c in table if c != "truth"] == columns  # known of synthetic data alone


def test_what_a_study_may_name_is_what_is_made(made: Run) -> None:
    for notebook, name in (("02_classification", "classified"), ("03_indicators", "indicators")):
        patterns = chain.step(notebook).columns
        columns = set(pd.read_parquet(made.folder / notebook / f"{name}.parquet")) - {"firm_id", "year"}
        assert [c for c in columns if not any(fnmatch.fnmatchcase(c, p) for p in patterns)] == []
        unmet = [p for p in patterns if not fnmatch.filter(columns, p)]
        # Too few firms; no input-output table; no index of its own; no sales of service modes.
        assert set(unmet) <= {
            "tfp_*",
            "markup",
            "upstream_*",
            "downstream_*",
            "io_sector",
            "own_index",
            "mode_share",
        }


def test_nothing_to_do_is_quick(mine: Run) -> None:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    again = mine.fusion("run", mine.study)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert again.returncode == 0 and again.stdout.count("up to date") >= len(NAMES)
    # Two seconds is the promise on an idle machine. Time of the processor, since a busy machine makes the clock run on,
    # and half as much again, since its caches are shared then.
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < 3


def test_a_parameter_of_the_last_notebook_runs_only_that(mine: Run) -> None:
    file = Path(mine.study)
    text = file.read_text("utf-8")
    assert text.count("  statements:\n") == 1
    more = '  statements:\n    "39": {en: In the repository., zh: 在代码库中。}\n'
    file.write_text(text.replace("  statements:\n", more), encoding="utf-8")
    again = mine.fusion("run", mine.study)
    assert again.returncode == 0, again.stdout + again.stderr
    assert len(re.findall(r"^\[.*up to date", again.stdout, re.M)) == len(NAMES) - 1
    assert re.search(r"10_audit +done", again.stdout)


def varied(mine: Run, folder: Path, treatment: str) -> subprocess.CompletedProcess[str]:
    """Run it with another treatment."""
    file = folder / Path(mine.study).name
    text = Path(mine.study).read_text("utf-8")
    assert "treatments: [pilot]" in text
    file.write_text(text.replace("treatments: [pilot]", f"treatments: [{treatment}]"), encoding="utf-8")
    return mine.fusion("run", str(file))


def test_a_treatment_that_never_varies(mine: Run, tmp_path: Path) -> None:
    """The notebook that meets it stops with the reason, and what comes after is not run."""
    failed = varied(mine, tmp_path, "est_year")
    output = failed.stdout + failed.stderr
    assert failed.returncode == 1 and all(w in output for w in ("treatments", "est_year", "never varies")), (
        output
    )
    assert (mine.folder / "04_description.failed.ipynb").is_file()
    assert not (mine.folder / "05_effects.ipynb").is_file() or "skipped" in output


def test_a_treatment_that_cannot_be_there_is_refused_before_anything_runs(mine: Run, tmp_path: Path) -> None:
    refused = varied(mine, tmp_path, "pilott")
    assert refused.returncode == 2 and refused.stdout == ""
    assert all(w in refused.stderr for w in ("effects.treatments", "'pilott'", "'pilot'")), refused.stderr
