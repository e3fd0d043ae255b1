"""What of a study may be published is decided once: a file that vanishes for a moment leaves no page out of one half."""

from __future__ import annotations

import hashlib
from pathlib import Path

from workbook.publish.built import Built


def test_both_languages_have_the_notebooks_of_the_first_look(tmp_path: Path) -> None:
    root = tmp_path / "s"
    (root / "01_a").mkdir(parents=True)
    (root / "01_a.ipynb").write_text("{}", "utf-8")
    kept = root / "01_a" / "x.parquet"
    kept.write_bytes(b"rows")
    outputs = {"01_a/x.parquet": {"sha256": hashlib.sha256(b"rows").hexdigest(), "bytes": 4}}
    study = Built("s", root, {"notebooks": {"01_a": {"status": "done", "outputs": outputs}}})
    assert study.done == ["01_a"]
    kept.unlink()
    assert study.spoken("zh").done == study.spoken("en").done == ["01_a"]
    assert Built("s", root, study.manifest).states == {"01_a": "altered"}
