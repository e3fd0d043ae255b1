"""The audit fails when a claim lacks its evidence, or the evidence was altered."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pandas as pd
import pytest

from workbook.review import claims


def built(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, statuses: list[str], state: str = "done") -> Path:
    monkeypatch.setenv("FUSION_BUILD", str(tmp_path))
    folder = tmp_path / "s" / "10_audit"
    folder.mkdir(parents=True)
    rows = [(i + 1, f"point {i + 1}", status, "why") for i, status in enumerate(statuses)]
    file = folder / "checklist.parquet"
    table = pd.DataFrame(rows, columns=["number", "point_en", "status", "evidence_en"])
    table.assign(point_zh="要点", evidence_zh="依据").to_parquet(file)
    outputs = {"10_audit/checklist.parquet": {"sha256": hashlib.sha256(file.read_bytes()).hexdigest()}}
    record = {"format": 1, "notebooks": {"10_audit": {"status": state, "outputs": outputs}}}
    (tmp_path / "s" / "manifest.json").write_text(json.dumps(record), encoding="utf-8")
    return folder


def test_what_holds_passes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    built(tmp_path, monkeypatch, ["pass", "stated", "not applicable", "open", "pass"])
    counts, problems = claims.check("s")
    assert counts["pass"] == 2 and problems == []


@pytest.mark.parametrize("status", claims.LACKING)
def test_a_claim_without_evidence_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, status: str
) -> None:
    built(tmp_path, monkeypatch, ["pass", status])
    assert claims.check("s")[1] == [f"point 2, point 2: {status}; why"]


def test_altered_missing_and_unfinished_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = built(tmp_path, monkeypatch, ["pass"], state="failed")
    record = json.loads((tmp_path / "s" / "manifest.json").read_text("utf-8"))
    record["notebooks"]["10_audit"]["outputs"] |= {
        "10_audit/gone.csv": {"sha256": "x"}, "10_audit/t.csv": {"sha256": "x"}
    }  # fmt: skip
    (tmp_path / "s" / "manifest.json").write_text(json.dumps(record), encoding="utf-8")
    (folder / "t.csv").write_text("altered", encoding="utf-8")
    assert claims.check("s")[1] == [
        "notebook 10_audit: failed",
        "10_audit/gone.csv: missing",
        "10_audit/t.csv: not what the run wrote",
    ]


def test_nothing_to_audit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = built(tmp_path, monkeypatch, ["pass"])
    (folder / "checklist.parquet").unlink()
    with pytest.raises(claims.ClaimsError, match="no checklist"):
        claims.check("s")
    with pytest.raises(claims.ClaimsError, match="make study STUDY=none"):
        claims.check("none")


def test_in_chinese(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    built(tmp_path, monkeypatch, ["pass", *claims.LACKING], state="failed")
    monkeypatch.setenv("FUSION_LANGUAGE", "zh")
    assert claims.check("s")[1] == [
        "第 2 条，要点：未通过；依据",
        "第 3 条，要点：待说明；依据",
        "笔记本 10_audit：失败",
    ]
