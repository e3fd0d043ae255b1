"""The process that makes the notebooks' imports and is forked: ``python -m workbook.run.kernels.server FD RUNNER``.

It has no thread, no connection and no loop when it forks; what it says of its children goes through the socket FD.
"""

from __future__ import annotations

import gc
import json
import os
import select
import shutil
import signal
import socket
import sys
import threading
import time
import warnings
from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any

from workbook.run import warm
from workbook.run.kernels.forked import EXECUTOR, OPTIONAL, POLL, Waiting, begin, call
from workbook.run.kernels.nursery import MESSAGE, PID, READY, STATUS

GRACE_SECONDS = 3.0  # until one that was asked to end is killed


def main() -> int:
    """Import, say so, and fork until the runner is gone."""
    link, runner = socket.socket(fileno=int(sys.argv[1])), int(sys.argv[2])
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _import(os.environ.pop(warm.MODULES, "").split(","), runner)
    started: set[int] = set()
    with suppress(BrokenPipeError, ConnectionError):
        link.send(json.dumps({READY: True}).encode())
        _serve(link, started)
    # The runner was killed, and what it started goes with it; first those who would write into its folder.
    _end(started)
    shutil.rmtree(os.environ["JUPYTER_RUNTIME_DIR"], ignore_errors=True)
    return 0


def _end(started: Iterable[int]) -> None:
    """End executors, each with its kernel; one that does not end when asked is killed."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        for pid in started:
            with suppress(ProcessLookupError):
                os.kill(pid, number)
        end = time.monotonic() + GRACE_SECONDS
        while time.monotonic() < end:
            try:
                os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            time.sleep(POLL)


def _import(names: Iterable[str], runner: int) -> None:
    """Make the imports; end at once if the runner ends in the meantime. The thread that looks is gone before a fork."""
    done = threading.Event()

    def look() -> None:
        while not done.wait(0.5):
            if os.getppid() != runner:
                shutil.rmtree(os.environ["JUPYTER_RUNTIME_DIR"], ignore_errors=True)
                os._exit(1)

    watch = threading.Thread(target=look, daemon=True)
    watch.start()
    sys.modules |= dict.fromkeys(OPTIONAL)  # type: ignore[arg-type]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name in filter(None, ("ipykernel.kernelapp", "papermill", "workbook.run.execute", *names)):
            with suppress(Exception):
                warm.load(name)
    for name in OPTIONAL:
        sys.modules.pop(name, None)
    # What is there now is nobody's garbage: looked through in every fork, its pages would be copied.
    gc.collect()
    gc.freeze()
    done.set()
    watch.join()


def _serve(link: socket.socket, started: set[int]) -> None:
    """Fork when asked, tell of each end; returns when the runner's end of the link is closed."""
    heard, told = os.pipe()
    os.set_blocking(told, False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(told, warn_on_full_buffer=False)
    while True:
        ready, _, _ = select.select([link.fileno(), heard], [], [])
        if heard in ready:
            os.read(heard, 4096)
            _tell_ends(link, started)
        if link.fileno() in ready:
            text, files, _, _ = socket.recv_fds(link, MESSAGE, 3)
            if not text:
                return
            pid = _forked(json.loads(text), files, (heard, told, link.fileno()))
            started.add(pid)
            link.send(json.dumps({PID: pid}).encode())


def _forked(task: Mapping[str, Any], files: list[int], own: Iterable[int]) -> int:
    """Fork an executor; what is the nursery's own, it closes."""
    server, pid = os.getpid(), os.fork()
    if not pid:
        signal.set_wakeup_fd(-1)
        for number in own:
            os.close(number)
        begin(lambda: _executor(task, files, server))
    for number in files:
        os.close(number)
    return pid


def _tell_ends(link: socket.socket, started: set[int]) -> None:
    with suppress(ChildProcessError):
        while (ended := os.waitpid(-1, os.WNOHANG))[0]:
            started.discard(ended[0])
            link.send(json.dumps(dict(zip((PID, STATUS), ended, strict=True))).encode())


def _executor(task: Mapping[str, Any], files: list[int], server: int) -> int:
    """Become the executor of one notebook, with its kernel beside it."""
    os.setsid()
    call(EXECUTOR)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    start, said, verdict = files
    os.dup2(start, 0)
    os.dup2(said, 2)
    os.close(start)
    os.close(said)
    os.environ |= task["environment"]
    kernel = Waiting(verdict)
    from workbook.run import execute  # with the other imports; not before the thread looks after them

    return execute.main([*task["arguments"], str(verdict), str(server)], kernel)


if __name__ == "__main__":
    # As the kernels' own start does: the working directory is put back by IPython.
    sys.path[:] = [place for place in sys.path if place not in ("", os.getcwd())]
    sys.exit(main())
