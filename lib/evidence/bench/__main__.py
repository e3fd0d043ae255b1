"""``python -m evidence.bench [WORK …] [--rows N] [--repeat K] [--firms N …] [--out FILE]``: time works, keep tables."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from evidence.bench import BenchError, chain, works
from evidence.bench._runner import run, save
from workbook import paths

CHAIN = "chain"


def main() -> int:
    """Entry point; 2 for what the user can mend."""
    asked = _arguments()
    file = asked.out or paths.build() / "bench.csv"
    print(
        f"cores {os.cpu_count()}, load {os.getloadavg()[0]:.1f}; best of {asked.repeat}, in turn", flush=True
    )
    try:
        for work in asked.work or [w for w in works() if w != CHAIN]:
            if work == CHAIN:
                _chain(asked, file.with_name(f"{file.stem}_chain.csv"))
            else:
                _work(work, asked, file)
    except BenchError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


def _work(work: str, asked: argparse.Namespace, file: Path) -> None:
    found = run(work, asked.rows, asked.repeat, asked.folder)
    save(found, file)
    for row in found:
        print(
            f"{row['work']:<12} {row['rows']:>12,} rows  {row['contender']:<24} {row['seconds']:>9.3f} s"
            f"  x{row['ratio']:<7.2f} {row['peak_mb']:>8.0f} MB",
            flush=True,
        )
    print(f"table: {file}")


def _chain(asked: argparse.Namespace, file: Path) -> None:
    """One size after the other, kept at once: a larger one may need more than the machine has."""
    for firms in sorted(set(asked.firms or chain.SIZES)):
        chain.save(chain.measure([firms], asked.study, asked.folder, not asked.no_site), file)
        for row in (r for r in chain.kept(file) if (r["study"], r["firms"]) == (asked.study, str(firms))):
            print(
                f"{firms:>9,} firms  {row['step']:<18} {float(row['seconds']):>8.1f} s"
                f" {float(row['processor_seconds']):>8.1f} s of a processor {float(row['peak_mb']):>7,.0f} MB"
                f"  growth {row['time_exponent'] or '–':>5} {row['memory_exponent'] or '–':>5}",
                flush=True,
            )
    print(f"table: {file}")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m evidence.bench", description=__doc__)
    parser.add_argument(
        "work", nargs="*", help=f"all but {CHAIN} if none is named; there are: {', '.join(works())}"
    )
    parser.add_argument("--rows", type=int, help="size instead of each work's default")
    parser.add_argument("--repeat", type=int, default=3, help="rounds; the best counts (default 3)")
    parser.add_argument("--firms", type=int, nargs="+", help=f"{CHAIN}: sizes (default {chain.SIZES})")
    parser.add_argument("--study", default=chain.STUDY, help=f"{CHAIN}: a study with a made-up panel")
    parser.add_argument("--no-site", action="store_true", help=f"{CHAIN}: without the site")
    parser.add_argument("--out", type=Path, help="the table (default build/bench.csv)")
    parser.add_argument(
        "--folder", type=Path, help="where the inputs are made and removed (default: temporary)"
    )
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
