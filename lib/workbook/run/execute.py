"""Execute one notebook in this process's own kernel: ``python -m workbook.run.execute JOB FD RUNNER``.

The runner starts one such process for each notebook, or has it forked with its kernel (see ``kernels.nursery``), often before
its inputs are there: the kernel makes its imports, and the first line on standard input says that the job's file is
written and may be read. The verdict goes back through a pipe (file descriptor FD), not a file, so that a full disk
cannot hide what happened.
"""

from __future__ import annotations

import asyncio
import json
import os
import resource
import shutil
import signal
import sys
import threading
import time
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import FrameType
from typing import Any

from workbook import files
from workbook.language import both, said
from workbook.run import warm
from workbook.run.kernels import forked

# What papermill's imports would load if they could, and nothing here uses: a grammar of internet addresses that
# takes seconds to build, their patterns, and Hadoop's file system. All are optional to those who import them.
if __name__ == "__main__":
    for optional in (*forked.OPTIONAL, "pyarrow"):
        sys.modules.setdefault(optional, None)  # type: ignore[arg-type]

from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.manager import AsyncKernelManager
from jupyter_core.utils import run_sync
from papermill.engines import NBClientEngine, papermill_engines
from papermill.exceptions import PapermillExecutionError

# A crowded machine takes a minute and more to start a process; a kernel that dies is noticed without this.
START_SECONDS = 300
ENGINE = "fusion"
TIMES = ("start_time", "end_time", "duration")
# An interprocess socket's path may have no more than 103 bytes on macOS, 107 on Linux.
SOCKET_PATH = 90
ARGUMENTS = [
    "--IPKernelApp.log_level=40",
    "--HistoryManager.enabled=False",
    "--IPKernelApp.extra_extensions=workbook.run.warm",
]


class Kernel(AsyncKernelManager):
    """A kernel of this environment's own interpreter, reached by local sockets where paths are short enough.

    Specifications that a user installed are not looked at: a ``python3`` of another environment would run
    the notebook with other packages and say nothing. Local sockets cannot collide as TCP ports do.
    """

    process: Any = None
    waiting: forked.Waiting | None = None  # one that was forked, with its imports made

    def __init__(self, **settings: Any) -> None:
        specs = KernelSpecManager(kernel_dirs=[])
        super().__init__(kernel_spec_manager=specs, **settings)
        socket = os.path.join(os.environ.get("JUPYTER_RUNTIME_DIR", "x" * SOCKET_PATH), f"k{os.getpid()}")
        if len(socket) < SOCKET_PATH:
            # Both are given, since the default is one name for all kernels of a working directory.
            self.transport, self.ip, self.connection_file = "ipc", socket, f"{socket}.json"

    async def _async_launch_kernel(self, kernel_cmd: list[str], **settings: Any) -> None:
        """Let a forked kernel be what the command would have started; where there is none, start it."""
        waiting, Kernel.waiting = Kernel.waiting, None
        if waiting is None or self.provisioner is None:
            return await super()._async_launch_kernel(kernel_cmd, **settings)
        waiting.go(kernel_cmd, settings["env"])
        vars(self.provisioner).update(process=waiting, pid=waiting.pid, pgid=waiting.pid)

    async def _async_post_start_kernel(self, **settings: Any) -> None:
        await super()._async_post_start_kernel(**settings)
        Kernel.process = getattr(self.provisioner, "process", None)


class Engine(NBClientEngine):
    """papermill's own engine with a kernel that is there already.

    It keeps hold of the notebook, which papermill drops when a kernel dies.
    """

    notebook: Any = None
    kernel: Kernel | None = None

    @classmethod
    def execute_managed_notebook(cls, nb_man: Any, kernel_name: str, **settings: Any) -> Any:
        """Run the cells (see papermill)."""
        Engine.notebook = nb_man.nb
        kernel, Engine.kernel = Engine.kernel, None
        return super().execute_managed_notebook(nb_man, kernel_name, km=kernel, **settings)


def execute(job: Mapping[str, Any]) -> dict[str, Any]:
    """Run a notebook and judge whether it finished.

    Parameters
    ----------
    job : dict
        ``source`` and ``target`` (paths of notebooks), ``folder`` (its working folder), ``name``,
        ``parameters``, ``writes`` (artefacts that must be there), ``cwd``.

    Returns
    -------
    dict
        ``error`` (None, or kind, cell, tag, name, value, ``said``: the value in both languages), ``peak_memory_mb`` of
        the kernel, ``processor_seconds`` of kernel and executor, ``full`` (whether the disk was full).
    """
    problem: BaseException | None = None
    for attempt in range(2):
        problem = _run(job)
        no_cell_ran = not any(c.get("execution_count") for c in _cells(Engine.notebook))
        if problem is None or isinstance(problem, PapermillExecutionError) or not no_cell_ran or attempt:
            break
        start_kernel()
    error = _judge(problem, Engine.notebook, job)
    _end_kernel()
    saved = _save(Engine.notebook, job)
    error = error or saved
    text = " ".join(str(v) for v in (error or {}).values())
    return {
        "error": error,
        "full": files.is_full(text),
        "peak_memory_mb": _peak_memory(),
        "processor_seconds": _processor_seconds(),
    }


def finished(notebook: Mapping[str, Any], folder: Path, name: str) -> dict[str, Any] | None:
    """Why an executed notebook may not be taken for done; None if it may.

    The last cell must be seen to have run (its tag is ``done``), no cell may be pending or failed, and the
    notebook's own record must be in its folder: neither papermill's silence nor an exit status is proof.
    """
    cells = [c for c in _cells(notebook) if c["cell_type"] == "code"]
    done = [c for c in cells if "done" in c["metadata"].get("tags", [])]
    for cell in cells:
        status = cell["metadata"].get("papermill", {}).get("status")
        exited = any(o.get("ename") == "SystemExit" for o in cell.get("outputs", []))
        if exited:
            value = said("run.exited")
            return _error("exit", cell, "SystemExit", value)
        if status in ("pending", "running", "failed") and _source(cell):
            return _error("unfinished", cell, "", said("run.left_cell", status=status))
    if len(done) != 1 or not done[0].get("execution_count"):
        return _error("unfinished", None, "", said("run.last_cell"))
    try:
        record = json.loads((folder / "done.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        return _error("unfinished", None, "", said("run.record", error=error))
    if record.get("notebook") != name:
        return _error("unfinished", None, "", said("run.other_record", other=record.get("notebook")))
    return None


def main(arguments: Sequence[str], kernel: forked.Waiting | None = None) -> int:
    """Read the job, execute it, send the verdict.

    Parameters
    ----------
    arguments : sequence of str
        The job's file, the descriptor of the verdict's pipe, the process that started this one.
    kernel : forked.Waiting, optional
        The kernel that is there already.
    """
    file, verdict, parent = arguments
    Kernel.process = Kernel.waiting = kernel
    signal.signal(signal.SIGTERM, _terminate)
    threading.Thread(target=_end_with, args=(int(parent), kernel is None), daemon=True).start()
    warnings.filterwarnings("ignore")
    start_kernel()
    import papermill  # noqa: F401 (while the kernel makes its own imports)

    papermill_engines.register(ENGINE, Engine)
    if not sys.stdin.readline():
        _end_kernel()
        return 0  # it is not needed after all
    job = json.loads(Path(file).read_text(encoding="utf-8"))
    with os.fdopen(int(verdict), "w", encoding="utf-8") as pipe:
        json.dump(execute(job), pipe)
    return 0


def start_kernel() -> None:
    """Start a kernel in the working directory; it imports what its notebook does (see ``warm``)."""
    Engine.kernel = Kernel(kernel_name="python3")
    run_sync(Engine.kernel.start_kernel)(extra_arguments=ARGUMENTS)


# -- inside ------------------------------------------------------------------------------------


def _run(job: Mapping[str, Any]) -> BaseException | None:
    """Execute through papermill; the exception, if there was one."""
    import papermill

    Engine.notebook = None
    try:
        papermill.execute_notebook(
            job["source"].replace("{", "{{").replace("}", "}}"),  # papermill fills in braces of paths
            None,
            parameters=dict(job["parameters"]),
            engine_name=ENGINE,
            kernel_name="python3",
            language="python",
            progress_bar=False,
            log_output=False,
            request_save_on_cell_execute=False,
            start_timeout=START_SECONDS,
            cwd=job["cwd"],
            coalesce_streams=True,
        )
    except (Exception, SystemExit, asyncio.CancelledError) as error:
        return error
    return None


def _judge(problem: BaseException | None, notebook: Any, job: Mapping[str, Any]) -> dict[str, Any] | None:
    if problem is None:
        return finished(notebook, Path(job["folder"]), job["name"])
    cell = _last_started(notebook)
    if isinstance(problem, PapermillExecutionError):
        error = _error("raised", cell, problem.ename, str(problem.evalue))
        return error | {"said": warm.told(Path(job["folder"])) or error["said"]}
    if type(problem).__name__ == "DeadKernelError":
        return _error("kernel died", cell, "DeadKernelError", _cause_of_death())
    return _error("not run", cell, type(problem).__name__, str(problem))


def _cause_of_death() -> str:
    code = Kernel.process.poll() if Kernel.process is not None else None
    if code is not None and code < 0:
        name = signal.Signals(-code).name
        hint = said("run.memory") if name == "SIGKILL" else ""
        return said("run.kernel_killed", name=name, hint=hint)
    return said("run.kernel_ended", code=code) if code is not None else said("run.kernel_died")


def _last_started(notebook: Any) -> Any:
    """The cell that was running when execution stopped."""
    started = [c for c in _cells(notebook) if c["metadata"].get("papermill", {}).get("start_time")]
    return started[-1] if started else None


def _error(kind: str, cell: Any, name: str, value: str) -> dict[str, Any]:
    tags = [t for t in (cell["metadata"].get("tags", []) if cell else []) if t != "injected-parameters"]
    return {
        "kind": kind,
        "cell": cell.get("execution_count") if cell else None,
        "tag": tags[0] if tags else "",
        "name": name,
        "value": files.scrub(value)[:2000],
        "said": both(value),
    }


def _save(notebook: Any, job: Mapping[str, Any]) -> dict[str, Any] | None:
    """Write the executed notebook, whole or not at all."""
    import nbformat

    if notebook is None:
        return None
    record = notebook.metadata.get("papermill", {})
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)
        if "injected-parameters" in cell.metadata.get("tags", []):
            cell.id = "injected-parameters"  # papermill gives it another one in every run
    for noted in (record, *(cell.metadata.get("papermill", {}) for cell in notebook.cells)):
        for name in TIMES:  # they stand in the study's record; the notebook is the same in every run
            noted.pop(name, None)
    record["input_path"], record["output_path"] = f"{job['name']}.ipynb", f"{job['name']}.ipynb"
    try:
        files.write_atomic(Path(job["target"]), nbformat.writes(notebook))
    except OSError as error:
        return _error("not saved", None, type(error).__name__, str(error))
    return None


def _peak_memory() -> float:
    """Largest resident set of the kernel, MB (10^6 bytes); Linux counts in KiB, macOS in bytes."""
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    return round(peak * (1 if sys.platform == "darwin" else 1024) / 1e6, 1)


def _processor_seconds() -> float:
    """Processor time of this process and its kernel: on a busy machine the clock says little."""
    both = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return round(sum(one.ru_utime + one.ru_stime for one in both), 2)


def _cells(notebook: Any) -> list[Any]:
    return list(notebook["cells"]) if notebook is not None else []


def _source(cell: Mapping[str, Any]) -> str:
    return "".join(cell["source"]).strip()


def _end_kernel() -> None:
    """Kill the kernel with all it started: it leads a process group of its own."""
    if Kernel.process is not None and Kernel.process.poll() is None:
        os.killpg(Kernel.process.pid, signal.SIGKILL)
        Kernel.process.wait()


def _terminate(number: int, frame: FrameType | None) -> None:
    _end_kernel()
    os._exit(128 + number)


def _end_with(parent: int, runner: bool) -> None:
    """End when the runner is gone, so that nothing outlives a killed run, nor its folder of sockets.

    The runner says who it is: one killed while this process was still importing is no parent that could be asked for.
    Where the parent is a nursery, the runner may be there still, and needs its folder.
    """
    while os.getppid() == parent:
        time.sleep(0.5)
    _end_kernel()
    if runner:
        shutil.rmtree(os.environ["JUPYTER_RUNTIME_DIR"], ignore_errors=True)
    os._exit(1)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
