"""Processes that were forked: asked as those of :mod:`subprocess` are, named, and a kernel that waits for its command."""

from __future__ import annotations

import ctypes
import json
import os
import signal
import subprocess
import sys
import time
import traceback
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, NoReturn

EXECUTOR, KERNEL = "fusion-execute", "fusion-kernel"  # what ps shows; at most 15 bytes
SET_NAME = 15  # prctl's PR_SET_NAME
# What papermill's imports would load if they could, and nothing here uses.
OPTIONAL = ("rfc3987_syntax", "rfc3986_validator")
POLL = 0.05


def waited(process: Any, timeout: float | None) -> int:
    """Poll a process until it has ended, and give its exit status."""
    end = None if timeout is None else time.monotonic() + timeout
    while (code := process.poll()) is None:
        if end is not None and time.monotonic() > end:
            raise subprocess.TimeoutExpired([str(process.pid)], timeout or 0.0)
        time.sleep(POLL)
    return int(code)


def begin(work: Callable[[], int | None]) -> NoReturn:
    """Do the work of a forked process, and never return to what was forked."""
    code = 1
    try:
        code = work() or 0
    except SystemExit as end:
        code = int(end.code or 0)
    except BaseException:
        traceback.print_exc()
    finally:
        with suppress(Exception):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code)


def call(name: str) -> None:
    """Give this process a name of its own."""
    with suppress(OSError):
        ctypes.CDLL(None).prctl(SET_NAME, name.encode(), 0, 0, 0)


class Waiting:
    """A kernel that was forked before its executor had a thread or a loop, and waits for its command.

    It leads a group of its own, so that it can be killed with all that it started, but stays in its executor's session:
    by that it is found when the executor is gone.

    Parameters
    ----------
    verdict : int
        The executor's pipe, which the kernel must not hold open.
    """

    def __init__(self, verdict: int) -> None:
        heard, self.told = os.pipe()
        executor = os.getpid()
        self.pid = os.fork()
        self.returncode: int | None = None
        self.stdin = self.stdout = self.stderr = None
        if not self.pid:
            os.close(self.told)
            os.close(verdict)
            begin(lambda: _kernel(heard, executor))
        os.close(heard)
        with suppress(OSError):
            os.setpgid(self.pid, self.pid)  # here as well: whoever comes first

    def go(self, command: list[str], environment: Mapping[str, str]) -> None:
        """Tell it what the command would have been that starts it."""
        with suppress(BrokenPipeError), os.fdopen(self.told, "w", encoding="utf-8") as line:
            json.dump({"command": command, "environment": dict(environment)}, line)

    def poll(self) -> int | None:
        """Its exit status, once it has ended."""
        if self.returncode is None:
            done, status = os.waitpid(self.pid, os.WNOHANG)
            if done:
                self.returncode = os.waitstatus_to_exitcode(status)
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Its exit status, once it has ended."""
        return waited(self, timeout)

    def send_signal(self, number: int) -> None:
        """Send it a signal."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        """Kill it."""
        self.send_signal(signal.SIGKILL)

    def terminate(self) -> None:
        """Ask it to end."""
        self.send_signal(signal.SIGTERM)


def _kernel(heard: int, executor: int) -> None:
    """Wait for the command, then be the kernel that it would have started."""
    with suppress(OSError):
        os.setpgid(0, 0)
    call(KERNEL)
    nothing = os.open(os.devnull, os.O_RDWR)
    os.dup2(nothing, 0)
    with os.fdopen(heard, encoding="utf-8") as line:
        text = line.read()
    if not text or os.getppid() != executor:
        return
    task = json.loads(text)
    os.environ.clear()
    os.environ.update(task["environment"])
    command = task["command"]
    sys.argv[:] = command[command.index("ipykernel_launcher") :]
    from ipykernel import kernelapp

    kernelapp.launch_new_instance()
