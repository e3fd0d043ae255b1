"""Publishing fails closed, and says which cell of which exhibit."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pandas as pd
import pytest

from workbook.publish import site
from workbook.publish.built import Built
from workbook.publish.disclosure import DisclosureError, gate


def study(root: Path, exhibits: dict[str, tuple[str, list[list[str]]]], **parameters: object) -> Built:
    """A built study with these tables: id -> (notebook, rows)."""
    records = {}
    rows = []
    for name, (notebook, lines) in exhibits.items():
        (root / notebook).mkdir(parents=True, exist_ok=True)
        with (root / notebook / f"{name}.csv").open("w", encoding="utf-8", newline="") as stream:
            csv.writer(stream).writerows(lines)
        rows.append({"id": name, "kind": "table", "number": "1.1"})
        (root / notebook / "done.json").write_text(json.dumps({"exhibits": rows}), encoding="utf-8")
        records[notebook] = {"status": "done", "outputs": {}}
        (root / f"{notebook}.ipynb").write_text('{"cells": []}', encoding="utf-8")
    manifest = {"study": "s", "parameters": {"secrecy": "rules", **parameters}, "notebooks": records}
    (root / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    return Built("s", root, manifest)


SAFE = ("04_description", [["Cohort", "Firms"], ["2017", "96"], ["2018", "0"]])
SMALL = ("04_description", [["Cohort", "Firms"], ["2017", "96"], ["2018", "2"]])


def test_a_small_cell_is_named(tmp_path: Path) -> None:
    with pytest.raises(
        DisclosureError, match=r"04\.cohorts, row '2018', column 'Firms': 2 units, fewer than 3"
    ):
        gate.check(study(tmp_path, {"cohorts": SMALL}))


def test_what_is_safe_passes_and_the_record_says_by_which_rules(tmp_path: Path) -> None:
    built = study(tmp_path, {"cohorts": SAFE})
    gate.release(built)
    record = json.loads((tmp_path / gate.RECORD).read_text("utf-8"))
    assert record["exhibits"] == {"04.cohorts": "counts"} and "at least 3 units" in record["rules"]
    assert gate.check(study(tmp_path, {"cohorts": SMALL}, min_units=2))["exhibits"] == {
        "04.cohorts": "counts"
    }


def test_what_nobody_judged_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DisclosureError, match=r"04\.mine: not in the register"):
        gate.check(study(tmp_path, {"mine": SAFE}))


def test_a_table_without_its_counts_cannot_be_judged(tmp_path: Path) -> None:
    table = ("04_description", [["Cohort", "Mean"], ["2017", "96"]])
    with pytest.raises(DisclosureError, match="none of its columns or rows counts units"):
        gate.check(study(tmp_path, {"cohorts": table}))


def test_identifiers_are_found_wherever_they_stand_and_not_repeated(tmp_path: Path) -> None:
    built = study(tmp_path, {"cohorts": SAFE})
    (tmp_path / "01_panel").mkdir()
    pd.DataFrame({"firm_id": ["91310000MA1K3X0001", "2017"]}).to_parquet(
        tmp_path / "01_panel" / "panel.parquet"
    )
    assert gate.check(built)["identifiers"] == {"known": 1, "files_scanned": 2, "found": 0}
    told = built.executed("04_description")
    told.parent.mkdir(parents=True)
    told.write_text('{"x": "firm 91310000MA1K3X0001 fell"}', encoding="utf-8")
    with pytest.raises(DisclosureError, match=r"04_description\.ipynb: holds the firm identifier") as error:
        gate.check(built)
    assert "91310000MA1K3X0001" not in str(error.value)


def test_public_rows_pass(tmp_path: Path) -> None:
    assert gate.check(study(tmp_path, {"mine": SMALL}, secrecy="public"))["secrecy"] == "public"


def test_the_site_is_not_built_and_an_old_release_is_withdrawn(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    build = tmp_path / "build"
    built = study(build / "s", {"cohorts": SMALL})
    (built.root / gate.RECORD).write_text("{}", encoding="utf-8")
    (built.root / "manifest.json").touch()
    monkeypatch.setenv("FUSION_BUILD", str(build))
    monkeypatch.setenv("FUSION_SITE", str(tmp_path / "site"))
    with pytest.raises(site.SiteError, match=r"04\.cohorts, row '2018'"):
        site.build()
    assert not (tmp_path / "site").exists() and not (built.root / gate.RECORD).exists()


def test_the_register_refuses_words_it_does_not_know(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "exhibits.csv"
    file.write_text("exhibit,holds,counts,drawn_from,why\n01.x,secrets,,,\n", encoding="utf-8")
    monkeypatch.setattr(gate, "REGISTER", file)
    gate.register.cache_clear()
    with pytest.raises(DisclosureError, match=r"line 2: holds = 'secrets'; allowed: words"):
        gate.register()
    gate.register.cache_clear()
