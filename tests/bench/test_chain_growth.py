"""The chain at several sizes: what each notebook took, and how it grows."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from evidence import bench
from evidence.bench import chain
from workbook import paths
from workbook.publish import evidence


def row(step: str, firms: int, seconds: float, peak: float) -> dict[str, Any]:
    """One step at one size."""
    taken = {"seconds": 2 * seconds, "processor_seconds": seconds, "peak_mb": peak}
    return {"study": "made", "firms": firms, "rows": 8 * firms, "step": step} | taken


SMALL = [row("01_panel", 100, 1, 50), row("whole", 100, 3, 60)]
LARGE = [row("01_panel", 1000, 100, 50), row("whole", 1000, 30, 600)]


def test_growth_is_the_exponent_from_the_next_smaller_size() -> None:
    found = {
        (r["step"], r["firms"]): (r["time_exponent"], r["memory_exponent"])
        for r in chain.grown([*LARGE, *SMALL])
    }
    assert found == {
        ("01_panel", 100): ("", ""),
        ("whole", 100): ("", ""),
        ("01_panel", 1000): (2, 0),  # a hundred times the time for ten times the firms
        ("whole", 1000): (1, 1),
    }


def test_the_table_keeps_other_sizes_and_relates_to_them(tmp_path: Path) -> None:
    file = tmp_path / "build" / "bench_chain.csv"
    chain.save(LARGE, file)
    chain.save(SMALL, file)  # the smaller one afterwards: the larger relates to it now
    chain.save([row("01_panel", 1000, 10, 50), row("whole", 1000, 30, 600)], file)
    rows = chain.kept(file)
    assert tuple(rows[0]) == chain.COLUMNS
    assert [(r["firms"], r["step"], r["time_exponent"]) for r in rows] == [
        ("100", "01_panel", ""),
        ("100", "whole", ""),
        ("1000", "01_panel", "1.0"),
        ("1000", "whole", "1.0"),
    ]


def test_the_page_names_steps_and_sizes_in_both_languages(tmp_path: Path) -> None:
    chain.save([*SMALL, *LARGE], tmp_path / "bench_chain.csv")
    english, chinese = (evidence.pages(tmp_path, one)["bench_chain"] for one in ("en", "zh"))
    assert "made: 1,000 firms, 8,000 rows" in english
    assert "01 The panel" in english
    assert "1,000 家企业，8,000 行" in chinese
    assert "01 面板数据" in chinese
    assert "合计" in chinese


def test_what_cannot_be_measured_is_refused(tmp_path: Path) -> None:
    with pytest.raises(bench.BenchError, match="numbers of 1 or more"):
        chain.measure([0, 5])
    with pytest.raises(bench.BenchError, match="no study 'nowhere'"):
        chain.measure([5], "nowhere")
    with pytest.raises(bench.BenchError, match="jobtraining: its panel is not made up"):
        chain.measure([5], "jobtraining")


def test_the_chain_is_measured_at_two_sizes(tmp_path: Path) -> None:
    yaml = YAML()
    study = yaml.load((paths.PARAMS / "smoke.yaml").read_text(encoding="utf-8"))
    study["study"]["notebooks"] = ["01_panel"]
    for section in ("tables", "designs"):
        study.pop(section)
    with (tmp_path / "tiny.yaml").open("w", encoding="utf-8") as stream:
        yaml.dump(study, stream)
    rows = chain.measure([60, 120], str(tmp_path / "tiny.yaml"), tmp_path, site=False)
    assert [(r["firms"], r["step"]) for r in rows] == [
        (n, step) for n in (60, 120) for step in ("01_panel", "whole")
    ]
    assert rows[0]["rows"] < rows[2]["rows"] < 120 * 12
    for one in rows:
        # A kernel with pandas needs a second and some 100 MB; less would mean that the wrong process was measured.
        assert one["processor_seconds"] > 0.5
        assert one["peak_mb"] > 60
        assert isinstance(one["time_exponent"], float) is (one["firms"] == 120)
    for notebook, whole in (rows[:2], rows[2:]):
        assert whole["processor_seconds"] > notebook["processor_seconds"]
    assert not list(tmp_path.glob("bench_chain_*"))
    file = tmp_path / "bench_chain.csv"
    chain.save(rows, file)
    with file.open(encoding="utf-8") as stream:
        assert len(list(csv.DictReader(stream))) == len(rows)
