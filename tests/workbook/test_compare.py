"""Two runs side by side, and an exhibit traced to where it comes from, on a chain of real kernels."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import chains
import pytest
from chains import BODY, Bench
from chinese import english

from workbook import paths
from workbook.review import compare, trace
from workbook.review.compare import report, snapshot

LAST = (
    BODY["04_last"]
    + """
import pandas as pd
x = float(book.read("b")["x"].sum())
sums = pd.DataFrame({"what": ["sum", "rows", "a", "b", "c"], "value": [x, len(book.read("b")), 5.0, 3.0, 4.0],
                     "low": [x - 4.0, 1.0, 1.0, 1.0, 1.0]})
book.exhibit("sums", sums, total=x)
"""
)
SHEET = {
    "sums": {
        "kind": "table",
        "name": {"en": "Sums", "zh": "和"},
        "title": {"en": "The sum is {total:.0f}", "zh": "和为 {total:.0f}"},
        "secrecy": "words",
        "show": ["what", "value", "low"],
        "columns": {
            "what": {"role": "label", "head": {"en": "What", "zh": "项"}},
            "value": {"role": "number", "head": {"en": "Value", "zh": "值"}},
            "low": {"role": "number", "head": {"en": "Low", "zh": "下限"}},
        },
    }
}


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    """A chain whose last notebook shows a table; run twice, the second time with another scale."""
    bench = Bench(tmp_path_factory.mktemp("compare") / "bench")
    bench.put("04_last", body=LAST)
    bench.sheet("04_last", SHEET)
    file = bench.notebooks / "04_last.ipynb"  # an exhibit's cell bears its id
    file.write_text(file.read_text("utf-8").replace('["work"]', '["sums"]'), "utf-8")
    assert bench.run() == 0
    assert bench.run(scale=4.0) == 0
    return bench


def test_runs_are_kept_and_found(bench: Bench) -> None:
    with bench.active():
        found = compare.kept(bench.root)
        assert len(found) >= 1
        assert compare.find("tiny")["parameters"]["scale"] == 4.0
        with pytest.raises(compare.SnapshotError, match="no run of 'tiny' fit; kept are: 2"):
            compare.find("tiny@1999")
        with pytest.raises(compare.SnapshotError, match="first: make study STUDY=nothing"):
            compare.find("nothing")


def test_a_difference_is_what_was_changed(bench: Bench) -> None:
    with bench.active():
        b = compare.find("tiny")
    a = json.loads(json.dumps(b))
    a["parameters"]["scale"] = 2.0
    assert b["exhibits"]["04.sums"]["sha256"], "its rows are recorded"
    table = a["exhibits"]["04.sums"]["table"]
    a["exhibits"]["04.sums"]["sha256"] = "other"
    table["rows"][0] = ["sum", 6.0, 2.0]
    found = compare.compare(a, b)
    assert [(c.where, c.a, c.b) for c in found.parameters] == [("scale", 2.0, 4.0)]
    assert not found.code and not found.versions and not found.same
    (exhibit,) = [e for e in found.exhibits if e.state == "changed"]
    cells = {c.where: (c.a, c.b, c.absolute) for c in exhibit.cells}
    # 0 + 1 + 2 times four is twelve; before, by hand, six.
    assert cells == {"sum · value": (6.0, 12.0, 6.0), "sum · low": (2.0, 8.0, 6.0)}
    assert "scale: 2 → 4  (+2, +100.0%)" in report.text(found)
    assert "<caption>04.sums" in report.page(found)


def test_the_same_run_is_the_same(bench: Bench) -> None:
    with bench.active():
        found = compare.compare(compare.find("tiny"), compare.find("tiny"))
    assert found.same and "every printed result is the same" in report.text(found)


def estimate(value: float, low: float, high: float, n: int = 10) -> dict[str, Any]:
    return {"spec": "main", "term": "pilot", "estimate": value, "ci_low": low, "ci_high": high, "n": n}


def test_signs_significance_and_counts() -> None:
    def run(*rows: dict[str, Any]) -> dict[str, Any]:
        empty: dict[str, Any] = {"parameters": {}, "code": {}, "data": {}, "versions": {}, "exhibits": {}}
        return empty | {"study": "s", "run": "t", "estimates": {"05.estimates": list(rows)}}

    found = compare.compare(run(estimate(0.2, 0.1, 0.3)), run(estimate(-0.1, -0.3, 0.1, n=12)))
    assert [(c.a, c.b) for c in found.signs] == [(0.2, -0.1)]
    assert [(c.a, c.b) for c in found.significance] == [("zero outside", "zero inside")]
    assert [(c.a, c.b, c.relative) for c in found.counts] == [(10, 12, 0.2)]
    still = compare.compare(run(estimate(0.2, 0.1, 0.3)), run(estimate(0.2 + 1e-15, 0.1, 0.3)))
    assert still.same, "the last bit is not a difference"


def test_places_that_moved() -> None:
    def run(values: list[int]) -> dict[str, Any]:
        rows = [[f"P{i}", v] for i, v in enumerate(values)]
        table = {"columns": ["path", "index"], "keys": ["path"], "rows": rows}
        entry = {"kind": "table", "title_en": "t", "sha256": str(values), "table": table}
        empty: dict[str, Any] = {"parameters": {}, "code": {}, "data": {}, "versions": {}, "estimates": {}}
        return empty | {"exhibits": {"03.index": entry}}

    (exhibit,) = compare.compare(run([50, 40, 30, 20, 10]), run([45, 40, 30, 20, 60])).exhibits
    assert [(c.where, c.a, c.b) for c in exhibit.ranks] == [("P4 · index", 5, 1)]


def test_old_runs_go(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    with bench.active():
        for year in range(2000, 2005):
            (bench.root / ".runs" / f"{year}-01-01T000000.json").write_text("{}", encoding="utf-8")
        monkeypatch.setattr(snapshot, "KEPT", 3)
        compare.keep(bench.root)
        names = [file.stem for file in compare.kept(bench.root)]
    assert len(names) == 3 and names[-1] > "2020", "the newest stay"


@pytest.mark.parametrize("secrecy", ["public", "rules"])
def test_a_baseline_is_pinned_and_found(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, secrecy: str
) -> None:
    monkeypatch.setattr(paths, "PARAMS", tmp_path)
    taken = snapshot.take
    monkeypatch.setattr(snapshot, "take", lambda root: taken(root) | {"parameters": {"secrecy": secrecy}})
    with bench.active():
        with pytest.raises(compare.SnapshotError, match="fusion pin STUDY"):
            compare.find("tiny@baseline")
        file = compare.pin("tiny")
        assert file.stat().st_size < 100_000, "a baseline is small"
        assert compare.compare(compare.find("tiny@baseline"), compare.find("tiny")).same
        assert (tmp_path in file.parents) == (secrecy == "public"), "what was promised stays in the build"
        assert (bench.root in file.parents) == (secrecy == "rules") and file not in compare.kept(bench.root)


def test_an_exhibit_is_traced(bench: Bench) -> None:
    with bench.active():
        found = trace.trace("sums", "tiny")
        assert found["cell"]["notebook"] == "04_last" and "book.exhibit" in found["cell"]["text"]
        names = {e["file"]: e["rows"] for e in found["inputs"]}
        assert names == {"02_second/b.parquet": 3, "03_third/c.parquet": 3, "01_first/a.parquet": 3}
        assert all(e["intact"] for e in found["inputs"]) and found["file"]["intact"]
        assert found["parameters"]["scale"] == 4.0 and found["parameters"]["size"] == 3
        assert found == trace.trace("4.1", "tiny") == trace.trace("04.sums", "tiny")
        assert "unchanged since the run" in trace.text(found)
        with pytest.raises(trace.TraceError, match="no exhibit 'sum'; there are: sums"):
            trace.trace("sum", "tiny")


def test_a_trace_sees_what_was_altered(bench: Bench) -> None:
    with bench.active():
        file = bench.root / "04_last" / "sums.frame.parquet"
        before = file.read_bytes()
        try:
            file.write_bytes(before + b" ")
            found = trace.trace("sums", "tiny")
        finally:
            file.write_bytes(before)
    assert found["file"]["intact"] is False and "CHANGED since the run" in trace.text(found)


def test_in_chinese(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FUSION_LANGUAGE", "zh")
    with bench.active():
        b = compare.find("tiny")
        a = json.loads(json.dumps(b)) | {"dirty": True, "commit": None}
        a["parameters"]["scale"] = 2.0
        a["exhibits"]["04.sums"]["sha256"] = "other"
        a["exhibits"]["04.sums"]["table"]["rows"][0] = ["sum", "6", "[2.00, 6.00]"]
        said = report.text(compare.compare(a, b)) + trace.text(trace.trace("sums", "tiny")).replace(
            "x\n", "\n"
        )
        for wrong in ("sum", "tables"):
            with pytest.raises(trace.TraceError) as caught:
                trace.trace(wrong, "tiny")
            said += str(caught.value)
        with pytest.raises(compare.SnapshotError) as kept:
            compare.find("tiny@1999")
    code = said.partition("In [")[0] + said.partition("输入")[2]  # the cell's own code lies between
    known = ("tiny", "sum", "rows", "sums", "work", "what", "value", "low", *chains.VALUES)
    assert english(code + str(kept.value), *known) == []
