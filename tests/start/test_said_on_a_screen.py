"""What a terminal shows of a long list, and how much of it stands in the file."""

from __future__ import annotations

from pathlib import Path

import pytest

from workbook import cli


def test_what_is_not_shown_is_counted_line_by_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """One finding of many lines is cut too: it was said that nothing more stands in the file."""
    many = "\n".join(["a rule is broken", *(f"- column {i}" for i in range(900))])
    cli._say([many], tmp_path / "found.txt")
    shown = capsys.readouterr().err.splitlines()
    assert len(shown) < 30 and shown[0] == "a rule is broken"
    assert f"{901 - (len(shown) - 1)} more" in shown[-1]
    assert (tmp_path / "found.txt").read_text("utf-8").count("\n") == 901


def test_what_fits_leaves_no_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cli._say(["one", "two\n- three"], tmp_path / "found.txt")
    assert capsys.readouterr().err == "one\ntwo\n- three\n"
    assert not (tmp_path / "found.txt").exists()
    cli._say([], tmp_path / "found.txt")
    assert capsys.readouterr().err == ""
