"""A place for tries: a copy of the project, a small file system, what an undisturbed run left, and how to look at it."""

from __future__ import annotations

import atexit
import fcntl
import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

import psutil

from workbook import cli, paths
from workbook.review.compare.reproduce import MOMENTS

TOKEN = "FUSION_FAULTS"  # by which the processes of a try are known, whoever their parent is by now
SIZE = 700_000_000  # bytes of a place's own file system
# Why a notebook ran, and what it was called by, differ where a run was disturbed.
NOT_COMPARED = {*MOMENTS, "reason", "digest"}
NEW_BRANCH = ("init", "-q", "-b", "main")
AUTHOR = {"GIT_AUTHOR_DATE": "2026-01-01T00:00:00Z", "GIT_COMMITTER_DATE": "2026-01-01T00:00:00Z"}


@dataclass
class Place:
    """Where one worker does its tries.

    Parameters
    ----------
    root : Path
        Its folder, which has a file system of its own if one can be mounted.
    real : dict
        ``full``, ``read-only``: whether the system itself does it here, or a library that is put before C's.
    """

    root: Path
    real: dict[str, bool] = field(default_factory=dict)

    @property
    def project(self) -> Path:
        """A copy of the project, with a history of its own."""
        return self.root / "p"

    @property
    def build(self) -> Path:
        """What the tries build."""
        return self.root / "b"

    @property
    def site(self) -> Path:
        """The site that they build."""
        return self.root / "s"

    @property
    def temporary(self) -> Path:
        """For temporary folders; its name is short, since sockets lie in it."""
        return self.root / "t"

    @property
    def flag(self) -> Path:
        """What the library that is put before C's is told."""
        return self.root / "flag"

    @property
    def ballast(self) -> Path:
        """A file that fills the file system."""
        return self.root / "ballast"

    @property
    def log(self) -> Path:
        """What commands say; not on the file system that is filled."""
        return self.root.with_suffix(".log")

    def open(self, project: Path) -> None:
        """Mount the file system, copy a copy of the project, compile what is put before C's library."""
        self.root.mkdir(parents=True)
        mount = ["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", str(self.root)]
        self.real["full"] = _works(mount)
        self.temporary.mkdir()
        subprocess.run(["cp", "-a", str(project), str(self.project)], check=True)
        mark = ["chattr", "+i", str(self.temporary)]
        self.real["read-only"] = _works(mark) and _works(["chattr", "-i", str(self.temporary)])
        source = Path(__file__).with_name("shim.c")
        self.real["shim"] = _works(
            ["cc", "-shared", "-fPIC", "-O1", "-o", str(self.root / "shim.so"), str(source)]
        )

    def close(self) -> None:
        """Take all of it away."""
        if self.real.get("full"):
            subprocess.run(["umount", "-l", str(self.root)], check=False)
        shutil.rmtree(self.root, ignore_errors=True)
        self.log.unlink(missing_ok=True)

    def reset(self, base: Path) -> None:
        """Put back what an undisturbed run left, and nothing else."""
        for folder in (self.build, self.site, self.temporary):
            shutil.rmtree(folder, ignore_errors=True)
        for folder in (self.build, self.site):
            if (base / folder.name).is_dir():
                subprocess.run(["cp", "-a", str(base / folder.name), str(folder)], check=True)
        for folder in (self.build, self.temporary):
            folder.mkdir(exist_ok=True)
        for file in (self.flag, self.ballast):
            file.unlink(missing_ok=True)

    def environment(self) -> dict[str, str]:
        """Environment of what is started here."""
        preload = {"LD_PRELOAD": str(self.root / "shim.so")} if self.real["shim"] else {}
        return preload | {
            "FUSION_BUILD": str(self.build),
            "FUSION_SITE": str(self.site),
            "FUSION_LANGUAGE": "en",
            "FUSION_SHIM": str(self.flag),
            "FUSION_SHIM_PREFIX": str(self.build),
            "OMP_NUM_THREADS": "1",
            "PYTHONPATH": str(self.project / "lib"),
            "TMPDIR": str(self.temporary),
        }

    def start(self, command: Iterable[str], token: str) -> Forked:
        """Start a command as a fork of this process, which runs in the project's copy and has its imports made."""
        pid = os.fork()
        if not pid:
            _command([*command], token, self.log)
        return Forked(pid)


class Forked:
    """A forked process, asked as one of :mod:`subprocess` is."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.returncode: int | None = None

    def poll(self) -> int | None:
        """Its exit status, once it has ended."""
        if self.returncode is None:
            done, status = os.waitpid(self.pid, os.WNOHANG)
            if done:
                self.returncode = os.waitstatus_to_exitcode(status)
        return self.returncode

    def wait(self, seconds: float) -> int:
        """Its exit status; it is killed when it has not ended in time."""
        end = time.monotonic() + seconds
        while self.poll() is None:
            if time.monotonic() > end:
                os.kill(self.pid, signal.SIGKILL)
            time.sleep(0.03)
        return self.returncode or 0


def base(folder: Path, place: Place, commands: Iterable[tuple[str, ...]]) -> dict[str, float]:
    """Run commands undisturbed and keep what they left; CPU seconds by command and by notebook."""
    told, now = folder / "seconds.json", _commit(place.project)
    if told.is_file() and (found := json.loads(told.read_text("utf-8")))["commit"] == now:
        return dict(found["seconds"])
    shutil.rmtree(folder, ignore_errors=True)
    seconds: dict[str, float] = {}
    place.reset(folder)
    for command in commands:
        place.log.unlink(missing_ok=True)
        begun = time.monotonic()
        process = place.start(command, "base")
        for name, spent in _followed(process, place.log):
            seconds[name or command[0]] = round(spent, 2)
        if process.returncode:
            raise RuntimeError(place.log.read_text("utf-8")[-3000:])
        print(f"{' '.join(command)}: {time.monotonic() - begun:.0f} s undisturbed", flush=True)
    folder.mkdir(parents=True, exist_ok=True)
    for made in (place.build, place.site):
        if made.is_dir():
            subprocess.run(["cp", "-a", str(made), str(folder / made.name)], check=True)
    told.write_text(json.dumps({"commit": now, "seconds": seconds}), "utf-8")
    return seconds


def digests(folder: Path) -> dict[str, str]:
    """Hash of every result below a folder; of a record, without times. Nothing of what runs keep for themselves."""
    found = {}
    for file in sorted(folder.rglob("*")):
        inside = file.relative_to(folder)
        if file.is_file() and not any(part.startswith(".") for part in inside.parts):
            found[inside.as_posix()] = digest(file)
    return found


def digest(file: Path) -> str:
    """Hash of a file; of a record, without times."""
    content = file.read_bytes()
    if file.name == "manifest.json":
        content = json.dumps(_timeless(json.loads(content)), sort_keys=True).encode()
    return hashlib.sha256(content).hexdigest()


def family(token: str, leaders: set[int]) -> list[psutil.Process]:
    """Processes of a try that still run: those that bear its token, or are of its commands' sessions."""
    found = []
    for process in psutil.process_iter():
        try:
            mine = os.getsid(process.pid) in leaders or process.environ().get(TOKEN) == token
            if mine and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except (psutil.Error, ProcessLookupError):
            continue
    return found


def spent(pid: int) -> float:
    """CPU seconds of a process and all below it, also of those that ended."""
    try:
        first = psutil.Process(pid)
        members = [first, *first.children(recursive=True)]
    except psutil.Error:
        return 0.0
    total = 0.0
    for member in members:
        try:
            times = member.cpu_times()
        except psutil.Error:
            continue
        total += times.user + times.system + times.children_user + times.children_system
    return total


def ready(processes: Iterable[psutil.Process]) -> bool:
    """Whether one of them runs, waits for a disk, or would run if a busy machine gave it a processor."""
    for process in processes:
        with suppress(psutil.Error):
            if process.status() in (psutil.STATUS_RUNNING, psutil.STATUS_DISK_SLEEP):
                return True
    return False


def free(lock: Path) -> bool:
    """Whether nobody holds a lock."""
    if not lock.is_file():
        return True
    with lock.open("a") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
    return True


# -- inside ------------------------------------------------------------------------------------
def _command(words: list[str], token: str, log: Path) -> NoReturn:
    """In a fork: be the command, to its end."""
    code = 1
    try:
        os.setsid()
        signal.signal(signal.SIGINT, signal.default_int_handler)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        tempfile.tempdir = None
        os.environ[TOKEN] = token
        heard = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.dup2(heard, 1)
        os.dup2(heard, 2)
        sys.argv = ["fusion", *words]
        cli.main()
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(bool(end.code))
    except BaseException:
        traceback.print_exc()
    finally:
        try:
            sys.stdout.flush()
            sys.stderr.flush()
            atexit._run_exitfuncs()
        finally:
            os._exit(code)


def _timeless(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _timeless(v) for k, v in value.items() if k not in NOT_COMPARED}
    return [_timeless(v) for v in value] if isinstance(value, list) else value


def _works(command: list[str]) -> bool:
    try:
        return subprocess.run(command, capture_output=True).returncode == 0
    except OSError:
        return False


def _commit(project: Path) -> str:
    """What the copy is a copy of: its commit, which depends on nothing else."""
    done = subprocess.run(
        ["git", "rev-parse", "HEAD"], cwd=project, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def copy_project(target: Path) -> None:
    """Copy what git knows of the project, with what Python compiled of it, and commit it anew."""
    listed = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(listed, cwd=paths.ROOT, capture_output=True, text=True, check=True).stdout
    for name in filter(None, names.split("\0")):
        if not name.startswith("tests/") and (paths.ROOT / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(paths.ROOT / name, target / name)
    for made in (paths.ROOT / "lib").rglob("__pycache__"):
        shutil.copytree(made, target / made.relative_to(paths.ROOT), dirs_exist_ok=True)
    who = ["-c", "user.name=faults", "-c", "user.email=faults@localhost"]
    for words in (NEW_BRANCH, ("add", "-A"), (*who, "commit", "-q", "-m", "as it is")):
        subprocess.run(["git", *words], cwd=target, check=True, env={**os.environ, **AUTHOR})


def _followed(process: Forked, log: Path) -> Iterator[tuple[str, float]]:
    """Each notebook that a command reports as done, and the command itself, with the CPU seconds it took."""
    before = last = 0.0
    known: list[str] = []
    while process.poll() is None:
        last = max(last, spent(process.pid))
        lines = log.read_text("utf-8", "replace").splitlines() if log.is_file() else []
        for name in (words[1] for line in lines if len(words := line.split()) > 2 and words[2] == "done"):
            if name not in known:
                known.append(name)
                yield name, last - before
                before = last
        time.sleep(0.2)
    yield "", last
