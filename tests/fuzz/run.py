"""Try many inputs of each kind, and say by kind how many were tried, how many failed, and how long the slowest took.

python tests/fuzz/run.py [--tries N] [--first SEED] [--kind NAME …]
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]
os.environ |= {"FUSION_LANGUAGE": "en", "OMP_NUM_THREADS": "1", "PYTHONWARNINGS": "ignore"}

from kinds import KINDS, command, commanded, failures  # noqa: E402 (paths first)

LINES, BLOCK = "command lines", 50
Found = tuple[str, int, float, list[str]]


def block(kind: str, seeds: range) -> Found:
    """Some inputs of a kind: how many there were, the slowest, what failed."""
    with tempfile.TemporaryDirectory(prefix="fusion_fuzz_") as folder:
        wrong, slowest, tries = [], 0.0, 0
        for seed in seeds:
            began = time.process_time()
            wrong += list(_one(kind, seed, Path(folder)))
            slowest, tries = max(slowest, time.process_time() - began), tries + 1
    return kind, tries, slowest, wrong


def _one(kind: str, seed: int, folder: Path) -> Iterator[str]:
    if kind != LINES:
        yield from failures(kind, range(seed, seed + 1), folder)
        return
    os.environ |= {"FUSION_BUILD": str(folder / "build"), "FUSION_SITE": str(folder / "site")}
    here = Path.cwd()
    os.chdir(folder)
    try:
        if wrong := commanded(command(seed)):
            yield f"{LINES} {seed}: {wrong}"
    finally:
        os.chdir(here)


def main() -> int:
    """Run all kinds side by side."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--tries", type=int, default=1000, help="of each kind")
    parser.add_argument("--first", type=int, default=0, help="seed of the first")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--kind", nargs="*", default=[*KINDS, LINES])
    asked = parser.parse_args()
    os.nice(10)
    starts = range(asked.first, asked.first + asked.tries, BLOCK)
    end = asked.first + asked.tries
    total: dict[str, list[Found]] = {kind: [] for kind in asked.kind}
    with ProcessPoolExecutor(asked.workers, mp_context=get_context("spawn"), max_tasks_per_child=40) as pool:
        under_way = [pool.submit(block, k, range(s, min(s + BLOCK, end))) for s in starts for k in asked.kind]
        for done in as_completed(under_way):
            found = done.result()
            total[found[0]].append(found)
            print("".join(f"{line}\n" for line in found[3]), end="", flush=True)
    print(f"{'kind':<22}{'tries':>8}{'failed':>8}{'slowest, s':>12}")
    for kind, parts in total.items():
        failed = sum(len(wrong) for *_, wrong in parts)
        print(f"{kind:<22}{sum(n for _, n, *_ in parts):>8}{failed:>8}{max(s for *_, s, _ in parts):>12.1f}")
    return int(any(wrong for parts in total.values() for *_, wrong in parts))


if __name__ == "__main__":
    sys.exit(main())
