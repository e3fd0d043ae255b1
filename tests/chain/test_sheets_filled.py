"""Every field of every sheet is filled in both languages, on each bundled study; nothing is shown that no sheet declares."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from runs import Run

from workbook.exhibits import sheets
from workbook.exhibits.sheets import LANGUAGES

STUDIES = ["smoke", "jobtraining", "sectors", "shanghai"]


@pytest.mark.parametrize("study", STUDIES)
def test_every_text_is_filled_in_both_languages(run: Callable[[str], Run], study: str) -> None:
    done = run(study)
    put = done.fusion("site")
    assert put.returncode == 0, put.stdout + put.stderr
    assert "left out" not in put.stderr
    for notebook, record in done.manifest["notebooks"].items():
        assert record["status"] == "done"
        made = json.loads((done.folder / "spoken" / notebook / "record.json").read_text("utf-8"))
        assert [e["id"] for e in made["exhibits"]] != []
        assert {e["id"] for e in made["exhibits"]} == set(sheets.sheet(notebook).exhibits)
        for exhibit in made["exhibits"]:
            for language in LANGUAGES:
                texts = exhibit[language]
                where = f"{study} {notebook} {exhibit['id']} {language}"
                assert texts["title"] and texts["name"], where
                assert not exhibit["lacks"] or texts["note"].rstrip().endswith((".", "。")), where
                open_field = [part for part in texts.values() if "{" in str(part) or "None" in str(part)]
                assert open_field == [], where
