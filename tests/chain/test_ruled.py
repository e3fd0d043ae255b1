"""A twin of the default study whose units were promised secrecy is published, and nothing of single units with it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pandas as pd
import pytest
from runs import FULL, MAIN, Run, few

from workbook import paths
from workbook.exhibits import sheets
from workbook.publish.secrecy.words import say

SINGLE = {
    *("01.doubt_totals", "01.growth_parts"),
    *("03.rank_intervals", "04.top", "09.gaps", "09.cards", "09.cards_chains"),
    *("09.conclusions", "09.report"),
}


@pytest.fixture(scope="module")
def ruled(copied: Callable[[str, str], Run]) -> Run:
    text = (paths.PARAMS / f"{MAIN}.yaml").read_text("utf-8").replace("secrecy: public", "secrecy: rules")
    assert "secrecy: rules" in text
    done = copied(MAIN, text if FULL else few(text))
    said = done.fusion("site")
    assert said.returncode == 0, said.stdout + said.stderr
    (done.build / "said.txt").write_text(said.stderr, encoding="utf-8")
    return done


def released(ruled: Run) -> dict[str, object]:
    return dict(json.loads((ruled.folder / "release.json").read_text("utf-8")))


def test_it_is_published_in_both_languages_with_what_is_left_out_named(ruled: Run) -> None:
    record = released(ruled)
    assert record["secrecy"] == "rules" and set(record["rules"]) == {"en", "zh"}  # type: ignore[call-overload]
    left_out, said = record["left_out"], ruled.said
    assert isinstance(left_out, dict) and set(left_out) >= {"02.actors", "09.bureau"}
    assert all(name in said for name in left_out), "each is named in the terminal"
    assert said.count("; mend: ") <= 8 < len(left_out) and "all reasons: " in said, "no longer than a screen"
    # A reason must not tell the count that it hides.
    assert not re.search(r"\b[12] units\b|[仅有] ?[12] 个单位", json.dumps(left_out, ensure_ascii=False))
    pages = {one: ruled.site / one / f"my_{MAIN}" for one in ("en", "zh")}
    ends = {
        "en": ("What was left out, and why", "internal use only", "Withheld: "),
        "zh": ("略去的内容及原因", "仅供内部使用", "未发布："),
    }
    for language, (head, why, withheld) in ends.items():
        page = (pages[language] / "09_evaluation.html").read_text("utf-8")
        before, _, after = page.partition(f"<h2>{head}")
        assert why in after, "named in the list at the page's end"
        assert withheld in before and why in before, "and where it would have stood"


def test_nothing_is_refused_for_what_a_notebook_hands_over(ruled: Run) -> None:
    """Missing contributions, roles or counts are faults of ours, and not the data's."""
    keys = ["unmatched", "unmade", "no_contributions", "not_adding_up", "no_count", "words_hold_data"]
    faults = [say(key, "en", error="", column="").rstrip(": ") for key in keys]
    told = {name: texts["en"] for name, texts in released(ruled)["left_out"].items()}  # type: ignore[attr-defined]
    assert {n: text for n, text in told.items() if any(fault in text for fault in faults)} == {}


def test_exhibits_of_single_units_stay_inside(ruled: Run) -> None:
    verdicts = released(ruled)["exhibits"]
    assert isinstance(verdicts, dict)
    # A chain that is cut short does not make all of them; what is made stays inside.
    made = SINGLE & set(verdicts)
    assert {name for name, verdict in verdicts.items() if verdict == "internal"} == made
    assert made == SINGLE if FULL else len(made) > 4
    out = {f"{file.parent.name[:2]}.{file.name.split('.')[0]}" for file in files(ruled)}
    assert out & SINGLE == set()
    assert any((ruled.folder / "09_evaluation").glob("cards*.docx")), "they are kept for internal use"


def files(ruled: Run) -> Iterator[Path]:
    return (f for f in (ruled.site / "files" / f"my_{MAIN}").rglob("*") if f.is_file())


def test_no_small_count_of_units_and_no_identifier_goes_out(ruled: Run) -> None:
    known = set(pd.read_parquet(ruled.folder / "01_panel" / "panel.parquet")["firm_id"])
    looked = 0
    for file in (ruled.site / "files" / f"my_{MAIN}").glob("*/*.csv"):
        sheet = sheets.sheet(file.parent.name)
        table = pd.read_csv(file)
        for name in table:
            column = sheet.exhibit(file.stem).columns.get(name)
            if column is not None and column.role == "units" and sheet.exhibit(file.stem).secrecy != "words":
                counts = pd.to_numeric(table[name]).dropna()
                assert not counts.between(1, 2).any(), (file.name, name)
                looked += 1
    assert looked > 20
    for file in [*files(ruled), *ruled.site.rglob("*.html"), *ruled.site.rglob("searchindex.js")]:
        if file.suffix in {".csv", ".tex", ".svg", ".json", ".md", ".ipynb", ".html", ".js"}:
            text = file.read_text("utf-8", errors="replace")
            assert not any(unit in text for unit in known), file
