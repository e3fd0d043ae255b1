"""What is done: each harm starts a stage's command, disturbs it, waits for its end, and takes away what it put there."""

from __future__ import annotations

import errno
import os
import resource
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from evidence.faults.tries import EXECUTOR, KERNEL, RUNNER, Try

YEAR = 365 * 86400
PATIENCE = 6.0  # seconds that a command on a dead share is given to obey SIGTERM, before it is killed
GO_ON = 0.4  # seconds for which a file is another, where it is changed back


def kill(role: str, number: signal.Signals) -> Callable[[Try], None]:
    """A signal to the runner, the executor or the kernel; elsewhere to the command, or a process below it."""

    def harm(attempt: Try) -> None:
        attempt.start()
        pid = attempt.moment(role)
        if pid:
            attempt.told(role)
            attempt.fatal = role == RUNNER and number == signal.SIGKILL
            _send(pid, number)
        attempt.finish()

    return harm


def memory(attempt: Try) -> None:
    """One of the processes gets no more memory than it has, and a little."""
    role = attempt.rng.choice((RUNNER, EXECUTOR, KERNEL)) if attempt.stage.notebook else RUNNER
    attempt.start()
    pid = attempt.moment(role)
    if pid:
        attempt.told(f"{role} at its limit")
        attempt.fatal = role == RUNNER
        room = attempt.rng.choice((0, 1 << 20, 16 << 20))
        try:
            size = psutil.Process(pid).memory_info().vms + room
            resource.prlimit(pid, resource.RLIMIT_AS, (size, size))
        except (psutil.Error, ProcessLookupError):
            attempt.hit = False
    attempt.finish()


def full(attempt: Try) -> None:
    """The file system is full, but for some bytes."""
    attempt.start()
    if attempt.moment():
        left = attempt.rng.choice((0, 4096, 65536, 1 << 20))
        if attempt.place.real["full"]:
            attempt.told(f"filled but for {left} bytes")
            _fill(attempt.place.ballast, left)
        else:
            attempt.told("put on")
            attempt.put_on(errno.ENOSPC, writes=True)
    attempt.finish()
    attempt.place.ballast.unlink(missing_ok=True)


def read_only(attempt: Try) -> None:
    """Nothing below the build can be written any more."""
    attempt.start()
    folders = [f for f in (attempt.place.build, attempt.place.site) if f.is_dir()]
    real = attempt.place.real["read-only"]
    if attempt.moment():
        attempt.told("immutable" if real else "put on")
        attempt.fatal = True  # nothing can be taken away either, before the next run
        if real:
            for folder in folders:
                subprocess.run(["chattr", "-R", "-f", "+i", str(folder)], capture_output=True)
        else:
            attempt.put_on(errno.EROFS, writes=True)
    attempt.finish()
    for folder in folders if real else []:
        subprocess.run(["chattr", "-R", "-f", "-i", str(folder)], capture_output=True)


def vanishes(attempt: Try) -> None:
    """A file that it reads is not there for a while, or until the end."""
    file = attempt.rng.choice(attempt.stage.reads(attempt.place))
    aside = attempt.place.root / "aside"
    attempt.start()
    if attempt.moment():
        attempt.told(file.name)
        shutil.move(file, aside)
        if attempt.rng.random() < 0.5:
            time.sleep(GO_ON)
            _put_back(aside, file)
    attempt.finish()
    _put_back(aside, file)


def changes(attempt: Try) -> None:
    """A file that it reads is another for a while, or until the end; its time of change does not say so."""
    file = attempt.rng.choice(attempt.stage.reads(attempt.place))
    content = file.read_bytes()
    attempt.start()
    if attempt.moment():
        attempt.told(file.name)
        with _time_kept(file):
            file.write_bytes(_flipped(content, attempt.rng.randrange(max(1, len(content)))))
        if attempt.rng.random() < 0.5:
            time.sleep(GO_ON)
            with _time_kept(file):
                file.write_bytes(content)
    attempt.finish()
    if file.read_bytes() != content:
        with _time_kept(file):
            file.write_bytes(content)


def clock(attempt: Try) -> None:
    """The clock goes back an hour, a year, or to where it began; or what lies there is from a clock that was ahead."""
    if attempt.rng.random() < 0.3:
        attempt.told("results of the year to come")
        for file in attempt.stage.stored(attempt.place):
            if file.is_file():
                os.utime(file, (time.time() + YEAR, time.time() + YEAR))
        attempt.hit = True
        attempt.start()
    else:
        seconds = attempt.rng.choice((3600, YEAR, int(time.time()) - 86400))
        attempt.start()
        if attempt.moment():
            attempt.told(f"{seconds} s back")
            attempt.put_on(0, clock=seconds)
    attempt.finish()


def twice(attempt: Try) -> None:
    """The same command again, a moment later; both must succeed."""
    attempt.waits()
    attempt.start()
    time.sleep(attempt.rng.choice((0.0, 0.1, 1.0)))
    attempt.told("two at once")
    attempt.hit = True
    attempt.start()
    attempt.finish()
    if any(process.returncode for process in attempt.processes):
        attempt.fail(f"exit {[process.returncode for process in attempt.processes]} of two at once")


def edit_library(attempt: Try) -> None:
    """A module that it imports is edited, and put back a moment later, or when the command has ended."""
    module = attempt.rng.choice(attempt.stage.modules(attempt.place))
    _edited(attempt, module, "\n# edited\n", 0.8 if attempt.stage.notebook else 0.0)


def edit_parameters(attempt: Try) -> None:
    """The study's file is edited, and put back when the command has ended."""
    file = attempt.place.project / "params" / f"{attempt.stage.base}.yaml"
    _edited(
        attempt, file, "robustness:\n  curve_draws: 21\n" if attempt.rng.random() < 0.5 else "what: : ever\n"
    )


def dead_share(attempt: Try) -> None:
    """The folder of results is on a share that is gone: an error for every file, or no answer until someone stops it."""
    attempt.start()
    hangs = attempt.rng.random() < 0.4
    error = attempt.rng.choice((errno.ESTALE, errno.EIO, errno.ENOTCONN))
    if attempt.moment():
        attempt.told("no answer" if hangs else errno.errorcode[error])
        attempt.fatal = True
        attempt.put_on(error, hang=hangs)
        if hangs:
            time.sleep(1.0)
            _send(attempt.processes[0].pid, attempt.rng.choice((signal.SIGTERM, signal.SIGINT)))
            attempt.stop(PATIENCE)
    attempt.finish()


def truncated(attempt: Try) -> None:
    """A stored file has lost its end."""
    _stored(attempt, lambda content: content[: attempt.rng.randrange(max(1, len(content)))])


def flipped(attempt: Try) -> None:
    """A stored file has another bit."""
    _stored(
        attempt, lambda content: _flipped(content, attempt.rng.randrange(len(content))) if content else b"x"
    )


SIGNALS = (signal.SIGKILL, signal.SIGTERM, signal.SIGINT)
HARMS: dict[str, Callable[[Try], None]] = {
    **{
        f"{number.name} of {role}": kill(role, number)
        for role in (RUNNER, EXECUTOR, KERNEL)
        for number in SIGNALS
    },
    "out of memory": memory,
    "full disk": full,
    "read-only folders": read_only,
    "a file vanishes": vanishes,
    "a file changes": changes,
    "clock goes back": clock,
    "two at once": twice,
    "library edited": edit_library,
    "parameters edited": edit_parameters,
    "dead share": dead_share,
    "truncated": truncated,
    "flipped byte": flipped,
}
STORED = ("truncated", "flipped byte")  # done to what lies there, before the command
STOPPING = (
    "full disk",
    "dead share",
    "out of memory",
    "read-only folders",
)  # beside signals, what ends the work


def apply(name: str, stage_name: str, notebook: bool) -> bool:
    """Whether a harm can be done to a stage at all."""
    if stage_name == "record":
        return name in STORED
    if name.endswith("of kernel"):
        return notebook
    if name.endswith("of executor"):
        return notebook or stage_name in ("words", "site", "package")
    return not (stage_name == "verify" and name == "parameters edited")


# -- inside ------------------------------------------------------------------------------------
def _send(pid: int, number: int) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return


def _fill(file: Path, left: int) -> None:
    """Take all room but some bytes."""
    there = os.statvfs(file.parent)
    with file.open("wb") as stream:
        try:
            os.posix_fallocate(stream.fileno(), 0, max(1, there.f_bavail * there.f_frsize - left))
        except OSError:
            return  # it was taken meanwhile


def _put_back(aside: Path, file: Path) -> None:
    """A file that is there again; where its folder was made anew meanwhile, its next maker makes it."""
    if aside.exists():
        try:
            shutil.move(aside, file)
        except FileNotFoundError:
            aside.unlink()


def _flipped(content: bytes, at: int) -> bytes:
    return content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :] if content else b"\x01"


@contextmanager
def _time_kept(file: Path) -> Iterator[None]:
    """As a copying tool, or a disk, changes a file: its time stays."""
    before = file.stat()
    yield
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))


def _edited(attempt: Try, file: Path, more: str, soon: float = 0.0) -> None:
    """Add something to a file until the command has ended; in a share of tries only for a moment."""
    content = file.read_text("utf-8")
    attempt.start()
    try:
        if attempt.moment():
            attempt.told(file.name)
            file.write_text(content + more, "utf-8")
            if attempt.rng.random() < soon:
                time.sleep(GO_ON)
                file.write_text(content, "utf-8")
        attempt.finish()
    finally:
        if file.read_text("utf-8") != content:
            file.write_text(content, "utf-8")


def _stored(attempt: Try, spoil: Callable[[bytes], bytes]) -> None:
    files = [f for f in attempt.stage.stored(attempt.place) if f.is_file()]
    file = attempt.rng.choice(files)
    attempt.told(file.relative_to(attempt.place.root).as_posix())
    content = file.read_bytes()
    if attempt.rng.random() < 0.5:
        with _time_kept(file):
            file.write_bytes(spoil(content))
    else:
        file.write_bytes(spoil(content))
    attempt.hit = file.read_bytes() != content
    attempt.start()
    attempt.finish()
