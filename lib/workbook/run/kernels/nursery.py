"""A process that makes the notebooks' imports once, and forks those that run them: the runner's end.

Imports are half of a short chain's processor time. The first notebook imports for itself, at once; meanwhile this
process (``server``) imports what the others ask for, and each of them is a fork of it: an executor and, before that
does anything, its kernel. Only where a fork is safe (Linux; no thread, no connection, no loop before it).
"""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any

from workbook import paths
from workbook.run import warm
from workbook.run.kernels.forked import POLL, waited

MESSAGE = 1 << 20  # bytes: an environment may be long
READY, PID, STATUS = "ready", "pid", "status"
WAIT_SECONDS = 60.0  # for an answer of a process that only has to fork


def possible() -> bool:
    """Whether a process with these libraries can be forked: macOS' frameworks cannot."""
    return sys.platform == "linux"


class Nursery:
    """The process, and what it started.

    Parameters
    ----------
    names : iterable of str
        Modules that it imports; one that cannot be imported is left to the notebook that asks for it.
    environment : dict
        Its environment, and that of all that it starts.
    """

    def __init__(self, names: Iterable[str], environment: Mapping[str, str]) -> None:
        self.link, other = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.ready = self.lost = False
        self.children: dict[int, Child] = {}
        self.answer: int | None = None
        with other:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "workbook.run.kernels.server", str(other.fileno()), str(os.getpid())],
                cwd=paths.ROOT,
                env={**environment, warm.MODULES: ",".join(dict.fromkeys(names))},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                pass_fds=(other.fileno(),),
                start_new_session=True,
            )
        self.link.setblocking(False)

    def waiting(self) -> bool:
        """Whether it still makes its imports."""
        self.hear()
        return not self.ready and not self.lost

    def usable(self) -> bool:
        """Whether it can fork now."""
        self.hear()
        return self.ready and not self.lost

    def fork(self, task: Mapping[str, Any], files: tuple[int, int, int]) -> Child | None:
        """Start an executor (see ``execute.main``); none if the process is gone.

        Parameters
        ----------
        task : dict
            ``arguments`` and ``environment`` (what is set beside the nursery's own).
        files : tuple of int
            Open files that become its standard input, its standard error, and the pipe of its verdict.
        """
        self.answer, end = None, time.monotonic() + WAIT_SECONDS
        try:
            socket.send_fds(self.link, [json.dumps(task).encode()], files)
        except OSError:
            self.lost = True
        while self.answer is None and self.usable() and time.monotonic() < end:
            select.select([self.link], [], [], POLL)
        if self.answer is None:
            return None
        self.children[self.answer] = Child(self, self.answer)
        self.hear()
        return self.children[self.answer]

    def hear(self) -> None:
        """Take what it has said."""
        with suppress(BlockingIOError):
            while not self.lost:
                said = self.link.recv(MESSAGE)
                self._take(json.loads(said)) if said else self._lose()

    def _take(self, told: Mapping[str, Any]) -> None:
        self.ready = self.ready or READY in told
        if STATUS in told:
            child = self.children.setdefault(told[PID], Child(self, told[PID]))
            child.returncode = os.waitstatus_to_exitcode(told[STATUS])
        elif PID in told:
            self.answer = told[PID]

    def _lose(self) -> None:
        """It is gone: what it started ends by itself, and nobody will say how."""
        self.lost = True
        for child in self.children.values():
            child.returncode = -signal.SIGKILL if child.returncode is None else child.returncode

    def end(self) -> None:
        """End it; what it started and still runs ends by itself."""
        with suppress(ProcessLookupError):
            self.process.kill()
        self.process.wait()
        self._lose()
        self.link.close()


class Child:
    """A process that the nursery started, asked as one of :mod:`subprocess` is."""

    def __init__(self, nursery: Nursery, pid: int) -> None:
        self.nursery, self.pid = nursery, pid
        self.returncode: int | None = None
        self.stdin: Any = None

    def poll(self) -> int | None:
        """Its exit status, once it has ended."""
        if self.returncode is None:
            self.nursery.hear()
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Its exit status, once it has ended.

        Raises
        ------
        subprocess.TimeoutExpired
            If that takes longer.
        """
        return waited(self, timeout)
