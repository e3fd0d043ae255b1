"""``python -m evidence.bench [WORK …] [--rows N] [--repeat K] [--out FILE]``: time works, keep the table."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from evidence.bench import BenchError, works
from evidence.bench._runner import run, save
from workbook import paths


def main() -> int:
    """Entry point; 2 for what the user can mend."""
    asked = _arguments()
    file = asked.out or paths.build() / "bench.csv"
    print(
        f"cores {os.cpu_count()}, load {os.getloadavg()[0]:.1f}; best of {asked.repeat}, in turn", flush=True
    )
    for work in asked.work or works():
        try:
            found = run(work, asked.rows, asked.repeat, asked.folder)
        except BenchError as error:
            print(error, file=sys.stderr)
            return 2
        save(found, file)
        for row in found:
            print(
                f"{row['work']:<12} {row['rows']:>12,} rows  {row['contender']:<24} {row['seconds']:>9.3f} s"
                f"  x{row['ratio']:<7.2f} {row['peak_mb']:>8.0f} MB",
                flush=True,
            )
    print(f"table: {file}")
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m evidence.bench", description=__doc__)
    parser.add_argument("work", nargs="*", help=f"all if none is named; there are: {', '.join(works())}")
    parser.add_argument("--rows", type=int, help="size instead of each work's default")
    parser.add_argument("--repeat", type=int, default=3, help="rounds; the best counts (default 3)")
    parser.add_argument("--out", type=Path, help="the table (default build/bench.csv)")
    parser.add_argument(
        "--folder", type=Path, help="where the inputs are made and removed (default: temporary)"
    )
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
