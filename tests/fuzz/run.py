"""Try many inputs of each kind: kind × (inputs, refused in words, results, failures, seconds), printed and kept.

python tests/fuzz/run.py [--tries N] [--first SEED] [--kind NAME …] [--more]
"""

from __future__ import annotations

import argparse
import csv
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from multiprocessing import get_context
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]
os.environ |= {"FUSION_LANGUAGE": "en", "OMP_NUM_THREADS": "1", "PYTHONWARNINGS": "ignore"}

from kinds import FILES, KINDS, READ, REFUSED, UNMADE, command, commanded, outcome  # noqa: E402 (paths first)

from workbook import paths  # noqa: E402

LINES, BLOCK = "command lines", 50
COLUMNS = ("kind", "inputs", "refused in words", "results", "failures", "slowest, s", "all, s")
# Of kinds that take long, a part of the tries.
# Tables take a third of a second each: the panel is read, typed and held to the contract. Other files take a hundredth.
PARTS = {f"{suffix[1:]}{how}": 3 for suffix in FILES for how in ("", " by adapter")} | {
    "first study": 12, "first study of a book": 12, "classified": 6, "classified book": 6, "lists": 2, LINES: 2
}  # fmt: skip
Block = tuple[str, int, int]  # kind, first seed, one after the last
Found = tuple[Block, Counter[str], list[float], list[str]]  # processor seconds of each


def block(which: Block, marks: str) -> Found:
    """Some inputs of a kind: what became of them, how long each took, what failed; a mark says which one is under way."""
    kind, first, end = which
    counts, seconds, wrong = Counter[str](), list[float](), list[str]()
    mark = Path(marks) / str(os.getpid())
    with tempfile.TemporaryDirectory(prefix="fusion_fuzz_") as folder:
        for seed in range(first, end):
            mark.write_text(f"{kind}\t{seed}", "utf-8")
            began = time.process_time()
            found = _one(kind, seed, Path(folder))
            seconds.append(time.process_time() - began)
            if found not in (REFUSED, READ, UNMADE):
                wrong.append(f"{kind} {seed}: {found}")
                found = "failed"
            counts[found] += 1
    mark.unlink()
    return which, counts, seconds, wrong


def _one(kind: str, seed: int, folder: Path) -> str:
    if kind != LINES:
        return outcome(kind, seed, folder)
    os.environ |= {"FUSION_BUILD": str(folder / "build"), "FUSION_SITE": str(folder / "site")}
    here = Path.cwd()
    os.chdir(folder)
    try:
        return commanded(command(seed))
    finally:
        os.chdir(here)


def tried(blocks: list[Block], workers: int) -> Iterator[Found]:
    """All blocks, side by side; an input that ends its process is found, told and left out."""
    with tempfile.TemporaryDirectory(prefix="fusion_fuzz_") as marks:
        while blocks:
            left = set(blocks)
            with (
                suppress(BrokenProcessPool),
                ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool,
            ):
                for done in as_completed([pool.submit(block, which, marks) for which in blocks]):
                    yield done.result()
                    left.discard(done.result()[0])
            ended = [mark.read_text("utf-8").split("\t") for mark in Path(marks).iterdir()]
            for mark in Path(marks).iterdir():
                mark.unlink()
            for kind, seed in ended:
                yield from _alone(left, kind, int(seed))
            blocks = sorted(left) if ended else []


def _alone(left: set[Block], kind: str, seed: int) -> Iterator[Found]:
    """Try one input in a process of its own; where that ends, tell it, and cut it out of its block."""
    words = [sys.executable, __file__, "--kind", kind, "--first", str(seed), "--tries", "1", "--workers", "0"]
    if subprocess.run(words, capture_output=True).returncode in (0, 1):
        return
    whole = next(b for b in left if b[0] == kind and b[1] <= seed < b[2])
    left.discard(whole)
    left |= {b for b in ((kind, whole[1], seed), (kind, seed + 1, whole[2])) if b[1] < b[2]}
    yield (kind, seed, seed + 1), Counter({"failed": 1}), [], [f"{kind} {seed}: its process ended"]


def rows(found: list[Found], before: list[dict[str, str]]) -> list[dict[str, object]]:
    """The table: a line a kind, with what an earlier table has."""
    known = {row["kind"]: row for row in before}
    made = []
    for kind in dict.fromkeys([*known, *(f[0][0] for f in found)]):
        parts = [f for f in found if f[0][0] == kind]
        counts = sum((f[1] for f in parts), Counter[str]())
        old = known.get(kind, dict.fromkeys(COLUMNS, "0"))
        new = (
            counts[REFUSED] + counts[READ] + counts["failed"],
            counts[REFUSED],
            counts[READ],
            counts["failed"],
        )
        numbers = [int(old[name]) + n for name, n in zip(COLUMNS[1:5], new, strict=True)]
        seconds = [s for f in parts for s in f[2]]
        slowest, spent = max([float(old[COLUMNS[5]]), *seconds]), float(old.get(COLUMNS[6], 0)) + sum(seconds)
        made.append(dict(zip(COLUMNS, [kind, *numbers, f"{slowest:.1f}", f"{spent:.1f}"], strict=True)))
    return made


def _shown(table: list[dict[str, object]]) -> str:
    total = {name: sum(int(str(row[name])) for row in table) for name in COLUMNS[1:5]}
    slowest = max((float(str(row[COLUMNS[5]])) for row in table), default=0.0)
    spent = sum(float(str(row[COLUMNS[6]])) for row in table)
    lines = [
        dict(zip(COLUMNS, COLUMNS, strict=True)),
        *table,
        {"kind": "all"} | total | {COLUMNS[5]: slowest, COLUMNS[6]: f"{spent:.1f}"},
    ]
    return "\n".join(
        f"{line['kind']!s:<24}" + "".join(f"{line[c]!s:>18}" for c in COLUMNS[1:]) for line in lines
    )


def main() -> int:
    """Run all kinds side by side."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--tries", type=int, default=1000, help="of each kind")
    parser.add_argument("--first", type=int, default=0, help="seed of the first")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--kind", nargs="*", default=[*KINDS, LINES])
    parser.add_argument("--more", action="store_true", help="add to the table that is there")
    parser.add_argument("--out", type=Path, default=paths.build() / "fuzz.csv")
    asked = parser.parse_args()
    blocks = []
    for kind in asked.kind:
        end = asked.first + -(-asked.tries // PARTS.get(kind, 1))
        starts = range(asked.first, end, BLOCK)
        blocks += [(kind, start, min(start + BLOCK, end)) for start in starts]
    if not asked.workers:  # in this process: its caller wants to know whether it ends
        with tempfile.TemporaryDirectory() as marks:
            return int(any(block(which, marks)[3] for which in blocks))
    found = []
    for done in tried(blocks, asked.workers):
        found.append(done)
        print("".join(f"{line}\n" for line in done[3]), end="", flush=True)
    before = []
    if asked.more and asked.out.is_file():
        with asked.out.open(encoding="utf-8", newline="") as stream:
            before = list(csv.DictReader(stream))
    table = rows(found, before)
    asked.out.parent.mkdir(parents=True, exist_ok=True)
    with asked.out.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(table)
    print(_shown(table))
    return int(any(wrong for *_, wrong in found))


if __name__ == "__main__":
    sys.exit(main())
