"""The operating-system process that executes one notebook."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from workbook import files, paths
from workbook.language import VARIABLE, both, current, said
from workbook.run import warm
from workbook.run.kernels.nursery import Child, Nursery
from workbook.run.preflight import Plan
from workbook.run.state import Place

THREADS = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "NUMBA_NUM_THREADS",
    "RAYON_NUM_THREADS",
)
GRACE_SECONDS = 3.0
SHARE = 0.8  # of the machine's memory, for the databases of all notebooks that run at a time
LOW = 0.08  # of it: what is left when a run says that memory runs short
PAUSE = 1.0  # seconds between two looks
GROUPS = Path("/sys/fs/cgroup")
# A container's limit, what it holds, and what of that could be given back, in both forms that Linux has.
FORMS = (
    ("memory.max", "memory.current", "memory.stat", "inactive_file"),
    (
        "memory/memory.limit_in_bytes",
        "memory/memory.usage_in_bytes",
        "memory/memory.stat",
        "total_inactive_file",
    ),
)


class Job:
    """A notebook's process, in a process group of its own.

    It starts with its kernel's imports, or as a fork of one that has made them; ``begin`` hands it the work, which may
    be much later.
    """

    def __init__(
        self, study: str, plan: Plan, place: Place, runtime: Path, nursery: Nursery | None = None
    ) -> None:
        self.study, self.plan, self.place = study, plan, place
        self.seconds = self.begun = 0.0
        self.said = tempfile.TemporaryFile(dir=runtime)  # noqa: SIM115 (closed with the job)
        receive, send = os.pipe()
        try:
            forked = self._fork(nursery, send) if nursery is not None else None
            self.process: Any = forked or self._start(runtime, send)
        finally:
            os.close(send)
        self.pipe = os.fdopen(receive, encoding="utf-8")

    def _start(self, runtime: Path, send: int) -> subprocess.Popen[bytes]:
        modules = ",".join(warm.modules(self.plan.content))
        return subprocess.Popen(
            [sys.executable, "-m", "workbook.run.execute", str(self.place.job), str(send), str(os.getpid())],
            cwd=paths.ROOT,
            env=environment(runtime) | {warm.JOB: str(self.place.job), warm.MODULES: modules},
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=self.said,
            pass_fds=(send,),
            start_new_session=True,
        )

    def _fork(self, nursery: Nursery, send: int) -> Child | None:
        """A fork of the process that has made the imports; none if that is gone."""
        read, write = os.pipe()
        task = {"arguments": [str(self.place.job)], "environment": {warm.JOB: str(self.place.job)}}
        try:
            child = nursery.fork(task, (read, self.said.fileno(), send))
        finally:
            os.close(read)
        line = os.fdopen(write, "wb")
        if child is None:
            line.close()
        else:
            child.stdin = line
        return child

    def begin(self) -> None:
        """Write what it is to do, and let it start."""
        self.begun = time.monotonic()
        task = {
            "study": self.study,
            "name": self.plan.name,
            "folder": str(self.place.work),
            "source": str(self.place.source),
            "target": str(self.place.work_file),
            "parameters": dict(self.plan.parameters),
            "values": dict(self.plan.values),
            "cwd": str(paths.ROOT),
        }
        files.write_atomic(self.place.source, json.dumps(self.plan.content, ensure_ascii=False))
        files.write_atomic(self.place.job, json.dumps(task, ensure_ascii=False))
        if self.process.stdin is not None:
            with suppress(BrokenPipeError), self.process.stdin as line:  # if it is gone, the verdict says why
                line.write(b"go\n")

    def ended(self) -> bool:
        """Whether the process is gone."""
        if self.process.poll() is None:
            return False
        self.seconds = time.monotonic() - self.begun
        return True

    def verdict(self) -> dict[str, Any]:
        """What the process sent, if its exit status is good; otherwise what became of it."""
        with self.pipe, self.said:
            text = self.pipe.read()
            with suppress(ValueError):
                if self.process.returncode == 0:
                    return dict(json.loads(text))
            self.said.seek(0)
            words = self.said.read().decode("utf-8", "replace")
        end_all(
            warm.JOB, str(self.place.job), self.process.pid
        )  # its kernel notices only later that it is alone
        last = words.strip().splitlines()[-1:] or [said("run.silent")]
        status = self.process.returncode
        how = (
            said("run.killed", name=signal.Signals(-status).name)
            if status < 0
            else said("run.status", status=status)
        )
        value = files.scrub(said("run.ended_early", how=how, last=last[0]))
        error = {"kind": "process", "cell": None, "tag": "", "name": "", "value": value, "said": both(value)}
        return {"error": error, "full": files.is_full(words)}

    def end(self) -> None:
        """End the process, its kernel, and whatever that started."""
        family = list(_family(self.process.pid))
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(GRACE_SECONDS)
        for member in family:
            with suppress(Exception):  # gone already
                member.kill()
        self.process.wait()
        if self.process.stdin is not None:
            with suppress(BrokenPipeError):
                self.process.stdin.close()
        self.pipe.close()
        self.said.close()


class Watch:
    """Looks after memory, and says once that it runs short: a process that is killed can say nothing."""

    busy = 0.0  # until when notebooks are looked after, whose names say more than the command's

    def __init__(self) -> None:
        self.due, self.told = 0.0, False

    def look(self, running: Mapping[str, Job]) -> None:
        """Look after notebooks, at most once a second."""
        if self.told or time.monotonic() < self.due or not running:
            return
        self.due = time.monotonic() + PAUSE
        Watch.busy = self.due + 2 * PAUSE
        self._say({name: job.process.pid for name, job in running.items()})

    def all_along(self, name: str) -> None:
        """Look after this process and all below it, whatever it does, until it ends."""
        while not self.told:
            time.sleep(PAUSE)
            if time.monotonic() > Watch.busy:
                self._say({name: os.getpid()})

    def _say(self, pids: Mapping[str, int]) -> None:
        if (free := left()) >= LOW * whole():
            return
        self.told = True
        held = {name: _held(pid) for name, pid in pids.items()}
        most = max(held, key=lambda name: held[name])
        words = {"free": free / 1e9, "whole": whole() / 1e9, "notebook": most, "held": held[most] / 1e9}
        print(said("run.memory_low", **words), file=sys.stderr, flush=True)


def whole() -> int:
    """Bytes of memory that the machine has, or the container that this runs in."""
    import psutil

    return min([int(psutil.virtual_memory().total), *(limit for limit, _ in _group())])


def left() -> int:
    """Bytes of it that are free, or could be at once."""
    import psutil

    return min([int(psutil.virtual_memory().available), *(limit - used for limit, used in _group())])


def _group() -> Iterator[tuple[int, int]]:
    for limit, used, stat, idle in FORMS:
        with suppress(OSError, ValueError, KeyError):
            counts = dict(line.split() for line in (GROUPS / stat).read_text().splitlines())
            yield int((GROUPS / limit).read_text()), int((GROUPS / used).read_text()) - int(counts[idle])


def _held(pid: int) -> int:
    """Bytes of a process and all below it."""
    total = 0
    for member in _family(pid):
        with suppress(Exception):  # gone already
            total += int(member.memory_info().rss)
    return total


def end_all(variable: str, value: str, session: int | None = None) -> None:
    """End the processes that belong to something that is over, by their environment or by their session.

    A forked one's environment is that of what it was forked of; a session's number is no other's while one lives in it.
    """
    import psutil

    left = []
    for process in psutil.process_iter():
        with suppress(psutil.Error, OSError):
            mine = process.environ().get(variable) == value or os.getsid(process.pid) == session
            if process.pid != os.getpid() and mine:
                process.kill()
                left.append(process)
    psutil.wait_procs(left, GRACE_SECONDS)


def _family(pid: int) -> Iterator[Any]:
    """The process and all below it: a kernel leads a session of its own, out of the group's reach."""
    import psutil

    with suppress(psutil.NoSuchProcess):
        parent = psutil.Process(pid)
        yield from parent.children(recursive=True)
        yield parent


def environment(runtime: Path) -> dict[str, str]:
    """Environment of the notebooks' processes, but for each one's job: nothing of the user's own IPython or Jupyter settings."""
    return {
        **os.environ,
        # A sum that is split over threads has other last digits with their number, which is that of cores and jobs.
        **dict.fromkeys(THREADS, "1"),
        VARIABLE: current(),
        "FUSION_BUILD": str(paths.build().absolute()),
        "IPYTHONDIR": str(runtime / "ipython"),
        "JUPYTER_RUNTIME_DIR": str(runtime),
        # What a kernel that is killed leaves behind goes with the run.
        "TMPDIR": str(runtime),
        "JUPYTER_NO_CONFIG": "1",
        "JUPYTER_PLATFORM_DIRS": "1",
        "PYTHONHASHSEED": "0",
        "PYDEVD_DISABLE_FILE_VALIDATION": "1",
    }
