"""One notebook of one variant in a process of its own, without a kernel: the same cells, and no exhibit shown.

The process is forked from one that has made all imports, so that a notebook costs what it estimates. What it
writes is what a kernel would have written: the cells, the library, the parameters and the inputs are the same
(``tests/chain/test_variants_of_a_study.py`` holds the files equal to the byte).
"""

from __future__ import annotations

import contextlib
import json
import os
import time
from pathlib import Path
from typing import Any

from workbook import files
from workbook.run import warm

VERDICT = "verdict.json"


def run(place: str) -> None:
    """Execute the cells of a job's notebook, and leave a verdict beside it.

    Parameters
    ----------
    place : str
        The job: ``cells`` (text and tags), ``parameters``, ``values``, ``folder``, ``build``, ``cwd``.
    """
    job = json.loads(Path(place).read_text(encoding="utf-8"))
    files.end_with(os.getppid())
    os.environ[warm.JOB], os.environ["FUSION_BUILD"] = place, job["build"]
    os.chdir(job["cwd"])
    began = time.monotonic()
    with open(os.devnull, "w") as nowhere, contextlib.redirect_stdout(nowhere), contextlib.redirect_stderr(nowhere):  # fmt: skip
        error = _executed(job)
    verdict = {"error": error, "seconds": round(time.monotonic() - began, 2)}
    files.write_atomic(Path(place).with_name(VERDICT), json.dumps(verdict, ensure_ascii=False))


def _executed(job: dict[str, Any]) -> dict[str, Any] | None:
    """Why the notebook stopped; None where it ran to its end."""
    import matplotlib as mpl

    mpl.use("Agg")
    space: dict[str, Any] = {"__name__": "__main__"}
    number = 0
    try:
        for number, (text, tags) in enumerate(job["cells"], 1):
            exec(compile(text, f"<cell {number}>", "exec"), space)
            if "parameters" in tags:
                space |= job["parameters"]
    except (Exception, SystemExit) as error:
        tags = job["cells"][number - 1][1]
        said = warm.words(error)
        return {"cell": number, "tag": (tags or [""])[0], "name": type(error).__name__, "said": said}
    return None
