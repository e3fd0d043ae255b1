"""One contender in a process of its own: prints seconds, peak memory and its numbers as JSON."""

from __future__ import annotations

import importlib
import json
import resource
import sys
import time
from pathlib import Path


def peak_mb() -> float:
    """Peak resident memory of this process, in MB (10^6 bytes).

    Linux's high-water mark of the address space is used where there is one: what `getrusage` gives is
    inherited from the process that started this one.
    """
    status = Path("/proc/self/status")
    if status.is_file():
        line = next(x for x in status.read_text().splitlines() if x.startswith("VmHWM"))
        return int(line.split()[1]) * 1024 / 1e6
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6


def main(work: str, name: str, folder: str, rows: str) -> None:
    """Ready the contender, time it, report."""
    contender = importlib.import_module(f"evidence.bench.{work}").CONTENDERS[name]
    timed = contender(Path(folder), int(rows))
    start = time.perf_counter()
    numbers = timed()
    seconds = time.perf_counter() - start
    print(json.dumps({"seconds": seconds, "peak_mb": peak_mb(), "numbers": numbers or {}}))


if __name__ == "__main__":
    main(*sys.argv[1:])
