"""What a run says: one plain line for each notebook, and one for the whole."""

from __future__ import annotations

import re
import shutil
import sys
import time
import unicodedata
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from workbook import files
from workbook import language as lib

# A part of the record, which is written in English.
MORE = re.compile(r"(?P<names>.+) and (?P<count>\d+) more")
# Fates whose detail is a reason, and not what has changed.
UNCHANGED = ("skipped", "not run")
LOUD = ("FAILED", "skipped")
LIVE, LIVE_LOG = 0.5, 60.0  # seconds between what is said of running notebooks, on a terminal and in a log
LINES, WIDE = 10, 400  # lines after the first, and characters of each, that a screen holds of an error


class Progress:
    """Lines of a run.

    Parameters
    ----------
    study : str
        Its name.
    names : list of str
        Its notebooks, in order.
    jobs : int
        Notebooks at a time.
    durations : dict
        Seconds that notebooks took last time, for the time left.
    quiet : bool
        Say nothing of notebooks that are done.
    """

    def __init__(
        self,
        study: str,
        names: Sequence[str],
        jobs: int,
        durations: Mapping[str, float],
        quiet: bool = False,
    ) -> None:
        self.study, self.jobs, self.quiet = study, jobs, quiet
        self.shown, self.last = "", time.monotonic()
        self.durations = dict(durations)
        self.left = list(names)
        self.total = len(names)
        self.width = max(map(len, names), default=0)
        self.begun = time.monotonic()
        self.starts: dict[str, float] = {}
        self.words: dict[str, str] = {}

    @property
    def ran(self) -> bool:
        """Whether any notebook was started."""
        return bool(self.starts)

    def elapsed(self) -> float:
        """Seconds since the run began."""
        return time.monotonic() - self.begun

    def started(self, name: str) -> None:
        """A notebook has started."""
        self.starts[name] = time.monotonic()

    def expected(self) -> None:
        """What a first run may take, where nothing is known of this study."""
        if not self.durations and not self.quiet:
            print(lib.said("run.first", count=self.total), flush=True)

    def live(self, cells: Mapping[str, tuple[int, int]]) -> None:
        """Say at which cell each notebook is, of how many, and since when: on a terminal in one line that is written over.

        Elsewhere, as in a log, once a minute.
        """
        now, terminal = time.monotonic(), sys.stderr.isatty()
        if self.quiet or not cells or now - self.last < (LIVE if terminal else LIVE_LOG):
            return
        self.last = now
        told = [
            lib.said("run.at", name=n, cell=at, of=of, seconds=duration(round(now - self.starts[n])))
            for n, (at, of) in cells.items()
        ]
        line = "   ".join(told)
        if terminal:
            line = line[: max(20, shutil.get_terminal_size().columns - 1)]
            print(f"\r{line:<{len(self.shown)}}", end="", file=sys.stderr, flush=True)
            self.shown = line
        else:
            print(line, file=sys.stderr, flush=True)

    def _clear(self) -> None:
        """Take the live line away, so that a lasting one can be written."""
        if self.shown:
            print(
                f"\r{' ' * sum(2 if ord(c) > 255 else 1 for c in self.shown)}\r",
                end="",
                file=sys.stderr,
                flush=True,
            )
            self.shown = ""

    def settled(self, name: str, word: str, seconds: float | None, detail: Sequence[str]) -> None:
        """Print the line of a notebook whose fate is known."""
        self.words[name] = word
        self.left.remove(name)
        self._clear()
        if self.quiet and word not in LOUD:
            return
        parts = [
            f"[{len(self.words)}/{self.total}] {name:<{self.width}}   {_wide(lib.word('run.fate', word), 10)}"
        ]
        parts += [f"{duration(seconds):>8}"] if seconds is not None else []
        parts += [lib.said("run.left", remaining=duration(round(self.remaining())))] if self._known() else []
        if detail and detail != ["no earlier result"]:
            label = "" if word in UNCHANGED else lib.said("run.changed")
            parts.append(f"({label}{'; '.join(map(_reason, detail))})")
        print("   ".join(parts).rstrip(), flush=True)

    def explain(self, error: Mapping[str, Any], evidence: Path | None) -> None:
        """Print why a notebook failed, whole if a screen holds it, and where to look."""
        where = lib.said("run.cell", cell=error["cell"]) if error["cell"] else ""
        where += f" '{error['tag']}'" if error["tag"] else ""
        told = (error.get("said") or {}).get(lib.current()) or error["value"]
        first, *rest = told.strip().splitlines() or [""]
        what = ": ".join(part for part in (where.strip(), error["name"], first) if part)
        look = lib.said("run.see", evidence=files.shown(evidence)) if evidence else ""
        more = [lib.said("run.rest", count=len(rest) - LINES)] if len(rest) > LINES else []
        cut = [f"{line[:WIDE]}…" if len(line) > WIDE else line for line in (what, *rest[:LINES])]
        print("\n        ".join([f"      {cut[0]}", *cut[1:], *more]) + look, flush=True)

    def remaining(self) -> float:
        """Seconds until the end if every notebook left takes what it took last time."""
        now = time.monotonic()
        mean = sum(self.durations.values()) / len(self.durations)
        need = {n: self.durations.get(n, mean) for n in self.left}
        work = [max(0.0, s - (now - self.starts[n]) if n in self.starts else s) for n, s in need.items()]
        return max([sum(work) / self.jobs, *work])

    def summary(self, where: str, bad: bool) -> None:
        """Print the last line."""
        self._clear()
        sys.stdout.flush()
        counts: dict[str, int] = {}
        for word in self.words.values():
            counts[word] = counts.get(word, 0) + 1
        told = lib.listed(
            lib.said("run.counted", count=n, word=lib.word("run.fate", w)) for w, n in counts.items()
        )
        end = lib.said("run.incomplete") if bad else lib.said("run.results")
        print(
            lib.said(
                "run.summary",
                study=self.study,
                counts=told,
                elapsed=duration(self.elapsed()),
                end=end,
                where=where,
            ),
            flush=True,
        )

    def _known(self) -> bool:
        """Whether the time left can be told: something was started, something is left, times are known."""
        return bool(self.ran and self.left and self.durations)


def _reason(text: str) -> str:
    """Why it ran, as the record names it (``parameters: seed``), in the language of this process."""
    more = MORE.fullmatch(text)
    part, colon, names = (lib.said("run.more", **more.groupdict()) if more else text).partition(": ")
    part = lib.word("run.part", part)
    return lib.said("run.because", part=part, names=names) if colon else part


def _wide(text: str, width: int) -> str:
    """Filled up to a width; a Chinese character takes two places."""
    taken = sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)
    return text + " " * max(0, width - taken)


def duration(seconds: float) -> str:
    """Seconds in words, e.g. ``"4.1 s"`` or ``"2 min 5 s"``."""
    if seconds >= 100:
        return lib.said("run.minutes", minutes=int(seconds) // 60, rest=int(seconds) % 60)
    return (
        lib.said("run.seconds", seconds=seconds)
        if isinstance(seconds, int)
        else lib.said("run.tenths", seconds=seconds)
    )
