"""Files and command lines that nobody would write: an error in words, or a result whose rows add up; never a traceback.

`make fuzz` tries many (`tests/fuzz/run.py`); here are a few of each kind, and every input that once failed.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from kinds import KINDS, READ, REFUSED, UNMADE, command, commanded, failures

MANY = 24


@pytest.mark.parametrize("kind", KINDS)
def test_any_file_is_refused_in_words_or_read_whole(kind: str, tmp_path: Path) -> None:
    assert list(failures(kind, range(MANY), tmp_path)) == []


def test_any_command_line_is_answered_in_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FUSION_BUILD", str(tmp_path / "build"))
    monkeypatch.setenv("FUSION_SITE", str(tmp_path / "site"))
    monkeypatch.chdir(tmp_path)
    found = [commanded(command(seed)) for seed in range(MANY)]
    assert [wrong for wrong in found if wrong not in (REFUSED, READ, UNMADE)] == []
