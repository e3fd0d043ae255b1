"""A process whose command is killed takes away what it had under way, and ends."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

CHILD = """
import os, sys, time
from pathlib import Path
from workbook import files
from workbook.publish import spoken
parent = os.getpid()
if os.fork():
    time.sleep(600)
draft = Path(sys.argv[1])
spoken._UNDER_WAY.add(draft)
draft.mkdir()
(draft / "half.csv").write_text("x")
files.end_with(parent, spoken._drop)
Path(sys.argv[2]).write_text(str(os.getpid()))
time.sleep(600)
"""


def test_drafts_of_a_killed_command_are_taken_away(tmp_path: Path) -> None:
    draft, told = tmp_path / ".01_panel.part", tmp_path / "pid"
    first = subprocess.Popen([sys.executable, "-c", CHILD, str(draft), str(told)])
    try:
        _waited(lambda: told.is_file() and told.read_text() != "")
        assert (draft / "half.csv").is_file()
    finally:
        first.kill()
        first.wait()
    _waited(lambda: not draft.exists())
    _waited(lambda: not Path(f"/proc/{told.read_text()}").exists() or _dead(int(told.read_text())))


def _dead(pid: int) -> bool:
    """Whether it has ended; who adopts it may not have asked for its status."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


def _waited(holds: Callable[[], bool], seconds: float = 60.0) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.05)
